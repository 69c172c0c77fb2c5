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
		WHEN 'rows' THEN 'the same with a row a profile'
		WHEN 'sql' THEN 'PostgreSQL, 20 queries over an indexed flat table' ELSE 'DuckDB, the same 20 queries' END,
	round(ms::numeric), round(least::numeric), round(most::numeric), round((ms / scan)::numeric, 1) || 'x', round((ms / joined)::numeric, 1) || 'x',
	CASE what WHEN 'sql' THEN format('10x %s, 8x %s', CASE WHEN ms / scan >= 10 THEN 'ok' ELSE 'MISSED' END, CASE WHEN ms / joined >= 8 THEN 'ok' ELSE 'MISSED' END)
		WHEN 'duckdb' THEN format('4x %s, 3x %s', CASE WHEN ms / scan >= 4 THEN 'ok' ELSE 'MISSED' END, CASE WHEN ms / joined >= 3 THEN 'ok' ELSE 'MISSED' END) ELSE '' END)
FROM median, (SELECT ms AS scan FROM median WHERE what = 'scan') AS s, (SELECT ms AS joined FROM median WHERE what = 'join' AND n = 20) AS j
WHERE n = 20
ORDER BY array_position('{scan,join,rows,sql,duckdb}', what);
SELECT '';
SELECT format('Members counted otherwise by a peer: %s of %s comparisons.',
	count(*) FILTER (WHERE peer.members <> ours.members), count(*))
FROM took AS ours JOIN took AS peer ON peer.n = ours.n AND peer.round = ours.round AND peer.what IN ('sql', 'duckdb')
WHERE ours.what = 'count';
SELECT '';
-- The target is for 200,000 profiles.
SELECT '| predicates | CPU ms with the join, median | least-most | each further one | for 200,000 profiles | target |';
SELECT '|---|---|---|---|---|---|';
SELECT format('| %s | %s | %s-%s | %s | %s | %s |', n, round(ms::numeric), round(least::numeric), round(most::numeric),
	coalesce(round(each::numeric, 1) || ' ms', ''), coalesce(round(full_size::numeric, 1) || ' ms', ''),
	CASE WHEN full_size > 10 THEN '10 ms MISSED' WHEN full_size IS NOT NULL THEN '10 ms ok' ELSE '' END)
FROM (SELECT *, each * 200000 / (SELECT count(*) FROM cdp.profile_current) AS full_size
	FROM (SELECT *, (ms - lag(ms) OVER (ORDER BY n)) / (n - lag(n) OVER (ORDER BY n)) AS each FROM median WHERE what = 'join') AS stepped) AS scaled
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
-- what the events come to if each is told with the fewest bits on the average,
-- by one who knows the names, products and how often each occurs: the times of
-- n events of a year are n numbers whose order does not matter
WITH entropy (what, bits) AS (
	SELECT 'times', (SELECT sum(n * log(2, 365 * 86400000::numeric) - (n * ln(n) - n + ln(2 * pi() * n) / 2)::numeric / ln(2::numeric))
		FROM (SELECT count(*) AS n FROM event GROUP BY profile_id) AS profile)
	UNION ALL
	SELECT what, sum(n * log(2, total / n))
	FROM (SELECT what, count(*)::numeric AS n, sum(count(*)) OVER (PARTITION BY what, left(value, 1) = '#') AS total
		FROM event, LATERAL (VALUES ('names', name), ('amounts', amount::text), ('properties', product_id), ('properties', '#' || category)) AS told (what, value)
		WHERE value IS NOT NULL
		GROUP BY what, left(value, 1) = '#', value) AS counted
	GROUP BY what
)
SELECT format('The least that these events can be told with, without any head or index: %s bytes an event (%s).', round(sum(bits) / 8 / events, 1),
	string_agg(format('%s %s', what, round(bits / 8 / events, 2)), ', ' ORDER BY bits DESC))
FROM entropy, (SELECT count(*) AS events FROM event) AS counted
GROUP BY events;
SELECT '';
WITH chunk AS (
	SELECT profile_id, chunk, data FROM cdp.timeline_chunk TABLESAMPLE SYSTEM (5) REPEATABLE (1)
), happened AS (
	SELECT chunk.profile_id, chunk.chunk, event.occurred_at, event.amount, event.properties,
		extract(epoch FROM event.occurred_at - lag(event.occurred_at) OVER (PARTITION BY profile_id, chunk ORDER BY event.occurred_at)) * 1000 AS gap_ms
	FROM chunk, cdp.timeline_events(chunk.data) AS event
), told AS (
	SELECT count(*)::numeric AS events, sum(coalesce(ceil(log(2, gap_ms + 1) / 8), 0)) AS times,
		sum(CASE WHEN amount IS NULL THEN 0 ELSE greatest(ceil(log(2, amount * 200 + 1) / 7), 1) END) AS amounts
	FROM happened
), property AS (
	-- as column.c has it: behind the prefix of the slot's first one
	SELECT profile_id, chunk, value, parts[2]::numeric AS number, parts[1] IS NOT DISTINCT FROM
		first_value(parts[1]) OVER (PARTITION BY profile_id, chunk, slot ORDER BY parts IS NULL OR parts[2]::numeric > 2097151, occurred_at)
			AND parts[2]::numeric <= 2097151 AS is_told
	FROM happened, jsonb_each_text(properties) AS property (slot, value), regexp_match(value, '^(.{0,31}?)(0|[1-9][0-9]{0,6})$') AS parts
), told_values AS (
	SELECT sum(CASE WHEN is_told THEN greatest(ceil(log(2, number + 1) / 7), 1) ELSE 1 END) AS numbers FROM property
), table_of_values AS (
	SELECT coalesce(sum(length(value) + 1), 0) AS bytes
	FROM (SELECT DISTINCT profile_id, chunk, value FROM property WHERE is_told IS NOT true) AS distinct_value
)
SELECT format('Bytes an event of timelines, in a sample of chunks of %s events: %s in all; times %s, shapes 1, amounts %s, numbers of values %s, listed values %s, the rest the heads.',
	round(events / chunks), round(size / events, 2), round(times / events, 2), round(amounts / events, 2), round(numbers / events, 2), round(bytes / events, 2))
FROM told, told_values, table_of_values, (SELECT count(*) AS chunks, sum(pg_column_size(data)) AS size FROM chunk) AS sized;
SELECT '';
