-- Predicates as JSON, for builders: there and back.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension
\set SHOW_CONTEXT never
\pset tuples_only on

-- what each part looks like
SELECT cdp.predicate 'country = ''BR'' and not (age > -3.50 or vip is not true or x is null)' :: jsonb;
SELECT cdp.predicate 'a.b in (1, true, null) and c not between 2026-01-31 and now and d not ilike ''x%'''::jsonb;
SELECT cdp.predicate 'tags contains ''a'' and tags contains any (1, 2) and a + 1 - b * 2 = -c and d is distinct from today - 7 days'::jsonb;
SELECT cdp.predicate 'count(order where amount > 5, 90 days) >= 3 and sum(any.price) > 0 and near(a, b, 1, 2, 3) and f()'::jsonb;
SELECT cdp.predicate 'did(a, calendar 7 days) or did(a, between 30 and 60 days ago) or did(a, between 2026-01-01 and 2026-02-01T10:00Z)
	or did(a, since last(b)) or did(a, today) or did(a, this week) or did(a, last month)'::jsonb;
SELECT cdp.predicate 'sequence(a.b where x then no c within 4 hours same p.q then "no", 7 days)'::jsonb;
SELECT cdp.predicate 'did(a, today) at time zone ''Europe/Berlin'''::jsonb, cdp.predicate 'true'::jsonb, cdp.predicate 'null at time zone ''UTC'''::jsonb;

-- and back, from what a builder may write: args left out, numbers of any form,
-- chains within chains
SELECT ('{"op": "and", "args": [{"op": "and", "args": [true, false]}, {"op": ">", "args": [1e3, 1.500]},
	{"op": "<", "args": [{"op": "now"}, {"op": "-", "args": [{"op": "-", "args": [-3]}]}]}]}'::jsonb)::cdp.predicate;
SELECT ('{"op": "like", "args": [{"op": "path", "args": ["Odd \"Name\"", "and"]}, "it''s"]}'::jsonb)::cdp.predicate;
SELECT ('{"op": "did", "args": [{"op": "event", "args": ["any"]}], "window": {"op": "duration", "args": [1.0, "day"]}}'::jsonb)::cdp.predicate;

