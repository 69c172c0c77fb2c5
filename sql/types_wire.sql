-- Types over the wire: text and binary round trips, and hostile bytes.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension
SET search_path = cdp, public;

-- the files of this test lie in the folder of its results, where psql goes
\getenv abs_builddir PG_ABS_BUILDDIR
\set results :abs_builddir '/results'
\cd :results

CREATE TEMP TABLE sent (no int, address cdp.email, number cdp.phone, key cdp.identifier_key);
INSERT INTO sent VALUES
	(1, 'Ann@Bücher.example', '+49 30 1234567', 'crm_id:sales%2Fforce/a/b'),
	(2, '"a\"b"@example.com', '+15551234', 'page:/x'),
	(3, 'é@example.com', '+6834002', E'note:a\tb\n\\c'),
	(4, NULL, NULL, NULL);
INSERT INTO sent
SELECT 5, ('a@' || repeat('b.', 124) || 'info')::cdp.email, '+493012345678901',
	cdp.identifier_key(repeat('t', 63), repeat('v', 1024), repeat('/', 255));

-- what is sent is canonical text
SELECT no, convert_from(cdp.email_send(address), 'UTF8') = address::text AS address,
	convert_from(cdp.phone_send(number), 'UTF8') = number::text AS number,
	convert_from(cdp.identifier_key_send(key), 'UTF8') = key::text AS key
FROM sent
ORDER BY no;

-- a table that went out and came back is the same, in each format
CREATE TEMP TABLE received (LIKE sent);
\copy sent TO 'types_wire.text'
\copy received FROM 'types_wire.text'
\copy sent TO 'types_wire.csv' (FORMAT csv)
\copy received FROM 'types_wire.csv' (FORMAT csv)
\copy sent TO 'types_wire.binary' (FORMAT binary)
\copy received FROM 'types_wire.binary' (FORMAT binary)
SELECT no, count(*) AS copies,
	count(DISTINCT (address::text, number::text, key::text)) AS different,
	bool_and((address::text, number::text, key::text)
		IS NOT DISTINCT FROM (sent.address::text, sent.number::text, sent.key::text)) AS same
FROM received
	JOIN sent USING (no, address, number, key)
GROUP BY no
ORDER BY no;
SELECT count(*) AS null_copies FROM received WHERE address IS NULL;

-- a client may speak another encoding
SET client_encoding = 'LATIN1';
\copy sent (address) TO 'types_wire.latin1' (FORMAT binary)
TRUNCATE received;
\copy received (address) FROM 'types_wire.latin1' (FORMAT binary)
RESET client_encoding;
SELECT count(*) FROM received JOIN sent USING (address);

-- bytes from a client are trusted no more than text: what arrives is made
-- canonical
CREATE TEMP TABLE bytes (value bytea);
TRUNCATE received;
INSERT INTO bytes VALUES (convert_to('  Ann@EXAMPLE.com', 'UTF8'));
\copy bytes TO 'types_wire.bytes' (FORMAT binary)
\copy received (address) FROM 'types_wire.bytes' (FORMAT binary)
UPDATE bytes SET value = convert_to('+49 (30) 1234567', 'UTF8');
\copy bytes TO 'types_wire.bytes' (FORMAT binary)
\copy received (number) FROM 'types_wire.bytes' (FORMAT binary)
UPDATE bytes SET value = convert_to('user_id:/42', 'UTF8');
\copy bytes TO 'types_wire.bytes' (FORMAT binary)
\copy received (key) FROM 'types_wire.bytes' (FORMAT binary)
SELECT address, number, key FROM received ORDER BY address, number;

-- or refused: no address, no bytes at all, a zero byte, not UTF-8, cut short
UPDATE bytes SET value = convert_to('a@@b', 'UTF8');
\copy bytes TO 'types_wire.bytes' (FORMAT binary)
\copy received (address) FROM 'types_wire.bytes' (FORMAT binary)
\copy received (number) FROM 'types_wire.bytes' (FORMAT binary)
\copy received (key) FROM 'types_wire.bytes' (FORMAT binary)
UPDATE bytes SET value = '';
\copy bytes TO 'types_wire.bytes' (FORMAT binary)
\copy received (address) FROM 'types_wire.bytes' (FORMAT binary)
\copy received (number) FROM 'types_wire.bytes' (FORMAT binary)
\copy received (key) FROM 'types_wire.bytes' (FORMAT binary)
UPDATE bytes SET value = 'email:a@b.org\000c'::bytea;
\copy bytes TO 'types_wire.bytes' (FORMAT binary)
\copy received (address) FROM 'types_wire.bytes' (FORMAT binary)
\copy received (number) FROM 'types_wire.bytes' (FORMAT binary)
\copy received (key) FROM 'types_wire.bytes' (FORMAT binary)
UPDATE bytes SET value = '\xff40622e6f7267';
\copy bytes TO 'types_wire.bytes' (FORMAT binary)
\copy received (address) FROM 'types_wire.bytes' (FORMAT binary)
\copy received (key) FROM 'types_wire.bytes' (FORMAT binary)
UPDATE bytes SET value = '\x6140622e6f7267c3';
\copy bytes TO 'types_wire.bytes' (FORMAT binary)
\copy received (address) FROM 'types_wire.bytes' (FORMAT binary)
SELECT count(*) AS nothing_was_added FROM received;
