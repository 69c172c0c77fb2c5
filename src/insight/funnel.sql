-- cdp.funnel() over predicates of one's own.
--
-- A profile reaches the first stage at the first instant of the window at which its
-- predicate is true, and each further one at the first instant after that.  A stage
-- is asked, at the instant of the one before and then after each later event, of the events
-- since: an order of last year is none that followed today's visit.  What a predicate
-- asks besides events is as it is today.
CREATE FUNCTION cdp._check_stages(stages cdp.predicate[]) RETURNS cdp.predicate[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	context jsonb := cdp._evaluation_context();
	bound cdp.predicate[] := ARRAY(
		SELECT cdp._predicate_bind(stage, context)
		FROM unnest($1) WITH ORDINALITY AS listed (stage, place) ORDER BY place);
BEGIN
	IF coalesce(cardinality($1), 0) = 0 OR array_position($1, NULL) IS NOT NULL THEN
		RAISE EXCEPTION 'a funnel needs stages, none of which is null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF cdp._has_undeclared(bound, context) THEN
		RAISE EXCEPTION 'a stage asks for a property that timelines do not hold'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Declare the property with cdp.declare_property() first.';
	END IF;
	RETURN bound;
END
$$;
COMMENT ON FUNCTION cdp._check_stages(cdp.predicate[]) IS
'the stages of a funnel after all checks';

-- One pass over all profiles, all stages of one together.  Most have one chunk of
-- a timeline, so only later ones are gathered into arrays, and of these not what
-- ends before the window; plain joins, so that it may run in parallel.  Custom
-- plans, because what is a constant of the plan is compiled once.
CREATE FUNCTION cdp._funnel_reached(
	stages cdp.predicate[],
	since timestamptz,
	until timestamptz)
RETURNS TABLE (profile_id bigint, reached timestamptz[])
LANGUAGE plpgsql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	context jsonb := cdp._evaluation_context();
	asks_facts boolean := cdp._asks_facts($1, context);
	asks_suppressed boolean := cdp._asks_suppressed($1, context);
BEGIN
	RETURN QUERY
	SELECT current.profile_id,
		CASE WHEN asks_facts THEN
			cdp._stages_reached($1, context, $3, current.profile_id, told.data, told.later,
				cdp._facts(current, score, held.channels), $2)
		ELSE
			coalesce(told.reached, cdp._stages_reached($1, context, $3,
				current.profile_id, NULL, NULL, NULL, $2))
		END
	FROM cdp.profile_current AS current
	LEFT JOIN (
		SELECT first.profile_id, first.data, gathered.timelines AS later,
			cdp._stages_reached($1, context, $3, first.profile_id, first.data,
				gathered.timelines, NULL, $2) AS reached
		FROM cdp.timeline_chunk AS first
		LEFT JOIN (
			SELECT chunk.profile_id, array_agg(chunk.data ORDER BY chunk.chunk) AS timelines
			FROM cdp.timeline_chunk AS chunk
			WHERE chunk.chunk > 1 AND cdp.timeline_last(chunk.data) > $2
			GROUP BY chunk.profile_id
		) AS gathered ON gathered.profile_id = first.profile_id
		WHERE first.chunk = 1
	) AS told ON told.profile_id = current.profile_id
	LEFT JOIN cdp.profile_score AS score ON score.profile_id = current.profile_id
	LEFT JOIN (
		SELECT DISTINCT ON (suppressed.profile_id) suppressed.profile_id, suppressed.channels
		FROM cdp._suppressed_channels(NULL) AS suppressed
		WHERE asks_suppressed
	) AS held ON held.profile_id = current.profile_id;
END
$$;
COMMENT ON FUNCTION cdp._funnel_reached(cdp.predicate[], timestamptz, timestamptz) IS
'when each profile reached the stages, as far as it came: the first of its events behind since';

CREATE FUNCTION cdp.funnel(
	stages cdp.predicate[],
	"window" interval DEFAULT '30 days',
	as_of timestamptz DEFAULT cdp.clock())
RETURNS TABLE (
	step integer,
	stage text,
	reached bigint,
	conversion double precision,
	of_first double precision,
	median_time interval)
LANGUAGE plpgsql STABLE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	bound cdp.predicate[] := cdp._check_stages($1);
	until timestamptz := coalesce($3, cdp.clock());
	since timestamptz;
BEGIN
	PERFORM cdp._check_span('window', $2);
	since := cdp._later(until, -$2);
	RETURN QUERY
	WITH counted AS (
		SELECT number, count(*) AS reached,
			percentile_cont(0.5) WITHIN GROUP (ORDER BY
				greatest(told.reached[number], since) - greatest(told.reached[number - 1], since))
				FILTER (WHERE number > 1) AS took
		FROM cdp._funnel_reached(bound, since - interval '1 millisecond', until) AS told
		CROSS JOIN LATERAL generate_series(1, cardinality(told.reached)) AS number
		GROUP BY number
	), listed AS (
		SELECT number, coalesce(counted.reached, 0) AS reached, counted.took
		FROM generate_subscripts(bound, 1) AS number
		LEFT JOIN counted USING (number)
	)
	SELECT listed.number, bound[listed.number]::text, listed.reached,
		listed.reached / nullif(lag(listed.reached) OVER stages, 0)::double precision,
		listed.reached / nullif(first_value(listed.reached) OVER stages, 0)::double precision,
		listed.took
	FROM listed
	WINDOW stages AS (ORDER BY listed.number)
	ORDER BY listed.number;
END
$$;
COMMENT ON FUNCTION cdp.funnel(cdp.predicate[], interval, timestamptz) IS
'how many profiles reached stages one after the other within the window, and how long that took: each stage is a predicate, asked of the events after the stage before';
