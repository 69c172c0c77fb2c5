-- What manages models in the store: their options, their fits, their measures.
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
		coalesce(sum(purchase.amount), 0)
	FROM cdp._purchases AS purchase
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
	WHEN 'grace' THEN '7 days'
	WHEN 'lifetime' THEN '5 years'
	WHEN 'min_ended' THEN '20'
END);

-- The options that a model of a kind may have.
CREATE FUNCTION cdp._model_options(kind text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE kind
	WHEN 'churn' THEN '{horizon,kinds,min_repeat_customers}'
	WHEN 'clv' THEN '{horizon,kinds,min_repeat_customers,margin,annual_rate}'
	WHEN 'contract' THEN '{horizon,period,grace,lifetime,min_ended}'
	ELSE '{}'
END::text[];

CREATE FUNCTION cdp._check_option(name text, value text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rule text;
BEGIN
	CASE
		WHEN $1 IN ('horizon', 'period', 'lifetime')
			AND NOT ($2::interval > '0' AND $2::interval <= '100 years') THEN
			rule := 'It is an interval longer than 0 and of at most 100 years.';
		WHEN $1 = 'grace' AND NOT $2::interval BETWEEN '0' AND '100 years' THEN
			rule := 'It is an interval of at most 100 years.';
		WHEN $1 = 'kinds' AND NOT ($2::jsonb <@ '["bgnbd", "mbgnbd", "pareto_nbd"]' AND $2::jsonb <> '[]'
				AND jsonb_typeof($2::jsonb) = 'array') THEN
			rule := 'It is an array of bgnbd, mbgnbd and pareto_nbd.';
		WHEN $1 IN ('min_repeat_customers', 'min_ended') AND $2::bigint < 1 THEN
			rule := 'It is at least 1.';
		WHEN $1 = 'margin' AND NOT ($2::double precision > 0 AND $2::double precision < 'infinity') THEN
			rule := 'It is a number above 0.';
		WHEN $1 = 'annual_rate' AND NOT ($2::double precision >= 0 AND $2::double precision < 'infinity') THEN
			rule := 'It is a number from 0 on; 0.1 is 10 per cent.';
		ELSE
			RETURN;
	END CASE;
	RAISE EXCEPTION 'invalid option "%" of a model: "%"', $1, $2
		USING ERRCODE = 'invalid_parameter_value',
			DETAIL = rule;
END
$$;
COMMENT ON FUNCTION cdp._check_option(text, text) IS
'raise unless an option of a model may have this value';

-- What is wrong with a model is told to whoever writes its row, not to the
-- merge run.
CREATE FUNCTION cdp._check_model() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known text[] := cdp._model_options(NEW.kind);
	given record;
BEGIN
	IF NEW.kind IN ('churn', 'clv') AND NEW.name <> NEW.kind THEN
		RAISE EXCEPTION 'a model of kind % cannot have the name "%"', NEW.kind, NEW.name
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'Its scores are columns of profiles, so there is one of that kind and name.';
	END IF;
	FOR given IN SELECT key, value FROM jsonb_each_text(NEW.options) LOOP
		IF given.key <> ALL (known) THEN
			RAISE EXCEPTION 'a model of kind % has no option "%"', NEW.kind, given.key
				USING ERRCODE = 'invalid_parameter_value',
					HINT = format('Its options: %s.', coalesce(nullif(array_to_string(known, ', '), ''), 'none'));
		END IF;
		PERFORM cdp._check_option(given.key, given.value);
	END LOOP;
	IF NEW.kind = 'contract' AND NOT NEW.options ? 'period' THEN
		RAISE EXCEPTION 'model "%" needs the option "period"', NEW.name
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'Say how long a contract runs from one renewal to the next, such as {"period": "1 month"}.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_model() IS
'raise unless the options of a model are its kind''s';

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
	OUT repeat_customers bigint,
	OUT left_out bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	SELECT best.model, fitted.spend, fitted.customers, fitted.repeat_customers,
		fitted.left_out
	FROM (
		SELECT
			cdp.fit_bgnbd(rfm) FILTER (WHERE 'bgnbd' = ANY ($2)) AS bgnbd,
			cdp.fit_mbgnbd(rfm) FILTER (WHERE 'mbgnbd' = ANY ($2)) AS mbgnbd,
			cdp.fit_pareto_nbd(rfm) FILTER (WHERE 'pareto_nbd' = ANY ($2)) AS pareto_nbd,
			cdp.fit_gamma_gamma(rfm) AS spend,
			count(rfm) AS customers,
			count(rfm) FILTER (WHERE cdp.x(rfm) > 0) AS repeat_customers,
			count(*) FILTER (WHERE rfm IS NULL) AS left_out
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
CREATE FUNCTION cdp._holdout_from(options jsonb, history_from timestamptz, as_of timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
RETURN $3 - least(cdp._model_option($1, 'horizon')::interval, ($3 - $2) / 3);

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
				AND (rule.max_relative_error IS NULL
					OR abs(figures.error) <= rule.max_relative_error * figures.happened)
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
	cut := cdp._holdout_from(measured.options, (
		SELECT min(occurred_at) FROM cdp._purchases WHERE occurred_at < until), until);
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

-- A model that has to wait leaves the version in use.
CREATE FUNCTION cdp._keep_waiting(model text, missing text) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE cdp.model SET detail = $2,
		status = CASE WHEN model.version IS NULL THEN 'waiting' ELSE model.status END
	WHERE name = $1
$$;

-- The next version of a model, put into use; the caller fills in the fit.
CREATE FUNCTION cdp._use_next_version(model text, status text) RETURNS integer
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE cdp.model SET detail = NULL, status = $2, version = (
		SELECT coalesce(max(made.version), 0) + 1
		FROM cdp.model_version AS made WHERE made.model = $1)
	WHERE name = $1
	RETURNING version
$$;

CREATE FUNCTION cdp._fit_purchases(fitted record, as_of timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	needed bigint := cdp._model_option(fitted.options, 'min_repeat_customers')::bigint;
	fit record;
	missing text;
	next_version integer;
BEGIN
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
		PERFORM cdp._keep_waiting(fitted.name, missing);
		RETURN false;
	END IF;
	next_version := cdp._use_next_version(fitted.name, cdp.model_status(fit.count_model));
	INSERT INTO cdp.model_version (model, version, as_of, status, customers,
		repeat_customers, left_out, count_model, spend_model)
	VALUES (fitted.name, next_version, $2, cdp.model_status(fit.count_model), fit.customers,
		fit.repeat_customers, fit.left_out, fit.count_model,
		CASE fitted.kind WHEN 'clv' THEN fit.spend_model END);
	PERFORM cdp._measure_model(fitted.name, next_version);
	RETURN true;
END
$$;
COMMENT ON FUNCTION cdp._fit_purchases(record, timestamptz) IS
'fit a model of purchases to all customers as of a time and keep it as a new version; false when it has to wait';

CREATE FUNCTION cdp._fit_model(model text, as_of timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fitted cdp.model;
BEGIN
	SELECT * INTO STRICT fitted FROM cdp.model WHERE name = $1 FOR UPDATE;
	RETURN CASE fitted.kind
		WHEN 'contract' THEN cdp._fit_contracts(fitted, $2)
		ELSE cdp._fit_purchases(fitted, $2) END;
END
$$;
COMMENT ON FUNCTION cdp._fit_model(text, timestamptz) IS
'fit a model as of a time and keep it as a new version; false when it has to wait';

CREATE FUNCTION cdp._note_failure(model text, deed text, message text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE cdp.model SET status = 'failed', detail = format('could not %s: %s', $2, $3)
	WHERE name = $1;
	RAISE WARNING 'model "%" could not %', $1, $2
		USING DETAIL = $3;
END
$$;
COMMENT ON FUNCTION cdp._note_failure(text, text, text) IS
'keep the error of a model that could not do its work';

-- One model that fails does not keep the others from being fitted.
CREATE FUNCTION cdp._fit_models(only_missing boolean DEFAULT false) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name text;
	fitted bigint := 0;
BEGIN
	FOR name IN
		SELECT described.name
		FROM cdp.model AS described
		WHERE described.kind <> 'propensity' AND (described.version IS NULL OR NOT $1)
		ORDER BY described.name
	LOOP
		BEGIN
			fitted := fitted + cdp._fit_model(name, cdp.clock())::integer;
		EXCEPTION WHEN OTHERS THEN
			IF cdp._may_pass(SQLSTATE) THEN
				RAISE;
			END IF;
			PERFORM cdp._note_failure(name, 'fit', SQLERRM);
		END;
	END LOOP;
	RETURN fitted;
END
$$;
COMMENT ON FUNCTION cdp._fit_models(boolean) IS
'fit all models but labelled ones, or those without a version; returns how many got one';

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
