-- What sells where.

-- An order that two sources report counts once, as in cdp.profile_order.  What
-- fewer than ten customers bought is left out: a place may be one person's.
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
	WITH sold AS MATERIALIZED (
		SELECT ranked.profile_id, ranked.event_id
		FROM (
			SELECT event.profile_id, event.event_id, row_number() OVER (
				PARTITION BY event.profile_id, coalesce(nullif(event.properties ->> key.property, ''),
					'event ' || event.event_id)
				ORDER BY source.priority DESC, event.occurred_at, source.source_id,
					event.amount, event.event_id) AS place
			FROM cdp.profile_event AS event
			JOIN cdp.source ON source.name = event.source
			CROSS JOIN (SELECT business_key AS property FROM cdp.event_type WHERE name = 'order') AS key
			WHERE event.name = 'order'
				AND event.occurred_at >= cdp._later($4, -$1) AND event.occurred_at < $4
		) AS ranked
		WHERE ranked.place = 1
	), counted AS (
		SELECT cdp._trait_text(current.traits, $3) AS place, item.product_id,
			(array_agg(item.product_name ORDER BY item.occurred_at DESC, item.event_id DESC)
				FILTER (WHERE item.product_name IS NOT NULL))[1] AS product_name,
			(array_agg(item.category ORDER BY item.occurred_at DESC, item.event_id DESC)
				FILTER (WHERE item.category IS NOT NULL))[1] AS category,
			sum(coalesce(item.quantity, 1)) AS units,
			count(DISTINCT item.event_id) AS orders,
			count(DISTINCT item.profile_id) AS customers
		FROM cdp.event_product AS item
		JOIN sold USING (event_id)
		JOIN cdp.profile_current AS current ON current.profile_id = sold.profile_id
		WHERE item.name = 'order'
			AND item.occurred_at >= cdp._later($4, -$1) AND item.occurred_at < $4
		GROUP BY 1, 2
		HAVING count(DISTINCT item.profile_id) >= 10
	), placed AS (
		SELECT counted.*, row_number() OVER (PARTITION BY counted.place
			ORDER BY units DESC, orders DESC, product_id) AS rank
		FROM counted
	)
	SELECT placed.place, placed.rank::integer, placed.product_id, placed.product_name,
		placed.category, placed.units, placed.orders, placed.customers
	FROM placed
	WHERE placed.rank <= $2
	ORDER BY placed.place, placed.rank;
END
$$;
COMMENT ON FUNCTION cdp._best_sellers(interval, integer, text, timestamptz) IS
'the products most sold, for each value of a trait of those who bought';
