CREATE FUNCTION cdp.intent(
	profile_id bigint,
	as_of timestamptz DEFAULT cdp.clock())
RETURNS TABLE (
	cart jsonb,
	cart_value numeric,
	cart_since timestamptz,
	cart_age interval,
	considered text[],
	order_30d double precision,
	order_30d_by text,
	next_order_at timestamptz,
	next_order_low timestamptz,
	next_order_high timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._intent($1, coalesce($2, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.intent(bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.intent(bigint, timestamptz) IS
'what a profile is about to buy: its open cart with value and age, products seen twice within 14 days and not bought, how likely an order within 30 days is and which model says so, and when the next one is expected: by then with 50 %, low with 10 %, high with 90 %; NULL: not that likely ever, or no model';
