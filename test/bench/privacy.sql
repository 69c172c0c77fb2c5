-- The store of privacy.sh.  Persons come by the inbox and a merge run, each
-- with a first event.  The other events, 49 in 50 at the sizes of the target, are
-- written as ingest leaves them (log and message ledger), month by month, and all
-- that follows from them is made by the store's own functions: timelines,
-- profiles, scores, segments, an audience that was released.
SET client_min_messages = warning;
SET work_mem = '512MB';
CREATE EXTENSION cdp;
SELECT cdp.setup(time_zone => 'UTC', default_region => 'DE', currency => 'EUR'), cdp.add_source('web');
SELECT setseed(0.5);
SELECT cdp.define_segment('buyers', 'count(order) > 0'), cdp.add_destination('mailer', 'csv'),
	cdp.add_audience('letters', 'buyers', 'marketing', 'email', 'mailer');
\timing on
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_build_object('type', 'identify', 'messageId', 'i' || n, 'userId', 'u' || n, 'anonymousId', 'c' || n,
	'timestamp', '2025-06-01T00:00:00Z', 'traits', jsonb_build_object('email', 'person' || n || '@example.com',
		'first_name', 'First' || n % 500, 'city', 'City' || n % 300),
	'consent', jsonb_build_array(jsonb_build_object('purpose', 'marketing', 'channel', 'email', 'state', 'granted', 'at', '2025-06-01T00:00:00Z')))::text
FROM generate_series(1, :profiles) AS n
UNION ALL
SELECT 'web', jsonb_build_object('type', 'track', 'event', 'sign_up', 'messageId', 's' || n, 'userId', 'u' || n,
	'anonymousId', 'c' || n, 'timestamp', timestamptz '2025-06-01 00:00:00Z' + n * interval '1 second')::text
FROM generate_series(1, :profiles) AS n;
CALL cdp.merge();

-- the set that events come with, in random order of activity
CREATE TABLE owner AS
SELECT set_id, row_number() OVER (ORDER BY random())::integer AS n
FROM cdp.event WHERE name = 'sign_up';
ALTER TABLE owner ADD PRIMARY KEY (n);
ANALYZE owner;
SELECT cdp._make_event_months(ARRAY(SELECT (date '2025-06-01' + make_interval(months => n))::date FROM generate_series(0, 11) AS n));
SELECT cdp._timeline_learn_names('{page_view,product_view,search,cart_add,order,email_open,email_click}');

-- one statement a month
SELECT format($statement$
INSERT INTO cdp.event (source_id, message_id, name, occurred_at, received_at, set_id, amount, properties)
SELECT 1, message_id, name, at, at, owner.set_id,
	CASE WHEN name = 'order' THEN (500 + number %% 20000) / 100.0 END,
	CASE WHEN name IN ('order', 'cart_add', 'product_view') THEN
		jsonb_build_object('product_id', 'p' || number %% 2000, 'category', 'c' || number %% 20) ELSE '{}' END
FROM (
	SELECT number, md5('e%3$s-' || number)::uuid::text AS message_id,
		floor(power(random(), 2) * %4$s)::integer + 1 AS n,
		(ARRAY['page_view', 'page_view', 'page_view', 'page_view', 'page_view', 'product_view', 'product_view',
			'search', 'cart_add', 'order', 'email_open', 'email_click'])[1 + floor(random() * 12)::integer] AS name,
		date_trunc('milliseconds', timestamptz %1$L + random() * (timestamptz %2$L - timestamptz %1$L)) AS at
	FROM generate_series(1, %5$s) AS number
	OFFSET 0) AS made
JOIN owner USING (n)
ORDER BY at
$statement$, first_of, first_of + interval '1 month' - interval '1 second', month, :profiles,
	(:events - :profiles) / 12)
FROM generate_series(0, 11) AS month
CROSS JOIN LATERAL (SELECT timestamptz '2025-06-01 00:00+00' + make_interval(months => month) AS first_of) AS starts
\gexec
INSERT INTO cdp.message (source_id, key)
SELECT source_id, message_id::uuid FROM cdp.event WHERE name <> 'sign_up' ORDER BY 1, 2;
INSERT INTO cdp.ingest_tally (source, records, stored, duplicates, rejected, without_key)
SELECT 'web', count(*), count(*), 0, 0, 0 FROM cdp.event WHERE name <> 'sign_up';
VACUUM (ANALYZE) cdp.event, cdp.message;
SELECT cdp._timeline_make(NULL);
VACUUM (ANALYZE) cdp.timeline_chunk;
SELECT cdp.rebuild_profiles();
VACUUM (ANALYZE) cdp.profile_current;
CALL cdp.merge();
SELECT count(*) FROM cdp.audience_delta('letters');
VACUUM (ANALYZE);
