-- identity_quality.sql: what identity_quality.sh runs; :file is a file of
-- events, :without the types left out of it, :phases those of the merge run;
-- reference.tsv lies in the current folder.  Prints lines of number and measure, target, value, tab between.
SET client_min_messages = warning;
\pset format unaligned
\pset fieldsep '\t'
\pset tuples_only on

CREATE EXTENSION cdp;
SELECT cdp.setup(), cdp.add_source('events') \g /dev/null

CREATE SCHEMA file;
CREATE TABLE file.event (event_id bigint PRIMARY KEY, ts bigint, kind text, anonymous_id text,
	device_id text, user_id text, email text, phone text, crm_id text, person integer);
CREATE TABLE file.reference (event_id bigint PRIMARY KEY, profile bigint);
SELECT format('COPY file.event FROM %L WITH (FORMAT csv, HEADER, DELIMITER E''\t'', QUOTE E''\x01'')', :'file') \gexec
\copy file.reference FROM 'reference.tsv'
UPDATE file.event SET user_id = NULL WHERE :'without' ~ 'user_id';
UPDATE file.event SET crm_id = NULL WHERE :'without' ~ 'crm_id';
\copy (SELECT jsonb_strip_nulls(jsonb_build_object('type', 'track', 'event', kind, 'messageId', event_id, 'timestamp', to_char(to_timestamp(ts), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'userId', user_id, 'anonymousId', anonymous_id, 'context', CASE WHEN device_id <> '' THEN jsonb_build_object('device', jsonb_build_object('id', device_id)) END, 'externalIds', CASE WHEN crm_id <> '' THEN jsonb_build_array(jsonb_build_object('type', 'crm_id', 'id', crm_id)) END, 'properties', CASE WHEN email <> '' OR phone <> '' THEN jsonb_build_object('email', email, 'phone', phone) END)) FROM file.event ORDER BY event_id) TO 'events.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
VACUUM ANALYZE file.event, file.reference;
CREATE TABLE file.mark (name text PRIMARY KEY, at timestamptz DEFAULT clock_timestamp());

-- The way of all records.
INSERT INTO file.mark VALUES ('start');
SET cdp.source = 'events';
\copy cdp.inbox(record) FROM 'events.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
INSERT INTO file.mark VALUES ('copied');
CALL cdp.merge(phases => string_to_array(:'phases', ','));
INSERT INTO file.mark VALUES ('merged');

-- The profile of each event; one without is a profile of its own, so that it
-- costs recall and never helps.
CREATE TABLE file.found AS
SELECT file.event.event_id, person, reference.profile AS reference,
	coalesce(profile.root, -file.event.event_id - 1) AS profile
FROM file.event
	JOIN file.reference USING (event_id)
	LEFT JOIN cdp.event ON cdp.event.message_id = file.event.event_id::text
	LEFT JOIN cdp.identifier_set USING (set_id)
	LEFT JOIN cdp.identifier ON identifier.identifier_id = identifier_set.owner
	LEFT JOIN cdp.profile ON profile.profile_id = identifier.leaf;

-- Link components that replay took apart: profiles joined by refused links.
CREATE TABLE file.refused AS
SELECT a.root AS a, b.root AS b
FROM cdp.refused_link
	JOIN cdp.identifier AS one ON one.identifier_id = identifier_a
	JOIN cdp.identifier AS other ON other.identifier_id = identifier_b
	JOIN cdp.profile AS a ON a.profile_id = one.leaf
	JOIN cdp.profile AS b ON b.profile_id = other.leaf;
CREATE TABLE file.size AS
SELECT profile.root AS profile, count(*) AS identifiers
FROM cdp.identifier JOIN cdp.profile ON profile.profile_id = identifier.leaf
GROUP BY profile.root;
CREATE TABLE file.component AS
WITH RECURSIVE beside AS (
	SELECT a, b FROM file.refused UNION SELECT b, a FROM file.refused
), reached AS (
	SELECT a AS profile, a AS start FROM beside
	UNION
	SELECT beside.b, reached.start FROM reached JOIN beside ON beside.a = reached.profile
), named AS (
	SELECT profile, min(start) AS component FROM reached GROUP BY profile
)
SELECT component, count(*) AS profiles, sum(identifiers) AS identifiers
FROM named JOIN file.size USING (profile)
GROUP BY component;

CREATE FUNCTION file.pairs(counts bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE
RETURN counts * (counts - 1)::numeric / 2;
CREATE TABLE file.quality AS
WITH cell AS (
	SELECT sum(file.pairs(count)) AS pairs
	FROM (SELECT count(*) FROM file.found GROUP BY person, profile) AS counted
), said AS (
	SELECT sum(file.pairs(count)) AS pairs, count(*) AS profiles, max(count) AS largest
	FROM (SELECT count(*) FROM file.found GROUP BY profile) AS counted
), truth AS (
	SELECT sum(file.pairs(count)) AS pairs, count(*) AS persons
	FROM (SELECT count(*) FROM file.found GROUP BY person) AS counted
), same AS (
	SELECT count(DISTINCT profile) AS profiles, count(DISTINCT reference) AS reference,
		count(DISTINCT (profile, reference)) AS both
	FROM file.found
)
SELECT cell.pairs / said.pairs AS precision, cell.pairs / truth.pairs AS recall,
	2 * cell.pairs / (said.pairs + truth.pairs) AS f1,
	said.largest, said.profiles, truth.persons,
	same.both - same.reference AS split, same.both - same.profiles AS merged
FROM cell, said, truth, same;

WITH phase AS (
	SELECT key, round(sum(value::numeric) / 1000, 1) AS seconds
	FROM cdp.run, jsonb_each_text(phase_ms)
	WHERE kind = 'merge'
	GROUP BY key
), line AS (
	SELECT '01 pairwise F1 over events' AS what, 'at least .964' AS target, round(f1, 4)::text AS value FROM file.quality
	UNION ALL SELECT '02 precision', 'at least .986', round(precision, 4)::text FROM file.quality
	UNION ALL SELECT '03 recall', '', round(recall, 4)::text FROM file.quality
	UNION ALL SELECT '04 largest profile, events', 'at most 300', largest::text FROM file.quality
	UNION ALL SELECT '05 largest profile, identifiers', '', max(identifiers)::text FROM file.size
	UNION ALL SELECT '06 events', '', count(*)::text FROM file.event
	UNION ALL SELECT '07 persons', '', persons::text FROM file.quality
	UNION ALL SELECT '08 profiles with events', '', profiles::text FROM file.quality
	UNION ALL SELECT '09 profiles', '', count(*)::text FROM file.size
	UNION ALL SELECT '10 identifiers', '', count(*)::text FROM cdp.identifier
	UNION ALL SELECT '11 blocked identifiers', '', count(*)::text FROM cdp.identifier WHERE blocked
	UNION ALL SELECT '12 shared identifiers', '', count(*)::text FROM cdp.identifier WHERE shared
	UNION ALL SELECT '13 conflicts (refused links)', '', count(*)::text FROM file.refused
	UNION ALL SELECT '14 replayed components', '', count(*)::text FROM file.component
	UNION ALL SELECT '15 largest of them, identifiers', '', coalesce(max(identifiers), 0)::text FROM file.component
	UNION ALL SELECT '16 profiles that differ from the reference: apart, together', '0, 0', split || ', ' || merged FROM file.quality
	UNION ALL SELECT '20 seconds: COPY', '', round(extract(epoch FROM copied.at - start.at), 1)::text
		FROM file.mark AS start, file.mark AS copied WHERE start.name = 'start' AND copied.name = 'copied'
	UNION ALL SELECT 20 + place || ' seconds: ' || name, '', coalesce(seconds::text, '')
		FROM unnest('{ingest,stitch,timeline,profile,score,segment}'::text[]) WITH ORDINALITY AS named (name, place)
			LEFT JOIN phase ON key = name
	UNION ALL SELECT '29 seconds: CALL cdp.merge() of these', '', round(extract(epoch FROM merged.at - copied.at), 1)::text
		FROM file.mark AS copied, file.mark AS merged WHERE copied.name = 'copied' AND merged.name = 'merged'
)
SELECT what, target, value FROM line ORDER BY what COLLATE "C";
