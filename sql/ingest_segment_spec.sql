\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never
SELECT cdp.add_source('web'), cdp.add_source('app') \g /dev/null
CREATE VIEW pg_temp.said AS
SELECT string_agg(type || ':' || identifier.value, ' ' ORDER BY type, identifier.value COLLATE "C") AS about,
	name, trait_observation.value
FROM cdp.trait_observation JOIN cdp.identifier_set_member USING (set_id)
	JOIN cdp.identifier USING (identifier_id) JOIN cdp.identifier_type USING (type_id)
GROUP BY set_id, name, trait_observation.value;

-- Segment's analytics.js in a browser: the envelope says when it was sent, and
-- this browser's clock is an hour behind; what context knows of the browser is
-- not kept, the campaign is
SELECT record, outcome FROM cdp.ingest_batch('web', '{"batch": [
	{"timestamp": "2026-06-01T10:59:58.000Z", "integrations": {"Segment.io": true}, "userId": null, "anonymousId": "3f2a77c1-5e0b-4c6f-a6d1-0c8e2f7b9d10",
	 "type": "page", "category": null, "name": "Bags",
	 "properties": {"path": "/bags", "referrer": "https://search.example/", "search": "?utm_source=mail", "title": "Bags", "url": "https://shop.example/bags?utm_source=mail", "name": "Bags"},
	 "context": {"page": {"path": "/bags", "referrer": "https://search.example/", "search": "?utm_source=mail", "title": "Bags", "url": "https://shop.example/bags?utm_source=mail"},
		"userAgent": "Mozilla/5.0 (X11; Linux x86_64)", "userAgentData": {"brands": [{"brand": "Chromium", "version": "120"}], "mobile": false, "platform": "Linux"},
		"ip": "198.51.100.7", "locale": "de-DE", "timezone": "Europe/Berlin", "campaign": {"source": "mail"}, "library": {"name": "analytics.js", "version": "npm:next-1.70.0"}},
	 "messageId": "ajs-next-1780311598000-1f0e9c2a", "_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []}},
	{"timestamp": "2026-06-01T10:59:59.000Z", "integrations": {}, "anonymousId": "3f2a77c1-5e0b-4c6f-a6d1-0c8e2f7b9d10", "userId": "97980cfea0067", "type": "identify",
	 "traits": {"email": "Peter@Example.com", "firstName": "Peter", "lastName": "Gibbons", "birthday": "1990-02-03T00:00:00.000Z", "createdAt": "2026-05-01T08:00:00.000Z", "age": 36,
		"avatar": "https://shop.example/p.png", "gender": "male", "title": "VP of Sales", "username": "pg", "website": "https://p.example", "description": "buys bags", "id": "97980cfea0067",
		"address": {"street": "Main 1", "city": "Berlin", "postalCode": "10115", "state": "BE", "country": "DE"},
		"company": {"name": "Initech", "id": "c-7", "industry": "Software", "employee_count": 230, "plan": "enterprise", "!": 1}},
	 "context": {"userAgent": "Mozilla/5.0 (X11; Linux x86_64)", "locale": "de-DE", "timezone": "Europe/Berlin", "library": {"name": "analytics.js", "version": "npm:next-1.70.0"}},
	 "messageId": "ajs-next-1780311599000-2f0e9c2a", "_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []}}],
	"sentAt": "2026-06-01T11:00:00.000Z", "writeKey": "k"}');
SELECT message_id, name, occurred_at, properties FROM cdp.event ORDER BY message_id;
SELECT email, first_name, last_name, birth_date, gender, company, street, city, region, postal_code, country, language, time_zone
FROM cdp.unified_profile;
SELECT about, name, value FROM pg_temp.said ORDER BY about COLLATE "C", name COLLATE "C";

-- RudderStack's SDK for browsers: no user yet is an empty text, traits ride in
-- context, no campaign is an empty object, and the offset is no time zone
SELECT record, outcome FROM cdp.ingest_batch('web', '{"batch": [
	{"properties": {"product_id": "bag-12", "price": 89.9, "currency": "usd"}, "event": "Product Viewed", "type": "track", "channel": "web",
	 "context": {"traits": {}, "sessionId": 1780311600123, "sessionStart": true, "consentManagement": {}, "ua-ch": {},
		"app": {"name": "RudderLabs JavaScript SDK", "namespace": "com.rudderlabs.javascript", "version": "3.7.0", "installType": "npm"},
		"library": {"name": "RudderLabs JavaScript SDK", "version": "3.7.0"}, "userAgent": "Mozilla/5.0", "os": {"name": "", "version": ""}, "locale": "de-DE",
		"screen": {"width": 1920, "height": 1080, "density": 1, "innerWidth": 1900, "innerHeight": 900}, "campaign": {}, "timezone": "GMT+0200",
		"page": {"path": "/bag-12", "referrer": "$direct", "referring_domain": "", "search": "", "title": "Bag", "url": "https://shop.example/bag-12", "tab_url": "https://shop.example/bag-12", "initial_referrer": "$direct", "initial_referring_domain": ""}},
	 "originalTimestamp": "2026-06-01T11:59:50.000Z", "integrations": {"All": true}, "messageId": "7a1d3c1e-43de-4f55-9d59-3b2f4a7f1c01", "userId": "", "anonymousId": "rs-1", "sentAt": "2026-06-01T12:00:00.000Z"},
	{"type": "identify", "channel": "web", "context": {"traits": {"email": "rosa@example.com", "plan": "free"}, "sessionId": 1780311600123, "campaign": {}, "locale": "de-DE", "timezone": "GMT+0200",
		"externalId": [{"type": "crm_id", "id": "0031"}]},
	 "originalTimestamp": "2026-06-01T11:59:51.000Z", "integrations": {"All": true}, "messageId": "7a1d3c1e-43de-4f55-9d59-3b2f4a7f1c02", "userId": "rosa", "anonymousId": "rs-1", "event": null, "properties": null, "sentAt": "2026-06-01T12:00:00.000Z"},
	{"type": "group", "channel": "web", "groupId": "acc-9", "traits": {"name": "Acme Ltd"}, "context": {"traits": {"email": "rosa@example.com", "plan": "free"}, "campaign": {}},
	 "originalTimestamp": "2026-06-01T11:59:52.000Z", "integrations": {"All": true}, "messageId": "7a1d3c1e-43de-4f55-9d59-3b2f4a7f1c03", "userId": "rosa", "anonymousId": "rs-1", "sentAt": "2026-06-01T12:00:00.000Z"},
	{"type": "alias", "channel": "web", "previousId": "rs-0", "userId": "rosa", "context": {"traits": {}, "campaign": {}},
	 "originalTimestamp": "2026-06-01T11:59:53.000Z", "integrations": {"All": true}, "messageId": "7a1d3c1e-43de-4f55-9d59-3b2f4a7f1c04", "anonymousId": "rs-1", "sentAt": "2026-06-01T12:00:00.000Z"}]}');
SELECT name, occurred_at, amount, currency, properties FROM cdp.event WHERE message_id LIKE '7a1d%';
SELECT about, name, value FROM pg_temp.said WHERE about ~ 'rosa' ORDER BY about COLLATE "C", name COLLATE "C";
SELECT type, value FROM cdp.profile_identifier
WHERE profile_id = cdp.find_profile('user_id', 'rosa') ORDER BY type, value;

-- SDKs for phones: a device has an id and, unless its owner forbade it, one
-- for advertisers; RudderStack's repeat the record's ids among the traits,
-- which are no traits; ids of somebody else are
SELECT record, outcome FROM cdp.ingest_batch('app', '{"batch": [
	{"messageId": "1780311600-aa", "channel": "mobile", "type": "track", "event": "Application Opened", "userId": "kim", "anonymousId": "dev-kim",
	 "context": {"app": {"build": "7", "name": "Shop", "namespace": "example.shop", "version": "2.1"}, "device": {"id": "dev-kim", "manufacturer": "Google", "model": "Pixel 7", "name": "panther", "type": "Android",
			"advertisingId": "0E5F8D1A-9F3C-4A55-8B12-6D0C5A1B2C3D", "adTrackingEnabled": true, "token": "push"},
		"traits": {"anonymousId": "dev-kim", "userId": "kim", "id": "kim", "loyaltyTier": "gold"}, "library": {"name": "com.rudderstack.android.sdk.core", "version": "1.20.1"}, "locale": "de-DE",
		"network": {"carrier": "T", "wifi": true, "bluetooth": false, "cellular": false}, "os": {"name": "Android", "version": "14"}, "screen": {"density": 420, "height": 2201, "width": 1080}, "timezone": "Europe/Berlin", "sessionId": 1780311600},
	 "properties": {"from_background": false}, "integrations": {"All": true}, "originalTimestamp": "2026-06-01T11:59:54.000Z", "sentAt": "2026-06-01T12:00:00.000Z"},
	{"messageId": "1780311600-ab", "channel": "mobile", "type": "screen", "event": "Cart", "userId": "kim", "anonymousId": "dev-kim", "properties": {"name": "Cart", "automatic": true},
	 "context": {"device": {"id": "dev-kim"}, "traits": {"anonymousId": "dev-kim"}}, "integrations": {"All": true}, "originalTimestamp": "2026-06-01T11:59:55.000Z"},
	{"messageId": "ios-1", "type": "track", "event": "Application Opened", "anonymousId": "ios-anon", "_metadata": {"bundled": [], "unbundled": [], "bundledIds": []},
	 "context": {"device": {"adTrackingEnabled": false, "advertisingId": "11111111-2222-4333-8444-555555555555", "id": "DE305D54-75B4-431B-ADB2-EB6B9E546014", "manufacturer": "Apple", "model": "iPhone15,2", "type": "ios"},
		"instanceId": "i", "library": {"name": "analytics-swift", "version": "1.7.0"}, "traits": {"userId": "somebody"}},
	 "timestamp": "2026-06-01T11:59:56.000Z", "integrations": {}}]}');
