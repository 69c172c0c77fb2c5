-- Events and products of timelines, in C, against the same of the log by SQL.
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
	'timestamp', timestamptz '2026-03-01 00:00+00' + n / 3 * interval '5 days', 'properties', properties)::text
FROM unnest('{order,search,return,page_view}'::text[]) AS event, unnest('{web,till}'::text[]) AS source, unnest(ARRAY[
	'{"order_id": "R1"}', '{"order_id": "R1", "total": 1}', '{"order_id": "R1", "category": ""}', '{"order_id": "R1"}', '{"order_id": "R1"}',
	'{"order_id": "R1", "product_id": "p9"}', '{"order_id": "R1", "category": "c9"}', '{"order_id": "R1", "products": [{"product_id": "p9"}]}',
	'{"products": []}', '{"products": [], "category": "c1"}', '{"products": [], "product_id": "p1"}', '{"products": {"product_id": "p2"}, "category": "c2"}',
	'{"products": ["x", 1, null, [1], {"product_id": 5}, {"product_id": ""}, {"category": "c1"}, {"product_id": true}, {"product_id": "p3", "category": {"a": 1}, "name": ["n"], "price": "4.50", "quantity": 2}]}',
	'{"products": [{"category": "c1"}, {"name": "nothing"}], "product_id": "p8", "category": "c8"}', '{"products": [[{"product_id": "p9"}]]}', '{"products": [{"product_id": null}]}',
	'{"products": [{"product_id": ""}], "product_id": "p8"}', '{"products": {"product_id": ["p1", "p2"], "category": ["c1"]}}', '{"products.product_id": ["p3", 7.50], "products.quantity": [null, 2]}',
	'{"products.product_id": "x", "products": [{"product_id": "p1", "category": "c1"}]}', '{"products.category": "sale", "products": [{"product_id": "p1", "category": "c1"}, {"product_id": 4.0}]}', '{"products": "p1", "quantity": "3", "product_id": "p2"}',
	'{"product_id": 7.50, "category": 3, "name": false}', '{"product_id": {"a": 1}, "category": "c4"}', '{"product_id": null, "category": ""}', '{}',
	'{"order_id": 4711, "product_id": "p4", "currency": "EUR", "price": 3}', '{"order_id": 4711, "product_id": "p5"}', '{"order_id": "", "product_id": "p6"}', '{"return_id": "r1", "product_id": "p7"}'
	]::jsonb[]) WITH ORDINALITY AS odd (properties, n);
CALL cdp.merge();
UPDATE cdp.source SET priority = 1 WHERE name = 'till';

-- each order and return once, as of two instants; of those that are alike but for what they are
-- about, that one which timelines have first
CREATE TEMP TABLE logged AS
SELECT as_of, owner.profile_id, event.event_id, event.name::text, event.occurred_at::timestamptz AS at, event.source_id, event.amount::numeric, event.properties, source.priority,
	nullif(event.properties ->> CASE event.name WHEN 'order' THEN 'order_id' WHEN 'return' THEN 'return_id' END, '') AS key
FROM unnest('{2026-06-01 12:00+00,2026-04-28 00:00+00}'::timestamptz[]) AS as_of, cdp.event JOIN cdp._set_profile AS owner USING (set_id) JOIN cdp.source USING (source_id)
WHERE event.occurred_at < as_of;
CREATE TEMP TABLE once AS
SELECT * FROM (
	SELECT *, rank() OVER (PARTITION BY as_of, profile_id, name, key, CASE WHEN key IS NULL THEN event_id END
		ORDER BY priority DESC, at, source_id, amount) AS place
	FROM logged) AS ranked WHERE place = 1;
CREATE TEMP TABLE told AS
SELECT as_of, profile_id, event.*
FROM (SELECT DISTINCT as_of, profile_id FROM logged) AS asked,
	cdp._own_events(profile_id, as_of, (SELECT array_agg(name::text) FROM cdp.event_name), property => 'quantity') AS event;
SELECT count(*) > 1500 AS compared, count(business_key) > 200 AS keyed, count(said) > 20 AS said,
	(SELECT count(*) FROM logged) - count(*) > 50 AS lost FROM told;
-- several that are alike are one
SELECT count(*) AS missing FROM (SELECT DISTINCT as_of, profile_id, name, source_id, at, amount, key FROM once EXCEPT
	SELECT as_of, profile_id, name, source_id, occurred_at, amount, business_key FROM told) AS missing;
SELECT count(*) AS beyond FROM (SELECT as_of, profile_id, name, source_id, occurred_at, amount, business_key FROM told EXCEPT
	SELECT as_of, profile_id, name, source_id, at, amount, key FROM once) AS beyond;
