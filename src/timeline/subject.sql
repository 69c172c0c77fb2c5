-- The events of one profile in the log, found without reading the log: its
-- timeline has the name and time of each, which probe the index of the log
-- over both; those that are in no timeline yet wait in cdp.todo by their
-- numbers.  A profile whose timeline waits to be made anew shares its events
-- with all the others that wait (remake.sql); one that waits for the log to be
-- read from end to end ("rescan_timeline") is the one case in which this reads
-- it, too.

CREATE FUNCTION cdp._events_in_timelines(set_ids bigint[], from_ids bigint[])
RETURNS TABLE (event_id bigint, occurred_at timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
	WITH known AS MATERIALIZED (
		SELECT DISTINCT packed.name_id, packed.occurred_at
		FROM unnest($2) AS holder (profile_id)
		CROSS JOIN LATERAL (
			SELECT chunk.data
			FROM cdp.timeline_chunk AS chunk
			WHERE chunk.profile_id = holder.profile_id
			OFFSET 0
		) AS held
		CROSS JOIN LATERAL cdp.timeline_events(held.data) AS packed
	), wanted AS MATERIALIZED (
		SELECT set_id FROM unnest($1) AS set_id
	)
	SELECT found.event_id, found.occurred_at::timestamptz
	FROM known
	JOIN cdp.event_name USING (name_id)
	CROSS JOIN LATERAL (
		SELECT event.event_id, event.occurred_at
		FROM cdp.event
		WHERE event.name = event_name.name
			AND event.occurred_at = known.occurred_at
			AND event.set_id IN (SELECT wanted.set_id FROM wanted)
		OFFSET 0
	) AS found
$$;
COMMENT ON FUNCTION cdp._events_in_timelines(bigint[], bigint[]) IS
'events of the log of these sets, found by the timelines that hold them';

CREATE FUNCTION cdp._events_in_todo(set_ids bigint[])
RETURNS TABLE (event_id bigint, occurred_at timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
	SELECT found.event_id, found.occurred_at::timestamptz
	FROM cdp.todo
	CROSS JOIN LATERAL unnest(todo.ids) AS waiting (event_id)
	CROSS JOIN LATERAL (
		SELECT event.event_id, event.occurred_at, event.set_id
		FROM cdp.event
		WHERE event.event_id = waiting.event_id
		OFFSET 0
	) AS found
	WHERE todo.phase = 'timeline' AND found.set_id = ANY ($1)
$$;
COMMENT ON FUNCTION cdp._events_in_todo(bigint[]) IS
'events of the log of these sets that wait for their timelines';

CREATE FUNCTION cdp._events_of(profile_ids bigint[], set_ids bigint[])
RETURNS TABLE (event_id bigint, occurred_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	waiting bigint[] := ARRAY(
		SELECT DISTINCT unnest(todo.ids)
		FROM cdp.todo WHERE todo.phase = 'rebuild_timeline');
BEGIN
	IF EXISTS (SELECT FROM cdp.todo WHERE phase = 'rescan_timeline' AND ids && $1) THEN
		RETURN QUERY
		SELECT event.event_id, event.occurred_at::timestamptz
		FROM cdp.event WHERE event.set_id = ANY ($2);
		RETURN;
	END IF;
	RETURN QUERY
	SELECT * FROM cdp._events_in_timelines($2,
		CASE WHEN waiting && $1 THEN ARRAY(SELECT unnest(waiting || $1) GROUP BY 1) ELSE $1 END)
	UNION
	SELECT * FROM cdp._events_in_todo($2);
END
$$;
COMMENT ON FUNCTION cdp._events_of(bigint[], bigint[]) IS
'the keys of the events in the log that belong to a profile, given by all its ids and its sets';
