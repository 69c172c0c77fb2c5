-- Simulated customers of known parameters, and how often the 95 % intervals of
-- fits to them hold the truth.
--
--	CALL coverage_test.try_sets(sets, customers), then coverage_test.result()
--
-- Each set draws its customers from the true model, fits, and notes for each
-- parameter (by its logarithm), and for the scores of a few of the customers,
-- whether the interval holds what the true model says.  Draws are random():
-- setseed() first.
CREATE SCHEMA coverage_test;

CREATE TABLE coverage_test.truth (kind text, names text[], params float8[], model cdp.clv_model,
	spend cdp.clv_model DEFAULT '{"kind":"gamma_gamma","params":{"p":6,"q":4,"v":15}}');
INSERT INTO coverage_test.truth (kind, names, params)
VALUES ('bgnbd', '{r,alpha,a,b}', '{0.8,6,0.8,2.5}'), ('mbgnbd', '{r,alpha,a,b}', '{0.8,6,0.8,2.5}'),
	('pareto_nbd', '{r,alpha,s,beta}', '{0.8,8,0.7,10}'), ('gamma_gamma', '{p,q,v}', '{6,4,15}'),
	('sbg', '{alpha,beta}', '{0.7,1.5}'), ('logistic', '{intercept,x1,x2}', '{-1,0.8,-0.5}');
UPDATE coverage_test.truth SET model = jsonb_build_object('kind', kind, 'params',
	(SELECT jsonb_object_agg(names[i], params[i]) FROM generate_subscripts(names, 1) AS i))::text::cdp.clv_model;

CREATE TABLE coverage_test.seen (kind text, what text, held boolean);

CREATE FUNCTION coverage_test.normal() RETURNS float8
LANGUAGE sql VOLATILE AS $$
	SELECT sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())
$$;

-- G. Marsaglia, W. Tsang, "A Simple Method for Generating Gamma Variables",
-- ACM Transactions on Mathematical Software 26 (2000).
CREATE FUNCTION coverage_test.gamma(shape float8, rate float8) RETURNS float8
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	d float8 := CASE WHEN shape < 1 THEN shape + 1 ELSE shape END - 1.0 / 3;
	boost float8 := CASE WHEN shape < 1 THEN (1 - random()) ^ (1 / shape) ELSE 1 END;
	z float8;
	v float8;
BEGIN
	LOOP
		z := coverage_test.normal();
		v := (1 + z / sqrt(9 * d)) ^ 3;
		IF v > 0 AND ln(1 - random()) < z * z / 2 + d - d * v + d * ln(v) THEN
			RETURN d * v * boost / rate;
		END IF;
	END LOOP;
END
$$;

CREATE FUNCTION coverage_test.beta(a float8, b float8) RETURNS float8
LANGUAGE sql VOLATILE AS $$
	SELECT g / (g + coverage_test.gamma(b, 1)) FROM coverage_test.gamma(a, 1) AS g
$$;

-- One customer, watched for 20 to 60 weeks.
CREATE FUNCTION coverage_test.draw_customer(kind text, params float8[], OUT x float8, OUT t_x float8, OUT t float8)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	rate float8 := coverage_test.gamma(params[1], params[2]);
	leaves float8 := CASE WHEN kind <> 'pareto_nbd' THEN coverage_test.beta(params[3], params[4]) END;
	until float8;
	at float8 := 0;
BEGIN
	x := 0;
	t_x := 0;
	t := 20 + floor(random() * 40);
	until := t;
	IF kind = 'pareto_nbd' THEN
		until := least(t, -ln(1 - random()) / greatest(coverage_test.gamma(params[3], params[4]), 1e-300));
	ELSIF kind = 'mbgnbd' AND random() < leaves THEN
		RETURN;
	END IF;
	LOOP
		at := at - ln(1 - random()) / greatest(rate, 1e-300);
		EXIT WHEN at > until;
		x := x + 1;
		t_x := at;
		EXIT WHEN kind <> 'pareto_nbd' AND random() < leaves;
	END LOOP;
END
$$;

