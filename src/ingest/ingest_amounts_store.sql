
CREATE FUNCTION cdp.convert_amounts() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	done record;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._begin_convert_amounts();
	SELECT * INTO done FROM cdp._fill_amounts();
	PERFORM cdp._add_todo('rebuild_timeline', array_agg(DISTINCT owned.profile_id))
	FROM cdp._owner_profiles(done.set_ids) AS owned;
	RETURN done.filled;
END
$$;
REVOKE ALL ON FUNCTION cdp.convert_amounts() FROM PUBLIC;
COMMENT ON FUNCTION cdp.convert_amounts() IS
'compute the amounts of events that came without an exchange rate and have one today; returns how many, and their profiles follow with the next merge run';
