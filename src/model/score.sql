-- The scoring functions.

CREATE FUNCTION cdp.p_alive(
	model cdp.clv_model,
	x double precision,
	t_x double precision,
	t double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_p_alive';
COMMENT ON FUNCTION cdp.p_alive(cdp.clv_model, double precision, double precision, double precision) IS
'probability that a customer has not dropped out; times in the unit of the model';

CREATE FUNCTION cdp.p_alive(
	model cdp.clv_model,
	rfm cdp.rfm_summary)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__p_alive_rfm';
COMMENT ON FUNCTION cdp.p_alive(cdp.clv_model, cdp.rfm_summary) IS
'probability that a customer has not dropped out';

CREATE FUNCTION cdp.p_active(
	model cdp.clv_model,
	x double precision,
	t_x double precision,
	t double precision,
	horizon double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_p_active';
COMMENT ON FUNCTION cdp.p_active(cdp.clv_model, double precision, double precision, double precision, double precision) IS
'probability of at least one purchase within the horizon; times in the unit of the model';

CREATE FUNCTION cdp.p_active(
	model cdp.clv_model,
	rfm cdp.rfm_summary,
	horizon interval)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__p_active_rfm';
COMMENT ON FUNCTION cdp.p_active(cdp.clv_model, cdp.rfm_summary, interval) IS
'probability of at least one purchase within the horizon';

CREATE FUNCTION cdp.churn(
	model cdp.clv_model,
	x double precision,
	t_x double precision,
	t double precision,
	horizon double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_churn';
COMMENT ON FUNCTION cdp.churn(cdp.clv_model, double precision, double precision, double precision, double precision) IS
'probability of no purchase within the horizon: 1 - p_active';

CREATE FUNCTION cdp.churn(
	model cdp.clv_model,
	rfm cdp.rfm_summary,
	horizon interval)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__churn_rfm';
COMMENT ON FUNCTION cdp.churn(cdp.clv_model, cdp.rfm_summary, interval) IS
'probability of no purchase within the horizon: 1 - p_active';

CREATE FUNCTION cdp.expected_purchases(
	model cdp.clv_model,
	x double precision,
	t_x double precision,
	t double precision,
	horizon double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'cdp_expected_purchases';
COMMENT ON FUNCTION cdp.expected_purchases(cdp.clv_model, double precision, double precision, double precision, double precision) IS
'expected number of purchases within the horizon; times in the unit of the model';

CREATE FUNCTION cdp.expected_purchases(
	model cdp.clv_model,
	rfm cdp.rfm_summary,
	horizon interval)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'cdp__expected_purchases_rfm';
COMMENT ON FUNCTION cdp.expected_purchases(cdp.clv_model, cdp.rfm_summary, interval) IS
'expected number of purchases within the horizon';

CREATE FUNCTION cdp.expected_purchases_new(
	model cdp.clv_model,
	horizon interval)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'cdp_expected_purchases_new';
COMMENT ON FUNCTION cdp.expected_purchases_new(cdp.clv_model, interval) IS
'expected number of repeat purchases within the horizon of one who has just bought for the first time';

CREATE FUNCTION cdp.dert(
	model cdp.clv_model,
	x double precision,
	t_x double precision,
	t double precision,
	annual_rate double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'cdp_dert';
COMMENT ON FUNCTION cdp.dert(cdp.clv_model, double precision, double precision, double precision, double precision) IS
'discounted expected residual transactions: all purchases still to come, each at its present value at the yearly rate; times in the unit of the model';

CREATE FUNCTION cdp.dert(
	model cdp.clv_model,
	rfm cdp.rfm_summary,
	annual_rate double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'cdp__dert_rfm';
COMMENT ON FUNCTION cdp.dert(cdp.clv_model, cdp.rfm_summary, double precision) IS
'discounted expected residual transactions: all purchases still to come, each at its present value at the yearly rate';

CREATE FUNCTION cdp.next_purchase_at(
	model cdp.clv_model,
	rfm cdp.rfm_summary,
	probability double precision DEFAULT 0.5)
RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'cdp_next_purchase_at';
COMMENT ON FUNCTION cdp.next_purchase_at(cdp.clv_model, cdp.rfm_summary, double precision) IS
'when a customer will have bought again with this probability; NULL when it is not that likely that she ever does, or when the summary does not know its first_at';

CREATE FUNCTION cdp.expected_spend(
	spend_model cdp.clv_model,
	x double precision,
	m double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_expected_spend';
COMMENT ON FUNCTION cdp.expected_spend(cdp.clv_model, double precision, double precision) IS
'expected amount of a purchase of a customer with x repeat purchases of mean amount m; NULL when it is not finite';

CREATE FUNCTION cdp.expected_spend(
	spend_model cdp.clv_model,
	rfm cdp.rfm_summary)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__expected_spend_rfm';
COMMENT ON FUNCTION cdp.expected_spend(cdp.clv_model, cdp.rfm_summary) IS
'expected amount of a purchase; NULL when it is not finite';

CREATE FUNCTION cdp.clv(
	model cdp.clv_model,
	spend_model cdp.clv_model,
	rfm cdp.rfm_summary,
	annual_rate double precision DEFAULT 0,
	horizon interval DEFAULT '365 days',
	margin double precision DEFAULT 1)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'cdp_clv';
COMMENT ON FUNCTION cdp.clv(cdp.clv_model, cdp.clv_model, cdp.rfm_summary, double precision, interval, double precision) IS
'what a customer will be worth within the horizon: expected purchases, discounted at the yearly rate, times expected spend times margin';

CREATE FUNCTION cdp.clv_interval(
	model cdp.clv_model,
	spend_model cdp.clv_model,
	rfm cdp.rfm_summary,
	annual_rate double precision DEFAULT 0,
	horizon interval DEFAULT '365 days',
	margin double precision DEFAULT 1,
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'cdp_clv_interval';
COMMENT ON FUNCTION cdp.clv_interval(cdp.clv_model, cdp.clv_model, cdp.rfm_summary, double precision, interval, double precision, double precision) IS
'how well that expectation is known (delta method): the range it lies in with probability level';

CREATE FUNCTION cdp.churn_interval(
	model cdp.clv_model,
	rfm cdp.rfm_summary,
	horizon interval,
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'cdp_churn_interval';
COMMENT ON FUNCTION cdp.churn_interval(cdp.clv_model, cdp.rfm_summary, interval, double precision) IS
'how well cdp.churn is known (delta method)';

CREATE FUNCTION cdp.expected_purchases_interval(
	model cdp.clv_model,
	rfm cdp.rfm_summary,
	horizon interval,
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'cdp_expected_purchases_interval';
COMMENT ON FUNCTION cdp.expected_purchases_interval(cdp.clv_model, cdp.rfm_summary, interval, double precision) IS
'how well cdp.expected_purchases is known (delta method)';

CREATE FUNCTION cdp.expected_purchases_new_interval(
	model cdp.clv_model,
	horizon interval,
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'cdp_expected_purchases_new_interval';
COMMENT ON FUNCTION cdp.expected_purchases_new_interval(cdp.clv_model, interval, double precision) IS
'how well cdp.expected_purchases_new is known (delta method)';

CREATE FUNCTION cdp.next_purchase_at_interval(
	model cdp.clv_model,
	rfm cdp.rfm_summary,
	probability double precision DEFAULT 0.5,
	level double precision DEFAULT 0.95,
	OUT low timestamptz,
	OUT high timestamptz)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'cdp_next_purchase_at_interval';
COMMENT ON FUNCTION cdp.next_purchase_at_interval(cdp.clv_model, cdp.rfm_summary, double precision, double precision) IS
'how well cdp.next_purchase_at is known (delta method); high is NULL when that may be beyond the calendar';

CREATE FUNCTION cdp.p_alive_interval(
	model cdp.clv_model,
	rfm cdp.rfm_summary,
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'cdp_p_alive_interval';
COMMENT ON FUNCTION cdp.p_alive_interval(cdp.clv_model, cdp.rfm_summary, double precision) IS
'how well cdp.p_alive is known (delta method)';

CREATE FUNCTION cdp.p_active_interval(
	model cdp.clv_model,
	rfm cdp.rfm_summary,
	horizon interval,
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'cdp_p_active_interval';
COMMENT ON FUNCTION cdp.p_active_interval(cdp.clv_model, cdp.rfm_summary, interval, double precision) IS
'how well cdp.p_active is known (delta method)';

CREATE FUNCTION cdp.dert_interval(
	model cdp.clv_model,
	rfm cdp.rfm_summary,
	annual_rate double precision,
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 400
AS 'MODULE_PATHNAME', 'cdp_dert_interval';
COMMENT ON FUNCTION cdp.dert_interval(cdp.clv_model, cdp.rfm_summary, double precision, double precision) IS
'how well cdp.dert is known (delta method)';

CREATE FUNCTION cdp.expected_spend_interval(
	spend_model cdp.clv_model,
	rfm cdp.rfm_summary,
	level double precision DEFAULT 0.95,
	OUT low double precision,
	OUT high double precision)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
AS 'MODULE_PATHNAME', 'cdp_expected_spend_interval';
COMMENT ON FUNCTION cdp.expected_spend_interval(cdp.clv_model, cdp.rfm_summary, double precision) IS
'how well cdp.expected_spend is known (delta method)';

CREATE FUNCTION cdp._model_customer_loglik(
	model cdp.clv_model,
	x double precision,
	t_x double precision,
	t double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__model_customer_loglik';

CREATE FUNCTION cdp._model_spend_loglik(
	spend_model cdp.clv_model,
	x double precision,
	m double precision)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__model_spend_loglik';
