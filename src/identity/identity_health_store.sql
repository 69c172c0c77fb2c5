-- Doors of stewards who look after the health of the graph.
CREATE FUNCTION cdp.suggest_blocked()
RETURNS TABLE (
	reason text,
	type text,
	value text,
	source text,
	strong_beside bigint,
	others_beside bigint,
	usual bigint,
	sets bigint,
	records bigint,
	sources bigint,
	share numeric,
	shared boolean,
	says text,
	statement text)
LANGUAGE sql STABLE ROWS 100 SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._suggest_blocked()
$$;
COMMENT ON FUNCTION cdp.suggest_blocked() IS
'values to block, because they came with far more others than is usual for their type, and sources whose numbers seem to be their own: figures, a sentence (masked), and the statement to run';

REVOKE ALL ON FUNCTION cdp.suggest_blocked() FROM PUBLIC;
