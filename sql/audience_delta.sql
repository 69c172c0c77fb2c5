-- Deltas: what a destination adds and removes to hold an audience.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
DROP ROLE IF EXISTS cdp_test_sender;
CREATE ROLE cdp_test_sender;
SELECT cdp._consent_starter() \g /dev/null
SELECT cdp.add_source('shop') \g /dev/null
CREATE FUNCTION pg_temp.person(name text, traits jsonb) RETURNS boolean LANGUAGE sql
RETURN cdp.ingest('shop', jsonb_build_object('type', 'identify', 'messageId', gen_random_uuid(), 'userId', name, 'traits', traits)) IS NOT NULL;
CREATE FUNCTION pg_temp.answer(name text, channel text, state text, at timestamptz) RETURNS void LANGUAGE sql
RETURN cdp.record_consent('user_id', name, 'marketing', channel, state, at);
SELECT pg_temp.person(name, jsonb_build_object('email', name || '.b@gmail.com', 'phone', '+49301234567' || n))
FROM unnest(ARRAY['ann', 'bob', 'cid', 'dot']) WITH ORDINALITY AS people (name, n) \g /dev/null
SELECT cdp.define_segment('everyone', 'kind = ''known''') \g /dev/null
SELECT cdp.refresh_segments();
SELECT cdp.add_destination('mailer', 'email service'), cdp.add_destination('mailhouse', 'letters'),
	cdp.add_destination('google', 'advertising platform', options => '{"platform": "google"}');
SELECT cdp.add_destination('space', 'advertising platform', options => '{"platform": "myspace"}');
SELECT cdp.add_audience('news', 'everyone', 'marketing', 'email', 'mailer'),
	cdp.add_audience('ads', 'everyone', 'marketing', 'ads', 'google'),
	cdp.add_audience('letters', 'everyone', 'marketing', 'post', 'mailhouse') \g /dev/null

-- nobody agreed: nothing to tell, nothing to write down
SELECT * FROM cdp.audience_delta('news');
SELECT count(*) FROM cdp.release_log;
-- some do
SELECT pg_temp.answer(name, channel, 'granted', '2026-05-01') FROM (VALUES ('ann', 'email'), ('bob', 'email'),
	('ann', 'ads'), ('ann', 'post')) AS given (name, channel) \g /dev/null
SELECT * FROM cdp.audience_delta('news');
SELECT delta, change, profile_id, identifier_type, key = encode(sha256(CASE identifier_type
	WHEN 'email' THEN 'annb@gmail.com' ELSE '+493012345671' END::bytea), 'hex') AS hashed FROM cdp.audience_delta('ads');
SELECT * FROM cdp.audience_delta('letters');
-- what was not acknowledged comes again, what was does not
SELECT * FROM cdp.audience_delta('news');
SELECT cdp.audience_ack('news', 1);
SELECT * FROM cdp.audience_delta('news');
-- what went lost is told by its last word only: Bob's address never comes again
SELECT pg_temp.answer('cid', 'email', 'granted', '2026-05-01'), pg_temp.answer('dot', 'email', 'granted', '2026-05-01') \g /dev/null
SELECT * FROM cdp.audience_delta('news');
SELECT cdp.suppress('email', 'bob.b@gmail.com'), pg_temp.answer('cid', 'email', 'withdrawn', '2026-05-02') \g /dev/null
SELECT * FROM cdp.audience_delta('news');
-- or since a later delta
SELECT * FROM cdp.audience_delta('news', since => 2);
SELECT * FROM cdp.audience_delta('news', since => 3);
-- removed, but back before that was acknowledged
SELECT cdp.unsuppress('email', 'bob.b@gmail.com');
SELECT * FROM cdp.audience_delta('news');
SELECT cdp.audience_ack('news', 3);
SELECT * FROM cdp.audience_delta('news');
SELECT cdp.audience_ack('news', 4);
SELECT profile_id, added, removed, identifier_type, key FROM cdp.audience_sent JOIN cdp.audience USING (audience_id)
WHERE name = 'news' ORDER BY key;

-- keys outlive profiles: Dot is merged into Ann, and erased
SELECT cdp.decide('email:ann.b@gmail.com', 'email:dot.b@gmail.com', 'always', 'test') IS NOT NULL AS decided;
CALL cdp.merge();
SELECT change, profile_id, key FROM cdp.audience_delta('news') ORDER BY key;
SELECT audience, profile_id, identifier FROM cdp.audience_member WHERE audience = 'news' ORDER BY identifier;
BEGIN;
DELETE FROM cdp.contact_point;
DELETE FROM cdp.consent_state;
DELETE FROM cdp.profile_current;
DELETE FROM cdp.identifier;
DELETE FROM cdp.profile;
SELECT change, identifier_type, count(*), bool_and(length(key) = 64) AS hashed FROM cdp.audience_delta('ads') GROUP BY 1, 2 ORDER BY 2;
SELECT change, key FROM cdp.audience_delta('news') ORDER BY key;
ROLLBACK;