SELECT count(*) AS twice FROM (SELECT 1 FROM told WHERE business_key IS NOT NULL GROUP BY as_of, profile_id, name, business_key HAVING count(*) > 1) AS twice;
SELECT count(*) AS differ FROM (SELECT as_of, profile_id, name, count(*) FROM told WHERE business_key IS NULL GROUP BY 1, 2, 3 EXCEPT ALL
	SELECT as_of, profile_id, name, count(*) FROM once WHERE key IS NULL GROUP BY 1, 2, 3) AS differ;

-- their products are those of one of the events that are alike; a number has no zeros at its end
CREATE TEMP TABLE found AS
SELECT as_of, profile_id, product.*
FROM (SELECT DISTINCT as_of, profile_id FROM logged) AS asked,
	cdp._timeline_products(cdp._own_chunks(profile_id, '{}', '-infinity'), cdp._question_of((SELECT array_agg(name::text) FROM cdp.event_name)), '-infinity', as_of) AS product;
CREATE TEMP TABLE expected AS
SELECT as_of, profile_id, name, at, source_id, key, event_id, item.position::integer, nullif(item.product_id, '') AS product_id,
	nullif(item.product ->> 'category', '') AS category, nullif(item.product -> 'quantity', 'null') AS quantity
FROM once, cdp._product_items(properties) AS item
WHERE item.product_id <> '' OR item.product ->> 'category' <> '' AND item.product = properties;
SELECT count(*) > 1500 AS compared, count(*) FILTER (WHERE position > 1) > 100 AS lists, count(*) FILTER (WHERE product_id IS NULL) > 20 AS categories,
	count(quantity) > 200 AS quantities, count(DISTINCT date_trunc('month', at)) > 5 AS months FROM expected;
SELECT count(*) AS missing FROM (SELECT as_of, profile_id, name, at, source_id, position, product_id, category, quantity FROM expected WHERE key IS NULL EXCEPT ALL
	SELECT as_of, profile_id, name, occurred_at, source_id, position, product_id, category, quantity FROM found JOIN cdp.event_name USING (name_id)) AS missing
WHERE (as_of, profile_id, name, at, source_id) NOT IN (SELECT as_of, profile_id, name, at, source_id FROM once WHERE key IS NOT NULL);
SELECT count(*) AS beyond FROM (SELECT as_of, profile_id, name, occurred_at, source_id, position, product_id, category, quantity FROM found JOIN cdp.event_name USING (name_id) EXCEPT ALL
	SELECT as_of, profile_id, name, at, source_id, position, product_id, category, quantity FROM expected) AS beyond;
SELECT count(*) AS missing FROM (SELECT as_of, profile_id, name, at, source_id, position, product_id, category, quantity FROM expected WHERE key IS NOT NULL
	AND (as_of, profile_id, name, key) IN (SELECT as_of, profile_id, name, key FROM once GROUP BY 1, 2, 3, 4 HAVING count(*) = 1) EXCEPT ALL
	SELECT as_of, profile_id, name, occurred_at, source_id, position, product_id, category, quantity FROM found JOIN cdp.event_name USING (name_id)) AS missing;
-- from an instant on: the report that counts may be from before, and then there is none
SELECT count(*) AS differ FROM (
	(SELECT as_of, profile_id, name, source_id, occurred_at, business_key FROM told WHERE occurred_at >= '2026-04-10' EXCEPT ALL
	SELECT as_of, asked.profile_id, event.name, event.source_id, event.occurred_at, event.business_key FROM (SELECT DISTINCT as_of, profile_id FROM logged) AS asked,
		cdp._own_events(profile_id, as_of, (SELECT array_agg(name::text) FROM cdp.event_name), '2026-04-10') AS event)) AS differ;
