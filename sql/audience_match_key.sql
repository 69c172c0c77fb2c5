-- Match keys: by what advertising platforms find a person.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never

-- the platforms' own examples: value and hash as they publish them
SELECT platform, type, cdp.match_key(platform, type, value, region) = expected AS agrees
FROM (VALUES
	('meta', 'email', 'John_Smith@gmail.com', NULL, '62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f'),
	('meta', 'phone', '(650)555-1212', 'US', 'e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176'),
	('meta', 'first_name', 'Mary', NULL, '6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec'),
	('meta', 'first_name', '정', NULL, '8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14'),
	('meta', 'first_name', 'Valéry', NULL, '08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c'),
	('tiktok', 'email', 'JaneDoe@gmail.com ', NULL, 'd6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69'))
	AS golden (platform, type, value, region, expected);

-- what is hashed, written out: the server's own SHA-256 of it
CREATE FUNCTION pg_temp.sha(plain text) RETURNS text LANGUAGE sql
RETURN encode(sha256(convert_to(plain, 'UTF8')), 'hex');
SELECT platform, type, value, plain,
	cdp.match_key(platform, type, value, region) = pg_temp.sha(plain) AS agrees
FROM (VALUES
	-- of Gmail's mailboxes dots and tags mean nothing, of others they may
	('google', 'email', ' Cloudy.SanFrancisco+shopping@gmail.com ', NULL, 'cloudysanfrancisco@gmail.com'),
	('google', 'email', 'a.b.c@GoogleMail.com', NULL, 'abc@googlemail.com'),
	('google', 'email', 'user.name+NYC@Example.com', NULL, 'user.name+nyc@example.com'),
	('google', 'email', 'ann@mail.gmail.com', NULL, 'ann@mail.gmail.com'),
	('meta', 'email', 'Ann.B+x@gmail.com', NULL, 'ann.b+x@gmail.com'),
	('tiktok', 'email', 'Ann.B+x@gmail.com', NULL, 'ann.b+x@gmail.com'),
	('liveramp', 'email', ' MyName@liveramp.com ', NULL, 'myname@liveramp.com'),
	-- numbers
	('google', 'phone', '(800)555-0100', 'US', '+18005550100'),
	('google', 'phone', '030 1234567', 'de', '+49301234567'),
	('google', 'phone', '0049 30 1234567', 'DE', '+49301234567'),
	('meta', 'phone', '030 1234567', 'DE', '49301234567'),
	('meta', 'phone', '+49 (0)30 1234567', NULL, '49301234567'),
	('tiktok', 'phone', '+374 93 828222', NULL, '+37493828222'),
	-- names
	('google', 'first_name', '  Anna-Maria  ', NULL, 'anna-maria'),
	('google', 'last_name', 'Mc  DONALD', NULL, 'mc donald'),
	('google', 'last_name', 'ŁUKASZEWICZ', NULL, 'łukaszewicz'),
	('google', 'last_name', 'Weiß', NULL, 'weiß'),
	('meta', 'first_name', 'Anna-Maria', NULL, 'annamaria'),
	('meta', 'last_name', 'O’Brien', NULL, 'obrien'),
	('meta', 'last_name', 'van der Berg', NULL, 'vanderberg'),
	-- an accent apart from its letter is the same name
	('meta', 'first_name', U&'Vale\0301ry', NULL, 'valéry'),
	-- places
	('meta', 'city', 'New York', NULL, 'newyork'),
	('meta', 'city', 'Sankt-Pölten 3100', NULL, 'sanktpölten'),
	('meta', 'region', 'California', NULL, 'ca'),
	('meta', 'region', 'New York', 'US', 'ny'),
	('meta', 'region', 'CA', 'US', 'ca'),
	('meta', 'region', 'Georgia', 'GE', 'georgia'),
	('meta', 'region', 'Île-de-France', 'FR', 'îledefrance'),
	('meta', 'postal_code', '94035-1234', 'US', '94035'),
	('meta', 'postal_code', ' M1 1AE', 'GB', 'm11ae'),
	('meta', 'postal_code', '01001-000', 'BR', '01001000'),
	('meta', 'country', 'DE', NULL, 'de'),
	('meta', 'country', 'Deutschland', NULL, 'de'),
	('meta', 'birth_date', '1970-03-01', NULL, '19700301'),
	('meta', 'birth_date', '1970-03-01T00:00:00Z', NULL, '19700301'),
	('meta', 'gender', 'Female', NULL, 'f'),
	('meta', 'gender', 'm', NULL, 'm'),
	('meta', 'external_id', ' U-1 ', NULL, 'U-1'),
	('tiktok', 'external_id', 'U-1', NULL, 'U-1'))
	AS written (platform, type, value, region, plain);

-- not hashed
SELECT cdp.match_key('google', 'country', 'Germany') AS country,
	cdp.match_key('google', 'country', 'usa') AS usa,
	cdp.match_key('google', 'postal_code', ' 10115 ') AS postal_code,
	cdp.match_key('google', 'external_id', 'U-1') AS external_id;

-- LiveRamp takes numbers as SHA-1, without country code: that of 5551234567
SELECT cdp.match_key('liveramp', 'phone', '+1 (555) 123-4567') AS us,
	cdp.match_key('liveramp', 'phone', '555-123-4567', 'US')
		= cdp.match_key('liveramp', 'phone', '+15551234567') AS same,
	cdp.match_key('liveramp', 'phone', '+44 20 7946 0000')
		= cdp.match_key('liveramp', 'phone', '+49 20 7946 0000') AS without_code;

-- NULL in, NULL out; and nothing for what has no form
SELECT cdp.match_key('google', 'email', NULL), cdp.match_key(NULL, 'email', 'a@x.de'),
	cdp.match_key('google', NULL, 'a@x.de'), cdp.match_key('google', 'email', 'a@x.de', NULL) IS NOT NULL AS region;
SELECT platform, type, value FROM (VALUES
	('google', 'email', 'no address'), ('google', 'email', '+tag@gmail.com'),
	('google', 'phone', '030 1234567'), ('google', 'phone', 'call Ann'), ('google', 'first_name', '  '),
	('google', 'country', 'Atlantis'), ('google', 'postal_code', ''), ('meta', 'email', ''),
	('meta', 'last_name', '...'), ('meta', 'city', '12'), ('meta', 'region', '-'),
	('meta', 'birth_date', '1970-13-01'), ('meta', 'birth_date', '01.03.1970'), ('meta', 'birth_date', '1970-04-31'), ('meta', 'birth_date', '1970-02-29'),
	('meta', 'gender', 'unknown'), ('meta', 'country', 'x'), ('meta', 'postal_code', ' - '),
	('tiktok', 'external_id', ' '), ('liveramp', 'phone', '+999 123'))
	AS formless (platform, type, value)
WHERE cdp.match_key(platform, type, value) IS NOT NULL;

-- what platforms there are, and what they take
SELECT cdp.match_key('myspace', 'email', 'a@x.de');
SELECT cdp.match_key('Google', 'email', NULL);
SELECT cdp.match_key('google', 'gender', 'f');
SELECT cdp.match_key('meta', 'fax', NULL);
SELECT cdp.match_key('tiktok', 'first_name', 'Ann');
SELECT cdp.match_key('liveramp', 'last_name', 'Berg');
SELECT cdp.match_key('meta', 'phone', '030 1234567', 'Germany');

-- it can be indexed, as cdp.normalise_phone() can
SELECT proname, provolatile, proparallel FROM pg_proc
WHERE pronamespace = 'cdp'::regnamespace AND proname IN ('match_key', 'normalise_phone') ORDER BY 1;
