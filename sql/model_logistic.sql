-- Logistic regression against an independent computation with 30 digits; what
-- rows do not tell; and edges.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh

-- features of very different size; the third far from 0
CREATE TABLE public.labelled AS
SELECT n, (n * n * 17 + n * 5) % 23 < 4 + n * n % 13 + (n * 7919 % 101) / 25 AS y,
	ARRAY[n * 7919 % 101, n * n % 13 * 0.001, 1000000 + n * 31 % 7]::float8[] AS x
FROM generate_series(1, 300) AS n;
CREATE TABLE public.fit AS
SELECT l2, cdp.fit_logistic(y, x, l2) AS model FROM public.labelled, (VALUES (0), (2.5)) AS penalty (l2) GROUP BY l2;
SELECT l2, cdp.model_status(model) AS status, model::jsonb -> 'n' AS n,
	abs(cdp.model_loglik(model) - loglik) < 1e-9 AS loglik,
	max(abs(cdp.model_param(model, names[i]) / params[i] - 1)) < 1e-8 AS params,
	max(abs(cdp.model_standard_error(model, names[i]) / errors[i] - 1)) < 1e-8 AS errors
FROM public.fit JOIN (VALUES
	(0, -188.6562129431835, '{23165.52411284019,0.003352090351321387,162.4514241515333,-0.02316690817125642}'::float8[],
		'{61890.398975,0.00425144807086,29.781346921,0.0618902093814}'::float8[]),
	(2.5, -188.6789142552105, '{22322.02701821887,0.003170022458551981,156.1864660146163,-0.02232336466588551}',
		'{60498.2057407,0.00415492749569,29.0342778379,0.0604980203302}')
	) AS reference (l2, loglik, params, errors) USING (l2),
	(VALUES ('{intercept,x1,x2,x3}'::text[])) AS named (names), generate_subscripts(names, 1) AS i
GROUP BY l2, 2, 3, 4
ORDER BY l2;

-- the prediction is the formula, and at l2 = 0 its mean is the share of true
SELECT max(abs(p - 1 / (1 + exp(-(cdp.model_param(model, 'intercept') + cdp.model_param(model, 'x1') * x[1]
		+ cdp.model_param(model, 'x2') * x[2] + cdp.model_param(model, 'x3') * x[3]))))) < 1e-12 AS formula,
	abs(avg(p) - avg(y::int)) < 1e-9 AS mean
FROM public.labelled, public.fit, LATERAL (SELECT cdp.predict_logistic(model, x) AS p) AS predicted
WHERE l2 = 0;
-- a stronger penalty makes coefficients smaller, to none
SELECT bool_and(smaller) AS smaller, min(abs(size)) < 1e-6 AS none
FROM (SELECT size, abs(size) < abs(lag(size) OVER (ORDER BY l2)) AS smaller
	FROM (SELECT l2, cdp.model_param(cdp.fit_logistic(y, x, l2), 'x2') AS size
		FROM public.labelled, unnest(ARRAY[0, 1, 10, 100, 1e12]) AS l2 GROUP BY l2) AS fitted) AS compared;

-- weights are copies; any order and any plan give the same bits
CREATE TABLE public.copied AS SELECT labelled.* FROM public.labelled, generate_series(1, n % 3) AS copy ORDER BY n * 7919 % 1009, copy;
ALTER TABLE public.copied SET (parallel_workers = 3);
ANALYZE public.copied;
CREATE TABLE public.same AS
SELECT 'weighted' AS way, cdp.fit_logistic(y, x, 0.5, n % 3) AS model FROM public.labelled
UNION ALL SELECT 'copied', cdp.fit_logistic(y, x, 0.5) FROM public.copied
UNION ALL SELECT 'shuffled', cdp.fit_logistic(y, x, 0.5) FROM (SELECT * FROM public.copied ORDER BY n * 31 % 1009) AS other;
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE TABLE public.parallel_fit AS SELECT 'parallel' AS way, cdp.fit_logistic(y, x, 0.5) AS model FROM public.copied;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT others.way, others.model::text = same.model::text AS same
FROM (SELECT * FROM public.same UNION ALL SELECT * FROM public.parallel_fit) AS others, public.same
WHERE same.way = 'weighted'
ORDER BY others.way COLLATE "C";

