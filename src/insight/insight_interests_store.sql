CREATE TABLE cdp.interest_weight (
	event text COLLATE "C" PRIMARY KEY,
	weight double precision NOT NULL CHECK (weight > 0 AND weight <= 1000000),
	half_life interval NOT NULL DEFAULT '30 days'
		CHECK (half_life >= interval '1 second' AND half_life < interval '1000 years'),
	description text
);
COMMENT ON TABLE cdp.interest_weight IS
'how much interest in a product and its category an event shows, and after how long half of it is left';
INSERT INTO cdp.interest_weight (event, weight, description) VALUES
	('product_view', 1, 'looked at it'),
	('search', 1, 'searched in its category'),
	('cart_add', 3, 'put it into the cart'),
	('order', 5, 'bought it');

CREATE TABLE cdp.usual_interest (
	kind text COLLATE "C" NOT NULL CHECK (kind IN ('category', 'product')),
	item text COLLATE "C" NOT NULL,
	share double precision NOT NULL,
	as_of timestamptz NOT NULL,
	PRIMARY KEY (kind, item)
);
COMMENT ON TABLE cdp.usual_interest IS
'derived: the share of each category and product in what interests all customers; made by the merge run every cdp.setting insight_every';

CREATE FUNCTION cdp.interests(
	profile_id bigint,
	as_of timestamptz DEFAULT cdp.clock())
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
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._interests($1, coalesce($2, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.interests(bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.interests(bigint, timestamptz) IS
'what interests a profile, by category and by product, the most first: its weight, its share in all that interests the profile, the share that is usual among customers, how many times that it is (lift), and of how many events (of a category: those of its products together)';
