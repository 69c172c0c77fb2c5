-- The type cdp.identifier_key: type, scope and value in one word.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension
SET search_path = cdp, public;

-- text form and parts; the first "/" ends the scope, the rest is the value
SELECT given::cdp.identifier_key AS key, cdp.key_type(given::cdp.identifier_key) AS type,
	cdp.key_scope(given::cdp.identifier_key) AS scope,
	cdp.key_value(given::cdp.identifier_key) AS value
FROM unnest(ARRAY[
	'email:ann@example.com',
	'crm_id:salesforce/0031',
	'crm_id:salesforce/a/b:c%',
	'page:/shop/shoes',
	'user_id:/42',
	'note:a:b%2Fc',
	'crm_id:a%2Fb%25/7',
	'crm_id:a%2fb/7',
	'x: ']) WITH ORDINALITY AS key (given, no)
ORDER BY no;

-- every type, scope and value can be written, in one way only, and comes back
SELECT count(*) AS keys, count(DISTINCT key) AS different,
	count(*) FILTER (WHERE cdp.key_type(key) = type AND cdp.key_scope(key) = scope
		AND cdp.key_value(key) = value) AS parts_come_back,
	count(*) FILTER (WHERE key = key::text::cdp.identifier_key
		AND key::text = key::text::cdp.identifier_key::text) AS text_comes_back
FROM unnest(ARRAY['a', 'crm_id', 'x9_']) AS type,
	unnest(ARRAY['', 'a', '/', '%', ':', 'a/b', '%2F', '/a', 'a/', 'é', ' ']) AS scope,
	unnest(ARRAY['a', '/', '%', ':', 'a/b', '//', '%25', '/a', 'a/', 'é', ' ', 'a:b/c']) AS value,
	cdp.identifier_key(type, value, scope) AS key;

-- the constructor takes the value as it is; no scope is global
SELECT cdp.identifier_key('email', 'Ann@example.com'),
	cdp.identifier_key('crm_id', '0031', 'salesforce'),
	cdp.identifier_key(type => 'crm_id', scope => 'a/b', value => 'c');
SELECT cdp.identifier_key('email', NULL), cdp.identifier_key('email', 'a', NULL),
	NULL::cdp.identifier_key;

-- what is no key is an error, and says which rule it broke
SELECT 'ann@example.com'::cdp.identifier_key;
SELECT ''::cdp.identifier_key;
SELECT 'E-Mail:ann@example.com'::cdp.identifier_key;
SELECT ':a'::cdp.identifier_key;
SELECT '9a:a'::cdp.identifier_key;
SELECT 'email:'::cdp.identifier_key;
SELECT 'crm_id:salesforce/'::cdp.identifier_key;
SELECT 'crm_id:100%/7'::cdp.identifier_key;
SELECT 'crm_id:a%20b/7'::cdp.identifier_key;
SELECT ('crm_id:' || repeat('a', 256) || '/7')::cdp.identifier_key;
SELECT cdp.identifier_key('E-Mail', 'a');
SELECT cdp.identifier_key('email', '');
SELECT cdp.identifier_key('crm_id', 'a', repeat('b', 256));

-- the longest
SELECT length(cdp.identifier_key(repeat('t', 63), repeat('v', 1024), repeat('/', 255))::text) AS longest,
	cdp.identifier_key(repeat('t', 63), repeat('v', 1024), repeat('/', 255))::text::cdp.identifier_key
		= cdp.identifier_key(repeat('t', 63), repeat('v', 1024), repeat('/', 255)) AS comes_back;
DO $$
BEGIN
	PERFORM cdp.identifier_key('a', repeat('v', 1025));
EXCEPTION WHEN invalid_parameter_value THEN
	RAISE NOTICE 'a longer value is refused';
END
$$;
DO $$
BEGIN
	PERFORM cdp.identifier_key(repeat('t', 64), 'v');
EXCEPTION WHEN invalid_parameter_value THEN
	RAISE NOTICE 'a longer type is refused';
END
$$;

-- from text by a cast only; to text by assignment
SELECT 'email:a'::text::cdp.identifier_key, cdp.identifier_key('email:a');
\set VERBOSITY terse
SELECT 'email:a'::cdp.identifier_key = 'email:a'::text;
\set VERBOSITY default
CREATE TEMP TABLE raw (key text);
INSERT INTO raw SELECT 'user_id:/42'::cdp.identifier_key;
SELECT * FROM raw;

-- operators, and the functions behind them for tools without a search path
SELECT a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt,
	cdp.identifier_key_lt(a, b) AS lt, cdp.identifier_key_le(a, b) AS le,
	cdp.identifier_key_eq(a, b) AS eq, cdp.identifier_key_ne(a, b) AS ne,
	cdp.identifier_key_ge(a, b) AS ge, cdp.identifier_key_gt(a, b) AS gt,
	cdp.identifier_key_cmp(a, b) < 0 AS cmp
FROM (VALUES ('email:a'::cdp.identifier_key, 'email:b'::cdp.identifier_key)) AS pair (a, b);

-- hash and comparison agree, also for two spellings of one key
SELECT bool_and((a = b) = (cdp.identifier_key_hash(a) = cdp.identifier_key_hash(b))) AS hash_agrees,
	bool_and((a = b) = (cdp.identifier_key_hash_extended(a, 7)
		= cdp.identifier_key_hash_extended(b, 7))) AS seeded_agrees,
	bool_and((a = b) = (cdp.identifier_key_cmp(a, b) = 0)) AS comparison_agrees,
	count(*) FILTER (WHERE a = b) AS equal_pairs
FROM (SELECT key::cdp.identifier_key
	  FROM unnest(ARRAY['a:b', 'a:/b', 'a:b/c', 'a:b%2Fc/d', 'a:b%2fc/d']) AS key) AS one (a),
	(SELECT key::cdp.identifier_key
	 FROM unnest(ARRAY['a:b', 'a:/b', 'a:b/c', 'a:b%2Fc/d', 'a:b%2fc/d']) AS key) AS other (b);

-- both index kinds find what a scan finds
CREATE TEMP TABLE known AS
SELECT cdp.identifier_key('crm_id', n::text, 'crm_' || n % 3) AS key
FROM generate_series(1, 5000) AS n;
CREATE UNIQUE INDEX known_btree ON known (key);
ANALYZE known;
SET enable_seqscan = off;
SELECT count(*) FROM known WHERE key = 'crm_id:crm_0/33';
SELECT count(*) FROM known WHERE key >= 'crm_id:crm_2/49' AND key < 'crm_id:crm_2/5';
DROP INDEX known_btree;
CREATE INDEX known_hash ON known USING hash (key);
SELECT count(*) FROM known WHERE key = 'crm_id:crm_0/33';
