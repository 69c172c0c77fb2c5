-- Links that alone hold a profile together.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\i :fresh
\i :stand_ins
-- u1 came with e-mail and phone, again and again; the CRM's number hangs on
-- the phone, cookies hang on the e-mail
SELECT cdp._attach('web', '[
	{"at": "2026-05-01", "ids": [["user_id", "u1"], ["email", "ann@x.de"]]},
	{"at": "2026-05-02", "ids": [["user_id", "u1"], ["phone", "030 1234567"]]},
	{"at": "2026-05-03", "ids": [["email", "ann@x.de"], ["phone", "030 1234567"]]},
	{"at": "2026-05-04", "ids": [["email", "ann@x.de"], ["anonymous_id", "c-1"]]},
	{"at": "2026-05-05", "ids": [["email", "ann@x.de"], ["anonymous_id", "c-1"]]},
	{"at": "2026-05-05", "ids": [["anonymous_id", "c-1"], ["device_id", "d-1"]]},
	{"at": "2026-05-05", "ids": [["email", "bob@x.de"], ["device_id", "d-1"]]}]') \g /dev/null
SELECT cdp._attach('crm', '[
	{"at": "2026-05-06", "ids": [["crm_id", "17"], ["phone", "030 1234567"]]},
	{"at": "2026-05-07", "ids": [["crm_id", "17"], ["phone", "030 1234567"], ["anonymous_id", "c-9"]]}]') \g /dev/null
SELECT cdp._stitch_step(100);
SELECT cdp.find_profile('user_id', 'u1') AS ann \gset
SELECT both_sides, parts, parts_identifiers, identifier_a, identifier_b, source, records, set_id, sets
FROM cdp.weak_links(:ann);
SELECT rule, first_seen, last_seen FROM cdp.weak_links(:ann) LIMIT 1;
-- a decision may be all there is
INSERT INTO cdp.steward_action (actor, action) VALUES ('ann', 'always');
SELECT cdp._attach('web', '[{"at": "2026-05-08", "ids": [["user_id", "u9"], ["crm_id", "9"]]},
	{"at": "2026-05-08", "ids": [["crm_id", "8"], ["anonymous_id", "c-8"]]}]') \g /dev/null
INSERT INTO cdp.decision (verdict, identifier_a, identifier_b, action_id)
SELECT 'always', least(a, b), greatest(a, b), 1
FROM cdp._parse_identifier('crm_id:web/9') AS a, cdp._parse_identifier('anonymous_id:c-8') AS b;
UPDATE cdp.identifier_type SET max_per_profile = 2 WHERE type = 'crm_id';
SELECT cdp._stitch_everything() IS NOT NULL AS judged;
SELECT both_sides, parts, identifier_a, identifier_b, rule, source, first_seen, records, set_id, sets
FROM cdp.weak_links((SELECT max(profile_id) FROM cdp.profile));
-- one identifier has no links; an unknown profile has nothing
SELECT cdp._attach('web', '[{"ids": [["user_id", "alone"]]}]') \g /dev/null
SELECT cdp._stitch_step(100);
SELECT count(*) FROM cdp.weak_links(cdp.find_profile('user_id', 'alone'));
SELECT * FROM cdp.weak_links(4711);
SELECT * FROM cdp.weak_links(NULL);

-- Oracle: take each link away in turn and walk.
CREATE FUNCTION pg_temp.reach(a integer[], b integer[], without integer, start integer)
RETURNS integer[] LANGUAGE sql AS $$
	WITH RECURSIVE link AS (
		SELECT l.a, l.b FROM unnest($1, $2) WITH ORDINALITY AS l (a, b, n) WHERE l.n <> $3
	), reached AS (
		SELECT $4 AS node
		UNION
		SELECT CASE WHEN link.a = reached.node THEN link.b ELSE link.a END
		FROM reached JOIN link ON reached.node IN (link.a, link.b)
	)
	SELECT array_agg(node ORDER BY node) FROM reached
