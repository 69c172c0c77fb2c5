-- Traits computed from events: every aggregate against plain SQL over the log,
-- at instants at which windows slide; those kept in rows of profiles follow
-- events, merges and rebuilds.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
\pset format unaligned
SET TIME ZONE 'UTC';
SET DateStyle = 'ISO';
SELECT cdp.add_source('web') AS web \g /dev/null
SELECT cdp.declare_property('*', 'category') AS slot \g /dev/null
SELECT cdp.declare_property('*', 'weight') AS slot \g /dev/null

-- random events of some hundred profiles, half of them at few instants, so
-- that windows begin and end at events
\set seed 7
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CREATE TABLE pg_temp.raw AS
SELECT n, 'u' || floor(random() * 200) AS who, floor(random() * 4)::integer AS kind,
	timestamptz '2026-03-01' + CASE WHEN random() < 0.5
		THEN floor(random() * 12) * interval '7 days' + floor(random() * 8) * interval '15 minutes'
		ELSE floor(random() * 90 * 86400000) * interval '1 millisecond' END AS at,
	floor(random() * 100000) / 100 AS amount,
	CASE WHEN random() < 0.9 THEN (ARRAY['shoes', 'Bags', 'hats', 'äpfel'])[1 + floor(random() * 4)] END AS category,
	CASE WHEN random() < 0.8 THEN floor(random() * 6) / 2 END AS weight
FROM generate_series(1, 2400) AS n;
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_strip_nulls(jsonb_build_object('messageId', n, 'type', 'track', 'userId', who,
	'event', (ARRAY['order', 'page_view', 'screen_view', 'cart_add'])[kind + 1],
	'timestamp', to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
	'properties', jsonb_build_object('total', CASE kind WHEN 0 THEN amount END, 'currency', 'EUR',
		'category', category, 'weight', weight)))
FROM pg_temp.raw;
CALL cdp.merge();

-- what an aggregate is, in SQL; E is the event, W its filter and window
CREATE TABLE pg_temp.aggregate (n integer GENERATED ALWAYS AS IDENTITY, expression text, oracle text);
INSERT INTO pg_temp.aggregate (expression, oracle) VALUES
	('did(EW)', 'to_jsonb(count(*) > 0)'),
	('count(EW)', 'to_jsonb(count(*))'),
	('sum(E.amountW)', 'to_jsonb(coalesce(sum(amount), 0))'),
	('avg(E.amountW)', 'to_jsonb(avg(amount))'),
	('min(E.amountW)', 'to_jsonb(min(amount))'),
	('max(E.weightW)', 'to_jsonb(max((properties ->> ''weight'')::numeric))'),
	('distinct_count(E.categoryW)', 'to_jsonb(count(DISTINCT properties ->> ''category''))'),
	('active_days(EW)', 'to_jsonb(count(DISTINCT date_trunc(''day'', occurred_at)))'),
	('first(EW)', 'to_jsonb(min(occurred_at))'),
	('last(EW)', 'to_jsonb(max(occurred_at))'),
	('most_frequent(E.categoryW)',
		'to_jsonb((array_agg(category ORDER BY often DESC, category COLLATE "C") FILTER (WHERE category IS NOT NULL))[1])'),
	('most_frequent(E.weightW)',
		'to_jsonb((array_agg(weight ORDER BY heavy DESC, weight) FILTER (WHERE weight IS NOT NULL))[1])'),
	('unique_list(E.categoryW)',
		'coalesce(to_jsonb(array_agg(DISTINCT category COLLATE "C" ORDER BY category COLLATE "C") FILTER (WHERE category IS NOT NULL)), ''[]'')'),
	('unique_list(E.weightW)',
		'coalesce(to_jsonb(array_agg(DISTINCT weight ORDER BY weight) FILTER (WHERE weight IS NOT NULL)), ''[]'')'),
	('sessions(EW)', 'to_jsonb(count(*) FILTER (WHERE begins))'),
	('session_minutes(EW)', 'to_jsonb(coalesce(sum(extract(epoch FROM gap)) FILTER (WHERE NOT begins) / 60, 0))'),
	('pages_per_session(EW)', 'to_jsonb(count(*) FILTER (WHERE name IN (''page_view'', ''screen_view''))::numeric
		/ nullif(count(*) FILTER (WHERE begins), 0))'),
	('days_since(EW)', 'to_jsonb(CASE WHEN isfinite($1) THEN floor(extract(epoch FROM $1 - max(occurred_at)) / 86400) END)');

