-- Timelines as the store keeps them: a function of the event log, the owners
-- of identifier sets and the declared properties.  Work comes as rows of
-- cdp.todo: "timeline" holds events that are in no timeline yet,
-- "rebuild_timeline" and "rescan_timeline" profiles whose timeline must be made
-- anew (remake.sql).
--
-- Locks.  Whoever changes a timeline holds the row lock of its profile, which
-- a merge of profiles takes too.  Appending and remaking never wait for it: a
-- profile that somebody else holds is left to cdp.todo.  So nothing here can
-- deadlock, and a batch only ever sees timelines that nobody else changes.
-- A rebuild of all takes the table instead.
--
-- Plans.  What touches a few profiles must use the keys, even where a table
-- was empty when its statistics were taken; hence enable_seqscan = off, and
-- OFFSET 0, which keeps a look-up from becoming a join with all there is.

CREATE FUNCTION cdp._timeline_queue_event(event text) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._add_todo('rebuild_timeline', array_agg(DISTINCT profile_id))
	FROM cdp.timeline_chunk
	WHERE $1 = '*' OR cdp.timeline_may_contain(data,
		(SELECT name_id FROM cdp.event_name WHERE name = $1))
$$;
COMMENT ON FUNCTION cdp._timeline_queue_event(text) IS
'note that timelines with such an event must be made anew; * is any event';

-- Give every name of these events a number.  Probing first keeps the numbers
-- dense; name order keeps two sessions from waiting in a circle.
CREATE FUNCTION cdp._timeline_learn_names(names text[]) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO cdp.event_name (name)
	SELECT DISTINCT seen.name COLLATE "C"
	FROM unnest($1) AS seen (name)
	WHERE NOT EXISTS (
		SELECT FROM cdp.event_name WHERE event_name.name = seen.name)
	ORDER BY seen.name COLLATE "C"
	ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION cdp._timeline_learn_names(text[]) IS
'add event names to the dictionary';

-- Lock those of these profiles that are live and that nobody else holds.
CREATE FUNCTION cdp._timeline_lock(profile_ids bigint[]) RETURNS bigint[]
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg(profile_id)
	FROM (
		SELECT profile_id
		FROM cdp.profile
		WHERE profile_id = ANY ($1) AND root = profile_id
		ORDER BY profile_id
		FOR NO KEY UPDATE SKIP LOCKED
	) AS locked
$$;
COMMENT ON FUNCTION cdp._timeline_lock(bigint[]) IS
'lock live profiles that nobody else holds and return their ids';

-- Add timelines to profiles, pairwise: one row change per chunk that differs.
CREATE FUNCTION cdp._timeline_add(profile_ids bigint[], timelines cdp.timeline[])
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
BEGIN
	WITH added AS MATERIALIZED (
		SELECT pair.profile_id, array_agg(pair.timeline) AS timelines,
			min(cdp.timeline_first(pair.timeline)) AS first_at
		FROM unnest($1, $2) AS pair (profile_id, timeline)
		WHERE cdp.timeline_count(pair.timeline) > 0
		GROUP BY pair.profile_id
	), spliced AS MATERIALIZED (
		SELECT added.profile_id, splice.chunk, splice.data
		FROM added,
			cdp._timeline_splice(added.profile_id, added.timelines,
				added.first_at) AS splice
	), written AS (
		INSERT INTO cdp.timeline_chunk AS old (profile_id, chunk, data)
		SELECT spliced.profile_id, spliced.chunk, spliced.data FROM spliced
		ON CONFLICT ON CONSTRAINT timeline_chunk_pkey DO UPDATE
		SET data = excluded.data
		WHERE old.data OPERATOR(cdp.<>) excluded.data
	)
	DELETE FROM cdp.timeline_chunk AS old
	WHERE old.ctid = ANY (ARRAY(
		SELECT beyond.ctid
		FROM (
			SELECT spliced.profile_id, max(spliced.chunk) AS last
			FROM spliced
			GROUP BY spliced.profile_id
		) AS kept,
		LATERAL (
			SELECT chunk.ctid
			FROM cdp.timeline_chunk AS chunk
			WHERE chunk.profile_id = kept.profile_id AND chunk.chunk > kept.last
			OFFSET 0
		) AS beyond));
