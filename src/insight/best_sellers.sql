-- What sells where.

-- An order that two sources report counts once.  What fewer than ten customers
-- bought is left out: a place may be one person's.  Names and categories are those
-- of the catalogue, as it was at the last order, or else as that order told them;
-- whose order that was is the greatest pair of its time and her id.
CREATE FUNCTION cdp._best_sellers("window" interval, top integer, by text, as_of timestamptz)
RETURNS TABLE (
	place text,
	rank integer,
	product_id text,
	product_name text,
	category text,
	units numeric,
	orders bigint,
	customers bigint)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	PERFORM cdp._check_span('window', $1);
	IF NOT EXISTS (SELECT FROM cdp.trait WHERE name = $3 AND pii = 'none' AND strict) THEN
		RAISE EXCEPTION 'cannot tell best sellers by "%"', coalesce($3, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is a trait that is declared not to be personal.',
				HINT = 'Run SELECT name FROM cdp.trait WHERE pii = ''none'' AND strict.';
	END IF;
	IF NOT coalesce($2 > 0, false) THEN
		RAISE EXCEPTION 'invalid number of products %', coalesce($2::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is 1 or more.';
	END IF;
	RETURN QUERY
	WITH sold AS (
		SELECT bought.profile_id, bought.product_id COLLATE "C" AS product_id,
			max(bought.occurred_at) AS last_at,
			sum(CASE WHEN bought.quantity IS NULL THEN 1 ELSE
				coalesce((cdp._typed_trait(bought.quantity, 'number') #>> '{}')::numeric, 1) END) AS units
		FROM cdp._all_products('{order}', $4, cdp._later($4, -$1)) AS bought
		WHERE bought.product_id IS NOT NULL
		GROUP BY bought.profile_id, bought.event, bought.product_id COLLATE "C"
	), customer AS (
		SELECT sold.profile_id, sold.product_id, max(sold.last_at) AS last_at,
			sum(sold.units) AS units, count(*) AS orders
		FROM sold
		GROUP BY sold.profile_id, sold.product_id
	), living AS (
		SELECT current.profile_id,
			cdp._trait_text(cdp._traits_at(current.traits, current.expiring, $4), $3) AS place
		FROM cdp.profile_current AS current
	), counted AS (
		SELECT living.place, customer.product_id, sum(customer.units) AS units,
			sum(customer.orders)::bigint AS orders, count(*) AS customers,
			max(customer.last_at) AS last_at,
			max(ARRAY[(date_part('epoch', customer.last_at) * 1000)::bigint, customer.profile_id])
				AS last
		FROM customer
		JOIN living USING (profile_id)
		GROUP BY living.place, customer.product_id
		HAVING count(*) >= 10
	), placed AS (
		SELECT counted.*, row_number() OVER (PARTITION BY counted.place
			ORDER BY units DESC, orders DESC, product_id) AS rank
		FROM counted
	), chosen AS MATERIALIZED (
		SELECT placed.*, placed.last[2] AS last_id FROM placed WHERE placed.rank <= $2
	)
	SELECT chosen.place, chosen.rank::integer, chosen.product_id,
		coalesce(known.name, told.name), coalesce(known.category, told.category),
		chosen.units, chosen.orders, chosen.customers
	FROM chosen
	LEFT JOIN cdp._catalog_row(chosen.product_id, chosen.last_at) AS known ON true
	LEFT JOIN LATERAL cdp._told_products(chosen.last_id,
		CASE WHEN known.name IS NULL OR known.category IS NULL THEN ARRAY[chosen.product_id] END,
		'{order}', $4) AS told ON true
	ORDER BY chosen.place, chosen.rank;
END
$$;
COMMENT ON FUNCTION cdp._best_sellers(interval, integer, text, timestamptz) IS
'the products most sold, for each value of a trait of those who bought';
