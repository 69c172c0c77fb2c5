-- Categories, who browsed them, how far audiences reach: against oracles over
-- plain tables.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
SELECT cdp.add_source('web') \g /dev/null

-- the tree
INSERT INTO cdp.taxonomy (category, parent) VALUES ('fashion', NULL), ('bags', 'fashion'), ('rucksacks', 'bags'), ('food', NULL);
INSERT INTO cdp.taxonomy_item VALUES ('event', 'Taschen', 'bags'), ('product', 'p9', 'food'), ('audience', 'baggers', 'bags'), ('event', 'odd', 'food');
INSERT INTO cdp.catalog (product_id, category) VALUES ('p1', 'rucksacks'), ('p2', 'Taschen'), ('p9', 'bags'), ('p3', 'nowhere');
SELECT category, array_agg(ancestor ORDER BY distance) AS path FROM cdp.taxonomy_path GROUP BY 1 ORDER BY 1;
UPDATE cdp.taxonomy SET parent = 'rucksacks' WHERE category = 'fashion';
UPDATE cdp.taxonomy SET parent = 'food' WHERE category = 'food';
-- a circle that came in all the same ends, and the view comes back as it is written
BEGIN;
ALTER TABLE cdp.taxonomy DISABLE TRIGGER check_tree;
UPDATE cdp.taxonomy SET parent = 'rucksacks' WHERE category = 'fashion';
SELECT category, array_agg(ancestor ORDER BY distance) AS path FROM cdp.taxonomy_path GROUP BY 1 ORDER BY 1;
SELECT pg_get_viewdef('cdp.taxonomy_path'::regclass) AS written \gset
CREATE OR REPLACE VIEW cdp.taxonomy_path AS :written
SELECT pg_get_viewdef('cdp.taxonomy_path'::regclass) = :'written' AS same;
ROLLBACK;
INSERT INTO cdp.taxonomy VALUES ('x', 'nothing');
DELETE FROM cdp.taxonomy WHERE category = 'bags';
SELECT kind, value, cdp.classify(kind, value) FROM (VALUES ('event', 'Taschen'), ('event', 'rucksacks'), ('event', 'none'),
	('product', 'p1'), ('product', 'p2'), ('product', 'p3'), ('product', 'p9'), ('product', 'p0'), ('audience', 'baggers'), ('audience', 'food'), ('event', NULL)) AS v (kind, value);
SELECT cdp.classify('shop', 'x');

\set seed 0.5671
SELECT setseed(:seed) AS "seed 0.5671";
CREATE TEMP TABLE person AS
SELECT 'u' || n AS person, random() < 0.6 AS ads, random() < 0.7 AS mail, random() < 0.1 AS gone
FROM generate_series(10, 99) AS n;
CREATE TEMP TABLE told AS
SELECT n, person, date_trunc('milliseconds', timestamptz '2026-06-02' - make_interval(secs => 86400 * 60 * random())) AS at,
	(ARRAY['product_view', 'page_view', 'order', 'email_sent', 'email_sent', 'ad_impression', 'email_open'])[1 + (random() * 6)::integer] AS event,
	(ARRAY['bags', 'rucksacks', 'Taschen', 'food', 'odd', NULL, NULL, NULL])[1 + (random() * 7)::integer] AS category,
	(ARRAY['p1', 'p2', 'p3', 'p9', NULL])[1 + (random() * 4)::integer] AS product
FROM (SELECT n, 'u' || 10 + (random() * 89)::integer AS person FROM generate_series(1, 2000) AS n) AS drawn;
SELECT outcome, count(*) FROM cdp.ingest_batch('web', (
	SELECT jsonb_agg(jsonb_build_object('type', 'identify', 'userId', person, 'messageId', person, 'timestamp', '2026-01-01',
		'traits', jsonb_build_object('email', person || '@example.com'), 'consent', to_jsonb(array_remove(ARRAY[
			CASE WHEN ads THEN '{"purpose": "ads_personalisation", "channel": "ads", "state": "granted"}'::jsonb END,
			CASE WHEN mail THEN '{"purpose": "marketing", "channel": "email", "state": "granted"}'::jsonb END], NULL)))) FROM person)) GROUP BY 1;
SELECT outcome, count(*) FROM cdp.ingest_batch('web', (
	SELECT jsonb_agg(jsonb_build_object('type', 'track', 'event', event, 'userId', person, 'messageId', n::text, 'timestamp', to_json(at),
		'properties', jsonb_strip_nulls(jsonb_build_object('category', category, 'product_id', product)))) FROM told)) GROUP BY 1;
SELECT count(cdp.suppress('email', person || '@example.com', 'email', 'bounce')) > 0 AS some FROM person WHERE gone;
CALL cdp.merge();

