-- Predicates evaluated from the event log.  The evaluator reads timelines; here
-- it is given ones that are made of the log for it, with the events and
-- properties that the predicates ask for, declared or not.  So there is one
-- evaluator, and nothing but its input differs.  Events that wait for their
-- timeline in cdp.todo are left out, as they are there.
CREATE FUNCTION cdp._has_undeclared(predicates cdp.predicate[], context jsonb)
RETURNS boolean
LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'cdp__has_undeclared';
COMMENT ON FUNCTION cdp._has_undeclared(cdp.predicate[], jsonb) IS
'is one of these predicates about a property of events that timelines do not hold';

CREATE FUNCTION cdp._undeclared(
	predicates cdp.predicate[],
	context jsonb,
	OUT place integer,
	OUT event text,
	OUT property text)
RETURNS SETOF record
LANGUAGE c STABLE STRICT ROWS 3
AS 'MODULE_PATHNAME', 'cdp__undeclared';
COMMENT ON FUNCTION cdp._undeclared(cdp.predicate[], jsonb) IS
'the properties that these predicates, numbered from 1, ask for and timelines do not hold; * is any event';

CREATE FUNCTION cdp._asked_events(predicates cdp.predicate[], context jsonb)
RETURNS integer[]
LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'cdp__asked_events';
COMMENT ON FUNCTION cdp._asked_events(cdp.predicate[], jsonb) IS
'the numbers of the events that these predicates are about; NULL: any event';

