\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
SELECT cdp.add_source('web') \g /dev/null
-- a pause of 30 minutes is within a session, one millisecond more is not
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_build_object('type', type, 'event', 'note', 'anonymousId', 'c', 'messageId', type || at, 'timestamp', '2026-05-01T' || at || 'Z')::text
FROM (VALUES ('page', '10:00:00.000'), ('page', '10:30:00.000'), ('track', '11:00:00.000'), ('screen', '11:30:00.001'), ('page', '11:30:00.001')) AS act (type, at);
INSERT INTO cdp.inbox (source, record)
VALUES ('web', '{"type": "identify", "anonymousId": "c", "messageId": "i", "timestamp": "2026-05-02T10:00:00Z"}');
CALL cdp.merge();
SELECT * FROM cdp.profile_session ORDER BY session;
-- random visits against a plain count over the log
\set seed 0.577
\echo seed :seed
SELECT setseed(:seed) \g /dev/null
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_build_object('type', (ARRAY['page', 'screen', 'track'])[1 + n % 3], 'event', 'note', 'messageId', 'r' || n,
	'anonymousId', 'v' || floor(random() * 60), 'timestamp', '2026-05-03T00:00:00Z'::timestamptz + floor(random() * 2000) * interval '1 minute')::text
FROM generate_series(1, 3000) AS n;
CALL cdp.merge();
WITH first AS (
	SELECT profile_id, occurred_at FROM cdp.profile_event AS here
	WHERE NOT EXISTS (SELECT FROM cdp.profile_event AS before WHERE before.profile_id = here.profile_id
		AND before.occurred_at < here.occurred_at AND before.occurred_at >= here.occurred_at - interval '30 minutes')
	GROUP BY profile_id, occurred_at
), expected AS (
	SELECT first.profile_id, first.occurred_at AS started_at, max(event.occurred_at) AS ended_at, count(*) AS events,
		count(*) FILTER (WHERE event.name <> 'note') AS pages
	FROM first JOIN cdp.profile_event AS event ON event.profile_id = first.profile_id AND event.occurred_at >= first.occurred_at
		AND NOT EXISTS (SELECT FROM first AS later WHERE later.profile_id = first.profile_id
			AND later.occurred_at > first.occurred_at AND later.occurred_at <= event.occurred_at)
	GROUP BY first.profile_id, first.occurred_at
), told AS (
	SELECT profile_id, started_at, ended_at, events, pages FROM cdp.profile_session
)
SELECT (SELECT count(*) > 500 FROM expected) AS many,
	(SELECT count(*) FROM ((TABLE expected EXCEPT TABLE told) UNION ALL (TABLE told EXCEPT TABLE expected)) AS differ) AS differences;
