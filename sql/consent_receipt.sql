-- Proof of consent: documents, receipts, what was known at a time, and grants
-- that need a confirmation.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'America/New_York';
SELECT cdp.add_source('web') \g /dev/null

-- what people saw: kept for good
SELECT cdp.add_consent_document('news-3', 'marketing', '3', 'Yes, send me news.', 'de_AT', 'https://example.com/news-3');
SELECT document, purpose, version, language, url, text_sha256 = sha256('Yes, send me news.') AS its_hash, actor = session_user AS own
FROM cdp.consent_document;
SELECT cdp.add_consent_document('news-3', 'marketing', '4', 'Another text.');
SELECT cdp.add_consent_document('news-4', 'spam', '4', 'Another text.');
SELECT cdp.add_consent_document('news-4', 'marketing', NULL, 'Another text.');
UPDATE cdp.consent_document SET version = '4';
DELETE FROM cdp.consent_document;

-- what was agreed, when, on which text, by whom
SET cdp.test_clock = '2026-05-10 12:00:00+00';
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "a1", "userId": "ann"}') AS ann \gset
SELECT cdp.record_consent('user_id', 'ann', 'marketing', 'email', 'granted', '2026-05-02 08:00+00',
	document => 'news-3', evidence => '{"form": "footer", "ip": null}', source => 'web');
SET cdp.test_clock = '2026-05-20 12:00:00+00';
SELECT cdp.record_consent('user_id', 'ann', 'marketing', 'email', 'denied', '2026-05-01 08:00+00', document => 'news-2');
SELECT cdp.record_consent('user_id', 'ann', 'marketing', 'email', 'denied', '2026-05-01 08:00+00', document => 'of nobody');
SELECT cdp.record_consent('user_id', 'ann', 'marketing', 'email', 'denied', '2026-05-01 08:00+00');
SELECT jsonb_pretty(cdp.consent_receipt(:ann, 'marketing', 'email') #- '{answers,0,actor}' #- '{answers,1,actor}' #- '{answers,0,document,added_at}');
SELECT cdp.consent_receipt(:ann, 'analytics', 'web');
SELECT cdp.consent_receipt(987654, 'analytics', 'web') -> 'state' AS nobody;
SELECT cdp.consent_receipt(:ann, 'spam', 'email');
SELECT cdp.consent_at(:ann, 'marketing', 'email', NULL);

-- by event time and by recorded time, each side of every instant
SELECT at, known_at, cdp.consent_at(:ann, 'marketing', 'email', at, known_at),
	jsonb_array_length(cdp.consent_receipt(:ann, 'marketing', 'email', at, known_at) -> 'answers') AS answers
FROM unnest(ARRAY['2026-05-01 07:59:59.999999+00', '2026-05-01 08:00+00', '2026-05-02 07:59:59.999999+00', '2026-05-02 08:00+00']::timestamptz[]) AS at,
	unnest(ARRAY['2026-05-10 11:59:59.999999+00', '2026-05-10 12:00+00', '2026-05-20 11:59:59.999999+00', '2026-05-20 12:00+00']::timestamptz[]) AS known_at
ORDER BY known_at, at;

-- what was known of a profile before it was merged is what it was then
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "c1", "anonymousId": "c-1"}') AS cookie \gset
SELECT cdp.record_consent('anonymous_id', 'c-1', 'analytics', 'web', 'denied', '2026-05-03');
SELECT cdp.record_consent('user_id', 'ann', 'analytics', 'web', 'granted', '2026-05-04');
SET cdp.test_clock = '2026-05-25 12:00:00+00';
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "c2", "userId": "ann", "anonymousId": "c-1"}') IN (:ann, :cookie) AS merged;
SET cdp.test_clock = '2026-05-26 12:00:00+00';
SELECT known_at, cdp.consent_at(:ann, 'analytics', 'web', '2026-05-05', known_at) AS ann, cdp.consent_at(:cookie, 'analytics', 'web', '2026-05-05', known_at) AS cookie
FROM unnest(ARRAY['2026-05-20 11:59:59.999999+00', '2026-05-20 12:00+00', '2026-05-25 11:59:59.999999+00', '2026-05-25 12:00+00', NULL]::timestamptz[]) AS known_at;
SELECT cdp.consent(:ann, 'analytics', 'web'), cdp.consent(:ann, 'analytics', 'web', '2026-05-05');
-- and after it was split again
SELECT cdp.decide('user_id:ann', 'anonymous_id:c-1', 'never', 'two people') IS NOT NULL AS decided;
SELECT known_at, cdp.consent_at(:ann, 'analytics', 'web', '2026-05-05', known_at) AS ann, cdp.consent_at(:cookie, 'analytics', 'web', '2026-05-05', known_at) AS cookie
FROM unnest(ARRAY['2026-05-25 11:59:59.999999+00', '2026-05-25 12:00+00', '2026-05-26 11:59:59.999999+00', '2026-05-26 12:00+00', NULL]::timestamptz[]) AS known_at;

