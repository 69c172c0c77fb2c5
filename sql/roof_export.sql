-- The way out: everything in plain types, then no store, then no extension.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS plain CASCADE;
SELECT cdp._consent_starter() \g /dev/null

SELECT * FROM cdp.export_plain('cdp');
SELECT * FROM cdp.export_plain('plain');
SELECT * FROM cdp.export_plain(NULL);
CREATE SCHEMA plain;
CREATE TEMP TABLE exported AS SELECT * FROM cdp.export_plain('plain');

-- every table but the key, with all its rows and columns, and no type of ours
SELECT name FROM cdp._store_tables() AS name EXCEPT SELECT ('cdp.' || quote_ident(table_name))::regclass FROM exported;
SELECT count(*) FROM exported WHERE table_name IN ('purpose', 'store', 'setting') AND rows > 0;
SELECT source.attrelid::regclass, source.attname
FROM pg_attribute AS source JOIN exported ON source.attrelid = ('cdp.' || quote_ident(table_name))::regclass
WHERE attnum > 0 AND NOT attisdropped AND NOT EXISTS (
	SELECT FROM pg_attribute AS copied
	WHERE copied.attrelid = ('plain.' || quote_ident(table_name))::regclass AND copied.attname = source.attname);
SELECT attrelid::regclass, attname, atttypid::regtype
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN pg_type ON pg_type.oid = atttypid
WHERE relnamespace = 'plain'::regnamespace AND typnamespace = 'cdp'::regnamespace;
SELECT (SELECT count(*) FROM plain.event) = (SELECT count(*) FROM cdp.event) AS partitions_merged;
-- a second export would mix with the first
SELECT cdp.export_plain('plain');

-- the store goes only when its name is given, and not from under others
SELECT cdp.drop_store('yes');
SELECT cdp.drop_store(NULL);
CREATE VIEW plain.report AS SELECT count(*) FROM cdp.segment_member;
SELECT cdp.drop_store(current_database());
DROP VIEW plain.report;
CREATE TABLE plain.own (purpose text REFERENCES cdp.purpose);
SELECT cdp.drop_store(current_database());
DROP TABLE plain.own;
SELECT count(*) > 0 AS still_there FROM cdp._store_tables();
-- (DETAIL would list everything)
\set VERBOSITY terse
DROP EXTENSION cdp;
\set VERBOSITY default
SELECT cdp.drop_store(current_database());
-- entry points say so in the session that has seen it, too
CALL cdp.merge();

-- nothing is left of it, and a new store can be made
SELECT class.oid::regclass, relkind FROM pg_class AS class
WHERE relnamespace = 'cdp'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend
	WHERE classid = 'pg_class'::regclass AND objid = class.oid AND deptype IN ('e', 'i', 'a'))
	AND relkind NOT IN ('i', 'I', 't');
SELECT proc.oid::regprocedure FROM pg_proc AS proc
WHERE pronamespace = 'cdp'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend
	WHERE classid = 'pg_proc'::regclass AND objid = proc.oid AND deptype = 'e');
SELECT cdp.drop_store(current_database());
SELECT cdp.setup() \g /dev/null
SELECT cdp.drop_store(current_database());
DROP EXTENSION cdp;
SELECT count(*) > 0 AS exported_remains FROM plain.purpose;
DROP SCHEMA plain CASCADE;
