-- Errors of the predicate language point at the character.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension
\set SHOW_CONTEXT never

CREATE FUNCTION pg_temp.try(source text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
BEGIN
	RETURN source::cdp.predicate;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN E'\n' || SQLSTATE || ': ' || message || E'\n' || detail;
END $$;

\pset format unaligned
\pset tuples_only on
-- nothing, and too much
SELECT pg_temp.try('');
SELECT pg_temp.try('   ');
SELECT pg_temp.try('a b');
SELECT pg_temp.try('a = 1 at time zone ''UTC'' or b');
SELECT pg_temp.try('a = 1)');

-- tokens
SELECT pg_temp.try('name = ''open');
SELECT pg_temp.try('"open = 1');
SELECT pg_temp.try('"" = 1');
SELECT pg_temp.try('a = 5x');
SELECT pg_temp.try('a = 2026-13-01');
SELECT pg_temp.try('a = 2026-02-29');
SELECT pg_temp.try('a = 2026-02-28T24:00');
SELECT pg_temp.try('a = 2026-02-28T10:30x');
SELECT pg_temp.try('a ; b');
SELECT pg_temp.try('a == b');
SELECT pg_temp.try('a = ' || repeat('9', 101));

-- expressions
SELECT pg_temp.try('a = ');
SELECT pg_temp.try('a = = 1');
SELECT pg_temp.try('and a');
SELECT pg_temp.try('a and or b');
SELECT pg_temp.try('not');
SELECT pg_temp.try('(a = 1');
SELECT pg_temp.try('a < b < c');
SELECT pg_temp.try('a in 1');
SELECT pg_temp.try('a in ()');
SELECT pg_temp.try('a not = 1');
SELECT pg_temp.try('a between 1');
SELECT pg_temp.try('a like b');
SELECT pg_temp.try('a is 1');
SELECT pg_temp.try('a is distinct b');
SELECT pg_temp.try('a. = 1');
SELECT pg_temp.try('in = 1');
SELECT pg_temp.try('- - a');
SELECT pg_temp.try('a at time ''UTC''');
SELECT pg_temp.try('a at time zone UTC');

-- events, windows, sequences
SELECT pg_temp.try('count()');
SELECT pg_temp.try('count(order > 1');
SELECT pg_temp.try('count(order, 7)');
SELECT pg_temp.try('count(order, 7 lightyears)');
SELECT pg_temp.try('count(order, 1.5 months)');
SELECT pg_temp.try('count(order, calendar 3 hours)');
SELECT pg_temp.try('count(order, between 30 and 90 days)');
SELECT pg_temp.try('count(order, between x and y)');
SELECT pg_temp.try('count(order, between 2026-01-01 and 5)');
SELECT pg_temp.try('count(order, last day)');
SELECT pg_temp.try('count(order, this weeks)');
SELECT pg_temp.try('count(order, whenever)');
SELECT pg_temp.try('sequence(a within 2 days then b)');
SELECT pg_temp.try('sequence(a then b within 5)');
SELECT pg_temp.try('sequence(a then )');
SELECT pg_temp.try('f(1,)');

-- what other places write: comments, and what word processors make of quotes
-- and blanks; in quotes all of it is text or a name
SELECT pg_temp.try('a > 1 -- the rest');
SELECT pg_temp.try('a--1 > 0');
SELECT pg_temp.try(E'country = \u2018BR\u2019');
SELECT pg_temp.try(E'country = \u201CBR\u201D');
SELECT pg_temp.try(E'\u2019a = 1');
SELECT pg_temp.try(E'a\u201D = 1');
SELECT pg_temp.try(E'did(order, 30\u00A0days)');
SELECT pg_temp.try(E'a < 2026-01-31\u00A0');
SELECT pg_temp.try(E'a\u00A0= 1');
SELECT cdp.predicate E'"a\u00A0b\u2019" = ''it\u2019s -- \u00A0'' and "-- \u201C" = 1';

-- the excerpt is a window around the place, in characters
SELECT pg_temp.try('straße = ''東京'' and größe = = 1');
SELECT pg_temp.try(repeat('abcdefghi = 1 and ', 8) || 'x ?' || repeat(' and z = 1', 9));
SELECT pg_temp.try(E'a = 1\nand b = ? or\tc');

-- what was found is cut between characters
SELECT pg_temp.try('a ' || repeat('é', 30));
SELECT pg_temp.try('a b' || repeat('é', 30));

-- limits: a depth bomb of each kind, and size
SELECT pg_temp.try(repeat('not ', 200) || 'a') ~ '54000';
SELECT pg_temp.try(repeat('(', 60000));
SELECT pg_temp.try(repeat('f(', 30000));
SELECT pg_temp.try(repeat('count(a where ', 4000));
SELECT pg_temp.try('a = 1' || repeat(' + 1', 200));
SELECT pg_temp.try(repeat('a', 65537));
SELECT pg_temp.try('a in (' || repeat('1,', 30000) || '1)');
