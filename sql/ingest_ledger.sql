\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never
SELECT cdp.add_source('web');
SELECT cdp.add_source('app');
SELECT cdp.add_source('till');
SELECT cdp.add_source('forgetful', dedupe_for => '7 days');

-- a message id is accepted once per source, in a batch, between batches, and
-- whatever its time or form
CREATE PROCEDURE pg_temp.load(VARIADIC rows text[]) LANGUAGE sql AS $$
	INSERT INTO cdp.inbox (source, record)
	SELECT split_part(line, ' ', 1), substr(line, strpos(line, ' ') + 1)
	FROM unnest(rows) WITH ORDINALITY AS u (line, n) ORDER BY n
$$;
CALL pg_temp.load(
	'web {"messageId":"m1","userId":"u1","event":"first","timestamp":"2026-05-01"}',
	'web {"messageId":"m1","userId":"u1","event":"second","timestamp":"2026-05-02"}',
	'app {"messageId":"m1","userId":"u1","event":"other source"}',
	'web {"messageId":"0ae0d1e6-7d3c-4f1c-9c53-2f4b7a8e9d10","userId":"u1","event":"uuid"}',
	'web {"messageId":"0AE0D1E6-7D3C-4F1C-9C53-2F4B7A8E9D10","userId":"u1","event":"uuid"}');
CALL cdp.merge(phases => '{ingest}');
CALL pg_temp.load('web {"messageId":"m1","userId":"u2","event":"third","timestamp":"2020-01-01"}');
CALL cdp.merge(phases => '{ingest}');
SELECT source.name, event.name, message_id FROM cdp.event JOIN cdp.source USING (source_id) ORDER BY event_id;
SELECT source, records, stored, duplicates, rejected FROM cdp.ingest_count ORDER BY 1;
SELECT source_id, key FROM cdp.message WHERE key = '0ae0d1e6-7d3c-4f1c-9c53-2f4b7a8e9d10';
-- hashed keys are UUIDs of version 8
SELECT DISTINCT substr(key::text, 15, 1) AS version FROM cdp.message ORDER BY 1;

-- a rejected record does not use up its id
CALL pg_temp.load(
	'web {"messageId":"m2","event":"nobody"}',
	'web {"messageId":"m2","userId":"u1","event":"somebody"}');
CALL cdp.merge(phases => '{ingest}');
SELECT name FROM cdp.event WHERE message_id = 'm2';

-- without an id equal records of one call are two, the same call again none
CALL pg_temp.load(
	'till {"userId":"u3","event":"order","timestamp":"2026-05-03T10:00:00Z","properties":{"total":5}}',
	'till {"userId":"u3","event":"order","timestamp":"2026-05-03T10:00:00Z","properties":{"total":5}}',
	'till {"event":"order","userId":"u3","properties":{"total": 5},"timestamp":"2026-05-03T10:00:00Z"}',
	'till {"userId":"u3","event":"order","timestamp":"2026-05-03T10:00:00Z","properties":{"total":6}}');
CALL cdp.merge(phases => '{ingest}');
SELECT count(*) FROM cdp.event WHERE name = 'order';
CALL pg_temp.load(
	'till {"userId":"u3","event":"order","timestamp":"2026-05-03T10:00:00Z","properties":{"total":5}}',
	'till {"userId":"u3","event":"order","timestamp":"2026-05-03T10:00:00Z","properties":{"total":5}}',
	'till {"event":"order","userId":"u3","properties":{"total": 5},"timestamp":"2026-05-03T10:00:00Z"}',
	'till {"userId":"u3","event":"order","timestamp":"2026-05-03T10:00:00Z","properties":{"total":6}}');
CALL cdp.merge(phases => '{ingest}');
SELECT count(*) FROM cdp.event WHERE name = 'order';

-- with neither id nor time nothing can be told: stored, and counted as such
CALL pg_temp.load('till {"userId":"u4","event":"x"}', 'till {"userId":"u4","event":"x"}');
CALL cdp.merge(phases => '{ingest}');
SELECT source, records, stored, duplicates, without_key FROM cdp.ingest_count WHERE source = 'till';

-- a source may forget
CALL pg_temp.load('forgetful {"messageId":"f","userId":"u5","event":"x"}');
CALL cdp.merge(phases => '{ingest}');
SET cdp.test_clock = '2026-06-08 11:59:59+00';
CALL pg_temp.load('forgetful {"messageId":"f","userId":"u5","event":"x"}');
CALL cdp.merge(phases => '{ingest}');
SELECT count(*) FROM cdp.event JOIN cdp.source USING (source_id) WHERE source.name = 'forgetful';
SET cdp.test_clock = '2026-06-08 12:00:00+00';
CALL pg_temp.load('forgetful {"messageId":"f","userId":"u5","event":"x"}');
CALL cdp.merge(phases => '{ingest}');
SELECT count(*) FROM cdp.event JOIN cdp.source USING (source_id) WHERE source.name = 'forgetful';

-- however the same records are cut into batches, the same is stored
CREATE TEMP TABLE records AS
SELECT n, json_build_object('messageId', 'b' || n % 90, 'userId', 'u' || n % 40,
	'event', 'Event ' || n % 7, 'timestamp', 1767225600 + n * 3600,
	'properties', json_build_object('total', n * 0.5, 'n', n),
	'traits', json_build_object('plan', n % 3))::text AS record
FROM generate_series(1, 120) AS n;
CREATE PROCEDURE pg_temp.run(batch integer) LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE cdp.event, cdp.message, cdp.ingest_tally;
	INSERT INTO cdp.inbox (source, record) SELECT 'web', record FROM records ORDER BY n;
	LOOP
		EXIT WHEN cdp._ingest_step(batch) = 0;
	END LOOP;
END
$$;
CREATE TEMP TABLE outcome (batch integer, stored bigint, duplicates bigint, events text);
CREATE PROCEDURE pg_temp.note(batch integer) LANGUAGE sql AS $$
	INSERT INTO outcome
	SELECT batch, (SELECT sum(stored) FROM cdp.ingest_count), (SELECT sum(duplicates) FROM cdp.ingest_count),
		md5(string_agg(concat_ws('|', message_id, name, occurred_at, set_id, amount, properties), E'\n' ORDER BY message_id))
	FROM cdp.event
$$;
CALL pg_temp.run(1);
CALL pg_temp.note(1);
CALL pg_temp.run(7);
CALL pg_temp.note(7);
CALL pg_temp.run(1000);
CALL pg_temp.note(1000);
SELECT batch, stored, duplicates FROM outcome ORDER BY batch;
SELECT count(DISTINCT events) AS different_results FROM outcome;
