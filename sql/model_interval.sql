-- How well scores are known: intervals against derivatives taken in SQL of the
-- scores themselves, on random models, seed 0.1; and edges.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TimeZone = 'UTC';

-- a model with a covariance: errors relative to parameters, all akin alike
CREATE FUNCTION public.any_model(kind text, names text[], params float8[], error float8, kinship float8)
RETURNS cdp.clv_model LANGUAGE sql AS $$
	SELECT jsonb_build_object('kind', kind,
		'params', (SELECT jsonb_object_agg(names[i], params[i]) FROM generate_subscripts(names, 1) AS i),
		'covariance', (SELECT jsonb_agg(line ORDER BY i) FROM (
			SELECT i, jsonb_agg(CASE WHEN i = j THEN 1 ELSE kinship END * params[i] * params[j] * error ^ 2 ORDER BY j) AS line
			FROM generate_subscripts(names, 1) AS i, generate_subscripts(names, 1) AS j
			WHERE j <= i
			GROUP BY i) AS triangle))::text::cdp.clv_model
$$;

-- what is asked of a model, the interval of it, and the scale of its error:
-- log-odds of a share of the most that it can be, or a logarithm
CREATE FUNCTION public.wait(at timestamptz, rfm cdp.rfm_summary) RETURNS float8 LANGUAGE sql AS $$
	SELECT extract(epoch FROM at - timestamptz '2026-01-01 00:00+00' - (rfm::jsonb ->> 't')::float8 * interval '168 hours')::float8
$$;
CREATE FUNCTION public.ask(what text, model cdp.clv_model, rfm cdp.rfm_summary) RETURNS float8 LANGUAGE sql AS $$
	SELECT CASE what WHEN 'of new' THEN cdp.expected_purchases_new(model, '365 days') WHEN 'next' THEN public.wait(cdp.next_purchase_at(model, rfm, 0.2), rfm)
		WHEN 'retention' THEN cdp.retention(model, 4) WHEN 'survival' THEN cdp.survival(model, 3) WHEN 'active' THEN cdp.p_active(model, 2, 5)
		WHEN 'churn' THEN cdp.churn(model, 2, 5) WHEN 'lifetime' THEN cdp.expected_lifetime(model, 2) WHEN 'of 12' THEN cdp.expected_lifetime(model, 2, 12)
		WHEN 'of 2000' THEN cdp.expected_lifetime(model, 2, 2000) WHEN 'dert' THEN cdp.dert(model, 2, 0.1)
		WHEN 'predict' THEN cdp.predict_logistic(model, '{0.5,-1.5}') END
$$;
CREATE FUNCTION public.range(what text, model cdp.clv_model, rfm cdp.rfm_summary, OUT low float8, OUT high float8) LANGUAGE plpgsql AS $$
BEGIN
	CASE what
		WHEN 'of new' THEN SELECT i.* INTO low, high FROM cdp.expected_purchases_new_interval(model, '365 days') AS i;
		WHEN 'next' THEN SELECT public.wait(i.low, rfm), public.wait(i.high, rfm) INTO low, high FROM cdp.next_purchase_at_interval(model, rfm, 0.2) AS i;
		WHEN 'retention' THEN SELECT i.* INTO low, high FROM cdp.retention_interval(model, 4) AS i;
		WHEN 'survival' THEN SELECT i.* INTO low, high FROM cdp.survival_interval(model, 3) AS i;
		WHEN 'active' THEN SELECT i.* INTO low, high FROM cdp.p_active_interval(model, 2, 5) AS i;
		WHEN 'churn' THEN SELECT i.* INTO low, high FROM cdp.churn_interval(model, 2, 5) AS i;
		WHEN 'lifetime' THEN SELECT i.* INTO low, high FROM cdp.expected_lifetime_interval(model, 2) AS i;
		WHEN 'of 12' THEN SELECT i.* INTO low, high FROM cdp.expected_lifetime_interval(model, 2, 12) AS i;
		WHEN 'of 2000' THEN SELECT i.* INTO low, high FROM cdp.expected_lifetime_interval(model, 2, 2000) AS i;
		WHEN 'dert' THEN SELECT i.* INTO low, high FROM cdp.dert_interval(model, 2, 0.1) AS i;
		WHEN 'predict' THEN SELECT i.* INTO low, high FROM cdp.predict_logistic_interval(model, '{0.5,-1.5}') AS i;
	END CASE;
