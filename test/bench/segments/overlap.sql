-- overlap.sql: all pairs of 100 segments over a million profiles, of 1 % to
-- 100 %: as cdp.overlap() tells them, of live profiles, where a twentieth was
-- merged since the refresh; and pair by pair in SQL, of bitmaps in a table.
BEGIN;
DELETE FROM cdp.segment;
TRUNCATE cdp.profile;
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at, ord)
SELECT n, CASE WHEN n % 20 = 0 THEN n - 1 ELSE n END, n, '2026-01-01', '2026-01-01', n FROM generate_series(1, 1000000) AS n;
INSERT INTO cdp.segment_definition (name, predicate) SELECT 'overlap_' || n, 'true' FROM generate_series(1, 100) AS n;
CREATE TABLE bench.bitmap AS
SELECT n, segment_id, cdp.bitmap_agg(ord) AS members
FROM generate_series(1, 100) AS n JOIN cdp.segment ON name = 'overlap_' || n, generate_series(1, 1000000) AS ord
WHERE hashint8(ord * 1000 + n) % 1000 BETWEEN -n * 5 AND n * 5
GROUP BY n, segment_id;
INSERT INTO cdp.segment_membership (segment_id, version, folded, as_of, members)
SELECT segment_id, 1, 0, '2026-01-01', members FROM bench.bitmap;
ANALYZE cdp.profile, cdp.segment_definition, cdp.segment_membership, bench.bitmap;
CREATE FUNCTION bench.overlaps(query text, round integer, OUT ms double precision, OUT pairs bigint, OUT members numeric) LANGUAGE plpgsql AS $$
DECLARE
	start double precision := bench.cpu();
BEGIN
	EXECUTE query INTO pairs, members;
	ms := (bench.cpu() - start) * 1000;
END
$$;
SELECT format('%s: all %s overlaps of 100 segments of a million profiles in %s ms of CPU, median of 5 (%s-%s)%s; bitmaps %s MB.',
	what, max(pairs), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric), round(min(ms)::numeric), round(max(ms)::numeric),
	CASE WHEN target THEN CASE WHEN percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) <= 200 THEN ', target 200 ms ok' ELSE ', target 200 ms MISSED' END END,
	(SELECT round(sum(pg_column_size(bitmap.members)) / 1e6, 1) FROM bench.bitmap))
FROM (VALUES
		('cdp.overlap()', true, $$SELECT count(*) FILTER (WHERE cardinality(combination) = 2), sum(members)
			FROM cdp.overlap((SELECT array_agg(name::text) FROM cdp.segment), ways => 2)$$),
		('Pair by pair in SQL', false, $$SELECT count(*), sum(cdp.bitmap_and_cardinality(a.members, b.members))
			FROM bench.bitmap AS a JOIN bench.bitmap AS b ON a.n < b.n$$)) AS asked (what, target, query)
	CROSS JOIN generate_series(1, 5) AS round CROSS JOIN LATERAL bench.overlaps(query, round)
GROUP BY what, target
ORDER BY what DESC;
ROLLBACK;
