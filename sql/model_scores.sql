-- Scores against an independent computation with 40 digits; what is refused;
-- and a search for numbers that are not finite.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh

CREATE TABLE public.oracle (kind text, r float8, alpha float8, a float8, b float8,
	x float8, t_x float8, t float8, horizon float8, quantity text, value float8);
INSERT INTO public.oracle VALUES
	('bgnbd', 0.243, 4.414, 0.793, 2.426, 0, 0, 38.86, NULL, 'loglik', -0.5547132764381584),
	('bgnbd', 0.243, 4.414, 0.793, 2.426, 0, 0, 38.86, NULL, 'palive', 1.0),
	('bgnbd', 0.243, 4.414, 0.793, 2.426, 0, 0, 38.86, 39, 'cet', 0.19509805201126263),
	('bgnbd', 0.243, 4.414, 0.793, 2.426, 0, 0, 38.86, 100000, 'cet', 15.1635873975904890),
	('bgnbd', 0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, NULL, 'loglik', -9.4586063070662712),
	('bgnbd', 0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, NULL, 'palive', 0.72657857008067291),
	('bgnbd', 0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, 39, 'cet', 1.22602817476714444),
	('bgnbd', 0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, 100000, 'cet', 48.6168440735887464),
	('bgnbd', 0.243, 4.414, 0.793, 2.426, 5000, 5000, 10000, NULL, 'loglik', -5023.5426410037007),
	('bgnbd', 0.5, 5, 1, 2, 7, 77.86, 77.86, NULL, 'loglik', -26.748219385938225),
	('bgnbd', 0.5, 5, 1, 2, 7, 77.86, 77.86, NULL, 'palive', 0.88888888888888888),
	('bgnbd', 0.5, 5, 1, 2, 7, 77.86, 77.86, 39, 'cet', 2.64069708093117673),
	('bgnbd', 0.5, 5, 1, 2, 7, 77.86, 77.86, 100000, 'cet', 55.2232665012191625),
	('bgnbd', 0.11, 2.24, 0.4, 0.6, 100000, 3650, 3650, NULL, 'loglik', 230971.409432167425),
	('bgnbd', 0.11, 2.24, 0.4, 0.6, 100000, 3650, 3650, NULL, 'palive', 0.999996),
	('bgnbd', 0.11, 2.24, 0.4, 0.6, 100000, 3650, 3650, 39, 'cet', 1065.56546449300954),
	('bgnbd', 0.11, 2.24, 0.4, 0.6, 100000, 3650, 3650, 100000, 'cet', 1.07401153627954841e+6),
	('bgnbd', 0.001, 0.001, 0.001, 0.001, 0, 0, 38.86, NULL, 'loglik', -0.0105677464560022),
	('bgnbd', 0.001, 0.001, 0.001, 0.001, 0, 0, 38.86, NULL, 'palive', 1.0),
	('bgnbd', 0.001, 0.001, 0.001, 0.001, 0, 0, 38.86, 39, 'cet', 8.49061125222545971e-4),
	('bgnbd', 0.001, 0.001, 0.001, 0.001, 0, 0, 38.86, 100000, 'cet', 1.28177481542305610),
	('bgnbd', 0.001, 0.001, 0.001, 0.001, 500, 990, 1000, NULL, 'loglik', -856.37670050361634),
	('bgnbd', 0.001, 0.001, 0.001, 0.001, 500, 990, 1000, NULL, 'palive', 0.99969509045777031),
	('bgnbd', 0.001, 0.001, 0.001, 0.001, 500, 990, 1000, 39, 'cet', 19.4936977359772403),
	('bgnbd', 0.001, 0.001, 0.001, 0.001, 500, 990, 1000, 100000, 'cet', 49802.0558627914771),
	('bgnbd', 0.3, 8, 0.2, 1e-12, 0, 0, 38.86, NULL, 'loglik', -0.5303168674199441),
	('bgnbd', 0.3, 8, 0.2, 1e-12, 0, 0, 38.86, NULL, 'palive', 1.0),
	('bgnbd', 0.3, 8, 0.2, 1e-12, 0, 0, 38.86, 39, 'cet', 0.16612026437960344),
	('bgnbd', 0.3, 8, 0.2, 1e-12, 2, 30.43, 38.86, NULL, 'loglik', -35.095868203125409),
	('bgnbd', 0.3, 8, 0.2, 1e-12, 2, 30.43, 38.86, NULL, 'palive', 0.76011097957529613),
	('bgnbd', 0.3, 8, 0.2, 1e-12, 2, 30.43, 38.86, 39, 'cet', 1.32578700403067264),
	('bgnbd', 80, 400, 30, 250, 500, 990, 1000, NULL, 'loglik', -913.91771676228256),
	('bgnbd', 80, 400, 30, 250, 500, 990, 1000, NULL, 'palive', 0.28086352116435385),
	('bgnbd', 80, 400, 30, 250, 500, 990, 1000, 39, 'cet', 3.38432536854131818),
	('bgnbd', 80, 400, 30, 250, 500, 990, 1000, 100000, 'cet', 7.54457527541488460),
	('bgnbd', 0.05, 1e7, 2.5, 1.5, 50, 38.86, 38.86, NULL, 'loglik', -672.04202667519923),
	('bgnbd', 0.05, 1e7, 2.5, 1.5, 50, 38.86, 38.86, NULL, 'palive', 0.95283018867924528),
	('bgnbd', 0.05, 1e7, 2.5, 1.5, 50, 38.86, 38.86, 39, 'cet', 1.85986108786403891e-4),
	('mbgnbd', 0.243, 4.414, 0.793, 2.426, 0, 0, 38.86, NULL, 'loglik', -0.3869522205708534),
	('mbgnbd', 0.243, 4.414, 0.793, 2.426, 0, 0, 38.86, NULL, 'palive', 0.63725333796489527),
	('mbgnbd', 0.243, 4.414, 0.793, 2.426, 0, 0, 38.86, 39, 'cet', 0.12746138254566130),
	('mbgnbd', 0.243, 4.414, 0.793, 2.426, 0, 0, 38.86, 100000, 'cet', 12.1969621758133657),
	('mbgnbd', 0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, NULL, 'loglik', -9.6871826362499614),
	('mbgnbd', 0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, NULL, 'palive', 0.77441924262364616),
	('mbgnbd', 0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, 39, 'cet', 1.34049742849121321),
	('mbgnbd', 0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, 100000, 'cet', 60.1938499184066309),
	('mbgnbd', 0.243, 4.414, 0.793, 2.426, 5000, 5000, 10000, NULL, 'loglik', -5023.5429994372121),
	('mbgnbd', 0.5, 5, 1, 2, 7, 77.86, 77.86, NULL, 'loglik', -26.866002421594609),
	('mbgnbd', 0.5, 5, 1, 2, 7, 77.86, 77.86, NULL, 'palive', 0.9),
	('mbgnbd', 0.5, 5, 1, 2, 7, 77.86, 77.86, 39, 'cet', 2.71145918568809310),
	('mbgnbd', 0.5, 5, 1, 2, 7, 77.86, 77.86, 100000, 'cet', 61.1273207252005971),
	('mbgnbd', 0.11, 2.24, 0.4, 0.6, 100000, 3650, 3650, NULL, 'loglik', 230971.409428167417),
	('mbgnbd', 0.11, 2.24, 0.4, 0.6, 100000, 3650, 3650, NULL, 'palive', 0.9999960000399996),
	('mbgnbd', 0.11, 2.24, 0.4, 0.6, 100000, 3650, 3650, 39, 'cet', 1065.56548711556607),
	('mbgnbd', 0.11, 2.24, 0.4, 0.6, 100000, 3650, 3650, 100000, 'cet', 1.07401509464012835e+6),
	('mbgnbd', 0.001, 0.001, 0.001, 0.001, 0, 0, 38.86, NULL, 'loglik', -0.0052699136348132),
	('mbgnbd', 0.001, 0.001, 0.001, 0.001, 0, 0, 38.86, NULL, 'palive', 0.49735808797274616),
	('mbgnbd', 0.001, 0.001, 0.001, 0.001, 0, 0, 38.86, 39, 'cet', 4.98943920340280135e-4),
	('mbgnbd', 0.001, 0.001, 0.001, 0.001, 0, 0, 38.86, 100000, 'cet', 1.27109627437197830),
	('mbgnbd', 0.001, 0.001, 0.001, 0.001, 500, 990, 1000, NULL, 'loglik', -856.37670311342839),
	('mbgnbd', 0.001, 0.001, 0.001, 0.001, 500, 990, 1000, NULL, 'palive', 0.99969570009006762),
	('mbgnbd', 0.001, 0.001, 0.001, 0.001, 500, 990, 1000, 39, 'cet', 19.4937103646286108),
	('mbgnbd', 0.001, 0.001, 0.001, 0.001, 500, 990, 1000, 100000, 'cet', 49802.1812338743097),
	('mbgnbd', 0.3, 8, 0.2, 1e-12, 0, 0, 38.86, NULL, 'loglik', -2.0579075525590486e-12),
	('mbgnbd', 0.3, 8, 0.2, 1e-12, 0, 0, 38.86, NULL, 'palive', 2.94209244742412338e-12),
	('mbgnbd', 0.3, 8, 0.2, 1e-12, 0, 0, 38.86, 39, 'cet', 6.8427532935998399e-13),
	('mbgnbd', 0.3, 8, 0.2, 1e-12, 2, 30.43, 38.86, NULL, 'loglik', -35.318948699850615),
	('mbgnbd', 0.3, 8, 0.2, 1e-12, 2, 30.43, 38.86, NULL, 'palive', 0.86370801431924980),
	('mbgnbd', 0.3, 8, 0.2, 1e-12, 2, 30.43, 38.86, 39, 'cet', 1.54496623819055151),
	('mbgnbd', 80, 400, 30, 250, 500, 990, 1000, NULL, 'loglik', -913.95789678406371),
	('mbgnbd', 80, 400, 30, 250, 500, 990, 1000, NULL, 'palive', 0.28113308524035912),
	('mbgnbd', 80, 400, 30, 250, 500, 990, 1000, 39, 'cet', 3.38877054174812328),
	('mbgnbd', 80, 400, 30, 250, 500, 990, 1000, 100000, 'cet', 7.56151056853379720),
	('mbgnbd', 0.05, 1e7, 2.5, 1.5, 50, 38.86, 38.86, NULL, 'loglik', -672.09034525247004),
	('mbgnbd', 0.05, 1e7, 2.5, 1.5, 50, 38.86, 38.86, NULL, 'palive', 0.95370370370370370),
	('mbgnbd', 0.05, 1e7, 2.5, 1.5, 50, 38.86, 38.86, 39, 'cet', 1.86156628701945412e-4);