END
$$;
COMMENT ON FUNCTION cdp._timeline_add(bigint[], cdp.timeline[]) IS
'add the events of timelines[i] to the timeline of profile_ids[i], which the caller has locked';

-- changed: the profiles whose timelines have grown; late: the events that must
-- wait because somebody else holds their profile.
CREATE FUNCTION cdp._timeline_try_append(
	event_ids bigint[],
	since timestamptz,
	until timestamptz,
	OUT changed bigint[],
	OUT late bigint[])
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
	events cdp.event[] := cdp._timeline_find_events($1, $2, $3);
	locked bigint[];
	profile_ids bigint[];
	timelines cdp.timeline[];
BEGIN
	PERFORM cdp._timeline_learn_names(array_agg(DISTINCT event.name::text))
	FROM unnest(events) AS event
	WHERE NOT EXISTS (
		SELECT FROM cdp.event_name WHERE event_name.name = event.name)
	HAVING count(*) > 0;

	locked := cdp._timeline_lock(ARRAY(
		SELECT DISTINCT owner.profile_id
		FROM unnest(events) AS event
		CROSS JOIN LATERAL (
			SELECT owned.profile_id
			FROM cdp._set_profile AS owned
			WHERE owned.set_id = event.set_id
			OFFSET 0
		) AS owner));

	-- A new snapshot: whoever held a profile before us has committed.
	WITH placed AS MATERIALIZED (
		SELECT event.event_id, event.source_id, event.name, event.occurred_at,
			event.amount, event.properties, owner.profile_id,
			held.profile_id IS NOT NULL AS is_ours
		FROM unnest(events) AS event
		CROSS JOIN LATERAL (
			SELECT owned.profile_id
			FROM cdp._set_profile AS owned
			WHERE owned.set_id = event.set_id
			OFFSET 0
		) AS owner
		LEFT JOIN unnest(locked) AS held (profile_id)
			ON held.profile_id = owner.profile_id
	), slots AS MATERIALIZED (
		SELECT * FROM cdp._event_slots
		WHERE _event_slots.name IN (SELECT placed.name FROM placed)
	), packed AS (
		SELECT placed.profile_id, cdp._timeline_agg(slots.name_id,
			placed.source_id, placed.occurred_at, placed.amount,
			placed.properties, slots.properties, slots.slots) AS chunks
		FROM placed
		JOIN slots ON slots.name = placed.name
		WHERE placed.is_ours
		GROUP BY placed.profile_id
	)
	SELECT array_agg(packed.profile_id), array_agg(chunk),
		array_agg(DISTINCT packed.profile_id),
		(SELECT array_agg(placed.event_id) FROM placed WHERE NOT is_ours)
	INTO profile_ids, timelines, changed, late
	FROM packed, unnest(packed.chunks) AS chunk;

	PERFORM cdp._timeline_add(profile_ids, timelines);
END
$$;
COMMENT ON FUNCTION cdp._timeline_try_append(bigint[], timestamptz, timestamptz) IS
'put events of the log into the timelines of those of their profiles that nobody else holds';

CREATE FUNCTION cdp._timeline_append(
	event_ids bigint[],
	since timestamptz DEFAULT '-infinity',
	until timestamptz DEFAULT 'infinity')
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed bigint[];
	late bigint[];
BEGIN
	IF cardinality($1) > 0 THEN
		SELECT * INTO changed, late FROM cdp._timeline_try_append($1, $2, $3);
		IF late IS NOT NULL THEN
			PERFORM cdp._add_todo('timeline', late);
		END IF;
	END IF;
	RETURN coalesce(changed, '{}');
END
$$;
COMMENT ON FUNCTION cdp._timeline_append(bigint[], timestamptz, timestamptz) IS
'put events of the log into the timelines of their profiles and return these; events of profiles held by others go to cdp.todo';

