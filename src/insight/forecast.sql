-- What is to come: of open deals, and of customers without one.
--
-- A deal.  Its chance to be won within the horizon is what became of deals like
-- it: those that were in the same stage and had been there as long as it has
-- (a landmark; van Houwelingen 2007).  Of these some were won later, some lost,
-- some are still open and were followed for some time only: the share won by
-- the horizon is the Aalen-Johansen estimate of the cumulative incidence with
-- losing as the competing risk,
--
--		F(h) = sum over times t <= h of S(t-) won(t) / at risk(t)
--
-- where S is the Kaplan-Meier estimate of being open.  Landmarks are the ages of
-- cdp._deal_ages(); a deal takes the latest that is not beyond its own age and
-- has enough deals behind it.
--
-- A probability that somebody gave (cdp.pipeline_stage.probability) is that of
-- winning in the end; what was learnt then only says how much of it falls into
-- the horizon, or, as long as nothing was, the date the deal is expected to close.
--
-- Customers without an open deal.  The model of purchases and spend (clv) says
-- what each will spend; how far single customers are off is taken from the last
-- horizon before, and so is how far all of them together were.
--
-- Ranges.  Each deal is won or not, and the chances themselves are estimates that
-- are off together.  Of few deals the distribution of the sum is computed, on a
-- grid, at the chances and at sqrt(3) standard errors to both sides, which are
-- weighed 4 : 1 : 1 (the points of Gauss and Hermite).  Of many, and of customers,
-- it is taken for a gamma distribution of that mean and variance (Wilson and
-- Hilferty 1931).  The chances of different pipelines are learnt from different
-- deals, so there the variances add up.

CREATE FUNCTION cdp._deal_ages() RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{0,1,2,3,5,7,10,14,20,28,40,56,80,112,160,224,320,448,640}'::double precision[];
COMMENT ON FUNCTION cdp._deal_ages() IS
'days in a stage after which deals are looked at';

CREATE FUNCTION cdp._days(span interval) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN extract(epoch FROM span)::double precision / 86400;

-- Stays of deals in open stages: since when, until when, and what became of the
-- deal, as far as it was known at the instant.
CREATE FUNCTION cdp._deal_stays(as_of timestamptz)
RETURNS TABLE (
	pipeline text,
	stage text,
	entered_at timestamptz,
	left_at timestamptz,
	ended_at timestamptz,
	won boolean)
