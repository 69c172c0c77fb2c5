-- Segments beside each other, and one segment at two instants: by hand, and
-- for a random history against plain SQL over its members, day by day.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
\pset null '-'
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- ten profiles with revenue 10, 20, ..., 100
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at, ord)
SELECT n, n, n, '2026-01-01', '2026-01-01', n FROM generate_series(1, 10) AS n;
INSERT INTO cdp.profile_current (profile_id, ord, kind, revenue, as_of)
SELECT n, n, 'known', n * 10, '2026-01-01' FROM generate_series(1, 10) AS n;
DELETE FROM cdp.segment;
SELECT cdp.define_segment('half', 'revenue > 50'), cdp.define_segment('low', 'revenue < 40'),
	cdp.define_segment('best', 'revenue >= 90') \g /dev/null
SELECT cdp.refresh_segments();
SELECT cdp.define_segment('fresh', 'true') \g /dev/null

-- each profile counts where it comes first
SELECT * FROM cdp.waterfall('{best,half,low}');
SELECT * FROM cdp.waterfall('{low,half,best,half,fresh}');
SELECT * FROM cdp.waterfall('{}');
SELECT * FROM cdp.waterfall(NULL);
SELECT * FROM cdp.waterfall('{half,nosuch}');
-- changes since the refresh, and a profile that was merged, count
SET cdp.test_clock = '2026-06-02 12:00:00+00';
UPDATE cdp.profile_current SET revenue = 200, as_of = cdp.clock() WHERE profile_id = 1;
SELECT cdp._evaluate_profiles('{1}');
UPDATE cdp.profile SET root = 6 WHERE profile_id = 7;
DELETE FROM cdp.profile_current WHERE profile_id = 7;
SELECT * FROM cdp.waterfall('{best,half,low}');
SELECT * FROM cdp.overlap('{best,half,low}') ORDER BY combination;
SELECT * FROM cdp.overlap('{half,fresh}');
SELECT * FROM cdp.overlap('{half}', ways => 0);

-- by reason: an event, a merge, time, a new definition, in that order
SELECT * FROM cdp.segment_diff('half', '2026-06-01 12:00', '2026-06-01 13:00');
SELECT * FROM cdp.segment_diff('half', '2026-06-01 11:00', '2026-06-01 12:00');
SELECT * FROM cdp.segment_diff('half', '2026-06-01 12:00');
SET cdp.test_clock = '2026-06-03 12:00:00+00';
SELECT cdp.refresh_segments() \g /dev/null
SET cdp.test_clock = '2026-06-04 12:00:00+00';
UPDATE cdp.profile_current SET revenue = 0 WHERE profile_id = 8;
SELECT cdp.refresh_segments() \g /dev/null
SELECT * FROM cdp.segment_diff('half', '2026-06-01 12:00');
SELECT * FROM cdp.segment_diff('half', '2026-06-02 12:00', '2026-06-03 12:00');
SET cdp.test_clock = '2026-06-05 12:00:00+00';
SELECT cdp.define_segment('half', 'revenue < 95') \g /dev/null
SELECT cdp.refresh_segments() \g /dev/null
SELECT * FROM cdp.segment_diff('half', '2026-06-01 12:00');
-- who came and went is nobody; who left and came back by another reason has it
SET cdp.test_clock = '2026-06-06 12:00:00+00';
UPDATE cdp.profile_current SET revenue = 97, as_of = cdp.clock() WHERE profile_id IN (2, 3);
SELECT cdp._evaluate_profiles('{2,3}');
SET cdp.test_clock = '2026-06-07 12:00:00+00';
UPDATE cdp.profile_current SET revenue = 5, as_of = cdp.clock() WHERE profile_id = 2;
SELECT cdp._evaluate_profiles('{2}');
SELECT * FROM cdp.segment_diff('half', '2026-06-05 12:00');
SELECT * FROM cdp.segment_diff('half', '2026-06-06 12:00');
-- an inactive one is left by definition
UPDATE cdp.segment SET active = false WHERE name = 'low';
SELECT cdp.refresh_segments() \g /dev/null
SELECT * FROM cdp.segment_diff('low', '2026-06-06 12:00');

SELECT * FROM cdp.segment_diff('nosuch', '2026-06-06 12:00');
SELECT * FROM cdp.segment_diff('half', '2026-06-06', '2026-06-05');
SELECT * FROM cdp.segment_diff('half', NULL);
SELECT * FROM cdp.segment_diff(NULL, '2026-06-06');
BEGIN;
UPDATE cdp.segment_refresh SET told_since = '2026-06-02';
SELECT * FROM cdp.segment_diff('half', '2026-06-01');
ROLLBACK;

