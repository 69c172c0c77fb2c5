-- Reads the audience of enforcement.sh with and without enforcement, in turn.
SET client_min_messages = warning;
CREATE TEMP TABLE measured (what text, ms numeric, listed bigint);
CREATE FUNCTION pg_temp.cpu_ms() RETURNS numeric LANGUAGE sql VOLATILE AS $$
	SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric / 1e6
$$;
CREATE TEMP VIEW enforced AS
SELECT profile_id, identifier FROM cdp.audience_member WHERE audience = 'news';
CREATE TEMP VIEW unenforced AS
SELECT member.profile_id, point.value AS identifier
FROM cdp.audience
	JOIN cdp._member AS member ON member.segment_id = audience.segment_id
	JOIN cdp.contact_point AS point ON point.profile_id = member.profile_id
		AND point.type = 'email' AND point.rank = 1
WHERE audience.name = 'news';

CREATE PROCEDURE pg_temp.measure(rounds integer) LANGUAGE plpgsql AS $$
DECLARE
	what text;
	began numeric;
	listed bigint;
BEGIN
	FOR round IN 0 .. rounds LOOP
		FOREACH what IN ARRAY ARRAY['unenforced', 'enforced'] LOOP
			began := pg_temp.cpu_ms();
			EXECUTE format('SELECT count(identifier) FROM (SELECT * FROM %I OFFSET 0) AS read', what) INTO listed;
			-- the first round warms up
			IF round > 0 THEN
				INSERT INTO measured VALUES (what, pg_temp.cpu_ms() - began, listed);
			END IF;
		END LOOP;
	END LOOP;
END
$$;
CALL pg_temp.measure(:rounds);
\pset tuples_only on
\pset format unaligned
\pset fieldsep ' | '
\echo '| reading an audience | members listed | CPU ms (median) | least to most |'
\echo '|---|---|---|---|'
SELECT '| ' || what || ' | ' || max(listed) || ' | '
	|| round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 1) || ' | '
	|| round(min(ms), 1) || ' to ' || round(max(ms), 1) || ' |'
FROM measured GROUP BY what ORDER BY what DESC;
\echo
SELECT 'With enforcement it takes ' || round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE what = 'enforced')
	/ percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE what = 'unenforced'))::numeric, 2) || ' times as long.'
FROM measured;
