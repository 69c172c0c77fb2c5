-- refresh.sql: what a refresh of a hundred segments costs, as lines for
-- RESULTS.md, in the store of segments.sh or privacy.sh.  The first one writes
-- who is in which; then nothing has changed.  One process.
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SELECT to_regclass('bench.many') IS NULL AS missing \gset
\if :missing
CREATE SCHEMA IF NOT EXISTS bench;
\ir predicates.sql
\endif
CREATE TEMP TABLE took (what text, ms double precision);
CREATE FUNCTION pg_temp.cpu_ms() RETURNS double precision LANGUAGE sql VOLATILE AS $$
	SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint / 1e6 $$;
SELECT count(cdp.define_segment('bench_' || n, predicate)) AS segments FROM bench.many \gset
DO $$
DECLARE
	asked text[] := ARRAY(SELECT 'bench_' || n FROM bench.many ORDER BY n);
	predicates cdp.predicate[] := ARRAY(SELECT predicate FROM bench.many ORDER BY n);
	began double precision := pg_temp.cpu_ms();
BEGIN
	PERFORM cdp.refresh_segments(asked);
	INSERT INTO took VALUES ('first', pg_temp.cpu_ms() - began);
	FOR round IN 1 .. 5 LOOP
		began := pg_temp.cpu_ms();
		PERFORM cdp.refresh_segments(asked);
		INSERT INTO took VALUES ('again', pg_temp.cpu_ms() - began);
		began := pg_temp.cpu_ms();
		PERFORM cdp._count_all(predicates, cdp.clock());
		INSERT INTO took VALUES ('counted', pg_temp.cpu_ms() - began);
	END LOOP;
END
$$;
\pset tuples_only on
\pset format unaligned
SELECT format('cdp.refresh_segments() of %s segments, %s profiles with %s events: %s s of CPU (%s to %s) when nothing has changed, target 6 s for 1,000,000 and 50,000,000; %s s the first time. Counting the members only: %s s (%s to %s).',
	:segments, (SELECT count(*) FROM cdp.profile_current), (SELECT sum(events) FROM cdp.profile_current),
	again.median, again.least, again.most,
	(SELECT round((ms / 1000)::numeric, 1) FROM took WHERE what = 'first'), counted.median, counted.least, counted.most)
FROM (SELECT what, round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) / 1000)::numeric, 1) AS median,
		round((min(ms) / 1000)::numeric, 1) AS least, round((max(ms) / 1000)::numeric, 1) AS most
	FROM took GROUP BY what) AS again,
	LATERAL (SELECT round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) / 1000)::numeric, 1) AS median,
		round((min(ms) / 1000)::numeric, 1) AS least, round((max(ms) / 1000)::numeric, 1) AS most
	FROM took WHERE what = 'counted') AS counted
WHERE again.what = 'again';
