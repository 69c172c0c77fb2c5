CREATE FUNCTION cdp._attach_keys(
	source_id integer,
	source text,
	own_user_ids boolean,
	region text,
	records integer[],
	types text[],
	"values" text[],
	times timestamptz[],
	queue boolean)
RETURNS bigint[]
LANGUAGE c VOLATILE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'cdp__attach_keys';
COMMENT ON FUNCTION cdp._attach_keys(integer, text, boolean, text, integer[], text[], text[], timestamptz[], boolean) IS
'find or make the identifiers and sets of records that come as parallel arrays, one element a key';

-- For tests and benchmarks of this room alone.  A record is
-- {"at": time, "ids": [[type, value], ...]}.
CREATE FUNCTION cdp._attach(source text, records jsonb, queue boolean DEFAULT true)
RETURNS bigint[]
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH key AS (
		SELECT record.n::integer AS n, id.m,
			id.pair ->> 0 AS type, id.pair ->> 1 AS value,
			coalesce((record.body ->> 'at')::timestamptz, cdp.clock()) AS at
		FROM jsonb_array_elements($2) WITH ORDINALITY AS record (body, n),
			jsonb_array_elements(record.body -> 'ids') WITH ORDINALITY AS id (pair, m)
	), keys AS (
		SELECT array_agg(n ORDER BY n, m) AS n,
			array_agg(type ORDER BY n, m) AS types,
			array_agg(value ORDER BY n, m) AS "values",
			array_agg(at ORDER BY n, m) AS times
		FROM key
	)
	SELECT cdp._attach_keys(source.source_id, source.name, source.own_user_ids,
		coalesce(source.default_region, cdp._read_setting('default_region'::text)), keys.n, keys.types, keys."values", keys.times, $3)
	FROM cdp.source, keys
	WHERE source.name = $1 AND keys.n IS NOT NULL
$$;
COMMENT ON FUNCTION cdp._attach(text, jsonb, boolean) IS
'find or make the identifiers and sets of records [{"at": ..., "ids": [[type, value], ...]}, ...]';
