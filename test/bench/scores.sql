-- Compare everything with the oracle; see scores.sh.

-- Relative error; values below what a double can hold count as 0.
CREATE FUNCTION pg_temp.miss(got float8, want text) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
		WHEN want = 'undefined' THEN CASE WHEN got IS NULL THEN 0 ELSE 'inf'::float8 END
		WHEN got IS NULL OR got IN ('NaN', 'inf', '-inf') THEN 'inf'::float8
		WHEN abs(want::numeric) < 1e-290 THEN CASE WHEN abs(got) < 1e-289 THEN 0 ELSE 'inf'::float8 END
		ELSE abs((got::text::numeric - want::numeric) / want::numeric)::float8
	END
$$;

CREATE FUNCTION pg_temp.count_model(kind text, r float8, alpha float8, a float8, b float8)
RETURNS cdp.clv_model LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_build_object('kind', kind, 'params', jsonb_build_object(
		'r', r, 'alpha', alpha, 'a', a, 'b', b))::text::cdp.clv_model
$$;

CREATE FUNCTION pg_temp.spend_model(p float8, q float8, v float8)
RETURNS cdp.clv_model LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_build_object('kind', 'gamma_gamma', 'params', jsonb_build_object(
		'p', p, 'q', q, 'v', v))::text::cdp.clv_model
$$;

CREATE FUNCTION pg_temp.pareto(r float8, alpha float8, s float8, beta float8)
RETURNS cdp.clv_model LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_build_object('kind', 'pareto_nbd', 'params', jsonb_build_object(
		'r', r, 'alpha', alpha, 's', s, 'beta', beta))::text::cdp.clv_model
$$;

-- The yearly rate of a continuous one a week, to the last digit.
CREATE FUNCTION pg_temp.yearly(delta text) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
	SELECT (exp(delta::numeric(40, 30) * 365.25 / 7) - 1)::float8
$$;

CREATE TEMP TABLE result (what text, figures bigint, error float8, allowed float8);

INSERT INTO result
SELECT 'grid ' || kind || ' ' || quantity, count(*), max(pg_temp.miss(CASE quantity
		WHEN 'loglik' THEN cdp._model_customer_loglik(model, x, t_x, t)
		WHEN 'palive' THEN cdp.p_alive(model, x, t_x, t)
		ELSE cdp.expected_purchases(model, x, t_x, t, h) END, value)),
	CASE quantity WHEN 'cet' THEN 1e-9 ELSE 1e-12 END
FROM (
	SELECT 'bgnbd' AS kind, pg_temp.count_model('bgnbd', p1, p2, p3, p4) AS model, * FROM grid_bgnbd
	UNION ALL
	SELECT 'mbgnbd', pg_temp.count_model('mbgnbd', p1, p2, p3, p4), * FROM grid_mbgnbd
) AS grid
GROUP BY kind, quantity;

INSERT INTO result
SELECT 'grid pareto_nbd ' || quantity, count(*), max(pg_temp.miss(CASE quantity
		WHEN 'loglik' THEN cdp._model_customer_loglik(model, x, t_x, t)
		WHEN 'palive' THEN cdp.p_alive(model, x, t_x, t)
		WHEN 'dert' THEN cdp.dert(model, x, t_x, t, pg_temp.yearly(h::text))
		ELSE cdp.expected_purchases(model, x, t_x, t, h) END, value)), 1e-12
FROM (SELECT pg_temp.pareto(p1, p2, p3, p4) AS model, * FROM grid_pnbd) AS grid
GROUP BY quantity;

INSERT INTO result
SELECT 'grid ' || model || 'nbd dert', count(*),
	max(pg_temp.miss(cdp.dert(pg_temp.count_model(model || 'nbd', p1, p2, p3, p4), x, t_x, t, pg_temp.yearly(delta)), value)), 1e-9
FROM grid_bg_dert
GROUP BY model;

INSERT INTO result
SELECT 'grid gamma_gamma ' || quantity, count(*), max(pg_temp.miss(CASE quantity
		WHEN 'loglik' THEN cdp._model_spend_loglik(model, x, m)
		ELSE cdp.expected_spend(model, x, m) END, value)), 1e-12
FROM (SELECT pg_temp.spend_model(p1, p2, p3) AS model, * FROM grid_gg) AS grid
GROUP BY quantity;

