-- The way out: everything in plain types, and no store left behind.

-- A column as a plain type: what is ours becomes text.
CREATE FUNCTION cdp._plain_column(attribute pg_attribute) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN type.typnamespace = 'cdp'::regnamespace AND type.typcategory = 'A'
			THEN format('%I::text[] AS %1$I', $1.attname)
		WHEN type.typnamespace = 'cdp'::regnamespace
			THEN format('%I::text AS %1$I', $1.attname)
		ELSE format('%I', $1.attname) END
	FROM pg_type AS type
	WHERE type.oid = $1.atttypid
$$;
COMMENT ON FUNCTION cdp._plain_column(pg_attribute) IS
'a column for a list of SELECT, of a type of cdp as text';

-- Tables of the store: those of schema cdp that the extension does not own.
-- Partitions are part of their tables.
CREATE FUNCTION cdp._store_tables() RETURNS SETOF regclass
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT class.oid::regclass
	FROM pg_class AS class
	WHERE class.relnamespace = 'cdp'::regnamespace
		AND class.relkind IN ('r', 'p')
		AND NOT class.relispartition
		AND NOT EXISTS (SELECT FROM pg_depend
			WHERE classid = 'pg_class'::regclass AND objid = class.oid AND deptype = 'e')
	ORDER BY class.relname
$$;
COMMENT ON FUNCTION cdp._store_tables() IS
'the tables of the store, partitions with their tables';

CREATE FUNCTION cdp._check_export_schema(schema text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	present text;
BEGIN
	IF to_regnamespace(quote_ident($1)) IS NULL OR $1 = 'cdp' THEN
		RAISE EXCEPTION 'cannot export to schema "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'invalid_schema_name',
				DETAIL = 'The schema must exist and not be cdp itself.',
				HINT = format('Run CREATE SCHEMA %I.', coalesce(nullif($1, 'cdp'), 'cdp_export'));
	END IF;
	SELECT relname INTO present
	FROM pg_class
	WHERE relnamespace = to_regnamespace(quote_ident($1))
	ORDER BY relname
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'cannot export to schema "%", which is not empty', $1
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = format('It holds "%s".', present),
				HINT = 'Make a schema for the export alone: CREATE SCHEMA cdp_export.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_export_schema(text) IS
'raise unless the schema exists, is empty and is not cdp';

-- The key stays behind: with it the keyed hashes of an export could be traced
-- back to people.
CREATE FUNCTION cdp.export_plain(schema text)
RETURNS TABLE (table_name text, rows bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	exported regclass;
	plain_columns text;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_export_schema($1);
	FOR exported IN
		SELECT name FROM cdp._store_tables() AS name
		WHERE name <> 'cdp.secret_key'::regclass
	LOOP
		SELECT relname INTO table_name FROM pg_class WHERE oid = exported;
		SELECT string_agg(cdp._plain_column(attribute), ', ' ORDER BY attnum) INTO plain_columns
		FROM pg_attribute AS attribute
		WHERE attrelid = exported AND attnum > 0 AND NOT attisdropped;
		EXECUTE format('CREATE TABLE %I.%I AS SELECT %s FROM %s',
			$1, table_name, plain_columns, exported);
		GET DIAGNOSTICS rows = ROW_COUNT;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp.export_plain(text) IS
'copy every table of the store but cdp.secret_key into an empty schema, in types that need no extension; a row for each';

-- What drop_store() drops, and nothing that the extension owns: views before
-- functions before tables, these in one command.
CREATE FUNCTION cdp._store_drops() RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH own AS (
		SELECT CASE relkind WHEN 'v' THEN 1 WHEN 'm' THEN 1 ELSE 4 END AS rank,
			CASE relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW '
				ELSE 'SEQUENCE IF EXISTS ' END || class.oid::regclass AS object,
			'pg_class'::regclass AS classid, class.oid
		FROM pg_class AS class
		WHERE relnamespace = 'cdp'::regnamespace AND relkind IN ('v', 'm', 'S')
		UNION ALL
		SELECT 2, 'ROUTINE ' || proc.oid::regprocedure, 'pg_proc'::regclass, proc.oid
		FROM pg_proc AS proc
		WHERE pronamespace = 'cdp'::regnamespace
		UNION ALL
		SELECT 3, 'TABLE ' || string_agg(name::text, ', '), 0, 0
		FROM cdp._store_tables() AS name
	)
	SELECT array_agg('DROP ' || object ORDER BY rank, object)
	FROM own
	WHERE NOT EXISTS (SELECT FROM pg_depend
		WHERE pg_depend.classid = own.classid AND objid = own.oid
			AND deptype IN ('e', 'a', 'i') AND refclassid <> 'pg_namespace'::regclass
			AND (deptype = 'e' OR rank = 4))
$$;
COMMENT ON FUNCTION cdp._store_drops() IS
'the commands that drop the store, in an order that mostly works';

-- Drop what can be dropped, again and again, until nothing is left or nothing
-- goes any more: functions, views and tables may need each other in any order.
-- Of what is in the way the views tell best.
CREATE FUNCTION cdp._drop_store() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	waiting text[] := cdp._store_drops();
	left_over text[];
	command text;
	told text;
	explained text;
	detail text;
BEGIN
	WHILE cardinality(waiting) > 0 LOOP
		left_over := '{}';
		told := '';
		FOREACH command IN ARRAY waiting LOOP
			BEGIN
				EXECUTE command;
			EXCEPTION WHEN dependent_objects_still_exist THEN
				GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
				left_over := left_over || command;
				IF told NOT LIKE 'DROP VIEW%' THEN
					told := command;
					explained := detail;
				END IF;
			END;
		END LOOP;
		IF left_over = waiting THEN
			RAISE EXCEPTION 'cannot drop the store because other objects need it'
				USING ERRCODE = 'dependent_objects_still_exist',
					DETAIL = explained,
					HINT = 'Drop those objects first. Nothing of the store was dropped.';
		END IF;
		waiting := left_over;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp._drop_store() IS
'drop the store; raises if something outside needs a part of it';

CREATE FUNCTION cdp.drop_store(confirm text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF to_regclass('cdp.store') IS NULL THEN
		RAISE EXCEPTION 'there is no store in this database'
			USING ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
	PERFORM cdp._check_store_owner('drop the store');
	IF $1 IS DISTINCT FROM current_database() THEN
		RAISE EXCEPTION 'the store was not dropped'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'All customer data of this database would be lost, so its name must be given.',
				HINT = format('Run SELECT cdp.export_plain(''...'') if you need the data, then SELECT cdp.drop_store(%L).',
					current_database());
	END IF;
	PERFORM cdp._drop_store();
END
$$;
COMMENT ON FUNCTION cdp.drop_store(text) IS
'drop all customer data; confirm is the name of the database. DROP EXTENSION cdp is possible afterwards';
