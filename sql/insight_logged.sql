-- The products of events of the log, found in C, against the same by SQL.
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
\set seed 31
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CALL insight_test.make(30, 1200);
-- properties of every shape, some at one instant and of several sources
INSERT INTO cdp.inbox (source, record)
SELECT source, jsonb_build_object('type', 'track', 'event', event, 'messageId', format('odd-%s-%s-%s', n, event, source), 'userId', 'u' || 1 + n % 5,
	'timestamp', timestamptz '2026-03-01 00:00+00' + n / 3 * interval '20 days', 'properties', properties)::text
FROM unnest('{order,search,return}'::text[]) AS event, unnest('{web,till}'::text[]) AS source, unnest(ARRAY[
	'{"products": []}', '{"products": [], "category": "c1"}', '{"products": [], "product_id": "p1"}', '{"products": {"product_id": "p2"}, "category": "c2"}',
	'{"products": ["x", 1, null, [1], {"product_id": 5}, {"product_id": ""}, {"category": "c1"}, {"product_id": true}, {"product_id": "p3", "category": {"a": 1}, "name": ["n"], "price": "4.50", "quantity": 2}]}',
	'{"product_id": 7.50, "category": 3, "name": false}', '{"product_id": {"a": 1}, "category": "c4"}', '{"product_id": null, "category": ""}', '{}',
	'{"order_id": 4711, "product_id": "p4", "currency": "EUR", "price": 3}', '{"order_id": 4711, "product_id": "p5"}', '{"order_id": "", "product_id": "p6"}', '{"return_id": "r1", "product_id": "p7"}'
	]::jsonb[]) WITH ORDINALITY AS odd (properties, n);
CALL cdp.merge();

-- every event of every profile is asked for, twice, in no order; and some that there are not
CREATE TEMP TABLE logged AS
SELECT owner.profile_id, event.event_id, event.name::text, event.occurred_at::timestamptz AS at, event.source_id, event.set_id, event.properties, event.currency,
	CASE event.name WHEN 'order' THEN 'order_id' WHEN 'return' THEN 'return_id' END AS key_property,
	nullif(event.properties ->> CASE event.name WHEN 'order' THEN 'order_id' WHEN 'return' THEN 'return_id' END, '') AS key
FROM cdp.event JOIN cdp._set_profile AS owner USING (set_id);
CREATE TEMP TABLE found AS
SELECT asked.profile_id, product.*
FROM (
	SELECT profile_id, array_agg(DISTINCT set_id) AS sets, array_agg(name ORDER BY r) AS names, array_agg(at + later ORDER BY r) AS times, array_agg(source_id ORDER BY r) AS sources,
		array_agg(key ORDER BY r) AS keys, array_agg(key_property ORDER BY r) AS key_properties
	FROM (SELECT logged.*, later, random() AS r FROM logged, unnest('{0,0,1 ms,50 years}'::interval[]) AS later) AS mixed GROUP BY profile_id) AS asked
	CROSS JOIN LATERAL cdp._logged_products(sets, names, times, sources, keys, key_properties) AS product;
CREATE TEMP TABLE expected AS
SELECT profile_id, name, at, key, currency, item.position::integer, nullif(item.product_id, '') AS product_id, item.product ->> 'name' AS product_name,
	nullif(item.product ->> 'category', '') AS category, item.product -> 'quantity' AS quantity, item.product -> 'price' AS price
FROM (SELECT DISTINCT ON (profile_id, name, at, source_id, key, CASE WHEN key IS NULL THEN event_id END) * FROM logged
	ORDER BY profile_id, name, at, source_id, key, CASE WHEN key IS NULL THEN event_id END, event_id) AS once, cdp._product_items(properties) AS item
WHERE item.product_id <> '' OR item.product ->> 'category' <> '' AND jsonb_typeof(properties -> 'products') IS DISTINCT FROM 'array';
SELECT count(*) > 1200 AS compared, count(key) > 300 AS keyed, count(*) FILTER (WHERE position > 1) > 100 AS lists, count(price) > 5 AS priced, count(DISTINCT date_trunc('month', at)) > 5 AS months FROM expected;
SELECT count(*) AS missing FROM (SELECT * FROM expected EXCEPT ALL SELECT * FROM found) AS missing;
SELECT count(*) AS beyond FROM (SELECT * FROM found EXCEPT ALL SELECT * FROM expected) AS beyond;
-- an order that two sources report with one key at one time is two events of the log, and each was asked for
SELECT product_id, key, count(*) FROM expected WHERE key IN ('4711', 'r1') GROUP BY 1, 2 ORDER BY 1, 2;

-- of nobody's sets, of nothing
SELECT count(*) FROM cdp._logged_products('{}', '{order}', '{2026-03-01}', '{1}', '{NULL}', '{order_id}');
SELECT count(*) FROM cdp._logged_products('{1}', '{}', '{}', '{}', '{}', '{}');
SELECT count(*) FROM cdp._logged_products('{1}', '{order}', '{}', '{}', '{}', '{}');
-- who may not read the log
CREATE ROLE insight_stranger;
GRANT USAGE ON SCHEMA cdp TO insight_stranger;
SET ROLE insight_stranger;
SELECT count(*) FROM cdp._logged_products('{1}', '{order}', '{2026-03-01}', '{1}', '{NULL}', '{order_id}');
RESET ROLE;
REVOKE USAGE ON SCHEMA cdp FROM insight_stranger;
DROP ROLE insight_stranger;
DROP SCHEMA insight_test CASCADE;
