-- Between refreshes: what ingest finds of its own profiles, and profiles that
-- lose their rows, is appended to membership_change.

-- Ingest's own profiles, at once: every segment that was refreshed under its
-- present definition and has no error.  What cannot be done now is left to the
-- next refresh.
CREATE FUNCTION cdp._evaluate_profiles(profile_ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	instant timestamptz;
	ids integer[];
	versions integer[];
	predicates cdp.predicate[];
BEGIN
	SELECT array_agg(segment_id ORDER BY segment_id),
		array_agg(defined.version ORDER BY segment_id),
		array_agg(predicate ORDER BY segment_id)
	INTO ids, versions, predicates
	FROM cdp.segment_definition AS defined
		JOIN cdp.segment_membership AS held USING (segment_id)
		LEFT JOIN cdp.segment_state AS state USING (segment_id)
	WHERE active AND held.version = defined.version
		AND state.failed_version IS DISTINCT FROM defined.version;
	IF ids IS NULL THEN
		RETURN;
	END IF;
	IF NOT cdp._try_lock_merger() THEN
		PERFORM cdp._add_todo('segment', $1);
		RETURN;
	END IF;
	instant := cdp._membership_instant();
	PERFORM cdp._note_what_works($1, ids, versions, predicates, instant);
END
$$;
COMMENT ON FUNCTION cdp._evaluate_profiles(bigint[]) IS
'bring the memberships of these profiles up to date at once; the caller holds their rows of cdp.profile';

-- In halves, as in a refresh: a segment that fails is left out of what comes
-- next, since it has an error then.
CREATE FUNCTION cdp._note_what_works(
	profile_ids bigint[],
	ids integer[],
	versions integer[],
	predicates cdp.predicate[],
	as_of timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	half integer := cardinality(ids) / 2;
	message text;
BEGIN
	BEGIN
		PERFORM cdp._note_changes($1, ids, predicates, as_of);
		RETURN;
	EXCEPTION WHEN OTHERS THEN
		IF cdp._may_pass(SQLSTATE) THEN
			RAISE;
		END IF;
		message := SQLERRM;
	END;
	IF half = 0 THEN
		PERFORM cdp._note_failure(ids[1], versions[1], message);
		RETURN;
	END IF;
	PERFORM cdp._note_what_works($1, ids[:half], versions[:half], predicates[:half], as_of);
	PERFORM cdp._note_what_works($1, ids[half + 1:], versions[half + 1:],
		predicates[half + 1:], as_of);
END
$$;
COMMENT ON FUNCTION cdp._note_what_works(bigint[], integer[], integer[], cdp.predicate[], timestamptz) IS
'cdp._note_changes() of those segments that can be evaluated; others are named in a warning';

CREATE FUNCTION cdp._note_changes(
	profile_ids bigint[],
	ids integer[],
	predicates cdp.predicate[],
	as_of timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	noted record;
BEGIN
	FOR noted IN
		WITH evaluated AS MATERIALIZED (
			SELECT profile_id, segment_ids AS was,
				cdp._settle_segment_ids(segment_ids, $2, matched) AS now_in
			FROM cdp._evaluate_few($3, $4, $1)
		), changed AS (
			SELECT profile_id, was, now_in FROM evaluated WHERE was <> now_in
		), written AS (
			UPDATE cdp.profile_current AS current
			SET segment_ids = now_in
			FROM changed
			WHERE current.profile_id = changed.profile_id
			RETURNING current.profile_id, current.ord, changed.was, changed.now_in
		), noted AS (
			INSERT INTO cdp.membership_change (profile_id, segment_id, change, reason, at, ord)
			SELECT profile_id, side.id, side.change,
				cdp._change_reason(profile_id, held.as_of, causes.asks_consent,
					causes.redefined), $4, ord
			FROM written
				CROSS JOIN LATERAL (
					SELECT id, 'entered' AS change FROM unnest(now_in) AS id WHERE id <> ALL (was)
					UNION ALL
					SELECT id, 'exited' FROM unnest(was) AS id WHERE id <> ALL (now_in)) AS side
				JOIN cdp.segment_membership AS held ON held.segment_id = side.id
				CROSS JOIN LATERAL cdp._segment_causes(side.id, held.as_of) AS causes
			ORDER BY profile_id, side.id
			RETURNING profile_id, segment_id, change
		)
		SELECT profile_id, segment_id, change
		FROM noted JOIN cdp.segment USING (segment_id)
		WHERE segment.notify
	LOOP
		PERFORM cdp._tell_change(noted.segment_id, noted.profile_id, noted.change);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp._note_changes(bigint[], integer[], cdp.predicate[], timestamptz) IS
'evaluate segments for some profiles, append to membership_change, update segment_ids and tell listeners';

-- A profile that loses its row is in nothing any more, so that one that it
-- gets later, such as after a split, begins with nothing.
CREATE FUNCTION cdp._note_exits() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	instant timestamptz;
	run bigint;
	noted record;
BEGIN
	IF NOT EXISTS (SELECT FROM gone WHERE segment_ids <> '{}') THEN
		RETURN NULL;
	END IF;
	instant := cdp._membership_instant();
	run := cdp._current_run();
	FOR noted IN
		WITH left_by AS MATERIALIZED (
			SELECT gone.profile_id, gone.ord, held.segment_id, held.as_of
			FROM gone
				CROSS JOIN unnest(gone.segment_ids) AS member (id)
				JOIN cdp.segment_membership AS held ON held.segment_id = member.id
		), explained AS MATERIALIZED (
			SELECT profile_id, as_of, cdp._change_reason(profile_id, as_of, false, false) AS reason
			FROM (SELECT DISTINCT profile_id, as_of FROM left_by) AS asked
		), exited AS (
			INSERT INTO cdp.membership_change (profile_id, segment_id, change, reason, at, run_id, ord)
			SELECT profile_id, segment_id, 'exited', reason, instant, run, ord
			FROM left_by JOIN explained USING (profile_id, as_of)
			ORDER BY profile_id, segment_id
			RETURNING profile_id, segment_id
		)
		SELECT exited.profile_id, exited.segment_id
		FROM exited JOIN cdp.segment USING (segment_id)
		WHERE segment.notify
	LOOP
		PERFORM cdp._tell_change(noted.segment_id, noted.profile_id, 'exited');
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._note_exits() IS
'trigger: append the exits of profiles that have lost their rows to membership_change, and tell listeners';
