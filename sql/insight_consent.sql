-- Whatever answers for a purpose returns nobody who has not granted it: random
-- answers of 600 people, against the last word of each.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
-- all that has a purpose, by its name or by that of an audience; what is new here
-- belongs into the list below (audience_arm is audience_member with the arms of experiments)
SELECT string_agg(DISTINCT proname::text, ' ' ORDER BY proname::text) AS functions
FROM pg_proc WHERE pronamespace = 'cdp'::regnamespace AND proname !~ '^_' AND proargnames && '{purpose,audience,audiences}';
SELECT string_agg(relname::text, ' ' ORDER BY relname) AS views FROM pg_class
WHERE relnamespace = 'cdp'::regnamespace AND relkind = 'v' AND relname !~ '^_' AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'profile_id')
	AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname IN ('audience', 'purpose'));

\set seed 0.8128
SELECT setseed(:seed) AS "seed 0.8128";
SELECT cdp.add_source('web') \g /dev/null
CREATE TEMP TABLE said AS
SELECT person, purpose, channel, state, timestamptz '2026-01-01' + n * interval '1 minute' AS at
FROM (SELECT n, (random() * 599)::integer AS person, (ARRAY['ads_personalisation', 'marketing'])[1 + (random())::integer] AS purpose,
		(ARRAY['ads', 'email'])[1 + random()::integer] AS channel, (ARRAY['granted', 'granted', 'granted', 'denied', 'withdrawn'])[1 + (random() * 4)::integer] AS state
	FROM generate_series(1, 3000) AS n) AS drawn;
CREATE TEMP TABLE stopped AS SELECT n AS person FROM generate_series(0, 599, 13) AS n;
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_build_object('type', 'track', 'event', 'page_view', 'userId', 'u' || n, 'messageId', 'i' || n, 'timestamp', '2026-05-30T10:00:00Z',
	'context', jsonb_build_object('traits', jsonb_build_object('email', n || '@example.com')), 'properties', '{"category": "bags"}'::jsonb)::text FROM generate_series(0, 599) AS n
UNION ALL
SELECT 'web', jsonb_build_object('type', 'track', 'event', 'order', 'userId', 'u' || n, 'messageId', 'o' || n, 'timestamp', '2026-05-30T11:00:00Z',
	'properties', jsonb_build_object('total', n))::text FROM generate_series(0, 599, 2) AS n
UNION ALL
SELECT 'web', jsonb_build_object('type', 'identify', 'userId', 'u' || person, 'messageId', 'c' || extract(epoch FROM at), 'timestamp', at, 'consent', jsonb_build_array(
	jsonb_build_object('purpose', purpose, 'channel', channel, 'state', state, 'at', at)))::text FROM said;
SELECT cdp.define_segment('buyers', 'did(order)'), cdp.define_segment('all', 'did(any)');
INSERT INTO cdp.taxonomy VALUES ('bags');
SELECT cdp.add_audience('mail', 'all', 'marketing', 'email'), cdp.add_audience('ads', 'all', 'ads_personalisation', 'ads');
SELECT cdp.create_audience_view('mail', '{profile_id,identifier}') AS mail_view \gset
CALL cdp.merge();
SELECT count(cdp.suppress('email', person || '@example.com', 'email', 'bounce')) > 0 AS some, count(cdp.suppress('email', person || '@example.com', 'ads', 'objection')) > 0 AS others FROM stopped;

-- the last word of each person, who has not been stopped
CREATE TEMP VIEW may AS
SELECT cdp.find_profile('user_id', 'u' || person) AS profile_id, purpose, channel
FROM (SELECT DISTINCT ON (person, purpose, channel) * FROM said ORDER BY person, purpose, channel, at DESC) AS last
WHERE state = 'granted' AND person NOT IN (TABLE stopped);
CREATE TEMP TABLE returned AS
SELECT 'audience_member' AS answer, profile_id, 'marketing' AS purpose, 'email' AS channel FROM cdp.audience_member WHERE audience = 'mail'
UNION ALL SELECT 'audience_member', profile_id, 'ads_personalisation', 'ads' FROM cdp.audience_member WHERE audience = 'ads'
UNION ALL SELECT 'audience_contactable', profile_id, 'marketing', 'email' FROM cdp.audience_contactable WHERE audience = 'mail'
UNION ALL SELECT 'audience_delta', profile_id, 'marketing', 'email' FROM cdp.audience_delta('mail') WHERE change = 'add'
UNION ALL SELECT 'audience view', profile_id, 'marketing', 'email' FROM :mail_view
UNION ALL SELECT 'browsing', profile_id, 'ads_personalisation', 'ads' FROM cdp.browsing('bags')
UNION ALL SELECT 'browsing', profile_id, 'marketing', 'email' FROM cdp.browsing('bags', 30, 'marketing', 'email')
UNION ALL SELECT 'lookalike', profile_id, 'marketing', 'email' FROM cdp.lookalike('buyers', 1000, 'marketing', 'email');
SELECT answer, count(*) > 50 AS some, count(*) FILTER (WHERE may IS NULL) AS unconsented,
	count(DISTINCT (returned.profile_id, purpose)) = (SELECT count(*) FROM may AS every WHERE (every.purpose, every.channel) IN (
		SELECT one.purpose, one.channel FROM returned AS one WHERE one.answer = returned.answer)) AS all_of_them
FROM returned LEFT JOIN may USING (profile_id, purpose, channel) GROUP BY answer ORDER BY answer;
-- permissions that a CRM sees
SELECT count(*) > 100 AS some, count(*) FILTER (WHERE (profile_id, split_part(permission, '/', 1), split_part(permission, '/', 2)) NOT IN (SELECT * FROM may)) AS wrong
FROM cdp.crm_contact, unnest(permissions) AS permission;
-- of two that are one the denial counts, at once for all of them
SELECT min(profile_id) AS one, max(profile_id) AS two FROM (SELECT profile_id FROM may WHERE purpose = 'marketing' AND channel = 'email' ORDER BY profile_id LIMIT 2) AS both_may \gset
SELECT cdp.record_consent('user_id', (SELECT value FROM cdp.profile_identifier WHERE profile_id = :two AND type = 'user_id'), 'marketing', 'email', 'withdrawn') \g /dev/null
SELECT cdp.decide(:one, :two, 'always', 'one person') > 0 AS decided;
CALL cdp.merge();
SELECT (SELECT count(*) FROM cdp.audience_member WHERE audience = 'mail' AND profile_id IN (:one, :two)) AS members,
	(SELECT count(*) FROM cdp.browsing('bags', 30, 'marketing', 'email') WHERE profile_id IN (:one, :two)) AS browsing,
	(SELECT count(*) FROM cdp.lookalike('buyers', 1000, 'marketing', 'email') WHERE profile_id IN (:one, :two)) AS alike,
	(SELECT count(*) FROM :mail_view WHERE profile_id IN (:one, :two)) AS seen;
