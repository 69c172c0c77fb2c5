-- What cdp.crm_contact takes from the doors, against plain SQL over the tables:
-- random consents, some expired or suppressed, random tickets and dealings, many at
-- one instant, some to come, some longer ago than their source keeps.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
\set seed 31
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
SELECT cdp.add_source('crm'), cdp.add_source('shop'), cdp.add_source('old') \g /dev/null
UPDATE cdp.source SET retention = '100 days' WHERE name = 'old';
INSERT INTO cdp.inbox (source, record)
SELECT 'crm', jsonb_build_object('type', 'identify', 'userId', 'u' || n, 'messageId', 'i' || n, 'timestamp', '2025-01-01T00:00:00Z',
	'traits', jsonb_build_object('email', 'u' || n || '@example.com', 'loyalty_points', CASE n % 4 WHEN 0 THEN to_jsonb(n) WHEN 1 THEN to_jsonb(n || '.5') WHEN 2 THEN to_jsonb('x' || n) END),
	'externalIds', CASE WHEN n % 3 = 0 THEN jsonb_build_array(jsonb_build_object('type', 'phone', 'id', '+4930123' || 1000 + n)) ELSE '[]' END)::text
FROM generate_series(0, 99) AS n
UNION ALL
SELECT CASE WHEN n % 3 = 0 THEN 'old' ELSE 'shop' END, jsonb_build_object('type', 'track', 'userId', 'u' || floor(random() * 80), 'messageId', 'e' || n,
	'event', (ARRAY['ticket', 'ticket', 'ticket', 'call', 'note', 'page_view'])[1 + floor(random() * 6)::integer],
	'timestamp', timestamptz '2026-06-04' - floor(random() * 150) * interval '1 day',
	'properties', jsonb_strip_nulls(jsonb_build_object('ticket_id', (ARRAY['"a"', '"b"', '7', '7.0', 'true', '""', 'null', '["a"]']::jsonb[])[1 + floor(random() * 8)::integer],
		'status', (ARRAY['new', 'Open', 'SOLVED', 'closed', 'odd', '', NULL])[1 + floor(random() * 7)::integer])))::text
FROM generate_series(1, 4000) AS n
UNION ALL
SELECT 'crm', jsonb_build_object('type', 'identify', 'userId', 'u' || floor(random() * 90), 'messageId', 'c' || n, 'timestamp', '2026-05-01T00:00:00Z', 'consent',
	jsonb_build_array(jsonb_build_object('purpose', (ARRAY['marketing', 'ads_personalisation', 'analytics'])[1 + floor(random() * 3)::integer],
		'channel', (ARRAY['email', 'sms', 'ads', 'web'])[1 + floor(random() * 4)::integer],
		'state', (ARRAY['granted', 'granted', 'denied'])[1 + floor(random() * 3)::integer], 'at', timestamptz '2026-05-01' + n * interval '1 minute')))::text
FROM generate_series(1, 900) AS n;
CALL cdp.merge();
SELECT count(cdp.suppress(CASE WHEN n % 3 = 0 THEN 'phone' ELSE 'email' END, CASE WHEN n % 3 = 0 THEN '+4930123' || 1000 + n ELSE 'u' || n || '@example.com' END,
	CASE WHEN n % 2 = 0 THEN CASE WHEN n % 3 = 0 THEN 'sms' ELSE 'email' END END, 'objection')) AS suppressed FROM generate_series(0, 99, 5) AS n;
UPDATE cdp.suppression SET until = cdp.clock() + (random() - 0.5) * interval '2 days' WHERE random() < 0.5;
UPDATE cdp.consent_state SET expires_at = cdp.clock() + (random() - 0.5) * interval '2 days' WHERE random() < 0.3;
UPDATE cdp.contact_point SET expires_at = cdp.clock() + (random() - 0.5) * interval '2 days' WHERE random() < 0.2;

