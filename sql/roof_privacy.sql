-- Requests of those whose data it is: what is held, only keep it, correct it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SELECT cdp.add_source('web');
UPDATE cdp.trait SET history = true WHERE name = 'first_name';
SELECT cdp.define_segment('buyers', 'count(order) > 0'), cdp.add_destination('mailer', 'csv'),
	cdp.add_audience('letters', 'buyers', 'marketing', 'email', 'mailer');
INSERT INTO cdp.consent_document (document, purpose, version, language, url) VALUES ('form 7', 'marketing', '7', 'de', 'https://example.com/7');
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "messageId": "m1", "timestamp": "2026-05-01T10:00:00Z",
	"userId": "u1", "anonymousId": "c1", "properties": {"amount": 12.5, "order_id": "o1", "gift": true, "note": "thanks", "product_id": "p1"},
	"context": {"traits": {"email": "ann@example.com", "first_name": "Ann"}},
	"consent": [{"purpose": "marketing", "channel": "email", "state": "granted", "at": "2026-05-01T10:00:00Z", "document": "form 7", "evidence": {"ip": "192.0.2.1"}}]}') AS ann,
	cdp.ingest('web', '{"type": "track", "event": "order", "timestamp": "2026-05-02T10:00:00Z", "userId": "u2",
	"properties": {"amount": 5, "order_id": "o2", "note": "for Ann@example.com"}}') AS bob \gset
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "timestamp": "1950-01-01T10:00:00Z", "userId": "u1"}');
SELECT cdp.pin_trait(:ann, 'city', '"Ulm"', 'letter'), cdp.suppress('email', 'ann@example.com', 'ads');
CALL cdp.merge();
SELECT count(*) FROM cdp.audience_delta('letters');
SELECT cdp.add_experiment('offer', 'count(order) > 5', audience => 'letters'), cdp.assign_experiment('offer');

-- somebody asks, and has an answer within a month
SELECT cdp.request_privacy('export', 'email', 'Ann@Example.com', 'by letter', '2026-05-20'),
	cdp.request_privacy('erase', 'email', 'nobody@example.com', 'by mail', '2026-04-30');
SELECT request_id, kind, requested_at, due_at, done_at FROM cdp.privacy_request ORDER BY 1;
SELECT name, value, state FROM cdp.health WHERE name = 'privacy_requests_overdue';
SELECT cdp.export_subject(:ann) AS document \gset
SELECT request_id, kind, done_at, reason, counts,
	receipt_sha256 = sha256(convert_to(:'document', 'UTF8')) AS is_this_document
FROM cdp.privacy_request WHERE done_at IS NOT NULL;

-- the document: its parts, and what they hold
SELECT key, jsonb_typeof(value) FROM jsonb_each(:'document') ORDER BY 1;
SELECT part, jsonb_pretty(:'document'::jsonb -> part)
FROM unnest(ARRAY['identifiers', 'records', 'events', 'consents', 'suppressions', 'pins', 'released', 'rejected', 'requests', 'traits']) AS part;

-- asked twice, answered once: who asked and why stays
SELECT cdp.request_privacy('restrict', 'email', 'ann@example.com', 'by letter'),
	cdp.request_privacy('restrict', 'user_id', 'u1', 'by phone'),
	cdp.request_privacy('restrict', 'user_id', 'u2', 'by phone');
-- restricted: only kept
SELECT cdp.index_text('order', 'note');
CREATE FUNCTION pg_temp.views_of(profile bigint) RETURNS TABLE (view name) LANGUAGE plpgsql AS $$
DECLARE
	found boolean;
BEGIN
	FOR view IN
		SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'profile_id'
		WHERE relnamespace = 'cdp'::regnamespace AND relkind = 'v' AND relname NOT LIKE E'\\_%'
		ORDER BY relname
	LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM cdp.%I WHERE profile_id = $1)', view) INTO found USING profile;
		IF found THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END $$;
