-- store.sql: a store in which each public view has rows, some with values that
-- readers spoil: texts longer than drivers' buffers (255, 8190), scripts and
-- emoji, what JSON and CSV must escape, infinity, microseconds, numbers of more
-- digits than a double has.  The shop's records wait in the inbox.
SET client_min_messages = warning;
\o /dev/null
SELECT cdp.add_source('crm', kind => 'first_party');
INSERT INTO cdp.model (name, kind, options) VALUES ('renews', 'contract', '{"period": "1 month"}');
INSERT INTO cdp.purpose (purpose, description) VALUES ('surveys', E'tabs\tand\nlines, "quotes", back\\slash');
UPDATE cdp.source SET retention = '400 days 03:04:05.000006' WHERE name = 'crm';
INSERT INTO cdp.campaign VALUES ('spring', '2026-05-01', 123456789012345.6789);
INSERT INTO cdp.catalog (product_id, name, category, price, currency, valid_from, valid_to, properties) VALUES
	('long', repeat('Täßchen ☕🫖 ', 900), 'kitchen', 0.0001, 'EUR', '-infinity', 'infinity', '{"colour": "weiß"}');
INSERT INTO cdp.taxonomy (category, parent) VALUES ('hot', NULL), ('tea', 'hot');
INSERT INTO cdp.next_action_rule (position, predicate, action)
SELECT 5, string_agg(format('did(order where product_id = ''product-%s'')', n), ' or ')::cdp.predicate, 'call'
FROM generate_series(1, 300) AS n;

INSERT INTO cdp.inbox (source, record)
SELECT 'crm', record::jsonb || '{"externalIds": [{"type": "crm_id", "id": "0031"}, {"type": "email", "id": "zoë@example.com"}]}'
FROM (VALUES
	(jsonb_build_object('type', 'identify', 'messageId', 'r1', 'timestamp', '2026-05-01T10:00:00.123456Z',
		'traits', jsonb_build_object('first_name', E'Zoë "Zo"\\', 'last_name', 'Łęcka-İ', 'name', repeat('長い名前🙂', 150),
			'company', E'Töpfe & <Söhne>\nGmbH', 'notes', repeat('Ein langer Vermerk, "schön" 🙂. ', 600),
			'loyalty_points', 12345678901234567.25))),
	(jsonb_build_object('type', 'track', 'event', 'order', 'messageId', 'r2', 'timestamp', '2026-05-02T10:00:00.000001Z',
		'properties', jsonb_build_object('order_id', 'r2', 'total', 98765432109876.5432, 'product_id', 'long', 'quantity', 0.001,
			'gift_note', repeat(E'\\"\t\u2028é🙂', 3000)))),
	(jsonb_build_object('type', 'track', 'event', 'order_returned', 'messageId', 'r3', 'timestamp', '2026-05-03T10:00:00Z',
		'properties', jsonb_build_object('order_id', 'r2', 'return_id', 'r3', 'total', 1.5))),
	('{"type": "track", "event": "deal_stage", "messageId": "r4", "timestamp": "2026-05-04T10:00:00Z",
		"properties": {"deal_id": "D-1", "stage": "Qualification", "amount": 500.25, "owner": "Ève", "expected_close": "2026-12-01"}}'),
	('{"type": "track", "event": "Subscription Started", "messageId": "r5", "timestamp": "2026-05-05T10:00:00Z"}'),
	('{"type": "track", "event": "page", "messageId": "r6", "timestamp": "2026-05-05T11:00:00Z"}')
) AS said (record);
-- one person twice in the CRM: both contacts have her phone
INSERT INTO cdp.inbox (source, record) VALUES
	('crm', '{"type": "identify", "messageId": "d1", "externalIds": [{"type": "crm_id", "id": "0041"}], "traits": {"phone": "+49 30 901820", "first_name": "Bo"}}'),
	('crm', '{"type": "identify", "messageId": "d2", "externalIds": [{"type": "crm_id", "id": "0042"}], "traits": {"phone": "+49 30 901820", "last_name": "Bø"}}');
-- members of so many segments that their names are longer than 255
SELECT cdp.define_segment('those_who_did_anything_at_all_' || n, 'did(any)') FROM generate_series(1, 9) AS n;
UPDATE cdp.trait SET history = true WHERE name = 'company';
CALL cdp.merge();

SELECT cdp.feed_crm();
SELECT cdp.start_journey();
SELECT cdp.define_computed_trait('largest_order', 'max(order.amount)');
SELECT cdp.add_experiment('offer', 'did(order, since 2026-05-20)', segment => 'one_time_buyers', arms => '{control,offer}', shares => '{0.25,0.75}');
SELECT cdp.add_audience('everybody', segment => 'one_time_buyers', purpose => 'marketing', channel => 'email', destination => 'newsletter');
SELECT cdp.create_audience_view('everybody', ARRAY['identifier', 'first_name', 'google.email']);
INSERT INTO cdp.contact_limit VALUES ('email', '7 days', 2);
SELECT cdp.assign_experiment('offer');
SELECT cdp.add_experiment('subject', 'did(order, since 2026-05-20)', audience => 'everybody');
SELECT cdp.assign_experiment('subject');
CALL cdp.merge();
SELECT cdp.audience_delta('everybody');
SELECT cdp.erase_subject(profile_id, 'by letter') FROM cdp.unified_profile ORDER BY profile_id DESC LIMIT 1;
SELECT cdp.refresh_insights();

CREATE ROLE tool LOGIN;
SELECT cdp.grant_role('tool', kind)
FROM (SELECT DISTINCT kind FROM cdp._role_matrix() WHERE kind NOT IN ('ingest', 'operator')) AS known;
CREATE ROLE analyst;
SELECT cdp.grant_role('analyst', 'reader');
