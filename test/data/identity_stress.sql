-- identity_stress.sql: a small crowd whose records collide, for tests that
-- ingest from many sessions at once.
--
-- Message r is the same record whoever asks for it, so a client's list of what
-- it sent is a list of numbers, and another store can be given the same.
-- People are picked by a power law: a few are in every second record.
-- Households share devices, everybody uses the kiosks, some values are junk,
-- some records mix two people up.

CREATE SCHEMA stress;

UPDATE cdp.source SET own_user_ids = true WHERE name = 'till';

-- A number from 0 to below n, mostly a small one if skew is above 1.
CREATE FUNCTION stress.pick(r bigint, salt integer, n integer, skew float8 DEFAULT 1)
RETURNS integer LANGUAGE sql IMMUTABLE
RETURN floor(n * ((hashint8extended(r, salt) & 16777215) / 16777216.0) ^ skew)::integer;

-- Its identifiers, as they are stored: type:value, or type:source/value.
CREATE FUNCTION stress.message(r bigint, OUT source text, OUT ids text[])
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	person integer := stress.pick(r, 1, 600, 2.5);
	other integer := stress.pick(r, 2, 600);
	kind integer := stress.pick(r, 3, 100);
	cookie text := format('anonymous_id:c%s-%s', person, stress.pick(r, 4, 4, 2));
	user_id text := 'user_id:u' || person;
	email text := format('email:p%s@x.de', person);
	phone text := 'phone:+49301' || 200000 + person;
BEGIN
	source := CASE WHEN kind < 60 THEN 'web' WHEN kind < 72 THEN 'app'
		WHEN kind < 80 THEN CASE stress.pick(r, 5, 2) WHEN 0 THEN 'crm_north' ELSE 'crm_south' END
		WHEN kind < 86 THEN 'till' WHEN kind < 90 THEN 'dmp' ELSE 'web' END;
	ids := CASE
		WHEN kind < 25 THEN ARRAY[cookie]
		WHEN kind < 45 THEN ARRAY[user_id, cookie]
		WHEN kind < 60 THEN ARRAY[email, cookie]
		WHEN kind < 72 THEN ARRAY[user_id, 'device_id:d' || person / 2]
		WHEN kind < 80 THEN ARRAY[format('crm_id:%s/%s', source, person), email, phone]
		WHEN kind < 86 THEN ARRAY[format('user_id:%s/%s', source, person), phone]
		WHEN kind < 90 THEN ARRAY[format('third_party_id:%s/t%s', source, person / 3), cookie]
		WHEN kind < 93 THEN ARRAY['device_id:kiosk' || person % 2, CASE person % 3 WHEN 0 THEN cookie ELSE user_id END]
		WHEN kind < 95 THEN ARRAY[cookie, CASE person % 3 WHEN 0 THEN 'email:noreply@x.de'
			WHEN 1 THEN 'user_id:guest' ELSE 'phone:+49300000000' END]
		WHEN kind < 96 THEN ARRAY[format('anonymous_id:c%s-0', other), cookie]
		WHEN kind < 97 THEN ARRAY[format('email:p%s@x.de', other), phone]
		WHEN kind < 98 THEN ARRAY[user_id, 'user_id:u' || other, cookie]
		ELSE ARRAY[cookie] END;
	ids := ARRAY(SELECT DISTINCT id FROM unnest(ids) AS id ORDER BY id);
END
$$;

