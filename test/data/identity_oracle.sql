-- A brute-force oracle of the identity function, and random histories to hold
-- it against.  It knows nothing of the store's tables but the rules: it works
-- on the records themselves.
\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS identity_test CASCADE;
CREATE SCHEMA identity_test;

-- Every record of a history: its keys, already canonical.
CREATE TABLE identity_test.record (
	n integer PRIMARY KEY, source text, keys text[] NOT NULL);

-- A key's text form, type:scope/value, and back.
CREATE FUNCTION identity_test.key_type(key text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN split_part(key, ':', 1);
CREATE FUNCTION identity_test.key_value(key text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN substr(key, strpos(key, '/') + 1);
CREATE FUNCTION identity_test.key_scope(key text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN split_part(split_part(key, '/', 1), ':', 2);

-- What the oracle finds.
CREATE TABLE identity_test.key (key text COLLATE "C" PRIMARY KEY, priority integer,
	type_id integer, scope text, strong boolean, max_strong_per_value integer,
	usable boolean, shared boolean NOT NULL DEFAULT false, part text COLLATE "C");
CREATE TABLE identity_test.link (n integer, key text COLLATE "C", PRIMARY KEY (n, key));

CREATE FUNCTION identity_test.judge() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE identity_test.key, identity_test.link;
	-- Each key with its type's rules; the plain reading of blocked values.
	INSERT INTO identity_test.key
	SELECT DISTINCT key, type.priority, type.type_id, identity_test.key_scope(key),
		type.strong AND type.stitches, type.max_strong_per_value,
		type.priority IS NOT NULL AND type.stitches AND NOT EXISTS (
			SELECT FROM cdp.blocked_value AS blocked
			WHERE (blocked.type IS NULL OR blocked.type = type.type)
				AND (lower(identity_test.key_value(key)) = blocked.value
					OR lower(identity_test.key_value(key)) ~ blocked.pattern))
	FROM identity_test.record, unnest(keys) AS key
	JOIN cdp.identifier_type AS type ON type.type = identity_test.key_type(key);
	UPDATE identity_test.key SET part = key WHERE usable;
	INSERT INTO identity_test.link
	SELECT DISTINCT n, key FROM identity_test.record, unnest(keys) AS given (key)
	JOIN identity_test.key USING (key) WHERE usable;
	ANALYZE identity_test.key, identity_test.link;
	-- Shared: with too many strong keys of one type and scope in its records.
	UPDATE identity_test.key SET shared = true
	FROM (SELECT weak.key, weak.max_strong_per_value,
			count(DISTINCT strong.key) AS strong
		FROM identity_test.key AS weak
		JOIN identity_test.link AS mine ON mine.key = weak.key
		JOIN identity_test.link AS other ON other.n = mine.n
		JOIN identity_test.key AS strong ON strong.key = other.key
		WHERE NOT weak.strong AND strong.strong
		GROUP BY weak.key, weak.max_strong_per_value, strong.type_id, strong.scope) AS seen
	WHERE key.key = seen.key AND seen.strong > seen.max_strong_per_value;
	-- The partition: the smallest key spreads until nothing changes.
	LOOP
		UPDATE identity_test.key SET part = low.part
		FROM (SELECT mine.key, min(neighbour.part) AS part
			FROM identity_test.key AS me
			JOIN identity_test.link AS mine ON mine.key = me.key
			JOIN identity_test.link AS other ON other.n = mine.n
			JOIN identity_test.key AS neighbour ON neighbour.key = other.key
			WHERE NOT me.shared AND NOT neighbour.shared
			GROUP BY mine.key) AS low
		WHERE key.key = low.key AND low.part < key.part;
		EXIT WHEN NOT FOUND;
	END LOOP;
END
$$;

-- What the store says: each key with the smallest key of its profile.
CREATE VIEW identity_test.stored AS
SELECT key, min(key) OVER (PARTITION BY root) AS part, shared, identifier_id
FROM (SELECT (type.type || ':' || identifier.scope || '/' || identifier.value) COLLATE "C" AS key,
		profile.root, identifier.shared, identifier.identifier_id
	FROM cdp.identifier
	JOIN cdp.identifier_type AS type USING (type_id)
	JOIN cdp.profile ON profile.profile_id = identifier.leaf) AS placed;

-- Whose a record is: of the strongest key that links, else that is shared.
CREATE VIEW identity_test.oracle_owner AS
SELECT DISTINCT ON (n) n, part
FROM identity_test.link JOIN identity_test.key USING (key)
ORDER BY n, shared, priority, type_id, scope COLLATE "C",
	identity_test.key_value(key) COLLATE "C";

CREATE TABLE identity_test.attached (n integer PRIMARY KEY, set_id bigint);
CREATE VIEW identity_test.stored_owner AS
SELECT attached.n, stored.part
FROM identity_test.attached
JOIN cdp.identifier_set USING (set_id)
JOIN identity_test.stored ON stored.identifier_id = identifier_set.owner;

-- Rows in which store and oracle differ: partition, shared keys, owners.
CREATE FUNCTION identity_test.differences()
RETURNS TABLE (what text, rows bigint)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM identity_test.judge();
	RETURN QUERY
	SELECT 'partition', count(*)
	FROM (SELECT key, part FROM identity_test.key WHERE usable) AS o
	FULL JOIN identity_test.stored AS s USING (key)
	WHERE o.part IS DISTINCT FROM s.part
	UNION ALL
	SELECT 'shared', count(*)
	FROM identity_test.key JOIN identity_test.stored AS s USING (key)
	WHERE key.shared <> s.shared
	UNION ALL
	SELECT 'owner', count(*)
	FROM identity_test.oracle_owner AS o
	FULL JOIN identity_test.stored_owner AS s USING (n)
	WHERE o.part IS DISTINCT FROM s.part;
END
$$;

-- A random history: people with accounts in the shop, two CRMs and a till
-- that numbers alike, families on one tablet, a kiosk, junk, cookies.
CREATE FUNCTION identity_test.make_history(people integer, records integer)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	person integer;
	keys text[];
	source text;
BEGIN
	TRUNCATE identity_test.record, identity_test.attached;
	FOR n IN 1 .. records LOOP
		person := floor(random() * people);
		source := (ARRAY['web', 'crm', 'crm2', 'till'])[1 + floor(random() ^ 2 * 4)];
		keys := '{}';
		IF source = 'web' AND random() < 0.35 THEN
			keys := keys || format('user_id:/u%s', person);
		ELSIF source = 'till' THEN
			keys := keys || format('user_id:till/u%s', person % 7);
		ELSIF source ~ 'crm' THEN
			keys := keys || format('crm_id:%s/%s', source, person % 11);
		END IF;
		IF random() < 0.4 THEN
			keys := keys || CASE WHEN random() < 0.08 THEN 'email:/info@shop.de'
				ELSE format('email:/p%s@x.de', person) END;
		END IF;
		IF random() < 0.2 THEN
			keys := keys || format('phone:/+49301234%s', 100 + person / 2);
		END IF;
		IF random() < 0.3 THEN
			keys := keys || CASE WHEN random() < 0.05 THEN 'device_id:/00000'
				WHEN random() < 0.2 THEN 'device_id:/kiosk'
				ELSE format('device_id:/tablet%s', person / 3) END;
		END IF;
		IF random() < 0.5 OR keys = '{}' THEN
			keys := keys || format('anonymous_id:/c%s-%s', person, floor(random() * 4));
		END IF;
		IF random() < 0.05 THEN
			keys := keys || format('anonymous_id:/c%s-%s', floor(random() * people), floor(random() * 4));
		END IF;
		IF random() < 0.2 THEN
			keys := keys || format('ip:/10.0.0.%s', person % 5);
		END IF;
		INSERT INTO identity_test.record SELECT n, source, array_agg(DISTINCT k) FROM unnest(keys) AS k;
	END LOOP;
END
$$;

-- Attach records first .. last of a history, one call a source.
CREATE FUNCTION identity_test.attach(first integer, last integer)
RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
	part record;
	set_ids bigint[];
	all_ids bigint[] := '{}';
BEGIN
	FOR part IN
		SELECT r.source, array_agg(n ORDER BY n) AS ns, jsonb_agg(jsonb_build_object(
				'at', timestamptz '2026-01-01 00:00:00+00' + n * interval '1 minute',
				'ids', (SELECT jsonb_agg(jsonb_build_array(identity_test.key_type(k),
					identity_test.key_value(k)) ORDER BY random()) FROM unnest(keys) AS k)) ORDER BY n) AS body
		FROM identity_test.record AS r
		WHERE n BETWEEN first AND last
		GROUP BY r.source ORDER BY r.source
	LOOP
		set_ids := cdp._attach(part.source, part.body, false);
		INSERT INTO identity_test.attached
		SELECT * FROM unnest(part.ns, set_ids);
		all_ids := all_ids || set_ids;
	END LOOP;
	RETURN all_ids;
END
$$;

-- Let a history happen: batches of random sizes; each is stitched at once,
-- left to todo, or left for long; now and then a merge step or a rebuild.
CREATE FUNCTION identity_test.play(rebuilds boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	first integer := 1;
	last integer;
	size integer := (SELECT count(*) FROM identity_test.record);
	set_ids bigint[];
BEGIN
	WHILE first <= size LOOP
		last := least(size, first + floor(random() ^ 3 * 40)::integer);
		set_ids := identity_test.attach(first, last);
		IF random() < 0.4 THEN
			PERFORM cdp._stitch(set_ids);
		ELSE
			PERFORM cdp._add_todo('stitch', set_ids);
		END IF;
		IF random() < 0.2 THEN
			PERFORM cdp._stitch_step(1 + floor(random() * 10)::integer);
		END IF;
		IF rebuilds AND random() < 0.03 THEN
			PERFORM cdp._stitch_rebuild(1);
		END IF;
		first := last + 1;
	END LOOP;
	WHILE cdp._stitch_step(7) > 0 LOOP END LOOP;
END
$$;

-- Everything that a rebuild must leave as it is.
CREATE VIEW identity_test.state AS
SELECT 'identifier' AS what, identifier_id AS id, concat_ws(',', leaf, shared, blocked) AS says
FROM cdp.identifier
UNION ALL
SELECT 'profile', profile_id, concat_ws(',', root, founder) FROM cdp.profile
UNION ALL
SELECT 'set', set_id, concat_ws(',', owner, records, first_seen, last_seen)
FROM cdp.identifier_set
UNION ALL
SELECT 'strong', weak_id, string_agg(strong_id::text, ',' ORDER BY strong_id)
FROM cdp.identifier_strong GROUP BY weak_id
UNION ALL
SELECT 'log', count(*), NULL FROM cdp.identity_log;

CREATE FUNCTION identity_test.changed_by_rebuild() RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
	DROP TABLE IF EXISTS before;
	CREATE TEMP TABLE before AS SELECT * FROM identity_test.state;
	PERFORM cdp._stitch_rebuild(1);
	RETURN (SELECT count(*) FROM (
		(TABLE before EXCEPT TABLE identity_test.state)
		UNION ALL (TABLE identity_test.state EXCEPT TABLE before)) AS d);
END
$$;

-- An empty store with the same rules.
CREATE FUNCTION identity_test.forget() RETURNS void
LANGUAGE sql AS $$
	TRUNCATE cdp.identifier, cdp.identifier_set, cdp.identifier_set_member,
		cdp.identifier_set_seen, cdp.identifier_strong, cdp.profile,
		cdp.identity_log, cdp.refused_link, cdp.decision, cdp.steward_action, cdp.todo RESTART IDENTITY
$$;
\set ECHO all
