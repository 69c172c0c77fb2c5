-- Deals: the funnel of a pipeline.

CREATE FUNCTION cdp._check_span(what text, span interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $2 IS NULL OR NOT isfinite($2) OR $2 <= '0' OR $2 > '100 years' THEN
		RAISE EXCEPTION 'invalid % "%"', $1, coalesce($2::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is longer than 0 and at most 100 years.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_span(text, interval) IS
'raise unless a span of time can be looked over';

-- In UTC: how long a month is must not depend on the session's time zone.
CREATE FUNCTION cdp._later(at timestamptz, span interval) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ((at AT TIME ZONE 'UTC') + span) AT TIME ZONE 'UTC';
COMMENT ON FUNCTION cdp._later(timestamptz, interval) IS
'an instant that much later, by the calendar of UTC';

CREATE FUNCTION cdp._check_pipeline(pipeline text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM cdp.pipeline_stage AS stage WHERE stage.pipeline = $1) THEN
		RAISE EXCEPTION 'unknown pipeline "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A pipeline has its stages in cdp.pipeline_stage.',
				HINT = 'Run SELECT DISTINCT pipeline FROM cdp.pipeline_stage.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_pipeline(text) IS 'raise unless it is a pipeline';

-- Steps of deals that are lost are not on the way: a deal is at the furthest of
-- the others that it has seen.
CREATE FUNCTION cdp._pipeline_funnel(
	pipeline text,
	"window" interval,
	as_of timestamptz)
RETURNS TABLE (
	step integer,
	stage text,
	reached bigint,
	conversion double precision,
	of_first double precision,
	median_time interval,
	lost bigint)
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	PERFORM cdp._check_pipeline($1);
	PERFORM cdp._check_span('window', $2);
	RETURN QUERY
	WITH seen AS MATERIALIZED (
		SELECT step.deal_id, step.position, step.outcome, step.occurred_at,
			last_value(step.outcome) OVER (PARTITION BY step.deal_id
				ORDER BY step.place
				ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS now
		FROM cdp._deal_step AS step
		WHERE step.pipeline = $1 AND step.occurred_at < $3
			AND step.opened_at >= cdp._later($3, -$2)
	), listed AS (
		SELECT row_number() OVER (ORDER BY min(stage.position))::integer AS step,
			stage.position, string_agg(stage.stage, ', ' ORDER BY stage.stage) AS stages
		FROM cdp.pipeline_stage AS stage
		WHERE stage.pipeline = $1 AND stage.outcome <> 'lost'
		GROUP BY stage.position
	), furthest AS (
		SELECT seen.deal_id, seen.now,
			coalesce(max(listed.step), 1) AS step
		FROM seen
		LEFT JOIN listed ON listed.position = seen.position AND seen.outcome <> 'lost'
		GROUP BY seen.deal_id, seen.now
	), arrived AS (
		SELECT deal.deal_id, listed.step,
			CASE WHEN listed.step = 1 THEN min(seen.occurred_at)
				ELSE min(seen.occurred_at) FILTER (
					WHERE seen.position >= listed.position AND seen.outcome <> 'lost')
				END AS at
		FROM furthest AS deal
		JOIN seen USING (deal_id)
		JOIN listed ON listed.step <= deal.step
		GROUP BY deal.deal_id, listed.step
	), counted AS (
		SELECT listed.step, listed.stages,
			(SELECT count(*) FROM arrived WHERE arrived.step = listed.step) AS reached,
			(SELECT count(*) FROM furthest
				WHERE furthest.step = listed.step AND furthest.now = 'lost') AS lost,
			(SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY arrived.at - before.at)
				FROM arrived JOIN arrived AS before USING (deal_id)
				WHERE arrived.step = listed.step AND before.step = listed.step - 1) AS took
		FROM listed
	)
	SELECT counted.step, counted.stages, counted.reached,
		counted.reached / nullif(lag(counted.reached) OVER by_step, 0)::double precision,
		counted.reached / nullif(first_value(counted.reached) OVER by_step, 0)::double precision,
		counted.took, counted.lost
	FROM counted
	WINDOW by_step AS (ORDER BY counted.step)
	ORDER BY counted.step;
END
$$;
COMMENT ON FUNCTION cdp._pipeline_funnel(text, interval, timestamptz) IS
'the steps of a pipeline and how many of the deals opened within the window came to each';
