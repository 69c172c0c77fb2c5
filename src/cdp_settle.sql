-- What a call of cdp.ingest() does after its records are written: everything
-- that a merge run would do for them, in the caller's transaction.  Only one
-- session merges at a time; if another one does, or the transaction could not
-- see what others have committed since it began, the work is noted in cdp.todo
-- for the merge run instead.
--
-- Waiting for the merger's lock here could close a circle: this transaction
-- holds identifiers that the merger may wait for.  Hence "try".
CREATE FUNCTION cdp._settle(
	set_ids bigint[],
	new_sets bigint[],
	event_ids bigint[])
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	profiles bigint[];
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed'
			OR NOT pg_try_advisory_xact_lock(6513776, 2) THEN
		PERFORM cdp._add_todo('stitch', new_sets);
		PERFORM cdp._add_todo('timeline', event_ids);
		PERFORM cdp._add_todo('profile', cdp._set_profiles(set_ids));
		RETURN false;
	END IF;
	IF cardinality(new_sets) > 0 THEN
		profiles := cdp._stitch(new_sets);
	END IF;
	IF cardinality(event_ids) > 0 THEN
		PERFORM cdp._timeline_append(event_ids);
	END IF;
	profiles := array_cat(profiles, cdp._set_profiles(set_ids));
	IF cardinality(profiles) > 0 THEN
		PERFORM cdp._refresh_profiles(profiles);
		PERFORM cdp._evaluate_profiles(profiles);
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION cdp._settle(bigint[], bigint[], bigint[]) IS
'stitch, append, refresh and evaluate what a call has written; false: left to the merge run';

CREATE FUNCTION cdp._set_profiles(set_ids bigint[]) RETURNS bigint[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg(DISTINCT profile.root)
	FROM cdp.identifier_set
	JOIN cdp.identifier ON identifier.identifier_id = identifier_set.owner
	JOIN cdp.profile ON profile.profile_id = identifier.leaf
	WHERE identifier_set.set_id = ANY (set_ids)
$$;
COMMENT ON FUNCTION cdp._set_profiles(bigint[]) IS
'live profiles of identifier sets';
