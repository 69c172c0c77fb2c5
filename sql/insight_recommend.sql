-- Recommendations, against queries over what was sent; planted pairs are found.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
\set shop :abs_srcdir '/test/data/insight_shop.sql'
\set ECHO none
\i :shop
\set ECHO all
\set seed 14
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
-- planted: every second person buys tea, and a mug on another day; they are sent like the rest
INSERT INTO cdp.catalog (product_id, name, price, stock) VALUES ('tea', 'Tea', 4, 7), ('mug', 'Mug', 9, 1), ('rare', 'Rare', 1, 1);
INSERT INTO insight_test.sent
SELECT 5000 + n * 10 + k, n, 'web', 'order', timestamptz '2026-05-01' - n * interval '1 hour' - k * interval '9 days', 1, jsonb_build_object('order_id', format('t%s-%s', n, k), 'product_id', product)
FROM generate_series(2, 60, 2) AS n, unnest('{tea,mug}'::text[]) WITH ORDINALITY AS v (product, k)
-- one of them not yet
WHERE NOT (n IN (2, 4, 6) AND product = 'mug');
INSERT INTO insight_test.sent VALUES (9001, 8, 'web', 'order', '2026-05-05', 1, '{"order_id": "r1", "product_id": "rare"}');
CALL insight_test.make(60, 2000);

-- what is bought together, written out
UPDATE cdp.setting SET value = '8' WHERE name = 'recommend_support';
SELECT cdp.refresh_insights() > 50 AS made;
CREATE TEMP TABLE owned AS
SELECT DISTINCT profile_id, item ->> 'product_id' AS product FROM insight_test.orders('2026-06-01 12:00+00') AS sent
	JOIN insight_test.cookie USING (person), insight_test.items(sent.properties) WHERE cookie = n % 3;
CREATE TEMP TABLE pair AS
SELECT *, support * (SELECT count(DISTINCT profile_id) FROM owned)::float8
	/ ((SELECT count(*) FROM owned WHERE product = product_id) * (SELECT count(*) FROM owned WHERE product = other_id)) AS lift
FROM (SELECT one.product AS product_id, other.product AS other_id, count(*) AS support
	FROM owned AS one JOIN owned AS other USING (profile_id) WHERE one.product <> other.product GROUP BY 1, 2) AS both_bought;
SELECT count(*) > 20 AS compared, count(*) FILTER (WHERE made.support = pair.support AND made.lift / pair.lift BETWEEN 1 - 1e-12 AND 1 + 1e-12) = count(*) AS alike
FROM (SELECT * FROM pair WHERE support >= 8 AND lift >= 1) AS pair FULL JOIN cdp.product_pair AS made USING (product_id, other_id);
SELECT product_id, other_id, support, lift > 1.5 AS lifted FROM cdp.product_pair WHERE product_id = 'tea' ORDER BY lift DESC LIMIT 1;

-- best sellers of 90 days, by place; who has no place counts among all
CREATE TEMP TABLE seller AS
SELECT country, region, item ->> 'product_id' AS product_id, count(DISTINCT profile_id) AS buyers
FROM insight_test.orders('2026-06-01 12:00+00') AS sent JOIN insight_test.cookie USING (person)
	CROSS JOIN insight_test.items(sent.properties)
	CROSS JOIN LATERAL (SELECT CASE WHEN person % 2 = 0 THEN 'DE' ELSE 'FR' END AS home, 'R' || person % 3 AS part) AS lives
	CROSS JOIN LATERAL (VALUES (home, part), (home, ''), ('', '')) AS place (country, region)
WHERE cookie = n % 3 AND (person % 7 > 0 OR country = '') AND at >= timestamptz '2026-06-01 12:00+00' - interval '90 days' GROUP BY 1, 2, 3;
SELECT count(*) > 100 AS compared, count(*) FILTER (WHERE made.buyers = seller.buyers) = count(*) AS alike
FROM seller FULL JOIN cdp.usual_seller AS made USING (country, region, product_id);
SELECT count(*) FROM (SELECT rank, row_number() OVER (PARTITION BY country, region ORDER BY buyers DESC, orders DESC, product_id) AS expected FROM cdp.usual_seller) AS ranked WHERE rank <> expected;

