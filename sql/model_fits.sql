-- Fits against an independent maximum found with 30 digits; the same result
-- whatever the plan; and data that cannot be fitted.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh

-- simulated customers: how many with each history
CREATE TABLE public.history (x float8, t_x float8, t float8, customers float8);
INSERT INTO public.history VALUES
	(0, 0, 20, 336), (1, 4, 20, 182), (1, 8, 20, 80), (1, 12, 20, 67), (1, 16, 20, 52), (1, 20, 20, 22),
	(2, 4, 20, 32), (2, 8, 20, 37), (2, 12, 20, 42), (2, 16, 20, 51), (2, 20, 20, 26), (3, 4, 20, 14),
	(3, 8, 20, 16), (3, 12, 20, 16), (3, 16, 20, 28), (3, 20, 20, 24), (4, 4, 20, 2), (4, 8, 20, 8),
	(4, 12, 20, 20), (4, 16, 20, 18), (4, 20, 20, 15), (5, 4, 20, 2), (5, 8, 20, 2), (5, 12, 20, 8),
	(5, 16, 20, 10), (5, 20, 20, 11), (6, 8, 20, 2), (6, 12, 20, 3), (6, 16, 20, 6), (6, 20, 20, 14),
	(7, 12, 20, 2), (7, 16, 20, 7), (7, 20, 20, 8), (8, 12, 20, 1), (8, 16, 20, 4), (8, 20, 20, 5),
	(9, 16, 20, 5), (9, 20, 20, 3), (10, 16, 20, 2), (10, 20, 20, 3), (11, 16, 20, 1), (11, 20, 20, 2),
	(12, 20, 20, 4), (13, 20, 20, 1), (14, 20, 20, 1), (15, 20, 20, 1), (16, 20, 20, 2), (17, 20, 20, 1),
	(20, 20, 20, 1);
CREATE TABLE public.spender (x float8, m float8, customers float8);
INSERT INTO public.spender VALUES
	(1, 5, 1), (1, 10, 66), (1, 20, 99), (1, 30, 53), (1, 40, 37), (1, 50, 19), (1, 60, 12),
	(1, 70, 6), (1, 80, 4), (1, 90, 5), (1, 100, 3), (1, 110, 1), (1, 130, 1), (1, 140, 1),
	(1, 150, 1), (1, 370, 1), (2, 10, 44), (2, 20, 69), (2, 30, 34), (2, 40, 22), (2, 50, 15),
	(2, 60, 1), (2, 70, 5), (2, 80, 1), (2, 90, 3), (2, 130, 1), (2, 270, 1), (4, 10, 17),
	(4, 20, 27), (4, 30, 18), (4, 40, 19), (4, 50, 3), (4, 60, 1), (4, 70, 2), (4, 80, 5),
	(4, 90, 1), (4, 210, 1);

CREATE FUNCTION public.relative(got float8, want float8) RETURNS float8
LANGUAGE sql AS 'SELECT abs(got / want - 1)';

-- log-likelihood within 1e-6, parameters 1e-9, standard errors 1e-6
WITH fitted AS (
	SELECT cdp.fit_bgnbd(x, t_x, t, customers) AS bg, cdp.fit_mbgnbd(x, t_x, t, customers) AS mbg
	FROM public.history
), spend AS (
	SELECT cdp.fit_gamma_gamma(x, m, customers) AS gg FROM public.spender
)
SELECT kind, cdp.model_status(model) AS status, model::jsonb -> 'n' AS n,
	abs(cdp.model_loglik(model) - loglik) < 1e-6 AS loglik,
	bool_and(public.relative(cdp.model_param(model, names[i]), params[i]) < 1e-9) AS params,
	bool_and(public.relative(cdp.model_standard_error(model, names[i]), errors[i]) < 1e-6) AS errors
FROM fitted, spend, LATERAL (VALUES
	('bgnbd', bg, -6965.4050937958, '{r,alpha,a,b}'::text[],
		'{1.06647364792,9.10760485532,0.431358526523,1.5721043457}'::float8[],
		'{0.07910248,0.8337633,0.13030646,0.56887987}'::float8[]),
	('mbgnbd', mbg, -6993.8226390438, '{r,alpha,a,b}',
		'{1.51215111308,11.8887775125,1.53352844987,9.78331641183}',
		'{0.15647695,1.1826229,0.74230479,5.5104613}'),
	('gamma_gamma', gg, -2497.2557228073, '{p,q,v}',
		'{23.980764757,3.03244542515,2.64536621999}', '{23.318694,0.2931919,2.854237}')
	) AS one (kind, model, loglik, names, params, errors), generate_subscripts(names, 1) AS i
GROUP BY kind, 2, 3, 4
ORDER BY kind;