-- who was told what is written down, without any of it
SELECT release_id, event, delta, added, removed, audience, segment, destination, purpose, channel, length(content_hash) AS hash,
	actor = session_user AS by_caller FROM cdp.release_log ORDER BY release_id;
DELETE FROM cdp.release_log;
-- equal rows have equal hashes
SELECT count(DISTINCT content_hash) = 1 AS same FROM cdp.release_log WHERE release_id IN (1, 4);

-- an audience that is switched off removes all, and can go only then
SELECT cdp.create_audience_view('ads', '{city}') IS NOT NULL AS made;
SELECT cdp.drop_audience('ads');
DELETE FROM cdp.audience WHERE name = 'ads';
UPDATE cdp.audience SET destination = 'mailer' WHERE name = 'ads';
UPDATE cdp.destination SET options = '{"platform": "meta"}' WHERE destination = 'google';
UPDATE cdp.destination SET options = '{"platform": "google", "account": 1}' WHERE destination = 'google';
UPDATE cdp.audience SET active = false WHERE name = 'ads';
SELECT delta, change, count(*) FROM cdp.audience_delta('ads') GROUP BY 1, 2 ORDER BY 1, 2;
SELECT cdp.drop_audience('ads');
SELECT cdp.audience_ack('ads', max(delta)) FROM cdp.audience_delta('ads');
SELECT cdp.drop_audience('ads');
SELECT to_regclass('cdp.audience_ads') AS view, count(*) FILTER (WHERE name = 'ads') AS audiences FROM cdp.audience;
SELECT count(*) > 0 AS kept FROM cdp.release_log WHERE audience = 'ads';

-- mistakes
SELECT * FROM cdp.audience_delta('nosuch');
SELECT cdp.audience_ack('nosuch', 1);
SELECT cdp.audience_ack('news', 99);
SELECT cdp.audience_ack('news', NULL);
SELECT cdp.audience_ack('news', 1);
SELECT * FROM cdp.audience_delta('news', since => 1);
SELECT * FROM cdp.audience_delta('news', since => 99);
SELECT cdp.drop_audience('nosuch');
-- beside another key nothing is told, not even of removals
BEGIN;
UPDATE cdp.secret_key SET key = cdp._random_key();
SELECT * FROM cdp.audience_delta('news');
ROLLBACK;

-- the owner's own ids, where the destination says which and the channel has
-- them: hashed for Meta, plain for Google; nobody else gets them
BEGIN;
UPDATE cdp.channel SET identifier_types = '{email,phone,user_id}' WHERE channel = 'ads';
SELECT cdp._refresh_consents(ARRAY(SELECT profile_id FROM cdp.profile_current)) \g /dev/null
SELECT cdp.add_destination('social', 'advertising platform', options => '{"platform": "meta", "external_id": "user_id"}'),
	cdp.add_destination('search', 'advertising platform', options => '{"platform": "google", "external_id": "user_id"}'),
	cdp.add_destination('clips', 'advertising platform', options => '{"platform": "tiktok"}') \g /dev/null
SELECT cdp.add_audience('to_' || name, 'everyone', 'marketing', 'ads', name) FROM unnest('{social,search,clips}'::text[]) AS name \g /dev/null
SELECT name, told.identifier_type, count(*), bool_or(told.key = CASE name WHEN 'to_search' THEN 'ann'
	ELSE '49915e0d7d4b402e3017d010bc1c0e83cac6c797d6c16e66340fe3268693a6a1' END) AS ann
FROM cdp.audience CROSS JOIN LATERAL cdp.audience_delta(name) AS told
WHERE name LIKE 'to\_%' GROUP BY 1, 2 ORDER BY 1, 2;
ROLLBACK;
SELECT cdp.add_destination('x', 'platform', options => '{"platform": "liveramp", "external_id": "user_id"}');
SELECT cdp.add_destination('x', 'platform', options => '{"platform": "meta", "external_id": "nosuch"}');
-- an address is never sent as it is
SELECT cdp.add_destination('x', 'platform', options => '{"platform": "google", "external_id": "email"}');

-- the doors are for those who release
SELECT cdp.grant_role('cdp_test_sender', 'activation');
SET ROLE cdp_test_sender;
SELECT count(*) FROM cdp.audience_delta('letters');
SELECT cdp.audience_ack('letters', 1);
SELECT count(*) FROM cdp.audience_sent;
SELECT * FROM cdp._audience_delta('letters', NULL);
\set VERBOSITY terse
SELECT cdp.drop_audience('letters');
\set VERBOSITY default
RESET ROLE;
DROP OWNED BY cdp_test_sender;
DROP ROLE cdp_test_sender;
