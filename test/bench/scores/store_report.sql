-- store_report.sql: what store.sh measured, as tables.
SELECT format('Customers %s, orders %s, other events %s; who buys within 30 days: AUC %s, verdict %s.',
	(SELECT count(*) FROM bench.owner), (SELECT count(*) FROM bench.placed),
	(SELECT count(*) FROM cdp.event WHERE name <> 'order'),
	(SELECT round(auc::numeric, 3) FROM cdp.model_quality WHERE model = 'purchase_30d' ORDER BY version DESC LIMIT 1),
	(SELECT verdict FROM cdp.model_quality WHERE model = 'purchase_30d' ORDER BY version DESC LIMIT 1));
SELECT '';
SELECT '| what | CPU s, median | least-most | ms each | peak MB, median |';
SELECT '|---|---|---|---|---|';
SELECT format('| %s | %s | %s-%s | %s | %s |', what, round(median::numeric, 2), round(least::numeric, 2), round(most::numeric, 2),
	round((1000 * median / units)::numeric, 4), round(mb))
FROM (
	SELECT min(n) AS n, what, units, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
		min(seconds) AS least, max(seconds) AS most, percentile_cont(0.5) WITHIN GROUP (ORDER BY mb) AS mb
	FROM bench.took
	GROUP BY what, units
) AS spread
ORDER BY n;
