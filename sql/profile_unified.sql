\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
-- the columns, exactly; new ones only at the end
SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) AS columns
FROM pg_attribute WHERE attrelid = 'cdp.unified_profile'::regclass AND attnum > 0 \gx
SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) AS columns
FROM pg_attribute WHERE attrelid = 'cdp.profile_metric'::regclass AND attnum > 0 \gx

SELECT cdp.add_source('web', priority => 100) AS web, cdp.add_source('till', priority => 200) AS till,
	cdp.add_source('crm', priority => 150) AS crm, cdp.add_source('dmp', kind => 'third_party') AS dmp \g /dev/null
INSERT INTO cdp.exchange_rate VALUES ('USD', '2020-01-01', 0.5), ('GBP', '2020-01-01', 2);

-- a cookie, then a known customer
SELECT cdp.ingest('web', '{"type": "page", "anonymousId": "c1", "messageId": "1", "timestamp": "2026-05-01T09:00:00Z"}');
SELECT profile_id, kind, identifiers, events, orders, revenue, average_order_value, sources, name, email FROM cdp.unified_profile;
SELECT cdp.ingest('web', '{"type": "identify", "anonymousId": "c1", "userId": "u1", "messageId": "2", "timestamp": "2026-05-01T10:00:00Z",
	"traits": {"email": "Ann@Example.com", "first_name": "Ann", "last_name": "Lee", "birth_date": "1990-02-28", "country": "DE"}}');
SELECT profile_id, kind, identifiers, events, name, email, birth_date, country, first_seen, last_seen FROM cdp.unified_profile;
-- the e-mail address that the traits name is the one shown, whichever is newer
SELECT cdp.ingest('crm', '{"type": "identify", "userId": "u1", "messageId": "3", "timestamp": "2026-04-01T10:00:00Z",
	"traits": {"email": "ann@old.example", "birth_date": "1990-02-30"}}');
SELECT email, identifiers -> 'email' AS emails, birth_date FROM cdp.unified_profile;
UPDATE cdp.trait SET rule = 'source_priority' WHERE name = 'email';
SELECT cdp.rebuild_profiles();
SELECT email, identifiers -> 'email' AS emails FROM cdp.unified_profile;
UPDATE cdp.trait SET sources = '{web}' WHERE name = 'email';
SELECT cdp.rebuild_profiles();
SELECT email, identifiers -> 'email' AS emails FROM cdp.unified_profile;
-- a third party, a source's own identifier
SELECT cdp.ingest('dmp', '{"type": "identify", "externalIds": [{"type": "third_party_id", "id": "x9"}], "messageId": "4",
	"timestamp": "2026-05-04T10:05:00Z", "traits": {"income": "high"}}');
SELECT kind, identifiers, traits, sources FROM cdp.profile('third_party_id', 'x9', 'dmp');
-- by identifier, as it was written
SELECT profile_id, name FROM cdp.profile('email', ' ANN@EXAMPLE.COM ');
SELECT profile_id, name FROM cdp.profile('anonymous_id', 'c1');
SELECT count(*) FROM cdp.profile('user_id', 'nobody');
SELECT count(*) FROM cdp.profile(NULL, NULL);

-- an order that two sources report is one: the source with the higher
-- priority counts; orders without a number are orders each
SELECT cdp.ingest('web', '{"type": "track", "event": "Order Completed", "userId": "u1", "messageId": "5",
	"timestamp": "2026-05-03T10:00:00Z", "properties": {"order_id": "o-1", "total": 49.90, "currency": "EUR"}}');
SELECT cdp.ingest('till', '{"type": "track", "event": "order", "userId": "u1", "messageId": "6",
	"timestamp": "2026-05-03T10:05:00Z", "properties": {"order_id": "o-1", "total": 100, "currency": "USD"}}');
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "u1", "messageId": "7",
	"timestamp": "2026-05-05T10:00:00Z", "properties": {"total": 10, "currency": "EUR"}}');
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "u1", "messageId": "8",
	"timestamp": "2026-05-05T10:00:00Z", "properties": {"total": 10, "currency": "EUR"}}');
SELECT cdp.ingest('web', '{"type": "track", "event": "return", "userId": "u1", "messageId": "9",
	"timestamp": "2026-05-06T10:00:00Z", "properties": {"return_id": "r-1", "order_id": "o-1", "total": 20, "currency": "EUR"}}');
SELECT cdp.ingest('till', '{"type": "track", "event": "return", "userId": "u1", "messageId": "10",
	"timestamp": "2026-05-06T10:00:00Z", "properties": {"return_id": "r-1", "order_id": "o-1", "total": 12, "currency": "EUR"}}');
SELECT * FROM cdp.profile_order ORDER BY occurred_at, order_key;
SELECT * FROM cdp.profile_return;
SELECT events, orders, revenue, average_order_value, currency, first_order_at, last_order_at
FROM cdp.profile_metric WHERE profile_id = 1;
SELECT name, occurred_at, amount, currency, source FROM cdp.profile_event ORDER BY event_id;

