-- The type cdp.timeline by itself: no store is needed.
\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS cdp CASCADE;
CREATE EXTENSION cdp;
\set ECHO all
SET TIME ZONE 'UTC';

-- text in and out: events come out in their order whatever the order in
SELECT '[]'::cdp.timeline;
SELECT '[[2000, 1, 7, 49.90, {"3": 1.50, "1": "p-7"}], [1000, 2, 0, null]]'::cdp.timeline;
SELECT '[[1000, 2, 0, -0.0001, {"1": true, "2": [1, {"a": "b"}], "9": "\u00e9\""}]]'::cdp.timeline;

-- ties are told apart by name, source, amount (none first), values; equal
-- events are kept as often as they happened
SELECT '[[5, 2, 1, null], [5, 1, 2, 3], [5, 1, 2, null], [5, 1, 1, 9],
	[5, 1, 2, -3], [5, 1, 2, 3, {"2": "a"}], [5, 1, 2, 3, {"1": "b"}],
	[5, 1, 2, 3, {"1": "ba"}], [5, 1, 2, 3, {"1": 4}], [5, 1, 2, 3]]'::cdp.timeline;

-- a JSON null is no value, times may be long ago or far away
SELECT '[[-62135596800000, 1, 1, null, {"1": null}],
	[9224318015999999, 1, 1, null]]'::cdp.timeline;
SELECT '[[0, 1, 1, 922337203685477.5807], [0, 1, 1, -922337203685477.5807]]'::cdp.timeline;

-- what is refused
SELECT '{'::cdp.timeline;
SELECT '{}'::cdp.timeline;
SELECT '"x"'::cdp.timeline;
SELECT '[1]'::cdp.timeline;
SELECT '[[1, 2, 3]]'::cdp.timeline;
SELECT '[["1", 2, 3, null]]'::cdp.timeline;
SELECT '[[1.5, 2, 3, null]]'::cdp.timeline;
SELECT '[[9224318016000000, 2, 3, null]]'::cdp.timeline;
SELECT '[[99999999999999999999, 2, 3, null]]'::cdp.timeline;
SELECT '[[1, -2, 3, null]]'::cdp.timeline;
SELECT '[[1, 2, 2147483648, null]]'::cdp.timeline;
SELECT '[[1, 2, 3, "4"]]'::cdp.timeline;
SELECT '[[1, 2, 3, 0.00001]]'::cdp.timeline;
SELECT '[[1, 2, 3, 922337203685478]]'::cdp.timeline;
SELECT '[[1, 2, 3, 4, []]]'::cdp.timeline;
SELECT '[[1, 2, 3, 4, {"0": 1}]]'::cdp.timeline;
SELECT '[[1, 2, 3, 4, {"256": 1}]]'::cdp.timeline;
SELECT '[[1, 2, 3, 4, {"x": 1}]]'::cdp.timeline;
SELECT '[[1, 2, 3, 4, {"1": 1, "01": 1}]]'::cdp.timeline;
SELECT ('[' || string_agg(format('[1, %s, 0, null]', n), ',') || ']')::cdp.timeline
FROM generate_series(1, 256) AS n;

-- the values of a slot are told by a number behind one prefix or listed, which
-- are two columns: chunks end before the 256th
CREATE FUNCTION pg_temp.wide(at int, value text) RETURNS text LANGUAGE sql AS $$
	SELECT format('[[%s, 1, 1, null, {%s}]]', at, string_agg(format('"%s": "%s"', slot, value), ', ' ORDER BY slot)) FROM generate_series(1, 255) AS slot $$;
SELECT cdp.timeline_merge(ARRAY[pg_temp.wide(1, 'a1'), '[[2, 1, 1, null, {"9": "b"}]]']::cdp.timeline[]);
SELECT cdp.timeline_count(chunk), chunk::text = pg_temp.wide(1, 'a1') AS wide FROM unnest(cdp._timeline_chunks(ARRAY[pg_temp.wide(1, 'a1'),
	'[[2, 1, 1, null, {"9": "b"}]]']::cdp.timeline[])) AS chunk;