-- browsing: a category and those below it; by product where no category is said; of
-- those who have granted it
CREATE FUNCTION pg_temp.in_bags(event text, category text, product text) RETURNS boolean LANGUAGE sql AS $$
	SELECT event IN ('page_view', 'product_view') AND coalesce(category IN ('bags', 'rucksacks', 'Taschen'), product IN ('p1', 'p2'), false) $$;
WITH expected AS (
	SELECT cdp.find_profile('user_id', person) AS profile_id, 'known' AS kind, count(*) AS views, max(at) AS last_at
	FROM told JOIN person USING (person)
	WHERE ads AND pg_temp.in_bags(event, category, product) AND at >= timestamptz '2026-06-01 12:00' - interval '20 days' AND at < '2026-06-01 12:00'
	GROUP BY person
), answer AS (SELECT * FROM cdp.browsing('bags', 20))
SELECT (SELECT count(*) > 20 FROM expected) AS enough, (SELECT count(*) FROM (TABLE expected EXCEPT TABLE answer) AS missing) AS missing,
	(SELECT count(*) FROM (TABLE answer EXCEPT TABLE expected) AS wrong) AS wrong;
-- nobody who is suppressed
SELECT person AS stopped FROM told JOIN person USING (person)
WHERE ads AND event = 'page_view' AND category = 'bags' AND at >= timestamptz '2026-06-01 12:00' - interval '20 days' AND at < '2026-06-01 12:00'
ORDER BY 1 LIMIT 1 \gset
SELECT count(*) FROM cdp.browsing('bags', 20) WHERE profile_id = cdp.find_profile('user_id', :'stopped');
SELECT cdp.suppress('email', :'stopped' || '@example.com', 'ads', 'objection') IS NOT NULL AS stopped;
SELECT count(*) FROM cdp.browsing('bags', 20) WHERE profile_id = cdp.find_profile('user_id', :'stopped');
DELETE FROM cdp.suppression WHERE channel = 'ads';
SELECT count(*) > 20 AS null_is_now FROM cdp.browsing('bags', 20, as_of => NULL);
SELECT count(*) FROM cdp.browsing('bags', 20, 'analytics', 'web');
SELECT * FROM cdp.browsing('hats');
SELECT * FROM cdp.browsing('bags', 0);
SELECT * FROM cdp.browsing('bags', 20, 'nothing');
SELECT * FROM cdp.browsing('bags', 20, channel => NULL);

-- reach
SELECT cdp.define_segment('baggers', 'did(product_view where category = ''bags'', 30 days)'), cdp.define_segment('buyers', 'did(order, 30 days)');
SELECT cdp.refresh_segments() > 0 AS some;
SELECT cdp.add_destination('mailer', 'email service'), cdp.add_destination('adnet', 'ad network') \g /dev/null
SELECT cdp.add_audience('baggers', segment => 'baggers', purpose => 'marketing', channel => 'email', destination => 'mailer'),
	cdp.add_audience('buyers', segment => 'buyers', purpose => 'ads_personalisation', channel => 'ads', destination => 'adnet') \g /dev/null
CREATE TEMP VIEW inside AS
SELECT DISTINCT v.audience, person, CASE v.audience WHEN 'baggers' THEN 'email_sent' ELSE 'ad_impression' END AS contact,
	CASE v.audience WHEN 'baggers' THEN mail AND NOT gone ELSE ads END AS reached
FROM (VALUES ('baggers', 'product_view', 'bags'), ('buyers', 'order', NULL)) AS v (audience, event, category)
JOIN told ON told.event = v.event AND (v.category IS NULL OR told.category = v.category)
	AND at >= timestamptz '2026-06-01 12:00' - interval '30 days' AND at < '2026-06-01 12:00'
JOIN person USING (person);
CREATE TEMP VIEW often AS
SELECT inside.*, (SELECT count(*) FROM told WHERE told.person = inside.person AND event = contact
		AND at >= timestamptz '2026-06-01 12:00' - interval '7 days' AND at < '2026-06-01 12:00') AS in_7,
	(SELECT count(*) FROM told WHERE told.person = inside.person AND event = contact
		AND at >= timestamptz '2026-06-01 12:00' - interval '30 days' AND at < '2026-06-01 12:00') AS in_30,
	(SELECT count(*) FROM inside AS other WHERE other.person = inside.person AND other.reached) AS audiences
