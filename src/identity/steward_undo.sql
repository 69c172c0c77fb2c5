-- What stewards take back: evidence, and their own actions; steward.sql tells
-- the story.

-- Retractions.

-- Pairs of a set's members that no set which is evidence has.
CREATE FUNCTION cdp._drop_stale_pairs(set_ids bigint[]) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM cdp.identifier_strong AS pair
	USING (
		SELECT DISTINCT weak.id AS weak_id, strong.id AS strong_id
		FROM cdp.identifier_set AS held
		CROSS JOIN unnest(held.identifiers) AS weak (id)
		CROSS JOIN unnest(held.identifiers) AS strong (id)
		WHERE held.set_id = ANY ($1)
	) AS given
	WHERE pair.weak_id = given.weak_id AND pair.strong_id = given.strong_id
		AND NOT EXISTS (
			SELECT FROM cdp.identifier_set_member AS mine
			JOIN cdp.identifier_set AS evidence USING (set_id)
			WHERE mine.identifier_id = pair.weak_id AND NOT evidence.retracted
				AND pair.strong_id = ANY (evidence.identifiers))
$$;
COMMENT ON FUNCTION cdp._drop_stale_pairs(bigint[]) IS
'forget which weak identifiers were seen with which strong ones in these sets, where no other evidence says so';

CREATE FUNCTION cdp._set_retracted(set_ids bigint[], retracted boolean)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	members bigint[] := ARRAY(SELECT DISTINCT unnest(identifiers)
		FROM cdp.identifier_set WHERE set_id = ANY ($1));
BEGIN
	IF members = '{}' THEN
		RETURN members;
	END IF;
	UPDATE cdp.identifier_set SET retracted = $2
	WHERE set_id = ANY ($1);
	PERFORM cdp._drop_stale_pairs($1);
	PERFORM cdp._judge_expiry(members);
	-- Which sources know a profile, and since when, is read off its evidence:
	-- that changes even where profiles stay what they are.
	PERFORM cdp._add_todo('profile', cdp._member_profiles($1));
	RETURN members;
END
$$;
COMMENT ON FUNCTION cdp._set_retracted(bigint[], boolean) IS
'make sets no evidence any more, or evidence again; the identifiers of them, which are to be judged';

-- The identifiers that it was about are members of the set: judged anyway.
CREATE FUNCTION cdp._withdraw_aliases(action_id bigint, set_ids bigint[])
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE cdp.decision SET withdrawn_by = $1
	WHERE set_id = ANY ($2) AND withdrawn_by IS NULL
$$;
COMMENT ON FUNCTION cdp._withdraw_aliases(bigint, bigint[]) IS
'withdraw for an action what these sets decided as aliases';

