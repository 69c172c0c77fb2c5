-- A database that is not encoded in UTF-8 is refused, and says so.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension
SELECT current_database() AS here \gset
CREATE DATABASE cdp_latin1 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
\c cdp_latin1
CREATE EXTENSION cdp;
SELECT cdp.normalise_email('ann@example.com');
SELECT cdp.normalise_phone('+49301234567');
SELECT 'ann@example.com'::cdp.email;

-- identifier keys are syntax only and work in any encoding
SELECT cdp.key_value('email:ann@example.com');
\c :here
DROP DATABASE cdp_latin1;