-- one row per customer, in any order, by any number of workers
CREATE TABLE public.customer AS
SELECT x, t_x, t, n FROM public.history, generate_series(1, customers::integer) AS n
ORDER BY (n * 7919) % 104729, x;
ALTER TABLE public.customer SET (parallel_workers = 3);
ANALYZE public.customer;
CREATE TABLE public.fit AS SELECT 'grouped' AS way, cdp.fit_mbgnbd(x, t_x, t, customers) AS model FROM public.history;
SET max_parallel_workers_per_gather = 0;
INSERT INTO public.fit SELECT 'single', cdp.fit_mbgnbd(x, t_x, t) FROM public.customer;
INSERT INTO public.fit SELECT 'shuffled', cdp.fit_mbgnbd(x, t_x, t) FROM (SELECT * FROM public.customer ORDER BY n, x DESC, t_x) AS other;
INSERT INTO public.fit SELECT 'summaries', cdp.fit_mbgnbd(cdp.make_rfm(x, t_x, t)) FROM public.customer;
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT cdp.fit_mbgnbd(x, t_x, t) FROM public.customer;
CREATE TABLE public.parallel_fit AS SELECT 'parallel' AS way, cdp.fit_mbgnbd(x, t_x, t) AS model FROM public.customer;
INSERT INTO public.fit SELECT * FROM public.parallel_fit;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT fit.way, fit.model::text = single.model::text AS same
FROM public.fit, public.fit AS single
WHERE single.way = 'single'
ORDER BY fit.way COLLATE "C";

-- spend and BG/NBD likewise
CREATE TABLE public.buyer AS
SELECT x, m, n FROM public.spender, generate_series(1, customers::integer) AS n ORDER BY (n * 7919) % 104729, m;
ALTER TABLE public.buyer SET (parallel_workers = 3);
ANALYZE public.buyer;
CREATE TABLE public.other_fit AS SELECT 'single' AS way, cdp.fit_gamma_gamma(x, m) AS spend FROM public.buyer;
INSERT INTO public.other_fit SELECT 'grouped', cdp.fit_gamma_gamma(x, m, customers) FROM public.spender;
INSERT INTO public.other_fit SELECT 'shuffled', cdp.fit_gamma_gamma(x, m) FROM (SELECT * FROM public.buyer ORDER BY n, x DESC) AS other;
INSERT INTO public.other_fit SELECT 'summaries', cdp.fit_gamma_gamma(cdp.make_rfm(x, 1, 1, m)) FROM public.buyer;
ALTER TABLE public.other_fit ADD COLUMN bg cdp.clv_model;
UPDATE public.other_fit SET bg = (SELECT cdp.fit_bgnbd(x, t_x, t) FROM public.customer);
UPDATE public.other_fit SET bg = (SELECT cdp.fit_bgnbd(x, t_x, t, customers) FROM public.history) WHERE way = 'grouped';
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE TABLE public.parallel_spend AS SELECT 'parallel' AS way, cdp.fit_gamma_gamma(x, m) AS spend FROM public.buyer;
CREATE TABLE public.parallel_count AS SELECT cdp.fit_bgnbd(x, t_x, t) AS bg FROM public.customer;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
INSERT INTO public.other_fit SELECT * FROM public.parallel_spend, public.parallel_count;
SELECT other_fit.way, other_fit.spend::text = single.spend::text AS spend, other_fit.bg::text = single.bg::text AS bg
FROM public.other_fit, public.other_fit AS single
WHERE single.way = 'single'
ORDER BY other_fit.way COLLATE "C";
DROP TABLE public.buyer, public.other_fit, public.parallel_spend, public.parallel_count;

-- the unit of time changes alpha and the likelihood, and nothing else
WITH weeks AS (SELECT cdp.fit_bgnbd(x, t_x, t, customers) AS model FROM public.history),
	hours AS (SELECT cdp.fit_bgnbd(x, t_x * 168, t * 168, customers) AS model FROM public.history)
SELECT public.relative(cdp.model_param(hours.model, 'alpha'), cdp.model_param(weeks.model, 'alpha') * 168) < 1e-9 AS alpha,
	public.relative(cdp.model_param(hours.model, 'r'), cdp.model_param(weeks.model, 'r')) < 1e-9 AS r,
	public.relative(cdp.model_param(hours.model, 'b'), cdp.model_param(weeks.model, 'b')) < 1e-9 AS b
FROM weeks, hours;
SELECT cdp.fit_bgnbd(cdp.make_rfm(x, t_x, t, 0, '1 day'))::jsonb ->> 'unit' AS unit FROM public.customer;