-- all profiles are each of them
CREATE TEMP TABLE every AS SELECT profile_id, occurred_at, product_id, category, (cdp._typed_trait(quantity, 'number') #>> '{}')::numeric AS quantity
FROM cdp._all_products('{order}', '2026-06-01 12:00');
CREATE TEMP TABLE one AS SELECT asked.profile_id, product.occurred_at, product.product_id, product.category, product.quantity
FROM (SELECT DISTINCT profile_id FROM logged) AS asked, cdp._own_products(profile_id, '2026-06-01 12:00', '{order}') AS product;
SELECT (SELECT count(*) FROM every) > 200 AS compared, count(*) AS differ
FROM ((TABLE every EXCEPT ALL TABLE one) UNION ALL (TABLE one EXCEPT ALL TABLE every)) AS differ;

-- asked by products, a report that tells any counts before those that tell none
CREATE TEMP TABLE richest AS
SELECT * FROM (
	SELECT *, rank() OVER (PARTITION BY as_of, profile_id, name, key ORDER BY NOT (cdp._event_property(properties, 'products.product_id') IS NOT NULL
			OR coalesce(properties ->> 'product_id', '') <> '' OR coalesce(properties ->> 'category', '') <> ''), priority DESC, at, source_id, amount) AS place
	FROM logged WHERE key IS NOT NULL) AS ranked WHERE place = 1;
CREATE TEMP TABLE told_richest AS
SELECT as_of, profile_id, event.* FROM (SELECT DISTINCT as_of, profile_id FROM logged) AS asked,
	cdp._own_events(profile_id, as_of, '{order,return}', by_products => true) AS event WHERE business_key IS NOT NULL;
SELECT (SELECT count(*) FROM richest AS r JOIN once USING (as_of, profile_id, name, key) WHERE r.event_id <> once.event_id) > 0 AS telling, count(*) AS differ
FROM ((SELECT DISTINCT as_of, profile_id, name, key, at, source_id, amount FROM richest EXCEPT SELECT as_of, profile_id, name, business_key, occurred_at, source_id, amount FROM told_richest)
	UNION ALL (SELECT as_of, profile_id, name, business_key, occurred_at, source_id, amount FROM told_richest EXCEPT SELECT as_of, profile_id, name, key, at, source_id, amount FROM richest)) AS differ;
-- a till that counts repeats an order of the shop without its lines
UPDATE cdp.source SET priority = 1000 WHERE name = 'till';
SELECT cdp.ingest(source, jsonb_build_object('type', 'track', 'event', 'order', 'userId', 'lines', 'messageId', source || properties, 'timestamp', at, 'properties', properties::jsonb)) > 0 AS stored
FROM (VALUES ('web', '2026-05-01', '{"order_id": "L1", "total": 9, "products": [{"product_id": "l1", "name": "Lamp", "price": 9}, {"product_id": "l2"}]}'),
	('till', '2026-05-02', '{"order_id": "L1", "total": 9}'), ('till', '2026-05-03', '{"order_id": "L2", "total": 1}')) AS v (source, at, properties);
CALL cdp.merge();
SELECT kind, item, name FROM cdp.interests(cdp.find_profile('user_id', 'lines'));
SELECT order_key, occurred_at, amount, product_id, product_name, price FROM cdp.previous_purchase(cdp.find_profile('user_id', 'lines'));
-- a name for each of a thousand products of one instant
SELECT cdp.ingest('web', jsonb_build_object('type', 'track', 'event', 'order', 'userId', 'many', 'messageId', 'many', 'timestamp', '2026-05-01', 'properties',
	jsonb_build_object('order_id', 'M', 'products', (SELECT jsonb_agg(jsonb_build_object('product_id', 'm' || n, 'name', 'M' || n)) FROM generate_series(1, 1000) AS n)))) > 0 AS stored;
SELECT count(*), count(name) FROM cdp.interests(cdp.find_profile('user_id', 'many'));

-- nothing asked for, nothing there, and what is no question
SELECT count(*) FROM cdp._timeline_told('{}', cdp._question_of('{order}'), '-infinity', 'infinity');
SELECT count(*) FROM cdp._timeline_products(cdp._own_chunks((SELECT min(profile_id) FROM logged), '{}', '-infinity'), cdp._question_of('{}'), '-infinity', 'infinity');
\set VERBOSITY terse
SELECT count(*) FROM cdp._timeline_told('{}', NULL::cdp._question, '-infinity', 'infinity');
SELECT count(*) FROM cdp._timeline_told('{}', (NULL, NULL, NULL, NULL, NULL, NULL, NULL)::cdp._question, '-infinity', 'infinity');
SELECT count(*) FROM cdp._timeline_told('{}', ('{2,1}', '{0,0}', '{}', '{}', '{0,0,0,0,0,0}', 0, false)::cdp._question, '-infinity', 'infinity');
SELECT count(*) FROM cdp._timeline_told('{}', ('{1,2}', '{0}', '{}', '{}', '{0,0,0,0,0,0}', 0, false)::cdp._question, '-infinity', 'infinity');
SELECT count(*) FROM cdp._timeline_told('{}', ('{1,2}', '{0,256}', '{}', '{}', '{0,0,0,0,0,0}', 0, false)::cdp._question, '-infinity', 'infinity');
SELECT count(*) FROM cdp._timeline_told('{}', ('{1,NULL}', '{0,0}', '{}', '{}', '{0,0,0,0,0,0}', 0, false)::cdp._question, '-infinity', 'infinity');
SELECT count(*) FROM cdp._timeline_products('{}', ('{1,2}', '{0,0}', '{}', '{}', '{0,0,0}', 0, false)::cdp._question, '-infinity', 'infinity');
SELECT count(*) FROM cdp._timeline_interest('{}', ('{1,2}', '{0,0}', '{}', '{}', '{0,0,0,0,0,0}', 0, false)::cdp._question, '{1}', '{1,2}', 'infinity');
SELECT count(*) FROM cdp._timeline_told('{NULL}', cdp._question_of('{order}'), '-infinity', 'infinity');
DROP SCHEMA insight_test CASCADE;