-- a hundred days of forty profiles, ingests and refreshes by turns, two new
-- definitions; the members of each evening are kept aside
DELETE FROM cdp.segment;
TRUNCATE cdp.profile, cdp.profile_current, cdp.membership_change, cdp.segment_size_log;
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at, ord)
SELECT n, n, n, '2026-01-01', '2026-01-01', n FROM generate_series(1, 40) AS n;
INSERT INTO cdp.profile_current (profile_id, ord, kind, revenue, as_of)
SELECT n, n, 'known', 0, '2026-01-01' FROM generate_series(1, 40) AS n;
SELECT cdp.define_segment('rich', 'revenue > 50'), cdp.define_segment('poor', 'revenue < 30'),
	cdp.define_segment('odd', 'revenue between 20 and 60') \g /dev/null
CREATE TEMP TABLE evening (day integer, at timestamptz, segment text, profile_id bigint);
\set seed 21
\getenv seed CDP_TEST_SEED
\echo seed :seed
\set ECHO none
\o /dev/null
SELECT setseed(:seed / 1000.0);
SELECT format($$SET cdp.test_clock = %L$$, timestamptz '2026-07-01 12:00+00' + n * interval '1 day'),
	CASE n WHEN 30 THEN 'SELECT cdp.define_segment(''rich'', ''revenue > 60'')'
		WHEN 33 THEN 'SELECT cdp.define_segment(''rich'', ''revenue > 55'')' END,
	'UPDATE cdp.profile_current SET revenue = (random() * 100)::integer, as_of = cdp.clock() WHERE random() < 0.2',
	CASE WHEN n % 3 = 0 THEN 'SELECT cdp.refresh_segments()'
		ELSE 'SELECT cdp._evaluate_profiles(ARRAY(SELECT profile_id FROM cdp.profile_current ORDER BY 1))' END,
	format('INSERT INTO evening SELECT %s, cdp.clock(), segment, profile_id FROM cdp.segment_member', n)
FROM generate_series(0, 99) AS n
\gexec
\o
\set ECHO all
SELECT count(*) FILTER (WHERE members <> expected) AS wrong_members, count(*) FILTER (WHERE new <> expected_new) AS wrong_new,
	count(*) FILTER (WHERE running_total <> expected_total) AS wrong_totals, count(*) AS compared
FROM (VALUES ('{rich,poor,odd}'::text[]), ('{odd,rich,poor}'), ('{poor,odd,rich}')) AS v (chosen)
	CROSS JOIN LATERAL cdp.waterfall(chosen) AS fall
	CROSS JOIN LATERAL (SELECT
		(SELECT count(*) FROM cdp.segment_member AS m WHERE m.segment = fall.segment) AS expected,
		(SELECT count(*) FROM cdp.segment_member AS m WHERE m.segment = fall.segment
			AND NOT EXISTS (SELECT FROM cdp.segment_member AS o WHERE o.profile_id = m.profile_id
				AND o.segment = ANY (chosen[:fall.priority - 1]))) AS expected_new,
		(SELECT count(DISTINCT m.profile_id) FROM cdp.segment_member AS m
			WHERE m.segment = ANY (chosen[:fall.priority])) AS expected_total) AS oracle;

-- overlaps, with changes since the refresh, of profiles some of which were
-- merged since; each combination against plain SQL
CREATE TEMP TABLE every_way AS
SELECT array_agg(name ORDER BY name) AS combination
FROM generate_series(1, 7) AS bits, unnest('{1,2,4}'::integer[], '{odd,poor,rich}'::text[]) AS v (bit, name)
WHERE bits & bit > 0
GROUP BY bits;
BEGIN;
UPDATE cdp.profile SET root = profile_id - 1 WHERE profile_id % 5 = 0;
SELECT (SELECT count(*) > 3 FROM cdp.profile JOIN cdp.segment_membership ON cdp.bitmap_contains(members, ord)
		WHERE root <> profile_id) AS merged_members,
	count(*) FILTER (WHERE found.members <> expected) AS wrong, count(found.members) AS compared
FROM every_way LEFT JOIN cdp.overlap('{rich,poor,odd}') AS found USING (combination)
	CROSS JOIN LATERAL (SELECT count(*) AS expected FROM (
		SELECT FROM cdp.segment_member WHERE segment = ANY (combination)
		GROUP BY profile_id HAVING count(*) = cardinality(combination)) AS in_all) AS oracle;
ROLLBACK;

-- sizes and moves of many pairs of evenings; those of a reason are those whose
-- last move in the evenings between was for it, as each evening's log told
CREATE TEMP TABLE pair AS
SELECT a.day AS from_day, a.at AS "from", b.day AS to_day, b.at AS "to"
FROM (SELECT DISTINCT day, at FROM evening) AS a JOIN (SELECT DISTINCT day, at FROM evening) AS b ON a.day < b.day
WHERE (a.day * 7 + b.day * 3) % 43 = 0 OR b.day IN (30, 34) AND a.day > 20;
-- a move of an evening is by event where the log has it, else by definition
CREATE TEMP TABLE move AS
SELECT step.day, step.segment, step.profile_id, step.change, coalesce(told.reason, 'definition') AS reason
FROM (
	SELECT day, segment, profile_id, 'entered' AS change FROM evening AS e
	WHERE NOT EXISTS (SELECT FROM evening AS y WHERE (y.day, y.segment, y.profile_id) = (e.day - 1, e.segment, e.profile_id))
	UNION ALL
	SELECT day + 1, segment, profile_id, 'exited' FROM evening AS e
	WHERE day < 99
		AND NOT EXISTS (SELECT FROM evening AS t WHERE (t.day, t.segment, t.profile_id) = (e.day + 1, e.segment, e.profile_id))) AS step
	LEFT JOIN (cdp.membership_change AS told JOIN cdp.segment USING (segment_id))
		ON (segment.name, told.profile_id, told.change) = (step.segment, step.profile_id, step.change)
			AND told.at = timestamptz '2026-07-01 12:00+00' + step.day * interval '1 day';
