-- digest.sql: two fingerprints of a store, for tests that say "equal".
--
-- pg_temp.exact_digest(): every table, every row, every id; for a store that
-- must be the very same one (dump and restore; derived tables after rebuild).
-- pg_temp.canonical_digest(): what the store says, in natural keys only: no
-- generated id, no time of processing; for stores that went different ways to
-- the same records (batches, crashes, order of arrival).

CREATE FUNCTION pg_temp.digest_of(query text, OUT rows bigint, OUT digest text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT count(*), md5(coalesce(string_agg(line, chr(10) ORDER BY line COLLATE "C"), ''''))
		FROM (SELECT to_jsonb(row)::text AS line FROM (%s) AS row) AS lines', query)
	INTO rows, digest;
END
$$;

-- Columns that tell when work was done, not what it found.
CREATE FUNCTION pg_temp.exact_digest(but_tables text[] DEFAULT '{}', but_columns text[] DEFAULT '{}')
RETURNS TABLE (name text, rows bigint, digest text)
LANGUAGE sql AS $$
	SELECT relname::text, found.*
	FROM pg_class,
		LATERAL (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns
			FROM pg_attribute
			WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
				AND attname <> ALL (but_columns)) AS chosen,
		LATERAL pg_temp.digest_of(format('SELECT %s FROM cdp.%I', columns, relname)) AS found
	WHERE relnamespace = 'cdp'::regnamespace AND relkind IN ('r', 'p')
		AND NOT relispartition AND relname <> ALL (but_tables)
	ORDER BY relname COLLATE "C"
$$;

CREATE FUNCTION pg_temp.canonical_part()
RETURNS TABLE (name text, query text)
LANGUAGE sql AS $$
	VALUES
		('profile', 'SELECT identifiers, kind, email, phone, name, first_name, last_name,
				birth_date, city, first_seen, last_seen, sources, events, orders, revenue,
				first_order_at, last_order_at, rfm_recency, rfm_frequency, rfm_monetary, lifecycle,
				round(clv_365d, 1) AS clv, round(churn_90d::numeric, 4) AS churn,
				segments, consents, traits
			FROM cdp.unified_profile'),
		('identifier', 'SELECT type, scope, value, shared, blocked, u.identifiers
			FROM cdp.profile_identifier JOIN cdp.unified_profile AS u USING (profile_id)'),
		('event', 'SELECT s.name AS source, message_id, e.name, occurred_at, amount, currency, properties,
				(SELECT jsonb_agg(i.type_id || i.scope || i.value ORDER BY i.type_id, i.scope, i.value)
				 FROM cdp.identifier AS i WHERE i.identifier_id = ANY (set.identifiers)) AS who
			FROM cdp.event AS e JOIN cdp.identifier_set AS set USING (set_id)
				JOIN cdp.source AS s ON s.source_id = e.source_id'),
		('profile_event', 'SELECT u.identifiers, e.name, occurred_at, amount
			FROM cdp.profile_event AS e JOIN cdp.unified_profile AS u USING (profile_id)'),
		('segment_member', 'SELECT u.identifiers, segment
			FROM cdp.segment_member JOIN cdp.unified_profile AS u USING (profile_id)'),
		('reject', 'SELECT source, reason, record FROM cdp.reject'),
		('message', 'SELECT s.name AS source, count(*) FROM cdp.message JOIN cdp.source AS s USING (source_id) GROUP BY 1'),
		('todo', 'SELECT phase, ids FROM cdp.todo'),
		('inbox', 'SELECT source, record FROM cdp.inbox')
$$;

CREATE FUNCTION pg_temp.canonical_digest()
RETURNS TABLE (name text, rows bigint, digest text)
LANGUAGE sql AS $$
	SELECT part.name, found.*
	FROM pg_temp.canonical_part() AS part, LATERAL pg_temp.digest_of(part.query) AS found
$$;

-- The rows behind a part's digest, to see where two stores differ.
CREATE FUNCTION pg_temp.canonical_rows(part text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT to_jsonb(row)::text FROM (%s) AS row ORDER BY 1',
		(SELECT query FROM pg_temp.canonical_part() WHERE name = part));
END
$$;
