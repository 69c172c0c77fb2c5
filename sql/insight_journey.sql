-- The journey: stages and flows, against queries over what was sent.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
\set shop :abs_srcdir '/test/data/insight_shop.sql'
\set ECHO none
\i :shop
\set ECHO all
SELECT position, stage, predicate FROM cdp.journey_rule ORDER BY position;
\set seed 16
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CALL insight_test.make(150, 1500);
-- some have gone away
CREATE TEMP TABLE instants AS SELECT unnest('{2026-02-01 00:00+00,2026-05-10 00:00+00,2026-06-01 12:00+00,2026-11-01 00:00+00,2027-08-01 00:00+00}'::timestamptz[]) AS as_of;
CREATE TEMP TABLE expected AS
SELECT as_of, profile_id, CASE WHEN bought_year >= 3 THEN 'loyal' WHEN bought_year > 0 THEN 'buying' WHEN carts > 0 THEN 'intending'
	WHEN views >= 2 OR searches > 0 THEN 'interested' WHEN events > 0 THEN 'visiting' WHEN bought > 0 THEN 'lapsed' END AS stage
FROM (
	SELECT as_of, profile_id, count(*) FILTER (WHERE at >= as_of - interval '90 days') AS events,
		count(*) FILTER (WHERE event = 'product_view' AND at >= as_of - interval '30 days') AS views,
		count(*) FILTER (WHERE event = 'search' AND at >= as_of - interval '30 days') AS searches,
		count(*) FILTER (WHERE event = 'cart_add' AND at >= as_of - interval '14 days') AS carts
	FROM instants CROSS JOIN insight_test.sent JOIN insight_test.cookie USING (person) WHERE cookie = n % 3 AND at < as_of GROUP BY 1, 2) AS happened
	-- each report of an order is an event to count(): what is said once is said in cdp.profile_order
	LEFT JOIN (SELECT as_of, profile_id, count(*) AS bought, count(*) FILTER (WHERE at >= as_of - interval '365 days') AS bought_year
		FROM instants CROSS JOIN insight_test.sent JOIN insight_test.cookie USING (person) WHERE event = 'order' AND cookie = n % 3 AND at < as_of GROUP BY 1, 2) AS bought USING (as_of, profile_id);
DELETE FROM expected WHERE stage IS NULL;
SELECT count(*) > 300 AS compared, count(DISTINCT expected.stage) AS stages, count(*) FILTER (WHERE answer.stage = expected.stage) = count(*) AS alike, count(since) AS told
FROM expected FULL JOIN (SELECT as_of, profile_id, answer.* FROM instants, (SELECT DISTINCT profile_id FROM insight_test.cookie) AS every, cdp.journey_stage(profile_id, as_of) AS answer) AS answer
	USING (as_of, profile_id);

-- since when is told once somebody records it
SELECT * FROM cdp.journey_flow('2026-05-10');
SET cdp.test_clock = '2026-05-10 00:00+00';
SELECT cdp.start_journey();
SELECT name, predicate FROM cdp.segment WHERE name LIKE 'journey%' ORDER BY name LIMIT 2;
SELECT cdp.refresh_segments() \g /dev/null
SET cdp.test_clock = '2026-05-20 00:00+00';
SELECT cdp.refresh_segments() \g /dev/null
SET cdp.test_clock = '2026-06-01 12:00+00';
SELECT cdp.refresh_segments() \g /dev/null
SELECT count(*) > 10 AS compared, count(*) FILTER (WHERE profiles = counted) = count(*) AS alike, count(*) FILTER (WHERE was <> became) > 4 AS telling
FROM (SELECT coalesce(was.stage, 'none') AS was, coalesce(became.stage, 'none') AS became, count(*) AS counted
	FROM (SELECT * FROM expected WHERE as_of = '2026-05-10') AS was FULL JOIN (SELECT * FROM expected WHERE as_of = '2026-06-01 12:00+00') AS became USING (profile_id) GROUP BY 1, 2) AS counted
	FULL JOIN (SELECT coalesce(from_stage, 'none') AS was, coalesce(to_stage, 'none') AS became, profiles FROM cdp.journey_flow('2026-05-10')) AS flow USING (was, became);
SELECT since, time_in_stage, count(*) > 0 AS some FROM (SELECT DISTINCT profile_id FROM insight_test.cookie) AS every, cdp.journey_stage(profile_id) GROUP BY 1, 2 ORDER BY 1;
-- everybody is in one stage at most
SELECT count(*) FROM (SELECT profile_id FROM cdp.segment_member WHERE segment LIKE 'journey%' GROUP BY 1 HAVING count(*) > 1) AS twice;

-- an order moves its customer at once
SELECT cdp.ingest('web', '{"type": "page", "userId": "new", "messageId": "x1", "timestamp": "2026-05-31T00:00:00Z"}') AS profile \gset
SELECT stage, since FROM cdp.journey_stage(:profile);
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "new", "messageId": "x2", "timestamp": "2026-05-31T01:00:00Z"}') = :profile AS same;
SELECT stage, position, since FROM cdp.journey_stage(:profile, NULL);
SELECT * FROM cdp.journey_stage(:profile, '2026-05-01');

-- stages are rows: a new one takes from those before it, one less gives back
INSERT INTO cdp.journey_rule VALUES (70, 'fan', 'did(review, 30 days)');
UPDATE cdp.journey_rule SET stage = 'intent' WHERE stage = 'intending';
DELETE FROM cdp.journey_rule WHERE stage = 'loyal';
SELECT name, position FROM cdp.segment JOIN cdp.journey_rule USING (segment_id) ORDER BY position;
SELECT cdp.refresh_segments() \g /dev/null
SELECT cdp.ingest('web', '{"type": "track", "event": "review", "userId": "new", "messageId": "x3", "timestamp": "2026-05-31T02:00:00Z"}') = :profile AS same;
SELECT stage, position FROM cdp.journey_stage(:profile);
INSERT INTO cdp.journey_rule VALUES (80, 'odd', 'did(');
INSERT INTO cdp.journey_rule VALUES (80, 'odd', 'in_segment(''nowhere'')');
INSERT INTO cdp.journey_rule VALUES (80, 'odd', 'did(order, today) at time zone ''Asia/Tokyo''');
INSERT INTO cdp.journey_rule VALUES (80, 'Odd One', 'did(order)');
SELECT cdp.define_segment('fans', 'in_segment(''journey_fan'')') IS NOT NULL AS made;
DELETE FROM cdp.journey_rule WHERE stage = 'fan';
SELECT * FROM cdp.journey_flow('2026-06-01', '2026-05-01');
SELECT * FROM cdp.journey_flow(NULL);
SELECT * FROM cdp.journey_stage(4711);
DROP SCHEMA insight_test CASCADE;
