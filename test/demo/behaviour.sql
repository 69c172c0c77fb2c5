-- behaviour.sql: what the people did: visits, carts and orders.

-- Purchases come at exponential gaps until the person leaves.
CREATE TABLE purchase AS
WITH gap AS (
	SELECT n, k, joined_at, leaves_at,
		sum(CASE WHEN k = 1 THEN chance('start' || n) * 20
			ELSE -ln(1 - chance('gap' || n || ':' || k)) / orders_per_day END)
			OVER (PARTITION BY n ORDER BY k) AS days
	FROM person, generate_series(1, 45) AS k
	WHERE n > 2 AND chance('buys' || n) < 0.85
), made AS (
	SELECT n, k, joined_at + make_interval(secs => days * 86400) AS at
	FROM gap, span
	WHERE joined_at + make_interval(secs => days * 86400) < least(leaves_at, closes)
	UNION ALL
	-- Mara: a bag of beans every month, then silence
	SELECT 1, k::int, timestamptz '2025-06-02 18:40:00+00' + (k - 1) * interval '30 days 5 hours'
		+ chance('mara' || k) * interval '3 days'
	FROM generate_series(1, 10) AS k
	UNION ALL
	SELECT 2, 1, timestamptz '2025-09-01 10:00:00+00'
)
SELECT n, k, date_trunc('milliseconds', at) AS at,
	'o-' || n || '-' || k AS order_id,
	CASE WHEN n = 1 THEN CASE k WHEN 4 THEN 'till' WHEN 7 THEN 'app' ELSE 'web' END
		WHEN chance('elsewhere' || n || ':' || k) < 0.2
			THEN pick('{web,app,till}', 'where' || n || ':' || k)
		ELSE favourite END AS channel,
	product_id, price, quantity, price * quantity AS total
FROM made
	JOIN person USING (n)
	JOIN product ON product_no = CASE
		WHEN n = 1 THEN CASE WHEN k IN (3, 8) THEN 10 - (k = 3)::int ELSE 1 END
		-- regions differ: tea in the north, espresso in the south
		WHEN chance('taste' || n || ':' || k) < 0.35 THEN
			CASE region WHEN 'North' THEN 5 WHEN 'South' THEN 1 WHEN 'West' THEN 2 ELSE 7 END
		ELSE 1 + floor(chance('product' || n || ':' || k) * 12)::int END
	CROSS JOIN LATERAL (
		SELECT CASE WHEN product_no <= 8
			THEN 1 + floor(chance('quantity' || n || ':' || k) ^ 2 * 3)::int
			ELSE 1 END AS quantity
	) AS amount;

-- Visits of the web shop and the app that end without a purchase; one in four
-- leaves something in the cart.
CREATE TABLE visit AS
SELECT n, v, date_trunc('milliseconds', joined_at + chance('visit' || n || ':' || v)
		* (least(leaves_at + interval '30 days', closes - interval '5 hours') - joined_at)) AS at,
	CASE WHEN favourite = 'app' THEN 'app' ELSE 'web' END AS channel,
	1 + floor(chance('looks' || n || ':' || v) * 12)::int AS product_no,
	chance('carts' || n || ':' || v) < 0.25 AS carts
FROM person, span, generate_series(1, 9) AS v
WHERE chance('visits' || n) * 9 >= v - 1 AND n > 2 AND favourite <> 'till'
UNION ALL
-- late visits: their carts are open when the demo looks
SELECT n, 100, closes - make_interval(hours => 6 + n % 100), 'web',
	1 + n % 12, true
FROM person, span
WHERE n % 37 = 0 OR n = 1;

-- People who only look: a cookie, a page or two, never a name.
CREATE TABLE passer_by AS
SELECT n, 'c-' || substr(md5('passer-by' || n), 1, 12) AS cookie,
	date_trunc('milliseconds', opens + chance('passes' || n) * (closes - opens)) AS at
FROM span, generate_series(1, :people / 2) AS n;
