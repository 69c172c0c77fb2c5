-- junk.sql: what goes wrong in every shop: placeholders instead of
-- identifiers, repeated messages, and lines that are not records at all.
SELECT count(send('web', closes - n * interval '7 hours', jsonb_build_object(
	'type', 'track', 'event', 'Product Viewed', 'anonymousId', 'null',
	'properties', product_json('moka-pot', 34.00))))
FROM span, generate_series(1, 60) AS n;
SELECT count(send('crm_south', closes - n * interval '5 days', jsonb_build_object(
	'type', 'identify',
	'externalIds', jsonb_build_array(jsonb_build_object('type', 'crm_id', 'id', (9000 + n)::text)),
	'traits', jsonb_build_object('email', 'test@example.com', 'phone', '0000000000',
		'last_name', 'Test ' || n))))
FROM span, generate_series(1, 40) AS n;

-- sent twice
INSERT INTO record
SELECT source, at + interval '3 seconds', line
FROM record
WHERE chance('twice' || line) < 0.01;

INSERT INTO record
SELECT 'web', closes - n * interval '1 day', '{"type": "track", "event": "Order Comp'
FROM span, generate_series(1, 12) AS n
UNION ALL
SELECT 'web', closes, '["an", "array"]' FROM span
UNION ALL
SELECT 'web', closes, '{"type": "track", "event": "x", "anonymousId": "a\u0000b"}' FROM span
UNION ALL
SELECT 'crm_south', closes, jsonb_build_object('type', 'identify', 'messageId', 'at-at-' || n,
	'timestamp', stamp(closes - n * interval '1 hour'),
	'traits', jsonb_build_object('email', 'ann@@example.com'))::text
FROM span, generate_series(1, 6) AS n
UNION ALL
SELECT 'till', closes, jsonb_build_object('type', 'track', 'event', 'Order Completed',
	'messageId', 'nobody-' || n, 'timestamp', stamp(closes - n * interval '3 days'),
	'properties', jsonb_build_object('order_id', 'cash-' || n, 'total', 9.90))::text
FROM span, generate_series(1, 25) AS n
UNION ALL
SELECT 'app', closes, jsonb_build_object('type', 'track', 'event', 'Product Viewed',
	'messageId', 'clock-' || n, 'userId', 'u-100001',
	'timestamp', CASE WHEN n % 2 = 0 THEN '2190-01-01T00:00:00Z' ELSE '1815-06-18T11:30:00Z' END)::text
FROM span, generate_series(1, 8) AS n;