SELECT message_id, event.name, properties, array_agg(type || ':' || value ORDER BY type, value) AS about
FROM cdp.event JOIN cdp.identifier_set_member USING (set_id) JOIN cdp.identifier USING (identifier_id)
	JOIN cdp.identifier_type USING (type_id) JOIN cdp.source USING (source_id)
WHERE source.name = 'app' GROUP BY 1, 2, 3 ORDER BY 1;
SELECT name, value FROM pg_temp.said WHERE about ~ 'dev-kim|ios-anon' ORDER BY about COLLATE "C", name COLLATE "C";

-- RudderStack's SDK for servers was told when it happened: that is the time,
-- however far from when the record was made
SELECT record, outcome FROM cdp.ingest_batch('web', '{"batch": [
	{"userId": "rosa", "event": "Order Completed", "properties": {"order_id": "o1", "revenue": "25.50", "total": 30, "currency": "eur"}, "timestamp": "2026-01-01T00:00:00.000Z",
	 "context": {"library": {"name": "analytics-node", "version": "3.0.13"}}, "type": "track", "channel": "server", "_metadata": {"nodeVersion": "20.20.2"},
	 "originalTimestamp": "2026-06-01T11:59:59.000Z", "messageId": "50ff7c5d-6fab-4a15-81df-f4a1b7dce70d", "sentAt": "2026-06-01T12:00:00.000Z"}],
	"timestamp": "2026-06-01T12:00:00.000Z", "sentAt": "2026-06-01T12:00:00.000Z"}');
