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

CREATE FUNCTION cdp._timeline_interest(
	timelines cdp.timeline[],
	question cdp._question,
	weights double precision[],
	half_lives double precision[],
	as_of timestamptz)
RETURNS TABLE (
	product_id text,
	category text,
	weight double precision,
	events bigint,
	last_at timestamptz)
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 20
AS 'MODULE_PATHNAME', 'cdp__timeline_interest';
COMMENT ON FUNCTION cdp._timeline_interest(cdp.timeline[], cdp._question, double precision[], double precision[], timestamptz) IS
'how much interest the events of a profile''s timelines say before an instant, by product and category; weights and half-lives (in seconds) are those of the names asked for';

-- Which events are asked for, and how much each says.
CREATE FUNCTION cdp._interest_question(
	OUT question cdp._question,
	OUT weights double precision[],
	OUT half_lives double precision[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	question := cdp._question_of(ARRAY(SELECT event FROM cdp.interest_weight),
		by_products => true);
	SELECT coalesce(array_agg(said.weight ORDER BY known.name_id), '{}'),
		coalesce(array_agg(date_part('epoch', said.half_life) ORDER BY known.name_id), '{}')
	INTO weights, half_lives
	FROM cdp.interest_weight AS said
	JOIN cdp.event_name AS known ON known.name = said.event;
END
$$;
COMMENT ON FUNCTION cdp._interest_question() IS
'the question for events that say interest, and how much each says';

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
	names text[] := ARRAY(SELECT event FROM cdp.interest_weight);
BEGIN
	RETURN QUERY
	WITH shown AS MATERIALIZED (
		SELECT said.*
		FROM cdp._interest_question() AS asked
		CROSS JOIN LATERAL cdp._timeline_interest(
			cdp._own_chunks(live, '{}', '-infinity'), asked.question, asked.weights,
			asked.half_lives, $2) AS said
	), known AS MATERIALIZED (
		SELECT DISTINCT ON (listed.product_id) listed.product_id, listed.name, listed.category
		FROM cdp.catalog AS listed
		WHERE listed.product_id = ANY (ARRAY(SELECT DISTINCT shown.product_id FROM shown))
			AND listed.valid_from <= $2
			AND (listed.valid_to > $2 OR listed.valid_to IS NULL)
		ORDER BY listed.product_id, listed.valid_from DESC
	), placed AS MATERIALIZED (
		SELECT shown.product_id, shown.weight, shown.events, shown.last_at,
			coalesce(known.category, shown.category) AS category, known.name
		FROM shown
		LEFT JOIN known USING (product_id)
	), told AS MATERIALIZED (
		SELECT * FROM cdp._told_products(live, ARRAY(
			SELECT DISTINCT placed.product_id FROM placed
			WHERE placed.product_id IS NOT NULL AND placed.name IS NULL), names, $2)
	), summed AS (
		SELECT 'category' AS kind, category AS item, NULL AS name,
			sum(weight) AS weight, sum(events)::bigint AS events, max(last_at) AS last_at
		FROM placed
		WHERE category IS NOT NULL
		GROUP BY category
		UNION ALL
		SELECT 'product', product_id, max(coalesce(placed.name, told.name)),
			sum(weight), sum(events)::bigint, max(last_at)
		FROM placed
		LEFT JOIN told USING (product_id)
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

-- All customers at once.
CREATE FUNCTION cdp._all_interests(as_of timestamptz)
RETURNS TABLE (kind text, item text, weight double precision)
LANGUAGE plpgsql STABLE ROWS 1000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	asked record := cdp._interest_question();
BEGIN
	RETURN QUERY
	WITH shown AS MATERIALIZED (
		SELECT said.product_id, said.category, sum(said.weight) AS weight
		FROM cdp._all_chunks() AS own
		JOIN cdp.profile_current AS current ON current.profile_id = own.profile_id
			AND current.kind = 'known'
		CROSS JOIN LATERAL cdp._timeline_interest(own.chunks, asked.question,
			asked.weights, asked.half_lives, $1) AS said
		GROUP BY said.product_id, said.category
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
