-- Predicates over properties that timelines do not hold are evaluated from the
-- log; the answer is that of the timelines once the property is declared.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
\pset format unaligned
SELECT cdp.add_source('web') AS web, cdp.add_source('till') AS till \g /dev/null

-- random events with properties of every kind, declared ones (category,
-- order_id) among them, of people of whom some turn out to be the same
\set seed 5
SELECT setseed(:seed / 100.0) \g /dev/null
CREATE FUNCTION pg_temp.value() RETURNS jsonb
LANGUAGE sql VOLATILE AS $$
	SELECT ('["red", "blue", "", 1, 2.5, -3, true, false, null, ["red", 1], {"a": 1}]'::jsonb) -> floor(random() * 11)::integer $$;
INSERT INTO cdp.inbox (source, record)
SELECT (ARRAY['web', 'till'])[1 + n % 2], jsonb_build_object('type', 'track',
	'event', (ARRAY['order', 'cart_add', 'page_view', 'rare'])[1 + floor(power(random(), 2) * 3.05)::integer],
	'messageId', 'm' || n, 'timestamp', to_char(timestamp '2026-05-01' + floor(random() * 30 * 24) * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'anonymousId', 'c' || floor(random() * 40), 'userId', CASE WHEN random() < 0.2 THEN 'u' || floor(random() * 25) END,
	'properties', jsonb_strip_nulls(jsonb_build_object('total', floor(random() * 100), 'currency', 'EUR',
		'color', pg_temp.value(), 'weight', pg_temp.value(), 'category', pg_temp.value(), 'cart_id', floor(random() * 5),
		'deep', jsonb_build_object('x', pg_temp.value(), 'y', jsonb_build_object('z', pg_temp.value())),
		'list', (SELECT jsonb_agg(jsonb_build_object('x', pg_temp.value(), 'y', pg_temp.value())) FROM generate_series(1, n % 4)),
		'deep.x', CASE WHEN random() < 0.3 THEN pg_temp.value() END)))::text
FROM generate_series(1, 1500) AS n;
CALL cdp.merge();

CREATE TABLE asked (predicate cdp.predicate);
INSERT INTO asked VALUES
	('did(order where color = ''red'')'), ('count(order where weight > 1, 10 days) >= 2'), ('not did(cart_add where color is null)'),
	('sum(order.weight) > 3'), ('max(cart_add.weight, between 5 and 20 days ago) >= 2'), ('distinct_count(any.color) > 2'),
	('latest(order.color) = ''blue'' or earliest(page_view.weight) = 1'), ('did(any where category = ''red'' and color = ''red'')'),
	('sequence(cart_add where color = ''red'' then order within 5 days same weight)'), ('sequence(cart_add then no order within 2 days same color)'),
	('count(order where color in (''red'', ''blue'') and category is distinct from ''red'') > 1'), ('avg(order.weight) between 0 and 2'),
	('count(page_view, since last(order where color = ''red'')) > 0'), ('active_days(any where color contains ''red'') > 0'),
	('did(order where category = ''red'')'), ('not did(order)'), ('kind = ''known'''), ('did(rare)'), ('count(rare where color = ''red'') = 0'),
	('count(any where profile.events > 20 and weight > 0) > 2'), ('did(order.nothing where color = ''red'')'),
	('did(order where deep.x = ''red'')'), ('sum(order.deep.y.z) > 3'), ('not did(any where deep.y.z is null)'), ('sequence(cart_add then order same deep.x)'),
	('did(order where list.x contains ''red'')'), ('count(any where list.y contains any (''blue'', 1)) > 3'), ('count(order where list.x is null) > 2');
DELETE FROM asked WHERE predicate::text LIKE '%nothing%';
CREATE FUNCTION pg_temp.members(OUT place bigint, OUT as_of timestamptz, OUT profile_id bigint) RETURNS SETOF record
LANGUAGE sql AS $$
	WITH numbered AS (SELECT array_agg(predicate ORDER BY predicate) AS predicates FROM asked)
	SELECT number, instant, evaluated.profile_id
	FROM numbered, generate_series(timestamptz '2026-05-05 00:00+00', '2026-06-02 00:00+00', '4 days') AS instant,
		cdp._evaluate_all(predicates, instant) AS evaluated, unnest(matched) AS number $$;
CREATE FUNCTION pg_temp.alone(OUT place bigint, OUT as_of timestamptz, OUT profile_id bigint) RETURNS SETOF record
LANGUAGE sql AS $$
	WITH numbered AS (SELECT predicate, row_number() OVER (ORDER BY predicate) AS number FROM asked)
	SELECT number, instant, evaluated.profile_id
	FROM numbered, generate_series(timestamptz '2026-05-05 00:00+00', '2026-06-02 00:00+00', '4 days') AS instant,
		cdp._evaluate_log(ARRAY[predicate], instant, NULL) AS evaluated
	WHERE evaluated.matched = '{1}' $$;
CREATE FUNCTION pg_temp.one_by_one(OUT place bigint, OUT as_of timestamptz, OUT profile_id bigint) RETURNS SETOF record
LANGUAGE sql AS $$
	WITH numbered AS (SELECT predicate, row_number() OVER (ORDER BY predicate) AS number FROM asked)
	SELECT number, timestamptz '2026-05-21 00:00+00', current.profile_id
	FROM numbered, cdp.profile_current AS current
	WHERE cdp.is_member(current.profile_id, predicate, '2026-05-21 00:00+00') $$;
SELECT DISTINCT place, event, property FROM cdp._undeclared((SELECT array_agg(predicate ORDER BY predicate) FROM asked), cdp._evaluation_context()) ORDER BY 1, 2, 3;
CREATE TABLE together AS SELECT * FROM pg_temp.members();
CREATE TABLE from_log AS SELECT * FROM pg_temp.alone();
CREATE TABLE single AS SELECT * FROM pg_temp.one_by_one();
-- inside objects, by hand
CREATE TABLE by_hand AS
SELECT current.profile_id, coalesce(bool_or(coalesce(nullif(properties -> 'deep.x', 'null'), properties -> 'deep' -> 'x') = '"red"'), false) AS red,
	coalesce(sum((properties -> 'deep' -> 'y' ->> 'z')::numeric) FILTER (WHERE jsonb_typeof(properties -> 'deep' -> 'y' -> 'z') = 'number'), 0) > 3 AS much
FROM cdp.profile_current AS current LEFT JOIN (cdp.event JOIN cdp._set_profile USING (set_id)) ON _set_profile.profile_id = current.profile_id AND event.name = 'order'
GROUP BY current.profile_id;
SELECT count(*) FILTER (WHERE red) > 10 AS some, count(*) FILTER (WHERE NOT red) > 5 AS others, count(*) FILTER (WHERE much) > 5 AS many,
	count(*) FILTER (WHERE red <> (1 = ANY (matched)) OR much <> (2 = ANY (matched))) AS differ
FROM by_hand JOIN cdp._evaluate_all('{"did(order where deep.x = ''red'')","sum(order.deep.y.z) > 3"}', '2026-07-01 00:00+00') USING (profile_id);
-- the declared way; until timelines hold the properties, the log goes on to
-- answer, also where a slot held something else before
SELECT cdp.declare_property('order', 'total');
CALL cdp.merge();
SELECT cdp.undeclare_property('order', 'total');
SELECT count(cdp.declare_property('*', property)) AS declared FROM unnest('{color,weight,category,deep.x,deep.y.z,list.x,list.y}'::text[]) AS property;
CREATE TABLE between_runs AS SELECT * FROM pg_temp.members();
SELECT count(*) AS differ FROM ((TABLE between_runs EXCEPT TABLE together) UNION (TABLE together EXCEPT TABLE between_runs)) AS differs;
CALL cdp.merge();
SELECT count(*) AS undeclared FROM cdp._undeclared((SELECT array_agg(predicate) FROM asked), cdp._evaluation_context());
CREATE TABLE packed AS SELECT * FROM pg_temp.members();
SELECT 'seed ' || :seed AS failed, place, as_of, profile_id, (SELECT predicate FROM asked ORDER BY predicate OFFSET place - 1 LIMIT 1)
FROM ((TABLE packed EXCEPT TABLE together) UNION (TABLE together EXCEPT TABLE packed)
	UNION (TABLE packed EXCEPT TABLE from_log) UNION (TABLE from_log EXCEPT TABLE packed)
	UNION (SELECT * FROM packed WHERE as_of = '2026-05-21 00:00+00' EXCEPT TABLE single)
	UNION (TABLE single EXCEPT TABLE packed)) AS differs
ORDER BY place, as_of, profile_id LIMIT 10;
SELECT count(*) > 1000 AS compared, count(DISTINCT place) = (SELECT count(*) FROM asked) AS all_have_members FROM packed;

-- a name with dots: a property of that name counts unless it is null, then
-- objects are opened, and lists are of what their elements have
SELECT properties, name, cdp._event_property(properties, name)
FROM (VALUES ('{"a.b": 1, "a": {"b": 2}}'::jsonb, 'a.b'), ('{"a.b": null, "a": {"b": 2}}', 'a.b'), ('{"a.b": null}', 'a.b'), ('{"a": {"b": {"c": 3}}}', 'a.b.c'),
	('{"a": {"b.c": 4}}', 'a.b.c'), ('{"a": [{"b": 5}]}', 'a.b'), ('{"a": [6]}', 'a.0'), ('{"a": 7}', 'a.b'), ('{"a": {"": {"b": 8}}}', 'a..b'),
	('{"a": {"b": null}}', 'a.b'), ('{"a": null}', 'a'), ('[1]', 'a'), ('"a"', 'a.b'), ('{"": 9}', ''),
	('{"a": [{"b": 1}, 2, null, [{"b": 3}], {"b": null}, {"c": 4}, {"b": {"d": 5}}, {"b": [6]}]}', 'a.b'), ('{"a": [{"b": 1}, {"b": {"c": 2}}, {"b.c": 3}]}', 'a.b.c'),
	('{"a": [{"b": [{"c": 1}, {"c": 2}]}, {"b": {"c": 3}}]}', 'a.b.c'), ('{"a": []}', 'a.b'), ('{"a": [{"c": 1}]}', 'a.b'), ('{"a": [{"b": null}]}', 'a.b'),
	('{"a": {"b": [{"c": 1}]}}', 'a.b.c'), ('{"a.b": 1, "a": [{"b": 2}]}', 'a.b'), ('{"a.b": 1, "a": [{"c": 2}]}', 'a.b'), ('{"a.b": 1, "a": []}', 'a.b'), ('{"a.b": null, "a": [{"b": 2}]}', 'a.b'), ('[{"a": 1}]', 'a')) AS given (properties, name);

-- the same by SQL, of lists of random elements
SELECT count(*) > 400 AS compared, count(gathered) > 100 AS some, count(*) FILTER (WHERE gathered IS DISTINCT FROM cdp._event_property(jsonb_build_object('list', list), 'list.b')) AS differ
FROM (SELECT n, jsonb_agg(element) AS list, CASE WHEN count(nullif(jsonb_typeof(found), 'null')) > 0 THEN jsonb_agg(found) END AS gathered
	FROM (SELECT n, element, CASE WHEN jsonb_typeof(element) = 'object' THEN element -> 'b' END AS found
		FROM generate_series(1, 600) AS n, generate_series(1, n % 5) AS place, LATERAL (SELECT (ARRAY['{"b": 1}', '{"b": "x"}', '{"c": 2}', '7', 'null', '[{"b": 3}]', '{"b": null}', '{"b": [4, {"b": 5}]}'])[1 + floor(random() * 8 + n * place * 0)::integer]::jsonb AS element) AS made) AS held
	GROUP BY n) AS whole;
-- a single predicate about few events is evaluated from the log, others are not
ANALYZE cdp.timeline_chunk;
SELECT predicate, cdp._is_about_few(ARRAY[predicate], NULL) AS few FROM asked
WHERE predicate::text IN ('did(rare)', 'not did(order)', 'kind = ''known''', 'did(any where category = ''red'' and color = ''red'')') ORDER BY 1;
SELECT cdp._is_about_few(ARRAY['did(rare)', 'did(rare)']::cdp.predicate[], NULL) AS two, cdp._is_about_few(ARRAY['did(rare)']::cdp.predicate[], '{1}') AS one_profile;

-- orders of two sources are told of
SELECT severity, message, hint FROM cdp.predicate_check('count(order) > 1 and count(page_view) > 1');

-- a segment over such a property is refreshed, and kept at once by ingest
\i :fresh
SELECT cdp.add_source('web') AS web \g /dev/null
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "u1", "messageId": "1", "timestamp": "2026-05-20T00:00:00Z", "properties": {"color": "red"}}') > 0 AS stored;
CALL cdp.merge();
SELECT cdp.define_segment('red', 'count(order where color = ''red'') >= 2') > 0 AS defined;
SELECT severity, message, hint FROM cdp.predicate_check('count(order) > 1 and count(page_view) > 1');
SELECT cdp.define_segment('buyer', 'did(order)') > 0 AS defined;
CALL cdp.merge();
SELECT segment FROM cdp.segment_member WHERE segment IN ('red', 'buyer') ORDER BY 1;
SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "u1", "messageId": "2", "timestamp": "2026-05-21T00:00:00Z", "properties": {"color": "red"}}') > 0 AS stored;
SELECT segment FROM cdp.segment_member WHERE segment IN ('red', 'buyer') ORDER BY 1;
CALL cdp.merge();
SELECT segment FROM cdp.segment_member WHERE segment IN ('red', 'buyer') ORDER BY 1;
SELECT name, size, error FROM cdp.segment WHERE name IN ('red', 'buyer') ORDER BY 1;
-- and so is why somebody is a member
SELECT node, truth, value, decides FROM cdp.explain_membership(cdp.find_profile('user_id', 'u1'), 'red');
SELECT node, truth, value FROM cdp.explain_membership(cdp.find_profile('user_id', 'u1'), cdp.predicate 'did(cart_add where color = ''red'')');
-- a computed trait is kept with timelines, so its properties have to be declared
SELECT cdp.define_computed_trait('red_orders', 'count(order where color = ''red'')');

