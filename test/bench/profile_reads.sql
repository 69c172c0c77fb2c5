-- The store and the plain table of profile_reads.sh.
SET client_min_messages = warning;
CREATE EXTENSION cdp;
SELECT cdp.setup(time_zone => 'UTC', default_region => 'DE', currency => 'EUR');
SELECT cdp.add_source('web', priority => 100), cdp.add_source('till', priority => 200);
SELECT setseed(0.5);

CREATE FUNCTION pg_temp.some_time() RETURNS text
LANGUAGE sql VOLATILE AS $$
	SELECT to_char(timestamp '2025-01-01' + random() * interval '500 days', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') $$;

-- customers, who come by user id, cookie, e-mail address and phone number
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_build_object('type', 'identify', 'messageId', 'i' || n,
	'userId', 'u' || n, 'anonymousId', 'c' || n, 'timestamp', pg_temp.some_time(),
	'traits', jsonb_build_object('email', 'person' || n || '@example.com',
		'phone', '+4930' || 10000000 + n, 'first_name', 'First' || n % 500,
		'last_name', 'Last' || n % 3000, 'gender', CASE WHEN n % 2 = 0 THEN 'f' ELSE 'm' END,
		'birth_date', to_char(date '1950-01-01' + n % 20000, 'YYYY-MM-DD'),
		'street', 'Street ' || n % 1000, 'city', 'City' || n % 300,
		'postal_code', (10000 + n % 80000)::text, 'country', 'DE', 'language', 'de',
		'loyalty_level', CASE WHEN n % 10 = 0 THEN 'gold' ELSE 'none' END,
		'newsletter', n % 3 = 0, 'shoe_size', 36 + n % 10))::text
FROM generate_series(1, :profiles) AS n;
-- two orders each on average: few buy often, many never
INSERT INTO cdp.inbox (source, record)
SELECT 'till', jsonb_build_object('type', 'track', 'event', 'order', 'messageId', 'o' || n,
	'userId', 'u' || 1 + floor(power(random(), 2) * :profiles)::integer,
	'timestamp', pg_temp.some_time(),
	'properties', jsonb_build_object('order_id', 'o' || n, 'total', 10 + n % 200, 'currency', 'EUR'))::text
FROM generate_series(1, 2 * :profiles) AS n;
CALL cdp.merge();

CREATE TABLE plain AS TABLE cdp.unified_profile;
ALTER TABLE plain ADD PRIMARY KEY (profile_id);
VACUUM ANALYZE;
