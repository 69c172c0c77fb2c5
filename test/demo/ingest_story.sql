-- ingest_story.sql: from records of six systems to one profile that can say
-- where each value came from; what the systems sent waits in the inbox.
\pset footer off
\pset null ''
\pset linestyle ascii

\echo '## Six systems deliver; the run that takes it is cut off in the middle'
SELECT count(*) AS delivered FROM cdp.inbox \gset
\set ON_ERROR_STOP off
\set VERBOSITY terse
\set ECHO queries
SET statement_timeout = '700ms';
CALL cdp.merge(batch => 500);
SET statement_timeout = 0;
SELECT state, phase, done, total, error FROM cdp.run ORDER BY run_id DESC LIMIT 1;
\set ECHO none
\set VERBOSITY default
\set ON_ERROR_STOP on
\echo 'What was taken is there, the rest waits. The next run goes on:'
\echo
\set ECHO queries
CALL cdp.merge();
SELECT source, sum(records) AS records, sum(stored) AS stored, sum(duplicates) AS sent_twice,
	sum(rejected) AS rejected
FROM cdp.ingest_count GROUP BY source ORDER BY source;
\set ECHO none
SELECT :delivered AS delivered, sum(stored + duplicates + rejected) AS accounted_for FROM cdp.ingest_count;

\echo '## A newsletter tool joins: a CSV file, and not a line of code'
\copy (VALUES ('Nr', 'E-Mail', 'Vorname', 'Wohnort', 'Geöffnet'), ('1', 'mara.lindner@example.com', 'Mara', 'Kiel', '30.05.2026 08:15'), ('2', 'mara.lindner(at)example.com', 'Mara', 'Kiel', '2026-05-30 08:15'), ('3', 'mara.lindner@example.com', 'Mara', 'Kiel', '2026-05-30 08:15')) TO 'newsletter.csv' WITH (FORMAT csv)
\set ECHO queries
CREATE TABLE newsletter ("Nr" int PRIMARY KEY, "E-Mail" text, "Vorname" text, "Wohnort" text, "Geöffnet" text);
\copy newsletter FROM 'newsletter.csv' WITH (FORMAT csv, HEADER)
SELECT cdp.add_source('newsletter', priority => 50, mapping => '{
	"identifiers": {"email": "$.\"E-Mail\""}, "at": "$.\"Geöffnet\"", "event": "Email Opened",
	"traits": {"first_name": "$.Vorname"}}') AS source_id;
-- What would become of it?  Nothing is loaded.
SELECT record, part, field, value, becomes, left(problem, 60) AS problem
FROM cdp.preview_mapping('newsletter', NULL, (SELECT jsonb_agg(to_jsonb(newsletter)) FROM newsletter));
\set ECHO none
\echo 'Two lines cannot be used, and the preview says why; the town is not mapped yet.'

\echo '## One order, told by the web shop in dollars and by the till in pounds'
\set ECHO queries
INSERT INTO cdp.exchange_rate VALUES ('USD', '2026-01-01', 0.90), ('GBP', '2026-01-01', 1.15);
UPDATE cdp.source SET priority = 200 WHERE name = 'till';
SELECT (cdp.ingest_batch(source, records)).outcome FROM (VALUES
	('web', '[{"type": "track", "event": "Order Completed", "messageId": "w-9001", "timestamp": "2026-05-30T10:00:00Z",
		"properties": {"order_id": "B-9001", "total": 55, "currency": "USD", "email": "mara.lindner@example.com"}}]'::jsonb),
	('till', '[{"type": "track", "event": "order", "messageId": "t-9001", "timestamp": "2026-05-30T10:02:00Z",
		"properties": {"order_id": "B-9001", "total": 42.5, "currency": "GBP", "email": "mara.lindner@example.com"}}]'),
	('web', '[{"type": "track", "event": "Order Completed", "messageId": "w-9001", "timestamp": "2026-05-30T10:00:00Z",
		"properties": {"order_id": "B-9001", "total": 55, "currency": "USD", "email": "mara.lindner@example.com"}}]'))
	AS sent (source, records);
SELECT order_key, occurred_at, amount, source.name AS source
FROM cdp.profile_order JOIN cdp.source USING (source_id) WHERE order_key = 'B-9001';
\set ECHO none

\echo '## Where does a value come from, and what lost?'
\set ECHO queries
SELECT cdp.find_profile('email', 'mara.lindner@example.com') AS mara \gset
SELECT trait_name, value, wins, source, observed_at::date AS said, rule
FROM cdp.lineage(:mara) WHERE trait_name IN ('city', 'first_name') ORDER BY 1, wins DESC, said DESC;
UPDATE cdp.trait SET rule = 'source_priority' WHERE name = 'city';
UPDATE cdp.source SET priority = 300 WHERE name = 'crm_north';
CALL cdp.merge();
SELECT name, value, source, rule FROM cdp.profile_trait WHERE profile_id = :mara AND name = 'city';
SELECT cdp.pin_trait(:mara, 'city', '"Kiel"', 'told us on the phone');
SELECT name, value, source, rule FROM cdp.profile_trait WHERE profile_id = :mara AND name = 'city';
\set ECHO none

\echo '## And is it all still what the records say? Everything derived is made anew and compared.'
\ir ../data/digest.sql
CALL cdp.merge();
SELECT cdp.refresh_scores() \g /dev/null
CALL cdp.merge();
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.canonical_digest();
\set ECHO queries
CALL cdp.rebuild();
\set ECHO none
SELECT count(*) AS kinds_of_rows, count(*) FILTER (WHERE before.digest <> after.digest) AS that_differ
FROM before JOIN pg_temp.canonical_digest() AS after USING (name);
