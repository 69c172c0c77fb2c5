-- Persons exported and then erased by one session: the first of the session, for
-- whom plans are made, two to warm up, forty at random and five of the most active.
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
CREATE FUNCTION cpu_ms() RETURNS double precision LANGUAGE sql VOLATILE AS $$
	SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint / 1e6 $$;
CREATE TABLE took (call text, persons text, events bigint, cpu_ms double precision, wall_ms double precision);
CREATE PROCEDURE measure() LANGUAGE plpgsql AS $$
DECLARE
	whom record;
	call text;
	began double precision;
	began_at timestamptz;
BEGIN
	FOR whom IN SELECT * FROM person ORDER BY n LOOP
		FOREACH call IN ARRAY '{export,erase}'::text[] LOOP
			began := cpu_ms();
			began_at := clock_timestamp();
			IF call = 'export' THEN
				PERFORM cdp.export_subject(whom.profile_id);
			ELSE
				PERFORM cdp.erase_subject(whom.profile_id, 'measured');
			END IF;
			COMMIT;
			INSERT INTO took VALUES (call, whom.persons, whom.events, cpu_ms() - began,
				extract(epoch FROM clock_timestamp() - began_at) * 1000);
		END LOOP;
	END LOOP;
END
$$;

SELECT setseed(0.5);
CREATE TABLE person AS
WITH ranked AS (
	SELECT profile_id, events, row_number() OVER (ORDER BY events DESC) AS place, random() AS dice
	FROM cdp.profile_current
), active AS (
	SELECT * FROM ranked WHERE place IN (1, 10, 100, 200, 500)
), drawn AS (
	SELECT *, row_number() OVER (ORDER BY dice) AS n
	FROM ranked WHERE profile_id NOT IN (SELECT profile_id FROM active)
)
SELECT n, profile_id, events, CASE WHEN n = 1 THEN 'first of its session' WHEN n <= 3 THEN 'to warm up' ELSE 'at random' END AS persons
FROM drawn WHERE n <= 43
UNION ALL
SELECT 43 + place, profile_id, events, 'of the most active' FROM active;
SELECT format('%s profiles; %s events in the log, %s of them in timelines; %s messages in the ledger; %s GB on disk.',
	(SELECT count(*) FROM cdp.profile_current), (SELECT count(*) FROM cdp.event), (SELECT sum(events) FROM cdp.profile_current),
	(SELECT count(*) FROM cdp.message), round(pg_database_size(current_database()) / 1e9, 1));
SELECT '';
CHECKPOINT;
SELECT pg_stat_reset() IS NULL \g /dev/null
CALL measure();
\echo '| what | persons | how many | events of each | CPU ms, median | most | wall ms, median | most |'
\echo '|---|---|---|---|---|---|---|---|'
SELECT format('| %s | %s | %s | %s-%s | %s | %s | %s | %s |', call, persons, count(*), min(events), max(events),
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu_ms)::numeric, 1), round(max(cpu_ms)::numeric, 1),
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY wall_ms)::numeric, 1), round(max(wall_ms)::numeric, 1))
FROM took WHERE persons <> 'to warm up'
GROUP BY call, persons ORDER BY call, min(events) = max(events) DESC, max(events);
SELECT '';
-- what the session counted is told when it ends
\c
SELECT format('The log of events was read from end to end %s times.', sum(seq_scan))
FROM pg_stat_user_tables WHERE relname ~ '^event_([0-9]+|other)$';
SELECT format('Most rows read from end to end: cdp.%s, %s scans, %s rows.', relname, seq_scan, seq_tup_read)
FROM pg_stat_user_tables WHERE schemaname = 'cdp' AND seq_tup_read > 0
ORDER BY seq_tup_read DESC LIMIT 3;
