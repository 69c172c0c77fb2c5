-- A profile as a picture: rows of nodes and edges first, then their text as
-- mermaid or dot.  Of giants the strongest 100 identifiers are drawn, and of
-- what is around a profile 20 identifiers of each kind; the rest is counted.
CREATE FUNCTION cdp._picture_label(identifier_id bigint, masked boolean) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._identifier_says($1, $2) || coalesce(
		(SELECT CASE why.rule
			WHEN 'shared' THEN format(': %s people, not a key', cdp._shared_by($1))
			ELSE format(': %s, not a key', why.rule) END
		FROM cdp._why_no_key($1) AS why), '')
$$;
COMMENT ON FUNCTION cdp._picture_label(bigint, boolean) IS
'an identifier as a picture names it';

CREATE FUNCTION cdp._edge_label(source_id integer, first_seen timestamptz, records bigint)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('%s, %s, %s', cdp._source_name($1), cdp._day($2),
		CASE WHEN $3 = 1 THEN 'once' ELSE cdp._count_says($3, 'time') END)
$$;
COMMENT ON FUNCTION cdp._edge_label(integer, timestamptz, bigint) IS
'evidence as a picture names it: "web, 3 Nov 2026, 14 times"';

CREATE FUNCTION cdp._decision_label(decision_id bigint) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('%s: %s, %s', decision.verdict, action.actor, cdp._day(action.at))
	FROM cdp.decision
	JOIN cdp.steward_action AS action USING (action_id)
	WHERE decision.decision_id = $1
$$;
COMMENT ON FUNCTION cdp._decision_label(bigint) IS
'a decision as a picture names it: "always: ann, 3 Nov 2026"';

