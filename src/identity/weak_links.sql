-- What alone holds a profile together.
CREATE FUNCTION cdp._bridges(
	names text[],
	strengths integer[],
	a integer[],
	b integer[])
RETURNS TABLE (
	link integer,
	parts integer,
	parts_a boolean,
	both_sides integer,
	parts_names text[])
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'cdp__bridges';
COMMENT ON FUNCTION cdp._bridges(text[], integer[], integer[], integer[]) IS
'links between nodes 1, 2, ... whose removal parts what they join: how many nodes on the lesser side, whether that is the side of a, what strength both sides have at least, the first ten names of the lesser side';

CREATE FUNCTION cdp._weak_links(profile_id bigint)
RETURNS TABLE (
	both_sides text,
	parts integer,
	parts_identifiers text[],
	identifier_a text,
	identifier_b text,
	rule text,
	source text,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint,
	set_id bigint,
	sets bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET enable_nestloop = off SET jit = off
AS $$
	WITH nodes AS MATERIALIZED (
		SELECT node, identifier_id, strength,
			type || ':' || cdp._scoped_value(type, scope, value, true) AS key
		FROM cdp._profile_nodes(cdp._current_profile($1))
	), links AS MATERIALIZED (
		SELECT link.*, node_a.node AS node_a, node_b.node AS node_b,
			node_a.key AS key_a, node_b.key AS key_b,
			row_number() OVER (ORDER BY link.link) AS place
		FROM cdp._profile_links(cdp._current_profile($1)) AS link
		JOIN nodes AS node_a ON node_a.identifier_id = link.identifier_a
		JOIN nodes AS node_b ON node_b.identifier_id = link.identifier_b
		WHERE link.state = 'joined'
	)
	SELECT CASE bridge.both_sides WHEN 2 THEN 'strong' WHEN 1 THEN 'known' ELSE 'weak' END,
		bridge.parts, bridge.parts_names,
		CASE WHEN bridge.parts_a THEN key_b ELSE key_a END,
		CASE WHEN bridge.parts_a THEN key_a ELSE key_b END,
		CASE WHEN decision_id IS NULL THEN 'set' ELSE 'decision' END,
		cdp._source_name(source_id),
		coalesce(links.first_seen, cdp._decided_at(decision_id)),
		links.last_seen, links.records, links.set_id, links.sets
	FROM (SELECT array_agg(key ORDER BY node) AS keys,
		array_agg(strength ORDER BY node) AS strengths FROM nodes) AS node
	CROSS JOIN (SELECT array_agg(node_a ORDER BY place) AS a,
		array_agg(node_b ORDER BY place) AS b FROM links) AS graph
	CROSS JOIN cdp._bridges(node.keys, node.strengths, graph.a, graph.b) AS bridge
	JOIN links ON links.place = bridge.link
	ORDER BY bridge.both_sides DESC, bridge.parts DESC, links.link DESC
$$;
COMMENT ON FUNCTION cdp._weak_links(bigint) IS
'rows of cdp.weak_links()';
