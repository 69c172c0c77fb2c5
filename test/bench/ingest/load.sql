-- load.sql: one run of load.sh: :records lines through :file, then the peers;
-- the last one runs the other phases, too.
SET client_min_messages = warning;
SET check_function_bodies = off;

SELECT format('COPY (SELECT source, line FROM bench.lines(%s)) TO %L WITH (FORMAT csv)', :'records', :'file') \gexec

-- The load.
CALL bench.start();
SELECT format('COPY cdp.inbox (source, record) FROM %L WITH (FORMAT csv)', :'file') \gexec
CALL bench.stop('copy');
CALL bench.start();
CALL cdp.merge(phases => '{ingest}');
CALL bench.stop('ingest');

-- The same JSON into a jsonb table with one btree.
CREATE TABLE bench.json (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source text, record jsonb);
CALL bench.start();
SELECT format('COPY bench.json (source, record) FROM %L WITH (FORMAT csv)', :'file') \gexec
CALL bench.stop('jsonb');
DROP TABLE bench.json;

-- Tables with the store's columns and indexes, the event log's months as well.
CREATE TABLE bench.written AS SELECT name
FROM unnest('{message,profile,identifier,identifier_set,identifier_set_member,identifier_set_seen,event,trait_observation,ingest_tally,todo}'::text[]) AS name;
CREATE FUNCTION bench.copy_table(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	definition text;
BEGIN
	EXECUTE format('CREATE TABLE bench.%1$I (LIKE cdp.%1$I) %2$s', name,
		CASE WHEN name = 'event' THEN 'PARTITION BY RANGE (occurred_at)' END);
	FOR definition IN
		SELECT format('CREATE TABLE bench.%I PARTITION OF bench.event %s', relname, pg_get_expr(relpartbound, pg_class.oid))
		FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
		WHERE name = 'event' AND inhparent = 'cdp.event'::regclass
	LOOP
		EXECUTE definition;
	END LOOP;
	FOR definition IN SELECT indexdef FROM pg_indexes WHERE schemaname = 'cdp' AND tablename = name LOOP
		EXECUTE replace(replace(definition, ' ON cdp.', ' ON bench.'), ' ON ONLY cdp.', ' ON bench.');
	END LOOP;
END
$$;
SELECT bench.copy_table(name) FROM bench.written \g /dev/null

-- The same rows by set-based SQL from the same inbox ...
\ir load_peer.sql
CALL bench.start();
SELECT format('COPY bench.inbox (source, record) FROM %L WITH (FORMAT csv)', :'file') \gexec
CALL bench.take_all(10000);
CALL bench.stop('set_based');

-- ... and ready-made, in the order and batches of the load.
CREATE PROCEDURE bench.prepare_rows(name text, batches integer) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE bench.%1$s_row AS
		SELECT ntile(%2$s) OVER () AS batch, row_number() OVER () AS place, made.*
		FROM (SELECT * FROM bench.%1$I %3$s) AS made', name, batches,
		CASE WHEN name = 'event' THEN 'ORDER BY event_id' END);
	EXECUTE format('CREATE INDEX ON bench.%1$s_row (batch); ANALYZE bench.%1$s_row', name);
	EXECUTE format('TRUNCATE bench.%I', name);
END
$$;
CREATE PROCEDURE bench.write_rows(name text, batches integer) LANGUAGE plpgsql AS $$
DECLARE
	columns text := (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = format('bench.%I', name)::regclass AND attnum > 0);
BEGIN
	FOR i IN 1 .. batches LOOP
		EXECUTE format('INSERT INTO bench.%1$I SELECT %2$s FROM bench.%1$s_row WHERE batch = %3$s ORDER BY place', name, columns, i);
		COMMIT;
	END LOOP;
END
$$;

-- What the two loads have left must be the same.
CREATE FUNCTION bench.count_rows(name text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	rows bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM %s', name) INTO rows;
	RETURN rows;
END
$$;
CREATE TABLE bench.said AS
SELECT format('Rows written: %s.', string_agg(format('%s %s%s', name, ours,
	CASE WHEN ours <> peers THEN format(' (by set-based SQL %s)', peers) ELSE '' END), ', ')) AS line
FROM (SELECT name, bench.count_rows('cdp.' || name) AS ours, bench.count_rows('bench.' || name) AS peers
	FROM bench.written) AS counted;
INSERT INTO bench.said
SELECT format('Events that the two have otherwise: %s.', count(*)) FROM (
	(SELECT message_id, name, occurred_at, amount, properties FROM cdp.event
		EXCEPT ALL SELECT message_id, name, occurred_at, amount, properties FROM bench.event)
	UNION ALL
	(SELECT message_id, name, occurred_at, amount, properties FROM bench.event
		EXCEPT ALL SELECT message_id, name, occurred_at, amount, properties FROM cdp.event)) AS differing;

SELECT format('CALL bench.prepare_rows(%L, %s)', name, :'records'::bigint / 10000) FROM bench.written \gexec
CALL bench.start();
SELECT format('CALL bench.write_rows(%L, %s)', name, :'records'::bigint / 10000) FROM bench.written \gexec
CALL bench.stop('floor');

SELECT statement
FROM unnest('{stitch,timeline,profile,score,segment}'::text[]) WITH ORDINALITY AS phase (name, place),
	unnest(ARRAY['CALL bench.start()', format('CALL cdp.merge(phases => ''{%s}'')', name),
		format('CALL bench.stop(%L)', name)]) WITH ORDINALITY AS step (statement, number)
WHERE :last = 1
ORDER BY place, number \gexec
