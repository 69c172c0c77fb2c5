-- Roles: what each kind may do, and what it may not.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS cdp_test_reader, cdp_test_crm, cdp_test_activation, cdp_test_steward,
	cdp_test_privacy, cdp_test_ingest, cdp_test_operator, cdp_test_auditor, cdp_test_nobody;
CREATE ROLE cdp_test_reader;
CREATE ROLE cdp_test_crm;
CREATE ROLE cdp_test_activation;
CREATE ROLE cdp_test_steward;
CREATE ROLE cdp_test_privacy;
CREATE ROLE cdp_test_ingest;
CREATE ROLE cdp_test_operator;
CREATE ROLE cdp_test_auditor;
CREATE ROLE cdp_test_nobody;

SELECT cdp.grant_role('cdp_test_reader', 'reader');
SELECT cdp.grant_role('cdp_test_crm', 'crm');
SELECT cdp.grant_role('cdp_test_activation', 'activation');
SELECT cdp.grant_role('cdp_test_steward', 'steward');
SELECT cdp.grant_role('cdp_test_privacy', 'privacy');
SELECT cdp.grant_role('cdp_test_ingest', 'ingest');
SELECT cdp.grant_role('cdp_test_auditor', 'auditor');
SELECT cdp.grant_role('cdp_test_reader', 'king');
SELECT cdp.grant_role('cdp_test_noone', 'reader');
SELECT cdp.grant_role('cdp_test_reader', NULL);
SELECT cdp.grant_role(NULL, 'reader');

-- the matrix names what is there, or what is to come
SELECT DISTINCT object AS misspelt FROM cdp._role_matrix() AS matrix
WHERE NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'cdp'::regnamespace AND relname = object)
	AND NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = 'cdp'::regnamespace AND proname = object)
	AND object NOT IN ('crm_contact', 'decide', 'undecide',
		'unmerge', 'explain_identity', 'export_subject', 'privacy_request',
		'health', 'profile_metric', 'unified_profile', 'profile', 'resolve', 'find_profile');

-- who can read what, and use which doors, is what the matrix says, and no more
CREATE TEMP TABLE tested AS
SELECT role, 'cdp_test_' || role AS name
FROM unnest(ARRAY['reader', 'crm', 'activation', 'steward', 'privacy', 'ingest', 'auditor', 'nobody']) AS role;
SELECT role, relname, can_read
FROM tested, pg_class, has_table_privilege(name, pg_class.oid, 'SELECT') AS can_read
WHERE relnamespace = 'cdp'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
	AND can_read <> EXISTS (SELECT FROM cdp._role_matrix()
		WHERE kind = role AND object = relname AND privilege = 'SELECT');
SELECT role, proname, can_use
FROM tested, pg_proc, has_function_privilege(name, pg_proc.oid, 'EXECUTE') AS can_use
WHERE pronamespace = 'cdp'::regnamespace AND prosecdef
	AND can_use <> EXISTS (SELECT FROM cdp._role_matrix()
		WHERE kind = role AND object = proname AND privilege = 'EXECUTE');
-- and nobody but the owner sees keys, identifiers or contact points
SELECT role, relname FROM tested, pg_class
WHERE relnamespace = 'cdp'::regnamespace
	AND relname IN ('secret_key', 'identifier', 'contact_point', 'trait_observation', 'event')
	AND has_table_privilege(name, pg_class.oid, 'SELECT');
SELECT role, relname, privilege
FROM unnest(ARRAY['reader', 'crm', 'activation', 'steward', 'privacy', 'ingest', 'auditor', 'nobody']) AS role,
	unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS privilege, pg_class
WHERE relnamespace = 'cdp'::regnamespace AND relkind IN ('r', 'p', 'v')
	AND has_table_privilege('cdp_test_' || role, pg_class.oid, privilege);
SELECT role FROM unnest(ARRAY['reader', 'crm', 'activation', 'steward', 'privacy', 'ingest', 'auditor', 'nobody']) AS role
WHERE has_schema_privilege('cdp_test_' || role, 'cdp', 'CREATE');

