-- incremental.sql: what incremental.sh runs first; :levels are sizes of the
-- store in identifiers, :batches how many batches are measured at each.
SET client_min_messages = warning;
SET synchronous_commit = off;
SET check_function_bodies = off;
SET work_mem = '64MB';
SET maintenance_work_mem = '512MB';
\pset format unaligned
\pset tuples_only on

CREATE EXTENSION cdp;
SELECT cdp.setup(), cdp.add_source('web') \g /dev/null
\ir incremental_records.sql

-- The floors write copies of the store's tables, with all of their indexes.
CREATE SEQUENCE bench.seq;
CREATE FUNCTION bench.copy_table(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	definition text;
BEGIN
	EXECUTE format('DROP TABLE IF EXISTS bench.%1$I; CREATE TABLE bench.%1$I (LIKE cdp.%1$I INCLUDING DEFAULTS);
		INSERT INTO bench.%1$I SELECT * FROM cdp.%1$I', name);
	FOR definition IN SELECT indexdef FROM pg_indexes WHERE schemaname = 'cdp' AND tablename = name LOOP
		EXECUTE replace(definition, ' ON cdp.', ' ON bench.');
	END LOOP;
END
$$;
CREATE FUNCTION bench.copy_tables() RETURNS void LANGUAGE sql AS $$
	SELECT bench.copy_table(name) FROM unnest('{identifier,identifier_set,identifier_set_member}'::text[]) AS name;
	ALTER TABLE bench.identifier ALTER identifier_id SET DEFAULT nextval('bench.seq');
	ALTER TABLE bench.identifier_set ALTER set_id SET DEFAULT nextval('bench.seq');
	SELECT setval('bench.seq', 1000000000 + nextval('bench.seq'));
$$;

-- The keys of the batch, sorted, ON CONFLICT DO NOTHING: what the target names.
CREATE FUNCTION bench.insert_keys() RETURNS void LANGUAGE sql AS $$
	INSERT INTO bench.identifier (type_id, scope, value, leaf, first_seen)
	SELECT type_id, '', value, 1, '2026-01-01'
	FROM (SELECT DISTINCT type_id, value
		FROM bench.key JOIN cdp.identifier_type USING (type)) AS distinct_key
	ORDER BY type_id, value COLLATE "C"
	ON CONFLICT DO NOTHING
$$;

-- The evidence as well, set-based, with nothing thought: sets and members.
CREATE FUNCTION bench.insert_sets() RETURNS void LANGUAGE sql AS $$
	WITH made AS (
		SELECT array_agg(DISTINCT identifier_id ORDER BY identifier_id) AS identifiers
		FROM bench.key JOIN cdp.identifier_type USING (type),
			LATERAL (SELECT identifier_id FROM bench.identifier
				WHERE identifier.type_id = identifier_type.type_id
					AND scope = '' AND value = key.value COLLATE "C" LIMIT 1) AS known
		GROUP BY record
	), fresh AS (
		INSERT INTO bench.identifier_set (source_id, identifiers, owner, epoch, first_seen, last_seen, records)
		SELECT 1, made.identifiers, made.identifiers[1], 1, '2026-01-01', '2026-01-01', count(*)
		FROM made
		GROUP BY made.identifiers
		ORDER BY made.identifiers
		ON CONFLICT (identifiers, source_id) DO NOTHING
		RETURNING identifier_set.set_id, identifier_set.identifiers
	)
	INSERT INTO bench.identifier_set_member
	SELECT member.identifier_id, fresh.set_id FROM fresh, unnest(fresh.identifiers) AS member (identifier_id)
	ORDER BY 1, 2
$$;

CREATE FUNCTION bench.attach() RETURNS bigint[] LANGUAGE sql AS $$
	SELECT cdp._attach_keys(1, 'web', false, NULL, array_agg(record), array_agg(type),
		array_agg(value), array_agg('2026-01-01'::timestamptz), true)
	FROM (SELECT * FROM bench.key ORDER BY record) AS sorted
$$;
CREATE FUNCTION bench.stitch() RETURNS bigint LANGUAGE sql AS $$
	SELECT cdp._fold_seen();
	SELECT cardinality(cdp._stitch(cdp._take_todo('stitch', 1000000)))
$$;

-- Grow the store to so many identifiers, judging everything at once at the end.
CREATE PROCEDURE bench.grow(identifiers bigint) LANGUAGE plpgsql AS $$
BEGIN
	WHILE (SELECT count(*) FROM cdp.identifier) < identifiers LOOP
		PERFORM bench.make_batch(least(200000, 1000 + identifiers / 5)::integer);
		PERFORM bench.attach();
		COMMIT;
	END LOOP;
	PERFORM pg_advisory_xact_lock(6513776, 2);
	PERFORM cdp._stitch_rebuild(10000);
	DELETE FROM cdp.todo;
	COMMIT;
	PERFORM bench.copy_tables();
	COMMIT;
END
$$;

CREATE TABLE bench.timing (level bigint, batch integer, what text, seconds double precision);
CREATE PROCEDURE bench.measure(level bigint, batch integer, what text) LANGUAGE plpgsql AS $$
DECLARE
	started double precision;
BEGIN
	started := bench.cpu();
	EXECUTE format('SELECT bench.%I()', what);
	INSERT INTO bench.timing VALUES (level, batch, what, bench.cpu() - started);
	COMMIT;
END
$$;

SELECT statement
FROM unnest(string_to_array(:'levels', ' ')::bigint[]) AS level,
	generate_series(0, :batches) AS batch,
	LATERAL (
		SELECT 1 AS step, format('CALL bench.grow(%s)', level) AS statement WHERE batch = 0
		UNION ALL SELECT 2, 'VACUUM ANALYZE' WHERE batch = 0
		UNION ALL SELECT 3, 'CHECKPOINT' WHERE batch = 0
		UNION ALL SELECT 4, 'DO $$ BEGIN PERFORM bench.make_batch(10000); END $$' WHERE batch > 0
		UNION ALL SELECT 5, format('CALL bench.measure(%s, %s, ''insert_keys'')', level, batch) WHERE batch > 0
		UNION ALL SELECT 6, format('CALL bench.measure(%s, %s, ''insert_sets'')', level, batch) WHERE batch > 0
		UNION ALL SELECT 7, format('CALL bench.measure(%s, %s, ''attach'')', level, batch) WHERE batch > 0
		UNION ALL SELECT 8, format('CALL bench.measure(%s, %s, ''stitch'')', level, batch) WHERE batch > 0
	) AS plan
ORDER BY level, batch, step \gexec

-- Medians over the batches, with their spread.
CREATE VIEW bench.cost AS
SELECT level, what, 1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS ms,
	1000 * min(seconds) AS least, 1000 * max(seconds) AS most
FROM bench.timing
GROUP BY level, what;
CREATE VIEW bench.ratio AS
SELECT level, percentile_cont(0.5) WITHIN GROUP (ORDER BY (attach + stitch) / keys) AS of_keys,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY (attach + stitch) / (keys + sets)) AS of_rows,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY attach + stitch) AS seconds
FROM (
	SELECT level, batch, sum(seconds) FILTER (WHERE what = 'insert_keys') AS keys,
		sum(seconds) FILTER (WHERE what = 'insert_sets') AS sets,
		sum(seconds) FILTER (WHERE what = 'attach') AS attach,
		sum(seconds) FILTER (WHERE what = 'stitch') AS stitch
	FROM bench.timing
	GROUP BY level, batch
) AS batches
GROUP BY level;
\echo '| a batch of 10,000 records, CPU ms of the backend | identifiers | median | least | most |'
\echo '|---|---|---|---|---|'
SELECT format('| %s | %s | %s | %s | %s |', label, level, round(ms::numeric), round(least::numeric), round(most::numeric))
FROM bench.cost JOIN (VALUES (1, 'insert_keys', 'floor: its identifiers, sorted INSERT ... ON CONFLICT'),
	(2, 'insert_sets', 'floor: its sets and their members, on top'),
	(3, 'attach', 'attach'), (4, 'stitch', 'stitch')) AS named (line, what, label) USING (what)
ORDER BY level, line;
\echo
\echo '| incremental | target | at identifiers | value |'
\echo '|---|---|---|---|'
SELECT format('| attach and stitch against the identifiers alone | at most 1.8 | %s | %s |', level, round(of_keys::numeric, 2)) FROM bench.ratio ORDER BY level;
SELECT format('| attach and stitch against identifiers, sets and members | | %s | %s |', level, round(of_rows::numeric, 2)) FROM bench.ratio ORDER BY level;
SELECT format('| cost per record, from %s identifiers | at most 3 | %s | %s |', small.level, large.level, round((large.seconds / small.seconds)::numeric, 2))
FROM bench.ratio AS small, bench.ratio AS large
WHERE small.level = (SELECT min(level) FROM bench.ratio) AND large.level > small.level
ORDER BY large.level;
SELECT format('| identifiers that a rebuild would place otherwise | 0 | %s | %s |', identifiers, misplaced + wrongly_shared)
FROM cdp.verify_identity();
