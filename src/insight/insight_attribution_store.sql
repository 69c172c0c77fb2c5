CREATE TABLE cdp.campaign (
	campaign text COLLATE "C" NOT NULL CHECK (campaign <> ''),
	spent_on date NOT NULL,
	cost numeric(19,4) NOT NULL CHECK (cost >= 0),
	PRIMARY KEY (campaign, spent_on)
);
COMMENT ON TABLE cdp.campaign IS
'what campaigns cost, day by day: fill it with what your platforms bill';
COMMENT ON COLUMN cdp.campaign.campaign IS
'as the property campaign of events names it';
COMMENT ON COLUMN cdp.campaign.spent_on IS 'the day in the time zone of the store';
COMMENT ON COLUMN cdp.campaign.cost IS 'in the store''s currency';

CREATE FUNCTION cdp.attribution(
	conversion text DEFAULT 'order',
	"window" interval DEFAULT '30 days',
	model text DEFAULT NULL,
	since timestamptz DEFAULT '-infinity',
	until timestamptz DEFAULT cdp.clock())
RETURNS TABLE (
	model_name text,
	kind text,
	campaign text,
	touches bigint,
	conversions double precision,
	revenue double precision,
	cost numeric,
	cost_per_conversion double precision,
	return_on_cost double precision)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._attribution($1, $2, $3, coalesce($4, '-infinity'), coalesce($5, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.attribution(text, interval, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.attribution(text, interval, text, timestamptz, timestamptz) IS
'which campaigns led to the conversions from since on and before until, by one model or (NULL) each: first, last, last_non_direct, linear, position, time_decay; credits add up to the conversions, those of direct visits and of conversions without a touch included; cost and cost per conversion by cdp.campaign';