-- what rows do not tell: a constant, a copy, a sum; with a penalty a copy shares
SELECT what, cdp.model_status(model) AS status, model::jsonb -> 'not_identified' AS not_identified,
	cdp.model_param(model, 'x2') = 0 AS left_out, cdp.model_standard_error(model, 'x2') IS NULL AS no_error,
	abs(cdp.model_param(model, 'x1') / alone - 1) < 1e-6 AS as_alone
FROM (
	SELECT 'constant' AS what, cdp.fit_logistic(y, ARRAY[x[1], 7], 0) AS model FROM public.labelled
	UNION ALL SELECT 'copy', cdp.fit_logistic(y, ARRAY[x[1], x[1] * -3 + 1], 0) FROM public.labelled
	UNION ALL SELECT 'copy, penalised', cdp.fit_logistic(y, ARRAY[x[1], x[1] * 2], 1e-6) FROM public.labelled
	UNION ALL SELECT 'sum', cdp.fit_logistic(y, ARRAY[x[1], x[3], x[1] + x[3]], 0) FROM public.labelled
) AS fitted, (SELECT cdp.model_param(cdp.fit_logistic(y, ARRAY[x[1]], 0), 'x1') AS alone FROM public.labelled) AS reference
ORDER BY what COLLATE "C";
-- outcomes that a feature separates, wholly or on one side: usable, and it says so
SELECT what, cdp.model_status(model) AS status, model::jsonb -> 'not_identified' AS not_identified,
	cdp.predict_logistic(model, '{0}') < 0.01 AS low, cdp.predict_logistic(model, '{100}') > 0.4 AS high,
	cdp.model_loglik(model) <= 0 AS finite
FROM (
	SELECT 'wholly' AS what, cdp.fit_logistic(n > 50, ARRAY[n], 0) AS model FROM generate_series(1, 100) AS n
	UNION ALL SELECT 'on one side', cdp.fit_logistic(n > 50 AND n % 2 = 0, ARRAY[(n > 50)::int * 100], 0) FROM generate_series(1, 100) AS n
	UNION ALL SELECT 'wholly, penalised', cdp.fit_logistic(n > 50, ARRAY[n], 1) FROM generate_series(1, 100) AS n
) AS fitted
ORDER BY what COLLATE "C";
-- too little, or one outcome only: no parameters, no error; no features: the share
SELECT cdp.fit_logistic(true, '{1}', 0) AS one, cdp.fit_logistic(NULL, '{1}', 0) AS none;
SELECT cdp.fit_logistic(true, ARRAY[n], 0) AS always FROM generate_series(1, 9) AS n;
SELECT round(cdp.predict_logistic(cdp.fit_logistic(n < 4, '{}', 1), '{}')::numeric, 12) AS share FROM generate_series(1, 12) AS n;
-- rows with a NULL anywhere are skipped
SELECT model::jsonb -> 'n' AS n, cdp.predict_logistic(model, '{NULL}') IS NULL AS unknown
FROM (SELECT cdp.fit_logistic(y, x, 1) AS model
	FROM (VALUES (true, '{1}'::float8[]), (false, '{2}'), (NULL, '{3}'), (true, NULL), (true, '{NULL}'), (false, '{1}')) AS row (y, x)) AS fitted;

-- a model as a value: text and bytes there and back
SELECT count(*) FROM public.fit WHERE model::text::cdp.clv_model::text = model::text;
DO $$
DECLARE
	file text := current_setting('data_directory') || '/model_logistic.bin';
BEGIN
	CREATE TABLE public.returned (LIKE public.fit);
	EXECUTE format('COPY public.fit TO %L (FORMAT binary)', file);
	EXECUTE format('COPY public.returned FROM %L (FORMAT binary)', file);
