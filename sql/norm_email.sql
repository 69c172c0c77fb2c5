-- Email addresses as keys.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension

-- case, white space, invisible characters and width make no difference
SELECT DISTINCT cdp.normalise_email(value) AS canonical
FROM (VALUES ('ann@example.com'),
			 ('  Ann@Example.COM '),
			 (U&'ann@exam\200Bple.com\00A0'),
			 (U&'\FEFFANN@example.com'),
			 ('ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ'),
			 ('ann@example.com.')) AS given (value);

-- what is allowed before the "@": words with single dots between them
SELECT value, cdp.normalise_email(value) AS canonical
FROM (VALUES (1, 'first.last@example.com'),
			 (2, 'a+tag@example.com'),
			 (3, '!#$%&''*+-/=?^_`{|}~@example.com'),
			 (4, 'ΜΑΡΊΑ@example.com'),
			 (5, 'Straße@example.com'),
			 (6, '.ann@example.com'),
			 (7, 'ann.@example.com'),
			 (8, 'a..b@example.com'),
			 (9, 'a b@example.com'),
			 (10, 'ann(home)@example.com'),
			 (11, 'Ann <ann@example.com>'),
			 (12, 'a,b@example.com')) AS given (no, value)
ORDER BY no;

-- quotes: an "@" inside does not count, and quotes without need go
SELECT value, cdp.normalise_email(value) AS canonical
FROM (VALUES (1, '"Ann"@example.com'),
			 (2, '"a@b"@example.com'),
			 (3, '"a b"@example.com'),
			 (4, '"A \"B\" \c"@example.com'),
			 (5, '"a..b"@example.com'),
			 (6, '""@example.com'),
			 (7, '"ann@example.com'),
			 (8, '"ann\"@example.com'),
			 (9, '"a"b@example.com'),
			 (10, 'a"b"@example.com')) AS given (no, value)
ORDER BY no;

-- exactly one "@" outside quotes
SELECT cdp.normalise_email('ann'), cdp.normalise_email('a@@b.com'),
	cdp.normalise_email('a@b@c.com'), cdp.normalise_email('@example.com'),
	cdp.normalise_email('ann@'), cdp.normalise_email('@');

-- domains: international ones in their ASCII form, sharp s and all
SELECT value, cdp.normalise_email(value) AS canonical
FROM (VALUES (1, 'ann@Bücher.example'),
			 (2, 'ann@XN--BCHER-KVA.example'),
			 (3, U&'ann@bu\0308cher.example'),
			 (4, 'ann@faß.de'),
			 (5, 'ann@例え。jp'),
			 (6, 'ann@İstanbul.com'),
			 (7, 'ann@xn--a.com'),
			 (8, 'ann@ab--cd.com')) AS given (no, value)
ORDER BY no;

-- a zero-width joiner belongs to some names and is litter in others
SELECT cdp.normalise_email(
		U&'ann@\0646\0627\0645\0647\200C\0627\06CC.com') AS persian,
	cdp.normalise_email(U&'ann@exam\200Cple.com') AS litter;

-- domains that are none, or name no mailbox of a customer
SELECT value, cdp.normalise_email(value) AS canonical
FROM (VALUES (1, 'ann@localhost'),
			 (2, 'ann@10.0.0.1'),
			 (3, 'ann@[10.0.0.1]'),
			 (4, 'ann@example'),
			 (5, 'ann@.com'),
			 (6, 'ann@example..com'),
			 (7, 'ann@-example.com'),
			 (8, 'ann@example-.com'),
			 (9, 'ann@ex_ample.com'),
			 (10, 'ann@exam ple.com'),
			 (11, 'ann@example.com..'),
			 (12, U&'ann@\0301example.com'),
			 (13, 'ann@.')) AS given (no, value)
ORDER BY no;

-- limits of RFC 5321, in bytes of the canonical form: 64 before the "@", 63 a
-- label, 254 in all
SELECT length(cdp.normalise_email(repeat('a', 64) || '@example.com')) AS local_64,
	cdp.normalise_email(repeat('a', 65) || '@example.com') AS local_65,
	length(cdp.normalise_email(repeat('é', 32) || '@example.com')) AS local_64_bytes,
	cdp.normalise_email(repeat('é', 33) || '@example.com') AS local_66_bytes;
SELECT length(cdp.normalise_email('a@' || repeat('b', 63) || '.com')) AS label_63,
	cdp.normalise_email('a@' || repeat('b', 64) || '.com') AS label_64,
	cdp.normalise_email('a@' || repeat('ü', 63) || '.com') AS label_64_ascii;
SELECT length(cdp.normalise_email('a@' || repeat('b.', 124) || 'info')) AS all_254,
	cdp.normalise_email('aa@' || repeat('b.', 124) || 'info') AS all_255,
	cdp.normalise_email('a@' || repeat('b.', 2000000) || 'com') AS huge;

-- empty and unknown
SELECT cdp.normalise_email(''), cdp.normalise_email(' '),
	cdp.normalise_email(NULL);

-- a canonical form is its own canonical form, whatever stands in the address
SELECT count(*) AS addresses, count(once) > 50000 AS many_usable,
	count(*) FILTER (WHERE once IS DISTINCT FROM cdp.normalise_email(once)) AS changed_twice
FROM generate_series(1, 65535) AS code,
	(VALUES ('a%s@example.com'), ('"%sA"@example.com'), ('a@b%sc.example')) AS shape (form),
	cdp.normalise_email(replace(form, '%s', chr(code))) AS once
WHERE code NOT BETWEEN 55296 AND 57343;
