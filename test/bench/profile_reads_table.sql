-- What profile_reads.sh measured (tab-separated on standard input), as a table.
\pset format unaligned
\pset tuples_only on
CREATE TEMP TABLE measured (protocol text, query text, ms numeric);
\copy measured FROM pstdin
SELECT '| one row, by one connection | protocol | backend CPU ms, median | least-most | ratio | target |';
SELECT '|---|---|---|---|---|---|';
WITH median AS (
	SELECT protocol, query,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric AS ms,
		min(ms) AS least, max(ms) AS most
	FROM measured
	GROUP BY protocol, query
), compared AS (
	SELECT query, protocol, ms, least, most,
		ms / max(ms) FILTER (WHERE query = '2_plain') OVER (PARTITION BY protocol) AS ratio
	FROM median
)
SELECT format('| %s | %s | %s | %s-%s | %sx | %s |',
	CASE query WHEN '1_nothing' THEN 'SELECT 1'
		WHEN '2_plain' THEN 'plain table, primary key'
		WHEN '3_profile' THEN 'cdp.profile(''email'', ...)'
		WHEN '4_view' THEN 'cdp.unified_profile by profile_id'
		ELSE 'cdp.find_profile(''email'', ...)' END,
	protocol, round(ms, 3), least, most, round(ratio, 2),
	CASE WHEN query = '3_profile' AND protocol = 'simple' THEN
		CASE WHEN ratio <= 1.5 THEN '1.5x ok' ELSE '1.5x MISSED' END END)
FROM compared
ORDER BY query, protocol DESC;