-- too little: no parameters, and no error
SELECT cdp.fit_bgnbd(1, 1, 2) AS one, cdp.fit_mbgnbd(NULL, 1, 2) AS none;
SELECT cdp.fit_bgnbd(x, 0, 10) AS one_time FROM (VALUES (0), (0), (0)) AS row (x);
SELECT cdp.fit_gamma_gamma(x, m) AS none FROM (VALUES (0, 0), (2, -5), (3, 0), (1, 20), (NULL, 3)) AS row (x, m);
SELECT cdp.fit_bgnbd(x, 1, 1) FROM (VALUES (1)) AS row (x) WHERE false;
SELECT cdp.fit_gamma_gamma(rfm) FROM (VALUES (cdp.make_rfm(0, 0, 1))) AS row (rfm);

-- boundary: usable, and it says what these customers do not tell
SELECT cdp.model_status(model) AS status, model::jsonb -> 'not_identified' AS not_identified,
	cdp.p_alive(model, 3, 9, 10) > 0.999 AS alive,
	cdp.model_standard_error(model, 'r') > 0 AS error
FROM (SELECT cdp.fit_bgnbd(x, least(10, x * 2), 10, customers) AS model
	FROM (VALUES (0, 30), (1, 5), (2, 5), (5, 25), (9, 7), (15, 3)) AS row (x, customers)) AS fitted;
SELECT cdp.model_status(model) AS status, model::jsonb -> 'not_identified' AS not_identified,
	round(cdp.expected_spend(model, 3, 20)::numeric, 3) AS spend
FROM (SELECT cdp.fit_gamma_gamma(3, 20) AS model FROM generate_series(1, 50)) AS fitted;
SELECT cdp.model_status(model) IN ('converged', 'boundary') AS usable, cdp.model_loglik(model) < 'infinity' AS finite
FROM (SELECT cdp.fit_mbgnbd(5, 40, 50) AS model FROM generate_series(1, 50)) AS identical;
SELECT cdp.model_status(model) IN ('converged', 'boundary') AS usable, cdp.model_loglik(model) < 'infinity' AS finite
FROM (SELECT cdp.fit_mbgnbd(n * 1000, 8000, 8760) AS model FROM generate_series(1, 9) AS n) AS thousands;

-- a random search, seed 1: whatever is thrown at a fit, it says something finite
SELECT setseed(0.1);
SELECT count(*) AS fits, count(*) FILTER (WHERE cdp.model_status(model) = 'max_iterations') AS unfinished
FROM (
	SELECT kind, trial, CASE kind WHEN 1 THEN cdp.fit_bgnbd(x, t_x, t)
		WHEN 2 THEN cdp.fit_mbgnbd(x, t_x, t) ELSE cdp.fit_gamma_gamma(x, t_x) END AS model
	FROM (
		SELECT kind, trial, x, t, CASE WHEN x > 0 THEN t * share ELSE 0 END AS t_x
		FROM (SELECT kind, trial, floor(10 ^ (random() * power)) - 1 AS x,
				10 ^ (random() * 4) AS t, random() ^ skew AS share
			FROM (SELECT kind, trial, random() * 4 AS power, random() * 5 AS skew
				FROM generate_series(1, 3) AS kind, generate_series(1, 40) AS trial) AS shape,
				generate_series(1, 30) AS customer) AS drawn
	) AS thrown
	GROUP BY kind, trial
) AS fitted;

-- a row that cannot be a customer's is a wrong query, and is named
SELECT cdp.fit_bgnbd(1, 3, 2);
SELECT cdp.fit_bgnbd(1, 1, 2, -1);
SELECT cdp.fit_gamma_gamma(-1, 2);
SELECT cdp.fit_gamma_gamma(1, 'NaN');
SELECT cdp.fit_bgnbd(rfm) FROM (VALUES (cdp.make_rfm(0, 0, 1)), (cdp.make_rfm(0, 0, 1, 0, '1 day'))) AS row (rfm);

-- fits and measures can be stopped while they run
CREATE FUNCTION public.is_stopped(what text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT cdp.%s FROM generate_series(1, 30000000) AS n', what);
	RETURN false;
EXCEPTION WHEN query_canceled THEN
	RETURN true;
END
$$;
SET statement_timeout = '200ms';
SELECT public.is_stopped('fit_bgnbd(n % 60, (n % 60) / 10.0, 6 + n / 1e6)');
SELECT public.is_stopped('fit_mbgnbd(n % 60, (n % 60) / 10.0, 6 + n / 1e6)');
SELECT public.is_stopped('fit_gamma_gamma(1 + n % 60, 1 + n / 7.0)');
SELECT public.is_stopped('fit_sbg(n, n % 3 = 0)');
SELECT public.is_stopped('auc(n, n % 3 = 0)');
SELECT public.is_stopped('lift(-n, n % 3 = 0)');
SELECT public.is_stopped('calibration(sin(n), n, 10)');
RESET statement_timeout;
DROP TABLE public.history, public.spender, public.customer, public.fit, public.parallel_fit;
DROP FUNCTION public.relative, public.is_stopped;