-- Every customer of the sample, at the parameters of the oracle's fits.
INSERT INTO result
SELECT 'customers ' || what, count(*), max(pg_temp.miss(got, want::text)), allowed
FROM scores,
	(SELECT pg_temp.count_model('bgnbd', p1, p2, p3, p4) AS bg FROM fits WHERE dataset = 'cdnow_customers' AND model = 'bg') AS bg,
	(SELECT pg_temp.count_model('mbgnbd', p1, p2, p3, p4) AS mbg FROM fits WHERE dataset = 'cdnow_customers' AND model = 'mbg') AS mbg,
	(SELECT pg_temp.spend_model(p1, p2, p3) AS gg FROM fits WHERE dataset = 'cdnow_customers' AND model = 'gg') AS gg,
	(SELECT pg_temp.pareto(p1, p2, p3, p4) AS pn FROM fits WHERE dataset = 'cdnow_customers' AND model = 'pn') AS pn,
	LATERAL (VALUES
		('bgnbd p_alive', cdp.p_alive(bg, x, t_x, t), bg_palive, 1e-12),
		('bgnbd expected purchases', cdp.expected_purchases(bg, x, t_x, t, 39), bg_cet39, 1e-9),
		('mbgnbd p_alive', cdp.p_alive(mbg, x, t_x, t), mbg_palive, 1e-12),
		('mbgnbd expected purchases', cdp.expected_purchases(mbg, x, t_x, t, 39), mbg_cet39, 1e-9),
		('pareto_nbd p_alive', cdp.p_alive(pn, x, t_x, t), pn_palive, 1e-12),
		('pareto_nbd expected purchases', cdp.expected_purchases(pn, x, t_x, t, 39), pn_cet39, 1e-12),
		('pareto_nbd dert', cdp.dert(pn, x, t_x, t, 1.15 ^ (365.25::float8 / 7 / 52) - 1), pn_dert, 1e-12),
		('pareto_nbd dert times spend', cdp.dert(pn, x, t_x, t, 1.15 ^ (365.25::float8 / 7 / 52) - 1) * cdp.expected_spend(gg, x, m), pn_clv, 1e-12),
		('expected spend', cdp.expected_spend(gg, x, m), gg_spend, 1e-12)
	) AS score (what, got, want, allowed)
GROUP BY what, allowed;

-- Fits.
CREATE TEMP TABLE fitted AS
SELECT 'cdnow_customers' AS dataset, cdp.fit_bgnbd(x, t_x, t) AS bg,
	cdp.fit_mbgnbd(x, t_x, t) AS mbg, cdp.fit_gamma_gamma(x, m) AS gg,
	cdp.fit_pareto_nbd(x, t_x, t) AS pn
FROM cdnow_customers
UNION ALL
SELECT 'cdnow_full39w', cdp.fit_bgnbd(x, t_x, t), cdp.fit_mbgnbd(x, t_x, t),
	cdp.fit_gamma_gamma(x, m), cdp.fit_pareto_nbd(x, t_x, t)
FROM cdnow_full39w;

CREATE TEMP TABLE compared AS
SELECT fits.*, fit, names,
	(SELECT max(abs(cdp.model_param(fit, names[i]) / (ARRAY[p1, p2, p3, p4])[i] - 1))
		FROM generate_subscripts(names, 1) AS i) AS params,
	(SELECT max(abs(cdp.model_standard_error(fit, names[i]) / (ARRAY[se1, se2, se3, se4])[i] - 1))
		FROM generate_subscripts(names, 1) AS i) AS errors
FROM fitted JOIN fits USING (dataset),
	LATERAL (VALUES ('bg', bg, ARRAY['r', 'alpha', 'a', 'b']), ('mbg', mbg, ARRAY['r', 'alpha', 'a', 'b']),
		('gg', gg, ARRAY['p', 'q', 'v']), ('pn', pn, ARRAY['r', 'alpha', 's', 'beta'])) AS one (kind, fit, names)
WHERE kind = model;

INSERT INTO result
SELECT 'fit ' || dataset || ' ' || model || ' ' || what, 1, error, allowed
FROM compared, LATERAL (VALUES
	('loglik short by', greatest(loglik - cdp.model_loglik(fit), 0), 1e-6),
	('parameters', params, CASE model WHEN 'pn' THEN 1e-4 ELSE 1e-5 END), ('standard errors', errors, 1e-3),
	('not converged', (cdp.model_status(fit) <> 'converged')::int, 0)) AS one (what, error, allowed)
