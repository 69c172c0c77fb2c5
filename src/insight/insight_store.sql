-- The answers to questions; each family has its own insight_<family>_store.sql,
-- which follow in the order of their names.
INSERT INTO cdp.setting (name, value, description, kind) VALUES
	('insight_every', '1 day', 'a merge run makes anew what answers compare a profile with (usual interests, products bought together) when that is older than this', 'interval');

CREATE TABLE cdp.insight_run (
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	as_of timestamptz NOT NULL,
	last_event_id bigint NOT NULL,
	last_set_id bigint NOT NULL
);
COMMENT ON TABLE cdp.insight_run IS
'one row: when what answers compare profiles with was last made';
COMMENT ON COLUMN cdp.insight_run.last_event_id IS
'the last number given to an event by then: they are made anew early when the log has grown by half';
COMMENT ON COLUMN cdp.insight_run.last_set_id IS
'the last number of an identifier set by then, likewise';

CREATE FUNCTION cdp.refresh_insights() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._refresh_insights(cdp.clock())
$$;
REVOKE ALL ON FUNCTION cdp.refresh_insights() FROM PUBLIC;
COMMENT ON FUNCTION cdp.refresh_insights() IS
'make anew what answers compare profiles with: usual interests, products bought together, best sellers; returns how many rows';

-- What the catalogue says of a product at an instant.  Inlined where it is used:
-- called for each of the hundreds of products that somebody has looked at, a
-- function would cost more than all the rest.
CREATE FUNCTION cdp._catalog_row(product_id text, at timestamptz)
RETURNS TABLE (name text, category text, price numeric, currency text, stock integer)
LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
	SELECT known.name, known.category, known.price::numeric, known.currency, known.stock
	FROM cdp.catalog AS known
	WHERE known.product_id = $1 AND known.valid_from <= $2
		AND (known.valid_to > $2 OR known.valid_to IS NULL)
	ORDER BY known.valid_from DESC
	LIMIT 1;
END;
COMMENT ON FUNCTION cdp._catalog_row(text, timestamptz) IS
'what the catalogue says of a product at an instant; no row: nothing';

-- All profiles at once, but for the restricted.  Nearly all have one chunk, so
-- only later ones are gathered.  Inlined as well.
CREATE FUNCTION cdp._all_chunks() RETURNS TABLE (profile_id bigint, chunks cdp.timeline[])
LANGUAGE sql STABLE ROWS 100000
BEGIN ATOMIC
	SELECT first.profile_id, CASE WHEN later.chunks IS NULL THEN ARRAY[first.data]
		ELSE array_prepend(first.data, later.chunks) END
	FROM cdp.timeline_chunk AS first
	LEFT JOIN (
		SELECT chunk.profile_id, array_agg(chunk.data ORDER BY chunk.chunk) AS chunks
		FROM cdp.timeline_chunk AS chunk
		WHERE chunk.chunk > 1
		GROUP BY chunk.profile_id
	) AS later ON later.profile_id = first.profile_id
	WHERE first.chunk = 1 AND NOT EXISTS (
		SELECT FROM cdp._restricted_profile AS kept
		WHERE kept.profile_id = first.profile_id);
END;
COMMENT ON FUNCTION cdp._all_chunks() IS
'the timelines of all profiles that are not restricted';
