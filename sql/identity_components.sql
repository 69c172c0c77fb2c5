-- Connected components of any graph: the aggregate cdp.components, the map it
-- gives, and cdp.components_of, which reads a table.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension
\getenv abs_builddir PG_ABS_BUILDDIR
\set results :abs_builddir '/results'
\cd :results

-- links in, nodes out, each with the smallest of its component
SELECT node, component
FROM (SELECT cdp.components(a, b) AS map
	FROM (VALUES (5, 4), (4, 9), (2, 1), (7, 7)) AS link (a, b)) AS graph,
	cdp.component_rows(map)
ORDER BY node;
SELECT node, component
FROM (SELECT cdp.components(a, b) AS map
	FROM (VALUES ('email:b', 'cookie:2'), ('cookie:1', 'email:b'), ('z', 'z')) AS link (a, b)) AS graph,
	cdp.component_rows(map)
ORDER BY node COLLATE "C";

-- a link without one end is a node on its own; without both it is nothing;
-- of no nodes at all there is no map
SELECT cdp.components(a, b) FROM (VALUES (1, 2), (3, NULL), (NULL, 4), (NULL, NULL)) AS link (a, b);
SELECT cdp.components(a, b) FROM (VALUES ('x', NULL), (NULL, 'y'), ('', NULL)) AS link (a, b);
SELECT cdp.components(a, b) IS NULL FROM (VALUES (NULL::bigint, NULL::bigint)) AS link (a, b);
SELECT cdp.components(1, 2) IS NULL WHERE false;
SELECT count(*) FROM cdp.component_rows(NULL::cdp.component_map);

-- which aggregate: integers of any width are bigints, texts of any kind text
SELECT pg_typeof(cdp.components(1::smallint, 2::integer)) AS integers,
	pg_typeof(cdp.components('a'::varchar, 'b'::name)) AS texts,
	pg_typeof(cdp.components(NULL, NULL)) AS unknown;
SELECT cdp.components(1, 'a'::text);

