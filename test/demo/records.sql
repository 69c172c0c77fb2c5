-- records.sql: what the shop's six systems say about all that, as the JSON
-- lines that each of them would send.
CREATE TABLE record (
	source text NOT NULL,
	at timestamptz NOT NULL,
	line text NOT NULL
);

CREATE FUNCTION send(source text, at timestamptz, message jsonb) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
	INSERT INTO shop.record
	SELECT source, at, jsonb_strip_nulls(message || jsonb_build_object(
		'timestamp', shop.stamp(at),
		'messageId', substr(md5(source || at || message), 1, 24)))::text;
END;

CREATE FUNCTION product_json(product_id text, price numeric, quantity integer DEFAULT 1)
RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object('product_id', product_id, 'price', price,
	'quantity', quantity, 'currency', 'EUR');

-- web: pages are seen under a cookie; an order is placed logged in
SELECT count(send('web', at - interval '9 minutes', jsonb_build_object(
	'type', 'track', 'event', 'Product Viewed', 'anonymousId', cookie,
	'properties', product_json(product_id, price),
	'context', jsonb_build_object('campaign', jsonb_build_object('name',
		pick('{spring,newsletter,search}', 'campaign' || n || k))))))
FROM purchase JOIN person USING (n) WHERE channel = 'web';
SELECT count(send('web', at - interval '4 minutes', jsonb_build_object(
	'type', 'track', 'event', 'Product Added', 'anonymousId', cookie,
	'properties', product_json(product_id, price, quantity))))
FROM purchase JOIN person USING (n) WHERE channel = 'web';
SELECT count(send('web', at, jsonb_build_object(
	'type', 'track', 'event', 'Order Completed',
	'anonymousId', CASE WHEN k % 5 = 4 THEN second_cookie ELSE cookie END,
	'userId', CASE WHEN has_account THEN user_no END,
	'properties', product_json(product_id, price, quantity) || jsonb_build_object(
		'order_id', order_id, 'total', total,
		'email', CASE WHEN NOT has_account THEN email END))))
FROM purchase JOIN person USING (n) WHERE channel = 'web';

-- web: the first login names the cookie's owner and records consents
SELECT count(send('web', joined_at, jsonb_build_object(
	'type', 'identify', 'anonymousId', cookie, 'userId', user_no,
	'traits', jsonb_build_object('email', email, 'first_name', first_name,
		'last_name', last_name, 'birth_date', birth_date),
	'consent', CASE WHEN n = 1 OR chance('consent' || n) < 0.72 THEN jsonb_build_array(
		jsonb_build_object('purpose', 'marketing', 'channel', 'email', 'at', stamp(joined_at),
			'state', CASE WHEN n = 1 OR chance('consent' || n) < 0.6 THEN 'granted' ELSE 'denied' END),
		jsonb_build_object('purpose', 'ads_personalisation', 'channel', 'ads', 'at', stamp(joined_at),
			'state', CASE WHEN chance('ads' || n) < 0.5 THEN 'granted' ELSE 'denied' END)) END)))
FROM person WHERE has_account;
SELECT count(send('web', joined_at + interval '40 days', jsonb_build_object(
	'type', 'identify', 'anonymousId', second_cookie, 'userId', user_no)))
FROM person, span
WHERE has_account AND (n = 1 OR chance('second' || n) < 0.3)
	AND joined_at + interval '40 days' < closes;

-- web and app: looking and carting
SELECT count(send(channel, visit.at, jsonb_build_object(
	'type', 'track', 'event', 'Product Viewed',
	'anonymousId', CASE channel WHEN 'web' THEN cookie END,
	'userId', CASE channel WHEN 'app' THEN user_no END,
	'context', CASE channel WHEN 'app' THEN jsonb_build_object('device',
		jsonb_build_object('id', device)) END,
	'properties', product_json(product_id, price))))
FROM visit JOIN person USING (n) JOIN product USING (product_no);
SELECT count(send(channel, visit.at + interval '2 minutes', jsonb_build_object(
	'type', 'track', 'event', 'Product Added',
	'anonymousId', CASE channel WHEN 'web' THEN cookie END,
	'userId', CASE channel WHEN 'app' THEN user_no END,
	'properties', product_json(product_id, price))))
FROM visit JOIN person USING (n) JOIN product USING (product_no) WHERE carts;
SELECT count(send('web', at + page * interval '40 seconds', jsonb_build_object(
	'type', 'page', 'anonymousId', cookie, 'properties',
	jsonb_build_object('path', pick('{/,/coffee,/tea,/kitchen,/about}', 'page' || n || page)))))
FROM passer_by, generate_series(1, 2) AS page WHERE page = 1 OR n % 2 = 0;

-- app: logged in, on a device; families share a tablet
SELECT count(send('app', at, jsonb_build_object(
	'type', 'track', 'event', 'Order Completed', 'userId', user_no,
	'context', jsonb_build_object('device', jsonb_build_object('id', coalesce(tablet, device))),
	'properties', product_json(product_id, price, quantity)
		|| jsonb_build_object('order_id', order_id, 'total', total))))
