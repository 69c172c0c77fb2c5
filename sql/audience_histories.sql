-- Membership over random histories: after each step of them, and told later.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'Asia/Kolkata';	-- nobody should care
SET client_min_messages = error;	-- of segments that are meant to fail
\set histories :abs_srcdir '/test/data/membership_histories.sql'
\i :histories
\set seed 12
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CALL membership_test.set_up();
CALL membership_test.play(160);
CALL membership_test.check_past(40);
SELECT step.what, found.* FROM membership_test.found LEFT JOIN membership_test.step USING (n) ORDER BY n LIMIT 20;

-- it was a history of everything: deeds of nearly all kinds, members who came
-- and went for every reason, segments that failed and recovered
SELECT count(DISTINCT what) >= 18 AS deeds FROM membership_test.step;
SELECT count(*) FILTER (WHERE change = 'merge') > 3 AS merges, count(*) FILTER (WHERE change = 'split') > 3 AS splits
FROM cdp.identity_log;
SELECT change, array_agg(DISTINCT reason) @> '{event,merge,split,time}' AS by_every_reason
FROM cdp.membership_change GROUP BY change ORDER BY change;
SELECT count(DISTINCT segment_id) > 12 AS kinds, count(*) > 2000 AS many FROM membership_test.said;
SELECT count(*) > 0 AS failed FROM cdp.run WHERE state = 'done' AND error = 'segment "doomed" could not be evaluated';

-- a rebuild of everything changes no membership
UPDATE cdp.setting SET value = '0' WHERE name = 'refresh_every';
CALL cdp.merge();
CREATE TEMP TABLE before_rebuild AS SELECT segment_id, profile_id FROM cdp._member;
CALL cdp.rebuild();
SELECT count(*) AS moved FROM (
	(TABLE before_rebuild EXCEPT SELECT segment_id, profile_id FROM cdp._member)
	UNION ALL (SELECT segment_id, profile_id FROM cdp._member EXCEPT TABLE before_rebuild)) AS d;
DROP SCHEMA membership_test CASCADE;
