/*
 * score.c
 *		The scoring functions: a model and a customer in, a number out.
 *
 * Thin: arguments are checked, times brought into the model's unit, and the
 * pure files do the rest.  A function that takes x, t_x, t takes them and its
 * horizon in the model's unit; one that takes a cdp.rfm_summary knows the
 * unit, and takes its horizon as an interval.
 *
 * NULL comes out when something is not defined: the model's fit was
 * insufficient, or a Gamma-Gamma mean is infinite.  NaN and infinity do not.
 *
 * Intervals are by the delta method (interval.c), on the logarithm of amounts
 * and the log-odds of probabilities, so they stay within what is possible.
 * A model without covariance has none.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "model/clv_model.h"
#include "model/interval.h"
#include "model/rfm.h"
#include "model/special.h"

PG_FUNCTION_INFO_V1(cdp_p_alive);
PG_FUNCTION_INFO_V1(cdp__p_alive_rfm);
PG_FUNCTION_INFO_V1(cdp_p_active);
PG_FUNCTION_INFO_V1(cdp__p_active_rfm);
PG_FUNCTION_INFO_V1(cdp_churn);
PG_FUNCTION_INFO_V1(cdp__churn_rfm);
PG_FUNCTION_INFO_V1(cdp_expected_purchases);
PG_FUNCTION_INFO_V1(cdp__expected_purchases_rfm);
PG_FUNCTION_INFO_V1(cdp_expected_purchases_new);
PG_FUNCTION_INFO_V1(cdp_expected_spend);
PG_FUNCTION_INFO_V1(cdp__expected_spend_rfm);
PG_FUNCTION_INFO_V1(cdp_clv);
PG_FUNCTION_INFO_V1(cdp_clv_interval);
PG_FUNCTION_INFO_V1(cdp_churn_interval);
PG_FUNCTION_INFO_V1(cdp_expected_purchases_interval);
PG_FUNCTION_INFO_V1(cdp__model_customer_loglik);
PG_FUNCTION_INFO_V1(cdp__model_spend_loglik);

/* A customer under a purchase-count model, in the model's unit. */
typedef struct CountCase
{
	CdpCountKind kind;
	CdpCountParams params;
	CdpCustomer customer;
	double		horizon;
	double		rate;			/* of discount, per unit */
} CountCase;

/* A customer under a spend model. */
typedef struct SpendCase
{
	double		x;
	double		m;
} SpendCase;

#define RETURN_FINITE(value) \
	do { \
		double		result_ = (value); \
		if (!isfinite(result_)) \
			PG_RETURN_NULL(); \
		PG_RETURN_FLOAT8(result_); \
	} while (0)

/* Set up a case; false if the model has no parameters. */
static bool
open_count(CountCase *item, const CdpClvModel *model, CdpCustomer customer)
{
	if (!cdp_model_is_count(model))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument model"),
				 errdetail("It is of kind \"%s\"; a model of purchase counts is needed: bgnbd or mbgnbd.",
						   cdp_model_kind_name(model->kind))));
	cdp_model_check_customer(&customer);
	item->kind = model->kind == CDP_MODEL_BGNBD ?
		CDP_COUNT_BGNBD : CDP_COUNT_MBGNBD;
	item->customer = customer;
	item->horizon = 0;
	item->rate = 0;
	if (!(model->flags & CDP_MODEL_HAS_PARAMS))
		return false;
	memcpy(&item->params, model->values, sizeof(item->params));
	return true;
}

/* The same from x, t_x, t in arguments 1 to 3. */
static bool
open_count_args(CountCase *item, FunctionCallInfo fcinfo)
{
	return open_count(item, PG_GETARG_CLV_MODEL(0), (CdpCustomer)
	{
		PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3)
	});
}

/* The same from a summary, brought into the model's unit. */
static bool
open_count_rfm(CountCase *item, const CdpClvModel *model, const CdpRfm *rfm)
{
	double		scale = 1;

	if (rfm->unit_us != model->unit_us)
		scale = (double) rfm->unit_us / model->unit_us;
	return open_count(item, model, (CdpCustomer)
	{
		rfm->x, rfm->t_x * scale, rfm->t * scale
	});
}

static double
check_horizon(double horizon)
{
	if (!isfinite(horizon) || horizon < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument horizon"),
				 errdetail("It is a length of time, finite and not negative.")));
	return horizon;
}

/* A horizon given as an interval, in the model's unit. */
static double
horizon_in_units(const CdpClvModel *model, const Interval *interval)
{
	int64		us;

	if (!cdp_model_interval_us(interval, &us))
		us = -1;
	return check_horizon((double) us / model->unit_us);
}