CREATE TABLE public.spend_oracle (p float8, q float8, v float8, x float8, m float8,
	quantity text, value float8);
INSERT INTO public.spend_oracle VALUES
	(6.25, 3.74, 15.44, 0, 35, 'spend', 35.2189781021897810),
	(6.25, 3.74, 15.44, 2, 35, 'loglik', -4.0958173146489801),
	(6.25, 3.74, 15.44, 2, 35, 'spend', 35.0393700787401574),
	(6.25, 3.74, 15.44, 500, 1e4, 'loglik', -28.049950483671909),
	(6.25, 3.74, 15.44, 500, 1e4, 'spend', 9991.27053399579248),
	(2, 0.9, 30, 2, 35, 'loglik', -4.8952021697231430),
	(2, 0.9, 30, 2, 35, 'spend', 51.2820512820512820),
	(2, 0.9, 30, 500, 1e4, 'loglik', -13.887163216472797),
	(2, 0.9, 30, 500, 1e4, 'spend', 10001.0601060106010),
	(1e5, 1e4, 1e-3, 0, 35, 'spend', 0.01000100010001000),
	(1e5, 1e4, 1e-3, 2, 35, 'loglik', -71362.141497609927),
	(1e5, 1e4, 1e-3, 2, 35, 'spend', 33.3339682569916999),
	(1e5, 1e4, 1e-3, 500, 1e4, 'loglik', -128159.63986534526),
	(1e5, 1e4, 1e-3, 500, 1e4, 'spend', 9998.00060183964410),
	(3, 2.5, 1e9, 0, 35, 'spend', 2.0e+9),
	(3, 2.5, 1e9, 2, 35, 'loglik', -97.926879581825673),
	(3, 2.5, 1e9, 2, 35, 'spend', 4.00000028e+8),
	(3, 2.5, 1e9, 500, 1e4, 'loglik', -7946.1805537723231),
	(3, 2.5, 1e9, 500, 1e4, 'spend', 2.00799200799200799e+6);
