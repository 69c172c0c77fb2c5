-- cdp.profile() gives the row of cdp.unified_profile of an identifier: always
-- the same, for every identifier, whatever traits are exposed.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SELECT cdp.add_source('web') AS web, cdp.add_source('shop') AS shop,
	cdp.add_source('uk', default_region => 'GB') AS uk \g /dev/null
UPDATE cdp.source SET own_user_ids = true WHERE name = 'shop';
INSERT INTO cdp.trait (name, type) VALUES ('a_text', 'text'), ('a_number', 'number'),
	('a_boolean', 'boolean'), ('a_date', 'date'), ('a_time', 'timestamp'), ('a_json', 'json');
SELECT count(cdp.expose_trait(name)) AS exposed FROM cdp.trait WHERE name LIKE 'a\_%';

-- random people with values of every kind in every trait; a profile that
-- differs is named with the seed
\set seed 11
SELECT setseed(:seed / 100.0) \g /dev/null
CREATE FUNCTION pg_temp.value() RETURNS jsonb
LANGUAGE sql VOLATILE AS $$
	SELECT ('["text", "", "ä\u0022", "2024-02-29", "2024-02-30", "2024-02-29T10:00:00Z", "12", 12, -1.50, 1e3, true, false, null, [1, "a"], {"b": 1}, "+49 30 901820", "ann@x.de"]'::jsonb)
		-> floor(random() * 17)::integer $$;
INSERT INTO cdp.inbox (source, record)
SELECT (ARRAY['web', 'shop', 'uk'])[1 + n % 3], jsonb_build_object('type', 'identify', 'messageId', 'p' || n, 'userId', 'U' || n,
	'anonymousId', ' c' || n, 'timestamp', '2026-01-01T00:00:00Z', 'traits', (
		SELECT jsonb_object_agg(name, pg_temp.value()) FROM cdp.trait
		WHERE random() < 0.6 AND n > 0 AND name NOT IN ('email', 'phone'))
		|| CASE WHEN n % 2 = 0 THEN jsonb_build_object('email', 'Person' || n || '@Example.com', 'phone', '02079460' || 100 + n) ELSE '{}' END)::text
FROM generate_series(1, 100) AS n;
INSERT INTO cdp.inbox (source, record)
SELECT (ARRAY['web', 'shop', 'uk'])[1 + n % 3], jsonb_build_object('type', 'track', 'event', 'order', 'messageId', 'o' || n || '-' || m, 'userId', 'U' || n,
	'timestamp', '2026-02-0' || m || 'T00:00:00Z', 'properties', jsonb_build_object('order_id', n || '-' || m, 'total', 10 * m, 'currency', 'EUR'))::text
FROM generate_series(1, 100) AS n, generate_series(1, 3) AS m WHERE (n + m) % 3 > 0;
-- some have an address or number by their trait alone
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_build_object('type', 'identify', 'messageId', 't' || n, 'userId', 'T' || n, 'timestamp', '2026-01-01T00:00:00Z')::text
FROM generate_series(1, 40) AS n;
CALL cdp.merge();
SELECT count(cdp.pin_trait(cdp.find_profile('user_id', 'T' || n), name, value, 'told')) AS pinned
FROM generate_series(1, 40) AS n, unnest('{email,phone}'::text[]) AS name,
	LATERAL (SELECT CASE WHEN n % 4 = 0 THEN '"none"' WHEN name = 'email' THEN to_jsonb(' Pin' || n || '@Example.com') ELSE to_jsonb('030 9018' || 20 + n) END) AS chosen (value);
CALL cdp.merge();
SELECT count(*) AS profiles, count(*) FILTER (WHERE NOT identifiers ? 'email' AND email IS NOT NULL) > 20 AS emails,
	count(*) FILTER (WHERE NOT identifiers ? 'phone' AND phone IS NOT NULL) > 20 AS phones FROM cdp.unified_profile;
