-- Type cdp.clv_model: a fitted model as a value.
CREATE TYPE cdp.clv_model;

CREATE FUNCTION cdp._clv_model_in(cstring) RETURNS cdp.clv_model
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__clv_model_in';
CREATE FUNCTION cdp._clv_model_out(cdp.clv_model) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__clv_model_out';
CREATE FUNCTION cdp._clv_model_recv(internal) RETURNS cdp.clv_model
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__clv_model_recv';
CREATE FUNCTION cdp._clv_model_send(cdp.clv_model) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__clv_model_send';

CREATE TYPE cdp.clv_model (
	INPUT = cdp._clv_model_in,
	OUTPUT = cdp._clv_model_out,
	RECEIVE = cdp._clv_model_recv,
	SEND = cdp._clv_model_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE cdp.clv_model IS
'a fitted customer model, written as JSON: {"kind":"bgnbd","params":{"r":0.243,"alpha":4.414,"a":0.793,"b":2.426},"unit":"7 days"}; kinds bgnbd, mbgnbd, pareto_nbd, gamma_gamma, sbg, logistic';

CREATE FUNCTION cdp._clv_model_to_jsonb(cdp.clv_model) RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__clv_model_to_jsonb';
CREATE CAST (cdp.clv_model AS jsonb)
	WITH FUNCTION cdp._clv_model_to_jsonb(cdp.clv_model);

CREATE FUNCTION cdp.model_param(model cdp.clv_model, name text)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_model_param';
COMMENT ON FUNCTION cdp.model_param(cdp.clv_model, text) IS
'a parameter of a model; NULL when the fit was insufficient';

CREATE FUNCTION cdp.model_standard_error(model cdp.clv_model, name text)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_model_standard_error';
COMMENT ON FUNCTION cdp.model_standard_error(cdp.clv_model, text) IS
'the standard error of a parameter; NULL when it is not identified or was given';

CREATE FUNCTION cdp.model_status(model cdp.clv_model) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_model_status';
COMMENT ON FUNCTION cdp.model_status(cdp.clv_model) IS
'given, converged, boundary (usable, but something is not identified), max_iterations or insufficient (no parameters)';

CREATE FUNCTION cdp.model_loglik(model cdp.clv_model) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_model_loglik';
COMMENT ON FUNCTION cdp.model_loglik(cdp.clv_model) IS
'the log-likelihood a fit reached';

CREATE FUNCTION cdp.model_with_unit(model cdp.clv_model, unit interval)
RETURNS cdp.clv_model
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_model_with_unit';
COMMENT ON FUNCTION cdp.model_with_unit(cdp.clv_model, interval) IS
'the model with its unit of time stated: what one unit of t_x and t was when it was fitted';
