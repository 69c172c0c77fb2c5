-- identity_story.sql: six orders, one truth, and back; in the first of the six
-- stores, with the answers of all of them in answers.tsv.
\pset footer off
\pset null ''
\pset linestyle ascii
CREATE TABLE household.answer (by text, turn integer, sent text, customers bigint, wrong bigint, fingerprint text);
\copy household.answer FROM 'answers.tsv'
INSERT INTO household.answer
WITH credited AS (
	SELECT turn, customer, count(*) AS records
	FROM household.credited JOIN household.arrived USING (turn, type, value)
	GROUP BY turn, customer, person
), counted AS (
	SELECT turn, customer, sum(records) - max(records) AS wrong FROM credited GROUP BY turn, customer
), part AS (
	SELECT turn, string_agg(type || ':' || value, ' ' ORDER BY type, value) AS line
	FROM household.arrived
	GROUP BY turn, customer
)
SELECT 'arrival', turn, 'one by one', count(*), (SELECT sum(wrong) FROM counted WHERE counted.turn = part.turn),
	md5(string_agg(line, chr(10) ORDER BY line COLLATE "C"))
FROM part
GROUP BY turn;

\echo '## Six orders, one truth'
SELECT count(*) AS records, count(DISTINCT person) AS people,
	count(DISTINCT keys ->> 'anonymous_id') AS browsers, count(DISTINCT home) AS households
FROM household.record LEFT JOIN household.person USING (person)
\gset
\echo :records 'records of' :people 'people in' :households 'households, who share tablets, mailboxes and a kiosk, reach'
\echo 'us in six orders. Once as each record arrives, by forty lines of SQL with limits like'
\echo 'cdp''s (test/demo/identity_arrival.sql); once by cdp. The same fingerprint: every'
\echo 'identifier is together with the very same others. Mixed up: records of somebody else.'
\echo
SELECT CASE turn WHEN 1 THEN 'as it happened' ELSE 'shuffle ' || turn - 1 END AS "order",
	arrival.customers AS "on arrival", arrival.wrong AS "mixed up", left(arrival.fingerprint, 8) AS fingerprint,
	cdp.customers AS "by cdp", cdp.wrong AS "mixed up ", left(cdp.fingerprint, 8) AS "fingerprint ",
	cdp.sent AS "sent to cdp"
FROM household.answer AS arrival JOIN household.answer AS cdp USING (turn)
WHERE arrival.by = 'arrival' AND cdp.by = 'cdp'
ORDER BY turn;
SELECT count(DISTINCT fingerprint) FILTER (WHERE by = 'arrival') AS on_arrival,
	count(DISTINCT fingerprint) FILTER (WHERE by = 'cdp') AS by_cdp
FROM household.answer
\gset
\echo 'Answers to the question who is who:' :on_arrival 'on arrival,' :by_cdp 'by cdp.'

\ir ../data/digest.sql
CREATE FUNCTION pg_temp.store_digest() RETURNS text LANGUAGE sql AS $$
	SELECT md5(string_agg(digest, '' ORDER BY name COLLATE "C"))
	FROM pg_temp.canonical_digest() WHERE name <> 'message'
$$;
CREATE TEMP TABLE moment (number serial, moment text, digest text);
INSERT INTO moment (moment, digest) VALUES ('before', pg_temp.store_digest());
\set who 'SELECT profile_id, identifiers -> ''user_id'' AS account, identifiers -> ''email'' AS email, events, orders FROM cdp.unified_profile WHERE identifiers -> ''email'' ?| ''{mara.lindner@example.com,nora.weiss@example.com}'' ORDER BY 1'
\echo
\echo '## And back: Mara logs in once, on the computer of her friend Nora'
:who;
\set ECHO queries
SELECT cdp.ingest('shop', '{"type": "identify", "userId": "mara", "anonymousId": "c-5e2b10",
	"messageId": "login-1", "timestamp": "2026-05-08T11:00:00Z"}') AS profile_id;
\set ECHO none
CALL cdp.merge();
INSERT INTO moment (moment, digest) VALUES ('after the login', pg_temp.store_digest());
:who;
\echo 'One customer now, with the history of both. It can be explained, and taken back:'
\echo
\set ECHO queries
SELECT says FROM cdp.explain_identity('email:nora.weiss@example.com', 'user_id:mara');
SELECT cdp.unmerge(cdp.find_profile('email', 'nora.weiss@example.com'),
	'{email:nora.weiss@example.com,anonymous_id:c-5e2b10,phone:+491707654321}',
	'Mara only logged in at Nora''s') AS profile_id;
\set ECHO none
CALL cdp.merge();
INSERT INTO moment (moment, digest) VALUES ('after the unmerge', pg_temp.store_digest());
:who;
CALL cdp.rebuild();
INSERT INTO moment (moment, digest) VALUES ('and a rebuild of everything', pg_temp.store_digest());
\echo 'Digests of the store: profiles, identifiers, events, memberships, consents (not the'
\echo 'ledger of messages, which has the login):'
SELECT moment, left(digest, 16) AS digest, digest = first_value(digest) OVER (ORDER BY number) AS as_before
FROM moment ORDER BY number;

\echo '## What holds Mara together: a picture (paste it where mermaid is drawn) ...'
\pset format unaligned
\pset tuples_only on
\set ECHO queries
SELECT cdp.profile_graph(cdp.find_profile('user_id', 'mara'));
\set ECHO none
\echo '## ... and in sentences'
\set ECHO queries
SELECT says FROM cdp.explain_identity('anonymous_id:c-b84411', 'phone:+491701234567');
SELECT says FROM cdp.explain_identity('user_id:jonas', 'user_id:mara');
