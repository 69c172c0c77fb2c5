CREATE FUNCTION cdp._erase_scores(profile_ids bigint[]) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	scores bigint;
BEGIN
	DELETE FROM cdp.profile_score WHERE profile_id = ANY ($1);
	GET DIAGNOSTICS scores = ROW_COUNT;
	RETURN jsonb_build_object('profile_score', scores);
END
$$;
COMMENT ON FUNCTION cdp._erase_scores(bigint[]) IS
'remove the scores of profiles; how many rows.  Models keep what they learnt, which is numbers about all customers';
