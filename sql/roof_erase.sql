-- Erasing one person: nothing is left to be found, and they do not come back.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set traces :abs_srcdir '/test/data/traces.sql'
\i :traces
\set SHOW_CONTEXT never
SELECT cdp.add_source('web'), cdp.add_source('crm');
INSERT INTO cdp.trait (name, history) VALUES ('nickname', true);
SELECT cdp.index_trait('first_name'), cdp.index_text('chat', 'text');
SELECT cdp.add_group_kind('household', ARRAY['device_id', 'ip']);

-- Ann is known in every way there is, and shares a tablet with Bob
CREATE TEMP TABLE sent (source text, record jsonb);
INSERT INTO sent VALUES
('web', '{"type": "track", "event": "order", "messageId": "msg-annabel-1", "timestamp": "2026-05-01T10:00:00Z",
	"userId": "annabel-77", "anonymousId": "cookie-annabel", "properties": {"amount": 120.5, "order_id": "annabel-order", "product_id": "tea"},
	"context": {"device": {"id": "tablet-of-both"}, "traits": {"email": "Annabel@Feather.example", "phone": "0171 7654321"}}}'),
('web', '{"type": "track", "event": "chat", "timestamp": "2026-05-02T10:00:00Z", "anonymousId": "cookie-annabel",
	"properties": {"text": "this is Annabel Featherstone, call me"}}'),
('crm', '{"type": "identify", "timestamp": "2026-05-03T10:00:00Z", "userId": "annabel-77",
	"traits": {"email": "annabel@feather.example", "first_name": "Annabel", "last_name": "Featherstone", "nickname": "Bella-annabel", "birth_date": "1971-02-03x"},
	"externalIds": [{"type": "crm_id", "id": "annabel-0031"}],
	"consent": [{"purpose": "marketing", "channel": "email", "state": "granted", "at": "2026-05-03T10:00:00Z",
		"document": "form 7", "evidence": {"signed": "Annabel Featherstone"}}]}'),
('web', '{"type": "track", "event": "page_view", "timestamp": "2026-05-04T10:00:00Z", "userId": "bob-1",
	"context": {"device": {"id": "tablet-of-both"}}}'),
('web', '{"type": "track", "event": "order", "timestamp": "2026-05-05T10:00:00Z", "userId": "bob-1",
	"anonymousId": "cookie-bob", "properties": {"amount": 10, "order_id": "b1"}}');
SELECT cdp.add_destination('mailer', 'csv'), cdp.add_destination('meta', 'platform', options => '{"platform": "meta"}');
SELECT cdp.define_segment('buyers', 'count(order) > 0');
SELECT cdp.add_audience('letters', 'buyers', 'marketing', 'email', 'mailer');
SELECT count(cdp.ingest(source, record)) FROM sent;
CALL cdp.merge();
SELECT cdp.find_profile('user_id', 'annabel-77') AS ann, cdp.find_profile('user_id', 'bob-1') AS bob \gset
SELECT cdp.pin_trait(:ann, 'city', '"Annabelville"', 'Annabel said so');
SELECT cdp.suppress('email', 'annabel@feather.example', 'ads');
SELECT count(*) FROM cdp.audience_delta('letters');
SELECT cdp.add_experiment('hello', segment => 'buyers', metric => 'count(order) > 1') IS NOT NULL AS added;
SELECT count(cdp.experiment_arm('hello', id)) FROM unnest(ARRAY[:ann, :bob]) AS id;
SELECT cdp.decide('user_id:annabel-77', 'user_id:bob-1', 'never', 'Annabel is not Bob') IS NOT NULL AS decided;
-- what could not be used, and what waits
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "timestamp": "1950-01-01T00:00:00Z", "userId": "annabel-77"}');
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "timestamp": "1950-01-01T00:00:00Z", "userId": "carl-1"}');
INSERT INTO cdp.inbox (source, record) VALUES
	('web', '{"type": "track", "event": "sign_in", "anonymousId": "cookie-annabel"}'),
	('web', '{"type": "track", "event": "sign_in", "email": "annabel@feather.example"'),
	('web', '{"type": "track", "event": "sign_in", "anonymousId": "cookie-carl"}');
-- an event that is in no timeline yet
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT cdp.ingest('web', '{"type": "track", "event": "search", "timestamp": "2026-05-06T10:00:00Z", "userId": "annabel-77",
	"properties": {"query": "for annabel"}}') = :ann AS waits;