-- extremes, and texts that only bytes tell apart
SELECT cdp.components(a, b)
FROM (VALUES (-9223372036854775808, 9223372036854775807), (0, -1)) AS link (a, b);
SELECT cdp.components(a, b)
FROM (VALUES ('a', 'A'), (E'\u00e9', E'e\u0301'), ('"', '\'), ('', ' ')) AS link (a, b);
-- long ones too
SELECT length(node), length(component), left(node, 1), left(component, 1)
FROM (SELECT cdp.components(repeat('b', 100000), repeat('a', 300000)) AS map) AS graph,
	cdp.component_rows(map)
ORDER BY 1;

-- the map is a value: text and binary form, storing, materialising
SELECT '{9,1},{7},{8,7}'::cdp.component_map, '{"b","a\"\\"},{"c"}'::cdp.text_component_map,
	''::cdp.component_map;
CREATE TEMP TABLE stored (graph integer, map cdp.component_map, texts cdp.text_component_map);
INSERT INTO stored
	SELECT i % 3, cdp.components(i, i / 2), cdp.components('n' || i, 'n' || i / 2)
	FROM generate_series(1, 3000) AS i
	GROUP BY 1;
SELECT graph, cdp.component_summary(map) = cdp.component_summary(map::text::cdp.component_map) AS numbers,
	map::text = map::text::cdp.component_map::text AS bigints,
	texts::text = texts::text::cdp.text_component_map::text AS texts
FROM stored ORDER BY graph;
CREATE TEMP TABLE loaded (LIKE stored);
\copy stored TO 'identity_components.binary' (FORMAT binary)
\copy loaded FROM 'identity_components.binary' (FORMAT binary)
SELECT count(*) FROM stored JOIN loaded USING (graph)
WHERE stored.map::text = loaded.map::text AND stored.texts::text = loaded.texts::text;
SELECT cdp.component_map_send('{1,2}'), cdp.text_component_map_send('{"é"}');
WITH graph AS MATERIALIZED (
	SELECT cdp.components(i, i / 10) AS map FROM generate_series(1, 999) AS i
)
SELECT (SELECT count(*) FROM cdp.component_rows(map)) AS nodes,
	(SELECT count(DISTINCT component) FROM cdp.component_rows(map)) AS components
FROM graph;
-- in a select list the rows come one by one
SELECT cdp.component_rows('{3,1},{2}'::cdp.component_map) ORDER BY 1;
SELECT (cdp.component_rows('{"x","y"}'::cdp.text_component_map)).* LIMIT 1;
DO $$
DECLARE
	map cdp.component_map;
BEGIN
	SELECT cdp.components(i, i + 2) INTO map FROM generate_series(1, 5000) AS i;
	RAISE NOTICE '%', cdp.component_summary(map);
	map := cdp.components_of('pg_temp.stored', 'graph', 'graph');
	RAISE WARNING '%', map;
END
$$;

-- what is no map
SELECT '{1,2'::cdp.component_map;
SELECT '{1,,2}'::cdp.component_map;
SELECT '{9223372036854775808}'::cdp.component_map;
SELECT '{1}x'::cdp.component_map;
SELECT '{}'::cdp.component_map;
SELECT '{a}'::cdp.text_component_map;
SELECT '{"a}'::cdp.text_component_map;
SELECT '{"a\'::cdp.text_component_map;

-- the summary
SELECT nodes, components, largest, memory_bytes > 0 AS has_memory
FROM (SELECT cdp.components(a, b) AS map
	FROM (VALUES (1, 2), (2, 3), (4, 5), (6, NULL)) AS link (a, b)) AS graph,
	cdp.component_summary(map);
SELECT nodes, components, largest FROM cdp.component_summary('{"a","b"},{"c"}'::cdp.text_component_map);

-- aggregates are what they are: many small ones, FILTER, DISTINCT, no window
SELECT cdp.components(a, b ORDER BY a DESC), cdp.components(DISTINCT a, b) FILTER (WHERE a < 3)
FROM (VALUES (1, 2), (3, 4), (1, 2)) AS link (a, b);
SELECT cdp.components(1, 2) OVER ();
SELECT sum(nodes) AS nodes, sum(components) AS components
FROM (SELECT cdp.components(i, i + 20000) AS map
	FROM generate_series(1, 40000) AS i GROUP BY i % 20000) AS graph,
	cdp.component_summary(map);
SELECT g, cdp.components(i, i + 3) FROM generate_series(1, 4) AS i, LATERAL (SELECT i % 2 AS g) AS side
GROUP BY ROLLUP (g) ORDER BY g;

-- The oracle: the smallest node that each can reach, by spreading labels
-- until nothing changes.
SET enable_nestloop = off;
SET jit = off;
CREATE TEMP TABLE link (a bigint, b bigint);
CREATE FUNCTION pg_temp.oracle() RETURNS TABLE (node bigint, component bigint)
LANGUAGE plpgsql AS $$
BEGIN
	CREATE TEMP TABLE label ON COMMIT DROP AS
		SELECT ends.node, ends.node AS component
		FROM (SELECT a AS node FROM link UNION SELECT b FROM link) AS ends
		WHERE ends.node IS NOT NULL;
	LOOP
		UPDATE label SET component = least_seen.component
		FROM (
			SELECT ends.x, min(other.component) AS component
			FROM (SELECT a AS x, b AS y FROM link UNION SELECT b, a FROM link) AS ends
				JOIN label AS other ON other.node = ends.y
			GROUP BY ends.x
		) AS least_seen
		WHERE label.node = least_seen.x AND least_seen.component < label.component;
		EXIT WHEN NOT FOUND;
		-- a label is a node of the component: so is that one's label
		UPDATE label SET component = further.component
		FROM label AS further
		WHERE further.node = label.component AND further.component < label.component;
	END LOOP;
	RETURN QUERY TABLE label;
	DROP TABLE label;
END
$$;
-- five ways to the same partition, rows that differ from the oracle's
CREATE FUNCTION pg_temp.differences(OUT bigints bigint, OUT texts bigint, OUT from_table bigint,
	OUT from_text bigint, OUT shuffled bigint)
LANGUAGE plpgsql AS $$
BEGIN
	CREATE TEMP TABLE truth AS TABLE pg_temp.nothing;
	INSERT INTO truth SELECT * FROM pg_temp.oracle();
	CREATE TEMP TABLE got AS
		SELECT 'bigints' AS way, node, component
		FROM (SELECT cdp.components(a, b) AS map FROM link) AS g, cdp.component_rows(map)
		UNION ALL
		SELECT 'texts', replace(node, 'n', '')::bigint, replace(component, 'n', '')::bigint
		FROM (SELECT cdp.components('n' || a + 4e18::bigint, 'n' || b + 4e18::bigint) AS map FROM link) AS g,
			cdp.component_rows(map)
		UNION ALL
		SELECT 'from_table', node, component
		FROM cdp.component_rows(cdp.components_of('link', 'a', 'b'))
		UNION ALL
		SELECT 'from_text', node, component
		FROM cdp.component_rows(cdp.components_of('link', 'b', 'a')::text::cdp.component_map)
		UNION ALL
		SELECT 'shuffled', node, component
		FROM (SELECT cdp.components(b, a ORDER BY hashint8(a * 7 + b)) AS map FROM link) AS g,
			cdp.component_rows(map);
	UPDATE got SET node = node - 4e18::bigint, component = component - 4e18::bigint
	WHERE way = 'texts';
	SELECT count(*) FILTER (WHERE wrong.way = 'bigints'), count(*) FILTER (WHERE wrong.way = 'texts'),
		count(*) FILTER (WHERE wrong.way = 'from_table'), count(*) FILTER (WHERE wrong.way = 'from_text'),
		count(*) FILTER (WHERE wrong.way = 'shuffled')
	INTO bigints, texts, from_table, from_text, shuffled
	FROM (
		(SELECT ways.way, truth.* FROM truth, (VALUES ('bigints'), ('texts'), ('from_table'),
			('from_text'), ('shuffled')) AS ways (way) EXCEPT ALL TABLE got)
		UNION ALL
		(TABLE got EXCEPT ALL SELECT ways.way, truth.* FROM truth, (VALUES ('bigints'), ('texts'),
			('from_table'), ('from_text'), ('shuffled')) AS ways (way))
	) AS wrong;
	DROP TABLE truth, got;
END
$$;
CREATE TEMP TABLE nothing (node bigint, component bigint);

-- shapes: a path, shuffled and not, a star with its middle low and high, self
-- loops, repeats, NULLs, a far id that makes ids sparse, negative ids
CREATE FUNCTION pg_temp.shape(name text, links text) RETURNS SETOF record
LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE link;
	EXECUTE 'INSERT INTO link ' || links;
	RETURN QUERY SELECT name, (SELECT count(*) FROM link), d.* FROM pg_temp.differences() AS d;
END
$$;
SELECT shape.*
FROM (VALUES
	(1, 'nothing', 'SELECT 1, 2 WHERE false'),
	(2, 'path', 'SELECT i, i + 1 FROM generate_series(1, 60) AS i'),
	(3, 'path backwards', 'SELECT i + 1, i FROM generate_series(60, 1, -1) AS i'),
	(4, 'star', 'SELECT 0, i FROM generate_series(1, 5000) AS i'),
	(5, 'star around the last', 'SELECT i, 5001 FROM generate_series(1, 5000) AS i'),
	(6, 'self loops', 'SELECT i, i FROM generate_series(1, 3000) AS i'),
	(7, 'repeats', 'SELECT i % 7, i % 5 + 100 FROM generate_series(1, 3000) AS i'),
	(8, 'half NULL', 'SELECT nullif(i % 100, 3), nullif(i / 100, 5) + 90 FROM generate_series(1, 3000) AS i'),
	(9, 'far apart', 'SELECT i * 1000003, (i / 2) * 1000003 FROM generate_series(-2000, 2000) AS i'),
	(10, 'one far away', 'SELECT i, CASE i WHEN 4000 THEN 9e15::bigint ELSE i / 3 END FROM generate_series(1, 5000) AS i'),
	(11, 'downwards', 'SELECT -i, -i - i % 3 FROM generate_series(1, 5000) AS i'),
	(12, 'ever closer', 'SELECT i * 7919 % 9001, i * 7919 % 9001 / 5 FROM generate_series(1, 9000) AS i'),
	(13, 'in and out', 'SELECT CASE WHEN i % 2500 > 2400 THEN i * 1e11::bigint ELSE i END, i / 3 FROM generate_series(1, 9000) AS i'),
	(14, 'far in the end', 'SELECT i * 15838 % 100003, CASE WHEN i > 9000 THEN 1e12::bigint + i ELSE (i * 15838 + 7919) % 100003 END
		FROM generate_series(1, 12000) AS i')
) AS shapes (number, name, links), LATERAL pg_temp.shape(name, links)
	AS shape (name text, links bigint, bigints bigint, texts bigint, from_table bigint,
		from_text bigint, shuffled bigint)
ORDER BY number;

-- random graphs about the threshold of a giant component, by seed
CREATE FUNCTION pg_temp.try(number integer) RETURNS SETOF record
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setseed(number / 1000.0);
	TRUNCATE link;
	INSERT INTO link
		SELECT floor(random() * number * 700), floor(random() * number * 700)
		FROM generate_series(1, floor(number * 700 * (0.2 + random() * 0.6))::integer);
	RETURN QUERY SELECT number, (SELECT count(*) > 100 FROM link), d.* FROM pg_temp.differences() AS d;
END
$$;
SELECT tried.*
FROM generate_series(1, 8) AS n, LATERAL pg_temp.try(n)
	AS tried (seed integer, has_links boolean, bigints bigint, texts bigint, from_table bigint,
		from_text bigint, shuffled bigint);

-- texts of any length, among few and among many
SELECT length(node) AS node, length(component) AS component, left(component, 1) AS of
FROM cdp.component_rows((SELECT cdp.components(a, b) FROM (VALUES
	(repeat('b', 5000000), 'x'), ('y', ''), ('x', repeat('a', 9000000)), ('p', 'q'),
	(repeat('c', 4194300), repeat('b', 5000000)), ('q', 'r')) AS link (a, b)))
ORDER BY 1, 2, 3;
SELECT length(node) AS node, length(component) AS component, left(component, 1) AS of
FROM cdp.component_rows((SELECT cdp.components(CASE n WHEN 2100 THEN repeat('b', 5000000) ELSE 'n' || n END,
	CASE n WHEN 2150 THEN repeat('a', 9000000) WHEN 2180 THEN repeat('b', 5000000)
		WHEN 2181 THEN repeat('c', 4194300) ELSE 'n' || n - n % 2 END) FROM generate_series(1, 2200) AS n))
WHERE length(node) > 10 OR length(component) > 10
ORDER BY 1, 2, 3;

-- components_of reads any integer columns, of children and partitions too
CREATE TABLE family (number integer, left_id integer, right_id smallint) PARTITION BY LIST (number);
CREATE TABLE family_1 PARTITION OF family FOR VALUES IN (1);
CREATE TABLE family_2 (right_id smallint, dropped text, number integer, left_id integer);
ALTER TABLE family_2 DROP COLUMN dropped;
ALTER TABLE family ATTACH PARTITION family_2 FOR VALUES IN (2);
INSERT INTO family VALUES (1, 10, 11), (2, 11, 12), (2, 20, NULL), (1, NULL, NULL);
SELECT cdp.components_of('family', 'left_id', 'right_id');
SELECT cdp.components_of('family_1', 'left_id', 'left_id');
-- nothing there
TRUNCATE family;
SELECT cdp.components_of('family', 'left_id', 'right_id') IS NULL AS is_null;
-- it sees what the transaction sees, deleted rows not
BEGIN;
INSERT INTO family VALUES (1, 1, 2), (1, 3, 4);
DELETE FROM family WHERE left_id = 3;
SELECT cdp.components_of('family', 'left_id', 'right_id');
ROLLBACK;
-- and refuses what it cannot read straight
CREATE VIEW family_view AS SELECT left_id, right_id FROM family;
CREATE TABLE family_text (a text, b bigint);
SELECT cdp.components_of('family_view', 'left_id', 'right_id');
SELECT cdp.components_of('family_text', 'b', 'a');
SELECT cdp.components_of('family_text', 'b', 'c');
SELECT cdp.components_of('family_text', 'b', 'ctid');
SELECT cdp.components_of('family_2', 'left_id', '........pg.dropped.2........');

-- with the rights of the caller
CREATE ROLE regress_components;
GRANT USAGE ON SCHEMA cdp TO regress_components;
SET ROLE regress_components;
SELECT cdp.components_of('family', 'left_id', 'right_id');
RESET ROLE;
GRANT SELECT (left_id) ON family TO regress_components;
SET ROLE regress_components;
SELECT cdp.components_of('family', 'left_id', 'right_id');
SELECT cdp.components_of('family', 'left_id', 'left_id') IS NULL AS is_null;
RESET ROLE;
GRANT SELECT ON family TO regress_components;
ALTER TABLE family ENABLE ROW LEVEL SECURITY;
SET ROLE regress_components;
SELECT cdp.components_of('family', 'left_id', 'right_id');
RESET ROLE;
SELECT cdp.components_of('family', 'left_id', 'right_id') IS NULL AS owner_may;
DROP VIEW family_view;
DROP TABLE family, family_text;
REVOKE USAGE ON SCHEMA cdp FROM regress_components;
DROP ROLE regress_components;

-- too much memory is an error that says what to do, not a crash of the server
SET cdp.components_memory = '128kB';
SELECT cdp.components(i, i + 1) FROM generate_series(1, 100000) AS i;
SELECT cdp.components('node number ' || i, 'x') FROM generate_series(1, 100000) AS i;
INSERT INTO stored (graph) SELECT generate_series(1, 100000);
SELECT cdp.components_of('stored', 'graph', 'graph');
SELECT cdp.components(repeat('a', 100), repeat('b', 200000));
SET cdp.components_memory = '63kB';
RESET cdp.components_memory;
-- each group has the whole limit: small ones are never refused
SET cdp.components_memory = '64kB';
SELECT count(map) FROM (SELECT cdp.components(i, i + 1) AS map
	FROM generate_series(1, 30000) AS i GROUP BY i % 10000) AS graph;
