CREATE FUNCTION cdp._verify_identity() RETURNS bigint[]
LANGUAGE c VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'cdp__verify_identity';
COMMENT ON FUNCTION cdp._verify_identity() IS
'figures of cdp.verify_identity()';

CREATE FUNCTION cdp.verify_identity()
RETURNS TABLE (
	identifiers bigint,
	profiles bigint,
	misplaced bigint,
	wrongly_shared bigint,
	wrongly_blocked bigint,
	wrongly_expired bigint,
	wrong_profiles bigint,
	wrong_owners bigint,
	wrong_conflicts bigint,
	pending bigint,
	stored_hash text,
	computed_hash text,
	ok boolean)
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT figure[1], figure[2], figure[3], figure[4], figure[5], figure[6],
		figure[7], figure[8], figure[9],
		cdp._todo_size('stitch') + cdp._todo_size('alias'),
		lpad(to_hex(figure[10]), 16, '0'), lpad(to_hex(figure[11]), 16, '0'),
		0 = ALL (figure[3:9])
	FROM (SELECT cdp._verify_identity() AS figure) AS verified
$$;
COMMENT ON FUNCTION cdp.verify_identity() IS
'compute all profiles anew from the evidence and the rules, writing nothing, and compare: identifiers with the wrong profile, shared, blocked or expired wrongly; rows of profile, owners of sets and refused links that are wrong.  What is wrong waits in "pending" or for its time (rules written by hand, expiry), or is wrong';
