-- cdp.rfm_agg: from purchases to a summary.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TimeZone = 'UTC';

CREATE TABLE public.purchase (customer text, at timestamptz, amount numeric);
INSERT INTO public.purchase VALUES
	('ann', '2026-01-01 09:00', 10), ('ann', '2026-01-01 18:00', 5.50),
	('ann', '2026-01-15 12:00', 20), ('ann', '2026-02-12 23:59', 30.10),
	('bob', '2026-02-01 10:00', 99),
	-- free, returned the same day, and seen too late
	('cyd', '2026-01-05 10:00', 0), ('cyd', '2026-01-08 10:00', 7),
	('cyd', '2026-01-20 10:00', 40), ('cyd', '2026-01-20 20:00', -40),
	('cyd', '2026-03-05 00:00', 50),
	('dan', '2026-01-05 10:00', -3),
	('eve', NULL, 5), ('eve', '2026-01-05 10:00', NULL);

-- in weeks, a day counts once; as of midnight the day before has ended
SELECT customer, cdp.rfm_agg(at, amount, '2026-03-05') FROM public.purchase GROUP BY customer ORDER BY customer;
-- in days; in hours, each hour by itself; each instant; by week
SELECT cdp.rfm_agg(at, amount, '2026-03-05', '1 day') FROM public.purchase WHERE customer = 'ann';
SELECT cdp.rfm_agg(at, amount, '2026-03-05', '1 hour', 'hour') FROM public.purchase WHERE customer = 'ann';
SELECT cdp.rfm_agg(at, amount, '2026-03-05', '1 day', 'instant') FROM public.purchase WHERE customer = 'ann';
SELECT cdp.rfm_agg(at, amount, '2026-03-05', '7 days', 'week') FROM public.purchase WHERE customer = 'ann';
-- whose midnight: in Auckland the evening of the 1st is the 2nd
SELECT cdp.rfm_agg(at, amount, '2026-03-05', '1 day', 'day', 'Pacific/Auckland') FROM public.purchase WHERE customer = 'ann';
-- an event at exactly the as-of time is not yet seen
SELECT cdp.x(cdp.rfm_agg(at, amount, '2026-02-12 23:59')) AS at_it, cdp.x(cdp.rfm_agg(at, amount, '2026-02-13 00:00')) AS after
FROM public.purchase WHERE customer = 'ann';
-- amounts add up exactly: 0.1 + 0.2 - 0.3 is no purchase
SELECT cdp.rfm_agg('2026-01-01', amount, '2026-02-01') IS NULL AS none FROM (VALUES (0.1), (0.2), (-0.3)) AS row (amount);
-- nothing at all
SELECT cdp.rfm_agg(at, amount, '2026-03-05') FROM public.purchase WHERE false;

-- the same by workers
CREATE TABLE public.many AS
SELECT n % 50 AS customer, '2024-01-01'::timestamptz + (n * 7919 % 800) * interval '1 hour' * 20 AS at, (n % 90)::numeric / 7 - 1 AS amount
FROM generate_series(1, 5000) AS n;
ALTER TABLE public.many SET (parallel_workers = 3);
CREATE TABLE public.single AS SELECT customer, cdp.rfm_agg(at, amount, '2025-10-01') AS rfm FROM public.many GROUP BY customer;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*) FROM public.single
	JOIN (SELECT customer, cdp.rfm_agg(at, amount, '2025-10-01', '7 days', 'day', 'UTC') AS rfm FROM public.many GROUP BY customer) AS by_workers USING (customer)
WHERE single.rfm::text = by_workers.rfm::text;

-- the sum of a day may be larger than any one amount
SELECT cdp.m(cdp.rfm_agg(at, 9e14, '2026-03-05'))
FROM (VALUES ('2026-01-01'::timestamptz), ('2026-02-01 10:00'), ('2026-02-01 11:00')) AS given (at);

-- what is refused, in this process or in a worker
\set SHOW_CONTEXT never
SELECT cdp.rfm_agg(at, amount, '2026-03-05', '1 day', 'year') FROM public.purchase;
SELECT cdp.rfm_agg(at, amount, '2026-03-05', '-1 day') FROM public.purchase;
SELECT cdp.rfm_agg(at, amount, at) FROM public.purchase WHERE customer = 'ann';
SELECT cdp.rfm_agg(at, amount, 'infinity') FROM public.purchase;
SELECT cdp.rfm_agg(at, 'NaN', '2026-03-05') FROM public.purchase;
SELECT cdp.rfm_agg(at, 1e15, '2026-03-05') FROM public.purchase;
SELECT cdp.rfm_agg(at, amount, '2026-03-05', '1 day', 'day', 'Atlantis') FROM public.purchase;
DROP TABLE public.purchase, public.many, public.single;
