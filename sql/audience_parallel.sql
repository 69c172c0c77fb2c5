-- Scans of all profiles run in parallel, and come to what one process does.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\pset format unaligned
SET client_min_messages = warning;
\set oracle :abs_srcdir '/test/data/segment_oracle.sql'
\set ECHO none
\i :oracle
\set ECHO all
\set seed 17
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CALL segment_test.make_data(200, 2000);
SELECT set_config('segment_test.favourite', segment_test.any_length(), false) \g /dev/null
SELECT count(*) > 200 AS enough FROM cdp.profile_current;

-- profiles so few are worth workers, and the leader leaves them all to these;
-- what this session evaluated itself is counted
SET parallel_setup_cost = 50;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SET track_functions = 'all';
CREATE FUNCTION pg_temp.evaluated() RETURNS bigint LANGUAGE sql VOLATILE AS $$
	SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_xact_user_functions
	WHERE schemaname = 'cdp' AND funcname = '_evaluate'
$$;

-- all ways to ask all profiles, and what they come to
CREATE FUNCTION pg_temp.ask(
	workers integer,
	predicates cdp.predicate[],
	at timestamptz,
	OUT gathered text,
	OUT counted text,
	OUT listed text,
	OUT evaluated_here bigint[])
LANGUAGE plpgsql AS $$
DECLARE
	ids integer[] := ARRAY(SELECT 3 * n FROM generate_series(1, cardinality(predicates)) AS n);
	before bigint;
BEGIN
	PERFORM set_config('max_parallel_workers_per_gather', workers::text, true);
	before := pg_temp.evaluated();
	gathered := cdp._gather_segments(ids, predicates, at)::text;
	evaluated_here[1] := pg_temp.evaluated() - before;
	before := pg_temp.evaluated();
	counted := cdp._count_all(predicates, at)::text;
	evaluated_here[2] := pg_temp.evaluated() - before;
	before := pg_temp.evaluated();
	listed := (SELECT array_agg(evaluated ORDER BY profile_id)
		FROM cdp._evaluate_all(predicates, at) AS evaluated)::text;
	evaluated_here[3] := pg_temp.evaluated() - before;
END
$$;
CREATE FUNCTION pg_temp.compare(predicates cdp.predicate[], OUT alike boolean, OUT alone boolean, OUT none_here boolean)
LANGUAGE plpgsql AS $$
DECLARE
	at timestamptz := segment_test.random_as_of();
	profiles bigint := (SELECT count(*) FROM cdp.profile_current);
	one record;
	many record;
BEGIN
	one := pg_temp.ask(0, predicates, at);
	many := pg_temp.ask(2, predicates, at);
	alike := (one.gathered, one.counted, one.listed) = (many.gathered, many.counted, many.listed);
	alone := one.evaluated_here = ARRAY[profiles, profiles, profiles];
	none_here := many.evaluated_here = '{0,0,0}';
END
$$;

-- random predicates, but for those about what timelines do not hold, which the
-- log is read for; then about events only, and about all that is known
CREATE FUNCTION pg_temp.held(wanted integer) RETURNS cdp.predicate[] LANGUAGE sql VOLATILE AS $$
	SELECT array_agg(predicate)
	FROM unnest(segment_test.predicates($1)) AS predicate
	WHERE NOT cdp._has_undeclared(ARRAY[predicate], cdp._evaluation_context())
$$;
SELECT count(*), every(alike) AS alike, every(alone) AS alone, every(none_here) AS none_here
FROM generate_series(1, 4) AS n, pg_temp.compare(pg_temp.held(12 + 0 * n));
SELECT * FROM pg_temp.compare('{"did(order, 90 days)", "count(page_view) >= 2"}');
SELECT * FROM pg_temp.compare('{"suppressed(''email'')", "country = ''BR''", "did(order)"}');

-- a refresh, in a transaction that has written: who is in what, and what is told
SELECT count(cdp.define_segment('s' || n, predicate)) > 5 AS enough
FROM (SELECT row_number() OVER () AS n, predicate FROM unnest(pg_temp.held(15)) AS predicate) AS made;
SET cdp.test_clock = '2019-02-20 12:00:00+00';
SELECT cdp.refresh_segments() > 0 AS some_entered;
-- but for numbers that a sequence gives
CREATE FUNCTION pg_temp.told() RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT md5(concat_ws(';',
		(SELECT string_agg(concat_ws(' ', segment_id, members, as_of), ',' ORDER BY segment_id) FROM cdp.segment_membership),
		(SELECT string_agg(concat_ws(' ', profile_id, segment_ids), ',' ORDER BY profile_id) FROM cdp.profile_current),
		(SELECT string_agg(concat_ws(' ', profile_id, segment_id, change, reason, at), ',' ORDER BY profile_id, segment_id, at)
			FROM cdp.membership_change),
		(SELECT string_agg(concat_ws(' ', name, size, error), ',' ORDER BY name) FROM cdp.segment)))
$$;
SET cdp.test_clock = '2019-03-20 12:00:00+00';
BEGIN;
SELECT pg_temp.told() AS before \gset
INSERT INTO cdp.source (name) VALUES ('written');
SELECT pg_temp.evaluated() AS evaluated \gset
SELECT cdp.refresh_segments() AS changes \gset
SELECT pg_temp.evaluated() - :evaluated AS evaluated_here;
SELECT pg_temp.told() AS told \gset
ROLLBACK;
SET max_parallel_workers_per_gather = 0;
SELECT cdp.refresh_segments() = :changes AS alike, :changes > 0 AS telling;
SELECT pg_temp.told() = :'told' AS alike, :'told' <> :'before' AS telling;

-- a worker's error is one like any other: the segment fails, the others go on
INSERT INTO cdp.trait (name, type) VALUES ('shoe_size', 'number');
SELECT cdp.define_segment('s4', 'shoe_size > 40') \g /dev/null
UPDATE cdp.trait SET type = 'text' WHERE name = 'shoe_size';
SET cdp.test_clock = '2019-04-20 12:00:00+00';
BEGIN;
SET LOCAL max_parallel_workers_per_gather = 2;
SELECT cdp.refresh_segments() AS changes \gset
SELECT pg_temp.told() AS told \gset
ROLLBACK;
SELECT cdp.refresh_segments() = :changes AS alike, :changes > 0 AS telling;
SELECT pg_temp.told() = :'told' AS alike;

DROP SCHEMA segment_test CASCADE;
