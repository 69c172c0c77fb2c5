-- Audiences: only who agreed, can be reached and is not suppressed.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'UTC';
INSERT INTO cdp.purpose (purpose, description, time_to_live) VALUES
	('letters', 'news by letter or mail', NULL), ('hints', 'hints that get old', '30 days');

-- eight profiles, each with one address; the eighth has none, the seventh two
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at, ord)
SELECT n, n, n, '2026-01-01', '2026-01-01', n FROM generate_series(1, 8) AS n;
INSERT INTO cdp.profile_current (profile_id, ord, kind, revenue, as_of)
SELECT n, n, 'known', n * 10, '2026-01-01' FROM generate_series(1, 8) AS n;
INSERT INTO cdp.identifier (identifier_id, leaf, type_id, value, first_seen)
SELECT n, n, type_id, 'p' || n || '@example.com', timestamptz '2026-01-01'
FROM generate_series(1, 7) AS n, cdp.identifier_type WHERE type = 'email'
UNION ALL
SELECT 17, 7, type_id, 'seven@example.com', '2026-01-02' FROM cdp.identifier_type WHERE type = 'email'
UNION ALL
SELECT 20 + n, n, type_id, '+4930123456' || n, '2026-01-01'
FROM generate_series(1, 3) AS n, cdp.identifier_type WHERE type = 'phone'
UNION ALL
SELECT 30 + n, n, type_id, 'u' || n, '2026-01-01'
FROM generate_series(1, 8) AS n, cdp.identifier_type WHERE type = 'user_id';
DELETE FROM cdp.segment;
SELECT cdp.define_segment('all', 'revenue > 0') \g /dev/null
SELECT cdp.refresh_segments();

-- an audience needs a segment, a purpose, a channel and a destination
SELECT cdp.add_destination('mailer', 'email service', 'the newsletter');
SELECT cdp.add_audience('news', 'all', 'letters', 'email', 'mailer') IS NOT NULL AS added;
SELECT cdp.add_audience('calls', 'all', 'letters', 'ads') IS NOT NULL AS added;
SELECT cdp.add_audience('post', 'all', 'letters', 'post') IS NOT NULL AS added;
SELECT cdp.add_audience('old', 'all', 'hints', 'email') IS NOT NULL AS added;
SELECT cdp.add_audience('news', 'all', 'letters', 'email');
SELECT cdp.add_destination('mailer', 'email service');
SELECT cdp.add_audience('x', 'nosuch', 'letters', 'email');
SELECT cdp.add_audience('x', 'all', 'nosuch', 'email');
SELECT cdp.add_audience('x', 'all', 'letters', 'nosuch');
SELECT cdp.add_audience('x', 'all', 'letters', 'email', 'nosuch');
SELECT cdp.add_audience('X-1', 'all', 'letters', 'email');
SELECT cdp.add_destination('', 'nothing');
SELECT name, purpose, channel, destination, active FROM cdp.audience ORDER BY name;

-- default deny
SELECT count(*) FROM cdp.audience_member;
SELECT * FROM cdp.audience_funnel('news');

-- 1 to 5 and 7 agree to mail, 6 does not; 1 and 2 to advertisements; 8 to all
SELECT cdp.record_consent('user_id', 'u' || n, 'letters', 'email', 'granted', '2026-05-01')
FROM unnest(ARRAY[1, 2, 3, 4, 5, 7, 8]) AS n \g /dev/null
SELECT cdp.record_consent('user_id', 'u6', 'letters', 'email', 'denied', '2026-05-01');
SELECT cdp.record_consent('user_id', 'u' || n, 'letters', 'ads', 'granted', '2026-05-01')
FROM unnest(ARRAY[1, 2]) AS n \g /dev/null
SELECT cdp.record_consent('user_id', 'u8', 'letters', 'post', 'granted', '2026-05-01');
SELECT cdp.record_consent('user_id', 'u1', 'hints', 'email', 'granted', '2026-05-02 12:00:00.000001+00');
SELECT cdp.record_consent('user_id', 'u2', 'hints', 'email', 'granted', '2026-05-02 12:00:00+00');
SELECT audience, destination, profile_id, identifier_type, identifier, consented_at, consent_expires_at
FROM cdp.audience_member ORDER BY audience, profile_id, identifier_type;