-- the same hundred orders from two sources in three currencies, sent again,
-- in bulk: 100 orders of 10 EUR
INSERT INTO cdp.inbox (source, record)
SELECT source, jsonb_build_object('type', 'track', 'event', 'Order Completed', 'userId', 'big', 'messageId', source || n % 100,
	'timestamp', '2026-03-01T10:00:00Z', 'properties', jsonb_build_object('order_id', 'same-' || n % 100,
		'total', CASE source WHEN 'web' THEN 999 ELSE (ARRAY[10, 20, 5])[1 + n % 3] END,
		'currency', CASE source WHEN 'web' THEN 'EUR' ELSE (ARRAY['EUR', 'USD', 'GBP'])[1 + n % 3] END))::text
FROM (VALUES ('web'), ('till')) AS s (source), generate_series(0, 99) AS n;
INSERT INTO cdp.inbox (source, record) SELECT source, record FROM cdp.inbox;
CALL cdp.merge();
SELECT events, orders, revenue, average_order_value, kind FROM cdp.profile('user_id', 'big');

-- a split of nothing: made anew, the rows are the same
CREATE TEMP TABLE before AS TABLE cdp.profile_current;
SELECT cdp.rebuild_profiles() = count(*) AS every FROM cdp.profile_current;
SELECT count(*) AS differ FROM ((TABLE before EXCEPT TABLE cdp.profile_current)
	UNION ALL (TABLE cdp.profile_current EXCEPT TABLE before)) AS both_ways;
CALL cdp.rebuild();
SELECT count(*) AS differ FROM ((TABLE before EXCEPT TABLE cdp.profile_current)
	UNION ALL (TABLE cdp.profile_current EXCEPT TABLE before)) AS both_ways;

-- a merge leaves one row with everything
SELECT cdp.ingest('web', '{"type": "track", "event": "page_view", "anonymousId": "c2", "messageId": "20", "timestamp": "2026-05-10T10:00:00Z"}');
SELECT count(*) FROM cdp.unified_profile;
SELECT cdp.ingest('web', '{"type": "identify", "anonymousId": "c2", "userId": "u1", "messageId": "21", "timestamp": "2026-05-11T10:00:00Z"}');
SELECT count(*) FROM cdp.unified_profile;
SELECT events, orders, identifiers, last_seen FROM cdp.unified_profile WHERE profile_id = 1;

-- a trait as a column
SELECT cdp.ingest('web', '{"type": "identify", "anonymousId": "c9", "messageId": "21i", "timestamp": "2026-05-12T09:00:00Z", "traits": {"income": "high"}}') \g /dev/null
SELECT cdp.expose_trait('income');
SELECT profile_id, income FROM cdp.unified_profile WHERE income IS NOT NULL;
SELECT cdp.ingest('web', '{"type": "identify", "userId": "u1", "messageId": "22", "timestamp": "2026-05-12T10:00:00Z",
	"traits": {"visits": 7, "vip": true, "since": "2020-01-01T00:00:00Z", "tags": ["a"], "no_number": 5}}');
SELECT name, type FROM cdp.trait WHERE NOT reserved ORDER BY name COLLATE "C";
SELECT count(cdp.expose_trait(name)) FROM unnest(ARRAY['visits', 'vip', 'tags', 'no_number']) AS name;
SELECT cdp.ingest('web', '{"type": "identify", "userId": "u1", "messageId": "23", "timestamp": "2026-05-13T10:00:00Z", "traits": {"no_number": "many"}}');
SELECT income, visits, vip, tags, no_number FROM cdp.profile('user_id', 'u1');
SELECT cdp.expose_trait('income');
SELECT cdp.expose_trait('nonesuch');
SELECT cdp.expose_trait('First Name');

-- columns show values, never a piece of JSON; contact columns what can be used
SELECT cdp.ingest('web', '{"type": "identify", "anonymousId": "c10", "messageId": "24",
	"timestamp": "2026-05-13T10:00:00Z", "traits": {"email": "n/a", "phone": "call me", "first_name": {"de": "Ann"},
		"last_name": ["Lee"], "city": ["Bonn"], "postal_code": 53111, "company": true, "income": ["high"]}}') AS profile_id \gset
SELECT email, phone, first_name, last_name, name, city, postal_code, company, income
FROM cdp.unified_profile WHERE profile_id = :profile_id;
UPDATE cdp.profile_current SET identifiers = '{}',
	traits = '{"email": " Ann@Example.COM ", "phone": "0228 123456", "name": {"first": "Ann"}, "first_name": "Ann"}'
WHERE profile_id = :profile_id;
SELECT email, phone, name FROM cdp.unified_profile WHERE profile_id = :profile_id;
UPDATE cdp.profile_current SET traits = '{"email": ["ann@example.com"], "phone": {"mobile": "0228 123456"}}'
WHERE profile_id = :profile_id;
SELECT email, phone FROM cdp.unified_profile WHERE profile_id = :profile_id;
SELECT cdp._trait_text(traits, 'a') AS shown
FROM unnest(ARRAY[NULL, '{}', '[]', '"a"', '{"a": null}', '{"a": {"b": 1}}', '{"a": ["b"]}',
	'{"a": ""}', '{"a": "é"}', '{"a": 1.50}', '{"a": true}', '{"a": false}']::jsonb[])
	WITH ORDINALITY AS v (traits, place) ORDER BY place;

-- an exposed trait is a column: it keeps its name and type
UPDATE cdp.trait SET type = 'text' WHERE name = 'income';
UPDATE cdp.trait SET exposed = NULL WHERE name = 'income';
DELETE FROM cdp.trait WHERE name = 'income';
UPDATE cdp.trait SET rule = 'max' WHERE name = 'income';
