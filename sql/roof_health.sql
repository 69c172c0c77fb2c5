-- Health: each figure is ok in a store that is well, and says when it is not.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SELECT cdp.add_source('web', retention => '90 days') \g /dev/null
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "ann", "messageId": "1", "properties": {"total": 10}}') IS NOT NULL AS stored;
CALL cdp.merge();
SET cdp.test_clock = '2026-06-01 12:30:00+00';
-- times of the last run are the server's own clock
UPDATE cdp.run_log SET started_at = cdp.clock() - interval '2 minutes', finished_at = cdp.clock() - interval '1 minute';
SELECT name, unit, state, healthy, hint FROM cdp.health ORDER BY name COLLATE "C";

-- what is made wrong below, and what it turns from ok
CREATE FUNCTION pg_temp.state(figure text) RETURNS TABLE (name text, value numeric, state text, hint text)
LANGUAGE sql AS $$
	SELECT name, value, state, hint FROM cdp.health WHERE name = figure
$$;
-- records that wait
BEGIN;
INSERT INTO cdp.inbox (source, record, received_at) VALUES ('web', '{}', cdp.clock() - interval '2 hours');
SELECT * FROM pg_temp.state('inbox_oldest');
UPDATE cdp.inbox SET received_at = cdp.clock() - interval '2 days';
SELECT * FROM pg_temp.state('inbox_oldest');
SELECT * FROM pg_temp.state('inbox_rows');
-- work that waits
INSERT INTO cdp.todo (phase, ids, created_at) VALUES ('stitch', array_fill(1::bigint, '{1000001}'), cdp.clock() - interval '2 hours');
SELECT * FROM pg_temp.state('todo_ids');
SELECT * FROM pg_temp.state('todo_oldest');
-- runs
UPDATE cdp.run_log SET started_at = cdp.clock() - interval '5 hours', finished_at = cdp.clock() - interval '2 hours',
	phase_ms = phase_ms || '{"stitch": 7200000}';
SELECT * FROM pg_temp.state('last_merge');
SELECT * FROM pg_temp.state('last_merge_took');
SELECT * FROM pg_temp.state('last_merge_stitch');
UPDATE cdp.run_log SET state = 'failed';
SELECT * FROM pg_temp.state('last_merge_failed');
-- records and fields that could not be used
INSERT INTO cdp.reject (source, reason, message, received_at) VALUES ('web', 'x', 'x', cdp.clock());
SELECT * FROM pg_temp.state('rejects_24h');
INSERT INTO cdp.ingest_warning (source_id, reason, field, message, records)
SELECT source_id, 'no_exchange_rate', 'total', '', 1001 FROM cdp.source;
SELECT * FROM pg_temp.state('warnings_24h');
-- amounts that wait for a rate
INSERT INTO cdp.event (source_id, name, occurred_at, received_at, set_id, currency, properties)
SELECT source_id, 'order', cdp.clock(), cdp.clock(), 1, 'USD', '{"cdp_amount": 1}' FROM cdp.source;
SELECT * FROM pg_temp.state('amounts_without_rate');
-- a table that cannot be read
INSERT INTO cdp.table_source (source_id, relation, key, error) SELECT source_id, 'cdp.source', 'source_id', 'gone' FROM cdp.source;
SELECT * FROM pg_temp.state('table_sources_failing');
UPDATE cdp.table_source SET unread_rows = 3;
SELECT * FROM pg_temp.state('table_rows_unread');
-- segments and scores
UPDATE cdp.segment_state SET failed_version = 1, error = 'broken', as_of = cdp.clock() - interval '2 days'
WHERE segment_id = (SELECT min(segment_id) FROM cdp.segment_state);
SELECT * FROM pg_temp.state('segments_failing');
SELECT * FROM pg_temp.state('segments_oldest');
UPDATE cdp.score_run SET as_of = cdp.clock() - interval '3 days';
SELECT * FROM pg_temp.state('scores_oldest');
SET LOCAL session_replication_role = replica;
INSERT INTO cdp.model_quality VALUES ('churn', 1, '2026-01-01', '2026-04-01', 10, 0.9, 0.1, 0.8, 0.5, '[]', 'do not use');
UPDATE cdp.model SET version = 1 WHERE name = 'churn';
SET LOCAL session_replication_role = origin;
SELECT * FROM pg_temp.state('models_not_usable');
-- versions
UPDATE cdp.store SET version = '0.1', icu_version = 'other';
SELECT * FROM pg_temp.state('store_version_differs');
SELECT * FROM pg_temp.state('icu_version_differs');
ROLLBACK;
-- months without a partition, data past its retention: no run for a long time
SET cdp.test_clock = '2027-06-04 12:00:00+00';
SELECT * FROM pg_temp.state('months_ahead_missing');
SELECT name, state, hint FROM cdp.health WHERE name = 'retention_overdue';
-- a merge run mends both
CALL cdp.merge();
SELECT name, state FROM cdp.health WHERE name IN ('months_ahead_missing', 'retention_overdue') ORDER BY 1;

-- monitoring tools may read it
CREATE ROLE regress_health IN ROLE pg_monitor;
SET ROLE regress_health;
SELECT count(*) > 20 AS reads FROM cdp.health;
RESET ROLE;
DROP ROLE regress_health;

-- cheap: timelines and evidence are not read, the log by its index of amounts
-- that wait, what expires and profiles by an index
CREATE FUNCTION pg_temp.reads(query text) RETURNS TABLE (node text, relation text, index text)
LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN QUERY SELECT one ->> 'Node Type', one ->> 'Relation Name', one ->> 'Index Name'
	FROM jsonb_path_query(plan, 'strict $.**?(exists (@."Relation Name"))') AS one;
END
$$;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) > 10 AS reads,
	count(*) FILTER (WHERE relation ~ '^(event_\d|event_other|timeline|identifier|evidence|message|trait_observation|trait_history|membership_change)'
		AND coalesce(index, '') NOT IN (relation || '_currency_occurred_at_idx', 'trait_observation_expires_at_idx', 'trait_history_expires_at_idx')) AS large,
	count(*) FILTER (WHERE index ~ '^event_\d+_currency_occurred_at_idx$') > 0 AS waiting,
	count(*) FILTER (WHERE relation = 'profile_current' AND node = 'Seq Scan') AS not_by_index
FROM pg_temp.reads('SELECT * FROM cdp.health');
