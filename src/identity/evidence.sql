-- What holds a profile together, as rows: its identifiers and the links that
-- sets and decisions give, as they were judged last.  Explanations, weak links
-- and pictures are read off these two.
--
-- A profile has a few identifiers, now and then a hundred thousand.  So these
-- functions say ROWS 10 and join by loops that probe indexes, which is right
-- for both; their callers join results with each other, and there a loop would
-- be quadratic: they SET enable_nestloop = off.

-- All ids that lead to a live profile.
CREATE FUNCTION cdp._profile_ids(profile_id bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE ROWS 3
SET search_path = pg_catalog, pg_temp SET enable_nestloop = on SET jit = off
AS $$
	SELECT profile.profile_id FROM cdp.profile
	WHERE profile.profile_id = $1 AND profile.root = $1
	UNION ALL
	SELECT profile.profile_id FROM cdp.profile
	WHERE profile.root = $1 AND profile.root <> profile.profile_id
$$;
COMMENT ON FUNCTION cdp._profile_ids(bigint) IS
'the profile ids that lead to a live profile, itself among them';

CREATE FUNCTION cdp._profile_identifiers(profile_id bigint)
RETURNS TABLE (identifier_id bigint, type_id integer, scope text, value text, links boolean)
LANGUAGE sql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp SET enable_nestloop = on SET jit = off
AS $$
	SELECT identifier.identifier_id, identifier.type_id, identifier.scope,
		identifier.value, NOT identifier.shared AND NOT identifier.expired
	FROM cdp._profile_ids($1) AS known (leaf)
	JOIN cdp.identifier USING (leaf)
$$;
COMMENT ON FUNCTION cdp._profile_identifiers(bigint) IS
'the identifiers of a live profile; links: neither shared nor expired';

-- Nodes are numbered from the strongest.
CREATE FUNCTION cdp._profile_nodes(profile_id bigint)
RETURNS TABLE (
	node integer,
	identifier_id bigint,
	type text,
	scope text,
	value text,
	strength integer,
	links boolean)
LANGUAGE sql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp SET enable_nestloop = on SET jit = off
AS $$
	SELECT row_number() OVER (ORDER BY type.priority, member.type_id,
			member.scope COLLATE "C", member.value COLLATE "C")::integer,
		member.identifier_id, type.type, member.scope, member.value,
		CASE WHEN type.strong OR type.stands_in AND NOT state.has_strong THEN 2
			WHEN type.type IN ('email', 'phone') THEN 1 ELSE 0 END,
		member.links
	FROM cdp._profile_identifiers($1) AS member
	JOIN cdp.identifier_type AS type USING (type_id)
	CROSS JOIN cdp.identity_state AS state
$$;
COMMENT ON FUNCTION cdp._profile_nodes(bigint) IS
'the identifiers of a live profile, the strongest first; strength: 2 strong, 1 known, 0 neither; links: neither shared nor expired';

-- What the sets of a profile link: a star around the strongest member.
CREATE FUNCTION cdp._profile_stars(profile_id bigint)
RETURNS TABLE (
	centre bigint,
	identifier_id bigint,
	set_id bigint,
	source_id integer,
	first_seen timestamptz,
	last_seen timestamptz,
	records bigint)
LANGUAGE sql STABLE ROWS 30
SET search_path = pg_catalog, pg_temp SET enable_nestloop = on SET jit = off
AS $$
	SELECT first_value(identifier.identifier_id) OVER (PARTITION BY evidence.set_id
			ORDER BY type.priority, identifier.type_id, identifier.scope, identifier.value),
		identifier.identifier_id, evidence.set_id, evidence.source_id,
		evidence.first_seen, evidence.last_seen, evidence.records
	FROM (SELECT DISTINCT used.set_id
		FROM cdp._profile_identifiers($1) AS own
		JOIN cdp.identifier_set_member AS used USING (identifier_id)
		WHERE own.links) AS found
	JOIN cdp.identifier_set AS evidence USING (set_id)
	CROSS JOIN unnest(evidence.identifiers) AS member (identifier_id)
	JOIN cdp.identifier ON identifier.identifier_id = member.identifier_id
	JOIN cdp.identifier_type AS type USING (type_id)
	WHERE NOT evidence.retracted AND identifier.leaf IS NOT NULL
		AND NOT identifier.shared AND NOT identifier.expired
$$;
COMMENT ON FUNCTION cdp._profile_stars(bigint) IS
'the members of the sets of a live profile that link, with the one that each set links them with';

CREATE FUNCTION cdp._profile_decisions(profile_id bigint)
RETURNS TABLE (decision_id bigint, verdict text, id_a bigint, id_b bigint)
LANGUAGE sql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp SET enable_nestloop = on SET jit = off
AS $$
	SELECT decision.decision_id, decision.verdict,
		decision.identifier_a, decision.identifier_b
	FROM (SELECT decision.decision_id
		FROM cdp._profile_identifiers($1) AS member
		JOIN cdp.decision ON decision.identifier_a = member.identifier_id
		WHERE decision.withdrawn_by IS NULL
		UNION
		SELECT decision.decision_id
		FROM cdp._profile_identifiers($1) AS member
		JOIN cdp.decision ON decision.identifier_b = member.identifier_id
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
LANGUAGE sql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp SET enable_nestloop = on SET jit = off
AS $$
	WITH by_sets AS (
		SELECT least(centre, identifier_id) AS id_a, greatest(centre, identifier_id) AS id_b,
			(array_agg(set_id ORDER BY first_seen, set_id))[1] AS set_id,
			(array_agg(source_id ORDER BY first_seen, set_id))[1] AS source_id,
			min(first_seen) AS first_seen, max(last_seen) AS last_seen,
			sum(records)::bigint AS records, count(*) AS sets
		FROM cdp._profile_stars($1)
		WHERE identifier_id <> centre
		GROUP BY 1, 2
	), given AS (
		SELECT id_a, id_b, decision.decision_id, by_sets.set_id, by_sets.source_id,
			by_sets.first_seen, by_sets.last_seen, by_sets.records,
			coalesce(by_sets.sets, 0) AS sets
		FROM by_sets
		FULL JOIN (SELECT * FROM cdp._profile_decisions($1) WHERE verdict = 'always') AS decision
			USING (id_a, id_b)
	), ends AS (
		SELECT given.*, greatest(type_a.priority, type_b.priority) AS rank,
			profile_a.root = $1 AND profile_b.root = $1 AS inside,
			(a.type_id, a.scope, a.value) < (b.type_id, b.scope, b.value) AS in_order,
			a.type_id AS type_a, a.scope AS scope_a, a.value AS value_a,
			b.type_id AS type_b, b.scope AS scope_b, b.value AS value_b,
			refused.rule IS NOT NULL AS refused
		FROM given
		JOIN cdp.identifier AS a ON a.identifier_id = id_a
		JOIN cdp.identifier AS b ON b.identifier_id = id_b
		JOIN cdp.identifier_type AS type_a ON type_a.type_id = a.type_id
		JOIN cdp.identifier_type AS type_b ON type_b.type_id = b.type_id
		JOIN cdp.profile AS profile_a ON profile_a.profile_id = a.leaf
		JOIN cdp.profile AS profile_b ON profile_b.profile_id = b.leaf
		LEFT JOIN cdp.refused_link AS refused
			ON refused.identifier_a = id_a AND refused.identifier_b = id_b
	)
	SELECT row_number() OVER (ORDER BY decision_id IS NULL,
			CASE WHEN decision_id IS NULL THEN rank END,
			CASE WHEN decision_id IS NULL THEN first_seen END,
			CASE WHEN in_order THEN type_a ELSE type_b END,
			CASE WHEN in_order THEN scope_a ELSE scope_b END,
			CASE WHEN in_order THEN value_a ELSE value_b END,
			CASE WHEN in_order THEN type_b ELSE type_a END,
			CASE WHEN in_order THEN scope_b ELSE scope_a END,
			CASE WHEN in_order THEN value_b ELSE value_a END)::integer,
		CASE WHEN decision_id IS NULL AND refused THEN 'refused'
			WHEN inside THEN 'joined' ELSE 'waiting' END,
		CASE WHEN in_order THEN id_a ELSE id_b END,
		CASE WHEN in_order THEN id_b ELSE id_a END,
		decision_id, set_id, source_id, first_seen, last_seen, records, sets
	FROM ends
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
LANGUAGE sql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp SET enable_nestloop = on SET jit = off
AS $$
	SELECT identifier.identifier_id, seen.beside,
		(array_agg(evidence.source_id ORDER BY evidence.first_seen, evidence.set_id))[1],
		min(evidence.first_seen), max(evidence.last_seen), sum(evidence.records)::bigint
	FROM (SELECT member.set_id, (array_agg(node.identifier_id ORDER BY node.node))[1] AS beside
		FROM cdp._profile_nodes($1) AS node
		JOIN cdp.identifier_set_member AS member USING (identifier_id)
		WHERE node.links
		GROUP BY member.set_id) AS seen
	JOIN cdp.identifier_set AS evidence USING (set_id)
	CROSS JOIN unnest(evidence.identifiers) AS member (identifier_id)
	JOIN cdp.identifier ON identifier.identifier_id = member.identifier_id
	JOIN cdp.identifier_type AS type USING (type_id)
	WHERE NOT evidence.retracted AND type.priority IS NOT NULL AND type.stitches
		AND (identifier.blocked OR identifier.shared OR identifier.expired)
	GROUP BY identifier.identifier_id, seen.beside
$$;
COMMENT ON FUNCTION cdp._profile_beside(bigint) IS
'identifiers seen with those of a live profile that are blocked, shared or expired, and so no keys';
