CREATE FUNCTION cdp.add_destination(
	destination text,
	kind text,
	description text DEFAULT '',
	options jsonb DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_release_name('destination', $1);
	INSERT INTO cdp.destination (destination, kind, description, options)
	VALUES ($1, $2, $3, $4);
EXCEPTION WHEN unique_violation THEN
	RAISE EXCEPTION 'there is a destination "%" already', $1
		USING ERRCODE = 'duplicate_object',
			HINT = 'Change its row of cdp.destination.';
END
$$;
COMMENT ON FUNCTION cdp.add_destination(text, text, text, jsonb) IS
'name a system that audiences go to';

CREATE FUNCTION cdp._check_release_name(what text, name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $2 IS NULL OR $2 !~ '^[a-z][a-z0-9_]{0,62}$' THEN
		RAISE EXCEPTION 'invalid name "%" of %', coalesce($2, 'NULL'), $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A name begins with a letter and has lower-case letters, digits and underscores, 63 at most.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_release_name(text, text) IS
'raise unless it can name a thing of that kind';

CREATE FUNCTION cdp._check_destination(destination text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM cdp.destination WHERE destination.destination = $1) THEN
		RAISE EXCEPTION 'unknown destination "%"', $1
			USING ERRCODE = 'invalid_parameter_value',
				HINT = format('Run SELECT cdp.add_destination(%L, ''email service'').', $1);
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_destination(text) IS 'raise unless it is a destination';

CREATE FUNCTION cdp.add_audience(
	name text,
	segment text,
	purpose text,
	channel text,
	destination text DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_purpose text := coalesce(cdp._find_purpose($3), $3);
	found_channel text := coalesce(cdp._find_channel($4), $4);
	new_id integer;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_release_name('audience', $1);
	PERFORM cdp._check_segments(ARRAY[$2]);
	PERFORM cdp._check_purpose(found_purpose);
	PERFORM cdp._check_channel(found_channel);
	IF $5 IS NOT NULL THEN
		PERFORM cdp._check_destination($5);
	END IF;
	INSERT INTO cdp.audience (name, segment_id, purpose, channel, destination)
	SELECT $1, segment.segment_id, found_purpose, found_channel, $5
	FROM cdp.segment
	WHERE segment.name = $2
	RETURNING audience_id INTO new_id;
	-- Autovacuum never looks at so small tables; without statistics members are
	-- thought to be a handful, and a million are looked up one by one.
	ANALYZE cdp.audience, cdp.channel;
	RETURN new_id;
EXCEPTION WHEN unique_violation THEN
	RAISE EXCEPTION 'there is an audience "%" already', $1
		USING ERRCODE = 'duplicate_object',
			HINT = 'Change its row of cdp.audience.';
END
$$;
COMMENT ON FUNCTION cdp.add_audience(text, text, text, text, text) IS
'release a segment for a purpose and channel: cdp.audience_member lists those who agreed';

CREATE FUNCTION cdp._find_audience(name text) RETURNS integer
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	id integer := (SELECT audience_id FROM cdp.audience WHERE audience.name = $1);
BEGIN
	IF id IS NULL THEN
		RAISE EXCEPTION 'unknown audience "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Run SELECT name, purpose, channel FROM cdp.audience.';
	END IF;
	RETURN id;
END
$$;
COMMENT ON FUNCTION cdp._find_audience(text) IS
'the number of an audience; raises if there is none of that name';

-- What each member of the audience's segment has and lacks, condition by
-- condition; NULL profile_ids are all members.  The conditions are stacked and
-- grouped, not joined: no estimate of theirs can then go wrong.
CREATE FUNCTION cdp._audience_conditions(audience text, profile_ids bigint[] DEFAULT NULL)
RETURNS TABLE (profile_id bigint, can_be_reached boolean, consent text,
	suppressed_for text, released boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH chosen AS MATERIALIZED (
		SELECT audience.segment_id, audience.purpose, audience.channel,
			channel.identifier_types
		FROM cdp.audience JOIN cdp.channel USING (channel)
		WHERE audience.name = $1
	), stacked (profile_id, is_member, is_reached, answer, reason, is_released) AS (
		SELECT member.profile_id, true,
			(SELECT identifier_types = '{}' FROM chosen), NULL, NULL, NULL::boolean
		FROM cdp._member AS member
		WHERE member.segment_id = (SELECT segment_id FROM chosen)
		UNION ALL
		SELECT leaf.root, NULL, true, NULL, NULL, NULL
		FROM cdp.identifier JOIN cdp._profile_leaf AS leaf USING (leaf)
			JOIN cdp.identifier_type AS type USING (type_id)
			CROSS JOIN LATERAL cdp._identifier_until(identifier.identifier_id,
				type.time_to_live) AS lasting
		WHERE identifier.type_id = ANY (ARRAY(SELECT type_id FROM cdp.identifier_type
				WHERE type = ANY ((SELECT identifier_types FROM chosen)::text[])))
			AND NOT identifier.blocked AND NOT identifier.shared
			AND (lasting.until IS NULL OR lasting.until > cdp.clock())
		UNION ALL
		SELECT held.profile_id, NULL, NULL,
			CASE WHEN held.expires_at <= cdp.clock() THEN 'expired' ELSE held.state END,
			NULL, NULL
		FROM cdp.consent_state AS held
		WHERE held.purpose = (SELECT purpose FROM chosen)
			AND held.channel = (SELECT channel FROM chosen)
		UNION ALL
		SELECT point.profile_id, NULL, NULL, NULL, suppression.reason, NULL
		FROM cdp.suppression JOIN cdp.contact_point AS point USING (key_hash)
		WHERE point.type = ANY ((SELECT identifier_types FROM chosen)::text[])
			AND suppression.channel IN ('', (SELECT channel FROM chosen))
			AND (suppression.until IS NULL OR suppression.until > cdp.clock())
			AND (point.expires_at IS NULL OR point.expires_at > cdp.clock())
		UNION ALL
		SELECT listed.profile_id, NULL, NULL, NULL, NULL, true
		FROM cdp.audience_member AS listed
		WHERE listed.audience = $1
	)
	SELECT stacked.profile_id, coalesce(bool_or(is_reached), false),
		coalesce(max(answer), 'unknown'), min(reason),
		coalesce(bool_or(is_released), false)
	FROM stacked
	WHERE $2 IS NULL OR stacked.profile_id = ANY ($2)
	GROUP BY stacked.profile_id
	HAVING bool_or(is_member)
$$;
COMMENT ON FUNCTION cdp._audience_conditions(text, bigint[]) IS
'for members of an audience''s segment: can they be reached, what did they answer, are they suppressed, are they released';

-- A redefined segment has the members of its former definition until then.
CREATE FUNCTION cdp._refresh_hint(segment text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN NOT defined.active
		THEN format('Segment %s is not active and has no members: set active in cdp.segment.', $1)
		WHEN defined.error IS NULL
		THEN format('Segment %s has not been refreshed since it was defined: run CALL cdp.merge() or SELECT cdp.refresh_segments().', $1)
		ELSE format('Segment %s could not be refreshed since it was defined: see its error in cdp.segment.', $1) END
	FROM cdp.segment AS defined
		LEFT JOIN cdp.segment_membership AS evaluated USING (segment_id)
	WHERE defined.name = $1
		AND (NOT defined.active OR evaluated.version IS DISTINCT FROM defined.version)
$$;
COMMENT ON FUNCTION cdp._refresh_hint(text) IS
'what to do before the members of a segment are those of its definition; NULL: they are';

CREATE FUNCTION cdp._audience_funnel(audience text)
RETURNS TABLE (step text, members bigint, lost bigint, reason text, hint text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._find_audience($1);
	RETURN QUERY
	WITH about AS (
		SELECT audience.name, audience.purpose, audience.channel, audience.active,
			segment.name AS segment,
			array_to_string(channel.identifier_types, ' or ') AS needed
		FROM cdp.audience JOIN cdp.segment USING (segment_id) JOIN cdp.channel USING (channel)
		WHERE audience.name = $1
	), member AS MATERIALIZED (
		SELECT conditions.can_be_reached, conditions.consent,
			conditions.suppressed_for, conditions.released,
			CASE WHEN NOT about.active THEN 1
				WHEN NOT can_be_reached THEN 2
				WHEN consent <> 'granted' THEN 3
				WHEN NOT conditions.released THEN 4
				ELSE 6 END AS stopped_at
		FROM about CROSS JOIN cdp._audience_conditions($1) AS conditions
	), lost AS (
		SELECT stopped_at, sum(members)::bigint AS members,
			string_agg(why || ' ' || members, ', ' ORDER BY members DESC, why) AS reason
		FROM (SELECT stopped_at, count(*) AS members,
				CASE stopped_at WHEN 1 THEN 'not active' WHEN 2 THEN 'none'
					WHEN 3 THEN consent
					ELSE coalesce(suppressed_for, 'not up to date') END AS why
			FROM member
			WHERE stopped_at < 6
			GROUP BY 1, 3) AS counted
		GROUP BY stopped_at
	)
	SELECT stage.step,
		(SELECT count(*) FROM member WHERE stopped_at > stage.n),
		coalesce(lost.members, 0), lost.reason,
		CASE WHEN stage.n = 0 OR lost.members > 0 THEN stage.hint END
	FROM about CROSS JOIN LATERAL (VALUES
			(0, 'in segment ' || segment, cdp._refresh_hint(segment)),
			(1, 'audience is active', 'Set active in cdp.audience.'),
			(2, CASE WHEN needed = '' THEN 'needs no identifier' ELSE 'has ' || needed END,
				'Members without one may be reached by another channel.'),
			(3, 'granted ' || purpose || ' by ' || channel,
				'Nobody is released without an answer: ask, and record it with cdp.record_consent().'),
			(4, 'not suppressed', 'See cdp.suppression; cdp.unsuppress() takes one back.'),
			(5, 'released', NULL)) AS stage (n, step, hint)
		LEFT JOIN lost ON lost.stopped_at = stage.n
	WHERE stage.n <> 1 OR NOT about.active
	ORDER BY stage.n;
END
$$;
COMMENT ON FUNCTION cdp._audience_funnel(text) IS
'what the door cdp.audience_funnel() does';

CREATE FUNCTION cdp._why_not(profile_id bigint, audience text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	about record;
	live bigint := (SELECT root FROM cdp.profile WHERE profile.profile_id = $1);
	found record;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._find_audience($2);
	IF live IS NULL THEN
		RETURN 'There is no such profile.';
	END IF;
	SELECT audience.purpose, audience.channel, segment.name AS segment,
		audience.active, array_to_string(channel.identifier_types, ' or ') AS needed
	INTO about
	FROM cdp.audience JOIN cdp.segment USING (segment_id) JOIN cdp.channel USING (channel)
	WHERE audience.name = $2;
	SELECT conditions.can_be_reached, conditions.consent, conditions.suppressed_for,
		conditions.released
	INTO found
	FROM cdp._audience_conditions($2, ARRAY[live]) AS conditions;
	RETURN CASE
		WHEN found.released THEN NULL
		WHEN cdp._is_restricted(live) THEN 'It is restricted: its data is only kept.'
		WHEN found.released IS NULL THEN concat_ws(' ', format('It is not in segment %s.', about.segment),
				cdp._refresh_hint(about.segment))
		WHEN NOT about.active THEN 'The audience is not active: set active in cdp.audience.'
		WHEN NOT found.can_be_reached THEN format('It has no %s of its own.', about.needed)
		WHEN found.consent <> 'granted'
			THEN format('Its answer about %s by %s is %s.', about.purpose, about.channel, found.consent)
		WHEN found.suppressed_for IS NOT NULL
			THEN format('Its %s is suppressed: %s.', about.needed, found.suppressed_for)
		ELSE 'Its identifiers are being brought up to date: run CALL cdp.merge().'
	END;
END
$$;
COMMENT ON FUNCTION cdp._why_not(bigint, text) IS
'what the door cdp.why_not() does';