COMMIT;
SELECT phase FROM cdp.todo ORDER BY 1;
CREATE TEMP TABLE annabel (value) AS VALUES ('annabel'), ('0171 7654321'), ('+491717654321'),
	('Featherstone'), ('feather.example');

-- before: she is everywhere
SELECT relation, place, rows FROM pg_temp.traces(ARRAY(SELECT value FROM annabel));
-- the log of events is not read from end to end, neither to tell nor to erase
CREATE VIEW pg_temp.scans AS SELECT coalesce(sum(seq_scan), 0) AS n FROM pg_stat_xact_user_tables
	WHERE relname ~ '^(event_(other|[0-9]+)|message|timeline_chunk)$';
SELECT pg_stat_force_next_flush() \g /dev/null
BEGIN;
SELECT jsonb_array_length(cdp.export_subject(:ann) -> 'events') AS events;
SELECT cdp.erase_subject(:ann, 'asked by letter') AS receipt \gset
SELECT n FROM pg_temp.scans;
SELECT count(*) > 0 AS some FROM cdp.event;
SELECT n > 0 AS counted FROM pg_temp.scans;
COMMIT;
SELECT :'receipt'::jsonb - 'store_id' AS receipt;
-- after: nowhere, but in what the mailer is yet to be told
SELECT relation, place, rows FROM pg_temp.traces(ARRAY(SELECT value FROM annabel));
SELECT delta, change, identifier_type FROM cdp.audience_delta('letters', 0);
SELECT cdp.audience_ack('letters', 2);
SELECT relation, place, rows FROM pg_temp.traces(ARRAY(SELECT value FROM annabel));
-- and her hashes are those that the ledger and the tombstones have
SELECT kind, done_at, counts = (:'receipt'::jsonb -> 'rows') AS same_counts, cardinality(subject) AS subject,
	receipt_sha256 = sha256(convert_to(:'receipt', 'UTF8')) AS is_this_receipt
FROM cdp.privacy_request WHERE kind = 'erase';
SELECT type, count(*) FROM cdp.tombstone GROUP BY 1 ORDER BY 1;
SELECT purpose, channel, state, document, at FROM cdp.consent_proof;

-- what others have is untouched, and equal to what a rebuild makes
SELECT ok FROM cdp.verify_identity();
-- (the tablet is his alone now, and has the older id)
SELECT cdp.resolve(:ann), cdp.resolve(:bob) = cdp.find_profile('device_id', 'tablet-of-both') AS his_tablet;
SELECT shared FROM cdp.identifier WHERE value = 'tablet-of-both';
SELECT name, amount FROM cdp.profile_event WHERE profile_id = cdp.resolve(:bob) ORDER BY occurred_at;
SELECT reason, detail -> 'identifiers' = jsonb_build_array((SELECT identifier_id FROM cdp.identifier WHERE value = 'bob-1')) AS only_bob
FROM cdp.steward_action;
SELECT source, reason, record FROM cdp.reject;
SELECT record FROM cdp.inbox;
SELECT segment, reason, change FROM cdp.membership_change JOIN cdp.segment USING (segment_id)
	CROSS JOIN LATERAL (SELECT name) AS named (segment) WHERE profile_id = :ann ORDER BY 1;

-- she does not come back, whichever way she is sent
SELECT count(cdp.ingest(source, record)) FROM sent WHERE record::text ~* 'annabel';
SELECT outcome, count(*) FROM cdp.ingest_batch('web', (SELECT jsonb_agg(record) FROM sent WHERE source = 'web')) GROUP BY 1 ORDER BY 1;
INSERT INTO cdp.inbox (source, record) SELECT source, record::text FROM sent WHERE record::text ~* 'annabel';
CALL cdp.merge();
CALL cdp.retry_rejects();
CALL cdp.merge();
SELECT source, reason, record, count(*) FROM cdp.reject GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT relation, place, rows FROM pg_temp.traces(ARRAY(SELECT value FROM annabel));
SELECT name, value, state FROM cdp.health WHERE name = 'erased_refused_24h';
-- nor by a table that is read in place and that nobody told: the row of hers is
-- refused as often as it comes or changes, and nothing of it is kept
CREATE TABLE public.member_card (no text PRIMARY KEY, customer text, city text, changed timestamptz);
INSERT INTO public.member_card VALUES ('card-1', 'carl-1', 'Ulm', '2026-05-20'), ('card-of-annabel', 'annabel-77', 'Annabelville', '2026-05-20');
SELECT cdp.add_table_source('cards', 'public.member_card',
	'{"identifiers": {"user_id": "$.customer"}, "at": "$.changed", "traits": {"city": "$.city"}}',
	key => 'no', watermark => 'changed');
