-- How good the identity graph is, by the store's own figures.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
-- an empty store is well
SELECT measure, value, unit, healthy, ok, hint FROM cdp.identity_benchmark;
SELECT reason FROM cdp.identity_benchmark;
SELECT cdp.add_source('web') \g /dev/null
CREATE FUNCTION pg_temp.seen(ids text, name text DEFAULT NULL) RETURNS boolean
LANGUAGE sql AS $$
	SELECT cdp.ingest('web', jsonb_build_object('type', 'identify', 'traits',
		jsonb_strip_nulls(jsonb_build_object('first_name', name)), 'externalIds',
		(SELECT jsonb_agg(jsonb_build_object('type', split_part(id, ':', 1), 'id', split_part(id, ':', 2)))
			FROM unnest(string_to_array(ids, ' ')) AS id))) IS NOT NULL;
$$;
-- ten customers as they should be
SELECT bool_and(pg_temp.seen(format('user_id:u%s anonymous_id:c%s', n % 10, n), (ARRAY['Ann', 'ann ', 'Anne'])[1 + n / 10]))
FROM generate_series(0, 29) AS n;
SELECT measure, value, ok FROM cdp.identity_benchmark;
-- a family in one profile; the same name in two spellings is one
SELECT bool_and(pg_temp.seen('email:family@example.com', name))
FROM unnest(ARRAY['Ann', 'ANN', 'Bob', 'Cid']) AS name;
SELECT bool_and(pg_temp.seen('email:family@example.com anonymous_id:f' || n, 'Child ' || n))
FROM generate_series(1, 5) AS n;
-- a tablet of two, alone and with them; an account that would be a second one
SELECT bool_and(pg_temp.seen(ids)) FROM unnest(ARRAY['user_id:u1 device_id:tablet',
	'user_id:u2 device_id:tablet', 'device_id:tablet', 'user_id:u1 user_id:other']) AS ids;
SELECT measure, value, ok, hint FROM cdp.identity_benchmark WHERE NOT ok;
-- a profile past the alarm is reported, and not cut
UPDATE cdp.setting SET value = '8' WHERE name = 'component_alarm';
SELECT bool_and(pg_temp.seen(format('user_id:u9 anonymous_id:many%s', n))) FROM generate_series(1, 10) AS n;
SELECT measure, value, ok, hint FROM cdp.identity_benchmark WHERE measure IN ('largest_profile', 'profiles_past_alarm');
SELECT name, value, unit, state, healthy, hint FROM cdp.health WHERE name = 'profiles_past_alarm';
UPDATE cdp.setting SET value = '0' WHERE name = 'component_alarm';
UPDATE cdp.setting SET value = '500' WHERE name = 'component_alarm';
-- ids that do not come to rest: blocked and unblocked once is a mistake
-- mended, twice is a flip; and 30 days later it is forgotten
SELECT pg_temp.seen('email:e@example.com anonymous_id:flip'), pg_temp.seen('email:g@example.com anonymous_id:flip');
SELECT cdp.block_value('anonymous_id', 'flip'), cdp.unblock_value('anonymous_id', 'flip');
SELECT value, ok FROM cdp.identity_benchmark WHERE measure = 'flipping_ids';
SELECT cdp.block_value('anonymous_id', 'flip'), cdp.unblock_value('anonymous_id', 'flip');
SELECT value > 0 AS flips, ok FROM cdp.identity_benchmark WHERE measure = 'flipping_ids';
SET cdp.test_clock = '2026-07-01 12:00:01+00';
SELECT value, ok FROM cdp.identity_benchmark WHERE measure = 'flipping_ids';
