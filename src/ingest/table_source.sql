-- Tables that are already here: a table, view or foreign table of this
-- database is read in place by the merge run.  Each row becomes a record
-- (to_jsonb) that the source's mapping explains.
--
-- With a key alone rows are read in key order: a log that only grows.  A run
-- begins after the key up to which all is settled (cdp._settle_keys).
-- With a watermark (a column that every change of a row renews) a run begins
-- its overlap before the newest watermark read so far, because transactions do
-- not commit in the order of their times, and reads on by (watermark, key).
-- The message ledger drops what was there already, which is not counted (a
-- source that is quiet would count its overlap with every run): a row's message
-- id is what the mapping says, else its key and watermark.  A watermark that is infinite,
-- or further in the future than the setting future_tolerance, is read but does
-- not move the newest on: it would hide all rows that come after it.  Rows
-- without a watermark are not read; each run counts them, unless the table
-- declares that there are none.
--
-- A source that cannot be read (its table is gone, its view raises, its server
-- goes away) costs the run nothing but that source: the error is kept in
-- cdp.table_source.error, and the next run tries again; see table_source.c.
CREATE FUNCTION cdp._mapping_columns(mapping jsonb) RETURNS text[]
LANGUAGE c IMMUTABLE STRICT
AS 'MODULE_PATHNAME', 'cdp__mapping_columns';
COMMENT ON FUNCTION cdp._mapping_columns(jsonb) IS
'columns that the paths of a mapping begin with';