-- The profile's own identifiers n1, n2, ... and what links them.
CREATE FUNCTION cdp._picture_inside(profile_id bigint, masked boolean)
RETURNS TABLE (name text, other text, kind text, label text, place bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET enable_nestloop = off SET jit = off
AS $$
	WITH nodes AS MATERIALIZED (
		SELECT * FROM cdp._profile_nodes($1)
	), links AS MATERIALIZED (
		SELECT link.*, node_a.node AS node_a, node_b.node AS node_b,
			(row_number() OVER (ORDER BY link.link))::integer AS place
		FROM cdp._profile_links($1) AS link
		JOIN nodes AS node_a ON node_a.identifier_id = link.identifier_a
		JOIN nodes AS node_b ON node_b.identifier_id = link.identifier_b
		WHERE link.state = 'joined'
	), graph AS (
		SELECT (SELECT array_agg(strength ORDER BY node) FROM nodes) AS strengths,
			(SELECT count(*)::integer FROM nodes) AS size,
			coalesce(array_agg(node_a ORDER BY place), '{}') AS a,
			coalesce(array_agg(node_b ORDER BY place), '{}') AS b
		FROM links
	), weak AS (
		SELECT bridge.link AS place
		FROM graph, cdp._bridges(array_fill(''::text, ARRAY[size]), strengths, a, b) AS bridge
		WHERE bridge.both_sides > 0
	), tree AS (
		SELECT taken.place FROM graph, unnest(cdp._spanning_tree(size, a, b)) AS taken (place)
	), drawn AS (
		SELECT links.*, row_number() OVER (ORDER BY tree.place, links.place) <= 200 AS fits
		FROM links LEFT JOIN tree USING (place)
		WHERE node_a <= 100 AND node_b <= 100
	), hidden AS (
		SELECT 'n' || least(node_a, node_b) AS name, count(*) AS links
		FROM links
		WHERE least(node_a, node_b) <= 100 AND greatest(node_a, node_b) > 100
		GROUP BY least(node_a, node_b)
	), more AS (
		SELECT greatest((SELECT size FROM graph) - 100, 0) AS nodes,
			(SELECT count(*) FROM drawn WHERE NOT fits) AS links
	)
	SELECT 'n' || node, NULL, CASE WHEN links THEN 'key' ELSE 'outside' END,
		cdp._picture_label(identifier_id, $2), node::bigint
	FROM nodes WHERE node <= 100
	UNION ALL
	SELECT 'more', NULL, 'outside', 'and ' || concat_ws(' and ',
			CASE WHEN nodes > 0 THEN cdp._count_says(nodes, 'more identifier') END,
			CASE WHEN links > 0 THEN cdp._count_says(links, 'more link') END), 1000
	FROM more WHERE nodes > 0 OR links > 0
	UNION ALL
	SELECT 'n' || least(node_a, node_b), 'n' || greatest(node_a, node_b),
		CASE WHEN decision_id IS NOT NULL THEN 'decision'
			WHEN weak.place IS NOT NULL THEN 'weak' ELSE 'link' END,
		CASE WHEN decision_id IS NULL THEN cdp._edge_label(source_id, first_seen, records)
			ELSE cdp._decision_label(decision_id) END, drawn.place
	FROM drawn LEFT JOIN weak USING (place)
	WHERE fits
	UNION ALL
	SELECT name, 'more', 'link', cdp._count_says(links, 'link'),
		3e9::bigint + row_number() OVER (ORDER BY name)
	FROM hidden
$$;
COMMENT ON FUNCTION cdp._picture_inside(bigint, boolean) IS
'nodes and edges of the picture of a live profile: its identifiers and their links';

-- What is seen with it but no key: s1, s2, ...
CREATE FUNCTION cdp._picture_beside(profile_id bigint, masked boolean)
RETURNS TABLE (name text, other text, kind text, label text, place bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET enable_nestloop = off SET jit = off
AS $$
	WITH nodes AS MATERIALIZED (
		SELECT * FROM cdp._profile_nodes($1)
	), beside AS MATERIALIZED (
		SELECT * FROM cdp._profile_beside($1)
	), numbered AS (
		SELECT identifier.identifier_id,
			row_number() OVER (ORDER BY identifier.blocked, identifier.expired, type.priority,
				identifier.type_id, identifier.scope, identifier.value) AS place
		FROM (SELECT DISTINCT identifier_id FROM beside) AS found
		JOIN cdp.identifier USING (identifier_id)
		JOIN cdp.identifier_type AS type USING (type_id)
		-- a decision may have made it one of the profile's own
		WHERE identifier_id NOT IN (SELECT identifier_id FROM nodes)
	)
	SELECT 's' || numbered.place, NULL, 'outside',
		cdp._picture_label(identifier_id, $2), 1000 + numbered.place
	FROM numbered WHERE numbered.place <= 20
	UNION ALL
	SELECT 'smore', NULL, 'outside', format('and %s that are no keys',
		to_char(count(*) - 20, 'FM999,999,999,990')), 1999
	FROM numbered HAVING count(*) > 20
	UNION ALL
	SELECT coalesce('n' || nodes.node, 'more'), coalesce('s' || numbered.place, 'n' || own.node),
		'beside', cdp._edge_label(source_id, first_seen, records),
		4e9::bigint + row_number() OVER (ORDER BY numbered.place, own.node, nodes.node)
	FROM beside
	JOIN nodes AS holder ON holder.identifier_id = beside.beside
	LEFT JOIN nodes ON nodes.node = holder.node AND holder.node <= 100
	LEFT JOIN numbered ON numbered.identifier_id = beside.identifier_id
	LEFT JOIN nodes AS own ON own.identifier_id = beside.identifier_id
	WHERE numbered.place <= 20 OR own.node <= 100
$$;
COMMENT ON FUNCTION cdp._picture_beside(bigint, boolean) IS
'nodes and edges of the picture of a live profile: identifiers seen with it that are no keys';

-- Other profiles p1, p2, ...: what was refused or decided against, and whom a
-- shared identifier was seen with.
CREATE FUNCTION cdp._picture_others(profile_id bigint, masked boolean)
RETURNS TABLE (name text, other text, kind text, label text, place bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET enable_nestloop = off SET jit = off
AS $$
	WITH nodes AS MATERIALIZED (
		SELECT * FROM cdp._profile_nodes($1)
	), edges AS MATERIALIZED (
		SELECT 'never' AS kind, id_a, id_b, decision_id, NULL::integer AS source_id,
			NULL::timestamptz AS first_seen, NULL::bigint AS records, 0::bigint AS place
		FROM cdp._profile_decisions($1)
		WHERE verdict = 'never'
		UNION ALL
		SELECT state, identifier_a, identifier_b, decision_id, source_id, first_seen, records, link
		FROM cdp._profile_links($1)
		WHERE state <> 'joined'
		UNION ALL
		SELECT 'people', pair.weak_id, pair.strong_id, NULL, NULL, NULL, NULL, 3e9::bigint
		FROM nodes
		JOIN cdp.identifier_strong AS pair ON pair.weak_id = nodes.identifier_id
		JOIN cdp.identifier AS strong ON strong.identifier_id = pair.strong_id
		WHERE NOT nodes.links AND strong.leaf IS NOT NULL
			AND pair.strong_id NOT IN (SELECT identifier_id FROM nodes)
	), numbered AS (
		SELECT identifier_id, refused, row_number() OVER (ORDER BY first_place,
			type.priority, identifier.type_id, identifier.scope, identifier.value) AS place
		FROM (SELECT identifier_id, min(edges.place) AS first_place,
				bool_or(edges.kind IN ('refused', 'never')) AS refused
			FROM edges, unnest(ARRAY[id_a, id_b]) AS identifier_id
			WHERE identifier_id NOT IN (SELECT identifier_id FROM nodes)
			GROUP BY identifier_id) AS found
		JOIN cdp.identifier USING (identifier_id)
		JOIN cdp.identifier_type AS type USING (type_id)
	), named AS (
		SELECT identifier_id, 'p' || numbered.place AS name, true AS is_other
		FROM numbered WHERE numbered.place <= 20
		UNION ALL
		SELECT identifier_id, CASE WHEN node <= 100 THEN 'n' || node ELSE 'more' END, false
		FROM nodes
	)
	SELECT 'p' || numbered.place, NULL, CASE WHEN refused THEN 'other' ELSE 'person' END, format('%s, profile %s',
		cdp._identifier_says(identifier_id, $2), cdp._profile_of(identifier_id)), 2000 + numbered.place
	FROM numbered WHERE numbered.place <= 20
	UNION ALL
	SELECT 'pmore', NULL, 'outside', format('and %s of other profiles',
		to_char(count(*) - 20, 'FM999,999,999,990')), 2999
	FROM numbered HAVING count(*) > 20
	UNION ALL
	SELECT CASE WHEN a.is_other THEN b.name ELSE a.name END,
		CASE WHEN a.is_other THEN a.name ELSE b.name END, edges.kind,
		CASE edges.kind WHEN 'never' THEN cdp._decision_label(edges.decision_id)
			WHEN 'people' THEN NULL
			ELSE cdp._edge_label(edges.source_id, edges.first_seen, edges.records)
				|| CASE WHEN edges.kind = 'waiting' THEN ', not judged yet'
					ELSE ', refused: ' || cdp._refusal_says(refused.rule, refused.type_id) END END,
		5e9::bigint + row_number() OVER (ORDER BY edges.place, a.name, b.name)
	FROM edges
	JOIN named AS a ON a.identifier_id = edges.id_a
	JOIN named AS b ON b.identifier_id = edges.id_b
	LEFT JOIN cdp.refused_link AS refused ON refused.identifier_a = least(edges.id_a, edges.id_b)
		AND refused.identifier_b = greatest(edges.id_a, edges.id_b)
$$;
COMMENT ON FUNCTION cdp._picture_others(bigint, boolean) IS
'nodes and edges of the picture of a live profile: refusals, decisions against, and other people of what is shared';

CREATE FUNCTION cdp._picture(profile_id bigint, masked boolean)
RETURNS TABLE (name text, other text, kind text, label text, place bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._picture_inside($1, $2)
	UNION ALL
	SELECT * FROM cdp._picture_beside($1, $2)
	UNION ALL
	SELECT * FROM cdp._picture_others($1, $2)
$$;
COMMENT ON FUNCTION cdp._picture(bigint, boolean) IS
'the picture of a live profile: nodes (other is NULL) and edges';

-- Values are the senders'; nothing of one may be read as markup.
CREATE FUNCTION cdp._plain_text(label text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN length(plain) > 120 THEN left(plain, 117) || '...' ELSE plain END
	FROM regexp_replace($1,
		'[\u0001-\u001f\u007f-\u00a0\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+',
		' ', 'g') AS plain
$$;
COMMENT ON FUNCTION cdp._plain_text(text) IS
'a label as one line of visible characters, at most 120';

CREATE FUNCTION cdp._mermaid_text(label text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT regexp_replace(
		coalesce(string_agg(CASE WHEN char ~ '[A-Za-z0-9 .,:@+/()-]' OR ascii(char) > 160
			THEN char ELSE format('#%s;', ascii(char)) END, '' ORDER BY place)
			FILTER (WHERE char <> ''), ''),
		-- inside a word it means nothing
		'([A-Za-z0-9])#95;(?=[A-Za-z0-9])', '\1_', 'g')
	FROM regexp_split_to_table(cdp._plain_text($1), '') WITH ORDINALITY AS split (char, place)
$$;
COMMENT ON FUNCTION cdp._mermaid_text(text) IS
'a label between the quotes of mermaid';

CREATE FUNCTION cdp._dot_text(label text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT replace(replace(replace(cdp._plain_text($1), '\', '\\'), '"', '\"'), '&', '&amp;')
$$;
COMMENT ON FUNCTION cdp._dot_text(text) IS
'a label between the quotes of dot';

CREATE FUNCTION cdp._mermaid(profile_id bigint, masked boolean) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH picture AS MATERIALIZED (
		SELECT picture.*, CASE WHEN other IS NOT NULL THEN
			row_number() OVER (PARTITION BY other IS NULL ORDER BY picture.place) - 1 END AS edge
		FROM cdp._picture($1, $2) AS picture
	), line AS (
		SELECT 1 AS part, place, format('%s["%s"]%s', name, cdp._mermaid_text(label),
			CASE WHEN kind IN ('outside', 'other') THEN ':::' || kind ELSE '' END) AS line
		FROM picture WHERE other IS NULL
		UNION ALL
		SELECT 2, place, concat_ws(' ', name,
			CASE WHEN kind IN ('refused', 'never') THEN '--x'
				WHEN kind = 'decision' THEN '==='
				WHEN kind = 'link' THEN '---' ELSE '-.-' END
			|| CASE WHEN label IS NULL THEN '' ELSE format('|"%s"|', cdp._mermaid_text(label)) END, other)
		FROM picture WHERE other IS NOT NULL
		UNION ALL
		SELECT 3, min(place), CASE kind
			WHEN 'outside' THEN 'classDef outside fill:#eeeeee,stroke:#999999,color:#666666'
			ELSE 'classDef other fill:#ffffff,stroke:#c00000' END
		FROM picture WHERE kind IN ('outside', 'other')
		GROUP BY kind
		UNION ALL
		SELECT 4, min(place), format('linkStyle %s %s', string_agg(edge::text, ',' ORDER BY edge), style)
		FROM picture
		CROSS JOIN LATERAL (SELECT CASE WHEN kind IN ('beside', 'people') THEN 'stroke:#999999,color:#666666'
			WHEN kind IN ('refused', 'never') THEN 'stroke:#c00000,color:#c00000' END) AS styled (style)
		WHERE style IS NOT NULL
		GROUP BY style
	)
	SELECT E'flowchart LR\n' || string_agg(E'\t' || line || E'\n', '' ORDER BY part, place)
	FROM line
$$;
COMMENT ON FUNCTION cdp._mermaid(bigint, boolean) IS
'the picture of a live profile as mermaid';

CREATE FUNCTION cdp._dot(profile_id bigint, masked boolean) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format(E'graph "profile %s" {\n\trankdir=LR;\n\tnode [shape=box];\n', $1)
		|| string_agg(CASE WHEN other IS NULL
			THEN format(E'\t%s [label="%s"%s];\n', name, cdp._dot_text(label), CASE kind
				WHEN 'outside' THEN ', style=filled, fillcolor="#eeeeee", color="#999999", fontcolor="#666666"'
				WHEN 'other' THEN ', color="#c00000"'
				ELSE '' END)
			ELSE format(E'\t%s -- %s [label="%s"%s];\n', name, other, cdp._dot_text(coalesce(label, '')), CASE
				WHEN kind IN ('refused', 'never') THEN ', color="#c00000", fontcolor="#c00000", dir=forward, arrowhead=tee'
				WHEN kind IN ('beside', 'people') THEN ', style=dotted, color="#999999", fontcolor="#666666"'
				WHEN kind IN ('weak', 'waiting') THEN ', style=dashed'
				WHEN kind = 'decision' THEN ', style=bold'
				ELSE '' END) END, '' ORDER BY other IS NOT NULL, place)
		|| E'}\n'
	FROM cdp._picture($1, $2)
$$;
COMMENT ON FUNCTION cdp._dot(bigint, boolean) IS
'the picture of a live profile as graphviz dot';

CREATE FUNCTION cdp._profile_graph(profile_id bigint, format text, masked boolean)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $2 IS NULL OR $2 NOT IN ('mermaid', 'dot') THEN
		RAISE EXCEPTION 'unknown format "%"', coalesce($2, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A format is mermaid or dot.';
	END IF;
	RETURN CASE $2
		WHEN 'mermaid' THEN cdp._mermaid(cdp._current_profile($1), coalesce($3, true))
		ELSE cdp._dot(cdp._current_profile($1), coalesce($3, true)) END;
END
$$;
COMMENT ON FUNCTION cdp._profile_graph(bigint, text, boolean) IS
'text of cdp.profile_graph(); NULL for masked is true';
