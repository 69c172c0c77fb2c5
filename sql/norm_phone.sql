-- Phone numbers as keys, in E.164.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension

-- international format needs no region, and punctuation makes no difference
SELECT DISTINCT cdp.normalise_phone(value) AS canonical
FROM (VALUES ('+49301234567'),
			 ('+49 30 1234567'),
			 ('+49 (30) 12 34-567'),
			 ('+49/30/123.45.67'),
			 (' +49 30 1234567 '),
			 ('(+49) 30 1234567'),
			 ('tel:+49-30-1234567'),
			 (U&'+49\00A030\20111234567'),
			 ('＋４９ ３０ １２３４５６７'),
			 ('+٤٩ ٣٠ ١٢٣٤٥٦٧')) AS given (value);

-- the trunk prefix that people leave in is taken out
SELECT cdp.normalise_phone('+49 (0)30 1234567') AS germany,
	cdp.normalise_phone('+44 (0)20 7946 0958') AS britain,
	cdp.normalise_phone('+4402079460958') AS without_a_hint,
	cdp.normalise_phone('+7 8 495 123 45 67') AS russia,
	cdp.normalise_phone('+39 06 1234 5678') AS italy_keeps_it;

-- national formats, by region; the case of the region makes no difference
SELECT region, value, cdp.normalise_phone(value, region) AS canonical
FROM (VALUES (1, 'DE', '030 1234567'),
			 (2, 'de', '(030) 1234567'),
			 (3, 'DE', '0171/1234567'),
			 (4, 'DE', '0049 30 1234567'),
			 (5, 'US', '(415) 555-2671'),
			 (6, 'US', '1-415-555-2671'),
			 (7, 'US', '011 44 20 7946 0958'),
			 (8, 'GB', '020 7946 0958'),
			 (9, 'GB', '07400 123456'),
			 (10, 'BR', '(11) 96123-4567'),
			 (11, 'BR', '0 15 11 96123-4567'),
			 (12, 'IT', '06 1234 5678'),
			 (13, 'AR', '011 15 2345-6789'),
			 (14, 'MX', '55 1234 5678'),
			 (15, 'FR', '06 12 34 56 78'),
			 (16, 'RU', '8 (495) 123-45-67')) AS given (no, region, value)
ORDER BY no;

-- a country code wins over the region
SELECT cdp.normalise_phone('+44 20 7946 0958', 'DE');

-- without a region a national number says nothing
SELECT cdp.normalise_phone('030 1234567'), cdp.normalise_phone('030 1234567', ''),
	cdp.normalise_phone('0049 30 1234567');

-- possible is enough, assigned is not asked: 555-0100 is for films
SELECT cdp.normalise_phone('+1 415 555 0100'), cdp.normalise_phone('+49 999 9999999');

-- lengths that no plan has, local numbers without area code
SELECT value, region, cdp.normalise_phone(value, region) AS canonical
FROM (VALUES (1, '12', 'DE'),
			 (2, '+49 12', NULL),
			 (3, '+1 555 1234', NULL),
			 (4, '555 1234', 'US'),
			 (5, '+1 415 555 26711', NULL),
			 (6, '+49 30 123456789012345', NULL),
			 (7, '030 1234567890123456789', 'DE')) AS given (no, value, region)
ORDER BY no;

-- small countries have short numbers
SELECT cdp.normalise_phone('+683 4002') AS niue, cdp.normalise_phone('+290 22158');

-- calling codes that nobody has
SELECT cdp.normalise_phone('+210 1234567'), cdp.normalise_phone('+0 30 1234567'),
	cdp.normalise_phone('+999 12345678');

-- letters: notes, extensions and words are not numbers
SELECT left(value, 32) AS value, cdp.normalise_phone(value, 'US') AS canonical
FROM (VALUES (1, 'unknown'),
			 (2, '1-800-FLOWERS'),
			 (3, '(415) 555-2671 ext. 12'),
			 (4, '(415) 555-2671x12'),
			 (5, 'Ann (415) 555-2671'),
			 (6, '(415) 555-2671, (415) 555-2672'),
			 (7, '415+5552671'),
			 (8, '++14155552671'),
			 (9, '*69'),
			 (10, '+'),
			 (11, '()'),
			 (12, repeat('4', 300))) AS given (no, value)
ORDER BY no;

-- a region that does not exist is a mistake in the query
SELECT cdp.normalise_phone('030 1234567', 'Germany');
SELECT cdp.normalise_phone('030 1234567', 'ZZ');

-- NULL and empty
SELECT cdp.normalise_phone(NULL), cdp.normalise_phone(NULL, 'DE'),
	cdp.normalise_phone('', 'DE'), cdp.normalise_phone(' ', 'DE');

-- an answer is remembered, and the memory does not mix up regions
SELECT cdp.normalise_phone('06 12 34 56 78', region) AS canonical
FROM unnest(ARRAY['FR', 'HU', 'FR', 'HU']) WITH ORDINALITY AS given (region, no)
ORDER BY no;

-- a canonical form is its own canonical form; more numbers than the memory has
-- places
SELECT count(once) AS usable,
	count(*) FILTER (WHERE once <> cdp.normalise_phone(once)) AS changed_twice
FROM generate_series(0, 2999) AS number,
	cdp.normalise_phone('0' || (30000000 + number * 997)::text, 'DE') AS once;
