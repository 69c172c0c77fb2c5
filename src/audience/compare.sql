-- Segments beside each other, and one segment at two instants.  All figures
-- are cardinalities of bitmaps, so they add up by construction.

-- A bitmap may still have profiles that were merged since its refresh; there
-- is an index of all that were ever merged, not of those that live.
CREATE FUNCTION cdp._merged_ords() RETURNS cdp.profile_bitmap
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp.bitmap_agg(ord) FROM cdp.profile WHERE root <> profile_id
$$;
COMMENT ON FUNCTION cdp._merged_ords() IS
'the ords of profiles that are part of another one';

-- No value is larger than 1 GB.
CREATE FUNCTION cdp._check_overlap_bytes(bytes bigint) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 > 1000000000 THEN
		RAISE EXCEPTION 'segments are too large for their overlap'
			USING ERRCODE = 'program_limit_exceeded',
				DETAIL = format('Their bitmaps have %s MB; they must be under 1000 MB together.', $1 / 1000000),
				HINT = 'Ask for fewer segments at a time.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_overlap_bytes(bigint) IS
'raise unless bitmaps of so many bytes can be held together';

-- In one array each bitmap is read once, however many pairs it is in.
CREATE FUNCTION cdp._overlap(segments text[], ways integer)
RETURNS TABLE (combination text[], members bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	merged cdp.profile_bitmap;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_segments($1);
	PERFORM cdp._check_ways($2, cardinality($1));
	PERFORM cdp._check_overlap_bytes(coalesce(sum(pg_column_size(held.members)), 0)::bigint)
	FROM cdp.segment_membership AS held JOIN cdp.segment USING (segment_id)
	WHERE segment.name = ANY ($1);
	merged := cdp._merged_ords();
	RETURN QUERY
	SELECT met.combination, met.members
	FROM (
		SELECT array_agg(chosen.name) AS names, array_agg(cdp.bitmap_andnot(
				cdp._current_members(chosen.segment_id), merged)) AS bitmaps
		FROM (
			SELECT defined.name::text AS name, defined.segment_id
			FROM cdp.segment AS defined
				JOIN cdp.segment_membership AS refreshed USING (segment_id)
			WHERE defined.name = ANY ($1)
			ORDER BY defined.name) AS chosen) AS given
		CROSS JOIN LATERAL cdp._overlaps(given.names, given.bitmaps, coalesce($2, 12)) AS met;
END
$$;
COMMENT ON FUNCTION cdp._overlap(text[], integer) IS
'what the door cdp.overlap() does';

CREATE FUNCTION cdp._check_ways(ways integer, segments integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 < 1 THEN
		RAISE EXCEPTION 'invalid number of ways %', $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A combination has at least one segment.',
				HINT = 'Pass ways => 2 for all pairs.';
	END IF;
	IF $2 > 12 AND coalesce($1, 12) > 2 THEN
		RAISE EXCEPTION 'too many segments for an overlap in every way'
			USING ERRCODE = 'program_limit_exceeded',
				DETAIL = 'Twelve segments have 4095 combinations; each one more doubles them.',
				HINT = 'Pass ways => 2 for all pairs.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_ways(integer, integer) IS
'raise unless so many segments can overlap in so many ways';

CREATE FUNCTION cdp._waterfall(segments text[])
RETURNS TABLE (priority integer, segment text, members bigint, new bigint, running_total bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	merged cdp.profile_bitmap;
	taken cdp.profile_bitmap := '{}';
	chosen record;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_segments($1);
	merged := cdp._merged_ords();
	FOR chosen IN
		SELECT wanted.priority, wanted.name,
			cdp.bitmap_andnot(cdp._current_members(defined.segment_id), merged) AS members
		FROM unnest($1) WITH ORDINALITY AS wanted (name, priority)
			JOIN cdp.segment AS defined USING (name)
		ORDER BY wanted.priority
	LOOP
		priority := chosen.priority;
		segment := chosen.name;
		members := cdp.bitmap_cardinality(chosen.members);
		new := cdp.bitmap_cardinality(cdp.bitmap_andnot(chosen.members, taken));
		taken := cdp.bitmap_or(taken, coalesce(chosen.members, '{}'));
		running_total := cdp.bitmap_cardinality(taken);
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp._waterfall(text[]) IS
'what the door cdp.waterfall() does; members of a segment before its first refresh are NULL';

-- The members after the changes with a number in (after, up_to].
CREATE FUNCTION cdp._members_after(
	segment_id integer,
	members cdp.profile_bitmap,
	after bigint,
	up_to bigint)
RETURNS cdp.profile_bitmap
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH last_change AS (
		SELECT DISTINCT ON (since.profile_id) profile.ord, since.change
		FROM cdp.membership_change AS since
			JOIN cdp.profile ON profile.profile_id = since.profile_id
		WHERE since.segment_id = $1 AND since.change_id > $3 AND since.change_id <= $4
		ORDER BY since.profile_id, since.change_id DESC
	)
	SELECT cdp.bitmap_andnot(
		cdp.bitmap_or($2, coalesce((SELECT cdp.bitmap_agg(ord)
			FILTER (WHERE change = 'entered') FROM last_change), '{}')),
		coalesce((SELECT cdp.bitmap_agg(ord)
			FILTER (WHERE change = 'exited') FROM last_change), '{}'))
$$;
COMMENT ON FUNCTION cdp._members_after(integer, cdp.profile_bitmap, bigint, bigint) IS
'members that some changes of a segment make of others';

-- What new definitions moved: each base against the members just before it.
CREATE FUNCTION cdp._definition_moves(segment_id integer, since timestamptz, until timestamptz)
RETURNS TABLE (folded bigint, entered cdp.profile_bitmap, exited cdp.profile_bitmap)
LANGUAGE sql STABLE ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
	WITH base AS (
		SELECT folded, at, members,
			lag(folded) OVER told AS folded_before, lag(members) OVER told AS members_before
		FROM cdp.membership_base
		WHERE membership_base.segment_id = $1 AND at <= $3
		WINDOW told AS (ORDER BY at, folded)
	), met AS (
		SELECT folded, members, cdp._members_after($1, coalesce(members_before, '{}'),
			folded_before, folded) AS was
		FROM base
		WHERE at > $2
	)
	SELECT folded, cdp.bitmap_andnot(members, was), cdp.bitmap_andnot(was, members)
	FROM met
$$;
COMMENT ON FUNCTION cdp._definition_moves(integer, timestamptz, timestamptz) IS
'whom new definitions of a segment brought in and put out after an instant, up to another';

-- The reason of a profile is that of the last thing that moved it, so who went
-- and came back is not told.  A base comes after the changes it has folded.
-- What is in bitmaps is estimated far too high, for which JIT is no cure.
CREATE FUNCTION cdp._moved_between(
	segment_id integer,
	was cdp.profile_bitmap,
	is_now cdp.profile_bitmap,
	since timestamptz,
	until timestamptz)
RETURNS TABLE (change text, reason text, members bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH moved AS (
		SELECT 'entered' AS change, ord FROM cdp.bitmap_members(cdp.bitmap_andnot($3, $2)) AS ord
		UNION ALL
		SELECT 'exited', ord FROM cdp.bitmap_members(cdp.bitmap_andnot($2, $3)) AS ord
	), definition AS MATERIALIZED (
		SELECT folded, entered, exited FROM cdp._definition_moves($1, $4, $5)
	), defined AS (
		SELECT side.change, side.ord, max(side.folded) AS folded
		FROM (
			SELECT 'entered' AS change, folded, ord
			FROM definition, cdp.bitmap_members(entered) AS ord
			UNION ALL
			SELECT 'exited', folded, ord
			FROM definition, cdp.bitmap_members(exited) AS ord) AS side
		GROUP BY side.change, side.ord
	), changed AS (
		SELECT DISTINCT ON (told.profile_id) profile.ord, told.change_id, told.reason
		FROM cdp.membership_change AS told JOIN cdp.profile USING (profile_id)
		WHERE told.segment_id = $1 AND told.at > $4 AND told.at <= $5
		ORDER BY told.profile_id, told.change_id DESC
	)
	SELECT moved.change,
		CASE WHEN defined.folded >= coalesce(changed.change_id, 0) THEN 'definition'
			ELSE coalesce(changed.reason, 'erasure') END,
		count(*)
	FROM moved
		LEFT JOIN defined USING (change, ord)
		LEFT JOIN changed USING (ord)
	GROUP BY 1, 2
$$;
COMMENT ON FUNCTION cdp._moved_between(integer, cdp.profile_bitmap, cdp.profile_bitmap,
	timestamptz, timestamptz) IS
'how many profiles entered and exited a segment between two instants, by reason';

CREATE FUNCTION cdp._segment_diff(segment text, since timestamptz, until timestamptz)
RETURNS TABLE (change text, reason text, members bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	id integer := (SELECT segment_id FROM cdp.segment AS defined WHERE defined.name = $1);
	was cdp.profile_bitmap;
	is_now cdp.profile_bitmap;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_segments(ARRAY[$1]);
	IF $2 > $3 THEN
		RAISE EXCEPTION 'the first instant must not be after the second'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM cdp._check_told($2);
	was := coalesce((SELECT told.members FROM cdp._members_at(id, $2) AS told), '{}');
	is_now := coalesce((SELECT told.members FROM cdp._members_at(id, $3) AS told), '{}');
	IF num_nulls(id, $2, $3) > 0 THEN
		RETURN;
	END IF;
	RETURN QUERY SELECT 'before', NULL::text, cdp.bitmap_cardinality(was);
	RETURN QUERY
	SELECT moved.change, moved.reason, moved.members
	FROM cdp._moved_between(id, was, is_now, $2, $3) AS moved
	ORDER BY moved.change, moved.members DESC, moved.reason;
	RETURN QUERY SELECT 'after', NULL::text, cdp.bitmap_cardinality(is_now);
END
$$;
COMMENT ON FUNCTION cdp._segment_diff(text, timestamptz, timestamptz) IS
'what the door cdp.segment_diff() does';
