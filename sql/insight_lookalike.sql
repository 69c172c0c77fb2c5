-- Lookalikes: planted likeness is found, among those who agreed, and told well.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
SELECT position, expression FROM cdp.lookalike_feature ORDER BY position;
\set seed 18
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
-- seeds are mostly French and buy often; every fourth person did not agree
CREATE TEMP TABLE people AS
SELECT n, country, orders, random() < 1 / (1 + exp(3 - 2 * (country IS NOT DISTINCT FROM 'FR')::int - ln(1 + orders))) AS is_seed, n % 4 > 0 AS agreed
FROM (SELECT n, (ARRAY['FR', 'DE', 'DE', 'IT', NULL])[1 + floor(random() * 5)::int] AS country, CASE WHEN n % 10 > 0 THEN floor(random() * 8)::int ELSE 0 END AS orders FROM generate_series(1, 1500) AS n) AS drawn;
INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at, ord)
SELECT n, n, n, '2026-01-01', '2026-01-01', n FROM people;
INSERT INTO cdp.profile_current (profile_id, ord, kind, orders, traits, as_of)
SELECT n, n, 'known', orders, jsonb_strip_nulls(jsonb_build_object('country', country, 'seed', is_seed, 'gender', 'f')), '2026-01-01' FROM people;
INSERT INTO cdp.consent_state (profile_id, purpose, channel, state, at, expires_at)
SELECT n, 'ads_personalisation', 'ads', CASE WHEN agreed THEN 'granted' WHEN n % 8 = 0 THEN 'withdrawn' ELSE 'granted' END, '2026-01-01', CASE WHEN n % 8 = 4 THEN timestamptz '2026-05-01' END FROM people WHERE n % 16 > 0;
INSERT INTO cdp.trait (name, type) VALUES ('seed', 'boolean');
INSERT INTO cdp.trait (name, type, pii) VALUES ('faith', 'text', 'special');
SELECT cdp.define_segment('best', 'seed = true'), cdp.define_segment('few', 'seed = true and orders > 6') \g /dev/null
SELECT cdp.refresh_segments() \g /dev/null

DELETE FROM cdp.lookalike_feature;
INSERT INTO cdp.lookalike_feature VALUES (1, 'country'), (2, 'orders');
-- the same by hand: the columns are written out, the AUC is counted pair by pair
CREATE TEMP TABLE design AS
SELECT n, is_seed, cdp.bucket('lookalike', n::text, 5) = 0 AS held_out,
	ARRAY[(country = 'DE' AND country IS NOT NULL)::int, (country = 'FR' AND country IS NOT NULL)::int, (country = 'IT' AND country IS NOT NULL)::int, ln(1 + orders)]::float8[] AS features
FROM people WHERE agreed;
CREATE TEMP TABLE scored AS
SELECT design.*, cdp.predict_logistic(early, features) AS early, cdp.predict_logistic(late, features) AS late
FROM design, (SELECT cdp.fit_logistic(is_seed, features, 1.0 ORDER BY n) FILTER (WHERE NOT held_out) AS early, cdp.fit_logistic(is_seed, features, 1.0 ORDER BY n) AS late FROM design) AS fitted;
CREATE TEMP TABLE told AS SELECT * FROM cdp.lookalike('best', 100000);
SELECT count(*) > 500 AS compared, count(*) FILTER (WHERE abs(told.score - late) < 1e-9 AND NOT is_seed) = count(*) AS alike,
	count(*) = (SELECT count(*) FROM scored WHERE NOT is_seed) AS nobody_else, bool_and(place = expected) AS in_order
FROM (SELECT told.*, row_number() OVER (ORDER BY score DESC, profile_id) AS expected FROM told) AS told LEFT JOIN scored ON n = profile_id;
SELECT count(*) FILTER (WHERE place <= 3) AS first, (SELECT count(*) FROM cdp.lookalike('best', 3)) AS three FROM told;
SELECT name, abs(value - pairs) < 1e-9 AS alike, pairs > 0.7 AS planted FROM cdp.lookalike_report('best'), (
	SELECT avg(CASE WHEN a.early > b.early THEN 1 WHEN a.early = b.early THEN 0.5 ELSE 0 END) AS pairs
	FROM scored AS a, scored AS b WHERE a.held_out AND b.held_out AND a.is_seed AND NOT b.is_seed) AS counted WHERE name = 'auc';
