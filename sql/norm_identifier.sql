-- Identifier values by the normaliser of their type, and why some have none.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension

-- each normaliser
SELECT normaliser, canonical, reason
FROM unnest(ARRAY['email', 'lower', 'phone', 'text', 'uuid'])
		WITH ORDINALITY AS given (normaliser, no),
	cdp._normalise_identifier(normaliser, ' +49 30 1234567 ', 'DE')
ORDER BY no;

-- UUIDs of any spelling are one; what is no UUID is taken as text
SELECT DISTINCT (cdp._normalise_identifier('uuid', value)).canonical
FROM (VALUES ('d41d8cd9-8f00-b204-e980-0998ecf8427e'),
			 ('D41D8CD9-8F00-B204-E980-0998ECF8427E'),
			 ('d41d8cd98f00b204e9800998ecf8427e'),
			 ('{D41D8CD9-8F00-B204-E980-0998ECF8427E}'),
			 ('urn:uuid:d41d8cd9-8f00-b204-e980-0998ecf8427e'),
			 (' ｄ41d8cd9-8f00-b204-e980-0998ecf8427e ')) AS given (value);
SELECT (cdp._normalise_identifier('uuid', value)).canonical
FROM (VALUES (1, 'Cookie 71'),
			 (2, 'D41D8CD9-8F00-B204-E980-0998ECF8427'),
			 (3, 'D41D8CD98-F00-B204-E980-0998ECF8427E'),
			 (4, 'G41D8CD9-8F00-B204-E980-0998ECF8427E'),
			 (5, '{D41D8CD9-8F00-B204-E980-0998ECF8427E')) AS given (no, value)
ORDER BY no;

-- why a value is unusable; no reason repeats the value
SELECT reason
FROM (VALUES (1, 'email', 'a@@b'),
			 (2, 'email', 'a..b@example.com'),
			 (3, 'email', 'ann@-.com'),
			 (4, 'email', 'ann@localhost'),
			 (5, 'email', repeat('a', 65) || '@example.com'),
			 (6, 'email', 'a@' || repeat('b.', 125) || 'com'),
			 (7, 'email', ' '),
			 (8, 'phone', 'call Ann'),
			 (9, 'phone', '030 1234567'),
			 (10, 'phone', '+999 1234567'),
			 (11, 'phone', '+1 555 1234'),
			 (12, 'phone', '+1 415 555 26711'),
			 (13, 'text', ''),
			 (14, 'text', repeat('a', 1025)),
			 (15, 'text', repeat('a', 1024 * 1024 + 1)),
			 (16, 'shoe_size', '38')) AS given (no, normaliser, value),
	cdp._normalise_identifier(normaliser, value)
ORDER BY no;
SELECT reason
FROM (VALUES (1, '555 1234', 'US'),
			 (2, '12', 'DE'),
			 (3, '+33 12345', NULL),
			 (4, '+44 12345678', NULL),
			 (5, '030 1234567', 'Germany')) AS given (no, value, region),
	cdp._normalise_identifier('phone', value, region)
ORDER BY no;

-- the longest value fits an index
SELECT length((cdp._normalise_identifier('text', repeat('é', 512))).canonical);

-- NULL
SELECT * FROM cdp._normalise_identifier('text', NULL);
SELECT * FROM cdp._normalise_identifier(NULL, 'a');