-- each person's recommendations, written out
CREATE TEMP TABLE wanted AS
SELECT * FROM (
	SELECT profile_id, candidate.product_id, step, row_number() OVER (PARTITION BY profile_id ORDER BY step, lift DESC NULLS LAST, rank, support DESC, candidate.product_id COLLATE "C") AS place
	FROM (SELECT DISTINCT ON (profile_id, product_id) * FROM (
			SELECT profile_id, other_id AS product_id, 1 AS step, max(lift) AS lift, (array_agg(support ORDER BY lift DESC, support DESC))[1] AS support, NULL AS rank
			FROM owned JOIN (SELECT * FROM pair WHERE support >= 8 AND lift >= 1) AS pair ON pair.product_id = product GROUP BY 1, 2
			UNION ALL
			SELECT profile_id, seller.product_id, CASE WHEN country = '' THEN 4 WHEN region = '' THEN 3 ELSE 2 END, NULL, NULL, rank
			FROM (SELECT DISTINCT profile_id, person FROM insight_test.cookie) AS people JOIN cdp.usual_seller AS seller ON country = ''
				OR person % 7 > 0 AND country = CASE WHEN person % 2 = 0 THEN 'DE' ELSE 'FR' END AND region IN ('', 'R' || person % 3)
			WHERE profile_id IN (SELECT profile_id FROM owned)) AS either
		WHERE (profile_id, product_id) NOT IN (SELECT profile_id, product FROM owned) ORDER BY profile_id, product_id, step) AS candidate,
		insight_test.catalog(candidate.product_id, '2026-06-01 12:00+00') AS known
	WHERE known.product_id IS NOT NULL AND coalesce(known.stock, 1) > 0) AS ranked
WHERE place <= 30;
SELECT count(*) > 150 AS compared, count(*) FILTER (WHERE step = 1) > 20 AS together, count(*) FILTER (WHERE step > 1) > 20 AS sellers,
	count(*) FILTER (WHERE wanted.product_id = told.product_id AND told.reason = ('{bought_together,best_seller_of_region,best_seller_of_country,best_seller}'::text[])[step]
		AND (step = 1) = (told.because IS NOT NULL)) = count(*) AS alike
FROM wanted FULL JOIN (SELECT profile_id, answer.* FROM (SELECT DISTINCT profile_id FROM owned) AS buyer, cdp.recommend(profile_id, 30) AS answer) AS told USING (profile_id, place);
-- however deep it looked at first, it is what all pairs say
SELECT count(*) > 200 AS compared, count(*) FILTER (WHERE told.is_sure) > 20 AS sure, count(*) FILTER (WHERE NOT told.is_sure) > 20 AS unsure,
	count(*) FILTER (WHERE told.is_sure AND told.product_id IS DISTINCT FROM every.product_id) AS differ
FROM (SELECT profile_id, array_agg(product) AS owned FROM owned GROUP BY 1) AS buyer, generate_series(1, 5) AS depth,
	unnest(cdp._recommend_owner(profile_id, owned, 6, depth, '2026-06-01 12:00')) AS told
	JOIN LATERAL unnest(cdp._recommend_owner(profile_id, owned, 6, NULL, '2026-06-01 12:00')) AS every USING (place);
SELECT count(*) AS differ FROM (SELECT DISTINCT profile_id FROM owned) AS buyer, generate_series(1, 5) AS n,
	LATERAL (SELECT array_agg(product_id ORDER BY place) AS products FROM cdp.recommend(profile_id, n)) AS told,
	LATERAL (SELECT array_agg(product_id ORDER BY place) AS products FROM cdp.recommend(profile_id, 101) WHERE place <= n) AS every
WHERE told IS DISTINCT FROM every;
-- the mug goes with tea, for those who have none
SELECT person, product_id, because, reason FROM insight_test.person, cdp.recommend(profile_id, 1) WHERE person IN (2, 4, 6) ORDER BY person;

-- somebody of whom nothing is known is told what sells best; what has sold out, or holds no more, is not offered
SELECT cdp.ingest('web', '{"type": "identify", "userId": "new", "messageId": "x1", "timestamp": "2026-05-01", "traits": {"country": "PT"}}') AS profile \gset
SELECT DISTINCT reason FROM cdp.recommend(:profile, 100);
SELECT count(*) FROM cdp.recommend(:profile, 100) JOIN cdp.catalog USING (product_id) WHERE stock = 0 OR valid_to < '2026-06-01' OR product_id IN ('p25', 'p26', 'p27');
SELECT cdp.ingest('web', '{"type": "identify", "userId": "new", "messageId": "x2", "timestamp": "2026-05-02", "traits": {"country": "DE", "region": "R9"}}') = :profile AS same;
SELECT reason, count(*) > 0 FROM cdp.recommend(:profile, 100) GROUP BY reason ORDER BY min(place);
SELECT count(*) FROM cdp.recommend(:profile, 3);
SELECT * FROM cdp.recommend(:profile, 0);
SELECT * FROM cdp.recommend(:profile, NULL);
SELECT * FROM cdp.recommend(4711);
UPDATE cdp.setting SET value = '0' WHERE name = 'recommend_support';
DROP SCHEMA insight_test CASCADE;
