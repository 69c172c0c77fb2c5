-- The caller holds the merger's lock, cdp._lock_merger().
CREATE FUNCTION cdp._stitch(set_ids bigint[], queue boolean DEFAULT true)
RETURNS bigint[]
LANGUAGE c VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'cdp__stitch';
COMMENT ON FUNCTION cdp._stitch(bigint[], boolean) IS
'judge new identifier sets: merge and split profiles; returns the profiles affected, live ones and those merged away; queue: also note them as work of phase "profile"';

CREATE FUNCTION cdp._stitch_everything() RETURNS bigint[]
LANGUAGE c VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'cdp__stitch_everything';
COMMENT ON FUNCTION cdp._stitch_everything() IS
'judge all evidence by today''s rules and write what differs';

CREATE FUNCTION cdp._rejudge(identifier_ids bigint[]) RETURNS bigint[]
LANGUAGE c VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'cdp__rejudge';
COMMENT ON FUNCTION cdp._rejudge(bigint[]) IS
'judge anew the components around identifiers about which something stopped being true';

-- Known sets that were seen again.
CREATE FUNCTION cdp._fold_seen() RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH seen AS (
		DELETE FROM cdp.identifier_set_seen
		RETURNING set_id, first_seen, last_seen, records
	), total AS (
		SELECT set_id, min(first_seen) AS first_seen,
			max(last_seen) AS last_seen, sum(records)::bigint AS records
		FROM seen
		GROUP BY set_id
	), member AS MATERIALIZED (
		SELECT total.set_id, leaf.root, identifier.expired,
			total.first_seen < identifier_set.first_seen AS is_older,
			total.last_seen > identifier_set.last_seen
				AND identifier.expires_at IS NOT NULL AS lasts_longer,
			coalesce(live.marks & 4, 0) <> 0 AS is_replayed
		FROM total
		JOIN cdp.identifier_set USING (set_id)
		CROSS JOIN unnest(identifier_set.identifiers) AS member (identifier_id)
		JOIN cdp.identifier USING (identifier_id)
		LEFT JOIN cdp.profile AS leaf ON leaf.profile_id = identifier.leaf
		LEFT JOIN cdp.profile AS live ON live.profile_id = leaf.root
	), judged AS (
		SELECT cdp._add_todo('stitch', array_agg(DISTINCT set_id))
		FROM member
		WHERE expired OR is_older AND is_replayed
		HAVING count(*) > 0
	), queued AS (
		SELECT cdp._add_todo('profile', array_agg(DISTINCT root))
		FROM member
		WHERE root IS NOT NULL AND (is_older OR lasts_longer)
	), folded AS (
		UPDATE cdp.identifier_set
		SET first_seen = least(identifier_set.first_seen, total.first_seen),
			last_seen = greatest(identifier_set.last_seen, total.last_seen),
			records = identifier_set.records + total.records
		FROM total
		WHERE identifier_set.set_id = total.set_id
		RETURNING 1
	)
	SELECT count(*) FROM folded, queued LEFT JOIN judged ON true
$$;
COMMENT ON FUNCTION cdp._fold_seen() IS
'bring the counters of identifier sets up to date; profiles that turn out to be older than they seemed, or to have identifiers that last longer, become work of phase "profile", sets whose times decide something that of phase "stitch"';

-- Days and months are those of UTC: when something expires must not depend on
-- the session that asks.  A time to look again that is early enough is left.
-- Profiles show what has expired no more, so those of what turned are noted.
CREATE FUNCTION cdp._judge_expiry(identifier_ids bigint[]) RETURNS bigint[]
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH seen AS (
		SELECT identifier.identifier_id, identifier.expired,
			CASE WHEN type.time_to_live IS NOT NULL AND type.stitches
					AND type.priority IS NOT NULL AND NOT identifier.blocked
				THEN (SELECT max(identifier_set.last_seen)
						FROM cdp.identifier_set_member AS member
						JOIN cdp.identifier_set USING (set_id)
						WHERE member.identifier_id = identifier.identifier_id
							AND NOT identifier_set.retracted)
					AT TIME ZONE 'UTC' + type.time_to_live END AS until
		FROM cdp.identifier
		JOIN cdp.identifier_type AS type USING (type_id)
		WHERE identifier.identifier_id = ANY (coalesce($1, ARRAY(
			SELECT every.identifier_id
			FROM cdp.identifier AS every
			JOIN cdp.identifier_type AS type USING (type_id)
			WHERE type.time_to_live IS NOT NULL
				OR every.expires_at IS NOT NULL OR every.expired)))
	), judged AS (
		SELECT identifier_id, expired AS was,
			coalesce(until AT TIME ZONE 'UTC' <= cdp.clock(), false) AS expired,
			CASE WHEN until AT TIME ZONE 'UTC' > cdp.clock()
				THEN until AT TIME ZONE 'UTC' END AS expires_at
		FROM seen
	), written AS (
		UPDATE cdp.identifier
		SET expired = judged.expired, expires_at = judged.expires_at
		FROM judged
		WHERE identifier.identifier_id = judged.identifier_id
			AND (identifier.expired <> judged.expired
				OR (identifier.expires_at IS NULL) <> (judged.expires_at IS NULL)
				OR identifier.expires_at > judged.expires_at
				OR identifier.expires_at <= cdp.clock())
		RETURNING judged.identifier_id, identifier.type_id, identifier.leaf,
			judged.was <> judged.expired AS turned
	), stale AS (
		UPDATE cdp.group_kind SET made_from = NULL
		WHERE made_from IS NOT NULL AND types && ARRAY(
			SELECT type.type::text FROM written
			JOIN cdp.identifier_type AS type USING (type_id)
			WHERE turned)
	), queued AS (
		SELECT cdp._add_todo('profile', array_agg(DISTINCT profile.root))
		FROM written JOIN cdp.profile ON profile.profile_id = written.leaf
		WHERE turned
		HAVING count(*) > 0
	)
	SELECT coalesce(array_agg(identifier_id ORDER BY identifier_id)
		FILTER (WHERE turned), '{}')
	FROM written LEFT JOIN queued ON true
