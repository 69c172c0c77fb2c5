-- Segments that people ask for: members counted by hand, by the evaluator and
-- by the query of cdp.predicate_to_sql().
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
\pset format unaligned
SET TIME ZONE 'UTC';
SET DateStyle = 'ISO';
SELECT cdp.add_source('shop') AS shop \g /dev/null
SELECT cdp.add_trait('trial_ends', 'timestamp') \g /dev/null
INSERT INTO cdp.purpose (purpose, description, legal_basis, double_opt_in) VALUES ('news', 'what is new', 'consent', false);

-- who did what; now is 2026-06-01 12:00
CREATE TABLE pg_temp.did (who text, event text, at timestamptz, amount numeric, properties jsonb DEFAULT '{}');
INSERT INTO pg_temp.did VALUES
	-- carts: ann left one; bob ordered within four hours, cid the next day; dan's is four hours old to the
	-- millisecond, eve's is not; fay's is of the first instant of the week, gus's of the last before it
	('ann', 'cart_add', '2026-05-30 10:00', NULL), ('bob', 'cart_add', '2026-05-30 10:00', NULL),
	('bob', 'order', '2026-05-30 12:00', 30), ('cid', 'cart_add', '2026-05-30 10:00', NULL),
	('cid', 'order', '2026-05-31 10:00', 30), ('dan', 'cart_add', '2026-06-01 08:00', NULL),
	('eve', 'cart_add', '2026-06-01 08:00:00.001', NULL), ('fay', 'cart_add', '2026-05-25 12:00', NULL),
	('gus', 'cart_add', '2026-05-25 11:59:59.999', NULL),
	-- three orders each: hal's last is older than 180 days, ida's is not; jon spends little
	('hal', 'order', '2025-06-01', 400), ('hal', 'order', '2025-07-01', 400),
	('hal', 'order', '2025-12-03 11:59:59.999', 400), ('ida', 'order', '2025-06-01', 400),
	('ida', 'order', '2025-07-01', 400), ('ida', 'order', '2025-12-03 12:00', 400),
	('jon', 'order', '2025-06-01', 2), ('jon', 'order', '2025-07-01', 2), ('jon', 'order', '2025-08-01', 2),
	-- from January to March 100 each; since then ola half of it, pia a cent more, quy nothing
	('ola', 'order', '2026-01-01', 60), ('ola', 'order', '2026-03-31 23:59:59.999', 40),
	('ola', 'order', '2026-04-01', 50), ('pia', 'order', '2026-01-01', 100), ('pia', 'order', '2026-05-01', 50.01),
	('quy', 'order', '2026-02-01', 100),
	-- sam's first order is 30 days old, tom's a millisecond more
	('sam', 'order', '2026-05-02 12:00', 9), ('tom', 'order', '2026-05-02 11:59:59.999', 9),
	-- ned sent back two orders of two, ola one of three
	('ned', 'return', '2026-05-01', NULL), ('ned', 'return', '2026-05-02', NULL),
	('ola', 'return', '2026-05-02', NULL);
INSERT INTO pg_temp.did VALUES
	-- kim bought what she had looked at, a week later less a millisecond; leo a week later; mia another product
	('kim', 'product_view', '2026-04-01 10:00', NULL, '{"product_id": "a"}'),
	('kim', 'order', '2026-04-08 09:59:59.999', 20, '{"product_id": "a", "channel": "web"}'),
	('leo', 'product_view', '2026-04-01 10:00', NULL, '{"product_id": "a"}'),
	('leo', 'order', '2026-04-08 10:00', 20, '{"product_id": "a", "channel": "shop"}'),
	('mia', 'product_view', '2026-04-01 10:00', NULL, '{"product_id": "a"}'),
	('mia', 'order', '2026-04-02', 20, '{"product_id": "b", "channel": "web"}'),
	-- a then b: leo; b then a: mia; both at one instant: ned
	('leo', 'order', '2026-04-20', 20, '{"product_id": "b", "channel": "web"}'),
	('mia', 'order', '2026-04-20', 20, '{"product_id": "a", "channel": "web"}'),
	('ned', 'order', '2026-04-20', 20, '{"product_id": "a", "channel": "shop"}'),
	('ned', 'order', '2026-04-20', 20, '{"product_id": "b", "channel": "web"}'),
	-- tickets: open, closed, open without an order of late
	('sam', 'ticket', '2026-05-20', NULL, '{"status": "open"}'),
	('bob', 'ticket', '2026-05-20', NULL, '{"status": "open"}'),
	('bob', 'ticket', '2026-05-21', NULL, '{"status": "closed"}'),
	('tom', 'ticket', '2026-05-20', NULL, '{"status": "open"}'),
	-- mails
	('uma', 'email_open', '2026-05-10', NULL, '{"campaign": "may"}'),
	('vic', 'email_open', '2026-05-10', NULL, '{"campaign": "may"}'),
	('vic', 'email_click', '2026-05-10 00:01', NULL, '{"campaign": "may"}'),
	('wim', 'email_open', '2026-05-10', NULL, '{"campaign": "april"}'),
	('wim', 'email_click', '2026-03-10', NULL, '{"campaign": "may"}'),
	('kim', 'Straße besucht', '2026-03-01', NULL, '{}'),
	-- nobody knows who looked
	('?x', 'product_view', '2026-03-03 12:00', NULL, '{"product_id": "a"}'),
	('?y', 'product_view', '2026-03-03 11:59:59.999', NULL, '{"product_id": "a"}');
