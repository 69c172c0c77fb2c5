-- The managed models of purchases at the edges: a status instead of an error,
-- and rows that say something, whatever customers there are.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\pset format unaligned
SET TimeZone = 'UTC';
SELECT cdp.drop_model('lead'), cdp.drop_model('purchase_30d') \g /dev/null

-- purchases come from a table here, so that each is known
CREATE TABLE public.orders (profile_id bigint, at timestamptz, amount numeric);
CREATE OR REPLACE VIEW cdp._purchases AS
SELECT profile_id, NULL::text AS order_key, at AS occurred_at, amount, 1 AS source_id FROM public.orders;
-- What became of the models, and of the rows: how many, how many without a
-- score, and how many that say something that cannot be.
CREATE FUNCTION pg_temp.outcome(OUT churn text, OUT clv text, OUT rows bigint, OUT unscored bigint, OUT faults bigint)
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE cdp.model SET version = NULL, status = 'waiting', detail = NULL;
	PERFORM cdp._fit_models();
	PERFORM cdp.refresh_scores();
	SELECT max(concat_ws(': ', model.status, model.detail)) FILTER (WHERE name = 'churn'),
		max(concat_ws(': ', model.status, model.detail)) FILTER (WHERE name = 'clv')
	INTO churn, clv FROM cdp.model;
	SELECT count(*), count(*) FILTER (WHERE churn_90d IS NULL), count(*) FILTER (WHERE rfm IS NOT NULL AND lifecycle IS NULL
		OR NOT churn_90d BETWEEN 0 AND 1 OR clv_365d < 0 OR NOT clv_365d BETWEEN clv_365d_low AND clv_365d_high
		OR clv_365d IN ('NaN', 'infinity') OR clv_365d_high IN ('NaN', 'infinity'))
	INTO rows, unscored, faults FROM cdp.profile_score;
	PERFORM cdp.model_report('churn'), cdp.model_report('clv');
	PERFORM count(reason) FROM cdp.profile_score AS scored, cdp.score_reasons(scored.profile_id, 'churn');
	PERFORM FROM cdp.model_calibration('churn');
END
$$;

-- nobody
SELECT * FROM pg_temp.outcome();
-- one customer, who bought once, then often
INSERT INTO public.orders VALUES (1, '2026-01-01', 10);
SELECT * FROM pg_temp.outcome();
INSERT INTO public.orders SELECT 1, '2026-01-01'::timestamptz + n * interval '9 days', 10 + n FROM generate_series(1, 12) AS n;
SELECT * FROM pg_temp.outcome();
-- and if one is enough for a fit
UPDATE cdp.model SET options = options || '{"min_repeat_customers": 1}';
SELECT churn ~ '^(converged|boundary|waiting)' AS churn, rows, faults FROM pg_temp.outcome();
UPDATE cdp.model SET options = options - 'min_repeat_customers';
-- all bought once
TRUNCATE public.orders;
INSERT INTO public.orders SELECT n, '2025-01-01'::timestamptz + n * interval '1 day', n FROM generate_series(1, 300) AS n;
SELECT * FROM pg_temp.outcome();
-- all the same
TRUNCATE public.orders;
INSERT INTO public.orders SELECT n, '2025-06-01'::timestamptz + k * interval '40 days', 25 FROM generate_series(1, 100) AS n, generate_series(0, 5) AS k;
SELECT churn ~ '^(converged|boundary)' AS churn, clv ~ '^(converged|boundary|waiting: the spend model)' AS clv, rows, unscored, faults FROM pg_temp.outcome();
SELECT count(DISTINCT churn_90d) AS one_churn, count(DISTINCT (rfm_recency, rfm_frequency, rfm_monetary)) > 1 AS fifths FROM cdp.profile_score;
-- one of them buys thousands of times, on one day and on many
INSERT INTO public.orders SELECT 1, '2015-01-01'::timestamptz + k * interval '1 day', 3 FROM generate_series(1, 4000) AS k;
INSERT INTO public.orders SELECT 2, '2026-05-01'::timestamptz + k * interval '1 second', 3 FROM generate_series(1, 5000) AS k;
SELECT churn ~ '^(converged|boundary)' AS churn, rows, unscored, faults FROM pg_temp.outcome();
SELECT profile_id, cdp.x(rfm) AS repeats, revenue FROM cdp.profile_score WHERE profile_id <= 2 ORDER BY 1;

-- refunds, orders of nothing and without an amount: counted, and no purchases
TRUNCATE public.orders;
INSERT INTO public.orders
SELECT n, '2025-01-10 09:00'::timestamptz + make_interval(days => n * 7 % 200 + k * (9 + n * 5 % 60)), 10 + (n * 13 + k * 7) % 40 + n % 9 * 10
FROM generate_series(1, 120) AS n, generate_series(0, n * n % 7) AS k;
INSERT INTO public.orders VALUES (201, '2025-05-01', 50), (201, '2025-05-01', -50), (202, '2025-05-01', 0), (203, '2025-05-01', NULL),
	(204, '2025-05-01', -30), (205, '2025-05-01', 50), (205, '2025-06-01', 40), (205, '2025-06-01', -90), (205, '2025-07-01', 0);
