-- privacy_story.sql: what people agreed to, who may be written to, and what
-- becomes of somebody who asks; the records of the six systems are merged.
\pset footer off
\pset null ''
\pset linestyle ascii
\ir ../data/traces.sql
SELECT cdp.define_segment('customers', 'kind = ''known''') \g /dev/null
SELECT cdp.add_audience('letters', segment => 'customers', purpose => 'marketing',
	channel => 'email', destination => 'newsletter') \g /dev/null

\echo '## Lena agrees: what, when, on which text'
\set ECHO queries
SELECT left(cdp.add_consent_document('form-7', 'marketing', version => '7', language => 'de',
	body => 'Ja, schreibt mir, was es Neues gibt.'), 16) AS text_sha256;
SELECT cdp.ingest('web', '{"type": "track", "event": "Order Completed", "userId": "u-lena", "anonymousId": "c-lena", "messageId": "pri-1",
	"timestamp": "2026-05-10T08:00:00Z", "properties": {"order_id": "L-1", "total": 24.50, "currency": "EUR"},
	"context": {"traits": {"email": "lena.vogt@example.com", "first_name": "Lena"}},
	"consent": [{"purpose": "marketing", "channel": "email", "state": "granted", "document": "form-7", "evidence": {"box": "ticked"}}]}') AS lena \gset
SELECT jsonb_pretty(cdp.consent_receipt(:lena, 'marketing', 'email')) AS receipt;
\set ECHO none

\echo '## She takes it back; what held at each instant stays known'
SELECT cdp.ingest('app', '{"type": "identify", "userId": "u-lena", "messageId": "pri-2", "timestamp": "2026-05-20T18:30:00Z",
	"consent": [{"purpose": "marketing", "channel": "email", "state": "withdrawn"}]}') \g /dev/null
\set ECHO queries
SELECT at AT TIME ZONE 'Europe/Berlin' AS at, cdp.consent(:lena, 'marketing', 'email', at) AS answer
FROM (VALUES (timestamptz '2026-05-10 07:59:59Z'), ('2026-05-10 08:00:00Z'), ('2026-05-20 18:29:59.999999Z'), ('2026-05-20 18:30:00Z')) AS instant (at);
\set ECHO none

\echo '## Two profiles turn out to be one person: the denial is not lost'
SELECT cdp.ingest('web', '{"type": "identify", "anonymousId": "c-omar", "messageId": "pri-3", "timestamp": "2026-05-01T09:00:00Z",
	"traits": {"email": "omar@example.com"}, "consent": [{"purpose": "marketing", "channel": "email", "state": "denied"}]}') AS omar_then,
	cdp.ingest('app', '{"type": "identify", "userId": "u-omar", "messageId": "pri-4", "timestamp": "2026-05-15T09:00:00Z",
	"traits": {"email": "omar@example.org"}, "consent": [{"purpose": "marketing", "channel": "email", "state": "granted"}]}') AS omar_now \gset
\set ECHO queries
SELECT cdp.consent(:omar_then, 'marketing', 'email') AS by_the_cookie, cdp.consent(:omar_now, 'marketing', 'email') AS by_the_account;
SELECT cdp.ingest('web', '{"type": "identify", "userId": "u-omar", "anonymousId": "c-omar", "messageId": "pri-5", "timestamp": "2026-05-28T09:00:00Z"}')
	AS omar \gset
SELECT cdp.resolve(:omar_then) = cdp.resolve(:omar_now) AS one_person, cdp.consent(:omar, 'marketing', 'email') AS together;
\set ECHO none
\echo 'The stricter of the two counts, though the yes is newer, until he is asked himself:'
\set ECHO queries
SELECT cdp.record_consent('user_id', 'u-omar', 'marketing', 'email', 'granted');
SELECT cdp.consent(:omar, 'marketing', 'email') AS asked_himself;
\set ECHO none

