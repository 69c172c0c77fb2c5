-- A random search over all scores and their intervals, extremes included:
-- numbers that are finite, in their range, and in the order that they must be.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh

-- a model with a covariance: errors relative to parameters, all akin alike
CREATE FUNCTION public.any_model(kind text, names text[], params float8[], errors float8[], kinship float8)
RETURNS cdp.clv_model LANGUAGE sql AS $$
	SELECT jsonb_build_object('kind', kind,
		'params', (SELECT jsonb_object_agg(names[i], params[i]) FROM generate_subscripts(names, 1) AS i),
		'covariance', (SELECT jsonb_agg(line ORDER BY i) FROM (
			SELECT i, jsonb_agg(CASE WHEN i = j THEN 1 ELSE kinship END
				* params[i] * errors[i] * params[j] * errors[j] ORDER BY j) AS line
			FROM generate_subscripts(names, 1) AS i, generate_subscripts(names, 1) AS j
			WHERE j <= i
			GROUP BY i) AS triangle))::text::cdp.clv_model
$$;

-- seed 0.1; up to thousands of purchases, in minutes to centuries, and
-- horizons from none to millions of years
SELECT setseed(0.1);
CREATE TABLE public.random_case AS
SELECT drawn.*,
	public.any_model(kind, CASE kind WHEN 'pareto_nbd' THEN '{r,alpha,s,beta}' ELSE '{r,alpha,a,b}' END::text[],
		params, errors, kinship) AS model,
	public.any_model('gamma_gamma', '{p,q,v}', spend_params, errors, kinship) AS spend_model,
	jsonb_build_object('x', x, 't_x', CASE WHEN x > 0 THEN recency * t ELSE 0 END, 't', t,
		'm', CASE WHEN x > 0 THEN m ELSE 0 END, 'unit', '7 days',
		'first_at', '2000-01-01 00:00+00')::text::cdp.rfm_summary AS rfm
FROM (
	SELECT n, (ARRAY['bgnbd', 'mbgnbd', 'pareto_nbd'])[1 + n % 3] AS kind,
		ARRAY[10 ^ (random() * 9 - 4), 10 ^ (random() * 12 - 5), 10 ^ (random() * 12 - 7), 10 ^ (random() * 16 - 11)] AS params,
		ARRAY[10 ^ (random() * 9 - 4), 10 ^ (random() * 9 - 4), 10 ^ (random() * 12 - 5)] AS spend_params,
		ARRAY[10 ^ (random() * 4 - 4), 10 ^ (random() * 4 - 4), 10 ^ (random() * 4 - 4), 10 ^ (random() * 4 - 4)] AS errors,
		random() AS kinship, floor(10 ^ (random() * 5 - 1)) AS x,
		CASE WHEN random() < 0.2 THEN 1 ELSE random() END AS recency,
		10 ^ (random() * 8 - 4) AS t, 10 ^ (random() * 8 - 3) AS m,
		CASE WHEN random() < 0.05 THEN 0 ELSE 10 ^ (random() * 14 - 4) END * interval '1 second' AS horizon,
		CASE WHEN random() < 0.3 THEN 0 ELSE 10 ^ (random() * 8 - 6) END AS rate,
		10 ^ (random() * 8 - 6) AS endless_rate, 0.01 + 0.98 * random() AS probability
	FROM generate_series(1, 3000) AS n
) AS drawn;

-- probabilities and purchases; what happens by then has happened by later
CREATE TABLE public.scored AS
SELECT random_case.*, cdp.p_alive(model, rfm) AS alive, cdp.p_active(model, rfm, horizon) AS active,
	cdp.churn(model, rfm, horizon) AS churn, cdp.expected_purchases(model, rfm, horizon) AS expected,
	cdp.expected_purchases_new(model, horizon) AS of_new, cdp.expected_spend(spend_model, rfm) AS spend,
	extract(epoch FROM horizon)::float8 / 604800 AS weeks
