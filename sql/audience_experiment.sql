-- Experiments: arms that stay, and what the figures say.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
DROP ROLE IF EXISTS cdp_test_sender, cdp_test_reader;
CREATE ROLE cdp_test_sender;
CREATE ROLE cdp_test_reader;

-- Newcombe's examples (1998, table II): 56 of 70 against 48 of 80, and others
SELECT a, m, b, n, round(low::numeric, 4) AS low, round(high::numeric, 4) AS high
FROM (VALUES (56, 70, 48, 80), (9, 10, 3, 10), (6, 7, 2, 7), (5, 56, 0, 29), (0, 10, 0, 20), (0, 10, 0, 10), (10, 10, 0, 20), (10, 10, 0, 10))
	AS example (a, m, b, n), cdp._newcombe_interval(a, m, b, n);
-- and Wilson's (Newcombe 1998, p. 857): 81 of 263, 15 of 148, 0 of 20, 1 of 29
SELECT r, n, round(low::numeric, 4) AS low, round(high::numeric, 4) AS high
FROM (VALUES (81, 263), (15, 148), (0, 20), (1, 29), (20, 20)) AS example (r, n), cdp._wilson_interval(r, n);
SELECT * FROM cdp._wilson_interval(0, 0);
SELECT * FROM cdp._newcombe_interval(1, 2, 0, 0);
-- the tail of chi-square at its tabulated points
SELECT freedom, statistic, round(cdp._chi_square_tail(statistic, freedom)::numeric, 6) AS tail
FROM (VALUES (1, 3.841459), (1, 10.827566), (2, 5.991465), (3, 7.814728), (4, 9.487729), (5, 20.515006), (10, 18.307038),
	(99, 123.225221), (1, 0), (2, 0), (7, 1e6)) AS points (freedom, statistic);
SELECT cdp._chi_square_tail(1, 0), cdp._chi_square_tail('NaN', 1), cdp._chi_square_tail('Infinity', 1), cdp._chi_square_tail(-1, 2);

-- a thousand members
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at, ord)
SELECT n, n, n, '2026-01-01', '2026-01-01', n FROM generate_series(1, 1000) AS n;
INSERT INTO cdp.profile_current (profile_id, ord, kind, revenue, as_of)
SELECT n, n, 'known', n, '2026-01-01' FROM generate_series(1, 1000) AS n;
DELETE FROM cdp.segment;
SELECT cdp.define_segment('all', 'revenue > 0') \g /dev/null
SELECT cdp.define_segment('few', 'revenue > 990') \g /dev/null
SELECT cdp.refresh_segments();
SELECT cdp.add_experiment('offer', 'orders >= 1', 'all', arms => '{held_out,red,blue}', shares => '{0.2,0.4,0.4}',
	starts_at => '2026-06-01 12:00+00', ends_at => '2026-07-01') IS NOT NULL AS added;
SELECT * FROM cdp.experiment_result('offer');
-- an arm on first sight, the one of the bucket, and no other from then on
SELECT cdp.experiment_arm('offer', 7) = arm AS stays, bucket, arm
FROM cdp.experiment_arm('offer', 7) AS arm, cdp.bucket('offer', '7', 10000) AS bucket;
SELECT experiment, profile_id, arm, assigned_at FROM cdp.experiment_assignment;
UPDATE cdp.profile_current SET orders = 1 WHERE profile_id IN (1, 2, 3);
SELECT cdp.assign_experiment('offer'), cdp.assign_experiment('offer');
SELECT arm, count(*) BETWEEN 150 AND 450 AS as_shared, bool_and(arm = CASE WHEN b < 2000 THEN 'held_out' WHEN b < 6000 THEN 'red' ELSE 'blue' END) AS by_bucket
FROM cdp.experiment_assignment, cdp.bucket('offer', profile_id::text, 10000) AS b GROUP BY arm ORDER BY arm;
SELECT cdp.experiment_arm('offer', 4711) AS nobody;
-- a segment by the same bucket holds the control out
SELECT count(*), count(*) FILTER (WHERE (cardinality(matched) > 0) = (arm = 'held_out')) AS wrong
FROM cdp._evaluate_all(ARRAY['bucket(''offer'', 10000) >= 2000'::cdp.predicate]) AS evaluated
	JOIN cdp.experiment_assignment USING (profile_id);
