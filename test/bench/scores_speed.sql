-- CPU times of fits and scores; see scores.sh.

-- CPU seconds that this backend has used.
CREATE FUNCTION pg_temp.cpu() RETURNS float8
LANGUAGE sql VOLATILE AS $$
	SELECT (split_part(stat, ' ', 14)::float8 + split_part(stat, ' ', 15)::float8) / 100
	FROM regexp_replace(pg_read_file('/proc/' || pg_backend_pid() || '/stat'), '^.*\) ', 'x x ') AS stat
$$;

CREATE TEMP TABLE timing (what text, target float8, seconds float8[] DEFAULT '{}');
CREATE PROCEDURE pg_temp.clock(what text, target float8, query text)
LANGUAGE plpgsql AS $$
DECLARE
	started float8;
	all_runs float8[] := '{}';
BEGIN
	FOR i IN 1..5 LOOP
		started := pg_temp.cpu();
		EXECUTE query;
		all_runs := all_runs || (pg_temp.cpu() - started);
	END LOOP;
	INSERT INTO timing VALUES (what, target, all_runs);
END
$$;

-- The generated million: the real customers again and again, each with its
-- own time under watch, on whole days.
CREATE TEMP TABLE big AS
SELECT x, t_x, t + (n % 97) / 7.0::float8 AS t, m
FROM cdnow_full39w, generate_series(1, ceil(:scale / 23570.0)::int) AS n
LIMIT :scale;
ANALYZE big;
SET work_mem = '64MB';
SELECT cdp.fit_bgnbd(x, t_x, t)::text AS model, cdp.fit_pareto_nbd(x, t_x, t)::text AS pareto, cdp.fit_gamma_gamma(x, m)::text AS spend FROM cdnow_full39w
\gset

CALL pg_temp.clock('BG/NBD fit, 23,570 customers', 0.10, 'SELECT cdp.fit_bgnbd(x, t_x, t) FROM cdnow_full39w');
CALL pg_temp.clock('MBG/NBD fit, 23,570 customers', NULL, 'SELECT cdp.fit_mbgnbd(x, t_x, t) FROM cdnow_full39w');
CALL pg_temp.clock('Pareto/NBD fit, 23,570 customers', 1, 'SELECT cdp.fit_pareto_nbd(x, t_x, t) FROM cdnow_full39w');
CALL pg_temp.clock('Gamma-Gamma fit, 23,570 customers', NULL, 'SELECT cdp.fit_gamma_gamma(x, m) FROM cdnow_full39w');
CALL pg_temp.clock('BG/NBD fit, scale', 2.5, 'SELECT cdp.fit_bgnbd(x, t_x, t) FROM big');
CALL pg_temp.clock('MBG/NBD fit, scale', NULL, 'SELECT cdp.fit_mbgnbd(x, t_x, t) FROM big');
CALL pg_temp.clock('Gamma-Gamma fit, scale', NULL, 'SELECT cdp.fit_gamma_gamma(x, m) FROM big');
CALL pg_temp.clock('P(alive), scale rows', 0.5, format('SELECT sum(cdp.p_alive(%L, x, t_x, t)) FROM big', :'model'));
CALL pg_temp.clock('P(active), scale rows', NULL, format('SELECT sum(cdp.p_active(%L, x, t_x, t, 12.857)) FROM big', :'model'));
CALL pg_temp.clock('expected purchases, scale rows', 1, format('SELECT sum(cdp.expected_purchases(%L, x, t_x, t, 39)) FROM big', :'model'));
CALL pg_temp.clock('Pareto/NBD P(alive), scale rows', 2.5, format('SELECT sum(cdp.p_alive(%L, x, t_x, t)) FROM big', :'pareto'));
CALL pg_temp.clock('Pareto/NBD P(active), scale rows', NULL, format('SELECT sum(cdp.p_active(%L, x, t_x, t, 12.857)) FROM big', :'pareto'));
CALL pg_temp.clock('Pareto/NBD expected purchases, scale rows', NULL, format('SELECT sum(cdp.expected_purchases(%L, x, t_x, t, 39)) FROM big', :'pareto'));
CALL pg_temp.clock('Pareto/NBD DERT, scale rows', NULL, format('SELECT sum(cdp.dert(%L, x, t_x, t, 0.15)) FROM big', :'pareto'));
CALL pg_temp.clock('clv with interval, scale rows', NULL, format('SELECT sum(low) FROM big, cdp.clv_interval(%L, %L, cdp.make_rfm(x, t_x, t, m))', :'model', :'spend'));
CALL pg_temp.clock('AUC, scale rows', NULL, format('SELECT cdp.auc(cdp.p_active(%L, x, t_x, t, 12.857), n %% 3 = 0) FROM (SELECT *, row_number() OVER () AS n FROM big) AS numbered', :'model'));
CALL pg_temp.clock('logistic fit, Telco, 7,043 x 23', NULL, 'SELECT cdp.fit_logistic(churned, features, 1) FROM telco');
CALL pg_temp.clock('rfm_agg, 69,659 purchases', NULL, 'SELECT count(rfm) FROM (SELECT cdp.rfm_agg(day, amount, ''1997-10-01'') AS rfm FROM cdnow_tx GROUP BY customer) AS made');

SELECT what, round(median::numeric, 3) AS median, round(low::numeric, 3) AS min,
	round(high::numeric, 3) AS max, target,
	CASE WHEN median > target THEN 'slower' WHEN target IS NOT NULL THEN 'ok' END AS verdict
FROM timing, LATERAL (
	SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY s) AS median, min(s) AS low, max(s) AS high
	FROM unnest(seconds) AS s) AS spread;
