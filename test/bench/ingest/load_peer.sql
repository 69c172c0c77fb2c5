-- load_peer.sql: the peer of load.sql: what a data engineer would write instead,
-- in plain set-based SQL: from JSON lines in an inbox to the same rows, in
-- tables with the same columns and indexes, in as many batches.  It knows this
-- shop's six kinds of records and nothing else; it rejects nothing.
CREATE TABLE bench.inbox (inbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	source text, record text, received_at timestamptz NOT NULL DEFAULT cdp.clock());
CREATE TEMP TABLE taken (place bigint, source_id integer, record jsonb, received_at timestamptz, key uuid, at timestamptz(3));
CREATE TEMP TABLE named (place bigint, type_id integer, scope text COLLATE "C", value text COLLATE "C");
CREATE TEMP TABLE evidence (place bigint, identifiers bigint[], owner bigint);
CREATE TEMP TABLE known (place bigint, set_id bigint, owner bigint);

-- A ledger key is the message id, or its hash.
CREATE FUNCTION bench.message_key(message_id text) RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN CASE WHEN length(message_id) = 36 THEN message_id::uuid
	ELSE encode(substr(sha256(convert_to(message_id, 'UTF8')), 1, 16), 'hex')::uuid END;

CREATE FUNCTION bench.take_records(batch integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	taken bigint;
BEGIN
	TRUNCATE pg_temp.taken, pg_temp.named, pg_temp.evidence, pg_temp.known;
	WITH waiting AS (
		SELECT inbox_id FROM bench.inbox ORDER BY inbox_id LIMIT batch FOR UPDATE SKIP LOCKED
	), gone AS (
		DELETE FROM bench.inbox USING waiting WHERE inbox.inbox_id = waiting.inbox_id
		RETURNING inbox.*
	)
	INSERT INTO pg_temp.taken
	SELECT gone.inbox_id, source.source_id, parsed.record, gone.received_at,
		bench.message_key(parsed.record ->> 'messageId'), (parsed.record ->> 'timestamp')::timestamptz
	FROM gone JOIN cdp.source ON source.name = gone.source, LATERAL (SELECT gone.record::jsonb AS record OFFSET 0) AS parsed;
	GET DIAGNOSTICS taken = ROW_COUNT;

	WITH fresh AS (
		INSERT INTO bench.message
		SELECT source_id, key FROM pg_temp.taken ORDER BY source_id, key
		ON CONFLICT DO NOTHING
		RETURNING source_id, key
	), accepted AS (
		SELECT min(place) AS place FROM fresh JOIN pg_temp.taken USING (source_id, key) GROUP BY source_id, key
	)
	DELETE FROM pg_temp.taken WHERE place NOT IN (SELECT place FROM accepted);
	ANALYZE pg_temp.taken;
	RETURN taken;
END
$$;

-- Identifiers, profiles for those who are new, sets, their members.
CREATE FUNCTION bench.name_people() RETURNS void LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
	INSERT INTO pg_temp.named
	SELECT DISTINCT place, identifier_type.type_id, CASE WHEN scope = 'source' THEN source.name ELSE '' END, lower(btrim(value))
	FROM pg_temp.taken JOIN cdp.source USING (source_id)
	CROSS JOIN LATERAL (VALUES ('user_id', record ->> 'userId'), ('anonymous_id', record ->> 'anonymousId'),
		('email', record -> 'traits' ->> 'email'), ('email', record -> 'properties' ->> 'email'),
		('phone', record -> 'traits' ->> 'phone'), (record -> 'externalIds' -> 0 ->> 'type', record -> 'externalIds' -> 0 ->> 'id'))
		AS said (type, value)
	JOIN cdp.identifier_type USING (type)
	WHERE value IS NOT NULL;
	ANALYZE pg_temp.named;

	WITH found AS MATERIALIZED (
		SELECT place, type_id, scope, value, identifier_id, leaf
		FROM pg_temp.named LEFT JOIN bench.identifier USING (type_id, scope, value)
	), missing AS (
		SELECT type_id, scope, value, min(place) AS place
		FROM found WHERE identifier_id IS NULL
		GROUP BY 1, 2, 3
	), born AS MATERIALIZED (
		SELECT place, coalesce(min(found.leaf), nextval('cdp.profile_id_seq')) AS leaf
		FROM missing JOIN found USING (place) GROUP BY place
	), made AS (
		INSERT INTO bench.identifier (identifier_id, leaf, first_seen, created_at, type_id, blocked, shared, expired, scope, value)
		SELECT nextval('cdp.identifier_id_seq'), leaf, taken.at, now(), type_id, false, false, false, scope, value
		FROM missing JOIN born USING (place) JOIN pg_temp.taken USING (place)
		ORDER BY type_id, scope, value
		ON CONFLICT DO NOTHING
		RETURNING identifier_id, leaf
	)
	INSERT INTO bench.profile (profile_id, root, founder, split_epoch, created_at, rooted_at, marks, watched, ord)
	SELECT leaf, leaf, min(identifier_id), 0, now(), now(), 0, array_agg(identifier_id), nextval('cdp.profile_ord_seq')
	FROM made GROUP BY leaf ORDER BY leaf
	ON CONFLICT DO NOTHING;

	INSERT INTO pg_temp.evidence
	SELECT place, array_agg(identifier_id ORDER BY identifier_id) AS identifiers,
		(array_agg(identifier_id ORDER BY priority, identifier.value))[1] AS owner
	FROM pg_temp.named JOIN bench.identifier USING (type_id, scope, value) JOIN cdp.identifier_type USING (type_id)
	GROUP BY place;
	ANALYZE pg_temp.evidence;
END
$$;
CREATE FUNCTION bench.gather_evidence() RETURNS void LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
	WITH seen AS MATERIALIZED (
		SELECT identifiers, source_id, min(owner) AS owner, min(at) AS first_seen, max(at) AS last_seen, count(*) AS records
		FROM pg_temp.evidence JOIN pg_temp.taken USING (place)
		GROUP BY identifiers, source_id
	), before AS MATERIALIZED (
		SELECT seen.*, held.set_id FROM seen LEFT JOIN bench.identifier_set AS held USING (identifiers, source_id)
	), made AS (
		INSERT INTO bench.identifier_set (set_id, owner, epoch, first_seen, last_seen, records, source_id, retracted, identifiers)
		SELECT nextval('cdp.identifier_set_id_seq'), owner, 1, first_seen, last_seen, records, source_id, false, identifiers
		FROM (SELECT * FROM before WHERE set_id IS NULL ORDER BY identifiers, source_id) AS sorted
		ON CONFLICT DO NOTHING
		RETURNING set_id, identifiers, source_id, owner
	), members AS (
		INSERT INTO bench.identifier_set_member
		SELECT member, set_id FROM made, unnest(identifiers) AS member ORDER BY 1, 2
	), again AS (
		INSERT INTO bench.identifier_set_seen
		SELECT set_id, first_seen, last_seen, records FROM before WHERE set_id IS NOT NULL
	), work AS (
		INSERT INTO bench.todo (todo_id, phase, ids, created_at)
		SELECT nextval('bench.todo_seq'), 'stitch', array_agg(set_id), now()
		FROM (SELECT set_id, row_number() OVER (ORDER BY set_id) / 200 AS part FROM made) AS part GROUP BY part
	)
	INSERT INTO pg_temp.known
	SELECT place, set_id, owner
	FROM pg_temp.evidence JOIN pg_temp.taken USING (place) JOIN (
		SELECT set_id, identifiers, source_id FROM made UNION ALL SELECT set_id, identifiers, source_id FROM before WHERE set_id IS NOT NULL
	) AS held USING (identifiers, source_id);
END
$$;
CREATE SEQUENCE bench.todo_seq;

CREATE FUNCTION bench.write_facts() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	WITH happened AS (
		INSERT INTO bench.event (event_id, source_id, message_id, name, occurred_at, received_at, set_id, amount, currency, properties)
		SELECT nextval('cdp.event_id_seq'), source_id, record ->> 'messageId', coalesce(event_type.name, said.name), at, received_at, set_id,
			(record #>> '{properties,total}')::numeric, record #>> '{properties,currency}',
			CASE record ->> 'type' WHEN 'page' THEN (record -> 'properties') || jsonb_build_object('name', record -> 'name')
				ELSE (record -> 'properties') - '{email,phone}'::text[] END
		FROM (SELECT *, CASE record ->> 'type' WHEN 'page' THEN 'page_view'
				ELSE lower(replace(record ->> 'event', ' ', '_')) END AS name
			FROM pg_temp.taken WHERE record ->> 'type' IN ('track', 'page') ORDER BY place) AS said
		JOIN pg_temp.known USING (place)
		LEFT JOIN cdp.event_type ON said.name = ANY (aliases)
		RETURNING event_id
	)
	INSERT INTO bench.todo (todo_id, phase, ids, created_at)
	SELECT nextval('bench.todo_seq'), 'timeline', array_agg(event_id), now()
	FROM (SELECT event_id, row_number() OVER (ORDER BY event_id) / 200 AS part FROM happened) AS part GROUP BY part;

	INSERT INTO bench.trait_observation (set_id, observed_at, first_observed_at, source_id, name, value)
	SELECT DISTINCT ON (set_id, name COLLATE "C") set_id, at, at, source_id, name, value
	FROM pg_temp.taken JOIN pg_temp.known USING (place)
	CROSS JOIN LATERAL (
		SELECT CASE key WHEN 'firstName' THEN 'first_name' WHEN 'lastName' THEN 'last_name' ELSE key END AS name, value
		FROM jsonb_each(record -> 'traits') WHERE key <> 'address'
		UNION ALL SELECT CASE key WHEN 'postalCode' THEN 'postal_code' ELSE key END, value FROM jsonb_each(record -> 'traits' -> 'address')
		UNION ALL SELECT 'language', record -> 'context' -> 'locale' WHERE record ->> 'type' = 'identify' AND record ? 'context'
		UNION ALL SELECT 'time_zone', record -> 'context' -> 'timezone' WHERE record ->> 'type' = 'identify' AND record ? 'context'
	) AS said
	ORDER BY set_id, name COLLATE "C", at DESC
	ON CONFLICT (set_id, name) DO UPDATE SET observed_at = excluded.observed_at, value = excluded.value
	WHERE excluded.observed_at > trait_observation.observed_at;
	INSERT INTO bench.ingest_tally
	SELECT source.name, now(), count(*), count(*), 0, 0, 0 FROM pg_temp.taken JOIN cdp.source USING (source_id) GROUP BY 1;
END
$$;
CREATE PROCEDURE bench.take_all(batch integer) LANGUAGE plpgsql AS $$
BEGIN
	WHILE bench.take_records(batch) > 0 LOOP
		PERFORM bench.name_people();
		PERFORM bench.gather_evidence();
		PERFORM bench.write_facts();
		COMMIT;
	END LOOP;
END
$$;
