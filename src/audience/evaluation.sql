-- Members of segments and, at the end, the profiles that are in others of these
-- segments than their segment_ids say.
CREATE FUNCTION cdp._gather_members_add(
	state internal,
	ord integer,
	was integer[],
	evaluated integer[],
	matched integer[])
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__gather_members_add';

CREATE FUNCTION cdp._gather_members_combine(a internal, b internal) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__gather_members_combine';

CREATE FUNCTION cdp._gather_members_ship(state internal) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__gather_members_ship';

CREATE FUNCTION cdp._gather_members_unpack(state bytea, internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__gather_members_unpack';

CREATE FUNCTION cdp._gather_members_end(state internal) RETURNS cdp.profile_bitmap[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__gather_members_end';

CREATE AGGREGATE cdp._gather_members(ord integer, was integer[], evaluated integer[], matched integer[]) (
	SFUNC = cdp._gather_members_add, STYPE = internal,
	FINALFUNC = cdp._gather_members_end,
	COMBINEFUNC = cdp._gather_members_combine,
	SERIALFUNC = cdp._gather_members_ship, DESERIALFUNC = cdp._gather_members_unpack,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cdp._gather_members(integer, integer[], integer[], integer[]) IS
'members of each of the evaluated segments (ascending ids, matched by position), and last those whose segments changed; of no rows, NULL';

-- One pass over all profiles, in parallel: PL/pgSQL runs RETURN with workers,
-- what it assigns to a variable or selects into one without.
CREATE FUNCTION cdp._gather_segments(
	ids integer[],
	predicates cdp.predicate[],
	as_of timestamptz)
RETURNS cdp.profile_bitmap[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
	context jsonb := cdp._evaluation_context();
	asks_facts boolean := cdp._asks_facts($2, context);
	asks_suppressed boolean := cdp._asks_suppressed($2, context);
BEGIN
	IF cdp._has_undeclared($2, context) OR cdp._is_about_few($2, NULL) THEN
		RETURN (
			SELECT cdp._gather_members(current.ord, current.segment_ids, $1, evaluated.matched)
			FROM cdp._evaluate_all($2, $3) AS evaluated
			JOIN cdp.profile_current AS current USING (profile_id));
	END IF;
	RETURN (
		SELECT cdp._gather_members(scan.ord, scan.segment_ids, $1, scan.matched)
		FROM cdp._evaluate_scan($2, context, $3, NULL, asks_facts, asks_suppressed) AS scan);
END
$$;
COMMENT ON FUNCTION cdp._gather_segments(integer[], cdp.predicate[], timestamptz) IS
'members of segments (ascending ids) by their predicates and, last, the profiles whose segment_ids are others; NULL: there are no profiles';

-- Evaluate segments over all profiles, and bring segment_ids of those that
-- changed up to date.
CREATE FUNCTION cdp._evaluate_segments(
	ids integer[],
	predicates cdp.predicate[],
	as_of timestamptz)
RETURNS cdp.profile_bitmap[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	count integer := cardinality($1);
	gathered cdp.profile_bitmap[] := coalesce(cdp._gather_segments($1, $2, $3),
		array_fill('{}'::cdp.profile_bitmap, ARRAY[count + 1]));
	changed cdp.profile_bitmap := gathered[count + 1];
BEGIN
	IF cdp.bitmap_cardinality(changed) > 0 THEN
		UPDATE cdp.profile_current AS current
		SET segment_ids = cdp._settle_segment_ids(current.segment_ids, $1,
			coalesce(matching.positions, '{}'))
		FROM cdp.bitmap_members(changed) AS moved (ord)
		LEFT JOIN (
			SELECT member.ord, array_agg(place ORDER BY place) AS positions
			FROM generate_series(1, count) AS place
			CROSS JOIN LATERAL cdp.bitmap_members(
				cdp.bitmap_and(gathered[place], changed)) AS member (ord)
			GROUP BY member.ord
		) AS matching ON matching.ord = moved.ord
		WHERE current.ord = moved.ord;
	END IF;
	RETURN gathered[:count];
END
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