-- suppression counts at once; of two addresses the other one is left
SELECT cdp.suppress('email', 'p1@example.com', reason => 'hard_bounce');
SELECT cdp.suppress('email', 'P2@example.com', 'email', 'complaint');
SET cdp.test_clock = '2026-06-01 11:59:59.999999+00';
SELECT cdp.suppress('email', 'p3@example.com', 'email', 'soft_bounce', '2026-06-01 12:00:00+00');
SET cdp.test_clock = '2026-06-01 12:00:00+00';
SELECT cdp.suppress('email', 'p4@example.com', 'email', 'soft_bounce', '2026-06-01 12:00:00.000001+00');
SELECT cdp.suppress('email', 'seven@example.com');
SELECT cdp.suppress('email', 'p5@example.com', 'ads');
SELECT audience, profile_id, identifier FROM cdp.audience_member ORDER BY audience, profile_id, identifier;
SELECT * FROM cdp.audience_funnel('news');
SELECT n, cdp.why_not(n, 'news') FROM generate_series(1, 9) AS n;
SELECT * FROM cdp.audience_funnel('post');
SELECT cdp.why_not(1, 'post');
SELECT * FROM cdp.audience_funnel('nosuch');
-- members are those of the last refresh: never, or before a new definition
BEGIN;
SELECT cdp.define_segment('rich', 'revenue > 40') \g /dev/null
SELECT cdp.add_audience('riches', 'rich', 'letters', 'email') \g /dev/null
SELECT step, members, hint FROM cdp.audience_funnel('riches');
SELECT cdp.why_not(5, 'riches'), cdp.why_not(99, 'riches');
SELECT cdp.refresh_segments();
SELECT step, members, hint FROM cdp.audience_funnel('riches') LIMIT 1;
SELECT cdp.why_not(5, 'riches'), cdp.why_not(4, 'riches');
SELECT cdp.define_segment('rich', 'revenue > 30') \g /dev/null
SELECT step, members, hint FROM cdp.audience_funnel('riches') LIMIT 1;
SELECT cdp.why_not(5, 'riches'), cdp.why_not(4, 'riches');
SELECT cdp._note_failure(segment_id, version, 'broken') FROM cdp.segment WHERE name = 'rich';
SELECT cdp.why_not(4, 'riches');
ROLLBACK;
-- where the audience, or its segment, is not active, both say so, first
BEGIN;
UPDATE cdp.audience SET active = false WHERE name = 'news';
SELECT * FROM cdp.audience_funnel('news');
SELECT n, cdp.why_not(n, 'news') FROM unnest('{1,5,6,8,99}'::bigint[]) AS n;
UPDATE cdp.segment SET active = false WHERE name = 'all';
SELECT cdp.refresh_segments();
SELECT step, members, lost, hint FROM cdp.audience_funnel('news') LIMIT 1;
SELECT cdp.why_not(1, 'news');
ROLLBACK;
-- purposes and channels as people write them
BEGIN;
SELECT cdp.add_audience('spelt', 'all', 'Letters', 'E-Mail') IS NOT NULL AS added;
SELECT purpose, channel FROM cdp.audience WHERE name = 'spelt';
ROLLBACK;
-- and comes back as fast
SELECT cdp.unsuppress('email', 'p1@example.com');
SELECT profile_id FROM cdp.audience_member WHERE audience = 'news' AND profile_id = 1;
-- the funnel agrees with the view
SELECT audience.name, funnel.members = (SELECT count(DISTINCT profile_id) FROM cdp.audience_member AS m WHERE m.audience = audience.name) AS agrees
FROM cdp.audience, cdp.audience_funnel(audience.name) AS funnel WHERE step = 'released' ORDER BY 1;

-- a new address is released only with its hash; a shared or blocked one never
SELECT cdp.suppress('email', 'new@example.com');
INSERT INTO cdp.identifier (identifier_id, leaf, type_id, value, first_seen)
SELECT 41, 5, type_id, 'new@example.com', '2026-06-01' FROM cdp.identifier_type WHERE type = 'email';
SELECT identifier FROM cdp.audience_member WHERE audience = 'news' AND profile_id = 5;
SELECT cdp._refresh_consents('{5}');
SELECT identifier FROM cdp.audience_member WHERE audience = 'news' AND profile_id = 5;
UPDATE cdp.identifier SET shared = true WHERE identifier_id = 5;
SELECT cdp._refresh_consents('{5}');
SELECT count(*) FROM cdp.audience_member WHERE audience = 'news' AND profile_id = 5;

-- the instant of expiry
SET cdp.test_clock = '2026-06-01 12:00:00.000000+00';
SELECT cdp.why_not(1, 'old'), cdp.why_not(2, 'old');
-- out of the segment is out of the audience, in the same transaction
BEGIN;
UPDATE cdp.profile_current SET revenue = 0 WHERE profile_id = 3;
SELECT cdp._evaluate_profiles('{3}');
SELECT count(*) FROM cdp.audience_member WHERE audience = 'news' AND profile_id = 3;
SELECT cdp.why_not(3, 'news');
ROLLBACK;
SELECT count(*) FROM cdp.audience_member WHERE audience = 'news' AND profile_id = 3;
-- an audience that is switched off
UPDATE cdp.audience SET active = false WHERE name = 'news';
SELECT count(*) FROM cdp.audience_member WHERE audience = 'news';
SELECT step, members, reason FROM cdp.audience_funnel('news');
SELECT cdp.why_not(3, 'news');
UPDATE cdp.audience SET active = true WHERE name = 'news';

-- beside another key nothing is released, with an error
BEGIN;
UPDATE cdp.secret_key SET key = cdp._random_key();
SELECT count(*) FROM cdp.audience_member;
ROLLBACK;
BEGIN;
DELETE FROM cdp.secret_key;
SELECT count(*) FROM cdp.audience_member WHERE profile_id = 1;
ROLLBACK;
