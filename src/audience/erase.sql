-- Memberships of profiles that are being erased.  They leave what they are in,
-- which is told with the reason "erasure"; all else that was told of them goes,
-- and so do their bits in bitmaps, those of earlier definitions, too.  So what
-- cdp.segment_diff() says of the past is as if they had never been there, while
-- the sizes in cdp.segment_size_log stay what was counted then.
--
-- What destinations hold (cdp.audience_sent) stays until they have acknowledged
-- that it is removed: keys as they were sent, without which they could not be
-- told.
--
-- The caller holds the merger's lock.

CREATE FUNCTION cdp._erase_memberships(profile_ids bigint[]) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
	last bigint := (SELECT coalesce(max(change_id), 0) FROM cdp.membership_change);
	bits cdp.profile_bitmap := (SELECT cdp.bitmap_agg(ord) FROM cdp.profile
		WHERE profile_id = ANY ($1));
	changes bigint;
	assigned bigint;
BEGIN
	DELETE FROM cdp.profile_current WHERE profile_id = ANY ($1);
	UPDATE cdp.membership_change SET reason = 'erasure'
	WHERE change_id > last AND profile_id = ANY ($1);
	DELETE FROM cdp.membership_change
	WHERE profile_id = ANY ($1) AND change_id <= last;
	GET DIAGNOSTICS changes = ROW_COUNT;
	UPDATE cdp.segment_membership AS held
	SET members = cdp.bitmap_andnot(held.members, bits)
	WHERE cdp.bitmap_and_cardinality(held.members, bits) > 0;
	UPDATE cdp.membership_base AS held
	SET members = cdp.bitmap_andnot(held.members, bits)
	WHERE cdp.bitmap_and_cardinality(held.members, bits) > 0;
	DELETE FROM cdp.experiment_member
	WHERE experiment_id IN (SELECT experiment.experiment_id FROM cdp.experiment)
		AND profile_id = ANY ($1);
	GET DIAGNOSTICS assigned = ROW_COUNT;
	RETURN jsonb_build_object('membership_change', changes, 'experiment_member', assigned);
END
$$;
COMMENT ON FUNCTION cdp._erase_memberships(bigint[]) IS
'take profiles, which are about to be erased, out of segments and experiments; how many rows of which table';

CREATE FUNCTION cdp._destinations_of(profile_ids bigint[]) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
	SELECT coalesce(jsonb_agg(jsonb_build_object('audience', held.name,
		'destination', held.destination, 'keys', held.keys) ORDER BY held.name), '[]')
	FROM (
		SELECT audience.name, audience.destination, count(*) AS keys
		FROM cdp.audience_sent AS sent JOIN cdp.audience USING (audience_id)
		WHERE sent.profile_id = ANY ($1)
		GROUP BY audience.name, audience.destination) AS held
$$;
COMMENT ON FUNCTION cdp._destinations_of(bigint[]) IS
'audiences whose destinations hold, or may hold, keys of these profiles';
