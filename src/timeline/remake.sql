-- Timelines made anew from the event log: a few profiles' as work of cdp.todo,
-- or everybody's.
--
-- No index of the log leads to a profile, but a timeline has each event's name
-- and time, which do.  A timeline that must be made anew is wrong about whose
-- its events are; yet whoever moves a set from one profile to another notes
-- both of them as "rebuild_timeline", and whoever moves the timeline of one that
-- is noted into another notes that.  So the events of all that are noted are in
-- timelines of those that are noted, as long as all of them are made anew at
-- once.  Where that fails, the log is read from end to end, and what then
-- remains to be done is noted as "rescan_timeline", as are profiles that got a
-- set whose events are in no timeline, because it was nobody's.

-- The events of the log that belong to profile_ids and that timelines of
-- from_ids hold (NULL: of each profile those that its own does), of these names
-- (NULL: of any).  Events that wait for their timeline in cdp.todo are left out.
CREATE FUNCTION cdp._timeline_log(
	profile_ids bigint[],
	from_ids bigint[],
	name_ids integer[])
RETURNS TABLE (
	profile_id bigint,
	name_id integer,
	source_id integer,
	occurred_at timestamptz,
	amount numeric,
	properties jsonb)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
	WITH wanted_set AS MATERIALIZED (
		SELECT held.set_id
		FROM (
			SELECT wanted.profile_id AS leaf FROM unnest($1) AS wanted (profile_id)
			UNION ALL
			SELECT merged.profile_id
			FROM unnest($1) AS wanted (profile_id)
			JOIN cdp.profile AS merged ON merged.root = wanted.profile_id
				AND merged.root <> merged.profile_id
		) AS own
		JOIN cdp.identifier ON identifier.leaf = own.leaf
		JOIN cdp.identifier_set_member AS member
			ON member.identifier_id = identifier.identifier_id
		JOIN cdp.identifier_set AS held ON held.set_id = member.set_id
			AND held.owner = identifier.identifier_id
	), known AS MATERIALIZED (
		SELECT DISTINCT packed.name_id, packed.occurred_at,
			CASE WHEN $2 IS NULL THEN holder.profile_id END AS only_of
		FROM unnest(coalesce($2, $1)) AS holder (profile_id)
		CROSS JOIN LATERAL (
			SELECT chunk.data
			FROM cdp.timeline_chunk AS chunk
			WHERE chunk.profile_id = holder.profile_id
			OFFSET 0
		) AS held
		CROSS JOIN LATERAL cdp.timeline_events(held.data, $3) AS packed
	)
	SELECT found.profile_id, known.name_id, found.source_id, found.occurred_at,
		found.amount, found.properties
	FROM known
	JOIN cdp.event_name USING (name_id)
	CROSS JOIN LATERAL (
		SELECT event.event_id, event.source_id, event.occurred_at, event.amount,
			event.properties, owner.profile_id
		FROM cdp.event
		CROSS JOIN LATERAL (
			SELECT owned.profile_id
			FROM cdp._set_profile AS owned
			WHERE owned.set_id = event.set_id
			OFFSET 0
		) AS owner
		WHERE event.name = event_name.name
			AND event.occurred_at = known.occurred_at
			AND event.set_id IN (SELECT wanted_set.set_id FROM wanted_set)
		OFFSET 0
	) AS found
	WHERE (known.only_of IS NULL OR found.profile_id = known.only_of)
		AND found.event_id NOT IN (
			SELECT waiting.event_id
			FROM cdp.todo, unnest(todo.ids) AS waiting (event_id)
			WHERE todo.phase = 'timeline')
$$;
COMMENT ON FUNCTION cdp._timeline_log(bigint[], bigint[], integer[]) IS
'the events of the log that belong to profiles, found by the timelines that hold them';

