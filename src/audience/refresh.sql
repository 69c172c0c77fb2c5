-- A refresh evaluates segments (evaluation.sql) and writes down who is in them
-- (snapshot.sql), under the merger's lock.

CREATE FUNCTION cdp._current_run() RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT max(run_id) FROM cdp.run_log
	WHERE state = 'running' AND pid = pg_backend_pid()
$$;
COMMENT ON FUNCTION cdp._current_run() IS
'the run that this session is doing; NULL: none';

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
	run bigint;
	chosen integer[];
	versions integer[];
	ids integer[];
	predicates cdp.predicate[];
	members cdp.profile_bitmap[];
	changes bigint := 0;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_store_owner('refresh segments');
	run := cdp._current_run();
	PERFORM cdp._check_segments($1);
	PERFORM cdp._lock_merger();
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
