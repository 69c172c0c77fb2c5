-- Contacts of one CRM that are probably one person: one record has both, and the rule
-- that a profile has one crm_id of a source refused it; or both have an e-mail address
-- or phone number that few others have, which is therefore shared and no key.  Joins
-- and pure functions, for roles without rights on tables.
CREATE VIEW cdp.crm_duplicate AS
SELECT pair.source,
	CASE WHEN pair.keep_a THEN pair.crm_id_a ELSE pair.crm_id_b END AS survivor_crm_id,
	CASE WHEN pair.keep_a THEN pair.crm_id_b ELSE pair.crm_id_a END AS other_crm_id,
	CASE WHEN pair.keep_a THEN pair.profile_a ELSE pair.profile_b END AS survivor_profile_id,
	CASE WHEN pair.keep_a THEN pair.profile_b ELSE pair.profile_a END AS other_profile_id,
	CASE WHEN pair.keep_a THEN pair.missing_a ELSE pair.missing_b END AS filled_fields,
	array_agg(DISTINCT pair.evidence ORDER BY pair.evidence) AS evidence,
	sum(pair.records)::bigint AS records,
	max(pair.last_seen) AS last_seen
FROM (
	SELECT split_part(id_a.crm_id, '/', 1) AS source,
		id_a.crm_id AS crm_id_a, id_b.crm_id AS crm_id_b,
		a.profile_id AS profile_a, b.profile_id AS profile_b,
		(a.orders, b.first_seen, b.profile_id) > (b.orders, a.first_seen, a.profile_id) AS keep_a,
		b.traits - ARRAY(SELECT jsonb_object_keys(a.traits)) AS missing_a,
		a.traits - ARRAY(SELECT jsonb_object_keys(b.traits)) AS missing_b,
		refused.evidence, refused.records, refused.last_seen
	FROM (
		SELECT least(profile_a.root, profile_b.root) AS low,
			greatest(profile_a.root, profile_b.root) AS high,
			least(said.a, said.b) || ' and ' || greatest(said.a, said.b) AS evidence,
			identifier_set.records, identifier_set.last_seen
		FROM cdp.refused_link AS link
		JOIN cdp.identifier_set USING (set_id)
		JOIN cdp.identifier_type AS limited ON limited.type_id = link.type_id
			AND limited.type = 'crm_id'
		JOIN cdp.identifier AS a ON a.identifier_id = link.identifier_a
		JOIN cdp.identifier_type AS type_a ON type_a.type_id = a.type_id
		JOIN cdp.identifier AS b ON b.identifier_id = link.identifier_b
		JOIN cdp.identifier_type AS type_b ON type_b.type_id = b.type_id
		JOIN cdp.profile AS profile_a ON profile_a.profile_id = a.leaf
		JOIN cdp.profile AS profile_b ON profile_b.profile_id = b.leaf
		CROSS JOIN LATERAL (
			SELECT type_a.type || ':' || cdp._scoped_value(type_a.type, a.scope, a.value, true) AS a,
				type_b.type || ':' || cdp._scoped_value(type_b.type, b.scope, b.value, true) AS b
		) AS said
		WHERE link.rule = 'max_per_profile' AND profile_a.root <> profile_b.root
		UNION ALL
		SELECT least(profile_a.root, profile_b.root), greatest(profile_a.root, profile_b.root),
			weak_type.type || ':' || cdp._scoped_value(weak_type.type, weak.scope, weak.value, true),
			1, weak.first_seen
		FROM cdp.identifier_strong AS seen_a
		JOIN cdp.identifier_strong AS seen_b ON seen_b.weak_id = seen_a.weak_id
			AND seen_b.strong_id > seen_a.strong_id
		JOIN cdp.identifier AS weak ON weak.identifier_id = seen_a.weak_id AND weak.shared
		JOIN cdp.identifier_type AS weak_type ON weak_type.type_id = weak.type_id
			AND weak_type.type IN ('email', 'phone')
		JOIN cdp.identifier AS a ON a.identifier_id = seen_a.strong_id
		JOIN cdp.identifier AS b ON b.identifier_id = seen_b.strong_id
			AND b.type_id = a.type_id AND b.scope = a.scope
		JOIN cdp.identifier_type AS type_a ON type_a.type_id = a.type_id
			AND type_a.type = 'crm_id'
		JOIN cdp.profile AS profile_a ON profile_a.profile_id = a.leaf
		JOIN cdp.profile AS profile_b ON profile_b.profile_id = b.leaf
		WHERE profile_a.root <> profile_b.root
			AND (SELECT count(*) FROM cdp.identifier_strong AS every
				WHERE every.weak_id = seen_a.weak_id) <= 5
			AND NOT EXISTS (
				SELECT FROM cdp.decision
				WHERE decision.verdict = 'never' AND decision.withdrawn_by IS NULL
					AND decision.identifier_a = least(seen_a.strong_id, seen_b.strong_id)
					AND decision.identifier_b = greatest(seen_a.strong_id, seen_b.strong_id))
	) AS refused
	JOIN cdp.profile_current AS a ON a.profile_id = refused.low
	JOIN cdp.profile_current AS b ON b.profile_id = refused.high
	CROSS JOIN LATERAL jsonb_array_elements_text(a.identifiers -> 'crm_id') AS id_a (crm_id)
	JOIN LATERAL jsonb_array_elements_text(b.identifiers -> 'crm_id') AS id_b (crm_id)
		ON split_part(id_b.crm_id, '/', 1) = split_part(id_a.crm_id, '/', 1)
) AS pair
GROUP BY 1, 2, 3, 4, 5, 6;
COMMENT ON VIEW cdp.crm_duplicate IS
'pairs of contacts of one CRM that are probably one person: one record has both, or they share an address or number; cdp.decide() says whether they are';
COMMENT ON COLUMN cdp.crm_duplicate.survivor_crm_id IS
'the one to keep: with more orders, else the older';
COMMENT ON COLUMN cdp.crm_duplicate.filled_fields IS
'traits that the survivor lacks and the other one has';
COMMENT ON COLUMN cdp.crm_duplicate.evidence IS
'identifiers that came on one record, masked';

CREATE FUNCTION cdp.best_sellers(
	"window" interval DEFAULT '90 days',
	top integer DEFAULT 10,
	by text DEFAULT 'region',
	as_of timestamptz DEFAULT cdp.clock())
RETURNS TABLE (
	place text,
	rank integer,
	product_id text,
	product_name text,
	category text,
	units numeric,
	orders bigint,
	customers bigint)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._best_sellers($1, $2, $3, coalesce($4, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.best_sellers(interval, integer, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.best_sellers(interval, integer, text, timestamptz) IS
'the products most sold within the window, for each region (or value of another trait that is declared not to be personal) of customers; NULL: of those without; what fewer than ten customers bought is left out';