SELECT 'seed ' || :seed AS failed, named.type, named.value, row_to_json(viewed) AS viewed, row_to_json(found) AS found
FROM cdp.profile_identifier AS named
LEFT JOIN cdp.unified_profile AS viewed USING (profile_id)
LEFT JOIN LATERAL cdp.profile(named.type, named.value, nullif(named.scope, '')) AS found ON true
WHERE NOT row_to_json(viewed)::jsonb = row_to_json(found)::jsonb OR viewed.profile_id IS NULL OR found.profile_id IS NULL
ORDER BY named.type, named.value;
SELECT type, count(*) FROM cdp.profile_identifier GROUP BY type ORDER BY type;

-- identifiers as people write them; a number without country code is from the
-- region of the source, else of the store
SELECT cdp.find_profile('email', ' PERSON2@example.COM ') = cdp.find_profile('email', 'person2@example.com') AS email,
	cdp.find_profile('phone', '020 7946 0102', 'uk') > 0 AS phone_uk, cdp.find_profile('phone', '020 7946 0102') > 0 AS phone_de,
	cdp.find_profile('user_id', 'U1') IS NULL AS nobody, cdp.find_profile('user_id', 'U1', 'shop') > 0 AS shop;
SELECT cdp.find_profile('phone', '+442079460102') > 0 AS found, cdp.find_profile('phone', '+442079460105') > 0 AS other_uk;
-- what cannot be normalised is nobody's; what does not exist as a type is a
-- mistake; NULL finds nothing
SELECT (SELECT count(*) FROM cdp.profile('email', 'not an address')) + (SELECT count(*) FROM cdp.profile('email', ''))
	+ (SELECT count(*) FROM cdp.profile('phone', '1')) + (SELECT count(*) FROM cdp.profile('email', NULL))
	+ (SELECT count(*) FROM cdp.profile(NULL, 'x')) + (SELECT count(*) FROM cdp.profile('user_id', 'U1', 'nosuch')) AS nobody;
SELECT * FROM cdp.profile('e-mail', 'person2@example.com');
SELECT cdp.find_profile('e-mail', 'x'), cdp.find_profile('telex', NULL);

-- a new column is there at once, also where plans are kept
CREATE FUNCTION pg_temp.kept() RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	found record;
BEGIN
	SELECT * INTO found FROM cdp.profile('email', 'person2@example.com');
	RETURN to_jsonb(found);
END
$$;
PREPARE kept AS SELECT count(*) AS columns FROM cdp.profile('email', 'person2@example.com') AS p, jsonb_object_keys(to_jsonb(p));
PREPARE email AS SELECT email FROM cdp.profile('email', $1);
SELECT count(pg_temp.kept()) AS runs FROM generate_series(1, 7);
EXECUTE email('person2@example.com');
EXECUTE kept \gset before_
SELECT count(*) AS columns FROM jsonb_object_keys(pg_temp.kept()) \gset kept_
SELECT cdp.expose_trait('job_title');
EXECUTE kept \gset after_
SELECT :after_columns - :before_columns AS more_prepared, count(*) - :kept_columns AS more_in_function
FROM jsonb_object_keys(pg_temp.kept());
EXECUTE email('person2@example.com');
-- what another role gets: the row, whatever its search_path and operators
CREATE ROLE regress_counter;
SELECT cdp.grant_role('regress_counter', 'crm');
CREATE SCHEMA regress_trap;
GRANT USAGE ON SCHEMA regress_trap TO regress_counter;
CREATE FUNCTION regress_trap.same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR regress_trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = regress_trap.same);
\c -
SET client_min_messages = warning;
SET ROLE regress_counter;
SET search_path = regress_trap, pg_catalog;
SELECT email FROM cdp.profile('email', 'person2@example.com');
SELECT cdp.find_profile('email', 'person2@example.com');
SELECT cdp._find_profile('email', 'person2@example.com');
RESET ROLE;
RESET search_path;
SELECT cdp.revoke_role('regress_counter', 'crm');
REVOKE ALL ON SCHEMA cdp FROM regress_counter;
DROP SCHEMA regress_trap CASCADE;
DROP ROLE regress_counter;
