-- Two ids of one person, as the source says that gave both.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
\set SHOW_CONTEXT never
SELECT cdp.add_source('crm'), cdp.add_source('other'), cdp.add_source('web') \g /dev/null
CREATE FUNCTION pg_temp.contact(id text, mail text) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object('type', 'identify', 'messageId', 'i' || id, 'timestamp', '2026-01-01',
		'externalIds', jsonb_build_array(jsonb_build_object('type', 'crm_id', 'id', id)), 'traits', jsonb_build_object('email', mail, 'title', id))
$$;
CREATE FUNCTION pg_temp.merged(former text, id text) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object('type', 'alias', 'messageId', concat(former, id), 'timestamp', '2026-02-01', 'previousId', former,
		'externalIds', jsonb_build_array(jsonb_build_object('type', 'crm_id', 'id', id)))
$$;
CREATE FUNCTION pg_temp.people(source text DEFAULT 'crm') RETURNS text
LANGUAGE sql AS $$
	SELECT string_agg(ids, ' | ' ORDER BY ids) FROM (SELECT string_agg(value, ' ' ORDER BY value) AS ids
		FROM cdp.profile_identifier AS known WHERE type = 'crm_id' AND known.scope = $1 GROUP BY profile_id) AS person
$$;

-- a CRM has two contacts of one address, and merges them
SELECT count(*) FROM cdp.ingest_batch('crm', jsonb_build_array(pg_temp.contact('A1', 'ann@x.de'), pg_temp.contact('A2', 'ann@x.de'),
	pg_temp.contact('B1', 'b1@x.de'), pg_temp.contact('B2', 'b2@x.de'), pg_temp.contact('C1', 'c@x.de'), pg_temp.contact('D1', 'd@x.de')));
SELECT count(*) FROM cdp.ingest_batch('other', jsonb_build_array(pg_temp.contact('A1', 'o1@x.de'), pg_temp.contact('A2', 'o2@x.de')));
CALL cdp.merge();
SELECT pg_temp.people(), (SELECT count(*) FROM cdp.crm_duplicate) AS duplicates;
SELECT cdp.ingest('crm', pg_temp.merged('A2', 'A1')) IS NOT NULL AS stored;
CALL cdp.merge();
SELECT pg_temp.people(), pg_temp.people('other') AS other, (SELECT count(*) FROM cdp.crm_duplicate) AS duplicates;
SELECT verdict, reason FROM cdp.decision JOIN cdp.steward_action USING (action_id) WHERE withdrawn_by IS NULL;

-- in bulk, before the contacts themselves are known, again and again, in a chain
COPY cdp.inbox (source, record) FROM stdin WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\t');
crm	{"type": "alias", "messageId": "m1", "timestamp": "2026-02-01", "previousId": "E2", "externalIds": [{"type": "crm_id", "id": "E1"}]}
crm	{"previousId": "E3", "messageId": "m2", "timestamp": "2026-02-01", "externalIds": [{"type": "crm_id", "id": "E2"}]}
crm	{"previousId": "E3", "messageId": "m3", "timestamp": "2026-02-02", "externalIds": [{"type": "crm_id", "id": "E2"}]}
\.

CALL cdp.merge();
SELECT count(*) FROM cdp.ingest_batch('crm', jsonb_build_array(pg_temp.contact('E1', 'eve@x.de'), pg_temp.contact('E3', 'eve@x.de')));
CALL cdp.merge();
SELECT pg_temp.people();
SELECT count(*) AS decisions FROM cdp.decision;
-- profiles are as a rebuild makes them
SELECT misplaced, ok FROM cdp.verify_identity();

-- a steward who decided otherwise has the last word, about the two or about others
SELECT cdp.decide('crm_id:crm/B1', 'crm_id:crm/B2', 'never', 'twins'), cdp.decide('crm_id:crm/C1', 'crm_id:crm/D1', 'never', 'not one') \g /dev/null
SELECT count(*) FROM cdp.ingest_batch('crm', jsonb_build_array(pg_temp.merged('B1', 'B2'), pg_temp.merged('C1', 'F1'), pg_temp.merged('F1', 'D1')));
CALL cdp.merge();
SELECT pg_temp.people();
SELECT count(*) AS waiting FROM cdp.todo WHERE phase = 'alias';
-- and takes back what the CRM said
SELECT cdp.undecide(decision_id, 'they are two') IS NOT NULL AS undone FROM cdp.decision
	JOIN cdp.identifier ON identifier_id IN (identifier_a, identifier_b) WHERE withdrawn_by IS NULL AND value = 'A1';
CALL cdp.merge();
SELECT pg_temp.people();

-- beside a userId it is what it always was, and a record with two ids and no more decides nothing
SELECT count(*) FROM cdp.ingest_batch('web', '[{"type": "alias", "userId": "u1", "previousId": "c1", "messageId": "w1", "timestamp": "2026-02-01"},
	{"type": "identify", "externalIds": [{"type": "crm_id", "id": "G1"}, {"type": "crm_id", "id": "G2"}], "messageId": "w2", "timestamp": "2026-02-01"}]');
CALL cdp.merge();
SELECT type, value FROM cdp.profile_identifier WHERE profile_id = cdp.find_profile('user_id', 'u1') ORDER BY 1;
SELECT pg_temp.people('web');
