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
