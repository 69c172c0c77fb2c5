-- Whom erasing takes, and taking it from the identity tables.
--
-- A subject is a whole live profile: the ids that lead to it (leaves), the
-- identifiers born into them (members), and the sets whose events they own.
-- With these sets go the identifiers that came in no other one (lone): a blocked
-- address, a cookie that a limit kept apart; and the profiles that have nothing
-- else.
--
-- A set of somebody else that names a member stays: it is the other's evidence.
-- The member's number stays in its list and leads nowhere, which is as if it had
-- never been there: whatever reads sets joins their members with cdp.identifier.
-- Likewise the log keeps where other profiles were parted from this one, by
-- number.
--
-- What then depended on the members (a cookie is shared no longer, a limit not
-- reached any more) is judged anew, so that the store is what a rebuild makes
-- of the evidence that is left.
--
-- The caller holds the merger's lock and holds off ingest.

-- Sets that wait to be judged, and aliases to be decided, may join the profile
-- with another: that is done first, until none is left that touches it.
CREATE FUNCTION cdp._settle_subject(profile_id bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint := cdp._profile_to_change($1);
	waiting bigint[];
	aliases bigint[];
	judged bigint[] := '{}';
BEGIN
	LOOP
		SELECT array_agg(DISTINCT member.set_id),
			array_agg(DISTINCT member.set_id) FILTER (WHERE pending.phase = 'alias')
		INTO waiting, aliases
		FROM (SELECT todo.phase, unnest(ids) AS set_id FROM cdp.todo
			WHERE todo.phase IN ('stitch', 'alias')) AS pending
		JOIN cdp.identifier_set_member AS member USING (set_id)
		JOIN cdp.identifier USING (identifier_id)
		JOIN cdp.profile ON profile.profile_id = identifier.leaf
		WHERE profile.root = live AND member.set_id <> ALL (judged);
		EXIT WHEN waiting IS NULL;
		PERFORM cdp._decide_alias_sets(aliases);
		PERFORM cdp._stitch(waiting);
		judged := judged || waiting;
		live := (SELECT root FROM cdp.profile WHERE profile.profile_id = live);
	END LOOP;
	RETURN live;
END
$$;
COMMENT ON FUNCTION cdp._settle_subject(bigint) IS
'judge the sets and decide the aliases that wait and touch a profile; the live profile it is then';

-- Rows of other profiles may still show what has moved into this one, directly
-- or by way of others, as long as they wait to be made anew.
CREATE FUNCTION cdp._stale_neighbours(profile_ids bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	waiting bigint[] := ARRAY(SELECT DISTINCT unnest(ids) FROM cdp.todo WHERE phase = 'profile');
	found_ids bigint[] := $1;
	next bigint[] := $1;
BEGIN
	WHILE cardinality(next) > 0 AND cardinality(waiting) > 0 LOOP
		next := ARRAY(
			SELECT DISTINCT other.id
			FROM (SELECT log.profile_before AS id FROM cdp.identity_log AS log WHERE log.profile_after = ANY (next)
				UNION SELECT log.profile_after FROM cdp.identity_log AS log WHERE log.profile_before = ANY (next)) AS other
			JOIN unnest(waiting) AS late (id) USING (id)
			WHERE other.id <> ALL (found_ids));
		found_ids := found_ids || next;
	END LOOP;
	RETURN found_ids;
END
$$;
COMMENT ON FUNCTION cdp._stale_neighbours(bigint[]) IS
'these profiles, and those that exchanged something with them and wait for phase "profile"';

CREATE FUNCTION cdp._find_subject(
	profile_id bigint,
	OUT leaves bigint[],
	OUT members bigint[],
	OUT sets bigint[],
	OUT beside bigint[],
	OUT lone bigint[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
BEGIN
	leaves := ARRAY(SELECT own.leaf FROM cdp._profile_leaf AS own WHERE own.root = $1 ORDER BY 1);
	members := ARRAY(SELECT identifier_id FROM cdp.identifier WHERE leaf = ANY (leaves) ORDER BY 1);
	WITH touched AS MATERIALIZED (
		SELECT DISTINCT member.set_id
		FROM unnest(members) AS given (identifier_id)
		JOIN cdp.identifier_set_member AS member USING (identifier_id)
	), named AS MATERIALIZED (
		SELECT held.set_id, held.identifiers,
			held.owner IS NULL OR owner.leaf IS NULL OR owner.leaf = ANY (leaves) AS own
		FROM touched
		JOIN cdp.identifier_set AS held USING (set_id)
		LEFT JOIN cdp.identifier AS owner ON owner.identifier_id = held.owner
	)
	SELECT coalesce(array_agg(named.set_id ORDER BY named.set_id) FILTER (WHERE named.own), '{}'),
		ARRAY(SELECT DISTINCT other.id
			FROM named AS every, unnest(every.identifiers) AS other (id)
			WHERE other.id <> ALL (members) ORDER BY 1)
	INTO sets, beside
	FROM named;
	lone := ARRAY(
		SELECT other.id FROM unnest(beside) AS other (id)
		WHERE NOT EXISTS (
			SELECT FROM cdp.identifier_set_member AS elsewhere
			WHERE elsewhere.identifier_id = other.id AND elsewhere.set_id <> ALL (sets))
		ORDER BY 1);
	-- Of others' profiles only those go that have nothing else.
	leaves := leaves || ARRAY(
		SELECT every.leaf
		FROM (SELECT DISTINCT live.root
			FROM unnest(lone) AS alone (id)
			JOIN cdp.identifier ON identifier.identifier_id = alone.id
			JOIN cdp.profile AS live ON live.profile_id = identifier.leaf) AS other
		CROSS JOIN LATERAL cdp._profile_leaves(other.root) AS every
		WHERE NOT EXISTS (
			SELECT FROM cdp._profile_leaves(other.root) AS own
			JOIN cdp.identifier ON identifier.leaf = own.leaf
			WHERE identifier.identifier_id <> ALL (lone))
		ORDER BY 1);
END
$$;
COMMENT ON FUNCTION cdp._find_subject(bigint) IS
'what belongs to a live profile: ids, identifiers, sets; identifiers beside its own in sets, and those of them that came in no other';

CREATE FUNCTION cdp._without_numbers(detail jsonb, key text, numbers bigint[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN jsonb_typeof($1 -> $2) = 'array'
		THEN jsonb_set($1, ARRAY[$2], (
			SELECT coalesce(jsonb_agg(item ORDER BY n), '[]')
			FROM jsonb_array_elements($1 -> $2) WITH ORDINALITY AS list (item, n)
			WHERE item::bigint <> ALL ($3)))
		ELSE $1 END
$$;
COMMENT ON FUNCTION cdp._without_numbers(jsonb, text, bigint[]) IS
'a list of numbers in a steward''s action without some of them';

-- What was done by hand stays as a deed; its reason may tell of the person.
CREATE FUNCTION cdp._erase_actions(identifier_ids bigint[], profile_ids bigint[], set_ids bigint[])
RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	touched bigint[];
	decisions bigint;
BEGIN
	WITH gone AS (
		DELETE FROM cdp.decision
		WHERE identifier_a = ANY ($1) OR identifier_b = ANY ($1)
		RETURNING action_id, withdrawn_by
	), named AS (
		SELECT action_id FROM gone
		UNION SELECT withdrawn_by FROM gone WHERE withdrawn_by IS NOT NULL
		UNION SELECT action_id FROM cdp.steward_action AS action
		WHERE (action.detail ->> 'profile_id')::bigint = ANY ($2)
			OR action.detail <> cdp._without_numbers(action.detail, 'identifiers', $1)
			OR action.detail <> cdp._without_numbers(action.detail, 'retracted', $3)
			OR action.detail <> cdp._without_numbers(action.detail, 'unretracted', $3)
	), every AS (
		SELECT action_id FROM named
		UNION SELECT action.action_id FROM cdp.steward_action AS action
		WHERE (action.detail ->> 'undoes')::bigint IN (SELECT action_id FROM named)
	)
	SELECT array_agg(action_id), (SELECT count(*) FROM gone) INTO touched, decisions
	FROM every;
	UPDATE cdp.steward_action AS action
	SET reason = 'erased',
		detail = cdp._without_numbers(cdp._without_numbers(cdp._without_numbers(
			CASE WHEN (action.detail ->> 'profile_id')::bigint = ANY ($2)
				THEN action.detail - 'profile_id' ELSE action.detail END,
			'identifiers', $1), 'retracted', $3), 'unretracted', $3)
	WHERE action.action_id = ANY (touched);
	RETURN jsonb_build_object('decision', decisions,
		'steward_action', coalesce(cardinality(touched), 0));
END
$$;
COMMENT ON FUNCTION cdp._erase_actions(bigint[], bigint[], bigint[]) IS
'remove decisions about identifiers, and the reasons of what was done by hand to them; how many rows';

CREATE FUNCTION cdp._erase_identity_log(identifier_ids bigint[], profile_ids bigint[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
	own bigint;
	others bigint;
BEGIN
	DELETE FROM cdp.identity_log
	WHERE (profile_before = ANY ($2) OR profile_after = ANY ($2))
		AND coalesce(profile_before = ANY ($2), true)
		AND coalesce(profile_after = ANY ($2), true);
	GET DIAGNOSTICS own = ROW_COUNT;
	UPDATE cdp.identity_log AS log
	SET identifiers = kept.identifiers, leaves = kept.leaves
	FROM cdp.identity_log AS was
	CROSS JOIN LATERAL (
		SELECT coalesce(array_agg(id ORDER BY n), '{}') AS identifiers,
			coalesce(array_agg(leaf ORDER BY n), '{}') AS leaves
		FROM unnest(was.identifiers, was.leaves) WITH ORDINALITY AS moved (id, leaf, n)
		WHERE id <> ALL ($1)) AS kept
	WHERE (was.profile_before = ANY ($2) OR was.profile_after = ANY ($2))
		AND log.log_id = was.log_id AND was.identifiers && $1;
	GET DIAGNOSTICS others = ROW_COUNT;
	RETURN own + others;
END
$$;
COMMENT ON FUNCTION cdp._erase_identity_log(bigint[], bigint[]) IS
'remove what the identity log says of profiles alone, and identifiers from what it says of others, too; how many rows';

CREATE FUNCTION cdp._drop_strong_pairs(identifier_ids bigint[], beside bigint[]) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM cdp.identifier_strong AS pair
	WHERE pair.weak_id = ANY ($1 || $2)
		AND (pair.weak_id = ANY ($1) OR pair.strong_id = ANY ($1)
			OR pair.strong_id = ANY ($2) AND NOT EXISTS (
				SELECT FROM cdp.identifier_set_member AS mine
				JOIN cdp.identifier_set AS evidence USING (set_id)
				WHERE mine.identifier_id = pair.weak_id AND NOT evidence.retracted
					AND pair.strong_id = ANY (evidence.identifiers)))
$$;
COMMENT ON FUNCTION cdp._drop_strong_pairs(bigint[], bigint[]) IS
'forget with which strong identifiers weak ones were seen, where the evidence has gone';

CREATE FUNCTION cdp._losing_profiles(identifier_ids bigint[], profile_ids bigint[])
RETURNS bigint[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(DISTINCT profile.root), '{}')
	FROM unnest($1) AS gone (id)
	JOIN cdp.identifier ON identifier.identifier_id = gone.id
	JOIN cdp.profile ON profile.profile_id = identifier.leaf
	WHERE profile.root <> ALL ($2)
$$;
COMMENT ON FUNCTION cdp._losing_profiles(bigint[], bigint[]) IS
'live profiles, other than these, that have some of these identifiers';

-- A blocked identifier goes with a subject if no record of anybody else names
-- it: then a rule with its very value was made for the person.  Rules for values
-- of every type, and patterns, stay.
CREATE FUNCTION cdp._own_blocked_values(identifier_ids bigint[])
RETURNS TABLE (blocked_value_id integer, type text, value text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH named AS MATERIALIZED (
		SELECT rule.blocked_value_id, rule.type, rule.value
		FROM cdp.blocked_value AS rule
		WHERE EXISTS (
			SELECT FROM cdp.identifier JOIN cdp.identifier_type AS type USING (type_id)
			WHERE identifier_id = ANY ($1) AND type.type = rule.type
				AND lower(identifier.value COLLATE "C") = rule.value)
	)
	SELECT named.* FROM named
	WHERE NOT EXISTS (
		SELECT FROM cdp.identifier JOIN cdp.identifier_type AS type USING (type_id)
		WHERE identifier_id <> ALL ($1) AND type.type = named.type
			AND lower(identifier.value COLLATE "C") = named.value)
$$;
COMMENT ON FUNCTION cdp._own_blocked_values(bigint[]) IS
'rules that block the very values of identifiers, and of no other';

-- No other identifier is freed, so nothing is to be judged that is not judged
-- anyway.
CREATE FUNCTION cdp._erase_blocked_values(identifier_ids bigint[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rules integer[] := ARRAY(SELECT own.blocked_value_id FROM cdp._own_blocked_values($1) AS own);
	was_pending boolean;
BEGIN
	IF rules = '{}' THEN
		RETURN 0;
	END IF;
	was_pending := cdp._lock_rules();
	DELETE FROM cdp.blocked_value WHERE blocked_value_id = ANY (rules);
	UPDATE cdp.identity_state SET judge_all = was_pending;
	UPDATE cdp.steward_action AS action SET reason = 'erased'
	WHERE action.action IN ('block', 'unblock')
		AND (action.detail ->> 'blocked_value_id')::integer = ANY (rules);
	RETURN cardinality(rules);
END
$$;
COMMENT ON FUNCTION cdp._erase_blocked_values(bigint[]) IS
'remove the rules that block the very values of identifiers, and why they were made; how many';

-- identifier_ids: members and lone.  Returns how many rows went.
CREATE FUNCTION cdp._erase_identity(
	identifier_ids bigint[],
	profile_ids bigint[],
	set_ids bigint[],
	beside bigint[])
RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	partners bigint[] := ARRAY(
		SELECT partner.id
		FROM (SELECT identifier_b AS id FROM cdp.decision WHERE identifier_a = ANY ($1) AND withdrawn_by IS NULL
			UNION SELECT identifier_a FROM cdp.decision WHERE identifier_b = ANY ($1) AND withdrawn_by IS NULL
			UNION SELECT former_founder FROM cdp.profile
			WHERE profile_id = ANY ($2) AND former_founder IS NOT NULL
			UNION SELECT id FROM unnest($4) AS id
			UNION SELECT other.identifier_id
			FROM unnest(cdp._losing_profiles($1, $2)) AS live (root)
			CROSS JOIN LATERAL cdp._profile_leaves(live.root) AS every
			JOIN cdp.identifier AS other ON other.leaf = every.leaf) AS partner
		WHERE partner.id <> ALL ($1));
	done jsonb := cdp._erase_actions($1, $2, $3);
	identifiers bigint;
	sets bigint;
BEGIN
	done := done || jsonb_build_object('identity_log', cdp._erase_identity_log($1, $2),
		'blocked_value', cdp._erase_blocked_values($1));
	DELETE FROM cdp.refused_link WHERE identifier_a = ANY ($1);
	DELETE FROM cdp.refused_link WHERE identifier_b = ANY ($1);
	DELETE FROM cdp.identifier_set_member WHERE identifier_id = ANY ($1);
	DELETE FROM cdp.identifier_set_member WHERE identifier_id = ANY ($4) AND set_id = ANY ($3);
	DELETE FROM cdp.identifier_set_seen WHERE set_id = ANY ($3);
	DELETE FROM cdp.identifier_set WHERE set_id = ANY ($3);
	GET DIAGNOSTICS sets = ROW_COUNT;
	PERFORM cdp._drop_strong_pairs($1, $4);
	UPDATE cdp.group_kind SET made_from = NULL
	WHERE made_from IS NOT NULL AND types && ARRAY(
		SELECT DISTINCT type.type::text
		FROM cdp.identifier JOIN cdp.identifier_type AS type USING (type_id)
		WHERE identifier_id = ANY ($1));
	DELETE FROM cdp.profile_group
	WHERE kind IN (SELECT group_kind.kind FROM cdp.group_kind) AND profile_id = ANY ($2);
	DELETE FROM cdp.identifier WHERE identifier_id = ANY ($1);
	GET DIAGNOSTICS identifiers = ROW_COUNT;
	DELETE FROM cdp.profile WHERE profile_id = ANY ($2);
	UPDATE cdp.identifier SET former_leaf = NULL
	WHERE identifier_id = ANY (partners) AND former_leaf = ANY ($2);
	PERFORM cdp._judge_expiry(partners);
	PERFORM cdp._rejudge(partners);
	RETURN done || jsonb_build_object('identifier', identifiers, 'identifier_set', sets,
		'profile', cardinality($2));
END
$$;
COMMENT ON FUNCTION cdp._erase_identity(bigint[], bigint[], bigint[], bigint[]) IS
'remove identifiers, profiles and sets, and judge anew what was beside them; how many rows of which table';

-- Work that is noted for what is gone.
CREATE FUNCTION cdp._drop_todo(phases text[], gone bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE cdp.todo
	SET ids = ARRAY(SELECT id FROM unnest(ids) WITH ORDINALITY AS list (id, n)
		WHERE id <> ALL ($2) ORDER BY n)
	WHERE phase = ANY ($1) AND ids && $2;
	DELETE FROM cdp.todo WHERE phase = ANY ($1) AND ids = '{}';
END
$$;
COMMENT ON FUNCTION cdp._drop_todo(text[], bigint[]) IS
'take ids out of the pending work of some phases';
