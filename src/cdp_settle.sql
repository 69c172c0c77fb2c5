-- What a call of cdp.ingest() does after its records are written: everything
-- that a merge run would do for them, in the caller's transaction.  Only one
-- session merges at a time; if another one does, or the transaction could not
-- see what others have committed since it began, the work is noted in cdp.todo
-- for the merge run instead.
--
-- Waiting for the merger's lock here could close a circle: this transaction
-- holds identifiers that the merger may wait for.  Hence "try".
--
-- What customers answered about consent counts at once all the same, unless
-- somebody else holds their profile: nobody may be written to for as long as a
-- stranger's transaction stays open.
CREATE FUNCTION cdp._settle_answers(set_ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
	answered bigint[] := ARRAY(
		SELECT DISTINCT owner.profile_id
		FROM cdp._owner_profiles($1) AS owner
		WHERE EXISTS (
			SELECT FROM cdp._profile_leaf AS leaf
				JOIN cdp.identifier USING (leaf)
				JOIN cdp.consent_log AS said USING (identifier_id)
			WHERE leaf.root = owner.profile_id AND said.recorded_at = cdp.clock()));
BEGIN
	PERFORM cdp._refresh_consents(free.ids)
	FROM cdp._timeline_lock(answered) AS free (ids)
	WHERE free.ids IS NOT NULL;
END
$$;
COMMENT ON FUNCTION cdp._settle_answers(bigint[]) IS
'let what was answered with records of these sets count, of profiles that nobody else holds';

CREATE FUNCTION cdp._settle(
	set_ids bigint[],
	new_sets bigint[],
	event_ids bigint[],
	since timestamptz,
	until timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	touched bigint[] := '{}';
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed'
			OR NOT cdp._try_lock_merger() THEN
		IF current_setting('transaction_isolation') = 'read committed' THEN
			PERFORM cdp._settle_answers(set_ids);
		END IF;
		PERFORM cdp._add_todo('stitch', new_sets);
		PERFORM cdp._add_todo('timeline', event_ids);
		PERFORM cdp._add_todo('profile', cdp._profiles_of_sets(set_ids));
		RETURN false;
	END IF;
	IF cardinality(new_sets) > 0 THEN
		touched := cdp._stitch(new_sets, false);
	END IF;
	IF cardinality(event_ids) > 0 THEN
		touched := touched || cdp._timeline_append(event_ids, since, until);
	END IF;
	touched := ARRAY(SELECT DISTINCT id
		FROM unnest(touched || cdp._profiles_of_sets(set_ids)) AS id);
	IF cardinality(touched) > 0 THEN
		PERFORM cdp._refresh_profiles(touched);
		PERFORM cdp._score_profiles(touched);
		PERFORM cdp._evaluate_profiles(touched);
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION cdp._settle(bigint[], bigint[], bigint[], timestamptz, timestamptz) IS
'stitch, append, refresh, score and evaluate what a call has written; false: left to the merge run';

CREATE FUNCTION cdp._profiles_of_sets(set_ids bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT array_agg(DISTINCT owned.profile_id) FROM cdp._owner_profiles($1) AS owned);
END
$$;
COMMENT ON FUNCTION cdp._profiles_of_sets(bigint[]) IS
'live profiles of identifier sets';
