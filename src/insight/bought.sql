-- What all profiles bought.

-- Orders come once, as in cdp.profile_order, but with what the log has of them,
-- and nothing that its source allows to be kept no longer.  Who is restricted has
-- none.
CREATE FUNCTION cdp._bought(until timestamptz, since timestamptz DEFAULT '-infinity')
RETURNS TABLE (
	profile_id bigint,
	event_id bigint,
	occurred_at timestamptz,
	amount numeric,
	properties jsonb)
LANGUAGE plpgsql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	key text := (SELECT business_key FROM cdp.event_type WHERE event_type.name = 'order');
BEGIN
	RETURN QUERY
	SELECT told.profile_id, told.event_id, told.occurred_at, told.amount, told.properties
	FROM (
		SELECT owner.profile_id, event.event_id,
			event.occurred_at::timestamptz AS occurred_at,
			event.amount::numeric AS amount, event.properties,
			row_number() OVER (
				PARTITION BY owner.profile_id, cdp._event_property(event.properties, key) #>> '{}',
					CASE WHEN coalesce(cdp._event_property(event.properties, key) #>> '{}', '') = '' THEN event.event_id END
				ORDER BY source.priority DESC, event.occurred_at, event.source_id,
					event.amount, event.event_id) AS rank
		FROM cdp.event
		JOIN cdp._set_profile AS owner USING (set_id)
		JOIN (
			SELECT known.source_id, known.priority,
				CASE WHEN known.retention IS NULL THEN '-infinity'
					ELSE cdp._kept_after(known.retention) END AS kept_after
			FROM cdp.source AS known
		) AS source USING (source_id)
		WHERE event.name = 'order' AND event.occurred_at < $1
			AND event.occurred_at > source.kept_after
			AND owner.profile_id NOT IN (SELECT kept.profile_id FROM cdp._restricted_profile AS kept)
	) AS told
	WHERE told.rank = 1 AND told.occurred_at >= $2;
END
$$;
COMMENT ON FUNCTION cdp._bought(timestamptz, timestamptz) IS
'the orders of all profiles before an instant, each once, with their properties';
