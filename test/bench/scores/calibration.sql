-- calibration.sql: what models fitted to the first 39 weeks of CDNOW say of the
-- next 39, and what came; see scores.sh.  After scores.sql, in its session.
--
-- The interval of a total holds chance, as of independent customers, and how well
-- the parameters are known: the ends of all customers' intervals added up, as if
-- all were wrong to the same side, which is the widest that it can be.
CREATE TEMP TABLE held AS
SELECT kind, model, customer, x_hold, spend_hold, rfm,
	cdp.p_active(model, rfm, interval '273 days') AS active, active_range.low AS active_low, active_range.high AS active_high,
	cdp.expected_purchases(model, rfm, interval '273 days') AS purchases,
	purchase_range.low AS purchases_low, purchase_range.high AS purchases_high,
	cdp.clv(model, gg, rfm, 0, interval '273 days') AS spend, spend_range.low AS spend_low, spend_range.high AS spend_high
FROM fitted, LATERAL (VALUES ('bgnbd', bg), ('mbgnbd', mbg), ('pareto_nbd', pn)) AS one (kind, model), cdnow_full39w,
	LATERAL (SELECT cdp.make_rfm(x, t_x, t, m) AS rfm OFFSET 0) AS summary,
	LATERAL cdp.p_active_interval(model, rfm, interval '273 days') AS active_range,
	LATERAL cdp.expected_purchases_interval(model, rfm, interval '273 days') AS purchase_range,
	LATERAL cdp.clv_interval(model, gg, rfm, 0, interval '273 days') AS spend_range
WHERE dataset = 'cdnow_full39w';

-- Purchases of one customer vary at least as a Poisson count does, spend as
-- that of so many purchases of the customer's mean.
SELECT kind, what, round(sum(said)::numeric) AS said,
	round((sum(low) - 1.96 * sqrt(sum(variance)))::numeric) AS low, round((sum(high) + 1.96 * sqrt(sum(variance)))::numeric) AS high,
	round(sum(did)::numeric) AS did,
	CASE WHEN sum(did) BETWEEN sum(low) - 1.96 * sqrt(sum(variance)) AND sum(high) + 1.96 * sqrt(sum(variance)) THEN 'within' ELSE 'outside' END AS verdict
FROM held, LATERAL (VALUES
	(1, 'customers who buy', active, active_low, active_high, active * (1 - active), (x_hold > 0)::int::float8),
	(2, 'purchases', purchases, purchases_low, purchases_high, purchases, x_hold),
	(3, 'revenue', spend, spend_low, spend_high, spend * spend / nullif(purchases, 0), spend_hold)) AS one (n, what, said, low, high, variance, did)
GROUP BY kind, n, what
ORDER BY kind, n;

SELECT kind AS "who buys, by tenths", band.ord AS tenth, (value -> 'customers')::int AS customers,
	round(100 * (value -> 'said')::numeric, 1) AS said, round(100 * (value -> 'happened')::numeric, 1) AS did
FROM (SELECT kind, cdp.calibration(active, x_hold > 0) AS bands FROM held GROUP BY kind) AS one,
	jsonb_array_elements(bands) WITH ORDINALITY AS band (value, ord)
ORDER BY kind, ord;