CREATE FUNCTION cdp._timeline_pack_few(profile_ids bigint[], from_ids bigint[])
RETURNS TABLE (profile_id bigint, chunks cdp.timeline[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH slots AS MATERIALIZED (
		SELECT * FROM cdp._event_slots
	)
	SELECT log.profile_id, cdp._timeline_agg(log.name_id, log.source_id,
		log.occurred_at, log.amount, log.properties, slots.properties,
		slots.slots)
	FROM cdp._timeline_log($1, $2, NULL) AS log
	JOIN slots USING (name_id)
	GROUP BY log.profile_id
$$;
COMMENT ON FUNCTION cdp._timeline_pack_few(bigint[], bigint[]) IS
'timelines of profiles whose events are in timelines of from_ids';

CREATE FUNCTION cdp._timeline_pack_all(profile_ids bigint[])
RETURNS TABLE (profile_id bigint, chunks cdp.timeline[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH slots AS MATERIALIZED (
		SELECT * FROM cdp._event_slots
	)
	SELECT owner.profile_id, cdp._timeline_agg(slots.name_id, event.source_id,
		event.occurred_at, event.amount, event.properties, slots.properties,
		slots.slots)
	FROM cdp.event
	JOIN cdp._set_profile AS owner USING (set_id)
	JOIN slots ON slots.name = event.name
	WHERE ($1 IS NULL OR owner.profile_id IN (SELECT unnest($1)))
		AND NOT EXISTS (
			SELECT
			FROM cdp.todo, unnest(todo.ids) AS waiting (event_id)
			WHERE todo.phase = 'timeline' AND waiting.event_id = event.event_id)
	GROUP BY owner.profile_id
$$;
COMMENT ON FUNCTION cdp._timeline_pack_all(bigint[]) IS
'timelines of these profiles (NULL: of all), by reading the whole log';

-- Make the timelines of these profiles (NULL: of all) from the log, all of it
-- or, if from_ids are given, what their timelines lead to.  Events that wait in
-- cdp.todo are left to it, or they would come twice.
CREATE FUNCTION cdp._timeline_make(
	profile_ids bigint[],
	from_ids bigint[] DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH packed AS MATERIALIZED (
		SELECT * FROM cdp._timeline_pack_all($1) WHERE $2 IS NULL
		UNION ALL
		SELECT * FROM cdp._timeline_pack_few($1, $2) WHERE $2 IS NOT NULL
	), written AS (
		INSERT INTO cdp.timeline_chunk AS old (profile_id, chunk, data)
		SELECT packed.profile_id, made.chunk, made.data
		FROM packed, unnest(packed.chunks) WITH ORDINALITY AS made (data, chunk)
		ON CONFLICT (profile_id, chunk) DO UPDATE
		SET data = excluded.data
		WHERE old.data OPERATOR(cdp.<>) excluded.data
	)
	DELETE FROM cdp.timeline_chunk AS old
	USING cdp.timeline_chunk AS every
	LEFT JOIN packed ON packed.profile_id = every.profile_id
	WHERE old.profile_id = every.profile_id AND old.chunk = every.chunk
		AND ($1 IS NULL OR every.profile_id IN (SELECT unnest($1)))
		AND every.chunk > coalesce(cardinality(packed.chunks), 0)
$$;
COMMENT ON FUNCTION cdp._timeline_make(bigint[], bigint[]) IS
'make timelines anew from the log, of these profiles, which the caller has locked, or of all';

-- An event looked up costs about as much as twenty that are read in a row.  A
-- thousand are few in any log.
CREATE FUNCTION cdp._timeline_are_few(profile_ids bigint[]) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(sum(cdp.timeline_count(chunk.data)), 0) <= greatest(1000, (
		SELECT sum(reltuples) / 20
		FROM pg_inherits
		JOIN pg_class ON pg_class.oid = inhrelid
		WHERE inhparent = 'cdp.event'::regclass))
	FROM cdp.timeline_chunk AS chunk
	WHERE chunk.profile_id = ANY ($1)
$$;
COMMENT ON FUNCTION cdp._timeline_are_few(bigint[]) IS
'are the events of these timelines so few that looking them up costs less than reading the log';

-- A profile may have become part of another since it was noted: then that one
-- was given a timeline that is not right.
CREATE FUNCTION cdp._timeline_remake(profile_ids bigint[], rescan boolean)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint[] := ARRAY(
		SELECT DISTINCT profile.root
		FROM cdp.profile
		WHERE profile.profile_id = ANY ($1));
	locked bigint[] := coalesce(cdp._timeline_lock(live), '{}');
	holders bigint[] := $1 || live;
	late bigint[];
BEGIN
	-- Those held by others stay: when they are free, the timelines that lead to
	-- their events may be made anew, so the log will tell.
	SELECT array_agg(DISTINCT profile.root) INTO late
	FROM cdp.profile
	WHERE profile.profile_id = ANY (live) AND profile.root <> ALL (locked);
	PERFORM cdp._add_todo('rescan_timeline', late);

	IF rescan OR NOT cdp._timeline_are_few(holders) THEN
		holders := NULL;
	END IF;
	IF cardinality(locked) > 0 THEN
		PERFORM cdp._timeline_make(locked, holders);
	END IF;
	-- Ids that are no longer live have no timeline.
	DELETE FROM cdp.timeline_chunk AS chunk
	USING cdp.profile
	WHERE profile.profile_id = ANY ($1) AND profile.root <> profile.profile_id
		AND chunk.profile_id = profile.profile_id;
	PERFORM cdp._add_todo('profile', locked);
	RETURN cardinality($1) - coalesce(cardinality(late), 0);
END
$$;
COMMENT ON FUNCTION cdp._timeline_remake(bigint[], boolean) IS
'make the timelines of these profiles, or of what they are part of now, anew and note that their rows must follow; profiles held by others stay in cdp.todo';

-- Take noted profiles and make their timelines anew.  If not all of those that
-- wait could be taken, the log must be read for the others, too.
CREATE FUNCTION cdp._timeline_remake_some(units integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	lost bigint[] := cdp._take_todo('rescan_timeline', $1);
	known bigint[] := cdp._take_todo('rebuild_timeline', $1);
BEGIN
	IF lost IS NULL AND known IS NULL THEN
		RETURN 0;
	END IF;
	UPDATE cdp.todo SET phase = 'rescan_timeline' WHERE phase = 'rebuild_timeline';
	RETURN cdp._timeline_remake(
		ARRAY(SELECT unnest(lost || known) GROUP BY 1), lost IS NOT NULL OR FOUND);
END
$$;
COMMENT ON FUNCTION cdp._timeline_remake_some(integer) IS
'make the timelines of about "units" of the noted profiles anew; returns of how many';

CREATE FUNCTION cdp._timeline_rebuild(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	LOCK TABLE cdp.timeline_chunk IN SHARE ROW EXCLUSIVE MODE;
	PERFORM cdp._timeline_learn_names(array_agg(DISTINCT event.name))
	FROM cdp.event;
	PERFORM cdp._timeline_make(NULL);
	UPDATE cdp.todo SET phase = 'profile'
	WHERE phase IN ('rebuild_timeline', 'rescan_timeline');
	PERFORM cdp._timeline_note_ready();
	RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._timeline_rebuild(integer) IS
'make all timelines anew from the log';
