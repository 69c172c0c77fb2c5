-- Channels, against a query over what was sent.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TIME ZONE 'Asia/Tokyo';	-- nobody should care
SET datestyle = 'ISO';
SELECT * FROM cdp.channel_rule ORDER BY event;
\set seed 15
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
SELECT cdp.add_source('web') \g /dev/null
CREATE TEMP TABLE sent AS
SELECT n, 1 + floor(random() * 25)::integer AS person, event,
	date_trunc('hour', timestamptz '2026-03-01 00:00+00' + random() * interval '80 days') + (random() < 0.5)::int * interval '30 minutes' AS at,
	CASE WHEN event = 'order' THEN (ARRAY['store', 'web', '', NULL])[1 + floor(random() * 4)::int] END AS property
FROM generate_series(1, 3000) AS n, LATERAL (SELECT (ARRAY['email_sent', 'email_open', 'email_click', 'push_sent', 'push_open', 'page_view', 'screen_view', 'call', 'order', 'review'])[1 + floor(random() * 10 + n * 0)::int]) AS drawn (event);
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_strip_nulls(jsonb_build_object('type', 'track', 'event', event, 'messageId', n, 'userId', 'u' || person, 'timestamp', at,
	'properties', jsonb_build_object('channel', property, 'order_id', CASE WHEN event = 'order' THEN n::text END)))::text FROM sent
UNION ALL
SELECT 'web', jsonb_build_object('type', 'identify', 'messageId', 'i' || n, 'userId', 'u' || n, 'timestamp', '2026-05-01T00:00:00Z', 'traits', jsonb_build_object('time_zone', 'America/New_York'))::text
FROM generate_series(1, 25, 2) AS n;
CALL cdp.merge();
CREATE TEMP VIEW person AS
SELECT substr(value, 2)::integer AS person, root AS profile_id FROM cdp.identifier JOIN cdp.profile ON profile_id = leaf WHERE value LIKE 'u%';

CREATE TEMP TABLE told AS
SELECT as_of, sent.*, coalesce((SELECT channel FROM cdp.channel_rule AS rule WHERE rule.event = sent.event), property) AS channel,
	split_part(event, '_', 2) = 'sent' AS ours, split_part(event, '_', 2) IN ('open', 'click') AS answers,
	at AT TIME ZONE CASE WHEN person % 2 = 1 THEN 'America/New_York' ELSE 'UTC' END AS local
FROM unnest('{2026-06-01 12:00+00,2026-04-10 12:00+00}'::timestamptz[]) AS as_of JOIN sent ON at < as_of WHERE event <> 'review';
DELETE FROM told WHERE coalesce(channel, '') = '';
CREATE TEMP TABLE answered AS
SELECT as_of, person, channel, count(*) AS sends, count(*) FILTER (WHERE EXISTS (
	SELECT FROM told AS reply WHERE reply.answers AND (reply.as_of, reply.person, reply.channel) = (one.as_of, one.person, one.channel) AND reply.at >= one.at
		AND NOT EXISTS (SELECT FROM told AS other WHERE other.ours AND (other.as_of, other.person, other.channel) = (one.as_of, one.person, one.channel)
			AND (other.at > one.at OR other.at = one.at AND other.n > one.n) AND other.at <= reply.at))) AS answered
FROM told AS one WHERE ours GROUP BY 1, 2, 3;
-- of all
SELECT cdp.refresh_insights() > 0 AS made;
SELECT channel, made.sends = all_sends AND made.answered = all_answered AND made.rate = all_answered / all_sends::float8 AS alike, all_sends > 200 AS many
FROM (SELECT channel, sum(sends) AS all_sends, sum(answered) AS all_answered FROM answered WHERE as_of > '2026-06-01' GROUP BY 1) AS usual
	FULL JOIN cdp.usual_response AS made USING (channel) ORDER BY channel;

CREATE TEMP TABLE expected AS
SELECT *, days / sum(days) OVER (PARTITION BY as_of, person)::float8 AS share FROM (
	SELECT as_of, person, channel, count(DISTINCT local::date) FILTER (WHERE NOT ours) AS days, max(at) FILTER (WHERE NOT ours) AS last_at
	FROM told GROUP BY 1, 2, 3) AS counted LEFT JOIN answered USING (as_of, person, channel);
