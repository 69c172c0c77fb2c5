-- cdp.conflict names sources, which are above the identity room; stewards and
-- auditors read it, so it is joins and pure functions.
CREATE VIEW cdp.conflict AS
SELECT refused.rule, limited.type::text AS type,
	type_a.type || ':' || cdp._scoped_value(type_a.type, a.scope, a.value, true)
		AS identifier_a,
	type_b.type || ':' || cdp._scoped_value(type_b.type, b.scope, b.value, true)
		AS identifier_b,
	profile_a.root AS profile_a, profile_b.root AS profile_b,
	source.name::text AS source, identifier_set.first_seen,
	identifier_set.last_seen, identifier_set.records,
	refused.set_id, refused.found_at
FROM cdp.refused_link AS refused
JOIN cdp.identifier_set USING (set_id)
LEFT JOIN cdp.source USING (source_id)
LEFT JOIN cdp.identifier_type AS limited USING (type_id)
JOIN cdp.identifier AS a ON a.identifier_id = refused.identifier_a
JOIN cdp.identifier_type AS type_a ON type_a.type_id = a.type_id
JOIN cdp.identifier AS b ON b.identifier_id = refused.identifier_b
JOIN cdp.identifier_type AS type_b ON type_b.type_id = b.type_id
LEFT JOIN cdp.profile AS profile_a ON profile_a.profile_id = a.leaf
LEFT JOIN cdp.profile AS profile_b ON profile_b.profile_id = b.leaf;
COMMENT ON VIEW cdp.conflict IS
'evidence that was refused, the rule that refused it, and both sides';