-- shapes from the 32nd on take a byte more, times between events none to seven
SELECT made.text::cdp.timeline::text = made.text AS round_trip,
	cdp.timeline_count(made.text::cdp.timeline)
FROM (
	SELECT '[' || string_agg(format('[%s, %s, %s, null]', at, name_id, source_id), ', '
		ORDER BY at, name_id, source_id) || ']' AS text
	FROM (
		SELECT floor(-210000000000000 + 1.07::numeric ^ n)::bigint AS at,
			n % 127 AS name_id, n % 2 AS source_id
		FROM generate_series(0, 540) AS n) AS event) AS made;

-- the header's answers
CREATE TEMP TABLE sample (id int PRIMARY KEY, timeline cdp.timeline);
INSERT INTO sample VALUES
	(1, '[]'),
	(2, '[[1780272000000, 1, 2, 49.99, {"1": "p-7", "3": 12}], [1780358400123, 66, 2, null]]'),
	(3, NULL);
SELECT id, cdp.timeline_count(timeline), cdp.timeline_first(timeline),
	cdp.timeline_last(timeline), cdp.timeline_may_contain(timeline, 1) AS has_1,
	cdp.timeline_may_contain(timeline, 2) AS has_2,
	cdp.timeline_may_contain(timeline, 3) AS has_3
FROM sample ORDER BY id;

-- rows, all or those of some names
SELECT id, event.* FROM sample, cdp.timeline_events(timeline) AS event ORDER BY id, occurred_at;
SELECT id, event.* FROM sample, cdp.timeline_events(timeline, '{66, 5, NULL}') AS event;
SELECT count(*) FROM sample, cdp.timeline_events(timeline, '{}') AS event;

-- the aggregate: order of rows plays no part, times go to the nearest
-- millisecond, rows without name or time are skipped
SELECT cdp.timeline_agg(name, at, amount, properties)
FROM (VALUES (2, timestamptz '2026-06-01 00:00:00.0005', 1.5, '{"2": "b", "1": "a"}'::jsonb),
	(1, '2026-06-01', NULL, NULL), (NULL, '2026-06-01', 1, NULL),
	(1, NULL, 1, NULL)) AS event (name, at, amount, properties);
SELECT cdp.timeline_agg(1, NULL, NULL, NULL);
SELECT cdp.timeline_agg(1, now(), NULL, NULL) FROM generate_series(1, 0);
SELECT cdp.timeline_agg(1, 'infinity', NULL, NULL);
SELECT cdp.timeline_agg(-1, '2026-06-01', NULL, NULL);
SELECT cdp.timeline_agg(1, '2026-06-01', 'NaN', NULL);
SELECT cdp.timeline_agg(1, '2026-06-01', 1, '[]');
SELECT cdp.timeline_agg(1, '2026-06-01', 1, '{"1": 1, "+1": 2}');

-- random events: unpacked they are what was packed, packed in two halves and
-- merged they are the same bytes, and so are text and binary round trips
SELECT setseed(0.42);
CREATE TEMP TABLE random_event AS
SELECT n, (random() * 70)::int AS name_id,
	timestamptz '2026-01-01' + floor(random() * 1e6) * interval '1 millisecond' AS at,
	CASE WHEN random() < 0.3 THEN round((random() * 1000 - 100)::numeric, (random() * 4)::int) END AS amount,
	CASE WHEN random() < 0.7 THEN jsonb_strip_nulls(jsonb_build_object(
		'1', 'p-' || (random() * 20)::int,
		'3', CASE WHEN random() < 0.5 THEN (odd.values -> (random() * jsonb_array_length(odd.values))::int) END,
		'7', CASE WHEN random() < 0.5 THEN trunc(random() * 100)::int END,
		'9', CASE WHEN random() < 0.1 THEN random() < 0.5 END)) END AS properties
