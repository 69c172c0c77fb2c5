-- Why two identifiers are one customer, or are not.
CREATE FUNCTION cdp._spanning_tree(nodes integer, a integer[], b integer[])
RETURNS integer[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'cdp__spanning_tree';
COMMENT ON FUNCTION cdp._spanning_tree(integer, integer[], integer[]) IS
'of links between nodes 1 .. nodes, the strongest first, those that join what was not joined yet';

CREATE FUNCTION cdp._tree_path(
	nodes integer,
	a integer[],
	b integer[],
	"from" integer,
	"to" integer)
RETURNS integer[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'cdp__tree_path';
COMMENT ON FUNCTION cdp._tree_path(integer, integer[], integer[], integer, integer) IS
'the links from one node to another in the tree that cdp._spanning_tree() finds, negative those that are walked from b to a; empty if nothing joins them';

-- A value may hold a slash itself, so the whole is tried first.  Errors do not say
-- the value: they are in the server log.
CREATE FUNCTION cdp._parse_identifier(key text) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	type text := split_part($1, ':', 1);
	rest text := substr($1, strpos($1, ':') + 1);
	found bigint;
BEGIN
	IF $1 IS NULL OR strpos($1, ':') = 0 THEN
		RAISE EXCEPTION 'invalid identifier'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'There is no colon after a type.',
				HINT = 'Write it as type:value, or type:source/value for a type whose values are a source''s own.';
	END IF;
	found := coalesce(cdp._find_identifier(type, rest),
		CASE WHEN rest ~ '/' AND cdp._identifier_scope(type, split_part(rest, '/', 1)) <> '' THEN
			cdp._find_identifier(type, substr(rest, strpos(rest, '/') + 1),
				split_part(rest, '/', 1)) END);
	IF found IS NULL THEN
		RAISE EXCEPTION 'unknown identifier of type "%"', type
			USING ERRCODE = 'no_data_found',
				DETAIL = 'No record has brought it.',
				HINT = CASE WHEN rest LIKE '%...%'
					THEN 'It looks like a masked one: cdp.profile_identifier has values as they are.'
					ELSE 'Write it as type:value, or type:source/value for a type whose values are a source''s own.' END;
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION cdp._parse_identifier(text) IS
'the identifier that is written type:value or type:source/value; raises if there is none';

CREATE FUNCTION cdp._current_profile(profile_id bigint) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint;
BEGIN
	SELECT profile.root INTO live FROM cdp.profile WHERE profile.profile_id = $1;
	IF live IS NULL THEN
		RAISE EXCEPTION 'profile % does not exist', coalesce($1::text, 'NULL')
			USING ERRCODE = 'no_data_found',
				HINT = 'cdp.find_profile(type, value) finds the profile of an identifier.';
	END IF;
	RETURN live;
END
$$;
COMMENT ON FUNCTION cdp._current_profile(bigint) IS
'the live profile that an id leads to; raises if it was never given';

-- What links two identifiers: a decision, else the earliest set.
CREATE FUNCTION cdp._link_says(
	a text,
	b text,
	decision_id bigint,
	set_id bigint,
	source_id integer,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint,
	sets bigint)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN $3 IS NOT NULL THEN
			cdp._decision_says($3, 'always one customer')
			|| CASE WHEN $9 > 0 THEN '; records say so too' ELSE '' END
		ELSE cdp._set_says($4, $5, $6, $1, $2)
			|| format(' (%s)', cdp._seen_says($8, $6, $7))
			|| CASE WHEN $9 > 1 THEN format('; the first of %s', cdp._count_says($9, 'set')) ELSE '' END
		END;
END
$$;
COMMENT ON FUNCTION cdp._link_says(text, text, bigint, bigint, integer, timestamptz, timestamptz, bigint, bigint) IS
'a sentence: what links two identifiers';

-- The links of a profile that made it one, or those of them that lead from a
-- to b.
CREATE FUNCTION cdp._explain_joined(profile_id bigint, a bigint, b bigint)
RETURNS TABLE (
	step integer,
	rule text,
	source text,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint,
	set_id bigint,
	from_identifier text,
	to_identifier text,
	says text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET enable_nestloop = off SET jit = off
AS $$
	WITH nodes AS MATERIALIZED (
		SELECT node, identifier_id FROM cdp._profile_nodes($1)
	), links AS MATERIALIZED (
		SELECT link.*, node_a.node AS node_a, node_b.node AS node_b,
			row_number() OVER (ORDER BY link.link) AS place
		FROM cdp._profile_links($1) AS link
		JOIN nodes AS node_a ON node_a.identifier_id = link.identifier_a
		JOIN nodes AS node_b ON node_b.identifier_id = link.identifier_b
		WHERE link.state = 'joined'
	), graph AS (
		SELECT (SELECT count(*)::integer FROM nodes) AS size,
			(SELECT node FROM nodes WHERE identifier_id = $2) AS start,
			(SELECT node FROM nodes WHERE identifier_id = $3) AS goal,
			coalesce(array_agg(node_a ORDER BY place), '{}') AS a,
			coalesce(array_agg(node_b ORDER BY place), '{}') AS b
		FROM links
	), taken AS (
		SELECT taken.link, taken.step
		FROM graph, unnest(CASE WHEN $2 IS NULL THEN cdp._spanning_tree(size, graph.a, graph.b)
			ELSE cdp._tree_path(size, graph.a, graph.b, start, goal) END)
			WITH ORDINALITY AS taken (link, step)
	), walked AS (
		SELECT taken.step, links.*,
			CASE WHEN taken.link > 0 THEN identifier_a ELSE identifier_b END AS from_id,
			CASE WHEN taken.link > 0 THEN identifier_b ELSE identifier_a END AS to_id
		FROM taken JOIN links ON links.place = abs(taken.link)
	)
	SELECT walked.step::integer,
		CASE WHEN decision_id IS NULL THEN 'set' ELSE 'decision' END,
		CASE WHEN decision_id IS NULL THEN cdp._source_name(source_id) END,
		CASE WHEN decision_id IS NULL THEN walked.first_seen
			ELSE cdp._decided_at(decision_id) END,
		CASE WHEN decision_id IS NULL THEN walked.last_seen END,
		CASE WHEN decision_id IS NULL THEN walked.records END,
		CASE WHEN decision_id IS NULL THEN walked.set_id END,
		cdp._identifier_key(from_id), cdp._identifier_key(to_id),
		cdp._link_says(cdp._identifier_says(from_id), cdp._identifier_says(to_id),
			decision_id, walked.set_id, source_id, walked.first_seen,
			walked.last_seen, walked.records, sets)
	FROM walked
	ORDER BY walked.step
$$;
COMMENT ON FUNCTION cdp._explain_joined(bigint, bigint, bigint) IS
'the strongest path of evidence from one identifier of a live profile to another, a row a step; from NULL: all links that made the profile one';

CREATE FUNCTION cdp._decided_at(decision_id bigint) RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT action.at FROM cdp.decision
		JOIN cdp.steward_action AS action USING (action_id)
		WHERE decision.decision_id = $1);
END
$$;
COMMENT ON FUNCTION cdp._decided_at(bigint) IS 'when a decision was made';

-- Decisions, refusals and shared identifiers between two live profiles: what
-- speaks for one customer and did not prevail.  The most telling first.
CREATE FUNCTION cdp._evidence_between(profile_a bigint, profile_b bigint)
RETURNS TABLE (
	rule text,
	source_id integer,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint,
	set_id bigint,
	says text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET enable_nestloop = off SET jit = off
AS $$
	WITH links AS (
		SELECT link.*, cdp._set_says(link.set_id, link.source_id, link.first_seen,
			cdp._identifier_says(link.identifier_a), cdp._identifier_says(link.identifier_b)) AS says
		FROM cdp._profile_links($1) AS link
		JOIN cdp.identifier ON identifier.identifier_id IN (link.identifier_a, link.identifier_b)
		JOIN cdp.profile ON profile.profile_id = identifier.leaf
		WHERE link.state <> 'joined' AND profile.root = $2
	), beside AS (
		SELECT identifier_id, min(here.first_seen) AS first_seen,
			max(here.last_seen) AS last_seen, sum(here.records)::bigint AS records
		FROM cdp._profile_beside($1) AS here
		JOIN cdp._profile_beside($2) AS there USING (identifier_id)
		GROUP BY identifier_id
	), found AS (
		SELECT 1 AS place, link AS subplace, coalesce(refused.rule, 'waiting') AS rule,
			source_id, links.first_seen, last_seen, records, links.set_id,
			says || CASE WHEN refused.rule IS NULL THEN ': the next merge run judges it'
				ELSE ', refused: ' || cdp._refusal_says(refused.rule, refused.type_id) END AS says
		FROM links
		LEFT JOIN cdp.refused_link AS refused ON links.state = 'refused'
			AND refused.identifier_a = least(links.identifier_a, links.identifier_b)
			AND refused.identifier_b = greatest(links.identifier_a, links.identifier_b)
		UNION ALL
		SELECT 2, identifier_id, reason.rule, NULL, first_seen, last_seen, records, NULL,
			format('both were seen with %s, which %s',
				cdp._identifier_says(identifier_id), reason.says)
		FROM beside, cdp._why_no_key(identifier_id) AS reason
	)
	SELECT rule, source_id, first_seen, last_seen, records, set_id, says
	FROM found
	ORDER BY place, rule = 'waiting', subplace
$$;
COMMENT ON FUNCTION cdp._evidence_between(bigint, bigint) IS
'what speaks for two live profiles being one customer but did not prevail, the most telling first';

-- Why two identifiers are two customers: one row.
CREATE FUNCTION cdp._explain_apart(
	a bigint,
	b bigint,
	profile_a bigint,
	profile_b bigint)
RETURNS TABLE (
	rule text,
	source_id integer,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint,
	set_id bigint,
	says text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT reason.rule, reason.source_id, reason.first_seen, reason.last_seen,
		reason.records, reason.set_id, reason.says
	FROM (
		SELECT CASE WHEN why.rule IN ('shared', 'expired') THEN 3 ELSE 1 END AS place,
			end_.place AS subplace, why.rule, NULL::integer AS source_id,
			NULL::timestamptz AS first_seen, NULL::timestamptz AS last_seen,
			NULL::bigint AS records, NULL::bigint AS set_id,
			cdp._identifier_says(end_.id) || ' ' || why.says AS says
		FROM (VALUES (1, $1), (2, $2)) AS end_ (place, id), cdp._why_no_key(end_.id) AS why
		UNION ALL
		SELECT 2, decision.decision_id, 'never', NULL,
			cdp._decided_at(decision.decision_id), NULL, NULL, NULL,
			cdp._decision_says(decision.decision_id, format('%s and %s are never one customer',
				cdp._identifier_says(id_a), cdp._identifier_says(id_b)))
		FROM cdp._profile_decisions($3) AS decision
		JOIN cdp.identifier ON identifier_id IN (id_a, id_b)
		JOIN cdp.profile ON profile.profile_id = identifier.leaf
		WHERE decision.verdict = 'never' AND profile.root = $4
		UNION ALL
		SELECT 4, row_number() OVER (), evidence.*
		FROM cdp._evidence_between($3, $4) AS evidence
		UNION ALL
		SELECT 5, 0, NULL, NULL, NULL, NULL, NULL, NULL, 'nothing joins them: they are two profiles'
	) AS reason
	ORDER BY reason.place, reason.subplace
	LIMIT 1
$$;
COMMENT ON FUNCTION cdp._explain_apart(bigint, bigint, bigint, bigint) IS
'why two identifiers of different live profiles are not one customer';

CREATE FUNCTION cdp._explain_identity(a bigint, b bigint)
RETURNS TABLE (
	step integer,
	rule text,
	source text,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint,
	set_id bigint,
	from_identifier text,
	to_identifier text,
	says text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	profile_a bigint := cdp._profile_of($1);
	profile_b bigint := cdp._profile_of($2);
BEGIN
	IF $1 <> $2 AND profile_a = profile_b THEN
		RETURN QUERY SELECT * FROM cdp._explain_joined(profile_a, $1, $2);
		IF FOUND THEN
			RETURN;
		END IF;
	END IF;
	RETURN QUERY
	SELECT 0, apart.rule, cdp._source_name(apart.source_id), apart.first_seen,
		apart.last_seen, apart.records, apart.set_id,
		cdp._identifier_key($1), cdp._identifier_key($2),
		CASE WHEN $1 = $2 THEN 'they are the same identifier'
			WHEN profile_a = profile_b THEN
				'they are one profile until the next merge run judges what came in'
			ELSE apart.says END
	FROM (SELECT) AS one
	LEFT JOIN cdp._explain_apart($1, $2, profile_a, profile_b) AS apart
		ON (profile_a = profile_b) IS NOT TRUE;
END
$$;
COMMENT ON FUNCTION cdp._explain_identity(bigint, bigint) IS
'the evidence that joins two identifiers, a row a step; or one row, step 0, that tells why none does';

CREATE FUNCTION cdp._profile_of(identifier_id bigint) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT profile.root
		FROM cdp.identifier
		JOIN cdp.profile ON profile.profile_id = identifier.leaf
		WHERE identifier.identifier_id = $1);
END
$$;
COMMENT ON FUNCTION cdp._profile_of(bigint) IS
'the live profile of an identifier; NULL: it belongs to none';

CREATE FUNCTION cdp._explain_profile(profile_id bigint)
RETURNS TABLE (
	step integer,
	rule text,
	source text,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint,
	set_id bigint,
	from_identifier text,
	to_identifier text,
	says text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint := cdp._current_profile($1);
BEGIN
	RETURN QUERY SELECT * FROM cdp._explain_joined(live, NULL, NULL);
	IF NOT FOUND THEN
		RETURN QUERY
		SELECT 0, why.rule, NULL::text, NULL::timestamptz, NULL::timestamptz,
			NULL::bigint, NULL::bigint, cdp._identifier_key(node.identifier_id),
			NULL::text, cdp._identifier_says(node.identifier_id)
				|| coalesce(' ' || why.says, ' is all that is known of this profile')
		FROM cdp._profile_nodes(live) AS node
		LEFT JOIN cdp._why_no_key(node.identifier_id) AS why ON true;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._explain_profile(bigint) IS
'the evidence that made a profile one, a row a link; one row, step 0, if it has a single identifier';
