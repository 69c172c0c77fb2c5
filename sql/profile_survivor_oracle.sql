-- Every rule of survivorship over random observations full of ties, against
-- plain SQL: the value, and the set that it came from, in one process and in
-- several.  A seed that fails can be given again: psql -v seed=0.42 -f this.
\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS cdp CASCADE;
CREATE EXTENSION cdp;
\if :{?seed}
\else
\set seed 0.42
\endif
\set ECHO all
\echo seed :seed
SELECT setseed(:seed) \g /dev/null
-- few times, priorities, sources and values; numbers that are equal but do not
-- look it, texts that look like numbers, arrays and nothing
CREATE TABLE survivor_said AS
SELECT n % 3000 AS person, n AS set_id, (ARRAY['"a"', '"b"', '"1"', '"äöü"', '"zzz"', '" "', '""', '1', '1.0', '1.00', '2', '-3.5',
		'true', '"true"', 'null', '[]', '{}', '["b", 1, null]', '["a", 1.0]', '{"k": 1}']::jsonb[])[1 + floor(random() * 20)::int] AS value,
	timestamptz '2026-01-01 00:00+00' + floor(random() * 3) * interval '1 day' AS at, floor(random() * 2)::int AS priority,
	(ARRAY['crm', 'web', 'Web'])[1 + floor(random() * 3)::int] AS source
FROM generate_series(1, 18000) AS n;

CREATE TABLE survivor_oracle AS
WITH read AS (
	SELECT *, jsonb_typeof(value) = 'number' AS is_number,
		CASE WHEN jsonb_typeof(value) = 'number' THEN value::numeric END AS number,
		CASE jsonb_typeof(value) WHEN 'number' THEN trim_scale(value::numeric)::text WHEN 'null' THEN '' ELSE value #>> '{}' END COLLATE "C" AS text,
		array_position('{"null",string,number,boolean}'::text[], jsonb_typeof(value)) AS kind
	FROM survivor_said
), candidate AS (
	SELECT read.*, rule, prefix
	FROM read, unnest('{latest,earliest,source_priority,most_frequent,longest,min,max,sum,union}'::text[]) AS rule,
		unnest(ARRAY['', 'non_empty_']) AS prefix
	WHERE NOT (prefix <> '' AND (value IN ('[]', '{}') OR jsonb_typeof(value) NOT IN ('array', 'object') AND text ~ '^\s*$'))
		AND CASE WHEN rule = 'sum' THEN is_number ELSE value <> 'null' OR rule IN ('latest', 'earliest', 'source_priority') END
), weighed AS (
	SELECT *, count(*) OVER (PARTITION BY person, prefix, rule, text, kind) AS times
	FROM candidate
), winner AS (
	SELECT DISTINCT ON (person, prefix, rule) person, prefix, rule, set_id, value
	FROM weighed
	ORDER BY person, prefix, rule,
		CASE rule WHEN 'earliest' THEN -extract(epoch FROM at) WHEN 'source_priority' THEN priority
			WHEN 'most_frequent' THEN times WHEN 'longest' THEN char_length(text)
			WHEN 'min' THEN is_number::int WHEN 'max' THEN (NOT is_number)::int END DESC,
		CASE rule WHEN 'min' THEN -number WHEN 'max' THEN number END DESC,
		CASE WHEN rule = 'max' AND NOT is_number THEN text END DESC,
		CASE WHEN rule = 'max' AND NOT is_number THEN coalesce(kind, 9) END DESC,
		CASE WHEN rule = 'min' AND NOT is_number THEN text END,
		CASE WHEN rule = 'min' AND NOT is_number THEN coalesce(kind, 9) END,
		at DESC, priority DESC, text DESC, coalesce(kind, 9) DESC, source COLLATE "C" DESC, set_id DESC
), summed AS (
	SELECT person, prefix, rule, to_jsonb(sum(number)) AS value FROM candidate WHERE rule = 'sum' GROUP BY 1, 2, 3
), element AS (
	SELECT DISTINCT person, prefix, rule, item,
		CASE jsonb_typeof(item) WHEN 'number' THEN trim_scale(item::numeric)::text ELSE item #>> '{}' END COLLATE "C" AS text,
		coalesce(array_position('{"null",string,number,boolean}'::text[], jsonb_typeof(item)), 9) AS kind
	FROM candidate, jsonb_array_elements(CASE jsonb_typeof(value) WHEN 'array' THEN value ELSE jsonb_build_array(value) END) AS item
	WHERE rule = 'union' AND item <> 'null'
), united AS (
	SELECT person, prefix, rule, jsonb_agg(item ORDER BY text, kind) AS value FROM element GROUP BY 1, 2, 3
)
SELECT winner.person, winner.prefix || winner.rule AS rule, winner.set_id,
	CASE winner.rule WHEN 'sum' THEN summed.value WHEN 'union' THEN coalesce(united.value, '[]') ELSE winner.value END AS value
FROM winner LEFT JOIN summed USING (person, prefix, rule) LEFT JOIN united USING (person, prefix, rule);

CREATE VIEW survivor_survived AS
SELECT person, prefix || rule AS rule, cdp.survivor(value, at, priority, prefix || rule) AS value,
	cdp._survivor(value, at, priority, prefix || rule, source, set_id) AS lineage
FROM survivor_said, unnest('{latest,earliest,source_priority,most_frequent,longest,min,max,sum,union}'::text[]) AS rule,
	unnest(ARRAY['', 'non_empty_']) AS prefix
GROUP BY person, prefix, rule;
CREATE VIEW survivor_wrong AS
SELECT count(*) FILTER (WHERE survived.value IS DISTINCT FROM oracle.value) AS values,
	count(*) FILTER (WHERE survived.lineage -> 'value' IS DISTINCT FROM oracle.value) AS lineage_values,
	count(*) FILTER (WHERE (survived.lineage ->> 'set_id')::bigint IS DISTINCT FROM oracle.set_id) AS sets
FROM survivor_survived AS survived LEFT JOIN survivor_oracle AS oracle USING (person, rule);

SELECT count(DISTINCT rule) AS rules, count(DISTINCT person) AS people, count(*) > 40000 AS many FROM survivor_oracle;
SET max_parallel_workers_per_gather = 0;
SELECT * FROM survivor_wrong;

-- states are combined, and go from process to process
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE FUNCTION pg_temp.is_partial() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) SELECT * FROM survivor_survived' LOOP
		IF line ~ 'Partial' THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END
$$;
SELECT pg_temp.is_partial();
SELECT * FROM survivor_wrong;
DROP VIEW survivor_wrong, survivor_survived;
DROP TABLE survivor_oracle, survivor_said;
