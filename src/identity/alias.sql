-- Two numbers of one customer, as the source says that gave both: an alias.
--
-- A CRM that merged two contacts says so by "previousId".  That a profile has one
-- crm_id of a source is no reason to doubt it, so an alias becomes a decision that
-- the two are always one, which anybody may look at and take back
-- (cdp.undecide()).
--
-- "Always" overrules every limit, so a source may say it of nothing but numbers
-- that it gave itself: values of a strong type whose values are each source's
-- own, from a source that is no third party.  The set of the record has exactly
-- two numbers of the source's own, of one type; the reader saw to it that one of
-- them is the previousId (ingest/identifiers.c).  A set with more of them decides
-- nothing: it is evidence as any other, and the pairs are in cdp.crm_duplicate.
--
-- Stewards have the last word.  A pair about which anything was ever decided,
-- also if it was taken back, is left alone; so is one that decisions about others
-- keep apart.  Where a steward keeps C and D apart, and a source says that C is F
-- and F is D, the record that was stored first counts.
--
-- An alias is judged once, by what is known then.  One of a number that is
-- blocked, or in a set that is retracted, says nothing, and says nothing later
-- either, until the source sends it again.  Which set said so is in
-- decision.set_id: with the set the decision is retracted, even if another set
-- says the same, and made again.
--
-- Ingest notes the set of the record (phase "alias" of cdp.todo); the merge run
-- decides, or whoever needs to know of what a person consists (erase.sql).  The
-- caller holds the merger's lock.
--
-- Cost: that of judging the components of each pair.

CREATE FUNCTION cdp._alias_pairs(set_ids bigint[])
RETURNS TABLE (set_id bigint, source text, a bigint, b bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT held.set_id, source.name, min(own.identifier_id), max(own.identifier_id)
	FROM cdp.identifier_set AS held
	JOIN cdp.source USING (source_id)
	CROSS JOIN unnest(held.identifiers) AS member (identifier_id)
	JOIN cdp.identifier AS own ON own.identifier_id = member.identifier_id
	JOIN cdp.identifier_type AS type USING (type_id)
	WHERE held.set_id = ANY ($1) AND NOT held.retracted
		AND source.kind <> 'third_party'
		AND type.scope = 'source' AND own.scope = source.name
	GROUP BY held.set_id, source.name
	HAVING count(*) = 2 AND min(own.type_id) = max(own.type_id)
		AND bool_and(type.strong AND type.joins_known AND type.stitches AND NOT own.blocked)
$$;
COMMENT ON FUNCTION cdp._alias_pairs(bigint[]) IS
'the two numbers of its source''s own that each of these sets has, if it has two and the source may say that they are one';

CREATE FUNCTION cdp._decide_alias_sets(set_ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pair record;
BEGIN
	FOR pair IN SELECT * FROM cdp._alias_pairs($1) AS said ORDER BY said.set_id LOOP
		-- asked apart, as each is answered by an index of its own
		CONTINUE WHEN EXISTS (
				SELECT FROM cdp.decision AS known
				WHERE known.identifier_a = pair.a AND known.identifier_b = pair.b
					AND known.withdrawn_by IS NULL)
			OR EXISTS (
				SELECT FROM cdp.decision AS former
				WHERE former.identifier_a = pair.a AND former.identifier_b = pair.b
					AND former.withdrawn_by IS NOT NULL)
			OR cdp._never_within(ARRAY[pair.a, pair.b]) IS NOT NULL;
		PERFORM cdp._decide(pair.a, pair.b, 'always',
			format('source "%s" says so by previousId', pair.source), pair.set_id);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp._decide_alias_sets(bigint[]) IS
'decide that two numbers are one customer''s where these records say so';

CREATE FUNCTION cdp._decide_aliases(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	sets bigint[] := cdp._take_todo('alias', batch);
BEGIN
	PERFORM cdp._decide_alias_sets(sets);
	RETURN coalesce(cardinality(sets), 0);
END
$$;
COMMENT ON FUNCTION cdp._decide_aliases(integer) IS
'decide a batch of the aliases that wait; how many records it looked at';