FROM public.random_case;
SELECT count(*) AS drawn, count(spend) > 2000 AS many_spend, count(*) FILTER (WHERE (alive BETWEEN 0 AND 1
		AND active BETWEEN 0 AND alive AND churn = 1 - active
		AND expected BETWEEN active * (1 - 1e-9) AND (params[1] + x) * weeks / (params[2] + t) * (1 + 1e-9)
		AND of_new BETWEEN 0 AND params[1] * weeks / params[2] * (1 + 1e-9)) IS NOT TRUE) AS faults,
	count(*) FILTER (WHERE NOT (spend > 0 AND spend < 'infinity')) AS spend_faults
FROM public.scored;
SELECT count(*) FILTER (WHERE (cdp.p_active(model, rfm, later) >= active * (1 - 1e-12)) IS NOT TRUE) AS active,
	count(*) FILTER (WHERE (cdp.expected_purchases(model, rfm, later) >= expected * (1 - 1e-9)) IS NOT TRUE) AS expected,
	count(*) FILTER (WHERE (cdp.expected_purchases_new(model, later) >= of_new * (1 - 1e-9)) IS NOT TRUE) AS of_new
FROM public.scored, LATERAL (SELECT horizon * 1.01 AS later) AS l;

-- the next purchase: where she will have bought with that probability, or
-- NULL if that is never or beyond the calendar
SELECT count(next) > 500 AS many, count(*) FILTER (WHERE next < as_of OR sooner > next OR next >= 'infinity') AS faults,
	count(*) FILTER (WHERE next IS NOT NULL AND sooner IS NULL) AS only_later,
	count(*) FILTER (WHERE next - as_of BETWEEN '1 hour' AND '1000 years'
		AND abs(cdp.p_active(model, rfm, next - as_of) / probability - 1) > 1e-5) AS wrong
FROM (SELECT *, timestamptz '2000-01-01 00:00+00' + t * interval '168 hours' AS as_of,
		cdp.next_purchase_at(model, rfm, probability) AS next,
		cdp.next_purchase_at(model, rfm, probability * 0.9) AS sooner
	FROM public.scored) AS asked;

-- values: discounted no more than not, and more by later; those without end
-- take many expectations each, so fewer of them
CREATE TABLE public.valued AS
SELECT scored.*, cdp.clv(model, spend_model, rfm, rate, horizon, 0.3) AS clv, cdp.dert(model, rfm, endless_rate) AS dert
FROM public.scored
WHERE n <= 90;
SELECT count(*) AS drawn, count(*) FILTER (WHERE spend IS NOT NULL
		AND (clv BETWEEN 0 AND 0.3 * spend * expected * (1 + 1e-9)
			AND cdp.clv(model, spend_model, rfm, rate, horizon * 1.01, 0.3) >= clv * (1 - 1e-9)) IS NOT TRUE) AS clv_faults,
	count(*) FILTER (WHERE (dert BETWEEN 0 AND (params[1] + x) / (params[2] + t) / (ln(1 + endless_rate) * 7 / 365.25) * (1 + 1e-6)) IS NOT TRUE) AS dert_faults
FROM public.valued;

-- intervals hold the value, and stay in the range of it; NULL only where the
-- high end is beyond doubles
SELECT what, count(low) > 0.99 * count(value) AS known,
	count(*) FILTER (WHERE NOT (low >= 0 AND low <= value AND value <= high AND high < 'infinity'
		AND (high <= 1 OR what NOT IN ('p_alive', 'p_active', 'churn')))) AS faults