\echo '## The tool that sends letters reads one view, in which nobody else is'
SELECT cdp.ingest('web', '{"type": "identify", "userId": "u-pia", "messageId": "pri-6", "timestamp": "2026-05-10T08:00:00Z",
	"traits": {"email": "pia@example.com"}, "consent": [{"purpose": "marketing", "channel": "email", "state": "granted"}]}') AS pia \gset
SELECT cdp.suppress('email', 'pia@example.com', 'email', 'bounce') \g /dev/null
CALL cdp.merge();
SELECT count(*) FROM cdp.audience_delta('letters') \g /dev/null
CREATE ROLE newsletter_tool;
SELECT cdp.grant_role('newsletter_tool', 'activation') \g /dev/null
SET ROLE newsletter_tool;
\set VERBOSITY terse
\set ON_ERROR_STOP off
\set ECHO queries
SELECT count(*) FILTER (WHERE profile_id = :omar) AS omar, count(*) FILTER (WHERE profile_id = :lena) AS lena,
	count(*) FILTER (WHERE profile_id = :pia) AS pia, count(*) AS everybody
FROM cdp.audience_member WHERE audience = 'letters';
SELECT count(*) FROM cdp.unified_profile;
\set ECHO none
\set ON_ERROR_STOP on
RESET ROLE;
\echo
\echo 'Why not the others?'
\set ECHO queries
SELECT name, cdp.why_not(profile_id, 'letters') AS why_not
FROM (VALUES ('Omar', :omar), ('Lena', :lena), ('Pia', :pia)) AS person (name, profile_id);
\set ECHO none

\echo '## Omar asks what is held about him; Lena disputes an order: her data is only kept'
\set ECHO queries
SELECT part, jsonb_array_length(held) AS entries
FROM jsonb_each(cdp.export_subject(:omar, 'by letter')) AS document (part, held)
WHERE jsonb_typeof(held) = 'array' AND held <> '[]' ORDER BY part;
SELECT cdp.restrict_subject(:lena, 'disputes order L-1') IS NOT NULL AS restricted;
SELECT (SELECT count(*) FROM cdp.unified_profile WHERE profile_id = :lena) AS in_reports,
	(SELECT count(*) FROM cdp.segment_member WHERE profile_id = :lena) AS in_segments, cdp.why_not(:lena, 'letters') AS why_not;
\set ECHO none

\echo '## Omar wants to be forgotten.  Before: every column of every table that has him'
\set his '{u-omar,c-omar,omar@example.com,omar@example.org}'
\set ECHO queries
SELECT relation, string_agg(place, ', ' ORDER BY place) AS columns, sum(rows) AS rows
FROM pg_temp.traces(:'his') GROUP BY relation ORDER BY relation;
SELECT jsonb_pretty(cdp.erase_subject(:omar, 'asked by letter') - 'store_id') AS receipt;
SELECT relation, place, rows FROM pg_temp.traces(:'his');
\set ECHO none
\echo 'What is left is what the newsletter holds, until it has been told to remove it:'
\set ECHO queries
SELECT delta, change, key FROM cdp.audience_delta('letters') WHERE change = 'remove';
SELECT cdp.audience_ack('letters', 2);
SELECT count(*) AS columns_that_have_him FROM pg_temp.traces(:'his');
\set ECHO none
\echo 'His browser does not know, and goes on sending:'
\set ECHO queries
SELECT outcome FROM cdp.ingest_batch('web', '[{"type": "page", "anonymousId": "c-omar"}, {"type": "identify", "userId": "new", "traits": {"email": "OMAR@example.com"}}]');
SELECT reason, record FROM cdp.reject WHERE reason = 'erased';
SELECT count(*) AS columns_that_have_him FROM pg_temp.traces(:'his');
SELECT kind, reason, done_at AT TIME ZONE 'Europe/Berlin' AS done_at FROM cdp.privacy_request ORDER BY request_id;
\set ECHO none
\echo 'Of him hashes are left, which tell nothing without the store''s key: so that he does not'
\echo 'come back, and so that what he had agreed to can be proved to whoever knows his address.'
