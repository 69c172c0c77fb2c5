-- Rules that the catalogues can check over all rooms at once.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
-- every public object has a comment: none is listed
SELECT prokind::text AS kind, proc.oid::regprocedure::text COLLATE "C" AS uncommented
FROM pg_proc AS proc
WHERE pronamespace = 'cdp'::regnamespace
	AND proname NOT LIKE '\_%'
	AND obj_description(proc.oid, 'pg_proc') IS NULL
UNION ALL
SELECT 'relation', class.oid::regclass::text
FROM pg_class AS class
WHERE relnamespace = 'cdp'::regnamespace
	AND relkind IN ('r', 'p', 'v', 'm', 'f')
	AND NOT relispartition
	AND relname NOT LIKE '\_%'
	AND obj_description(class.oid, 'pg_class') IS NULL
UNION ALL
SELECT 'type', type.oid::regtype::text
FROM pg_type AS type
WHERE typnamespace = 'cdp'::regnamespace
	AND typname NOT LIKE '\_%'
	AND (typrelid = 0 OR EXISTS (SELECT FROM pg_class
		WHERE pg_class.oid = typrelid AND relkind = 'c'))
	AND obj_description(type.oid, 'pg_type') IS NULL
ORDER BY 1, 2;

-- public views show plain types only
SELECT class.relname, attname, format_type(atttypid, atttypmod) AS type
FROM pg_attribute
	JOIN pg_class AS class ON class.oid = attrelid
WHERE class.relnamespace = 'cdp'::regnamespace
	AND class.relkind = 'v'
	AND class.relname NOT LIKE '\_%'
	AND attnum > 0
	AND NOT attisdropped
	AND atttypid <> ALL (ARRAY['bigint', 'integer', 'smallint', 'text', 'text[]',
		'integer[]', 'bigint[]', 'numeric', 'double precision', 'boolean',
		'timestamptz', 'date', 'interval', 'jsonb', 'uuid']::regtype[])
ORDER BY 1, 2;

-- no type is named as a table or view (of any schema: tools do not qualify)
SELECT typname
FROM pg_type
	JOIN pg_class ON relname = typname AND pg_class.reltype <> pg_type.oid
WHERE typnamespace = 'cdp'::regnamespace AND typelem = 0
	AND relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY 1;

-- no function that gives rows is named as the plural of a table: tools that make
-- an interface of the schema (GraphQL) call the table's rows so
SELECT proname, relname
FROM pg_proc
	JOIN pg_class ON relnamespace = pronamespace AND relkind IN ('r', 'p', 'v')
WHERE pronamespace = 'cdp'::regnamespace AND proretset
	AND proname = regexp_replace(relname, 'y$', 'ie') || 's'
	AND relname NOT LIKE '\_%'
ORDER BY 1, 2;

-- no view sorts: that would sort the whole log to count it
SELECT relname
FROM pg_class
WHERE relnamespace = 'cdp'::regnamespace AND relkind = 'v'
	AND pg_get_viewdef(oid) ~ '\n ORDER BY [^)]*;$'
ORDER BY 1;

-- the doors: the only SECURITY DEFINER functions; a new one is a decision
SELECT oid::regprocedure::text COLLATE "C" AS door
FROM pg_proc
WHERE pronamespace = 'cdp'::regnamespace AND prosecdef
ORDER BY 1;

-- a door is the store's, fixes its search path, and PUBLIC may not use it
SELECT oid::regprocedure::text COLLATE "C" AS open_door
FROM pg_proc
WHERE pronamespace = 'cdp'::regnamespace AND prosecdef
	AND (proconfig IS NULL
		OR 'search_path=pg_catalog, pg_temp' <> ALL (proconfig)
		OR proacl IS NULL
		OR EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0)
		OR EXISTS (SELECT FROM pg_depend
			WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid
				AND deptype = 'e'))
ORDER BY 1;

-- every body fixes its search path, but for bodies that were bound when they
-- were made (RETURN, BEGIN ATOMIC) and procedures, which commit
SELECT oid::regprocedure::text COLLATE "C" AS unfixed_search_path
FROM pg_proc
WHERE pronamespace = 'cdp'::regnamespace
	AND prolang IN (SELECT oid FROM pg_language WHERE lanname IN ('sql', 'plpgsql'))
	AND prokind <> 'p'
	AND prosqlbody IS NULL
	AND (proconfig IS NULL OR 'search_path=pg_catalog, pg_temp' <> ALL (proconfig))
ORDER BY 1;

-- who turns a kind of scan off turns compiling off, too: what is left has a cost
-- beyond all measure, which would be compiled each time
SELECT oid::regprocedure::text COLLATE "C" AS compiles
FROM pg_proc
WHERE pronamespace = 'cdp'::regnamespace
	AND 'enable_seqscan=off' = ANY (proconfig) AND 'jit=off' <> ALL (proconfig)
ORDER BY 1;

-- the store belongs to whoever ran setup, none of it to the extension
SELECT class.oid::regclass::text COLLATE "C" AS owned_by_extension
FROM pg_depend
	JOIN pg_class AS class ON class.oid = objid
WHERE classid = 'pg_class'::regclass
	AND refclassid = 'pg_extension'::regclass
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'cdp')
	AND class.relkind <> 'c'
ORDER BY 1;

-- no function over personal data is LEAKPROOF, comparisons aside (as text's)
SELECT oid::regprocedure::text COLLATE "C" AS leakproof
FROM pg_proc
WHERE pronamespace = 'cdp'::regnamespace AND proleakproof
	AND proname !~ '_(eq|ne|lt|le|gt|ge|cmp|hash|hash_extended)$'
ORDER BY 1;
