INSERT INTO cdp.setting (name, value, description, kind) VALUES
	('component_alarm', '500', 'profiles of more identifiers are reported by cdp.health and cdp.identity_benchmark, never cut', 'integer');

-- Doors of stewards who look after the graph.
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

CREATE FUNCTION cdp.identity_at(identifier text, at timestamptz) RETURNS bigint
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._identity_at(cdp._parse_identifier($1), $2)
$$;
COMMENT ON FUNCTION cdp.identity_at(text, timestamptz) IS
'the live profile that an identifier (type:value, or type:source/value) had at a time of the store''s clock, changes of that very time included; NULL: none, or it was not known yet';

CREATE FUNCTION cdp.identity_history(identifier text)
RETURNS TABLE (
	at timestamptz,
	change text,
	profile_before bigint,
	profile_after bigint,
	set_id bigint,
	decision_id bigint,
	action_id bigint,
	says text)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._identity_history(cdp._parse_identifier($1))
$$;
COMMENT ON FUNCTION cdp.identity_history(text) IS
'what happened to an identifier (type:value, or type:source/value), oldest first: the profile it was born into, and every merge and split that moved it, with a sentence';

REVOKE ALL ON FUNCTION cdp.suggest_blocked(), cdp.identity_at(text, timestamptz),
	cdp.identity_history(text) FROM PUBLIC;
