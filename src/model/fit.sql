-- The fits, as parallel aggregates.

CREATE FUNCTION cdp._fit_count_step(internal, double precision, double precision, double precision)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_count_step';

CREATE FUNCTION cdp._fit_count_step(internal, double precision, double precision, double precision, double precision)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_count_step';

CREATE FUNCTION cdp._fit_rfm_step(internal, cdp.rfm_summary)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_rfm_step';

CREATE FUNCTION cdp._fit_spend_step(internal, double precision, double precision)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_spend_step';

CREATE FUNCTION cdp._fit_spend_step(internal, double precision, double precision, double precision)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_spend_step';

CREATE FUNCTION cdp._fit_spend_rfm_step(internal, cdp.rfm_summary)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_spend_rfm_step';

CREATE FUNCTION cdp._fit_bgnbd_final(internal)
RETURNS cdp.clv_model
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_bgnbd_final';

CREATE FUNCTION cdp._fit_mbgnbd_final(internal)
RETURNS cdp.clv_model
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_mbgnbd_final';

CREATE FUNCTION cdp._fit_pareto_nbd_final(internal)
RETURNS cdp.clv_model
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_pareto_nbd_final';

CREATE FUNCTION cdp._fit_gamma_gamma_final(internal)
RETURNS cdp.clv_model
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__fit_gamma_gamma_final';

CREATE AGGREGATE cdp.fit_bgnbd(x double precision, t_x double precision, t double precision) (
	SFUNC = cdp._fit_count_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_bgnbd_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_bgnbd(double precision, double precision, double precision) IS
'fit BG/NBD (Fader, Hardie, Lee 2005) to customers by maximum likelihood; the status of the result says how it went';

CREATE AGGREGATE cdp.fit_bgnbd(x double precision, t_x double precision, t double precision, weight double precision) (
	SFUNC = cdp._fit_count_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_bgnbd_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_bgnbd(double precision, double precision, double precision, double precision) IS
'fit BG/NBD (Fader, Hardie, Lee 2005) where each row stands for weight customers';

CREATE AGGREGATE cdp.fit_bgnbd(rfm cdp.rfm_summary) (
	SFUNC = cdp._fit_rfm_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_bgnbd_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_bgnbd(cdp.rfm_summary) IS
'fit BG/NBD (Fader, Hardie, Lee 2005) to summaries, in their unit of time';

CREATE AGGREGATE cdp.fit_mbgnbd(x double precision, t_x double precision, t double precision) (
	SFUNC = cdp._fit_count_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_mbgnbd_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_mbgnbd(double precision, double precision, double precision) IS
'fit MBG/NBD (Batislam, Denizel, Filiztekin 2007) to customers by maximum likelihood; the status of the result says how it went';

CREATE AGGREGATE cdp.fit_mbgnbd(x double precision, t_x double precision, t double precision, weight double precision) (
	SFUNC = cdp._fit_count_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_mbgnbd_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_mbgnbd(double precision, double precision, double precision, double precision) IS
'fit MBG/NBD (Batislam, Denizel, Filiztekin 2007) where each row stands for weight customers';

CREATE AGGREGATE cdp.fit_mbgnbd(rfm cdp.rfm_summary) (
	SFUNC = cdp._fit_rfm_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_mbgnbd_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_mbgnbd(cdp.rfm_summary) IS
'fit MBG/NBD (Batislam, Denizel, Filiztekin 2007) to summaries, in their unit of time';

CREATE AGGREGATE cdp.fit_pareto_nbd(x double precision, t_x double precision, t double precision) (
	SFUNC = cdp._fit_count_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_pareto_nbd_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_pareto_nbd(double precision, double precision, double precision) IS
'fit Pareto/NBD (Schmittlein, Morrison, Colombo 1987) to customers by maximum likelihood; the status of the result says how it went';

CREATE AGGREGATE cdp.fit_pareto_nbd(x double precision, t_x double precision, t double precision, weight double precision) (
	SFUNC = cdp._fit_count_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_pareto_nbd_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_pareto_nbd(double precision, double precision, double precision, double precision) IS
'fit Pareto/NBD (Schmittlein, Morrison, Colombo 1987) where each row stands for weight customers';

CREATE AGGREGATE cdp.fit_pareto_nbd(rfm cdp.rfm_summary) (
	SFUNC = cdp._fit_rfm_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_pareto_nbd_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_pareto_nbd(cdp.rfm_summary) IS
'fit Pareto/NBD (Schmittlein, Morrison, Colombo 1987) to summaries, in their unit of time';

CREATE AGGREGATE cdp.fit_gamma_gamma(x double precision, m double precision) (
	SFUNC = cdp._fit_spend_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_gamma_gamma_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_gamma_gamma(double precision, double precision) IS
'fit Gamma-Gamma spend (Fader, Hardie 2013) to customers with repeat purchases; others are left out';

CREATE AGGREGATE cdp.fit_gamma_gamma(x double precision, m double precision, weight double precision) (
	SFUNC = cdp._fit_spend_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_gamma_gamma_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_gamma_gamma(double precision, double precision, double precision) IS
'fit Gamma-Gamma spend where each row stands for weight customers';

CREATE AGGREGATE cdp.fit_gamma_gamma(rfm cdp.rfm_summary) (
	SFUNC = cdp._fit_spend_rfm_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._fit_gamma_gamma_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.fit_gamma_gamma(cdp.rfm_summary) IS
'fit Gamma-Gamma spend to summaries';
