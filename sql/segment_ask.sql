-- Who may not read profiles checks a predicate, and counts roughly, and learns
-- by it neither an identifier nor a trait of anybody.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET client_min_messages = warning;
DROP ROLE IF EXISTS cdp_test_asker, cdp_test_sender, cdp_test_stranger;
CREATE ROLE cdp_test_asker;
CREATE ROLE cdp_test_sender;
CREATE ROLE cdp_test_stranger;
SELECT cdp.grant_role('cdp_test_asker', 'reader'), cdp.grant_role('cdp_test_sender', 'activation');
GRANT USAGE ON SCHEMA cdp TO cdp_test_stranger;

-- 26 profiles, of which 14 are in France and 9 have events; one Ann
SELECT cdp.add_trait('plan', 'text') \g /dev/null
SELECT cdp.add_trait('diagnosis', 'text', pii => 'special') \g /dev/null
INSERT INTO cdp.trait (name, strict) VALUES ('hobby', false);
INSERT INTO cdp.event_name (name) VALUES ('visit');
SELECT cdp.declare_property('order', 'city') \g /dev/null
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at, ord)
SELECT n, n, n, '2026-01-01', '2026-01-01', n FROM generate_series(1, 26) AS n;
INSERT INTO cdp.profile_current (profile_id, ord, kind, events, revenue, traits, as_of)
SELECT n, n, 'known', CASE WHEN n < 10 THEN 1 ELSE 0 END, n, jsonb_build_object('plan', n % 2, 'city', 'Berlin', 'hobby', 'chess',
	'country', CASE WHEN n < 15 THEN 'FR' ELSE 'DE' END, 'email', CASE n WHEN 1 THEN 'ann@x.de' END), '2026-01-01'
FROM generate_series(1, 26) AS n;
SELECT cdp.define_segment('berliners', 'city = ''Berlin''') \g /dev/null

-- what a predicate asks for of the profile by itself
SELECT predicate, (SELECT array_agg(names::text) FROM cdp._asked_paths(predicate::cdp.predicate) AS names) AS asked
FROM unnest(ARRAY['true', 'did(order)', 'city = ''x'' and address.zip is null',
	'did(order where city = ''x'' and profile.city = ''y'' and profile.a.b > 1)', 'did(order where profile = 1)',
	'count(order, since birth_date) > 1', 'did(order where did(visit where city = ''x'', since first_seen))',
	'sequence(order then visit same city, since last_seen)', 'max(order.city) = plan', 'profile.city = ''x''',
	'near(latitude, longitude, 1, 2, 3) and coalesce(lower(name), ''x'') in (''a'', title)']) AS predicate;

SET ROLE cdp_test_asker;
SELECT severity, message, hint FROM cdp.predicate_check('contry = ''FR'' and in_segment(''berliner'')');
SELECT predicate, cdp.rough_size(predicate::cdp.predicate) AS members
FROM unnest(ARRAY['true', 'country = ''FR''', 'events > 0', 'country = ''FR'' and revenue = 3', 'plan = ''1'' or kind = ''known''',
	'in_segment(''berliners'')', 'in_segment(''berliners'') and revenue = 3', 'not did(order where city = ''x'')', 'has_id(''email'')']) AS predicate;
SELECT cdp.rough_size(NULL);
-- exact figures, and tables, are for others
-- the detail names the owner, whoever runs the tests
\set VERBOSITY terse
SELECT cdp.segment_size('true');
\set VERBOSITY default
SELECT cdp.is_member(1, 'true');
SELECT cdp._rough_size('true');
SELECT traits FROM cdp.profile_current;
-- what is personal, or may be, is not asked for in any way
CREATE FUNCTION pg_temp.refused(predicate text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN 'answers ' || cdp.rough_size(predicate::cdp.predicate);
EXCEPTION WHEN insufficient_privilege THEN
	RETURN SQLERRM;
END
$$;
SELECT predicate, pg_temp.refused(predicate)
FROM unnest(ARRAY['email = ''ann@x.de''', 'city = ''Berlin''', 'diagnosis is null', 'hobby = ''chess''', 'not (country = ''FR'' and phone like ''+%'')',
	'did(order where profile.city = ''Berlin'')', 'did(order where amount > 0, since birth_date)', 'first_name.x is null',
	'near(latitude, longitude, 1, 2, 3)', 'days_to_anniversary(birth_date) < 3', 'coalesce(email, country) = ''FR''', 'events > length(name)',
	'did(visit where address = ''x'')', 'latest(visit.email) = ''ann@x.de''', '"Email" = ''ann@x.de'' or events > 1', '"First Name" is null',
	'did(order where profile."City" = ''Berlin'')']) AS predicate;
SELECT cdp.rough_size('city = ''Berlin''');
SELECT cdp.rough_size('did(visit where address = ''x'')');
RESET ROLE;

SET ROLE cdp_test_sender;
SELECT cdp.rough_size('country = ''FR''') AS members, (SELECT count(*) FROM cdp.predicate_check('country = 1')) AS errors;
SELECT cdp.rough_size('city = ''Berlin''');
RESET ROLE;
SET ROLE cdp_test_stranger;
SELECT cdp.rough_size('true');
SELECT cdp.predicate_check('true');
RESET ROLE;
DROP OWNED BY cdp_test_asker, cdp_test_sender, cdp_test_stranger;
DROP ROLE cdp_test_asker, cdp_test_sender, cdp_test_stranger;