FROM purchase JOIN person USING (n) WHERE channel = 'app';
SELECT count(send('app', joined_at + interval '1 day', jsonb_build_object(
	'type', 'identify', 'userId', user_no,
	'traits', jsonb_build_object('email', email, 'phone', '+49' || phone_digits),
	'context', jsonb_build_object('device', jsonb_build_object('id', coalesce(tablet, device))))))
FROM person, span
WHERE (favourite = 'app' OR tablet IS NOT NULL OR n = 1) AND joined_at + interval '1 day' < closes;
-- ... and a kiosk in the Hamburg branch is used by everybody who passes
SELECT count(send('app', joined_at + interval '2 days', jsonb_build_object(
	'type', 'identify', 'userId', user_no, 'context',
	jsonb_build_object('device', jsonb_build_object('id', 'kiosk-1')))))
FROM person, span
WHERE has_account AND city = 'Hamburg' AND chance('kiosk' || n) < 0.4
	AND joined_at + interval '2 days' < closes;

-- till: a phone number as people say it, or an email with the odd typo
SELECT count(send('till', at, jsonb_build_object(
	'type', 'track', 'event', 'Order Completed', 'properties',
	product_json(product_id, price, quantity) || jsonb_build_object(
		'order_id', order_id, 'total', total, 'store', city,
		'phone', CASE WHEN n = 1 OR chance('says' || n) < 0.6
			THEN '0' || left(phone_digits, 3) || ' ' || substr(phone_digits, 4) END,
		'email', CASE WHEN n > 1 AND chance('says' || n) >= 0.6 THEN
			CASE WHEN chance('typo' || n || ':' || k) < 0.04
				THEN replace(email, 'example', 'exmaple') ELSE email END END))))
FROM purchase JOIN person USING (n) WHERE channel = 'till';
-- some web orders are picked up and go through the till once more
SELECT count(send('till', at + interval '1 day', jsonb_build_object(
	'type', 'track', 'event', 'Order Completed', 'properties',
	product_json(product_id, price, quantity) || jsonb_build_object(
		'order_id', order_id, 'total', total, 'phone', '+49' || phone_digits))))
FROM purchase JOIN person USING (n), span
WHERE channel = 'web' AND n % 25 = 3 AND at + interval '1 day' < closes;
-- a return now and then
SELECT count(send('till', at + interval '9 days', jsonb_build_object(
	'type', 'track', 'event', 'Order Refunded', 'properties', jsonb_build_object(
		'order_id', order_id, 'total', total, 'currency', 'EUR', 'email', email))))
FROM purchase JOIN person USING (n), span
WHERE n > 2 AND chance('return' || n || ':' || k) < 0.03 AND at + interval '9 days' < closes;

-- the two CRMs: own customer numbers that overlap, emails in capitals
SELECT count(send('crm_' || branch, joined_at + interval '30 days', jsonb_build_object(
	'type', 'identify', 'externalIds',
	jsonb_build_array(jsonb_build_object('type', 'crm_id', 'id', crm_no::text)),
	'traits', jsonb_build_object('email', CASE WHEN chance('has email' || n) < 0.9 OR n = 1 THEN upper(email) END,
		'phone', CASE WHEN chance('has phone' || n) < 0.7 OR n = 1 THEN '0049 ' || phone_digits END,
		'first_name', first_name, 'last_name', last_name, 'city', city, 'region', region,
		'postal_code', postal_code, 'country', 'DE',
		'loyalty_level', pick('{bronze,silver,gold}', 'level' || n)))))
FROM person, span, LATERAL (VALUES ('north', north_no), ('south', south_no)) AS crm (branch, crm_no)
WHERE crm_no IS NOT NULL AND joined_at + interval '30 days' < closes;
-- ... where some people say later that they want no more mail
SELECT count(send('crm_north', joined_at + interval '60 days', jsonb_build_object(
	'type', 'identify', 'externalIds',
	jsonb_build_array(jsonb_build_object('type', 'crm_id', 'id', north_no::text)),
	'consent', jsonb_build_array(jsonb_build_object('purpose', 'marketing', 'channel', 'email',
		'state', 'withdrawn', 'at', stamp(joined_at + interval '60 days'))))))
FROM person, span
WHERE north_no IS NOT NULL AND n > 2 AND chance('withdraws' || n) < 0.06
	AND joined_at + interval '60 days' < closes;

-- segments bought from a third party: by cookie where it knows one
SELECT count(send('dmp', closes - interval '20 days' + n * interval '1 minute', jsonb_build_object(
	'type', 'identify', 'anonymousId', CASE WHEN n % 2 = 0 THEN cookie END,
	'externalIds', jsonb_build_array(jsonb_build_object('type', 'third_party_id', 'id', 'x' || md5('dmp' || n))),
	'traits', jsonb_build_object('bought_interest', pick('{espresso,tea,gifts}', 'interest' || n)))))
FROM person, span WHERE chance('dmp' || n) < 0.2;
