\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never
UPDATE cdp.setting SET value = 'Europe/Berlin' WHERE name = 'time_zone';
SELECT cdp.add_source('web');

-- times that are times
CREATE TEMP TABLE sent (n serial, written text);
INSERT INTO sent (written) VALUES
	('"2026-05-31"'), ('"2026-01-31"'), ('"2026-05-31T08:15"'),
	('"2026-05-31T08:15:30"'), ('"2026-05-31 08:15:30"'),
	('"2026-05-31T08:15:30Z"'), ('"2026-05-31t08:15:30z"'),
	('"2026-05-31T08:15:30.1Z"'), ('"2026-05-31T08:15:30.12Z"'),
	('"2026-05-31T08:15:30.123Z"'), ('"2026-05-31T08:15:30.123999999Z"'),
	('"2026-05-31T08:15:30,5Z"'), ('"2026-05-31T08:15:30+02"'),
	('"2026-05-31T08:15:30+0200"'), ('"2026-05-31T08:15:30+02:00"'),
	('"2026-05-31 08:15:30 +02:00"'), ('"2026-05-31T08:15:30-11:30"'),
	('"2024-02-29T00:00:00Z"'), ('"2016-12-31T23:59:60Z"'),
	('"1970-01-01T00:00:00Z"'), ('"2026-06-02T12:00:00Z"'),
	('1780216530'), ('1780216530.5'), ('1780216530123'), ('1780216530123456'),
	('"1780216530123"'), ('0'), ('1.5e9'),
	('"2026-03-29T02:30:00"'), ('"2025-10-26T02:30:00"');
-- and some that are not
INSERT INTO sent (written) VALUES
	('"2026-02-29"'), ('"2026-13-01"'), ('"2026-00-01"'), ('"2026-01-32"'),
	('"2026-04-31"'), ('"26-01-01"'), ('"2026-1-1"'), ('"20260101"'),
	('"31.05.2026"'), ('"05/31/2026"'), ('"2026-05-31T"'), ('"2026-05-31T8"'),
	('"2026-05-31T24:00:00Z"'), ('"2026-05-31T08:60:00Z"'),
	('"2026-05-31T08:15:30."'), ('"2026-05-31T08:15:30Zulu"'),
	('"2026-05-31T08:15:30 CEST"'), ('"2026-05-31T08:15:30+2"'),
	('"2026-05-31T08:15:30+16:00"'), ('"now"'), ('"infinity"'), ('""'),
	('"-infinity"'), ('"epoch"'), ('"0000-01-01"'), ('"2026-05-31T08:15:30Z "'),
	('true'), ('{}'), ('[]'), ('-1'), ('1e30'), ('"99999999999999999"'),
	('"2026-06-02T12:00:00.001Z"'), ('"0001-01-01"'), ('"9999-12-31"');
INSERT INTO cdp.inbox (source, record)
SELECT 'web', format('{"messageId":%s,"userId":"u","event":"x","timestamp":%s}', n, written)
FROM sent ORDER BY n;
CALL cdp.merge(phases => '{ingest}');
SELECT written, occurred_at
FROM sent JOIN cdp.event ON message_id = n::text ORDER BY n;
SELECT written, reason
FROM sent JOIN cdp.reject ON (record::json ->> 'messageId') = n::text ORDER BY n;

-- a date written as a number is one of 1970, which is seldom meant; one in quotes
-- is no time, and a date of long ago is one
SELECT cdp.ingest('web', format('{"userId": "old", "event": "x", "messageId": "old %s", "timestamp": %s}', n, written)::jsonb) IS NOT NULL AS stored
FROM unnest(ARRAY['20260531', '946684799.9', '946684800', '"1999-12-31"', '"20260531"']) WITH ORDINALITY AS sent (written, n);
SELECT message_id, occurred_at FROM cdp.event WHERE message_id ~ '^old' ORDER BY 1;
SELECT reason, field, example_value, message FROM cdp.ingest_warning WHERE example_message_id ~ '^old' ORDER BY warning_id;

-- a sender's clock is corrected by when the record was received, if that is
-- known: by receivedAt, by the call, or because it cannot be in the future
TRUNCATE cdp.event;
INSERT INTO cdp.inbox (source, record) VALUES
	('web', '{"messageId":"in step","userId":"u","event":"x","timestamp":"2026-05-01T10:00:00Z","sentAt":"2026-05-01T10:00:01Z","receivedAt":"2026-05-01T10:00:30Z"}'),
	('web', '{"messageId":"an hour slow","userId":"u","event":"x","timestamp":"2026-05-01T10:00:00Z","sentAt":"2026-05-01T10:00:01Z","receivedAt":"2026-05-01T11:00:01Z"}'),
	('web', '{"messageId":"out of an old file","userId":"u","event":"x","timestamp":"2026-05-01T10:00:00Z","sentAt":"2026-05-01T10:00:01Z"}'),
	('web', '{"messageId":"a year fast","userId":"u","event":"x","timestamp":"2027-06-01T11:59:00Z","sentAt":"2027-06-01T12:00:00Z"}'),
	('web', '{"messageId":"a year fast, original","userId":"u","event":"x","originalTimestamp":"2027-06-01T11:59:00Z","sentAt":"2027-06-01T12:00:00Z"}'),
	('web', '{"messageId":"corrected already","userId":"u","event":"x","timestamp":"2026-05-01T10:00:00Z","originalTimestamp":"2027-06-01T11:59:00Z","sentAt":"2027-06-01T12:00:00Z"}'),
	('web', '{"messageId":"unknown","userId":"u","event":"x"}');
CALL cdp.merge(phases => '{ingest}');
SELECT message_id, occurred_at FROM cdp.event ORDER BY 1;
-- so a request of long ago that is sent again comes to the same times by a call as
-- by the inbox, if its records say when they were received; a call is the receipt
-- of those that do not
CREATE TEMP TABLE request (n integer, record jsonb);
INSERT INTO request VALUES
	(1, '{"userId": "u", "event": "x", "timestamp": "2026-05-01T10:00:00Z", "receivedAt": "2026-05-01T10:00:02Z"}'),
	(2, '{"userId": "u", "event": "x", "timestamp": "2026-05-01T09:00:00Z", "receivedAt": "2026-05-01T11:00:01Z"}'),
	(3, '{"userId": "u", "event": "x", "timestamp": "2026-05-01T10:00:00Z"}');
SELECT count(*) FROM cdp.ingest_batch('web', jsonb_build_object('sentAt', '2026-05-01T10:00:01Z',
	'batch', (SELECT jsonb_agg(record || jsonb_build_object('messageId', 'call ' || n)) FROM request)));
INSERT INTO cdp.inbox (source, record)
SELECT 'web', record || jsonb_build_object('messageId', 'inbox ' || n, 'sentAt', '2026-05-01T10:00:01Z') FROM request;
CALL cdp.merge(phases => '{ingest}');
SELECT message_id, occurred_at FROM cdp.event WHERE message_id ~ '^(call|inbox)' ORDER BY 1;