FROM generate_series(1, 5000) AS n, (
	SELECT jsonb_build_array('', '0', '00', '7', 'p', 'p0', 'p7', 'p07', 'p007', 'p0070', 'p-7', 'q7', 'é9', '9é', '7p', '1.5', '-3',
		'p2097151', 'p2097152', 'p9999999', 'p10000000', '99999999999999999999', repeat('x', 31) || 7, repeat('x', 32) || 7,
		0, 7, 70, -3, 1.5, 0.07, 2097151, 2097152, 1e30, true, '[7]'::jsonb, '{"p": 7}'::jsonb) AS values) AS odd;
CREATE TEMP TABLE packed AS
SELECT cdp.timeline_agg(name_id, at, amount, properties) AS timeline,
	n / 50 AS piece
FROM random_event GROUP BY n / 50;
SELECT count(*) AS missing_or_extra FROM (
	(SELECT name_id, at, amount, coalesce(properties, '{}'), count(*) FROM random_event GROUP BY 1, 2, 3, 4
	EXCEPT
	SELECT name_id, occurred_at, amount, properties, count(*) FROM packed, cdp.timeline_events(timeline) GROUP BY 1, 2, 3, 4)
	UNION ALL
	(SELECT name_id, occurred_at, amount, properties, count(*) FROM packed, cdp.timeline_events(timeline) GROUP BY 1, 2, 3, 4
	EXCEPT
	SELECT name_id, at, amount, coalesce(properties, '{}'), count(*) FROM random_event GROUP BY 1, 2, 3, 4)) AS differ;
SELECT count(*) FROM packed WHERE NOT cdp.timeline_eq(timeline, timeline::text::cdp.timeline);
-- the same chunks whatever is merged in which order
WITH chunked AS (
	SELECT cdp._timeline_chunks(array_agg(timeline ORDER BY piece)) AS forward,
		cdp._timeline_chunks(array_agg(timeline ORDER BY piece DESC)) AS backward
	FROM packed
)
SELECT forward::text = backward::text AS same, cardinality(forward) > 10 AS several,
	(SELECT max(pg_column_size(chunk)) <= 1536 FROM unnest(forward) AS chunk) AS short,
	(SELECT sum(cdp.timeline_count(chunk)) FROM unnest(forward) AS chunk) AS events,
	(SELECT bool_and(cdp.timeline_last(a) <= cdp.timeline_first(b))
	FROM unnest(forward) WITH ORDINALITY AS x (a, n)
	JOIN unnest(forward) WITH ORDINALITY AS y (b, m) ON m = n + 1) AS sorted
FROM chunked;
-- appended one by one: the same chunks as all at once
DO $$
DECLARE
	step record;
	chunks cdp.timeline[] := '{}';
	whole cdp.timeline[];
BEGIN
	SELECT cdp._timeline_chunks(array_agg(timeline)) INTO whole FROM packed;
	FOR step IN
		SELECT cdp.timeline_agg(name_id, occurred_at, amount, properties) AS timeline
		FROM unnest(whole) AS chunk, cdp.timeline_events(chunk)
		GROUP BY occurred_at ORDER BY occurred_at
	LOOP
		chunks := chunks[:cardinality(chunks) - 1]
			|| cdp._timeline_chunks(ARRAY[chunks[cardinality(chunks)], step.timeline]);
	END LOOP;
	IF chunks::text IS DISTINCT FROM whole::text OR NOT (
		SELECT bool_and(cdp.timeline_eq(a, b)) FROM unnest(chunks, whole) AS x (a, b))
	THEN
		RAISE EXCEPTION 'appended and packed chunks differ';
	END IF;
END
$$;