CALL cdp.merge();
UPDATE public.member_card SET city = city || '!', changed = changed + interval '1 day';
CALL cdp.merge();
SELECT records, stored, duplicates, rejected FROM cdp.ingest_count WHERE source = 'cards';
SELECT reason, record, message_id ~ '^[0-9a-f]{64}$' AS hashed FROM cdp.reject WHERE source = 'cards';
SELECT error FROM cdp.table_source WHERE source_id = (SELECT source_id FROM cdp.source WHERE name = 'cards');
SELECT relation, place, rows FROM pg_temp.traces(ARRAY(SELECT value FROM annabel));
UPDATE cdp.table_source SET active = false;
DROP TABLE public.member_card;
-- her arm of an experiment went with her; his stays
SELECT profile_id = :bob AS bob, count(*) FROM cdp.experiment_member GROUP BY 1;
-- a record that would be rejected anyway is not kept either
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "timestamp": "1950-01-01T00:00:00Z", "userId": "annabel-77"}');
SELECT cdp.decide('user_id:annabel-77', 'user_id:bob-1', 'never', 'again');
SELECT cdp.record_consent('email', 'annabel@feather.example', 'marketing', 'email', 'granted');
SELECT relation, place, rows FROM pg_temp.traces(ARRAY(SELECT value FROM annabel));
-- nor by the hand of a steward, or as the former id of an alias
SELECT cdp.ingest('web', '{"type": "alias", "userId": "carl-1", "previousId": "annabel-77", "messageId": "alias"}');
SELECT cdp.pin_trait(cdp.find_profile('user_id', 'carl-1'), 'email', '" Annabel@feather.example"', 'he says so');
SELECT cdp.rectify_subject(cdp.find_profile('user_id', 'carl-1'), 'email', '"annabel@feather.example"', 'he says so');
SELECT cdp.block_value('email', 'Annabel@feather.example');
SELECT cdp.block_value(NULL, 'annabel-77');
SELECT * FROM cdp.change_rules('{"block": [{"type": "email", "value": "Annabel@feather.example"}]}', 'by all means');
INSERT INTO cdp.blocked_value (type, value, reason) VALUES ('email', 'annabel@feather.example', 'by hand');
SELECT relation, place, rows FROM pg_temp.traces(ARRAY(SELECT value FROM annabel));
-- suppressions outlive her, and can be made for her
SELECT cdp.suppress('email', 'annabel@feather.example');
SELECT count(*) FROM cdp.suppression;

-- unless she wants to
SELECT cdp.readmit_identifier('email', 'Annabel@feather.example', 'opened a new account'),
	cdp.readmit_identifier('email', 'Annabel@feather.example', 'opened a new account');
SELECT cdp.ingest('web', '{"type": "identify", "traits": {"email": "annabel@feather.example"}}') IS NOT NULL AS back;
SELECT kind, reason FROM cdp.privacy_request ORDER BY request_id;

-- anonymised: totals stay
SELECT sum(amount), count(*) FROM cdp.event WHERE name = 'order';
SELECT cdp.erase_subject(:bob, 'asked at the till', events => 'anonymise') ->> 'events' AS events;
SELECT name, occurred_at, received_at, set_id, message_id, amount, properties FROM cdp.event ORDER BY name;
SELECT sum(amount), count(*) FROM cdp.event WHERE name = 'order';
SELECT relation, place, rows FROM pg_temp.traces(ARRAY['bob-1', 'cookie-bob', 'tablet-of-both']);
CALL cdp.rebuild();
SELECT ok FROM cdp.verify_identity();

-- what came only with somebody goes with them and does not come back: a number
-- that a limit kept apart, an address that was blocked for their sake; what was
-- blocked for others' sake, too, stays
SELECT cdp.add_identifier_type('badge', 8, 'card at the door', max_per_profile => 1, max_strong_per_value => NULL) > 0 AS added;
SELECT cdp.ingest('web', jsonb_build_object('type', 'track', 'event', 'order', 'userId', 'zelda-1', 'timestamp', day,
	'externalIds', ids)) IS NOT NULL AS known