CREATE TEMP VIEW oracle AS
SELECT person.profile_id,
	ARRAY(
		SELECT held.purpose || '/' || held.channel
		FROM cdp.consent_state AS held
		JOIN cdp.channel ON channel.channel = held.channel
		WHERE held.profile_id = person.profile_id
			AND held.state = 'granted'
			AND (held.expires_at IS NULL OR held.expires_at > known.at)
			AND (channel.identifier_types = '{}' OR EXISTS (
				SELECT FROM cdp.contact_point AS point
				WHERE point.profile_id = person.profile_id
					AND point.type = ANY (channel.identifier_types)
					AND (point.expires_at IS NULL OR point.expires_at > known.at)
					AND NOT EXISTS (
						SELECT FROM cdp.suppression
						WHERE suppression.key_hash = point.key_hash
							AND suppression.channel IN ('', channel.channel)
							AND (suppression.until IS NULL OR suppression.until > known.at))))
			AND cdp._verifies_key((SELECT key FROM cdp.secret_key),
				(SELECT check_value FROM cdp.secret_key))
		ORDER BY held.purpose, held.channel
	) AS permissions,
	newest.occurred_at AS last_interaction_at, newest.name AS last_interaction,
	(
		SELECT count(*)
		FROM (
			SELECT DISTINCT ON (event.properties ->> known.ticket_id)
				event.properties ->> known.status AS status
			FROM cdp.timeline_chunk AS chunk
			CROSS JOIN LATERAL cdp.timeline_events(chunk.data, ARRAY[known.ticket]) AS event
			LEFT JOIN cdp.source AS sender ON sender.source_id = event.source_id
			WHERE chunk.profile_id = person.profile_id
				AND cdp.timeline_may_contain(chunk.data, known.ticket)
				AND event.properties ->> known.ticket_id <> ''
				AND event.occurred_at < known.at
				AND coalesce(event.occurred_at > cdp._kept_after(sender.retention), true)
			ORDER BY event.properties ->> known.ticket_id, event.occurred_at DESC,
				event.properties ->> known.status
		) AS told
		LEFT JOIN cdp.ticket_status ON ticket_status.status = lower(told.status)
		WHERE coalesce(ticket_status.is_open, true)
	) AS open_tickets,
	(cdp._typed_trait(person.traits -> 'loyalty_points', 'number') #>> '{}')::numeric AS loyalty_points,
	(SELECT rule.action FROM cdp.profile_action AS acted JOIN cdp.next_action_rule AS rule USING (position)
		WHERE acted.profile_id = person.profile_id) AS next_action
FROM cdp.unified_profile AS person
CROSS JOIN (
	SELECT cdp.clock() AS at,
		(SELECT name_id FROM cdp.event_name WHERE name = 'ticket') AS ticket,
		ARRAY(SELECT name_id FROM cdp.event_name
			JOIN cdp.interaction_type ON event = name) AS interactions,
		(SELECT slot::text FROM cdp.property_slot WHERE property = 'ticket_id') AS ticket_id,
		(SELECT slot::text FROM cdp.property_slot WHERE property = 'status') AS status
	OFFSET 0
) AS known
LEFT JOIN LATERAL (
	SELECT event.occurred_at, event_name.name
	FROM cdp.timeline_chunk AS chunk
	CROSS JOIN LATERAL cdp.timeline_events(chunk.data, known.interactions) AS event
	JOIN cdp.event_name ON event_name.name_id = event.name_id
	LEFT JOIN cdp.source AS sender ON sender.source_id = event.source_id
	WHERE chunk.profile_id = person.profile_id AND event.occurred_at < known.at
		AND coalesce(event.occurred_at > cdp._kept_after(sender.retention), true)
	ORDER BY event.occurred_at DESC, event_name.name
	LIMIT 1
) AS newest ON true
WHERE person.kind = 'known';
CREATE TEMP VIEW answer AS
SELECT profile_id, permissions, last_interaction_at, last_interaction, open_tickets, loyalty_points, next_action
FROM cdp.crm_contact;
SELECT count(*) AS contacts, count(DISTINCT permissions) > 5 AS permitted, count(DISTINCT last_interaction) > 1 AS dealt,
	count(DISTINCT open_tickets) > 2 AS tickets, count(DISTINCT loyalty_points) > 20 AS points, count(DISTINCT next_action) > 1 AS actions FROM answer;
SELECT count(*) AS differ FROM answer FULL JOIN oracle USING (profile_id) WHERE answer::text IS DISTINCT FROM oracle::text;

-- what is kept for a statement is not kept for the next, in one transaction or in
-- one that sees with one snapshot
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) AS differ FROM answer FULL JOIN oracle USING (profile_id) WHERE answer::text IS DISTINCT FROM oracle::text;
DELETE FROM cdp.interaction_type WHERE event = 'call';
UPDATE cdp.ticket_status SET is_open = NOT is_open;
UPDATE cdp.channel SET identifier_types = '{}' WHERE channel = 'sms';
UPDATE cdp.source SET retention = '10 days' WHERE name = 'old';
UPDATE cdp.next_action_rule SET action = 'now ' || action;
SELECT count(*) AS differ FROM answer FULL JOIN oracle USING (profile_id) WHERE answer::text IS DISTINCT FROM oracle::text;
SAVEPOINT before;
DELETE FROM cdp.interaction_type;
SELECT count(*) AS differ, count(answer.last_interaction) AS dealings FROM answer FULL JOIN oracle USING (profile_id) WHERE answer::text IS DISTINCT FROM oracle::text;
ROLLBACK TO before;
SELECT count(*) AS differ FROM answer FULL JOIN oracle USING (profile_id) WHERE answer::text IS DISTINCT FROM oracle::text;
SET LOCAL cdp.test_clock = '2026-06-02 12:00:00+00';
SELECT count(*) AS differ FROM answer FULL JOIN oracle USING (profile_id) WHERE answer::text IS DISTINCT FROM oracle::text;
ROLLBACK;
SELECT count(*) AS differ FROM answer FULL JOIN oracle USING (profile_id) WHERE answer::text IS DISTINCT FROM oracle::text;

-- a profile that was merged away is asked by its survivor
SELECT min(profile_id) AS one, max(profile_id) AS two FROM answer \gset
SELECT cdp.decide(:one, :two, 'always', 'one person') > 0 AS decided;
CALL cdp.merge();
SELECT count(*) = 2 AS both, count(DISTINCT (cdp.permissions_of(id), cdp.contact_state(id))) AS answers FROM unnest(ARRAY[:one, :two]) AS id;
SELECT cdp.permissions_of(NULL), cdp.contact_state(NULL);
