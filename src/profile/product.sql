-- Atomic and not STRICT, so that it is inlined.  A list in which nothing has an
-- id is none: timelines do not know of it.
CREATE FUNCTION cdp._product_items(properties jsonb)
RETURNS TABLE ("position" bigint, product jsonb, product_id text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	SELECT listed.position, listed.product,
		CASE WHEN jsonb_typeof(listed.product -> 'product_id')
				IN ('string', 'number')
			THEN listed.product ->> 'product_id' END
	FROM jsonb_array_elements(
		CASE WHEN jsonb_typeof(properties -> 'products') = 'array'
				AND cdp._event_property(properties, 'products.product_id') IS NOT NULL
			THEN properties -> 'products'
			ELSE jsonb_build_array(properties) END)
		WITH ORDINALITY AS listed (product, position);
END;
COMMENT ON FUNCTION cdp._product_items(jsonb) IS
'the products of an event: those of its list, or the one that its own properties are about';