SELECT profiles = (SELECT count(*) FROM scored WHERE is_seed) AS seeds FROM cdp.lookalike_report('best') WHERE name = 'seeds';
-- what was planted is what sets them apart
SELECT name, value > 0 AS more, of_seeds > of_others AS of_seeds FROM cdp.lookalike_report('best') WHERE part = 'factor' AND name IN ('orders', 'country = ''FR''') ORDER BY name;
-- the better part of the held-out seeds is in the better part of all; the curve rises to all of them
SELECT bool_and(found >= before) AS rises, bool_and(score <= score_before) AS falls, max(found) AS all, max(found) FILTER (WHERE name = '0.2') > 0.3 AS lifted,
	bool_and(profiles = ceil(name::numeric * (SELECT count(*) FROM told))) AS sizes
FROM (SELECT name, value AS score, of_seeds AS found, profiles, lag(of_seeds, 1, 0) OVER (ORDER BY name::numeric) AS before, lag(value, 1, 1) OVER (ORDER BY name::numeric) AS score_before FROM cdp.lookalike_report('best') WHERE part = 'reach') AS curve;

-- who did not agree, or no more, is neither seed nor found; nor is who must not be contacted
SELECT count(*) FROM told JOIN people ON n = profile_id WHERE NOT agreed;
SELECT profile_id AS first FROM told WHERE place = 1 \gset
INSERT INTO cdp.contact_point (profile_id, identifier_id, rank, type, value, key_hash) VALUES (:first, 1, 1, 'email', 'x@example.com', '\x01');
INSERT INTO cdp.suppression (key_hash, type, reason) VALUES ('\x01', 'email', 'objection');
SELECT count(*) FROM cdp.lookalike('best', 100000) WHERE profile_id = :first;
UPDATE cdp.consent_state SET state = 'withdrawn' WHERE profile_id > 300;
SELECT * FROM cdp.lookalike('best');
SELECT * FROM cdp.lookalike_report('best');
UPDATE cdp.consent_state SET state = 'granted';
SELECT * FROM cdp.lookalike('few');
SELECT cdp.define_segment('all', 'kind = ''known''') \g /dev/null
SELECT cdp.refresh_segments() \g /dev/null
SELECT * FROM cdp.lookalike('all');

-- what it may not look at, then and later
INSERT INTO cdp.lookalike_feature VALUES (9, 'gender');
INSERT INTO cdp.lookalike_feature VALUES (9, 'faith = ''any''');
INSERT INTO cdp.lookalike_feature VALUES (9, 'days_to_anniversary(birth_date)');
INSERT INTO cdp.lookalike_feature VALUES (9, 'in_segment(''best'')');
INSERT INTO cdp.lookalike_feature VALUES (9, 'last(order)');
UPDATE cdp.trait SET strict = false WHERE name = 'country';
INSERT INTO cdp.lookalike_feature VALUES (9, 'country');
UPDATE cdp.trait SET strict = true WHERE name = 'country';
SELECT cdp.define_computed_trait('hidden', 'days_since(order)') \g /dev/null
INSERT INTO cdp.lookalike_feature VALUES (9, 'hidden');
UPDATE cdp.trait SET pii = 'personal' WHERE name = 'country';
SELECT * FROM cdp.lookalike('best');
UPDATE cdp.trait SET pii = 'none' WHERE name = 'country';
SELECT * FROM cdp.lookalike('worst');
SELECT * FROM cdp.lookalike('best', 0);
SELECT * FROM cdp.lookalike('best', 5, 'fun');
SELECT * FROM cdp.lookalike('best', 5, 'marketing', 'smoke');
SELECT * FROM cdp.lookalike('best', 5, 'marketing', 'email');
DELETE FROM cdp.lookalike_feature;
SELECT * FROM cdp.lookalike('best');
