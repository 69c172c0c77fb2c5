-- Contracts: the fit of who renews, and its scores.

CREATE FUNCTION cdp._fit_sbg_step(internal, double precision, boolean)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_sbg_step';

CREATE FUNCTION cdp._fit_sbg_step(internal, double precision, boolean, double precision)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_sbg_step';

CREATE FUNCTION cdp._fit_sbg_final(internal)
RETURNS cdp.clv_model
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_sbg_final';

CREATE AGGREGATE cdp.fit_sbg(tenure double precision, churned boolean, weight double precision) (
	SFUNC = cdp._fit_sbg_step, STYPE = internal, SSPACE = 65536,
	FINALFUNC = cdp._fit_sbg_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_sbg(double precision, boolean, double precision) IS
'fit the shifted beta-geometric model (Fader, Hardie 2007) to customers under contract: tenure renewals faced, and whether the last of them was refused; each row stands for weight customers';

CREATE AGGREGATE cdp.fit_sbg(tenure double precision, churned boolean) (
	SFUNC = cdp._fit_sbg_step, STYPE = internal, SSPACE = 65536,
	FINALFUNC = cdp._fit_sbg_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_sbg(double precision, boolean) IS
'fit the shifted beta-geometric model (Fader, Hardie 2007) to customers under contract: tenure renewals faced, and whether the last of them was refused';

CREATE FUNCTION cdp.retention(
	model cdp.clv_model,
	period double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_retention';
COMMENT ON FUNCTION cdp.retention(cdp.clv_model, double precision) IS
'probability to renew at renewal number period of a customer who renewed all before';

CREATE FUNCTION cdp.survival(
	model cdp.clv_model,
	tenure double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_survival';
COMMENT ON FUNCTION cdp.survival(cdp.clv_model, double precision) IS
'share of new customers who will have renewed tenure times';

CREATE FUNCTION cdp.p_active(
	model cdp.clv_model,
	tenure double precision,
	horizon double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__p_active_contract';
COMMENT ON FUNCTION cdp.p_active(cdp.clv_model, double precision, double precision) IS
'probability that a customer who renewed tenure times renews the next horizon times too';

CREATE FUNCTION cdp.churn(
	model cdp.clv_model,
	tenure double precision,
	horizon double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__churn_contract';
COMMENT ON FUNCTION cdp.churn(cdp.clv_model, double precision, double precision) IS
'probability that a customer who renewed tenure times leaves at one of the next horizon renewals';

CREATE FUNCTION cdp.churn_interval(
	model cdp.clv_model,
	tenure double precision,
	horizon double precision,
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'cdp__churn_interval_contract';
COMMENT ON FUNCTION cdp.churn_interval(cdp.clv_model, double precision, double precision, double precision) IS
'how well cdp.churn of a customer under contract is known (delta method)';

CREATE FUNCTION cdp.retention_interval(
	model cdp.clv_model,
	period double precision,
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'cdp_retention_interval';
COMMENT ON FUNCTION cdp.retention_interval(cdp.clv_model, double precision, double precision) IS
'how well cdp.retention is known (delta method)';

CREATE FUNCTION cdp.survival_interval(
	model cdp.clv_model,
	tenure double precision,
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'cdp_survival_interval';
COMMENT ON FUNCTION cdp.survival_interval(cdp.clv_model, double precision, double precision) IS
'how well cdp.survival is known (delta method)';

CREATE FUNCTION cdp.p_active_interval(
	model cdp.clv_model,
	tenure double precision,
	horizon double precision,
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'cdp__p_active_interval_contract';
COMMENT ON FUNCTION cdp.p_active_interval(cdp.clv_model, double precision, double precision, double precision) IS
'how well cdp.p_active of a customer under contract is known (delta method)';

CREATE FUNCTION cdp.expected_lifetime(
	model cdp.clv_model,
	tenure double precision,
	horizon double precision DEFAULT 'infinity')
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'cdp_expected_lifetime';
COMMENT ON FUNCTION cdp.expected_lifetime(cdp.clv_model, double precision, double precision) IS
'expected number of renewals still to come, among the next horizon, of a customer who renewed tenure times; NULL when it is not finite';

CREATE FUNCTION cdp.dert(
	model cdp.clv_model,
	tenure double precision,
	annual_rate double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'cdp__dert_contract';
COMMENT ON FUNCTION cdp.dert(cdp.clv_model, double precision, double precision) IS
'discounted expected renewals of a customer under contract who renewed tenure times, each at its present value at the yearly rate; the unit of the model is the time between renewals';

CREATE FUNCTION cdp.expected_lifetime_interval(
	model cdp.clv_model,
	tenure double precision,
	horizon double precision DEFAULT 'infinity',
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 400
AS 'MODULE_PATHNAME', 'cdp_expected_lifetime_interval';
COMMENT ON FUNCTION cdp.expected_lifetime_interval(cdp.clv_model, double precision, double precision, double precision) IS
'how well cdp.expected_lifetime is known (delta method)';

CREATE FUNCTION cdp.dert_interval(
	model cdp.clv_model,
	tenure double precision,
	annual_rate double precision,
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 400
AS 'MODULE_PATHNAME', 'cdp__dert_interval_contract';
COMMENT ON FUNCTION cdp.dert_interval(cdp.clv_model, double precision, double precision, double precision) IS
'how well cdp.dert of a customer under contract is known (delta method)';