CREATE TABLE pg_temp.filter (expression text, event text, oracle text);
INSERT INTO pg_temp.filter VALUES
	('any', '', 'true'),
	('order', '', 'name = ''order'''),
	('order', ' where total > 500 and category in (''shoes'', ''hats'')',
		'name = ''order'' AND amount > 500 AND category IN (''shoes'', ''hats'')'),
	('never', '', 'false');

CREATE TABLE pg_temp.window (expression text, start text, "end" text);
INSERT INTO pg_temp.window VALUES
	('', '''-infinity''', '$1'),
	(', 7 days', '$1 - interval ''168 hours''', '$1'),
	(', between 14 and 28 days ago', '$1 - interval ''672 hours''', '$1 - interval ''336 hours'''),
	(', this month', 'date_trunc(''month'', $1)', '$1'),
	(', between 2026-03-15 and 2026-04-19T01:00', '''2026-03-15''', 'least($1, ''2026-04-19 01:00'')');

-- numbers and times are equal however they are written
CREATE FUNCTION pg_temp.alike(found jsonb, expected jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
		WHEN jsonb_typeof(found) = 'number' AND jsonb_typeof(expected) = 'number'
			THEN abs(found::numeric - expected::numeric) < 0.000000001
		WHEN found #>> '{}' ~ '^\d{4}-.*Z$' THEN (found #>> '{}')::timestamptz = (expected #>> '{}')::timestamptz
		ELSE found IS NOT DISTINCT FROM expected END $$;

CREATE TABLE pg_temp.log AS
SELECT profile_id, occurred_at, name, amount, properties, properties ->> 'category' AS category,
	(properties ->> 'weight')::numeric AS weight
FROM cdp.profile_event;

-- for each profile all aggregates over the events of a filter and a window
CREATE FUNCTION pg_temp.expected(passes text, start text, "end" text, at timestamptz)
RETURNS TABLE (profile_id bigint, value jsonb, n integer)
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format(
		'WITH e AS (
			SELECT *, coalesce(gap > interval ''30 minutes'', true) AS begins
			FROM (
				SELECT *, count(*) OVER (PARTITION BY profile_id, category) AS often,
					count(*) OVER (PARTITION BY profile_id, weight) AS heavy,
					occurred_at - lag(occurred_at) OVER (PARTITION BY profile_id ORDER BY occurred_at) AS gap
				FROM pg_temp.log
				WHERE %2$s AND occurred_at >= %3$s AND occurred_at < %4$s AND occurred_at < $1
			) AS passed
		), made AS (
			SELECT profile_id, jsonb_build_array(%1$s) AS list FROM e GROUP BY profile_id
			UNION ALL
			SELECT p.profile_id, none.list
			FROM cdp.profile_current AS p, (SELECT jsonb_build_array(%1$s) AS list FROM e WHERE false) AS none
			WHERE p.profile_id NOT IN (SELECT profile_id FROM e)
		)
		SELECT profile_id, nullif(value, ''null''), n::integer
		FROM made, jsonb_array_elements(list) WITH ORDINALITY AS v (value, n)',
		(SELECT string_agg(oracle, ', ' ORDER BY aggregate.n) FROM pg_temp.aggregate), $1, $2, $3) USING at;
END
$$;

CREATE FUNCTION pg_temp.found(event text, rest text, at timestamptz)
RETURNS TABLE (profile_id bigint, value jsonb, n bigint)
LANGUAGE sql AS $$
	SELECT p.profile_id, v.value, v.n
	FROM cdp.profile_current AS p, LATERAL unnest(cdp._profile_values(p.profile_id,
		(SELECT array_agg(replace(replace(expression, 'E', event), 'W', rest)::cdp.predicate ORDER BY aggregate.n)
			FROM pg_temp.aggregate), at)) WITH ORDINALITY AS v (value, n) $$;

