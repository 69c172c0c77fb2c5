
-- One row per figure.  Each is an index probe, or a scan of a table that is
-- short when all is well.
CREATE VIEW cdp.health AS
SELECT name, value, unit,
	CASE WHEN value > error_above THEN 'error'
		WHEN value > warn_above THEN 'warn'
		ELSE 'ok' END AS state,
	'at most ' || warn_above AS healthy,
	CASE WHEN value > warn_above THEN hint END AS hint
FROM (VALUES
	('inbox_rows', (
			SELECT count(*) FROM cdp.inbox)::numeric,
		'rows', (1000000)::numeric, (NULL)::numeric,
		'Run CALL cdp.merge(), or schedule it more often.'),
	('inbox_oldest', (
			SELECT extract(epoch FROM cdp.clock() - min(received_at)) FROM cdp.inbox),
		'seconds', 3600, 86400,
		'Run CALL cdp.merge() and look at cdp.run for errors.'),
	('todo_ids', (
			SELECT coalesce(sum(cardinality(ids)), 0) FROM cdp.todo),
		'ids', 1000000, NULL,
		'Profiles named here are provisional. Run CALL cdp.merge().'),
	('todo_oldest', (
			SELECT extract(epoch FROM cdp.clock() - min(created_at)) FROM cdp.todo),
		'seconds', 3600, 86400,
		'Run CALL cdp.merge() and look at cdp.run for errors.'),
	('last_merge', (
			SELECT extract(epoch FROM cdp.clock() - finished_at) FROM cdp.run_log
			WHERE kind = 'merge' AND state = 'done' ORDER BY run_id DESC LIMIT 1),
		'seconds', 3600, 86400,
		'Schedule CALL cdp.merge() with pg_cron.'),
	('last_merge_took', (
			SELECT extract(epoch FROM finished_at - started_at) FROM cdp.run_log
			WHERE kind = 'merge' AND state = 'done' ORDER BY run_id DESC LIMIT 1),
		'seconds', 3600, NULL,
		'See phase_ms in cdp.run.'),
	('last_merge_failed', (
			SELECT (state IN ('failed', 'interrupted'))::integer FROM cdp.run
			WHERE kind = 'merge' ORDER BY run_id DESC LIMIT 1),
		'boolean', 0, 0,
		'See error in cdp.run.'),
	('rejects_24h', (
			SELECT count(*) FROM cdp.reject
			WHERE rejected_at > cdp.clock() - interval '24 hours' AND reason <> 'erased'),
		'rows', 0, NULL,
		'See cdp.reject for reasons; mend the source, then CALL cdp.retry_rejects().'),
	('erased_refused_24h', (
			SELECT count(*) FROM cdp.reject
			WHERE rejected_at > cdp.clock() - interval '24 hours' AND reason = 'erased'),
		'rows', 1000, NULL,
		'Sources go on sending data of people who were erased: see cdp.reject by source, and have them erased there.'),
	('privacy_requests_overdue', (
			SELECT count(*) FROM cdp.privacy_request
			WHERE done_at IS NULL AND due_at < cdp.clock()),
		'requests', 0, NULL,
		'See cdp.privacy_request: what was asked has been due for an answer by law.'),
	('warnings_24h', (
			SELECT coalesce(sum(records), 0) FROM cdp.ingest_warning
			WHERE warned_at > cdp.clock() - interval '24 hours'),
		'records', 1000, NULL,
		'See cdp.ingest_warning: fields that could not be used in records that were stored.'),
	('table_sources_failing', (
			SELECT count(*) FROM cdp.table_source WHERE active AND error IS NOT NULL),
		'sources', 0, NULL,
		'See error in cdp.table_source.'),
	('table_rows_unread', (
			SELECT coalesce(sum(unread_rows), 0) FROM cdp.table_source WHERE active),
		'rows', 0, NULL,
		'See unread_rows in cdp.table_source: the watermark of these rows is null. Name a view in which it is not.'),
	('retention_overdue', (
			SELECT greatest(0, extract(epoch FROM max(late.late)))
			FROM (
				SELECT cdp.clock() - retention
					- coalesce(removed_before, created_at - retention) AS late
				FROM cdp.source WHERE retention IS NOT NULL
				UNION ALL
				SELECT cdp.clock() - greatest(ended.at, (
					SELECT finished_at FROM cdp.run_log
					WHERE kind = 'merge' AND state = 'done' ORDER BY run_id DESC LIMIT 1))
				FROM (
					SELECT min(expires_at) AS at FROM cdp.trait_observation
					WHERE expires_at IS NOT NULL AND value <> '""'
					UNION ALL
					SELECT min(expires_at) FROM cdp.trait_history
				) AS ended
				WHERE ended.at IS NOT NULL
			) AS late),
		'seconds', 2 * 86400, NULL,
		'More is kept than the retention of a source, or what expires, allows. Run CALL cdp.merge(), with the phase retain.'),
	('amounts_without_rate', (
			SELECT count(*) FROM cdp.event
			WHERE amount IS NULL AND currency IS NOT NULL AND properties ? 'cdp_amount'),
		'events', 0, NULL,
		'Add rates to cdp.exchange_rate, then run SELECT cdp.convert_amounts().'),
	('conflicts', (
			SELECT count(*) FROM cdp.refused_link),
		'rows', 1000, NULL,
		'See cdp.conflict: evidence that a rule refused.'),
	('largest_profile', (
			SELECT max(identifier_count) FROM cdp.profile_current),
		'identifiers', 500, 10000,
		'Look for a value to block among its identifiers: see cdp.profile_identifier.'),
	('profiles_past_alarm', (
			SELECT count(*) FROM cdp.profile_current
			WHERE identifier_count > (SELECT value::integer FROM cdp.setting
				WHERE setting.name = 'component_alarm')),
		'profiles', 0, NULL,
		'They have more identifiers than the setting component_alarm: see cdp.suggest_blocked() and cdp.identity_benchmark.'),
	('segments_failing', (
			SELECT count(*) FROM cdp.segment WHERE active AND error IS NOT NULL),
		'segments', 0, NULL,
		'See error in cdp.segment.'),
	('segments_oldest', (
			SELECT extract(epoch FROM cdp.clock() - min(as_of)) FROM cdp.segment
			WHERE active),
		'seconds', 86400, NULL,
		'Run CALL cdp.merge().'),
	('scores_oldest', (
			SELECT extract(epoch FROM cdp.clock() - max(as_of)) FROM cdp.score_run),
		'seconds', 2 * 86400, NULL,
		'Run CALL cdp.merge().'),
	('models_failing', (
			SELECT count(*) FROM cdp.model WHERE status = 'failed'),
		'models', 0, NULL,
		'See detail in cdp.model.'),
	('models_not_usable', (
			SELECT count(*)
			FROM cdp.model JOIN cdp.model_quality AS quality
				ON quality.model = model.name AND quality.version = model.version
			WHERE quality.verdict = 'do not use'),
		'models', 0, NULL,
		'See cdp.model_report(model): what these models said differs from what happened.'),
	('months_ahead_missing', (
			SELECT count(*) FROM generate_series(0, 1) AS ahead
			WHERE to_regclass('cdp.event_' || to_char((cdp.clock() AT TIME ZONE 'UTC')
				+ make_interval(months => ahead), 'YYYYMM')) IS NULL),
		'partitions', 0, NULL,
		'Run CALL cdp.merge(): it makes months ahead.'),
	('event_other_size', (
			pg_catalog.pg_relation_size('cdp.event_other')),
		'bytes', 1073741824, NULL,
		'Events of many months wait in the default partition. See cdp.setting, partition_rows.'),
	('store_version_differs', (
			SELECT (store.version <> extension.extversion)::integer
			FROM cdp.store, pg_catalog.pg_extension AS extension
			WHERE extension.extname = 'cdp'),
		'boolean', 0, 0,
		'Run CALL cdp.migrate().'),
	('icu_version_differs', (
			SELECT (store.icu_version <> cdp.icu_version())::integer FROM cdp.store),
		'boolean', 0, NULL,
		'Canonical forms may differ from those that keys were made with. Compare cdp.icu_version() with icu_version in cdp.store.')
) AS figure (name, value, unit, warn_above, error_above, hint)
UNION ALL
SELECT 'last_merge_' || phase.key, round(phase.value::numeric / 1000, 3), 'seconds',
	CASE WHEN phase.value::numeric > 3600000 THEN 'warn' ELSE 'ok' END,
	'at most 3600',
	CASE WHEN phase.value::numeric > 3600000
		THEN 'This phase takes most of a run. See cdp.run.' END
FROM (
	SELECT phase_ms FROM cdp.run_log
	WHERE kind = 'merge' AND state = 'done' ORDER BY run_id DESC LIMIT 1
) AS last, pg_catalog.jsonb_each_text(last.phase_ms) AS phase;
COMMENT ON VIEW cdp.health IS
'is all well: one row per figure with its state (ok, warn, error), what is healthy, and a hint when it is not';
GRANT USAGE ON SCHEMA cdp TO pg_monitor;
GRANT SELECT ON cdp.health, cdp.run TO pg_monitor;
