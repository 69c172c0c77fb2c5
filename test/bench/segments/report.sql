-- report.sql: what segments.sh measured, as tables.
SET search_path = bench, pg_catalog;
CREATE TEMP VIEW per_round AS
SELECT round, what, CASE WHEN what IN ('sql', 'duckdb') THEN 20 ELSE n END AS n, sum(seconds) * 1000 AS ms
FROM took WHERE what <> 'count' GROUP BY 1, 2, 3;
CREATE TEMP VIEW median AS
SELECT what, n, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS ms, min(ms) AS least, max(ms) AS most FROM per_round GROUP BY 1, 2;

SELECT '| 20 predicates | CPU ms, median | least-most | slower than the scan | than with the join | target |';
SELECT '|---|---|---|---|---|---|';
SELECT format('| %s | %s | %s-%s | %s | %s | %s |',
	CASE what WHEN 'scan' THEN 'scan of timelines alone' WHEN 'join' THEN 'with the join to all profiles, and counts'
		WHEN 'sql' THEN 'PostgreSQL, 20 queries over an indexed flat table' ELSE 'DuckDB, the same 20 queries' END,
	round(ms::numeric), round(least::numeric), round(most::numeric), round((ms / scan)::numeric, 1) || 'x', round((ms / joined)::numeric, 1) || 'x',
	CASE what WHEN 'sql' THEN format('10x %s, 8x %s', CASE WHEN ms / scan >= 10 THEN 'ok' ELSE 'MISSED' END, CASE WHEN ms / joined >= 8 THEN 'ok' ELSE 'MISSED' END)
		WHEN 'duckdb' THEN format('4x %s, 3x %s', CASE WHEN ms / scan >= 4 THEN 'ok' ELSE 'MISSED' END, CASE WHEN ms / joined >= 3 THEN 'ok' ELSE 'MISSED' END) ELSE '' END)
FROM median, (SELECT ms AS scan FROM median WHERE what = 'scan') AS s, (SELECT ms AS joined FROM median WHERE what = 'join' AND n = 20) AS j
WHERE n = 20
ORDER BY array_position('{scan,join,sql,duckdb}', what);
SELECT '';
SELECT format('Members counted otherwise by a peer: %s of %s comparisons.',
	count(*) FILTER (WHERE peer.members <> ours.members), count(*))
FROM took AS ours JOIN took AS peer ON peer.n = ours.n AND peer.round = ours.round AND peer.what IN ('sql', 'duckdb')
WHERE ours.what = 'count';
SELECT '';
SELECT '| predicates | CPU ms with the join, median | least-most | each further one | target |';
SELECT '|---|---|---|---|---|';
SELECT format('| %s | %s | %s-%s | %s | %s |', n, round(ms::numeric), round(least::numeric), round(most::numeric),
	coalesce(round(each::numeric, 1) || ' ms', ''), CASE WHEN each > 10 THEN '10 ms MISSED' WHEN each IS NOT NULL THEN '10 ms ok' ELSE '' END)
FROM (SELECT *, (ms - lag(ms) OVER (ORDER BY n)) / (n - lag(n) OVER (ORDER BY n)) AS each FROM median WHERE what = 'join') AS stepped
ORDER BY n;
SELECT '';
SELECT '| one predicate, ad hoc | members | CPU ms, median | from the log, if asked to |';
SELECT '|---|---|---|---|';
SELECT format('| %s | %s | %s | %s |', CASE m.n WHEN 1 THEN 'country = ''DE'' (no event)' WHEN 2 THEN 'did(page_view, 1 day)' WHEN 3 THEN 'did(rare) (never seen)'
		WHEN 4 THEN 'count(order) >= 5' ELSE 'did(order where note = ''x'') (undeclared)' END,
	(SELECT max(members) FROM took WHERE what = 'ad hoc' AND took.n = m.n), round(m.ms::numeric), coalesce(round(log.ms::numeric)::text, ''))
FROM median AS m LEFT JOIN median AS log ON log.what = 'from log' AND log.n = m.n
WHERE m.what = 'ad hoc' ORDER BY m.n;
SELECT '';
SELECT '| on disk | MB | bytes an event | target |';
SELECT '|---|---|---|---|';
SELECT format('| %s | %s | %s | %s |', label, round(size / 1e6, 1), round(size / events, 1), CASE WHEN label = 'timelines' THEN
	CASE WHEN size / events <= 8 THEN '8 ok' ELSE '8 MISSED' END ELSE '' END)
FROM (SELECT count(*)::numeric AS events FROM event) AS counted,
	LATERAL (VALUES ('timelines', pg_table_size('cdp.timeline_chunk')::numeric), ('timelines with their key', pg_total_relation_size('cdp.timeline_chunk')),
		('event log with its indexes', (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('cdp.event'))),
		('flat table with its indexes', pg_total_relation_size('bench.event'))) AS sized (label, size);
SELECT '';
