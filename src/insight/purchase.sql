-- What did this customer buy before the current purchase?

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
		SELECT event.occurred_at, event.amount, event.business_key,
			row_number() OVER newest_first AS place,
			lag(event.occurred_at) OVER newest_first AS current_at
		FROM cdp._own_events(live, $2, '{order}') AS event
		WINDOW newest_first AS (ORDER BY event.occurred_at DESC,
			event.business_key DESC NULLS LAST, event.source_id, event.amount)
	) AS own
	WHERE own.place = 2;
	RETURN QUERY
	SELECT previous.business_key, previous.occurred_at, previous.amount,
		previous.current_at, item.product_id,
		coalesce(known.name, item.product_name),
		coalesce(known.category, item.category),
		item.quantity, item.price, item.currency
	FROM (SELECT WHERE previous.place IS NOT NULL) AS found
	LEFT JOIN cdp._own_products(live, previous.occurred_at + interval '1 ms',
			'{order}', previous.occurred_at) AS item
		ON item.business_key IS NOT DISTINCT FROM previous.business_key
	LEFT JOIN cdp._catalog_row(item.product_id, previous.occurred_at) AS known ON true
	ORDER BY item.position;
END
$$;
COMMENT ON FUNCTION cdp._previous_purchase(bigint, timestamptz) IS
'what the door cdp.previous_purchase() does';
