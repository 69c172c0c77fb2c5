-- What an identifier's profile was at some time, read backwards from what it
-- is now: the log holds every change of a leaf or of a root.
--
-- An identifier stands at (leaf, live profile).  The row of the log that
-- brought it there names the live profile as profile_after, and either the
-- identifier itself (it was given another leaf: the old one stands in leaves)
-- or its leaf (the leaf was made to lead elsewhere).  Undoing the row gives
-- where it stood before, and so on until no row does: where it was born.
--
-- The order is that of log_id, which the merger's lock makes the order of the
-- changes.  Times may fall back a little in it, because a statement that waits
-- for the lock has begun before: a change counts as done at the latest time
-- that stands up to it.
--
-- The rows of one judgement happened at once, in whatever order they stand: one
-- may give the identifier a leaf that another makes lead to the same profile.
-- Then the row that names the identifier tells where it was before.  Two such
-- rows are of one judgement if nothing between them took the identifier away.
--
-- Cost: a look at all rows that ended in the profile, for each change of the
-- identifier.

CREATE FUNCTION cdp._last_change(
	identifier_id bigint,
	leaf bigint,
	live bigint,
	before_log_id bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	of_identifier bigint;
	of_leaf bigint;
BEGIN
	-- Gathered first: else the planner might walk the whole log backwards.
	IF $3 IS NULL THEN
		RETURN (WITH ended AS MATERIALIZED (
				SELECT log.log_id
				FROM cdp.identity_log AS log
				WHERE log.profile_after IS NULL AND log.log_id < $4
					AND $1 = ANY (log.identifiers)
			)
			SELECT max(log_id) FROM ended);
	END IF;
	WITH ended AS MATERIALIZED (
		SELECT log.log_id, $1 = ANY (log.identifiers) AS names_identifier
		FROM cdp.identity_log AS log
		WHERE log.profile_after = $3 AND log.log_id < $4
			AND ($1 = ANY (log.identifiers) OR $2 = ANY (log.profiles))
	)
	SELECT max(log_id) FILTER (WHERE names_identifier),
		max(log_id) FILTER (WHERE NOT names_identifier)
	INTO of_identifier, of_leaf
	FROM ended;
	IF of_leaf < of_identifier OR EXISTS (
			SELECT FROM cdp.identity_log AS log
			WHERE log.profile_before = $3 AND log.profile_after IS DISTINCT FROM $3
				AND log.log_id > of_identifier AND log.log_id < of_leaf
				AND ($1 = ANY (log.identifiers) OR $2 = ANY (log.profiles))) THEN
		RETURN greatest(of_identifier, of_leaf);
	END IF;
	RETURN coalesce(of_identifier, of_leaf);
END
$$;
COMMENT ON FUNCTION cdp._last_change(bigint, bigint, bigint, bigint) IS
'the latest row of the log, before a given one, that brought an identifier with that leaf to that live profile; NULL: it was born there';

-- Newest first; the last row has no log_id: it is the birth.
CREATE FUNCTION cdp._identity_chain(identifier_id bigint)
RETURNS TABLE (log_id bigint, at timestamptz, profile_before bigint, profile_after bigint,
	leaf bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint;
	change record;
	before_log_id bigint := 9223372036854775807;
BEGIN
	SELECT identifier.leaf, profile.root INTO leaf, live
	FROM cdp.identifier
	LEFT JOIN cdp.profile ON profile.profile_id = identifier.leaf
	WHERE identifier.identifier_id = $1;
	LOOP
		SELECT * INTO change
		FROM cdp.identity_log AS log
		WHERE log.log_id = cdp._last_change($1, leaf, live, before_log_id);
		EXIT WHEN NOT FOUND;
		log_id := change.log_id;
		at := change.at;
		profile_before := change.profile_before;
		profile_after := change.profile_after;
		RETURN NEXT;
		IF $1 = ANY (change.identifiers) THEN
			leaf := nullif(change.leaves[array_position(change.identifiers, $1)], 0);
		END IF;
		live := change.profile_before;
		before_log_id := change.log_id;
	END LOOP;
	log_id := NULL;
	at := (SELECT identifier.created_at FROM cdp.identifier
		WHERE identifier.identifier_id = $1);
	profile_before := NULL;
	profile_after := live;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION cdp._identity_chain(bigint) IS
'the changes of an identifier''s live profile, newest first, with the leaf it then had; the last row, without log_id, is the profile it was born into';

-- What befell its first profile before the identifier came is not its story.
CREATE FUNCTION cdp._identity_life(identifier_id bigint)
RETURNS TABLE (log_id bigint, at timestamptz, since timestamptz, profile_before bigint,
	profile_after bigint, leaf bigint)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH chain AS (
		SELECT told.*, max(told.at) OVER (ORDER BY told.log_id NULLS FIRST) AS since,
			min(told.at) FILTER (WHERE told.log_id IS NULL) OVER () AS born
		FROM cdp._identity_chain($1) AS told
	)
	(SELECT NULL::bigint, born, born, NULL::bigint, profile_after, leaf
	FROM chain
	WHERE log_id IS NULL OR at < born AND since = born
	ORDER BY log_id DESC NULLS LAST
	LIMIT 1)
	UNION ALL
	SELECT log_id, at, since, profile_before, profile_after, leaf
	FROM chain
	WHERE log_id IS NOT NULL AND NOT (at < born AND since = born)
$$;
COMMENT ON FUNCTION cdp._identity_life(bigint) IS
'the profile that an identifier was born into (without log_id), and the changes of its live profile since; since: when the change counts as done';

CREATE FUNCTION cdp._identity_at(identifier_id bigint, at timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT life.profile_after
	FROM cdp._identity_life($1) AS life
	WHERE life.since <= $2
	ORDER BY life.log_id DESC NULLS LAST
	LIMIT 1
$$;
COMMENT ON FUNCTION cdp._identity_at(bigint, timestamptz) IS
'the live profile of an identifier at a time; NULL: it had none, or was not known';

-- Who was ever in a change with a profile, or with one of those that were.  Plans
-- that are made once and go by indexes: every such question is about a few rows.
CREATE FUNCTION cdp._identifiers_met(profile_id bigint) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
	met bigint[] := '{}';
	more bigint[] := ARRAY(SELECT root FROM cdp.profile WHERE profile.profile_id = $1);
BEGIN
	WHILE cardinality(more) > 0 LOOP
		met := met || more;
		more := ARRAY(
			SELECT log.profile_before FROM cdp.identity_log AS log
			WHERE log.profile_after = ANY (more) AND log.profile_before <> ALL (met)
			UNION
			SELECT log.profile_after FROM cdp.identity_log AS log
			WHERE log.profile_before = ANY (more) AND log.profile_after <> ALL (met));
	END LOOP;
	RETURN QUERY
	SELECT identifier.identifier_id
	FROM unnest(met) AS root (id)
		CROSS JOIN LATERAL (
			SELECT root.id
			UNION ALL
			SELECT merged.profile_id FROM cdp.profile AS merged
			WHERE merged.root = root.id AND merged.root <> merged.profile_id) AS leaf (id)
		JOIN cdp.identifier ON identifier.leaf = leaf.id
	UNION
	SELECT named.id
	FROM cdp.identity_log AS log CROSS JOIN LATERAL unnest(log.identifiers) AS named (id)
	WHERE log.profile_before = ANY (met);
END
$$;
COMMENT ON FUNCTION cdp._identifiers_met(bigint) IS
'the identifiers that may ever have been one profile with this one';

-- A profile id goes where its founder goes.
CREATE FUNCTION cdp._identifiers_at(profile_id bigint, at timestamptz)
RETURNS TABLE (identifier_id bigint, leaf bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint := (SELECT cdp._identity_at(profile.founder, $2)
		FROM cdp.profile WHERE profile.profile_id = $1);
	stood record;
BEGIN
	FOR identifier_id IN SELECT id FROM cdp._identifiers_met($1) AS id ORDER BY id LOOP
		SELECT life.profile_after, life.leaf INTO stood
		FROM cdp._identity_life(identifier_id) AS life
		WHERE life.since <= $2
		ORDER BY life.log_id DESC NULLS LAST
		LIMIT 1;
		IF stood.profile_after = live THEN
			leaf := stood.leaf;
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp._identifiers_at(bigint, timestamptz) IS
'the identifiers that were one profile at a time with the id given, each with its leaf of then';

-- The log of actions has every change of the mark, in the order of its numbers.
CREATE FUNCTION cdp._retracted_sets(at timestamptz) RETURNS TABLE (set_id bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 IS NULL THEN
		RETURN QUERY
		SELECT held.set_id FROM cdp.identifier_set AS held WHERE held.retracted;
		RETURN;
	END IF;
	RETURN QUERY
	SELECT changed.id
	FROM (
		SELECT DISTINCT ON (id) item::bigint AS id, change.key = 'retracted' AS retracted
		FROM cdp.steward_action AS action
			CROSS JOIN LATERAL jsonb_each(action.detail) AS change
			CROSS JOIN LATERAL jsonb_array_elements(change.value) AS list (item)
		WHERE action.at <= $1 AND change.key IN ('retracted', 'unretracted')
		ORDER BY id, action.action_id DESC) AS changed
	WHERE changed.retracted;
END
$$;
COMMENT ON FUNCTION cdp._retracted_sets(timestamptz) IS
'the identifier sets that were retracted at a time; NULL: that are now';

-- Because of what: a record, a decision, a steward.
CREATE FUNCTION cdp._change_says(set_id bigint, decision_id bigint, action_id bigint)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN $1 IS NOT NULL THEN (
			SELECT format('%s put %s on one record on %s', cdp._source_name(set.source_id),
				(SELECT string_agg(cdp._identifier_says(member.id), ' and '
						ORDER BY type.priority, type.type_id, identifier.scope, identifier.value)
					FROM unnest(set.identifiers) AS member (id)
					JOIN cdp.identifier ON identifier.identifier_id = member.id
					JOIN cdp.identifier_type AS type USING (type_id)
					WHERE type.stitches AND NOT identifier.blocked),
				cdp._day(set.first_seen))
			FROM cdp.identifier_set AS set
			WHERE set.set_id = $1)
		WHEN coalesce($2, $3) IS NOT NULL THEN (
			SELECT concat_ws(': ', format('%s (%s)', action.action, action.actor), action.reason)
			FROM cdp.steward_action AS action
			WHERE action.action_id = coalesce($3, (SELECT decision.action_id
				FROM cdp.decision WHERE decision.decision_id = $2)))
		END
$$;
COMMENT ON FUNCTION cdp._change_says(bigint, bigint, bigint) IS
'what caused a change of the identity log, as a sentence goes on; NULL: nobody and no record did';

CREATE FUNCTION cdp._identity_history(identifier_id bigint)
RETURNS TABLE (
	at timestamptz,
	change text,
	profile_before bigint,
	profile_after bigint,
	set_id bigint,
	decision_id bigint,
	action_id bigint,
	says text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT life.at, told.change, life.profile_before, life.profile_after,
		log.set_id, log.decision_id, log.action_id,
		CASE WHEN told.change = 'born' AND life.profile_after IS NULL
				THEN cdp._identifier_says($1) || ' ' || coalesce(
					(SELECT why.says FROM cdp._why_no_key($1) AS why), 'belongs to no profile')
			WHEN told.change = 'born'
				THEN format('%s is part of profile %s', cdp._identifier_says($1), life.profile_after)
			WHEN life.profile_before IS NULL
				THEN format('%s became part of profile %s', cdp._identifier_says($1), life.profile_after)
			WHEN life.profile_after IS NULL
				THEN format('%s left profile %s and belongs to none', cdp._identifier_says($1), life.profile_before)
			WHEN told.change = 'merge'
				THEN format('profile %s became part of profile %s', life.profile_before, life.profile_after)
			ELSE format('a part of profile %s became profile %s', life.profile_before, life.profile_after)
			END || coalesce(': ' || cdp._change_says(log.set_id, log.decision_id, log.action_id), '')
	FROM cdp._identity_life($1) AS life
	LEFT JOIN cdp.identity_log AS log USING (log_id)
	CROSS JOIN LATERAL (
		SELECT coalesce(log.change, 'born')) AS told (change)
	WHERE life.log_id IS NULL OR life.profile_before IS DISTINCT FROM life.profile_after
	ORDER BY life.log_id NULLS FIRST
$$;
COMMENT ON FUNCTION cdp._identity_history(bigint) IS
'rows of cdp.identity_history()';
