-- Membership: bitmap plus changes since, whoever wrote them.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'UTC';

-- ten profiles with revenue 10, 20, ..., 100
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at, ord)
SELECT n, n, n, '2026-01-01', '2026-01-01', n FROM generate_series(1, 10) AS n;
INSERT INTO cdp.profile_current (profile_id, ord, kind, revenue, as_of)
SELECT n, n, 'known', n * 10, '2026-01-01' FROM generate_series(1, 10) AS n;
DELETE FROM cdp.segment;
SELECT cdp.define_segment('half', 'revenue > 50') \g /dev/null
SELECT cdp.define_segment('low', 'revenue < 40') \g /dev/null
SELECT cdp.define_segment('best', 'revenue >= 100') \g /dev/null

-- what holds after everything below: the view is the bitmap and the changes,
-- segment_ids say the same, and so does a fresh evaluation
CREATE FUNCTION pg_temp.check_members() RETURNS TABLE (segment text, members bigint[], agrees boolean)
LANGUAGE sql AS $$
	SELECT s.name, m.members,
		m.members = coalesce((SELECT array_agg(profile_id ORDER BY profile_id)
			FROM cdp.profile_current WHERE segment_ids @> ARRAY[s.segment_id]), '{}')
		AND m.members = coalesce((SELECT array_agg(profile_id ORDER BY profile_id)
			FROM cdp._evaluate_all(ARRAY[s.predicate::cdp.predicate], cdp.clock()) WHERE matched = '{1}'), '{}')
	FROM cdp.segment AS s CROSS JOIN LATERAL (
		SELECT coalesce(array_agg(profile_id ORDER BY profile_id), '{}') AS members
		FROM cdp.segment_member WHERE segment = s.name) AS m
	ORDER BY s.name
$$;

-- before the first refresh there are no members, and ingest adds none
SELECT cdp._evaluate_profiles('{1,2,3}');
SELECT count(*) FROM cdp.segment_member;
-- a definition is a base, not ten changes
SELECT cdp.refresh_segments();
SELECT * FROM pg_temp.check_members();
SELECT name, size, as_of, error FROM cdp.segment ORDER BY name;
SELECT count(*) FROM cdp.membership_change;
SELECT segment, size, entered, exited FROM cdp.segment_history ORDER BY segment;
-- nothing to do the second time
SELECT cdp.refresh_segments();

-- ingest appends changes; the bitmap stays as it is
SET cdp.test_clock = '2026-06-02 12:00:00+00';
UPDATE cdp.profile_current SET revenue = 200, as_of = cdp.clock() WHERE profile_id IN (1, 2);
SELECT cdp._evaluate_profiles('{1,2,3}');
SELECT * FROM pg_temp.check_members();
SELECT name, profile_id, change, reason, at, run_id
FROM cdp.membership_change JOIN cdp.segment USING (segment_id)
ORDER BY profile_id, name;
-- back and forth again: the last change counts
UPDATE cdp.profile_current SET revenue = 10 WHERE profile_id = 2;
SELECT cdp._evaluate_profiles('{2}');
SELECT * FROM pg_temp.check_members();
-- an ingest that is rolled back has changed nothing
BEGIN;
UPDATE cdp.profile_current SET revenue = 500 WHERE profile_id = 3;
SELECT cdp._evaluate_profiles('{3}');
SELECT profile_id FROM cdp.segment_member WHERE segment = 'best' ORDER BY 1;
ROLLBACK;
SELECT profile_id FROM cdp.segment_member WHERE segment = 'best' ORDER BY 1;

-- refresh folds them, and finds what changed without an ingest
SET cdp.test_clock = '2026-06-03 12:00:00+00';
UPDATE cdp.profile_current SET revenue = 0 WHERE profile_id = 10;
SELECT cdp.refresh_segments();
SELECT * FROM pg_temp.check_members();
SELECT profile_id, change, reason, at FROM cdp.membership_change WHERE at = cdp.clock() ORDER BY change_id;
SELECT bool_and(members = cdp._current_members(segment_id)::text) FROM (
	SELECT segment_id, members::text FROM cdp.segment_membership) AS folded;

-- memberships, now and at past instants
SELECT * FROM cdp.memberships(1) ORDER BY segment;
SELECT at, (SELECT array_agg(segment ORDER BY segment) FROM cdp.memberships(10, at)) AS ten,
	(SELECT array_agg(segment ORDER BY segment) FROM cdp.memberships(1, at)) AS one
FROM unnest(ARRAY['2026-06-01 11:59', '2026-06-01 12:00', '2026-06-02 12:00', '2026-06-03 12:00']::timestamptz[]) AS at;
SELECT * FROM cdp.memberships(999);

