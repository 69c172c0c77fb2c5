-- Groups of profiles: made anew by the merge run when anything they are made
-- from has changed, and only rows that differ are written.
--
-- Two profiles are linked if the events of both came with one value of the
-- kind's types: the profiles of an identifier are those of the owners of its
-- sets.  So a shared identifier, which belongs to none of the people who use
-- it, is what links them.  A blocked or expired value and retracted evidence
-- link nothing; a value of more profiles than max_profiles_per_value neither.

CREATE FUNCTION cdp.add_group_kind(
	kind text,
	types text[],
	max_profiles_per_value integer DEFAULT 20,
	description text DEFAULT '')
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_group_kind($1);
	PERFORM cdp._check_group_rule($1, $2, $3);
	INSERT INTO cdp.group_kind (kind, types, max_profiles_per_value, description)
	VALUES ($1, $2, $3, coalesce($4, ''));
END
$$;
COMMENT ON FUNCTION cdp.add_group_kind(text, text[], integer, text) IS
'from the next merge run on keep groups of profiles that share values of these identifier types, unless more than max_profiles_per_value profiles do';

CREATE FUNCTION cdp.drop_group_kind(kind text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	DELETE FROM cdp.group_kind WHERE group_kind.kind = $1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'unknown kind of groups "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'undefined_object',
				HINT = 'See cdp.group_kind.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp.drop_group_kind(text) IS
'forget a kind of groups, and its groups with it';

CREATE FUNCTION cdp._check_group_kind(kind text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 IS NULL OR $1 !~ '^[a-z][a-z0-9_]{0,30}$' THEN
		RAISE EXCEPTION 'invalid kind of groups "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A kind is a word of up to 31 lower-case letters, digits and underscores that begins with a letter.';
	ELSIF EXISTS (SELECT FROM cdp.group_kind AS present WHERE present.kind = $1) THEN
		RAISE EXCEPTION 'kind of groups "%" exists already', $1
			USING ERRCODE = 'duplicate_object',
				HINT = 'Kinds are rows of cdp.group_kind, which may be updated.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_group_kind(text) IS
'raise unless it can be the name of a new kind of groups';

CREATE FUNCTION cdp._check_group_rule(kind text, types text[], max_profiles_per_value integer)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF coalesce(cardinality($2), 0) = 0 THEN
		RAISE EXCEPTION 'kind of groups "%" names no identifier type', $1
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Write them as ARRAY[''phone'', ''device_id''].';
	ELSIF $3 IS NULL OR $3 < 2 THEN
		RAISE EXCEPTION 'max_profiles_per_value must be at least 2'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A value of one profile links nothing.';
	END IF;
	PERFORM cdp._check_known_type(named.type) FROM unnest($2) AS named (type);
END
$$;
COMMENT ON FUNCTION cdp._check_group_rule(text, text[], integer) IS
'raise unless a kind of groups can be made by that rule';

-- Is a value of that many profiles a link, and of which?  Each profile with
-- the smallest one that shares a value with it.
CREATE FUNCTION cdp._group_links(types text[], max_profiles_per_value integer)
RETURNS TABLE (profile_a bigint, profile_b bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH bearer AS (
		SELECT DISTINCT member.identifier_id, profile.root
		FROM cdp.identifier_type AS type
		JOIN cdp.identifier AS shared USING (type_id)
		JOIN cdp.identifier_set_member AS member USING (identifier_id)
		JOIN cdp.identifier_set AS set USING (set_id)
		JOIN cdp.identifier AS owner ON owner.identifier_id = set.owner
		JOIN cdp.profile ON profile.profile_id = owner.leaf
		WHERE type.type = ANY ($1) AND NOT shared.blocked AND NOT shared.expired
			AND NOT set.retracted
	), counted AS (
		SELECT root, min(root) OVER value AS first, count(*) OVER value AS profiles
		FROM bearer
		WINDOW value AS (PARTITION BY identifier_id)
	)
	SELECT first, root
	FROM counted
	WHERE profiles BETWEEN 2 AND $2 AND first <> root
$$;
COMMENT ON FUNCTION cdp._group_links(text[], integer) IS
'pairs of live profiles that share a value of these types';

CREATE FUNCTION cdp._group_rows(types text[], max_profiles_per_value integer)
RETURNS TABLE (profile_id bigint, group_id bigint)
LANGUAGE sql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	SELECT found.node, found.component
	FROM cdp.component_rows((
		SELECT cdp.components(link.profile_a, link.profile_b)
		FROM cdp._group_links($1, $2) AS link)) AS found
$$;
COMMENT ON FUNCTION cdp._group_rows(text[], integer) IS
'the groups of a kind as the store says now: live profiles, each with the smallest id in its group';

CREATE FUNCTION cdp._make_groups(kind text) RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH found AS MATERIALIZED (
		SELECT grouped.profile_id, grouped.group_id
		FROM cdp.group_kind,
			cdp._group_rows(group_kind.types, group_kind.max_profiles_per_value) AS grouped
		WHERE group_kind.kind = $1
	), gone AS (
		DELETE FROM cdp.profile_group AS stored
		WHERE stored.kind = $1 AND NOT EXISTS (
			SELECT FROM found WHERE found.profile_id = stored.profile_id)
		RETURNING 1
	), written AS (
		INSERT INTO cdp.profile_group AS stored (kind, profile_id, group_id)
		SELECT $1, found.profile_id, found.group_id
		FROM found
		WHERE NOT EXISTS (SELECT FROM cdp.profile_group AS same
			WHERE same.kind = $1 AND same.profile_id = found.profile_id
				AND same.group_id = found.group_id)
		ON CONFLICT (kind, profile_id) DO UPDATE SET group_id = excluded.group_id
		RETURNING 1
	)
	SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM written)
$$;
COMMENT ON FUNCTION cdp._make_groups(text) IS
'make the groups of a kind anew; returns how many rows differed';

-- Everything that groups are made from leaves its mark on one of these: a new
-- set on the sequence; a merge or split on the log; a newly shared or blocked
-- identifier and a rule on the epoch or the version; a retraction among the
-- actions.  Whatever judges that an identifier expired, or has not, forgets
-- what groups of its type were made from.
CREATE FUNCTION cdp._group_basis(types text[], max_profiles_per_value integer) RETURNS text
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT concat_ws(' ', $1::text, $2, sets.last_value, state.epoch, state.rules_version,
		(SELECT max(log_id) FROM cdp.identity_log),
		(SELECT count(*) FROM cdp.steward_action))
	FROM cdp.identifier_set_id_seq AS sets, cdp.identity_state AS state
$$;
COMMENT ON FUNCTION cdp._group_basis(text[], integer) IS
'a text that differs whenever the groups of a kind may';

-- Attach reads identifier_set before it numbers a set, and keeps its lock to
-- the end.  Maintenance takes locks of other modes; locks of a prepared
-- transaction are of no process.
CREATE FUNCTION cdp._sets_in_flight() RETURNS boolean
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (
		SELECT FROM pg_locks AS held
		WHERE held.locktype = 'relation'
			AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND held.relation = 'cdp.identifier_set'::regclass
			AND held.mode IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
			AND held.pid IS DISTINCT FROM pg_backend_pid())
$$;
COMMENT ON FUNCTION cdp._sets_in_flight() IS
'whether another session may have numbered a set that is not to be seen yet';

-- The caller holds the merger's lock.  While at least a batch of sets waits,
-- groups would be out of date at once: they are left for later.  Groups made
-- while fewer wait, or while a set may be in flight, are made again by the
-- next call.  The basis is read before the rest, each by a statement of its
-- own: what comes in between is then either seen or changes the basis.
CREATE FUNCTION cdp._group_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kind record;
	basis text;
	unsettled boolean;
	waiting bigint;
	written bigint := 0;
BEGIN
	FOR kind IN SELECT * FROM cdp.group_kind ORDER BY group_kind.kind LOOP
		basis := cdp._group_basis(kind.types, kind.max_profiles_per_value);
		CONTINUE WHEN basis = kind.made_from;
		unsettled := cdp._sets_in_flight();
		waiting := cdp._todo_size('stitch');
		EXIT WHEN waiting >= $1;
		written := written + cdp._make_groups(kind.kind);
		UPDATE cdp.group_kind
		SET made_from = CASE WHEN waiting = 0 AND NOT unsettled THEN basis END
		WHERE group_kind.kind = kind.kind;
	END LOOP;
	RETURN written;
END
$$;
COMMENT ON FUNCTION cdp._group_step(integer) IS
'make groups of profiles anew if anything they are made from changed, unless at least a batch of sets waits; how many rows differed';
