-- Most types mean the same everywhere, whatever source brought the value.
CREATE FUNCTION cdp._identifier_scope(type text, source text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN identifier_type.scope = 'source'
			OR identifier_type.type = 'user_id' AND EXISTS (SELECT FROM cdp.source
				WHERE source.name = $2 AND source.own_user_ids)
		THEN coalesce($2, '') ELSE '' END
	FROM cdp.identifier_type
	WHERE identifier_type.type = $1
$$;
COMMENT ON FUNCTION cdp._identifier_scope(text, text) IS
'the scope of identifiers of a type that come from a source: the source for values that are its own, else empty';

CREATE FUNCTION cdp._find_identifier(type text, value text, source text DEFAULT NULL)
RETURNS bigint
LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'cdp__find_identifier';
COMMENT ON FUNCTION cdp._find_identifier(text, text, text) IS
'the identifier of a type, raw value and source (needed only for types whose values are a source''s own)';

CREATE FUNCTION cdp._find_profile(type text, value text, source text DEFAULT NULL)
RETURNS bigint
LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'cdp__find_profile';
COMMENT ON FUNCTION cdp._find_profile(text, text, text) IS
'the live profile of an identifier, by the same';

CREATE FUNCTION cdp._canonical_value(type text, value text, region text DEFAULT NULL)
RETURNS text
LANGUAGE c STABLE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'cdp__canonical_value';
COMMENT ON FUNCTION cdp._canonical_value(text, text, text) IS
'the canonical form of a value by its identifier type, in the store''s region if none is given; NULL if it has none';

CREATE FUNCTION cdp._owner_profiles(set_ids bigint[])
RETURNS TABLE (set_id bigint, profile_id bigint)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT identifier_set.set_id, profile.root
	FROM unnest($1) AS given (set_id)
	JOIN cdp.identifier_set ON identifier_set.set_id = given.set_id
	JOIN cdp.identifier ON identifier.identifier_id = identifier_set.owner
	JOIN cdp.profile ON profile.profile_id = identifier.leaf;
END
$$;
COMMENT ON FUNCTION cdp._owner_profiles(bigint[]) IS
'the live profile that has the events of each of these sets; none for a set that nobody owns';

-- The room of sources lies above this one, so its table is looked up late.
CREATE FUNCTION cdp._source_name(source_id integer) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT source.name FROM cdp.source WHERE source.source_id = $1);
END
$$;
COMMENT ON FUNCTION cdp._source_name(integer) IS
'the name of a source';