-- a merge between refreshes: 9 becomes part of 8
SET cdp.test_clock = '2026-06-04 12:00:00+00';
UPDATE cdp.profile SET root = 8 WHERE profile_id = 9;
DELETE FROM cdp.profile_current WHERE profile_id = 9;
SELECT profile_id FROM cdp.segment_member WHERE segment = 'half' ORDER BY 1;
SELECT cdp.refresh_segments();
SELECT * FROM pg_temp.check_members();
SELECT profile_id, change, reason FROM cdp.membership_change WHERE at = cdp.clock();
SELECT * FROM cdp.memberships(9) ORDER BY segment;
-- and apart again before the next refresh, twice: segment_ids are made good
UPDATE cdp.profile SET root = 9 WHERE profile_id = 9;
INSERT INTO cdp.profile_current (profile_id, ord, kind, revenue, as_of) VALUES (9, 9, 'known', 90, cdp.clock());
SELECT cdp.refresh_segments();
DELETE FROM cdp.profile_current WHERE profile_id = 9;
INSERT INTO cdp.profile_current (profile_id, ord, kind, revenue, as_of) VALUES (9, 9, 'known', 90, cdp.clock());
SELECT cdp.refresh_segments();
SELECT * FROM pg_temp.check_members();

-- a new version: ingest waits for its refresh, which is a new base
SET cdp.test_clock = '2026-06-05 12:00:00+00';
SELECT cdp.define_segment('half', 'revenue > 70') \g /dev/null
UPDATE cdp.profile_current SET revenue = 1000 WHERE profile_id = 4;
SELECT cdp._evaluate_profiles('{4}');
SELECT segment FROM cdp.segment_member WHERE profile_id = 4 ORDER BY 1;
SELECT cdp.refresh_segments('{half}');
SELECT * FROM pg_temp.check_members();
SELECT version, at, members FROM cdp.membership_base JOIN cdp.segment USING (segment_id, version) WHERE name = 'half';

-- one failing segment stops neither the others nor an ingest
UPDATE cdp.segment_definition SET predicate = 'in_segment(''nosuch'')' WHERE name = 'low';
SELECT cdp.refresh_segments();
SELECT name, error IS NOT NULL AS failed FROM cdp.segment ORDER BY name;
UPDATE cdp.profile_current SET revenue = 1 WHERE profile_id = 4;
SELECT cdp._evaluate_profiles('{4}');
SELECT segment FROM cdp.segment_member WHERE profile_id = 4 ORDER BY 1;
UPDATE cdp.segment_definition SET predicate = 'revenue < 40' WHERE name = 'low';
SELECT cdp.refresh_segments();
SELECT * FROM pg_temp.check_members();

-- a segment that is no longer active has no members
UPDATE cdp.segment SET active = false WHERE name = 'low';
SELECT cdp.refresh_segments();
SELECT segment FROM cdp.segment_member WHERE profile_id = 4 ORDER BY 1;
SELECT segment_ids FROM cdp.profile_current WHERE profile_id = 4;
UPDATE cdp.segment SET active = true WHERE name = 'low';
SELECT cdp.refresh_segments();
SELECT * FROM pg_temp.check_members();
SELECT cdp.refresh_segments('{nosuch}');

-- overlaps, every way and in pairs
SELECT * FROM cdp.overlap('{half,low,best}') ORDER BY combination;
SELECT * FROM cdp.overlap('{half,low,best}', ways => 1) ORDER BY combination;
SELECT * FROM cdp.overlap('{half,nosuch}');
INSERT INTO cdp.segment_definition (name, predicate) SELECT 's' || n, 'revenue > 0' FROM generate_series(1, 13) AS n;
SELECT * FROM cdp.overlap((SELECT array_agg(name::text) FROM cdp.segment));
DELETE FROM cdp.segment WHERE name LIKE 's%';
SELECT cdp._check_overlap_bytes(1000000000);
SELECT cdp._check_overlap_bytes(1234567890);

-- a rebuild changes nothing
CREATE TEMP TABLE before AS SELECT segment_id, members::text, (SELECT array_agg(segment_ids::text ORDER BY profile_id) FROM cdp.profile_current) FROM cdp.segment_membership;
UPDATE cdp.profile_current SET segment_ids = '{}';
SELECT cdp._segment_rebuild(1);
SELECT count(*) FROM (TABLE before EXCEPT
	SELECT segment_id, members::text, (SELECT array_agg(segment_ids::text ORDER BY profile_id) FROM cdp.profile_current) FROM cdp.segment_membership) AS d;
-- a step outside of a run refreshes; one within refresh_every does not
UPDATE cdp.profile_current SET revenue = 0 WHERE profile_id = 1;
UPDATE cdp.setting SET value = '1 hour' WHERE name = 'refresh_every';
SELECT cdp._segment_step(1);
UPDATE cdp.setting SET value = '0' WHERE name = 'refresh_every';
SELECT cdp._segment_step(1), cdp._segment_step(1);
SELECT cdp._settle_segment_ids('{5,1,9}', '{1,2,3}', '{3,1}'), cdp._settle_segment_ids('{}', '{}', '{}'),
	cdp._settle_segment_ids('{4}', '{4}', '{}');

