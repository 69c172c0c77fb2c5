-- Canonical countries, languages and time zones, and names fit to be shown.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension

-- a country by its codes, and by its name in each of eight languages, in any
-- case, with and without accents
SELECT value, cdp.normalise_country(value) AS country
FROM unnest('{de,DE,Deu,Germany,DEUTSCHLAND,Allemagne,alemania,Germania,Duitsland,Niemcy,Alemanha," deutschland "}'::text[]) AS value;
SELECT value, cdp.normalise_country(value) AS country
FROM unnest('{Brasil,Côte d’Ivoire,"cote d''ivoire",Österreich,osterreich,"Bosnia & Herzegovina","Bosnia and Herzegovina","Trinidad and Tobago",Hong Kong,España,Polska,"United States of America",USA,UK,Great Britain,Kosovo}'::text[]) AS value;
-- a code of one country is never a short name of another
SELECT cdp.normalise_country('RU') AS russia, cdp.normalise_country('ES') AS spain;
-- what is none
SELECT value AS not_none FROM unnest('{Atlantis,"",ZZ,EU,XX,276,Europe,EA,"Berlin, Germany",D}'::text[]) AS value
WHERE cdp.normalise_country(value) IS NOT NULL;
SELECT cdp.normalise_country(NULL), cdp.normalise_country(repeat('a', 5000));

-- a language as any system writes it
SELECT value, cdp.normalise_language(value) AS language
FROM unnest('{de,DE,deu,de_DE,de-de,de_DE.UTF-8,de_DE@euro," pt_br ",zh_Hans_CN,sr-latn-rs,es-419,iw,de-DE-1996,de-u-co-phonebk}'::text[]) AS value;
SELECT value AS not_none FROM unnest('{"",german,Deutsch,xx,C,POSIX,und,x-klingon,de-,_DE,de DE,dé,"de,en;q=0.8",12}'::text[]) AS value
WHERE cdp.normalise_language(value) IS NOT NULL;
SELECT cdp.normalise_language(NULL), cdp.normalise_language('de-' || repeat('abcdefgh-', 20) || 'x');

-- a time zone by any name that it has or had
SELECT value, cdp.normalise_time_zone(value) AS time_zone
FROM unnest('{Europe/Berlin,europe/berlin," EUROPE/BERLIN ",America/New York,US/Eastern,Asia/Calcutta,asia/kolkata,America/Buenos_Aires,UTC,utc,Zulu,GMT,Japan}'::text[]) AS value;
-- abbreviations mean another zone elsewhere, and an offset is no zone
SELECT value AS not_none
FROM unnest('{"",IST,CST,CET,EST,+02:00,UTC+2,GMT+2,Europe/Atlantis,Berlin,Etc/Unknown,SystemV/EST5,FOO5,posixrules,../../etc/passwd,Europe/Münster}'::text[]) AS value
WHERE cdp.normalise_time_zone(value) IS NOT NULL;
SELECT cdp.normalise_time_zone(NULL), cdp.normalise_time_zone(repeat('a', 70));
-- every zone of PostgreSQL that has a canonical name has one PostgreSQL knows,
-- with the same offset in winter and in summer (EST and the like are refused)
SELECT name, canonical
FROM pg_timezone_names, cdp.normalise_time_zone(name) AS canonical,
	unnest('{2026-01-15 12:00Z,2026-07-15 12:00Z}'::timestamptz[]) AS at
WHERE at AT TIME ZONE name <> at AT TIME ZONE canonical;

-- a canonical form is its own
SELECT count(*) AS unstable
FROM pg_timezone_names, cdp.normalise_time_zone(name) AS canonical
WHERE cdp.normalise_time_zone(canonical) <> canonical;
SELECT count(*) > 240 AS countries, bool_and(cdp.normalise_country(lower(code)) = code) AS stable
FROM (SELECT DISTINCT cdp.normalise_country(chr(a) || chr(b)) AS code
	FROM generate_series(65, 90) AS a, generate_series(65, 90) AS b) AS codes
WHERE code IS NOT NULL;

-- names and places keep case, compatibility characters and joiners, and lose
-- what nobody means
SELECT cdp._normalise_display(E' \t Ann\u00a0 de  la\u200b Cruz\r\n') AS name,
	cdp._normalise_display(U&'Jose\0301') = U&'Jos\00e9' AS composed,
	cdp._normalise_display('m² Ⅷ') AS kept,
	cdp._normalise_display(U&'\0639\0644\06cc\200c\0631\0636\0627') = U&'\0639\0644\06cc\200c\0631\0636\0627' AS joined;
SELECT cdp._normalise_display(''), cdp._normalise_display(E' \u200b\t'), cdp._normalise_display(U&' \200d'), cdp._normalise_display(NULL);
