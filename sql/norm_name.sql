-- Names for matching, and event names.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension

-- case, accents, strokes, punctuation and spaces fold away
SELECT DISTINCT cdp.normalise_name(value) AS matching
FROM (VALUES ('Søren O’Brien-Łuk'),
			 ('SØREN O''BRIEN ŁUK'),
			 ('soren   obrien luk'),
			 (U&'So\0308ren O\00B4Brien\2013Luk'),
			 ('  Sören O`Brien Luk.')) AS given (value);

-- letters that Unicode does not decompose, and ligatures
SELECT cdp.normalise_name('Æther Œuvre'), cdp.normalise_name('Þór Guðmundsson'),
	cdp.normalise_name('Đặng'), cdp.normalise_name('Straße');

-- both Turkish pairs meet, as do the forms of sigma
SELECT cdp.normalise_name('IŞIK') = cdp.normalise_name('ışık') AS dotless,
	cdp.normalise_name('İPEK') = cdp.normalise_name('ipek') AS dotted,
	cdp.normalise_name('ΝΊΚΟΣ') = cdp.normalise_name('Νικος') AS sigma;

-- points and vowel signs of Hebrew and Arabic are left out
SELECT cdp.normalise_name(U&'\05E9\05B8\05DC\05D5\05B9\05DD') = U&'\05E9\05DC\05D5\05DD' AS hebrew,
	cdp.normalise_name(U&'\0645\064F\062D\0645\0651\064E\062F') = U&'\0645\062D\0645\062F' AS arabic;

-- but marks that are letters stay: Devanagari and Thai vowels, kana voicing,
-- and Hangul is put together again
SELECT cdp.normalise_name('प्रिया') = 'प्रिया' AS devanagari,
	cdp.normalise_name('สุดา') = 'สุดา' AS thai,
	cdp.normalise_name('がぎ') = 'がぎ' AS kana,
	cdp.normalise_name('김철수') = '김철수' AS hangul;

-- initials, titles, digits
SELECT cdp.normalise_name('Dr. J.R.R. Tolkien'), cdp.normalise_name('John Smith 3rd'),
	cdp.normalise_name('Anne-Marie  (Annie) Smith');

-- no letter and no digit is no name
SELECT cdp.normalise_name(''), cdp.normalise_name(' - '), cdp.normalise_name('☺'),
	cdp.normalise_name(repeat('a', 4097)), cdp.normalise_name(NULL);
SELECT length(cdp.normalise_name(repeat('a', 4096))) AS longest;

-- event names become words in lower case with "_" between
SELECT value, cdp.normalise_event_name(value) AS folded
FROM (VALUES (1, 'Order Completed'),
			 (2, 'orderCompleted'),
			 (3, 'OrderCompleted'),
			 (4, 'ORDER_COMPLETED'),
			 (5, 'order-completed'),
			 (6, '  order: completed! '),
			 (7, 'order_completed'),
			 (8, 'HTMLPageView'),
			 (9, 'viewedHTML'),
			 (10, 'step2Completed'),
			 (11, 'step 2'),
			 (12, '2FA Enabled'),
			 (13, 'Größe Geändert'),
			 (14, '注文完了'),
			 (15, 'Ｏｒｄｅｒ　Ｃｏｍｐｌｅｔｅｄ'),
			 (16, U&'Order\200BCompleted'),
			 (17, '$pageview'),
			 (18, '___'),
			 (19, ''),
			 (20, '🛒')) AS given (no, value)
ORDER BY no;

-- at most 255 bytes
SELECT length(cdp.normalise_event_name(repeat('a', 255))) AS longest,
	cdp.normalise_event_name(repeat('a', 256)) AS longer,
	cdp.normalise_event_name(repeat('a', 1000000)) AS huge,
	cdp.normalise_event_name(NULL) AS unknown;

-- a folded form is its own folded form
SELECT count(*) FILTER (WHERE name <> cdp.normalise_name(name)) AS name_changed_twice,
	count(*) FILTER (WHERE event <> cdp.normalise_event_name(event)) AS event_changed_twice
FROM generate_series(1, 65535) AS code,
	cdp.normalise_name('a' || chr(code) || 'B' || chr(code)) AS name,
	cdp.normalise_event_name('a' || chr(code) || 'B' || chr(code)) AS event
WHERE code NOT BETWEEN 55296 AND 57343;
