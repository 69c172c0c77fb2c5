CREATE FUNCTION cdp._erase_answers(profile_ids bigint[]) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	actions bigint;
BEGIN
	PERFORM cdp._crm_tell_erased($1);
	DELETE FROM cdp.profile_action WHERE profile_id = ANY ($1);
	GET DIAGNOSTICS actions = ROW_COUNT;
	PERFORM cdp._drop_todo('{crm}', $1);
	RETURN jsonb_build_object('profile_action', actions);
END
$$;
COMMENT ON FUNCTION cdp._erase_answers(bigint[]) IS
'remove next actions of profiles and what a CRM was told of them, and tell it that they are erased; how many rows of which table';
