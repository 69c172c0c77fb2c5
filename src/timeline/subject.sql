-- The events of one profile in the log, found without reading the log: its
-- timeline has the name and time of each, which probe the index of the log
-- over both; those that are in no timeline yet wait in cdp.todo by their
-- numbers.  If the profile's timeline waits to be made anew (remake.sql), that is
-- done first; where it takes reading the log from end to end, so does this.

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
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._events_in_timelines($2, $1)
	UNION
	SELECT * FROM cdp._events_in_todo($2)
$$;
COMMENT ON FUNCTION cdp._events_of(bigint[], bigint[]) IS
'the keys of the events in the log that belong to a profile whose timeline is right, given by all its ids and its sets';

-- Timelines that wait to be made anew hold each other's events: all of them
-- are made, if this profile is among them.
CREATE FUNCTION cdp._settle_timelines(profile_ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	FOR attempt IN 1 .. 3 LOOP
		IF NOT EXISTS (SELECT FROM cdp.todo
			WHERE phase IN ('rebuild_timeline', 'rescan_timeline') AND ids && $1)
		THEN
			RETURN;
		END IF;
		PERFORM cdp._timeline_remake_some(2147483647);
	END LOOP;
	RAISE EXCEPTION 'could not make the timeline of a profile anew'
		USING ERRCODE = 'lock_not_available',
			DETAIL = 'Another transaction holds a profile that it shares events with.',
			HINT = 'Try again when that one has ended.';
END
$$;
COMMENT ON FUNCTION cdp._settle_timelines(bigint[]) IS
'if the timeline of a profile, given by all its ids, waits to be made anew, make all that wait';
