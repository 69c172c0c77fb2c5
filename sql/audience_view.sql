-- Views of audiences: the members of cdp.audience_member, columns picked.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
DROP ROLE IF EXISTS cdp_test_sender, cdp_test_late, cdp_test_other;
CREATE ROLE cdp_test_sender;
CREATE ROLE cdp_test_late;
CREATE ROLE cdp_test_other;
SELECT cdp._consent_starter() \g /dev/null
SELECT cdp.add_source('shop') \g /dev/null
SELECT cdp.add_trait('shoe_size', 'text', description => 'what fits'), cdp.add_trait('diagnosis', 'text', pii => 'special') \g /dev/null
SELECT cdp.expose_trait('shoe_size'), cdp.expose_trait('diagnosis') \g /dev/null
-- Ann agreed to mail, Bob to advertisements too, Cid to nothing
SELECT cdp.ingest('shop', jsonb_build_object('type', 'identify', 'messageId', name, 'userId', name,
	'traits', jsonb_build_object('email', name || '.b+x@gmail.com', 'phone', '+49301234567' || n,
		'first_name', initcap(name), 'last_name', 'O''Brien', 'city', 'Bad Ems', 'country', 'DE',
		'shoe_size', 40 + n, 'diagnosis', 'flu'))) IS NOT NULL
FROM unnest(ARRAY['ann', 'bob', 'cid']) WITH ORDINALITY AS people (name, n) \g /dev/null
SELECT cdp.record_consent('user_id', name, 'marketing', channel, 'granted', '2026-05-01')
FROM (VALUES ('ann', 'email'), ('bob', 'email'), ('bob', 'ads')) AS given (name, channel) \g /dev/null
SELECT cdp.define_segment('everyone', 'kind = ''known''') \g /dev/null
SELECT cdp.add_audience('news', 'everyone', 'marketing', 'email'), cdp.add_audience('ads', 'everyone', 'marketing', 'ads'),
	cdp.add_audience('member', 'everyone', 'marketing', 'email') \g /dev/null
CALL cdp.merge();
SELECT cdp.grant_role('cdp_test_sender', 'activation');

-- who is in it is for cdp.audience_member to say
SELECT cdp.create_audience_view('news');
SELECT * FROM cdp.audience_news ORDER BY profile_id;
SELECT cdp.create_audience_view('news', '{profile_id,identifier,consented_at,first_name,city,shoe_size}');
SELECT * FROM cdp.audience_news ORDER BY profile_id;
SELECT cdp.create_audience_view('ads', '{identifier_type,google.email,meta.phone,meta.last_name,google.country}', 'facebook');
SELECT profile_id, identifier_type,
	google_email = encode(sha256('bobb@gmail.com'), 'hex') AS google_email,
	meta_phone = encode(sha256('493012345672'), 'hex') AS meta_phone,
	meta_last_name = encode(sha256('obrien'), 'hex') AS meta_last_name, google_country
FROM cdp.facebook ORDER BY identifier_type;
SELECT * FROM cdp.audience_view ORDER BY view_name;

-- consent is the view's, now: it opens no second way
SELECT cdp.suppress('email', 'ann.b+x@gmail.com');
SELECT cdp.record_consent('user_id', 'bob', 'marketing', 'ads', 'withdrawn', '2026-06-01');
SELECT count(*) FILTER (WHERE identifier LIKE 'ann%') AS ann, count(*) AS news FROM cdp.audience_news;
SELECT count(*) AS facebook FROM cdp.facebook;
SELECT cdp.unsuppress('email', 'ann.b+x@gmail.com');
BEGIN;
UPDATE cdp.secret_key SET key = cdp._random_key();
SELECT count(*) FROM cdp.audience_news;
ROLLBACK;

-- it is the owner's, a barrier, and read by who may read audience_member
SELECT relname, relowner = (SELECT relowner FROM pg_class WHERE oid = 'cdp.store'::regclass) AS stores_own,
	reloptions, obj_description(oid) FROM pg_class WHERE oid IN ('cdp.audience_news'::regclass, 'cdp.facebook'::regclass) ORDER BY 1;
