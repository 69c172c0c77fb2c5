-- Interests, against sums over what was sent.
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
SELECT event, weight, extract(epoch FROM half_life) / 86400 AS days FROM cdp.interest_weight ORDER BY event;
\set seed 12
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CALL insight_test.make(40, 1500);

-- each event's share of interest, written out: weights and half-life are numbers here
CREATE TEMP TABLE shown AS
SELECT as_of, person, event, at, product, weight * 0.5 ^ (extract(epoch FROM as_of - at)::float8 / (30 * 86400)) AS weight,
	coalesce((insight_test.catalog(product, as_of)).category, item ->> 'category') AS category
FROM (
	SELECT as_of, told.person, told.event, told.at, weight, item, item ->> 'product_id' AS product
	FROM unnest('{2026-06-01 12:00+00,2026-04-28 00:00+00}'::timestamptz[]) AS as_of
		CROSS JOIN LATERAL (SELECT * FROM insight_test.sent WHERE event <> 'order' AND at < as_of
			UNION ALL SELECT * FROM insight_test.orders(as_of)) AS told
		JOIN (VALUES ('product_view', 1), ('search', 1), ('cart_add', 3), ('order', 5)) AS said (name, weight) ON name = told.event
		CROSS JOIN insight_test.items(told.properties)) AS listed
WHERE product IS NOT NULL OR item ? 'category';
CREATE TEMP TABLE expected AS
SELECT as_of, person, kind, item, sum(weight) AS weight, sum(weight) / sum(sum(weight)) OVER (PARTITION BY as_of, person, kind) AS share, max(at) AS last_at
FROM shown, LATERAL (VALUES ('category', category), ('product', product)) AS said (kind, item)
WHERE item IS NOT NULL GROUP BY as_of, person, kind, item;
CREATE TEMP TABLE usual AS
SELECT kind, item, sum(weight) / sum(sum(weight)) OVER (PARTITION BY kind) AS share
FROM expected JOIN insight_test.person USING (person) WHERE as_of = '2026-06-01 12:00+00' GROUP BY kind, item;

-- what all customers share, made by the merge run
SELECT as_of, count(*) > 20 AS many FROM cdp.usual_interest GROUP BY as_of;
SELECT cdp.refresh_insights() > 20 AS made;
SELECT count(*) > 30 AS compared, count(*) FILTER (WHERE usual.share - made.share BETWEEN -1e-12 AND 1e-12) = count(*) AS alike
FROM usual FULL JOIN cdp.usual_interest AS made USING (kind, item);

CREATE TEMP TABLE answered AS
SELECT as_of, person, answer.*
FROM insight_test.person, (SELECT DISTINCT as_of FROM expected) AS instants, cdp.interests(profile_id, as_of) AS answer;
SELECT count(*) > 1000 AS compared, count(DISTINCT item) > 30 AS telling, count(*) FILTER (WHERE answer.lift > 1.5) > 100 AS lifted,
	count(*) FILTER (WHERE answer.weight / said.weight BETWEEN 1 - 1e-9 AND 1 + 1e-9
		AND answer.share - said.share BETWEEN -1e-9 AND 1e-9 AND answer.last_at = said.last_at
		AND answer.usual_share IS NOT DISTINCT FROM (SELECT share FROM cdp.usual_interest AS made WHERE (made.kind, made.item) = (said.kind, said.item))
		AND answer.lift IS NOT DISTINCT FROM answer.share / answer.usual_share) = count(*) AS alike
FROM (SELECT expected.* FROM expected JOIN insight_test.person USING (person)) AS said
	FULL JOIN answered AS answer USING (as_of, person, kind, item);

-- a category is the one of now; the most interesting comes first
SELECT kind, bool_and(first) AS sorted FROM (
	SELECT kind, weight <= lag(weight, 1, weight) OVER (PARTITION BY kind ORDER BY place) AS first
	FROM cdp.interests((SELECT profile_id FROM insight_test.person ORDER BY person LIMIT 1)) WITH ORDINALITY
		AS answer (kind, item, name, weight, share, usual_share, lift, events, last_at, place)) AS told
GROUP BY kind ORDER BY kind;

-- weights are rows: other events, another half-life
DELETE FROM cdp.interest_weight WHERE event <> 'order';
UPDATE cdp.interest_weight SET weight = 2, half_life = '1 day';
INSERT INTO cdp.interest_weight (event, weight) VALUES ('page_view', 7);
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "new", "messageId": "x1", "timestamp": "2026-05-31T12:00:00Z", "properties": {"products": [{"product_id": "p1"}, {"product_id": "own", "name": "Own", "category": "c1"}]}}') AS profile \gset
SELECT cdp.ingest('web', '{"type": "track", "event": "product_view", "userId": "new", "messageId": "x2", "timestamp": "2026-05-31T12:00:00Z", "properties": {"product_id": "p2"}}') = :profile AS same;
SELECT cdp.ingest('web', '{"type": "page", "userId": "new", "messageId": "x3", "timestamp": "2026-05-02T12:00:00Z", "properties": {"category": "c4"}}') = :profile AS same;
SELECT kind, item, name, weight, events FROM cdp.interests(:profile);
SELECT kind, item, weight FROM cdp.interests(:profile, '2026-05-31 12:00+00');
SELECT count(*) FROM cdp.interests(:profile, '2026-05-01');
-- a name that the catalogue does not know is the last order's, whatever was done since
SELECT cdp.ingest('web', '{"type": "track", "event": "page_view", "userId": "new", "messageId": "x4", "timestamp": "2026-05-31T18:00:00Z", "properties": {"product_id": "own"}}') = :profile AS same;
SELECT kind, item, name, events FROM cdp.interests(:profile) WHERE item = 'own';
INSERT INTO cdp.interest_weight (event, weight) VALUES ('review', 0);
INSERT INTO cdp.interest_weight (event, weight, half_life) VALUES ('review', 1, '0');
SELECT * FROM cdp.interests(4711);
-- without customers nothing is usual
DELETE FROM cdp.interest_weight;
SELECT cdp.refresh_insights() IS NOT NULL AS made;
SELECT count(*) FROM cdp.usual_interest;
SELECT count(*) FROM cdp.interests(:profile);
DROP SCHEMA insight_test CASCADE;
