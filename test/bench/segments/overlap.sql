-- overlap.sql: all pairs of 100 segments over a million profiles, of 1 % to 50 %.
CREATE TABLE bench.bitmap AS
SELECT n, cdp.bitmap_agg(ord) AS members
FROM generate_series(1, 100) AS n, generate_series(1, 1000000) AS ord
WHERE hashint8(ord * 1000 + n) % 1000 BETWEEN -n * 5 AND n * 5
GROUP BY n;
ANALYZE bench.bitmap;
CREATE FUNCTION bench.overlaps(OUT ms double precision, OUT pairs bigint, OUT members numeric) LANGUAGE plpgsql AS $$
DECLARE
	start double precision := bench.cpu();
BEGIN
	SELECT count(*), sum(cdp.bitmap_and_cardinality(a.members, b.members)) INTO pairs, members
	FROM bench.bitmap AS a JOIN bench.bitmap AS b ON a.n < b.n;
	ms := (bench.cpu() - start) * 1000;
END
$$;
SELECT format('All %s overlaps of 100 segments of a million profiles: %s ms of CPU, median of 5 (%s-%s), target 200 ms %s; bitmaps %s MB.',
	max(pairs), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric), round(min(ms)::numeric), round(max(ms)::numeric),
	CASE WHEN percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) <= 200 THEN 'ok' ELSE 'MISSED' END,
	(SELECT round(sum(pg_column_size(members)) / 1e6, 1) FROM bench.bitmap))
FROM generate_series(1, 5), bench.overlaps();
