-- Doors to why profiles are what they are.
CREATE FUNCTION cdp.explain_identity(a text, b text)
RETURNS TABLE (
	step integer,
	source text,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint,
	from_identifier text,
	to_identifier text,
	says text)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._explain_identity(cdp._parse_identifier($1), cdp._parse_identifier($2))
$$;
COMMENT ON FUNCTION cdp.explain_identity(text, text) IS
'why two identifiers (type:value, or type:source/value) are one profile: the shortest path of evidence, a row a step, with a sentence; or why they are not';

REVOKE ALL ON FUNCTION cdp.explain_identity(text, text) FROM PUBLIC;
