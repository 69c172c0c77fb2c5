-- What next?
--
-- What is bought together: of two products, support is how many profiles have
-- bought both, and lift how many times as many as if one had nothing to do with
-- the other: support * buyers / (buyers of one * buyers of the other).  Pairs of
-- at least recommend_support profiles and a lift of at least 1 are kept in
-- cdp.product_pair.  A product of less buyers than that is in no pair, so it is
-- left out before pairs are made.
--
-- Who has bought something is recommended what goes best with it; where that
-- does not make enough, and for everybody else, the best sellers of the region,
-- then of the country, then of all.  Nothing that is owned, nothing that the
-- catalogue does not have as valid and in stock.  The row says why.

-- Which profiles have bought which product.
CREATE FUNCTION cdp._buyers(until timestamptz, since timestamptz DEFAULT '-infinity')
RETURNS TABLE (profile_id bigint, product_id text, orders bigint)
LANGUAGE sql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	SELECT bought.profile_id, item.product_id, count(*)
	FROM cdp._bought($1, $2) AS bought
	CROSS JOIN LATERAL cdp._product_items(bought.properties) AS item
	WHERE item.product_id <> ''
	GROUP BY bought.profile_id, item.product_id
$$;
COMMENT ON FUNCTION cdp._buyers(timestamptz, timestamptz) IS
'who bought which product from since on and before until';

