\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never
SELECT cdp.add_source('web');

-- the calls of the Segment spec, as SDKs send them; one line each
COPY cdp.inbox (source, record) FROM stdin WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\t');
web	{"type":"track","messageId":"t1","anonymousId":"c-1","event":"Product Viewed","properties":{"product_id":"p1","price":9.9},"timestamp":"2026-05-01T10:00:00.123Z","context":{"campaign":{"name":"spring","source":"google"},"library":{"name":"analytics.js"}}}
web	{"type":"page","messageId":"t2","anonymousId":"c-1","name":"Home","category":"Shop","properties":{"url":"https://shop.example/"},"timestamp":"2026-05-01T10:00:01Z"}
web	{"type":"screen","messageId":"t3","anonymousId":"c-1","name":"Cart","timestamp":"2026-05-01T10:00:02Z","context":{"device":{"id":"dev-1"}}}
web	{"type":"identify","messageId":"t4","anonymousId":"c-1","userId":42,"traits":{"email":"Ann@Example.com","phone":"0171 1234567","firstName":"Ann","lastName":"Bee","birthday":"1990-02-03","address":{"street":"Main 1","city":"Berlin","postalCode":"10115","state":"BE","country":"DE"},"company":{"name":"Acme","id":"7"},"loyaltyTier":"gold","nothing":null},"context":{"locale":"de-DE","timezone":"Europe/Berlin"},"timestamp":"2026-05-01T10:00:03Z"}
web	{"type":"group","messageId":"t5","userId":42,"groupId":"acc-9","traits":{"name":"Acme Ltd","email":"office@acme.example"},"timestamp":"2026-05-01T10:00:04Z"}
web	{"type":"alias","messageId":"t6","userId":42,"previousId":"c-0","timestamp":"2026-05-01T10:00:05Z"}
web	{"type":"track","messageId":"t7","userId":42,"event":"Order Completed","properties":{"order_id":"o1","total":19.99,"currency":"EUR","email":"ann@example.com","products":[{"product_id":"p1","quantity":1}]},"timestamp":"2026-05-01T10:00:06Z"}
\.

-- as RudderStack's SDK does it: traits only in context, ids in externalId
COPY cdp.inbox (source, record) FROM stdin WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\t');
web	{"type":"identify","messageId":"r1","anonymousId":"r-c","channel":"server","context":{"traits":{"email":"rob@example.com","plan":"free"},"externalId":[{"type":"crm_id","id":"0031"}]},"originalTimestamp":"2026-05-02T10:00:00.000Z","sentAt":"2026-05-02T10:00:00.500Z"}
web	{"messageId":"r2","anonymousId":"r-c","event":"Some New Thing!","properties":{"n":1}}
web	{"messageId":"r3","externalIds":[{"type":"crm_id","id":"0031"}],"traits":{"score":7.50,"tags":["a","b"],"ok":true}}
web	{"messageId":"r4","anonymousId":"r-c","groupId":"g"}
web	{"messageId":"r5","userId":"rob","previousId":"r-c"}
\.

CALL cdp.merge(phases => '{ingest}');
SELECT source, records, stored, duplicates, rejected, without_key FROM cdp.ingest_count;
SELECT * FROM cdp.reject;
SELECT * FROM cdp.ingest_warning;
SELECT message_id, name, occurred_at, amount, currency, properties
FROM cdp.event ORDER BY occurred_at, message_id;

-- whom each event's record was about
SELECT message_id, array_agg(type || ':' || value ORDER BY type, value) AS about
FROM cdp.event
	JOIN cdp.identifier_set_member USING (set_id)
	JOIN cdp.identifier USING (identifier_id)
	JOIN cdp.identifier_type USING (type_id)
GROUP BY message_id ORDER BY message_id;
SELECT type, identifier.scope, value FROM cdp.identifier JOIN cdp.identifier_type USING (type_id)
ORDER BY priority, value;

-- what was said about them
SELECT string_agg(identifier.value, ' ' ORDER BY identifier.value) AS about, name, trait_observation.value
FROM cdp.trait_observation JOIN cdp.identifier_set_member USING (set_id)
	JOIN cdp.identifier USING (identifier_id)
