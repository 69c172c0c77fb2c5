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
-- and takes back what the CRM said, whatever it says after, also in another record
SELECT cdp.undecide('crm_id:crm/A1', 'crm_id:crm/A2', 'they are two') IS NOT NULL AS undone;
CALL cdp.merge();
SELECT pg_temp.people();
SELECT count(*) FROM cdp.ingest_batch('crm', jsonb_build_array(pg_temp.merged('A2', 'A1') || '{"messageId": "again"}',
	pg_temp.merged('A1', 'A2') || '{"traits": {"email": "ann@x.de"}}'));
CALL cdp.merge();
SELECT pg_temp.people();

-- beside a userId it is what it always was, and a record with two ids and no more decides nothing
SELECT count(*) FROM cdp.ingest_batch('web', '[{"type": "alias", "userId": "u1", "previousId": "c1", "messageId": "w1", "timestamp": "2026-02-01"},
	{"type": "identify", "externalIds": [{"type": "crm_id", "id": "G1"}, {"type": "crm_id", "id": "G2"}], "messageId": "w2", "timestamp": "2026-02-01"}]');
CALL cdp.merge();
SELECT type, value FROM cdp.profile_identifier WHERE profile_id = cdp.find_profile('user_id', 'u1') ORDER BY 1;
SELECT pg_temp.people('web');

