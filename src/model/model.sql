-- What manages models in the store: fit, measure, score, report.
--
-- A purchase is an order of cdp.profile_order, net of what cdp.profile_return
-- has of the same day; days are those of the store's time zone.  The heavy
-- queries run without jit: compiling them takes longer than they do.

CREATE FUNCTION cdp._customer_rfm(as_of timestamptz)
RETURNS TABLE (profile_id bigint, rfm cdp.rfm_summary, revenue numeric)
LANGUAGE sql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	SELECT purchase.profile_id,
		cdp.rfm_agg(purchase.occurred_at, purchase.amount, $1, '7 days', 'day',
			(SELECT coalesce(cdp._read_setting('time_zone'::text), 'UTC'))),
		sum(purchase.amount)
	FROM (
		SELECT orders.profile_id, orders.occurred_at, orders.amount
		FROM cdp.profile_order AS orders
		UNION ALL
		SELECT returns.profile_id, returns.occurred_at, -abs(returns.amount)
		FROM cdp.profile_return AS returns
	) AS purchase
	WHERE purchase.occurred_at < $1
		AND purchase.profile_id NOT IN (SELECT profile_id FROM cdp._restricted_profile)
	GROUP BY purchase.profile_id
$$;
COMMENT ON FUNCTION cdp._customer_rfm(timestamptz) IS
'every profile with an order or return before as_of: its summary (NULL without a purchase) and revenue';

