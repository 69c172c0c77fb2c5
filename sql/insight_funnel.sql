-- Funnels over predicates, best sellers and duplicate contacts, against oracles
-- over plain tables.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
SELECT cdp.add_source('crm', priority => 300), cdp.add_source('shop') \g /dev/null
\set seed 0.3183
SELECT setseed(:seed) AS "seed 0.3183";
CREATE TEMP TABLE told AS
SELECT n, 'u' || 10 + (random() * 79)::integer AS person,
	date_trunc('milliseconds', timestamptz '2026-06-02' - make_interval(secs => 86400 * 60 * random())) AS at,
	(ARRAY['product_view', 'cart_add', 'order', 'page_view'])[1 + (random() * 3)::integer] AS event,
	'p' || (random() * 9)::integer AS product, 1 + (random() * 3)::integer AS quantity
FROM generate_series(1, 1200) AS n;
SELECT outcome, count(*) FROM cdp.ingest_batch('shop', (
	SELECT jsonb_agg(jsonb_build_object('type', 'track', 'event', event, 'userId', person, 'messageId', n::text,
		'timestamp', to_json(at), 'properties', jsonb_build_object('product_id', product, 'quantity', quantity,
			'order_id', CASE event WHEN 'order' THEN n END, 'name', 'Name ' || product))) FROM told)) GROUP BY 1;
SELECT cdp.ingest('crm', jsonb_build_object('type', 'identify', 'userId', 'u' || n, 'messageId', 'who' || n, 'timestamp', '2025-01-01',
	'traits', jsonb_build_object('region', (ARRAY['north', 'south'])[1 + n % 2], 'country', CASE WHEN n % 3 > 0 THEN 'DE' END)))
FROM generate_series(10, 89) AS n \g /dev/null

-- each stage after the one before, within the window
CREATE TEMP TABLE way AS
SELECT person, viewed.at AS viewed, added.at AS added, ordered.at AS ordered
FROM (SELECT DISTINCT person FROM told) AS one
LEFT JOIN LATERAL (SELECT min(at) AS at FROM told WHERE told.person = one.person AND event = 'product_view'
	AND at >= timestamptz '2026-06-01 12:00' - interval '20 days' AND at < '2026-06-01 12:00') AS viewed ON true
LEFT JOIN LATERAL (SELECT min(at) AS at FROM told WHERE told.person = one.person AND event = 'cart_add' AND quantity >= 2
	AND at > viewed.at AND at < '2026-06-01 12:00') AS added ON true
LEFT JOIN LATERAL (SELECT min(at) AS at FROM told WHERE told.person = one.person AND event = 'order'
	AND at > added.at AND at < '2026-06-01 12:00') AS ordered ON true;
WITH expected AS (
	SELECT 1 AS step, count(viewed) AS reached, NULL::interval AS took FROM way
	UNION ALL SELECT 2, count(added), percentile_cont(0.5) WITHIN GROUP (ORDER BY added - viewed) FROM way
	UNION ALL SELECT 3, count(ordered), percentile_cont(0.5) WITHIN GROUP (ORDER BY ordered - added) FROM way
)
SELECT count(*) AS steps, bool_and(told.reached = expected.reached
	AND told.median_time IS NOT DISTINCT FROM expected.took) AS equal, min(told.reached) > 5 AS enough
FROM cdp.funnel(ARRAY['did(product_view)', 'did(cart_add where quantity >= 2)', 'did(order)']::cdp.predicate[], '20 days') AS told
JOIN expected USING (step);
-- conditions on the person are asked as of today, and a count waits for its last event
SELECT step, stage, reached = (ARRAY[
	(SELECT count(*) FROM generate_series(10, 89) AS n WHERE n % 2 = 0),
	(SELECT count(*) FROM (SELECT FROM told WHERE event = 'order' AND substr(person, 2)::integer % 2 = 0 AND at < '2026-06-01 12:00'
		AND at >= '2026-04-22 12:00' GROUP BY person HAVING count(*) >= 3) AS three)])[step] AS equal, conversion = of_first AS same
FROM cdp.funnel(ARRAY['region = ''north''', 'count(order) >= 3']::cdp.predicate[], '40 days');
SELECT * FROM cdp.funnel('{}'::cdp.predicate[]);
SELECT * FROM cdp.funnel(ARRAY[NULL]::cdp.predicate[]);
SELECT * FROM cdp.funnel(ARRAY['did(order where coupon = 1)']::cdp.predicate[]);
SELECT * FROM cdp.funnel(ARRAY['did(order)']::cdp.predicate[], '0');
SELECT step, reached, conversion, of_first FROM cdp.funnel(ARRAY['did(nothing)', 'did(order)']::cdp.predicate[]);

-- best sellers: one order that two sources report is one
SELECT cdp.ingest('crm', jsonb_build_object('type', 'track', 'event', 'order', 'userId', person, 'messageId', 'again' || n,
	'timestamp', to_json(at), 'properties', jsonb_build_object('product_id', product, 'quantity', quantity, 'order_id', n)))