CREATE FUNCTION pg_temp.wrong(at timestamptz, OUT compared boolean, OUT wrong bigint, OUT example text)
LANGUAGE sql AS $$
	SELECT count(*) = 360 * (SELECT count(*) FROM cdp.profile_current)
			AND count(*) FILTER (WHERE pair.expected <> '0') > 10000, count(*) FILTER (WHERE NOT pair.alike),
		min(format('%s of E = %s, W = %s, profile %s: %s, not %s', aggregate.expression, pair.event, pair.rest,
			pair.profile_id, pair.found, pair.expected)) FILTER (WHERE NOT pair.alike)
	FROM (
		SELECT f.expression AS event, f.event || w.expression AS rest, profile_id, n,
			found.value AS found, expected.value AS expected,
			coalesce(pg_temp.alike(found.value, expected.value), false) AS alike
		FROM pg_temp.filter AS f CROSS JOIN pg_temp.window AS w
			CROSS JOIN LATERAL pg_temp.expected(f.oracle, w.start, w."end", at) AS expected
			JOIN LATERAL pg_temp.found(f.expression, f.event || w.expression, at) AS found USING (profile_id, n)
	) AS pair
	JOIN pg_temp.aggregate USING (n) $$;
SELECT at, wrong.* FROM unnest(ARRAY[
	timestamptz '2026-06-01 12:00', '2026-05-03', '2026-05-03 00:00:00.001', '2026-05-02 23:59:59.999999',
	'2026-04-12 00:15', '2026-03-01', 'infinity']) AS at, pg_temp.wrong(at);

-- the text is canonical
SELECT 'UNIQUE_LIST( order.category WHERE total>5 , ever)'::cdp.predicate AS list,
	'days_since(order, 90 day) > 3 and most_frequent("Order".a.b , this week)=''x'''::cdp.predicate AS others;
-- in predicates
SELECT count(*) FILTER (WHERE cdp.is_member(profile_id, 'unique_list(any.category) contains ''Bags''')) =
		count(*) FILTER (WHERE EXISTS (SELECT FROM pg_temp.log AS e WHERE e.profile_id = p.profile_id AND category = 'Bags')) AS bags,
	count(*) FILTER (WHERE cdp.is_member(profile_id, 'days_since(order) >= 30')) =
		count(*) FILTER (WHERE (SELECT max(occurred_at) FROM pg_temp.log AS e WHERE e.profile_id = p.profile_id AND name = 'order')
			<= cdp.clock() - interval '720 hours') AS sleeping
FROM cdp.profile_current AS p;

-- defining: what is wrong is pointed at
SELECT cdp.define_computed_trait('Best', 'count(order)');
SELECT cdp.define_computed_trait('orders', 'count(order)');
SELECT cdp.define_computed_trait('country', 'count(order)');
SELECT cdp.define_computed_trait('best', 'most_frequent(order.colour)');
SELECT cdp.define_computed_trait('best', 'most_frequent(order)');
SELECT cdp.define_computed_trait('best', 'days_since(order.amount)');
SELECT cdp.define_computed_trait('best', 'sum(order.amount) + country = 5 months');
SELECT cdp.define_computed_trait('best', '3 months');
SELECT cdp.define_computed_trait('best', 'sum(order.amount) +');
SELECT cdp.define_computed_trait('best', NULL);
SELECT cdp.drop_computed_trait('best');

-- what changes with events only is steady
SELECT cdp.define_computed_trait('best', 'most_frequent(any.category)', 'favourite category'),
	cdp.define_computed_trait('basket', 'avg(order.amount where category is not null)'),
	cdp.define_computed_trait('latest_cart', 'last(cart_add)'),
	cdp.define_computed_trait('shopping_days', 'active_days(any)'),
	cdp.define_computed_trait('spring', 'count(any, between 2026-03-20T00:00Z and 2026-06-20T00:00Z)'),
	cdp.define_computed_trait('tastes', 'unique_list(any.category)'),
	cdp.define_computed_trait('recent', 'count(order, 90 days)'),
	cdp.define_computed_trait('idle', 'days_since(any)'),
	cdp.define_computed_trait('age', 'now - first(any)'),
	cdp.define_computed_trait('per_order', 'revenue / count(order)'),
	cdp.define_computed_trait('keen', 'did(order where amount > 900) and best is not null'),
	cdp.define_computed_trait('vip', 'coalesce(lower(best), ''none'')'),
	cdp.define_computed_trait('fan', 'count(any where occurred_at > now - 3 days)') \g /dev/null
