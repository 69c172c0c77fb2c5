-- What holds a profile together, as rows: its identifiers and the links that
-- sets and decisions give, as they were judged last.  Explanations, weak links
-- and pictures are read off these two.

-- All ids that lead to a live profile.
CREATE FUNCTION cdp._profile_ids(profile_id bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT profile.profile_id FROM cdp.profile
	WHERE profile.profile_id = $1 AND profile.root = $1
	UNION ALL
	SELECT profile.profile_id FROM cdp.profile
	WHERE profile.root = $1 AND profile.root <> profile.profile_id
$$;
COMMENT ON FUNCTION cdp._profile_ids(bigint) IS
'the profile ids that lead to a live profile, itself among them';

-- Nodes are numbered from the strongest.
CREATE FUNCTION cdp._profile_nodes(profile_id bigint)
RETURNS TABLE (node integer, identifier_id bigint, strength integer, links boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT row_number() OVER (ORDER BY type.priority, identifier.type_id,
			identifier.scope, identifier.value)::integer,
		identifier.identifier_id,
		CASE WHEN type.strong OR type.stands_in AND NOT state.has_strong THEN 2
			WHEN type.type IN ('email', 'phone') THEN 1 ELSE 0 END,
		NOT identifier.shared AND NOT identifier.expired
	FROM cdp._profile_ids($1) AS known (leaf)
	JOIN cdp.identifier USING (leaf)
	JOIN cdp.identifier_type AS type USING (type_id)
	CROSS JOIN cdp.identity_state AS state
$$;
COMMENT ON FUNCTION cdp._profile_nodes(bigint) IS
'the identifiers of a live profile, the strongest first; strength: 2 strong, 1 known, 0 neither; links: neither shared nor expired';

-- The members of a profile's sets that link, with the one that each set's
-- star is around.
CREATE FUNCTION cdp._profile_stars(profile_id bigint)
RETURNS TABLE (set_id bigint, centre bigint, identifier_id bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT evidence.set_id,
		first_value(identifier.identifier_id) OVER (PARTITION BY evidence.set_id
			ORDER BY type.priority, identifier.type_id, identifier.scope, identifier.value),
		identifier.identifier_id
	FROM (SELECT DISTINCT member.set_id
		FROM cdp._profile_nodes($1) AS node
		JOIN cdp.identifier_set_member AS member USING (identifier_id)
		WHERE node.links) AS found
	JOIN cdp.identifier_set AS evidence USING (set_id)
	CROSS JOIN unnest(evidence.identifiers) AS member (identifier_id)
	JOIN cdp.identifier USING (identifier_id)
	JOIN cdp.identifier_type AS type USING (type_id)
	WHERE NOT evidence.retracted AND identifier.leaf IS NOT NULL
		AND NOT identifier.shared AND NOT identifier.expired
$$;
COMMENT ON FUNCTION cdp._profile_stars(bigint) IS
'which identifiers the sets of a live profile link, and with which';

CREATE FUNCTION cdp._profile_decisions(profile_id bigint)
RETURNS TABLE (decision_id bigint, verdict text, id_a bigint, id_b bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT decision.decision_id, decision.verdict,
		decision.identifier_a, decision.identifier_b
	FROM (SELECT decision.decision_id
		FROM cdp._profile_nodes($1) AS node
		JOIN cdp.decision ON decision.identifier_a = node.identifier_id
		WHERE decision.withdrawn_by IS NULL
		UNION
		SELECT decision.decision_id
		FROM cdp._profile_nodes($1) AS node
		JOIN cdp.decision ON decision.identifier_b = node.identifier_id
		WHERE decision.withdrawn_by IS NULL) AS found
	JOIN cdp.decision USING (decision_id)
	JOIN cdp.identifier AS a ON a.identifier_id = decision.identifier_a
	JOIN cdp.identifier AS b ON b.identifier_id = decision.identifier_b
	WHERE a.leaf IS NOT NULL AND b.leaf IS NOT NULL
$$;
COMMENT ON FUNCTION cdp._profile_decisions(bigint) IS
'decisions about identifiers of a live profile';

-- One row a pair of identifiers, however many sets and decisions say it, in
-- the order of canonical replay.  What was refused, and what is still to be
-- judged, is there too.
CREATE FUNCTION cdp._profile_links(profile_id bigint)
RETURNS TABLE (
	link integer,
	state text,
	identifier_a bigint,
	identifier_b bigint,
	decision_id bigint,
	set_id bigint,
	source_id integer,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint,
	sets bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH by_sets AS (
		SELECT least(star.centre, star.identifier_id) AS id_a,
			greatest(star.centre, star.identifier_id) AS id_b,
			(array_agg(evidence.set_id ORDER BY evidence.first_seen, evidence.set_id))[1] AS set_id,
			(array_agg(evidence.source_id ORDER BY evidence.first_seen, evidence.set_id))[1] AS source_id,
			min(evidence.first_seen) AS first_seen, max(evidence.last_seen) AS last_seen,
			sum(evidence.records)::bigint AS records, count(*) AS sets
		FROM cdp._profile_stars($1) AS star
		JOIN cdp.identifier_set AS evidence USING (set_id)
		WHERE star.identifier_id <> star.centre
		GROUP BY 1, 2
	), given AS (
		SELECT id_a, id_b, decision.decision_id, by_sets.set_id, by_sets.source_id,
			by_sets.first_seen, by_sets.last_seen, by_sets.records,
			coalesce(by_sets.sets, 0) AS sets,
			refused.identifier_a IS NOT NULL AS refused
		FROM by_sets
		FULL JOIN (SELECT * FROM cdp._profile_decisions($1) WHERE verdict = 'always') AS decision
			USING (id_a, id_b)
		LEFT JOIN cdp.refused_link AS refused
			ON (refused.identifier_a, refused.identifier_b) = (id_a, id_b)
	), ends AS (
		SELECT identifier.identifier_id, type.priority, profile.root = $1 AS inside,
			row_number() OVER (ORDER BY identifier.type_id, identifier.scope, identifier.value) AS key
		FROM (SELECT id_a FROM given UNION SELECT id_b FROM given) AS named (identifier_id)
		JOIN cdp.identifier USING (identifier_id)
		JOIN cdp.identifier_type AS type USING (type_id)
		JOIN cdp.profile ON profile.profile_id = identifier.leaf
	)
	SELECT row_number() OVER (ORDER BY (decision_id IS NULL),
			CASE WHEN decision_id IS NULL THEN greatest(a.priority, b.priority) END,
			CASE WHEN decision_id IS NULL THEN first_seen END,
			least(a.key, b.key), greatest(a.key, b.key))::integer,
		CASE WHEN decision_id IS NULL AND refused THEN 'refused'
			WHEN a.inside AND b.inside THEN 'joined' ELSE 'waiting' END,
		CASE WHEN a.key < b.key THEN id_a ELSE id_b END,
		CASE WHEN a.key < b.key THEN id_b ELSE id_a END,
		decision_id, set_id, source_id, first_seen, last_seen, records, sets
	FROM given
	JOIN ends AS a ON a.identifier_id = id_a
	JOIN ends AS b ON b.identifier_id = id_b
$$;
COMMENT ON FUNCTION cdp._profile_links(bigint) IS
'links with an identifier of a live profile, the strongest first; state: joined, refused, or waiting to be judged; set_id: the earliest evidence';

-- Identifiers that could be keys but are none (blocked, shared, expired), and
-- the strongest of the profile's that they were seen with.
CREATE FUNCTION cdp._profile_beside(profile_id bigint)
RETURNS TABLE (
	identifier_id bigint,
	beside bigint,
	source_id integer,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH nodes AS MATERIALIZED (
		SELECT * FROM cdp._profile_nodes($1)
	), seen AS (
		SELECT member.set_id, min(nodes.node) AS node
		FROM nodes
		JOIN cdp.identifier_set_member AS member USING (identifier_id)
		WHERE nodes.links
		GROUP BY member.set_id
	)
	SELECT identifier.identifier_id, nodes.identifier_id,
		(array_agg(evidence.source_id ORDER BY evidence.first_seen, evidence.set_id))[1],
		min(evidence.first_seen), max(evidence.last_seen), sum(evidence.records)::bigint
	FROM seen
	JOIN cdp.identifier_set AS evidence USING (set_id)
	CROSS JOIN unnest(evidence.identifiers) AS member (identifier_id)
	JOIN cdp.identifier ON identifier.identifier_id = member.identifier_id
	JOIN cdp.identifier_type AS type USING (type_id)
	JOIN nodes USING (node)
	WHERE NOT evidence.retracted AND type.priority IS NOT NULL AND type.stitches
		AND (identifier.blocked OR identifier.shared OR identifier.expired)
	GROUP BY identifier.identifier_id, nodes.identifier_id
$$;
COMMENT ON FUNCTION cdp._profile_beside(bigint) IS
'identifiers seen with those of a live profile that are blocked, shared or expired, and so no keys';