CREATE FUNCTION cdp._refresh_pairs(as_of timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	DELETE FROM cdp.product_pair;
	WITH owned AS MATERIALIZED (
		SELECT profile_id, product_id FROM cdp._buyers($1)
	), total AS MATERIALIZED (
		SELECT count(DISTINCT profile_id) AS buyers FROM owned
	), asked AS MATERIALIZED (
		SELECT cdp._read_setting('recommend_support')::bigint AS support
	), product AS MATERIALIZED (
		SELECT product_id, count(*) AS buyers
		FROM owned
		GROUP BY product_id
		HAVING count(*) >= (SELECT support FROM asked)
	), frequent AS MATERIALIZED (
		SELECT owned.profile_id, owned.product_id
		FROM owned JOIN product USING (product_id)
	), pair AS (
		SELECT one.product_id, other.product_id AS other_id, count(*) AS support
		FROM frequent AS one
		JOIN frequent AS other ON other.profile_id = one.profile_id
			AND other.product_id <> one.product_id
		GROUP BY one.product_id, other.product_id
		HAVING count(*) >= (SELECT support FROM asked)
	), made AS (
		INSERT INTO cdp.product_pair (product_id, other_id, support, lift, as_of)
		SELECT pair.product_id, pair.other_id, pair.support,
			pair.support::double precision * total.buyers / (one.buyers * other.buyers), $1
		FROM pair
		CROSS JOIN total
		JOIN product AS one ON one.product_id = pair.product_id
		JOIN product AS other ON other.product_id = pair.other_id
		WHERE pair.support * total.buyers >= one.buyers * other.buyers
		RETURNING 1
	)
	SELECT count(*) FROM made;
$$;
COMMENT ON FUNCTION cdp._refresh_pairs(timestamptz) IS
'make cdp.product_pair anew; returns how many rows';

-- Of each place, the hundred that most profiles bought.  An empty region stands
-- for the country, an empty country for all.
CREATE FUNCTION cdp._refresh_usual_sellers(as_of timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	DELETE FROM cdp.usual_seller;
	WITH bought AS MATERIALIZED (
		SELECT buyer.product_id, buyer.orders,
			coalesce(cdp._trait_text(current.traits, 'country'), '') AS country,
			coalesce(cdp._trait_text(current.traits, 'region'), '') AS region
		FROM cdp._buyers($1,
			cdp._later($1, -cdp._read_setting('best_seller_window')::interval)) AS buyer
		JOIN cdp.profile_current AS current USING (profile_id)
	), counted AS (
		SELECT coalesce(country, '') AS country, coalesce(region, '') AS region,
			product_id, count(*) AS buyers, sum(orders)::bigint AS orders
		FROM bought
		GROUP BY product_id, GROUPING SETS ((), (country), (country, region))
		HAVING (grouping(country) = 1 OR country <> '')
			AND (grouping(region) = 1 OR region <> '')
	), ranked AS (
		SELECT counted.*, row_number() OVER (
			PARTITION BY country, region
			ORDER BY buyers DESC, orders DESC, product_id COLLATE "C") AS rank
		FROM counted
	), made AS (
		INSERT INTO cdp.usual_seller (country, region, rank, product_id, buyers, orders, as_of)
		SELECT country, region, rank, product_id, buyers, orders, $1
		FROM ranked
		WHERE rank <= 100
		RETURNING 1
	)
	SELECT count(*) FROM made;
$$;
COMMENT ON FUNCTION cdp._refresh_usual_sellers(timestamptz) IS
'make cdp.usual_seller anew; returns how many rows';

-- What goes with what a live profile owns, each product once, with its best pair.
CREATE FUNCTION cdp._goes_with(owned text[])
RETURNS TABLE (product_id text, because text, lift double precision, support bigint)
LANGUAGE plpgsql STABLE ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT DISTINCT ON (pair.other_id) pair.other_id::text, pair.product_id::text,
		pair.lift, pair.support
	FROM cdp.product_pair AS pair
	WHERE pair.product_id = ANY ($1) AND pair.other_id <> ALL ($1)
	ORDER BY pair.other_id, pair.lift DESC, pair.support DESC, pair.product_id;
END
$$;
COMMENT ON FUNCTION cdp._goes_with(text[]) IS
'what goes with these products, and with which of them best';

CREATE FUNCTION cdp._recommend(profile_id bigint, n integer, as_of timestamptz)
RETURNS TABLE (
	place integer,
	product_id text,
	product_name text,
	category text,
	price numeric,
	currency text,
	reason text,
	because text,
	lift double precision,
	support bigint)
LANGUAGE plpgsql STABLE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	live bigint := cdp._person_asked($1);
	owned text[] := ARRAY(
		SELECT DISTINCT own.product_id
		FROM cdp._own_products(live, $3, '{order}') AS own
		WHERE own.product_id IS NOT NULL);
	own_country text;
	own_region text;
BEGIN
	PERFORM cdp._check_count($2);
	SELECT coalesce(cdp._trait_text(current.traits, 'country'), ''),
		coalesce(cdp._trait_text(current.traits, 'region'), '')
	INTO own_country, own_region
	FROM cdp.profile_current AS current
	WHERE current.profile_id = live;
	RETURN QUERY
	WITH candidate AS (
		SELECT pair.product_id, 1 AS step, 'bought_together' AS reason, pair.because,
			pair.lift, pair.support, 0 AS rank
		FROM cdp._goes_with(owned) AS pair
		UNION ALL
		SELECT seller.product_id, 2 + (seller.region = '')::integer + (seller.country = '')::integer,
			CASE WHEN seller.country = '' THEN 'best_seller'
				WHEN seller.region = '' THEN 'best_seller_of_country'
				ELSE 'best_seller_of_region' END,
			NULL, NULL, seller.buyers, seller.rank
		FROM cdp.usual_seller AS seller
		WHERE (seller.country, seller.region) IN (
				('', ''), (own_country, ''), (own_country, own_region))
			AND seller.product_id <> ALL (owned)
	), best AS (
		SELECT DISTINCT ON (candidate.product_id) candidate.*
		FROM candidate
		ORDER BY candidate.product_id, candidate.step
	)
	SELECT row_number() OVER in_order::integer, best.product_id::text, known.name,
		known.category, known.price, known.currency, best.reason, best.because,
		best.lift, best.support
	FROM best
	CROSS JOIN LATERAL cdp._catalog_row(best.product_id, $3) AS known
	WHERE known.stock IS NULL OR known.stock > 0
	WINDOW in_order AS (ORDER BY best.step, best.lift DESC, best.rank, best.support DESC,
		best.product_id COLLATE "C")
	ORDER BY 1
	LIMIT $2;
END
$$;
COMMENT ON FUNCTION cdp._recommend(bigint, integer, timestamptz) IS
'what the door cdp.recommend() does';