SELECT name, expression, type, steady, description, created_at FROM cdp.computed_trait ORDER BY name;

-- one that sources send may not be taken, the other way round ours counts
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "t1", "userId": "u1", "timestamp": "2026-05-01T00:00:00Z",
	"traits": {"taste": "tea", "basket": 3, "latest_cart": "never"}}') > 0 AS told;
SELECT cdp.define_computed_trait('taste', 'count(order)');

-- rows of profiles have the steady ones after the next merge run, and keep up
CREATE FUNCTION pg_temp.stale() RETURNS TABLE (profile_id bigint, kept jsonb, computed jsonb)
LANGUAGE sql AS $$
	SELECT *
	FROM (
		SELECT p.profile_id,
			(SELECT coalesce(jsonb_object_agg(t.key, t.value), '{}') FROM jsonb_each(p.traits) AS t
				WHERE p.lineage -> t.key = '{"rule": "computed"}') AS kept,
			(SELECT coalesce(jsonb_object_agg(c.name, c.value) FILTER (WHERE c.value IS NOT NULL), '{}')
				FROM cdp.computed_traits_of(p.profile_id, 'infinity') AS c JOIN cdp.computed_trait AS d USING (name)
				WHERE d.steady) AS computed
		FROM cdp.profile_current AS p
	) AS compared
	WHERE kept <> computed $$;
SELECT count(*) > 100 AS wait FROM pg_temp.stale();
CALL cdp.merge();
SELECT count(*) AS stale FROM pg_temp.stale();
SELECT count(*) > 100 AS known FROM cdp.profile_trait WHERE name = 'best' AND rule = 'computed';
SELECT traits ?| '{recent,idle,age,per_order}' AS moving, traits -> 'taste' AS taste, traits -> 'basket' <> '3' AS ours,
	traits ->> 'latest_cart' IS DISTINCT FROM 'never' AS ours_too
FROM cdp.unified_profile WHERE profile_id = cdp.find_profile('user_id', 'u1');
-- late events, merges, a rebuild
SELECT cdp.ingest('web', jsonb_build_object('type', 'track', 'event', 'order', 'messageId', 'late' || n,
	'userId', 'u' || n, 'anonymousId', 'a' || n / 2, 'timestamp', timestamptz '2026-03-02' + n * interval '1 hour',
	'properties', jsonb_build_object('category', 'late', 'total', 5, 'currency', 'EUR'))) > 0 AS late
FROM generate_series(1, 40) AS n \g /dev/null
SELECT count(*) AS stale FROM pg_temp.stale();
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_build_object('type', 'identify', 'messageId', 'm' || n, 'userId', 'u' || n, 'anonymousId', 'b' || n % 20)
FROM generate_series(100, 180) AS n;
CALL cdp.merge();
SELECT count(*) AS stale FROM pg_temp.stale();
CREATE TABLE pg_temp.before AS SELECT profile_id, traits, lineage FROM cdp.profile_current;
SELECT cdp.rebuild_profiles() > 0 AS rebuilt;
SELECT count(*) AS differ FROM pg_temp.before FULL JOIN cdp.profile_current AS p USING (profile_id)
WHERE (before.traits, before.lineage) IS DISTINCT FROM (p.traits, p.lineage);

