-- Doors to why profiles are what they are.
CREATE FUNCTION cdp.explain_identity(a text, b text)
RETURNS TABLE (
	step integer,
	rule text,
	source text,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint,
	set_id bigint,
	from_identifier text,
	to_identifier text,
	says text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._explain_identity(cdp._parse_identifier($1), cdp._parse_identifier($2))
$$;
COMMENT ON FUNCTION cdp.explain_identity(text, text) IS
'why two identifiers (type:value, or type:source/value) are one profile: the strongest path of evidence, a row a step, with a sentence; or, as step 0, why they are not';

CREATE FUNCTION cdp.explain_identity(profile_id bigint)
RETURNS TABLE (
	step integer,
	rule text,
	source text,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint,
	set_id bigint,
	from_identifier text,
	to_identifier text,
	says text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._explain_profile($1)
$$;
COMMENT ON FUNCTION cdp.explain_identity(bigint) IS
'why a profile is one: the evidence that joined its identifiers, the strongest first, a row a link, with a sentence';

CREATE FUNCTION cdp.weak_links(profile_id bigint)
RETURNS TABLE (
	both_sides text,
	parts integer,
	parts_identifiers text[],
	identifier_a text,
	identifier_b text,
	rule text,
	source text,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint,
	set_id bigint,
	sets bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._weak_links($1)
$$;
COMMENT ON FUNCTION cdp.weak_links(bigint) IS
'links that alone hold a profile together: without one, "parts" identifiers would leave with identifier_b (ten are named); both_sides tells what each side holds at least, strong, known (e-mail, phone) or weak: what may be two customers comes first';

CREATE FUNCTION cdp.profile_graph(
	profile_id bigint,
	format text DEFAULT 'mermaid',
	masked boolean DEFAULT true)
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._profile_graph($1, $2, $3)
$$;
COMMENT ON FUNCTION cdp.profile_graph(bigint, text, boolean) IS
'a picture of a profile as mermaid or dot: identifiers and what links them, weak links dashed, what is no key grey, what was refused red; masked => false shows values in full';

REVOKE ALL ON FUNCTION cdp.explain_identity(text, text), cdp.explain_identity(bigint),
	cdp.weak_links(bigint), cdp.profile_graph(bigint, text, boolean) FROM PUBLIC;
