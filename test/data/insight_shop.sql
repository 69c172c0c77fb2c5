-- A shop of random people who look, search, fill carts and buy: insight_test.sent
-- is what was sent, a plain table, for oracles; the store has got it as records.
-- Some orders have lists of products, some come from two sources; a person comes
-- under cookies that an alias joins later, so that most profiles were merged.
-- Needs setseed() before.
DROP SCHEMA IF EXISTS insight_test CASCADE;
CREATE SCHEMA insight_test;
CREATE TABLE insight_test.sent (
	n integer, person integer, source text, event text, at timestamptz, amount numeric, properties jsonb);

INSERT INTO cdp.catalog (product_id, name, category, price, stock, valid_from, valid_to)
SELECT 'p' || n, 'Product ' || n, 'c' || n % 5, 10 + n, CASE WHEN n % 9 = 8 THEN 0 WHEN n % 2 = 0 THEN 5 END, '-infinity', CASE WHEN n % 11 = 10 THEN timestamptz '2026-05-20' END
FROM generate_series(1, 24) AS n;
-- one that moved to another category
INSERT INTO cdp.catalog (product_id, name, category, price, valid_from) VALUES ('p3', 'Product 3, new', 'c9', 13, '2026-05-01');
SELECT cdp.add_source('web'), cdp.add_source('till', priority => 200) \g /dev/null

CREATE FUNCTION insight_test.pick(choices text[]) RETURNS text LANGUAGE sql AS
'SELECT choices[1 + floor(random() * cardinality(choices))::integer]';
-- p25 to p30 are not in the catalogue: the event names their category, or not
CREATE FUNCTION insight_test.product() RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('product_id', 'p' || n,
		'category', CASE WHEN n > 27 THEN 'c' || n % 7 END, 'name', CASE WHEN n > 24 THEN 'Own ' || n END, 'quantity', 1 + n % 3))
	FROM (SELECT 1 + floor(power(random(), 2) * 30)::integer AS n) AS drawn $$;

CREATE PROCEDURE insight_test.make(people integer, events integer) LANGUAGE plpgsql AS $$
DECLARE
	event text;
	properties jsonb;
	amount numeric;
	place integer;
BEGIN
	FOR n IN 1 .. events LOOP
		event := insight_test.pick('{product_view,product_view,product_view,search,cart_add,cart_add,order,order,page_view,review}');
		properties := insight_test.product();
		amount := NULL;
		IF event = 'order' THEN
			amount := 1 + floor(random() * 100);
			properties := CASE WHEN random() < 0.4 THEN properties ELSE jsonb_build_object('products',
				(SELECT jsonb_agg(insight_test.product()) FROM generate_series(1, 1 + floor(random() * 3)::integer))) END;
			properties := properties || CASE WHEN random() < 0.9 THEN jsonb_build_object('order_id', 'o' || n) ELSE '{}' END;
		ELSIF event = 'search' THEN
			properties := CASE WHEN random() < 0.5 THEN jsonb_build_object('query', 'x', 'category', properties ->> 'category') ELSE '{"query": "y"}' END;
			properties := jsonb_strip_nulls(properties);
		ELSIF event = 'page_view' THEN
			properties := '{}';
		END IF;
		INSERT INTO insight_test.sent VALUES (n, 1 + floor(random() * people), 'web', event,
			timestamptz '2026-06-01' - floor(power(random(), 2) * 200 * 86400) * interval '1 second', amount, properties);
	END LOOP;
	-- a fifth of the orders the till reports as well, a while later or earlier
	INSERT INTO insight_test.sent
	SELECT n + 999999, person, 'till', sent.event, at + (random() - 0.5) * interval '2 hours', sent.amount + 1,
		jsonb_build_object('order_id', sent.properties ->> 'order_id', 'products', jsonb_build_array(insight_test.product()))
	FROM insight_test.sent WHERE sent.event = 'order' AND sent.properties ? 'order_id' AND n % 5 = 0;
	UPDATE insight_test.sent SET at = date_trunc('milliseconds', at);
	INSERT INTO cdp.inbox (source, record)
	SELECT sent.source, jsonb_build_object('type', 'track', 'event', sent.event, 'messageId', n, 'timestamp', at,
		'anonymousId', format('cookie-%s-%s', person, n % 3), 'properties', sent.properties || jsonb_strip_nulls(jsonb_build_object('total', sent.amount)))::text
	FROM insight_test.sent ORDER BY n;
	CALL cdp.merge();
	-- and who they are
	INSERT INTO cdp.inbox (source, record)
	SELECT 'web', jsonb_build_object('type', 'identify', 'messageId', format('i-%s-%s', person, cookie), 'userId', 'u' || person,
		'anonymousId', format('cookie-%s-%s', person, cookie), 'timestamp', '2026-05-31T00:00:00Z',
		'traits', jsonb_build_object('country', CASE WHEN person % 2 = 0 THEN 'DE' ELSE 'FR' END, 'region', 'R' || person % 3))::text
	FROM generate_series(1, people) AS person, generate_series(0, 2) AS cookie WHERE person % 7 > 0;
	CALL cdp.merge();
END $$;

CREATE VIEW insight_test.person AS
SELECT substring(identifier.value FROM '^u(\d+)$')::integer AS person, profile.root AS profile_id
FROM cdp.identifier JOIN cdp.identifier_type USING (type_id) JOIN cdp.profile ON profile.profile_id = identifier.leaf
WHERE identifier_type.type = 'user_id';

-- the profiles of people who have none to their name, as well
CREATE VIEW insight_test.cookie AS
SELECT part[1]::integer AS person, part[2]::integer AS cookie, profile.root AS profile_id
FROM cdp.identifier JOIN cdp.identifier_type USING (type_id) JOIN cdp.profile ON profile.profile_id = identifier.leaf
	CROSS JOIN LATERAL regexp_match(identifier.value, '^cookie-(.*)-(.*)$') AS part
WHERE identifier_type.type = 'anonymous_id';

-- orders once: that of the till, where there are two by then
CREATE FUNCTION insight_test.orders(as_of timestamptz) RETURNS SETOF insight_test.sent LANGUAGE sql AS $$
	SELECT * FROM insight_test.sent AS one
	WHERE event = 'order' AND at < as_of AND NOT EXISTS (
		SELECT FROM insight_test.sent AS better
		WHERE better.event = 'order' AND better.at < as_of AND better.person = one.person
			AND better.source = 'till' AND one.source = 'web' AND better.properties ->> 'order_id' = one.properties ->> 'order_id') $$;
CREATE FUNCTION insight_test.items(properties jsonb) RETURNS TABLE (place bigint, item jsonb) LANGUAGE sql AS $$
	SELECT place, item FROM jsonb_array_elements(properties -> 'products') WITH ORDINALITY AS list (item, place)
	UNION ALL SELECT 1, properties WHERE NOT properties ? 'products' $$;
CREATE FUNCTION insight_test.catalog(product text, at timestamptz) RETURNS cdp.catalog LANGUAGE sql AS $$
	SELECT catalog FROM cdp.catalog WHERE product_id = product AND valid_from <= at AND coalesce(valid_to, 'infinity') > at
	ORDER BY valid_from DESC LIMIT 1 $$;
