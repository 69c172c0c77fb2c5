CREATE FUNCTION cdp._products_beside(properties jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(jsonb_agg(jsonb_build_object('product_id', id.value,
		'category', cdp._event_property($1, 'products.category') -> (id.place - 1)::integer,
		'quantity', cdp._event_property($1, 'products.quantity') -> (id.place - 1)::integer)
		ORDER BY id.place), '[]')
	FROM jsonb_array_elements(cdp._event_property($1, 'products.product_id'))
		WITH ORDINALITY AS id (value, place)
$$;
COMMENT ON FUNCTION cdp._products_beside(jsonb) IS
'a list of products made of the lists of their ids, categories and quantities';

-- Atomic and not STRICT, so that it is inlined.  What timelines hold decides: a
-- list is one of ids (products.product_id), so a list in which nothing has an id
-- is none, and lists of ids, categories and quantities beside each other are one.
-- A number has no zeros at its end.
CREATE FUNCTION cdp._product_items(properties jsonb)
RETURNS TABLE ("position" bigint, product jsonb, product_id text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	SELECT listed.position, listed.product,
		CASE jsonb_typeof(listed.product -> 'product_id')
			WHEN 'string' THEN listed.product ->> 'product_id'
			WHEN 'number' THEN trim_scale((listed.product -> 'product_id')::numeric)::text END
	FROM jsonb_array_elements(
		CASE WHEN jsonb_typeof(cdp._event_property(properties, 'products.product_id'))
				IS DISTINCT FROM 'array'
			THEN jsonb_build_array(properties)
			WHEN jsonb_typeof(properties -> 'products') = 'array'
			THEN properties -> 'products'
			ELSE cdp._products_beside(properties) END)
		WITH ORDINALITY AS listed (product, position);
END;
COMMENT ON FUNCTION cdp._product_items(jsonb) IS
'the products of an event: those of its list, or the one that its own properties are about';
