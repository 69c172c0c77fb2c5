\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never

-- sources
SELECT cdp.add_source('web');
SELECT cdp.add_source('till', kind => 'second_party', priority => 50, trust => 0.5,
	default_region => 'at', retention => '2 years', own_user_ids => true, dedupe_for => '30 days');
SELECT name, kind, priority, trust, default_region, retention, own_user_ids, dedupe_for, created_at
FROM cdp.source ORDER BY source_id;
SELECT cdp.add_source('web');
SELECT cdp.add_source('Web');
SELECT cdp.add_source('');
SELECT cdp.add_source(NULL);
SELECT cdp.add_source(repeat('a', 64));
SELECT cdp.add_source('x', kind => 'fourth_party');
SELECT cdp.add_source('x', default_region => 'DEU');
SELECT cdp.add_source('x', trust => 2);

-- one record: read your own merge
SELECT cdp.ingest('web', '{"type":"page","anonymousId":"c-1","messageId":"1","timestamp":"2026-05-01T10:00:00Z"}') AS cookie \gset
SELECT cdp.ingest('web', '{"type":"identify","userId":"ann","messageId":"2","traits":{"email":"ann@example.com"},"timestamp":"2026-05-01T10:01:00Z"}') AS ann \gset
SELECT :cookie <> :ann AS two_profiles;
SELECT cdp.ingest('web', '{"type":"identify","userId":"ann","anonymousId":"c-1","messageId":"3","timestamp":"2026-05-01T10:02:00Z"}') AS merged \gset
SELECT :merged IN (:cookie, :ann) AS one_profile, cdp.resolve(:cookie) = cdp.resolve(:ann) AS both_resolve,
	cdp.find_profile('anonymous_id', 'c-1') = :merged AS found;
-- a repeat tells the same profile and stores nothing
SELECT cdp.ingest('web', '{"type":"page","anonymousId":"c-1","messageId":"1","timestamp":"2026-05-01T10:00:00Z"}') = :merged AS same;
SELECT count(*) FROM cdp.event;
-- nothing is left to do
SELECT phase, ids FROM cdp.todo;
-- a rollback undoes all of it
BEGIN;
SELECT cdp.ingest('web', '{"type":"track","event":"x","userId":"gone","messageId":"4"}') IS NOT NULL AS stored;
ROLLBACK;
SELECT count(*) FROM cdp.identifier WHERE value = 'gone';
SELECT cdp.ingest('web', '{"type":"track","event":"x","userId":"gone","messageId":"4"}') IS NOT NULL AS stored_now;
-- above READ COMMITTED the merge is left to the next run
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT cdp.ingest('web', '{"type":"track","event":"x","userId":"later","messageId":"5"}') IS NOT NULL AS provisional;
COMMIT;
SELECT phase, cardinality(ids) FROM cdp.todo ORDER BY 1;
CALL cdp.merge(phases => '{ingest,stitch,timeline,profile}');
SELECT phase, ids FROM cdp.todo;

-- a call is live: sentAt tells how wrong the sender's clock is
SELECT cdp.ingest('web', '{"type":"track","event":"slow clock","userId":"ann","messageId":"6","timestamp":"2026-06-01T10:59:00Z","sentAt":"2026-06-01T11:00:00Z"}') = :merged AS same;
SELECT occurred_at FROM cdp.event WHERE name = 'slow_clock';

-- an unusable record is kept as a reject
SELECT cdp.ingest('web', '{"type":"track","event":"x"}');
SELECT cdp.ingest('web', '[1]');
SELECT source, reason, record FROM cdp.reject ORDER BY reject_id;
-- a record of blocked identifiers alone is stored, about nobody
SELECT cdp.ingest('web', '{"type":"track","event":"order","userId":"guest","messageId":"nobody1","context":{"traits":{"email":"info@example.com"}}}');
SELECT reason, field, message, records FROM cdp.ingest_warning WHERE reason = 'no_usable_identifier';
SELECT outcome, profile_id FROM cdp.ingest_batch('web', '[{"type":"track","event":"order","userId":"guest","messageId":"nobody2"}]');
SELECT sum(records) FROM cdp.ingest_warning WHERE reason = 'no_usable_identifier';
-- one that is usable is enough
SELECT cdp.ingest('web', '{"type":"track","event":"order","userId":"guest","anonymousId":"a-77","messageId":"nobody3"}') IS NOT NULL AS has_profile;

-- mistakes of the caller raise
SELECT cdp.ingest('nowhere', '{"userId":"u"}');
SELECT cdp.ingest(NULL, '{"userId":"u"}');
SELECT cdp.ingest('web', NULL);

-- many records: an array, or an SDK's envelope
SELECT record, outcome, profile_id = :merged AS is_ann, reject_id IS NOT NULL AS has_reject
FROM cdp.ingest_batch('web', '[
	{"type":"track","event":"a","userId":"ann","messageId":"b1"},
	{"type":"track","event":"b","userId":"bob","messageId":"b2"},
	{"type":"track","event":"b","userId":"bob","messageId":"b2"},
	{"type":"track","event":"c","messageId":"b3"},
	null,
	17]');