LANGUAGE sql STABLE ROWS 10000
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT stay.pipeline, stay.stage, stay.entered_at, stay.left_at,
		stay.ended_at, stay.ends[1] = 'won'
	FROM (
		SELECT step.pipeline, step.stage, step.outcome,
			step.occurred_at AS entered_at,
			lead(step.occurred_at) OVER deal AS left_at,
			min(step.occurred_at) FILTER (WHERE step.outcome <> 'open') OVER later AS ended_at,
			array_agg(step.outcome) FILTER (WHERE step.outcome <> 'open') OVER later AS ends
		FROM cdp._deal_step AS step
		WHERE step.entered AND step.occurred_at < $1
		WINDOW deal AS (PARTITION BY step.deal_id ORDER BY step.place),
			later AS (PARTITION BY step.deal_id ORDER BY step.place
				ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
	) AS stay
	WHERE stay.outcome = 'open' AND stay.stage IS NOT NULL
$$;
COMMENT ON FUNCTION cdp._deal_stays(timestamptz) IS
'stays of deals in open stages, and what came of them before the instant';

-- known: deals of which it is known whether they were won within the days.
CREATE FUNCTION cdp._deal_chances(as_of timestamptz, days double precision)
RETURNS TABLE (
	pipeline text,
	stage text,
	age double precision,
	known bigint,
	chance double precision,
	error double precision,
	ever double precision)
LANGUAGE sql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH stay AS MATERIALIZED (
		SELECT pipeline, stage, cdp._days(coalesce(left_at, $1) - entered_at) AS stayed,
			cdp._days(coalesce(ended_at, $1) - entered_at) AS known_for,
			coalesce(won, false) AS won, ended_at IS NOT NULL AS ended
		FROM cdp._deal_stays($1)
	), kind AS MATERIALIZED (
		SELECT pipeline, stage, age, row_number() OVER () AS kind
		FROM (SELECT DISTINCT pipeline, stage FROM stay) AS had
		CROSS JOIN unnest(cdp._deal_ages()) AS age
	), followed AS (
		SELECT kind, known_for - age AS days, won, ended
		FROM stay
		JOIN kind USING (pipeline, stage)
		WHERE stayed > age
	), tied AS (
		SELECT kind, days, count(*)::integer AS all_of_them,
			(count(*) FILTER (WHERE ended AND won))::integer AS won,
			(count(*) FILTER (WHERE ended))::integer AS ended
		FROM followed
		GROUP BY kind, days
	), at_risk AS (
		SELECT tied.*, (sum(all_of_them) OVER alike - sum(all_of_them) OVER so_far
			+ all_of_them)::double precision AS at_risk
		FROM tied
		WINDOW alike AS (PARTITION BY kind), so_far AS (PARTITION BY kind ORDER BY days)
	), open AS (
		SELECT at_risk.*, coalesce(exp(sum(
				CASE WHEN ended < at_risk THEN ln(1 - ended / at_risk) ELSE -700 END)
			OVER (PARTITION BY kind ORDER BY days
				ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)), 1) AS open_before
		FROM at_risk
	), estimated AS (
		SELECT kind,
			coalesce(sum(CASE WHEN days > $2 THEN all_of_them ELSE ended END), 0)::bigint AS known,
			coalesce(sum(open_before * won / at_risk) FILTER (WHERE days <= $2), 0) AS chance,
			sum(open_before * won / at_risk) AS ever
		FROM open
		GROUP BY kind
	)
	SELECT pipeline, stage, age, known, chance,
		sqrt((known * chance + 1) * (known * (1 - chance) + 1) / greatest(known, 1)) / (known + 2),
		ever
	FROM estimated
	JOIN kind USING (kind)
$$;
COMMENT ON FUNCTION cdp._deal_chances(timestamptz, double precision) IS
'the share of deals that are won within so many days, or ever, of those that have been in a stage for so long';

-- chance: NULL if nobody knows.
CREATE FUNCTION cdp._open_deals(as_of timestamptz, until timestamptz)
RETURNS TABLE (
	deal_id text,
	profile_id bigint,
	pipeline text,
	stage text,
	amount numeric,
	chance double precision,
	error double precision)
LANGUAGE sql STABLE ROWS 1000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH soon AS MATERIALIZED (
		SELECT * FROM cdp._deal_chances($1, cdp._days($2 - $1))
		WHERE known >= CASE WHEN age = 0 THEN 5 ELSE 20 END
	)
	SELECT deal.deal_id, deal.profile_id, deal.pipeline, deal.stage, deal.amount,
		CASE
			WHEN given.probability IS NULL THEN learnt.chance
			WHEN learnt.ever > 0 THEN given.probability * learnt.chance / learnt.ever
			WHEN deal.expected_close >= ($2 AT TIME ZONE 'UTC')::date THEN 0
			ELSE given.probability
		END,
		CASE WHEN given.probability IS NULL THEN learnt.error ELSE 0 END
	FROM cdp._deal_step AS deal
	LEFT JOIN cdp.pipeline_stage AS given
		ON given.pipeline = deal.pipeline AND given.stage = deal.stage
	LEFT JOIN LATERAL (
		SELECT soon.chance, soon.error, soon.ever
		FROM soon
		WHERE soon.pipeline = deal.pipeline AND soon.stage = deal.stage
			AND (soon.age = 0 OR soon.age <= cdp._days($1 - deal.stage_since))
		ORDER BY soon.age DESC
		LIMIT 1
	) AS learnt ON true
	WHERE deal.occurred_at < $1 AND (deal.until IS NULL OR deal.until >= $1)
		AND deal.outcome = 'open'
$$;
COMMENT ON FUNCTION cdp._open_deals(timestamptz, timestamptz) IS
'the deals that are open at an instant, and the chance of each to be won until another one, with its standard error';

CREATE FUNCTION cdp._clv_at(
	as_of timestamptz,
	OUT count_model cdp.clv_model,
	OUT spend_model cdp.clv_model)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	options jsonb;
	fitted record;
BEGIN
	SELECT made.count_model, made.spend_model INTO count_model, spend_model
	FROM cdp.model_version AS made
	WHERE made.model = 'clv' AND made.as_of <= $1 AND made.spend_model IS NOT NULL
	ORDER BY made.version DESC
	LIMIT 1;
	SELECT model.options INTO options FROM cdp.model WHERE model.name = 'clv';
	IF count_model IS NOT NULL OR options IS NULL THEN
		RETURN;
	END IF;
	SELECT * INTO fitted FROM cdp._fit_customers($1, ARRAY(
		SELECT jsonb_array_elements_text(cdp._model_option(options, 'kinds')::jsonb)));
	IF fitted.repeat_customers >= cdp._model_option(options, 'min_repeat_customers')::bigint
		AND cdp.model_status(fitted.spend_model) IN ('converged', 'boundary')
	THEN
		count_model := fitted.count_model;
		spend_model := fitted.spend_model;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._clv_at(timestamptz) IS
'the models of purchases and spend in use at an instant, or else fitted to what was known then; NULL: too few customers';

-- expected is NULL if there is no model, variance if there is no past.  busy: who
-- has an open deal.
CREATE FUNCTION cdp._repeat_revenue(
	as_of timestamptz,
	until timestamptz,
	busy bigint[],
	OUT customers bigint,
	OUT expected double precision,
	OUT variance double precision,
	OUT happened double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	model record := cdp._clv_at($1);
	past record;
BEGIN
	SELECT count(now.rfm), sum(cdp.clv(model.count_model, model.spend_model, now.rfm, 0, $2 - $1, 1)),
		sum(cdp.x(later.rfm) * cdp.m(later.rfm) - cdp.x(now.rfm) * cdp.m(now.rfm))
	INTO customers, expected, happened
	FROM cdp._customer_rfm($1) AS now
	JOIN cdp._customer_rfm($2) AS later USING (profile_id)
	WHERE now.rfm IS NOT NULL AND now.profile_id <> ALL ($3);
	SELECT sum(said) AS said, sum(held.happened) AS happened,
		sum((said - held.happened) ^ 2) AS squares
	INTO past
	FROM cdp._model_holdout('clv', '{}', model.count_model, model.spend_model,
		$1 - ($2 - $1), $1) AS held
	WHERE said IS NOT NULL;
	IF past.said > 0 THEN
		variance := past.squares * expected / past.said
			+ ((past.happened / past.said - 1) * expected) ^ 2;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._repeat_revenue(timestamptz, timestamptz, bigint[]) IS
'what customers without an open deal will spend from one instant until another, and what they did as far as it is known';

-- happened is what became of each part: it reads on after the instant.
CREATE FUNCTION cdp._forecast_rows(as_of timestamptz, until timestamptz)
RETURNS TABLE (
	part text,
	pipeline text,
	units bigint,
	unknown bigint,
	open_amount numeric,
	expected numeric,
	low numeric,
	high numeric,
	happened numeric)
LANGUAGE sql STABLE ROWS 3
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH deal AS MATERIALIZED (
		SELECT open.*, closed.amount AS won_amount,
			CASE WHEN open.amount > 0 AND open.chance IS NOT NULL
				THEN open.amount::double precision END AS worth
		FROM cdp._open_deals($1, $2) AS open
		LEFT JOIN (
			SELECT DISTINCT ON (step.deal_id) step.deal_id, step.amount, step.outcome
			FROM cdp._deal_step AS step
			WHERE step.entered AND step.outcome <> 'open'
				AND step.occurred_at >= $1 AND step.occurred_at < $2
			ORDER BY step.deal_id, step.place
		) AS closed ON closed.deal_id = open.deal_id AND closed.outcome = 'won'
	), summed AS (
		SELECT deal.pipeline, count(*) AS units,
			count(*) FILTER (WHERE chance IS NULL OR amount IS NULL) AS unknown,
			coalesce(sum(deal.amount), 0) AS open_amount,
			coalesce(sum(won_amount), 0) AS happened,
			cdp._sum_range(array_agg(worth ORDER BY deal_id) FILTER (WHERE worth IS NOT NULL),
				array_agg(chance ORDER BY deal_id) FILTER (WHERE worth IS NOT NULL),
				array_agg(error ORDER BY deal_id) FILTER (WHERE worth IS NOT NULL)) AS range
		FROM deal
		GROUP BY deal.pipeline
	), customers AS MATERIALIZED (
		SELECT * FROM cdp._repeat_revenue($1, $2, ARRAY(SELECT DISTINCT profile_id FROM deal))
	), every AS (
		SELECT 'deals' AS part, pipeline, units, unknown, open_amount,
			(range).mean, (range).low, (range).high, happened
		FROM summed
		UNION ALL
		SELECT 'customers', NULL, customers, 0, NULL, expected,
			cdp._sum_quantile(expected, variance, -1.959964),
			cdp._sum_quantile(expected, variance, 1.959964), coalesce(happened::numeric, 0)
		FROM customers
		UNION ALL
		SELECT 'total', NULL, NULL, joint.unknown, joint.open_amount, joint.mean,
			CASE WHEN joint.parts = 1 THEN joint.low
				ELSE cdp._sum_quantile(joint.mean, joint.variance, -1.959964) END,
			CASE WHEN joint.parts = 1 THEN joint.high
				ELSE cdp._sum_quantile(joint.mean, joint.variance, 1.959964) END,
			joint.happened
		FROM (
			SELECT coalesce(sum(summed.unknown), 0)::bigint AS unknown,
				coalesce(sum(summed.open_amount), 0) AS open_amount,
				coalesce(sum((range).mean), 0) + coalesce(min(customers.expected), 0) AS mean,
				CASE WHEN count(customers.expected) = count(customers.variance)
					THEN coalesce(sum((range).variance), 0) + coalesce(min(customers.variance), 0) END AS variance,
				count(summed.pipeline) + 2 * count(customers.expected) AS parts,
				min((range).low) AS low, min((range).high) AS high,
				coalesce(sum(summed.happened), 0) + coalesce(min(customers.happened)::numeric, 0) AS happened
			FROM customers LEFT JOIN summed ON true
		) AS joint
	)
	SELECT every.part, every.pipeline, every.units, every.unknown, every.open_amount,
		round(every.mean::numeric, 2), round(every.low::numeric, 2),
		round(every.high::numeric, 2), round(every.happened, 2)
	FROM every
	ORDER BY array_position('{deals,customers,total}', every.part), every.pipeline
$$;
COMMENT ON FUNCTION cdp._forecast_rows(timestamptz, timestamptz) IS
'a forecast from one instant until another, as it was known at the former, and what happened';

CREATE FUNCTION cdp._forecast(horizon interval, as_of timestamptz)
RETURNS TABLE (
	part text,
	pipeline text,
	units bigint,
	unknown bigint,
	open_amount numeric,
	expected numeric,
	low numeric,
	high numeric)
LANGUAGE plpgsql STABLE ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_span('horizon', $1);
	RETURN QUERY
	SELECT said.part, said.pipeline, said.units, said.unknown, said.open_amount,
		said.expected, said.low, said.high
	FROM cdp._forecast_rows($2, cdp._later($2, $1)) AS said;
END
$$;
COMMENT ON FUNCTION cdp._forecast(interval, timestamptz) IS
'what cdp.forecast() tells';

CREATE FUNCTION cdp._forecast_backtest(horizon interval, periods integer, as_of timestamptz)
RETURNS TABLE (
	origin timestamptz,
	part text,
	pipeline text,
	expected numeric,
	low numeric,
	high numeric,
	happened numeric,
	covered boolean)
LANGUAGE plpgsql STABLE ROWS 12
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_span('horizon', $1);
	IF NOT coalesce($2 BETWEEN 1 AND 100, false) THEN
		RAISE EXCEPTION 'invalid number of periods %', coalesce($2::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is from 1 to 100.';
	END IF;
	RETURN QUERY
	SELECT begun.at, said.part, said.pipeline, said.expected, said.low, said.high,
		said.happened, said.happened BETWEEN said.low AND said.high
	FROM generate_series($2, 1, -1) AS back
	CROSS JOIN LATERAL cdp._later($3, -back * $1) AS begun (at)
	CROSS JOIN LATERAL cdp._forecast_rows(begun.at,
		cdp._later($3, -(back - 1) * $1)) AS said
	ORDER BY begun.at, array_position('{deals,customers,total}', said.part), said.pipeline;
END
$$;
COMMENT ON FUNCTION cdp._forecast_backtest(interval, integer, timestamptz) IS
'what cdp.forecast_backtest() tells';
