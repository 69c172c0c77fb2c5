-- One merge run does all that waits when it begins, of every kind at once.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT cdp.add_source('web'), cdp.add_source('dmp', kind => 'third_party', retention => '100 years') \g /dev/null
CREATE VIEW pg_temp.says AS
SELECT profile_id, identifiers, sources, first_seen, last_seen, events FROM cdp.unified_profile;

-- a provider's ids whose time is over when they come, beside a set that waits
-- for the stitcher: they part from the cookies in the run that judges it
INSERT INTO cdp.inbox (source, record)
SELECT 'dmp', jsonb_build_object('type', 'track', 'event', 'seen', 'anonymousId', 'c' || n, 'messageId', 'd' || n,
	'timestamp', '2026-01-01T00:00:00Z', 'externalIds',
	jsonb_build_array(jsonb_build_object('type', 'third_party_id', 'id', 't' || n)))
FROM generate_series(1, 3) AS n;
CALL cdp.merge();
SELECT identifiers FROM pg_temp.says ORDER BY identifiers::text;
SELECT ok FROM cdp.verify_identity();
SELECT count(*) AS waiting FROM cdp.todo;
-- no set waits, but time passes: in batches, and the groups with it
INSERT INTO cdp.inbox (source, record)
SELECT 'dmp', jsonb_build_object('type', 'track', 'event', 'seen', 'userId', 'k' || n, 'messageId', 'k' || n,
	'timestamp', '2026-05-01T00:00:00Z', 'externalIds',
	jsonb_build_array(jsonb_build_object('type', 'third_party_id', 'id', 'p' || n / 2)))
FROM generate_series(0, 9) AS n;
SELECT cdp.add_group_kind('provider', '{third_party_id}') \g /dev/null
CALL cdp.merge();
SELECT count(DISTINCT group_id) AS groups, count(*) AS profiles FROM cdp.profile_group;
SET cdp.test_clock = '2026-12-01 12:00:00+00';
SELECT ok FROM cdp.verify_identity();
CALL cdp.merge(batch => 2);
SELECT ok FROM cdp.verify_identity();
SELECT count(*) AS members FROM cdp.profile_group;

-- what is taken back shows in a profile that stays the same one
SELECT cdp.ingest('web', '{"type": "track", "event": "seen", "userId": "u1", "anonymousId": "cu", "messageId": "1",
	"timestamp": "2026-05-01T10:00:00Z"}') AS profile_id \gset
SELECT cdp.ingest('dmp', '{"type": "track", "event": "seen", "userId": "u1", "messageId": "2",
	"timestamp": "2026-04-01T10:00:00Z"}') = :profile_id AS same;
CALL cdp.merge();
SELECT identifiers, sources, first_seen, events FROM pg_temp.says WHERE profile_id = :profile_id;
SELECT set_id FROM cdp.identifier_set JOIN cdp.source USING (source_id)
WHERE name = 'dmp' AND :profile_id IN (SELECT unnest(cdp._member_profiles(ARRAY[set_id]))) \gset
SELECT cdp.retract(:set_id, 'sold to us by mistake') AS action_id \gset
CALL cdp.merge();
SELECT identifiers, sources, first_seen, events FROM pg_temp.says WHERE profile_id = :profile_id;
SELECT cdp.undo_action(:action_id, 'it was right') > :action_id AS undone;
CALL cdp.merge();
SELECT identifiers, sources, first_seen, events FROM pg_temp.says WHERE profile_id = :profile_id;
