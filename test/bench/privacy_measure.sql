-- Forty persons exported and erased, after two to warm up.
\pset footer off
SET client_min_messages = warning;
CREATE FUNCTION cpu() RETURNS double precision LANGUAGE sql VOLATILE AS $$
	SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint / 1e6 $$;
CREATE TABLE took (what text, n integer, events bigint, cpu_ms double precision, wall_ms double precision);
CREATE PROCEDURE measure() LANGUAGE plpgsql AS $$
DECLARE
	live bigint;
	held bigint;
	cpu_at double precision;
	wall_at timestamptz;
BEGIN
	FOR n IN -1 .. 40 LOOP
		SELECT profile_id, events INTO live, held FROM cdp.profile_current ORDER BY random() LIMIT 1;
		cpu_at := cpu();
		wall_at := clock_timestamp();
		PERFORM cdp.export_subject(live);
		INSERT INTO took VALUES ('export', n, held, cpu() - cpu_at, extract(epoch FROM clock_timestamp() - wall_at) * 1000);
		COMMIT;
		cpu_at := cpu();
		wall_at := clock_timestamp();
		PERFORM cdp.erase_subject(live, 'measured');
		COMMIT;
		INSERT INTO took VALUES ('erase', n, held, cpu() - cpu_at, extract(epoch FROM clock_timestamp() - wall_at) * 1000);
		COMMIT;
	END LOOP;
END
$$;
SELECT setseed(0.5);
SELECT count(*) AS profiles, sum(events) AS events FROM cdp.profile_current;
SELECT pg_stat_reset() IS NULL AS reset \g /dev/null
CALL measure();
SELECT what, count(*) AS persons, round(avg(events)) AS mean_events,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu_ms)::numeric, 1) AS median_cpu_ms,
	round(max(cpu_ms)::numeric, 1) AS worst_cpu_ms,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY wall_ms)::numeric, 1) AS median_ms
FROM took WHERE n > 0 GROUP BY what ORDER BY what;
SELECT pg_sleep(1) \g /dev/null
SELECT sum(seq_scan) AS scans_of_the_log FROM pg_stat_user_tables WHERE relname ~ '^event_([0-9]+|other)$';
