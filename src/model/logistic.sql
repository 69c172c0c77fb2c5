-- Logistic regression: the fit, and what it predicts.

CREATE FUNCTION cdp._fit_logistic_step(internal, boolean, double precision[], double precision)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_logistic_step';

CREATE FUNCTION cdp._fit_logistic_step(internal, boolean, double precision[], double precision, double precision)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_logistic_step';

CREATE FUNCTION cdp._fit_logistic_final(internal)
RETURNS cdp.clv_model
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_logistic_final';

CREATE AGGREGATE cdp.fit_logistic(y boolean, features double precision[], l2 double precision, weight double precision) (
	SFUNC = cdp._fit_logistic_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_logistic_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_logistic(boolean, double precision[], double precision, double precision) IS
'fit a logistic regression of y on features with an intercept, by maximum likelihood less l2/2 times the sum of squares of the coefficients of standardised features; each row stands for weight customers';

CREATE AGGREGATE cdp.fit_logistic(y boolean, features double precision[], l2 double precision) (
	SFUNC = cdp._fit_logistic_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_logistic_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_logistic(boolean, double precision[], double precision) IS
'fit a logistic regression of y on features with an intercept, by maximum likelihood less l2/2 times the sum of squares of the coefficients of standardised features';

CREATE FUNCTION cdp.predict_logistic(
	model cdp.clv_model,
	features double precision[])
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_predict_logistic';
COMMENT ON FUNCTION cdp.predict_logistic(cdp.clv_model, double precision[]) IS
'probability that y is true; NULL when a feature is NULL';

CREATE FUNCTION cdp.predict_logistic_interval(
	model cdp.clv_model,
	features double precision[],
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'cdp_predict_logistic_interval';
COMMENT ON FUNCTION cdp.predict_logistic_interval(cdp.clv_model, double precision[], double precision) IS
'how well cdp.predict_logistic is known (delta method)';
