-- Runs: committed batches, one at a time, errors written down.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never

-- a procedure that commits cannot run where it could not commit
BEGIN;
CALL cdp.merge();
ROLLBACK;
DO $$ BEGIN EXECUTE 'CALL cdp.merge()'; END $$;
CREATE FUNCTION pg_temp.merge_in_a_function() RETURNS void LANGUAGE sql AS 'CALL cdp.merge()';
SELECT pg_temp.merge_in_a_function();

-- arguments
CALL cdp.merge(batch => 0);
CALL cdp.merge(phases => '{ingest,knit}');
CALL cdp.merge(batch => NULL);
CALL cdp.merge(phases => '{stitch,profile}');
CALL cdp.merge();
SELECT kind, state, phase, error FROM cdp.run ORDER BY run_id;

-- a failing batch is rolled back and written down; the lock is let go
ALTER TABLE cdp.todo RENAME TO todo_hidden;
CALL cdp.merge(phases => '{stitch}');
ALTER TABLE cdp.todo_hidden RENAME TO todo;
CALL cdp.merge(phases => '{stitch}');
SELECT count(*) AS locks_held FROM pg_locks WHERE locktype = 'advisory';
SELECT kind, state, error FROM cdp.run ORDER BY run_id DESC LIMIT 2;

-- a run that nobody works on any more shows as interrupted, and the next
-- run closes it
INSERT INTO cdp.run_log (kind, pid) VALUES ('merge', 0);
SELECT kind, state FROM cdp.run ORDER BY run_id DESC LIMIT 1;
CALL cdp.merge(phases => '{stitch}');
SELECT state FROM cdp.run_log ORDER BY run_id DESC OFFSET 1 LIMIT 1;
