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

-- When profiles that reached something at "since" reach a stage; those that do.
CREATE FUNCTION cdp._stage_reached(
	stage cdp.predicate,
	profile_ids bigint[],
	since timestamptz[],
	until timestamptz)
RETURNS TABLE (profile_id bigint, at timestamptz)
LANGUAGE plpgsql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	context jsonb := cdp._evaluation_context();
	asks_facts boolean := cdp._asks_facts(ARRAY[$1], context);
	asks_suppressed boolean := cdp._asks_suppressed(ARRAY[$1], context);
	tick CONSTANT interval := '1 millisecond';
BEGIN
	RETURN QUERY
	SELECT asked.profile_id, found.at
	FROM unnest($2, $3) AS asked (profile_id, since)
	JOIN cdp.profile_current AS current ON current.profile_id = asked.profile_id
	LEFT JOIN cdp.profile_score AS score ON score.profile_id = asked.profile_id
	CROSS JOIN LATERAL (
		SELECT coalesce(array_agg(cdp.timeline_between(chunk.data, asked.since + tick, $4)
			ORDER BY chunk.chunk), '{}') AS chunks
		FROM cdp.timeline_chunk AS chunk
		WHERE chunk.profile_id = asked.profile_id
			AND cdp.timeline_last(chunk.data) > asked.since
	) AS later
	CROSS JOIN LATERAL (
		SELECT candidate.at
		FROM (
			SELECT asked.since AS at
			UNION
			SELECT event.occurred_at
			FROM unnest(later.chunks) AS chunk
			CROSS JOIN LATERAL cdp.timeline_events(chunk) AS event
			ORDER BY at
			OFFSET 0
		) AS candidate
		WHERE cardinality(cdp._evaluate(ARRAY[$1], context, candidate.at + tick,
			asked.profile_id, later.chunks[1], later.chunks[2:],
			CASE WHEN asks_facts THEN cdp._facts(current, score,
				CASE WHEN asks_suppressed THEN (
					SELECT held.channels FROM cdp._suppressed AS held
					WHERE held.profile_id = asked.profile_id) END) END)) > 0
		LIMIT 1
	) AS found;
END
$$;
COMMENT ON FUNCTION cdp._stage_reached(cdp.predicate, bigint[], timestamptz[], timestamptz) IS
'the first instants at which a predicate is true of profiles, asked of their events since';

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
	ids bigint[];
	since timestamptz[];
	before bigint;
	first bigint;
	until timestamptz := coalesce($3, cdp.clock());
BEGIN
	PERFORM cdp._check_span('window', $2);
	SELECT array_agg(profile_id), array_agg(cdp._later(until, -$2) - interval '1 millisecond')
	INTO ids, since
	FROM cdp.profile_current;
	FOR number IN 1 .. cardinality(bound) LOOP
		step := number;
		stage := bound[number]::text;
		before := reached;
		SELECT array_agg(now.profile_id), array_agg(now.at), count(*),
			percentile_cont(0.5) WITHIN GROUP (ORDER BY now.at - earlier.at)
		INTO ids, since, reached, median_time
		FROM unnest(ids, since) AS earlier (profile_id, at)
		JOIN cdp._stage_reached(bound[number], ids, since, until) AS now USING (profile_id);
		first := coalesce(first, reached);
		conversion := reached / nullif(before, 0)::double precision;
		of_first := reached / nullif(first, 0)::double precision;
		IF number = 1 THEN
			median_time := NULL;
		END IF;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp.funnel(cdp.predicate[], interval, timestamptz) IS
'how many profiles reached stages one after the other within the window, and how long that took: each stage is a predicate, asked of the events after the stage before';
