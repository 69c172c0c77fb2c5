-- people.sql: who shops at Bean & Leaf, a small shop for coffee and tea.
--
-- The demo's data is made here, from nothing but a counter: chance is a hash
-- of a text, so every run on every server makes the same shop.  Its two years
-- end on 1 June 2026 at noon, which the demo sets as cdp.test_clock.  :people is
-- how many there are: 3000 in the demo, fewer in tests.
CREATE SCHEMA shop;
SET search_path = shop, pg_catalog;

-- A number in [0, 1) that looks random and depends on the key alone.
CREATE FUNCTION chance(key text) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ('x' || substr(md5(key), 1, 8))::bit(32)::bigint / 4294967296.0;

CREATE FUNCTION pick(choices text[], key text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN choices[1 + floor(shop.chance(key) * cardinality(choices))::int];

-- The time as the shop's systems write it.
CREATE FUNCTION stamp(at timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

CREATE TABLE span AS
SELECT timestamptz '2024-06-01 00:00+00' AS opens,
	timestamptz '2026-06-01 12:00+00' AS closes;

CREATE TABLE product (
	product_no integer PRIMARY KEY,
	product_id text NOT NULL,
	name text NOT NULL,
	category text NOT NULL,
	price numeric NOT NULL
);
INSERT INTO product VALUES
	(1, 'espresso-1kg', 'Espresso Napoli 1 kg', 'coffee', 24.90),
	(2, 'filter-1kg', 'Filter Roast 1 kg', 'coffee', 22.90),
	(3, 'decaf-500', 'Decaf 500 g', 'coffee', 14.50),
	(4, 'yirga-250', 'Yirgacheffe 250 g', 'coffee', 11.90),
	(5, 'assam-250', 'Assam 250 g', 'tea', 9.90),
	(6, 'sencha-100', 'Sencha 100 g', 'tea', 12.90),
	(7, 'earlgrey-250', 'Earl Grey 250 g', 'tea', 10.90),
	(8, 'rooibos-250', 'Rooibos 250 g', 'tea', 7.90),
	(9, 'moka-pot', 'Moka Pot', 'kitchen', 34.00),
	(10, 'grinder', 'Hand Grinder', 'kitchen', 89.00),
	(11, 'kettle', 'Gooseneck Kettle', 'kitchen', 64.00),
	(12, 'mug-set', 'Mug Set', 'kitchen', 29.00);

CREATE TABLE town (town_no integer PRIMARY KEY, city text, postal_code text, region text);
INSERT INTO town VALUES
	(1, 'Hamburg', '20095', 'North'), (2, 'Bremen', '28195', 'North'),
	(3, 'Kiel', '24103', 'North'), (4, 'München', '80331', 'South'),
	(5, 'Nürnberg', '90402', 'South'), (6, 'Freiburg', '79098', 'South'),
	(7, 'Köln', '50667', 'West'), (8, 'Münster', '48143', 'West'),
	(9, 'Leipzig', '04109', 'East'), (10, 'Berlin', '10115', 'East');

-- Each person buys at a rate of their own and stops for good at some time.
CREATE TABLE person AS
WITH names AS (
	SELECT n,
		pick('{Anna,Ben,Clara,David,Emilia,Finn,Greta,Hannah,Ida,Jonas,Katharina,Leon,Lukas,Maja,Nele,Oskar,Paula,Renée,Sofia,Theo,Uwe,Vera,Wim,Yusuf,Zoë,José}',
			'first' || n) AS first_name,
		pick('{Albrecht,Bauer,Çelik,Dietrich,Engel,Fischer,Groß,Hoffmann,Ivanov,Jäger,Krüger,Lehmann,Müller,Nowak,Otto,Peters,Quandt,Richter,Schäfer,Thiel,Ulrich,Vogel,Weiß,Yılmaz,Zimmermann}',
			'last' || n) AS last_name
	FROM generate_series(1, :people) AS n
)
SELECT n, first_name, last_name,
	lower(translate(first_name, 'éëÉ', 'eeE')) || '.' || n || '@'
		|| pick('{example.com,example.org,example.net,mail.example}', 'domain' || n) AS email,
	'15' || lpad((200000000 + n * 7919)::text, 9, '0') AS phone_digits,
	town.city, town.postal_code, town.region,
	date '1950-01-01' + floor(chance('birth' || n) * 20000)::int AS birth_date,
	joined_at, joined_at + make_interval(secs =>
		-ln(1 - chance('stay' || n)) * (60 + 500 * chance('loyal' || n)) * 86400) AS leaves_at,
	0.004 + 0.04 * chance('rate' || n) ^ 3 AS orders_per_day,
	-- where they buy: most have a favourite
	CASE WHEN chance('channel' || n) < 0.5 THEN 'web'
		WHEN chance('channel' || n) < 0.7 THEN 'app' ELSE 'till' END AS favourite,
	'c-' || substr(md5('cookie' || n), 1, 12) AS cookie,
	'c-' || substr(md5('second cookie' || n), 1, 12) AS second_cookie,
	'd-' || substr(md5('device' || n), 1, 12) AS device,
	'u-' || 100000 + n AS user_no,
	chance('account' || n) < 0.75 AS has_account,
	-- both CRMs number their customers from 4000 on
	CASE WHEN chance('north' || n) < 0.35 THEN 4000 + n / 3 * 2 + n % 2 END AS north_no,
	CASE WHEN chance('south' || n) < 0.35 THEN 4000 + n / 3 * 2 + n % 2 END AS south_no,
	-- families of three share a tablet
	CASE WHEN n BETWEEN 101 AND 280 THEN 'tablet-' || (n - 101) / 3 END AS tablet
FROM names
	JOIN town ON town_no = 1 + floor(chance('town' || n) ^ 1.4 * 10)::int
	CROSS JOIN LATERAL (
		SELECT opens + make_interval(secs => chance('joined' || n) * 0.97
			* extract(epoch FROM closes - opens)) AS joined_at
		FROM span
	) AS joining;
ALTER TABLE person ADD PRIMARY KEY (n);

-- Two people for the story: Mara, whom it is about, and Jon, who has Mara's
-- customer number in the other CRM.
UPDATE person
SET first_name = 'Mara', last_name = 'Lindner', email = 'mara.lindner@example.com',
	phone_digits = '1715550101', city = 'Hamburg', postal_code = '20095', region = 'North',
	birth_date = '1988-04-12', joined_at = '2025-05-20 19:12:00+00',
	leaves_at = '2027-01-01', orders_per_day = 0, favourite = 'web',
	cookie = 'c-71f0a2', second_cookie = 'c-9be441', has_account = true,
	north_no = 4711, south_no = NULL, tablet = NULL
WHERE n = 1;
UPDATE person SET north_no = NULL, south_no = 4711, first_name = 'Jon', last_name = 'Kranz'
WHERE n = 2;
UPDATE person SET north_no = NULL WHERE n > 2 AND north_no = 4711;
UPDATE person SET south_no = NULL WHERE n > 2 AND south_no = 4711;