CREATE TABLE pg_temp.is_so (who text, traits jsonb);
INSERT INTO pg_temp.is_so VALUES
	('ann', '{"birth_date": "1990-06-02", "interests": ["golf", "tea"], "trial_ends": "2026-06-04T12:00:00Z", "latitude": 52.949, "longitude": 13.4}'),
	('bob', '{"birth_date": "1990-06-08", "interests": ["tennis"], "trial_ends": "2026-06-04T12:00:00.001Z", "latitude": 52.951, "longitude": 13.4}'),
	('cid', '{"birth_date": "1990-06-09", "interests": "golf", "trial_ends": "2026-06-01T11:59:59Z"}'),
	('dan', '{"birth_date": "1990-06-01", "interests": ["Golf"]}'),
	('eve', '{"birth_date": "1990-06-05", "interests": []}'),
	('kim', '{"region": "Bayern", "Größe": 38}'), ('mia', '{"region": "Bayern"}'), ('leo', '{"region": "Hessen"}');

INSERT INTO cdp.inbox (source, record)
SELECT 'shop', jsonb_strip_nulls(jsonb_build_object('messageId', row_number() OVER (), 'type', 'track', 'event', event,
	CASE WHEN who LIKE '?%' THEN 'anonymousId' ELSE 'userId' END, who, 'timestamp', at,
	'properties', properties || jsonb_build_object('total', amount)))
FROM pg_temp.did;
INSERT INTO cdp.inbox (source, record)
SELECT 'shop', jsonb_build_object('messageId', 'is ' || who, 'type', 'identify', 'userId', who,
	'timestamp', '2026-01-01T00:00:00Z', 'traits', traits)
FROM pg_temp.is_so;
CALL cdp.merge();
SELECT cdp.record_consent('user_id', who, 'news', 'sms', state, '2026-05-01')
FROM (VALUES ('ann', 'granted'), ('cid', 'granted'), ('dan', 'granted'), ('eve', 'denied')) AS told (who, state) \g /dev/null
SELECT cdp.record_consent('user_id', who, 'news', 'ads', 'granted', '2026-05-01')
FROM (VALUES ('hal'), ('jon')) AS told (who) \g /dev/null
CALL cdp.merge();
-- scores as a run might have left them
UPDATE cdp.profile_score SET churn_band = 'low', clv_365d = 10, rfm_monetary = 3, scores = '{"clv": {"value": 10, "percentile": 50}}';
UPDATE cdp.profile_score AS score
SET churn_band = said.band, clv_365d = said.clv, rfm_monetary = said.rfm,
	scores = jsonb_build_object('clv', jsonb_build_object('value', said.clv, 'percentile', said.percentile))
FROM (VALUES ('hal', 'high', 500, 5, 95), ('ida', 'high', 99.99, 5, 90), ('jon', 'low', 700, 1, 89.9))
	AS said (who, band, clv, rfm, percentile)
WHERE score.profile_id = cdp.find_profile('user_id', said.who);