END
$$;
CREATE FUNCTION public.scaled(what text, value float8) RETURNS float8 LANGUAGE sql AS $$
	SELECT CASE WHEN most IS NULL THEN ln(value) ELSE ln(value / (most - value)) END
	FROM (SELECT CASE WHEN what IN ('of new', 'next', 'lifetime') THEN NULL WHEN what = 'of 12' THEN 12 WHEN what = 'of 2000' THEN 2000
		WHEN what = 'dert' THEN 1 / (exp(ln(1.1::float8) * 7 / 365.25) - 1) ELSE 1 END::float8 AS most) AS m
$$;

-- the error by derivatives of four points a side, of the score that is asked
CREATE FUNCTION public.error_of(what text, model cdp.clv_model, names text[], rfm cdp.rfm_summary) RETURNS float8 LANGUAGE sql AS $$
	WITH slope AS (
		SELECT i, sum(weight * public.scaled(what, public.ask(what, jsonb_set(model::jsonb, ARRAY['params', names[i]],
			to_jsonb(param * (1 + steps * 1e-3::float8)))::text::cdp.clv_model, rfm))) / (12 * 1e-3::float8 * param) AS slope
		FROM generate_subscripts(names, 1) AS i, LATERAL (SELECT cdp.model_param(model, names[i]) AS param) AS p,
			(VALUES (-2, 1), (-1, -8), (1, 8), (2, -1)) AS point (steps, weight)
		GROUP BY i, param
	)
	SELECT sqrt(sum(a.slope * b.slope
		* (model::jsonb -> 'covariance' -> (greatest(a.i, b.i) - 1) ->> (least(a.i, b.i) - 1))::float8))
	FROM slope AS a, slope AS b
$$;

SELECT setseed(0.1);
CREATE TABLE public.random_case AS
SELECT n, kind, names, public.any_model(kind, names, params, error, kinship) AS model,
	jsonb_build_object('x', x, 't_x', CASE WHEN x > 0 THEN t * recency ELSE 0 END, 't', t, 'first_at', '2026-01-01 00:00+00')::text::cdp.rfm_summary AS rfm
FROM (
	SELECT n, kind, names, ARRAY[10 ^ (random() - 0.5), 10 ^ (random() * 2 - 0.5), 10 ^ (random() - 0.5), 10 ^ (random() * 2 - 0.5)] AS params,
		0.02 + 0.1 * random() AS error, random() * 0.9 AS kinship, floor(random() * 9) AS x, random() AS recency, round(10 + 90 * random()) AS t
	FROM generate_series(1, 60) AS n, (VALUES ('bgnbd', '{r,alpha,a,b}'::text[]), ('mbgnbd', '{r,alpha,a,b}'),
		('pareto_nbd', '{r,alpha,s,beta}')) AS kinds (kind, names)
	UNION ALL
	SELECT n, 'sbg', '{alpha,beta}', ARRAY[1.1 + 3 * random(), 10 ^ (random() * 2 - 1)], 0.02 + 0.1 * random(), random() * 0.9, 0, 0, 1
	FROM generate_series(1, 30) AS n
	UNION ALL
	SELECT n, 'logistic', '{intercept,x1,x2}', ARRAY[random() - 2, random() + 0.5, random() + 0.2], 0.02 + 0.1 * random(), random() * 0.9, 0, 0, 1
	FROM generate_series(1, 30) AS n
) AS drawn;

-- each interval is the score, on its scale, give or take 1.96 errors; the next
-- purchase where it is likely enough to come that a parameter can be moved
SELECT kind, what, count(value) >= 5 AS many,
	count(*) FILTER (WHERE (abs((top - bottom) / 2 / 1.959963984540054 / error - 1) < 1e-6) IS NOT TRUE) AS wrong_width,
	count(*) FILTER (WHERE (abs((top + bottom) / 2 - public.scaled(what, value)) < 1e-6 * error) IS NOT TRUE) AS off_middle
