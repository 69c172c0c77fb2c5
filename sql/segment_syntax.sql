-- The predicate language: what goes in and how it comes out.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension
\pset format unaligned
\pset tuples_only on

-- one spelling for all: keywords lower case, names folded, blanks single,
-- numbers and dates without needless zeros
SELECT cdp.predicate E'  COUNTRY\n=\t''BR''  AND NOT vip ';
SELECT cdp.predicate 'a <> 007.50 or a != 10.0 or a = 0.0 or a = -0 or a = -5 or a = - 5';
SELECT cdp.predicate 'a = 2026-01-31t00:00:00 or a = 2026-01-31T09:30:00z or a = 2026-01-31T09:30:07 or a = 2026-01-31T00:00Z';
SELECT cdp.predicate 'n + 1 DAY > m - 2 Day and x = 1.0 hours and y = 90 minute and z = 0 seconds';

-- names: quoted only where they must be
SELECT cdp.predicate '"a" = 1 and "A" = 2 and "a b".c = 3 and "say ""hi""" = 4 and über = 5 and ÄB = 6';
SELECT cdp.predicate '"and" or "true" or "now" or count or days or "where".within2 or sequence or any or no or last';
SELECT cdp.predicate 'it = ''o''''clock'' and it = '''' and "it" = ''\''';

-- parentheses stand only where they are needed
SELECT cdp.predicate '((a)) and ((b and (c and d)) or (e or f))';
SELECT cdp.predicate '(a or b) and not (c and d) and not (not e)';
SELECT cdp.predicate '((1 + 2)) + 3 - (4 - 5) + (6 + 7) = (1 * 2) * 3 / (4 * 5) + (6 - 7) * 8';
SELECT cdp.predicate '-(a) = -(a + 1) and -(-a) = -(-(5)) and 2 - -3 = 5 and -(7 days) = d';
SELECT cdp.predicate '(a = 1) = (b = 2) and (a is null) is not true and (not a) = b and (a and b) is false';

-- every test
SELECT cdp.predicate 'a = 1 and a < 2 and a <= 3 and a > 4 and a >= 5';
SELECT cdp.predicate 'a in (1) and a not in (''x'', b + 1, null) and a between 1 and 2 and a not between b and c';
SELECT cdp.predicate 'a like ''%x_'' and a not like ''y'' and a ilike ''Z'' and a not ilike ''q''';
SELECT cdp.predicate 'a contains ''x'' and a contains any (''x'', ''y'') and a contains all (1, 2) and a contains any and a contains (b)';
SELECT cdp.predicate 'a is null and a is not null and a is true and a is not false and a is distinct from b and a is not distinct from 1 + 2';
SELECT cdp.predicate 'true or false or null or now > today';

-- aggregates and their windows
SELECT cdp.predicate 'did(order) and COUNT("order") > 1 and sum(order.amount) > 1 and avg(order."x y") > 1 and min(a.b.c) > 1 and max(a.b) > 1';
SELECT cdp.predicate 'distinct_count(any.category) > 1 and active_days(any) > 1 and first("any") > now and last(any) > now and earliest(a.b) = 1 and latest(a.b) = 1';
SELECT cdp.predicate 'Sessions(any, 30 DAYS) > 1 and session_minutes(a where x) > 1 and pages_per_session("any") > 1';
SELECT cdp.predicate 'did(a, 7 days) and did(a, 1 week) and did(a, calendar 7 day) and did(a, calendar 2 QUARTERS) and did(a, ever)';
SELECT cdp.predicate 'did(a, between 30 and 90 days ago) and did(a, between 2026-01-01 and 2026-02-01T12:00)';
SELECT cdp.predicate 'did(a, today) and did(a, this week) and did(a, last MONTH) and did(a, this quarter) and did(a, last year)';
SELECT cdp.predicate 'did(a, since 2026-01-01) and did(a, since last(b) + 1 day) and did(a, since signup)';
SELECT cdp.predicate 'did(a where (x = 1 or y) and count(b where z) > 2, 7 days)';

-- sequences
SELECT cdp.predicate 'sequence(cart_add THEN NO order WITHIN 4 hours SAME cart_id, 7 days)';
SELECT cdp.predicate 'sequence(a where x = 1 then b where y = 2 within 1 month then c same p.q then no d within 1.5 hours)';
SELECT cdp.predicate 'sequence(no then "no" then no no then any within 5 days)';

-- functions and zones
SELECT cdp.predicate 'in_segment(''vip'') and Score(''clv'') > 10 and f() = g(1, h(2))';
SELECT cdp.predicate 'did(a, today) AT TIME ZONE ''Europe/Berlin''';
SELECT cdp.predicate '(a or b) at time zone ''UTC''';

-- nothing of the session changes the text
SET DateStyle = 'SQL, DMY';
SET TimeZone = 'Asia/Tokyo';
SELECT cdp.predicate 'a > 2026-02-03 and a < 2026-02-03T04:05:06Z and x = 1234567.25';
RESET DateStyle;
RESET TimeZone;

-- a predicate as deep and as long as can be
SELECT cdp.predicate (repeat('not ', 198) || 'a') IS NOT NULL;
SELECT octet_length(cdp.predicate ('a in (' || repeat('1, ', 21840) || '1)')::text);