-- what a refresh gathers of what it is told, beside plain SQL
CREATE TEMP TABLE told AS
SELECT n AS ord, ARRAY(SELECT id FROM unnest('{1,2,5,9,20}'::integer[]) AS id WHERE hashint8(n * 100 + id) % 3 = 0 ORDER BY id) AS was,
	CASE WHEN n % 2 = 0 THEN ARRAY(SELECT place FROM generate_series(1, 3) AS place WHERE hashint8(n * 100 + ('{2,9,20}'::integer[])[place]) % 3 = 0 ORDER BY place)
		ELSE ARRAY(SELECT place FROM generate_series(1, 3) AS place WHERE hashint8(n * 200 + place) % 4 = 0 ORDER BY place) END AS matched
FROM generate_series(0, 70000) AS n;
SELECT place, gathered[place] OPERATOR(cdp.=) (SELECT cdp.bitmap_agg(ord) FROM told WHERE CASE WHEN place <= 3 THEN place = ANY (matched)
		ELSE was <> cdp._settle_segment_ids(was, '{2,9,20}', matched) END) AS agrees,
	cdp.bitmap_cardinality(gathered[place]) > 1000 AS are_many, array_length(gathered, 1)
FROM (SELECT cdp._gather_members(ord, was, '{2,9,20}', matched) AS gathered FROM told) AS gathering, generate_series(1, 4) AS place;
SELECT cdp._gather_members(0, '{}', '{}', '{}') AS of_nothing, cdp._gather_members(0, '{}', '{1}', '{}') FILTER (WHERE false) AS nothing;
SELECT cdp._gather_members(0, '{}', '{1}', '{2}');
SELECT cdp._gather_members(-1, '{}', '{1}', '{1}');
SELECT cdp._gather_members(0, '{}', evaluated::integer[], '{}') FROM (VALUES ('{1}'), ('{1,2}')) AS told (evaluated);

-- reasons: consent where the segment, or one inside it, asks for it; definition
-- where one inside was defined anew; restriction before all but a merge
\i :fresh
SET cdp.test_clock = '2026-07-01 10:00:00+00';
SELECT cdp.add_source('web') AS web \g /dev/null
INSERT INTO cdp.inbox (source, record)
SELECT 'web', format('{"type": "identify", "messageId": "r%1$s", "userId": "r%1$s", "timestamp": "2026-06-01T00:00:00Z",
	"traits": {"email": "r%1$s@example.com", "shoe_size": %1$s}}', n) FROM generate_series(40, 44) AS n;
CALL cdp.merge();
SELECT cdp.record_consent('email', 'r' || n || '@example.com', 'marketing', 'email', 'granted', '2026-06-15') FROM generate_series(40, 44) AS n \g /dev/null
SET cdp.test_clock = '2026-07-01 11:00:00+00';
CALL cdp.merge();
SET cdp.test_clock = '2026-07-01 12:00:00+00';
SELECT cdp.define_segment('agreed', 'consent(''marketing'', ''email'')') AS agreed,
	cdp.define_segment('large', 'shoe_size >= 42') AS large,
	cdp.define_segment('late', 'now >= 2026-07-03T00:00Z and shoe_size = 40') AS late,
	cdp.define_segment('both', 'in_segment(''agreed'') and in_segment(''large'')') AS both,
	cdp.define_segment('quotes', 'shoe_size >= 42 and city is distinct from ''consent(''''x'''')''') AS quotes \g /dev/null
CALL cdp.merge();
SET cdp.test_clock = '2026-07-02 12:00:00+00';
SELECT cdp.record_consent('email', 'r44@example.com', 'marketing', 'email', 'withdrawn', '2026-07-02 11:00+00');
SELECT cdp.define_segment('large', 'shoe_size >= 43') \g /dev/null
CALL cdp.merge();
SET cdp.test_clock = '2026-07-04 12:00:00+00';
SELECT cdp.restrict_subject(cdp.find_profile('user_id', 'r43'), 'she asked') > 0 AS restricted;
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "more", "userId": "r41", "timestamp": "2026-07-04T00:00:00Z", "traits": {"shoe_size": 45}}') > 0 AS stored;
CALL cdp.merge();
SELECT segment.name, observed.value AS who, change, reason, at
FROM cdp.membership_change JOIN cdp.segment USING (segment_id)
	JOIN cdp.identifier AS observed ON observed.leaf = membership_change.profile_id AND observed.value LIKE 'r%' AND observed.value NOT LIKE '%@%'
WHERE segment.name IN ('agreed', 'large', 'late', 'both', 'quotes') ORDER BY at, segment.name, who;
