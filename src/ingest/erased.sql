-- Records of people who were erased; erased.c tells the story.

CREATE FUNCTION cdp._erased_keys(types text[], sources text[], "values" text[], items integer[])
RETURNS SETOF integer
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
BEGIN
	RETURN QUERY
	WITH given AS MATERIALIZED (
		SELECT * FROM unnest($1, $2, $3, $4) AS key (type, source, value, item)
	), hashed AS MATERIALIZED (
		SELECT key.type, key.source, key.value,
			cdp._keyed_hash((SELECT cdp._hash_key()), cdp._suppression_key(key.type,
				CASE WHEN known.scope = 'source' OR known.type = 'user_id' AND sender.own_user_ids
					THEN key.source ELSE '' END,
				key.value)) AS key_hash
		FROM (SELECT DISTINCT given.type, given.source, given.value FROM given) AS key
		JOIN cdp.identifier_type AS known ON known.type = key.type
		JOIN cdp.source AS sender ON sender.name = key.source
	)
	SELECT given.item
	FROM hashed
	CROSS JOIN LATERAL (SELECT FROM cdp.tombstone AS dead
		WHERE dead.key_hash = hashed.key_hash OFFSET 0) AS dead
	JOIN given ON given.type = hashed.type AND given.source = hashed.source
		AND given.value = hashed.value;
END
$$;
COMMENT ON FUNCTION cdp._erased_keys(text[], text[], text[], integer[]) IS
'of items with the identifiers that they name, in their canonical form, those that name somebody who was erased';

-- For those who write a value by hand.
CREATE FUNCTION cdp._check_not_erased(type text, value text, hint text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM cdp.tombstone) AND EXISTS (
		SELECT FROM (
			SELECT array_agg(known.type::text) AS types, array_agg(sender.name::text) AS sources,
				array_agg(canonical.value) AS "values", array_agg(0) AS items
			FROM cdp.identifier_type AS known CROSS JOIN cdp.source AS sender
				CROSS JOIN LATERAL cdp._canonical_value(known.type, $2, sender.default_region) AS canonical (value)
			WHERE ($1 IS NULL OR known.type = $1) AND canonical.value IS NOT NULL) AS named,
			cdp._erased_keys(named.types, named.sources, named."values", named.items))
	THEN
		RAISE EXCEPTION 'that identifier% was erased', CASE WHEN $1 IS NULL THEN '' ELSE format(' of type "%s"', $1) END
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = $3;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_not_erased(text, text, text) IS
'raise if a value is an identifier of that type (NULL: of any) that was erased, whichever source''s';

CREATE FUNCTION cdp._record_keys(sources text[], records text[])
RETURNS TABLE (place integer, type text, source text, value text)
LANGUAGE c STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'cdp__record_keys';
COMMENT ON FUNCTION cdp._record_keys(text[], text[]) IS
'the identifiers, in their canonical form, that records name as far as they can be read, as their sources map them';

-- What ledger.c makes of a message id.
CREATE FUNCTION cdp._message_key(message_id text, store_id uuid) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	digest bytea;
BEGIN
	IF $1 ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' THEN
		RETURN $1::uuid;
	END IF;
	digest := substr(sha256('\x6d65737361676500'::bytea || convert_to($2::text, 'UTF8') || '\x00'::bytea
		|| convert_to($1, 'UTF8') || '\x00'::bytea), 1, 16);
	digest := set_byte(digest, 6, get_byte(digest, 6) & 15 | 128);
	digest := set_byte(digest, 8, get_byte(digest, 8) & 63 | 128);
	RETURN encode(digest, 'hex')::uuid;
END
$$;
COMMENT ON FUNCTION cdp._message_key(text, uuid) IS
'the key under which the message ledger holds a message id';

-- No record comes in until this transaction ends, and those that are on their
-- way have been committed: whoever ingests holds a lock on event_other from the
-- beginning to the end of its transaction (batch.c).  Nobody is to wait long
-- for a transaction that was forgotten.
CREATE FUNCTION cdp._hold_ingest() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
AS $$
BEGIN
	LOCK TABLE cdp.event_other IN SHARE ROW EXCLUSIVE MODE;
