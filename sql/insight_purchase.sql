-- What they bought before the current purchase, against a query over what was sent.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
\set shop :abs_srcdir '/test/data/insight_shop.sql'
\set ECHO none
\i :shop
\set ECHO all
\set seed 11
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CALL insight_test.make(40, 1500);
SELECT count(*) > 30 AS people, count(*) FILTER (WHERE merged > 1) > 20 AS merged
FROM (SELECT person.profile_id, count(*) AS merged FROM insight_test.person
	JOIN cdp.profile ON profile.root = person.profile_id GROUP BY 1) AS profiles;

CREATE TEMP TABLE expected AS
WITH ranked AS (
	SELECT as_of, orders.*, row_number() OVER newest AS place, lag(at) OVER newest AS current_at
	FROM unnest('{2026-06-01 12:00+00,2026-05-25 00:00+00,2026-02-01 00:00+00}'::timestamptz[]) AS as_of, insight_test.orders(as_of)
	WINDOW newest AS (PARTITION BY as_of, person ORDER BY at DESC)
)
SELECT as_of, person, ranked.properties ->> 'order_id' AS order_key, at AS occurred_at, amount, current_at,
	item ->> 'product_id' AS product_id, coalesce(known.name, item ->> 'name') AS product_name,
	coalesce(known.category, item ->> 'category') AS category, (item ->> 'quantity')::numeric AS quantity, NULL::numeric AS price, NULL AS currency
FROM ranked, insight_test.items(ranked.properties) LEFT JOIN insight_test.catalog(item ->> 'product_id', at) AS known ON true WHERE ranked.place = 2;
CREATE TEMP TABLE answered AS
SELECT as_of, person, answer.*
FROM insight_test.person, (SELECT DISTINCT as_of FROM expected) AS instants, cdp.previous_purchase(profile_id, as_of) AS answer;
SELECT count(*) > 100 AS compared, count(DISTINCT product_id) > 15 AS telling FROM expected JOIN insight_test.person USING (person);
(SELECT 'missing', expected.* FROM expected JOIN insight_test.person USING (person) EXCEPT ALL SELECT 'missing', answered.* FROM answered)
UNION ALL (SELECT 'wrong', answered.* FROM answered EXCEPT ALL SELECT 'wrong', expected.* FROM expected);

-- an id that was merged leads to the same answer
SELECT count(*) > 20 AS compared, count(*) FILTER (WHERE one IS DISTINCT FROM other) AS differ
FROM (SELECT ARRAY(SELECT row_to_json(answer)::text FROM cdp.previous_purchase(profile_id) AS answer) AS one,
		ARRAY(SELECT row_to_json(answer)::text FROM cdp.previous_purchase(root) AS answer) AS other
	FROM cdp.profile WHERE profile_id <> root) AS asked;

-- nobody, and somebody with one order that names no product
SELECT * FROM cdp.previous_purchase(NULL);
SELECT * FROM cdp.previous_purchase(4711);
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "new", "messageId": "x1", "timestamp": "2026-05-01", "properties": {"total": 5}}') AS profile \gset
SELECT count(*) FROM cdp.previous_purchase(:profile);
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "new", "messageId": "x2", "timestamp": "2026-05-02", "properties": {"total": 6}}') = :profile AS same;
SELECT * FROM cdp.previous_purchase(:profile);
-- NULL is now; the instant itself is not seen
SELECT occurred_at FROM cdp.previous_purchase(:profile, NULL);
SELECT occurred_at FROM cdp.previous_purchase(:profile, '2026-05-02');
-- a key may be a number of any form, or be told anew; of two orders at one instant
-- each has its own products
SELECT cdp.ingest('web', jsonb_build_object('type', 'track', 'event', 'order', 'userId', 'odd', 'messageId', at || properties, 'timestamp', at, 'properties', properties::jsonb)) > 0 AS stored
FROM (VALUES ('2026-05-01', '{"order_id": 4711.0, "total": 1, "products": [{"product_id": "p1"}, {"product_id": 7.50}]}'), ('2026-05-01T06:00:00Z', '{"total": 5}'),
	('2026-05-02', '{"total": 2, "product_id": "p2"}'), ('2026-05-02', '{"total": 3, "product_id": "p3"}'), ('2026-05-03', '{"order_id": "last", "total": 4}')) AS v (at, properties);
SELECT as_of, order_key, amount, product_id FROM unnest('{2026-05-02,2026-05-03,2026-05-04}'::timestamptz[]) AS as_of,
	cdp.previous_purchase(cdp.find_profile('user_id', 'odd'), as_of);
DROP SCHEMA insight_test CASCADE;