GROUP BY set_id, name, trait_observation.value ORDER BY 1, 2;

-- fields of the wrong type are warned of and cost themselves only
COPY cdp.inbox (source, record) FROM stdin WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\t');
web	{"type":"track","messageId":"w1","userId":"w","anonymousId":{"a":1},"event":"x","properties":"none","traits":[1],"context":7}
web	{"type":"track","messageId":"w2","userId":"w","event":"x","externalIds":"crm","consent":3,"messageid":"lower"}
web	{"type":"track","messageId":"w3","userId":"w","event":"x","externalIds":[1,{"type":"no_such_type","id":"1"},{"id":"2"}]}
web	{"type":"track","messageId":"w4","userId":"w","event":"x","properties":{"revenue":true,"currency":"EUR"}}
web	{"type":"track","messageId":"w5","userId":"w","event":"x","properties":{"revenue":1,"currency":"euro"}}
web	{"type":"track","messageId":"w6","userId":"w","event":"x","properties":{"email":"a@@b","phone":"12"}}
web	{"type":"track","messageId":"w7","userId":"w","event":"x","consent":[{"purpose":"p","channel":"email"},{"purpose":"p","channel":"email","state":"maybe"},{"purpose":"p","channel":"email","state":true,"at":"soon"},{"purpose":"no such purpose","channel":"email","state":true}]}
web	{"type":"track","messageId":["w8"],"userId":"w","event":"x","timestamp":"2026-05-03","sentAt":"now"}
web	{"type":"track","messageId":"w9","userId":"w","event":"x","properties":{"huge":1e999999999,"small":1e-999999999,"long":1e300}}
web	{"type":"identify","messageId":"w10","userId":"w","traits":{"!!!":1,"ok":1}}
\.

CALL cdp.merge(phases => '{ingest}');
SELECT reason, field, sum(records) AS records, message,
	string_agg(example_value, ' | ' ORDER BY example_value COLLATE "C") AS shown
FROM cdp.ingest_warning GROUP BY 1, 2, 4 ORDER BY 1, 2, 4;
-- of a long value as many whole characters are shown as fit into 100 bytes
SELECT cdp.ingest('web', jsonb_build_object('userId', 'w', 'messageId', 'long', 'traits', jsonb_build_object('email', repeat('ä', 60))))
	IS NOT NULL AS stored;
SELECT example_value, octet_length(example_value) FROM cdp.ingest_warning WHERE example_message_id = 'long';
-- of equal warnings in a call one value is shown
SELECT cdp.ingest_batch('web', '[{"userId": "w", "messageId": "v1", "traits": {"birth_date": "first"}},
	{"userId": "w", "messageId": "v2", "traits": {"birth_date": ["second"]}}]') \g /dev/null
SELECT records, field, example_value, example_message_id FROM cdp.ingest_warning WHERE reason = 'invalid_trait';
DELETE FROM cdp.ingest_warning;
SELECT message_id, properties, amount FROM cdp.event
WHERE message_id ~ '^w' OR message_id IS NULL ORDER BY message_id;

-- nulls everywhere are as if nothing stood there
COPY cdp.inbox (source, record) FROM stdin WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\t');
web	{"type":null,"messageId":null,"userId":"nul","anonymousId":null,"previousId":null,"groupId":null,"event":"null test","properties":null,"traits":null,"context":null,"timestamp":null,"originalTimestamp":null,"sentAt":null,"consent":null,"externalIds":null}
web	{"userId":"nul","event":"null test","timestamp":"2026-05-04","properties":{"email":null,"phone":null,"revenue":null,"currency":null},"traits":{"email":null},"context":{"device":null,"traits":null,"campaign":null,"externalIds":null}}
\.

CALL cdp.merge(phases => '{ingest}');
SELECT name, occurred_at, properties FROM cdp.event WHERE name = 'null_test' ORDER BY 2;
SELECT count(*) AS rejects FROM cdp.reject;

