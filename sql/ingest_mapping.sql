\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never

INSERT INTO cdp.purpose (purpose, description) VALUES ('newsletter', 'for this test');

-- a mapping says where in a record of any shape the parts of ours are
SELECT cdp.add_source('crm', mapping => '{
	"identifiers": {"crm_id": "$.Id", "email": ["$.Contact.Email", "$.Contact.\"Other Email\""], "phone": "$.Contact.Phones"},
	"at": "$.Modified",
	"message_id": "$.Change",
	"traits": {"first_name": "$.Name.First", "last_name": "$.Name.Last", "tier": "$.Tags[1]", "origin": "crm"},
	"consents": [
		{"purpose": "newsletter", "channel": "email", "state": "$.OptIn", "at": "$.OptInDate"},
		{"purpose": "newsletter", "channel": "sms", "state": "$.OptInSms"}]}');
INSERT INTO cdp.inbox (source, record) VALUES
	('crm', '{"Id":31,"Change":"c1","Modified":"2026-05-01T10:00:00Z","Name":{"First":"Ann","Last":"Bee"},"Contact":{"Email":"ann@example.com","Other Email":"a.bee@example.org","Phones":["0171 1234567","+43 660 1234567"]},"Tags":["x","gold"],"OptIn":true,"OptInDate":"2026-04-01"}'),
	('crm', '{"Id":32,"Change":"c2","Modified":"2026-05-01T10:00:00Z","Name":"no object","Tags":["x"],"Contact":[1],"OptInSms":"denied"}'),
	('crm', '{"Id":null,"Change":"c3"}'),
	('crm', '{"Id":33,"Change":"c4","Modified":"yesterday"}');
CALL cdp.merge(phases => '{ingest}');
SELECT type, identifier.scope, value FROM cdp.identifier JOIN cdp.identifier_type USING (type_id) ORDER BY priority, value;
SELECT string_agg(DISTINCT identifier.value, ' ') FILTER (WHERE identifier.value ~ '^3') AS about, name, trait_observation.value
FROM cdp.trait_observation JOIN cdp.identifier_set_member USING (set_id) JOIN cdp.identifier USING (identifier_id)
GROUP BY set_id, name, trait_observation.value ORDER BY 1, 2;
SELECT purpose, channel, state, at FROM cdp.consent_log ORDER BY 2;
SELECT reason, field, record FROM cdp.reject ORDER BY reject_id;
SELECT count(*) FROM cdp.event;

-- events: a constant name or a path; properties one by one or a whole object,
-- from which identifiers are left out
SELECT cdp.add_source('shop', mapping => '{
	"identifiers": {"user_id": "$.customer", "email": "$.email"},
	"at": "$.placed", "message_id": "$.number", "event": "Order Completed",
	"amount": "$.sums.total", "currency": "EUR",
	"properties": {"order_id": "$.number", "first": "$.lines[0].sku", "none": "$.lines[9].sku"}}');
SELECT cdp.add_source('log', mapping => '{
	"identifiers": {"anonymous_id": "$.visitor", "email": "$.data.mail"},
	"at": "$.ts", "event": "$.what", "properties": "$.data", "amount": "$.data.price"}');
SELECT cdp.add_source('flat', mapping => '{
	"identifiers": {"user_id": "$.id"}, "event": "seen", "properties": "$", "traits": "$.person"}');
INSERT INTO cdp.inbox (source, record) VALUES
	('shop', '{"customer":"u1","email":"ann@example.com","placed":1777629600,"number":7,"sums":{"total":19.9},"lines":[{"sku":"a"},{"sku":"b"}]}'),
	('log', '{"visitor":"v1","ts":"2026-05-02","what":"Clicked It","data":{"mail":"ann@example.com","x":1,"price":2}}'),
	('log', '{"visitor":"v1","ts":"2026-05-02","what":null,"data":{"x":2}}'),
	('log', '{"visitor":"v1","ts":"2026-05-02","what":"","data":{"x":2}}'),
	('flat', '{"id":"u1","a":1,"person":{"firstName":"Ann","address":{"city":"Wien"}}}');