FROM public.scored LEFT JOIN public.valued USING (n), LATERAL (
	SELECT 'p_alive' AS what, scored.alive AS value, i.* FROM cdp.p_alive_interval(scored.model, scored.rfm) AS i
	UNION ALL
	SELECT 'p_active', scored.active, i.* FROM cdp.p_active_interval(scored.model, scored.rfm, scored.horizon) AS i
	UNION ALL
	SELECT 'churn', scored.churn, i.* FROM cdp.churn_interval(scored.model, scored.rfm, scored.horizon) AS i
	UNION ALL
	SELECT 'expected_spend', scored.spend, i.* FROM cdp.expected_spend_interval(scored.spend_model, scored.rfm) AS i
	UNION ALL
	SELECT 'expected_purchases', scored.expected, i.* FROM cdp.expected_purchases_interval(scored.model, scored.rfm, scored.horizon) AS i
	WHERE n <= 300
	UNION ALL
	SELECT 'expected_purchases_new', scored.of_new, i.* FROM cdp.expected_purchases_new_interval(scored.model, scored.horizon) AS i
	WHERE n <= 300
	UNION ALL
	SELECT 'dert', dert, i.* FROM cdp.dert_interval(scored.model, scored.rfm, scored.endless_rate) AS i
	WHERE n <= 15
	UNION ALL
	SELECT 'clv', clv, i.* FROM cdp.clv_interval(scored.model, scored.spend_model, scored.rfm, scored.rate, scored.horizon, 0.3) AS i
	WHERE n <= 15
) AS one
GROUP BY what
ORDER BY what COLLATE "C";

-- the interval of the next purchase holds it; where its high end is beyond the
-- calendar it is open there
SELECT count(next) > 500 AS many, count(high) BETWEEN 100 AND count(next) - 1 AS some_open, count(*) FILTER (WHERE (next IS NULL) <> (low IS NULL)
		OR NOT (low >= as_of AND low <= next AND next <= high AND high < 'infinity')
		OR next IS NULL AND high IS NOT NULL) AS faults
FROM public.scored, cdp.next_purchase_at(model, rfm, probability) AS next, cdp.next_purchase_at_interval(model, rfm, probability),
	LATERAL (SELECT timestamptz '2000-01-01 00:00+00' + t * interval '168 hours' - interval '1 microsecond' AS as_of) AS a;

-- when the first purchase is the last one, its discount is known: the mean of
-- rate/(rate + delta); rates of all customers are 1
SELECT yearly, abs(cdp.dert(public.any_model('bgnbd', '{r,alpha,a,b}', '{1e10,1e10,1,1e-13}', '{1,1,1,1}', 0), 0, 0, 0, yearly)
	* (1 + ln(1 + yearly) * 7 / 365.25) - 1) < 1e-9 AS exact
FROM unnest(ARRAY[1e-4, 0.1, 10, 1e20]::float8[]) AS yearly;

-- contracts; sums over up to 10^12 renewals
SELECT count(*) AS drawn, count(*) FILTER (WHERE (retention BETWEEN 0 AND 1 AND survival BETWEEN 0 AND 1
		AND cdp.survival(model, tenure + 1) <= survival AND active BETWEEN 0 AND 1
		AND cdp.p_active(model, tenure, horizon + 1) <= active * (1 + 1e-12)
		AND cdp.churn(model, tenure, horizon) = 1 - active) IS NOT TRUE) AS faults,
	count(*) FILTER (WHERE (lifetime BETWEEN active * horizon * (1 - 1e-9) AND horizon
		AND cdp.expected_lifetime(model, tenure, horizon + 1) >= lifetime * (1 - 1e-9)) IS NOT TRUE) AS lifetime_faults,
	count(*) FILTER (WHERE forever < lifetime * (1 - 1e-9) OR (forever IS NULL) <> (alpha <= 1)) AS forever_faults,
	count(*) FILTER (WHERE (dert BETWEEN 0 AND 1 / (ln(1 + rate) * 7 / 365.25) * (1 + 1e-9)) IS NOT TRUE) AS dert_faults
FROM (
	SELECT drawn.*, cdp.retention(model, tenure + 1) AS retention, cdp.survival(model, tenure) AS survival,
		cdp.p_active(model, tenure, horizon) AS active, cdp.expected_lifetime(model, tenure, horizon) AS lifetime,
		cdp.expected_lifetime(model, tenure) AS forever, cdp.dert(model, tenure, rate) AS dert
	FROM (SELECT alpha, public.any_model('sbg', '{alpha,beta}', ARRAY[alpha, beta], '{1,1}', 0) AS model,
			floor(10 ^ (random() * 7 - 1)) AS tenure, floor(10 ^ (random() * 13 - 1)) AS horizon, 10 ^ (random() * 8 - 6) AS rate
		FROM (SELECT 10 ^ (random() * 12 - 7) AS alpha, 10 ^ (random() * 12 - 7) AS beta FROM generate_series(1, 3000)) AS p) AS drawn
) AS contract;