END
$$;
SELECT count(*) FROM public.fit JOIN public.returned USING (l2) WHERE fit.model::text = returned.model::text;
SELECT '{"kind":"logistic","params":{"intercept":-1.5,"x2":0,"x1":2e-3}}'::cdp.clv_model;
SELECT round(cdp.predict_logistic('{"kind":"logistic","params":{"intercept":1,"x1":-2}}', '{0.5}')::numeric, 3) AS half,
	cdp.predict_logistic('{"kind":"logistic","params":{"intercept":0,"x1":1e300}}', '{1e300}') AS sure,
	cdp.predict_logistic('{"kind":"logistic","params":{"intercept":0,"x1":1e300,"x2":-1e300}}', '{1e300,1e300}') IS NULL AS undefined,
	cdp.predict_logistic('{"kind":"logistic","status":"insufficient"}', '{1,2,3}') IS NULL AS unknown;

-- a random search, seed 1: rows of any size, share and kinship; a fit says
-- something finite, and predicts a probability
SELECT setseed(0.1);
SELECT count(*) AS fits, count(*) FILTER (WHERE cdp.model_status(model) = 'max_iterations') AS unfinished,
	count(*) FILTER (WHERE NOT cdp.predict_logistic(model, '{1,2,3}') BETWEEN 0 AND 1) AS faults
FROM (
	SELECT trial, cdp.fit_logistic(luck < share, ARRAY[a * 10 ^ size, round((a + b)::numeric * grain), c], l2) AS model
	FROM (SELECT trial, share, size, grain, l2, random() AS luck, random() AS a, random() AS b, random() AS c
		FROM (SELECT trial, random() ^ 3 AS share, random() * 40 - 20 AS size, floor(random() * 5)::int AS grain,
				CASE WHEN trial % 2 = 0 THEN 0 ELSE 10 ^ (random() * 12 - 6) END AS l2
			FROM generate_series(1, 100) AS trial) AS shape, generate_series(1, 25)) AS thrown
	GROUP BY trial
) AS fitted;

-- a fit can be stopped while it runs: this one takes more than a second
CREATE TABLE public.wide AS
SELECT n % 7 = 0 AS y, ARRAY(SELECT sin(n * i) FROM generate_series(1, 200) AS i) AS x FROM generate_series(1, 10000) AS n;
SET statement_timeout = '150ms';
DO $$
BEGIN
	PERFORM cdp.fit_logistic(y, x, 0) FROM public.wide;
EXCEPTION WHEN query_canceled THEN
	RAISE WARNING 'stopped';
END
$$;
RESET statement_timeout;
DROP TABLE public.wide;

-- what cannot be is named
SELECT cdp.fit_logistic(true, '{1,NaN}', 0);
SELECT cdp.fit_logistic(true, '{{1,2},{3,4}}', 0);
SELECT cdp.fit_logistic(true, (ARRAY[1, 2])[1:n], 0) FROM generate_series(1, 2) AS n;
SELECT cdp.fit_logistic(true, '{1}', -1);
SELECT cdp.fit_logistic(true, '{1}', n) FROM generate_series(0, 1) AS n;
SELECT cdp.fit_logistic(true, '{1}', 0, 'NaN');
SELECT cdp.predict_logistic('{"kind":"sbg","params":{"alpha":1,"beta":1}}', '{1}');
SELECT cdp.predict_logistic('{"kind":"logistic","params":{"intercept":1,"x1":1}}', '{1,2}');
SELECT cdp.p_alive('{"kind":"logistic","params":{"intercept":1,"x1":1}}', 1, 1, 1);
SELECT '{"kind":"logistic"}'::cdp.clv_model;
SELECT '{"kind":"logistic","params":{"intercept":1,"x2":1}}'::cdp.clv_model;
DO $$
DECLARE
	detail text;
BEGIN
	PERFORM jsonb_build_object('kind', 'logistic', 'params', jsonb_object_agg('x' || n, 1))::text::cdp.clv_model
	FROM generate_series(1, 256) AS n;
EXCEPTION WHEN invalid_text_representation THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RAISE WARNING '%', detail;
END
$$;
DROP TABLE public.labelled, public.fit, public.copied, public.same, public.parallel_fit, public.returned;
