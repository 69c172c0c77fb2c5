-- cdp.profile_bitmap: a compressed set of profile ords.

-- text in any order, out ascending
SELECT '{}'::cdp.profile_bitmap, ' { 5 , 1,2, 2 } '::cdp.profile_bitmap, '{2147483647,0}'::cdp.profile_bitmap;
SELECT NULL::cdp.profile_bitmap IS NULL AS null_is_null;

-- what is not a set of ords
SELECT '1,2'::cdp.profile_bitmap;
SELECT '{1,}'::cdp.profile_bitmap;
SELECT '{,1}'::cdp.profile_bitmap;
SELECT '{1 2}'::cdp.profile_bitmap;
SELECT '{-1}'::cdp.profile_bitmap;
SELECT '{1}x'::cdp.profile_bitmap;
SELECT '{1'::cdp.profile_bitmap;
SELECT '{2147483648}'::cdp.profile_bitmap;
SELECT '{99999999999999999999999999}'::cdp.profile_bitmap;
SELECT cdp.bitmap_agg(-1);

-- equal sets are equal however they were made; hash agrees
SELECT cdp.bitmap_equal('{3,1,2}', '{1,2,3}') AS equal,
	cdp.bitmap_not_equal('{1}', '{2}') AS not_equal,
	'{1}'::cdp.profile_bitmap OPERATOR(cdp.=) '{1}' AS equal_operator,
	'{1}'::cdp.profile_bitmap OPERATOR(cdp.<>) '{1}' AS not_equal_operator,
	cdp.bitmap_hash('{3,1,2}') = cdp.bitmap_hash('{1,2,3}') AS same_hash,
	cdp.bitmap_equal(cdp.bitmap_or(a, b), cdp.bitmap_andnot(whole, '{70000}')) AS same_bytes
FROM (SELECT cdp.bitmap_agg(n) FILTER (WHERE n % 2 = 0) AS a,
		cdp.bitmap_agg(n) FILTER (WHERE n % 2 = 1 AND n <> 70001) AS b,
		cdp.bitmap_agg(n) FILTER (WHERE n <> 70001) AS whole
	FROM generate_series(0, 200000) AS n WHERE n <> 70000) AS made;
SELECT count(*) FROM (SELECT bitmap FROM (VALUES ('{1,2}'::cdp.profile_bitmap), ('{2,1}'), ('{}')) AS v(bitmap) GROUP BY bitmap) AS grouped;

-- every function against integers, over arrays and bitsets
CREATE TEMP TABLE number (shape text, n integer);
INSERT INTO number
SELECT 'sparse', n * 977 FROM generate_series(0, 3000) AS n
UNION ALL SELECT 'dense', n * 3 FROM generate_series(0, 40000) AS n
UNION ALL SELECT 'runs', n FROM generate_series(0, 80000) AS n WHERE n % 20000 < 12000
UNION ALL SELECT 'full', n FROM generate_series(0, 65535) AS n
UNION ALL SELECT 'hollow', n FROM generate_series(0, 65535) AS n WHERE n NOT BETWEEN 10 AND 65000
UNION ALL SELECT 'edges', n FROM unnest(ARRAY[0, 65535, 65536, 131071, 2147483647]) AS n
UNION ALL SELECT 'many runs', k * 65536 + n FROM generate_series(0, 9) AS k, generate_series(10, 500) AS n;
CREATE TEMP TABLE bitmap AS
SELECT shape, cdp.bitmap_agg(n) AS members, array_agg(n ORDER BY n) AS numbers
FROM number GROUP BY shape;
SELECT shape, cdp.bitmap_cardinality(members) = cardinality(numbers) AS cardinality,
	ARRAY(SELECT cdp.bitmap_members(members)) = numbers AS members,
	members::text::cdp.profile_bitmap OPERATOR(cdp.=) members AS text_round_trip,
	(SELECT bool_and(cdp.bitmap_contains(members, n::integer) = (n = ANY (numbers)))
		FROM (SELECT n::bigint + d AS n FROM unnest(numbers[1:50]) AS n, unnest(ARRAY[-1, 0, 1]) AS d) AS probe WHERE n <= 2147483647) AS contains,
	(SELECT bool_and(cdp.bitmap_contains(members, n)) FROM unnest(numbers) AS n) AS contains_all
FROM bitmap ORDER BY shape COLLATE "C";
SELECT a.shape, b.shape,
	cdp.bitmap_and(a.members, b.members) OPERATOR(cdp.=) shared.members
		AND cdp.bitmap_and_cardinality(a.members, b.members) = shared.size AS intersection,
	cdp.bitmap_or(a.members, b.members) OPERATOR(cdp.=) either.members
		AND cdp.bitmap_or_cardinality(a.members, b.members) = either.size AS "union",
	cdp.bitmap_andnot(a.members, b.members) OPERATOR(cdp.=) only_a.members
		AND cdp.bitmap_andnot_cardinality(a.members, b.members) = only_a.size AS difference
