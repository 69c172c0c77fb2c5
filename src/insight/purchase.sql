-- What did this customer buy before the current purchase?

-- Timelines tell that it was; the log, by name and time, at which prices.  Of
-- several orders of one instant and source it is the one with that key and amount;
-- of those that have the same of both, or none, the first.
CREATE FUNCTION cdp._logged_order(
	profile_id bigint,
	occurred_at timestamptz,
	source_id integer,
	business_key text,
	amount numeric)
RETURNS TABLE (
	"position" bigint,
	product_id text,
	product_name text,
	category text,
	quantity numeric,
	price numeric,
	currency text)
LANGUAGE plpgsql STABLE ROWS 3
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	set_ids bigint[] := ARRAY(SELECT set_id FROM cdp._profile_sets($1));
	key text := (SELECT type.business_key FROM cdp.event_type AS type WHERE type.name = 'order');
BEGIN
	RETURN QUERY
	SELECT item.position, nullif(item.product_id, ''), item.product ->> 'name',
		nullif(item.product ->> 'category', ''),
		(cdp._typed_trait(item.product -> 'quantity', 'number') #>> '{}')::numeric,
		(cdp._typed_trait(item.product -> 'price', 'number') #>> '{}')::numeric,
		logged.currency::text
	FROM (
		SELECT event.properties, event.currency
		FROM cdp.event
		JOIN cdp.source USING (source_id)
		CROSS JOIN LATERAL (
			SELECT cdp._event_property(event.properties, key) AS said OFFSET 0
		) AS own
		WHERE event.name = 'order' AND event.occurred_at = $2
			AND event.source_id = $3 AND event.set_id = ANY (set_ids)
			AND coalesce(event.occurred_at > cdp._kept_after(source.retention), true)
		ORDER BY nullif(CASE jsonb_typeof(own.said)
				WHEN 'number' THEN trim_scale(own.said::numeric)::text
				ELSE own.said #>> '{}' END, '') IS DISTINCT FROM $4,
			event.amount IS DISTINCT FROM $5, event.event_id
		LIMIT 1
	) AS logged
	CROSS JOIN LATERAL cdp._product_items(logged.properties) AS item
	WHERE item.product_id <> '' OR item.product ->> 'category' <> '' AND item.product = logged.properties;
END
$$;
COMMENT ON FUNCTION cdp._logged_order(bigint, timestamptz, integer, text, numeric) IS
'the products of an order of a live profile, at their prices';

CREATE FUNCTION cdp._previous_purchase(profile_id bigint, as_of timestamptz)
RETURNS TABLE (
	order_key text,
	occurred_at timestamptz,
	amount numeric,
	current_at timestamptz,
	product_id text,
	product_name text,
	category text,
	quantity numeric,
	price numeric,
	currency text)
LANGUAGE plpgsql STABLE ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint := cdp._person_asked($1);
	previous record;
BEGIN
	SELECT own.* INTO previous
	FROM (
		SELECT event.occurred_at, event.amount, event.business_key, event.source_id,
			row_number() OVER newest_first AS place,
			lag(event.occurred_at) OVER newest_first AS current_at
		FROM cdp._own_events(live, $2, '{order}') AS event
		WINDOW newest_first AS (ORDER BY event.occurred_at DESC,
			event.business_key COLLATE "C" DESC NULLS LAST, event.source_id, event.amount)
	) AS own
	WHERE own.place = 2;
	RETURN QUERY
	SELECT previous.business_key, previous.occurred_at, previous.amount,
		previous.current_at, item.product_id,
		coalesce(known.name, item.product_name),
		coalesce(known.category, item.category),
		item.quantity, item.price, item.currency
	FROM (SELECT WHERE previous.place IS NOT NULL) AS found
	LEFT JOIN cdp._own_events(live, $2, '{order}', by_products => true) AS told
		ON told.business_key = previous.business_key
	LEFT JOIN cdp._logged_order(live, coalesce(told.occurred_at, previous.occurred_at),
		coalesce(told.source_id, previous.source_id), previous.business_key,
		coalesce(told.amount, previous.amount)) AS item ON true
	LEFT JOIN cdp._catalog_row(item.product_id, previous.occurred_at) AS known ON true
	ORDER BY item.position;
END
$$;
COMMENT ON FUNCTION cdp._previous_purchase(bigint, timestamptz) IS
'what the door cdp.previous_purchase() does';
