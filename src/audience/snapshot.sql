-- What a refresh writes down: who is in each segment, how that changed, and the
-- size of it.

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
	causes record;
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
		causes := cdp._segment_causes(segment_id, held.as_of);
		INSERT INTO cdp.membership_change (profile_id, segment_id, change, reason, at, run_id, ord)
		SELECT profile.profile_id, segment_id, side.change,
			cdp._change_reason(profile.profile_id, held.as_of, causes.asks_consent,
				causes.redefined), as_of, run_id, profile.ord
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
