-- scaling_report.sql: what scaling.sh measured, as tables.
SELECT '| what | customers | CPU s, median | least-most | µs a customer | peak MB, median |';
SELECT '|---|---|---|---|---|---|';
SELECT format('| %s | %s | %s | %s-%s | %s | %s |', what, units, round(median::numeric, 3), round(least::numeric, 3), round(most::numeric, 3),
	round((1e6 * median / units)::numeric, 2), round(mb))
FROM bench.asked JOIN (
	SELECT what, units, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
		min(seconds) AS least, max(seconds) AS most, percentile_cont(0.5) WITHIN GROUP (ORDER BY mb) AS mb
	FROM bench.took
	GROUP BY what, units) AS spread USING (what)
ORDER BY n, units;
SELECT '';
SELECT '| cancelled | customers | times | until it ended, ms, median | most |';
SELECT '|---|---|---|---|---|';
SELECT format('| %s | %s | %s | %s | %s |', what, units, count(*),
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY late_ms))::numeric, 1), round(max(late_ms)::numeric, 1))
FROM bench.cancelled JOIN bench.asked USING (what)
GROUP BY what, units, n
ORDER BY n, units;
