-- Text as a key: what nobody sees makes no difference.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension

-- white space around goes, white space inside becomes plain and stays
SELECT quote_literal(cdp.normalise_text(value)) AS canonical
FROM (VALUES (1, '  a b  '),
			 (2, E'\ta\tb\r\n'),
			 (3, U&'\00A0a\2003b\3000'),
			 (4, 'a   b')) AS given (no, value)
ORDER BY no;

-- invisible characters go: zero-width space, joiner, soft hyphen, byte order
-- mark, direction marks, variation selector, a control character
SELECT cdp.normalise_text(
	U&'\FEFFa\200Bb\200Dc\00ADd\200E\202Ee\FE0Ff' || chr(7) || 'g');

-- but format characters that are seen stay (Arabic number sign)
SELECT cdp.normalise_text(U&'\06001') = U&'\06001' AS stays;

-- compatibility forms become plain ones: full width, ligature, superscript,
-- a circled letter, half-width katakana
SELECT cdp.normalise_text('Ａｂ１２'), cdp.normalise_text('ﬁ'),
	cdp.normalise_text('m²'), cdp.normalise_text('ⓐ'), cdp.normalise_text('ｶﾞ');

-- accents written as one code point or as two are the same, and so they are
-- when an invisible character stands between
SELECT cdp.normalise_text(U&'e\0301') = U&'\00E9' AS composed,
	cdp.normalise_text(U&'e\200B\0301') = U&'\00E9' AS after_removal;

-- case is kept by text, folded by lower, also where folding changes length
SELECT cdp.normalise_text('Straße'),
	(cdp._normalise_identifier('lower', 'Straße ΣΑΣ')).canonical;

-- case folding knows no locale: the Turkish letters keep their difference
SELECT (cdp._normalise_identifier('lower', 'I')).canonical AS capital_i,
	(cdp._normalise_identifier('lower', 'İ')).canonical = U&'i\0307' AS dotted,
	(cdp._normalise_identifier('lower', 'ı')).canonical = 'ı' AS dotless;

-- nothing left is nothing
SELECT cdp.normalise_text(''), cdp.normalise_text('   '),
	cdp.normalise_text(U&'\200B\00A0\FEFF'), cdp.normalise_text(NULL);

-- long text is cut nowhere; past a megabyte it is refused
SELECT length(cdp.normalise_text(repeat('a', 1024 * 1024))) AS longest,
	cdp.normalise_text(repeat('a', 1024 * 1024 + 1)) AS longer,
	length(cdp.normalise_text(repeat('Ａ', 300000))) AS longest_wide;

-- the longest expansion in Unicode: one character becomes eighteen
SELECT length(cdp.normalise_text(U&'\FDFA')) AS expanded;

-- a canonical form is its own canonical form
SELECT count(*) AS characters,
	count(*) FILTER (WHERE once <> cdp.normalise_text(once)) AS changed_twice
FROM generate_series(1, 65535) AS code,
	cdp.normalise_text('a' || chr(code) || U&'\0301 ' || chr(code)) AS once
WHERE code NOT BETWEEN 55296 AND 57343;

-- the versions that made the canonical forms
SELECT cdp.icu_version() ~ '^[0-9.]+ \(Unicode [0-9.]+\)$' AS says_versions;