SELECT churn ~ '^(converged|boundary)' AS churn, clv ~ '^(converged|boundary)' AS clv, rows, unscored, faults FROM pg_temp.outcome();
SELECT model, customers, left_out FROM cdp.model_version WHERE version = (SELECT model.version FROM cdp.model WHERE name = model_version.model) ORDER BY model;
SELECT profile_id, revenue, cdp.x(rfm) AS repeats, lifecycle, churn_90d IS NOT NULL AS scored FROM cdp.profile_score WHERE profile_id > 200 ORDER BY 1;

-- bars: as many customers as were held back, and as long as what happened
SELECT sum(bands.customers) = max(quality.customers) AS all_of_them, count(*) AS bands,
	bool_and(length(replace(bar, '|', '')) BETWEEN 0 AND 41) AS bars, max(length(bar)) BETWEEN 40 AND 41 AS longest,
	bool_and(substr(bar, 1 + round(bands.said * 40 / top)::int, 1) = '|') AS said
FROM (SELECT *, max(greatest(said, did)) OVER () AS top FROM cdp.model_calibration('churn')) AS bands, cdp.model_quality AS quality
WHERE quality.model = 'churn' AND quality.version = (SELECT version FROM cdp.model WHERE name = 'churn');
SELECT bool_and(did >= 0) AS amounts FROM cdp.model_calibration('clv');
SELECT * FROM cdp.model_calibration('no such model');

-- horizons from an hour to a hundred years: churn falls with them, value grows
CREATE TABLE public.scored (n int, churn float8, clv numeric);
CREATE PROCEDURE pg_temp.score_at(n int, horizon text) LANGUAGE plpgsql AS $$
BEGIN
	UPDATE cdp.model SET options = options || jsonb_build_object('horizon', $2);
	PERFORM cdp.refresh_scores();
	INSERT INTO public.scored SELECT $1, churn_90d, clv_365d FROM cdp.profile_score WHERE profile_id = 5;
END
$$;
CALL pg_temp.score_at(1, '1 hour');
CALL pg_temp.score_at(2, '1 day');
CALL pg_temp.score_at(3, '2 months');
CALL pg_temp.score_at(4, '1 year');
CALL pg_temp.score_at(5, '100 years');
SELECT count(*), bool_and(churn < before OR before IS NULL) AS churn_falls, bool_and(clv >= less OR less IS NULL) AS value_grows
FROM (SELECT *, lag(churn) OVER (ORDER BY n) AS before, lag(clv) OVER (ORDER BY n) AS less FROM public.scored) AS ordered;

-- one model that cannot be fitted does not keep the other from it
ALTER TABLE cdp.model DISABLE TRIGGER check_row;
UPDATE cdp.model SET options = options || '{"kinds": 7}', version = NULL WHERE name = 'churn';
SET client_min_messages = error;
SELECT cdp._fit_models();
SELECT name, status, detail FROM cdp.model ORDER BY name;

-- verdicts: of something rare, an error of some per cent points is large
CREATE FUNCTION pg_temp.verdict(kind text, said float8, happen int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	last integer := (SELECT max(version) FROM cdp.model_version WHERE model = 'clv');
BEGIN
	DELETE FROM cdp.model_quality WHERE model = 'clv' AND version = last;
	PERFORM cdp._keep_quality('clv', last, $1, '2026-01-01', '2026-02-01',
		array_fill($2, ARRAY[1000 - $3]) || array_fill($2 + 1e-6, ARRAY[$3]),
		array_fill(0::float8, ARRAY[1000 - $3]) || array_fill(1::float8, ARRAY[$3]));
	RETURN (SELECT verdict FROM cdp.model_quality WHERE model = 'clv' AND version = last);
END
$$;
SELECT what, pg_temp.verdict(kind, said, happen) FROM (VALUES
	(1, '3 % said, 1 % did', 'propensity', 0.03::float8, 10), (2, '1.4 % said, 1 % did', 'propensity', 0.014, 10), (3, '1.2 % said, 1 % did', 'propensity', 0.012, 10),
	(4, 'nobody did', 'propensity', 0.001, 0), (5, 'contracts, 4 points off', 'contract', 0.14, 100), (6, 'contracts, 8 points off', 'contract', 0.02, 100),
	(7, 'contracts, 30 points off', 'contract', 0.4, 100)) AS one (n, what, kind, said, happen) ORDER BY n;
SELECT count(*) AS without_reason FROM cdp.model_verdict_rule WHERE reason IS NULL;
DROP TABLE public.orders, public.scored CASCADE;