FROM told WHERE event = 'order' AND n % 5 = 0 \g /dev/null
WITH expected AS (
	SELECT *, row_number() OVER (PARTITION BY place ORDER BY units DESC, orders DESC, product) AS rank
	FROM (SELECT (ARRAY['north', 'south'])[1 + substr(person, 2)::integer % 2] AS place, product,
			sum(quantity) AS units, count(*) AS orders, count(DISTINCT person) AS customers
		FROM told WHERE event = 'order' AND at >= timestamptz '2026-06-01 12:00' - interval '30 days' AND at < '2026-06-01 12:00' GROUP BY 1, 2
		HAVING count(DISTINCT person) >= 10) AS sold
)
SELECT count(*) AS rows, bool_and((told.product_id, told.units, told.orders, told.customers)
	= (expected.product, expected.units, expected.orders, expected.customers)) AS equal
FROM cdp.best_sellers('30 days', 4) AS told FULL JOIN (SELECT * FROM expected WHERE rank <= 4) AS expected USING (place, rank);
SELECT DISTINCT place FROM cdp.best_sellers('30 days', 1, 'country') ORDER BY 1;
SELECT * FROM cdp.best_sellers('30 days', 4, 'email');
UPDATE cdp.trait SET strict = false WHERE name = 'region';
SELECT * FROM cdp.best_sellers('30 days', 4);
UPDATE cdp.trait SET strict = true WHERE name = 'region';
SELECT * FROM cdp.best_sellers('30 days', 0);
SELECT count(*) FROM cdp.best_sellers('1 day', 4, as_of => '2020-01-01');
-- NULL is now
SELECT count(*) AS rows FROM cdp.best_sellers('30 days', 4, as_of => NULL) AS told
JOIN cdp.best_sellers('30 days', 4) AS same USING (place, rank, product_id, units);

-- duplicates: two contacts of one CRM with one address
SELECT cdp.ingest('crm', record::jsonb) IS NOT NULL AS stored FROM (VALUES
	('{"type": "identify", "messageId": "d1", "timestamp": "2026-01-01", "externalIds": [{"type": "crm_id", "id": "A1"}], "traits": {"phone": "+49301234567", "city": "Bonn", "title": "Dr"}}'),
	('{"type": "identify", "messageId": "d2", "timestamp": "2026-01-02", "externalIds": [{"type": "crm_id", "id": "A2"}], "traits": {"last_name": "Berg", "city": "Koeln"}}'),
	('{"type": "identify", "messageId": "d3", "timestamp": "2026-01-03", "externalIds": [{"type": "crm_id", "id": "A1"}, {"type": "crm_id", "id": "A2"}]}'),
	('{"type": "track", "event": "order", "messageId": "d4", "timestamp": "2026-01-04", "externalIds": [{"type": "crm_id", "id": "A2"}], "properties": {"total": 5}}')) AS v (record);
CALL cdp.merge();
SELECT source, survivor_crm_id, other_crm_id, survivor_profile_id = cdp.find_profile('crm_id', 'A2', 'crm') AS survivor,
	other_profile_id = cdp.find_profile('crm_id', 'A1', 'crm') AS other, filled_fields, evidence, records FROM cdp.crm_duplicate;
-- a steward who knows better ends it, either way
SELECT cdp.decide('crm_id:crm/A1', 'crm_id:crm/A2', 'always', 'asked') AS decision \gset
CALL cdp.merge();
SELECT count(*) FROM cdp.crm_duplicate;
SELECT cdp.undecide(:decision, 'mistaken'), cdp.decide('crm_id:crm/A1', 'crm_id:crm/A2', 'never', 'twins') \g /dev/null
CALL cdp.merge();
SELECT count(*) FROM cdp.crm_duplicate;
-- two contacts with one address, which is therefore no key; of a mailbox of many nothing follows
SELECT cdp.ingest('crm', jsonb_build_object('type', 'identify', 'messageId', 's' || id, 'timestamp', '2026-02-01',
	'externalIds', jsonb_build_array(jsonb_build_object('type', 'crm_id', 'id', id)), 'traits', jsonb_build_object('email', mail)))
FROM (VALUES ('B1', 'bo@example.com'), ('B2', 'bo@example.com'), ('C1', 'all@example.com'), ('C2', 'all@example.com'),
	('C3', 'all@example.com'), ('C4', 'all@example.com'), ('C5', 'all@example.com'), ('C6', 'all@example.com')) AS v (id, mail) \g /dev/null
CALL cdp.merge();
SELECT survivor_crm_id, other_crm_id, filled_fields, evidence FROM cdp.crm_duplicate;
SELECT cdp.decide('crm_id:crm/B1', 'crm_id:crm/B2', 'never', 'married') \g /dev/null
CALL cdp.merge();
SELECT count(*) FROM cdp.crm_duplicate;
