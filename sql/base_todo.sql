-- Pending work is rows: taken oldest first, distinct, about as many as asked.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh

SELECT cdp._add_todo('demo', ARRAY[1, 2, 3]);
SELECT cdp._add_todo('demo', ARRAY[3, 4]);
SELECT cdp._add_todo('demo', ARRAY[]::bigint[]);
SELECT cdp._add_todo('demo', NULL);
SELECT cdp._todo_size('demo'), cdp._todo_size('other');

-- a row is taken whole, so a batch may be a little larger than asked
SELECT cdp._take_todo('demo', 2);
SELECT cdp._take_todo('demo', 2);
SELECT cdp._take_todo('demo', 2);

-- folded, each id waits once, in rows of at most 200
SELECT cdp._add_todo('demo', ARRAY(SELECT generate_series(1, 1500)));
SELECT cdp._add_todo('demo', ARRAY(SELECT generate_series(1001, 2500)));
SELECT cdp._todo_size('demo'), cdp._fold_todo('demo');
SELECT max(cardinality(ids)) AS largest FROM cdp.todo WHERE phase = 'demo';

-- the clock: the statement's start, or what a superuser chose
SELECT cdp.clock();
SET cdp.test_clock = 'soon';
SELECT cdp.clock();
SET cdp.test_clock = '';
SELECT cdp.clock() = statement_timestamp() AS real_time;
CREATE ROLE regress_cdp_clock;
SET ROLE regress_cdp_clock;
SET cdp.test_clock = '2020-01-01 00:00:00+00';
RESET ROLE;
DROP ROLE regress_cdp_clock;
