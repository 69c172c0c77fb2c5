-- Beside another key, or none, every entry fails closed, and says what mends it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SELECT cdp.add_source('shop'), cdp.add_destination('mailer', 'email service'),
	cdp.define_segment('everyone', 'kind = ''known''') \g /dev/null
SELECT cdp.add_audience('news', 'everyone', 'marketing', 'email', 'mailer'), cdp.create_audience_view('news') \g /dev/null
SELECT cdp.ingest('shop', '{"type": "identify", "messageId": "1", "userId": "ann", "traits": {"email": "ann@example.com"},
	"consent": {"purpose": "marketing", "channel": "email", "state": "granted"}}') AS ann \gset
SELECT cdp.refresh_segments(), cdp.add_experiment('test', 'orders >= 1', audience => 'news'), cdp.assign_experiment('test') \g /dev/null
SELECT count(*) AS given FROM cdp.audience_delta('news');

-- the ways in and out; each is tried as the owner of the store
CREATE TEMP TABLE entry (n integer GENERATED ALWAYS AS IDENTITY, command text);
INSERT INTO entry (command) VALUES
	('SELECT cdp.ingest(''shop'', ''{"type": "track", "event": "x", "messageId": "2", "userId": "ann"}'')'),
	('SELECT * FROM cdp.ingest_batch(''shop'', ''[{"type": "track", "event": "x", "messageId": "3", "userId": "ann"}]'')'),
	('SELECT cdp.record_consent(''user_id'', ''ann'', ''marketing'', ''email'', ''granted'')'),
	('SELECT cdp.suppress(''email'', ''bob@example.com'')'),
	('SELECT cdp.unsuppress(''email'', ''bob@example.com'')'),
	('SELECT * FROM cdp.audience_member'),
	('SELECT * FROM cdp.audience_news'),
	('SELECT * FROM cdp.audience_arm'),
	('SELECT * FROM cdp.audience_funnel(''news'')'),
	('SELECT cdp.why_not(1, ''news'')'),
	('SELECT * FROM cdp.audience_delta(''news'')'),
	('SELECT cdp.audience_ack(''news'', 1)'),
	('SELECT cdp._refresh_consents(''{1}'')');
CREATE FUNCTION pg_temp.tried() RETURNS TABLE (command text, became text) LANGUAGE plpgsql AS $$
BEGIN
	FOR command IN SELECT entry.command FROM entry ORDER BY n LOOP
		BEGIN
			EXECUTE command;
			became := 'done';
		EXCEPTION WHEN OTHERS THEN
			became := SQLSTATE || ' ' || SQLERRM;
		END;
		RETURN NEXT;
	END LOOP;
END
$$;

-- beside another key
SELECT key AS own_key FROM cdp.secret_key \gset
UPDATE cdp.secret_key SET key = cdp._random_key();
SELECT became, count(*) AS entries FROM pg_temp.tried() GROUP BY 1 ORDER BY 1;
CALL cdp.merge();
CALL cdp.rebuild();
SELECT count(*) FROM cdp.audience_member;
-- without one, and without the row
UPDATE cdp.secret_key SET key = NULL;
SELECT became, count(*) AS entries FROM pg_temp.tried() GROUP BY 1 ORDER BY 1;
CALL cdp.merge();
BEGIN;
DELETE FROM cdp.secret_key;
SELECT became, count(*) AS entries FROM pg_temp.tried() GROUP BY 1 ORDER BY 1;
ROLLBACK;
-- COPY only queues, so that nothing is lost meanwhile
INSERT INTO cdp.inbox (source, record) VALUES ('shop', '{"type": "track", "event": "x", "messageId": "4", "userId": "ann"}');

-- in a file outside of the database
SELECT current_setting('data_directory') || '/cdp_test_key' AS key_file \gset
COPY (SELECT encode(key, 'hex') FROM (VALUES (:'own_key'::bytea)) AS own (key)) TO :'key_file';
SET cdp.secret_key_file = :'key_file';
SELECT became, count(*) AS entries FROM pg_temp.tried() GROUP BY 1 ORDER BY 1;
SELECT cdp._hash_key() = :'own_key'::bytea AS own_key;
CALL cdp.merge();
SELECT count(*) AS stored FROM cdp.event;
-- another key in the file counts more than the right one that is in the table
UPDATE cdp.secret_key SET key = :'own_key';
COPY (SELECT '  ' || repeat('0b', 32) || ' ') TO :'key_file';
SELECT became, count(*) AS entries FROM pg_temp.tried() GROUP BY 1 ORDER BY 1;
SELECT cdp._hash_key();
COPY (SELECT repeat('0b', 31)) TO :'key_file';
SELECT cdp._hash_key();
COPY (SELECT repeat('0b', 32) || 'x') TO :'key_file';
SELECT cdp._hash_key();
COPY (SELECT '') TO :'key_file';
SELECT cdp._hash_key();
SET cdp.secret_key_file = '/nonexistent/cdp.key';
SELECT became, count(*) AS entries FROM pg_temp.tried() GROUP BY 1 ORDER BY 1;
SELECT cdp._hash_key();

-- nobody else learns the key, or where it is
CREATE ROLE cdp_test_other;
GRANT USAGE ON SCHEMA cdp TO cdp_test_other;
SET ROLE cdp_test_other;
SELECT cdp._file_key();
SELECT cdp._hash_key();
SHOW cdp.secret_key_file;
RESET ROLE;
SET SESSION AUTHORIZATION cdp_test_other;
SET cdp.secret_key_file = '/etc/passwd';
RESET SESSION AUTHORIZATION;
RESET cdp.secret_key_file;
SELECT cdp._verifies_key(:'own_key', '\x00');
SELECT became, count(*) AS entries FROM pg_temp.tried() GROUP BY 1 ORDER BY 1;
REVOKE USAGE ON SCHEMA cdp FROM cdp_test_other;
DROP ROLE cdp_test_other;