-- README's matrix is what the catalogue says, of relations and doors
\set readme :abs_srcdir '/README.md'
CREATE TEMP TABLE told AS
SELECT line.part[1] AS kind, object[1] AS object
FROM regexp_split_to_table(pg_read_file(:'readme'), '\n') AS text
	CROSS JOIN LATERAL (SELECT regexp_match(text, '^\| (reader|crm|activation|steward|privacy|ingest|auditor) \| (.*) \|$')) AS line (part)
	CROSS JOIN LATERAL regexp_matches(line.part[2], '`([a-z_]+(?:\(\))?)`', 'g') AS object;
CREATE TEMP TABLE held AS
SELECT role AS kind, relname::text AS object FROM tested, pg_class
WHERE relnamespace = 'cdp'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
	AND has_table_privilege(name, pg_class.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
UNION
SELECT role, proname || '()' FROM tested, pg_proc
WHERE pronamespace = 'cdp'::regnamespace AND prosecdef AND has_function_privilege(name, pg_proc.oid, 'EXECUTE');
SELECT count(DISTINCT kind) AS kinds, count(*) > 150 AS many FROM told;
SELECT 'only in README' AS difference, kind, object FROM (TABLE told EXCEPT TABLE held) AS more
UNION ALL
SELECT 'only in the catalogue', kind, object FROM (TABLE held EXCEPT TABLE told) AS more
ORDER BY 1, 2, 3;

-- two customers, of whom one agreed
SELECT cdp._consent_starter() \g /dev/null
SELECT cdp.add_source('shop') \g /dev/null
SELECT cdp.ingest('shop', '{"type": "identify", "messageId": "1", "userId": "ann", "traits": {"email": "ann@example.com"},
	"consent": {"purpose": "marketing", "channel": "email", "state": "granted", "at": "2026-05-01T00:00:00Z"}}') IS NOT NULL;
SELECT cdp.ingest('shop', '{"type": "identify", "messageId": "2", "userId": "bob", "traits": {"email": "bob@example.com"},
	"consent": {"purpose": "marketing", "channel": "email", "state": "denied", "at": "2026-05-01T00:00:00Z"}}') IS NOT NULL;
SELECT cdp.define_segment('everyone', 'kind = ''known''') \g /dev/null
SELECT cdp.add_audience('news', 'everyone', 'marketing', 'email') \g /dev/null
SELECT cdp.refresh_segments('{everyone}');

-- every object that a role may read it can read, whole rows, data in it
SELECT cdp.ingest('shop', '{"type": "identify", "messageId": "3", "userId": "cid",
	"externalIds": [{"type": "user_id", "id": "cyd"}]}') IS NOT NULL;
CREATE FUNCTION pg_temp.unreadable(role text) RETURNS TABLE (object text, error text)
LANGUAGE plpgsql AS $$
BEGIN
	FOR object IN SELECT DISTINCT matrix.object FROM cdp._role_matrix() AS matrix
		WHERE matrix.kind = $1 AND privilege = 'SELECT' AND to_regclass('cdp.' || matrix.object) IS NOT NULL
	LOOP
		BEGIN
			EXECUTE format('SET LOCAL ROLE %I', 'cdp_test_' || role);
			EXECUTE format('SELECT count(whole::text) FROM (SELECT * FROM cdp.%I OFFSET 0) AS whole', object);
			RESET ROLE;
		EXCEPTION WHEN insufficient_privilege THEN
			error := SQLERRM;
			RETURN NEXT;
		END;
	END LOOP;
END
$$;
SELECT tested.role, failed.* FROM tested, pg_temp.unreadable(tested.role) AS failed
WHERE tested.role NOT IN ('ingest', 'nobody');
SELECT count(*) AS conflicts FROM cdp.conflict;

-- attempt by attempt
SET ROLE cdp_test_reader;
SELECT count(*) FROM cdp.segment_member;
SELECT count(*) FROM cdp.audience_member;
SELECT count(*) FROM cdp.profile_identifier;
SELECT count(*) FROM cdp.identifier;
SELECT * FROM cdp.lineage(1);
SELECT cdp.suppress('email', 'a@example.com');
SELECT cdp._suppress('email', 'a@example.com', NULL, NULL, NULL, NULL);
-- the detail names the owner, whoever runs the tests
\set VERBOSITY terse
SELECT cdp.grant_role('cdp_test_reader', 'steward');
SELECT cdp.grant_role('cdp_test_reader', 'operator');
SELECT cdp.revoke_role('cdp_test_reader', 'reader');
SELECT cdp.drop_store(current_database());
CALL cdp.merge();
CALL cdp.rebuild();
SELECT cdp.refresh_segments();
SELECT cdp.segment_size('orders > 3');
SELECT cdp.change_rules('{}', 'to see what becomes of it');
SELECT * FROM cdp.export_plain('public');
\set VERBOSITY default
RESET ROLE;
SET ROLE cdp_test_activation;
SELECT count(*) FROM cdp.audience_member;
SELECT cdp.suppress('email', 'a@example.com', reason => 'complaint');
SELECT count(*) FROM cdp.consent_state;
SELECT count(*) FROM cdp.suppression;
SELECT key FROM cdp.secret_key;
SELECT cdp._hash_key();
SELECT cdp.unsuppress('email', 'a@example.com');
-- a view with a leaky function of one's own sees no more than the view shows
CREATE FUNCTION pg_temp.leak(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
	RAISE NOTICE 'leaked %', value;
	RETURN true;
END
$$;
SET client_min_messages = notice;
SELECT count(*) FROM cdp.audience_member WHERE pg_temp.leak(identifier);
SET client_min_messages = warning;
RESET ROLE;
SET ROLE cdp_test_steward;
SELECT trait_name, wins FROM cdp.lineage(1);
SELECT change, cases FROM cdp.preview_rules('{"block": [{"type": "user_id", "value": "bob"}]}');
SELECT cdp.block_value('user_id', 'nobody'), cdp.unblock_value('user_id', 'nobody');
SELECT action, actor = current_user AS by_caller FROM cdp.steward_action WHERE action = 'block';
\set VERBOSITY terse
SELECT * FROM cdp.change_rules('{"unblock": []}', 'no right to it');
\set VERBOSITY default
RESET ROLE;
SET ROLE cdp_test_privacy;
SELECT count(*) > 0 AS found FROM cdp.find_value('ann@example.com');
SELECT cdp.erase_subject(cdp.find_profile('user_id', 'cid'), 'asked') ->> 'identifiers' AS identifiers;
SELECT count(*) FROM cdp.erasure;
SELECT count(*) FROM cdp.tombstone;
INSERT INTO cdp.erasure VALUES (repeat('00', 32), 'email', now());
DELETE FROM cdp.privacy_request;
SELECT count(*) FROM cdp.consent_proof;
SELECT count(*) FROM cdp.event;
SELECT count(*) FROM cdp.unified_profile;
SELECT cdp._erase_profile(1, 'delete');
\set VERBOSITY terse
CALL cdp.replay_erasures();
\set VERBOSITY default
SELECT cdp.unmerge(1, '{}', 'no right to it');
RESET ROLE;
SET ROLE cdp_test_auditor;
SELECT count(*) FROM cdp.suppression;
SELECT count(*) FROM cdp.consent_log;
DELETE FROM cdp.consent_log;
RESET ROLE;
SET ROLE cdp_test_ingest;
SELECT count(*) FROM cdp.inbox;
INSERT INTO cdp.inbox (source, record) VALUES ('web', '{}');
SELECT cdp.memberships(1);
RESET ROLE;
-- what the session keeps for one role is not for another
SELECT cdp._evaluation_context() -> 'zone' AS zone;
SET ROLE cdp_test_ingest;
SELECT cdp._evaluation_context() -> 'zone' AS zone;
RESET ROLE;
SET ROLE cdp_test_nobody;
SELECT count(*) FROM cdp.segment_member;
RESET ROLE;

-- an owner of the store that does not own the schema needs its owner once
CREATE ROLE cdp_test_owner;
ALTER TABLE cdp.store OWNER TO cdp_test_owner;
GRANT USAGE ON SCHEMA cdp TO cdp_test_owner;
SET ROLE cdp_test_owner;
SELECT cdp.grant_role('cdp_test_nobody', 'reader');
RESET ROLE;

-- an operator is a member of the owner: never of one who rules the server,
-- be it by another role
ALTER ROLE cdp_test_owner CREATEROLE;
SELECT cdp.grant_role('cdp_test_operator', 'operator');
ALTER ROLE cdp_test_owner NOCREATEROLE;
ALTER ROLE cdp_test_nobody SUPERUSER;
GRANT cdp_test_nobody TO cdp_test_owner;
\set VERBOSITY terse
SELECT cdp.grant_role('cdp_test_operator', 'operator');
\set VERBOSITY default
REVOKE cdp_test_nobody FROM cdp_test_owner;
ALTER ROLE cdp_test_nobody NOSUPERUSER;
-- and is made one by who may give the owner away
SET ROLE cdp_test_owner;
SELECT cdp.grant_role('cdp_test_operator', 'operator');
RESET ROLE;
SELECT cdp.grant_role('cdp_test_operator', 'operator');
SELECT pg_has_role('cdp_test_operator', 'cdp_test_owner', 'MEMBER');
SELECT cdp.revoke_role('cdp_test_operator', 'operator');
SELECT pg_has_role('cdp_test_operator', 'cdp_test_owner', 'MEMBER');
ALTER TABLE cdp.store OWNER TO CURRENT_USER;

-- what was given is taken back, the right to see the schema with the last of it
CREATE ROLE cdp_test_guest;
SELECT cdp.grant_role('cdp_test_guest', kind) FROM unnest(ARRAY['ingest', 'activation']) AS kind \g /dev/null
SELECT cdp.revoke_role('cdp_test_guest', 'ingest') \g /dev/null
SELECT has_schema_privilege('cdp_test_guest', 'cdp', 'USAGE') AS sees;
SELECT cdp.revoke_role('cdp_test_guest', 'activation') \g /dev/null
SELECT has_schema_privilege('cdp_test_guest', 'cdp', 'USAGE') AS sees;
DROP ROLE cdp_test_guest;
SELECT cdp.revoke_role('cdp_test_' || kind, kind)
FROM unnest(ARRAY['reader', 'crm', 'activation', 'steward', 'privacy', 'ingest', 'auditor']) AS kind \g /dev/null
SELECT count(*) FROM pg_class, unnest(ARRAY['reader', 'crm', 'activation', 'steward', 'privacy', 'ingest', 'auditor']) AS kind
WHERE relnamespace = 'cdp'::regnamespace AND relkind IN ('r', 'p', 'v')
	AND has_table_privilege('cdp_test_' || kind, pg_class.oid, 'SELECT, INSERT');
SELECT count(*) FROM pg_proc, unnest(ARRAY['reader', 'crm', 'activation', 'steward', 'privacy', 'ingest', 'auditor']) AS kind
WHERE pronamespace = 'cdp'::regnamespace AND prosecdef
	AND has_function_privilege('cdp_test_' || kind, pg_proc.oid, 'EXECUTE');
DROP OWNED BY cdp_test_reader, cdp_test_crm, cdp_test_activation, cdp_test_steward,
	cdp_test_privacy, cdp_test_ingest, cdp_test_operator, cdp_test_auditor, cdp_test_nobody, cdp_test_owner;
DROP ROLE cdp_test_reader, cdp_test_crm, cdp_test_activation, cdp_test_steward,
	cdp_test_privacy, cdp_test_ingest, cdp_test_operator, cdp_test_auditor, cdp_test_nobody, cdp_test_owner;
