-- The evaluator against the queries that cdp.predicate_to_sql() writes, over
-- random predicates, random data and instants at which windows slide.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
\pset format unaligned
SET TIME ZONE 'Asia/Tokyo';	-- nobody should care
SET DateStyle = 'SQL, DMY';
SET client_min_messages = warning;
\set oracle :abs_srcdir '/test/data/segment_oracle.sql'
\set ECHO none
\i :oracle
\set ECHO all
\set seed 7
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CALL segment_test.make_data(24, 1000);
CALL segment_test.compare_all(40, 10);
CALL segment_test.compare_ties();
SELECT count(*) AS compared, count(*) FILTER (WHERE members > 0 AND members < profiles) > 100 AS telling
FROM segment_test.compared;
SELECT * FROM segment_test.differs;
SELECT count(*) FILTER (WHERE predicate::text LIKE '%near(%' AND members BETWEEN 1 AND profiles - 1) > 5 AS near,
	count(*) FILTER (WHERE predicate::text LIKE '%suppressed(%' AND members BETWEEN 1 AND profiles - 1) > 5 AS suppressed
FROM segment_test.compared;

-- what the query is; it runs as it is
SET TIME ZONE 'UTC';
SET DateStyle = 'ISO';
SELECT cdp.predicate_to_sql('country = ''BR'' and count(order where total > 50, 90 days) >= 3', '2019-03-01 12:00+00') AS query;
SELECT cdp.predicate_to_sql('in_segment(''keen'') and sequence(cart_add then no order within 4 hours same cart_id, this month)
	and latest(any.weight) is not null at time zone ''Europe/Berlin''', '2019-03-01 12:00+00') AS query;
SELECT cdp.predicate_to_sql('near(latitude, longitude, 52.52, 13.4, 50) and not suppressed(''email'')', '2019-03-01 12:00+00') AS query;

-- groups of cdp.bucket(), by SHA-256 in SQL
SELECT count(*) AS wrong
FROM generate_series(1, 500) AS id, unnest(ARRAY[1, 2, 7, 10000]) AS arms,
	LATERAL (SELECT ('x' || left(encode(sha256(convert_to('exp:' || id, 'UTF8')), 'hex'), 16))::bit(64)::bigint::numeric) AS hash (signed)
WHERE cdp.bucket('exp', id::text, arms) <> mod(mod(signed + 18446744073709551616, 18446744073709551616), arms);

-- what cannot be written is refused
SELECT cdp.predicate_to_sql('did(order, today) at time zone ''CET''');
SELECT cdp.predicate_to_sql('did(order)', 'infinity');
SELECT cdp.predicate_to_sql('did(order)', '0001-01-01 00:00 BC');
SELECT cdp.predicate_to_sql('did(order where colour = ''red'')');
SELECT cdp.predicate_to_sql('country >');
SELECT cdp.predicate_to_sql((repeat('coalesce(', 180) || 'age' || repeat(', tags)', 180) || ' = age')::cdp.predicate);
SELECT cdp.predicate_to_sql(NULL) IS NULL AS nothing;

DROP SCHEMA segment_test CASCADE;
