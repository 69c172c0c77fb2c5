CREATE FUNCTION cdp._read_evaluation_context() RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT jsonb_build_object(
			'zone', coalesce(cdp._read_setting('time_zone'::text), 'UTC'),
			'events', (
				SELECT jsonb_object_agg(event_name.name, event_name.name_id)
				FROM cdp.event_name),
			'properties', (
				SELECT jsonb_object_agg(declared.event, declared.slots)
				FROM (
					SELECT event, jsonb_object_agg(property, slot) AS slots
					FROM cdp.event_property
					WHERE event_property.ready
					GROUP BY event) AS declared),
			'traits', (
				SELECT jsonb_object_agg(trait.name, trait.type)
				FROM cdp.trait),
			'computed', (
				SELECT jsonb_object_agg(computed_trait.name, computed_trait.expression::text)
				FROM cdp.computed_trait
				WHERE NOT computed_trait.steady),
			'segments', (
				SELECT jsonb_object_agg(segment.name, segment.predicate)
				FROM cdp.segment),
			'identifiers', (
				SELECT jsonb_agg(identifier_type.type)
				FROM cdp.identifier_type),
			'scores', (
				SELECT jsonb_agg(model.name)
				FROM cdp.model),
			'channels', (
				SELECT jsonb_agg(channel.channel)
				FROM cdp.channel),
			'purposes', (
				SELECT jsonb_agg(purpose.purpose)
				FROM cdp.purpose),
			'values', jsonb_build_object(
				'kind', '["known", "anonymous", "third_party"]'::jsonb,
				'lifecycle', (
					SELECT jsonb_agg(known.stage ORDER BY known.place)
					FROM (SELECT stage, min(position) AS place
						FROM cdp.lifecycle_rule
						GROUP BY stage) AS known),
				'churn_band', (
					SELECT jsonb_agg(rule.band ORDER BY rule.churn_from)
					FROM cdp.churn_band_rule AS rule)),
			'asks_suppressed', EXISTS (
				SELECT FROM cdp.segment
				WHERE strpos(segment.predicate, 'suppressed(') > 0)
				OR EXISTS (
				SELECT FROM cdp.computed_trait
				WHERE strpos(computed_trait.expression::text, 'suppressed(') > 0)));
END
$$;
COMMENT ON FUNCTION cdp._read_evaluation_context() IS
'read from the tables what cdp._evaluation_context() keeps';

-- All tables that it is made of are watched.
CREATE FUNCTION cdp._evaluation_context() RETURNS jsonb
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'cdp__evaluation_context';
COMMENT ON FUNCTION cdp._evaluation_context() IS
'what the names in predicates mean in this store: events, properties, traits, segments, the time zone';

-- Suppressions are looked up only for predicates that ask for them, directly
-- or through a name of the context.
CREATE FUNCTION cdp._asks_suppressed(predicates cdp.predicate[], context jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce((context -> 'asks_suppressed')::boolean, false)
	OR strpos(array_to_string(predicates, ' '), 'suppressed(') > 0;
COMMENT ON FUNCTION cdp._asks_suppressed(cdp.predicate[], jsonb) IS
'may the value of these predicates depend on suppressions';

-- Custom plans, because what is a constant of the plan decides what is read.
CREATE FUNCTION cdp._evaluate_all(
	predicates cdp.predicate[],
	as_of timestamptz DEFAULT NULL,
	profile_ids bigint[] DEFAULT NULL)
RETURNS TABLE (profile_id bigint, ord integer, matched integer[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
	context jsonb := cdp._evaluation_context();
	at timestamptz := coalesce($2, cdp.clock());
	asks_facts boolean := cdp._asks_facts($1, context);
	asks_suppressed boolean := cdp._asks_suppressed($1, context);
BEGIN
	IF cdp._has_undeclared($1, context) THEN
		RETURN QUERY
		SELECT * FROM cdp._evaluate_mixed($1, at, $3);
	ELSIF cdp._is_about_few($1, $3) THEN
		RETURN QUERY
		SELECT * FROM cdp._evaluate_log($1, at, NULL);
	ELSE
		RETURN QUERY
		SELECT scan.profile_id, scan.ord, scan.matched
		FROM cdp._evaluate_scan($1, context, at, $3, asks_facts, asks_suppressed) AS scan;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._evaluate_all(cdp.predicate[], timestamptz, bigint[]) IS
'for every live profile, or those given, the numbers, from 1, of the predicates that are true of it at an instant';

-- As cdp._evaluate_all() for a few profiles, with what is kept for it: by keys, by one plan,
-- by the program that the session keeps.
CREATE FUNCTION cdp._evaluate_few(
	predicates cdp.predicate[],
	as_of timestamptz,
	profile_ids bigint[])
RETURNS TABLE (profile_id bigint, segment_ids integer[], matched integer[])
LANGUAGE plpgsql VOLATILE ROWS 10
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_material = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	context jsonb := cdp._evaluation_context();
	asks_suppressed boolean := cdp._asks_suppressed($1, context);
BEGIN
	IF cdp._has_undeclared($1, context) THEN
		RETURN QUERY
		SELECT current.profile_id, current.segment_ids, mixed.matched
		FROM cdp._evaluate_mixed($1, $2, $3) AS mixed
		JOIN cdp.profile_current AS current
			ON current.profile_id = mixed.profile_id;
		RETURN;
	END IF;
	RETURN QUERY
	SELECT current.profile_id, current.segment_ids,
		cdp._evaluate($1, context, $2, current.profile_id, first.data,
			CASE WHEN first.data IS NOT NULL THEN (
				SELECT array_agg(later.data ORDER BY later.chunk)
				FROM cdp.timeline_chunk AS later
				WHERE later.profile_id = current.profile_id AND later.chunk > 1)
			END,
			cdp._facts(current, score, CASE WHEN asks_suppressed THEN (
				SELECT held.channels FROM cdp._suppressed AS held
				WHERE held.profile_id = current.profile_id)
			END))
	FROM unnest($3) AS wanted (profile_id)
	JOIN cdp.profile_current AS current ON current.profile_id = wanted.profile_id
	LEFT JOIN cdp.timeline_chunk AS first
		ON first.profile_id = wanted.profile_id AND first.chunk = 1
	LEFT JOIN cdp.profile_score AS score
		ON score.profile_id = wanted.profile_id;
END
$$;
COMMENT ON FUNCTION cdp._evaluate_few(cdp.predicate[], timestamptz, bigint[]) IS
'for these live profiles the segments they are in and the numbers, from 1, of the predicates that are true at an instant';

CREATE FUNCTION cdp.is_member(
	profile_id bigint,
	predicate cdp.predicate,
	as_of timestamptz DEFAULT cdp.clock())
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN $2 IS NOT NULL THEN (
		SELECT cardinality(evaluated.matched) > 0
		FROM cdp._evaluate_all(ARRAY[$2], $3, ARRAY[cdp.resolve($1)]) AS evaluated)
	END
$$;
COMMENT ON FUNCTION cdp.is_member(bigint, cdp.predicate, timestamptz) IS
'is the predicate true of the profile at an instant; NULL if there is no such profile or predicate';

CREATE FUNCTION cdp.segment_size(
	predicate cdp.predicate,
	as_of timestamptz DEFAULT cdp.clock())
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_store_owner('count profiles');
	RETURN CASE WHEN $1 IS NOT NULL THEN (cdp._count_all(ARRAY[$1], $2))[1] END;
END
$$;
COMMENT ON FUNCTION cdp.segment_size(cdp.predicate, timestamptz) IS
'how many profiles the predicate is true of; NULL if there is none';
