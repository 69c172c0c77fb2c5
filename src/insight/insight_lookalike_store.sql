CREATE TABLE cdp.lookalike_feature (
	position integer PRIMARY KEY,
	expression cdp.predicate NOT NULL,
	description text
);
COMMENT ON TABLE cdp.lookalike_feature IS
'what lookalikes look at: numbers, booleans and texts in the language of predicates; nothing about traits that are personal or special';
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE OF expression ON cdp.lookalike_feature
	FOR EACH ROW EXECUTE FUNCTION cdp._check_lookalike_row();
INSERT INTO cdp.lookalike_feature (position, expression, description) VALUES
	(10, 'rfm_recency', 'how lately they bought, in fifths'),
	(20, 'rfm_frequency', 'how often, in fifths'),
	(30, 'rfm_monetary', 'for how much, in fifths'),
	(40, 'count(order, 365 days)', NULL),
	(50, 'sum(order.amount, 365 days)', NULL),
	(60, 'active_days(any, 90 days)', NULL),
	(70, 'count(product_view, 90 days)', NULL),
	(80, 'count(cart_add, 90 days)', NULL),
	(90, 'count(email_click, 90 days)', NULL),
	(100, 'country', NULL),
	(110, 'region', NULL),
	(120, 'language', NULL),
	(130, 'loyalty_level', NULL);

CREATE FUNCTION cdp.lookalike(
	segment text,
	n integer DEFAULT 1000,
	purpose text DEFAULT 'ads_personalisation',
	channel text DEFAULT 'ads')
RETURNS TABLE (place bigint, profile_id bigint, score double precision)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT one.place, (one.value ->> 0)::bigint, (one.value ->> 1)::double precision
	FROM cdp._lookalike($1, $2, $3, $4, cdp.clock()) AS made
	CROSS JOIN LATERAL jsonb_array_elements(made.found) WITH ORDINALITY AS one (value, place)
$$;
REVOKE ALL ON FUNCTION cdp.lookalike(text, integer, text, text) FROM PUBLIC;
COMMENT ON FUNCTION cdp.lookalike(text, integer, text, text) IS
'the n profiles that look most like the members of a segment and are none, of those who granted the purpose and channel; refused with less than 100 such members';

CREATE FUNCTION cdp.lookalike_report(
	segment text,
	purpose text DEFAULT 'ads_personalisation',
	channel text DEFAULT 'ads')
RETURNS TABLE (
	part text,
	name text,
	value double precision,
	profiles bigint,
	of_seeds double precision,
	of_others double precision)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 30
SET search_path = pg_catalog, pg_temp
AS $$
	WITH made AS MATERIALIZED (
		SELECT * FROM cdp._lookalike($1, 1, $2, $3, cdp.clock())
	)
	SELECT 'fit', 'auc', made.auc, made.seeds + made.rest, NULL::double precision, NULL::double precision
	FROM made
	UNION ALL
	SELECT 'fit', 'seeds', NULL, made.seeds, NULL, NULL FROM made
	UNION ALL
	SELECT 'factor', one.value ->> 'name', (one.value -> 'weight')::double precision, NULL,
		(one.value -> 'seeds')::double precision, (one.value -> 'others')::double precision
	FROM made CROSS JOIN LATERAL jsonb_array_elements(made.factors) AS one
	UNION ALL
	SELECT 'reach', one.value ->> 'fraction', (one.value ->> 'score')::double precision,
		(one.value -> 'profiles')::bigint, (one.value ->> 'found')::double precision, NULL
	FROM made CROSS JOIN LATERAL jsonb_array_elements(made.reach) AS one
$$;
REVOKE ALL ON FUNCTION cdp.lookalike_report(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION cdp.lookalike_report(text, text, text) IS
'how good lookalikes of a segment are: fit, the AUC on a fifth held out; factor, what sets seeds apart, with its weight and its mean of seeds and of others; reach, of the best fraction the lowest score, how many profiles that is, and the share of held-out seeds found there';
