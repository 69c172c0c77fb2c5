-- Measures of quality against plain SQL on random rows; ties; edges.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh

-- seed 1; scores of many distinct values and of few, so that ties abound
SELECT setseed(0.1);
CREATE TABLE public.scored AS
SELECT n, grain, round((random() * grain)::numeric) / grain::float8 AS p, random() AS luck
FROM unnest(ARRAY[3, 50, 1000000]) AS grain, generate_series(1, 1500) AS n;
ALTER TABLE public.scored ADD COLUMN y boolean;
UPDATE public.scored SET y = luck < 0.1 + 0.6 * p * p;

-- the plain oracle: all pairs of a true and a false
CREATE VIEW public.plain AS
SELECT grain,
	(SELECT avg(CASE WHEN t.p > f.p THEN 1 WHEN t.p = f.p THEN 0.5 ELSE 0 END)
		FROM public.scored AS t JOIN public.scored AS f ON t.grain = f.grain AND t.y AND NOT f.y WHERE t.grain = s.grain) AS auc,
	avg((p - y::int) ^ 2) AS brier,
	avg(-ln(greatest(CASE WHEN y THEN p ELSE 1 - p END, 1e-15))) AS log_loss
FROM public.scored AS s
GROUP BY grain;
SELECT grain, abs(cdp.auc(p, y) - min(plain.auc)) < 1e-12 AS auc,
	abs(cdp.brier(p, y) - min(plain.brier)) < 1e-12 AS brier,
	abs(cdp.log_loss(p, y) - min(plain.log_loss)) < 1e-9 AS log_loss
FROM public.scored JOIN public.plain USING (grain)
GROUP BY grain
ORDER BY grain;

-- lift: each row counts by the share of its ties that are above the cut
SELECT grain, fraction, abs(min(lift) - sum(share * y::int) / sum(share) / avg(y::int)) < 1e-9 AS lift
FROM (
	SELECT grain, fraction, y,
		least(greatest((fraction * total - before) / ties, 0), 1) AS share
	FROM (
		SELECT grain, y, p, count(*) OVER (PARTITION BY grain) AS total,
			count(*) OVER (PARTITION BY grain, p) AS ties,
			count(*) OVER (PARTITION BY grain ORDER BY p DESC) - count(*) OVER (PARTITION BY grain, p) AS before
		FROM public.scored
	) AS placed, (VALUES (0.1::float8), (0.25), (1)) AS asked (fraction)
) AS shared JOIN (
	SELECT grain, fraction, CASE fraction WHEN 0.1 THEN cdp.lift(p, y) ELSE cdp.lift(p, y, fraction) END AS lift
	FROM public.scored, (VALUES (0.1::float8), (0.25), (1)) AS asked (fraction)
	GROUP BY grain, fraction
) AS lifted USING (grain, fraction)
GROUP BY grain, fraction
ORDER BY grain, fraction;

-- calibration: by the middle of the ties
SELECT grain, (
	SELECT count(*) FILTER (WHERE abs(said - (one ->> 'said')::float8) < 1e-12 AND abs(happened - (one ->> 'happened')::float8) < 1e-12
		AND customers = (one ->> 'customers')::int) = count(*)
	FROM (
		SELECT floor((below + ties / 2.0) / 1500 * 10)::int + 1 AS band, count(*) AS customers, avg(p) AS said, avg(y::int)::float8 AS happened
		FROM (SELECT p, y, count(*) OVER (PARTITION BY p) AS ties, count(*) OVER (ORDER BY p) - count(*) OVER (PARTITION BY p) AS below
			FROM public.scored AS s WHERE s.grain = made.grain) AS placed
		GROUP BY 1
	) AS plain FULL JOIN jsonb_array_elements(bands) AS one ON (one ->> 'band')::int = band
) AS calibration, jsonb_array_length(bands) AS bands
FROM (SELECT grain, cdp.calibration(p, y) AS bands FROM public.scored GROUP BY grain) AS made
ORDER BY grain;
-- of amounts too
SELECT cdp.calibration(n * 10, n * 9, 2) FROM generate_series(1, 4) AS n;

-- any order, any plan
ALTER TABLE public.scored SET (parallel_workers = 3);
ANALYZE public.scored;
CREATE TABLE public.measured AS
SELECT 'single' AS way, cdp.auc(p, y) AS auc, cdp.lift(p, y, 0.2) AS lift, cdp.brier(p, y) AS brier,
	cdp.log_loss(p, y) AS log_loss, cdp.calibration(p, y::int, 7) AS calibration
FROM public.scored;
INSERT INTO public.measured
SELECT 'shuffled', cdp.auc(p, y), cdp.lift(p, y, 0.2), cdp.brier(p, y), cdp.log_loss(p, y), cdp.calibration(p, y::int, 7)
FROM (SELECT * FROM public.scored ORDER BY luck) AS other;
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF)
SELECT cdp.auc(p, y), cdp.lift(p, y, 0.2), cdp.brier(p, y), cdp.log_loss(p, y), cdp.calibration(p, y::int, 7) FROM public.scored;
CREATE TABLE public.by_workers AS
SELECT 'parallel', cdp.auc(p, y), cdp.lift(p, y, 0.2), cdp.brier(p, y), cdp.log_loss(p, y), cdp.calibration(p, y::int, 7) FROM public.scored;
INSERT INTO public.measured SELECT * FROM public.by_workers;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT measured.way, measured.auc = one.auc AS auc, measured.lift = one.lift AS lift,
	abs(measured.brier - one.brier) < 1e-9 AS brier, abs(measured.log_loss - one.log_loss) < 1e-9 AS log_loss,
	measured.calibration = one.calibration AS calibration
FROM public.measured, public.measured AS one
WHERE one.way = 'single'
ORDER BY measured.way COLLATE "C";

-- nothing to measure: NULL
SELECT cdp.auc(p, y) AS auc, cdp.lift(p, y) AS lift, cdp.brier(p, y) AS brier, cdp.log_loss(p, y) AS log_loss, cdp.calibration(p, y) AS calibration
FROM public.scored WHERE false;
SELECT cdp.auc(0.5, true) AS one_outcome, cdp.lift(0.5, true) AS lift, cdp.auc(0.5, NULL) AS skipped,
	cdp.brier(1, true) AS brier, cdp.brier(NULL, true) AS none, cdp.log_loss(0, true) AS surely_wrong, cdp.log_loss(1, true) AS surely_right
FROM generate_series(1, 3);
SELECT cdp.auc(s, y) AS perfect, cdp.auc(-s, y) AS reversed, cdp.auc(7, y) AS blind, cdp.lift(s, y, 0.5) AS lift
FROM (VALUES (1e-300, false), (-1, false), (1, true), (1e300, true)) AS row (s, y);
SELECT cdp.calibration(-0.0, true) || cdp.calibration(0.0, false) AS zero FROM generate_series(1, 2);

-- sums beyond doubles are no number
SELECT cdp.calibration(1e308, 1, 1) AS beyond FROM generate_series(1, 9);

-- what cannot be is named
SELECT cdp.auc('NaN', true);
SELECT cdp.brier(1.1, true);
SELECT cdp.log_loss('NaN', true);
SELECT cdp.calibration(-0.1, true);
SELECT cdp.calibration('infinity', 1, 3);
SELECT cdp.calibration(1, 1, 0);
SELECT cdp.lift(1, true, 0);
SELECT cdp.lift(1, true, f) FROM (VALUES (0.1), (0.2)) AS row (f);
DROP VIEW public.plain;
DROP TABLE public.scored, public.measured, public.by_workers;