CREATE FUNCTION cdp._restore_aliases(action_id bigint, set_id bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._swap_decisions($1, (
		SELECT max(earlier.action_id) FROM cdp.steward_action AS earlier
		WHERE earlier.detail -> 'retracted' @> to_jsonb($2)));
	PERFORM cdp._check_decisions($1);
END
$$;
COMMENT ON FUNCTION cdp._restore_aliases(bigint, bigint) IS
'make anew for an action what was withdrawn when a set was retracted';

CREATE FUNCTION cdp._retract(set_id bigint, retracted boolean, reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	was boolean;
	action bigint;
BEGIN
	PERFORM cdp._begin_action($3);
	SELECT known.retracted INTO was
	FROM cdp.identifier_set AS known WHERE known.set_id = $1;
	IF was IS NULL THEN
		RAISE EXCEPTION 'identifier set % does not exist', coalesce($1::text, 'NULL')
			USING ERRCODE = 'undefined_object',
				HINT = 'cdp.explain_identity() and cdp.conflict show the numbers of sets.';
	ELSIF was = $2 THEN
		RAISE EXCEPTION 'identifier set % is % already', $1,
				CASE WHEN $2 THEN 'retracted' ELSE 'evidence' END
			USING ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
	action := cdp._add_action(CASE WHEN $2 THEN 'retract' ELSE 'unretract' END, $3,
		jsonb_build_object(CASE WHEN $2 THEN 'retracted' ELSE 'unretracted' END,
			jsonb_build_array($1)));
	IF $2 THEN
		PERFORM cdp._withdraw_aliases(action, ARRAY[$1]);
	ELSE
		PERFORM cdp._restore_aliases(action, $1);
	END IF;
	PERFORM cdp._judge_action(action, cdp._set_retracted(ARRAY[$1], $2));
	RETURN action;
END
$$;
COMMENT ON FUNCTION cdp._retract(bigint, boolean, text) IS
'cdp.retract() and cdp.unretract()';

-- Undo.

-- Sets that an action retracted (or made evidence again) and that no later
-- one has dealt with.
CREATE FUNCTION cdp._sets_of_action(action_id bigint, change text)
RETURNS bigint[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(
		SELECT changed.set_id::bigint
		FROM cdp.steward_action AS action
		CROSS JOIN LATERAL jsonb_array_elements_text(action.detail -> $2) AS changed (set_id)
		WHERE action.action_id = $1
			AND NOT EXISTS (
				SELECT FROM cdp.steward_action AS later
				WHERE later.action_id > $1
					AND (later.detail -> 'retracted' @> to_jsonb(changed.set_id::bigint)
						OR later.detail -> 'unretracted' @> to_jsonb(changed.set_id::bigint)))
		ORDER BY 1)
$$;
COMMENT ON FUNCTION cdp._sets_of_action(bigint, text) IS
'the sets that are as this action left them; change is retracted or unretracted';

-- Made again, a decision is a new row: who decided what is never rewritten.
CREATE FUNCTION cdp._swap_decisions(action_id bigint, undone_id bigint)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	touched bigint[];
BEGIN
	WITH withdrawn AS (
		UPDATE cdp.decision AS made SET withdrawn_by = $1
		WHERE made.action_id = $2 AND made.withdrawn_by IS NULL
		RETURNING identifier_a, identifier_b
	), remade AS (
		INSERT INTO cdp.decision (verdict, identifier_a, identifier_b, action_id, set_id)
		SELECT DISTINCT ON (old.identifier_a, old.identifier_b)
			old.verdict, old.identifier_a, old.identifier_b, $1, old.set_id
		FROM cdp.decision AS old
		WHERE old.withdrawn_by = $2
		ORDER BY old.identifier_a, old.identifier_b, old.decision_id
		ON CONFLICT (identifier_a, identifier_b) WHERE withdrawn_by IS NULL DO NOTHING
		RETURNING identifier_a, identifier_b
	)
	SELECT array_agg(id) INTO touched
	FROM (TABLE withdrawn UNION ALL TABLE remade) AS pair,
		LATERAL (VALUES (identifier_a), (identifier_b)) AS ends (id);
	RETURN coalesce(touched, '{}');
END
$$;
COMMENT ON FUNCTION cdp._swap_decisions(bigint, bigint) IS
'withdraw what decisions another action made, make anew what it withdrew; the identifiers they are about';

CREATE FUNCTION cdp._check_undo(action_id bigint) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known cdp.steward_action;
	opposite bigint;
BEGIN
	SELECT * INTO known FROM cdp.steward_action AS action WHERE action.action_id = $1;
	IF known.action_id IS NULL THEN
		RAISE EXCEPTION 'action % does not exist', coalesce($1::text, 'NULL')
			USING ERRCODE = 'undefined_object',
				HINT = 'See cdp.steward_action.';
	ELSIF known.action IN ('block', 'unblock', 'change_rules') THEN
		RAISE EXCEPTION 'cannot undo action % of kind "%"', $1, known.action
			USING ERRCODE = 'feature_not_supported',
				DETAIL = 'It changed the rules, not the evidence.',
				HINT = CASE known.action
					WHEN 'block' THEN 'cdp.unblock_value() takes it back.'
					WHEN 'unblock' THEN 'cdp.block_value() takes it back.'
					ELSE 'cdp.change_rules() sets the rules to what they were.' END;
	END IF;
	SELECT min(today.decision_id) INTO opposite
	FROM cdp.decision AS old
	JOIN cdp.decision AS today USING (identifier_a, identifier_b)
	WHERE old.withdrawn_by = $1 AND today.withdrawn_by IS NULL
		AND today.verdict <> old.verdict;
	IF opposite IS NOT NULL THEN
		PERFORM cdp._refuse_opposite(opposite);
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_undo(bigint) IS
'raise unless it is an action that can be undone';

CREATE FUNCTION cdp._undo_action(action_id bigint, reason text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	retracted bigint[];
	unretracted bigint[];
	action bigint;
	touched bigint[];
BEGIN
	PERFORM cdp._begin_action($2);
	PERFORM cdp._check_undo($1);
	retracted := cdp._sets_of_action($1, 'unretracted');
	unretracted := cdp._sets_of_action($1, 'retracted');
	action := cdp._add_action('undo', $2, jsonb_strip_nulls(jsonb_build_object('undoes', $1,
		'retracted', to_jsonb(nullif(retracted, '{}')),
		'unretracted', to_jsonb(nullif(unretracted, '{}')))));
	PERFORM cdp._withdraw_aliases(action, retracted);
	touched := cdp._swap_decisions(action, $1)
		|| cdp._set_retracted(retracted, true)
		|| cdp._set_retracted(unretracted, false);
	IF touched = '{}' THEN
		RAISE EXCEPTION 'action % has no effect that holds', $1
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'It has been undone, or its decisions withdrawn, before.',
				HINT = 'What an undo has brought back is undone by the number of that undo; see cdp.steward_action.';
	END IF;
	PERFORM cdp._check_decisions(action);
	PERFORM cdp._judge_action(action, touched);
	RETURN action;
END
$$;
COMMENT ON FUNCTION cdp._undo_action(bigint, text) IS
'cdp.undo_action()';
