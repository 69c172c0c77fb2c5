-- growth.sql: growth.sh's table: stores of :levels events, and what
-- the next 10,000 records cost them, phase by phase (medians of five batches).
SET client_min_messages = warning;
SET check_function_bodies = off;
CREATE TABLE bench.grown (level bigint, lines bigint);
CREATE TABLE bench.batch (level bigint, what text, seconds double precision);

CREATE PROCEDURE bench.fill(events bigint, most bigint) LANGUAGE plpgsql AS $$
DECLARE
	first bigint := coalesce((SELECT max(lines) FROM bench.grown), 0) + 1;
	last bigint := events * 12 / 11;
BEGIN
	INSERT INTO cdp.inbox (source, record) SELECT source, line FROM bench.lines(most * 12 / 11 + 1000000, first, last);
	INSERT INTO bench.grown VALUES (events, last);
END
$$;
CREATE PROCEDURE bench.next_batch(level bigint, most bigint) LANGUAGE plpgsql AS $$
DECLARE
	first bigint := (SELECT max(lines) + 1 FROM bench.grown);
BEGIN
	INSERT INTO cdp.inbox (source, record) SELECT source, line FROM bench.lines(most * 12 / 11 + 1000000, first, first + 9999);
	INSERT INTO bench.grown VALUES (level, first + 9999);
END
$$;
SELECT statement
FROM (SELECT level, max(level) OVER () AS most FROM unnest(string_to_array(:'levels', ' ')::bigint[]) AS level) AS level,
	generate_series(0, 5) AS batch,
	LATERAL (
		SELECT number AS step, statement
		FROM unnest(ARRAY[format('CALL bench.fill(%s, %s)', level, most),
			'CALL cdp.merge(phases => ''{ingest,stitch,timeline,profile}'')', 'VACUUM ANALYZE', 'CHECKPOINT'])
			WITH ORDINALITY AS filling (statement, number)
		WHERE batch = 0
		UNION ALL
		SELECT 10 * place + number, statement
		FROM unnest('{copy,ingest,stitch,timeline,profile}'::text[]) WITH ORDINALITY AS phase (name, place),
			unnest(ARRAY['CALL bench.start()', CASE name WHEN 'copy' THEN format('CALL bench.next_batch(%s, %s)', level, most)
				ELSE format('CALL cdp.merge(phases => ''{%s}'')', name) END,
				format('CALL bench.stop(%L)', name)]) WITH ORDINALITY AS measured (statement, number)
		WHERE batch > 0
		UNION ALL
		SELECT 100, format('WITH gone AS (DELETE FROM bench.took RETURNING *) INSERT INTO bench.batch SELECT %s, gone.* FROM gone', level)
		WHERE batch > 0
	) AS plan
ORDER BY level, batch, step \gexec

CREATE VIEW bench.cost AS
SELECT level, what, round((1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds))::numeric) AS ms
FROM bench.batch
GROUP BY level, what;
SELECT format('| %s | %s | %s | %s | %s | %s |', level,
	max(ms) FILTER (WHERE what = 'ingest'), max(ms) FILTER (WHERE what = 'stitch'),
	max(ms) FILTER (WHERE what = 'timeline'), max(ms) FILTER (WHERE what = 'profile'),
	round(sum(ms) FILTER (WHERE what <> 'copy') / first_value(sum(ms) FILTER (WHERE what <> 'copy')) OVER (ORDER BY level), 2))
FROM bench.cost
GROUP BY level
ORDER BY level;
