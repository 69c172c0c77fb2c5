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
	SELECT bought.profile_id, bought.product_id, count(DISTINCT bought.event)
	FROM cdp._all_products('{order}', $1, $2) AS bought
	WHERE bought.product_id IS NOT NULL
	GROUP BY bought.profile_id, bought.product_id
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

CREATE TYPE cdp._recommended AS (
	place integer,
	product_id text,
	product_name text,
	category text,
	price numeric,
	currency text,
	reason text,
	because text,
	lift double precision,
	support bigint,
	is_sure boolean);
COMMENT ON TYPE cdp._recommended IS
'a row of cdp.recommend(), and whether no product that was not looked at can come before it';

-- What goes with what is owned, each product once, with its best pair.  Who owns a
-- thousand products would have to sort a million pairs for the few best of them,
-- so of each product only the best pairs are read, as many as depth (NULL: all).  A
-- pair that was not read lifts no more than the last that was read of its
-- product: what lifts more than all these last ones (the horizon; NULL: nothing was
-- left unread) is surely where it belongs.  Planned each time, since what is
-- owned is looked up by a hash only where it is a constant.
CREATE FUNCTION cdp._goes_with(owned text[], depth integer)
RETURNS TABLE (
	product_id text,
	because text,
	lift double precision,
	support bigint,
	horizon double precision)
LANGUAGE plpgsql STABLE ROWS 50
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET enable_seqscan = off
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT DISTINCT ON (best.other_id) best.other_id::text, best.product_id::text,
		best.lift, best.support,
		max(best.lift) FILTER (WHERE best.place = $2) OVER ()
	FROM (
		SELECT pair.*
		FROM unnest($1) AS own (product_id)
		CROSS JOIN LATERAL (
			SELECT listed.product_id, listed.other_id, listed.lift, listed.support,
				row_number() OVER () AS place
			FROM (
				SELECT pair.*
				FROM cdp.product_pair AS pair
				WHERE pair.product_id = own.product_id AND pair.other_id <> ALL ($1)
				ORDER BY pair.lift DESC, pair.support DESC, pair.other_id
				LIMIT $2
			) AS listed
		) AS pair
	) AS best
	ORDER BY best.other_id, best.lift DESC, best.support DESC, best.product_id;
END
$$;
COMMENT ON FUNCTION cdp._goes_with(text[], integer) IS
'what goes with these products, and with which of them best, by the best pairs of each';

CREATE FUNCTION cdp._recommend_owner(
	profile_id bigint,
	owned text[],
	n integer,
	depth integer,
	as_of timestamptz)
RETURNS cdp._recommended[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	own_country text;
	own_region text;
BEGIN
	SELECT coalesce(cdp._trait_text(current.traits, 'country'), ''),
		coalesce(cdp._trait_text(current.traits, 'region'), '')
	INTO own_country, own_region
	FROM cdp.profile_current AS current
	WHERE current.profile_id = $1;
	RETURN ARRAY(
		WITH pair AS MATERIALIZED (
			SELECT * FROM cdp._goes_with($2, $4)
		), candidate AS (
			SELECT pair.product_id, 1 AS step, 'bought_together' AS reason, pair.because,
				pair.lift, pair.support, 0 AS rank,
				coalesce(pair.lift > pair.horizon, true) AS is_sure
			FROM pair
			UNION ALL
			SELECT seller.product_id, 2 + (seller.region = '')::integer + (seller.country = '')::integer,
				CASE WHEN seller.country = '' THEN 'best_seller'
					WHEN seller.region = '' THEN 'best_seller_of_country'
					ELSE 'best_seller_of_region' END,
				NULL, NULL, seller.buyers, seller.rank,
				NOT EXISTS (SELECT FROM pair WHERE pair.horizon IS NOT NULL)
			FROM cdp.usual_seller AS seller
			WHERE (seller.country, seller.region) IN (
					('', ''), (own_country, ''), (own_country, own_region))
				AND seller.product_id <> ALL ($2)
		), best AS MATERIALIZED (
			SELECT DISTINCT ON (candidate.product_id) candidate.*
			FROM candidate
			ORDER BY candidate.product_id, candidate.step
		)
		SELECT (row_number() OVER in_order, best.product_id, known.name, known.category,
			known.price, known.currency, best.reason, best.because, best.lift,
			best.support, best.is_sure)::cdp._recommended
		FROM (
			SELECT * FROM best
			ORDER BY best.step, best.lift DESC, best.rank, best.support DESC,
				best.product_id COLLATE "C"
		) AS best
		CROSS JOIN LATERAL cdp._catalog_row(best.product_id, $5) AS known
		WHERE known.stock IS NULL OR known.stock > 0
		WINDOW in_order AS (ORDER BY best.step, best.lift DESC, best.rank, best.support DESC,
			best.product_id COLLATE "C")
		ORDER BY row_number() OVER in_order
		LIMIT $3);
END
$$;
COMMENT ON FUNCTION cdp._recommend_owner(bigint, text[], integer, integer, timestamptz) IS
'what to recommend a live profile that owns these products, going so deep into what goes with each (NULL: all)';

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
	best cdp._recommended[];
BEGIN
	PERFORM cdp._check_count($2);
	IF $2 <= 100 THEN
		best := cdp._recommend_owner(live, owned, $2, $2 + 4, $3);
	END IF;
	IF NOT coalesce((best[$2]).is_sure, false) THEN
		best := cdp._recommend_owner(live, owned, $2, NULL, $3);
	END IF;
	RETURN QUERY
	SELECT one.place, one.product_id, one.product_name, one.category, one.price,
		one.currency, one.reason, one.because, one.lift, one.support
	FROM unnest(best) AS one
	ORDER BY one.place;
END
$$;
COMMENT ON FUNCTION cdp._recommend(bigint, integer, timestamptz) IS
'what the door cdp.recommend() does';