/* cdp.p_alive(model, x, t_x, t) */
Datum
cdp_p_alive(PG_FUNCTION_ARGS)
{
	CountCase	item;

	if (!open_count_args(&item, fcinfo))
		PG_RETURN_NULL();
	RETURN_FINITE(cdp_model_count_alive(item.kind, &item.params,
										&item.customer));
}

/* cdp.p_alive(model, rfm) */
Datum
cdp__p_alive_rfm(PG_FUNCTION_ARGS)
{
	CountCase	item;

	if (!open_count_rfm(&item, PG_GETARG_CLV_MODEL(0), PG_GETARG_RFM(1)))
		PG_RETURN_NULL();
	RETURN_FINITE(cdp_model_count_alive(item.kind, &item.params,
										&item.customer));
}

static double
active(const CountCase *item)
{
	return cdp_model_count_active(item->kind, &item->params, &item->customer,
								  item->horizon);
}

/* cdp.p_active(model, x, t_x, t, horizon) */
Datum
cdp_p_active(PG_FUNCTION_ARGS)
{
	CountCase	item;
	bool		known = open_count_args(&item, fcinfo);

	item.horizon = check_horizon(PG_GETARG_FLOAT8(4));
	if (!known)
		PG_RETURN_NULL();
	RETURN_FINITE(active(&item));
}

/* cdp.p_active(model, rfm, horizon) */
Datum
cdp__p_active_rfm(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	CountCase	item;
	bool		known = open_count_rfm(&item, model, PG_GETARG_RFM(1));

	item.horizon = horizon_in_units(model, PG_GETARG_INTERVAL_P(2));
	if (!known)
		PG_RETURN_NULL();
	RETURN_FINITE(active(&item));
}

/* cdp.churn(model, x, t_x, t, horizon) */
Datum
cdp_churn(PG_FUNCTION_ARGS)
{
	CountCase	item;
	bool		known = open_count_args(&item, fcinfo);

	item.horizon = check_horizon(PG_GETARG_FLOAT8(4));
	if (!known)
		PG_RETURN_NULL();
	RETURN_FINITE(1 - active(&item));
}

/* cdp.churn(model, rfm, horizon) */
Datum
cdp__churn_rfm(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	CountCase	item;
	bool		known = open_count_rfm(&item, model, PG_GETARG_RFM(1));

	item.horizon = horizon_in_units(model, PG_GETARG_INTERVAL_P(2));
	if (!known)
		PG_RETURN_NULL();
	RETURN_FINITE(1 - active(&item));
}

/* cdp.expected_purchases(model, x, t_x, t, horizon) */
Datum
cdp_expected_purchases(PG_FUNCTION_ARGS)
{
	CountCase	item;
	bool		known = open_count_args(&item, fcinfo);

	item.horizon = check_horizon(PG_GETARG_FLOAT8(4));
	if (!known)
		PG_RETURN_NULL();
	RETURN_FINITE(cdp_model_count_expected(item.kind, &item.params,
										   &item.customer, item.horizon));
}

/* cdp.expected_purchases(model, rfm, horizon) */
Datum
cdp__expected_purchases_rfm(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	CountCase	item;
	bool		known = open_count_rfm(&item, model, PG_GETARG_RFM(1));

	item.horizon = horizon_in_units(model, PG_GETARG_INTERVAL_P(2));
	if (!known)
		PG_RETURN_NULL();
	RETURN_FINITE(cdp_model_count_expected(item.kind, &item.params,
										   &item.customer, item.horizon));
}

/* cdp.expected_purchases_new(model, horizon): of one who has just bought first. */
Datum
cdp_expected_purchases_new(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	CountCase	item;
	bool		known = open_count(&item, model, (CdpCustomer)
	{
		0, 0, 0
	});

	item.horizon = horizon_in_units(model, PG_GETARG_INTERVAL_P(1));
	if (!known)
		PG_RETURN_NULL();
	RETURN_FINITE(cdp_model_count_expected(item.kind, &item.params,
										   &item.customer, item.horizon));
}

/* Expected amount of a purchase; false if not defined. */
static bool
expected_spend(const CdpClvModel *model, double x, double m, double *result)
{
	CdpSpendParams params;

	if (model->kind != CDP_MODEL_GAMMA_GAMMA)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument spend_model"),
				 errdetail("It is of kind \"%s\"; a model of spend is needed: gamma_gamma.",
						   cdp_model_kind_name(model->kind))));
	cdp_model_check_customer(&(CdpCustomer) {x, 0, 0});
	cdp_model_check_amount(m);
	if (m < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument m"),
				 errdetail("The mean amount of purchases is not negative.")));
	if (!(model->flags & CDP_MODEL_HAS_PARAMS))
		return false;
	memcpy(&params, model->values, sizeof(params));
	return cdp_model_spend_expected(&params, x, m, result);
}