EXCEPTION WHEN lock_not_available THEN
	RAISE EXCEPTION 'could not wait for transactions that ingest'
		USING ERRCODE = 'lock_not_available',
			DETAIL = 'One of them has been open for longer than 5 seconds, and what it brings could not be seen.',
			HINT = 'See pg_stat_activity, and try again when it has ended.';
END
$$;
COMMENT ON FUNCTION cdp._hold_ingest() IS
'wait for those who ingest to end, and let nobody begin before this transaction ends';

-- Does one of these values stand in a text, as a word?  Words of less than six
-- characters are no sign of anybody there.  A value is looked for as it is
-- first, which costs little and finds nothing in most texts.
CREATE FUNCTION cdp._has_word(record text, "values" text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (
		SELECT FROM (SELECT lower($1) AS said OFFSET 0) AS low, unnest($2) AS word
		WHERE length(word) >= 6
			AND CASE WHEN strpos(low.said, lower(word)) > 0
				THEN $1 ~* ('(^|[^[:alnum:]])(' || regexp_replace(word, '([][(){}.*+?^$|\\-])', '\\\1', 'g')
					|| ')($|[^[:alnum:]])')
				ELSE false END)
$$;
COMMENT ON FUNCTION cdp._has_word(text, text[]) IS
'does one of these values, of six characters or more, stand in a text as a word';

-- Ranges of ids with 16 MB of records, or one record that is larger.
CREATE FUNCTION cdp._raw_ranges() RETURNS TABLE (in_inbox boolean, first bigint, last bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT sized.in_inbox, min(sized.id), max(sized.id)
	FROM (
		SELECT true AS in_inbox, inbox_id AS id,
			sum(octet_length(record)) OVER (ORDER BY inbox_id) / (16 << 20) AS range
		FROM cdp.inbox
		UNION ALL
		SELECT false, reject_id, sum(octet_length(record)) OVER (ORDER BY reject_id) / (16 << 20)
		FROM cdp.reject
		WHERE record IS NOT NULL) AS sized
	GROUP BY sized.in_inbox, sized.range
$$;
COMMENT ON FUNCTION cdp._raw_ranges() IS
'ranges of ids of cdp.inbox and cdp.reject that fit into memory';

-- Rows of cdp.inbox and cdp.reject that are about one of these identifiers;
-- one whose identifiers cannot be read, if it has a value in its text.
CREATE FUNCTION cdp._raw_records_of(keys text[], "values" text[])
RETURNS TABLE (in_inbox boolean, id bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	part record;
	chunk record;
BEGIN
	FOR part IN SELECT * FROM cdp._raw_ranges()
	LOOP
		SELECT array_agg(raw.id) AS ids, array_agg(raw.source) AS sources, array_agg(raw.record) AS records
		INTO chunk
		FROM (
			SELECT inbox_id AS id, source, record FROM cdp.inbox
			WHERE part.in_inbox AND inbox_id BETWEEN part.first AND part.last
			UNION ALL
			SELECT reject_id, source, record FROM cdp.reject
			WHERE NOT part.in_inbox AND reject_id BETWEEN part.first AND part.last
				AND record IS NOT NULL) AS raw;
		RETURN QUERY
		WITH named AS MATERIALIZED (
			SELECT key.place, cdp._suppression_key(key.type, cdp._identifier_scope(key.type, key.source), key.value) AS key
			FROM cdp._record_keys(chunk.sources, chunk.records) AS key
		)
		SELECT part.in_inbox, chunk.ids[place]
		FROM generate_subscripts(chunk.ids, 1) AS place
		WHERE EXISTS (SELECT FROM named WHERE named.place = place.place AND named.key = ANY ($1))
			OR NOT EXISTS (SELECT FROM named WHERE named.place = place.place)
				AND cdp._has_word(chunk.records[place], $2);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp._raw_records_of(text[], text[]) IS
'rows of cdp.inbox and cdp.reject about somebody with these identifiers (type:value, type:source/value)';

-- Which warnings are of whom cannot be told, but examples are no more than
-- that: those of the sources that knew the subject go.
CREATE FUNCTION cdp._erase_records(keys text[], "values" text[], source_ids integer[])
RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	inbox_ids bigint[];
	reject_ids bigint[];
	warnings bigint;
BEGIN
	SELECT array_agg(id) FILTER (WHERE in_inbox), array_agg(id) FILTER (WHERE NOT in_inbox)
	INTO inbox_ids, reject_ids
	FROM cdp._raw_records_of($1, $2);
	DELETE FROM cdp.inbox WHERE inbox_id = ANY (inbox_ids);
	DELETE FROM cdp.reject WHERE reject_id = ANY (reject_ids);
	UPDATE cdp.ingest_warning SET example_value = NULL, example_message_id = NULL
	WHERE source_id = ANY ($3) AND num_nonnulls(example_value, example_message_id) > 0;
	GET DIAGNOSTICS warnings = ROW_COUNT;
	UPDATE cdp.table_source
	SET position_key = NULL, position_watermark = NULL, position_run = NULL
	WHERE source_id = ANY ($3) OR position_key = ANY ($2);
	RETURN jsonb_build_object('inbox', coalesce(cardinality(inbox_ids), 0),
		'reject', coalesce(cardinality(reject_ids), 0), 'ingest_warning', warnings);
END
$$;
COMMENT ON FUNCTION cdp._erase_records(text[], text[], integer[]) IS
'remove what waits or was rejected of a subject, and the examples of warnings of the sources that knew it; how many rows';

-- Events that were found (timeline/subject.sql), by their keys.  Anonymous ones
-- stay on their day, without anything that tells of whom they are: the amount
-- that waits for a rate is all that is left of their properties.
CREATE FUNCTION cdp._erase_events(event_ids bigint[], times timestamptz[], anonymise boolean)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
	done bigint;
	keys bigint;
BEGIN
	WITH said AS MATERIALIZED (
		SELECT event.source_id, event.message_id
		FROM unnest($1, $2) AS given (event_id, occurred_at)
		JOIN cdp.event ON event.event_id = given.event_id
			AND event.occurred_at = given.occurred_at
		WHERE event.message_id IS NOT NULL
	)
	DELETE FROM cdp.message
	USING (SELECT said.source_id, cdp._message_key(said.message_id, (SELECT store_id FROM cdp.store)) AS key
		FROM said OFFSET 0) AS entered
	WHERE message.source_id = entered.source_id AND message.key = entered.key;
	GET DIAGNOSTICS keys = ROW_COUNT;
	IF $3 THEN
		UPDATE cdp.event
		SET message_id = NULL, set_id = 0,
			occurred_at = date_trunc('day', event.occurred_at, 'UTC'),
			received_at = date_trunc('day', event.received_at, 'UTC'),
			properties = CASE WHEN event.amount IS NULL AND event.properties ? 'cdp_amount'
				THEN jsonb_build_object('cdp_amount', event.properties -> 'cdp_amount') END
		FROM unnest($1, $2) AS given (event_id, occurred_at)
		WHERE event.event_id = given.event_id AND event.occurred_at = given.occurred_at;
	ELSE
		DELETE FROM cdp.event
		USING unnest($1, $2) AS given (event_id, occurred_at)
		WHERE event.event_id = given.event_id AND event.occurred_at = given.occurred_at;
	END IF;
	GET DIAGNOSTICS done = ROW_COUNT;
	RETURN jsonb_build_object('event', done, 'message', keys);
END
$$;
COMMENT ON FUNCTION cdp._erase_events(bigint[], timestamptz[], boolean) IS
'remove events from the log, or make them nobody''s, and their messages from the ledger; how many rows';
