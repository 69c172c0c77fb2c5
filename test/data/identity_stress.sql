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
	person integer := stress.pick(r, 1, 300, 2.5);
	other integer := stress.pick(r, 2, 300, 1.5);
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
		WHEN kind < 97 THEN ARRAY[format('anonymous_id:c%s-0', other), cookie]
		WHEN kind < 99 THEN ARRAY[format('email:p%s@x.de', other), phone]
		ELSE ARRAY[user_id, 'user_id:u' || other, cookie] END;
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

-- Identifiers that were sent and are in no set of their record's source.
CREATE FUNCTION stress.lost() RETURNS bigint LANGUAGE sql AS $$
	WITH known AS (
		SELECT type || ':' || coalesce(nullif(identifier.scope, '') || '/', '') || value AS id, identifier_id
		FROM cdp.identifier JOIN cdp.identifier_type USING (type_id)
	), wanted AS (
		SELECT r, source, array_agg(identifier_id ORDER BY identifier_id) AS identifiers
		FROM (SELECT DISTINCT * FROM stress.sent) AS sent CROSS JOIN unnest(ids) AS id
		LEFT JOIN known USING (id)
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