-- as a column, and in predicates by name
SELECT cdp.expose_trait('basket') \g /dev/null
SELECT count(*) > 0 AS some, bool_and(basket IS NOT DISTINCT FROM (traits ->> 'basket')::numeric) AS same
FROM cdp.unified_profile;
SELECT cdp.segment_size('basket > 500') = count(*) AS same FROM cdp.unified_profile WHERE basket > 500;
SELECT cdp.segment_size('tastes contains ''late''') > 0 AS late;
-- those that are stored nowhere stand for their expressions, at any instant
SELECT at, cdp.segment_size('recent > 1 and idle < 40', at) > 0 AS some,
	cdp.segment_size('recent > 1 and idle < 40', at) = cdp.segment_size('count(order, 90 days) > 1 and days_since(any) < 40', at) AS same
FROM unnest('{2026-05-01, 2026-06-01 12:00}'::timestamptz[]) AS at;
SELECT cdp.segment_size('count(order where amount > 100 * profile.recent) > 0') > 0 AS inside;
SELECT severity, "position", message FROM cdp.predicate_check('fan > 1 or recent = ''x''');
-- but not in each other, nor in themselves, directly or through a segment
SELECT cdp.define_computed_trait('twice', 'basket + recent * 2');
SELECT cdp.define_computed_trait('twice', 'count(order where amount > profile.recent)');
SELECT cdp.define_computed_trait('twice', 'twice + 1');
SELECT cdp.define_computed_trait('basket', 'basket + 1');
SELECT cdp.define_computed_trait('twice', 'basket * 2'), cdp.define_computed_trait('later', 'undefined_yet * 2'),
	cdp.define_segment('doubled', 'twice > 100') \g /dev/null
SELECT cdp.define_computed_trait('twice', 'in_segment(''doubled'')');
SELECT cdp.define_segment('doubled', 'twice > 100 and in_segment(''doubled'')');
SELECT cdp.define_computed_trait('basket', 'count(order, 7 days)');
SELECT cdp.define_computed_trait('undefined_yet', 'count(order, 7 days)');
SELECT cdp.drop_segment('doubled');
SELECT cdp.drop_computed_trait('twice'), cdp.drop_computed_trait('later') \g /dev/null
SELECT severity, message FROM cdp.predicate_check('twice > 1');
SELECT hint FROM cdp.predicate_check('recnt > 1');
SELECT cdp.drop_computed_trait('basket');

-- redefined, made unsteady, dropped: profiles follow
SELECT cdp.define_computed_trait('best', 'most_frequent(order.category)'),
	cdp.define_computed_trait('spring', 'count(any, 90 days)'), cdp.drop_computed_trait('tastes') \g /dev/null
SELECT count(*) > 0 AS wait FROM cdp.todo WHERE phase = 'all_profiles';
CALL cdp.merge();
SELECT count(*) AS stale FROM pg_temp.stale();
SELECT count(*) AS gone FROM cdp.profile_current WHERE traits ?| '{tastes,spring}' OR lineage ?| '{tastes,spring}';
SELECT name FROM cdp.trait WHERE name IN ('tastes', 'spring', 'best');
-- a property that is no longer declared takes its traits away, nothing else
UPDATE cdp.event_property SET reserved = false WHERE property = 'category';
SELECT cdp.undeclare_property(event, property) FROM cdp.event_property WHERE property = 'category' \g /dev/null
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "t2", "userId": "u2"}') > 0 AS told;
CALL cdp.merge();
SELECT count(*) AS stale FROM pg_temp.stale();
SELECT name, value IS NOT NULL AS known FROM cdp.computed_traits_of(cdp.find_profile('user_id', 'u2')) ORDER BY name;

-- on reading: one profile, all profiles, none
SELECT count(*) AS differ
FROM cdp.profile_computed_trait AS v JOIN cdp.profile_current AS p USING (profile_id)
WHERE v.as_of <> cdp.clock() OR v.value IS DISTINCT FROM
	(SELECT c.value FROM cdp.computed_traits_of(p.profile_id) AS c WHERE c.name = v.name);
SELECT count(*) = count(DISTINCT profile_id) * (SELECT count(*) FROM cdp.computed_trait) AS complete
FROM cdp.profile_computed_trait;
SELECT count(*) AS none FROM cdp.computed_traits_of(-1);
SELECT name, value, as_of FROM cdp.computed_traits_of(cdp.find_profile('user_id', 'u2'), '2026-01-01') ORDER BY name;
