\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'Asia/Tokyo';
SET datestyle = 'German';
\set SHOW_CONTEXT never
\pset null '~'
INSERT INTO cdp.purpose (purpose, description) VALUES ('newsletter', 'for this test');
INSERT INTO cdp.exchange_rate VALUES ('USD', '2000-01-01', 2);
SELECT cdp.add_source('crm', default_region => 'DE');

-- what each field becomes, what is not used, and why a record is rejected: a
-- string is the text of a line, which need not be JSON
SELECT * FROM cdp.preview_mapping('crm', '{
	"identifiers": {"email": "$.mails[*] ? (@ like_regex \"@\")", "phone": "$.tel", "user_id": "$.id"},
	"at": "$.t", "message_id": "$.n", "event": "Order Completed", "amount": "$.price * $.qty", "currency": "USD",
	"properties": {"sku": "$.lines[1].sku"}, "traits": {"city": "$.home.city"},
	"consents": [{"purpose": "newsletter", "channel": "email", "state": "$.ok"},
		{"purpose": "unheard", "channel": "email", "state": "$.ok"}]}',
	'[{"id": "none", "n": 7, "mails": ["Ann@Example.com", "x"], "tel": "0171 1234567", "t": "2026-01-01", "price": 3, "qty": 2,
		"lines": [{"sku": 1}, {"sku": 2, "n": [1]}], "home": {"city": "Köln", "z k": null, "e": {}}, "ok": true},
	"{bad", {"tel": "12", "more": 1}, null, {"id": "u", "t": "yesterday"}]');

-- traits in the form that the registry gives them, or refused by it
SELECT part, field, value, becomes, problem IS NOT NULL AS refused
FROM cdp.preview_mapping('crm', '{"identifiers": {"user_id": "$.id"}, "traits": "$.t"}',
	'{"id": "u1", "t": {"country": "Germany", "birth_date": "soon", "first_name": " Ann  Lee ", "loyalty_points": "7", "unheard": "x"}}')
WHERE part = 'trait';

-- as it is shown, so it is taken in: the same record through both
UPDATE cdp.source SET mapping = '{"identifiers": {"user_id": "$.id"}, "at": "$.t", "message_id": "$.n",
	"event": "Order Completed", "amount": "$.sum", "currency": "USD", "properties": "$.more", "traits": "$.person"}';
INSERT INTO cdp.inbox (source, record) VALUES
	('crm', '{"id": " u1 ", "n": "m1", "t": "2026-01-01T00:00:00.1239Z", "sum": 1.25, "more": {"x": [1], "y": "z"}, "person": {"firstName": " Ann", "country": "Narnia"}}'),
	('crm', '{"id": "", "t": 1}');
CREATE TEMPORARY TABLE shown AS SELECT * FROM cdp.preview_mapping('crm');
SELECT * FROM shown;
-- nothing was loaded
SELECT (SELECT count(*) FROM cdp.inbox) AS waiting, (SELECT count(*) FROM cdp.reject) AS rejects,
	(SELECT count(*) FROM cdp.event) AS events, (SELECT count(*) FROM cdp.identifier) AS identifiers;
CALL cdp.merge(phases => '{ingest}');
SELECT is_same.part, bool_and(is_same.yes) FROM (
	SELECT part, becomes = name AS yes FROM shown, cdp.event WHERE part = 'event'
	UNION ALL SELECT part, becomes::numeric = event.amount FROM (SELECT part, split_part(becomes, ' ', 1) AS becomes FROM shown WHERE part = 'amount') AS s, cdp.event
	UNION ALL SELECT part, becomes::timestamptz = occurred_at FROM shown, cdp.event WHERE part = 'time'
	UNION ALL SELECT part, becomes = message_id FROM shown, cdp.event WHERE part = 'message_id'
	UNION ALL SELECT part, becomes::jsonb = properties -> field FROM shown, cdp.event WHERE part = 'property'
	UNION ALL SELECT part, becomes = identifier.value FROM shown, cdp.identifier WHERE part = 'identifier'
	UNION ALL SELECT part, becomes::jsonb IS NOT DISTINCT FROM trait_observation.value FROM shown LEFT JOIN cdp.trait_observation ON name = field WHERE part = 'trait'
	UNION ALL SELECT part, becomes = reason FROM shown, cdp.reject WHERE part = 'reject') AS is_same
GROUP BY part ORDER BY part COLLATE "C";

-- without a sample: what waits in the inbox, else what was rejected
SELECT part, becomes FROM cdp.preview_mapping('crm');
-- it is read-only, and the Segment spec needs no mapping
BEGIN READ ONLY;
SELECT part, field, becomes, problem FROM cdp.preview_mapping('crm', '{"identifiers": {"user_id": "$.t"}}');
ROLLBACK;
SELECT cdp.add_source('web');
SELECT part, field, becomes, problem FROM cdp.preview_mapping('web', sample =>
	'{"type": "track", "messageId": "1", "event": "Purchase", "userId": "x", "timestamp": "2026-01-01", "properties": {"email": "none@example.com", "total": "3.00005"}}');

-- mistakes
SELECT * FROM cdp.preview_mapping('web');
SELECT * FROM cdp.preview_mapping('nowhere');
SELECT * FROM cdp.preview_mapping(NULL);
SELECT * FROM cdp.preview_mapping('web', '{"identifiers": {"user_id": "$."}}', '{}');
-- whoever calls what is beneath it is told, too
SELECT * FROM cdp._preview_records(NULL, NULL, NULL, NULL);
SELECT * FROM cdp._preview_records('web', NULL, NULL, '{}');