-- An option of a model, or its default.
CREATE FUNCTION cdp._model_option(options jsonb, name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(options ->> name, CASE name
	WHEN 'horizon' THEN '365 days'
	WHEN 'kinds' THEN '["mbgnbd", "pareto_nbd"]'
	WHEN 'min_repeat_customers' THEN '20'
	WHEN 'margin' THEN '1'
	WHEN 'annual_rate' THEN '0'
END);

CREATE FUNCTION cdp._model_starter() RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO cdp.model (name, kind, description, options, detail) VALUES
		('churn', 'churn', 'probability of no purchase in the next 90 days',
			'{"horizon": "90 days"}', 'not fitted yet'),
		('clv', 'clv', 'expected revenue of the next 365 days',
			'{"horizon": "365 days", "margin": 1, "annual_rate": 0}', 'not fitted yet')
	ON CONFLICT (name) DO NOTHING
$$;
COMMENT ON FUNCTION cdp._model_starter() IS
'make the models churn and clv';

-- Fit the candidates to the customers as of a time; the best by likelihood.
CREATE FUNCTION cdp._fit_customers(
	as_of timestamptz,
	kinds text[],
	OUT count_model cdp.clv_model,
	OUT spend_model cdp.clv_model,
	OUT customers bigint,
	OUT repeat_customers bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	SELECT best.model, fitted.spend, fitted.customers, fitted.repeat_customers
	FROM (
		SELECT
			cdp.fit_bgnbd(rfm) FILTER (WHERE 'bgnbd' = ANY ($2)) AS bgnbd,
			cdp.fit_mbgnbd(rfm) FILTER (WHERE 'mbgnbd' = ANY ($2)) AS mbgnbd,
			cdp.fit_pareto_nbd(rfm) FILTER (WHERE 'pareto_nbd' = ANY ($2)) AS pareto_nbd,
			cdp.fit_gamma_gamma(rfm) AS spend,
			count(rfm) AS customers,
			count(rfm) FILTER (WHERE cdp.x(rfm) > 0) AS repeat_customers
		FROM cdp._customer_rfm($1)
	) AS fitted
		LEFT JOIN LATERAL (
			SELECT candidate.model
			FROM (VALUES (1, fitted.bgnbd), (2, fitted.mbgnbd), (3, fitted.pareto_nbd)) AS candidate (position, model)
			WHERE cdp.model_status(candidate.model) IN ('converged', 'boundary')
			ORDER BY cdp.model_loglik(candidate.model) DESC, candidate.position
			LIMIT 1
		) AS best ON true
$$;
COMMENT ON FUNCTION cdp._fit_customers(timestamptz, text[]) IS
'fit purchase-count models of these kinds and a spend model to all customers; NULL when none is usable';

-- What each customer was said to do in a holdout, and did.
CREATE FUNCTION cdp._model_holdout(
	kind text,
	options jsonb,
	count_model cdp.clv_model,
	spend_model cdp.clv_model,
	holdout_from timestamptz,
	holdout_to timestamptz)
RETURNS TABLE (said double precision, happened double precision)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	SELECT
		CASE $1
			WHEN 'churn' THEN cdp.churn($3, earlier.rfm, $6 - $5)
			ELSE cdp.clv($3, $4, earlier.rfm, 0, $6 - $5, 1) END,
		CASE $1
			WHEN 'churn' THEN (cdp.x(later.rfm) <= cdp.x(earlier.rfm))::integer
			ELSE greatest(cdp.x(later.rfm) * cdp.m(later.rfm)
				- cdp.x(earlier.rfm) * cdp.m(earlier.rfm), 0) END
	FROM cdp._customer_rfm($5) AS earlier
		JOIN cdp._customer_rfm($6) AS later USING (profile_id)
	WHERE earlier.rfm IS NOT NULL AND later.rfm IS NOT NULL
$$;
COMMENT ON FUNCTION cdp._model_holdout(text, jsonb, cdp.clv_model, cdp.clv_model, timestamptz, timestamptz) IS
'per customer known before the holdout: what a model fitted then said of it, and what happened';

-- The window held out: the model's horizon, at most a third of the history.
CREATE FUNCTION cdp._holdout_from(options jsonb, as_of timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT $2 - least(cdp._model_option($1, 'horizon')::interval,
		($2 - min(orders.occurred_at)) / 3)
	FROM cdp.profile_order AS orders
	WHERE orders.occurred_at < $2
$$;

CREATE FUNCTION cdp._keep_quality(
	model text,
	version integer,
	kind text,
	holdout_from timestamptz,
	holdout_to timestamptz,
	said double precision[],
	happened double precision[])
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO cdp.model_quality (model, version, holdout_from, holdout_to,
		customers, said, happened, error, auc, calibration, verdict)
	WITH figures AS (
		SELECT count(*) AS customers,
			CASE $3 WHEN 'clv' THEN sum(said) ELSE avg(said) END AS said,
			CASE $3 WHEN 'clv' THEN sum(happened) ELSE avg(happened) END AS happened,
			CASE $3 WHEN 'clv' THEN sum(said) / nullif(sum(happened), 0) - 1
				ELSE avg(said) - avg(happened) END AS error,
			CASE WHEN $3 <> 'clv' THEN cdp.auc(said, happened = 1) END AS auc,
			cdp.calibration(said, happened, 10) AS calibration
		FROM unnest($6, $7) AS customer (said, happened)
		WHERE said IS NOT NULL
	)
	SELECT $1, $2, $4, $5, figures.*, (
			SELECT rule.verdict
			FROM cdp.model_verdict_rule AS rule
			WHERE rule.kind = $3
				AND (rule.max_error IS NULL OR abs(figures.error) <= rule.max_error)
				AND (rule.min_auc IS NULL OR figures.auc >= rule.min_auc)
			ORDER BY rule.position
			LIMIT 1)
	FROM figures
	WHERE figures.customers > 0
$$;
COMMENT ON FUNCTION cdp._keep_quality IS
'write what a version said of each customer of a holdout, against what happened, as figures and verdict';

-- Measure a version: fit on what was known before the holdout, and compare.
CREATE FUNCTION cdp._measure_model(model text, version integer) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	measured cdp.model;
	cut timestamptz;
	until timestamptz;
	early record;
BEGIN
	SELECT * INTO STRICT measured FROM cdp.model WHERE name = $1;
	SELECT as_of INTO STRICT until FROM cdp.model_version AS made
	WHERE made.model = $1 AND made.version = $2;
	cut := cdp._holdout_from(measured.options, until);
	SELECT * INTO early FROM cdp._fit_customers(cut,
		ARRAY(SELECT jsonb_array_elements_text(cdp._model_option(measured.options, 'kinds')::jsonb)));
	IF early.count_model IS NULL THEN
		RETURN;
	END IF;
	PERFORM cdp._keep_quality($1, $2, measured.kind, cut, until,
		array_agg(held.said), array_agg(held.happened))
	FROM cdp._model_holdout(measured.kind, measured.options, early.count_model,
		early.spend_model, cut, until) AS held;
END
$$;
COMMENT ON FUNCTION cdp._measure_model(text, integer) IS
'write the holdout figures and verdict of a version; nothing when there is too little before the holdout';

-- Fit one model anew.  A fit that is not usable leaves the version in use.
CREATE FUNCTION cdp._fit_model(model text, as_of timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fitted cdp.model;
	fit record;
	needed bigint;
	missing text;
	next_version integer;
BEGIN
	SELECT * INTO STRICT fitted FROM cdp.model WHERE name = $1 FOR UPDATE;
	needed := cdp._model_option(fitted.options, 'min_repeat_customers')::bigint;
	SELECT * INTO fit FROM cdp._fit_customers($2,
		ARRAY(SELECT jsonb_array_elements_text(cdp._model_option(fitted.options, 'kinds')::jsonb)));
	missing := CASE
		WHEN fit.repeat_customers < needed THEN
			format('%s of %s customers with a repeat purchase', fit.repeat_customers, needed)
		WHEN fit.count_model IS NULL THEN
			'the purchase-count model does not converge on these customers'
		WHEN fitted.kind = 'clv' AND cdp.model_status(fit.spend_model) NOT IN ('converged', 'boundary') THEN
			'the spend model does not converge on these customers'
	END;
	IF missing IS NOT NULL THEN
		UPDATE cdp.model SET detail = missing,
			status = CASE WHEN model.version IS NULL THEN 'waiting' ELSE model.status END
		WHERE name = $1;
		RETURN false;
	END IF;
	SELECT coalesce(max(made.version), 0) + 1 INTO next_version
	FROM cdp.model_version AS made WHERE made.model = $1;
	INSERT INTO cdp.model_version (model, version, as_of, status, customers,
		repeat_customers, count_model, spend_model)
	VALUES ($1, next_version, $2, cdp.model_status(fit.count_model), fit.customers,
		fit.repeat_customers, fit.count_model,
		CASE fitted.kind WHEN 'clv' THEN fit.spend_model END);
	UPDATE cdp.model SET version = next_version, detail = NULL,
		status = cdp.model_status(fit.count_model)
	WHERE name = $1;
	PERFORM cdp._measure_model($1, next_version);
	RETURN true;
END
$$;
COMMENT ON FUNCTION cdp._fit_model(text, timestamptz) IS
'fit a model to all customers as of a time and keep it as a new version; false when it has to wait';

CREATE FUNCTION cdp._fit_models(only_missing boolean DEFAULT false) RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT count(*) FILTER (WHERE cdp._fit_model(model.name, cdp.clock()))
	FROM (SELECT name FROM cdp.model
		WHERE (version IS NULL OR NOT $1) AND kind <> 'propensity'
		ORDER BY name) AS model
$$;
COMMENT ON FUNCTION cdp._fit_models(boolean) IS
'fit all models of purchase counts, or those without a version; returns how many got one';

CREATE FUNCTION cdp._fit_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._fit_models();
	RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._fit_step(integer) IS
'the fit phase of cdp.fit_models(): all models in one batch';

-- All scores as of a time.  A function of orders, model versions and as_of.
CREATE FUNCTION cdp._compute_scores(as_of timestamptz)
RETURNS TABLE (
	profile_id bigint,
	rfm_recency integer, rfm_frequency integer, rfm_monetary integer,
	lifecycle text,
	clv_365d numeric, clv_365d_low numeric, clv_365d_high numeric,
	churn_90d double precision, churn_band text, model_verdict text,
	scores jsonb, as_of timestamptz, revenue numeric, rfm cdp.rfm_summary)
LANGUAGE sql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH in_use AS MATERIALIZED (
		SELECT model.name, model.version, made.count_model, made.spend_model,
			cdp._model_option(model.options, 'horizon')::interval AS horizon,
			cdp._model_option(model.options, 'annual_rate')::double precision AS annual_rate,
			cdp._model_option(model.options, 'margin')::double precision AS margin,
			quality.verdict
		FROM cdp.model
			JOIN cdp.model_version AS made
				ON made.model = model.name AND made.version = model.version
			LEFT JOIN cdp.model_quality AS quality
				ON quality.model = made.model AND quality.version = made.version
		WHERE model.name IN ('churn', 'clv')
	), verdict AS MATERIALIZED (
		SELECT CASE
			WHEN bool_or(verdict = 'do not use') THEN 'do not use'
			WHEN bool_or(verdict = 'usable') THEN 'usable'
			WHEN bool_and(verdict = 'good') THEN 'good'
		END AS verdict
		FROM in_use
	), scored AS MATERIALIZED (
		SELECT customer.profile_id, customer.rfm, customer.revenue,
			cdp.churn(churn.count_model, customer.rfm, churn.horizon) AS churn,
			churn_range.low AS churn_low, churn_range.high AS churn_high,
			churn.version AS churn_version,
			cdp.clv(clv.count_model, clv.spend_model, customer.rfm,
				clv.annual_rate, clv.horizon, clv.margin) AS clv,
			clv_range.low AS clv_low, clv_range.high AS clv_high,
			clv.version AS clv_version
		FROM cdp._customer_rfm($1) AS customer
			LEFT JOIN in_use AS churn ON churn.name = 'churn'
			LEFT JOIN in_use AS clv ON clv.name = 'clv'
			LEFT JOIN LATERAL cdp.churn_interval(churn.count_model, customer.rfm,
				churn.horizon) AS churn_range ON true
			LEFT JOIN LATERAL cdp.clv_interval(clv.count_model, clv.spend_model,
				customer.rfm, clv.annual_rate, clv.horizon, clv.margin) AS clv_range ON true
	), placed AS (
		SELECT scored.*,
			ntile(5) OVER (PARTITION BY rfm IS NULL
				ORDER BY cdp.last_at(rfm), cdp.x(rfm), revenue, profile_id) AS recency,
			ntile(5) OVER (PARTITION BY rfm IS NULL
				ORDER BY cdp.x(rfm), revenue, cdp.last_at(rfm), profile_id) AS frequency,
			ntile(5) OVER (PARTITION BY rfm IS NULL
				ORDER BY revenue, cdp.x(rfm), cdp.last_at(rfm), profile_id) AS monetary,
			round((100 * percent_rank() OVER (PARTITION BY churn IS NULL ORDER BY churn))::numeric, 1) AS churn_percentile,
			round((100 * percent_rank() OVER (PARTITION BY clv IS NULL ORDER BY clv))::numeric, 1) AS clv_percentile
		FROM scored
	)
	SELECT profile_id,
		CASE WHEN rfm IS NOT NULL THEN recency END,
		CASE WHEN rfm IS NOT NULL THEN frequency END,
		CASE WHEN rfm IS NOT NULL THEN monetary END,
		(SELECT stage FROM cdp.lifecycle_rule
			WHERE rfm IS NOT NULL
				AND (first_within IS NULL OR cdp.first_at(rfm) > $1 - first_within)
				AND (silent_for IS NULL OR cdp.last_at(rfm) <= $1 - silent_for)
				AND (max_purchases IS NULL OR cdp.x(rfm) + 1 <= max_purchases)
				AND (churn_from IS NULL OR churn >= churn_from)
			ORDER BY position
			LIMIT 1),
		round(clv::numeric, 2), round(clv_low::numeric, 2), round(clv_high::numeric, 2),
		churn,
		(SELECT band FROM cdp.churn_band_rule
			WHERE churn >= churn_from ORDER BY churn_from DESC LIMIT 1),
		(SELECT verdict FROM verdict),
		CASE WHEN churn IS NULL THEN '{}' ELSE jsonb_build_object('churn', jsonb_build_object(
			'value', churn, 'low', churn_low, 'high', churn_high,
			'percentile', churn_percentile, 'version', churn_version)) END
		|| CASE WHEN clv IS NULL THEN '{}' ELSE jsonb_build_object('clv', jsonb_build_object(
			'value', round(clv::numeric, 2), 'low', round(clv_low::numeric, 2),
			'high', round(clv_high::numeric, 2),
			'percentile', clv_percentile, 'version', clv_version)) END,
		$1, revenue, rfm
	FROM placed
$$;
COMMENT ON FUNCTION cdp._compute_scores(timestamptz) IS
'the rows that cdp.profile_score should have as of a time';

-- Rows of profiles without purchases go, but for what other models say.
CREATE FUNCTION cdp._forget_scores(as_of timestamptz, models text[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[];
	others jsonb[];
BEGIN
	WITH gone AS (
		DELETE FROM cdp.profile_score AS scored
		WHERE scored.revenue IS NOT NULL
			AND NOT EXISTS (SELECT FROM cdp.profile_order AS orders
				WHERE orders.profile_id = scored.profile_id AND orders.occurred_at < $1)
			AND NOT EXISTS (SELECT FROM cdp.profile_return AS returns
				WHERE returns.profile_id = scored.profile_id AND returns.occurred_at < $1)
		RETURNING scored.profile_id, scored.scores - $2 AS scores
	)
	SELECT array_agg(gone.profile_id), array_agg(gone.scores) INTO ids, others
	FROM gone
	WHERE gone.scores <> '{}';
	INSERT INTO cdp.profile_score (profile_id, scores, as_of)
	SELECT kept.profile_id, kept.scores, $1
	FROM unnest(ids, others) AS kept (profile_id, scores);
END
$$;
COMMENT ON FUNCTION cdp._forget_scores(timestamptz, text[]) IS
'take these models'' scores from profiles that have no purchase before as_of';

CREATE FUNCTION cdp.refresh_scores() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	at timestamptz := cdp.clock();
	models text[] := ARRAY(SELECT name FROM cdp.model WHERE kind <> 'propensity');
	scored bigint;
BEGIN
	PERFORM cdp._check_store();
	INSERT INTO cdp.profile_score AS kept
	SELECT made.* FROM cdp._compute_scores(at) AS made
	ORDER BY made.profile_id
	ON CONFLICT (profile_id) DO UPDATE SET
		(rfm_recency, rfm_frequency, rfm_monetary, lifecycle, clv_365d,
			clv_365d_low, clv_365d_high, churn_90d, churn_band, model_verdict,
			scores, as_of, revenue, rfm)
		= (excluded.rfm_recency, excluded.rfm_frequency, excluded.rfm_monetary,
			excluded.lifecycle, excluded.clv_365d, excluded.clv_365d_low,
			excluded.clv_365d_high, excluded.churn_90d, excluded.churn_band,
			excluded.model_verdict, kept.scores - models || excluded.scores,
			excluded.as_of, excluded.revenue, excluded.rfm);
	GET DIAGNOSTICS scored = ROW_COUNT;
	PERFORM cdp._forget_scores(at, models);
	INSERT INTO cdp.score_run (as_of, profiles, statement_at)
	VALUES (at, scored, statement_timestamp())
	ON CONFLICT (only_row) DO UPDATE SET as_of = excluded.as_of,
		profiles = excluded.profiles, statement_at = excluded.statement_at;
	RETURN scored;
END
$$;
COMMENT ON FUNCTION cdp.refresh_scores() IS
'score every profile with an order as of now, whether touched or not: silence is news; returns how many';

-- Due: never done, done long ago, or more than one in a hundred customers
-- came since.  A run scores once: the statement's time tells.
CREATE FUNCTION cdp._scores_due() RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((
		SELECT statement_at <> statement_timestamp()
			AND (cdp.clock() >= as_of + coalesce(cdp._read_setting('score_every'::text), '1 day')::interval
				OR (SELECT count(*) FROM cdp.profile_current AS customer
					WHERE customer.orders > 0
						AND NOT EXISTS (SELECT FROM cdp.profile_score AS scored
							WHERE scored.profile_id = customer.profile_id
								AND scored.revenue IS NOT NULL))
					> profiles / 100)
		FROM cdp.score_run), true)
$$;
COMMENT ON FUNCTION cdp._scores_due() IS
'should a merge run score all customers now';

CREATE FUNCTION cdp._score_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT cdp._scores_due() THEN
		RETURN 0;
	END IF;
	PERFORM cdp._fit_models(only_missing => true);
	RETURN cdp.refresh_scores();
END
$$;
COMMENT ON FUNCTION cdp._score_step(integer) IS
'the score phase of a merge run: when due, fit models that have no version yet, and score all customers';

-- Versions are truth, so a rebuild scores again and fits nothing.
CREATE FUNCTION cdp._score_rebuild(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM cdp.profile_score;
	PERFORM cdp.refresh_scores();
	RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._score_rebuild(integer) IS
'the score phase of a rebuild: make all scores anew with the model versions in use';