-- two who were taken for one, until their timelines are made anew: what the
-- timeline of one holds of the other is nobody's, whoever is asked beside whom
SELECT cdp.ingest('web', jsonb_build_object('type', 'track', 'event', 'page_view', 'messageId', 'apart-' || n, 'timestamp', '2026-05-01T00:00:00Z',
	'anonymousId', 'apart-' || n, 'properties', jsonb_build_object('leaf', CASE n WHEN 2 THEN 'tea' END))) > 0 AS stored FROM generate_series(1, 2) AS n;
SELECT cdp.ingest('web', jsonb_build_object('type', 'identify', 'messageId', 'apart-u' || n, 'timestamp', '2026-05-01T00:00:00Z',
	'anonymousId', 'apart-' || n, 'userId', 'apart')) > 0 AS stored FROM generate_series(1, 2) AS n;
SELECT cdp.unmerge(cdp.find_profile('user_id', 'apart'), '{anonymous_id:apart-2}', 'test') > 0 AS unmerged;
CREATE FUNCTION pg_temp.tea_readers() RETURNS TABLE (asked text, one boolean, two boolean) LANGUAGE plpgsql AS $$
DECLARE
	tea cdp.predicate[] := '{"count(page_view where leaf = ''tea'') >= 1"}';
	ids bigint[] := ARRAY[cdp.find_profile('anonymous_id', 'apart-1'), cdp.find_profile('anonymous_id', 'apart-2')];
BEGIN
	RETURN QUERY
	SELECT 'together', bool_or(matched <> '{}') FILTER (WHERE profile_id = ids[1]), bool_or(matched <> '{}') FILTER (WHERE profile_id = ids[2])
	FROM cdp._evaluate_all(tea, cdp.clock(), ids)
	UNION ALL
	SELECT 'one by one', (SELECT matched <> '{}' FROM cdp._evaluate_all(tea, cdp.clock(), ids[1:1])),
		(SELECT matched <> '{}' FROM cdp._evaluate_all(tea, cdp.clock(), ids[2:2]));
END
$$;
CALL cdp.merge(phases => '{profile}');
SELECT phase FROM cdp.todo;
SELECT * FROM pg_temp.tea_readers();
CALL cdp.merge();
SELECT * FROM pg_temp.tea_readers();
