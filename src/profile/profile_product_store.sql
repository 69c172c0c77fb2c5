-- Which products events are about, with what the catalogue says of them.
--
-- An event names one product by its own properties, or many by a list, as
-- orders and carts of Segment's ecommerce events do.  A product without an id
-- cannot be told from another and has no row.  The log is read as it came: an
-- order that two sources report is here twice.
CREATE VIEW cdp.event_product WITH (security_barrier) AS
SELECT event.profile_id, event.event_id, event.name, event.occurred_at,
	item.position::integer AS position, item.product_id,
	(cdp._typed_trait(item.product -> 'quantity', 'number') #>> '{}')::numeric
		AS quantity,
	item.price, event.currency,
	coalesce(known.name, item.product ->> 'name') AS product_name,
	coalesce(known.category, item.product ->> 'category') AS category,
	coalesce(known.price, item.price) AS list_price,
	CASE WHEN known.price IS NULL THEN event.currency ELSE known.currency END
		AS list_currency
FROM cdp.profile_event AS event
CROSS JOIN LATERAL (
	SELECT listed.position, listed.product, listed.product_id,
		(cdp._typed_trait(listed.product -> 'price', 'number') #>> '{}')::numeric
			AS price
	FROM cdp._product_items(event.properties) AS listed
) AS item
LEFT JOIN LATERAL (
	SELECT catalog.name, catalog.category, catalog.price::numeric AS price,
		catalog.currency
	FROM cdp.catalog
	WHERE catalog.product_id = item.product_id
		AND catalog.valid_from <= event.occurred_at
		AND (catalog.valid_to > event.occurred_at OR catalog.valid_to IS NULL)
	ORDER BY catalog.valid_from DESC
	LIMIT 1
) AS known ON true
WHERE item.product_id <> '';
COMMENT ON VIEW cdp.event_product IS
'the products of each event, one a row, with name, category and list price as cdp.catalog had them when it happened, or else as the event has them';
COMMENT ON COLUMN cdp.event_product.position IS
'place in the list of the event''s products; 1 if it is about one product';
COMMENT ON COLUMN cdp.event_product.price IS
'price of one, as the event has it';
COMMENT ON COLUMN cdp.event_product.currency IS
'of price; NULL: the store''s';
COMMENT ON COLUMN cdp.event_product.list_currency IS
'of list_price; NULL: the store''s';