/* cdp.expected_spend(spend_model, x, m) */
Datum
cdp_expected_spend(PG_FUNCTION_ARGS)
{
	double		result;

	if (!expected_spend(PG_GETARG_CLV_MODEL(0), PG_GETARG_FLOAT8(1),
						PG_GETARG_FLOAT8(2), &result))
		PG_RETURN_NULL();
	RETURN_FINITE(result);
}

/* cdp.expected_spend(spend_model, rfm) */
Datum
cdp__expected_spend_rfm(PG_FUNCTION_ARGS)
{
	CdpRfm	   *rfm = PG_GETARG_RFM(1);
	double		result;

	if (!expected_spend(PG_GETARG_CLV_MODEL(0), rfm->x, rfm->m, &result))
		PG_RETURN_NULL();
	RETURN_FINITE(result);
}

/* The continuous rate per unit of time of a yearly rate of interest. */
static double
discount_rate(const CdpClvModel *model, double annual_rate)
{
	if (!isfinite(annual_rate) || annual_rate < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument annual_rate"),
				 errdetail("It is a yearly rate of interest such as 0.15, not negative.")));
	return log1p(annual_rate) * model->unit_us /
		((double) DAYS_PER_YEAR * USECS_PER_DAY);
}

static double
check_margin(double margin)
{
	if (!isfinite(margin) || margin < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument margin"),
				 errdetail("It is the share of an amount that is earned, not negative.")));
	return margin;
}

static double
discounted(const CountCase *item)
{
	if (item->rate == 0)
		return cdp_model_count_expected(item->kind, &item->params,
										&item->customer, item->horizon);
	return cdp_model_count_discounted(item->kind, &item->params,
									  &item->customer, item->horizon,
									  item->rate);
}

/* What clv and clv_interval have in common; false if not defined. */
static bool
open_clv(FunctionCallInfo fcinfo, CountCase *item, double *value)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	CdpClvModel *spend_model = PG_GETARG_CLV_MODEL(1);
	CdpRfm	   *rfm = PG_GETARG_RFM(2);
	double		margin = check_margin(PG_GETARG_FLOAT8(5));
	bool		known = open_count_rfm(item, model, rfm);
	double		spend;

	item->rate = discount_rate(model, PG_GETARG_FLOAT8(3));
	item->horizon = horizon_in_units(model, PG_GETARG_INTERVAL_P(4));
	if (!expected_spend(spend_model, rfm->x, rfm->m, &spend) || !known)
		return false;
	*value = margin * spend * discounted(item);
	return isfinite(*value);
}