$$;
CREATE FUNCTION pg_temp.bridges(strengths integer[], a integer[], b integer[])
RETURNS TABLE (link integer, parts integer, parts_a boolean, both_sides integer, names text[])
LANGUAGE sql AS $$
	SELECT n, cardinality(lesser), lesser = side_a,
		least((SELECT max($1[node]) FROM unnest(side_a) AS node),
			(SELECT max($1[node]) FROM unnest(side_b) AS node)),
		lesser[:10]::text[]
	FROM generate_series(1, cardinality($2)) AS n
	CROSS JOIN LATERAL (SELECT pg_temp.reach($2, $3, n, $2[n]) AS side_a,
		pg_temp.reach($2, $3, n, $3[n]) AS side_b) AS sides
	CROSS JOIN LATERAL (SELECT CASE WHEN (cardinality(side_a), -side_a[1]) < (cardinality(side_b), -side_b[1])
		THEN side_a ELSE side_b END AS lesser) AS less
	WHERE NOT $3[n] = ANY (side_a)
$$;
\set seed 0.26
\echo seed :seed
SELECT setseed(:seed) \g /dev/null
CREATE TEMP TABLE trial AS
SELECT n, (SELECT array_agg(node::text ORDER BY node) FROM generate_series(1, nodes) AS node) AS names,
	node.strengths, link.a, link.b
FROM (SELECT n, 1 + n % 30 AS nodes, n % 37 AS links FROM generate_series(1, 150) AS n) AS size
CROSS JOIN LATERAL (SELECT array_agg(floor(random() * 3 + 0 * i)::integer) AS strengths
	FROM generate_series(1, nodes) AS i) AS node
CROSS JOIN LATERAL (SELECT
	coalesce(array_agg(1 + floor(random() * nodes + 0 * i)::integer), '{}') AS a,
	coalesce(array_agg(1 + floor(random() * nodes + 0 * i)::integer), '{}') AS b
	FROM generate_series(1, links) AS i) AS link;
WITH found AS (
	SELECT n, bridge.* FROM trial, cdp._bridges(names, strengths, a, b) AS bridge
), expected AS (
	SELECT n, bridge.* FROM trial, pg_temp.bridges(strengths, a, b) AS bridge
)
SELECT (SELECT count(*) FROM found) > 200 AS many,
	(SELECT count(*) FROM (TABLE found EXCEPT TABLE expected) AS d) AS wrong,
	(SELECT count(*) FROM (TABLE expected EXCEPT TABLE found) AS d) AS missing;
-- a path of a million needs no deep stack; a star and a ring
SET max_stack_depth = '100kB';
CREATE FUNCTION pg_temp.shape(nodes integer, a text, b text, OUT bridges bigint, OUT parts bigint)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT count(*), sum(bridge.parts) FROM cdp._bridges(
		array_fill(''x''::text, ARRAY[$1]), array_fill(0, ARRAY[$1]),
		ARRAY(SELECT %s FROM generate_series(1, $1) AS i),
		ARRAY(SELECT %s FROM generate_series(1, $1) AS i)) AS bridge', a, b)
	INTO bridges, parts USING nodes;
END
$$;
SELECT * FROM pg_temp.shape(1000000, 'i', 'least(i + 1, $1)');
SELECT * FROM pg_temp.shape(100000, '1', 'i');
SELECT * FROM pg_temp.shape(100000, 'i', 'i % $1 + 1');
SELECT cardinality(cdp._tree_path(1000000, ARRAY(SELECT generate_series(1, 999999)),
	ARRAY(SELECT generate_series(2, 1000000)), 1, 1000000)) AS steps;
RESET max_stack_depth;
-- arrays that are no graph
SELECT * FROM cdp._bridges('{a,b}', '{0}', '{1}', '{2}');
SELECT * FROM cdp._bridges('{a,NULL}', '{0,0}', '{1}', '{2}');
SELECT * FROM cdp._bridges('{a,b}', '{0,0}', '{1}', '{0}');
SELECT * FROM cdp._bridges('{}', '{}', '{}', '{}');
