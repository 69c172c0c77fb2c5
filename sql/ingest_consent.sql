-- Consents that ride on records: what a state may look like.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SELECT cdp._consent_starter() \g /dev/null
SELECT cdp.add_source('web'), cdp.add_source('form', mapping => '{"identifiers": {"email": "$.mail"}, "message_id": "$.n",
	"consents": [{"purpose": "marketing", "channel": "email", "state": "$.answer"}]}') \g /dev/null

-- states, and plain words for yes and no, in any case, as text or boolean
CREATE TEMP TABLE answer (n integer GENERATED ALWAYS AS IDENTITY, state jsonb);
INSERT INTO answer (state)
SELECT word FROM unnest(ARRAY['"requested"', '"granted"', '"denied"', '"withdrawn"', '"expired"', '"objected"', '"GRANTED"', '"Denied"',
	'true', '"true"', '"TRUE"', '"yes"', '" Yes "', '"opt_in"', '"OPT_IN"', '"opt-in"', '"Opt in"',
	'false', '"false"', '"no"', '"NO\n"', '"opt_out"', '"Opt-Out"', '"opt out"']::jsonb[]) AS word;
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_build_object('userId', 'u' || n, 'messageId', 'm' || n,
	'consent', jsonb_build_object('purpose', 'marketing', 'channel', 'email', 'state', state))::text
FROM answer;
CALL cdp.merge();
SELECT answer.state AS written, log.state
FROM answer
	LEFT JOIN cdp.identifier ON value = 'u' || n
	LEFT JOIN cdp.consent_log AS log USING (identifier_id)
ORDER BY n;
SELECT count(*) AS warnings FROM cdp.ingest_warning;

-- a mapping's too
SELECT cdp.ingest('form', '{"mail": "ann@example.com", "n": 1, "answer": "Yes"}') AS ann \gset
SELECT cdp.ingest('form', '{"mail": "bob@example.com", "n": 2, "answer": "OPT_OUT"}') AS bob \gset
SELECT cdp.consent(:ann, 'marketing', 'email') AS ann, cdp.consent(:bob, 'marketing', 'email') AS bob;

-- purposes and channels in any case, and however their parts are set apart: a
-- denial is not lost for its spelling; what two names share is neither
SELECT cdp.ingest('web', '{"userId": "d", "messageId": "d1", "timestamp": "2026-05-01T10:00:00Z", "consent": [
	{"purpose": "marketing", "channel": "email", "state": "granted"}, {"purpose": "ads_personalisation", "channel": "ads", "state": "granted"}]}') AS dan \gset
SELECT cdp.ingest('web', '{"userId": "d", "messageId": "d2", "timestamp": "2026-05-02T10:00:00Z", "consent": [
	{"purpose": "Marketing", "channel": "E-Mail", "state": "Denied"}, {"purpose": "Ads Personalisation", "channel": " ADS ", "state": "With-drawn"}]}') = :dan AS same;
SELECT cdp.consent(:dan, 'marketing', 'email') AS email, cdp.consent(:dan, 'ads_personalisation', 'ads') AS ads;
SELECT cdp.record_consent('user_id', 'd', 'MARKETING', 'e mail', 'GRANTED', '2026-05-03');
SELECT cdp.consent(:dan, 'marketing', 'email');
SELECT cdp.record_consent('user_id', 'd', 'Marketing', 'E-Mail', 'Maybe');
SELECT count(*) AS warnings FROM cdp.ingest_warning;
INSERT INTO cdp.purpose (purpose, description) VALUES ('a_b', 'one'), ('ab', 'another');
SELECT purpose, cdp._find_purpose(purpose) FROM unnest('{ab,a_b,A-B,AB,NULL}'::text[]) AS purpose;
SELECT cdp.record_consent('user_id', 'd', 'A-B', 'email', 'granted');

-- anything else is a warning that shows it, and no consent
SELECT count(*) AS answers FROM cdp.consent_log \gset
SELECT count(cdp.ingest('web', jsonb_build_object('userId', 'x' || n, 'messageId', 'x' || n,
	'consent', jsonb_build_object('purpose', 'marketing', 'channel', 'email', 'state', state)))) AS stored
FROM unnest(ARRAY['"maybe"', '"granted?"', '"not granted"', '"yesno"', '"y"', '""', '"opt"', '1', '0', '[true]', '{"granted": true}', 'null']::jsonb[])
	WITH ORDINALITY AS odd (state, n);
SELECT cdp.ingest('web', '{"userId": "y", "messageId": "y", "consent": [{"channel": "email", "state": true},
	{"purpose": "marketing", "channel": 7.5, "state": true}, {"purpose": "marketing", "channel": ["email"], "state": true}, true]}') IS NOT NULL AS stored;
-- a time before 1970 as well
SELECT cdp.ingest('web', '{"userId": "z", "messageId": "z", "consent": [
	{"purpose": "marketing", "channel": "email", "state": true, "at": "1969-12-31T23:59:59.999999Z"}]}') IS NOT NULL AS stored;
SELECT reason, field, example_value, message FROM cdp.ingest_warning ORDER BY warning_id;
SELECT count(*) - :answers AS more FROM cdp.consent_log;
-- a text that nobody has added is warned of, and the answer kept
SELECT cdp.ingest('web', '{"userId": "d", "messageId": "d", "consent": [
	{"purpose": "marketing", "channel": "email", "state": false, "document": "form 9"}]}') AS dan \gset
SELECT reason, field, example_value, message FROM cdp.ingest_warning WHERE reason = 'unknown_document';
SELECT cdp.consent(:dan, 'marketing', 'email');
-- and its proof is there once it is added
SELECT cdp.add_consent_document('form 9', 'marketing', '9', 'No, thanks.') IS NOT NULL AS kept;
SELECT cdp.consent_receipt(:dan, 'marketing', 'email') #>> '{answers,0,document,version}' AS version;