-- the most frequent hour and weekday, the earliest of several
CREATE TEMP TABLE best AS
SELECT DISTINCT ON (as_of, person, channel, what) as_of, person, channel, what, value FROM (
	SELECT as_of, person, channel, what, value, count(*) AS times
	FROM told, LATERAL (VALUES ('hour', extract(hour FROM local)), ('isodow', extract(isodow FROM local))) AS part (what, value) WHERE NOT ours GROUP BY 1, 2, 3, 4, 5) AS counted
ORDER BY as_of, person, channel, what, times DESC, value;
SELECT count(*) > 250 AS compared, count(*) FILTER (WHERE answer.days = expected.days AND abs(answer.share - expected.share) < 1e-12
	AND answer.sends = coalesce(expected.sends, 0) AND answer.answered = coalesce(expected.answered, 0)
	AND answer.response_rate IS NOT DISTINCT FROM (answer.answered + 10 * usual.rate) / (answer.sends + 10)
	AND answer.usual_rate IS NOT DISTINCT FROM usual.rate AND answer.last_at IS NOT DISTINCT FROM expected.last_at
	AND answer.best_hour IS NOT DISTINCT FROM (SELECT value FROM best WHERE (best.as_of, best.person, best.channel, what) = (expected.as_of, expected.person, expected.channel, 'hour'))
	AND answer.best_weekday IS NOT DISTINCT FROM (SELECT value FROM best WHERE (best.as_of, best.person, best.channel, what) = (expected.as_of, expected.person, expected.channel, 'isodow'))
	AND answer.time_zone = CASE WHEN person % 2 = 1 THEN 'America/New_York' ELSE 'UTC' END) = count(*) AS alike,
	count(DISTINCT answer.best_hour) > 10 AS telling
FROM expected FULL JOIN (SELECT as_of, person, answer.* FROM (SELECT DISTINCT as_of FROM told) AS instants, person, cdp.channel_preference(profile_id, as_of) AS answer) AS answer USING (as_of, person, channel)
	LEFT JOIN cdp.usual_response AS usual USING (channel);
-- best first
SELECT bool_and(share <= before) AS sorted FROM person, LATERAL (
	SELECT share, lag(share, 1, share) OVER (ORDER BY place) AS before
	FROM ROWS FROM (cdp.channel_preference(profile_id)) WITH ORDINALITY AS answer (channel, share, days, sends, answered, response_rate, usual_rate, best_hour, best_weekday, time_zone, last_at, place)) AS told;

-- one send says little, so the rate is near the mean; who did nothing has no share
SELECT cdp.ingest('web', '{"type": "track", "event": "email_sent", "userId": "new", "messageId": "x", "timestamp": "2026-05-01"}') AS profile \gset
SELECT channel, share, days, sends, answered, response_rate > usual_rate * 10 / 11.1 AND response_rate < usual_rate AS drawn, best_hour, best_weekday, time_zone FROM cdp.channel_preference(:profile);
SELECT count(*) FROM cdp.channel_preference(:profile, '2026-04-01');
INSERT INTO cdp.channel_rule (event, channel, role) VALUES ('review', 'web', 'smoke');
SELECT * FROM cdp.channel_preference(4711);

-- channels that senders make up, by the thousand: each is counted, by plain SQL too
CREATE TEMP TABLE met AS
SELECT timestamptz '2026-01-01' + n * interval '1 minute' AS at, 'made up ' || floor(random() * 20000) AS channel,
	(ARRAY['sent', 'contact', 'response'])[1 + floor(random() * 3)::integer] AS role
FROM generate_series(1, 60000) AS n;
WITH answer AS (
	SELECT channel, days, sends FROM cdp._timeline_contacts('{}', '{}', '{}', '{}', 0, 'UTC', '2026-06-01',
		(SELECT array_agg(at) FROM met), (SELECT array_agg(channel) FROM met), (SELECT array_agg(role) FROM met))
), oracle AS (
	SELECT channel, count(DISTINCT (at AT TIME ZONE 'UTC')::date) FILTER (WHERE role <> 'sent') AS days, count(*) FILTER (WHERE role = 'sent') AS sends
	FROM met GROUP BY channel
)
SELECT count(*) > 15000 AS many, count(*) FILTER (WHERE answer.days IS DISTINCT FROM oracle.days OR answer.sends IS DISTINCT FROM oracle.sends) AS differ
FROM answer FULL JOIN oracle USING (channel);
