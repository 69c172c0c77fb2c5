-- traces.sql: where in the store a person can still be found.
--
-- pg_temp.traces(values): every column of every table of the store, partitions
-- one by one, and every expression of an index, in which one of the values
-- stands: as text, whatever the type, in any case; as bytes; and as its SHA-256
-- or MD5.  What is kept on purpose is a keyed hash, which this does not find.

CREATE FUNCTION pg_temp.needles(given text[]) RETURNS text[]
LANGUAGE sql AS $$
	SELECT array_agg(DISTINCT lower(needle))
	FROM unnest(given) AS value
		CROSS JOIN LATERAL (VALUES (value), (trim('"' FROM to_jsonb(value)::text)),
			(encode(convert_to(value, 'UTF8'), 'hex')),
			(encode(sha256(convert_to(value, 'UTF8')), 'hex')), (md5(value)),
			(encode(sha256(convert_to(lower(value), 'UTF8')), 'hex')), (md5(lower(value)))) AS form (needle)
$$;

CREATE VIEW pg_temp.place AS
SELECT relname, attname AS place, quote_ident(attname) AS expression
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'cdp'::regnamespace AND relkind IN ('r', 'm')
	AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT class.relname, index_class.relname, pg_get_indexdef(indexrelid, n, false)
FROM pg_index
	JOIN pg_class AS class ON class.oid = indrelid
	JOIN pg_class AS index_class ON index_class.oid = indexrelid
	CROSS JOIN LATERAL generate_series(1, indnkeyatts) AS n
WHERE class.relnamespace = 'cdp'::regnamespace AND class.relkind = 'r'
	AND indkey[n - 1] = 0;

CREATE FUNCTION pg_temp.traces(given text[], but_tables text[] DEFAULT '{}')
RETURNS TABLE (relation text, place text, rows bigint)
LANGUAGE plpgsql AS $$
DECLARE
	looked record;
	needles text[] := pg_temp.needles(given);
BEGIN
	FOR looked IN SELECT * FROM pg_temp.place WHERE relname <> ALL (but_tables) ORDER BY 1, 2 LOOP
		EXECUTE format('SELECT count(*) FROM (SELECT lower((%2$s)::text) AS said FROM cdp.%1$I OFFSET 0) AS line'
			' WHERE EXISTS (SELECT FROM unnest($1) AS needle WHERE strpos(said, needle) > 0)',
			looked.relname, looked.expression)
		INTO rows USING needles;
		relation := looked.relname;
		place := looked.place;
		IF rows > 0 THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
