-- The store of privacy.sh.
SET client_min_messages = warning;
CREATE EXTENSION cdp;
SELECT cdp.setup(time_zone => 'UTC', default_region => 'DE', currency => 'EUR'), cdp.add_source('web');
SELECT setseed(0.5);
SELECT cdp.define_segment('buyers', 'count(order) > 0'), cdp.add_destination('mailer', 'csv'),
	cdp.add_audience('letters', 'buyers', 'marketing', 'email', 'mailer');
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_build_object('type', 'identify', 'messageId', 'i' || n, 'userId', 'u' || n, 'anonymousId', 'c' || n,
	'timestamp', '2025-06-01T00:00:00Z', 'traits', jsonb_build_object('email', 'person' || n || '@example.com',
		'first_name', 'First' || n % 500, 'city', 'City' || n % 300),
	'consent', jsonb_build_array(jsonb_build_object('purpose', 'marketing', 'channel', 'email', 'state', 'granted', 'at', '2025-06-01T00:00:00Z')))::text
FROM generate_series(1, :profiles) AS n;
CALL cdp.merge();

-- one set a profile, in random order of activity
CREATE TABLE owner AS
SELECT set_id, row_number() OVER (ORDER BY random())::integer AS n FROM cdp._set_profile;
ALTER TABLE owner ADD PRIMARY KEY (n);
ANALYZE owner;
SELECT cdp._make_event_months(ARRAY(SELECT (date '2025-06-01' + make_interval(months => n))::date FROM generate_series(0, 11) AS n));
SELECT cdp._timeline_learn_names('{page_view,product_view,order}');
INSERT INTO cdp.event (source_id, message_id, name, occurred_at, received_at, set_id, amount, properties)
SELECT 1, 'e' || number, name, at, at, owner.set_id, CASE WHEN name = 'order' THEN 10 END,
	jsonb_build_object('product_id', 'p' || number % 2000)
FROM (
	SELECT number, floor(power(random(), 2) * :profiles)::integer + 1 AS n,
		(ARRAY['page_view', 'page_view', 'page_view', 'product_view', 'order'])[1 + floor(random() * 5)::integer] AS name,
		date_trunc('milliseconds', timestamptz '2026-06-01 00:00+00' - random() * interval '364 days') AS at
	FROM generate_series(1, :events) AS number
	OFFSET 0) AS made
JOIN owner USING (n)
ORDER BY at;
ANALYZE cdp.event;
SELECT cdp._timeline_make(NULL);
SELECT cdp.rebuild_profiles();
CALL cdp.merge();
SELECT count(*) FROM cdp.audience_delta('letters');
VACUUM (ANALYZE);