-- three had ordered before; of the others these do
SET cdp.test_clock = '2026-06-15';
UPDATE cdp.profile_current SET orders = 1
FROM cdp.experiment_assignment AS assigned
WHERE assigned.profile_id = profile_current.profile_id
	AND profile_current.profile_id % 10 < CASE arm WHEN 'held_out' THEN 1 WHEN 'red' THEN 2 ELSE 1 END;
SELECT arm, profiles, conversions, round(rate::numeric, 4) AS rate, round(rate_low::numeric, 4) AS rate_low,
	round(rate_high::numeric, 4) AS rate_high, round(lift::numeric, 4) AS lift, round(lift_low::numeric, 4) AS lift_low,
	round(lift_high::numeric, 4) AS lift_high, round(sample_ratio_p::numeric, 4) AS sample_ratio_p
FROM cdp.experiment_result('offer');
-- the figures by hand
SELECT result.arm, result.profiles = count(*) AS profiles, result.conversions = count(*) FILTER (WHERE orders = 1) AS conversions
FROM cdp.experiment_result('offer') AS result JOIN cdp.experiment_assignment AS assigned ON assigned.arm = result.arm
	JOIN cdp.profile_current USING (profile_id)
WHERE profile_id > 3 GROUP BY result.arm, result.profiles, result.conversions ORDER BY 1;
-- arms that lost members are not trusted
BEGIN;
DELETE FROM cdp.experiment_member WHERE arm = 'red' AND profile_id % 3 = 0;
SELECT arm, sample_ratio_p < 0.001 AS mistrusted FROM cdp.experiment_result('offer');
ROLLBACK;

-- merged profiles keep the arm that was given first, and are counted once
BEGIN;
SET LOCAL cdp.test_clock = '2026-06-16';
UPDATE cdp.experiment_member SET assigned_at = '2026-06-14' WHERE profile_id = 100;
UPDATE cdp.profile SET root = 100 WHERE profile_id = 101;
DELETE FROM cdp.profile_current WHERE profile_id = 101;
SELECT profile_id, arm = (SELECT arm FROM cdp.experiment_member WHERE profile_id = 101) AS the_first
FROM cdp.experiment_assignment WHERE profile_id IN (100, 101);
SELECT cdp.experiment_arm('offer', 100) = cdp.experiment_arm('offer', 101) AS same, cdp.assign_experiment('offer');
SELECT sum(profiles) FROM cdp.experiment_result('offer');
ROLLBACK;

-- before and after, nobody gets an arm; what is there stays
SELECT cdp.define_segment('late', 'revenue >= 0') \g /dev/null
SELECT cdp.add_experiment('later', 'orders >= 1', 'few', starts_at => '2026-06-20', ends_at => '2026-06-30') IS NOT NULL AS added;
SELECT cdp.experiment_arm('later', 1000), cdp.assign_experiment('later');
SET cdp.test_clock = '2026-06-20';
SELECT cdp.assign_experiment('later'), cdp.experiment_arm('later', 5) AS not_in_segment;
SET cdp.test_clock = '2026-06-30';
DELETE FROM cdp.experiment_member USING cdp.experiment WHERE experiment.experiment_id = experiment_member.experiment_id
	AND name = 'later' AND profile_id = 1000;
SELECT cdp.experiment_arm('later', 1000) AS too_late, cdp.experiment_arm('later', 999) IS NOT NULL AS there;

