-- What cdp.suggest_blocked() finds: values that glue people together, and
-- numbers that several sources give to different people.  Both read all
-- evidence once and judge whole types, so that "too many" means too many for
-- values of that type in this store.

-- Blocked values and types that only describe link nothing: they are neither
-- judged nor counted.
CREATE FUNCTION cdp._linking_types()
RETURNS TABLE (type_id integer, type text, priority integer, strong boolean, known boolean, one_of_a_kind boolean)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 8
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT type.type_id, type.type, type.priority, told.strong,
		told.strong OR type.type IN ('email', 'phone'),
		type.scope = 'source' OR type.normaliser IN ('email', 'phone', 'uuid')
	FROM cdp.identity_state AS state
	CROSS JOIN cdp.identifier_type AS type
	CROSS JOIN LATERAL (
		SELECT type.strong OR type.stands_in AND NOT state.has_strong) AS told (strong)
	WHERE type.priority IS NOT NULL AND type.stitches
$$;
COMMENT ON FUNCTION cdp._linking_types() IS
'types whose values may link: strong ones, known ones (strong, e-mail or phone), and those of which two sources cannot mean different things by one value';

CREATE FUNCTION cdp._identifier_degrees()
RETURNS TABLE (identifier_id bigint, type_id integer, strong_beside bigint, others_beside bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH pair AS (
		SELECT DISTINCT mine.identifier_id AS id, beside.identifier_id AS other_id
		FROM cdp.identifier_set_member AS mine
		JOIN cdp.identifier_set_member AS beside USING (set_id)
		WHERE mine.identifier_id <> beside.identifier_id
			AND NOT EXISTS (SELECT FROM cdp.identifier_set AS set
				WHERE set.set_id = mine.set_id AND set.retracted)
	), degree AS (
		SELECT pair.id, count(*) FILTER (WHERE type.strong) AS strong_beside,
			count(*) AS others_beside
		FROM pair
		JOIN cdp.identifier AS other ON other.identifier_id = pair.other_id
		JOIN cdp._linking_types() AS type USING (type_id)
		WHERE NOT other.blocked
		GROUP BY pair.id
	)
	SELECT degree.id, identifier.type_id, degree.strong_beside, degree.others_beside
	FROM degree
	JOIN cdp.identifier ON identifier.identifier_id = degree.id
	JOIN cdp._linking_types() AS type USING (type_id)
	WHERE NOT identifier.blocked
$$;
COMMENT ON FUNCTION cdp._identifier_degrees() IS
'of identifiers that came with others: beside how many strong ones, and how many in all';

-- The bar is 20 times what is usual for the type.  Usual is the degree that 99
-- in 100 values do not exceed: among honest values of one type the highest is
-- a few times that (on generated customers with families and shared devices
-- less than 3 times), and a kiosk, a test account or a till's default customer
-- tens to hundreds of times.  The ten highest never say what is usual, or junk
-- would excuse itself in a small store.  Below 20 strong identifiers, or 100 of
-- any kind, a steward's time is better spent elsewhere: it may be an office, a
-- large family, or a customer of many years.
CREATE FUNCTION cdp._outlying_degrees()
RETURNS TABLE (identifier_id bigint, type_id integer, strong_beside bigint, others_beside bigint, usual_strong bigint, usual_others bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH degree AS MATERIALIZED (
		SELECT * FROM cdp._identifier_degrees()
	), size AS (
		SELECT type_id, least(0.99, 1 - 10.0 / count(*)) AS honest
		FROM degree
		GROUP BY type_id
		HAVING count(*) > 10
	), usual AS (
		SELECT type_id,
			percentile_disc(honest) WITHIN GROUP (ORDER BY strong_beside) AS strong,
			percentile_disc(honest) WITHIN GROUP (ORDER BY others_beside) AS others
		FROM degree
		JOIN size USING (type_id)
		GROUP BY type_id, honest
	)
	SELECT degree.identifier_id, type_id, degree.strong_beside,
		degree.others_beside, usual.strong, usual.others
	FROM degree
	LEFT JOIN usual USING (type_id)
	WHERE degree.strong_beside > greatest(20, 20 * usual.strong)
		OR degree.others_beside > greatest(100, 20 * usual.others)
$$;
COMMENT ON FUNCTION cdp._outlying_degrees() IS
'identifiers that came with far more others than is usual for their type';

CREATE FUNCTION cdp._suggest_values()
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
LANGUAGE sql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT told.reason, type.type, identifier.value, nullif(identifier.scope, ''),
		found.strong_beside, found.others_beside, told.usual,
		seen.sets, seen.records, seen.sources, NULL::numeric, identifier.shared,
		format('%s came with %s%s: %s',
			cdp._identifier_says(found.identifier_id), told.beside,
			', values of its type usually with at most ' || told.usual,
			CASE WHEN identifier.shared THEN 'it is shared, so it links nothing, but has events of its own'
				ELSE 'what it links may be many people' END),
		format('SELECT cdp.block_value(%L, %L, %L)', type.type, identifier.value,
			'came with ' || told.beside)
	FROM cdp._outlying_degrees() AS found
	CROSS JOIN LATERAL (
		SELECT found.strong_beside > greatest(20, 20 * found.usual_strong)) AS over (strong)
	CROSS JOIN LATERAL (
		SELECT CASE WHEN over.strong THEN 'many_strong' ELSE 'many_others' END,
			CASE WHEN over.strong THEN found.usual_strong ELSE found.usual_others END,
			CASE WHEN over.strong THEN found.strong_beside || ' strong identifiers'
				ELSE found.others_beside || ' other identifiers' END
		) AS told (reason, usual, beside)
	JOIN cdp.identifier USING (identifier_id)
	JOIN cdp.identifier_type AS type ON type.type_id = found.type_id
	CROSS JOIN LATERAL (
		SELECT count(*) AS sets, sum(set.records)::bigint AS records,
			count(DISTINCT set.source_id) AS sources
		FROM cdp.identifier_set_member AS member
		JOIN cdp.identifier_set AS set USING (set_id)
		WHERE member.identifier_id = found.identifier_id AND NOT set.retracted) AS seen
$$;
COMMENT ON FUNCTION cdp._suggest_values() IS
'values to block: each came with far more others than is usual for its type';

-- Numbers that each source gives itself: the till's 123 is not the shop's 123.
-- An e-mail address, a phone number and a UUID are one of its kind by how they
-- are made; other values are candidates if their type is global and several
-- sources bring them.  For such a value the known identifiers beside it are
-- compared source by source, like with like (addresses with addresses).  That
-- none is common in one case means little: people have two addresses.  In most
-- cases it means that the sources speak of different people.
--
-- A value with more than 20 known identifiers of one source is left out: it
-- tells nothing of its type, and comparing would cost their product.
CREATE FUNCTION cdp._compared_sources()
RETURNS TABLE (type_id integer, source_id integer, other_source_id integer, compared bigint, differing bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH several AS (
		SELECT identifier.identifier_id, identifier.type_id
		FROM cdp._linking_types() AS type
		JOIN cdp.identifier USING (type_id)
		JOIN cdp.identifier_set_member AS member USING (identifier_id)
		JOIN cdp.identifier_set AS set USING (set_id)
		WHERE NOT type.one_of_a_kind AND identifier.scope = ''
			AND NOT identifier.blocked AND NOT set.retracted
		GROUP BY identifier.identifier_id
		HAVING min(set.source_id) <> max(set.source_id)
	), beside AS (
		SELECT DISTINCT several.identifier_id AS id, several.type_id, set.source_id,
			other.identifier_id AS other_id, other.type_id AS other_type_id, other.scope
		FROM several
		JOIN cdp.identifier_set_member AS mine USING (identifier_id)
		JOIN cdp.identifier_set AS set USING (set_id)
		JOIN cdp.identifier_set_member AS member USING (set_id)
		JOIN cdp.identifier AS other ON other.identifier_id = member.identifier_id
		JOIN cdp._linking_types() AS type ON type.type_id = other.type_id
		WHERE NOT set.retracted AND NOT other.blocked AND type.known
			AND other.type_id <> several.type_id
	), counted AS MATERIALIZED (
		SELECT beside.*, count(*) OVER (PARTITION BY id, source_id) AS others
		FROM beside
	), compared AS (
		SELECT mine.id, mine.type_id, mine.source_id, other.source_id AS other_source_id,
			bool_or(mine.other_id = other.other_id) AS agrees
		FROM counted AS mine
		JOIN counted AS other ON other.id = mine.id
			AND other.other_type_id = mine.other_type_id
			AND other.scope = mine.scope
			AND other.source_id <> mine.source_id
		WHERE mine.others <= 20 AND other.others <= 20
		GROUP BY mine.id, mine.type_id, mine.source_id, other.source_id
	)
	SELECT type_id, source_id, other_source_id, count(*),
		count(*) FILTER (WHERE NOT agrees)
	FROM compared
	GROUP BY type_id, source_id, other_source_id
$$;
COMMENT ON FUNCTION cdp._compared_sources() IS
'of global values that two sources bring: for how many the known identifiers beside them can be compared, and for how many none is common';

CREATE FUNCTION cdp._count_values(type_id integer, source_id integer) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT count(DISTINCT identifier.identifier_id)
	FROM cdp.identifier
	JOIN cdp.identifier_set_member AS member USING (identifier_id)
	JOIN cdp.identifier_set AS set USING (set_id)
	WHERE identifier.type_id = $1 AND identifier.scope = ''
		AND set.source_id = $2 AND NOT set.retracted
$$;
COMMENT ON FUNCTION cdp._count_values(integer, integer) IS
'how many global values of a type a source has brought';

-- Ten values that can be compared make a case, more than half of them
-- differing make it a suspicion.  Each pair of sources counts alike, whatever
-- its size.  If all sources of a type are suspected, the one that has the most
-- values may keep the plain numbers.
CREATE FUNCTION cdp._suspected_sources()
RETURNS TABLE (type_id integer, source_id integer, compared bigint, differing bigint, share numeric)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	WITH source AS (
		SELECT type_id, source_id, sum(compared)::bigint AS compared,
			sum(differing)::bigint AS differing,
			avg(differing::numeric / compared) AS share
		FROM cdp._compared_sources()
		WHERE compared >= 10
		GROUP BY type_id, source_id
	), judged AS (
		SELECT source.*, min(share) OVER (PARTITION BY type_id) > 0.5 AS all_suspected
		FROM source
	), ranked AS (
		SELECT judged.*, row_number() OVER (PARTITION BY type_id
			ORDER BY CASE WHEN all_suspected THEN cdp._count_values(type_id, source_id) END DESC,
				source_id) AS place
		FROM judged
	)
	SELECT type_id, source_id, compared, differing, round(share, 3)
	FROM ranked
	WHERE share > 0.5 AND NOT (all_suspected AND place = 1)
$$;
COMMENT ON FUNCTION cdp._suspected_sources() IS
'sources whose values of a global type seem to be other people''s than other sources'' equal ones';

CREATE FUNCTION cdp._suggest_scopes()
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
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'per_source', type.type, NULL, named.source, NULL::bigint, NULL::bigint,
		NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
		found.share, NULL::boolean,
		format('%s and other sources bring the same values of %s, but in %s of %s cases with nothing else in common: the numbers of %s seem to be its own',
			named.source, type.type, found.differing, found.compared, named.source),
		CASE WHEN type.type = 'user_id' THEN
			format('UPDATE cdp.source SET own_user_ids = true WHERE name = %L', named.source)
		ELSE format('SELECT cdp.add_identifier_type(%L, %s, %L, scope => ''source'')',
			left(type.type, 27) || '_own', type.priority,
			type.type || ' of sources that number on their own') END
	FROM cdp._suspected_sources() AS found
	JOIN cdp.identifier_type AS type USING (type_id)
	CROSS JOIN LATERAL (
		SELECT cdp._source_name(found.source_id)) AS named (source)
$$;
COMMENT ON FUNCTION cdp._suggest_scopes() IS
'global types and sources whose values behave as if they were the source''s own';

CREATE FUNCTION cdp._suggest_blocked()
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
LANGUAGE sql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT *
	FROM (SELECT * FROM cdp._suggest_scopes()
		UNION ALL
		SELECT * FROM cdp._suggest_values()) AS suggested
	ORDER BY (suggested.reason = 'per_source') DESC, suggested.share DESC,
		suggested.strong_beside DESC, suggested.others_beside DESC,
		suggested.type COLLATE "C", suggested.value COLLATE "C",
		suggested.source COLLATE "C"
$$;
COMMENT ON FUNCTION cdp._suggest_blocked() IS
'rows of cdp.suggest_blocked()';