-- every door about one person, by what its arguments are called, and what it says
CREATE FUNCTION pg_temp.said(door regprocedure, profile bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	given text := (
		SELECT string_agg(CASE argument.name
			WHEN 'profile_id' THEN profile::text
			WHEN 'identifier' THEN '''user_id:u1'''
			WHEN 'a' THEN '''user_id:u1'''
			WHEN 'b' THEN '''email:ann@example.com'''
			WHEN 'type' THEN '''user_id'''
			WHEN 'value' THEN '''u1'''
			WHEN 'purpose' THEN '''marketing'''
			WHEN 'channel' THEN '''email'''
			WHEN 'audience' THEN '''letters'''
			WHEN 'segment' THEN '''buyers'''
			WHEN 'predicate' THEN 'cdp.predicate ''count(order) > 0'''
			WHEN 'model' THEN '''likely'''
			WHEN 'name' THEN '''offer'''
			WHEN 'at' THEN '''2100-01-01'''
			ELSE argument.name END, ', ' ORDER BY argument.n)
		FROM pg_proc CROSS JOIN unnest(proargnames) WITH ORDINALITY AS argument (name, n)
		WHERE oid = door AND n <= pronargs - CASE WHEN proname = 'memberships' THEN 0 ELSE pronargdefaults END);
	rows bigint;
BEGIN
	EXECUTE format('SELECT count(told) FROM cdp.%I(%s) AS told', (SELECT proname FROM pg_proc WHERE oid = door), given) INTO rows;
	RETURN CASE WHEN rows > 0 THEN 'an answer' ELSE 'nothing' END;
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END $$;
CREATE FUNCTION pg_temp.doors() RETURNS SETOF regprocedure LANGUAGE sql AS $$
	SELECT oid FROM pg_proc
	WHERE pronamespace = 'cdp'::regnamespace AND prokind = 'f' AND proname !~ '^_'
		AND (provolatile = 's' OR proname = 'experiment_arm')
		AND (proargnames[1:pronargs] && '{profile_id,identifier,a}'::text[] OR proname IN ('find_profile', 'profile'))
		AND proname <> 'components_of'
$$;
CREATE TEMP TABLE before AS SELECT door, pg_temp.said(door, :ann) AS told_before FROM pg_temp.doors() AS door;
SELECT string_agg(view, ' ') AS views FROM pg_temp.views_of(:ann) AS view;
SELECT count(*) FROM cdp.lineage(:ann);
SELECT profile_id = :ann AS ann FROM cdp.search_text('thanks');
SELECT cdp.restrict_subject(:ann, 'disputes the order');
SELECT view FROM pg_temp.views_of(:ann) AS view;
SELECT count(*) FROM cdp.lineage(:ann);
SELECT count(*) FROM cdp.search_text('thanks');
SELECT cdp.consent(:ann, 'marketing', 'email');
SELECT reason, answer, done_by = session_user AS done_by, counts FROM cdp.privacy_request
WHERE kind = 'restrict' ORDER BY request_id;
SELECT cdp.restrict_subject(:ann, 'again');
-- a request about nobody is closed as well, and once
SELECT cdp.close_request(request_id, 'nobody that we know') FROM cdp.privacy_request
WHERE kind = 'erase';
SELECT reason, answer, done_at IS NOT NULL AS done FROM cdp.privacy_request WHERE kind = 'erase';
SELECT cdp.close_request(request_id, 'again') FROM cdp.privacy_request WHERE kind = 'erase';
SELECT cdp.close_request(request_id, ' ') FROM cdp.privacy_request WHERE kind = 'erase';
SELECT cdp.close_request(-1, 'x');
SELECT profile_id = :bob AS bob FROM cdp.unified_profile;
SELECT count(*) FROM cdp.audience_member;
SELECT change FROM cdp.audience_delta('letters', 0);
SELECT cdp.why_not(:ann, 'letters') AS ann, cdp.why_not(:bob, 'letters') AS bob;
SELECT count(*) FROM cdp.segment_member WHERE profile_id = :ann;
SELECT cdp.refresh_scores();
CALL cdp.merge();
CALL cdp.rebuild();
-- no door about one person tells of them, but those that serve the matter itself,
-- and what is told of all is told without them
SELECT door, told_before, pg_temp.said(door, :ann) AS restricted, pg_temp.said(door, 4711) AS nobody
FROM before JOIN pg_temp.doors() AS door USING (door) ORDER BY door::text COLLATE "C";
SELECT cdp.explain_membership(:ann, 'buyers');
SELECT arm FROM cdp.experiment_member WHERE profile_id = :ann;
SELECT profile_id = :bob AS bob FROM cdp._all_chunks();
SELECT conversions, revenue FROM cdp.attribution('order', model => 'first');
SELECT profile_id = :bob AS bob, count(*) FROM cdp.profile_score GROUP BY 1;
SELECT count(*) FROM cdp.segment_member WHERE profile_id = :ann;
-- records go on coming in, and a merge does not lift it; they make no scores,
-- of which a model of contracts would have everybody asked
INSERT INTO cdp.model (name, kind, options) VALUES ('renews', 'contract', '{"period": "1 month"}');
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "timestamp": "2026-05-03T10:00:00Z", "userId": "u1", "anonymousId": "c2"}') = :ann AS kept;
SELECT count(*) FROM cdp.profile_score WHERE profile_id = :ann;
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "timestamp": "2026-05-04T10:00:00Z", "context": {"traits": {"email": "carl@example.com"}}}') AS carl \gset
SELECT cdp.decide('user_id:u1', 'email:carl@example.com', 'always', 'one person') IS NOT NULL AS decided;
CALL cdp.merge();
SELECT cdp.resolve(:carl) = :ann AS merged;
SELECT profile_id = :bob AS bob FROM cdp.unified_profile;
-- nor does it stay with whom it was not laid on
SELECT cdp.undecide('user_id:u1', 'email:carl@example.com', 'they are two') IS NOT NULL AS undecided;
CALL cdp.merge();
SELECT profile_id = :bob AS bob, email FROM cdp.unified_profile ORDER BY profile_id;
SELECT (cdp.export_subject(:ann) ->> 'restricted')::boolean AS restricted, jsonb_array_length(cdp.export_subject(:ann) -> 'events') AS events;
SELECT cdp.unrestrict_subject(cdp.resolve(:ann), 'settled');
SELECT count(*) FROM cdp.profile_score WHERE profile_id = cdp.resolve(:ann);
CALL cdp.merge();
SELECT count(*) FROM cdp.unified_profile;
SELECT count(*) FROM cdp.audience_member;
SELECT cdp.why_not(cdp.resolve(:ann), 'letters') AS ann;
SELECT ok FROM cdp.verify_identity();