-- their intervals; of the endless lifetime NULL where one of the two models a
-- step away has none
SELECT what, count(low) > 0.99 * count(value) AS known, count(*) FILTER (WHERE NOT (low >= 0 AND low <= value AND value <= high
		AND high <= most AND high < 'infinity')) AS faults
FROM (SELECT alpha, public.any_model('sbg', '{alpha,beta}', ARRAY[alpha, 10 ^ (random() * 12 - 7)], ARRAY[10 ^ (random() * 4 - 4), 10 ^ (random() * 4 - 4)], random()) AS model,
		floor(10 ^ (random() * 7 - 1)) AS tenure, floor(10 ^ (random() * 13 - 1)) AS horizon, 10 ^ (random() * 8 - 6) AS rate
	FROM (SELECT 10 ^ (random() * 12 - 7) AS alpha FROM generate_series(1, 1000)) AS p) AS drawn, LATERAL (
	SELECT 'retention' AS what, cdp.retention(model, tenure + 1) AS value, 1::float8 AS most, i.* FROM cdp.retention_interval(model, tenure + 1) AS i
	UNION ALL
	SELECT 'survival', cdp.survival(model, tenure), 1, i.* FROM cdp.survival_interval(model, tenure) AS i
	UNION ALL
	SELECT 'p_active', cdp.p_active(model, tenure, horizon), 1, i.* FROM cdp.p_active_interval(model, tenure, horizon) AS i
	UNION ALL
	SELECT 'churn', cdp.churn(model, tenure, horizon), 1, i.* FROM cdp.churn_interval(model, tenure, horizon) AS i
	UNION ALL
	SELECT 'expected_lifetime', cdp.expected_lifetime(model, tenure, horizon), horizon, i.* FROM cdp.expected_lifetime_interval(model, tenure, horizon) AS i
	UNION ALL
	SELECT 'endless lifetime', cdp.expected_lifetime(model, tenure), 'infinity', i.* FROM cdp.expected_lifetime_interval(model, tenure) AS i
	UNION ALL
	SELECT 'dert', cdp.dert(model, tenure, rate), 1.000001 / (exp(ln(1 + rate) * 7 / 365.25) - 1), i.* FROM cdp.dert_interval(model, tenure, rate) AS i
) AS one
GROUP BY what
ORDER BY what COLLATE "C";

-- predictions; NULL only where the sum itself is beyond doubles
SELECT count(*) AS drawn, count(*) FILTER (WHERE NOT p BETWEEN 0 AND 1) AS faults,
	count(*) FILTER (WHERE p IS NULL AND greatest(size1, size2) < 150) AS unknown
FROM (SELECT random() * 320 AS size1, random() * 320 AS size2, random() - 0.5 AS a, random() - 0.5 AS b, random() - 0.5 AS c
	FROM generate_series(1, 3000)) AS drawn, LATERAL (
		SELECT cdp.predict_logistic(jsonb_build_object('kind', 'logistic', 'params',
			jsonb_build_object('intercept', c, 'x1', a * 10.0::float8 ^ (size1 / 2), 'x2', b * 10.0::float8 ^ (size2 / 2)))::text::cdp.clv_model,
			ARRAY[b * 10.0::float8 ^ (size1 / 2.2), c * 10.0::float8 ^ (size2 / 2.2)]) AS p) AS predicted;

-- a score that takes long can be stopped: this one is asked a thousand times
SET statement_timeout = '200ms';
DO $$
BEGIN
	PERFORM sum(cdp.dert(public.any_model('bgnbd', '{r,alpha,a,b}', '{4e-4,3.6,1.8,3.5e-11}', '{1,1,1,1}', 0), 0, 0, n, 1e-6))
	FROM generate_series(1, 1000) AS n;
EXCEPTION WHEN query_canceled THEN
	RAISE WARNING 'stopped';
END
$$;
RESET statement_timeout;
DROP TABLE public.random_case, public.scored, public.valued;
DROP FUNCTION public.any_model;
