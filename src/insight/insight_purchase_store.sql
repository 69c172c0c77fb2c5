CREATE FUNCTION cdp.previous_purchase(
	profile_id bigint,
	as_of timestamptz DEFAULT cdp.clock())
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
LANGUAGE sql STABLE SECURITY DEFINER ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._previous_purchase($1, coalesce($2, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.previous_purchase(bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.previous_purchase(bigint, timestamptz) IS
'the order before the last one, a row for each of its products (one row without product if none is known); no row: there was no such order';
