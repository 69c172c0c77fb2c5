-- What the scores of one customer are: functions that are inlined into the
-- statement over all customers and into the one over a few, so both say the
-- same.

CREATE VIEW cdp._model_in_use AS
SELECT model.name, model.kind, made.version, made.count_model, made.spend_model,
	cdp._model_option(model.options, 'horizon')::interval AS horizon,
	cdp._model_option(model.options, 'annual_rate')::double precision AS annual_rate,
	cdp._model_option(model.options, 'margin')::double precision AS margin,
	(model.options ->> 'period')::interval AS period,
	cdp._model_option(model.options, 'grace')::interval AS grace,
	cdp._model_option(model.options, 'lifetime')::interval AS lifetime,
	quality.verdict
FROM cdp.model
	JOIN cdp.model_version AS made
		ON made.model = model.name AND made.version = model.version
	LEFT JOIN cdp.model_quality AS quality
		ON quality.model = made.model AND quality.version = made.version
WHERE model.kind <> 'propensity';
COMMENT ON VIEW cdp._model_in_use IS
'the versions that score, with their options; those of labelled models aside';

-- One row, whatever is fitted.
CREATE FUNCTION cdp._purchase_models(models text[])
RETURNS TABLE (
	churn_version integer,
	churn_model cdp.clv_model,
	churn_horizon interval,
	clv_version integer,
	count_model cdp.clv_model,
	spend_model cdp.clv_model,
	annual_rate double precision,
	clv_horizon interval,
	margin double precision,
	verdict text)
LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
	SELECT churn.version, churn.count_model, churn.horizon,
		clv.version, clv.count_model, clv.spend_model, clv.annual_rate, clv.horizon,
		clv.margin,
		CASE WHEN 'do not use' IN (churn.verdict, clv.verdict) THEN 'do not use'
			WHEN 'usable' IN (churn.verdict, clv.verdict) THEN 'usable'
			ELSE coalesce(churn.verdict, clv.verdict) END
	FROM (VALUES (true)) AS one
		LEFT JOIN cdp._model_in_use AS churn ON churn.name = 'churn' AND churn.name = ANY ($1)
		LEFT JOIN cdp._model_in_use AS clv ON clv.name = 'clv' AND clv.name = ANY ($1);
END;
COMMENT ON FUNCTION cdp._purchase_models(text[]) IS
'the models churn and clv, if they are among these and fitted, and the worse verdict';

-- Rules are sorted once and not for each customer: a materialised CTE is filled
-- once, and read in the order in which it was filled.
CREATE FUNCTION cdp._customer_scores(
	rfm cdp.rfm_summary,
	as_of timestamptz,
	churn_model cdp.clv_model,
	churn_horizon interval,
	count_model cdp.clv_model,
	spend_model cdp.clv_model,
	annual_rate double precision,
	horizon interval,
	margin double precision)
RETURNS TABLE (
	lifecycle text,
	churn double precision,
	churn_low double precision,
	churn_high double precision,
	churn_band text,
	clv double precision,
	clv_low double precision,
	clv_high double precision)
LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
	SELECT (
			WITH rule AS MATERIALIZED (SELECT * FROM cdp.lifecycle_rule ORDER BY position)
			SELECT rule.stage
			FROM rule
			WHERE $1 IS NOT NULL
				AND (rule.first_within IS NULL OR cdp.first_at($1) > $2 - rule.first_within)
				AND (rule.silent_for IS NULL OR cdp.last_at($1) <= $2 - rule.silent_for)
				AND (rule.max_purchases IS NULL OR cdp.x($1) + 1 <= rule.max_purchases)
				AND (rule.churn_from IS NULL OR leaves.value >= rule.churn_from)
			LIMIT 1),
		leaves.value, leaves_range.low, leaves_range.high, (
			WITH rule AS MATERIALIZED (SELECT * FROM cdp.churn_band_rule ORDER BY churn_from DESC)
			SELECT rule.band
			FROM rule
			WHERE leaves.value >= rule.churn_from
			LIMIT 1),
		worth.value, worth_range.low, worth_range.high
	FROM (SELECT cdp.churn($3, $1, $4) AS value OFFSET 0) AS leaves
		CROSS JOIN cdp.churn_interval($3, $1, $4) AS leaves_range
		CROSS JOIN (SELECT cdp.clv($5, $6, $1, $7, $8, $9) AS value OFFSET 0) AS worth
		CROSS JOIN cdp.clv_interval($5, $6, $1, $7, $8, $9) AS worth_range;
END;
COMMENT ON FUNCTION cdp._customer_scores IS
'what the models of purchases say of a customer; NULL where there is no model';

-- The contract is the one that began last.  A renewal that comes late, or after
-- a cancellation, renews it all the same.
CREATE FUNCTION cdp._contract_state(
	names text[],
	times timestamptz[],
	as_of timestamptz,
	period interval,
	grace interval)
RETURNS TABLE (
	started_at timestamptz,
	renewals bigint,
	renewed_at timestamptz,
	ended boolean)
LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
	SELECT began.at, seen.renewals, seen.renewed_at,
		coalesce(seen.cancelled_at >= seen.renewed_at, false)
			OR (seen.renewed_at AT TIME ZONE 'UTC') + $4 + $5 <= ($3 AT TIME ZONE 'UTC')
	FROM (
		SELECT coalesce(max(event.at) FILTER (WHERE event.name = 'contract_start'),
			min(event.at) FILTER (WHERE event.name = 'renewal')) AS at
		FROM unnest($1, $2) AS event (name, at)
		WHERE event.at < $3
	) AS began
	CROSS JOIN LATERAL (
		SELECT count(*) FILTER (WHERE event.name = 'renewal' AND event.at > began.at) AS renewals,
			greatest(began.at, max(event.at) FILTER (WHERE event.name = 'renewal')) AS renewed_at,
			max(event.at) FILTER (WHERE event.name = 'cancellation') AS cancelled_at
		FROM unnest($1, $2) AS event (name, at)
		WHERE event.at < $3
	) AS seen
	WHERE began.at IS NOT NULL;
END;
COMMENT ON FUNCTION cdp._contract_state(text[], timestamptz[], timestamptz, interval, interval) IS
'the contract of a profile as of a time, from its events: since when, how often and when last renewed, whether it has ended';

-- Only contracts that go on have scores.  A renewal that is overdue, but may
-- still come, is one of those that are due.
CREATE FUNCTION cdp._contract_scores(
	names text[],
	times timestamptz[],
	as_of timestamptz,
	model cdp.clv_model,
	period interval,
	grace interval,
	horizon interval,
	lifetime interval)
RETURNS TABLE (
	value double precision,
	low double precision,
	high double precision,
	lifetime double precision)
LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
	SELECT cdp.churn($4, held.renewals, held.due), range.low, range.high,
		cdp.expected_lifetime($4, held.renewals, held.due_later)
	FROM (
		SELECT state.renewals, soon.periods AS due, later.periods AS due_later
		FROM cdp._contract_state($1, $2, $3, $5, $6) AS state
			CROSS JOIN LATERAL cdp._renewals_due(state.renewed_at, $5, $3, $7) AS soon
			CROSS JOIN LATERAL cdp._renewals_due(state.renewed_at, $5, $3, $8) AS later
		WHERE NOT state.ended
		OFFSET 0
	) AS held
		CROSS JOIN LATERAL cdp.churn_interval($4, held.renewals, held.due) AS range;
END;
COMMENT ON FUNCTION cdp._contract_scores IS
'what a model of contracts says of a profile whose contract goes on: leaves within the horizon, and renewals to come';

CREATE VIEW cdp.contract AS
SELECT model.name AS model, history.profile_id, state.started_at, state.renewals,
	state.renewed_at, state.ended,
	CASE WHEN NOT state.ended
		THEN ((state.renewed_at AT TIME ZONE 'UTC') + (model.options ->> 'period')::interval)
			AT TIME ZONE 'UTC' END AS renews_at,
	(scored.scores -> model.name ->> 'value')::double precision AS churn,
	(scored.scores -> model.name ->> 'lifetime')::double precision AS lifetime,
	scored.as_of AS scored_at
FROM cdp.model
	CROSS JOIN cdp._contract_history AS history
	CROSS JOIN LATERAL cdp._contract_state(history.names, history.times, cdp.clock(),
		(model.options ->> 'period')::interval,
		cdp._model_option(model.options, 'grace')::interval) AS state
	LEFT JOIN cdp.profile_score AS scored
		ON scored.profile_id = history.profile_id AND scored.scores ? model.name
WHERE model.kind = 'contract';
COMMENT ON VIEW cdp.contract IS
'one row per profile with a contract and model of kind contract: since when, how often renewed, when due, whether ended, as of now; and what the model says';
COMMENT ON COLUMN cdp.contract.churn IS
'probability that it is not renewed when due within the model''s horizon';
COMMENT ON COLUMN cdp.contract.lifetime IS
'renewals expected to come within the model''s lifetime';

-- Whoever reads figures asks how good they are.
CREATE FUNCTION cdp.model_report(model text)
RETURNS TABLE (
	model text, status text, detail text, kind text, version integer,
	fitted_on bigint, fitted_as_of timestamptz,
	holdout_from timestamptz, holdout_to timestamptz,
	said double precision, happened double precision, auc double precision,
	calibration jsonb, verdict text, says text)
LANGUAGE sql STABLE ROWS 1 SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._model_report($1)
$$;
REVOKE ALL ON FUNCTION cdp.model_report(text) FROM PUBLIC;
COMMENT ON FUNCTION cdp.model_report(text) IS
'one row on a model: fitted on whom, what it said against what happened in the holdout, and whether to use it';

CREATE FUNCTION cdp.model_calibration(model text)
RETURNS TABLE (band bigint, customers bigint, said numeric, did numeric, bar text)
LANGUAGE sql STABLE ROWS 10 SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._model_calibration($1)
$$;
REVOKE ALL ON FUNCTION cdp.model_calibration(text) FROM PUBLIC;
COMMENT ON FUNCTION cdp.model_calibration(text) IS
'the holdout of the version in use by bands of as many customers each, lowest first: what was said of them, what they did (per cent; clv: mean revenue), and that as bars';
