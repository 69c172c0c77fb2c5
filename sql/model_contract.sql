-- Contracts, the shifted beta-geometric model: fits and scores against an
-- independent computation with 30 digits; sums against plain SQL; and edges.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh

-- customers left of 1000 after each renewal: Fader, Hardie 2007, table 1
CREATE TABLE public.curve (segment text, tenure int, left_over int);
INSERT INTO public.curve
SELECT segment, tenure - 1, left_over
FROM (VALUES ('high end', '{1000,869,743,653,593,551,517,491}'::int[]),
	('regular', '{1000,631,468,382,326,289,262,241}')) AS one (segment, line),
	unnest(line) WITH ORDINALITY AS u (left_over, tenure);
CREATE VIEW public.contract AS
SELECT segment, tenure, true AS churned, lag(left_over) OVER (PARTITION BY segment ORDER BY tenure) - left_over AS customers
FROM public.curve
UNION ALL
SELECT segment, tenure, false, left_over FROM public.curve WHERE tenure = 7;

CREATE TABLE public.fit AS
SELECT segment, cdp.fit_sbg(tenure, churned, customers) AS model FROM public.contract WHERE customers > 0 GROUP BY segment;
CREATE TABLE public.reference (segment text, alpha float8, beta float8, loglik float8,
	alpha_error float8, beta_error float8, dert float8, in_5000 float8);
INSERT INTO public.reference VALUES
	('high end', 0.668088351106446, 3.80609496405827, -1611.158147391156, 0.1037349311, 0.7855316918, 6.01810907992148987, 159.942542779970569),
	('regular', 0.704077298473516, 1.18204302620948, -1680.265188463287, 0.06559896423, 0.1524756317, 4.94732587885627788, 98.1807868438002006);
-- 10 % from one renewal to the next, a year each
SELECT segment, cdp.model_status(model) AS status, model::jsonb -> 'n' AS n,
	abs(cdp.model_loglik(model) - loglik) < 1e-6 AS loglik,
	abs(cdp.model_param(model, 'alpha') / alpha - 1) < 1e-9 AND abs(cdp.model_param(model, 'beta') / beta - 1) < 1e-9 AS params,
	abs(cdp.model_standard_error(model, 'alpha') / alpha_error - 1) < 1e-6 AND abs(cdp.model_standard_error(model, 'beta') / beta_error - 1) < 1e-6 AS errors,
	abs(cdp.dert(cdp.model_with_unit(model, '365.25 days'), 3, 0.1) / dert - 1) < 1e-9 AS dert,
	abs(cdp.expected_lifetime(model, 3, 5000) / in_5000 - 1) < 1e-9 AS in_5000
FROM public.fit JOIN public.reference USING (segment)
ORDER BY segment;

-- the curve goes on: retention rises although nobody changes
SELECT segment, round(cdp.retention(model, 1)::numeric, 3) AS first, round(cdp.retention(model, 8)::numeric, 3) AS eighth,
	round(cdp.survival(model, 7)::numeric, 3) AS after_7, round(cdp.survival(model, 12)::numeric, 3) AS after_12,
	round(cdp.churn(model, 7, 1)::numeric, 3) AS leaves_next, round(cdp.expected_lifetime(model, 7, 10)::numeric, 3) AS of_next_10
FROM public.fit
ORDER BY segment;

-- every score against the plain formula: products and sums over renewals
SELECT count(*), max(abs(cdp.survival(model, tenure) / survival - 1)) < 1e-12 AS survival,
	max(abs(cdp.p_active(model, tenure, 7) / active - 1)) < 1e-12 AS active,
	max(abs(cdp.churn(model, tenure, 7) - (1 - active))) < 1e-12 AS churn,
	max(abs(cdp.expected_lifetime(model, tenure, 7) / lifetime - 1)) < 1e-12 AS lifetime,
	max(abs(cdp.dert(model, tenure, exp(365.25 / 70) - 1) / dert - 1)) < 1e-12 AS dert
FROM (SELECT jsonb_build_object('kind', 'sbg', 'params', jsonb_build_object('alpha', alpha, 'beta', beta))::text::cdp.clv_model AS model, *
		FROM unnest(ARRAY[1e-3, 0.7, 1, 30]) AS alpha, unnest(ARRAY[1e-3, 1.2, 50]) AS beta, unnest(ARRAY[0, 1, 40]) AS tenure) AS one,
	LATERAL (SELECT coalesce(exp(sum(ln((beta + k) / (alpha + beta + k)))), 1) AS survival FROM generate_series(0, tenure - 1) AS k) AS s,
	LATERAL (SELECT max(alive) FILTER (WHERE k = 7) AS active, sum(alive) FILTER (WHERE k <= 7) AS lifetime,
			sum(alive * exp(-k * 0.1::float8)) AS dert
		FROM (SELECT k, exp(sum(ln((beta + tenure + k - 1) / (alpha + beta + tenure + k - 1))) OVER (ORDER BY k)) AS alive
			FROM generate_series(1, 500) AS k) AS each) AS sums;
-- short sums and long ones meet
SELECT abs(cdp.expected_lifetime(model, 2, 1001) - cdp.expected_lifetime(model, 2, 1000) - cdp.p_active(model, 2, 1001)) < 1e-9 AS meet,
	cdp.expected_lifetime(model, 2) IS NULL AS endless