CREATE FUNCTION public.count_model(kind text, r float8, alpha float8, a float8, b float8)
RETURNS cdp.clv_model LANGUAGE sql AS $$
	SELECT jsonb_build_object('kind', kind, 'params', jsonb_build_object(
		'r', r, 'alpha', alpha, 'a', a, 'b', b))::text::cdp.clv_model
$$;
CREATE FUNCTION public.spend_model(p float8, q float8, v float8)
RETURNS cdp.clv_model LANGUAGE sql AS $$
	SELECT jsonb_build_object('kind', 'gamma_gamma', 'params', jsonb_build_object(
		'p', p, 'q', q, 'v', v))::text::cdp.clv_model
$$;

-- largest relative error: 1e-12, expected purchases 1e-9
SELECT kind, quantity, count(*), max(abs(got / value - 1))
	< CASE quantity WHEN 'cet' THEN 1e-9 ELSE 1e-12 END AS exact
FROM public.oracle, LATERAL (SELECT public.count_model(kind, r, alpha, a, b) AS model) AS m,
	LATERAL (SELECT CASE quantity
		WHEN 'loglik' THEN cdp._model_customer_loglik(model, x, t_x, t)
		WHEN 'palive' THEN cdp.p_alive(model, x, t_x, t)
		ELSE cdp.expected_purchases(model, x, t_x, t, horizon) END AS got) AS g
