-- The products of events, joined with the catalogue of their time.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
-- plain types only, for tools of every kind
SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) AS columns
FROM pg_attribute WHERE attrelid = 'cdp.event_product'::regclass AND attnum > 0 \gx

SELECT cdp.add_source('shop') \g /dev/null
INSERT INTO cdp.exchange_rate VALUES ('USD', '2020-01-01', 0.5);
CREATE FUNCTION pg_temp.happened(message text, at text, properties jsonb) RETURNS bigint LANGUAGE sql AS $$
	SELECT cdp.ingest('shop', jsonb_build_object('type', 'track', 'event', 'seen', 'userId', 'u1',
		'messageId', message, 'timestamp', at, 'properties', properties)) $$;
-- without a catalogue the event speaks for itself
SELECT pg_temp.happened('own', '2026-05-01', '{"product_id": "tea", "name": "Assam", "category": "leaf", "price": 9.9, "quantity": 2, "currency": "USD"}');
SELECT * FROM cdp.event_product;

-- the price changes at an instant: each event has the row of its time, and the
-- instant belongs to the new one; a gap and the time before have none
INSERT INTO cdp.catalog (product_id, name, category, price, currency, valid_from, valid_to) VALUES
	('tea', 'Assam 250 g', NULL, 10, 'EUR', '2026-05-02', '2026-05-03'),
	('tea', 'Assam 250 g', 'tea', 11, NULL, '2026-05-03', '2026-05-04'),
	('tea', 'Assam, new', 'tea', NULL, 'EUR', '2026-05-05', NULL);
SELECT pg_temp.happened(at, at, '{"product_id": "tea", "name": "own", "category": "own", "price": 7, "currency": "USD"}')
FROM unnest('{2026-05-01T23:59:59.999Z,2026-05-02T00:00:00Z,2026-05-02T23:59:59.999Z,2026-05-03T00:00:00Z,2026-05-04T00:00:00Z,2026-05-05T00:00:00Z}'::text[]) AS at \g /dev/null
SELECT occurred_at, price, currency, product_name, category, list_price, list_currency
FROM cdp.event_product WHERE product_name <> 'Assam' ORDER BY occurred_at;
-- where rows overlap the later one counts, and an event is never doubled
UPDATE cdp.catalog SET valid_to = NULL;
SELECT occurred_at, product_name, list_price FROM cdp.event_product WHERE product_name <> 'Assam' ORDER BY occurred_at;
-- a row without a date holds for ever, and there is one of these
INSERT INTO cdp.catalog (product_id, name) VALUES ('cup', 'Cup'), ('4711', 'Soap');
INSERT INTO cdp.catalog (product_id, name) VALUES ('cup', 'Mug');
INSERT INTO cdp.catalog (product_id, valid_from, valid_to) VALUES ('cup', '2026-05-01', '2026-05-01');
\set VERBOSITY terse
INSERT INTO cdp.catalog (product_id, price) VALUES ('less than nothing', -1);
INSERT INTO cdp.catalog (product_id, price) VALUES ('nothing to count', 'NaN');
INSERT INTO cdp.catalog (product_id, stock) VALUES ('lent', -1);
\set VERBOSITY default

-- a list has a row each, the same product twice too, and numbers may be text;
-- what is no number is none
SELECT pg_temp.happened('list', '2026-05-10', '{"order_id": "1", "product_id": "ignored", "products": [
	{"product_id": "cup", "quantity": "2", "price": " 4.50 "}, {"product_id": "cup", "quantity": 1, "price": "free"},
	{"product_id": 4711, "quantity": 1e2, "price": "NaN"}, {"product_id": "new", "name": "New", "category": "x", "quantity": [1]}]}');
SELECT position, product_id, quantity, price, product_name, category, list_price
FROM cdp.event_product WHERE occurred_at = '2026-05-10' ORDER BY position;
-- what has no product id has no row, and leaves the places of the others
SELECT pg_temp.happened('holes', '2026-05-11', '{"products": [{"name": "none"}, {"product_id": ""}, {"product_id": null},
	{"product_id": ["cup"]}, "cup", null, [{"product_id": "cup"}], {"product_id": "cup"}]}');
SELECT position, product_id, product_name FROM cdp.event_product WHERE occurred_at = '2026-05-11';
-- products that are not a list, or an empty one, leave the event's own
SELECT pg_temp.happened(n::text, '2026-05-12', jsonb_build_object('product_id', 'cup', 'n', n, 'products', products))
FROM unnest('{"{\"product_id\": \"new\"}","\"new\"",7,null,[]}'::jsonb[]) WITH ORDINALITY AS v (products, n) \g /dev/null
SELECT properties ->> 'n' AS n, position, product_id, product_name
FROM cdp.event_product JOIN cdp.profile_event USING (event_id) WHERE event_product.occurred_at = '2026-05-12' ORDER BY 1;
-- no properties, no products
SELECT pg_temp.happened('none', '2026-05-13', NULL), pg_temp.happened('empty', '2026-05-13', '{"products": []}');
SELECT count(*) FROM cdp.event_product WHERE occurred_at = '2026-05-13';

-- events follow their people
SELECT cdp.ingest('shop', '{"type": "track", "event": "seen", "anonymousId": "c1", "messageId": "c", "timestamp": "2026-05-14", "properties": {"product_id": "cup"}}') AS before;
SELECT cdp.ingest('shop', '{"type": "alias", "previousId": "c1", "userId": "u1", "messageId": "d", "timestamp": "2026-05-15"}') AS after;
SELECT profile_id, product_id FROM cdp.event_product WHERE occurred_at = '2026-05-14';
