-- The managed models: waiting, fitting, measuring, scoring, saying why.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TimeZone = 'UTC';

-- purchases come from a table here, so that each is known
CREATE TABLE public.orders (profile_id bigint, at timestamptz, amount numeric);
CREATE OR REPLACE VIEW cdp._purchases AS
SELECT profile_id, NULL::text AS order_key, at AS occurred_at, amount, 1 AS source_id FROM public.orders;
INSERT INTO public.orders VALUES
	-- 1: a regular who went silent; 2: a regular; 3: one-time; 4: new; 5: gave all back
	(1, '2025-06-01 10:00', 50), (1, '2025-07-02 10:00', 40), (1, '2025-08-01 10:00', 60),
	(1, '2025-09-01 10:00', 50), (1, '2025-10-02 10:00', 45), (1, '2025-11-01 10:00', 55),
	(2, '2025-08-01 10:00', 20), (2, '2025-10-10 10:00', 30), (2, '2026-01-05 10:00', 20), (2, '2026-03-20 10:00', 25), (2, '2026-05-20 10:00', 30),
	(3, '2025-09-10 10:00', 80),
	(4, '2026-05-25 10:00', 15),
	(5, '2025-12-01 10:00', 99), (5, '2025-12-01 15:00', -99);
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at)
SELECT n, n, n, cdp.clock(), cdp.clock() FROM generate_series(1, 220) AS n;

-- starter models wait for customers who came back
SELECT cdp._model_starter();
SELECT name, kind, options FROM cdp.model WHERE kind <> 'propensity' ORDER BY name;
SELECT cdp._fit_models();
SELECT name, status, version, detail FROM cdp.model WHERE kind <> 'propensity' ORDER BY name;
SELECT model, status, says FROM cdp.model_report('churn');

-- without a model there are fifths and stages, but no clv and no churn
SELECT cdp.refresh_scores();
SELECT profile_id, rfm_recency AS r, rfm_frequency AS f, rfm_monetary AS m, lifecycle, clv_365d, churn_90d, churn_band, revenue
FROM cdp.profile_score ORDER BY profile_id;
SELECT * FROM cdp.score;
SELECT * FROM cdp.score_reasons(1, 'churn');

-- more customers, the same every time: the first merge run fits
INSERT INTO public.orders
SELECT 100 + n, '2025-01-10 09:00'::timestamptz + make_interval(days => n * 7 % 200 + k * (9 + n * 5 % 60)), 10 + (n * 13 + k * 7) % 40
FROM generate_series(1, 120) AS n, generate_series(0, n * n % 7) AS k
WHERE n * 7 % 200 + k * (9 + n * 5 % 60) < 500;
SELECT cdp._scores_due();
SET cdp.test_clock = '2026-06-02 12:00:00+00';
SELECT cdp._scores_due();
SELECT cdp._score_step(1000);
SELECT cdp._scores_due();
SELECT name, status, version, detail FROM cdp.model WHERE kind <> 'propensity' ORDER BY name;
SELECT model, version, status, customers, repeat_customers, count_model::jsonb ->> 'kind' AS kind, spend_model IS NOT NULL AS spend
FROM cdp.model_version ORDER BY model;
-- of the kinds asked for the likeliest is taken
SELECT kinds, cdp.model_loglik(fit.count_model) = max(cdp.model_loglik(alone.count_model)) AS likeliest,
	count(DISTINCT cdp.model_loglik(alone.count_model)) AS different
FROM (VALUES ('{mbgnbd,pareto_nbd}'::text[]), ('{bgnbd,pareto_nbd}'), ('{pareto_nbd}')) AS asked (kinds),
	cdp._fit_customers('2026-06-02', kinds) AS fit, unnest(kinds) AS kind,
	LATERAL cdp._fit_customers('2026-06-02', ARRAY[kind]) AS alone
GROUP BY kinds, fit.count_model::text, cdp.model_loglik(fit.count_model)
ORDER BY kinds;
SELECT version.model, cdp.model_loglik(version.count_model) = cdp.model_loglik(fit.count_model) AS both_by_default
FROM cdp.model_version AS version, LATERAL cdp._fit_customers(as_of, '{mbgnbd,pareto_nbd}') AS fit
ORDER BY version.model;
SELECT model, version, holdout_from, holdout_to, customers, said BETWEEN 0 AND 1e9 AS said, happened BETWEEN 0 AND 1e9 AS happened,
	auc BETWEEN 0 AND 1 AS auc, jsonb_array_length(calibration) AS bands, verdict IN ('good', 'usable', 'do not use') AS verdict
FROM cdp.model_quality ORDER BY model;
SELECT says ~ '^fitted on [0-9]+ customers; of [0-9]+ held back it said [0-9.]+ % would not buy, [0-9.]+ % did not: ' AS churn
FROM cdp.model_report('churn');
SELECT says ~ '^fitted on [0-9]+ customers; of [0-9]+ held back it said [0-9]+ revenue, [0-9]+ came: ' AS clv
FROM cdp.model_report('clv');

-- one row per customer; each figure within its range
SELECT count(*) AS customers, count(clv_365d) AS clv, count(churn_90d) AS churn,
	bool_and(clv_365d_low <= clv_365d AND clv_365d <= clv_365d_high) AS within,
	bool_and(churn_90d BETWEEN 0 AND 1) AS probability,
	count(DISTINCT as_of) AS instants
