\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never
SELECT cdp.add_source('web');

-- bad lines in the middle of a COPY cost themselves only
SET cdp.source = 'web';
COPY cdp.inbox (record) FROM stdin WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02');
{"type":"track","messageId":"1","userId":"u1","event":"x"}
{"type":"track","messageId":"2","userId":"u1"
{"type":"track","messageId":"3","userId":"u1","event":"a\u0000b"}
{"type":"track","messageId":"4","userId":"u1","event":"\ud800"}
this is no JSON at all
{'type':'track'}
{"a":1} {"b":2}
[{"type":"track"}]
"text"
42
null

{}
{"type":"track","messageId":"5","event":"x"}
{"type":"track","messageId":"6","userId":"","event":"x"}
{"type":"track","messageId":"7","userId":null,"event":"x"}
{"type":"track","messageId":"8","event":"x","properties":{"email":"ann@@example.com"}}
{"type":"purchase","messageId":"9","userId":"u1"}
{"type":17,"messageId":"10","userId":"u1"}
{"type":"track","messageId":"11","userId":"u1"}
{"type":"track","messageId":"12","userId":"u1","event":{"name":"x"}}
{"type":"track","messageId":"13","userId":"u1","event":"!?"}
{"type":"track","messageId":"14","userId":"u1","event":"x","timestamp":"1969-12-31T23:59:59.999Z"}
{"type":"track","messageId":"15","userId":"u1","event":"x","timestamp":"2026-06-03"}
{"type":"track","messageId":"16","userId":"u1","event":"x","timestamp":"soon"}
{"type":"track","messageId":"17","userId":"u1","event":"x","timestamp":1e40}
{"type":"track","messageId":"18","userId":"u1","event":"x","timestamp":-1}
{"type":"track","messageId":"19","userId":"u1","event":"x","timestamp":[2026]}
{"batch":[{"type":"track","messageId":"20","userId":"u1","event":"x"}]}
{"type":"track","messageId":"21","userId":"u1","event":"x"}
\.

RESET cdp.source;
-- no source, an unknown one, no record
INSERT INTO cdp.inbox (source, record) VALUES
	(NULL, '{"userId":"u1"}'),
	('', '{"userId":"u1"}'),
	('nowhere', '{"userId":"u1"}'),
	('web', NULL);
-- too large, too deep, too many identifiers, names too long
INSERT INTO cdp.inbox (source, record)
SELECT 'web', json_build_object('userId', 'u1', 'traits', json_build_object('a', repeat('x', 10000000)));
INSERT INTO cdp.inbox (source, record)
SELECT 'web', '{"userId":"u1","traits":{"a":' || repeat('[', depth) || repeat(']', depth) || '}}'
FROM unnest(ARRAY[98, 99, 1000000 / 2 - 50]) AS depth;
INSERT INTO cdp.inbox (source, record)
SELECT 'web', json_build_object('externalIds', json_agg(json_build_object('type', 'device_id', 'id', n)))
FROM generate_series(1, 65) AS n;
INSERT INTO cdp.inbox (source, record)
SELECT 'web', json_build_object('userId', 'u1', 'event', repeat('long', 1000));
INSERT INTO cdp.inbox (source, record)
SELECT 'web', json_build_object('userId', repeat('long', 1000), 'event', 'x');
INSERT INTO cdp.inbox (source, record)
SELECT 'web', json_build_object('userId', 'u1', 'traits', json_build_object(repeat('long', 1000), 1));

SELECT count(*) AS waiting FROM cdp.inbox \gset
SELECT cdp._ingest_backlog() = :waiting AS backlog_is_inbox;
CALL cdp.merge(batch => 7, phases => '{ingest}');
SELECT reject_id, source, reason, field, message, left(record, 60) AS record
FROM cdp.reject ORDER BY reject_id;

-- nothing is lost: the records are whole, and all add up
SELECT max(length(record)) AS longest FROM cdp.reject;
SELECT sum(records) = :waiting AS all_counted,
	sum(stored + duplicates + rejected) = :waiting AS each_once,
	sum(rejected) = (SELECT count(*) FROM cdp.reject) AS rejects_kept
FROM cdp.ingest_count;
SELECT source, records, stored, duplicates, rejected, without_key FROM cdp.ingest_count ORDER BY source;
SELECT count(*) FROM cdp.inbox;

-- after the cause was mended they come again, and only once
CALL cdp.retry_rejects('nowhere');
SELECT cdp.add_source('nowhere');
CALL cdp.retry_rejects('nowhere');
SELECT source, record FROM cdp.inbox;
CALL cdp.merge(phases => '{ingest}');
SELECT source, records, stored, duplicates, rejected FROM cdp.ingest_count WHERE source = 'nowhere';
-- each counts once, as what became of it in the end, on whichever day
SET client_min_messages = notice;
CALL cdp.retry_rejects('nowhere');
SET cdp.test_clock = '2026-06-03 12:00:00+00';
SELECT coalesce(source, '-') AS source, day, records, rejected FROM cdp.ingest_count ORDER BY source COLLATE "C", day;
CALL cdp.retry_rejects('web');
SET client_min_messages = warning;
SELECT coalesce(source, '-') AS source, day, records, stored, rejected FROM cdp.ingest_count ORDER BY source COLLATE "C", day;
SELECT (SELECT count(*) FROM cdp.inbox) + sum(records) = :waiting AS none_lost FROM cdp.ingest_count;
CALL cdp.merge(phases => '{ingest}');
SELECT coalesce(source, '-') AS source, day, records, stored, rejected FROM cdp.ingest_count ORDER BY source COLLATE "C", day;
SELECT sum(records) = :waiting AS each_once FROM cdp.ingest_count;
SET cdp.test_clock = '2026-06-01 12:00:00+00';
UPDATE cdp.setting SET value = '16000000' WHERE name = 'max_record_size';
CALL cdp.retry_rejects();
SELECT count(*) FROM cdp.reject;
CALL cdp.merge(phases => '{ingest}');
SELECT reason, count(*) FROM cdp.reject GROUP BY 1 ORDER BY 1;
SELECT length(value::text) AS long_trait FROM cdp.trait_observation WHERE name = 'a' ORDER BY 1 DESC LIMIT 1;

-- the setting has a hard limit
UPDATE cdp.setting SET value = '100000000' WHERE name = 'max_record_size';
INSERT INTO cdp.inbox (source, record)
SELECT 'web', json_build_object('userId', 'u1', 'traits', json_build_object('a', repeat('x', 17000000)));
CALL cdp.merge(phases => '{ingest}');
SELECT reason, message FROM cdp.reject ORDER BY reject_id DESC LIMIT 1;

-- old rejects and warnings go by themselves
SET cdp.test_clock = '2026-10-01 12:00:00+00';
CALL cdp.merge(phases => '{ingest}');
SELECT count(*) FROM cdp.reject;
SELECT count(*) FROM cdp.ingest_warning;

-- a mapping that came past its check rejects, and is mended
ALTER TABLE cdp.source DISABLE TRIGGER check_row;
UPDATE cdp.source SET mapping = '{"identifiers": {"user_id": "$$"}}' WHERE name = 'web';
ALTER TABLE cdp.source ENABLE TRIGGER check_row;
INSERT INTO cdp.inbox (source, record) VALUES ('web', '{"id":"u9"}');
CALL cdp.merge(phases => '{ingest}');
SELECT reason, field, message FROM cdp.reject;
UPDATE cdp.source SET mapping = '{"identifiers": {"user_id": "$.id"}}' WHERE name = 'web';
CALL cdp.retry_rejects('web');
CALL cdp.merge(phases => '{ingest}');
SELECT count(*) FROM cdp.reject;
SELECT value FROM cdp.identifier WHERE value = 'u9';

-- the net: a record that raises although nobody thought it could is found by
-- halves and put aside; the others are stored
UPDATE cdp.source SET mapping = NULL WHERE name = 'web';
ALTER TABLE cdp.event ADD CONSTRAINT trap CHECK (name <> 'trap');
INSERT INTO cdp.inbox (source, record)
SELECT 'web', json_build_object('messageId', 'p' || n, 'userId', 'p', 'event', CASE WHEN n IN (3, 17) THEN 'trap' ELSE 'fine' END)
FROM generate_series(1, 20) AS n;
CALL cdp.merge(phases => '{ingest}');
SELECT reason, message, record FROM cdp.reject ORDER BY reject_id;
SELECT count(*) FROM cdp.event WHERE name = 'fine';
ALTER TABLE cdp.event DROP CONSTRAINT trap;
CALL cdp.retry_rejects();
CALL cdp.merge(phases => '{ingest}');
SELECT count(*) FROM cdp.event WHERE name = 'trap';

-- an error that no record causes stops the run and loses nothing
ALTER TABLE cdp.event_type RENAME TO event_type_away;
INSERT INTO cdp.inbox (source, record) VALUES ('web', '{"userId":"u","event":"x"}');
CALL cdp.merge(phases => '{ingest}');
ALTER TABLE cdp.event_type_away RENAME TO event_type;
SELECT count(*) FROM cdp.inbox;
SELECT state, error FROM cdp.run ORDER BY run_id DESC LIMIT 1;