CREATE FUNCTION stress.record(r bigint, ids text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_build_object('type', 'track', 'event', 'sign_in', 'messageId', 'm' || r,
		'timestamp', to_char(timestamp '2026-01-01' + make_interval(secs => stress.pick(r, 6, 12000000)),
			'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
		'externalIds', jsonb_agg(jsonb_build_object('type', split_part(id, ':', 1),
			'id', regexp_replace(id, '^[a-z_]*:(crm_north/|crm_south/|till/|dmp/)?', ''))))
	FROM unnest(ids) AS id
$$;

-- What clients know they sent: filled by the transaction that sends.
CREATE TABLE stress.sent (r bigint, source text, ids text[]);

CREATE FUNCTION stress.single(r bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	message record := stress.message(r);
BEGIN
	INSERT INTO stress.sent VALUES (r, message.source, message.ids);
	PERFORM cdp.ingest(message.source, stress.record(r, message.ids));
END
$$;

-- Up to n messages of one source, in no order.
CREATE FUNCTION stress.batch(r bigint, n integer, messages integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	chosen record := stress.message(r);
	records jsonb;
BEGIN
	WITH listed AS (
		SELECT number, message.*
		FROM generate_series(1, 4 * n) AS i,
			LATERAL (SELECT 1 + stress.pick(r, 100 + i, messages) AS number) AS candidate,
			LATERAL stress.message(number) AS message
		WHERE message.source = chosen.source
		LIMIT n
	), noted AS (
		INSERT INTO stress.sent SELECT number, source, ids FROM listed
	)
	SELECT jsonb_agg(stress.record(number, ids)) INTO records FROM listed;
	PERFORM cdp.ingest_batch(chosen.source, coalesce(records, '[]'));
END
$$;

-- Identifiers as stewards write them.
CREATE VIEW stress.known AS
SELECT identifier_id, type || ':' || coalesce(nullif(identifier.scope, '') || '/', '') || value AS id
FROM cdp.identifier JOIN cdp.identifier_type USING (type_id);

CREATE FUNCTION stress.decide(r bigint, reason text) RETURNS bigint LANGUAGE sql AS $$
	SELECT cdp.decide(a.id, b.id, verdict, $2)
	FROM (SELECT CASE stress.pick($1, 1, 4) WHEN 0 THEN 'always' ELSE 'never' END AS verdict,
		stress.pick($1, 2, (SELECT max(identifier_id)::integer FROM cdp.identifier)) AS chosen) AS choice
	JOIN cdp.identifier ON identifier_id = chosen
	JOIN stress.known AS a USING (identifier_id)
	JOIN LATERAL (SELECT other.identifier_id FROM cdp.identifier AS other
		WHERE other.identifier_id <> chosen AND (verdict = 'always' OR other.leaf = identifier.leaf)
		ORDER BY hashint8extended(other.identifier_id, r) LIMIT 1) AS found ON true
	JOIN stress.known AS b ON b.identifier_id = found.identifier_id
$$;

CREATE FUNCTION stress.unmerge(r bigint, reason text) RETURNS bigint LANGUAGE sql AS $$
	SELECT cdp.unmerge(root, ids[: stress.pick($1, 1, cardinality(ids) - 1) + 1], $2)
	FROM (SELECT root, array_agg(id ORDER BY hashint8extended(identifier_id, $1)) AS ids
		FROM cdp.identifier JOIN cdp.profile ON profile_id = leaf JOIN stress.known USING (identifier_id)
		GROUP BY root HAVING count(*) > 2
		ORDER BY hashint8extended(root, $1) LIMIT 1) AS chosen
$$;

-- A steward's working day: all that can be done, and undone.
CREATE FUNCTION stress.steward(r bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	deed integer := stress.pick(r, 10, 20);
	reason text := 'message ' || r;
	device text := 'd' || stress.pick(r, 11, 5);
BEGIN
	CASE
	WHEN deed < 6 THEN PERFORM stress.decide(r, reason);
	WHEN deed < 10 THEN PERFORM cdp.undecide(decision_id, reason)
		FROM (SELECT decision_id FROM cdp.decision WHERE withdrawn_by IS NULL
			ORDER BY hashint8extended(decision_id, r) LIMIT 1) AS chosen;
	WHEN deed < 11 THEN PERFORM stress.unmerge(r, reason);
	WHEN deed < 12 THEN PERFORM cdp.undo_action(action_id, reason)
		FROM (SELECT action_id FROM cdp.steward_action
			WHERE action NOT IN ('block', 'unblock', 'change_rules') AND action_id NOT IN (
				SELECT (detail ->> 'action_id')::bigint FROM cdp.steward_action WHERE detail ? 'action_id')
			ORDER BY hashint8extended(action_id, r) LIMIT 1) AS chosen;
	WHEN deed < 15 THEN PERFORM cdp.retract(set_id, reason)
		FROM (SELECT set_id FROM cdp.identifier_set WHERE NOT retracted
			ORDER BY hashint8extended(set_id, r) LIMIT 1) AS chosen;
	WHEN deed < 17 THEN PERFORM cdp.unretract(set_id, reason)
		FROM (SELECT set_id FROM cdp.identifier_set WHERE retracted
			ORDER BY hashint8extended(set_id, r) LIMIT 1) AS chosen;
	WHEN deed < 18 THEN PERFORM cdp.block_value('device_id', device);
	WHEN deed < 19 THEN PERFORM cdp.unblock_value('device_id', device);
	ELSE UPDATE cdp.identifier_type SET max_per_profile = 1 + stress.pick(r, 12, 3) WHERE type = 'email';
	END CASE;
EXCEPTION
	-- decisions that contradict each other, values that are blocked meanwhile
	WHEN object_not_in_prerequisite_state OR invalid_parameter_value THEN
		NULL;
END
$$;

-- Identifiers that were sent and are in no set of their record's source.
CREATE FUNCTION stress.lost() RETURNS bigint LANGUAGE sql AS $$
	WITH wanted AS (
		SELECT r, source, array_agg(identifier_id ORDER BY identifier_id) AS identifiers
		FROM (SELECT DISTINCT * FROM stress.sent) AS sent CROSS JOIN unnest(ids) AS id
		LEFT JOIN stress.known USING (id)
		GROUP BY r, source
	)
	SELECT count(*)
	FROM wanted JOIN cdp.source ON source.name = wanted.source
	LEFT JOIN cdp.identifier_set USING (identifiers, source_id)
	WHERE set_id IS NULL
		OR EXISTS (SELECT FROM unnest(wanted.identifiers) AS member (identifier_id)
			WHERE NOT EXISTS (SELECT FROM cdp.identifier_set_member AS known
				WHERE known.identifier_id = member.identifier_id AND known.set_id = identifier_set.set_id))
$$;