-- Renewals faced of 8 at most, and whether she left at the last.
CREATE FUNCTION coverage_test.draw_contract(params float8[], OUT tenure int, OUT churned boolean)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	leaves float8 := coverage_test.beta(params[1], params[2]);
BEGIN
	tenure := least(8, 1 + floor(ln(1 - random()) / ln(1 - least(leaves, 1 - 1e-16))));
	churned := tenure < 8 OR random() < leaves;
END
$$;

-- Parameters: positive ones by their logarithm.
CREATE FUNCTION coverage_test.note_params(truth coverage_test.truth, fit cdp.clv_model) RETURNS void
LANGUAGE sql VOLATILE AS $$
	INSERT INTO coverage_test.seen
	SELECT truth.kind, name, CASE truth.kind WHEN 'logistic' THEN abs(got - want) <= width * error
		ELSE abs(ln(got / want)) <= width * error / got END
	FROM unnest(truth.names, truth.params) AS one (name, want),
		LATERAL (SELECT cdp.model_param(fit, name) AS got, cdp.model_standard_error(fit, name) AS error,
			1.959963984540054 AS width) AS fitted
$$;

-- Scores of customers under the fit, against the true model's.
CREATE FUNCTION coverage_test.note_scores(truth coverage_test.truth, fit cdp.clv_model, spend cdp.clv_model, rfms cdp.rfm_summary[])
RETURNS void LANGUAGE sql VOLATILE AS $$
	INSERT INTO coverage_test.seen
	SELECT truth.kind, what, want BETWEEN low AND high
	FROM unnest(rfms) AS rfm, LATERAL (
		SELECT 'expected_purchases' AS what, cdp.expected_purchases(truth.model, rfm, '365 days') AS want, i.*
		FROM cdp.expected_purchases_interval(fit, rfm, '365 days') AS i
		UNION ALL
		SELECT 'clv', cdp.clv(truth.model, truth.spend, rfm), i.* FROM cdp.clv_interval(fit, spend, rfm) AS i
	) AS scored
	UNION ALL
	SELECT truth.kind, 'expected_purchases_new', cdp.expected_purchases_new(truth.model, '365 days') BETWEEN low AND high
	FROM cdp.expected_purchases_new_interval(fit, '365 days')
	UNION ALL
	-- of who has just bought: that she buys again is likely enough
	SELECT truth.kind, 'next_purchase_at', cdp.next_purchase_at(truth.model, bought, 0.2) BETWEEN low AND coalesce(high, 'infinity')
	FROM (SELECT '{"x":3,"t_x":30,"t":30,"first_at":"2026-01-01 00:00+00"}'::cdp.rfm_summary AS bought) AS one,
		cdp.next_purchase_at_interval(fit, bought, 0.2)
$$;

-- The same of contracts, and of a prediction.
CREATE FUNCTION coverage_test.note_contract(truth coverage_test.truth, fit cdp.clv_model) RETURNS void
LANGUAGE sql VOLATILE AS $$
	INSERT INTO coverage_test.seen
	SELECT truth.kind, what, want BETWEEN low AND high
	FROM (
		SELECT 'retention' AS what, cdp.retention(truth.model, 4) AS want, i.* FROM cdp.retention_interval(fit, 4) AS i
		UNION ALL
		SELECT 'survival', cdp.survival(truth.model, 12), i.* FROM cdp.survival_interval(fit, 12) AS i
		UNION ALL
		SELECT 'p_active', cdp.p_active(truth.model, 2, 3), i.* FROM cdp.p_active_interval(fit, 2, 3) AS i
		UNION ALL
		SELECT 'expected_lifetime', cdp.expected_lifetime(truth.model, 1, 20), i.* FROM cdp.expected_lifetime_interval(fit, 1, 20) AS i
		UNION ALL
		SELECT 'dert', cdp.dert(truth.model, 1, 0.1), i.* FROM cdp.dert_interval(fit, 1, 0.1) AS i
	) AS scored
$$;
CREATE FUNCTION coverage_test.note_prediction(truth coverage_test.truth, fit cdp.clv_model) RETURNS void
LANGUAGE sql VOLATILE AS $$
	INSERT INTO coverage_test.seen
	SELECT truth.kind, 'prediction', 1 / (1 + exp(-truth.params[1] - truth.params[2] * 0.5 + truth.params[3])) BETWEEN low AND high
	FROM cdp.predict_logistic_interval(fit, '{0.5,-1}')