-- rectified: a trait, an identifier; each correction answers one request
SELECT cdp.request_privacy('rectify', 'user_id', 'u1', 'the name'), cdp.request_privacy('rectify', 'user_id', 'u1', 'the address'),
	cdp.request_privacy('rectify', 'user_id', 'u1', 'the city');
SELECT cdp.rectify_subject(cdp.find_profile('user_id', 'u1'), 'first_name', '"Anne"', 'misspelt') IS NOT NULL AS trait,
	cdp.rectify_subject(cdp.find_profile('user_id', 'u1'), 'email', 'Ann@example.com', 'anne@example.com', 'misspelt') IS NOT NULL AS identifier;
SELECT reason, done_at IS NOT NULL AS done FROM cdp.privacy_request WHERE kind = 'rectify' ORDER BY request_id;
SELECT first_name, email, traits -> 'email' AS trait FROM cdp.unified_profile WHERE profile_id = cdp.find_profile('email', 'anne@example.com');
SELECT identifier FROM cdp.audience_member;
SELECT cdp.find_profile('email', 'ann@example.com');
-- an objection against the wrong value holds
SELECT hidden.channel, hidden.type FROM cdp.suppression AS hidden
WHERE key_hash = cdp._key_hash('email', 'anne@example.com', NULL);
SELECT cdp.rectify_subject(cdp.find_profile('user_id', 'u1'), 'frist_name', '"Anne"', 'x');
SELECT cdp.rectify_subject(cdp.find_profile('user_id', 'u1'), 'email', 'ann@example.com', 'anna@example.com', 'x');
SELECT cdp.rectify_subject(cdp.find_profile('user_id', 'u1'), 'user_id', 'u1', 'u2', 'x');
SELECT cdp.rectify_subject(cdp.find_profile('user_id', 'u1'), 'email', 'anne@example.com', 'anne', 'x');
SELECT ok FROM cdp.verify_identity();

-- corrected to a value that is blocked, it links nothing
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "timestamp": "2026-05-05T10:00:00Z", "userId": "u3",
	"context": {"traits": {"email": "dora@example.com"}}}') AS dora \gset
SELECT cdp.block_value('email', 'none@example.com', 'stands for no address') AS none_yet;
CALL cdp.merge();
SELECT cdp.rectify_subject(:dora, 'email', 'dora@example.com', 'none@example.com', 'she has none') IS NOT NULL AS rectified;
SELECT blocked, leaf IS NULL AS nobodys FROM cdp.identifier WHERE value = 'none@example.com';
SELECT ok FROM cdp.verify_identity();

-- the answer has all events also when two were parted and no merge run was since
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "timestamp": "2026-05-06T10:00:00Z", "anonymousId": "c9", "userId": "u4"}') AS erna,
	cdp.ingest('web', '{"type": "track", "event": "order", "timestamp": "2026-05-07T10:00:00Z", "anonymousId": "c9"}') AS again \gset
CALL cdp.merge();
SELECT cdp.unmerge(:erna, ARRAY['anonymous_id:c9'], 'the browser is not hers') IS NOT NULL AS parted;
SELECT jsonb_array_length(cdp.export_subject(cdp.find_profile('user_id', 'u4')) -> 'events') AS events,
	jsonb_array_length(cdp.export_subject(cdp.find_profile('anonymous_id', 'c9')) -> 'events') AS of_the_browser;

