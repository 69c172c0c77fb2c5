-- What answers compare a profile with: made anew by the merge run.

CREATE FUNCTION cdp._refresh_insights(as_of timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made bigint;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._lock_merger();
	LOCK TABLE cdp.insight_run IN SHARE ROW EXCLUSIVE MODE;
	made := cdp._refresh_interests($1) + cdp._refresh_pairs($1)
		+ cdp._refresh_usual_sellers($1) + cdp._refresh_responses($1);
	DELETE FROM cdp.insight_run;
	INSERT INTO cdp.insight_run (as_of, last_event_id, last_set_id)
	SELECT $1, log.last_value, sets.last_value
	FROM cdp.event_id_seq AS log, cdp.identifier_set_id_seq AS sets;
	RETURN made;
END
$$;
COMMENT ON FUNCTION cdp._refresh_insights(timestamptz) IS
'what the door cdp.refresh_insights() does';

-- Due when old, and while a store is being filled: when the log, or what is
-- known of identities, has grown by half.
CREATE FUNCTION cdp._insight_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (
		SELECT
		FROM cdp.insight_run AS made, cdp.event_id_seq AS log,
			cdp.identifier_set_id_seq AS sets
		WHERE made.as_of >= cdp._later(cdp.clock(), -cdp._read_setting('insight_every')::interval)
			AND log.last_value <= 1.5 * made.last_event_id
			AND sets.last_value <= 1.5 * made.last_set_id)
	THEN
		PERFORM cdp._refresh_insights(cdp.clock());
	END IF;
	RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._insight_step(integer) IS
'the insight phase of the merge run: make anew what answers compare with, if that is due';