$$;

CREATE PROCEDURE coverage_test.try_set(truth coverage_test.truth, customers int)
LANGUAGE plpgsql AS $$
DECLARE
	fit cdp.clv_model;
	spend cdp.clv_model;
	rfms cdp.rfm_summary[];
BEGIN
	IF truth.kind = 'sbg' THEN
		SELECT cdp.fit_sbg((drawn).tenure, (drawn).churned) INTO fit
		FROM (SELECT coverage_test.draw_contract(truth.params) AS drawn
			FROM generate_series(1, customers) OFFSET 0) AS made;
		PERFORM coverage_test.note_contract(truth, fit);
	ELSIF truth.kind = 'logistic' THEN
		SELECT cdp.fit_logistic(random() < 1 / (1 + exp(-truth.params[1] - truth.params[2] * x1 - truth.params[3] * x2)),
			ARRAY[x1, x2], 0) INTO fit
		FROM (SELECT coverage_test.normal() AS x1, coverage_test.normal() AS x2
			FROM generate_series(1, customers) OFFSET 0) AS drawn;
		PERFORM coverage_test.note_prediction(truth, fit);
	ELSE
		SELECT CASE truth.kind WHEN 'bgnbd' THEN cdp.fit_bgnbd(rfm) WHEN 'mbgnbd' THEN cdp.fit_mbgnbd(rfm)
				WHEN 'pareto_nbd' THEN cdp.fit_pareto_nbd(rfm) END,
			cdp.fit_gamma_gamma(rfm), (array_agg(rfm))[1:5] INTO fit, spend, rfms
		FROM (
			SELECT cdp.make_rfm((drawn).x, (drawn).t_x, (drawn).t, CASE WHEN (drawn).x > 0
				THEN coverage_test.gamma(6 * (drawn).x, coverage_test.gamma(4, 15) * (drawn).x) ELSE 0 END) AS rfm
			FROM (SELECT coverage_test.draw_customer(CASE truth.kind WHEN 'gamma_gamma' THEN 'bgnbd' ELSE truth.kind END,
					CASE truth.kind WHEN 'gamma_gamma' THEN '{0.8,6,0.8,2.5}' ELSE truth.params END) AS drawn
				FROM generate_series(1, customers) OFFSET 0) AS made
			OFFSET 0
		) AS made;
		IF truth.kind = 'gamma_gamma' THEN
			fit := spend;
		ELSE
			PERFORM coverage_test.note_scores(truth, fit, spend, rfms);
		END IF;
	END IF;
	PERFORM coverage_test.note_params(truth, fit);
END
$$;

CREATE PROCEDURE coverage_test.try_sets(sets int, customers int)
LANGUAGE plpgsql AS $$
DECLARE
	truth coverage_test.truth;
BEGIN
	FOR truth IN SELECT * FROM coverage_test.truth LOOP
		FOR i IN 1..sets LOOP
			CALL coverage_test.try_set(truth, customers);
		END LOOP;
	END LOOP;
END
$$;

-- How often the truth was held.  Out of bounds: more than 4 standard errors of
-- a binomial (of sets: scores of one set share its fit) and 3 points, for
-- intervals are exact only for endless data, from 95 %.
CREATE FUNCTION coverage_test.result()
RETURNS TABLE (kind text, what text, tried bigint, held numeric, bound numeric, verdict text)
LANGUAGE sql STABLE AS $$
	SELECT kind, what, count(*), round(avg(held::int), 3), round(bound::numeric, 3),
		CASE WHEN abs(avg(coalesce(held, false)::int) - 0.95) <= bound THEN 'ok' ELSE 'MISSED' END
	FROM coverage_test.seen, LATERAL (
		SELECT 0.03 + 4 * sqrt(0.95 * 0.05 / (SELECT count(*) FROM coverage_test.seen AS other
			WHERE other.kind = seen.kind AND other.what = (SELECT names[1] FROM coverage_test.truth WHERE truth.kind = seen.kind))) AS bound
	) AS b
	GROUP BY kind, what, bound
	ORDER BY kind COLLATE "C", what COLLATE "C"
$$;