-- what others wrote is found, and left
SELECT * FROM cdp.find_value('ANN@example');
SELECT * FROM cdp.find_value('count(order) >');
SELECT * FROM cdp.find_value('an');
-- erased identifiers are nobody's to take
SELECT cdp.erase_subject(cdp.find_profile('user_id', 'u1'), 'asked') IS NOT NULL AS erased;
SELECT cdp.rectify_subject(cdp.find_profile('user_id', 'u2'), 'user_id', 'u2', 'u1', 'x');
SELECT * FROM cdp.find_value('ann@example');
SELECT cdp.request_privacy('forget', 'email', 'a@example.com', 'x');
SELECT cdp.request_privacy('erase', 'email', 'ann@example.com', 'x', '2027-01-01');
SELECT kind, count(*), count(done_at) FROM cdp.privacy_request GROUP BY 1 ORDER BY 1;

-- a privacy officer works through doors, and sees no tables
CREATE ROLE roof_privacy_officer;
SELECT cdp.grant_role('roof_privacy_officer', 'privacy');
SET ROLE roof_privacy_officer;
SELECT cdp.find_profile('user_id', 'u2') AS bob \gset
SELECT jsonb_array_length(cdp.export_subject(:bob) -> 'events') AS events;
SELECT cdp.rectify_subject(:bob, 'city', '"Ulm"', 'moved') IS NOT NULL AS corrected;
SELECT cdp.restrict_subject(:bob, 'disputes') IS NOT NULL AS restricted;
SELECT cdp.unrestrict_subject(:bob, 'settled') IS NOT NULL AS lifted;
SELECT cdp.erase_subject(:bob, 'asked') ->> 'identifiers' AS erased;
SELECT cdp.readmit_identifier('user_id', 'u2', 'came back') AS readmitted;
-- and what they did is noted as theirs, not as their login's
SELECT kind, count(*), count(*) FILTER (WHERE done_by = current_user) AS done
FROM cdp.privacy_request WHERE actor = current_user GROUP BY 1 ORDER BY 1;
SELECT count(*) > 0 AS some FROM cdp.erasure;
SELECT count(*) FROM cdp.find_value('nobody at all');
SELECT * FROM cdp.tombstone;
SELECT * FROM cdp.event;
SELECT cdp._erase_subject(1, 'x', NULL);
INSERT INTO cdp.erasure VALUES ('00', 'email', now());
-- the detail names the owner, whoever runs the tests
\set VERBOSITY terse
CALL cdp.replay_erasures();
\set VERBOSITY default
RESET ROLE;
SELECT cdp.revoke_role('roof_privacy_officer', 'privacy');
REVOKE USAGE ON SCHEMA cdp FROM roof_privacy_officer;
DROP ROLE roof_privacy_officer;

-- a table source forgets where it stopped, as its table spells it: at the end of a
-- run, and of one that was cut off with the erasure
DROP SCHEMA IF EXISTS shop CASCADE;
CREATE SCHEMA shop;
CREATE TABLE shop.lead (mail text PRIMARY KEY, nickname text, changed timestamptz NOT NULL);
INSERT INTO shop.lead VALUES ('Eve@Example.COM', 'E', '2026-05-01');
SELECT cdp.add_table_source('leads', 'shop.lead',
	'{"identifiers": {"email": "$.mail"}, "at": "$.changed", "traits": {"nickname": "$.nickname"}}',
	key => 'mail', watermark => 'changed');
CALL cdp.merge();
SELECT position_key FROM cdp.table_source;
SELECT count(*) FROM cdp.table_source, cdp._read_table_source(source_id, 1, 0);
SELECT position_key FROM cdp.table_source;
SELECT cdp.erase_subject(cdp.find_profile('email', 'eve@example.com'), 'asked') IS NOT NULL AS erased;
SELECT position_key FROM cdp.table_source;
-- who was erased stays so beside a record that raises, and is rejected once
UPDATE cdp.trait SET history = true WHERE name = 'nickname';
INSERT INTO shop.lead
SELECT 'fay@example.com', string_agg(md5(n::text), ''), '2026-05-01' FROM generate_series(1, 1000) AS n;
TRUNCATE cdp.reject;
CALL cdp.merge();
CALL cdp.merge();
SELECT source, reason, record IS NULL AS nothing_kept, message_id ~ '^[0-9a-f]{64}$' AS hidden, count(*)
FROM cdp.reject GROUP BY 1, 2, 3, 4 ORDER BY 2;
SELECT position_key FROM cdp.table_source;
DROP SCHEMA shop CASCADE;
