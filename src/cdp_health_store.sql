
-- One row per figure; the view adds the words.  Each figure is one index
-- probe or a scan of a table that is short when all is well.
CREATE VIEW cdp.health AS
WITH figure (name, value, unit, warn_above, error_above, hint) AS (
	SELECT 'inbox_rows', count(*)::numeric, 'rows', 1000000, NULL::numeric,
		'Run CALL cdp.merge(), or schedule it more often.'
	FROM cdp.inbox
	UNION ALL
	SELECT 'inbox_oldest', extract(epoch FROM cdp.clock() - min(received_at)),
		'seconds', 3600, 86400, 'Run CALL cdp.merge() and look at cdp.run for errors.'
	FROM cdp.inbox
	UNION ALL
	SELECT 'todo_ids', coalesce(sum(cardinality(ids)), 0), 'ids', 1000000, NULL,
		'Profiles named here are provisional. Run CALL cdp.merge().'
	FROM cdp.todo
	UNION ALL
	SELECT 'todo_oldest', extract(epoch FROM cdp.clock() - min(created_at)),
		'seconds', 3600, 86400, 'Run CALL cdp.merge() and look at cdp.run for errors.'
	FROM cdp.todo
	UNION ALL
	SELECT 'last_merge', extract(epoch FROM cdp.clock() - max(finished_at)),
		'seconds', 3600, 86400, 'Schedule CALL cdp.merge() with pg_cron.'
	FROM cdp.run_log
	WHERE kind = 'merge' AND state = 'done'
	UNION ALL
	SELECT 'last_merge_took', (
		SELECT extract(epoch FROM finished_at - started_at)
		FROM cdp.run_log
		WHERE kind = 'merge' AND state = 'done'
		ORDER BY run_id DESC LIMIT 1),
		'seconds', 3600, NULL, 'See phase_ms in cdp.run.'
	UNION ALL
	SELECT 'last_merge_failed', (
		SELECT (state IN ('failed', 'interrupted'))::integer
		FROM cdp.run
		WHERE kind = 'merge'
		ORDER BY run_id DESC LIMIT 1),
		'boolean', 0, 0, 'See error in cdp.run.'
	UNION ALL
	SELECT 'rejects_24h', count(*), 'rows', 0, NULL,
		'See cdp.reject for reasons; mend the source, then CALL cdp.retry_rejects().'
	FROM cdp.reject
	WHERE rejected_at > cdp.clock() - interval '24 hours'
	UNION ALL
	SELECT 'amounts_without_rate_24h', coalesce(sum(records), 0), 'records', 0, NULL,
		'Add rows to cdp.exchange_rate.'
	FROM cdp.ingest_warning
	WHERE reason = 'no_rate' AND warned_at > cdp.clock() - interval '24 hours'
	UNION ALL
	SELECT 'conflicts', count(*), 'rows', 1000, NULL,
		'See cdp.conflict: evidence that a rule refused.'
	FROM cdp.conflict
	UNION ALL
	SELECT 'segments_failing', count(*), 'segments', 0, NULL,
		'See error in cdp.segment.'
	FROM cdp.segment
	WHERE active AND error IS NOT NULL
	UNION ALL
	SELECT 'segments_oldest', extract(epoch FROM cdp.clock() - min(as_of)),
		'seconds', 86400, NULL, 'Run CALL cdp.merge().'
	FROM cdp.segment
	WHERE active
	UNION ALL
	SELECT 'scores_oldest', extract(epoch FROM cdp.clock() - min(as_of)),
		'seconds', 2 * 86400, NULL, 'Run CALL cdp.merge().'
	FROM cdp.profile_score
	UNION ALL
	SELECT 'months_ahead_missing', (
		SELECT count(*)
		FROM generate_series(0, 1) AS ahead
		WHERE to_regclass('cdp.event_' || to_char(
				(cdp.clock() AT TIME ZONE 'UTC') + make_interval(months => ahead),
				'YYYYMM')) IS NULL),
		'partitions', 0, NULL, 'Run CALL cdp.merge(): it makes months ahead.'
	UNION ALL
	SELECT 'store_version_differs', (
		SELECT (store.version <> extension.extversion)::integer
		FROM cdp.store, pg_catalog.pg_extension AS extension
		WHERE extension.extname = 'cdp'),
		'boolean', 0, 0, 'Run CALL cdp.migrate().'
)
SELECT name, value, unit,
	CASE WHEN value > error_above THEN 'error'
		WHEN value > warn_above THEN 'warn'
		ELSE 'ok' END AS state,
	'at most ' || warn_above AS healthy,
	CASE WHEN value > warn_above THEN hint END AS hint
FROM figure;
COMMENT ON VIEW cdp.health IS
'is all well: one row per figure with its state (ok, warn, error), what is healthy, and a hint when it is not';
GRANT USAGE ON SCHEMA cdp TO pg_monitor;
GRANT SELECT ON cdp.health, cdp.run TO pg_monitor;