CREATE FUNCTION cdp._timeline_merge(from_ids bigint[], to_ids bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	profile_ids bigint[];
	timelines cdp.timeline[];
BEGIN
	-- What waits to be made anew may hold events of others, so what it is moved
	-- into waits as well.
	PERFORM cdp._add_todo('rebuild_timeline', array_agg(DISTINCT pair.to_id))
	FROM (
		SELECT DISTINCT unnest(todo.ids) AS profile_id
		FROM cdp.todo
		WHERE todo.phase IN ('rebuild_timeline', 'rescan_timeline')
	) AS waiting
	JOIN unnest($1, $2) AS pair (from_id, to_id)
		ON pair.from_id = waiting.profile_id;
	WITH moved AS (
		DELETE FROM cdp.timeline_chunk AS chunk
		USING unnest($1, $2) AS pair (from_id, to_id)
		WHERE chunk.profile_id = pair.from_id AND pair.from_id <> pair.to_id
		RETURNING pair.to_id, chunk.data
	)
	SELECT array_agg(to_id), array_agg(data) INTO profile_ids, timelines
	FROM moved;
	PERFORM cdp._timeline_add(profile_ids, timelines);
END
$$;
COMMENT ON FUNCTION cdp._timeline_merge(bigint[], bigint[]) IS
'move the timeline of from_ids[i] into that of to_ids[i]; the caller has locked both';

CREATE FUNCTION cdp._timeline_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[];
	changed bigint[];
	late bigint[];
	done bigint;
BEGIN
	PERFORM cdp._check_store();

	-- Remaking may read the whole log, so as many as may be at once.
	done := cdp._timeline_remake_some(20 * $1);
	PERFORM cdp._timeline_note_ready();
	IF done > 0 THEN
		RETURN done;
	END IF;
	ids := cdp._take_todo('timeline', $1);
	IF ids IS NULL THEN
		RETURN 0;
	END IF;
	SELECT * INTO changed, late
	FROM cdp._timeline_try_append(ids, '-infinity', 'infinity');
	PERFORM cdp._add_todo('timeline', late), cdp._add_todo('profile', changed);
	RETURN cardinality(ids) - coalesce(cardinality(late), 0);
END
$$;
COMMENT ON FUNCTION cdp._timeline_step(integer) IS
'do one batch of pending timeline work; returns how many events or profiles, 0 when there is none';

CREATE FUNCTION cdp._timeline_name_properties(properties jsonb) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(jsonb_object_agg(property_slot.property, item.value), '{}')
	FROM jsonb_each($1) AS item (key, value)
	JOIN cdp.property_slot ON property_slot.slot = item.key::integer
$$;
COMMENT ON FUNCTION cdp._timeline_name_properties(jsonb) IS
'values by slot as values by property name';

-- What its source allows to be kept no longer may be among the events yet, but not
-- in a chunk that begins later than any of that.
CREATE FUNCTION cdp.timeline_of(profile_id bigint, "limit" integer DEFAULT 100)
RETURNS TABLE (
	occurred_at timestamptz,
	name text,
	amount numeric,
	properties jsonb,
	source text)
LANGUAGE sql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
	WITH chunk AS (
		SELECT data, sum(sure.events) OVER newest_first - sure.events AS later
		FROM cdp.timeline_chunk
		CROSS JOIN LATERAL (
			SELECT CASE WHEN cdp.timeline_first(data) <= (
					SELECT max(cdp._kept_after(retention)) FROM cdp.source)
				THEN 0 ELSE cdp.timeline_count(data) END AS events
		) AS sure
		WHERE timeline_chunk.profile_id = (
			SELECT cdp._unrestricted(profile.root)
			FROM cdp.profile WHERE profile.profile_id = $1)
		WINDOW newest_first AS (ORDER BY chunk DESC)
	), newest AS (
		SELECT event.*
		FROM chunk
		CROSS JOIN LATERAL cdp.timeline_events(chunk.data) AS event
		LEFT JOIN cdp.source AS sender ON sender.source_id = event.source_id
		WHERE chunk.later < $2
			AND coalesce(event.occurred_at > cdp._kept_after(sender.retention), true)
		ORDER BY event.occurred_at DESC, event.name_id, event.source_id,
			event.amount, event.properties
		LIMIT $2
	)
	SELECT newest.occurred_at, event_name.name::text, newest.amount,
		cdp._timeline_name_properties(newest.properties), source.name::text
	FROM newest
	JOIN cdp.event_name USING (name_id)
	LEFT JOIN cdp.source USING (source_id)
	ORDER BY newest.occurred_at DESC, newest.name_id, newest.source_id,
		newest.amount, newest.properties
$$;
COMMENT ON FUNCTION cdp.timeline_of(bigint, integer) IS
'the newest events of a profile, newest first, with their declared properties';