FROM public.random_case JOIN (VALUES ('count', 'of new'), ('count', 'next'), ('sbg', 'retention'), ('sbg', 'survival'), ('sbg', 'active'), ('sbg', 'churn'),
		('sbg', 'lifetime'), ('sbg', 'of 12'), ('sbg', 'of 2000'), ('sbg', 'dert'), ('logistic', 'predict')) AS asked (of, what)
		ON of = CASE WHEN kind IN ('sbg', 'logistic') THEN kind ELSE 'count' END,
	LATERAL (SELECT public.ask(what, model, rfm) AS value, public.error_of(what, model, names, rfm) AS error) AS s,
	LATERAL (SELECT public.scaled(what, low) AS bottom, public.scaled(what, high) AS top FROM public.range(what, model, rfm)) AS i
WHERE CASE what WHEN 'next' THEN cdp.p_alive(model, rfm) > 0.4 ELSE true END
GROUP BY kind, what
ORDER BY kind COLLATE "C", what COLLATE "C";

-- known exactly, it is the score; hardly known, it stays within what can be
SELECT what, bool_and(low = value AND value = high) AS exact
FROM (SELECT public.any_model('mbgnbd', '{r,alpha,a,b}', '{0.8,6,0.8,2.5}', 0, 0) AS model,
		'{"x":2,"t_x":8,"t":10,"first_at":"2026-01-01 00:00+00"}'::cdp.rfm_summary AS rfm) AS one,
	unnest('{of new,next}'::text[]) AS what, public.ask(what, model, rfm) AS value, public.range(what, model, rfm)
GROUP BY what
ORDER BY what COLLATE "C";
SELECT what, low >= 0 AND low < value / 2 AS low, high > value AND high <= CASE what WHEN 'of 12' THEN 12 WHEN 'of 2000' THEN 2000
	WHEN 'dert' THEN (1 + 1e-12) / (exp(ln(1.1::float8) * 7 / 365.25) - 1) ELSE 1 END AS high
FROM public.any_model('sbg', '{alpha,beta}', '{0.7,1.5}', 9, 0) AS model, unnest('{retention,survival,active,of 12,of 2000,dert}'::text[]) AS what,
	public.ask(what, model, NULL) AS value, public.range(what, model, NULL)
ORDER BY what COLLATE "C";

\set count '{"kind":"mbgnbd","params":{"r":0.8,"alpha":6,"a":0.8,"b":2.5},"covariance":[[0.01],[0.01,0.4],[0,0,0.02],[0,0,0.01,0.3]]}'
\set sbg '{"kind":"sbg","params":{"alpha":0.7,"beta":1.2},"covariance":[[0.01],[0.001,0.02]]}'
\set logistic '{"kind":"logistic","params":{"intercept":-1,"x1":0.5},"covariance":[[0.01],[0.001,0.02]]}'
\set rfm '{"x":2,"t_x":8,"t":10,"first_at":"2026-01-01 00:00+00"}'
-- nothing to come; so much that the end is certain; renewals for ever that have
-- no finite mean
SELECT 'of new' AS what, i.* FROM cdp.expected_purchases_new_interval(:'count', '0') AS i
UNION ALL SELECT 'of 0', i.* FROM cdp.expected_lifetime_interval(:'sbg', 2, 0) AS i
UNION ALL SELECT 'active in 0', i.* FROM cdp.p_active_interval(:'sbg', 2, 0) AS i
UNION ALL SELECT 'survival of 0', i.* FROM cdp.survival_interval(:'sbg', 0) AS i
UNION ALL SELECT 'lifetime', i.* FROM cdp.expected_lifetime_interval(:'sbg', 2) AS i
UNION ALL SELECT 'certain', i.* FROM cdp.predict_logistic_interval(:'logistic', '{1e9}') AS i;
SELECT what, 0 <= low AND low <= high AND high < 'infinity' AS finite
FROM (SELECT 'of new' AS what, i.* FROM cdp.expected_purchases_new_interval(:'count', '100000 years') AS i
	UNION ALL SELECT 'lifetime', i.* FROM cdp.expected_lifetime_interval(:'sbg', 9007199254740992, 9007199254740992) AS i
	UNION ALL SELECT 'active', i.* FROM cdp.p_active_interval(:'sbg', 9007199254740992, 9007199254740992) AS i
	UNION ALL SELECT 'retention', i.* FROM cdp.retention_interval(:'sbg', 9007199254740992) AS i
	UNION ALL SELECT 'dert', i.* FROM cdp.dert_interval(:'sbg', 0, 1e-9) AS i
	UNION ALL SELECT 'dert soon', i.* FROM cdp.dert_interval(:'sbg', 0, 1e300) AS i) AS asked
