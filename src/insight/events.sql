-- What one profile did, from its timeline.

CREATE FUNCTION cdp._slot_of(property text) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT slot FROM cdp.property_slot WHERE property_slot.property = $1);
END
$$;
COMMENT ON FUNCTION cdp._slot_of(text) IS
'the key under which properties of a timeline''s events have a property; NULL: timelines do not hold it';

-- An order or return that several sources report is one: that of the source
-- which counts among those that had told by then.
CREATE FUNCTION cdp._own_events(
	profile_id bigint,
	until timestamptz,
	names text[] DEFAULT NULL)
RETURNS TABLE (
	name text,
	source_id integer,
	occurred_at timestamptz,
	amount numeric,
	properties jsonb,
	business_key text)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	name_ids integer[] := CASE WHEN $3 IS NOT NULL THEN ARRAY(
		SELECT event_name.name_id FROM cdp.event_name WHERE event_name.name = ANY ($3))
	END;
BEGIN
	RETURN QUERY
	WITH happened AS MATERIALIZED (
		SELECT type.name, event.source_id, event.occurred_at, event.amount,
			event.properties,
			nullif(event.properties ->> type.slot, '') AS business_key
		FROM cdp.timeline_chunk AS chunk
		CROSS JOIN LATERAL cdp.timeline_events(chunk.data, name_ids) AS event
		JOIN (
			SELECT event_name.name_id, event_name.name::text AS name,
				property_slot.slot::text AS slot
			FROM cdp.event_name
			LEFT JOIN cdp.event_type ON event_type.name = event_name.name
				AND event_type.name IN ('order', 'return')
			LEFT JOIN cdp.property_slot
				ON property_slot.property = event_type.business_key
		) AS type USING (name_id)
		WHERE chunk.profile_id = $1 AND event.occurred_at < $2
	)
	SELECT * FROM happened WHERE happened.business_key IS NULL
	UNION ALL
	SELECT ranked.name, ranked.source_id, ranked.occurred_at, ranked.amount,
		ranked.properties, ranked.business_key
	FROM (
		SELECT happened.*, row_number() OVER (
			PARTITION BY happened.name, happened.business_key
			ORDER BY source.priority DESC NULLS LAST, happened.occurred_at,
				happened.source_id, happened.amount, happened.properties) AS rank
		FROM happened
		LEFT JOIN cdp.source ON source.source_id = happened.source_id
		WHERE happened.business_key IS NOT NULL
	) AS ranked
	WHERE ranked.rank = 1;
END
$$;
COMMENT ON FUNCTION cdp._own_events(bigint, timestamptz, text[]) IS
'the events of a live profile before an instant (NULL: of any name), each order and return once; properties by slot (cdp._slot_of)';