-- third-party rows
SELECT cdp.add_source('dmp_acme', kind => 'third_party');
COPY cdp.inbox (source, record) FROM stdin WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\t');
dmp_acme	{"id":"p-1","segment":"auto_intender","value":0.8,"expires":"2026-08-01"}
dmp_acme	{"id":"p-1","segment":"parent"}
dmp_acme	{"id":"p-1","segment":"student","expires":"2026-06-01T12:00:00Z"}
dmp_acme	{"id":"p-1","segment":"unknown","value":null}
dmp_acme	{"id":"p-2","segment":""}
dmp_acme	{"id":"p-2","segment":{"a":1}}
dmp_acme	{"id":"p-2","segment":"x","expires":"some day"}
dmp_acme	{"segment":"x"}
dmp_acme	{"type":"track","anonymousId":"p-3","event":"ad view","timestamp":"2026-05-01"}
\.

CALL cdp.merge(phases => '{ingest}');
SELECT type, identifier.scope, identifier.value, name, trait_observation.value
FROM cdp.trait_observation JOIN cdp.identifier_set_member USING (set_id)
	JOIN cdp.identifier USING (identifier_id)
	JOIN cdp.identifier_type USING (type_id)
WHERE name LIKE 'third_party%' ORDER BY 3, 4;
SELECT reason, field, example_value, message FROM cdp.ingest_warning WHERE reason IN ('expired', 'no_value') ORDER BY reason;
SELECT reason, field, message FROM cdp.reject ORDER BY reject_id;

-- whatever a third party sends, in the standard shape or by a mapping: it may say
-- who is who, but its traits are its own and its consents are nobody's
SELECT cdp.add_source('dmp_mapped', kind => 'third_party', mapping => '{"identifiers": {"email": "$.mail"}, "message_id": "$.n",
	"traits": {"email": "$.mail", "city": "$.city"}, "consents": [{"purpose": "marketing", "channel": "email", "state": "$.ok"}]}') \g /dev/null
SELECT cdp.ingest('web', '{"userId": "ida", "messageId": "i1", "timestamp": "2026-05-01", "traits": {"email": "ida@example.com", "city": "Ulm"}}') AS ida \gset
SELECT cdp.ingest('dmp_acme', '{"userId": "ida", "messageId": "i2", "timestamp": "2026-05-02", "groupId": "theirs", "context": {"locale": "fr-FR"},
	"traits": {"email": "other@example.com", "phone": "+49301234567", "city": "Rome", "address": {"country": "IT"}},
	"consent": [{"purpose": "marketing", "channel": "email", "state": "granted"}]}') \g /dev/null
SELECT cdp.ingest('dmp_acme', '{"type": "identify", "userId": "ida", "messageId": "i3", "timestamp": "2026-05-02", "context": {"locale": "fr-FR"},
	"traits": {"email": "other@example.com", "phone": "+49301234567", "city": "Rome", "address": {"country": "IT"}},
	"consent": [{"purpose": "marketing", "channel": "email", "state": "granted"}]}') = :ida AS same;
SELECT cdp.ingest('dmp_mapped', '{"mail": "ida@example.com", "n": 1, "city": "Oslo", "ok": "yes"}') = :ida AS same;
SELECT traits, consents, identifiers FROM cdp.profile('user_id', 'ida');
SELECT name, field, example_value, message FROM cdp.ingest_warning JOIN cdp.source USING (source_id)
WHERE reason = 'third_party_consent' ORDER BY warning_id;
SELECT count(*) AS answers FROM cdp.consent_log;
-- a segment may have any name
SELECT cdp.ingest('dmp_acme', '{"id": "p-4", "segment": "phone"}') \g /dev/null
SELECT traits FROM cdp.profile('third_party_id', 'p-4', 'dmp_acme');

-- a byte order mark at the start of a file, that is of its first line, is none of
-- the record; a second one, or one alone, is
INSERT INTO cdp.inbox (source, record)
SELECT 'web', start || format('{"userId": "bom", "event": "x", "messageId": "bom %s"}', n)
FROM unnest(ARRAY[U&'\FEFF', U&'\FEFF\FEFF']) WITH ORDINALITY AS file (start, n);
INSERT INTO cdp.inbox (source, record) VALUES ('web', U&'\FEFF');
CALL cdp.merge(phases => '{ingest}');
SELECT message_id FROM cdp.event WHERE message_id ~ '^bom';
SELECT reason, message FROM cdp.reject WHERE record LIKE U&'\FEFF%' ORDER BY reject_id;