GROUP BY kind, quantity
ORDER BY kind, quantity;
SELECT quantity, count(*), max(abs(got / value - 1)) < 1e-12 AS exact
FROM public.spend_oracle, LATERAL (SELECT public.spend_model(p, q, v) AS model) AS s,
	LATERAL (SELECT CASE quantity
		WHEN 'loglik' THEN cdp._model_spend_loglik(model, x, m)
		ELSE cdp.expected_spend(model, x, m) END AS got) AS g
GROUP BY quantity
ORDER BY quantity;

-- the papers' parameters for CDNOW
\set bg '{"kind":"bgnbd","params":{"r":0.243,"alpha":4.414,"a":0.793,"b":2.426}}'
\set mbg '{"kind":"mbgnbd","params":{"r":0.525,"alpha":6.183,"a":0.891,"b":1.614}}'
\set gg '{"kind":"gamma_gamma","params":{"p":6.25,"q":3.74,"v":15.44}}'

-- who never came back is alive for BG/NBD, and still no customer of next quarter
SELECT round(cdp.p_alive(:'bg', 0, 0, 38.86)::numeric, 6) AS alive,
	round(cdp.p_active(:'bg', 0, 0, 38.86, 13)::numeric, 6) AS active,
	round(cdp.churn(:'bg', 0, 0, 38.86, 13)::numeric, 6) AS churn,
	round(cdp.churn(:'mbg', 0, 0, 38.86, 13)::numeric, 6) AS mbg_churn;

-- the same customer as a summary, in days, under a model in weeks
SELECT cdp.p_alive(:'bg', days) = cdp.p_alive(:'bg', 2, 4, 10) AS alive,
	abs(cdp.p_active(:'bg', days, '91 days') - cdp.p_active(:'bg', 2, 4, 10, 13)) < 1e-15 AS active,
	abs(cdp.churn(:'bg', days, '91 days') - cdp.churn(:'bg', 2, 4, 10, 13)) < 1e-15 AS churn,
	abs(cdp.expected_purchases(:'bg', days, '91 days') / cdp.expected_purchases(:'bg', 2, 4, 10, 13) - 1) < 1e-14 AS expected,
	cdp.expected_spend(:'gg', days) = cdp.expected_spend(:'gg', 2, 22.35) AS spend
FROM cdp.make_rfm(2, 28, 70, 22.35, '1 day') AS days;

-- a new customer is one with nothing behind her
SELECT cdp.expected_purchases_new(:'mbg', '364 days') = cdp.expected_purchases(:'mbg', 0, 0, 0, 52) AS new;

