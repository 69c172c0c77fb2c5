CREATE FUNCTION cdp._settle_segment_ids(was integer[], evaluated integer[], matched integer[])
RETURNS integer[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__settle_segment_ids';
COMMENT ON FUNCTION cdp._settle_segment_ids(integer[], integer[], integer[]) IS
'segment_ids of a profile after some segments (ascending ids) were evaluated and those at some positions matched';

CREATE FUNCTION cdp._current_members(segment_id integer) RETURNS cdp.profile_bitmap
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT members FROM cdp._membership WHERE segment_id = $1
$$;
COMMENT ON FUNCTION cdp._current_members(integer) IS
'members of a segment as told so far: the bitmap and the changes since; NULL before its first refresh';

-- What else than events and time may move members of a segment since an instant:
-- the segments inside it count as it does.  Of a canonical text, quotes that are
-- part of a string are doubled, so that only calls are found.
CREATE FUNCTION cdp._segment_causes(
	segment_id integer,
	since timestamptz,
	OUT asks_consent boolean,
	OUT redefined boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE inside AS (
		SELECT defined.segment_id, defined.predicate, defined.defined_at
		FROM cdp.segment_definition AS defined
		WHERE defined.segment_id = $1
		UNION
		SELECT inner_one.segment_id, inner_one.predicate, inner_one.defined_at
		FROM inside
		CROSS JOIN regexp_matches(inside.predicate::text,
			'\min_segment\(''([a-z][a-z0-9_]*)''\)', 'g') AS named (names)
		JOIN cdp.segment_definition AS inner_one ON inner_one.name = named.names[1]
	)
	SELECT coalesce(bool_or(inside.predicate::text ~ '\mconsent\(''[^'']'), false),
		coalesce(bool_or(inside.segment_id <> $1 AND inside.defined_at > $2), false)
	FROM inside
$$;
COMMENT ON FUNCTION cdp._segment_causes(integer, timestamptz) IS
'does a segment, with those inside it, ask for consents, and was one inside it defined anew since an instant';

-- Why the membership of a profile in a segment changed since an instant.  Where
-- more than one thing happened, the one that is told first here.
CREATE FUNCTION cdp._change_reason(
	profile_id bigint,
	since timestamptz,
	asks_consent boolean,
	redefined boolean)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce(
		(SELECT 'merge' FROM cdp.profile
			WHERE profile.profile_id = $1 AND root <> $1),
		CASE WHEN cdp._is_restricted($1) THEN 'restriction' END,
		(SELECT change FROM cdp.identity_log
			WHERE (profile_before = $1 OR profile_after = $1) AND at >= $2
			ORDER BY log_id DESC LIMIT 1),
		CASE WHEN $3 AND EXISTS (
			SELECT
			FROM cdp._profile_members($1) AS member
			JOIN cdp.consent_log AS answer USING (identifier_id)
			WHERE answer.recorded_at >= $2) THEN 'consent' END,
		(SELECT CASE WHEN as_of >= $2 THEN 'event'
				WHEN $4 THEN 'definition'
				ELSE 'time' END
			FROM cdp.profile_current
			WHERE profile_current.profile_id = $1),
		'erasure');
END
$$;
COMMENT ON FUNCTION cdp._change_reason(bigint, timestamptz, boolean, boolean) IS
'why a profile entered or left a segment: it was merged, split or restricted, it answered about consent, its data changed, a segment inside was defined anew, time passed, or it was erased';

CREATE FUNCTION cdp._memberships_now(live bigint)
RETURNS TABLE (segment text, since timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT segment.name::text, known.since
	FROM cdp.profile_current AS current
		JOIN cdp.segment ON segment.segment_id = ANY (current.segment_ids)
		JOIN LATERAL cdp._membership_at(segment.segment_id, current.profile_id,
			current.ord, 'infinity') AS known ON true
	WHERE current.profile_id = $1
$$;
COMMENT ON FUNCTION cdp._memberships_now(bigint) IS
'the segments that a live profile is in now, and since when';

CREATE FUNCTION cdp._memberships(profile_id bigint, at timestamptz)
RETURNS TABLE (segment text, since timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	live bigint;
BEGIN
	PERFORM cdp._check_store();
	live := cdp._unrestricted((SELECT root FROM cdp.profile WHERE profile.profile_id = $1));
	IF $2 IS NULL THEN
		RETURN QUERY
		SELECT * FROM cdp._memberships_now(live);
	ELSE
		PERFORM cdp._check_told($2);
		RETURN QUERY
		SELECT segment.name::text, known.since
		FROM cdp.profile
			CROSS JOIN cdp.segment
			JOIN LATERAL cdp._membership_at(segment.segment_id, profile.profile_id,
				profile.ord, $2) AS known ON known.is_member
		WHERE profile.profile_id = $1;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._memberships(bigint, timestamptz) IS
'what the door cdp.memberships() does; in the past the id itself counts, whatever it was merged into since';

CREATE FUNCTION cdp._membership_at(segment_id integer, profile_id bigint, ord integer, at timestamptz)
RETURNS TABLE (is_member boolean, since timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(later.change = 'entered', cdp.bitmap_contains(base.members, $3)),
		coalesce(later.at, base.at)
	FROM (SELECT members, folded, at FROM cdp.membership_base
			WHERE membership_base.segment_id = $1 AND membership_base.at <= $4
			ORDER BY at DESC, folded DESC LIMIT 1) AS base
		LEFT JOIN LATERAL (SELECT change, at FROM cdp.membership_change
			WHERE membership_change.profile_id = $2
				AND membership_change.segment_id = $1
				AND change_id > base.folded AND membership_change.at <= $4
			ORDER BY change_id DESC LIMIT 1) AS later ON true
$$;
COMMENT ON FUNCTION cdp._membership_at(integer, bigint, integer, timestamptz) IS
'was a profile in a segment at an instant, and since when; no row before the segment''s first refresh';

CREATE FUNCTION cdp._check_segments(segments text[]) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing text := (SELECT wanted.name FROM unnest($1) AS wanted (name)
		WHERE NOT EXISTS (SELECT FROM cdp.segment WHERE segment.name = wanted.name) LIMIT 1);
BEGIN
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'unknown segment "%"', missing
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Run SELECT name, description FROM cdp.segment.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_segments(text[]) IS 'raise unless all are segments';