SELECT record, outcome, profile_id = :merged AS is_ann
FROM cdp.ingest_batch('web', '{"sentAt":"2026-06-01T11:00:00Z","batch":[
	{"type":"track","event":"fast","anonymousId":"c-1","messageId":"b4","timestamp":"2026-06-01T10:00:00Z"},
	{"type":"track","event":"faster","anonymousId":"c-1","messageId":"b5","timestamp":"2026-06-01T10:00:00Z","sentAt":"2026-06-01T10:00:00Z"}]}');
SELECT name, occurred_at FROM cdp.event WHERE name LIKE 'fast%' ORDER BY 1;
SELECT * FROM cdp.ingest_batch('web', '[]');
SELECT * FROM cdp.ingest_batch('web', '{}');
SELECT * FROM cdp.ingest_batch('web', '"x"');
SELECT * FROM cdp.ingest_batch(NULL, '[]');
SELECT * FROM cdp.ingest_batch('web', NULL);
SELECT * FROM cdp.ingest_batch('nowhere', '[]');

-- each record is counted once
SELECT source, records, stored, duplicates, rejected FROM cdp.ingest_count;

-- two tills with the same customer numbers are not one person
SELECT cdp.ingest('till', '{"userId":"123","event":"order"}') <> cdp.ingest('web', '{"userId":"123","event":"order"}') AS apart;

-- a role with nothing but the door
CREATE ROLE regress_cdp_collector;
GRANT USAGE ON SCHEMA cdp TO regress_cdp_collector;
SET ROLE regress_cdp_collector;
SELECT cdp.ingest('web', '{"userId":"ann","event":"x"}');
SELECT * FROM cdp.ingest_batch('web', '[]');
RESET ROLE;
GRANT EXECUTE ON FUNCTION cdp.ingest(text, jsonb), cdp.ingest_batch(text, jsonb) TO regress_cdp_collector;
SET ROLE regress_cdp_collector;
SELECT cdp.ingest('web', '{"userId":"ann","event":"x"}') = :merged AS stored;
SELECT outcome FROM cdp.ingest_batch('web', '[{"userId":"ann","event":"x"}]');
SELECT count(*) FROM cdp.event;
SELECT cdp._ingest_records('web', '{}', NULL);
RESET ROLE;
DROP OWNED BY regress_cdp_collector;
DROP ROLE regress_cdp_collector;

-- between an update of the extension and cdp.migrate() records wait in the
-- inbox; a session that asks again sees that the store has been migrated
\c -
SET cdp.test_clock = '2026-06-01 12:00:00+00';
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never
SELECT version AS this_version FROM cdp.store \gset
UPDATE cdp.store SET version = '0.9.0';
SELECT cdp.ingest('web', '{"userId":"ann","event":"waits","messageId":"w1"}');
SELECT * FROM cdp.ingest_batch('web', '{"sentAt":"2026-06-01T11:00:00Z","batch":[
	{"userId":"ann","event":"waits","messageId":"w2","timestamp":"2026-06-01T10:00:00Z"},
	{"userId":"ann","event":"waits","messageId":"w3","timestamp":"2026-06-01T10:00:00Z","sentAt":"2026-06-01T10:00:00Z"},
	17]}');
SELECT * FROM cdp.ingest_batch('web', '[]');
SELECT cdp.ingest('web', NULL);
SELECT source, record, received_at FROM cdp.inbox ORDER BY inbox_id;
UPDATE cdp.store SET version = :'this_version';
SELECT cdp.ingest('web', '{"userId":"ann","event":"waits","messageId":"w4"}') = :merged AS stored;
SET client_min_messages = warning;
CALL cdp.merge(phases => '{ingest,stitch,timeline,profile}');
SELECT message_id, occurred_at FROM cdp.event WHERE name = 'waits' ORDER BY message_id;
SELECT cdp.ingest('web', '{"userId":"ann","event":"waits","messageId":"w1"}') = :merged AS same;
SELECT count(*) FROM cdp.event WHERE name = 'waits';

-- traits are looked up one by one, so their number is bounded
SELECT cdp.ingest('web', jsonb_build_object('type', 'identify', 'userId', 'many', 'messageId', 'm1',
	'traits', jsonb_object_agg('t' || i, i))) IS NOT NULL AS stored
FROM generate_series(1, 1002) AS i;
SELECT reason, message, records FROM cdp.ingest_warning WHERE reason = 'too_many_traits';
SELECT count(*) FROM cdp.trait_observation WHERE name ~ '^t[0-9]+$';

-- a source that sent something stays; one that did not may go
DELETE FROM cdp.source WHERE name = 'web';
SELECT cdp.add_source('mistake') > 0 AS made;
DELETE FROM cdp.source WHERE name = 'mistake' RETURNING name;
DELETE FROM cdp.store;
