-- cdp.predicate as a type: equality, order, hash, wire formats.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension

-- equal is what reads the same once it is canonical
SELECT cdp.predicate 'A  = 1' OPERATOR(cdp.=) cdp.predicate 'a = 01.0' AS spelling,
	cdp.predicate 'a = 1' OPERATOR(cdp.=) cdp.predicate '1 = a' AS mirrored,
	cdp.predicate 'did(x, ever)' OPERATOR(cdp.=) cdp.predicate 'did(x)' AS ever,
	cdp.predicate 'did(x, today)' OPERATOR(cdp.=)
		cdp.predicate 'did(x, today) at time zone ''UTC''' AS zone,
	NULL OPERATOR(cdp.=) cdp.predicate 'a' AS unknown;

-- all operators agree with each other and with the order of the bytes
CREATE TEMP TABLE p (predicate cdp.predicate);
INSERT INTO p VALUES ('a'), ('b'), ('a = 1'), ('a = 2'), ('not a'), ('"B"'), ('ä'), ('a and b');
SELECT count(*) AS pairs,
	bool_and((a.predicate OPERATOR(cdp.<) b.predicate) = (a.predicate::text COLLATE "C" < b.predicate::text)) AS lt,
	bool_and((a.predicate OPERATOR(cdp.<=) b.predicate) = (a.predicate::text COLLATE "C" <= b.predicate::text)) AS le,
	bool_and((a.predicate OPERATOR(cdp.=) b.predicate) = (a.predicate::text = b.predicate::text)) AS eq,
	bool_and((a.predicate OPERATOR(cdp.<>) b.predicate) = (a.predicate::text <> b.predicate::text)) AS ne,
	bool_and((a.predicate OPERATOR(cdp.>=) b.predicate) = (a.predicate::text COLLATE "C" >= b.predicate::text)) AS ge,
	bool_and((a.predicate OPERATOR(cdp.>) b.predicate) = (a.predicate::text COLLATE "C" > b.predicate::text)) AS gt,
	bool_and(cdp.predicate_cmp(a.predicate, b.predicate) = -cdp.predicate_cmp(b.predicate, a.predicate)) AS cmp
FROM p AS a, p AS b;

-- hash agrees with equality, and the seed matters
SELECT cdp.predicate_hash('A = 1') = cdp.predicate_hash('a = 1.0') AS equal,
	cdp.predicate_hash_extended('a', 0) & 4294967295 = cdp.predicate_hash('a')::bigint & 4294967295 AS extends,
	cdp.predicate_hash_extended('a', 0) <> cdp.predicate_hash_extended('a', 1) AS seeded;
SELECT count(DISTINCT predicate) AS kinds FROM p;
CREATE INDEX ON p (predicate);
CREATE INDEX ON p USING hash (predicate);
SET enable_seqscan = off;
SELECT count(*) FROM p WHERE predicate OPERATOR(cdp.=) 'A = 01';
SELECT predicate FROM p ORDER BY predicate USING OPERATOR(cdp.<);
RESET enable_seqscan;

-- out and in again, in each format
\getenv abs_builddir PG_ABS_BUILDDIR
\set results :abs_builddir '/results'
\cd :results
DROP INDEX p_predicate_idx;
INSERT INTO p VALUES (NULL), ('it = ''o''''clock'' and "x y" = 1'),
	(('a in (' || repeat('1, ', 21840) || '1)')::cdp.predicate);
CREATE TEMP TABLE q (LIKE p);
\copy p TO 'segment_type.text'
\copy q FROM 'segment_type.text'
\copy p TO 'segment_type.binary' (FORMAT binary)
\copy q FROM 'segment_type.binary' (FORMAT binary)
SELECT count(*) AS rows, count(DISTINCT q.predicate) AS kinds,
	count(*) FILTER (WHERE p.predicate IS NULL AND q.predicate IS NOT NULL) AS strange
FROM q LEFT JOIN p ON p.predicate OPERATOR(cdp.=) q.predicate;

-- bytes from a client are trusted no more than text
CREATE TEMP TABLE bytes (value bytea);
TRUNCATE q;
INSERT INTO bytes VALUES ('A   = 01');
\copy bytes TO 'segment_type.bytes' (FORMAT binary)
\copy q FROM 'segment_type.bytes' (FORMAT binary)
SELECT * FROM q;
UPDATE bytes SET value = 'a = = 1';
\copy bytes TO 'segment_type.bytes' (FORMAT binary)
\set VERBOSITY terse
\copy q FROM 'segment_type.bytes' (FORMAT binary)
UPDATE bytes SET value = '';
\copy bytes TO 'segment_type.bytes' (FORMAT binary)
\copy q FROM 'segment_type.bytes' (FORMAT binary)
UPDATE bytes SET value = '\x61203d2031008f';
\copy bytes TO 'segment_type.bytes' (FORMAT binary)
\copy q FROM 'segment_type.bytes' (FORMAT binary)
UPDATE bytes SET value = '\xff20';
\copy bytes TO 'segment_type.bytes' (FORMAT binary)
\copy q FROM 'segment_type.bytes' (FORMAT binary)
UPDATE bytes SET value = convert_to(repeat('(', 65000), 'UTF8');
\copy bytes TO 'segment_type.bytes' (FORMAT binary)
\copy q FROM 'segment_type.bytes' (FORMAT binary)
