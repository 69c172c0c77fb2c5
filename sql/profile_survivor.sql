-- Survivorship by itself: no store is needed.
\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS cdp CASCADE;
CREATE EXTENSION cdp;
\set ECHO all

CREATE TEMP TABLE said (n int, value jsonb, at timestamptz, priority int);
INSERT INTO said VALUES
	(1, '"Ann"', '2026-01-01 00:00+00', 100),
	(2, '"Anna"', '2026-01-02 00:00+00', 100),
	(3, '"Ann"', '2026-01-03 00:00+00', 50),
	(4, '" "', '2026-01-04 00:00+00', 200),
	(5, '7', '2026-01-02 12:00+00', 10),
	(6, '12.50', '2026-01-02 13:00+00', 10),
	(7, '["b", "a", null, "b"]', '2026-01-02 14:00+00', 10),
	(8, 'null', '2026-01-05 00:00+00', 1),
	(9, NULL, '2026-01-06 00:00+00', 1);
SELECT rule, cdp.survivor(value, at, priority, rule)
FROM said, unnest(ARRAY['latest', 'earliest', 'source_priority', 'most_frequent',
	'longest', 'min', 'max', 'sum', 'union']) WITH ORDINALITY AS r (rule, place)
GROUP BY rule, place ORDER BY place;
SELECT rule, cdp.survivor(value, at, priority, 'non_empty_' || rule)
FROM said, unnest(ARRAY['latest', 'earliest', 'source_priority', 'most_frequent',
	'longest', 'min', 'max', 'sum', 'union']) WITH ORDINALITY AS r (rule, place)
GROUP BY rule, place ORDER BY place;

-- no rule is "latest"; nothing survives of nothing
SELECT cdp.survivor(value, at, priority, NULL) FROM said WHERE n <= 3;
SELECT cdp.survivor(value, at, priority, 'latest') FROM said WHERE n = 9;
SELECT cdp.survivor(value, at, priority, 'latest') FROM said WHERE false;
SELECT cdp.survivor(value, at, priority, 'sum') FROM said WHERE n <= 3;
SELECT cdp.survivor(value, at, priority, 'newest') FROM said;
-- a time that is not known is before all others
SELECT cdp.survivor(value, at, 0, 'latest')
FROM (VALUES ('1'::jsonb, NULL::timestamptz), ('2', '0044-03-15 BC')) AS v (value, at);

-- ties: time, then priority, then the value's bytes, whatever the order
SELECT DISTINCT cdp.survivor(value, at, priority, rule)
FROM (SELECT n FROM generate_series(1, 20) AS n) AS shuffle,
	LATERAL (SELECT * FROM (VALUES
			('"b"'::jsonb, timestamptz '2026-01-01', 1), ('"a"', '2026-01-01', 1),
			('"c"', '2026-01-01', 0)) AS v (value, at, priority)
		ORDER BY hashint8extended(ascii(value #>> '{}'), n)) AS shuffled,
	(VALUES ('latest')) AS r (rule)
GROUP BY n, rule;

-- random observations with ties against a plain SQL oracle
SELECT setseed(0.7) \g /dev/null
CREATE TEMP TABLE random_said AS
SELECT n % 400 AS profile, to_jsonb(CASE WHEN random() < 0.5 THEN 'v' || (random() * 5)::int
		ELSE repeat('x', (random() * 4)::int) END) AS value,
	timestamptz '2026-01-01' + (random() * 3)::int * interval '1 day' AS at,
	(random() * 2)::int AS priority
FROM generate_series(1, 4000) AS n;
CREATE TEMP TABLE oracle AS
WITH counted AS (
	SELECT *, value #>> '{}' AS text, count(*) OVER (PARTITION BY profile, value) AS times
	FROM random_said
)
SELECT DISTINCT profile,
	first_value(value) OVER (PARTITION BY profile ORDER BY at DESC, priority DESC, text COLLATE "C" DESC) AS latest,
	first_value(value) OVER (PARTITION BY profile ORDER BY at, priority DESC, text COLLATE "C" DESC) AS earliest,
	first_value(value) OVER (PARTITION BY profile ORDER BY priority DESC, at DESC, text COLLATE "C" DESC) AS source_priority,
	first_value(value) OVER (PARTITION BY profile ORDER BY times DESC, at DESC, priority DESC, text COLLATE "C" DESC) AS most_frequent,
	first_value(value) OVER (PARTITION BY profile ORDER BY length(text) DESC, at DESC, priority DESC, text COLLATE "C" DESC) AS longest,
	first_value(value) OVER (PARTITION BY profile ORDER BY text COLLATE "C") AS min,
	first_value(value) OVER (PARTITION BY profile ORDER BY text COLLATE "C" DESC) AS max
FROM counted;
SELECT count(*) AS profiles, count(*) FILTER (WHERE
	(oracle.latest, oracle.earliest, oracle.source_priority, oracle.most_frequent, oracle.longest, oracle.min, oracle.max)
	IS DISTINCT FROM (made.latest, made.earliest, made.source_priority, made.most_frequent, made.longest, made.min, made.max)) AS differ
FROM oracle JOIN (
	SELECT profile,
		cdp.survivor(value, at, priority, 'latest') AS latest,
		cdp.survivor(value, at, priority, 'earliest') AS earliest,
		cdp.survivor(value, at, priority, 'source_priority') AS source_priority,
		cdp.survivor(value, at, priority, 'most_frequent') AS most_frequent,
		cdp.survivor(value, at, priority, 'longest') AS longest,
		cdp.survivor(value, at, priority, 'min') AS min,
		cdp.survivor(value, at, priority, 'max') AS max
	FROM random_said GROUP BY profile) AS made USING (profile);

-- workers agree with one process
CREATE TABLE parallel_said AS SELECT * FROM random_said;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET enable_hashagg = off;
SELECT cdp.survivor(value, at, priority, 'most_frequent') AS most_frequent,
	cdp.survivor(value, at, priority, 'union') AS united FROM parallel_said;
SET max_parallel_workers_per_gather = 0;
SELECT cdp.survivor(value, at, priority, 'most_frequent') AS most_frequent,
	cdp.survivor(value, at, priority, 'union') AS united FROM parallel_said;
DROP TABLE parallel_said;
