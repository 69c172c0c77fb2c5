-- The caller holds the merger's lock, pg_advisory_xact_lock(6513776, 2).
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
	), earlier AS (
		SELECT identifier_set.identifiers
		FROM total
		JOIN cdp.identifier_set USING (set_id)
		WHERE total.first_seen < identifier_set.first_seen
	), queued AS (
		SELECT cdp._add_todo('profile', array_agg(DISTINCT profile.root))
		FROM earlier, unnest(earlier.identifiers) AS member (identifier_id)
		JOIN cdp.identifier USING (identifier_id)
		JOIN cdp.profile ON profile.profile_id = identifier.leaf
	), folded AS (
		UPDATE cdp.identifier_set
		SET first_seen = least(identifier_set.first_seen, total.first_seen),
			last_seen = greatest(identifier_set.last_seen, total.last_seen),
			records = identifier_set.records + total.records
		FROM total
		WHERE identifier_set.set_id = total.set_id
		RETURNING 1
	)
	SELECT count(*) FROM folded, queued
$$;
COMMENT ON FUNCTION cdp._fold_seen() IS
'bring the counters of identifier sets up to date; profiles that turn out to be older than they seemed become work of phase "profile"';

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
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT waiting > greatest(20 * $1, 0.04 * sets)
	FROM (SELECT cdp._todo_size('stitch') AS waiting,
			(SELECT coalesce(last_value, 0) FROM cdp.identifier_set_id_seq) AS sets) AS size
$$;
COMMENT ON FUNCTION cdp._should_stitch_everything(integer) IS
'whether so many sets wait that a rebuild of all profiles costs less';

CREATE FUNCTION cdp._stitch_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	set_ids bigint[];
BEGIN
	PERFORM cdp._fold_seen();
	IF cdp._should_stitch_everything(batch) THEN
		WITH taken AS (
			DELETE FROM cdp.todo WHERE phase = 'stitch' RETURNING ids
		)
		SELECT array_agg(id) INTO set_ids FROM taken, unnest(taken.ids) AS id;
		PERFORM cdp._stitch_everything();
		PERFORM cdp._add_todo('profile', cdp._member_profiles(set_ids));
		RETURN cardinality(set_ids);
	END IF;
	set_ids := cdp._take_todo('stitch', batch);
	IF set_ids IS NULL THEN
		RETURN 0;
	END IF;
	PERFORM cdp._stitch(set_ids);
	RETURN cardinality(set_ids);
END
$$;
COMMENT ON FUNCTION cdp._stitch_step(integer) IS
'one batch of phase "stitch" of the merge run; how many sets it judged';

CREATE FUNCTION cdp._stitch_rebuild(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._fold_seen();
	DELETE FROM cdp.todo WHERE phase = 'stitch';
	PERFORM cdp._stitch_everything();
	RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._stitch_rebuild(integer) IS
'make profiles anew from all evidence; equals what increments left';
