-- What one profile did, from its timeline.

CREATE FUNCTION cdp._person_asked(profile_id bigint) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._unrestricted(cdp._profile_to_change($1))
$$;
COMMENT ON FUNCTION cdp._person_asked(bigint) IS
'the live profile behind an id that an answer is about; raises if there is none, or if it is restricted';

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
	names text[] DEFAULT NULL,
	since timestamptz DEFAULT '-infinity')
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
	-- a report from before since may be the one that counts
	chunks_from timestamptz := CASE WHEN coalesce($3 && '{order,return}', true)
		THEN '-infinity' ELSE $4 END;
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
		WHERE chunk.profile_id = $1 AND cdp.timeline_last(chunk.data) >= chunks_from
			AND event.occurred_at < $2
	)
	SELECT * FROM happened
	WHERE happened.business_key IS NULL AND happened.occurred_at >= $4
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
	WHERE ranked.rank = 1 AND ranked.occurred_at >= $4;
END
$$;
COMMENT ON FUNCTION cdp._own_events(bigint, timestamptz, text[], timestamptz) IS
'the events of a live profile from since on and before until (NULL: of any name), each order and return once; properties by slot (cdp._slot_of)';

CREATE FUNCTION cdp._logged_products(
	set_ids bigint[],
	names text[],
	times timestamptz[],
	sources integer[],
	keys text[],
	key_properties text[])
RETURNS TABLE (
	name text,
	occurred_at timestamptz,
	business_key text,
	currency text,
	"position" integer,
	product_id text,
	product_name text,
	category text,
	quantity jsonb,
	price jsonb)
LANGUAGE c STABLE STRICT ROWS 100
AS 'MODULE_PATHNAME', 'cdp__logged_products';
COMMENT ON FUNCTION cdp._logged_products(bigint[], text[], timestamptz[], integer[], text[], text[]) IS
'the products, or at least the category, of events of the log that are of these sets and have these names, times, sources and business keys; where an event would have its key say key_properties';

-- The products of those events, as cdp.event_product has them.  Timelines hold
-- the one product that most events are about.  Orders, and events of which they
-- hold neither product nor category, are read in the log, where they are found
-- by name and time: there they may have a list.
CREATE FUNCTION cdp._own_products(
	profile_id bigint,
	until timestamptz,
	names text[],
	since timestamptz DEFAULT '-infinity')
RETURNS TABLE (
	name text,
	occurred_at timestamptz,
	business_key text,
	"position" integer,
	product_id text,
	product_name text,
	category text,
	quantity numeric,
	price numeric,
	currency text)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	product_slot text := cdp._slot_of('product_id');
	category_slot text := cdp._slot_of('category');
	quantity_slot text := cdp._slot_of('quantity');
	set_ids bigint[] := ARRAY(SELECT set_id FROM cdp._profile_sets($1));
	order_key text := (SELECT type.business_key FROM cdp.event_type AS type WHERE type.name = 'order');
	return_key text := (SELECT type.business_key FROM cdp.event_type AS type WHERE type.name = 'return');
BEGIN
	RETURN QUERY
	WITH own AS MATERIALIZED (
		SELECT event.name, event.source_id, event.occurred_at, event.business_key,
			nullif(event.properties ->> product_slot, '') AS product_id,
			nullif(event.properties ->> category_slot, '') AS category,
			event.properties -> quantity_slot AS quantity
		FROM cdp._own_events($1, $2, $3, $4) AS event
	), wanted AS (
		SELECT array_agg(own.name) AS names, array_agg(own.occurred_at) AS times,
			array_agg(own.source_id) AS sources, array_agg(own.business_key) AS keys,
			array_agg(CASE own.name WHEN 'order' THEN order_key
				WHEN 'return' THEN return_key END) AS key_properties
		FROM own
		WHERE own.name = 'order' OR own.product_id IS NULL AND own.category IS NULL
	)
	SELECT logged.name, logged.occurred_at, logged.business_key, logged.position,
		logged.product_id, logged.product_name, logged.category,
		(cdp._typed_trait(logged.quantity, 'number') #>> '{}')::numeric,
		(cdp._typed_trait(logged.price, 'number') #>> '{}')::numeric,
		logged.currency
	FROM wanted
	CROSS JOIN LATERAL cdp._logged_products(set_ids, wanted.names, wanted.times,
		wanted.sources, wanted.keys, wanted.key_properties) AS logged
	UNION ALL
	SELECT own.name, own.occurred_at, own.business_key, 1, own.product_id, NULL,
		own.category,
		(cdp._typed_trait(own.quantity, 'number') #>> '{}')::numeric, NULL, NULL
	FROM own
	WHERE own.name <> 'order'
		AND (own.product_id IS NOT NULL OR own.category IS NOT NULL);
END
$$;
COMMENT ON FUNCTION cdp._own_products(bigint, timestamptz, text[], timestamptz) IS
'the products, or at least the category, of the events of a live profile from since on and before until; each order once';

CREATE FUNCTION cdp._check_count(n integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 IS NULL OR $1 < 1 THEN
		RAISE EXCEPTION 'invalid number of rows %', coalesce($1::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is at least 1.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_count(integer) IS
'raise unless so many rows can be asked for';