SELECT cdp.grant_role('cdp_test_late', 'crm');
SELECT role, has_table_privilege(role, 'cdp.audience_news', 'SELECT') AS may_read,
	has_table_privilege(role, 'cdp.audience_news', 'INSERT, UPDATE, DELETE') AS may_write
FROM unnest(ARRAY['cdp_test_sender', 'cdp_test_late', 'cdp_test_other']) AS role;
SET ROLE cdp_test_sender;
SELECT profile_id, city FROM cdp.audience_news ORDER BY 1;
CREATE FUNCTION pg_temp.leak(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
	PERFORM set_config('cdp_test.seen', concat_ws(',', nullif(current_setting('cdp_test.seen', true), ''), value), false);
	RETURN true;
END
$$;
SELECT count(*) FROM cdp.audience_news WHERE pg_temp.leak(first_name);
SELECT string_agg(name, ' ' ORDER BY name) AS seen FROM unnest(string_to_array(current_setting('cdp_test.seen'), ',')) AS name;
-- the detail names the owner, whoever runs the tests
\set VERBOSITY terse
SELECT cdp.create_audience_view('news', '{last_name}', 'mine');
\set VERBOSITY default
RESET ROLE;
-- privileges that the schema gives by default are not for it
ALTER DEFAULT PRIVILEGES IN SCHEMA cdp GRANT SELECT ON TABLES TO PUBLIC, cdp_test_other;
SELECT cdp.create_audience_view('news', '{city}');
SELECT has_table_privilege('cdp_test_other', 'cdp.audience_news', 'SELECT') AS other,
	has_table_privilege('cdp_test_sender', 'cdp.audience_news', 'SELECT') AS sender;
ALTER DEFAULT PRIVILEGES IN SCHEMA cdp REVOKE SELECT ON TABLES FROM PUBLIC, cdp_test_other;
SELECT cdp.revoke_role('cdp_test_late', 'crm');
SELECT has_table_privilege('cdp_test_late', 'cdp.audience_news', 'SELECT') AS late;

-- what no view of an audience shows
SELECT cdp.create_audience_view('news', '{diagnosis}');
SELECT cdp.create_audience_view('news', '{traits}');
SELECT cdp.create_audience_view('news', '{phone}');
SELECT cdp.create_audience_view('news', '{identifiers}');
SELECT cdp.create_audience_view('news', '{nosuch}');
SELECT cdp.create_audience_view('news', '{"city; DROP TABLE cdp.store"}');
SELECT cdp.create_audience_view('news', ARRAY[NULL]);
SELECT cdp.create_audience_view('news', '{city,city}');
SELECT cdp.create_audience_view('news', '{google.gender}');
SELECT cdp.create_audience_view('news', '{meta.external_id}');
SELECT cdp.create_audience_view('news', '{myspace.email}');
SELECT cdp.create_audience_view('news', '{google.email.x}');
SELECT cdp.create_audience_view('nosuch');
-- a name that is taken, or none
SELECT cdp.create_audience_view('member');
SELECT cdp.create_audience_view('ads', '{city}', 'audience_news');
SELECT cdp.create_audience_view('news', '{city}', 'store');
SELECT cdp.create_audience_view('news', '{city}', 'a"b');
-- what failed left what was there
SELECT columns FROM cdp.audience_view WHERE view_name = 'audience_news';
SELECT count(*) FROM cdp.audience_news;

-- a trait that one shows cannot become special
UPDATE cdp.trait SET pii = 'special' WHERE name = 'city';
UPDATE cdp.trait SET pii = 'special' WHERE name = 'last_name';
UPDATE cdp.trait SET pii = 'special' WHERE name = 'shoe_size';
SELECT cdp.create_audience_view('news', '{shoe_size}');
-- a whole name tells its parts
SELECT cdp.create_audience_view('ads', '{name}', 'facebook') IS NOT NULL AS made;
UPDATE cdp.trait SET pii = 'special' WHERE name = 'last_name';
SELECT cdp.create_audience_view('ads', '{city}', 'facebook') IS NOT NULL AS made;
UPDATE cdp.trait SET pii = 'special' WHERE name = 'last_name';
SELECT cdp.create_audience_view('ads', '{name}', 'facebook');

DROP OWNED BY cdp_test_sender, cdp_test_late, cdp_test_other;
DROP ROLE cdp_test_sender, cdp_test_late, cdp_test_other;
