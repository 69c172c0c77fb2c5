-- What do they intend to buy, and when?
--
-- The open cart is what was added after the last order and not taken out again;
-- it is worth what the catalogue says now.  Considered is what was looked at
-- twice or more within 14 days, and not bought since the first of these looks.
-- How likely an order is says the labelled model purchase_30d where it has
-- learnt, since it sees what people do before they buy, else the model of
-- purchase counts (churn), which also says when to expect the next one.

-- A price in the store's currency; NULL: there is no rate for it.
CREATE FUNCTION cdp._own_price(price numeric, currency text, at timestamptz) RETURNS numeric
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 IS NULL OR $2 IS NULL OR $2 = cdp._read_setting('currency') THEN
		RETURN $1;
	END IF;
	RETURN $1 * (
		SELECT known.rate
		FROM cdp.exchange_rate AS known
		WHERE known.currency = $2 AND known.valid_from <= $3
		ORDER BY known.valid_from DESC
		LIMIT 1);
END
$$;
COMMENT ON FUNCTION cdp._own_price(numeric, text, timestamptz) IS
'a price in the store''s currency at an instant';

CREATE FUNCTION cdp._open_cart(
	profile_id bigint,
	as_of timestamptz,
	last_order_at timestamptz)
RETURNS TABLE (
	product_id text,
	product_name text,
	quantity numeric,
	value numeric,
	since timestamptz)
LANGUAGE plpgsql STABLE ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT kept.product_id, coalesce(known.name, told.name), kept.quantity,
		round(kept.quantity * coalesce(cdp._own_price(known.price, known.currency, $2), told.price), 4),
		kept.since
	FROM (
		SELECT put.product_id,
			sum(CASE put.name WHEN 'cart_add' THEN 1 ELSE -1 END * coalesce(put.quantity, 1)) AS quantity,
			min(put.occurred_at) FILTER (WHERE put.name = 'cart_add') AS since
		FROM cdp._own_products($1, $2, '{cart_add,cart_remove}', $3) AS put
		WHERE put.occurred_at > $3 AND put.product_id IS NOT NULL
		GROUP BY put.product_id
	) AS kept
	LEFT JOIN cdp._catalog_row(kept.product_id, $2) AS known ON true
	LEFT JOIN LATERAL cdp._told_products($1,
		CASE WHEN known.name IS NULL OR known.price IS NULL THEN ARRAY[kept.product_id] END,
		'{cart_add}', $2) AS told ON true
	WHERE kept.quantity > 0
	ORDER BY kept.since, kept.product_id COLLATE "C";
END
$$;
COMMENT ON FUNCTION cdp._open_cart(bigint, timestamptz, timestamptz) IS
'what a live profile has put into the cart since its last order; value is NULL where neither the catalogue nor the last event that put it there has a price in a known currency';

CREATE FUNCTION cdp._considered(profile_id bigint, as_of timestamptz) RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	since timestamptz := $2 - interval '336 hours';
BEGIN
	RETURN ARRAY(
		WITH looked AS MATERIALIZED (
			SELECT own.product_id, count(*) AS looks, min(own.occurred_at) AS first_at,
				max(own.occurred_at) AS last_at
			FROM cdp._own_products($1, $2, '{product_view}', since) AS own
			WHERE own.product_id IS NOT NULL
			GROUP BY own.product_id
			HAVING count(*) >= 2
		), bought AS MATERIALIZED (
			SELECT own.product_id, max(own.occurred_at) AS last_at
			FROM cdp._own_products($1, $2, '{order}', since) AS own
			WHERE EXISTS (SELECT FROM looked)
			GROUP BY own.product_id
		)
		SELECT looked.product_id
		FROM looked
		LEFT JOIN bought USING (product_id)
		WHERE bought.last_at < looked.first_at OR bought.last_at IS NULL
		ORDER BY looked.looks DESC, looked.last_at DESC, looked.product_id COLLATE "C");
END
$$;
COMMENT ON FUNCTION cdp._considered(bigint, timestamptz) IS
'products that a live profile saw twice or more within 14 days (336 hours) and has not bought since';

-- Purchases as _customer_rfm() sees them, of one profile, and when the last was.
CREATE FUNCTION cdp._own_rfm(
	profile_id bigint,
	as_of timestamptz,
	OUT rfm cdp.rfm_summary,
	OUT last_order_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	zone text := cdp._read_setting('time_zone');
BEGIN
	SELECT cdp.rfm_agg(own.occurred_at,
			CASE own.name WHEN 'return' THEN -abs(own.amount) ELSE own.amount END,
			$2, '7 days', 'day', zone
			ORDER BY own.occurred_at, own.amount),
		coalesce(max(own.occurred_at) FILTER (WHERE own.name = 'order'), '-infinity')
	INTO rfm, last_order_at
	FROM cdp._own_events($1, $2, '{order,return}') AS own;
END
$$;
COMMENT ON FUNCTION cdp._own_rfm(bigint, timestamptz) IS
'the purchases of a live profile as of an instant, for models of purchase counts, and the last order (-infinity: none)';

-- A score by points is no probability, and one made later knows what was to come.
CREATE FUNCTION cdp._order_probability(
	profile_id bigint,
	as_of timestamptz,
	rfm cdp.rfm_summary,
	counts cdp.clv_model,
	OUT probability double precision,
	OUT said_by text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT (scored.scores #>> '{purchase_30d,value}')::double precision INTO probability
	FROM cdp.profile_score AS scored
	LEFT JOIN cdp.propensity AS defined ON defined.model = 'purchase_30d'
	WHERE scored.profile_id = $1 AND scored.scores #>> '{purchase_30d,version}' IS NOT NULL
		AND coalesce(defined.scored_at, scored.as_of) <= $2;
	said_by := CASE WHEN probability IS NOT NULL THEN 'purchase_30d' END;
	IF probability IS NULL THEN
		probability := cdp.p_active($4, $3, interval '30 days');
		said_by := CASE WHEN probability IS NOT NULL THEN 'churn' END;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._order_probability(bigint, timestamptz, cdp.rfm_summary, cdp.clv_model) IS
'how likely an order within 30 days of an instant is, and which model says so';

CREATE FUNCTION cdp._intent(profile_id bigint, as_of timestamptz)
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
LANGUAGE plpgsql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint := cdp._person_asked($1);
	counts cdp.clv_model := (
		SELECT made.count_model
		FROM cdp.model
		JOIN cdp.model_version AS made
			ON made.model = model.name AND made.version = model.version
		WHERE model.name = 'churn');
	rfm cdp.rfm_summary;
	last_order_at timestamptz;
BEGIN
	SELECT own.rfm, own.last_order_at INTO rfm, last_order_at
	FROM cdp._own_rfm(live, $2) AS own;
	SELECT jsonb_agg(jsonb_build_object('product_id', put.product_id,
			'name', put.product_name, 'quantity', put.quantity, 'value', put.value)),
		sum(put.value), min(put.since)
	INTO cart, cart_value, cart_since
	FROM cdp._open_cart(live, $2, last_order_at) AS put;
	cart_age := justify_hours($2 - cart_since);
	considered := cdp._considered(live, $2);
	SELECT said.probability, said.said_by INTO order_30d, order_30d_by
	FROM cdp._order_probability(live, $2, rfm, counts) AS said;
	next_order_at := cdp.next_purchase_at(counts, rfm, 0.5);
	next_order_low := cdp.next_purchase_at(counts, rfm, 0.1);
	next_order_high := cdp.next_purchase_at(counts, rfm, 0.9);
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION cdp._intent(bigint, timestamptz) IS
'what the door cdp.intent() does';
