-- scaling.sql: what scaling.sh asks, and how its customers are drawn.
SET client_min_messages = warning;
CREATE EXTENSION cdp;
\ir meter.sql
CREATE TABLE bench.cancelled (what text, units bigint, after_ms double precision, late_ms double precision);
CREATE TABLE bench.asked (n integer GENERATED ALWAYS AS IDENTITY, what text, query text);
INSERT INTO bench.asked (what, query)
SELECT one.*
FROM (VALUES (
	'{"kind":"bgnbd","params":{"r":1,"alpha":12,"a":1,"b":2.5},"covariance":[[1e-5],[1e-4,1e-2],[1e-6,1e-5,1e-4],[1e-6,1e-5,1e-4,1e-3]]}',
	'{"kind":"pareto_nbd","params":{"r":1,"alpha":12,"s":1,"beta":10}}',
	'{"kind":"gamma_gamma","params":{"p":6,"q":4,"v":15},"covariance":[[1e-3],[0,1e-3],[0,0,1e-2]]}')) AS given (model, pareto, spend), LATERAL (VALUES
	('read the rows', 'SELECT sum(x + t_x + t + m) FROM bench.customer'),
	('fit BG/NBD', 'SELECT cdp.fit_bgnbd(x, t_x, t) FROM bench.customer'),
	('fit BG/NBD, no two alike', 'SELECT cdp.fit_bgnbd(x, t_x + CASE WHEN x > 0 THEN odd ELSE 0 END, t + odd) FROM bench.customer'),
	('fit MBG/NBD', 'SELECT cdp.fit_mbgnbd(x, t_x, t) FROM bench.customer'),
	('fit Pareto/NBD', 'SELECT cdp.fit_pareto_nbd(x, t_x, t) FROM bench.customer'),
	('fit Gamma-Gamma', 'SELECT cdp.fit_gamma_gamma(x, m) FROM bench.customer'),
	('fit sBG', 'SELECT cdp.fit_sbg(tenure, ended) FROM bench.customer'),
	('fit logistic, 5 features', 'SELECT cdp.fit_logistic(left_then, ARRAY[x, t_x, t, m, tenure], 1) FROM bench.customer'),
	('score P(alive)', format('SELECT sum(cdp.p_alive(%L, x, t_x, t)) FROM bench.customer', model)),
	('score churn', format('SELECT sum(cdp.churn(%L, x, t_x, t, 12.857)) FROM bench.customer', model)),
	('score expected purchases', format('SELECT sum(cdp.expected_purchases(%L, x, t_x, t, 52)) FROM bench.customer', model)),
	('score Pareto/NBD churn', format('SELECT sum(cdp.churn(%L, x, t_x, t, 12.857)) FROM bench.customer', pareto)),
	('score value with interval', format('SELECT sum(low) FROM bench.customer, cdp.clv_interval(%L, %L, cdp.make_rfm(x, t_x, t, m))', model, spend))
) AS one (what, query);
