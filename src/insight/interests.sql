-- What interests them now?
--
-- An event says interest in a product and in its category, the one that it has
-- as of now, by its weight (cdp.interest_weight); half of that is left after
-- each half-life: the sum of weight * 2 ^ (-age / half-life).  An order says it
-- of each of its products.
--
-- How unusual is that?  Shares are compared: of a category in all that interests
-- this profile with the same of all customers.  The lift is the quotient.
-- Shares of all customers (cdp.usual_interest) are as of the last time that the
-- merge run made them: by then all have aged alike, so shares have not moved.

-- Rounded as timelines keep time, so that the log and they agree.
CREATE FUNCTION cdp._decayed(
	weight double precision,
	half_life interval,
	happened timestamptz,
	as_of timestamptz)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN weight * power(2::double precision, greatest(
	date_part('epoch', happened - as_of) / date_part('epoch', half_life), -1000));
COMMENT ON FUNCTION cdp._decayed(double precision, interval, timestamptz, timestamptz) IS
'what is left of a weight';

CREATE FUNCTION cdp._timeline_interest(
	timelines cdp.timeline[],
	names integer[],
	weights double precision[],
	half_lives double precision[],
	product_slot integer,
	category_slot integer,
	as_of timestamptz)
RETURNS TABLE (
	product_id text,
	category text,
	weight double precision,
	events bigint,
	last_at timestamptz,
	name_id integer,
	source_id integer)
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'cdp__timeline_interest';
COMMENT ON FUNCTION cdp._timeline_interest(cdp.timeline[], integer[], double precision[], double precision[], integer, integer, timestamptz) IS
'how much interest the events of timelines, in order, say before an instant, by product and category; an event that says neither is a row with its name and source';

