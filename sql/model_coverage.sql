-- Intervals hold the truth: sets of customers drawn from models of known
-- parameters, 20 of each kind, seed 0.1; test/soak/model_coverage.sh draws more.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set coverage :abs_srcdir '/test/data/model_coverage.sql'
\set ECHO none
\i :coverage
\set ECHO all
SELECT setseed(0.1);
CALL coverage_test.try_sets(20, 500);
SELECT kind, what, tried, verdict FROM coverage_test.result();

-- an interval of half the width does not: the count can fail
SELECT kind, avg((abs(ln(cdp.model_param(fit, 'beta') / params[2])) * cdp.model_param(fit, 'beta')
	<= 0.98 * cdp.model_standard_error(fit, 'beta'))::int) < 0.9 AS too_few
FROM coverage_test.truth, generate_series(1, 60) AS trial,
	LATERAL (SELECT cdp.fit_sbg((drawn).tenure, (drawn).churned) AS fit
		FROM (SELECT coverage_test.draw_contract(params) AS drawn
			FROM generate_series(1, 100 + 0 * trial) OFFSET 0) AS made) AS fitted
WHERE kind = 'sbg'
GROUP BY kind;
DROP SCHEMA coverage_test CASCADE;
