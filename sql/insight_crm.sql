-- What a CRM sees of customers, against oracles over plain tables.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
SELECT cdp.add_source('crm'), cdp.add_source('shop') \g /dev/null

-- plain types only, for tools of every kind
SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) AS columns
FROM pg_attribute WHERE attrelid = 'cdp.crm_contact'::regclass AND attnum > 0 \gx

\set seed 0.5772
SELECT setseed(:seed) AS "seed 0.5772";
CREATE TEMP TABLE told AS
SELECT n, 'u' || (random() * 39)::integer AS person,
	date_trunc('milliseconds', timestamptz '2026-06-02' - make_interval(secs => 86400 * 200 * random())) AS at,
	(ARRAY['ticket', 'ticket', 'deal_stage', 'order', 'page_view', 'call', 'note', 'review'])[1 + (random() * 7)::integer] AS event,
	't' || (random() * 2)::integer AS thing,
	(ARRAY['new', 'Open', 'solved', 'closed', 'odd', NULL])[1 + (random() * 5)::integer] AS status,
	(ARRAY['proposal', 'won', 'lost'])[1 + (random() * 2)::integer] AS stage, (random() * 100)::integer AS amount
FROM generate_series(1, 900) AS n;
SELECT outcome, count(*) FROM cdp.ingest_batch('shop', (
	SELECT jsonb_agg(jsonb_build_object('type', 'track', 'event', event, 'userId', person, 'messageId', n::text,
		'timestamp', to_json(at), 'properties', jsonb_strip_nulls(CASE event
			WHEN 'ticket' THEN jsonb_build_object('ticket_id', person || thing, 'status', status, 'subject', 'about ' || n)
			WHEN 'deal_stage' THEN jsonb_build_object('deal_id', person || thing, 'stage', stage, 'amount', amount)
			WHEN 'order' THEN jsonb_build_object('order_id', n, 'total', amount)
			ELSE jsonb_build_object('text', 'text ' || n) END))) FROM told)) GROUP BY 1;
SELECT cdp.ingest('crm', jsonb_build_object('type', 'identify', 'userId', 'u' || n, 'messageId', 'who' || n, 'timestamp', '2025-01-01',
	'externalIds', jsonb_build_array(jsonb_build_object('type', 'crm_id', 'id', 'k' || n)),
	'traits', jsonb_build_object('email', 'u' || n || '@example.com', 'last_name', 'N' || n, 'owner', 'Eve', 'loyalty_points', n)))
FROM generate_series(0, 39) AS n \g /dev/null
SELECT cdp.ingest('shop', '{"type": "page", "anonymousId": "nobody", "messageId": "nobody", "timestamp": "2026-05-01"}') \g /dev/null
CALL cdp.merge();

-- tickets, deals, last interaction, action: what the plain table says
CREATE TEMP TABLE seen AS SELECT * FROM told WHERE at < '2026-06-01 12:00';
CREATE TEMP VIEW interaction AS SELECT * FROM seen WHERE event IN (SELECT type.event FROM cdp.interaction_type AS type);
CREATE TEMP VIEW oracle AS
SELECT person,
	(SELECT count(*) FROM (SELECT DISTINCT ON (thing) status FROM seen
			WHERE seen.person = one.person AND event = 'ticket' ORDER BY thing, at DESC) AS last
		WHERE lower(status) IS NULL OR lower(status) NOT IN ('solved', 'closed')) AS open_tickets,
	(SELECT count(*) FROM (SELECT DISTINCT ON (thing) stage FROM seen
			WHERE seen.person = one.person AND event = 'deal_stage' ORDER BY thing, at DESC) AS last
		WHERE stage = 'proposal') AS open_deals,
	(SELECT sum(amount) FROM (SELECT DISTINCT ON (thing) stage, amount FROM seen
			WHERE seen.person = one.person AND event = 'deal_stage' ORDER BY thing, at DESC) AS last
		WHERE stage = 'proposal')::numeric AS open_deal_amount,
	(SELECT event FROM interaction WHERE interaction.person = one.person ORDER BY at DESC LIMIT 1) AS last_interaction,
	(SELECT max(at) FROM interaction WHERE interaction.person = one.person) AS last_interaction_at,
	(SELECT count(*) FROM seen WHERE seen.person = one.person AND event = 'order') AS orders
