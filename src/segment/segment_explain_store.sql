CREATE FUNCTION cdp.explain_membership(
	profile_id bigint,
	predicate cdp.predicate,
	as_of timestamptz DEFAULT cdp.clock())
RETURNS TABLE (line integer, node text, truth text, value text, decides boolean)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT line, node, truth, value, decides
	FROM cdp._explain_membership($1, $2, $3)
$$;
REVOKE ALL ON FUNCTION cdp.explain_membership(bigint, cdp.predicate, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.explain_membership(bigint, cdp.predicate, timestamptz) IS
'why a predicate is true of a profile or not: its parts, indented, with truth or value, and which part decides';

CREATE FUNCTION cdp.explain_membership(
	profile_id bigint,
	segment text,
	as_of timestamptz DEFAULT cdp.clock())
RETURNS TABLE (line integer, node text, truth text, value text, decides boolean)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT line, node, truth, value, decides
	FROM cdp._explain_membership($1, cdp._segment_predicate($2), $3)
$$;
REVOKE ALL ON FUNCTION cdp.explain_membership(bigint, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.explain_membership(bigint, text, timestamptz) IS
'why a profile is in a segment or not: its parts, indented, with truth or value, and which part decides';