-- round trip of one of each
CREATE FUNCTION pg_temp.broken(predicate text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT predicate WHERE (predicate::cdp.predicate::jsonb)::cdp.predicate OPERATOR(cdp.<>) predicate::cdp.predicate
$$;
SELECT pg_temp.broken(predicate) FROM (VALUES
	('a <> 007.50 or a != 10.0 or a = 0.0 or a = -0 or a = -5 or a = - 5'),
	('a = 2026-01-31t00:00:00 or a = 2026-01-31T09:30:00z or a = 2026-01-31T09:30:07 or a = 2026-01-31T00:00Z'),
	('n + 1 DAY > m - 2 Day and x = 1.0 hours and y = 90 minute and z = 0 seconds'),
	('"a" = 1 and "A" = 2 and "a b".c = 3 and "say ""hi""" = 4 and über = 5 and ÄB = 6'),
	('"and" or "true" or "now" or count or days or "where".within2 or sequence or any or no or last'),
	('it = ''o''''clock'' and it = '''' and "it" = ''\'''),
	('(a or b) and not (c and d) and not (not e)'),
	('((1 + 2)) + 3 - (4 - 5) + (6 + 7) = (1 * 2) * 3 / (4 * 5) + (6 - 7) * 8'),
	('-(a) = -(a + 1) and -(-a) = -(-(5)) and 2 - -3 = 5 and -(7 days) = d'),
	('(a = 1) = (b = 2) and (a is null) is not true and (not a) = b and (a and b) is false'),
	('a is null and a is not null and a is true and a is not false and a is distinct from b and a is not distinct from 1 + 2'),
	('a like ''%x_'' and a not like ''y'' and a ilike ''Z'' and a not ilike ''q'''),
	('a contains any and a contains (b) and a contains all (1, 2)'),
	('did(any) and did("any") and count(any.category where any.b = 1) > 1 and did("order".x."y z")'),
	('did(a, 1.5 hours) and did(a, calendar 2 QUARTERS) and did(a, ever) and did(a, between 0 and 2 years ago)'),
	('did(a where (x = 1 or y) and count(b where z, since c - 3 days) > 2, 7 days)'),
	('most_frequent(a.b) = 1 and unique_list(a.b) contains 1 and days_since(a) > 1 and sessions(a) + session_minutes(a) > pages_per_session(a)'),
	('sequence(no then "no" then no no then any within 5 days)'),
	('sequence(a) and sequence(any then no any same x)'),
	('coalesce(a, b + 1, null) = über(1, h(2)) and f()'),
	('x = 1234567890123456789012345678901234567890.0000000000000000000000000001'),
	('a at time zone ''Europe/Atlantis''')) AS v (predicate);

-- what is wrong is named with its path
CREATE FUNCTION pg_temp.wrong(tree text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	RETURN (tree::jsonb)::cdp.predicate;
EXCEPTION WHEN invalid_text_representation THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN regexp_replace(SQLERRM, 'invalid predicate in JSON at', '') || ': ' || detail;
END
$$;
SELECT pg_temp.wrong(tree) FROM (VALUES
	('[]'), ('{}'), ('{"op": 1}'), ('{"op": "xor", "args": [true, true]}'),
	('{"op": "not", "args": true}'), ('{"op": "not"}'), ('{"op": "and", "args": [true]}'),
	('{"op": "now", "args": [1]}'), ('{"op": "=", "args": [1, 2, 3]}'),
	('{"op": "not", "args": [{"op": "=", "args": [1, {"op": "path"}]}]}'),
	('{"op": "=", "args": [1, [2]]}'),
	('{"op": "=", "args": [1, 2], "window": 3}'),
	('{"op": "path", "args": ["a", ""]}'), ('{"op": "path", "args": ["a", 1]}'),
	('{"op": "like", "args": ["a", 1]}'),
	('{"op": "date", "args": ["2026-02-30"]}'), ('{"op": "date", "args": ["2026-01-01T10:00-03"]}'),
	('{"op": "date", "args": ["0000-01-01"]}'), ('{"op": "date", "args": [2026]}'),
	('{"op": "duration", "args": [1, "days"]}'), ('{"op": "duration", "args": [-1, "day"]}'),
	('{"op": "duration", "args": [1.5, "month"]}'), ('{"op": "duration", "args": ["1", "day"]}'),
	('{"op": "call", "args": ["count", 1]}'), ('{"op": "call", "args": ["And", 1]}'),
	('{"op": "call", "args": ["f) or (g", 1]}'), ('{"op": "call"}'),
	('{"op": "did", "args": ["order"]}'), ('{"op": "did", "args": [{"op": "path", "args": ["order"]}]}'),
	('{"op": "did", "args": [{"op": "event", "args": ["order"]}, {"op": "today"}]}'),
	('{"op": "did", "args": [{"op": "event", "args": ["order", null]}]}'),
	('{"op": "did", "args": [{"op": "event", "args": ["order"], "where": {"op": "or", "args": [true, {"op": "no"}]}}]}'),
	('{"op": "did", "args": [{"op": "event", "args": ["a"]}], "window": 3}'),
	('{"op": "did", "args": [{"op": "event", "args": ["a"]}], "window": {"op": "now"}}'),
	('{"op": "did", "args": [{"op": "event", "args": ["a"]}], "window": {"op": "this", "args": ["day"]}}'),
	('{"op": "did", "args": [{"op": "event", "args": ["a"]}], "window": {"op": "between", "args": [{"op": "date", "args": ["2026-01-01"]}, 1]}}'),
	('{"op": "did", "args": [{"op": "event", "args": ["a"]}], "window": {"op": "between", "args": [{"op": "date", "args": ["2026-01-01"]}, {"op": "now"}]}}'),
	('{"op": "did", "args": [{"op": "event", "args": ["a"]}], "window": {"op": "calendar", "args": [{"op": "duration", "args": [1, "hour"]}]}}'),
	('{"op": "did", "args": [{"op": "event", "args": ["a"]}], "window": {"op": "ago", "args": [0.5, {"op": "duration", "args": [1, "year"]}]}}'),
	('{"op": "did", "args": [{"op": "event", "args": ["a"]}], "window": {"op": "ago", "args": [1, {"op": "today"}]}}'),
	('{"op": "sequence", "args": []}'),
	('{"op": "sequence", "args": [{"op": "no step", "args": [{"op": "event", "args": ["a"]}]}]}'),
	('{"op": "sequence", "args": [{"op": "step", "args": [{"op": "event", "args": ["a"]}], "within": {"op": "duration", "args": [1, "day"]}}]}'),
	('{"op": "sequence", "args": [{"op": "step", "args": [{"op": "event", "args": ["a"]}]}, {"op": "step", "args": [{"op": "event", "args": ["a"]}], "same": {"op": "now"}}]}'),
	('{"op": "not", "args": [{"op": "at time zone", "args": [true, "UTC"]}]}'),
	('{"op": "at time zone", "args": [true, 1]}'),
	('1e200'), ('0.' || repeat('3', 100))) AS v (tree);
SELECT NULL::jsonb::cdp.predicate IS NULL, NULL::cdp.predicate::jsonb IS NULL;
-- limits are those of the text
DO $$
BEGIN
	PERFORM (repeat('{"op": "not", "args": [', 250) || 'true' || repeat(']}', 250))::jsonb::cdp.predicate;
EXCEPTION WHEN program_limit_exceeded THEN RAISE NOTICE '%', SQLERRM;
END $$;
DO $$
BEGIN
	PERFORM to_jsonb(repeat('x', 70000))::cdp.predicate;
EXCEPTION WHEN program_limit_exceeded THEN RAISE NOTICE '%', SQLERRM;
END $$;
-- casts are explicit only
SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast
WHERE 'cdp.predicate'::regtype IN (castsource, casttarget) ORDER BY 1::text;

-- random trees of every op: the predicate's own tree is the predicate again,
-- and so is its text
\set seed 9
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CREATE FUNCTION pg_temp.one(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT choices[1 + floor(random() * cardinality(choices))::integer]
$$;
CREATE FUNCTION pg_temp.op(op text, VARIADIC args jsonb[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('op', op, 'args', to_jsonb(args))
$$;
CREATE FUNCTION pg_temp.name() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT to_jsonb(pg_temp.one('a', 'Total', 'and', 'order', 'any', 'no', 'x y', 'über', '"', '''', 'last', 'day', 'ago'))
$$;
CREATE FUNCTION pg_temp.duration(lowest text) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT CASE WHEN random() < 0.5 OR lowest = 'day'
		THEN pg_temp.op('duration', to_jsonb(floor(random() * 100)), to_jsonb(pg_temp.one('day', 'week', 'month', 'quarter', 'year')))
		ELSE pg_temp.op('duration', to_jsonb((random() * 100)::numeric(5, 2)), to_jsonb(pg_temp.one('second', 'minute', 'hour', 'day', 'week'))) END
$$;
CREATE FUNCTION pg_temp.date() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT pg_temp.op('date', to_jsonb(to_char(timestamp '2026-01-01' + random() * interval '400 days',
		pg_temp.one('YYYY-MM-DD', 'YYYY-MM-DD"T"HH24:MI', 'YYYY-MM-DD"T"HH24:MI:SS"Z"', 'YYYY-MM-DD"T00:00:00"', 'YYYY-MM-DD"T00:00Z"'))))
$$;
CREATE FUNCTION pg_temp.many(depth integer, fewest integer, first_args jsonb DEFAULT '[]') RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	args jsonb := first_args;
BEGIN
	FOR n IN 1 .. fewest + floor(random() * 3)::integer LOOP
		args := args || jsonb_build_array(pg_temp.any_node(depth - 1));
	END LOOP;
	RETURN args;
END
$$;
CREATE FUNCTION pg_temp.event(depth integer) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	event jsonb := pg_temp.op('event', CASE WHEN random() < 0.2 THEN 'null' ELSE pg_temp.name() END);
BEGIN
	IF random() < 0.3 THEN
		event := jsonb_set(event, '{args}', event -> 'args' || jsonb_build_array(pg_temp.name()));
	END IF;
	RETURN event || CASE WHEN random() < 0.4 THEN jsonb_build_object('where', pg_temp.any_node(depth - 1)) ELSE '{}' END;
END
$$;
CREATE FUNCTION pg_temp.the_window(depth integer) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN CASE floor(random() * 9)
		WHEN 0 THEN pg_temp.duration('second')
		WHEN 1 THEN pg_temp.op('calendar', pg_temp.duration('day'))
		WHEN 2 THEN pg_temp.op('ago', to_jsonb(floor(random() * 9)), pg_temp.duration('second'))
		WHEN 3 THEN pg_temp.op('between', pg_temp.date(), pg_temp.date())
		WHEN 4 THEN pg_temp.op('since', pg_temp.any_node(depth - 1))
		WHEN 5 THEN '{"op": "today"}'
		WHEN 6 THEN pg_temp.op('this', to_jsonb(pg_temp.one('week', 'month', 'quarter', 'year')))
		WHEN 7 THEN pg_temp.op('last', to_jsonb(pg_temp.one('week', 'month', 'quarter', 'year'))) END;
END
$$;
CREATE FUNCTION pg_temp.steps(depth integer) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	steps jsonb := jsonb_build_array(pg_temp.op('step', pg_temp.event(depth)));
BEGIN
	FOR n IN 1 .. floor(random() * 3) LOOP
		steps := steps || jsonb_build_array(jsonb_strip_nulls(
			pg_temp.op(pg_temp.one('step', 'no step'), pg_temp.op('event', pg_temp.name(), pg_temp.name()))
			|| jsonb_build_object('within', CASE WHEN random() < 0.5 THEN pg_temp.duration('second') END,
				'same', CASE WHEN random() < 0.5 THEN pg_temp.op('path', pg_temp.name()) END)));
	END LOOP;
	RETURN steps;
END
$$;
CREATE FUNCTION pg_temp.any_node(depth integer) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	a jsonb;
	b jsonb;
	the_window jsonb;
BEGIN
	IF depth <= 0 THEN
		RETURN CASE floor(random() * 9)
			WHEN 0 THEN to_jsonb((random() * 200 - 100)::numeric(8, 3))
			WHEN 1 THEN to_jsonb(floor(random() * 9))
			WHEN 2 THEN to_jsonb(pg_temp.one('', 'x', '''', '"', 'a\b', 'ü', '2026-01-01'))
			WHEN 3 THEN to_jsonb(random() < 0.5)
			WHEN 4 THEN 'null'
			WHEN 5 THEN pg_temp.date()
			WHEN 6 THEN pg_temp.duration('second')
			WHEN 7 THEN jsonb_build_object('op', pg_temp.one('now', 'today'))
			ELSE pg_temp.op('path', pg_temp.name(), pg_temp.name()) END;
	END IF;
	a := pg_temp.any_node(depth - 1 - floor(random() * 2)::integer);
	b := pg_temp.any_node(depth - 1 - floor(random() * 2)::integer);
	CASE floor(random() * 11)
		WHEN 0 THEN RETURN jsonb_build_object('op', pg_temp.one('and', 'or'), 'args', pg_temp.many(depth, 2));
		WHEN 1 THEN RETURN pg_temp.op('not', a);
		WHEN 2 THEN RETURN pg_temp.op(pg_temp.one('=', '!=', '<', '<=', '>', '>='), a, b);
		WHEN 3 THEN RETURN jsonb_build_object('op', pg_temp.one('in', 'not in', 'contains any', 'contains all'), 'args', pg_temp.many(depth, 2));
		WHEN 4 THEN RETURN pg_temp.op(pg_temp.one('between', 'not between'), a, b, pg_temp.any_node(depth - 2));
		WHEN 5 THEN RETURN pg_temp.op(pg_temp.one('like', 'not like', 'ilike', 'not ilike'), a, '"%x_"');
		WHEN 6 THEN RETURN pg_temp.op(pg_temp.one('is null', 'is not null', 'is true', 'is not true', 'is false', 'is not false', '-'), a);
		WHEN 7 THEN RETURN pg_temp.op(pg_temp.one('is distinct from', 'is not distinct from', 'contains', '+', '-', '*', '/'), a, b);
		WHEN 8 THEN RETURN jsonb_build_object('op', 'call', 'args',
			pg_temp.many(depth, 0, jsonb_build_array(pg_temp.one('f', 'near', 'über', 'any', 'day'))));
		ELSE NULL;
	END CASE;
	the_window := pg_temp.the_window(depth);
	RETURN CASE WHEN random() < 0.3 THEN jsonb_build_object('op', 'sequence', 'args', pg_temp.steps(depth))
		ELSE pg_temp.op(pg_temp.one('did', 'count', 'sum', 'avg', 'min', 'max', 'distinct_count', 'active_days', 'first',
			'last', 'earliest', 'latest', 'most_frequent', 'unique_list', 'days_since', 'sessions',
			'session_minutes', 'pages_per_session'), pg_temp.event(depth)) END
		|| CASE WHEN the_window IS NULL THEN '{}' ELSE jsonb_build_object('window', the_window) END;
END
$$;
CREATE TEMP TABLE made AS
SELECT CASE WHEN random() < 0.1 THEN pg_temp.op('at time zone', pg_temp.any_node(3), '"UTC"')
	ELSE pg_temp.any_node(n % 5) END AS tree
FROM generate_series(1, 2000) AS n;
SELECT count(*), count(DISTINCT tree::cdp.predicate::text) > 1500 AS many,
	count(*) FILTER (WHERE tree::cdp.predicate::jsonb::cdp.predicate OPERATOR(cdp.<>) tree::cdp.predicate) AS broken,
	count(*) FILTER (WHERE tree::cdp.predicate::jsonb::cdp.predicate::jsonb <> tree::cdp.predicate::jsonb) AS moved,
	count(*) FILTER (WHERE tree::cdp.predicate::text::cdp.predicate OPERATOR(cdp.<>) tree::cdp.predicate) AS unreadable
FROM made;
-- a tree that is canonical already comes back as it is
SELECT count(*) > 500 AS enough, count(*) FILTER (WHERE tree::cdp.predicate::jsonb <> tree) AS changed
FROM made
WHERE tree::text !~ '"op": "(and|or|date|-)"' AND tree::text !~ '"op": "(now|today)"[^}]*}' AND tree::text !~ '\.[0-9]*0[,\]}]|-0';
