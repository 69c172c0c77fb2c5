CREATE FUNCTION cdp._ingest_records(
	source text,
	records text[],
	sent_at text,
	OUT outcomes text[],
	OUT set_ids bigint[],
	OUT owners bigint[],
	OUT reject_ids bigint[],
	OUT reasons text[],
	OUT messages text[],
	OUT new_sets bigint[],
	OUT event_ids bigint[],
	OUT since timestamptz,
	OUT until timestamptz)
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'cdp__ingest_records';
COMMENT ON FUNCTION cdp._ingest_records(text, text[], text) IS
'take records into the store, what is new still to be settled; outcomes, sets, owners, rejects, reasons and messages are one per record';

CREATE FUNCTION cdp._ingest_step(batch integer) RETURNS bigint
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'cdp__ingest_step';
COMMENT ON FUNCTION cdp._ingest_step(integer) IS
'take a batch of waiting records into the store; returns how many, 0: none wait';

CREATE FUNCTION cdp._trait_name(name text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__trait_name';
COMMENT ON FUNCTION cdp._trait_name(text) IS
'the name that a trait of a record is stored under: first_name for "First Name"; NULL: it has none';

CREATE FUNCTION cdp._check_mapping(mapping jsonb) RETURNS void
LANGUAGE c IMMUTABLE STRICT
AS 'MODULE_PATHNAME', 'cdp__check_mapping';
COMMENT ON FUNCTION cdp._check_mapping(jsonb) IS
'raise unless a source''s mapping can be understood';

-- Records of a mapping that has an unknown type would all be stored without
-- that identifier, each with a warning.
CREATE FUNCTION cdp._check_mapping_types(mapping jsonb) RETURNS void
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	unknown text := (
		SELECT min(named.type)
		FROM jsonb_object_keys($1 -> 'identifiers') AS named (type)
		WHERE NOT EXISTS (
			SELECT FROM cdp.identifier_type WHERE identifier_type.type = named.type));
BEGIN
	IF unknown IS NOT NULL THEN
		RAISE EXCEPTION 'invalid mapping of "identifiers"'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = format('There is no identifier type "%s".', unknown),
				HINT = format('Types are %s; cdp.add_identifier_type() adds one.', (
					SELECT string_agg(type, ', ' ORDER BY type)
					FROM cdp.identifier_type));
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_mapping_types(jsonb) IS
'raise unless the store has all types of identifiers that a mapping names';

CREATE FUNCTION cdp._ingest_backlog() RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT (SELECT count(*) FROM cdp.inbox)
		+ cdp._table_sources_backlog()
$$;
COMMENT ON FUNCTION cdp._ingest_backlog() IS
'how many records wait in the inbox and in table sources';

-- One rule, one message, for cdp.add_source() and for who changes the row.  A
-- type of identifiers that goes away later does not stand in the way of other
-- changes of the row.
CREATE FUNCTION cdp._check_source() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NEW.name IS NULL OR NEW.name !~ '^[a-z][a-z0-9_.-]{0,62}$' THEN
		RAISE EXCEPTION 'invalid source name "%"', NEW.name
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A source name begins with a lower-case letter and goes on with at most 62 of a-z, 0-9, "_", "." and "-".';
	END IF;
	IF NEW.kind IS NULL
			OR NEW.kind NOT IN ('first_party', 'second_party', 'third_party') THEN
		RAISE EXCEPTION 'invalid source kind "%"', NEW.kind
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'The kind of a source is first_party, second_party or third_party.';
	END IF;
	IF NEW.trust IS NULL OR NEW.trust NOT BETWEEN 0 AND 1 THEN
		RAISE EXCEPTION 'trust of a source must be between 0 and 1'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM cdp._check_period('retention', NEW.retention);
	PERFORM cdp._check_period('dedupe_for', NEW.dedupe_for);
	PERFORM cdp._check_region(NEW.default_region);
	PERFORM cdp._check_mapping(NEW.mapping);
	IF TG_OP = 'INSERT' OR NEW.mapping IS DISTINCT FROM OLD.mapping THEN
		PERFORM cdp._check_mapping_types(NEW.mapping);
	END IF;
	NEW.default_region := upper(NEW.default_region);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_source() IS
'raise unless a row of cdp.source can be used';

-- Sets and messages are looked for first: whoever sent anything has one.
CREATE FUNCTION cdp._check_source_unused() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM cdp.message WHERE message.source_id = OLD.source_id)
		OR EXISTS (SELECT FROM cdp.identifier_set AS held WHERE held.source_id = OLD.source_id)
		OR EXISTS (SELECT FROM cdp.event WHERE event.source_id = OLD.source_id)
	THEN
		RAISE EXCEPTION 'cannot delete source "%"', OLD.name
			USING ERRCODE = 'object_in_use',
				DETAIL = 'The store has records of it, which would be nobody''s.',
				HINT = 'Set its retention in cdp.source to have them removed by age; cdp.table_source.active stops reading a table.';
	END IF;
	RETURN OLD;
END
$$;
COMMENT ON FUNCTION cdp._check_source_unused() IS
'raise if a source that goes has sent anything that is kept';