-- One rule, one message, for cdp.add_table_source(), for who changes the row,
-- and for the run: a column may be renamed or dropped later.
CREATE FUNCTION cdp._check_table_columns(
	source_id integer,
	relation text,
	key text,
	watermark text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	table_id oid := to_regclass($2);
	missing text;
	detail text := '';
BEGIN
	IF table_id IS NULL THEN
		RAISE EXCEPTION 'relation "%" does not exist', $2
			USING ERRCODE = 'undefined_table',
				HINT = 'Name its schema, too.';
	END IF;
	SELECT named.wanted, named.why INTO missing, detail
	FROM (
		VALUES (-1, $3, 'It is the key.'),
			(0, $4, 'It is the watermark.')
		UNION ALL
		SELECT path.place, path.name, 'The mapping names it.'
		FROM cdp.source, unnest(cdp._mapping_columns(source.mapping))
			WITH ORDINALITY AS path (name, place)
		WHERE source.source_id = $1
	) AS named (place, wanted, why)
	WHERE named.wanted IS NOT NULL AND NOT EXISTS (
		SELECT FROM pg_attribute
		WHERE attrelid = table_id AND attname = named.wanted
			AND attnum > 0 AND NOT attisdropped)
	ORDER BY named.place
	LIMIT 1;
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'column "%" of relation "%" does not exist',
				missing, $2
			USING ERRCODE = 'undefined_column', DETAIL = detail;
	END IF;
	IF EXISTS (
			SELECT FROM pg_attribute
			WHERE attrelid = table_id AND attname = $4
				AND atttypid NOT IN ('timestamptz'::regtype,
					'timestamp'::regtype, 'date'::regtype)) THEN
		RAISE EXCEPTION 'column "%" cannot be a watermark', $4
			USING ERRCODE = 'datatype_mismatch',
				DETAIL = 'A watermark is a timestamp or a date.';
	END IF;
	IF $4 IS NULL AND EXISTS (
			SELECT FROM pg_attribute
			WHERE attrelid = table_id AND attname = $3
				AND atttypid NOT IN ('smallint'::regtype, 'integer'::regtype,
					'bigint'::regtype, 'numeric'::regtype, 'timestamptz'::regtype,
					'timestamp'::regtype, 'date'::regtype)) THEN
		RAISE EXCEPTION 'column "%" does not tell which rows are new', $3
			USING ERRCODE = 'datatype_mismatch',
				DETAIL = 'Without a watermark the key of new rows must ascend, so it is a number or a time.',
				HINT = 'Name a watermark: a column that says when a row was made or changed.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_table_columns(integer, text, text, text) IS
'raise unless the relation of a table source is there, with all columns that its key, watermark and mapping name';

CREATE FUNCTION cdp._check_table_source() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_table_columns(NEW.source_id, NEW.relation, NEW.key,
		NEW.watermark);
	SELECT format('%I.%I', nspname, relname) INTO NEW.relation
	FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
	WHERE pg_class.oid = to_regclass(NEW.relation);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_table_source() IS
'raise unless a row of cdp.table_source can be read';

CREATE FUNCTION cdp._count_unread(relation text, watermark text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rows bigint;
BEGIN
	-- that of a foreign table is a promise of who declared it
	IF $2 IS NULL OR EXISTS (
			SELECT FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
			WHERE attrelid = to_regclass($1) AND attname = $2
				AND attnotnull AND relkind IN ('r', 'p')) THEN
		RETURN 0;
	END IF;
	EXECUTE format('SELECT count(*) FROM %s WHERE %I IS NULL', $1, $2)
	INTO rows;
	RETURN rows;
END
$$;
COMMENT ON FUNCTION cdp._count_unread(text, text) IS
'how many rows of a table are not read because their watermark is null; 0 without a watermark';

-- That the table cannot be read now, or not by who adds it, is for the run to
-- find out.
CREATE FUNCTION cdp._warn_of_unread(source_id integer) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	adding cdp.table_source;
	unread bigint := 0;
BEGIN
	SELECT * INTO STRICT adding
	FROM cdp.table_source
	WHERE table_source.source_id = $1;
	BEGIN
		unread := cdp._count_unread(adding.relation, adding.watermark);
	EXCEPTION WHEN OTHERS THEN
		RETURN;
	END;
	IF unread > 0 THEN
		RAISE WARNING 'rows of "%" without a watermark are not read', adding.relation
			USING DETAIL = format('Rows in which "%s" is null: %s.', adding.watermark, unread),
				HINT = 'Name a view instead, with coalesce(changed_at, created_at) or the like as the watermark.';
		UPDATE cdp.table_source
		SET unread_rows = unread
		WHERE table_source.source_id = $1;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._warn_of_unread(integer) IS
'warn if a table source has rows that are not read because their watermark is null';

-- Views and foreign tables are taken at their word.
CREATE FUNCTION cdp._tells_rows_apart(relation text, key text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT relkind NOT IN ('r', 'p') OR EXISTS (
		SELECT FROM pg_index
		JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
		WHERE indrelid = pg_class.oid AND indisunique AND indnkeyatts = 1
			AND indpred IS NULL AND attname = $2)
	FROM pg_class
	WHERE oid = to_regclass($1)
$$;
COMMENT ON FUNCTION cdp._tells_rows_apart(text, text) IS
'is the column a key of the table, as far as anybody can know';

CREATE FUNCTION cdp.add_table_source(
	name text,
	relation text,
	mapping jsonb,
	key text,
	watermark text DEFAULT NULL,
	overlap interval DEFAULT '1 hour',
	kind text DEFAULT 'first_party',
	priority integer DEFAULT 100,
	default_region text DEFAULT NULL,
	own_user_ids boolean DEFAULT false)
RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	new_id integer;
BEGIN
	PERFORM cdp._check_store();
	IF add_table_source.mapping IS NULL OR add_table_source.key IS NULL THEN
		RAISE EXCEPTION 'a table source needs a mapping and a key'
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'A mapping is such as {"identifiers": {"email": "$.email"}, "at": "$.created_at", "event": "order", "amount": "$.total"}.';
	END IF;
	new_id := cdp.add_source(name => add_table_source.name,
		kind => add_table_source.kind,
		priority => add_table_source.priority,
		default_region => add_table_source.default_region,
		mapping => add_table_source.mapping,
		own_user_ids => add_table_source.own_user_ids);
	INSERT INTO cdp.table_source (source_id, relation, key, watermark, overlap)
	VALUES (new_id, add_table_source.relation, add_table_source.key,
		add_table_source.watermark, add_table_source.overlap);
	IF add_table_source.watermark IS NOT NULL
			AND add_table_source.mapping ->> 'message_id' IN (
				'$.' || add_table_source.key,
				format('$."%s"', add_table_source.key)) THEN
		RAISE NOTICE 'each row of "%" is taken once, changes of it are not', add_table_source.relation
			USING DETAIL = 'The mapping makes the key the message id, by which a changed row is a repeat.',
				HINT = 'Without message_id in the mapping each version of a row, by key and watermark, is a record.';
	END IF;
	PERFORM cdp._warn_of_unread(new_id);
	IF NOT cdp._tells_rows_apart(add_table_source.relation, add_table_source.key) THEN
		RAISE WARNING 'no unique index says that "%" tells the rows of "%" apart', add_table_source.key, add_table_source.relation
			USING DETAIL = 'A second row with the same key (and watermark) counts as a repeat.';
	END IF;
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION cdp.add_table_source(text, text, jsonb, text, text, interval, text, integer, text, boolean) IS
'make a source of a table, view or foreign table, which the merge run reads in place; returns its source_id; without a watermark the key of new rows must ascend, and with one, rows whose watermark is null are not read';

-- The condition for the rows still to be read: in the run under way, those
-- after its position; in a new one, those from the overlap before the newest,
-- or after the settled key.
CREATE FUNCTION cdp._table_source_condition(source_id integer, run_id bigint)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
AS $$
	SELECT CASE
		WHEN watermark IS NULL AND position_run = $2 THEN format('%I > %L', key, position_key)
		WHEN watermark IS NULL AND settled_key IS NULL THEN 'true'
		WHEN watermark IS NULL THEN format('%I > %L', key, settled_key)
		WHEN position_run = $2 THEN format('(%I, %I) > (%L, %L)',
			watermark, key, position_watermark, position_key)
		WHEN high_watermark IS NULL THEN format('%I IS NOT NULL', watermark)
		ELSE format('%I >= %L', watermark, high_watermark - overlap) END
	FROM cdp.table_source
	WHERE table_source.source_id = $1
$$;
COMMENT ON FUNCTION cdp._table_source_condition(integer, bigint) IS
'SQL condition for the rows of a table source that are still to be read; run_id is the run under way, NULL: the next one';

CREATE FUNCTION cdp._table_source_backlog(source_id integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
AS $$
#variable_conflict use_column
DECLARE
	rows bigint;
BEGIN
	PERFORM cdp._check_table_columns(source_id, relation, key, watermark)
	FROM cdp.table_source
	WHERE table_source.source_id = $1;
	EXECUTE (SELECT format('SELECT count(*) + %s FROM %s WHERE %s',
			(error IS NOT NULL)::integer, relation,
			cdp._table_source_condition($1, NULL))
		FROM cdp.table_source WHERE table_source.source_id = $1)
	INTO rows;
	RETURN rows;
END
$$;
COMMENT ON FUNCTION cdp._table_source_backlog(integer) IS
'how many rows of a table source the next run will read; one that could not be read last time counts as 1 more, so that the run tries it';

CREATE FUNCTION cdp._table_sources_backlog() RETURNS bigint
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'cdp__table_sources_backlog';
COMMENT ON FUNCTION cdp._table_sources_backlog() IS
'how many rows wait in all table sources; one that cannot be read counts as 1';

-- Keys are given out before their rows can be seen: a row with a lower key than
-- the last one read may come yet, from a transaction that is still open.  So a
-- run starts after the key up to which all is settled.  The last key of a run
-- is, once a later run has read from there on that began when no transaction of
-- the first was open any more; or at once if nobody else did anything meanwhile.
CREATE FUNCTION cdp._settle_keys(source_id integer, seen pg_snapshot) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE cdp.table_source
	SET (settled_key, settling_key, settling_xid) = (
		SELECT CASE WHEN alone THEN position_key
				ELSE coalesce(settling_key, settled_key) END,
			CASE WHEN NOT alone THEN position_key END,
			CASE WHEN NOT alone THEN pg_snapshot_xmax(pg_current_snapshot()) END
		FROM (
			SELECT pg_snapshot_xmin($2) = pg_snapshot_xmax($2)
				AND pg_current_snapshot()::text = $2::text AS alone
		) AS run)
	WHERE table_source.source_id = $1 AND settling_xid IS NULL
$$;
COMMENT ON FUNCTION cdp._settle_keys(integer, pg_snapshot) IS
'a table source without a watermark was read to its end, from a snapshot on: note up to which key no further row can come';

CREATE FUNCTION cdp._read_table_source(
	source_id integer,
	batch integer,
	run_id bigint)
RETURNS TABLE (record text, message_id text, place bigint, read_again boolean)
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
AS $$
#variable_conflict use_column
DECLARE
	reading cdp.table_source;
	last_key text;
	last_watermark text;
	newest timestamptz;
	latest timestamptz := cdp.clock() + (
		SELECT value::interval FROM cdp.setting WHERE name = 'future_tolerance');
	rows bigint := 0;
	unread bigint;
	seen pg_snapshot;
	at_end boolean;
BEGIN
	SELECT * INTO STRICT reading
	FROM cdp.table_source
	WHERE table_source.source_id = $1
	FOR UPDATE;
	PERFORM cdp._check_table_columns($1, reading.relation, reading.key,
		reading.watermark);
	IF reading.position_run IS DISTINCT FROM $3 THEN
		unread := cdp._count_unread(reading.relation, reading.watermark);
	END IF;
	seen := pg_current_snapshot();
	IF reading.position_run IS DISTINCT FROM $3 THEN
		UPDATE cdp.table_source
		SET settling_xid = NULL
		WHERE table_source.source_id = $1
			AND settling_xid <= pg_snapshot_xmin(seen);
	END IF;
	FOR record, last_key, last_watermark, place IN EXECUTE format(
		'SELECT to_jsonb(source_row)::text, %1$I::text, %2$s::text,'
		' row_number() OVER ()'
		' FROM (SELECT * FROM %3$s WHERE %4$s ORDER BY %5$s%1$I LIMIT %6$s)'
		' AS source_row',
		reading.key, coalesce(quote_ident(reading.watermark), 'NULL'),
		reading.relation, cdp._table_source_condition($1, $3),
		quote_ident(reading.watermark) || ', ', batch)
	LOOP
		message_id := concat_ws('@', last_key, last_watermark);
		read_again := coalesce(last_watermark::timestamptz <= reading.high_watermark, false);
		rows := rows + 1;
		IF isfinite(last_watermark::timestamptz)
				AND last_watermark::timestamptz <= latest THEN
			newest := last_watermark::timestamptz;
		END IF;
		RETURN NEXT;
	END LOOP;
	at_end := rows < batch AND reading.watermark IS NOT NULL;
	-- At its end a watermark is all that the next run needs: the last key may be
	-- a person's, whose row was refused.
	UPDATE cdp.table_source
	SET position_key = CASE WHEN NOT at_end THEN coalesce(last_key, position_key) END,
		position_watermark = CASE WHEN NOT at_end THEN
			coalesce(last_watermark::timestamptz, position_watermark) END,
		position_run = CASE WHEN at_end THEN NULL WHEN rows > 0 THEN $3
			ELSE position_run END,
		high_watermark = greatest(high_watermark, newest),
		done_run = CASE WHEN rows < batch THEN $3 ELSE done_run END,
		unread_rows = coalesce(unread, unread_rows),
		error = NULL
	WHERE table_source.source_id = $1;
	IF reading.watermark IS NULL AND rows < batch THEN
		PERFORM cdp._settle_keys($1, seen);
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._read_table_source(integer, integer, bigint) IS
'read the next rows of a table source as records and move its position on; read_again: an earlier run has read up to that watermark';

-- Who may not read a table is who calls the merge run: a member of the store's
-- owner.  A view reads with the rights of its own owner.
CREATE FUNCTION cdp._grant_advice(source_id integer) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN NOT has_schema_privilege(pg_namespace.oid, 'USAGE')
			THEN format('Run GRANT USAGE ON SCHEMA %I TO %I; GRANT SELECT ON %s TO %2$I.',
				nspname, cdp._store_owner(), relation)
		WHEN NOT has_table_privilege(pg_class.oid, 'SELECT')
			THEN format('Run GRANT SELECT ON %s TO %I.', relation, cdp._store_owner())
		WHEN relkind = 'v'
			THEN format('Grant what the view %s reads to its owner %I.', relation,
				pg_get_userbyid(relowner))
		WHEN relkind = 'f'
			THEN format('On the other server, grant what %s reads to the user of the user mapping.', relation) END
	FROM cdp.table_source, pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
	WHERE table_source.source_id = $1
		AND ARRAY[nspname, relname]::text[] = parse_ident(relation)
$$;
COMMENT ON FUNCTION cdp._grant_advice(integer) IS
'what to grant to whom so that a table source can be read; NULL: nobody knows';

-- Done for this run, or the run would try for ever.  Messages of data
-- exceptions quote the value, which may be a person's.
CREATE FUNCTION cdp._fail_table_source(
	source_id integer,
	source_name text,
	run_id bigint,
	sqlstate text,
	message text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	problem text := CASE WHEN $4 LIKE '22%' THEN 'data exception' ELSE $5 END
		|| format(' (SQLSTATE %s)', $4);
	advice text := CASE WHEN $4 = '42501' THEN cdp._grant_advice($1) END;
BEGIN
	UPDATE cdp.table_source
	SET error = concat_ws('. ', problem, advice),
		done_run = $3
	WHERE table_source.source_id = $1;
	RAISE WARNING 'table source "%" could not be read', source_name
		USING DETAIL = problem,
			HINT = coalesce(advice || ' ', '') || 'The next run tries again; to leave the source out, set active in cdp.table_source to false.';
END
$$;
COMMENT ON FUNCTION cdp._fail_table_source(integer, text, bigint, text, text) IS
'note that a table source could not be read in this run';