-- merge of several
SELECT cdp.timeline_merge('{}');
SELECT cdp.timeline_merge(ARRAY['[[2, 1, 1, null]]', NULL, '[[1, 1, 1, 5, {"1": "x"}], [3, 1, 1, null]]', '[]']::cdp.timeline[]);
-- one huge event is a chunk of its own
SELECT cdp.timeline_count(chunk), pg_column_size(chunk) > 5000 AS huge
FROM unnest(cdp._timeline_chunks(ARRAY[format('[[1, 1, 1, null], [2, 1, 1, null, {"1": "%s"}], [3, 1, 1, null]]',
	repeat('x', 5000))]::cdp.timeline[])) AS chunk;

-- equality and hash agree
SELECT cdp.timeline_eq(a, b), cdp.timeline_ne(a, b), a OPERATOR(cdp.=) b AS eq, a OPERATOR(cdp.<>) b AS ne,
	cdp.timeline_hash(a) = cdp.timeline_hash(b) AS hash,
	cdp.timeline_hash_extended(a, 7) = cdp.timeline_hash_extended(b, 7) AS hash_extended
FROM (VALUES
	('[[1, 1, 1, 5.0]]'::cdp.timeline, '[[1, 1, 1, 5]]'::cdp.timeline),
	('[[1, 1, 1, 5]]', '[[1, 1, 1, null]]')) AS pair (a, b);
SELECT count(*), count(DISTINCT t.timeline::text) FROM packed AS t JOIN packed AS u ON t.timeline OPERATOR(cdp.=) u.timeline;

-- binary round trip through COPY
CREATE TEMP TABLE copied (LIKE packed);
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/timeline_type.bin'
COPY packed TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
SELECT count(*) AS differ FROM packed JOIN copied USING (piece) WHERE cdp.timeline_ne(packed.timeline, copied.timeline);