$$;
COMMENT ON FUNCTION cdp._judge_expiry(bigint[]) IS
'bring "expired" and "expires_at" of identifiers (NULL: of all) up to date; those whose "expired" changed, whose profiles become work of phase "profile"';

-- The earliest first; a batch of them at a time.
CREATE FUNCTION cdp._expire(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	due bigint[];
	expired bigint[];
BEGIN
	SELECT array_agg(identifier_id) INTO due
	FROM (SELECT identifier_id
		FROM cdp.identifier
		WHERE expires_at <= cdp.clock()
		ORDER BY expires_at
		LIMIT $1) AS earliest;
	IF due IS NULL THEN
		RETURN 0;
	END IF;
	expired := cdp._judge_expiry(due);
	IF cardinality(expired) > 0 THEN
		PERFORM cdp._rejudge(expired);
	END IF;
	RETURN cardinality(due);
END
$$;
COMMENT ON FUNCTION cdp._expire(integer) IS
'judge a batch of identifiers whose time to live may be over; how many it looked at';

-- A profile that gained evidence needs a new row even where the partition
-- stays as it was.
CREATE FUNCTION cdp._member_profiles(set_ids bigint[]) RETURNS bigint[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg(DISTINCT profile.root)
	FROM cdp.identifier_set AS set,
		unnest(set.identifiers) AS member (identifier_id)
	JOIN cdp.identifier USING (identifier_id)
	JOIN cdp.profile ON profile.profile_id = identifier.leaf
	WHERE set.set_id = ANY ($1)
$$;
COMMENT ON FUNCTION cdp._member_profiles(bigint[]) IS
'the live profiles of the identifiers of these sets';

-- Is judging everything at once cheaper than what waits, batch by batch?
CREATE FUNCTION cdp._should_stitch_everything(batch integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- Taken first: a change of rules that commits later asks again.
	UPDATE cdp.identity_state SET judge_all = false WHERE judge_all;
	RETURN FOUND OR (SELECT waiting > greatest(20 * $1, 0.04 * sets)
		FROM (SELECT cdp._todo_size('stitch') AS waiting,
			(SELECT coalesce(last_value, 0) FROM cdp.identifier_set_id_seq) AS sets) AS size);
END
$$;
COMMENT ON FUNCTION cdp._should_stitch_everything(integer) IS
'whether rules changed, or so many sets wait that a rebuild of all profiles costs less; takes note that the rules are dealt with';

-- A run does what waits when it begins: what this leaves out, it may leave.
CREATE FUNCTION cdp._stitch_backlog() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._fold_seen();
	RETURN cdp._todo_size('stitch') + cdp._todo_size('alias')
		+ (SELECT count(*) FROM cdp.identifier WHERE expires_at <= cdp.clock());
END
$$;
COMMENT ON FUNCTION cdp._stitch_backlog() IS
'how much waits for phase "stitch": sets to be judged, known ones that were seen at a time that matters among them, aliases, and identifiers whose time may be over';

CREATE FUNCTION cdp._stitch_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	set_ids bigint[];
	aliases bigint;
	done bigint;
	written bigint;
BEGIN
	PERFORM cdp._fold_seen();
	aliases := cdp._decide_aliases(batch);
	IF cdp._should_stitch_everything(batch) THEN
		WITH taken AS (
			DELETE FROM cdp.todo WHERE phase = 'stitch' RETURNING ids
		)
		SELECT array_agg(id) INTO set_ids FROM taken, unnest(taken.ids) AS id;
		PERFORM cdp._stitch_everything();
		PERFORM cdp._add_todo('profile', cdp._member_profiles(set_ids));
		PERFORM cdp._group_step($1);
		RETURN greatest(1, cardinality(set_ids) + aliases);
	END IF;
	set_ids := cdp._take_todo('stitch', batch);
	IF set_ids IS NOT NULL THEN
		PERFORM cdp._stitch(set_ids);
	END IF;
	done := aliases + coalesce(cardinality(set_ids), 0) + cdp._expire($1);
	written := cdp._group_step($1);
	RETURN CASE WHEN done > 0 THEN done ELSE written END;
END
$$;
COMMENT ON FUNCTION cdp._stitch_step(integer) IS
'one batch of phase "stitch" of the merge run; how many sets and identifiers whose time may be over it judged, or, if none, rows of groups it wrote';

CREATE FUNCTION cdp._stitch_rebuild(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._fold_seen();
	UPDATE cdp.identity_state SET judge_all = false WHERE judge_all;
	PERFORM cdp._decide_aliases(cdp._todo_size('alias')::integer);
	DELETE FROM cdp.todo WHERE phase = 'stitch';
	PERFORM cdp._stitch_everything();
	UPDATE cdp.group_kind SET made_from = NULL;
	PERFORM cdp._group_step($1);
	RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._stitch_rebuild(integer) IS
'make profiles anew from all evidence, aliases that wait among it; equals what increments left';