FROM inside;
WITH expected AS (
	SELECT audience, count(*) AS people, count(*) FILTER (WHERE reached) AS addressable, count(*) FILTER (WHERE reached) AS identifiers,
		count(*) FILTER (WHERE reached AND audiences > 1) AS overlap, avg(in_7) FILTER (WHERE reached) AS in_7, avg(in_30) FILTER (WHERE reached) AS in_30
	FROM often GROUP BY 1
	UNION ALL
	SELECT NULL, count(*), count(*) FILTER (WHERE audiences > 0), sum(audiences), count(*) FILTER (WHERE audiences > 1),
		avg(in_7) FILTER (WHERE audiences > 0), avg(in_30) FILTER (WHERE audiences > 0)
	FROM (SELECT person, max(audiences) AS audiences, sum(in_7) FILTER (WHERE reached) AS in_7, sum(in_30) FILTER (WHERE reached) AS in_30 FROM often GROUP BY person) AS one
)
SELECT told.audience, destination, channel, (told.people, told.addressable, told.identifiers, told.overlap)
	= (expected.people, expected.addressable, expected.identifiers, expected.overlap) AS counts,
	abs(told.contacts_7d - expected.in_7) < 1e-6 AND abs(told.contacts_30d - expected.in_30) < 1e-6 AS contacts, told.overlap > 0 AS overlap
FROM cdp.audience_reach('{baggers,buyers}') AS told JOIN expected ON expected.audience IS NOT DISTINCT FROM told.audience ORDER BY 1;
SELECT * FROM cdp.audience_reach('{nobody}');
SELECT * FROM cdp.audience_reach(NULL);

-- not more often than that
SELECT (SELECT count(*) FROM cdp.audience_contactable) = (SELECT count(*) FROM cdp.audience_member) AS no_limit;
INSERT INTO cdp.contact_limit VALUES ('email', '7 days', 2), ('email', '30 days', 4), ('ads', '30 days', 2);
INSERT INTO cdp.contact_limit VALUES ('pigeon', '7 days', 1);
INSERT INTO cdp.contact_limit VALUES ('sms', '7 days', -1);
WITH expected AS (
	SELECT audience, cdp.find_profile('user_id', person) AS profile_id FROM often
	WHERE reached AND CASE audience WHEN 'baggers' THEN in_7 < 2 AND in_30 < 4 ELSE in_30 < 2 END
), answer AS (SELECT audience, profile_id FROM cdp.audience_contactable)
SELECT (SELECT count(*) FROM expected) BETWEEN 5 AND (SELECT count(*) - 5 FROM cdp.audience_member) AS some,
	(SELECT count(*) FROM (TABLE expected EXCEPT TABLE answer) AS missing) AS missing,
	(SELECT count(*) FROM (TABLE answer EXCEPT TABLE expected) AS wrong) AS wrong;
SET client_min_messages = warning;
DROP ROLE IF EXISTS cdp_test_activation;
CREATE ROLE cdp_test_activation;
SELECT cdp.grant_role('cdp_test_activation', 'activation') \g /dev/null
SET ROLE cdp_test_activation;
SELECT count(*) > 0 AS some FROM cdp.audience_contactable;
SELECT count(*) > 0 AS some FROM cdp.browsing('bags');
SELECT count(*) FROM cdp.audience_reach('{baggers}');
SELECT cdp.classify('product', 'p1');
SELECT count(*) FROM cdp.timeline_chunk;
RESET ROLE;
DROP OWNED BY cdp_test_activation;
DROP ROLE cdp_test_activation;

-- what a third party says it has seen is kept apart: of customers, and of its own
CREATE TEMP TABLE before AS SELECT * FROM cdp.browsing('bags', 20);
SELECT cdp.add_source('partner', 'third_party') > 0 AS added;
SELECT count(*) FROM cdp.ingest_batch('partner', (
	SELECT jsonb_agg(jsonb_build_object('type', 'page', 'messageId', id, 'timestamp', '2026-05-31', key, id, 'properties', '{"category": "bags"}'::jsonb))
	FROM (VALUES ('userId', 'u11'), ('userId', 'u12'), ('anonymousId', 'c1')) AS v (key, id)));
SELECT cdp.record_consent(type, value, 'ads_personalisation', 'ads', 'granted')
FROM (VALUES ('user_id', 'u11'), ('user_id', 'u12'), ('anonymous_id', 'c1')) AS v (type, value) \g /dev/null
CALL cdp.merge();
SELECT count(*) FROM cdp.consent_state JOIN cdp.profile_current USING (profile_id) WHERE purpose = 'ads_personalisation' AND kind = 'third_party';
SELECT count(*) > 20 AS enough, count(*) FILTER (WHERE now.kind IS DISTINCT FROM 'known' OR before.views > now.views) AS wrong,
	sum(now.views) FILTER (WHERE before.profile_id IS NOT NULL) = sum(before.views) AS as_before
FROM before FULL JOIN cdp.browsing('bags', 20) AS now USING (profile_id);