CREATE TEMP TABLE expected AS
SELECT from_day, to_day, segment, change, reason, count(*) AS members
FROM (
	SELECT DISTINCT ON (from_day, to_day, segment, profile_id)
		from_day, to_day, segment, profile_id, change, reason
	FROM pair JOIN move ON day > from_day AND day <= to_day
	ORDER BY from_day, to_day, segment, profile_id, day DESC) AS last_move
WHERE (change = 'entered') <> EXISTS (SELECT FROM evening AS e
	WHERE (e.day, e.segment, e.profile_id) = (from_day, last_move.segment, last_move.profile_id))
GROUP BY 1, 2, 3, 4, 5;
CREATE TEMP TABLE found AS
SELECT from_day, to_day, segment, change, reason, members
FROM pair, unnest('{rich,poor,odd}'::text[]) AS segment, cdp.segment_diff(segment, "from", "to");
SELECT (SELECT count(*) > 100 FROM pair) AS many, (SELECT count(*) > 500 FROM expected) AS enough,
	(SELECT array_agg(DISTINCT reason ORDER BY reason) FROM expected) AS reasons,
	(SELECT count(*) FROM (SELECT * FROM expected EXCEPT SELECT * FROM found) AS d) AS missing,
	(SELECT count(*) FROM (SELECT * FROM found WHERE reason IS NOT NULL EXCEPT SELECT * FROM expected) AS d) AS invented;
SELECT count(*) AS compared, count(*) FILTER (WHERE before + moved <> after) AS do_not_add_up,
	count(*) FILTER (WHERE before <> (SELECT count(*) FROM evening AS e WHERE (e.day, e.segment) = (from_day, found.segment))
		OR after <> (SELECT count(*) FROM evening AS e WHERE (e.day, e.segment) = (to_day, found.segment))) AS wrong_sizes
FROM (SELECT from_day, to_day, segment, sum(members) FILTER (WHERE change = 'before') AS before,
		coalesce(sum(members) FILTER (WHERE change = 'entered'), 0) - coalesce(sum(members) FILTER (WHERE change = 'exited'), 0) AS moved,
		sum(members) FILTER (WHERE change = 'after') AS after
	FROM found GROUP BY 1, 2, 3) AS found;

-- sizes of refreshes: after 30 days one row a day, that adds up as before
CREATE TEMP TABLE history AS SELECT * FROM cdp.segment_history;
INSERT INTO cdp.segment_size_log
SELECT segment_id, version, as_of + n * interval '1 hour', 100 + n, size + n, entered + n, exited
FROM cdp.segment_size_log, generate_series(1, 11) AS n WHERE n % 5 > 1;
CREATE TEMP TABLE whole AS SELECT * FROM cdp.segment_history;
SELECT cdp._thin_segment_history() > 0 AS thinned, cdp._thin_segment_history() AS again;
SELECT thinned_before FROM cdp.segment_refresh;
SELECT count(*) FILTER (WHERE as_of < '2026-09-08') AS old, count(*) FILTER (WHERE as_of >= '2026-09-08') AS recent,
	(SELECT count(*) FROM history WHERE as_of < '2026-09-08') AS days,
	(SELECT count(*) FROM whole WHERE as_of >= '2026-09-08') AS all_recent
FROM cdp.segment_history;
SELECT count(*) AS differ FROM (
	SELECT segment, as_of::date, max(as_of), sum(entered), sum(exited), (array_agg(size ORDER BY as_of DESC))[1] FROM whole GROUP BY 1, 2
	EXCEPT
	SELECT segment, as_of::date, max(as_of), sum(entered), sum(exited), (array_agg(size ORDER BY as_of DESC))[1] FROM cdp.segment_history GROUP BY 1, 2) AS d;
-- the next run thins the days that have grown old since
SET cdp.test_clock = '2026-10-20 12:00:00+00';
CALL cdp.merge(phases => '{retain}');
SELECT count(*) FILTER (WHERE as_of >= '2026-09-20') = (SELECT count(*) FROM whole WHERE as_of >= '2026-09-20') AS recent_stay,
	count(*) FILTER (WHERE as_of < '2026-09-20') = count(DISTINCT (segment, as_of::date)) FILTER (WHERE as_of < '2026-09-20') AS one_a_day
FROM cdp.segment_history;
