CREATE FUNCTION cdp._explain_path(a bigint, b bigint) RETURNS bigint[]
LANGUAGE c VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'cdp__explain_path';
COMMENT ON FUNCTION cdp._explain_path(bigint, bigint) IS
'identifiers from a to b, each in one set with the next; NULL if nothing joins them';

-- "ann@example.com" is told from others but not given away: "a...@e...com".
CREATE FUNCTION cdp._mask(type text, value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN $2 ~ '@' THEN regexp_replace($2, '^(.)[^@]*@(.).*\.([^.]*)$', '\1...@\2...\3')
		WHEN $1 = 'phone' THEN regexp_replace($2, '^(\+..).*(..)$', '\1...\2')
		WHEN $1 = 'ip' THEN regexp_replace($2, '^([^.:]*).*$', '\1...')
		ELSE $2 END
$$;
COMMENT ON FUNCTION cdp._mask(text, text) IS
'an identifier''s value, with what is personal in it left out';

CREATE FUNCTION cdp._identifier_says(identifier_id bigint) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE type.type WHEN 'anonymous_id' THEN 'cookie'
			ELSE replace(type.type, '_', ' ') END || ' '
		|| CASE WHEN identifier.scope <> '' THEN identifier.scope || '/' ELSE '' END
		|| cdp._mask(type.type, identifier.value)
	FROM cdp.identifier
	JOIN cdp.identifier_type AS type USING (type_id)
	WHERE identifier.identifier_id = $1
$$;
COMMENT ON FUNCTION cdp._identifier_says(bigint) IS
'an identifier as a sentence names it';

CREATE FUNCTION cdp._identifier_key(identifier_id bigint) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT type.type || ':'
		|| CASE WHEN identifier.scope <> '' THEN identifier.scope || '/' ELSE '' END
		|| cdp._mask(type.type, identifier.value)
	FROM cdp.identifier
	JOIN cdp.identifier_type AS type USING (type_id)
	WHERE identifier.identifier_id = $1
$$;
COMMENT ON FUNCTION cdp._identifier_key(bigint) IS
'an identifier as type:value, masked';

-- A value may hold a slash itself, so the whole is tried first.
CREATE FUNCTION cdp._parse_identifier(key text) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	type text := split_part($1, ':', 1);
	rest text := substr($1, strpos($1, ':') + 1);
	found bigint;
BEGIN
	found := coalesce(cdp._find_identifier(type, rest),
		CASE WHEN rest ~ '/' AND cdp._identifier_scope(type, split_part(rest, '/', 1)) <> '' THEN
			cdp._find_identifier(type, substr(rest, strpos(rest, '/') + 1),
				split_part(rest, '/', 1)) END);
	IF found IS NULL THEN
		RAISE EXCEPTION 'unknown identifier "%"', $1
			USING ERRCODE = 'no_data_found',
				DETAIL = 'No record has brought it.',
				HINT = 'Write it as type:value, or type:source/value for a type whose values are a source''s own.';
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION cdp._parse_identifier(text) IS
'the identifier that is written type:value or type:source/value; raises if there is none';

CREATE FUNCTION cdp._day(at timestamptz) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT to_char($1 AT TIME ZONE coalesce(cdp._read_setting('time_zone'::text), 'UTC'), 'FMDD Mon YYYY')
$$;
COMMENT ON FUNCTION cdp._day(timestamptz) IS
'a day in the store''s time zone, as a sentence names it';

-- Why an identifier links nothing; NULL if it may link.
CREATE FUNCTION cdp._why_no_key(identifier_id bigint) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._identifier_says($1) || CASE
		WHEN identifier.blocked THEN ' is a blocked value: not a key'
		WHEN NOT type.stitches THEN ' only describes: not a key'
		WHEN identifier.shared THEN format(' is shared by %s people: not a key',
			(SELECT count(*) FROM cdp.identifier_strong AS pair
				JOIN cdp.identifier AS strong ON strong.identifier_id = pair.strong_id
				WHERE pair.weak_id = $1 AND NOT strong.blocked
				GROUP BY strong.type_id, strong.scope
				ORDER BY 1 DESC LIMIT 1))
		END
	FROM cdp.identifier
	JOIN cdp.identifier_type AS type USING (type_id)
	WHERE identifier.identifier_id = $1
$$;
COMMENT ON FUNCTION cdp._why_no_key(bigint) IS
'a sentence that tells why an identifier links nothing; NULL if it may';

CREATE FUNCTION cdp._explain_identity(a bigint, b bigint)
RETURNS TABLE (
	step integer,
	source text,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint,
	from_identifier text,
	to_identifier text,
	says text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	path bigint[] := cdp._explain_path($1, $2);
BEGIN
	IF path IS NULL OR cardinality(path) < 2 THEN
		RETURN QUERY
		SELECT 0, NULL::text, NULL::timestamptz, NULL::timestamptz, NULL::bigint,
			cdp._identifier_key($1), cdp._identifier_key($2),
			CASE WHEN $1 = $2 THEN 'they are the same identifier'
				ELSE coalesce(cdp._why_no_key($1), cdp._why_no_key($2),
					'nothing joins them: they are two profiles') END;
		RETURN;
	END IF;
	RETURN QUERY
	SELECT hop.step::integer, source.name::text, best.first_seen, best.last_seen,
		best.records, cdp._identifier_key(hop.from_id), cdp._identifier_key(hop.to_id),
		format('%s put %s and %s on one record on %s (%s)', source.name,
			cdp._identifier_says(hop.from_id), cdp._identifier_says(hop.to_id),
			cdp._day(best.first_seen),
			CASE WHEN best.records = 1 THEN 'seen once'
				ELSE format('seen %s times, last on %s', best.records, cdp._day(best.last_seen)) END)
	FROM (SELECT n AS step, path[n] AS from_id, path[n + 1] AS to_id
		FROM generate_series(1, cardinality(path) - 1) AS n) AS hop
	CROSS JOIN LATERAL (
		SELECT evidence.*
		FROM cdp.identifier_set_member AS member
		JOIN cdp.identifier_set AS evidence USING (set_id)
		WHERE member.identifier_id = hop.from_id
			AND hop.to_id = ANY (evidence.identifiers)
		ORDER BY evidence.records DESC, evidence.set_id
		LIMIT 1) AS best
	JOIN cdp.source USING (source_id)
	ORDER BY hop.step;
END
$$;
COMMENT ON FUNCTION cdp._explain_identity(bigint, bigint) IS
'the evidence that joins two identifiers, a row a step; or one row, step 0, that tells why none does';
