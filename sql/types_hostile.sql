-- What arrives in binary form, damaged at random: each type of ours refuses it,
-- or makes a value of it that goes out and comes back as it is.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension
\set SHOW_CONTEXT never
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/types_hostile.data'
SELECT set_config('test.file', :'file', false) \g /dev/null

CREATE TEMP TABLE sample (type regtype, value text);
INSERT INTO sample VALUES
	('cdp.email', 'ann@example.com'), ('cdp.email', '"a\"b"@bücher.example'),
	('cdp.phone', '+49301234567'), ('cdp.phone', '+15551234'),
	('cdp.identifier_key', 'crm_id:sales%2Fforce/a/b'), ('cdp.identifier_key', E'note:a\tb\\c'),
	('cdp.predicate', 'a = 1 and count(order where b > 2.50, 7 days) >= 3'),
	('cdp.predicate', 'sequence("é" then no any within 2 days same x, last month) at time zone ''UTC'''),
	('cdp.timeline', '[]'), ('cdp.timeline', '[[1000, 2, 0, null], [2000, 1, 7, 49.90, {"3": 1.50, "1": "é"}], [2000, 1, 8, -1, {"2": true, "9": [1]}]]'),
	('cdp.profile_bitmap', '{}'), ('cdp.profile_bitmap', '{1,2,70000,2147483647}');
INSERT INTO sample
SELECT 'cdp.profile_bitmap'::regtype, cdp.bitmap_agg(n)::text FROM generate_series(1, 20000) AS n WHERE n % 3 > 0
UNION ALL SELECT 'cdp.timeline', cdp.timeline_agg(n % 70, '2026-01-01'::timestamptz + n * interval '1 s', n / 4.0, jsonb_build_object(n % 9 + 1, n % 5))::text
FROM generate_series(1, 40) AS n
UNION ALL SELECT 'cdp.component_map', cdp.components(n, n / 2 * 3)::text FROM generate_series(1, 30) AS n
UNION ALL SELECT 'cdp.text_component_map', cdp.components('x' || n, 'é' || n / 2)::text FROM generate_series(1, 30) AS n
UNION ALL SELECT 'cdp.clv_model', '{"kind":"bgnbd","params":{"r":0.243,"alpha":4.414,"a":0.793,"b":2.426}}'
UNION ALL SELECT 'cdp.clv_model', '{"kind":"gamma_gamma","params":{"p":1e-3,"q":2,"v":1e300},"unit":"90 minutes","status":"boundary","n":12.5,"loglik":-1234.5,"iterations":12,"covariance":[[1],[0.5,0],[-0.25,1e-9,3]]}';
INSERT INTO sample SELECT 'cdp.rfm_summary', summary::text FROM (
	SELECT cdp.rfm_agg('2026-01-01'::timestamptz + n * interval '1 day', n, '2026-06-01'::timestamptz) AS summary FROM generate_series(1, 3) AS n) AS made;
-- every type that is sent has samples
SELECT oid::regtype AS forgotten FROM pg_type
WHERE typnamespace = 'cdp'::regnamespace AND typtype = 'b' AND typsend <> 0 AND typcategory <> 'A'
	AND oid NOT IN (SELECT type FROM sample);

-- as it is sent
CREATE FUNCTION pg_temp.send(type regtype, value text) RETURNS bytea
LANGUAGE plpgsql AS $$
DECLARE
	sent bytea;
BEGIN
	EXECUTE format('SELECT %s(%L::%s)', (SELECT typsend FROM pg_type WHERE oid = type), value, type) INTO sent;
	RETURN sent;
END
$$;
-- as text what is received, through a file of COPY: header, one field, trailer
CREATE FUNCTION pg_temp.receive(type regtype, bytes bytea) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	file oid := lo_from_bytea(0, '\x5047434f50590aff0d0a0000000000000000000001'::bytea
		|| int4send(length(bytes)) || bytes || '\xffff'::bytea);
	value text;
