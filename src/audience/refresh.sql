-- Evaluate segments over all profiles in one pass: members, and segment_ids of
-- the profiles that changed, are written by the statement that evaluates.
CREATE FUNCTION cdp._evaluate_segments(
	ids integer[],
	predicates cdp.predicate[],
	as_of timestamptz)
RETURNS cdp.profile_bitmap[]
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH evaluated AS MATERIALIZED (
		SELECT profile_id, ord, matched FROM cdp._evaluate_all($2, $3)
	), changed AS (
		UPDATE cdp.profile_current AS current
		SET segment_ids = cdp._settle_segment_ids(current.segment_ids, $1, evaluated.matched)
		FROM evaluated
		WHERE current.profile_id = evaluated.profile_id
			AND current.segment_ids
				<> cdp._settle_segment_ids(current.segment_ids, $1, evaluated.matched)
	)
	SELECT array_agg(coalesce(found.members, '{}'::cdp.profile_bitmap) ORDER BY position)
	FROM generate_subscripts($1, 1) AS position
		LEFT JOIN (SELECT position, cdp.bitmap_agg(ord) AS members
			FROM evaluated, unnest(matched) AS position
			GROUP BY position) AS found USING (position)
$$;
COMMENT ON FUNCTION cdp._evaluate_segments(integer[], cdp.predicate[], timestamptz) IS
'members of segments (ascending ids) by their predicates; brings profile_current.segment_ids up to date';

-- The same, but segments that cannot be evaluated are left out, with their
-- error in cdp.segment.  Those that fail together are tried in halves, since
-- what cannot be done at once may be done one after the other.
CREATE FUNCTION cdp._evaluate_what_works(
	INOUT ids integer[],
	versions integer[],
	predicates cdp.predicate[],
	as_of timestamptz,
	OUT members cdp.profile_bitmap[])
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	half integer := cardinality(ids) / 2;
	first record;
	second record;
	message text;
BEGIN
	BEGIN
		members := cdp._evaluate_segments(ids, predicates, as_of);
		RETURN;
	EXCEPTION WHEN OTHERS THEN
		IF cdp._may_pass(SQLSTATE) THEN
			RAISE;
		END IF;
		message := SQLERRM;
	END;
	IF half = 0 THEN
		PERFORM cdp._note_failure(ids[1], versions[1], message);
		ids := '{}';
		members := '{}';
		RETURN;
	END IF;
	first := cdp._evaluate_what_works(ids[:half], versions[:half], predicates[:half], as_of);
	second := cdp._evaluate_what_works(ids[half + 1:], versions[half + 1:],
		predicates[half + 1:], as_of);
	ids := first.ids || second.ids;
	members := first.members || second.members;
END
$$;
COMMENT ON FUNCTION cdp._evaluate_what_works(integer[], integer[], cdp.predicate[], timestamptz) IS
'evaluate segments; those that fail are named in a warning and left out of ids';