FROM bitmap AS a JOIN bitmap AS b ON a.shape <= b.shape COLLATE "C",
	LATERAL (SELECT cdp.bitmap_agg(n) AS members, count(*) AS size FROM
		(SELECT unnest(a.numbers) INTERSECT SELECT unnest(b.numbers)) AS s(n)) AS shared,
	LATERAL (SELECT cdp.bitmap_agg(n) AS members, count(*) AS size FROM
		(SELECT unnest(a.numbers) UNION SELECT unnest(b.numbers)) AS s(n)) AS either,
	LATERAL (SELECT cdp.bitmap_agg(n) AS members, count(*) AS size FROM
		(SELECT unnest(a.numbers) EXCEPT SELECT unnest(b.numbers)) AS s(n)) AS only_a
ORDER BY a.shape COLLATE "C", b.shape COLLATE "C";

-- sizes of random shapes: arrays and bitsets, long beside short, at the limit
-- of 4096 between them
\set seed 31
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CREATE TEMP TABLE random_bitmap AS
SELECT shape, cdp.bitmap_agg(n) AS members, array_agg(n) AS numbers
FROM (
	SELECT DISTINCT shape, (CASE WHEN random() < 0.5 THEN 65536 * shape ELSE 0 END + random() * width)::integer AS n
	FROM unnest('{1,1,2,3,4,5,6,7}'::integer[], '{3,40,90,300,4000,5000,12000,40000}'::integer[],
			'{100,65535,5000,65535,65535,65535,140000,65535}'::integer[]) AS v (shape, size, width)
		CROSS JOIN LATERAL generate_series(1, size)) AS made
GROUP BY shape
UNION ALL
SELECT 10 + extra, cdp.bitmap_agg(n * 3), array_agg(n * 3)
FROM generate_series(0, 2) AS extra, generate_series(1, 4095 + extra) AS n
GROUP BY extra;
SELECT count(*) AS pairs, count(*) FILTER (WHERE
	(cdp.bitmap_and_cardinality(a.members, b.members), cdp.bitmap_or_cardinality(a.members, b.members),
		cdp.bitmap_andnot_cardinality(a.members, b.members), cdp.bitmap_cardinality(cdp.bitmap_and(a.members, b.members)))
	<> (shared, cardinality(a.numbers) + cardinality(b.numbers) - shared, cardinality(a.numbers) - shared, shared)) AS wrong
FROM random_bitmap AS a CROSS JOIN random_bitmap AS b
	CROSS JOIN LATERAL (SELECT count(*) AS shared FROM (
		SELECT unnest(a.numbers) INTERSECT SELECT unnest(b.numbers)) AS s) AS oracle;
-- every combination of them, and how large combinations may be
SELECT count(*) AS combinations, count(*) FILTER (WHERE found.members <> shared) AS wrong
FROM (SELECT array_agg(shape::text) AS names, array_agg(members) AS bitmaps FROM random_bitmap WHERE shape < 10) AS given
	CROSS JOIN LATERAL cdp._overlaps(names, bitmaps, 10) AS found
	CROSS JOIN LATERAL (SELECT count(*) AS shared FROM (
		SELECT n FROM random_bitmap, unnest(numbers) AS n WHERE shape::text = ANY (combination)
		GROUP BY n HAVING count(*) = cardinality(combination)) AS s) AS oracle;
SELECT ways, (SELECT array_agg(cardinality(combination) ORDER BY cardinality(combination))
	FROM cdp._overlaps('{a,b,c}', ARRAY['{1}', '{}', '{1,2}']::cdp.profile_bitmap[], ways)) AS sizes
FROM generate_series(0, 4) AS ways;
SELECT * FROM cdp._overlaps('{}', '{}', 2);

-- aggregates: NULLs are left out; of no rows
SELECT cdp.bitmap_agg(n) FROM unnest(ARRAY[3, NULL, 1, 3]) AS n;
SELECT cdp.bitmap_agg(n), cdp.bitmap_or_agg(b), cdp.bitmap_and_agg(b)
FROM (SELECT 1 AS n, '{1}'::cdp.profile_bitmap AS b WHERE false) AS nothing;
SELECT cdp.bitmap_or_agg(b), cdp.bitmap_and_agg(b)
FROM (VALUES ('{1,2,3}'::cdp.profile_bitmap), (NULL), ('{2,3,4}'), ('{3,9}')) AS v(b);

