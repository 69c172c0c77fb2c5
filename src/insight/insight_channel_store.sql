INSERT INTO cdp.setting (name, value, description, kind) VALUES
	('response_prior', '10', 'the response rate of a profile is drawn to that of all, as if it had been sent so many more', 'integer');

CREATE TABLE cdp.channel_rule (
	event text COLLATE "C" PRIMARY KEY,
	channel text COLLATE "C" CHECK (channel <> ''),
	role text COLLATE "C" NOT NULL CHECK (role IN ('sent', 'response', 'contact'))
);
COMMENT ON TABLE cdp.channel_rule IS
'events by which people are met: sent is what they got, response what they did because of that, contact what they did by themselves';
COMMENT ON COLUMN cdp.channel_rule.channel IS
'NULL: the event''s own property channel, where timelines hold it';
INSERT INTO cdp.channel_rule (event, channel, role) VALUES
	('email_sent', 'email', 'sent'), ('email_open', 'email', 'response'), ('email_click', 'email', 'response'),
	('sms_sent', 'sms', 'sent'), ('sms_click', 'sms', 'response'),
	('push_sent', 'push', 'sent'), ('push_open', 'push', 'response'),
	('page_view', 'web', 'contact'), ('product_view', 'web', 'contact'), ('search', 'web', 'contact'),
	('cart_add', 'web', 'contact'), ('checkout', 'web', 'contact'),
	('screen_view', 'app', 'contact'), ('call', 'phone', 'contact'), ('chat', 'chat', 'contact'),
	('order', NULL, 'contact');

CREATE TABLE cdp.usual_response (
	channel text COLLATE "C" PRIMARY KEY,
	sends bigint NOT NULL,
	answered bigint NOT NULL,
	rate double precision NOT NULL,
	as_of timestamptz NOT NULL
);
COMMENT ON TABLE cdp.usual_response IS
'derived: how many sends of each channel are answered, of all profiles; made by the merge run every cdp.setting insight_every';

CREATE FUNCTION cdp.channel_preference(
	profile_id bigint,
	as_of timestamptz DEFAULT cdp.clock())
RETURNS TABLE (
	channel text,
	share double precision,
	days bigint,
	sends bigint,
	answered bigint,
	response_rate double precision,
	usual_rate double precision,
	best_hour integer,
	best_weekday integer,
	time_zone text,
	last_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._channel_preference($1, coalesce($2, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.channel_preference(bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.channel_preference(bigint, timestamptz) IS
'where a profile likes to be met, best first: the share of each channel in its days, sends and how many it answered, the response rate drawn to that of all, and the hour and weekday (1 Monday) of its own time zone at which it is there most';
