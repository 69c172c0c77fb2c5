-- The type cdp.email.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension
SET search_path = cdp, public;

-- input normalises, output is canonical text
SELECT '  Ann@Bücher.example '::cdp.email, '"a b"@example.com'::cdp.email;

-- what is no address is an error, and says which rule it broke
SELECT 'a@@b'::cdp.email;
SELECT '.ann@example.com'::cdp.email;
SELECT 'ann@-example.com'::cdp.email;
SELECT 'ann@localhost'::cdp.email;
SELECT (repeat('a', 65) || '@example.com')::cdp.email;
SELECT ('a@' || repeat('b.', 125) || 'com')::cdp.email;
SELECT ''::cdp.email;
SELECT NULL::cdp.email;

-- the longest address goes in and out
SELECT length(('a@' || repeat('b.', 124) || 'info')::cdp.email::text);

-- from text by a cast only; to text by assignment, so that a comparison with
-- raw text is an error and not a quiet miss
SELECT 'Ann@example.com'::text::cdp.email, cdp.email('Ann@example.com'::text);
\set VERBOSITY terse
SELECT 'ann@example.com'::cdp.email = 'Ann@example.com'::text;
\set VERBOSITY default
SELECT 'ann@example.com'::cdp.email = 'Ann@Example.com' AS literal_is_normalised;
CREATE TEMP TABLE raw (address text);
INSERT INTO raw VALUES ('ann@example.com'::cdp.email);
INSERT INTO raw SELECT 'bob@example.com'::cdp.email;
SELECT * FROM raw ORDER BY address COLLATE "C";
CREATE TEMP TABLE strict (address cdp.email);
\set VERBOSITY terse
INSERT INTO strict SELECT address FROM raw;
\set VERBOSITY default
INSERT INTO strict SELECT address::cdp.email FROM raw;
CREATE UNIQUE INDEX strict_address ON strict (address);
INSERT INTO strict VALUES ('ANN@example.com');

-- operators, and the functions behind them for tools without a search path
SELECT a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt,
	cdp.email_lt(a, b) AS lt, cdp.email_le(a, b) AS le, cdp.email_eq(a, b) AS eq,
	cdp.email_ne(a, b) AS ne, cdp.email_ge(a, b) AS ge, cdp.email_gt(a, b) AS gt,
	cdp.email_cmp(a, b) < 0 AS cmp
FROM (VALUES ('ann@example.com'::cdp.email, 'bob@example.com'::cdp.email)) AS pair (a, b);
SELECT 'ann@example.com' OPERATOR(cdp.=) 'ANN@example.com'::cdp.email AS eq,
	'ann@example.com'::cdp.email = NULL AS unknown;

-- order is by bytes in every locale
SELECT address::cdp.email
FROM unnest(ARRAY['é@example.com', 'f@example.com', 'e@example.com', '_@example.com']) AS address
ORDER BY address::cdp.email;

-- hash and comparison agree, and so do plain and seeded hash
SELECT bool_and((a = b) = (cdp.email_hash(a) = cdp.email_hash(b))) AS hash_agrees,
	bool_and((a = b) = (cdp.email_hash_extended(a, 7) = cdp.email_hash_extended(b, 7))) AS seeded_agrees,
	bool_and((a = b) = (cdp.email_cmp(a, b) = 0)) AS comparison_agrees
FROM (SELECT (name || '@example.com')::cdp.email
	  FROM unnest(ARRAY['ann', 'ANN', 'bob', 'ａｎｎ', '"ann"', 'a.nn']) AS name) AS one (a),
	(SELECT (name || '@example.com')::cdp.email
	 FROM unnest(ARRAY['ann', 'ANN', 'bob', 'ａｎｎ', '"ann"', 'a.nn']) AS name) AS other (b);
SELECT cdp.email_hash_extended('ann@example.com', 0)::bit(32)::integer
	= cdp.email_hash('ann@example.com') AS zero_seed_is_plain;

-- both index kinds find what a scan finds; duplicates are one
CREATE TEMP TABLE customer AS
SELECT (format('User%s@%s.example', n % 700, n % 7))::cdp.email AS address
FROM generate_series(1, 5000) AS n;
SELECT count(*), count(DISTINCT address), min(address::text) FROM customer;
CREATE INDEX customer_btree ON customer (address);
ANALYZE customer;
SET enable_seqscan = off;
SELECT count(*) FROM customer WHERE address = 'USER33@5.example';
SELECT count(*) FROM customer WHERE address < 'user11@9.example';
DROP INDEX customer_btree;
CREATE INDEX customer_hash ON customer USING hash (address);
SELECT count(*) FROM customer WHERE address = 'USER33@5.example';
RESET enable_seqscan;

-- joins by hash, by merge and by loop are the same
SET enable_mergejoin = off; SET enable_nestloop = off;
SELECT count(*) FROM customer AS a JOIN customer AS b USING (address);
SET enable_mergejoin = on; SET enable_hashjoin = off;
SELECT count(*) FROM customer AS a JOIN customer AS b USING (address);
RESET enable_mergejoin; RESET enable_hashjoin; RESET enable_nestloop;

-- hash partitions use the seeded hash
CREATE TEMP TABLE parted (address cdp.email) PARTITION BY HASH (address);
CREATE TEMP TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TEMP TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT address FROM customer;
SELECT count(*) FROM parted WHERE address = 'user33@5.example';
