-- The extension alone, without a store; for tests of functions and types.
\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS cdp CASCADE;
CREATE EXTENSION cdp;
RESET client_min_messages;
\pset format unaligned
\pset fieldsep ' | '
\pset null '(null)'
\set ECHO all
