-- What stewards do to identities by hand, and how it is taken back.
--
-- A steward adds evidence or takes some away; profiles follow, by the same
-- function as ever (identity.h), so what was done survives rebuilds and plays
-- no part in the order of things.  There are two kinds of it:
--
--	decisions (cdp.decision): two identifiers are always, or never, the same
--	profile.  cdp.decide() makes one, cdp.unmerge() as many as it needs;
--	retractions (identifier_set.retracted): a set is no evidence any more, and
--	what it decided as an alias (alias.sql) is withdrawn with it.
--
-- Each call is one row of cdp.steward_action.  The rows it made point to it
-- (decision.action_id), those it took back too (decision.withdrawn_by), and
-- the sets it changed are in its detail.  So cdp.undo_action() reverses any
-- action by its number, an undo among them: decisions made are withdrawn,
-- decisions withdrawn are made again, sets go back to what they were.
--
-- Decisions that hold never contradict each other: no "never" has both ends in
-- one part of the graph of "always".  It is checked when decisions are made,
-- for all that hold, whether or not their ends are usable today: a value that
-- is blocked now may be freed.
--
-- Locks.  Every action takes the merger's lock first and reads after that, so
-- it works at READ COMMITTED only.
--
-- Cost: that of judging the components touched, and for undo_action(),
-- unmerge() and retract() of one pass over the decisions that hold.

