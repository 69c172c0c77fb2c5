INSERT INTO cdp.setting (name, value, description, kind) VALUES
	('recommend_support', '20', 'two products go together when at least so many profiles have bought both', 'integer'),
	('best_seller_window', '90 days', 'best sellers are those of the last so much time', 'interval');

CREATE TABLE cdp.product_pair (
	product_id text COLLATE "C" NOT NULL,
	other_id text COLLATE "C" NOT NULL,
	support bigint NOT NULL,
	lift double precision NOT NULL,
	as_of timestamptz NOT NULL,
	PRIMARY KEY (product_id, other_id)
);
CREATE INDEX product_pair_best_idx ON cdp.product_pair (
	product_id, lift DESC, support DESC, other_id);
COMMENT ON TABLE cdp.product_pair IS
'derived: products that are bought by the same people more often than by chance, each pair both ways; made by the merge run every cdp.setting insight_every';
COMMENT ON COLUMN cdp.product_pair.support IS 'how many profiles have bought both';
COMMENT ON COLUMN cdp.product_pair.lift IS
'how many times as many as if one had nothing to do with the other';

-- What cdp.recommend() falls back on; what sells where is cdp.best_sellers().
CREATE TABLE cdp.usual_seller (
	country text COLLATE "C" NOT NULL,
	region text COLLATE "C" NOT NULL,
	rank bigint NOT NULL,
	product_id text COLLATE "C" NOT NULL,
	buyers bigint NOT NULL,
	orders bigint NOT NULL,
	as_of timestamptz NOT NULL,
	PRIMARY KEY (country, region, rank)
);
COMMENT ON TABLE cdp.usual_seller IS
'derived: the hundred products that most profiles bought, by country and region, over cdp.setting best_seller_window; made by the merge run every cdp.setting insight_every';
COMMENT ON COLUMN cdp.usual_seller.country IS 'empty: all countries';
COMMENT ON COLUMN cdp.usual_seller.region IS 'empty: the whole country';

CREATE FUNCTION cdp.recommend(
	profile_id bigint,
	n integer DEFAULT 5,
	as_of timestamptz DEFAULT cdp.clock())
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
LANGUAGE sql STABLE SECURITY DEFINER ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._recommend($1, $2, coalesce($3, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.recommend(bigint, integer, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.recommend(bigint, integer, timestamptz) IS
'the n products to offer a profile next, of those in the catalogue, valid and in stock, that it has not bought: first what goes with what it has bought (because says with what, support how many bought both), then best sellers of its region, its country, and of all (support says how many bought it); reason says which';