WHERE error IS NOT NULL;

-- From transactions: the published summary, exactly.  It counts free orders
-- as purchases, which cdp.rfm_agg refuses: customers with one are left out.
INSERT INTO result
SELECT 'rfm_agg against the published summary', count(*),
	max(greatest(abs(cdp.x(rfm) - x), abs(cdp.t_x(rfm) - t_x), abs(cdp.t(rfm) - t), abs(cdp.m(rfm) - m))), 1e-9
FROM cdnow_full39w
JOIN (SELECT customer, cdp.rfm_agg(day, amount, '1997-10-01') AS rfm FROM cdnow_tx GROUP BY customer) AS made USING (customer)
WHERE NOT (rfm::jsonb ? 'refused');

-- Contracts: the curves of the paper, of 1000 customers each.
INSERT INTO result
SELECT 'fit ' || dataset || ' ' || what, 1, error, allowed
FROM (
	SELECT dataset, cdp.fit_sbg(least(year, 7), year <= 7, customers) AS fit
	FROM (VALUES ('sbg_highend', '{131,126,90,60,42,34,26,491}'::int[]), ('sbg_regular', '{369,163,86,56,37,27,21,241}')) AS curve (dataset, lost),
		unnest(lost) WITH ORDINALITY AS u (customers, year)
	GROUP BY dataset
) AS fitted JOIN fits_sbg USING (dataset), LATERAL (VALUES
	('loglik short by', greatest(loglik - cdp.model_loglik(fit), 0), 1e-6),
	('parameters', greatest(abs(cdp.model_param(fit, 'alpha') / p1 - 1), abs(cdp.model_param(fit, 'beta') / p2 - 1)), 1e-5)
	) AS one (what, error, allowed);

-- Telco: coefficients of standardised features, and ten folds by customer id.
INSERT INTO result
SELECT 'telco ' || what, 23, max(one.error), allowed
FROM (SELECT cdp.fit_logistic(churned, features, 0) AS fit FROM telco) AS fitted, telco_reference AS reference,
	LATERAL (SELECT 'x' || position - 1 AS name) AS named,
	LATERAL (VALUES ('coefficients', abs(cdp.model_param(fit, name) * sd - coefficient), 1e-8),
		('standard errors', abs(cdp.model_standard_error(fit, name) * sd / reference.error - 1), 1e-3)) AS one (what, error, allowed)
WHERE position > 1
GROUP BY what, allowed;
INSERT INTO result
SELECT 'telco AUC of ten folds: ' || round(auc::numeric, 4), n, greatest(0.845 - round(auc::numeric, 3), 0), 0
FROM (
	SELECT cdp.auc(cdp.predict_logistic(model, features), churned) AS auc, count(*) AS n
	FROM (SELECT *, (hashtext(customer) & 2147483647) % 10 AS in_fold FROM telco) AS held
		JOIN (SELECT fold, cdp.fit_logistic(churned, features, 1) AS model
			FROM telco JOIN generate_series(0, 9) AS fold ON (hashtext(customer) & 2147483647) % 10 <> fold
			GROUP BY fold) AS fitted ON in_fold = fold
) AS folds;

-- Does churn rank who stays?  Area under the curve, ties by halves.
INSERT INTO result
SELECT 'churn AUC of ' || name || ', next 39 weeks: ' || round(auc::numeric, 3),
	n, greatest(least_auc - round(auc::numeric, 3), 0), 0
FROM (
	SELECT name, least_auc, count(*) AS n, cdp.auc(cdp.p_active(model, x, t_x, t, 39), x_hold > 0) AS auc
	FROM cdnow_full39w, fitted,
		LATERAL (VALUES ('bgnbd', bg, 0.747), ('mbgnbd', mbg, 0.755), ('pareto_nbd', pn, 0.763)) AS one (name, model, least_auc)
	WHERE dataset = 'cdnow_full39w'
	GROUP BY name, least_auc
) AS per_model;

SELECT what, figures, to_char(error, '9.99EEEE') AS largest_error,
	to_char(allowed, '9.99EEEE') AS allowed,
	CASE WHEN error <= allowed THEN 'ok' ELSE 'MISSED' END AS verdict
FROM result ORDER BY what COLLATE "C";
