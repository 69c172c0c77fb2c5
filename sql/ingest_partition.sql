\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never
SELECT cdp.add_source('web');
CREATE VIEW pg_temp.months AS
SELECT tableoid::regclass AS partition, count(*) FROM cdp.event GROUP BY 1 ORDER BY 1;
CREATE PROCEDURE pg_temp.load(first timestamptz, step interval, n integer) LANGUAGE sql AS $$
	INSERT INTO cdp.inbox (source, record)
	SELECT 'web', format('{"userId":"u%s","event":"x","messageId":"%s-%s","timestamp":"%s"}', i % 9, first, i, to_json(first + i * step) #>> '{}')
	FROM generate_series(0, n - 1) AS i
$$;

-- a run makes months ahead
SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'cdp.event'::regclass ORDER BY 1;
CALL cdp.merge(phases => '{ingest}');
SELECT inhrelid::regclass, pg_get_expr(relpartbound, inhrelid) AS bound
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'cdp.event'::regclass ORDER BY 1;

-- a batch with much of a month makes it; little goes to event_other
CALL pg_temp.load('2026-02-01', '1 hour', 120);
CALL pg_temp.load('2026-01-31 23:59:59.999', '2 ms', 2);
CALL pg_temp.load('2025-11-01', '1 hour', 99);
CALL cdp.merge(phases => '{ingest}');
TABLE pg_temp.months;
-- more of that month brings what waits in event_other along
CALL pg_temp.load('2025-11-10', '1 hour', 100);
CALL cdp.merge(phases => '{ingest}');
TABLE pg_temp.months;

-- event_other gives up a month once it is worth it
UPDATE cdp.setting SET value = '50' WHERE name = 'partition_rows';
CALL pg_temp.load('2024-03-01', '1 hour', 60);
CALL pg_temp.load('2024-04-01', '1 hour', 30);
CALL cdp.merge(phases => '{ingest}');
TABLE pg_temp.months;
CALL cdp.merge(phases => '{ingest}');
TABLE pg_temp.months;

-- a call never makes one
SELECT cdp.ingest('web', '{"userId":"u1","event":"x","timestamp":"2023-01-01"}') IS NOT NULL AS stored;
SELECT tableoid::regclass FROM cdp.event WHERE occurred_at < '2024-01-01';

-- by hand, too; nothing is lost
SELECT cdp._make_event_months('{2024-04-01}');
SELECT cdp._make_event_months('{2024-04-01,2024-04-01}');
TABLE pg_temp.months;
SELECT count(*) = (SELECT sum(stored) FROM cdp.ingest_count) AS all_there FROM cdp.event;
-- months have the log's indexes, and are read alone
SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid = 'cdp.event_202404'::regclass ORDER BY 1;
EXPLAIN (COSTS OFF) SELECT count(*) FROM cdp.event
WHERE occurred_at >= '2024-04-01 00:00+00' AND occurred_at < '2024-05-01 00:00+00' AND properties IS NOT NULL;
-- and are documented
SELECT obj_description('cdp.event_202404'::regclass);

-- old counts are folded without a change of the sums
INSERT INTO cdp.ingest_tally (source, counted_at, records, stored, duplicates, rejected, without_key)
SELECT 'web', '2026-05-30 10:00+00'::timestamptz + n * interval '1 minute', 1, 1, 0, 0, 0 FROM generate_series(1, 1200) AS n;
CREATE TEMP TABLE before AS SELECT * FROM cdp.ingest_count;
SELECT cdp._ingest_upkeep();
SELECT count(*) AS changed FROM (TABLE before EXCEPT TABLE cdp.ingest_count) AS difference;
SELECT count(*) AS rows_left FROM cdp.ingest_tally WHERE counted_at < '2026-06-01';