-- parallel workers ship their states
CREATE TABLE parallel_number AS SELECT n FROM generate_series(0, 100000) AS n;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS off) SELECT cdp.bitmap_agg(n) FROM parallel_number;
SELECT cdp.bitmap_cardinality(cdp.bitmap_agg(n)),
	cdp.bitmap_cardinality(cdp.bitmap_or_agg(CASE WHEN n % 100 = 0 THEN '{7,8}'::cdp.profile_bitmap END)),
	cdp.bitmap_and_agg(CASE WHEN n % 100 = 0 THEN '{7,8}'::cdp.profile_bitmap ELSE '{8}' END)
FROM parallel_number;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
DROP TABLE parallel_number;

-- a listing that stops early frees its bitmap
SELECT cdp.bitmap_members('{1,2,3}') LIMIT 1;

-- binary round trip
CREATE TEMP TABLE copied (LIKE bitmap);
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/audience_bitmap.data'
COPY bitmap TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
SELECT count(*) FROM bitmap JOIN copied USING (shape)
WHERE bitmap.members OPERATOR(cdp.=) copied.members;

-- Hostile bytes: recv checks everything.  A row of COPY's binary format is
-- written by hand: header, one field with the bytes, trailer.
CREATE TEMP TABLE received (members cdp.profile_bitmap);
CREATE FUNCTION pg_temp.receive(hex text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	bytes bytea := decode(replace(hex, ' ', ''), 'hex');
	large oid;
	detail text;
BEGIN
	large := lo_from_bytea(0, decode('5047434f50590aff0d0a000000000000000000'
		|| '0001', 'hex') || int4send(length(bytes)) || bytes || decode('ffff', 'hex'));
	PERFORM lo_export(large, current_setting('test.file'));
	PERFORM lo_unlink(large);
	DELETE FROM received;
	EXECUTE format('COPY received FROM %L (FORMAT binary)', current_setting('test.file'));
	RETURN (SELECT members FROM received);
EXCEPTION WHEN invalid_binary_representation THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLERRM || ': ' || detail;
END
$$;
SELECT set_config('test.file', :'file', false) \g /dev/null
-- as it should be
SELECT encode(cdp.profile_bitmap_send('{1,2}'), 'hex'),
	encode(cdp.profile_bitmap_send('{1,2147483647}'), 'hex');
SELECT pg_temp.receive('3a300000 01000000 0000 0100 10000000 0100 0200'),
	pg_temp.receive('3a300000 00000000');
-- a bitset of every other number
SELECT length(pg_temp.receive('3a300000 01000000 0000 ff3f 10000000'
	|| repeat('55', 4096) || repeat('00', 4096)));
SELECT what, pg_temp.receive(hex) AS refused FROM (VALUES
	(1, 'empty', ''),
	(2, 'cookie', '3c300000 00000000'),
	(3, 'cut header', '3a300000 01000000'),
	(4, 'too many containers', '3a300000 ffffffff'),
	(5, 'array descends', '3a300000 01000000 0000 0100 10000000 0200 0100'),
	(6, 'array repeats', '3a300000 01000000 0000 0100 10000000 0100 0100'),
	(7, 'offset', '3a300000 01000000 0000 0100 11000000 0100 0200'),
	(8, 'cut array', '3a300000 01000000 0000 0100 10000000 0100'),
	(9, 'no container', '3a300000 01000000 0000 0100 10000000'),
	(10, 'bytes left over', '3a300000 01000000 0000 0100 10000000 0100 0200 00'),
	(11, 'key too large', '3a300000 01000000 0080 0000 10000000 0100'),
	(12, 'keys repeat', '3a300000 02000000 0000 0000 0000 0000 18000000 1a000000 0100 0100'),
	(13, 'runs', '3b300000 01 0000 0400 0100 0100 0400'),
	(14, 'bitset count', '3a300000 01000000 0000 ff1f 10000000'
		|| repeat('55', 4096) || repeat('00', 4096)),
	(15, 'cut bitset', '3a300000 01000000 0000 ff3f 10000000' || repeat('55', 4096))
	) AS hostile(n, what, hex)
ORDER BY n;

-- parts: the numbers of each upper half are one, byte for byte
SELECT count(*) AS parts, bool_and(coalesce(cdp.bitmap_equal(part.members, made.members), false)) AS same
FROM (SELECT shape, number, part.members FROM random_bitmap CROSS JOIN LATERAL cdp._bitmap_parts(members) AS part) AS part
	FULL JOIN (SELECT shape, n >> 16 AS number, cdp.bitmap_agg(n) AS members
		FROM random_bitmap, unnest(numbers) AS n GROUP BY 1, 2) AS made USING (shape, number);
SELECT shape, (SELECT array_agg(part.number || ': ' || cdp.bitmap_cardinality(part.members)) FROM cdp._bitmap_parts(members) AS part)
FROM (SELECT shape, cdp.bitmap_agg(n) AS members FROM number GROUP BY shape UNION ALL SELECT 'none', '{}') AS shaped
WHERE shape NOT IN ('sparse', 'many runs') ORDER BY shape;
