-- Where are they in the journey?
--
-- Stages are predicates in an order of the owner's own (cdp.journey_rule).  A
-- profile is in the last stage whose predicate is true of it, so it is in one
-- stage or in none.  That is evaluated when it is asked.
--
-- Since when, and how many went from where to where, needs a record of it.
-- cdp.start_journey() makes a segment of each stage, journey_<stage>: its
-- predicate is the stage's and none of a later one's.  From then on every
-- refresh and every ingest tells who entered and left, as of any segment; and
-- audiences can be made of stages.

CREATE FUNCTION cdp._check_stage() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	zone constant text := ' at time zone ''[^'']*''$';
BEGIN
	IF NEW.predicate::text ~ zone THEN
		RAISE EXCEPTION 'stage "%" cannot have a time zone of its own', NEW.stage
			USING ERRCODE = 'feature_not_supported',
				DETAIL = 'Each stage leaves out those of later ones, and all are asked in the time zone of the store.',
				HINT = 'Leave "at time zone" out.';
	END IF;
	PERFORM cdp._predicate_bind(NEW.predicate, cdp._evaluation_context());
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_stage() IS
'raise unless the predicate of a stage can be evaluated';

-- The predicates of the segments: a stage, and none of those after it.  What is
-- unknown is not true.
CREATE FUNCTION cdp._journey_predicates()
RETURNS TABLE (segment text, predicate cdp.predicate, description text)
LANGUAGE sql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'journey_' || rule.stage, concat('(', rule.predicate, ')', (
			SELECT string_agg(format(' and (%s) is not true', later.predicate), ''
				ORDER BY later.position)
			FROM cdp.journey_rule AS later
			WHERE later.position > rule.position))::cdp.predicate,
		coalesce(rule.description, format('stage "%s" of the journey', rule.stage))
	FROM cdp.journey_rule AS rule
$$;
COMMENT ON FUNCTION cdp._journey_predicates() IS
'the segments that the stages of the journey make';

CREATE FUNCTION cdp._define_journey() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	stale text;
BEGIN
	FOR stale IN
		SELECT defined.name
		FROM cdp.journey_rule AS rule
		JOIN cdp.segment AS defined USING (segment_id)
		WHERE defined.name <> 'journey_' || rule.stage
	LOOP
		PERFORM cdp.drop_segment(stale);
	END LOOP;
	UPDATE cdp.journey_rule AS rule
	SET segment_id = cdp._define_segment(made.segment, made.predicate, made.description)
	FROM cdp._journey_predicates() AS made
	WHERE made.segment = 'journey_' || rule.stage;
	RETURN (SELECT count(*) FROM cdp.journey_rule);
END
$$;
COMMENT ON FUNCTION cdp._define_journey() IS
'make the segments of the journey what its stages say';

CREATE FUNCTION cdp._follow_stages() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM cdp.journey_rule WHERE segment_id IS NOT NULL) THEN
		PERFORM cdp._define_journey();
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._follow_stages() IS
'trigger: once the journey has been started, its segments follow its stages';

CREATE FUNCTION cdp._drop_stage() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	segment text := (SELECT name FROM cdp.segment WHERE segment_id = OLD.segment_id);
BEGIN
	IF segment IS NOT NULL THEN
		PERFORM cdp.drop_segment(segment);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._drop_stage() IS
'trigger: the segment of a stage goes with it, unless it is in use';

CREATE FUNCTION cdp.start_journey() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	RETURN cdp._define_journey();
END
$$;
COMMENT ON FUNCTION cdp.start_journey() IS
'make a segment of each stage of the journey, journey_<stage>, so that from the next refresh on it is told who entered and left which; returns how many stages there are';

CREATE FUNCTION cdp._journey_stage(profile_id bigint, as_of timestamptz)
RETURNS TABLE (stage text, "position" integer, since timestamptz, time_in_stage interval)
LANGUAGE plpgsql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	live bigint := cdp._person_asked($1);
	positions integer[];
	predicates cdp.predicate[];
BEGIN
	SELECT array_agg(rule.position ORDER BY rule.position),
		array_agg(rule.predicate ORDER BY rule.position)
	INTO positions, predicates
	FROM cdp.journey_rule AS rule;
	IF predicates IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT rule.stage::text, rule.position, known.since, justify_hours($2 - known.since)
	FROM cdp._evaluate_all(predicates, $2, ARRAY[live]) AS asked
	JOIN cdp.journey_rule AS rule
		ON rule.position = positions[(SELECT max(number) FROM unnest(asked.matched) AS number)]
	LEFT JOIN LATERAL (
		SELECT told.since
		FROM cdp._membership_at(rule.segment_id, live, asked.ord, $2) AS told
		WHERE told.is_member
	) AS known ON true;
END
$$;
COMMENT ON FUNCTION cdp._journey_stage(bigint, timestamptz) IS
'what the door cdp.journey_stage() does';

-- In bitmaps.  Profiles that have become part of another one are left out: their
-- other half is counted.
CREATE FUNCTION cdp._journey_flow(since timestamptz, until timestamptz)
RETURNS TABLE (from_stage text, to_stage text, profiles bigint)
LANGUAGE plpgsql STABLE ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM cdp._check_flow($1, $2);
	RETURN QUERY
	WITH merged AS MATERIALIZED (
		SELECT coalesce(cdp._merged_ords(), '{}') AS ords
	), told AS MATERIALIZED (
		SELECT instant.place, rule.position, rule.stage::text AS stage,
			cdp.bitmap_andnot(coalesce(held.members, '{}'), merged.ords) AS members
		FROM cdp.journey_rule AS rule
		CROSS JOIN (VALUES (1, $1), (2, $2)) AS instant (place, at)
		CROSS JOIN merged
		CROSS JOIN LATERAL cdp._members_at(rule.segment_id, instant.at) AS held
	), staged AS MATERIALIZED (
		SELECT place, position, stage, members FROM told
		UNION ALL
		SELECT 3 - every.place, NULL, NULL, cdp.bitmap_andnot(
			cdp.bitmap_or_agg(every.members), (
				SELECT cdp.bitmap_or_agg(other.members) FROM told AS other
				WHERE other.place <> every.place))
		FROM told AS every
		GROUP BY every.place
	)
	SELECT was.stage, became.stage,
		cdp.bitmap_cardinality(cdp.bitmap_and(was.members, became.members))
	FROM staged AS was
	JOIN staged AS became ON became.place = 2
	WHERE was.place = 1 AND num_nonnulls(was.position, became.position) > 0
		AND cdp.bitmap_cardinality(cdp.bitmap_and(was.members, became.members)) > 0
	ORDER BY was.position NULLS FIRST, became.position NULLS FIRST;
END
$$;
COMMENT ON FUNCTION cdp._journey_flow(timestamptz, timestamptz) IS
'what the door cdp.journey_flow() does';

CREATE FUNCTION cdp._check_flow(since timestamptz, until timestamptz) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM cdp.journey_rule WHERE segment_id IS NOT NULL) THEN
		RAISE EXCEPTION 'the journey has not been started'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'Nobody has told yet who was in which stage.',
				HINT = 'Run SELECT cdp.start_journey(), then SELECT cdp.refresh_segments().';
	END IF;
	IF $1 IS NULL OR $2 IS NULL THEN
		RAISE EXCEPTION 'a flow needs two instants'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF $1 > $2 THEN
		RAISE EXCEPTION 'the first instant must not be after the second'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM cdp._check_told($1);
END
$$;
COMMENT ON FUNCTION cdp._check_flow(timestamptz, timestamptz) IS
'raise unless it is told who was in which stage at both instants';
