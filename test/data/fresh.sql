-- A fresh store in a fresh schema; included at the top of every store test.
\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS cdp CASCADE;
CREATE EXTENSION cdp;
SELECT cdp.setup(time_zone => 'UTC', default_region => 'DE', currency => 'EUR') \g /dev/null
SET cdp.test_clock = '2026-06-01 12:00:00+00';
\set ECHO all