-- over an audience: who may not be reached is in no arm, or no longer listed
INSERT INTO cdp.purpose (purpose, description) VALUES ('news', 'news');
INSERT INTO cdp.identifier (identifier_id, leaf, type_id, value, first_seen)
SELECT n, n, type_id, 'p' || n || '@x.de', '2026-01-01' FROM generate_series(1, 20) AS n, cdp.identifier_type WHERE type = 'email';
SELECT cdp.add_audience('news', 'all', 'news', 'email') \g /dev/null
SELECT cdp.record_consent('email', 'p' || n || '@x.de', 'news', 'email', 'granted', '2026-06-01') FROM generate_series(1, 10) AS n \g /dev/null
SELECT cdp.add_experiment('mail', 'orders >= 1', audience => 'news', salt => 'x') IS NOT NULL AS added;
SELECT cdp.assign_experiment('mail'), cdp.experiment_arm('mail', 11) AS did_not_agree;
SELECT cdp.record_consent('email', 'p4@x.de', 'news', 'email', 'withdrawn', '2026-06-02') \g /dev/null
SELECT count(*) FROM cdp.experiment_assignment WHERE experiment = 'mail';
SELECT cdp.grant_role('cdp_test_sender', 'activation'), cdp.grant_role('cdp_test_reader', 'reader');
SET ROLE cdp_test_sender;
SELECT count(*), count(*) FILTER (WHERE profile_id = 4) AS withdrawn FROM cdp.audience_arm WHERE experiment = 'mail';
SELECT count(*) FROM cdp.experiment_assignment;
SELECT cdp.experiment_arm('mail', 1);
RESET ROLE;
SET ROLE cdp_test_reader;
SELECT arm, profiles, conversions FROM cdp.experiment_result('mail');
SELECT cdp.experiment_arm('mail', 1);
SELECT cdp.assign_experiment('mail');
RESET ROLE;
SELECT cdp.drop_audience('news');

-- an experiment stays what it was
UPDATE cdp.experiment SET shares = '{0.5,0.3,0.2}' WHERE name = 'offer';
UPDATE cdp.experiment SET metric = 'orders >= 2' WHERE name = 'offer';
UPDATE cdp.experiment SET ends_at = '2026-06-16' WHERE name = 'offer';
-- mistakes
SELECT cdp.add_experiment('offer', 'orders >= 1', 'all');
SELECT cdp.add_experiment('x', 'orders >= 1');
SELECT cdp.add_experiment('x', 'orders >= 1', 'all', 'news');
SELECT cdp.add_experiment('x', NULL, 'all');
SELECT cdp.add_experiment('x', 'orders >= 1', 'nosuch');
SELECT cdp.add_experiment('x', 'orders >= 1', audience => 'nosuch');
SELECT cdp.add_experiment('x', 'nothing(1)', 'all');
SELECT cdp.add_experiment('x', 'orders >= 1', 'all', arms => '{one}');
SELECT cdp.add_experiment('x', 'orders >= 1', 'all', arms => '{one,one}');
SELECT cdp.add_experiment('x', 'orders >= 1', 'all', arms => '{a,b,c}');
SELECT cdp.add_experiment('x', 'orders >= 1', 'all', shares => '{0.5,0.4}');
SELECT cdp.add_experiment('x', 'orders >= 1', 'all', shares => '{0.33333,0.66667}');
SELECT cdp.add_experiment('x', 'orders >= 1', 'all', shares => '{0,1}');
SELECT cdp.add_experiment('x', 'orders >= 1', 'all', ends_at => '2026-01-01');
SELECT cdp.add_experiment('X y', 'orders >= 1', 'all');
SELECT cdp.experiment_arm('nosuch', 1);
SELECT * FROM cdp.experiment_result('nosuch');
SELECT cdp.drop_experiment('nosuch');
SELECT cdp.drop_experiment('mail'), cdp.drop_experiment('offer'), cdp.drop_experiment('later');
SELECT count(*) FROM cdp.experiment_member;
SELECT cdp.drop_audience('news');
DROP OWNED BY cdp_test_sender, cdp_test_reader;
DROP ROLE cdp_test_sender, cdp_test_reader;