CREATE FUNCTION cdp._begin_action(reason text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF coalesce(btrim($1), '') = '' THEN
		RAISE EXCEPTION 'a reason is needed'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'What is done to customers by hand is kept with who did it and why.';
	END IF;
	-- With nothing to judge it only refuses what judging refuses.
	PERFORM cdp._stitch('{}', false);
	PERFORM cdp._lock_merger();
END
$$;
COMMENT ON FUNCTION cdp._begin_action(text) IS
'begin a steward''s action: check its reason and the isolation level, take the merger''s lock';

CREATE FUNCTION cdp._add_action(action text, reason text, detail jsonb)
RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO cdp.steward_action (action, reason, detail)
	VALUES ($1, $2, $3)
	RETURNING action_id
$$;
COMMENT ON FUNCTION cdp._add_action(text, text, jsonb) IS
'note a steward''s action; its number';

-- Only who holds the merger's lock writes to the log.  What may be released does not
-- wait for the merge run: an address that went to somebody else is not theirs.
CREATE FUNCTION cdp._judge_action(action_id bigint, identifier_ids bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	last bigint := (SELECT max(log_id) FROM cdp.identity_log);
	before bigint[] := cdp._profiles_of($2);
	affected bigint[];
BEGIN
	affected := cdp._rejudge($2);
	PERFORM cdp._refresh_consents(before || affected);
	UPDATE cdp.identity_log AS log
	SET action_id = $1
	WHERE log.log_id > coalesce(last, 0);
END
$$;
COMMENT ON FUNCTION cdp._judge_action(bigint, bigint[]) IS
'judge the components around these identifiers anew, and say in the log which action caused what changes';

-- Decisions.

-- Breadth first, a level at a time; what a level reaches is in none before
-- the last two.
CREATE FUNCTION cdp._always_walk(from_ids bigint[])
RETURNS TABLE (step integer, identifier_id bigint, came_from bigint)
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	earlier bigint[] := '{}';
	latest bigint[] := ARRAY(SELECT DISTINCT unnest($1));
	came bigint[];
	next bigint[];
BEGIN
	step := 0;
	RETURN QUERY SELECT step, id, NULL::bigint FROM unnest(latest) AS id;
	LOOP
		SELECT array_agg(found.far), array_agg(found.near) INTO next, came
		FROM (
			SELECT edge.far, min(near.id) AS near
			FROM unnest(latest) AS near (id)
			CROSS JOIN LATERAL (
				SELECT identifier_b AS far FROM cdp.decision
				WHERE identifier_a = near.id AND verdict = 'always' AND withdrawn_by IS NULL
				UNION ALL
				SELECT identifier_a FROM cdp.decision
				WHERE identifier_b = near.id AND verdict = 'always' AND withdrawn_by IS NULL
			) AS edge
			WHERE edge.far NOT IN (SELECT unnest(earlier || latest))
			GROUP BY edge.far
		) AS found;
		EXIT WHEN next IS NULL;
		step := step + 1;
		RETURN QUERY SELECT step, * FROM unnest(next, came);
		earlier := latest;
		latest := next;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp._always_walk(bigint[]) IS
'identifiers that decisions "always" that hold join to these, nearest first, and where each was reached from';

CREATE FUNCTION cdp._always_path(from_ids bigint[], to_ids bigint[])
RETURNS bigint[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE walk AS MATERIALIZED (
		SELECT * FROM cdp._always_walk($1)
	), back AS (
		(SELECT walk.step, walk.identifier_id, walk.came_from
		FROM walk
		JOIN unnest($2) AS wanted (identifier_id) USING (identifier_id)
		ORDER BY walk.step, walk.identifier_id
		LIMIT 1)
		UNION ALL
		SELECT walk.step, walk.identifier_id, walk.came_from
		FROM back
		JOIN walk ON walk.identifier_id = back.came_from
	)
	SELECT array_agg(identifier_id ORDER BY step) FROM back
$$;
COMMENT ON FUNCTION cdp._always_path(bigint[], bigint[]) IS
'identifiers from one of the first to one of the second, each joined to the next by a decision "always" that holds; NULL if there is no such path';

CREATE FUNCTION cdp._always_says(path bigint[]) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(cdp._identifier_key(id), ' always ' ORDER BY n)
	FROM unnest($1) WITH ORDINALITY AS step (id, n)
$$;
COMMENT ON FUNCTION cdp._always_says(bigint[]) IS
'a path of decisions "always" as a sentence, masked';

CREATE FUNCTION cdp._always_decisions(path bigint[]) RETURNS bigint[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg(decision.decision_id ORDER BY n)
	FROM generate_series(1, cardinality($1) - 1) AS n
	JOIN cdp.decision ON decision.identifier_a = least($1[n], $1[n + 1])
		AND decision.identifier_b = greatest($1[n], $1[n + 1])
		AND decision.withdrawn_by IS NULL
$$;
COMMENT ON FUNCTION cdp._always_decisions(bigint[]) IS
'the numbers of the decisions that a path of "always" is made of';

CREATE FUNCTION cdp._refuse_contradiction(action_id bigint, never_id bigint)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	never cdp.decision;
	path bigint[];
BEGIN
	SELECT * INTO never FROM cdp.decision WHERE decision_id = $2;
	path := cdp._always_path(ARRAY[never.identifier_a], ARRAY[never.identifier_b]);
	RAISE EXCEPTION 'decisions would contradict each other'
		USING ERRCODE = 'object_not_in_prerequisite_state',
			DETAIL = format('%s, but %s never %s.', cdp._always_says(path),
				cdp._identifier_key(never.identifier_a), cdp._identifier_key(never.identifier_b)),
			HINT = format('cdp.undecide() takes an older one of them back: %s.', (
				SELECT string_agg(older.decision_id::text, ', ' ORDER BY older.decision_id)
				FROM cdp.decision AS older
				WHERE older.action_id <> $1
					AND older.decision_id = ANY (cdp._always_decisions(path) || $2)));
END
$$;
COMMENT ON FUNCTION cdp._refuse_contradiction(bigint, bigint) IS
'raise for an action, and tell by which path "always" contradicts a decision "never"';

-- The parts taken together: two that a decision is to join may be asked about.
CREATE FUNCTION cdp._never_within(from_ids bigint[]) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH part AS MATERIALIZED (
		SELECT walk.identifier_id FROM cdp._always_walk($1) AS walk
	)
	SELECT min(never.decision_id)
	FROM part AS a
	JOIN cdp.decision AS never ON never.identifier_a = a.identifier_id
		AND never.verdict = 'never' AND never.withdrawn_by IS NULL
	JOIN part AS b ON b.identifier_id = never.identifier_b
$$;
COMMENT ON FUNCTION cdp._never_within(bigint[]) IS
'the earliest decision "never" that holds between identifiers that decisions "always" join to any of these; NULL: there is none';

-- One new decision: only the part that it is in can have a contradiction.
CREATE FUNCTION cdp._check_decision(action_id bigint, identifier_id bigint)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	never_id bigint := cdp._never_within(ARRAY[$2]);
BEGIN
	IF never_id IS NOT NULL THEN
		PERFORM cdp._refuse_contradiction($1, never_id);
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_decision(bigint, bigint) IS
'raise for an action if decisions contradict each other in the part "always" that an identifier is in';

-- Many new decisions: all that hold are looked through.
CREATE FUNCTION cdp._check_decisions(action_id bigint) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	never_id bigint;
BEGIN
	WITH part AS MATERIALIZED (
		SELECT node, component
		FROM cdp.component_rows((SELECT cdp.components(identifier_a, identifier_b)
			FROM cdp.decision WHERE verdict = 'always' AND withdrawn_by IS NULL))
	)
	SELECT min(never.decision_id) INTO never_id
	FROM cdp.decision AS never
	JOIN part AS a ON a.node = never.identifier_a
	JOIN part AS b ON b.node = never.identifier_b AND b.component = a.component
	WHERE never.verdict = 'never' AND never.withdrawn_by IS NULL;
	IF never_id IS NOT NULL THEN
		PERFORM cdp._refuse_contradiction($1, never_id);
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_decisions(bigint) IS
'raise for an action if decisions that hold contradict each other';

-- Pairs may be given in any order, and more than once; one about which a
-- decision holds is left alone.
CREATE FUNCTION cdp._add_decisions(
	action_id bigint,
	verdict text,
	a bigint[],
	b bigint[])
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO cdp.decision (verdict, identifier_a, identifier_b, action_id)
	SELECT DISTINCT $2, least(pair.a, pair.b), greatest(pair.a, pair.b), $1
	FROM unnest($3, $4) AS pair (a, b)
	WHERE pair.a <> pair.b
	ORDER BY 2, 3
	ON CONFLICT (identifier_a, identifier_b) WHERE withdrawn_by IS NULL DO NOTHING
$$;
COMMENT ON FUNCTION cdp._add_decisions(bigint, text, bigint[], bigint[]) IS
'make decisions of one action, for pairs of identifiers about which none holds';

CREATE FUNCTION cdp._check_verdict(verdict text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 IS NULL OR $1 NOT IN ('always', 'never') THEN
		RAISE EXCEPTION 'unknown verdict "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A verdict is always or never.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_verdict(text) IS
'raise unless it is always or never';

CREATE FUNCTION cdp._identifier_to_decide(key text) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found cdp.identifier;
BEGIN
	IF $1 IS NULL THEN
		RAISE EXCEPTION 'an identifier must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT * INTO found FROM cdp.identifier
	WHERE identifier_id = cdp._parse_identifier($1);
	IF found.blocked THEN
		RAISE EXCEPTION 'identifier "%" is blocked', $1
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'A blocked value belongs to no profile.',
				HINT = 'cdp.unblock_value() frees it.';
	ELSIF NOT EXISTS (SELECT FROM cdp.identifier_type AS type
			WHERE type.type_id = found.type_id AND type.stitches AND type.priority IS NOT NULL) THEN
		RAISE EXCEPTION 'identifier "%" only describes', $1
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'Identifiers of its type belong to no profile.';
	ELSIF NOT EXISTS (SELECT FROM cdp.identifier_set_member AS member
			JOIN cdp.identifier_set AS evidence USING (set_id)
			WHERE member.identifier_id = found.identifier_id AND NOT evidence.retracted) THEN
		RAISE EXCEPTION 'identifier "%" has no evidence', $1
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'All records that brought it are retracted.',
				HINT = 'cdp.unretract() takes that back.';
	END IF;
	RETURN found.identifier_id;
END
$$;
COMMENT ON FUNCTION cdp._identifier_to_decide(text) IS
'the identifier that is written so; raises if nothing can be decided about it';

CREATE FUNCTION cdp._refuse_opposite(decision_id bigint) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION 'decision % says the opposite', $1
		USING ERRCODE = 'object_not_in_prerequisite_state',
			DETAIL = (SELECT format('%s %s %s.', cdp._identifier_key(known.identifier_a),
					known.verdict, cdp._identifier_key(known.identifier_b))
				FROM cdp.decision AS known WHERE known.decision_id = $1),
			HINT = format('cdp.undecide(%s, reason) takes it back.', $1);
END
$$;
COMMENT ON FUNCTION cdp._refuse_opposite(bigint) IS
'raise, and tell what this decision says';

-- set_id: the record that says so; NULL: a steward does.
CREATE FUNCTION cdp._decide(
	a bigint,
	b bigint,
	verdict text,
	reason text,
	set_id bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known cdp.decision;
	action bigint;
	made bigint;
BEGIN
	SELECT * INTO known FROM cdp.decision
	WHERE identifier_a = least($1, $2) AND identifier_b = greatest($1, $2)
		AND withdrawn_by IS NULL;
	IF known.verdict = $3 THEN
		RAISE NOTICE 'decision % says so already', known.decision_id;
		RETURN known.decision_id;
	ELSIF known.verdict <> $3 THEN
		PERFORM cdp._refuse_opposite(known.decision_id);
	END IF;
	action := cdp._add_action($3, $4, jsonb_build_object('identifiers',
		jsonb_build_array(least($1, $2), greatest($1, $2))));
	INSERT INTO cdp.decision (verdict, identifier_a, identifier_b, action_id, set_id)
	VALUES ($3, least($1, $2), greatest($1, $2), action, $5)
	RETURNING decision_id INTO made;
	PERFORM cdp._check_decision(action, $1);
	PERFORM cdp._judge_action(action, ARRAY[$1, $2]);
	RETURN made;
END
$$;
COMMENT ON FUNCTION cdp._decide(bigint, bigint, text, text, bigint) IS
'make a decision about two identifiers, by number, or find it made';

CREATE FUNCTION cdp._decide_identifiers(a text, b text, verdict text, reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	first bigint;
	second bigint;
BEGIN
	PERFORM cdp._check_verdict($3);
	PERFORM cdp._begin_action($4);
	first := cdp._identifier_to_decide($1);
	second := cdp._identifier_to_decide($2);
	IF first = second THEN
		RAISE EXCEPTION '"%" and "%" are the same identifier', $1, $2
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A decision is about two.';
	END IF;
	RETURN cdp._decide(first, second, $3, $4);
END
$$;
COMMENT ON FUNCTION cdp._decide_identifiers(text, text, text, text) IS
'cdp.decide() of two identifiers';

-- The members of a live profile, the strongest first.
CREATE FUNCTION cdp._profile_members(profile_id bigint)
RETURNS TABLE (strength bigint, identifier_id bigint)
LANGUAGE sql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT row_number() OVER (ORDER BY type.priority, identifier.identifier_id),
		identifier.identifier_id
	FROM (
		SELECT $1 AS leaf
		UNION ALL
		SELECT merged.profile_id FROM cdp.profile AS merged
		WHERE merged.root = $1 AND merged.root <> merged.profile_id
	) AS id
	JOIN cdp.identifier USING (leaf)
	JOIN cdp.identifier_type AS type USING (type_id)
	ORDER BY 1
$$;
COMMENT ON FUNCTION cdp._profile_members(bigint) IS
'the identifiers of a live profile, the strongest (by priority, then the oldest) first';

CREATE FUNCTION cdp._strongest_member(profile_id bigint) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	strongest bigint := (SELECT member.identifier_id
		FROM cdp._profile_members($1) AS member WHERE strength = 1);
BEGIN
	IF strongest IS NULL THEN
		RAISE EXCEPTION 'profile % has no identifiers', $1
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'They are blocked, or their evidence is retracted.';
	END IF;
	RETURN strongest;
END
$$;
COMMENT ON FUNCTION cdp._strongest_member(bigint) IS
'the strongest identifier of a live profile; raises if it has none';

CREATE FUNCTION cdp._decide_profiles(a bigint, b bigint, verdict text, reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	first bigint;
	second bigint;
BEGIN
	PERFORM cdp._check_verdict($3);
	PERFORM cdp._begin_action($4);
	first := cdp._profile_to_change($1);
	second := cdp._profile_to_change($2);
	IF first = second THEN
		RAISE EXCEPTION 'profiles % and % are one profile already', $1, $2
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = format('Both ids lead to profile %s.', first),
				HINT = CASE $3
					WHEN 'never' THEN 'cdp.unmerge() parts it.'
					ELSE 'To keep it so, decide about two of its identifiers.' END;
	END IF;
	RETURN cdp._decide(cdp._strongest_member(first), cdp._strongest_member(second), $3, $4);
END
$$;
COMMENT ON FUNCTION cdp._decide_profiles(bigint, bigint, text, text) IS
'cdp.decide() of two profiles';

CREATE FUNCTION cdp._withdraw_decision(decision_id bigint, reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known cdp.decision;
	action bigint;
BEGIN
	SELECT * INTO known FROM cdp.decision
	WHERE decision.decision_id = $1 AND withdrawn_by IS NULL;
	action := cdp._add_action('undecide', $2, jsonb_build_object('identifiers',
		jsonb_build_array(known.identifier_a, known.identifier_b)));
	UPDATE cdp.decision SET withdrawn_by = action
	WHERE decision.decision_id = $1;
	PERFORM cdp._judge_action(action, ARRAY[known.identifier_a, known.identifier_b]);
	RETURN action;
END
$$;
COMMENT ON FUNCTION cdp._withdraw_decision(bigint, text) IS
'take back a decision that holds; the number of the action';

CREATE FUNCTION cdp._undecide(decision_id bigint, reason text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known cdp.decision;
BEGIN
	PERFORM cdp._begin_action($2);
	SELECT * INTO known FROM cdp.decision WHERE decision.decision_id = $1;
	IF known.decision_id IS NULL THEN
		RAISE EXCEPTION 'decision % does not exist', coalesce($1::text, 'NULL')
			USING ERRCODE = 'undefined_object',
				HINT = 'See cdp.decision.';
	ELSIF known.withdrawn_by IS NOT NULL THEN
		RAISE EXCEPTION 'decision % does not hold any more', $1
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = format('Action %s took it back.', known.withdrawn_by);
	END IF;
	RETURN cdp._withdraw_decision($1, $2);
END
$$;
COMMENT ON FUNCTION cdp._undecide(bigint, text) IS
'cdp.undecide() of a decision by number';

-- Whatever became of the two: the decision itself is what counts.
CREATE FUNCTION cdp._undecide_identifiers(a text, b text, reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	first bigint;
	second bigint;
	known bigint;
BEGIN
	PERFORM cdp._begin_action($3);
	IF $1 IS NULL OR $2 IS NULL THEN
		RAISE EXCEPTION 'an identifier must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	first := cdp._parse_identifier($1);
	second := cdp._parse_identifier($2);
	SELECT decision_id INTO known FROM cdp.decision
	WHERE identifier_a = least(first, second) AND identifier_b = greatest(first, second)
		AND withdrawn_by IS NULL;
	IF known IS NULL THEN
		RAISE EXCEPTION 'no decision about "%" and "%" holds', $1, $2
			USING ERRCODE = 'undefined_object',
				HINT = 'See cdp.decision.';
	END IF;
	RETURN cdp._withdraw_decision(known, $3);
END
$$;
COMMENT ON FUNCTION cdp._undecide_identifiers(text, text, text) IS
'cdp.undecide() of a decision by its pair';
