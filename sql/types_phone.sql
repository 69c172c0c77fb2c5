-- The type cdp.phone.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension
SET search_path = cdp, public;

-- input is any international format, output is E.164
SELECT '+49 30 1234567'::cdp.phone, '+44 (0)20 7946 0958'::cdp.phone,
	'＋１ (415) 555-2671'::cdp.phone;

-- a type has no region, so a national number is an error with a way out
SELECT '030 1234567'::cdp.phone;
SELECT cdp.normalise_phone('030 1234567', 'DE')::cdp.phone;

-- what is no number is an error, and says which rule it broke
SELECT 'call Ann'::cdp.phone;
SELECT '+999 1234567'::cdp.phone;
SELECT '+1 555 1234'::cdp.phone;
SELECT '+1 415 555 26711'::cdp.phone;
SELECT '+33 12345'::cdp.phone;
SELECT ''::cdp.phone;
SELECT NULL::cdp.phone;

-- but E.164 to the letter is taken even where the plan says no: a dump is
-- restored after a country has moved on to longer numbers
SELECT '+15551234'::cdp.phone, '+22501020304'::cdp.phone,
	cdp.normalise_phone('+15551234') AS not_normalised;
SELECT '+9991234567'::cdp.phone;
SELECT '+155512'::cdp.phone;

-- the shortest and the longest
SELECT '+683 4002'::cdp.phone, '+49 3012 345678901'::cdp.phone;
SELECT '+4930123456789012'::cdp.phone;

-- from text by a cast only; to text by assignment
SELECT '+49 30 1234567'::text::cdp.phone, cdp.phone('+49 30 1234567'::text);
\set VERBOSITY terse
SELECT '+49301234567'::cdp.phone = '+49 30 1234567'::text;
\set VERBOSITY default
SELECT '+49301234567'::cdp.phone = '+49 30 1234567' AS literal_is_normalised;
CREATE TEMP TABLE raw (number text);
INSERT INTO raw SELECT '+49 30 1234567'::cdp.phone;
SELECT * FROM raw;

-- operators, and the functions behind them for tools without a search path
SELECT a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt,
	cdp.phone_lt(a, b) AS lt, cdp.phone_le(a, b) AS le, cdp.phone_eq(a, b) AS eq,
	cdp.phone_ne(a, b) AS ne, cdp.phone_ge(a, b) AS ge, cdp.phone_gt(a, b) AS gt,
	cdp.phone_cmp(a, b) < 0 AS cmp
FROM (VALUES ('+49301234567'::cdp.phone, '+49301234568'::cdp.phone)) AS pair (a, b);

-- hash and comparison agree
SELECT bool_and((a = b) = (cdp.phone_hash(a) = cdp.phone_hash(b))) AS hash_agrees,
	bool_and((a = b) = (cdp.phone_hash_extended(a, 7) = cdp.phone_hash_extended(b, 7))) AS seeded_agrees,
	bool_and((a = b) = (cdp.phone_cmp(a, b) = 0)) AS comparison_agrees
FROM (SELECT number::cdp.phone
	  FROM unnest(ARRAY['+49 30 1234567', '+49301234567', '+49 (0)30 1234567', '+33612345678']) AS number) AS one (a),
	(SELECT number::cdp.phone
	 FROM unnest(ARRAY['+49 30 1234567', '+49301234567', '+49 (0)30 1234567', '+33612345678']) AS number) AS other (b);

-- both index kinds find what a scan finds
CREATE TEMP TABLE customer AS
SELECT ('+4930' || 1000000 + n % 900)::cdp.phone AS number
FROM generate_series(1, 5000) AS n;
CREATE INDEX customer_btree ON customer (number);
ANALYZE customer;
SET enable_seqscan = off;
SELECT count(*) FROM customer WHERE number = '+49 30 1000033';
SELECT count(*) FROM customer WHERE number >= '+49 30 1000890';
DROP INDEX customer_btree;
CREATE INDEX customer_hash ON customer USING hash (number);
SELECT count(*) FROM customer WHERE number = '+49 30 1000033';
