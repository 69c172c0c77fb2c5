-- Predicates that nobody should write, but somebody does: each is refused, or
-- evaluated in time.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SELECT cdp.add_source('shop') \g /dev/null
INSERT INTO cdp.trait (name, type) VALUES ('age', 'number'), ('note', 'text'), ('tags', 'json');
SELECT cdp.ingest('shop', jsonb_build_object('type', 'identify', 'messageId', '1', 'userId', 'u1',
	'traits', jsonb_build_object('age', 40, 'note', repeat('a', 20000), 'tags', '["a"]'::jsonb))) AS one \gset
SELECT cdp.ingest('shop', '{"type": "track", "event": "order", "messageId": "2", "userId": "u1", "timestamp": "2026-05-31T12:00:00Z", "properties": {"total": 10, "currency": "EUR"}}') = :one AS same;
-- what it is, or the first line of why not
CREATE FUNCTION pg_temp.ask(source text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	one bigint := cdp.find_profile('user_id', 'u1');
	detail text;
BEGIN
	RETURN coalesce(cdp.is_member(one, source::cdp.predicate)::text, 'no such profile');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ': ' || left(SQLERRM, 100) || coalesce('; ' || split_part(nullif(detail, ''), E'\n', 1), '');
END
$$;
\pset format unaligned
\pset tuples_only on

-- absurd windows
SELECT pg_temp.ask('did(order, -7 days)');
SELECT pg_temp.ask('did(order, 0 days)');
SELECT pg_temp.ask('did(order, 1000000 years)');
SELECT pg_temp.ask('did(order, 1e6 days)');
SELECT pg_temp.ask('did(order, 290000 years)');
SELECT pg_temp.ask('did(order, 9000 years)');
SELECT pg_temp.ask('did(order, calendar 1000000 weeks)');
SELECT pg_temp.ask('did(order, between 0 and 1000000 years ago)');
SELECT pg_temp.ask('did(order, between -1 and 2 days ago)');
SELECT pg_temp.ask('did(order, since now - 1000000 years)');
SELECT pg_temp.ask('did(order, since now + 9999 years)');
SELECT pg_temp.ask('did(order, between 0001-01-01 and 9999-12-31)');
SELECT pg_temp.ask('sequence(order then no order within 1000000 years)');
SELECT pg_temp.ask('did(order, 0.0000001 seconds)');

-- numbers: division by zero is unknown, and so is what no number can hold
SELECT pg_temp.ask('age / 0 > 1'), pg_temp.ask('(age / 0 > 1) is null'), pg_temp.ask('(sum(order.amount) / (orders - 1)) is null');
SELECT pg_temp.ask('not (age / (age - 40) = 1)'), pg_temp.ask('age / 0 is distinct from 1');
SELECT pg_temp.ask('age' || repeat(' * ' || repeat('9', 100), 190) || ' > 0');

-- patterns with many ways to match; a part of a long text
SET statement_timeout = '60 s';
SELECT pg_temp.ask('note like ''' || repeat('%a', 2000) || 'b''');
SELECT pg_temp.ask('note like ''' || repeat('%a', 2000) || '''');
SELECT pg_temp.ask('note ilike ''' || repeat('%A_', 500) || '%B''');
SELECT pg_temp.ask('note like ''' || repeat('%', 60000) || 'b''');
SELECT pg_temp.ask('note like ''' || repeat('_', 20000) || '''');
SELECT pg_temp.ask('note like ''' || repeat('\', 20001) || '''');
SELECT pg_temp.ask('note contains ''' || repeat('a', 10000) || 'b''');
RESET statement_timeout;

-- deep
SELECT pg_temp.ask(repeat('(', 190) || 'age = 40' || repeat(')', 190));
SELECT pg_temp.ask(repeat('(', 5000) || 'age = 40' || repeat(')', 5000));
SELECT pg_temp.ask(repeat('not ', 196) || 'age = 40'), pg_temp.ask(repeat('not ', 5000) || 'age = 40');
SELECT pg_temp.ask(repeat('-', 5000) || 'age = 40');
SELECT pg_temp.ask('age = ' || repeat('-(', 180) || '40' || repeat(')', 180));
SELECT pg_temp.ask('age' || repeat(' + 0', 180) || ' = 40'), pg_temp.ask('age' || repeat(' + 0', 5000) || ' = 40');
SELECT pg_temp.ask(repeat('coalesce(', 180) || 'age' || repeat(', 1)', 180) || ' = 40'), pg_temp.ask(repeat('coalesce(', 5000) || 'age' || repeat(', 1)', 5000) || ' = 40');
SELECT pg_temp.ask(repeat('did(order where ', 60) || 'amount = 10' || repeat(')', 60)), pg_temp.ask(repeat('did(order where ', 3000) || 'amount = 10' || repeat(')', 3000));
SELECT pg_temp.ask('did(order' || repeat(', since last(order', 60) || repeat(')', 61));
SELECT pg_temp.ask(repeat('(vip or ', 90) || 'age = 40' || repeat(' and age = 40)', 90));

-- wide: as much as 64 kB can hold
SELECT pg_temp.ask('age in (' || repeat('1, ', 20000) || '40)'), pg_temp.ask('age not in (' || repeat('1, ', 20000) || '40)');
SELECT pg_temp.ask(repeat('age = 1 or ', 5900) || 'age = 40'), pg_temp.ask(repeat('age = 40 and ', 4900) || 'age = 1');
SELECT pg_temp.ask('coalesce(' || repeat('null, ', 99) || 'age) = 40'), pg_temp.ask('coalesce(' || repeat('null, ', 9000) || 'age) = 40');
SELECT pg_temp.ask('coalesce() = 40');
SELECT pg_temp.ask('sequence(order' || repeat(' then order', 5000) || ')');
SELECT pg_temp.ask(repeat('did(order) and ', 3000) || 'did(order)');
SELECT pg_temp.ask((SELECT string_agg(format('count(order, %s days) = 1', n), ' and ') FROM generate_series(1, 2000) AS n));
SELECT pg_temp.ask('tags contains any (' || repeat('1, ', 20000) || '''a'')');
SELECT pg_temp.ask(repeat('x', 64000) || ' is null'), pg_temp.ask('"' || repeat('x', 65000) || '" is null'), pg_temp.ask('note = ''' || repeat('x', 65000) || '''');
SELECT pg_temp.ask(repeat('age = 1 or ', 6000) || 'age = 40');
-- every other way to look at those takes them too, or says that they are too much
CREATE FUNCTION pg_temp.look(source text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	way text;
	result text;
	said text := '';
BEGIN
	FOREACH way IN ARRAY ARRAY['SELECT count(*) FROM cdp.predicate_check($1)',
		'SELECT count(*) FROM cdp.explain_membership(cdp.find_profile(''user_id'', ''u1''), $1)',
		'SELECT length(cdp.predicate_to_sql($1))', 'SELECT $1::jsonb::cdp.predicate::text = $1::text', 'SELECT cdp.segment_size($1)']
	LOOP
		BEGIN
			EXECUTE way INTO result USING source::cdp.predicate;
			said := said || CASE result WHEN 'false' THEN 'differs; ' ELSE 'done; ' END;
		EXCEPTION WHEN program_limit_exceeded OR statement_too_complex THEN
			said := said || SQLERRM || '; ';
		END;
	END LOOP;
	RETURN said;
END
$$;
SELECT pg_temp.look(repeat('not ', 196) || 'age = 40');
SELECT pg_temp.look(repeat('age = 1 or ', 5900) || 'age = 40');
SELECT pg_temp.look('age in (' || repeat('1, ', 20000) || '40)');
SELECT pg_temp.look(repeat('did(order where ', 60) || 'amount = 10' || repeat(')', 60));
SELECT pg_temp.look('age' || repeat(' + 0', 180) || ' = 40');
SELECT pg_temp.look('coalesce(' || repeat('null, ', 90) || 'age) = 40');
SELECT pg_temp.look('sequence(order' || repeat(' then order', 5000) || ')');
SELECT pg_temp.look((SELECT string_agg(format('count(order, %s days) = 1', n), ' and ') FROM generate_series(1, 2000) AS n));
SELECT pg_temp.look('tags contains any (' || repeat('1, ', 20000) || '''a'')');
SELECT pg_temp.look('note like ''' || repeat('%a', 2000) || 'b''');