ORDER BY what COLLATE "C";

-- the next purchase: less likely than it ever gets; hardly likelier, so that it
-- may be never; from we know not when
SELECT what, low > as_of AS low, high > as_of AS high
FROM (SELECT p_alive, timestamptz '2026-03-12 00:00+00' AS as_of FROM cdp.p_alive(:'count', :'rfm'::cdp.rfm_summary)) AS one,
	LATERAL (SELECT 'soon' AS what, i.* FROM cdp.next_purchase_at_interval(:'count', :'rfm', 0.1) AS i
		UNION ALL SELECT 'never', i.* FROM cdp.next_purchase_at_interval(:'count', :'rfm', p_alive * 1.001) AS i
		UNION ALL SELECT 'perhaps', i.* FROM cdp.next_purchase_at_interval(:'count', :'rfm', p_alive * 0.999) AS i
		UNION ALL SELECT 'unknown', i.* FROM cdp.next_purchase_at_interval(:'count', cdp.make_rfm(2, 8, 10)) AS i) AS asked
ORDER BY what COLLATE "C";

-- models by hand know no errors, and models of too little nothing: NULL, as for
-- NULL among the arguments
SELECT count(*) AS asked, count(low) AS low, count(high) AS high
FROM (VALUES ('{"r":1,"alpha":1,"a":1,"b":1}', '{"alpha":3,"beta":1}', '{"intercept":0,"x1":1,"x2":1}'), (NULL, NULL, NULL)) AS given (count, sbg, logistic),
	LATERAL (VALUES ('mbgnbd', count, '{of new,next}'::text[]), ('sbg', sbg, '{retention,survival,active,churn,lifetime,of 12,dert}'), ('logistic', logistic, '{predict}')) AS one (kind, params, questions),
	LATERAL (SELECT (CASE WHEN params IS NULL THEN jsonb_build_object('kind', kind, 'status', 'insufficient')
		ELSE jsonb_build_object('kind', kind, 'params', params::jsonb) END)::text::cdp.clv_model AS model) AS m,
	unnest(questions) AS what, public.range(what, model, :'rfm');
SELECT (cdp.next_purchase_at_interval(:'count', NULL)).low IS NULL AS a, (cdp.dert_interval(:'sbg', NULL::float8, 0.1)).low IS NULL AS b,
	(cdp.predict_logistic_interval(:'logistic', '{NULL}')).low IS NULL AS c;

-- each argument that cannot be is named
SELECT cdp.expected_purchases_new_interval(:'count', '-1 day');
SELECT cdp.expected_purchases_new_interval(:'sbg', '1 day');
SELECT cdp.next_purchase_at_interval(:'count', :'rfm', 1);
SELECT cdp.next_purchase_at_interval(:'count', :'rfm', 0.5, 0);
SELECT cdp.retention_interval(:'sbg', 0);
SELECT cdp.survival_interval(:'sbg', -1);
SELECT cdp.p_active_interval(:'sbg', 1.5, 1);
SELECT cdp.expected_lifetime_interval(:'sbg', 1, '-infinity');
SELECT cdp.expected_lifetime_interval(:'count', 1);
SELECT cdp.dert_interval(:'sbg', 1, 0);
SELECT cdp.predict_logistic_interval(:'logistic', '{1,2}');
SELECT cdp.predict_logistic_interval(:'sbg', '{1}');
DROP TABLE public.random_case;
DROP FUNCTION public.any_model, public.wait, public.ask, public.range, public.scaled, public.error_of;
