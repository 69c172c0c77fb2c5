-- An answer about one profile reads its own rows: no scan of the log or of the
-- timelines, however many other profiles there are.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
\set shop :abs_srcdir '/test/data/insight_shop.sql'
\set ECHO none
\i :shop
\set ECHO all
\set seed 19
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CALL insight_test.make(200, 3000);
VACUUM ANALYZE cdp.timeline_chunk, cdp.event, cdp.profile_current, cdp.identifier, cdp.identifier_set, cdp.identifier_set_member, cdp.profile;
SELECT person, profile_id AS profile FROM insight_test.person ORDER BY person LIMIT 1 \gset
SELECT count(*) AS own FROM insight_test.sent WHERE person = :person \gset
SELECT pg_stat_force_next_flush() \g /dev/null
BEGIN;
SELECT count(*) > 0 AS answered FROM cdp.interests(:profile);
SELECT count(*) > 0 AS answered FROM cdp.intent(:profile);
SELECT count(*) > 0 AS answered FROM cdp.recommend(:profile);
SELECT count(*) > 0 AS answered FROM cdp.channel_preference(:profile);
SELECT count(*) >= 0 AS answered FROM cdp.previous_purchase(:profile);
-- the log: less than each answer once over what this person did, and another's event of the same instant now and then
SELECT sum(seq_scan) AS scans, sum(idx_tup_fetch) BETWEEN 1 AND 5 * :own AS few
FROM pg_stat_xact_user_tables
WHERE relid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'cdp.event'::regclass);
SELECT seq_scan AS scans, idx_tup_fetch BETWEEN 1 AND 30 * (SELECT count(*) FROM cdp.timeline_chunk WHERE profile_id = :profile) AS few
FROM pg_stat_xact_user_tables WHERE relid = 'cdp.timeline_chunk'::regclass;
SELECT seq_scan AS scans, idx_tup_fetch < 50 AS few FROM pg_stat_xact_user_tables WHERE relid = 'cdp.profile_current'::regclass;
COMMIT;
DROP SCHEMA insight_test CASCADE;