FROM (VALUES ('2026-05-10', '[{"type": "badge", "id": "zelda-badge-1"}, {"type": "email", "id": "zelda@feather.example"}]'::jsonb),
	('2026-05-11', '[{"type": "badge", "id": "zelda-badge-2"}, {"type": "email", "id": "till@feather.example"}, {"type": "ip", "id": "192.0.2.77"}]')) AS said (day, ids);
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "yves-1", "timestamp": "2026-05-12",
	"externalIds": [{"type": "email", "id": "till@feather.example"}]}') IS NOT NULL AS known;
SELECT cdp.block_value('email', 'Zelda@feather.example', 'zelda says so') AS hers,
	cdp.block_value('email', 'till@feather.example', 'of the till') AS the_tills;
CALL cdp.merge();
SELECT value, leaf IS NULL AS nobodys, blocked FROM cdp.identifier
WHERE value ~ '^(zelda|till@)' ORDER BY 1;
INSERT INTO cdp.inbox (source, record) VALUES ('web', '{"type": "track", "event": "sign_in", "badge": "zelda-badge-2"');
SELECT receipt -> 'identifiers' AS identifiers, receipt -> 'rows' -> 'blocked_value' AS blocked
FROM cdp.erase_subject(cdp.find_profile('user_id', 'zelda-1'), 'asked') AS receipt;
SELECT relation, place, rows FROM pg_temp.traces(ARRAY['zelda']);
SELECT type, count(*) FROM cdp.tombstone WHERE key_hash IN (cdp._key_hash('badge', 'zelda-badge-2', NULL),
	cdp._key_hash('email', 'zelda@feather.example', NULL), cdp._key_hash('ip', '192.0.2.77', NULL),
	cdp._key_hash('email', 'till@feather.example', NULL)) GROUP BY 1 ORDER BY 1;
SELECT value FROM cdp.blocked_value WHERE type = 'email' AND value IS NOT NULL;
SELECT judge_all FROM cdp.identity_state;
-- much text is looked through in parts; a value is a word there
BEGIN;
INSERT INTO cdp.inbox (source, record)
SELECT 'web', repeat('x ', 3 << 20) || word || tail
FROM unnest(ARRAY['Zelda.badge-2', 'zelda-badge-2', 'zelda.badge-22']) AS word, unnest(ARRAY['', ' said']) AS tail;
SELECT count(*) FROM cdp._raw_ranges();
SELECT count(*), count(DISTINCT id), bool_and(in_inbox) FROM cdp._raw_records_of('{}', ARRAY['zelda.badge-2', 'short']);
ROLLBACK;
SELECT ok FROM cdp.verify_identity();

-- what is refused
SELECT cdp.erase_subject(:ann, 'again');
SELECT cdp.erase_subject(cdp.find_profile('email', 'annabel@feather.example'), ' ');
SELECT cdp.erase_subject(cdp.find_profile('email', 'annabel@feather.example'), 'x', 'shred');
UPDATE cdp.privacy_request SET reason = 'another';
DELETE FROM cdp.privacy_request;
UPDATE cdp.consent_proof SET state = 'denied';
DELETE FROM cdp.consent_log;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT cdp.erase_subject(1, 'too early a snapshot');
ROLLBACK;
-- a number is dora's, and an older record that waits gives it to emil: whoever of
-- the two is meant by an id, nobody is erased before that is judged
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "dora", "externalIds": [{"type": "crm_id", "id": "number-of-both"}],
	"timestamp": "2026-05-02T10:00:00Z"}') IS NOT NULL AS dora;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "emil", "externalIds": [{"type": "crm_id", "id": "number-of-both"}],
	"timestamp": "2026-05-01T10:00:00Z"}') IS NOT NULL AS emil;
COMMIT;
\set VERBOSITY terse
SELECT cdp.erase_subject(cdp.find_profile('user_id', person), 'asked') FROM unnest(ARRAY['dora', 'emil']) AS person;
CALL cdp.merge();
SELECT cdp.erase_subject(cdp.find_profile('user_id', 'emil'), 'asked') IS NOT NULL AS emil;
SELECT value FROM cdp.identifier WHERE value IN ('dora', 'emil', 'number-of-both');