-- value: purchases times spend times margin; discount makes it less, and
-- splits over time as it must: value(2h) = value(h) + what is beyond
SELECT round(cdp.clv(:'bg', :'gg', rfm)::numeric, 6) AS year,
	abs(cdp.clv(:'bg', :'gg', rfm, 0, '365 days', 0.3)
		/ (0.3 * cdp.expected_purchases(:'bg', rfm, '365 days') * cdp.expected_spend(:'gg', rfm)) - 1) < 1e-14 AS product,
	round(cdp.clv(:'bg', :'gg', rfm, 0.15)::numeric, 6) AS discounted,
	round(cdp.clv(:'bg', :'gg', rfm, 0.15, '3650 days')::numeric, 6) AS ten_years
FROM cdp.make_rfm(2, 30.43, 38.86, 22.35) AS rfm;
SELECT abs(discounted / summed - 1) < 1e-4 AS close_to_monthly_sums
FROM (
	SELECT cdp.clv(:'bg', :'gg', rfm, 0.15, '700 days') AS discounted,
		(SELECT sum((cdp.expected_purchases(:'bg', 2, 30.43, 38.86, n / 10.0::float8)
				- cdp.expected_purchases(:'bg', 2, 30.43, 38.86, (n - 1) / 10.0::float8))
			* 1.15 ^ (-(n - 0.5) / 10 * 7 / 365.25)) FROM generate_series(1, 1000) AS n)
		* cdp.expected_spend(:'gg', rfm) AS summed
	FROM cdp.make_rfm(2, 30.43, 38.86, 22.35) AS rfm
) AS both_ways;

-- no spend is defined when q <= 1 and nothing is known of the customer
SELECT cdp.expected_spend('{"kind":"gamma_gamma","params":{"p":2,"q":0.9,"v":30}}', 0, 0) IS NULL AS undefined;

-- intervals hold the value; without covariance there are none
\set fitted '{"kind":"mbgnbd","params":{"r":0.52483798,"alpha":6.182992,"a":0.89135616,"b":1.6139993},"covariance":[[0.00693],[0.0557,0.48385],[-0.0047,-0.0449,0.02396],[-0.0366,-0.2968,0.0628,0.28887]]}'
\set fitted_spend '{"kind":"gamma_gamma","params":{"p":6.2488,"q":3.74459,"v":15.44775},"covariance":[[1.41536],[-0.27,0.0842],[-4.6,1.05,17.3056]]}'
SELECT low < value AND value < high AS inside,
	round((high / value * low / value)::numeric, 6) AS symmetric
FROM cdp.make_rfm(2, 30.43, 38.86, 22.35) AS rfm,
	cdp.clv(:'fitted', :'fitted_spend', rfm) AS value,
	cdp.clv_interval(:'fitted', :'fitted_spend', rfm);
SELECT wide.low < narrow.low AND narrow.low < value AND value < narrow.high AND narrow.high < wide.high AS nested
FROM cdp.make_rfm(2, 30.43, 38.86, 22.35) AS rfm,
	cdp.churn(:'fitted', rfm, '90 days') AS value,
	cdp.churn_interval(:'fitted', rfm, '90 days', 0.5) AS narrow,
	cdp.churn_interval(:'fitted', rfm, '90 days', 0.99) AS wide;
SELECT low < value AND value < high AS inside
FROM cdp.make_rfm(0, 0, 38.86) AS rfm,
	cdp.expected_purchases(:'fitted', rfm, '365 days') AS value,
	cdp.expected_purchases_interval(:'fitted', rfm, '365 days');
SELECT * FROM cdp.clv_interval(:'bg', :'gg', cdp.make_rfm(2, 30, 39, 20));

-- NULL in, NULL out; a model without parameters scores NULL
SELECT cdp.p_alive(:'bg', NULL, 0, 1) IS NULL AS a, cdp.clv(:'bg', :'gg', NULL) IS NULL AS b,
	cdp.p_alive('{"kind":"bgnbd","status":"insufficient"}', 1, 1, 1) IS NULL AS c;