SELECT name, occurred_at, amount, currency FROM cdp.event WHERE message_id LIKE '50ff%';

-- every event of Segment's ecommerce spec: what it is called here, and what it
-- is worth; only orders and returns touch revenue
CREATE TEMP TABLE ecommerce (n serial, event text);
INSERT INTO ecommerce (event) VALUES
	('Products Searched'), ('Product List Viewed'), ('Product List Filtered'), ('Promotion Viewed'), ('Promotion Clicked'),
	('Product Clicked'), ('Product Viewed'), ('Product Added'), ('Product Removed'), ('Cart Viewed'), ('Checkout Started'),
	('Checkout Step Viewed'), ('Checkout Step Completed'), ('Payment Info Entered'), ('Order Updated'), ('Order Completed'),
	('Order Refunded'), ('Order Cancelled'), ('Coupon Entered'), ('Coupon Applied'), ('Coupon Denied'), ('Coupon Removed'),
	('Product Added to Wishlist'), ('Product Removed from Wishlist'), ('Wishlist Product Added to Cart'), ('Product Shared'),
	('Cart Shared'), ('Product Reviewed');
SELECT count(cdp.ingest('web', jsonb_build_object('type', 'track', 'event', event, 'userId', 'shopper', 'messageId', 'e' || n,
	'timestamp', '2026-05-20T10:00:00Z', 'properties', jsonb_build_object('order_id', 's1', 'price', 100,
		'revenue', CASE WHEN event LIKE 'Order%' THEN 20 + n END, 'value', CASE WHEN event NOT LIKE 'Order%' THEN 7 END))))
FROM ecommerce;
SELECT ecommerce.event, name, amount FROM ecommerce JOIN cdp.event ON message_id = 'e' || n ORDER BY n;
SELECT orders, revenue FROM cdp.unified_profile WHERE identifiers -> 'user_id' ? 'shopper';

-- a shop that sends no refund for an order that was cancelled
UPDATE cdp.event_type SET aliases = aliases || '{order_cancelled}' WHERE name = 'return';
SELECT count(cdp.ingest('web', jsonb_build_object('type', 'track', 'event', event, 'userId', 'canceller', 'messageId', 'c' || event,
	'timestamp', '2026-05-20T10:00:00Z', 'properties', '{"order_id": "c1", "revenue": 20}'::jsonb)))
FROM unnest('{Order Completed,Order Cancelled}'::text[]) AS event;
SELECT orders, revenue FROM cdp.unified_profile WHERE identifiers -> 'user_id' ? 'canceller';

-- the two ids of a phone are UUIDs, whichever way they are written
SELECT cdp.find_profile('device_id', 'de305d5475b4431badb2eb6b9e546014') = cdp.find_profile('anonymous_id', 'ios-anon') AS same;

SELECT reason, field, records FROM cdp.ingest_warning ORDER BY warning_id;
SELECT count(*) AS rejects FROM cdp.reject;