-- Orders and returns come from _own_products(), each once.
CREATE FUNCTION cdp._interests(profile_id bigint, as_of timestamptz)
RETURNS TABLE (
	kind text,
	item text,
	name text,
	weight double precision,
	share double precision,
	usual_share double precision,
	lift double precision,
	events bigint,
	last_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	live bigint := cdp._person_asked($1);
	set_ids bigint[] := ARRAY(SELECT set_id FROM cdp._profile_sets(live));
	names text[] := ARRAY(SELECT event FROM cdp.interest_weight WHERE event IN ('order', 'return'));
BEGIN
	RETURN QUERY
	WITH told AS MATERIALIZED (
		SELECT said.*
		FROM (
			SELECT array_agg(known.name_id) AS names, array_agg(weighs.weight) AS weights,
				array_agg(date_part('epoch', weighs.half_life)) AS half_lives
			FROM cdp.interest_weight AS weighs
			JOIN cdp.event_name AS known ON known.name = weighs.event
			WHERE weighs.event NOT IN ('order', 'return')
		) AS asked
		CROSS JOIN LATERAL cdp._timeline_interest(
			ARRAY(SELECT chunk.data FROM cdp.timeline_chunk AS chunk
				WHERE chunk.profile_id = live ORDER BY chunk.chunk),
			asked.names, asked.weights, asked.half_lives,
			coalesce(cdp._slot_of('product_id')::integer, 0),
			coalesce(cdp._slot_of('category')::integer, 0), $2) AS said
	), unsaid AS (
		SELECT array_agg(known.name) AS names, array_agg(told.last_at) AS times,
			array_agg(told.source_id) AS sources, array_agg(NULL::text) AS none
		FROM told
		JOIN cdp.event_name AS known USING (name_id)
	), own AS (
		SELECT product.name, product.occurred_at, product.product_id, product.category,
			product.product_name
		FROM cdp._own_products(live, $2, names) AS product
		UNION ALL
		SELECT product.name, product.occurred_at, product.product_id, product.category,
			product.product_name
		FROM unsaid
		CROSS JOIN LATERAL cdp._logged_products(set_ids, unsaid.names, unsaid.times,
			unsaid.sources, unsaid.none, unsaid.none) AS product
	), shown AS MATERIALIZED (
		SELECT once.product_id, once.category, once.product_name, sum(once.weight) AS weight,
			count(*) AS events, max(once.occurred_at) AS last_at
		FROM (
			SELECT own.product_id, own.category, own.product_name, own.occurred_at,
				sum(cdp._decayed(said.weight, said.half_life, own.occurred_at, $2)) AS weight
			FROM own
			JOIN cdp.interest_weight AS said ON said.event = own.name
			GROUP BY own.product_id, own.category, own.product_name, own.name, own.occurred_at
		) AS once
		GROUP BY once.product_id, once.category, once.product_name
		UNION ALL
		SELECT told.product_id, told.category, NULL, told.weight, told.events, told.last_at
		FROM told
		WHERE told.name_id IS NULL
	), known AS MATERIALIZED (
		SELECT DISTINCT ON (listed.product_id) listed.product_id, listed.name, listed.category
		FROM cdp.catalog AS listed
		WHERE listed.product_id = ANY (ARRAY(SELECT DISTINCT shown.product_id FROM shown))
			AND listed.valid_from <= $2
			AND (listed.valid_to > $2 OR listed.valid_to IS NULL)
		ORDER BY listed.product_id, listed.valid_from DESC
	), placed AS MATERIALIZED (
		SELECT shown.product_id, shown.weight, shown.events, shown.last_at,
			coalesce(known.category, shown.category) AS category,
			coalesce(known.name, shown.product_name) AS product_name
		FROM shown
		LEFT JOIN known USING (product_id)
	), summed AS (
		SELECT 'category' AS kind, category AS item, NULL AS name,
			sum(weight) AS weight, sum(events)::bigint AS events, max(last_at) AS last_at
		FROM placed
		WHERE category IS NOT NULL
		GROUP BY category
		UNION ALL
		SELECT 'product', product_id, max(product_name), sum(weight),
			sum(events)::bigint, max(last_at)
		FROM placed
		WHERE product_id IS NOT NULL
		GROUP BY product_id
	), shared AS (
		SELECT summed.*,
			summed.weight / nullif(sum(summed.weight) OVER (PARTITION BY summed.kind), 0) AS share
		FROM summed
	)
	SELECT shared.kind, shared.item, shared.name, shared.weight, shared.share,
		usual.share, shared.share / usual.share, shared.events, shared.last_at
	FROM shared
	LEFT JOIN cdp.usual_interest AS usual
		ON usual.kind = shared.kind AND usual.item = shared.item AND usual.share > 0
	ORDER BY shared.kind, shared.weight DESC, shared.item COLLATE "C";
END
$$;
COMMENT ON FUNCTION cdp._interests(bigint, timestamptz) IS
'what the door cdp.interests() does';

-- All customers at once, from the log: what their timelines lack is as much as
-- what they have.  An order that several sources report counts once.
CREATE FUNCTION cdp._all_interests(as_of timestamptz)
RETURNS TABLE (kind text, item text, weight double precision)
LANGUAGE plpgsql STABLE ROWS 1000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH shown AS MATERIALIZED (
		SELECT nullif(item.product_id, '') AS product_id,
			nullif(item.product ->> 'category', '') AS category,
			sum(cdp._decayed(told.weight, told.half_life, told.occurred_at, $1)) AS weight
		FROM (
			SELECT said.weight, said.half_life, event.occurred_at, event.properties
			FROM cdp.interest_weight AS said
			JOIN cdp.event ON event.name = said.event AND event.occurred_at < $1
			JOIN cdp._set_profile AS owner ON owner.set_id = event.set_id
			JOIN cdp.profile_current AS current ON current.profile_id = owner.profile_id
				AND current.kind = 'known'
			WHERE said.event <> 'order'
			UNION ALL
			SELECT said.weight, said.half_life, bought.occurred_at, bought.properties
			FROM cdp.interest_weight AS said
			JOIN cdp._bought($1) AS bought ON true
			JOIN cdp.profile_current AS current ON current.profile_id = bought.profile_id
				AND current.kind = 'known'
			WHERE said.event = 'order'
		) AS told
		CROSS JOIN LATERAL cdp._product_items(told.properties) AS item
		WHERE item.product_id <> ''
			OR item.product ->> 'category' <> '' AND jsonb_typeof(told.properties -> 'products')
				IS DISTINCT FROM 'array'
		GROUP BY 1, 2
	), placed AS MATERIALIZED (
		SELECT shown.product_id, shown.weight,
			coalesce(known.category, shown.category) AS category
		FROM shown
		LEFT JOIN cdp._catalog_row(shown.product_id, $1) AS known ON true
	)
	SELECT 'category', category, sum(weight) FROM placed
	WHERE category IS NOT NULL GROUP BY category
	UNION ALL
	SELECT 'product', product_id, sum(weight) FROM placed
	WHERE product_id IS NOT NULL GROUP BY product_id;
END
$$;
COMMENT ON FUNCTION cdp._all_interests(timestamptz) IS
'what interests all customers together';

CREATE FUNCTION cdp._refresh_interests(as_of timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM cdp.usual_interest;
	WITH made AS (
		INSERT INTO cdp.usual_interest (kind, item, share, as_of)
		SELECT kind, item, weight / total, $1
		FROM (
			SELECT kind, item, weight, sum(weight) OVER (PARTITION BY kind) AS total
			FROM cdp._all_interests($1)
		) AS every
		WHERE total > 0
		RETURNING 1
	)
	SELECT count(*) FROM made;
$$;
COMMENT ON FUNCTION cdp._refresh_interests(timestamptz) IS
'make cdp.usual_interest anew; returns how many rows';