CREATE FUNCTION cdp._check_period(name text, period interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT isfinite($2) OR $2 <= '0' OR $2 > '1000 years' THEN
		RAISE EXCEPTION 'invalid % of a source', $1
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is an interval longer than 0 and of at most 1000 years, or NULL: for ever.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_period(text, interval) IS
'raise unless something can be kept for that long';

CREATE FUNCTION cdp.add_source(
	name text,
	kind text DEFAULT 'first_party',
	priority integer DEFAULT 100,
	trust double precision DEFAULT 1,
	default_region text DEFAULT NULL,
	retention interval DEFAULT NULL,
	mapping jsonb DEFAULT NULL,
	own_user_ids boolean DEFAULT false,
	dedupe_for interval DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	new_id integer;
BEGIN
	PERFORM cdp._check_store();
	INSERT INTO cdp.source (name, kind, priority, trust, default_region,
		retention, mapping, own_user_ids, dedupe_for)
	VALUES (add_source.name, add_source.kind, add_source.priority,
		add_source.trust, add_source.default_region,
		coalesce(add_source.retention,
			CASE WHEN add_source.kind = 'third_party' THEN interval '90 days' END),
		add_source.mapping, add_source.own_user_ids,
		add_source.dedupe_for)
	ON CONFLICT (name) DO NOTHING
	RETURNING source_id INTO new_id;
	IF new_id IS NULL THEN
		RAISE EXCEPTION 'source "%" exists already', add_source.name
			USING ERRCODE = 'duplicate_object',
				HINT = 'Change its row in cdp.source.';
	END IF;
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION cdp.add_source(text, text, integer, double precision, text, interval, jsonb, boolean, interval) IS
'make a source that records can come from; returns its source_id; what third parties sent is kept 90 days unless retention says otherwise';

-- Each batch of rejects goes back in a transaction of its own; rows rejected
-- while this runs are left alone.  A record counts once, as what becomes of it
-- in the end: so what goes back is taken out of the counts, on the day and from
-- the source that it was counted as rejected for.
CREATE PROCEDURE cdp.retry_rejects(source text DEFAULT NULL)
LANGUAGE plpgsql
AS $$
DECLARE
	last_id bigint;
	moved bigint;
	all_moved bigint := 0;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	PERFORM cdp._check_store();
	IF NOT EXISTS (
			SELECT FROM cdp.source WHERE source.name = retry_rejects.source)
			AND retry_rejects.source IS NOT NULL THEN
		RAISE EXCEPTION 'source "%" does not exist', retry_rejects.source
			USING ERRCODE = 'undefined_object',
				HINT = format('Make it with SELECT cdp.add_source(%L).', retry_rejects.source);
	END IF;
	SELECT max(reject_id) INTO last_id FROM cdp.reject;
	LOOP
		WITH chosen AS (
			SELECT reject_id
			FROM cdp.reject
			WHERE reject_id <= last_id
				AND reason <> 'erased'
				AND (retry_rejects.source IS NULL
					OR reject.source = retry_rejects.source)
			ORDER BY reject_id
			LIMIT 10000
			FOR UPDATE SKIP LOCKED
		), taken AS (
			DELETE FROM cdp.reject
			USING chosen
			WHERE reject.reject_id = chosen.reject_id
			RETURNING reject.reject_id, reject.source, reject.record,
				reject.received_at, reject.rejected_at, reject.reason,
				reject.message_id
		), uncounted AS (
			INSERT INTO cdp.ingest_tally (source, counted_at, records, stored,
				duplicates, rejected, without_key)
			SELECT CASE WHEN taken.reason NOT IN ('no_source', 'unknown_source')
					THEN taken.source END,
				date_trunc('day', taken.rejected_at, 'UTC'), -count(*), 0, 0,
				-count(*), 0
			FROM taken
			GROUP BY 1, 2
		)
		INSERT INTO cdp.inbox (source, record, received_at, message_id)
		SELECT taken.source, taken.record, taken.received_at, taken.message_id
		FROM taken
		ORDER BY taken.reject_id;
		GET DIAGNOSTICS moved = ROW_COUNT;
		EXIT WHEN moved = 0;
		all_moved := all_moved + moved;
		COMMIT;
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	END LOOP;
	RAISE NOTICE 'rejected records put back into the inbox: %', all_moved
		USING HINT = 'The next merge run stores them, or rejects them again: CALL cdp.merge().';
END
$$;
COMMENT ON PROCEDURE cdp.retry_rejects(text) IS
'put rejected records of a source (NULL: of all) back into the inbox, for the next merge run; they count as what becomes of them then';

-- Between an update of the extension and cdp.migrate() records wait in the
-- inbox, so that nobody who sends them notices.  What the call knows of the
-- sender's clock goes along.
CREATE FUNCTION cdp._queue_records(source text, records jsonb[], sent_at jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO cdp.inbox (source, record)
	SELECT $1, CASE
			WHEN jsonb_typeof(record) = 'object'
				AND coalesce(record -> 'sentAt', $3) IS NOT NULL
				THEN jsonb_build_object('sentAt', $3, 'receivedAt', cdp.clock()) || record
			ELSE record END
	FROM unnest($2) WITH ORDINALITY AS sent (record, place)
	ORDER BY place;
	RAISE NOTICE 'the store is of another version than the extension, so records wait in cdp.inbox'
		USING HINT = 'Run CALL cdp.migrate().';
END
$$;
COMMENT ON FUNCTION cdp._queue_records(text, jsonb[], jsonb) IS
'put records of a call into the inbox until the store is migrated';

CREATE FUNCTION cdp._record_profile(set_id bigint, identifier_id bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
BEGIN
	RETURN (
		SELECT profile.root
		FROM cdp.identifier JOIN cdp.profile ON profile.profile_id = identifier.leaf
		WHERE identifier.identifier_id = coalesce(
			(SELECT held.owner FROM cdp.identifier_set AS held WHERE held.set_id = $1), $2));
END
$$;
COMMENT ON FUNCTION cdp._record_profile(bigint, bigint) IS
'live profile of an identifier set; before it is stitched, that of the identifier given';