FROM cdp.profile_score;
SELECT rfm_recency AS fifth, count(*) FROM cdp.profile_score WHERE rfm IS NOT NULL GROUP BY 1 ORDER BY 1;
SELECT churn_band, count(*), bool_and(CASE churn_band WHEN 'low' THEN churn_90d < 0.5
	WHEN 'medium' THEN churn_90d >= 0.5 AND churn_90d < 0.8 WHEN 'high' THEN churn_90d >= 0.8 END) AS right
FROM cdp.profile_score GROUP BY 1 ORDER BY 1;
SELECT profile_id, lifecycle, churn_band FROM cdp.profile_score WHERE profile_id <= 5 ORDER BY profile_id;
-- the silent regular is likelier to be gone than the regular one
SELECT gone.churn_90d > here.churn_90d AS churn, gone.clv_365d < here.clv_365d AS clv
FROM cdp.profile_score AS gone, cdp.profile_score AS here
WHERE gone.profile_id = 1 AND here.profile_id = 2;

-- the views
SELECT model, count(*), min(percentile), max(percentile), min(version), bool_and(low <= value AND value <= high) AS within
FROM cdp.score GROUP BY model ORDER BY model;
SELECT profile_id, purchases, revenue, first_at, last_at, cell ~ '^[1-5]{3}$' AS cell
FROM cdp.rfm WHERE profile_id <= 5 ORDER BY profile_id;
SELECT stage, count(*) > 0 AS any FROM cdp.lifecycle GROUP BY stage ORDER BY stage;

-- why
SELECT reason FROM cdp.score_reasons(1, 'churn') LIMIT 1;
SELECT reason FROM cdp.score_reasons(2, 'churn') LIMIT 1;
SELECT reason FROM cdp.score_reasons(3, 'churn') LIMIT 1;
SELECT regexp_replace(reason, '[0-9.]+', 'N', 'g') AS reason FROM cdp.score_reasons(2, 'churn') OFFSET 1;
SELECT regexp_replace(reason, '[0-9.]+', 'N', 'g') AS reason FROM cdp.score_reasons(2, 'clv') OFFSET 1;
SELECT * FROM cdp.score_reasons(5, 'churn');
SELECT * FROM cdp.score_reasons(2, 'no such model');

SELECT DISTINCT regexp_replace(reason, '[0-9]+', 'N', 'g') COLLATE "C" AS reason
FROM cdp.profile_score, cdp.score_reasons(profile_id, 'clv')
WHERE reason LIKE 'bought%'
ORDER BY 1;

-- a rebuild leaves the same, and fits nothing
CREATE TABLE public.before AS SELECT * FROM cdp.profile_score;
SELECT cdp._score_rebuild(1000);
SELECT count(*) AS different
FROM public.before FULL JOIN cdp.profile_score AS after USING (profile_id)
WHERE before.* IS NULL OR after.* IS NULL OR to_jsonb(before) IS DISTINCT FROM to_jsonb(after);
SELECT count(*) FROM cdp.model_version;

-- a day later silence has told more, though nobody did anything
SET cdp.test_clock = '2026-06-03 12:00:00+00';
SELECT cdp._scores_due();
SELECT cdp._score_step(1000);
SELECT bool_and(after.churn_90d >= before.churn_90d) AS churn_rises, count(*) FILTER (WHERE after.churn_90d > before.churn_90d) > 100 AS for_most
FROM public.before JOIN cdp.profile_score AS after USING (profile_id);

-- fit_models keeps every version and scores with the last
CALL cdp.fit_models();
SELECT model, array_agg(version ORDER BY version) FROM cdp.model_version GROUP BY model ORDER BY model;
SELECT DISTINCT model, version FROM cdp.score ORDER BY model;
SELECT kind, state FROM cdp.run ORDER BY run_id;
BEGIN;
CALL cdp.fit_models();
ROLLBACK;

-- thresholds, options and rules are rows
UPDATE cdp.model SET options = options || '{"kinds": ["bgnbd", "mbgnbd"], "horizon": "30 days"}' WHERE name = 'churn';
UPDATE cdp.model SET options = options || '{"margin": 0.5}' WHERE name = 'clv';
UPDATE cdp.churn_band_rule SET churn_from = 0.01 WHERE band = 'medium';
INSERT INTO cdp.lifecycle_rule (position, stage, max_purchases) VALUES (1, 'lost', 1);
SELECT cdp._fit_models();
SELECT cdp.refresh_scores();
SELECT model, version, cdp.model_loglik(count_model) = max(cdp.model_loglik(count_model)) OVER () AS best
FROM cdp.model_version WHERE model = 'churn' AND version = 3;
SELECT count(*) FILTER (WHERE churn_band = 'low') AS low, count(*) FILTER (WHERE cdp.x(rfm) = 0 AND lifecycle <> 'lost') AS still_one_time
FROM cdp.profile_score;
SELECT abs(halved.clv_365d * 2 - before.clv_365d) < before.clv_365d * 0.1 AS half
FROM public.before JOIN cdp.profile_score AS halved USING (profile_id) WHERE profile_id = 2;

-- a profile whose orders went elsewhere has no scores
DELETE FROM public.orders WHERE profile_id = 3;
SELECT cdp.refresh_scores() > 0 AS scored;
SELECT count(*) FROM cdp.profile_score WHERE profile_id = 3;

-- a fit that has to wait leaves the version in use
DELETE FROM public.orders WHERE profile_id > 105;
SELECT cdp._fit_models();
SELECT name, status, version, detail FROM cdp.model WHERE kind <> 'propensity' ORDER BY name;
DROP TABLE public.before;
DROP TABLE public.orders CASCADE;
