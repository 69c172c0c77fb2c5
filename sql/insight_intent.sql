-- What they intend to buy, against queries over what was sent.
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
\set seed 13
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CALL insight_test.make(40, 1500);

CREATE TEMP TABLE instants AS SELECT unnest('{2026-06-01 12:00+00,2026-05-21 00:00+00,2026-03-01 00:00+00}'::timestamptz[]) AS as_of;
CREATE TEMP TABLE carts AS
SELECT as_of, person, product, sum(quantity) AS quantity, min(at) AS since, (insight_test.catalog(product, as_of)).price
FROM (SELECT as_of, person, at, properties ->> 'product_id' AS product, (properties ->> 'quantity')::numeric AS quantity
	FROM instants, insight_test.sent
	WHERE event = 'cart_add' AND at < as_of AND at > coalesce((SELECT max(o.at) FROM insight_test.orders(as_of) AS o WHERE o.person = sent.person), '-infinity')) AS put
GROUP BY as_of, person, product;
CREATE TEMP TABLE looks AS
SELECT as_of, person, array_agg(product ORDER BY times DESC, last_at DESC, product COLLATE "C") AS considered
FROM (SELECT as_of, person, properties ->> 'product_id' AS product, count(*) AS times, min(at) AS first_at, max(at) AS last_at
	FROM instants JOIN insight_test.sent ON at < as_of AND at >= as_of - interval '14 days'
	WHERE event = 'product_view' GROUP BY 1, 2, 3 HAVING count(*) > 1) AS looked
WHERE NOT EXISTS (SELECT FROM insight_test.orders(as_of) AS o, insight_test.items(o.properties)
	WHERE o.person = looked.person AND item ->> 'product_id' = product AND o.at >= first_at)
GROUP BY as_of, person;
CREATE TEMP TABLE answered AS
SELECT as_of, person, profile_id, answer.* FROM instants, insight_test.person, cdp.intent(profile_id, as_of) AS answer;
SELECT count(*) > 90 AS compared, count(cart) BETWEEN 30 AND 80 AS carts, count(nullif(considered, '{}')) > 10 AS looked FROM answered;
SELECT answered.person, answered.as_of FROM answered
	LEFT JOIN (SELECT as_of, person, sum(quantity * price) AS value, min(since) AS since, jsonb_object_agg(product, quantity) AS put FROM carts GROUP BY 1, 2) AS cart USING (as_of, person)
	LEFT JOIN looks USING (as_of, person)
WHERE cart_value IS DISTINCT FROM value OR cart_since IS DISTINCT FROM since OR cart_age IS DISTINCT FROM justify_hours(as_of - since)
	OR (SELECT jsonb_object_agg(item ->> 'product_id', item -> 'quantity') FROM jsonb_array_elements(cart) AS item) IS DISTINCT FROM put
	OR answered.considered <> coalesce(looks.considered, '{}');

-- with a model of purchase counts: what it says of the purchases as of the instant
INSERT INTO cdp.model_version (model, version, as_of, status, customers, count_model)
VALUES ('churn', 77, '2026-06-01', 'converged', 40, '{"kind":"bgnbd","params":{"r":1.2,"alpha":4.4,"a":0.8,"b":2.4},"unit":"7 days"}');
UPDATE cdp.model SET version = 77 WHERE name = 'churn';
SELECT count(*) > 30 AS compared, count(DISTINCT order_30d) > 20 AS telling, count(next_order_low) > 20 AS lows, count(next_order_high) > 5 AS highs,
	bool_and(order_30d_by = 'churn' AND order_30d IS NOT DISTINCT FROM cdp.p_active(count_model, rfm, '30 days')
		AND next_order_at IS NOT DISTINCT FROM cdp.next_purchase_at(count_model, rfm) AND next_order_low <= coalesce(next_order_at, 'infinity')) AS alike
FROM cdp._customer_rfm('2026-06-01 12:00+00') AS customer JOIN insight_test.person USING (profile_id) CROSS JOIN cdp.intent(profile_id)
	JOIN cdp.model_version ON model = 'churn' AND version = 77 WHERE rfm IS NOT NULL;
-- and without one nothing
UPDATE cdp.model SET version = NULL WHERE name = 'churn';
SELECT count(order_30d), count(order_30d_by), count(next_order_at) FROM insight_test.person, cdp.intent(profile_id);
UPDATE cdp.model SET version = 77 WHERE name = 'churn';
-- a labelled model that has learnt is asked first; points are no probability
SELECT profile_id AS profile FROM answered ORDER BY person LIMIT 1 \gset
INSERT INTO cdp.profile_score AS kept (profile_id, as_of, scores) VALUES (:profile, '2026-06-01', '{"purchase_30d": {"value": 35}}')
ON CONFLICT (profile_id) DO UPDATE SET scores = excluded.scores;
SELECT order_30d_by FROM cdp.intent(:profile);
UPDATE cdp.profile_score SET scores = '{"purchase_30d": {"value": 0.125, "version": 1}}' WHERE profile_id = :profile;
SELECT order_30d_by, order_30d FROM cdp.intent(:profile);
-- but not about an instant before its score was made
SELECT order_30d_by FROM cdp.intent(:profile, '2026-05-31 12:00+00');

-- what is taken out is not in it, and a price without a rate is not known
INSERT INTO cdp.catalog (product_id, name, price, currency) VALUES ('far', 'From far', 10, 'USD');
SELECT cdp.ingest('web', jsonb_build_object('type', 'track', 'event', event, 'userId', 'new', 'messageId', 'x' || n, 'timestamp', format('2026-05-%sT12:00:00Z', 9 + n),
	'properties', properties)) IS NOT NULL AS taken
FROM (VALUES (1, 'cart_add', '{"product_id": "p1", "quantity": 3}'::jsonb), (2, 'cart_remove', '{"product_id": "p1"}'), (3, 'cart_add', '{"product_id": "p2"}'),
	(4, 'cart_remove', '{"product_id": "p2", "quantity": 1}'), (5, 'cart_add', '{"product_id": "far"}')) AS sent (n, event, properties);
SELECT cdp.find_profile('user_id', 'new') AS profile \gset
SELECT cart, cart_value, cart_since, cart_age, considered, order_30d, next_order_at FROM cdp.intent(:profile);
INSERT INTO cdp.exchange_rate VALUES ('USD', '2026-01-01', 0.5);
SELECT cart_value FROM cdp.intent(:profile);
SELECT cart, cart_value, cart_since FROM cdp.intent(:profile, '2026-05-10 12:00+00');
SELECT * FROM cdp.intent(NULL);
DROP SCHEMA insight_test CASCADE;