/* cdp.clv(model, spend_model, rfm, annual_rate, horizon, margin) */
Datum
cdp_clv(PG_FUNCTION_ARGS)
{
	CountCase	item;
	double		value;

	if (!open_clv(fcinfo, &item, &value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

/* CdpScoreFunctions: scores as functions of parameters. */
static double
log_purchases(const void *data, const double *params)
{
	CountCase	item = *(const CountCase *) data;

	memcpy(&item.params, params, sizeof(item.params));
	return log(discounted(&item));
}

static double
logit_active(const void *data, const double *params)
{
	CountCase	item = *(const CountCase *) data;
	double		p;

	memcpy(&item.params, params, sizeof(item.params));
	p = active(&item);
	return log(p) - log1p(-p);
}

static double
log_spend(const void *data, const double *values)
{
	const SpendCase *item = data;
	CdpSpendParams params;
	double		result = 0;

	memcpy(&params, values, sizeof(params));
	cdp_model_spend_expected(&params, item->x, item->m, &result);
	return log(result);
}

/* The (low, high) of an interval function; NULLs if not finite. */
static Datum
return_interval(FunctionCallInfo fcinfo, double low, double high)
{
	Datum		values[2] = {Float8GetDatum(low), Float8GetDatum(high)};
	bool		nulls[2] = {false, false};
	TupleDesc	desc = fcinfo->flinfo->fn_extra;

	if (desc == NULL)
	{
		MemoryContext caller;

		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "an interval function must return two columns");
		caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		desc = BlessTupleDesc(CreateTupleDescCopy(desc));
		fcinfo->flinfo->fn_extra = desc;
		MemoryContextSwitchTo(caller);
	}
	nulls[0] = nulls[1] = !isfinite(low) || !isfinite(high);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

static double
interval_width(double level)
{
	if (!(level > 0 && level < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument level"),
				 errdetail("It is a probability between 0 and 1, such as 0.95.")));
	return cdp_model_normal_width(level);
}

/* cdp.clv_interval(model, spend_model, rfm, annual_rate, horizon, margin, level) */
Datum
cdp_clv_interval(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	CdpClvModel *spend_model = PG_GETARG_CLV_MODEL(1);
	CdpRfm	   *rfm = PG_GETARG_RFM(2);
	double		width = interval_width(PG_GETARG_FLOAT8(6));
	SpendCase	spend = {rfm->x, rfm->m};
	CdpMatrix	covariance;
	CdpMatrix	spend_covariance;
	CountCase	item;
	double		value;
	double		error;

	if (!open_clv(fcinfo, &item, &value) ||
		!cdp_model_covariance(model, covariance) ||
		!cdp_model_covariance(spend_model, spend_covariance))
		return return_interval(fcinfo, NAN, NAN);
	if (value == 0)
		return return_interval(fcinfo, 0, 0);
	error = width *
		sqrt(cdp_model_delta_variance(log_purchases, &item, model->nparams,
									  model->values, covariance) +
			 cdp_model_delta_variance(log_spend, &spend, spend_model->nparams,
									  spend_model->values, spend_covariance));
	return return_interval(fcinfo, value * exp(-error), value * exp(error));
}

/* cdp.churn_interval(model, rfm, horizon, level) */
Datum
cdp_churn_interval(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	double		width = interval_width(PG_GETARG_FLOAT8(3));
	CountCase	item;
	CdpMatrix	covariance;
	bool		known = open_count_rfm(&item, model, PG_GETARG_RFM(1));
	double		middle;
	double		error;

	item.horizon = horizon_in_units(model, PG_GETARG_INTERVAL_P(2));
	if (!known || !cdp_model_covariance(model, covariance))
		return return_interval(fcinfo, NAN, NAN);
	if (active(&item) <= 0 || active(&item) >= 1)
		return return_interval(fcinfo, 1 - active(&item), 1 - active(&item));
	middle = logit_active(&item, model->values);
	error = width *
		sqrt(cdp_model_delta_variance(logit_active, &item, model->nparams,
									  model->values, covariance));
	return return_interval(fcinfo, cdp_model_logistic(-middle - error),
						   cdp_model_logistic(-middle + error));
}

/* cdp.expected_purchases_interval(model, rfm, horizon, level) */
Datum
cdp_expected_purchases_interval(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	double		width = interval_width(PG_GETARG_FLOAT8(3));
	CountCase	item;
	CdpMatrix	covariance;
	bool		known = open_count_rfm(&item, model, PG_GETARG_RFM(1));
	double		value;
	double		error;

	item.horizon = horizon_in_units(model, PG_GETARG_INTERVAL_P(2));
	if (!known || !cdp_model_covariance(model, covariance))
		return return_interval(fcinfo, NAN, NAN);
	value = discounted(&item);
	if (value <= 0)
		return return_interval(fcinfo, 0, 0);
	error = width *
		sqrt(cdp_model_delta_variance(log_purchases, &item, model->nparams,
									  model->values, covariance));
	return return_interval(fcinfo, value * exp(-error), value * exp(error));
}

/* cdp._model_customer_loglik(model, x, t_x, t): for tests and comparisons. */
Datum
cdp__model_customer_loglik(PG_FUNCTION_ARGS)
{
	CountCase	item;

	if (!open_count_args(&item, fcinfo))
		PG_RETURN_NULL();
	RETURN_FINITE(cdp_model_count_loglik(item.kind, &item.params,
										 &item.customer));
}

/* cdp._model_spend_loglik(spend_model, x, m): likewise. */
Datum
cdp__model_spend_loglik(PG_FUNCTION_ARGS)
{
	double		x = PG_GETARG_FLOAT8(1);
	double		m = PG_GETARG_FLOAT8(2);
	double		spend;

	if (!expected_spend(PG_GETARG_CLV_MODEL(0), x, m, &spend) &&
		!(PG_GETARG_CLV_MODEL(0)->flags & CDP_MODEL_HAS_PARAMS))
		PG_RETURN_NULL();
	if (x == 0 || m == 0)
		PG_RETURN_NULL();
	RETURN_FINITE(cdp_model_spend_loglik((CdpSpendParams *) PG_GETARG_CLV_MODEL(0)->values,
										 x, m));
}