FROM (SELECT DISTINCT person FROM told) AS one;
CREATE TEMP VIEW answer AS
SELECT replace(crm_ids[1], 'crm/k', 'u') AS person, open_tickets, open_deals, open_deal_amount,
	last_interaction, last_interaction_at, orders FROM cdp.crm_contact;
SELECT (SELECT count(*) FROM cdp.crm_contact) AS contacts,
	(SELECT count(*) FROM (TABLE oracle EXCEPT TABLE answer) AS missing) AS missing,
	(SELECT count(*) FROM (TABLE answer EXCEPT TABLE oracle) AS wrong WHERE person IN (SELECT person FROM told)) AS wrong;
SELECT crm_ids, email, last_name, owner, loyalty_points, permissions FROM cdp.crm_contact WHERE email = 'u7@example.com';
-- the last interaction is the first of the history, and not of what is none
SELECT count(*) AS differ FROM cdp.crm_contact AS contact
	LEFT JOIN LATERAL cdp.interaction_history(contact.profile_id, 1) AS newest ON true
WHERE (newest.occurred_at, newest.event) IS DISTINCT FROM (contact.last_interaction_at, contact.last_interaction);
-- the door of one contact's deals says what the view does
SELECT count(*) AS differ FROM cdp.crm_contact AS contact
	CROSS JOIN LATERAL cdp.open_deals(contact.profile_id) AS own
WHERE (own.deals, own.amount) IS DISTINCT FROM (contact.open_deals, contact.open_deal_amount);
-- one contact, by any id
SELECT count(*) AS contacts, bool_and(contact = one) AS equal
FROM cdp.crm_contact AS contact, cdp.contact_of(contact.profile_id) AS one;
SELECT cdp.contact_of(NULL);
-- the next action is that of the first true rule, kept by the merge run or asked now
SELECT count(*) AS contacts, count(*) FILTER (WHERE next_action IS DISTINCT FROM (
	SELECT rule.action FROM cdp.next_action_rule AS rule
	WHERE cdp.is_member(contact.profile_id, rule.predicate) ORDER BY rule.position LIMIT 1)) AS wrong,
	count(*) FILTER (WHERE next_action IS DISTINCT FROM (SELECT action FROM cdp.next_action(contact.profile_id))) AS differ,
	count(DISTINCT next_action) > 1 AS several
FROM cdp.crm_contact AS contact;
SELECT position, action, error FROM cdp.next_action_rule ORDER BY position;
-- rules of one's own, and when what they ask for has gone
SELECT cdp.define_segment('caller', 'did(call)') \g /dev/null
INSERT INTO cdp.next_action_rule VALUES (5, 'count(call)', 'thank');
INSERT INTO cdp.next_action_rule VALUES (5, 'in_segment(''caller'') and count(call) >= 3', 'thank'), (6, 'score(''purchase_30d'') > 2', 'cheer');
CALL cdp.merge();
SELECT count(*) > 0 AS some, count(*) = (SELECT count(*) FROM (
	SELECT person FROM seen WHERE event = 'call' GROUP BY person HAVING count(*) >= 3) AS three) AS all_of_them
FROM cdp.crm_contact WHERE next_action = 'thank';
SELECT cdp.drop_segment('caller'), cdp.drop_model('purchase_30d');
SET cdp.test_clock = '2026-06-01 12:01:00+00';
CALL cdp.merge();
SELECT position, error FROM cdp.next_action_rule WHERE error IS NOT NULL;
SELECT count(*) FILTER (WHERE next_action = 'thank') AS thanked, count(next_action) > 0 AS others FROM cdp.crm_contact;
SET cdp.test_clock = '2026-06-01 12:00:00+00';
SELECT cdp.next_action(0);

