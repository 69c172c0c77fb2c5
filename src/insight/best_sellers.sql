-- What sells where.

-- An order that two sources report counts once (cdp._bought()).  What fewer than
-- ten customers bought is left out: a place may be one person's.  Names and
-- categories are those of the last order, of the catalogue if it has them.
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
		SELECT cdp._trait_text(cdp._traits_at(current.traits, current.expiring, $4), $3) AS place, item.product_id,
			bought.profile_id, bought.event_id, bought.occurred_at,
			nullif(item.product ->> 'name', '') AS product_name,
			nullif(item.product ->> 'category', '') AS category,
			(cdp._typed_trait(item.product -> 'quantity', 'number') #>> '{}')::numeric AS quantity
		FROM cdp._bought($4, cdp._later($4, -$1)) AS bought
		JOIN cdp.profile_current AS current ON current.profile_id = bought.profile_id
		CROSS JOIN LATERAL cdp._product_items(bought.properties) AS item
		WHERE item.product_id <> ''
	), counted AS (
		SELECT sold.place, sold.product_id,
			(array_agg(sold.product_name ORDER BY sold.occurred_at DESC, sold.event_id DESC)
				FILTER (WHERE sold.product_name IS NOT NULL))[1] AS product_name,
			(array_agg(sold.category ORDER BY sold.occurred_at DESC, sold.event_id DESC)
				FILTER (WHERE sold.category IS NOT NULL))[1] AS category,
			sum(coalesce(sold.quantity, 1)) AS units,
			count(DISTINCT sold.event_id) AS orders,
			count(DISTINCT sold.profile_id) AS customers,
			max(sold.occurred_at) AS last_at
		FROM sold
		GROUP BY sold.place, sold.product_id
		HAVING count(DISTINCT sold.profile_id) >= 10
	), placed AS (
		SELECT counted.*, row_number() OVER (PARTITION BY counted.place
			ORDER BY units DESC, orders DESC, product_id) AS rank
		FROM counted
	)
	SELECT placed.place, placed.rank::integer, placed.product_id,
		coalesce(known.name, placed.product_name), coalesce(known.category, placed.category),
		placed.units, placed.orders, placed.customers
	FROM placed
	LEFT JOIN cdp._catalog_row(placed.product_id, placed.last_at) AS known ON true
	WHERE placed.rank <= $2
	ORDER BY placed.place, placed.rank;
END
$$;
COMMENT ON FUNCTION cdp._best_sellers(interval, integer, text, timestamptz) IS
'the products most sold, for each value of a trait of those who bought';