-- nobody says it of what is not a number of their own: accounts, addresses, ids
-- of data providers; nor a third party of anything
SELECT cdp.add_source('broker', kind => 'third_party'), cdp.add_source('partner') \g /dev/null
CREATE FUNCTION pg_temp.alias(type text, former text, id text, more jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object('type', 'alias', 'messageId', concat(type, former, id), 'timestamp', '2026-05-21', 'previousId', former,
		'externalIds', jsonb_build_array(jsonb_build_object('type', type, 'id', id))) || more
$$;
CREATE FUNCTION pg_temp.known(ids text) RETURNS TABLE (person text)
LANGUAGE sql AS $$
	SELECT string_agg(type || ':' || value, ' ' ORDER BY type, value) FROM cdp.profile_identifier GROUP BY profile_id
	HAVING bool_or(value ~ ids) ORDER BY 1
$$;
SELECT count(*) FROM cdp.ingest_batch('web', '[{"type": "identify", "userId": "u-mine", "anonymousId": "p-1", "messageId": "p1", "timestamp": "2026-01-01"},
	{"type": "identify", "userId": "u-victim", "traits": {"email": "victim@x.de"}, "messageId": "p2", "timestamp": "2026-01-01"},
	{"type": "identify", "anonymousId": "p-2", "traits": {"email": "mine@x.de"}, "messageId": "p3", "timestamp": "2026-01-01"}]');
SELECT count(*) FROM cdp.ingest_batch('broker', '[{"type": "identify", "userId": "u-mine", "externalIds": [{"type": "third_party_id", "id": "p-t1"}], "messageId": "t1", "timestamp": "2026-05-20"},
	{"type": "identify", "userId": "u-victim", "externalIds": [{"type": "third_party_id", "id": "p-t2"}], "messageId": "t2", "timestamp": "2026-05-20"}]');
SELECT count(*) FROM cdp.ingest_batch('web', jsonb_build_array(pg_temp.alias('user_id', 'u-victim', 'u-mine'), pg_temp.alias('email', 'victim@x.de', 'mine@x.de'),
	pg_temp.alias('email', 'p-cookie', 'mine@x.de')));
SELECT count(*) FROM cdp.ingest_batch('broker', jsonb_build_array(pg_temp.alias('third_party_id', 'p-t2', 'p-t1'), pg_temp.alias('crm_id', 'p-c2', 'p-c1')));
SELECT count(*) AS waiting FROM cdp.todo WHERE phase = 'alias';
CALL cdp.merge();
SELECT pg_temp.known('^u-|^p-|^(victim|mine)@');
SELECT count(*) AS decisions FROM cdp.decision WHERE identifier_a IN (SELECT identifier_id FROM cdp.identifier WHERE value ~ '^u-|^p-|@');

-- what else the record names is beside the point; of three numbers it would not be clear which are meant
INSERT INTO cdp.identifier_type (type, priority, strong, scope, description) VALUES ('loyalty_id', 3, true, 'source', 'number of a card');
SELECT count(*) FROM cdp.ingest_batch('partner', jsonb_build_array(pg_temp.contact('H1', 'h1@x.de'), pg_temp.contact('H2', 'h2@x.de'),
	pg_temp.alias('crm_id', 'H2', 'H1', '{"traits": {"email": "h@x.de"}, "context": {"externalIds": [{"type": "user_id", "id": "h-1"}, {"type": "user_id", "id": "h-2"}]}}'),
	pg_temp.alias('crm_id', 'I2', 'I1', '{"context": {"externalIds": [{"type": "crm_id", "id": "I3"}]}}'),
	pg_temp.alias('crm_id', 'K2', 'K1', '{"context": {"externalIds": [{"type": "loyalty_id", "id": "L1"}, {"type": "loyalty_id", "id": "L2"}]}}'),
	pg_temp.alias('crm_id', '', 'M1', '{"context": {"externalIds": [{"type": "crm_id", "id": "M2"}]}}'),
	pg_temp.alias('loyalty_id', 'L4', 'L3')));
CALL cdp.merge();
SELECT a.value, b.value FROM cdp.decision JOIN cdp.identifier AS a ON a.identifier_id = identifier_a JOIN cdp.identifier AS b ON b.identifier_id = identifier_b
	WHERE a.scope = 'partner' ORDER BY 1, 2;
SELECT verdict, count(*) FROM cdp.decision JOIN cdp.identifier_set USING (set_id) JOIN cdp.source USING (source_id) WHERE source.name = 'partner' GROUP BY 1;

-- the record is retracted and what it said with it, is evidence again, and that is undone
SELECT set_id FROM cdp.decision JOIN cdp.identifier ON identifier_id = identifier_a WHERE value = 'H1' \gset
SELECT cdp.retract(:set_id, 'a mistake') IS NOT NULL AS retracted;
SELECT pg_temp.known('^H');
SELECT cdp.unretract(:set_id, 'none') AS unretracted \gset
SELECT pg_temp.known('^H');
SELECT cdp.undo_action(:unretracted, 'one it was') IS NOT NULL AS undone;
SELECT pg_temp.known('^H');
SELECT count(*), count(*) FILTER (WHERE withdrawn_by IS NULL) AS hold FROM cdp.decision WHERE set_id = :set_id;

-- while it is retracted it says nothing, evidence again it may, and an undo of that goes as far
SELECT count(*) FROM cdp.ingest_batch('partner', jsonb_build_array(pg_temp.contact('Q1', 'q1@x.de'), pg_temp.contact('Q2', 'q2@x.de'), pg_temp.merged('Q2', 'Q1')));
SELECT ids[1] AS set_id FROM cdp.todo WHERE phase = 'alias' \gset
SELECT cdp.retract(:set_id, 'too early') IS NOT NULL AS retracted;
CALL cdp.merge();
SELECT pg_temp.known('^Q');
SELECT cdp.unretract(:set_id, 'now') AS unretracted \gset
SELECT cdp.ingest('partner', pg_temp.merged('Q2', 'Q1') || '{"messageId": "now"}') IS NOT NULL AS stored;
CALL cdp.merge();
SELECT pg_temp.known('^Q');
SELECT cdp.undo_action(:unretracted, 'no') IS NOT NULL AS undone;
SELECT pg_temp.known('^Q');

-- a rebuild decides what waits, and until then it is pending
SELECT count(*) FROM cdp.ingest_batch('crm', jsonb_build_array(pg_temp.contact('N1', 'n1@x.de'), pg_temp.contact('N2', 'n2@x.de')));
CALL cdp.merge();
SELECT cdp.ingest('crm', pg_temp.merged('N2', 'N1')) IS NOT NULL AS stored;
SELECT pending, ok FROM cdp.verify_identity();
CALL cdp.rebuild();
SELECT pending, ok FROM cdp.verify_identity();
SELECT pg_temp.known('^N');

-- whoever is erased or asks what is known of them is the whole person, also while the alias waits
SELECT count(*) FROM cdp.ingest_batch('crm', jsonb_build_array(pg_temp.contact('P1', 'p1@x.de'), pg_temp.contact('P2', 'p2@x.de'), pg_temp.contact('P3', 'p3@x.de'),
	'{"type": "track", "event": "ticket", "messageId": "e", "timestamp": "2026-01-05", "externalIds": [{"type": "crm_id", "id": "P3"}]}'::jsonb));
CALL cdp.merge();
SELECT cdp.find_profile('crm_id', 'P1', 'crm') AS p \gset
SELECT count(*) FROM cdp.ingest_batch('crm', jsonb_build_array(pg_temp.merged('P2', 'P1'), pg_temp.merged('P3', 'P2')));
BEGIN;
SELECT jsonb_array_length(document -> 'events') AS events, jsonb_path_query_array(document, '$.identifiers[*].value') AS identifiers
FROM cdp.export_subject(:p, 'asked') AS document;
ROLLBACK;
SELECT receipt -> 'identifiers' AS identifiers, receipt -> 'rows' -> 'event' AS events FROM cdp.erase_subject(:p, 'asked') AS receipt;
SELECT count(*) AS left_over FROM cdp.identifier WHERE value ~ '^(P|p\d@)';
SELECT count(*) AS waiting FROM cdp.todo WHERE phase = 'alias';
CALL cdp.merge();
SELECT misplaced, ok FROM cdp.verify_identity();