-- a purpose that needs a confirmation: what was granted at once is a request,
-- from the moment its row says so, and back
SELECT cdp.define_segment('everyone', 'kind = ''known''') \g /dev/null
SELECT cdp.add_audience('news', 'everyone', 'marketing', 'email') \g /dev/null
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "d1", "userId": "dan", "traits": {"email": "dan@example.com"},
	"consent": {"purpose": "marketing", "channel": "email", "state": "granted"}}') AS dan \gset
SELECT cdp.refresh_segments() \g /dev/null
SELECT cdp.consent(:dan, 'marketing', 'email'), (SELECT count(*) FROM cdp.audience_member) AS members;
UPDATE cdp.purpose SET double_opt_in = true WHERE purpose = 'marketing';
SELECT cdp.consent(:dan, 'marketing', 'email'), (SELECT count(*) FROM cdp.audience_member) AS members;
SELECT cdp.record_consent('email', 'dan@example.com', 'marketing', 'email', 'granted');
SELECT cdp.consent(:dan, 'marketing', 'email');
SELECT cdp.record_consent('email', 'dan@example.com', 'marketing', 'email', 'requested', '2026-05-26 13:00+00');
SET cdp.test_clock = '2026-05-26 14:00:00+00';
-- the link in the message was followed
SELECT cdp.record_consent('email', 'dan@example.com', 'marketing', 'email', 'granted', evidence => '{"link": "9f2"}');
SELECT cdp.consent(:dan, 'marketing', 'email'), (SELECT count(*) FROM cdp.audience_member) AS members;
-- granted again it still is; taken back, it must be asked anew
SELECT cdp.record_consent('email', 'dan@example.com', 'marketing', 'email', 'granted', '2026-05-26 13:30+00');
SELECT cdp.consent(:dan, 'marketing', 'email');
SET cdp.test_clock = '2026-05-26 15:00:00+00';
SELECT cdp.record_consent('email', 'dan@example.com', 'marketing', 'email', 'withdrawn');
SET cdp.test_clock = '2026-05-26 16:00:00+00';
SELECT cdp.record_consent('email', 'dan@example.com', 'marketing', 'email', 'granted');
SELECT cdp.consent(:dan, 'marketing', 'email'), (SELECT count(*) FROM cdp.audience_member) AS members;
-- the door speaks for all that is the person's, the request as well
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "e1", "userId": "eve"}') AS eve \gset
SELECT cdp.record_consent('user_id', 'eve', 'marketing', 'email', 'requested', '2026-05-26 13:00+00');
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "e2", "anonymousId": "c-2"}') IS NOT NULL AS cookie;
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "e3", "userId": "eve", "anonymousId": "c-2"}') IS NOT NULL AS merged;
SELECT cdp.record_consent('user_id', 'eve', 'marketing', 'email', 'granted');
SELECT cdp.consent(:eve, 'marketing', 'email');

-- a purpose's time to live reaches back to what was granted before
UPDATE cdp.purpose SET double_opt_in = false, time_to_live = '1 hour' WHERE purpose = 'marketing';
SELECT cdp.consent(:dan, 'marketing', 'email'), (SELECT count(*) FROM cdp.audience_member) AS members;
SET cdp.test_clock = '2026-05-26 16:59:59.999999+00';
SELECT cdp.consent(:dan, 'marketing', 'email'), (SELECT count(*) FROM cdp.audience_member) AS members;
SET cdp.test_clock = '2026-05-26 17:00:00+00';
SELECT cdp.consent(:dan, 'marketing', 'email'), (SELECT count(*) FROM cdp.audience_member) AS members;
UPDATE cdp.purpose SET time_to_live = NULL WHERE purpose = 'marketing';
SELECT cdp.consent(:dan, 'marketing', 'email'), (SELECT count(*) FROM cdp.audience_member) AS members;