-- The row is that of whoever holds the merger's lock.  The version is the one
-- that was evaluated: another definition has not failed yet.
CREATE FUNCTION cdp._note_failure(segment_id integer, version integer, message text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	failed text;
BEGIN
	SELECT defined.name INTO failed
	FROM cdp.segment_definition AS defined
	WHERE defined.segment_id = $1
	FOR KEY SHARE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	INSERT INTO cdp.segment_state (segment_id, failed_version, error)
	VALUES ($1, $2, $3)
	ON CONFLICT ON CONSTRAINT segment_state_pkey DO UPDATE
	SET failed_version = excluded.failed_version, error = excluded.error;
	UPDATE cdp.run_log SET error = concat_ws(', ', error,
		format('segment "%s" could not be evaluated', failed))
	WHERE run_id = cdp._current_run();
	RAISE WARNING 'segment "%" could not be evaluated and keeps its members', failed
		USING DETAIL = $3;
END
$$;
COMMENT ON FUNCTION cdp._note_failure(integer, integer, text) IS
'note with the segment, and with the run, that a segment could not be evaluated, and warn';

-- Sizes are logged beside each other: what entered and exited is counted
-- between the bitmaps of two refreshes, whenever it was told of.
CREATE FUNCTION cdp._log_size(
	segment_id integer,
	was cdp.profile_bitmap,
	members cdp.profile_bitmap,
	version integer,
	as_of timestamptz,
	run_id bigint)
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO cdp.segment_size_log (segment_id, version, as_of, run_id, size, entered, exited)
	VALUES ($1, $4, $5, $6, cdp.bitmap_cardinality($3),
		cdp.bitmap_andnot_cardinality($3, $2), cdp.bitmap_andnot_cardinality($2, $3))
$$;
COMMENT ON FUNCTION cdp._log_size(integer, cdp.profile_bitmap, cdp.profile_bitmap, integer, timestamptz, bigint) IS
'log the size of a segment, and who entered and exited since the refresh before';

-- Write down the members of one segment and how they changed; returns by how
-- many.  A new definition becomes a new base, anything else changes.  The
-- version is the one that was evaluated: meanwhile the segment may have been
-- defined anew, which the next refresh is for, or dropped.
CREATE FUNCTION cdp._write_membership(
	segment_id integer,
	version integer,
	members cdp.profile_bitmap,
	as_of timestamptz,
	run_id bigint)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	held cdp.segment_membership;
	same boolean;
	was cdp.profile_bitmap := coalesce(cdp._current_members(segment_id), '{}');
	entered cdp.profile_bitmap := cdp.bitmap_andnot(members, was);
	exited cdp.profile_bitmap := cdp.bitmap_andnot(was, members);
	changes bigint := cdp.bitmap_cardinality(entered) + cdp.bitmap_cardinality(exited);
	last_change bigint;
BEGIN
	PERFORM FROM cdp.segment_definition AS defined
	WHERE defined.segment_id = _write_membership.segment_id
	FOR KEY SHARE;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	SELECT * INTO held
	FROM cdp.segment_membership AS membership
	WHERE membership.segment_id = _write_membership.segment_id;
	same := coalesce(cdp.bitmap_equal(held.members, members), false);
	IF held.version = version AND changes > 0 THEN
		INSERT INTO cdp.membership_change (profile_id, segment_id, change, reason, at, run_id)
		SELECT profile.profile_id, segment_id, side.change,
			cdp._change_reason(profile.profile_id, held.as_of), as_of, run_id
		FROM (SELECT 'entered' AS change, ord FROM cdp.bitmap_members(entered) AS ord
				UNION ALL
				SELECT 'exited', ord FROM cdp.bitmap_members(exited) AS ord) AS side
			JOIN cdp.profile USING (ord)
		ORDER BY profile.profile_id;
	END IF;
	last_change := coalesce((SELECT max(change_id) FROM cdp.membership_change), 0);
	IF held.version IS DISTINCT FROM version THEN
		INSERT INTO cdp.membership_base (segment_id, folded, version, at, members)
		VALUES (segment_id, last_change, version, as_of, members)
		ON CONFLICT ON CONSTRAINT membership_base_pkey DO UPDATE
		SET version = excluded.version, members = excluded.members;
	END IF;
	IF NOT same OR held.version <> version THEN
		PERFORM cdp._log_size(segment_id, coalesce(held.members, '{}'), members,
			version, as_of, run_id);
	END IF;
	IF same THEN
		UPDATE cdp.segment_membership AS membership
		SET version = _write_membership.version, folded = last_change, as_of = _write_membership.as_of
		WHERE membership.segment_id = _write_membership.segment_id;
	ELSE
		INSERT INTO cdp.segment_membership (segment_id, version, folded, as_of, members)
		VALUES (segment_id, version, last_change, as_of, members)
		ON CONFLICT ON CONSTRAINT segment_membership_pkey DO UPDATE
		SET version = excluded.version, folded = excluded.folded,
			as_of = excluded.as_of, members = excluded.members;
	END IF;
	INSERT INTO cdp.segment_state (segment_id, size, as_of)
	VALUES (segment_id, cdp.bitmap_cardinality(members), as_of)
	ON CONFLICT ON CONSTRAINT segment_state_pkey DO UPDATE
	SET size = excluded.size, as_of = excluded.as_of, failed_version = NULL, error = NULL;
	PERFORM cdp._tell_refresh(segment_id, cdp.bitmap_cardinality(entered),
		cdp.bitmap_cardinality(exited), cdp.bitmap_cardinality(members));
	RETURN changes;
END
$$;
COMMENT ON FUNCTION cdp._write_membership(integer, integer, cdp.profile_bitmap, timestamptz, bigint) IS
'make these the members of a segment by a version of it, and log how they changed; returns the number of changes';

-- A segment that is not active has no members.
CREATE FUNCTION cdp._retire_segments(as_of timestamptz, run_id bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	retired integer[] := (SELECT array_agg(segment_id ORDER BY segment_id)
		FROM cdp.segment JOIN cdp.segment_membership USING (segment_id)
		WHERE NOT active);
	changes bigint;
BEGIN
	IF retired IS NULL THEN
		RETURN 0;
	END IF;
	SELECT sum(cdp.bitmap_cardinality(cdp._current_members(id))) INTO changes
	FROM unnest(retired) AS id;
	PERFORM cdp._tell_refresh(id, 0, cdp.bitmap_cardinality(cdp._current_members(id)), 0)
	FROM unnest(retired) AS id;
	INSERT INTO cdp.membership_base (segment_id, folded, version, at, members)
	SELECT segment_id, coalesce((SELECT max(change_id) FROM cdp.membership_change), 0),
		version, $1, '{}'
	FROM cdp.segment_membership
	WHERE segment_id = ANY (retired)
	ON CONFLICT ON CONSTRAINT membership_base_pkey DO UPDATE SET members = excluded.members;
	PERFORM cdp._log_size(segment_id, members, '{}', version, $1, $2)
	FROM cdp.segment_membership
	WHERE segment_id = ANY (retired)
	ORDER BY segment_id;
	DELETE FROM cdp.segment_membership WHERE segment_id = ANY (retired);
	UPDATE cdp.segment_state SET size = NULL, as_of = $1 WHERE segment_id = ANY (retired);
	UPDATE cdp.profile_current
	SET segment_ids = cdp._settle_segment_ids(segment_ids, retired, '{}')
	WHERE segment_ids && retired;
	RETURN changes;
END
$$;
COMMENT ON FUNCTION cdp._retire_segments(timestamptz, bigint) IS
'take the members from segments that are no longer active';

CREATE FUNCTION cdp._current_run() RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT max(run_id) FROM cdp.run_log
	WHERE state = 'running' AND pid = pg_backend_pid()
$$;
COMMENT ON FUNCTION cdp._current_run() IS
'the run that this session is doing; NULL: none';

-- A table of few rows is hardly ever analysed, and the planner takes one that
-- never was for a thousand rows: of bitmaps, that would be millions of members.
CREATE FUNCTION cdp._count_memberships() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF (SELECT reltuples FROM pg_class WHERE oid = 'cdp.segment_membership'::regclass)
			<> (SELECT count(*) FROM cdp.segment_membership) THEN
		ANALYZE cdp.segment_membership;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._count_memberships() IS
'tell the planner how many segments there are';

-- A statement that waited for the merger's lock began before the refresh that
-- it waited for; membership must not go back in time.  A test clock may.
CREATE FUNCTION cdp._membership_instant() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT CASE WHEN coalesce(current_setting('cdp.test_clock', true), '') = ''
			THEN greatest(cdp.clock(), max(as_of)) ELSE cdp.clock() END
		FROM cdp.segment_membership);
END
$$;
COMMENT ON FUNCTION cdp._membership_instant() IS
'the instant of an evaluation, under the merger''s lock: now, but never before the last one';

CREATE FUNCTION cdp.refresh_segments(segments text[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	instant timestamptz;
	run bigint := cdp._current_run();
	chosen integer[];
	versions integer[];
	ids integer[];
	predicates cdp.predicate[];
	members cdp.profile_bitmap[];
	changes bigint := 0;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_segments($1);
	PERFORM pg_advisory_xact_lock(6513776, 2);
	instant := cdp._membership_instant();
	PERFORM cdp._drop_merged_rows();
	IF $1 IS NULL THEN
		DELETE FROM cdp.todo WHERE phase = 'segment';
		changes := cdp._retire_segments(instant, run);
	END IF;
	SELECT array_agg(segment_id ORDER BY segment_id), array_agg(version ORDER BY segment_id),
		array_agg(predicate ORDER BY segment_id)
	INTO chosen, versions, predicates
	FROM cdp.segment_definition
	WHERE active AND ($1 IS NULL OR name = ANY ($1));
	IF chosen IS NOT NULL THEN
		SELECT evaluated.ids, evaluated.members INTO ids, members
		FROM cdp._evaluate_what_works(chosen, versions, predicates, instant) AS evaluated;
		SELECT changes + coalesce(sum(cdp._write_membership(ids[n],
			versions[array_position(chosen, ids[n])], members[n], instant, run)), 0)
		INTO changes
		FROM generate_subscripts(ids, 1) AS n;
	END IF;
	PERFORM cdp._count_memberships();
	IF $1 IS NULL THEN
		UPDATE cdp.segment_refresh SET refreshed_at = instant, run_id = run;
	END IF;
	RETURN changes;
END
$$;
COMMENT ON FUNCTION cdp.refresh_segments(text[]) IS
'evaluate segments (NULL: all that are active) over all profiles at one instant; returns how many profiles entered or left';

-- A run refreshes once, at its end: each refresh is a full pass.
CREATE FUNCTION cdp._segment_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM cdp.segment_refresh
			WHERE run_id = cdp._current_run()
				OR refreshed_at + cdp._read_setting('refresh_every'::text)::interval > cdp.clock()) THEN
		RETURN 0;
	END IF;
	RETURN cdp.refresh_segments();
END
$$;
COMMENT ON FUNCTION cdp._segment_step(integer) IS
'the segment phase of a run: one refresh, unless refresh_every says later';

CREATE FUNCTION cdp._segment_rebuild(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp.refresh_segments();
	RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._segment_rebuild(integer) IS
'make bitmaps and segment_ids anew, which is what every refresh does';

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
	IF NOT pg_try_advisory_xact_lock(6513776, 2) THEN
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
		), noted AS (
			INSERT INTO cdp.membership_change (profile_id, segment_id, change, reason, at)
			SELECT profile_id, side.id, side.change,
				cdp._change_reason(profile_id, held.as_of), $4
			FROM changed
				CROSS JOIN LATERAL (
					SELECT id, 'entered' AS change FROM unnest(now_in) AS id WHERE id <> ALL (was)
					UNION ALL
					SELECT id, 'exited' FROM unnest(was) AS id WHERE id <> ALL (now_in)) AS side
				JOIN cdp.segment_membership AS held ON held.segment_id = side.id
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
			SELECT gone.profile_id, held.segment_id, held.as_of
			FROM gone
				CROSS JOIN unnest(gone.segment_ids) AS member (id)
				JOIN cdp.segment_membership AS held ON held.segment_id = member.id
		), explained AS MATERIALIZED (
			SELECT profile_id, as_of, cdp._change_reason(profile_id, as_of) AS reason
			FROM (SELECT DISTINCT profile_id, as_of FROM left_by) AS asked
		), exited AS (
			INSERT INTO cdp.membership_change (profile_id, segment_id, change, reason, at, run_id)
			SELECT profile_id, segment_id, 'exited', reason, instant, run
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