-- The context in which all properties are declared that the predicates ask for.
-- One that has a slot keeps it, others get slots that are free.
CREATE FUNCTION cdp._wide_context(predicates cdp.predicate[], context jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	properties jsonb := coalesce($2 -> 'properties', '{}');
	asked jsonb;
	lacks_slots boolean;
BEGIN
	WITH undeclared AS (
		SELECT DISTINCT event, property FROM cdp._undeclared($1, $2)
	), slotted AS (
		SELECT needed.property, coalesce(needed.slot, free.slot) AS slot
		FROM (
			SELECT property, property_slot.slot, row_number() OVER (
				PARTITION BY property_slot.slot IS NULL ORDER BY property COLLATE "C") AS place
			FROM (SELECT DISTINCT property FROM undeclared) AS known
			LEFT JOIN cdp.property_slot USING (property)
		) AS needed
		LEFT JOIN (
			SELECT slot, row_number() OVER (ORDER BY slot) AS place
			FROM generate_series(1, 255) AS slot
			WHERE slot NOT IN (SELECT property_slot.slot FROM cdp.property_slot)
		) AS free ON free.place = needed.place AND needed.slot IS NULL
	), by_event AS (
		SELECT event, jsonb_object_agg(property, slot) AS slots,
			bool_or(slot IS NULL) AS lacks_slots
		FROM undeclared JOIN slotted USING (property)
		GROUP BY event
	)
	SELECT jsonb_object_agg(event, coalesce(properties -> event, '{}') || slots),
		bool_or(by_event.lacks_slots)
	INTO asked, lacks_slots
	FROM by_event;
	IF lacks_slots THEN
		RAISE EXCEPTION 'more than 255 properties of events are declared or asked for'
			USING ERRCODE = 'program_limit_exceeded',
				HINT = 'Free some with cdp.undeclare_property().';
	END IF;
	RETURN $2 || jsonb_build_object('properties', properties || coalesce(asked, '{}'));
END
$$;
COMMENT ON FUNCTION cdp._wide_context(cdp.predicate[], jsonb) IS
'a context in which every property that the predicates ask for has a slot';

-- What timelines by that context hold of these events (NULL: all).
CREATE FUNCTION cdp._wide_slots(context jsonb, name_ids integer[])
RETURNS TABLE (name_id integer, name text, properties text[], slots integer[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT event_name.name_id, event_name.name::text, held.properties, held.slots
	FROM cdp.event_name
	CROSS JOIN LATERAL (
		SELECT array_agg(declared.key ORDER BY declared.value::integer) AS properties,
			array_agg(declared.value::integer ORDER BY declared.value::integer) AS slots
		FROM jsonb_each_text(coalesce($1 -> 'properties' -> '*', '{}')
			|| coalesce($1 -> 'properties' -> event_name.name::text, '{}')) AS declared
	) AS held
	WHERE $2 IS NULL OR event_name.name_id = ANY ($2)
$$;
COMMENT ON FUNCTION cdp._wide_slots(jsonb, integer[]) IS
'events with the properties and slots that the context gives them';

-- The events of all profiles, or of a few.  Of all, the plan is made for these
-- names, since they may be most of the log or next to nothing.  Of a few they
-- are found by name and time, which their timelines know: no index of the log
-- leads to a profile.  Each by its own, even if another's timeline holds some of
-- them until it is made anew, or the answer would depend on who else is asked.
CREATE FUNCTION cdp._pack_log(
	context jsonb,
	name_ids integer[],
	until timestamptz)
RETURNS TABLE (profile_id bigint, chunks cdp.timeline[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	names text[] := CASE WHEN $2 IS NOT NULL THEN ARRAY(
		SELECT event_name.name::text
		FROM cdp.event_name
		WHERE event_name.name_id = ANY ($2))
	END;
BEGIN
	RETURN QUERY
	SELECT owner.profile_id, cdp._timeline_agg(slots.name_id, event.source_id,
		event.occurred_at, event.amount, event.properties, slots.properties,
		slots.slots)
	FROM cdp._wide_slots($1, $2) AS slots
	JOIN cdp.event ON event.name = slots.name AND event.occurred_at < $3
	JOIN cdp._set_profile AS owner USING (set_id)
	WHERE (names IS NULL OR event.name = ANY (names))
		AND NOT EXISTS (
			SELECT
			FROM cdp.todo, unnest(todo.ids) AS waiting (event_id)
			WHERE todo.phase = 'timeline' AND waiting.event_id = event.event_id)
	GROUP BY owner.profile_id;
END
$$;
COMMENT ON FUNCTION cdp._pack_log(jsonb, integer[], timestamptz) IS
'the events of all profiles before an instant, packed from the log';

CREATE FUNCTION cdp._pack_few(
	context jsonb,
	name_ids integer[],
	profile_ids bigint[])
RETURNS TABLE (profile_id bigint, chunks cdp.timeline[])
LANGUAGE sql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	WITH slots AS MATERIALIZED (
		SELECT * FROM cdp._wide_slots($1, $2)
	)
	SELECT log.profile_id, cdp._timeline_agg(log.name_id, log.source_id,
		log.occurred_at, log.amount, log.properties, slots.properties,
		slots.slots)
	FROM cdp._timeline_log($3, NULL, $2) AS log
	JOIN slots USING (name_id)
	GROUP BY log.profile_id
$$;
COMMENT ON FUNCTION cdp._pack_few(jsonb, integer[], bigint[]) IS
'the events of these profiles, packed from the log';

CREATE FUNCTION cdp._evaluate_log(
	predicates cdp.predicate[],
	as_of timestamptz,
	profile_ids bigint[])
RETURNS TABLE (profile_id bigint, ord integer, matched integer[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	context jsonb := cdp._wide_context($1, cdp._evaluation_context());
	name_ids integer[] := cdp._asked_events($1, context);
	asks_suppressed boolean := cdp._asks_suppressed($1, context);
BEGIN
	RETURN QUERY
	SELECT current.profile_id, current.ord,
		cdp._evaluate($1, context, $2, current.profile_id, packed.chunks[1],
			packed.chunks[2:], cdp._facts(current, score, held.channels))
	FROM cdp.profile_current AS current
	LEFT JOIN (
		SELECT * FROM cdp._pack_log(context, name_ids, $2) WHERE $3 IS NULL
		UNION ALL
		SELECT * FROM cdp._pack_few(context, name_ids, $3) WHERE $3 IS NOT NULL
	) AS packed ON packed.profile_id = current.profile_id
	LEFT JOIN cdp.profile_score AS score
		ON score.profile_id = current.profile_id
	LEFT JOIN (
		SELECT suppressed.profile_id, suppressed.channels
		FROM cdp._suppressed AS suppressed
		WHERE asks_suppressed
	) AS held ON held.profile_id = current.profile_id
	WHERE $3 IS NULL OR current.profile_id = ANY ($3);
END
$$;
COMMENT ON FUNCTION cdp._evaluate_log(cdp.predicate[], timestamptz, bigint[]) IS
'as cdp._evaluate_all(), with events from the log';

-- Only the predicates that need the log are evaluated from it.
CREATE FUNCTION cdp._evaluate_mixed(
	predicates cdp.predicate[],
	as_of timestamptz,
	profile_ids bigint[])
RETURNS TABLE (profile_id bigint, ord integer, matched integer[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	from_log integer[] := ARRAY(
		SELECT DISTINCT place
		FROM cdp._undeclared($1, cdp._evaluation_context())
		ORDER BY place);
	others integer[] := ARRAY(
		SELECT place
		FROM generate_subscripts($1, 1) AS place
		WHERE place <> ALL (from_log)
		ORDER BY place);
BEGIN
	RETURN QUERY
	SELECT log.profile_id, log.ord, ARRAY(
		SELECT from_log[number] FROM unnest(log.matched) AS number
		UNION ALL
		SELECT others[number] FROM unnest(packed.matched) AS number
		ORDER BY 1)
	FROM cdp._evaluate_log(ARRAY(SELECT $1[place] FROM unnest(from_log) AS place),
		$2, $3) AS log
	LEFT JOIN cdp._evaluate_all(ARRAY(SELECT $1[place] FROM unnest(others) AS place),
		$2, $3) AS packed USING (profile_id);
END
$$;
COMMENT ON FUNCTION cdp._evaluate_mixed(cdp.predicate[], timestamptz, bigint[]) IS
'as cdp._evaluate_all(), where some of the predicates are about properties that timelines do not hold';

-- One predicate, asked of all profiles, whose events are a small part of all:
-- then finding them by name costs less than reading every timeline.  They are
-- counted by the index that leads to them: a scan of the log that finds none of
-- a name costs more than either.
CREATE FUNCTION cdp._is_about_few(predicates cdp.predicate[], profile_ids bigint[])
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
	name_ids integer[];
	chunks real;
BEGIN
	IF $2 IS NOT NULL OR cardinality($1) <> 1 THEN
		RETURN false;
	END IF;
	name_ids := cdp._asked_events($1, cdp._evaluation_context());
	IF coalesce(cardinality(name_ids), 0) = 0 THEN
		RETURN name_ids IS NOT NULL;
	END IF;
	SELECT reltuples INTO chunks
	FROM pg_class
	WHERE oid = 'cdp.timeline_chunk'::regclass;
	RETURN (
		SELECT count(*) * 20 <= chunks
		FROM (
			SELECT
			FROM cdp.event
			WHERE event.name = ANY (ARRAY(
				SELECT event_name.name
				FROM cdp.event_name
				WHERE event_name.name_id = ANY (name_ids)))
			LIMIT greatest(ceil(chunks / 20), 0) + 1
		) AS few);
END
$$;
COMMENT ON FUNCTION cdp._is_about_few(cdp.predicate[], bigint[]) IS
'is this one predicate, for all profiles, about so few events that it is faster from the log';