-- permissions: granted, not expired, not suppressed
SELECT cdp.record_consent('email', 'u1@example.com', 'marketing', 'email', 'granted'),
	cdp.record_consent('email', 'u1@example.com', 'marketing', 'post', 'granted'),
	cdp.record_consent('email', 'u1@example.com', 'marketing', 'sms', 'granted'),
	cdp.record_consent('email', 'u1@example.com', 'analytics', 'web', 'denied'),
	cdp.record_consent('email', 'u1@example.com', 'ads_personalisation', 'ads', 'granted', at => '2025-05-02') \g /dev/null
SELECT permissions FROM cdp.crm_contact WHERE email = 'u1@example.com';
SELECT cdp.suppress('email', 'u1@example.com', 'email', 'bounce');
SELECT permissions FROM cdp.crm_contact WHERE email = 'u1@example.com';
SET cdp.test_clock = '2026-06-03 12:00:00+00';
SELECT permissions FROM cdp.crm_contact WHERE email = 'u1@example.com';
SET cdp.test_clock = '2026-06-01 12:00:00+00';

-- dealings: the newest events of some kinds, in full, with what the log says
CREATE TEMP VIEW dealing AS
SELECT person, at, event, CASE WHEN event = 'ticket' THEN 'about ' || n WHEN event = 'deal_stage' THEN stage
	WHEN event <> 'order' THEN 'text ' || n END AS subject
FROM seen WHERE event <> 'page_view';
SELECT count(*) AS rows, count(*) FILTER (WHERE (dealing.at, dealing.event, dealing.subject) IS DISTINCT FROM
	(told.occurred_at, told.event, told.subject)) AS wrong
FROM (SELECT *, row_number() OVER (PARTITION BY person ORDER BY at DESC) AS place FROM dealing) AS dealing
LEFT JOIN LATERAL (SELECT *, row_number() OVER () AS place
	FROM cdp.interaction_history(cdp.find_profile('user_id', person), 5)) AS told USING (place)
WHERE place <= 5;
SELECT count(*) FROM cdp.interaction_history(cdp.find_profile('user_id', 'u1'), 1000, '2026-01-01')
HAVING count(*) = (SELECT count(*) FROM dealing WHERE person = 'u1' AND at < '2026-01-01') AND count(*) > 0 \g /dev/null
\echo :ROW_COUNT
SELECT channel, direction, count(*) > 0 AS some FROM cdp.interaction_history(cdp.find_profile('user_id', 'u1'), 1000, NULL) GROUP BY 1, 2 ORDER BY 1, 2;
SELECT * FROM cdp.interaction_history(0);
SELECT * FROM cdp.interaction_history(1, -1);
SELECT count(*) FROM cdp.interaction_history(1, 0);

-- a CRM's role reads all of it, and no table behind it
SET client_min_messages = warning;
DROP ROLE IF EXISTS cdp_test_crm;
CREATE ROLE cdp_test_crm;
SELECT cdp.grant_role('cdp_test_crm', 'crm');
SELECT profile_id AS one FROM cdp.crm_contact WHERE email = 'u1@example.com' \gset
SET ROLE cdp_test_crm;
SELECT count(*) FROM cdp.crm_contact;
SELECT count(*) > 0 AS told FROM cdp.interaction_history(:one);
SELECT count(*) > 0 AS told FROM cdp.deals_of(:one);
SELECT count(*) FROM cdp.next_action(:one);
SELECT count(*) FROM cdp.profile_action;
SELECT count(*) FROM cdp._deal_step;
SELECT cdp.feed_crm();
RESET ROLE;
SELECT cdp.revoke_role('cdp_test_crm', 'crm');
DROP OWNED BY cdp_test_crm;
DROP ROLE cdp_test_crm;