SELECT set_config('test.file', :'file', false) \g /dev/null
-- hostile binary forms; a COPY file is made around each: header, one column
CREATE FUNCTION pg_temp.receive(body bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	name text := current_setting('test.file');
	object oid := lo_from_bytea(0, '\x5047434f50590aff0d0a0000000000000000000001'::bytea
		|| int4send(length(body)) || body || '\xffff'::bytea);
	message text;
	detail text;
BEGIN
	PERFORM lo_export(object, name);
	PERFORM lo_unlink(object);
	CREATE TEMP TABLE received (timeline cdp.timeline) ON COMMIT DROP;
	EXECUTE format('COPY received FROM %L (FORMAT binary)', name);
	SELECT timeline::text INTO message FROM received;
	DROP TABLE received;
	RETURN message;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN message || ': ' || detail;
END
$$;
CREATE FUNCTION pg_temp.wire_event(at bigint, name int, source int, tail bytea) RETURNS bytea LANGUAGE sql
AS $$ SELECT int8send(at) || int4send(name) || int4send(source) || tail $$;
SELECT pg_temp.receive('\x01'::bytea || int4send(0));
SELECT pg_temp.receive('\x01'::bytea || int4send(2) || pg_temp.wire_event(2, 1, 1, '\x0000'::bytea)
	|| pg_temp.wire_event(1, 1, 1, '\x01'::bytea || int8send(12345) || '\x01'::bytea || '\x0701'::bytea || int4send(4) || '1.50'));
SELECT pg_temp.receive('\x02'::bytea || int4send(0));
SELECT pg_temp.receive('\x01'::bytea || int4send(-1));
SELECT pg_temp.receive('\x01'::bytea || int4send(1) || pg_temp.wire_event(1, -1, 1, '\x0000'::bytea));
SELECT pg_temp.receive('\x01'::bytea || int4send(1) || pg_temp.wire_event(1, 1, -1, '\x0000'::bytea));
SELECT pg_temp.receive('\x01'::bytea || int4send(1) || pg_temp.wire_event(9224318016000000, 1, 1, '\x0000'::bytea));
SELECT pg_temp.receive('\x01'::bytea || int4send(1) || pg_temp.wire_event(1, 1, 1, '\x0001'::bytea || '\x0000'::bytea || int4send(0)));
SELECT pg_temp.receive('\x01'::bytea || int4send(1) || pg_temp.wire_event(1, 1, 1, '\x0001'::bytea || '\x0104'::bytea || int4send(0)));
SELECT pg_temp.receive('\x01'::bytea || int4send(1) || pg_temp.wire_event(1, 1, 1, '\x0001'::bytea || '\x0100'::bytea || int4send(-1)));
SELECT pg_temp.receive('\x01'::bytea || int4send(1) || pg_temp.wire_event(1, 1, 1, '\x0001'::bytea || '\x0100'::bytea || int4send(9)));
SELECT pg_temp.receive('\x01'::bytea || int4send(1) || pg_temp.wire_event(1, 1, 1, '\x0001'::bytea || '\x0100'::bytea || int4send(1) || '\xff'::bytea));
SELECT pg_temp.receive('\x01'::bytea || int4send(1) || pg_temp.wire_event(1, 1, 1, '\x0001'::bytea || '\x0101'::bytea || int4send(1) || 'x'));
SELECT pg_temp.receive('\x01'::bytea || int4send(1) || pg_temp.wire_event(1, 1, 1, '\x0001'::bytea || '\x0101'::bytea || int4send(4) || 'true'));
SELECT pg_temp.receive('\x01'::bytea || int4send(1) || pg_temp.wire_event(1, 1, 1, '\x0002'::bytea || '\x0200'::bytea || int4send(0) || '\x0100'::bytea || int4send(0)));
SELECT pg_temp.receive('\x01'::bytea || int4send(1) || pg_temp.wire_event(1, 1, 1, '\x0000'::bytea) || '\x00'::bytea);
SELECT pg_temp.receive('\x01'::bytea || int4send(1) || pg_temp.wire_event(1, 1, 1, '\x01'::bytea || int8send(-9223372036854775808) || '\x00'::bytea));

-- windows: the same bytes as the window's events packed alone, at instants of
-- events, a microsecond beside them and between them
SELECT setseed(0.43);
CREATE TEMP TABLE borders AS
SELECT at - offset_us * interval '1 microsecond' AS at, random() AS place
FROM (SELECT DISTINCT at FROM random_event WHERE random() < 0.1) AS instant,
	unnest('{-500, -1, 0, 1, 400}'::int[]) AS offset_us;
INSERT INTO borders VALUES ('-infinity', random()), ('infinity', random());
WITH windowed AS (
	SELECT piece, since.at AS since, until.at AS until,
		cdp.timeline_between(timeline, since.at, until.at) AS timeline, (
			SELECT cdp.timeline_agg(name_id, occurred_at, amount, properties)
			FROM cdp.timeline_events(timeline)
			WHERE occurred_at >= since.at AND occurred_at < until.at) AS oracle
	FROM packed
	JOIN LATERAL (SELECT at FROM borders ORDER BY abs(place - piece / 101.0), at LIMIT 12) AS since ON true
	JOIN LATERAL (SELECT at FROM borders ORDER BY abs(place - piece / 101.0), at DESC LIMIT 12) AS until ON true
)
SELECT count(*) > 14000 AS windows,
	count(*) FILTER (WHERE cdp.timeline_count(timeline) > 0) > 3000 AS with_events,
	count(*) FILTER (WHERE NOT cdp.timeline_eq(timeline, coalesce(oracle, '[]'))) AS differ
FROM windowed;
SELECT cdp.timeline_between('[[1000, 1, 1, null], [2000, 1, 1, null]]',
	'1970-01-01 00:00:01+00', '1970-01-01 00:00:02+00') AS half_open,
	cdp.timeline_between('[[-1, 1, 1, null], [0, 1, 1, null]]',
		'1969-12-31 23:59:59.9985+00', '1969-12-31 23:59:59.9995+00') AS early,
	cdp.timeline_between('[[1000, 1, 1, null]]', 'infinity', '-infinity') AS none,
	cdp.timeline_between('[]', '-infinity', 'infinity') AS empty;

-- the bytes: version, count, first time, span, lengths of the tables; columns
-- (3: texts behind "p-", 5: whole numbers, 3 and 5: listed), shapes, values;
-- events
CREATE CAST (cdp.timeline AS bytea) WITHOUT FUNCTION;
CREATE CAST (bytea AS cdp.timeline) WITHOUT FUNCTION;
CREATE FUNCTION pg_temp.bytes(timeline cdp.timeline) RETURNS text LANGUAGE sql AS $$
	SELECT encode($1::bytea, 'hex') $$;
SELECT pg_temp.bytes('[]');
SELECT pg_temp.bytes('[[1000, 1, 2, 4.5, {"3": "p-7", "5": 300}], [1000, 1, 2, 4.5, {"3": "p-200", "5": 0}],
	[1002, 6, 2, null, {"3": "q-7", "5": 1.5}], [70000, 6, 7, 0.0001, {"5": 1.5}], [70000, 6, 7, 0.0001, {"5": true}]]');

-- stored bytes that no builder has made: refused, or read as some events, as
-- are all with one byte changed or the end cut off
CREATE FUNCTION pg_temp.read(stored bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	RETURN stored::cdp.timeline::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' ', message || ':', detail, hint);
END
$$;
SELECT pg_temp.read('');
SELECT pg_temp.read('\x01000000000000');
SELECT why, pg_temp.read(stored) FROM (VALUES
	(1, 'tables too long', '\x020000007f0000'::bytea),
	(2, 'column cut off', '\x02000000010000' || '\x03'::bytea),
	(3, 'slot 0', '\x02000000020000' || '\x0001'::bytea),
	(4, 'prefix cut off', '\x02000000020000' || '\x0304'::bytea),
	(5, 'prefix too long', '\x02000000220000' || '\x0322'::bytea || convert_to(repeat('x', 32), 'UTF8')),
	(6, 'too many columns', '\x02000000800400' || '\x00'::bytea || decode(repeat('0301', 256), 'hex')),
	(7, 'no such column', '\x02000000020400' || '\x0301'::bytea || '\x01080201'::bytea),
	(8, 'number too large', '\x02010000020400' || '\x0301'::bytea || '\x01080200'::bytea || '\x0080808001'::bytea),
	(9, 'value missing', '\x02010000020400' || '\x0300'::bytea || '\x01080200'::bytea || '\x0000'::bytea),
	(10, 'the largest number', '\x02010000020400' || '\x0301'::bytea || '\x01080200'::bytea || '\x00ffff7f'::bytea)) AS hostile (n, why, stored) ORDER BY n;
CREATE FUNCTION pg_temp.survives(stored bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM stored::cdp.timeline::text, cdp._timeline_chunks(ARRAY[stored, '[[9000000000000000, 1, 1, null]]'::cdp.timeline::bytea]::cdp.timeline[]);
	RETURN 'read';
EXCEPTION
	WHEN data_corrupted THEN RETURN 'corrupt';
	WHEN data_exception OR program_limit_exceeded THEN RETURN 'refused';
END
$$;
SELECT outcome, count(*) > 100 AS many
FROM (SELECT cdp.timeline_merge(array_agg(timeline ORDER BY piece))::bytea AS stored FROM packed WHERE piece < 2) AS one,
	generate_series(0, length(stored) - 1) AS at,
	LATERAL (VALUES (set_byte(stored, at, get_byte(stored, at) # 1)), (set_byte(stored, at, get_byte(stored, at) # 128)),
		(set_byte(stored, at, (get_byte(stored, at) + at) % 256)), (substr(stored, 1, at))) AS changed (stored),
	pg_temp.survives(changed.stored) AS outcome
GROUP BY outcome ORDER BY outcome;
DROP CAST (cdp.timeline AS bytea);
DROP CAST (bytea AS cdp.timeline);