-- each argument that cannot be is named
SELECT cdp.p_alive(:'bg', -1, 0, 1);
SELECT cdp.p_alive(:'bg', 1.5, 1, 1);
SELECT cdp.p_alive(:'bg', 1, 2, 1);
SELECT cdp.p_alive(:'bg', 0, 1, 2);
SELECT cdp.p_alive(:'bg', 1, -1, 2);
SELECT cdp.p_alive(:'bg', 1, 1, 'infinity');
SELECT cdp.p_alive(:'bg', 1, 'NaN', 1);
SELECT cdp.p_active(:'bg', 1, 1, 1, -1);
SELECT cdp.churn(:'bg', cdp.make_rfm(0, 0, 1), '-1 day');
SELECT cdp.expected_purchases(:'gg', 1, 1, 1, 1);
SELECT cdp.expected_spend(:'bg', 1, 1);
SELECT cdp.expected_spend(:'gg', 1, -5);
SELECT cdp.expected_spend(:'gg', 1, 'NaN');
SELECT cdp.clv(:'bg', :'gg', cdp.make_rfm(0, 0, 1), -0.1);
SELECT cdp.clv(:'bg', :'gg', cdp.make_rfm(0, 0, 1), 0, '1 day', 'NaN');
SELECT cdp.churn_interval(:'fitted', cdp.make_rfm(0, 0, 1), '1 day', 1);

-- a random search, seed 1: extreme parameters and customers give finite
-- probabilities, and purchases between 0 and what they would be without dropout
CREATE TABLE public.random_case AS
WITH RECURSIVE seed AS (SELECT setseed(0.1)),
draw AS (
	SELECT n, CASE WHEN random() < 0.5 THEN 'bgnbd' ELSE 'mbgnbd' END AS kind,
		10 ^ (random() * 9 - 4) AS r, 10 ^ (random() * 12 - 5) AS alpha,
		10 ^ (random() * 12 - 7) AS a, 10 ^ (random() * 16 - 11) AS b,
		floor(10 ^ (random() * 6 - 1)) AS x, random() AS recency,
		10 ^ (random() * 9 - 3) AS t, 10 ^ (random() * 10 - 3) AS horizon
	FROM seed, generate_series(1, 3000) AS n
)
SELECT *, CASE WHEN x > 0 THEN recency * t ELSE 0 END AS t_x,
	public.count_model(kind, r, alpha, a, b) AS model
FROM draw;
SELECT count(*) AS faults
FROM public.random_case,
	LATERAL (SELECT cdp.p_alive(model, x, t_x, t) AS alive,
		cdp.p_active(model, x, t_x, t, horizon) AS active,
		cdp.expected_purchases(model, x, t_x, t, horizon) AS expected,
		cdp._model_customer_loglik(model, x, t_x, t) AS loglik) AS score
WHERE NOT (alive BETWEEN 0 AND 1 AND active BETWEEN 0 AND alive
	AND expected >= active * (1 - 1e-9)
	AND expected <= (r + x) * horizon / (alpha + t) * (1 + 1e-9)
	AND loglik < 'infinity')
	OR alive IS NULL OR active IS NULL OR expected IS NULL;
-- more time, more purchases
SELECT count(*) AS faults
FROM public.random_case
WHERE cdp.expected_purchases(model, x, t_x, t, horizon * 1.01)
	< cdp.expected_purchases(model, x, t_x, t, horizon) * (1 - 1e-9);
-- the farthest corners of double precision: a number or NULL, and soon
SELECT count(*) AS scored,
	count(*) FILTER (WHERE NOT (expected >= 0 AND expected < 'infinity' AND active BETWEEN 0 AND 1)) AS faults
FROM unnest(ARRAY[1e-300, 1e-9, 1, 1e9, 1e300]) AS r, unnest(ARRAY[1e-300, 1, 1e300]) AS alpha,
	unnest(ARRAY[1e-300, 1, 1e300]) AS a, unnest(ARRAY[1e-300, 1, 1e300]) AS b,
	(VALUES (0, 0, 0), (1, 0, 1e300), (3, 1e-300, 1e-300), (9007199254740992, 5, 10)) AS customer (x, t_x, t),
	unnest(ARRAY[0, 1e-300, 1, 1e300]) AS horizon,
	LATERAL (SELECT public.count_model('mbgnbd', r, alpha, a, b) AS model) AS m,
	LATERAL (SELECT cdp.expected_purchases(model, x, t_x, t, horizon) AS expected,
		cdp.p_active(model, x, t_x, t, horizon) AS active) AS score;
DROP TABLE public.oracle, public.spend_oracle, public.random_case;
DROP FUNCTION public.count_model, public.spend_model;