FROM public.fit WHERE segment = 'regular';
SELECT cdp.expected_lifetime('{"kind":"sbg","params":{"alpha":3,"beta":4}}', 2) AS forever;

-- the same by customers, in any order, by any number of workers
CREATE TABLE public.customer AS
SELECT segment, tenure, churned, n FROM public.contract, generate_series(1, customers) AS n ORDER BY (n * 7919) % 104729, segment;
ALTER TABLE public.customer SET (parallel_workers = 3);
ANALYZE public.customer;
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE TABLE public.parallel_fit AS
SELECT cdp.fit_sbg(tenure, churned) FILTER (WHERE segment = 'regular') AS model FROM public.customer;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT one.model::text = parallel_fit.model::text AS parallel, one.model::text = shuffled.model::text AS shuffled
FROM public.fit AS one, public.parallel_fit,
	(SELECT cdp.fit_sbg(tenure, churned) AS model FROM (SELECT * FROM public.customer WHERE segment = 'regular' ORDER BY n, tenure DESC) AS other) AS shuffled
WHERE one.segment = 'regular';

-- too little, at the boundary: a status, no error
SELECT cdp.fit_sbg(1, true) AS one, cdp.fit_sbg(NULL, true) AS none;
SELECT cdp.fit_sbg(0, false) AS nothing_faced FROM generate_series(1, 9);
SELECT what, cdp.model_status(model) AS status, model::jsonb -> 'not_identified' AS not_identified,
	cdp.churn(model, 1, 1) BETWEEN 0 AND 1 AS churn, cdp.dert(model, 1, 0.1) >= 0 AS dert
FROM (
	SELECT 'all leave at once' AS what, cdp.fit_sbg(1, true) AS model FROM generate_series(1, 20)
	UNION ALL SELECT 'all stay', cdp.fit_sbg(12, false) FROM generate_series(1, 20)
	UNION ALL SELECT 'all alike', cdp.fit_sbg(5, true) FROM generate_series(1, 20)
	UNION ALL SELECT 'a geometric curve', cdp.fit_sbg(n, true, 1024 / 2 ^ n) FROM generate_series(1, 10) AS n
	UNION ALL SELECT 'thousands', cdp.fit_sbg(n * 1000, n % 2 = 0) FROM generate_series(1, 9) AS n
) AS fitted
ORDER BY what COLLATE "C";

-- a random search, seed 1: a fit says something finite, and so does a score
SELECT setseed(0.1);
SELECT count(*) AS fits, count(*) FILTER (WHERE cdp.model_status(model) = 'max_iterations') AS unfinished,
	count(*) FILTER (WHERE NOT (cdp.churn(model, 2, 3) BETWEEN 0 AND 1 AND cdp.dert(model, 2, 0.1) >= 0
		AND cdp.expected_lifetime(model, 2, 1e6) BETWEEN 0 AND 1e6)) AS faults
FROM (
	SELECT trial, cdp.fit_sbg(floor(10 ^ (random() * power)), random() < share) AS model
	FROM (SELECT trial, random() * 4 AS power, random() AS share FROM generate_series(1, 60) AS trial) AS shape,
		generate_series(1, 30) AS customer
	GROUP BY trial
) AS fitted;
-- the farthest corners: a number or NULL
SELECT count(*) AS scored, count(*) FILTER (WHERE NOT (active BETWEEN 0 AND 1 AND lifetime < 'infinity' AND dert < 'infinity')) AS faults
FROM unnest(ARRAY[1e-300, 1e-9, 1, 1e9, 1e300]) AS alpha, unnest(ARRAY[1e-300, 1e-9, 1, 1e9, 1e300]) AS beta,
	unnest(ARRAY[0, 1, 9007199254740992]) AS tenure, unnest(ARRAY[0, 1, 9007199254740992]) AS horizon,
	LATERAL (SELECT jsonb_build_object('kind', 'sbg', 'params', jsonb_build_object('alpha', alpha, 'beta', beta))::text::cdp.clv_model AS model) AS m,
	LATERAL (SELECT cdp.p_active(model, tenure, horizon) AS active, cdp.expected_lifetime(model, tenure, horizon) AS lifetime,
		cdp.dert(model, tenure, 1e-9) AS dert) AS score;

-- NULL in, NULL out; what cannot be is named
\set sbg '{"kind":"sbg","params":{"alpha":0.7,"beta":1.2}}'
SELECT cdp.survival(:'sbg', NULL) IS NULL AS a, cdp.churn('{"kind":"sbg","status":"insufficient"}', 1, 1) IS NULL AS b;
SELECT cdp.fit_sbg(1.5, true);
SELECT cdp.fit_sbg(0, true);
SELECT cdp.retention(:'sbg', 0);
SELECT cdp.survival(:'sbg', -1);
SELECT cdp.p_active(:'sbg', 1, 'NaN');
SELECT cdp.dert(:'sbg', 1, 0);
SELECT cdp.survival('{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1}}', 1);
DROP VIEW public.contract;
DROP TABLE public.curve, public.fit, public.reference, public.customer, public.parallel_fit;
