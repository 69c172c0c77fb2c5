-- Changes of membership are kept 400 days, and what can be told stays right.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- forty profiles move in and out of two segments for a hundred days
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at, ord)
SELECT n, n, n, '2026-01-01', '2026-01-01', n FROM generate_series(1, 40) AS n;
INSERT INTO cdp.profile_current (profile_id, ord, kind, revenue, as_of)
SELECT n, n, 'known', 0, '2026-01-01' FROM generate_series(1, 40) AS n;
DELETE FROM cdp.segment;
SELECT cdp.define_segment('rich', 'revenue > 50') \g /dev/null
SELECT cdp.define_segment('poor', 'revenue < 30') \g /dev/null
SELECT cdp.refresh_segments() \g /dev/null
\set seed 0.4007
\set ECHO none
\o /dev/null
SELECT setseed(:seed);
SELECT format($$SET cdp.test_clock = %L$$, timestamptz '2026-06-01 12:00+00' + n * interval '1 day'),
	'UPDATE cdp.profile_current SET revenue = (random() * 100)::integer, as_of = cdp.clock() WHERE random() < 0.2',
	CASE WHEN n % 3 = 0 THEN 'SELECT cdp.refresh_segments()'
		ELSE 'SELECT cdp._evaluate_profiles(ARRAY(SELECT profile_id FROM cdp.profile_current ORDER BY 1))' END,
	CASE n WHEN 50 THEN 'SELECT cdp.define_segment(''rich'', ''revenue > 60'')' END
FROM generate_series(1, 100) AS n
\gexec
\o
\set ECHO all
SELECT cdp.refresh_segments() >= 0 AS refreshed;
CREATE TEMP TABLE told AS
SELECT at, profile_id, segment, since
FROM generate_series(timestamptz '2026-06-02 18:00+00', '2026-09-09 18:00+00', '1 day') AS at,
	generate_series(1, 40) AS profile_id, cdp.memberships(profile_id, at);
SELECT count(*) > 1000 AS told FROM told;
SELECT count(*) AS changes FROM cdp.membership_change \gset before_
CREATE TEMP TABLE members AS SELECT * FROM cdp.segment_member;

-- nothing is old enough yet
SET cdp.test_clock = '2027-06-01 12:00:00+00';
SELECT cdp.refresh_segments() >= 0 AS refreshed;
SELECT cdp._forget_old_memberships();
-- 400 days after some of it, in two passes: half of the changes go
SET cdp.test_clock = '2027-07-20 12:00:00+00';
CALL cdp.merge(phases => '{retain}');
SET cdp.test_clock = '2027-08-25 12:00:00+00';
CALL cdp.merge(phases => '{retain}');
SELECT count(*) < :before_changes AS fewer, min(at) > '2026-07-21' AS recent FROM cdp.membership_change;
SELECT told_since FROM cdp.segment_refresh;
SELECT cdp._forget_old_memberships();

-- members are the same, then and now; since is as it was, but for those who
-- were members before the limit
SELECT count(*) AS differ FROM (
	(TABLE members EXCEPT SELECT * FROM cdp.segment_member)
	UNION ALL (SELECT * FROM cdp.segment_member EXCEPT TABLE members)) AS d;
WITH limited AS (SELECT told_since FROM cdp.segment_refresh),
	was AS (SELECT at, profile_id, segment, greatest(since, told_since) AS since
		FROM told, limited WHERE at >= told_since),
	now AS (SELECT DISTINCT at, profile_id, m.segment, m.since
		FROM (SELECT DISTINCT at FROM told, limited WHERE at >= told_since) AS instants,
			generate_series(1, 40) AS profile_id, cdp.memberships(profile_id, at) AS m)
SELECT (SELECT count(*) > 300 FROM was) AS compared,
	(SELECT count(*) FROM (TABLE was EXCEPT TABLE now) AS d) AS lost,
	(SELECT count(*) FROM (TABLE now EXCEPT TABLE was) AS d) AS invented;

-- an instant that cannot be told of is refused
SELECT * FROM cdp.memberships(1, '2026-07-01');
