-- load_records.sql: records as SDKs send them, from a fixed seed.  A year of a shop: people come back under a cookie that changes now
-- and then, some log in, some buy, a mailing and a CRM know them by e-mail.
CREATE SCHEMA bench;

-- CPU seconds that this backend has used, to the nanosecond.
CREATE FUNCTION bench.cpu() RETURNS double precision
LANGUAGE sql VOLATILE
RETURN split_part(pg_read_file('/proc/' || pg_backend_pid() || '/schedstat'), ' ', 1)::double precision / 1e9;

-- How much of it something took.
CREATE TABLE bench.took (what text, seconds double precision);
CREATE PROCEDURE bench.start() LANGUAGE sql
AS $$ SELECT set_config('bench.started', bench.cpu()::text, false) $$;
CREATE PROCEDURE bench.stop(what text) LANGUAGE sql
AS $$ INSERT INTO bench.took SELECT what, bench.cpu() - current_setting('bench.started')::double precision $$;

-- A number from 0 to 1 that belongs to a thing for ever.
CREATE FUNCTION bench.chance(thing bigint, salt integer) RETURNS double precision
LANGUAGE sql IMMUTABLE
RETURN (hashint8extended(thing, salt) & 1048575) / 1048576.0;

-- What happens: one row a record, in the order of time; one in a hundred is
-- sent again.
CREATE FUNCTION bench.act(records bigint, first bigint, last bigint) RETURNS TABLE (
	n bigint, person bigint, what double precision, cookie text, account text,
	email text, sent_at text, message_id text)
LANGUAGE sql STABLE AS $$
	SELECT n, person, bench.chance(n, 1),
		CASE WHEN bench.chance(n, 4) < 0.01 THEN 'home-' || person / 4
			ELSE md5(person || '-' || floor(bench.chance(n, 5) ^ 3 * 3)) END,
		CASE WHEN bench.chance(person, 6) < 0.5 THEN 'u' || person END,
		'person' || person || '@mail' || person % 7 || '.example',
		to_char('2025-01-01'::timestamp + n * (interval '1 year' / records), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
		CASE WHEN n % 2 = 0 THEN md5('message' || n)::uuid::text
			ELSE 'ajs-next-' || 1735689600000 + n * 31536 || '-' || md5('message' || n)::uuid END
	FROM (SELECT n, floor(records / 12.0 * bench.chance(n, 2) ^ 2)::bigint AS person
		FROM (SELECT CASE WHEN line % 100 = 99 THEN line - 40 ELSE line END AS n
			FROM generate_series(first, last) AS line) AS sent) AS visit
$$;

CREATE FUNCTION bench.product(n bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object('product_id', 'p-' || 1 + n % 997, 'name', 'Product ' || 1 + n % 997,
	'category', (ARRAY['coffee', 'tea', 'kitchen', 'books'])[1 + n % 4],
	'price', round((500 + n % 9500) / 100.0, 2), 'quantity', 1 + n % 3, 'currency', 'EUR');

CREATE FUNCTION bench.context(n bigint, person bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object(
	'library', jsonb_build_object('name', 'analytics.js', 'version', 'npm:next-1.70.0'),
	'locale', 'de-DE', 'timezone', 'Europe/Berlin',
	'page', jsonb_build_object('path', '/shop/' || n % 997, 'referrer', '', 'search', '',
		'title', 'Shop ' || n % 997, 'url', 'https://shop.example/shop/' || n % 997),
	'userAgent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/'
		|| 100 + person % 30 || '.0.0.0 Safari/537.36');

-- The lines from first to last of so many.  Of a hundred: 50 pages, 20 products seen, 7 put into carts, 8 orders,
-- 5 logins with traits, 8 mails opened, 2 contacts of the CRM.
CREATE FUNCTION bench.lines(records bigint, first bigint DEFAULT 1, last bigint DEFAULT NULL)
RETURNS TABLE (n bigint, source text, line text)
LANGUAGE sql STABLE AS $$
	SELECT n,
		CASE WHEN what < 0.90 THEN 'web' WHEN what < 0.98 THEN 'mail' ELSE 'crm' END,
		jsonb_strip_nulls(jsonb_build_object('messageId', message_id, 'timestamp', sent_at) || CASE
			WHEN what < 0.90 THEN jsonb_build_object('anonymousId', cookie,
				'userId', CASE WHEN what >= 0.77 OR bench.chance(n, 7) < 0.2 THEN account END,
				'context', bench.context(n, person))
			WHEN what < 0.98 THEN jsonb_build_object('traits', jsonb_build_object('email', email))
			ELSE jsonb_build_object('externalIds', jsonb_build_array(jsonb_build_object('type', 'crm_id', 'id', 'c' || person)))
			END || CASE
			WHEN what < 0.50 THEN jsonb_build_object('type', 'page', 'name', 'Shop',
				'properties', jsonb_build_object('path', '/shop/' || n % 997, 'referrer', '', 'search', '',
					'title', 'Shop ' || n % 997, 'url', 'https://shop.example/shop/' || n % 997))
			WHEN what < 0.70 THEN jsonb_build_object('type', 'track', 'event', 'Product Viewed', 'properties', bench.product(n))
			WHEN what < 0.77 THEN jsonb_build_object('type', 'track', 'event', 'Product Added', 'properties', bench.product(n))
			WHEN what < 0.85 THEN jsonb_build_object('type', 'track', 'event', 'Order Completed', 'properties', jsonb_build_object(
				'order_id', 'o-' || n, 'total', round((500 + n % 19500) / 100.0, 2), 'currency', 'EUR', 'email', email,
				'products', jsonb_build_array(bench.product(n), bench.product(n + 5))))
			WHEN what < 0.90 THEN jsonb_build_object('type', 'identify', 'traits', jsonb_build_object(
				'email', email, 'firstName', 'First' || person % 700, 'lastName', 'Last' || person % 3000,
				'address', jsonb_build_object('city', 'City ' || person % 90, 'country', 'DE', 'postalCode', (10000 + person % 80000)::text)))
			WHEN what < 0.98 THEN jsonb_build_object('type', 'track', 'event', 'Email Opened',
				'properties', jsonb_build_object('campaign_id', 'm' || n % 50))
			ELSE jsonb_build_object('type', 'identify', 'traits', jsonb_build_object('email', email,
				'phone', '+4930' || 10000000 + person, 'crm_stage', 'stage ' || n % 5))
			END)::text
	FROM bench.act(records, first, coalesce(last, records))
$$;
