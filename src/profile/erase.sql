CREATE FUNCTION cdp._erase_traits(identifier_ids bigint[], profile_ids bigint[], set_ids bigint[])
RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
	observations bigint;
	history bigint;
	pins bigint;
	chunks bigint;
BEGIN
	DELETE FROM cdp.trait_observation WHERE set_id = ANY ($3);
	GET DIAGNOSTICS observations = ROW_COUNT;
	DELETE FROM cdp.trait_history WHERE set_id = ANY ($3);
	GET DIAGNOSTICS history = ROW_COUNT;
	DELETE FROM cdp.trait_pin WHERE identifier_id = ANY ($1);
	GET DIAGNOSTICS pins = ROW_COUNT;
	DELETE FROM cdp.timeline_chunk WHERE profile_id = ANY ($2);
	GET DIAGNOSTICS chunks = ROW_COUNT;
	RETURN jsonb_build_object('trait_observation', observations, 'trait_history', history,
		'trait_pin', pins, 'timeline_chunk', chunks);
END
$$;
COMMENT ON FUNCTION cdp._erase_traits(bigint[], bigint[], bigint[]) IS
'remove observations, pins and timelines; how many rows of which table';
