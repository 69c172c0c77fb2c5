-- cdp.unmerge(): some identifiers of a profile leave it and are one profile
-- together; the rest stays one profile.
--
-- It is done with decisions alone:
--
--	never	for each pair of one that leaves and one that stays which some set
--			has together, so that no set links them whatever the rules; and for
--			the strongest of either side, which keeps the sides apart where
--			they are joined by way of others;
--	always	on each side, between its strongest identifier and that of each
--			piece into which the side would fall without the other.
--
-- Pieces follow from the links of identity.h, step 5: in a set the strongest
-- that links is linked with each other one.  Two cookies that came only with
-- the address that stays are not linked to each other, so one "always" keeps
-- them together.  What the parting makes room for (a link that a limit refused
-- may be taken now) is seen only in the outcome: it is looked at, and if a
-- side fell apart after all its pieces are joined and judged once more.  Every
-- identifier joined with the strongest one ends that surely.
--
-- All of it is set at a time: a profile of 100,000 identifiers is some seconds.

-- A key in its canonical form is found among the profile's own; others are
-- parsed one by one.
CREATE FUNCTION cdp._identifiers_to_unmerge(profile_id bigint, identifiers text[])
RETURNS bigint[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[];
	others text[];
BEGIN
	IF coalesce(cardinality($2), 0) = 0 THEN
		RAISE EXCEPTION 'no identifiers are given'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Name those that are to leave the profile, as type:value or type:source/value.';
	ELSIF array_position($2, NULL) IS NOT NULL THEN
		RAISE EXCEPTION 'an identifier must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT array_agg(DISTINCT own.identifier_id),
		array_agg(given.key) FILTER (WHERE own.key IS NULL)
	INTO ids, others
	FROM unnest($2) AS given (key)
	LEFT JOIN (
		SELECT member.identifier_id, type.type || ':'
			|| CASE WHEN identifier.scope <> '' THEN identifier.scope || '/' ELSE '' END
			|| identifier.value AS key
		FROM cdp._profile_members($1) AS member
		JOIN cdp.identifier USING (identifier_id)
		JOIN cdp.identifier_type AS type USING (type_id)
	) AS own ON own.key = given.key;
	ids := array_remove(ids, NULL);
	IF others IS NOT NULL THEN
		ids := ARRAY(SELECT unnest(ids)
			UNION SELECT cdp._member_to_unmerge($1, key) FROM unnest(others) AS key);
	END IF;
	RETURN ids;
END
$$;
COMMENT ON FUNCTION cdp._identifiers_to_unmerge(bigint, text[]) IS
'the identifiers that are written so; raises if one is not of the live profile';

CREATE FUNCTION cdp._member_to_unmerge(profile_id bigint, key text)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found bigint := cdp._parse_identifier($2);
	live bigint := (SELECT profile.root FROM cdp.identifier
		JOIN cdp.profile ON profile.profile_id = identifier.leaf
		WHERE identifier.identifier_id = found);
BEGIN
	IF live IS DISTINCT FROM $1 THEN
		RAISE EXCEPTION 'identifier "%" is not of profile %', $2, $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = format('It is of %s.', coalesce('profile ' || live, 'none'));
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION cdp._member_to_unmerge(bigint, text) IS
'the identifier that is written so; raises unless it is of the live profile';

CREATE FUNCTION cdp._check_unmerge(leaving bigint[], staying bigint[])
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	path bigint[];
BEGIN
	IF $2 = '{}' THEN
		RAISE EXCEPTION 'not all identifiers of a profile can leave it'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'Some must stay.';
	END IF;
	path := cdp._always_path($1, $2);
	IF path IS NOT NULL THEN
		RAISE EXCEPTION 'decisions join what would leave and what would stay'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = cdp._always_says(path) || '.',
				HINT = format('cdp.undecide() takes one of them back: %s.',
					array_to_string(cdp._always_decisions(path), ', '));
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_unmerge(bigint[], bigint[]) IS
'raise unless something stays and no decision joins it to what leaves';

-- All pairs that came together, in retracted sets too: they may come back.
CREATE FUNCTION cdp._forbid_pairs(
	action_id bigint,
	leaving bigint[],
	staying bigint[])
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH pair AS (
		SELECT mine.identifier_id AS a, stays.id AS b
		FROM unnest($2) AS leaves (id)
		JOIN cdp.identifier_set_member AS mine ON mine.identifier_id = leaves.id
		JOIN cdp.identifier_set AS held USING (set_id)
		CROSS JOIN LATERAL unnest(held.identifiers) AS other (id)
		JOIN unnest($3) AS stays (id) ON stays.id = other.id
		UNION
		SELECT $2[1], $3[1]
	)
	SELECT cdp._add_decisions($1, 'never', array_agg(a), array_agg(b)) FROM pair
$$;
COMMENT ON FUNCTION cdp._forbid_pairs(bigint, bigint[], bigint[]) IS
'decide "never" for what leaves and what stays, each given with its strongest first';

-- The links within each side: of sets, by the star, and of decisions.
CREATE FUNCTION cdp._links_within(leaving bigint[], staying bigint[])
RETURNS TABLE (a bigint, b bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH side AS MATERIALIZED (
		SELECT id, true AS leaves FROM unnest($1) AS id
		UNION ALL
		SELECT id, false FROM unnest($2) AS id
	), linking AS (
		SELECT set_id, member.id,
			first_value(member.id) OVER (PARTITION BY set_id
				ORDER BY type.priority, type.type_id, identifier.scope, identifier.value) AS hub
		FROM (
			SELECT DISTINCT mine.set_id
			FROM side
			JOIN cdp.identifier_set_member AS mine ON mine.identifier_id = side.id
		) AS touched
		JOIN cdp.identifier_set AS evidence USING (set_id)
		CROSS JOIN LATERAL unnest(evidence.identifiers) AS member (id)
		JOIN cdp.identifier ON identifier.identifier_id = member.id
		JOIN cdp.identifier_type AS type USING (type_id)
		WHERE NOT evidence.retracted AND type.stitches AND type.priority IS NOT NULL
			AND NOT identifier.blocked AND NOT identifier.shared AND NOT identifier.expired
	), pair AS (
		SELECT hub AS a, id AS b FROM linking WHERE id <> hub
		UNION
		SELECT identifier_a, identifier_b
		FROM side
		JOIN cdp.decision ON identifier_a = side.id
		WHERE verdict = 'always' AND withdrawn_by IS NULL
	)
	SELECT pair.a, pair.b
	FROM pair
	JOIN side AS one ON one.id = pair.a
	JOIN side AS other ON other.id = pair.b AND other.leaves = one.leaves
$$;
COMMENT ON FUNCTION cdp._links_within(bigint[], bigint[]) IS
'links of two identifiers that both leave or both stay';

-- Pieces are given by a label for each identifier; the first is the strongest.
CREATE FUNCTION cdp._join_pieces(
	action_id bigint,
	identifier_ids bigint[],
	pieces bigint[])
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH strongest AS (
		SELECT DISTINCT ON (label) id
		FROM unnest($2, $3) WITH ORDINALITY AS member (id, label, n)
		ORDER BY label, n
	)
	SELECT cdp._add_decisions($1, 'always',
		array_agg($2[1]), array_agg(id)) FROM strongest
$$;
COMMENT ON FUNCTION cdp._join_pieces(bigint, bigint[], bigint[]) IS
'decide "always" between the strongest identifier and that of each piece';

CREATE FUNCTION cdp._join_predicted_pieces(
	action_id bigint,
	leaving bigint[],
	staying bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pieces bigint[];
	leave_pieces bigint[];
	stay_pieces bigint[];
BEGIN
	SELECT array_agg(coalesce(piece.component, member.id) ORDER BY member.n) INTO pieces
	FROM unnest($2 || $3) WITH ORDINALITY AS member (id, n)
	LEFT JOIN cdp.component_rows((
		SELECT cdp.components(link.a, link.b) FROM cdp._links_within($2, $3) AS link
	)) AS piece ON piece.node = member.id;
	leave_pieces := pieces[: cardinality($2)];
	stay_pieces := pieces[cardinality($2) + 1 :];
	PERFORM cdp._join_pieces($1, $2, leave_pieces);
	PERFORM cdp._join_pieces($1, $3, stay_pieces);
END
$$;
COMMENT ON FUNCTION cdp._join_predicted_pieces(bigint, bigint[], bigint[]) IS
'decide "always" where what leaves, or what stays, would fall apart';

CREATE FUNCTION cdp._profiles_of(identifier_ids bigint[]) RETURNS bigint[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg(profile.root ORDER BY member.n)
	FROM unnest($1) WITH ORDINALITY AS member (id, n)
	JOIN cdp.identifier ON identifier.identifier_id = member.id
	JOIN cdp.profile ON profile.profile_id = identifier.leaf
$$;
COMMENT ON FUNCTION cdp._profiles_of(bigint[]) IS
'the live profiles of identifiers, in their order';

-- By the pieces found; if that was not enough, by every single identifier.
CREATE FUNCTION cdp._join_found_pieces(
	action_id bigint,
	identifier_ids bigint[],
	rounds integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pieces bigint[] := cdp._profiles_of($2);
BEGIN
	IF pieces[1] = ALL (pieces) THEN
		RETURN false;
	END IF;
	PERFORM cdp._join_pieces($1, $2, CASE WHEN $3 > 1 THEN $2 ELSE pieces END);
	RETURN true;
END
$$;
COMMENT ON FUNCTION cdp._join_found_pieces(bigint, bigint[], integer) IS
'decide "always" between the profiles that identifiers are in; false if it is one';

CREATE FUNCTION cdp._unmerge(profile_id bigint, identifiers text[], reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	live bigint;
	leaving bigint[];
	staying bigint[];
	action bigint;
	fell_apart boolean;
BEGIN
	PERFORM cdp._begin_action($3);
	live := cdp._profile_to_change($1);
	leaving := cdp._identifiers_to_unmerge(live, $2);
	SELECT array_agg(member.identifier_id ORDER BY strength) FILTER (WHERE leaves),
		coalesce(array_agg(member.identifier_id ORDER BY strength) FILTER (WHERE NOT leaves), '{}')
	INTO leaving, staying
	FROM (SELECT *, members.identifier_id IN (SELECT unnest(leaving)) AS leaves
		FROM cdp._profile_members(live) AS members) AS member;
	PERFORM cdp._check_unmerge(leaving, staying);
	action := cdp._add_action('unmerge', $3, jsonb_build_object('profile_id', live,
		'identifiers', to_jsonb(leaving)));
	PERFORM cdp._forbid_pairs(action, leaving, staying);
	PERFORM cdp._join_predicted_pieces(action, leaving, staying);
	FOR round IN 1 .. 3 LOOP
		PERFORM cdp._check_decisions(action);
		PERFORM cdp._judge_action(action, leaving || staying);
		fell_apart := cdp._join_found_pieces(action, leaving, round);
		EXIT WHEN NOT cdp._join_found_pieces(action, staying, round) AND NOT fell_apart;
	END LOOP;
	RETURN (cdp._profiles_of(leaving[:1]))[1];
END
$$;
COMMENT ON FUNCTION cdp._unmerge(bigint, text[], text) IS
'cdp.unmerge()';
