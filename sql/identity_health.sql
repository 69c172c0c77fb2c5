-- What is wrong with the graph: values to block, sources that number on their
-- own.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\i :fresh
\i :stand_ins
CREATE FUNCTION pg_temp.seen(source text, ids text) RETURNS bigint
LANGUAGE sql AS $$
	SELECT cardinality(cdp._attach(source, jsonb_build_array(jsonb_build_object(
		'at', timestamptz '2026-05-01 00:00:00+00',
		'ids', (SELECT jsonb_agg(jsonb_build_array(split_part(id, ':', 1), split_part(id, ':', 2)))
			FROM unnest(string_to_array(ids, ' ')) AS id)))));
$$;
CREATE FUNCTION pg_temp.stitch() RETURNS void
LANGUAGE plpgsql AS 'BEGIN WHILE cdp._stitch_step(1000) > 0 LOOP END LOOP; END';
-- an empty store has nothing to complain of
SELECT * FROM cdp.suggest_blocked();
-- customers as they should be: two cookies and a device each
SELECT sum(pg_temp.seen('web', format('user_id:u%s anonymous_id:c%s device_id:d%s', n / 2, n, n / 2)))
FROM generate_series(1, 200) AS n;
SELECT pg_temp.stitch();
SELECT * FROM cdp.suggest_blocked();
-- a device of many customers is suggested from 21 on, blocked or shared or not
SELECT sum(pg_temp.seen('web', format('user_id:u%s device_id:kiosk', n)))
FROM generate_series(1, 25) AS n;
SELECT sum(pg_temp.seen('web', format('user_id:u%s device_id:office', n)))
FROM generate_series(1, 20) AS n;
-- a customer number that the till types for whoever has none: 150 cookies
SELECT sum(pg_temp.seen('web', format('user_id:walkin anonymous_id:w%s', n)))
FROM generate_series(1, 150) AS n;
-- 21 others, but such is the type: its usual is 2
SELECT sum(pg_temp.seen('web', format('phone:+4930555%s device_id:p%s', 1000 + n % 60, n)))
FROM generate_series(1, 120) AS n;
SELECT sum(pg_temp.seen('web', format('phone:+49305551000 user_id:f%s', n)))
FROM generate_series(1, 21) AS n;
SELECT pg_temp.stitch();
SELECT reason, type, value, source, strong_beside, others_beside, usual, sets, records, sources, share, shared
FROM cdp.suggest_blocked();
SELECT says FROM cdp.suggest_blocked();
SELECT statement FROM cdp.suggest_blocked();
-- retracted evidence does not count
UPDATE cdp.identifier_set SET retracted = true
WHERE set_id IN (SELECT set_id FROM cdp.identifier_set_member JOIN cdp.identifier USING (identifier_id)
	WHERE value = 'kiosk' ORDER BY set_id LIMIT 5);
SELECT reason, value, strong_beside FROM cdp.suggest_blocked();
UPDATE cdp.identifier_set SET retracted = false WHERE retracted;
-- the statements do what they say, and then nothing is left to say
SELECT statement FROM cdp.suggest_blocked() \gexec
SELECT pg_temp.stitch();
SELECT * FROM cdp.suggest_blocked();
-- in a small store junk does not make itself usual: up to ten values per type
SELECT sum(pg_temp.seen('web', format('third_party_id:junk%s user_id:x%s', n % 3, n)))
FROM generate_series(1, 90) AS n;
SELECT type, value, source, strong_beside, usual, says FROM cdp.suggest_blocked();

-- Numbers of a source's own.  Fifteen customers of a shop, its app and its CRM
-- have the same numbers everywhere; the market stall has counted from 1 too.
\i :fresh
\i :stand_ins
INSERT INTO cdp.source (name) VALUES ('stall'), ('app');
SELECT cdp.add_identifier_type('loyalty_no', 4, 'number on a card') > 0 AS added;
SELECT sum(pg_temp.seen(source, format('user_id:%s email:%s%s@x.de', n, CASE source WHEN 'stall' THEN 's' ELSE 'c' END, n)))
FROM generate_series(1, 15) AS n, unnest(ARRAY['web', 'app', 'crm', 'stall']) AS source;
-- a few have another address in the CRM: that is no suspicion
SELECT sum(pg_temp.seen('crm', format('user_id:%s email:other%s@x.de', n, n))) FROM generate_series(16, 20) AS n;
SELECT sum(pg_temp.seen('web', format('user_id:%s email:c%s@x.de', n, n))) FROM generate_series(16, 20) AS n;
-- cards of two chains: both count from 1; the larger may keep plain numbers
SELECT sum(pg_temp.seen('crm2', format('loyalty_no:%s phone:+4930123%s', n, 1000 + n))) FROM generate_series(1, 12) AS n;
SELECT sum(pg_temp.seen('app', format('loyalty_no:%s phone:+4930999%s', n, 1000 + n))) FROM generate_series(1, 30) AS n;
-- the till has said that its numbers are its own
SELECT sum(pg_temp.seen('till', format('user_id:%s email:t%s@x.de', n, n))) FROM generate_series(1, 15) AS n;
-- too few to say: nine
SELECT sum(pg_temp.seen(source, format('device_id:%s phone:+49308%s', n, source_number * 1000000 + n)))
FROM generate_series(1, 9) AS n, (VALUES ('web', 1), ('app', 2)) AS s (source, source_number);
SELECT reason, type, value, source, share, says, statement FROM cdp.suggest_blocked();
-- a value with a crowd beside it is no witness
SELECT sum(pg_temp.seen(source, format('user_id:crowd email:%s%s@x.de', source, n)))
FROM generate_series(1, 30) AS n, unnest(ARRAY['web', 'app']) AS source;
SELECT count(*) FROM cdp.suggest_blocked() WHERE reason = 'per_source';
-- the statement for a new type is one that runs
SELECT statement FROM cdp.suggest_blocked() WHERE type = 'loyalty_no' \gexec
SELECT type, priority, scope FROM cdp.identifier_type WHERE type ~ 'loyalty' ORDER BY type;
