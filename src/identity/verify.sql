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
	pending bigint,
	stored_hash text,
	computed_hash text,
	ok boolean)
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT figure[1], figure[2], figure[3], figure[4], cdp._todo_size('stitch'),
		lpad(to_hex(figure[5]), 16, '0'), lpad(to_hex(figure[6]), 16, '0'),
		figure[3] = 0 AND figure[4] = 0
	FROM (SELECT cdp._verify_identity() AS figure) AS verified
$$;
COMMENT ON FUNCTION cdp.verify_identity() IS
'compute all profiles anew from the evidence, writing nothing, and compare: what is misplaced waits in "pending", or is wrong';