-- random trees in random spellings: text of text is text, and it means the
-- same as the original does
CREATE FUNCTION pg_temp.pick(VARIADIC choices text[]) RETURNS text
LANGUAGE sql VOLATILE
RETURN choices[1 + floor(random() * cardinality(choices))::int];

CREATE FUNCTION pg_temp.value(depth int) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	leaf text := pg_temp.pick('1', '2.50', '0', '''it''''s''', '2026-02-28',
		'2026-02-28T23:59:59Z', '3 days', '1 MONTH', 'true', 'null', 'NOW',
		'today', 'country', '"Mixed Case"', 'a.b', '"in"."x"', 'last', 'any');
	d int := depth - 1;
BEGIN
	IF depth <= 0 THEN
		RETURN leaf;
	END IF;
	RETURN CASE floor(random() * 9)::int
		WHEN 0 THEN format('(%s)', pg_temp.question(d))
		WHEN 1 THEN format('-(%s)', pg_temp.value(d))
		WHEN 2 THEN format('(%s + %s)', pg_temp.value(d), pg_temp.value(d))
		WHEN 3 THEN format('(%s) - (%s)', pg_temp.value(d), pg_temp.value(d))
		WHEN 4 THEN format('(%s*%s)', pg_temp.value(0), pg_temp.value(d))
		WHEN 5 THEN format('((%s) / %s)', pg_temp.value(d), pg_temp.value(0))
		WHEN 6 THEN format('%s(%s%s)', pg_temp.pick('count', 'SUM', 'last', 'did'),
			pg_temp.event(d), pg_temp.span(d))
		WHEN 7 THEN format('%s(%s, %s)', pg_temp.pick('coalesce', 'f'),
			pg_temp.value(d), pg_temp.value(0))
		ELSE leaf END;
END $$;

CREATE FUNCTION pg_temp.event(depth int) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN pg_temp.pick('order', 'any', '"any"', '"no"', 'cart_add.x', '"Odd Name".y')
		|| CASE WHEN depth > 0 AND random() < 0.4
			THEN ' where ' || pg_temp.question(depth - 1) ELSE '' END;
END $$;

CREATE FUNCTION pg_temp.span(depth int) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN CASE floor(random() * 4)::int
		WHEN 0 THEN ''
		WHEN 1 THEN ', since ' || pg_temp.value(depth)
		ELSE pg_temp.pick(', ever', ', 7 days', ', calendar 1 week', ', this month',
			', today', ', between 1 and 2 years ago',
			', between 2026-01-01 and 2026-02-01') END;
END $$;

CREATE FUNCTION pg_temp.question(depth int) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	d int := depth - 1;
BEGIN
	IF depth <= 0 THEN
		RETURN pg_temp.pick('vip', 'a = 1', '(x)', 'not y');
	END IF;
	RETURN CASE floor(random() * 10)::int
		WHEN 0 THEN format('(%s) AND (%s)', pg_temp.question(d), pg_temp.question(d))
		WHEN 1 THEN format('(%s or (%s))', pg_temp.question(d), pg_temp.question(d))
		WHEN 2 THEN format('not (%s)', pg_temp.question(d))
		WHEN 3 THEN format('(%s) %s (%s)', pg_temp.value(d),
			pg_temp.pick('=', '<>', '!=', '<', '<=', '>', '>='), pg_temp.value(d))
		WHEN 4 THEN format('(%s) %s (%s, %s)', pg_temp.value(d),
			pg_temp.pick('in', 'not in', 'contains any', 'contains all'),
			pg_temp.value(d), pg_temp.value(d))
		WHEN 5 THEN format('(%s) %s (%s) and (%s)', pg_temp.value(d),
			pg_temp.pick('between', 'NOT between'), pg_temp.value(d), pg_temp.value(d))
		WHEN 6 THEN format('(%s) %s ''%%x''', pg_temp.value(d),
			pg_temp.pick('like', 'not like', 'ilike', 'not ilike'))
		WHEN 7 THEN format('(%s) is %s', pg_temp.value(d),
			pg_temp.pick('null', 'not null', 'true', 'not false', 'distinct from 1'))
		WHEN 8 THEN format('sequence(%s then %s%s then no %s within 2 hours%s)',
			pg_temp.event(d), pg_temp.event(d), pg_temp.pick('', ' within 1 day', ' same a.b'),
			pg_temp.event(0), pg_temp.span(0))
		ELSE format('(%s) contains (%s)', pg_temp.value(d), pg_temp.value(d)) END;
END $$;

\set seed 0.2026
SELECT 'seed ' || :seed FROM setseed(:seed);
CREATE TEMP TABLE random_predicate AS
SELECT number, pg_temp.question(1 + number % 6)
	|| pg_temp.pick('', '', ' AT time ZONE ''Europe/Paris''') AS source
FROM generate_series(1, 3000) AS number;
SELECT count(*) AS predicates, count(DISTINCT source::cdp.predicate) > 1500 AS many,
	count(*) FILTER (WHERE source::cdp.predicate::text::cdp.predicate::text
		<> source::cdp.predicate::text) AS unstable
FROM random_predicate;
SELECT source, source::cdp.predicate
FROM random_predicate
WHERE source::cdp.predicate::text::cdp.predicate::text <> source::cdp.predicate::text
LIMIT 5;