BEGIN
	PERFORM lo_export(file, current_setting('test.file')), lo_unlink(file);
	EXECUTE format('CREATE TEMP TABLE IF NOT EXISTS %I (value %s)', 'received ' || type, type);
	EXECUTE format('DELETE FROM %I', 'received ' || type);
	EXECUTE format('COPY %I FROM %L (FORMAT binary)', 'received ' || type, current_setting('test.file'));
	EXECUTE format('SELECT value::text FROM %I', 'received ' || type) INTO value;
	RETURN value;
END
$$;
SET client_min_messages = warning;
SELECT type, bool_and(pg_temp.send(type, pg_temp.receive(type, pg_temp.send(type, value))) = pg_temp.send(type, value)) AS whole
FROM sample GROUP BY type ORDER BY type::text;

-- cut, longer, other bits, other bytes, numbers at their limits, parts twice or
-- left out, the beginning of one with the end of another
CREATE FUNCTION pg_temp.damage(bytes bytea, other bytea) RETURNS bytea
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	size integer := length(bytes);
	at integer := floor(random() * size);
	many integer := floor(random() * (size - at)) + 1;
	way integer := CASE WHEN size = 0 THEN 1 ELSE floor(random() * 8) END;
BEGIN
	CASE way
	WHEN 0 THEN RETURN substr(bytes, 1, at);
	WHEN 1 THEN RETURN bytes || decode(repeat(lpad(to_hex(floor(random() * 256)::integer), 2, '0'), 1 + floor(random() * 9)::integer), 'hex');
	WHEN 2 THEN RETURN set_bit(bytes, floor(random() * size * 8)::bigint, floor(random() * 2)::integer);
	WHEN 3 THEN RETURN set_byte(bytes, at, floor(random() * 256)::integer);
	WHEN 4 THEN RETURN overlay(bytes PLACING (ARRAY['\x00000000', '\xffffffff', '\x7fffffff', '\x80000000', '\xffffff7f', '\x00010000']::bytea[])
		[1 + floor(random() * 6)::integer] FROM at + 1);
	WHEN 5 THEN RETURN substr(bytes, 1, at + many) || substr(bytes, at + 1);
	WHEN 6 THEN RETURN substr(bytes, 1, at) || substr(bytes, at + many + 1);
	ELSE RETURN substr(bytes, 1, at) || substr(other, greatest(length(other) - many, 0) + 1);
	END CASE;
END
$$;

-- NULL: refused, with an error of the data; else whether it is kept
CREATE FUNCTION pg_temp.try(type regtype, bytes bytea) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	value text;
	sent bytea;
	again text;
BEGIN
	value := pg_temp.receive(type, bytes);
	sent := pg_temp.send(type, value);
	again := pg_temp.receive(type, sent);
	RETURN CASE WHEN value IS NULL OR again <> value OR pg_temp.send(type, again) <> sent
		THEN format('%s, then %s', value, again) ELSE 'kept' END;
EXCEPTION
	WHEN data_exception OR program_limit_exceeded OR protocol_violation THEN
		RETURN NULL;
	WHEN OTHERS THEN
		RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

\set seed 5
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CREATE TEMP TABLE tried AS
SELECT a.type, damaged.bytes, pg_temp.try(a.type, damaged.bytes) AS result
FROM sample AS a
	CROSS JOIN generate_series(1, 200) AS n
	CROSS JOIN LATERAL (SELECT b.value FROM sample AS b WHERE b.type = a.type AND n > 0 ORDER BY random() LIMIT 1) AS other
	CROSS JOIN LATERAL (SELECT pg_temp.damage(pg_temp.send(a.type, a.value), pg_temp.send(a.type, other.value)) AS bytes
		WHERE n > 0 OFFSET 0) AS damaged;
SELECT count(*) AS tried, count(DISTINCT bytes) > 2000 AS different, count(result) > 300 AS some_are_kept,
	count(*) FILTER (WHERE result IS NULL) > 1000 AS most_are_refused FROM tried;
SELECT type, encode(bytes, 'hex'), result FROM tried WHERE result <> 'kept' LIMIT 5;
