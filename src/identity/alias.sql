-- Two ids of one person, as the source says that gave both: an alias.
--
-- A CRM that merged two contacts says so by "previousId".  That a profile has one
-- crm_id of a source is no reason to doubt it, so an alias becomes a decision that
-- the two are always one, which anybody may look at and take back
-- (cdp.undecide()).  Where a steward has decided otherwise, that stands.
--
-- Ingest notes the set of the record (phase "alias" of cdp.todo); the merge run
-- decides, under the merger's lock.

CREATE FUNCTION cdp._decide_aliases(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	sets bigint[] := cdp._take_todo('alias', batch);
	pair record;
BEGIN
	IF sets IS NULL THEN
		RETURN 0;
	END IF;
	PERFORM pg_advisory_xact_lock(6513776, 2);
	FOR pair IN
		SELECT DISTINCT a.identifier_id AS a, b.identifier_id AS b, source.name AS source
		FROM cdp.identifier_set AS held
		JOIN cdp.source USING (source_id)
		JOIN cdp.identifier_set_member AS member_a ON member_a.set_id = held.set_id
		JOIN cdp.identifier_set_member AS member_b ON member_b.set_id = held.set_id
			AND member_b.identifier_id > member_a.identifier_id
		JOIN cdp.identifier AS a ON a.identifier_id = member_a.identifier_id
		JOIN cdp.identifier AS b ON b.identifier_id = member_b.identifier_id
			AND b.type_id = a.type_id AND b.scope = a.scope
		JOIN cdp.identifier_type AS type ON type.type_id = a.type_id
		WHERE held.set_id = ANY (sets) AND NOT held.retracted
			AND type.stitches AND type.priority IS NOT NULL
			AND NOT a.blocked AND NOT b.blocked
		ORDER BY 1, 2
	LOOP
		CONTINUE WHEN EXISTS (
			SELECT FROM cdp.decision AS known
			WHERE known.identifier_a = pair.a AND known.identifier_b = pair.b
				AND known.withdrawn_by IS NULL);
		BEGIN
			PERFORM cdp._decide(pair.a, pair.b, 'always',
				format('source "%s" says so by previousId', pair.source));
		EXCEPTION WHEN object_not_in_prerequisite_state THEN
			-- decisions of stewards about others say that they are two
			CONTINUE;
		END;
	END LOOP;
	RETURN cardinality(sets);
END
$$;
COMMENT ON FUNCTION cdp._decide_aliases(integer) IS
'decide that ids are one person''s where records said so; how many records it looked at';
