CREATE TABLE cdp.journey_rule (
	position integer PRIMARY KEY,
	stage text COLLATE "C" NOT NULL UNIQUE CHECK (stage ~ '^[a-z][a-z0-9_]{0,50}$'),
	predicate cdp.predicate NOT NULL,
	description text,
	segment_id integer REFERENCES cdp.segment_definition ON DELETE SET NULL
);
COMMENT ON TABLE cdp.journey_rule IS
'the stages of the customers'' journey, your own: a profile is in the last one, by position, whose predicate is true of it';
COMMENT ON COLUMN cdp.journey_rule.segment_id IS
'the segment journey_<stage>, which cdp.start_journey() made; NULL: not started';
INSERT INTO cdp.journey_rule (position, stage, predicate, description) VALUES
	(10, 'lapsed', 'did(order)', 'has bought, but nothing of what follows is true any more'),
	(20, 'visiting', 'did(any, 90 days)', 'was here within a quarter'),
	(30, 'interested', 'count(product_view, 30 days) >= 2 or did(search, 30 days)', 'looks for something'),
	(40, 'intending', 'did(cart_add, 14 days) or did(checkout, 14 days)', 'has put something into the cart'),
	(50, 'buying', 'did(order, 365 days)', 'has bought within a year'),
	(60, 'loyal', 'count(order, 365 days) >= 3', 'has bought three times within a year');
CREATE TRIGGER check_stage BEFORE INSERT OR UPDATE OF predicate ON cdp.journey_rule
	FOR EACH ROW EXECUTE FUNCTION cdp._check_stage();
CREATE TRIGGER drop_stage AFTER DELETE ON cdp.journey_rule
	FOR EACH ROW WHEN (OLD.segment_id IS NOT NULL)
	EXECUTE FUNCTION cdp._drop_stage();
CREATE TRIGGER follow_stages
	AFTER INSERT OR DELETE OR UPDATE OF position, stage, predicate, description
	ON cdp.journey_rule
	FOR EACH STATEMENT EXECUTE FUNCTION cdp._follow_stages();

CREATE FUNCTION cdp.journey_stage(
	profile_id bigint,
	as_of timestamptz DEFAULT cdp.clock())
RETURNS TABLE (stage text, "position" integer, since timestamptz, time_in_stage interval)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._journey_stage($1, coalesce($2, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.journey_stage(bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.journey_stage(bigint, timestamptz) IS
'the stage of the journey that a profile is in, and since when, as far back as segments tell (cdp.start_journey()); no row: in none';

CREATE FUNCTION cdp.journey_flow(
	since timestamptz,
	until timestamptz DEFAULT cdp.clock())
RETURNS TABLE (from_stage text, to_stage text, profiles bigint)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._journey_flow($1, $2)
$$;
REVOKE ALL ON FUNCTION cdp.journey_flow(timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.journey_flow(timestamptz, timestamptz) IS
'how many profiles were in which stage of the journey at one instant and in which at another; NULL: in none';
