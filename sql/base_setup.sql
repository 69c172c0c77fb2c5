-- The store: made once, checked by every entry point, migrated by steps.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS cdp CASCADE;
CREATE EXTENSION cdp;
\set VERBOSITY default
\set SHOW_CONTEXT never

-- before setup, entry points say what to do
CALL cdp.merge();
CALL cdp.migrate();
SELECT cdp.refresh_segments();
SELECT cdp.segment_size('orders > 3');

-- arguments are checked before anything is made
SELECT cdp.setup(time_zone => 'Mars/Olympus');
SELECT cdp.setup(default_region => 'Germany');
SELECT cdp.setup(currency => 'euros');

-- nor in a database that cannot hold every name
SELECT current_database() AS home \gset
CREATE DATABASE regress_cdp_latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0;
\c regress_cdp_latin1
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION cdp;
SELECT cdp.setup();
\c :home
SET client_min_messages = warning;
DROP DATABASE regress_cdp_latin1;

-- a role without CREATE on the schema gets the grant to ask for
CREATE ROLE regress_cdp_app;
GRANT USAGE ON SCHEMA cdp TO regress_cdp_app;
SET ROLE regress_cdp_app;
SELECT cdp.setup();
RESET ROLE;
DROP OWNED BY regress_cdp_app;
DROP ROLE regress_cdp_app;

SELECT cdp.setup(time_zone => 'Europe/Berlin', default_region => 'de', currency => 'eur');
SELECT name, value FROM cdp.setting
WHERE name IN ('time_zone', 'default_region', 'currency') ORDER BY name;

-- a store is made once
SELECT cdp.setup();

-- the tables are ordinary objects of the caller, the code is the extension's
SELECT count(*) > 10 AS tables, bool_and(pg_get_userbyid(relowner) = current_user) AS ours,
	count(*) FILTER (WHERE EXISTS (SELECT FROM pg_depend AS d
		WHERE d.objid = c.oid AND d.deptype = 'e')) AS owned_by_extension
FROM pg_class AS c WHERE relnamespace = 'cdp'::regnamespace AND relkind = 'r';

-- a store of another version is named, with the way out
CALL cdp.migrate();
UPDATE cdp.store SET version = '0.9.0';
CALL cdp.migrate();
\c -
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CALL cdp.merge();
SELECT cdp._check_store();
SELECT kind, state, error FROM cdp.run ORDER BY run_id;