CALL cdp.merge(phases => '{ingest}');
SELECT source.name AS source, event.name, occurred_at, message_id, amount, currency, properties
FROM cdp.event JOIN cdp.source USING (source_id) ORDER BY event_id;
SELECT source, reason, field FROM cdp.reject WHERE source = 'log';
SELECT name, value FROM cdp.trait_observation WHERE source_id = 4 ORDER BY 1;

-- a record about nobody is rejected with what the mapping looked for
SELECT cdp.add_source('deep', mapping => '{"identifiers": {"email": ["$.mail", "$.more[*].mail"], "user_id": "$.\"the id\" ? (@ != \"0\")", "crm_id": ""}}') \g /dev/null
SELECT cdp.ingest_batch('deep', '[{"mail": "", "more": [{"mail": null}, {}], "the id": "0"}, {"mail": {"a": 1}}, {"mail": "@"}]') \g /dev/null
SELECT reason, field, message FROM cdp.reject WHERE source = 'deep' ORDER BY reject_id;
-- of very many paths the message names the first
SELECT cdp.add_source('wide', mapping => jsonb_build_object('identifiers', jsonb_build_object('email',
	(SELECT jsonb_agg('$.mail' || n) FROM generate_series(1, 1000) AS n)))) \g /dev/null
SELECT cdp.ingest_batch('wide', '[{}]') \g /dev/null
SELECT left(message, 84) AS message, length(message) < 1100 AS short, right(message, 6) AS ends FROM cdp.reject WHERE source = 'wide';
SELECT problem FROM cdp.preview_mapping('deep', '{"identifiers": {"email": "$.mail"}}', '{"Mail": "ann@example.com"}') WHERE part = 'reject';