CREATE TABLE pg_temp.wanted (name text, predicate cdp.predicate, members text);
INSERT INTO pg_temp.wanted VALUES
	('abandoned cart', 'sequence(cart_add then no order within 4 hours, 7 days) and not did(order, since last(cart_add))', 'ann dan fay'),
	('lapsed VIP', 'orders >= 3 and rfm_monetary >= 4 and not did(order, 180 days)', 'hal'),
	('browsed, then bought the same within a week', 'sequence(product_view then order within 7 days same product_id)', 'kim'),
	('bought a, then b', 'sequence(order where product_id = ''a'' then order where product_id = ''b'')', 'leo'),
	('spend halved against the quarter before', 'sum(order.amount, last quarter) > 0
		and sum(order.amount, this quarter) <= sum(order.amount, last quarter) / 2', 'ola quy'),
	('new customers', 'kind = ''known'' and first(order) >= now - 30 days', 'bob cid sam'),
	('sleeping', 'kind = ''known'' and did(any) and not did(any, 90 days)', 'hal ida jon quy'),
	('buyers online and offline', 'did(order where channel = ''web'') and did(order where channel = ''shop'')', 'leo ned'),
	('open ticket and recent order', 'latest(ticket.status) = ''open'' and did(order, 30 days)', 'sam'),
	('heavy returners', 'count(order, 1 year) >= 2 and count(return, 1 year) / count(order, 1 year) > 0.5', 'ned'),
	('birthday next week, may be written to', 'days_to_anniversary(birth_date) between 1 and 7 and consent(''news'', ''sms'')', 'ann'),
	('interests any of', 'interests contains any (''golf'', ''tennis'')', 'ann bob cid'),
	('opened, did not click', 'did(email_open where campaign = ''may'') and not did(email_click where campaign = ''may'', since first(email_open))', 'uma'),
	('trial ends in three days', 'trial_ends between now and now + 3 days', 'ann'),
	('region and product', 'region = ''Bayern'' and did(order where product_id = ''a'')', 'kim mia'),
	('anonymous, to be shown again for 90 days', 'kind = ''anonymous'' and did(product_view, 90 days)', '?x'),
	-- a degree of latitude is 111.2 km: 49.9 and 50.1
	('within 50 km of a store', 'near(latitude, longitude, 52.5, 13.4, 50)', 'ann'),
	('names as people write them', '"größe" = 38 and did("Straße besucht") and count(straße_besucht where profile."Größe" > 1) = 1', 'kim'),
	('may leave, and is worth it', 'churn_band = ''high'' and clv_365d >= 100', 'hal'),
	('upper tenth by expected value, with consent', 'percentile(''clv'') >= 90 and consent(''news'', ''ads'')', 'hal');

CREATE FUNCTION pg_temp.queried(predicate cdp.predicate) RETURNS SETOF bigint
LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE cdp.predicate_to_sql(predicate); END $$;
CREATE VIEW pg_temp.person AS
SELECT profile_id, coalesce(identifiers #>> '{user_id,0}', identifiers #>> '{anonymous_id,0}') AS who FROM cdp.profile_current;
SELECT name, evaluated.members, evaluated.members = wanted.members AS right, queried.members = wanted.members AS right_in_sql
FROM pg_temp.wanted,
	LATERAL (SELECT string_agg(who, ' ' ORDER BY who COLLATE "C") AS members
		FROM cdp._evaluate_all(ARRAY[predicate]) AS evaluated JOIN pg_temp.person USING (profile_id)
		WHERE matched <> '{}') AS evaluated,
	LATERAL (SELECT string_agg(who, ' ' ORDER BY who COLLATE "C") AS members
		FROM pg_temp.queried(predicate) AS profile_id JOIN pg_temp.person USING (profile_id)) AS queried
ORDER BY name COLLATE "C";

-- half of all in each arm, the same half always
SELECT abs(cdp.segment_size('bucket(''autumn'', 2) = 0') - cdp.segment_size('bucket(''autumn'', 2) = 1')) < 16 AS about_half,
	(SELECT bool_and(cdp.bucket('autumn', p.profile_id::text, 2) = 0) FROM pg_temp.queried('bucket(''autumn'', 2) = 0') AS p (profile_id)) AS arm_0;

-- the starter segments, as they are defined
SELECT segment.name, (SELECT string_agg(who, ' ' ORDER BY who COLLATE "C")
	FROM cdp._evaluate_all(ARRAY[segment.predicate::cdp.predicate]) AS evaluated JOIN pg_temp.person USING (profile_id)
	WHERE matched <> '{}') AS members
FROM cdp.segment
ORDER BY name;

-- workers find what one process finds; segment_suppressed has the plan
CREATE TABLE pg_temp.alone AS
SELECT * FROM cdp._evaluate_all((SELECT array_agg(predicate ORDER BY name) FROM pg_temp.wanted));
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*) AS differ, (SELECT sum(cardinality(matched)) > 20 FROM pg_temp.alone) AS telling
FROM pg_temp.alone FULL JOIN cdp._evaluate_all((SELECT array_agg(predicate ORDER BY name) FROM pg_temp.wanted)) AS together
	USING (profile_id, ord)
WHERE alone.matched IS DISTINCT FROM together.matched;
SELECT cdp._count_all(predicates) = counts AS alike, cdp._count_all('{}') AS none
FROM (SELECT array_agg(predicate ORDER BY name) AS predicates FROM pg_temp.wanted) AS asked,
	(SELECT array_agg(members ORDER BY n) AS counts
		FROM (SELECT n, count(*) FILTER (WHERE n = ANY (matched)) AS members
			FROM pg_temp.alone, generate_series(1, (SELECT count(*) FROM pg_temp.wanted)) AS n
			GROUP BY n) AS counted) AS counted;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT cdp._count_all(predicates) = counts AS alike, cdp._count_all('{}') AS none
FROM (SELECT array_agg(predicate ORDER BY name) AS predicates FROM pg_temp.wanted) AS asked,
	(SELECT array_agg(members ORDER BY n) AS counts
		FROM (SELECT n, count(*) FILTER (WHERE n = ANY (matched)) AS members
			FROM pg_temp.alone, generate_series(1, (SELECT count(*) FROM pg_temp.wanted)) AS n
			GROUP BY n) AS counted) AS counted;
