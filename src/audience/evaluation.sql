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