-- mappings that cannot be understood are refused at once
SELECT cdp.add_source('bad', mapping => '{}');
SELECT cdp.add_source('bad', mapping => '[]');
SELECT cdp.add_source('bad', mapping => '{"identifiers": {}}');
SELECT cdp.add_source('bad', mapping => '{"identifiers": "$.id"}');
SELECT cdp.add_source('bad', mapping => '{"identifiers": {"user_id": "$id"}}');
SELECT cdp.add_source('bad', mapping => '{"identifiers": {"user_id": "$."}}');
SELECT cdp.add_source('bad', mapping => '{"identifiers": {"user_id": "$.a..b"}}');
SELECT cdp.add_source('bad', mapping => '{"identifiers": {"user_id": "$.a[x]"}}');
SELECT cdp.add_source('bad', mapping => '{"identifiers": {"user_id": "$.a ? (@ == $x)"}}');
SELECT cdp.add_source('bad', mapping => '{"identifiers": {"user_id": "$.a.datetime(\"aaa\")"}}');
SELECT cdp.add_source('bad', mapping => '{"identifiers": {"user_id": "$.a ? (@ like_regex \"b\" flag \"x\")"}}');
SELECT cdp.add_source('bad', mapping => '{"identifiers": {"user_id": "$.\"a"}}');
SELECT cdp.add_source('bad', mapping => '{"identifiers": {"user_id": "$.a"}, "time": "$.t"}');
SELECT cdp.add_source('bad', mapping => '{"identifiers": {"user_id": "$.a"}, "properties": "all"}');
SELECT cdp.add_source('bad', mapping => '{"identifiers": {"user_id": "$.a"}, "consents": {"purpose": "x"}}');
SELECT cdp.add_source('bad', mapping => '{"identifiers": {"user_id": "$.a"}, "consents": ["x"]}');
-- so is one that names a type of identifiers that the store does not have,
-- wherever it is given; it may be made, and a mapping outlives its type
SELECT cdp.add_source('bad', mapping => '{"identifiers": {"user_id": "$.a", "e-mail": "$.b", "mail": "$.c"}}');
SELECT cdp.add_table_source('bad', 'pg_catalog.pg_class', '{"identifiers": {"UserId": "$.oid"}}', 'oid');
SELECT * FROM cdp.preview_mapping('crm', '{"identifiers": {"badge": "$.a"}}', '{}');
SELECT * FROM cdp.preview_mapping('crm', '{"identifiers": 1}', '{}');
UPDATE cdp.source SET mapping = '{"identifiers": {"badge": "$.a"}}' WHERE name = 'crm';
SELECT cdp.add_identifier_type('badge');
SELECT cdp.add_source('gate', mapping => '{"identifiers": {"badge": "$.a"}}') > 0 AS added;
DELETE FROM cdp.identifier_type WHERE type = 'badge';
UPDATE cdp.source SET priority = 7, mapping = mapping WHERE name = 'gate';
UPDATE cdp.source SET mapping = mapping || '{"at": "$.t"}' WHERE name = 'gate';
SELECT part, field, value, becomes, problem FROM cdp.preview_mapping('gate', sample => '{"a": 7}');
-- so are other rows of cdp.source that cannot be used, whoever writes them
UPDATE cdp.source SET mapping = '{"identifiers": {"user_id": "$id"}}' WHERE name = 'crm';
UPDATE cdp.source SET kind = 'own' WHERE name = 'crm';
UPDATE cdp.source SET trust = 2 WHERE name = 'crm';
UPDATE cdp.source SET retention = '-1 day' WHERE name = 'crm';
UPDATE cdp.source SET dedupe_for = '0' WHERE name = 'crm';
UPDATE cdp.source SET default_region = 'Germany' WHERE name = 'crm';
INSERT INTO cdp.source (name) VALUES ('No Name');
UPDATE cdp.source SET default_region = 'at', retention = '1 year' WHERE name = 'crm' RETURNING default_region;
-- a path that cannot be evaluated is a warning, not silence
SELECT cdp.add_source('calc', mapping => '{"identifiers": {"user_id": "$.u"}, "event": "order", "amount": "$.p * $.q", "properties": {"n": "$.n.double()"}}') > 0 AS added;
SELECT cdp.ingest('calc', '{"u": "a", "p": 9.5, "q": 2, "n": "7"}') > 0 AS stored, cdp.ingest('calc', '{"u": "a", "p": "9.90", "q": "2", "n": "x"}') > 0 AS stored,
	cdp.ingest('calc', '{"u": "a", "n": 7}') > 0 AS stored;
SELECT amount, properties FROM cdp.event JOIN cdp.source USING (source_id) WHERE source.name = 'calc' ORDER BY event_id;
SELECT reason, field, sum(records) AS records FROM cdp.ingest_warning JOIN cdp.source USING (source_id) WHERE name = 'calc' GROUP BY 1, 2 ORDER BY 2;
SELECT part, field, becomes, problem FROM cdp.preview_mapping('calc', sample => '{"u": "a", "p": "9.90", "q": "2"}');
-- a time that the mapping expects and the record lacks is a warning; one that no
-- mapping expects is not
SELECT cdp.add_source('times', mapping => '{"identifiers": {"user_id": "$.u"}, "message_id": "$.n", "event": "order", "at": "$.t"}') > 0 AS added;
SELECT outcome FROM cdp.ingest_batch('times', '[{"u": "t", "n": 1, "t": null}, {"u": "t", "n": 2}, {"u": "t", "n": 3, "t": "2026-05-01"}]');
SELECT message_id, occurred_at = cdp.clock() AS now FROM cdp.event JOIN cdp.source USING (source_id) WHERE source.name = 'times' ORDER BY 1;
SELECT name, reason, field, records, message FROM cdp.ingest_warning JOIN cdp.source USING (source_id) WHERE reason = 'no_time' ORDER BY warning_id;
