-- A trait as a column of its type, as text of SQL over an expression for all
-- traits: cdp.unified_profile and the indexes of cdp.index_trait() have to say it
-- alike.  A value of another type is NULL there.
CREATE FUNCTION cdp._trait_column(traits text, name text, type text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format(CASE $3
		WHEN 'number' THEN 'CASE WHEN jsonb_typeof(%1$s -> %2$L) = ''number'' THEN (%1$s -> %2$L)::numeric END'
		WHEN 'boolean' THEN 'CASE WHEN jsonb_typeof(%1$s -> %2$L) = ''boolean'' THEN (%1$s -> %2$L)::boolean END'
		WHEN 'date' THEN 'cdp._iso_date(%1$s ->> %2$L)'
		WHEN 'json' THEN '%1$s -> %2$L'
		ELSE 'cdp._trait_text(%1$s, %2$L)' END, $1, $2)
$$;
COMMENT ON FUNCTION cdp._trait_column(text, text, text) IS
'the expression that makes a column of a trait';
