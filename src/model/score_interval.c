/*
 * score_interval.c
 *		How well scores are known: the interval functions.
 *
 * By the delta method (interval.c), on the logarithm of amounts and the
 * log-odds of probabilities, so that an interval stays within what is
 * possible.  A model without covariance has none: NULL, NULL.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"

#include "model/interval.h"
#include "model/score_args.h"
#include "model/special.h"

PG_FUNCTION_INFO_V1(cdp_p_alive_interval);
PG_FUNCTION_INFO_V1(cdp_p_active_interval);
PG_FUNCTION_INFO_V1(cdp_churn_interval);
PG_FUNCTION_INFO_V1(cdp__churn_interval_contract);
PG_FUNCTION_INFO_V1(cdp_expected_purchases_interval);
PG_FUNCTION_INFO_V1(cdp_dert_interval);
PG_FUNCTION_INFO_V1(cdp_expected_spend_interval);
PG_FUNCTION_INFO_V1(cdp_clv_interval);

/* A customer under a spend model. */
typedef struct SpendCase
{
	double		x;
	double		m;
} SpendCase;

/* A contract with "horizon" renewals to face, after "tenure" that went well. */
typedef struct ContractCase
{
	double		tenure;
	double		horizon;
} ContractCase;

/*
 * ln of what may have underflowed: a slope of it is finite.  What is not a
 * number stays so; fmax() and fmin() would make one of it.
 */
static double
safe_log(double value)
{
	return log(value < DBL_MIN ? DBL_MIN : value);
}

/* Log-odds of what may have been rounded to 0 or 1, likewise. */
static double
logit(double p)
{
	double		most = 1 - DBL_EPSILON / 2;

	return safe_log(p) - log1p(p > most ? -most : -p);
}

/* CdpScoreFunctions: scores as functions of parameters. */
static double
log_purchases(const void *data, const double *params)
{
	CdpCountCase item = *(const CdpCountCase *) data;

	memcpy(&item.params, params, sizeof(item.params));
	return safe_log(cdp_model_case_expected(&item));
}

static double
logit_active(const void *data, const double *params)
{
	CdpCountCase item = *(const CdpCountCase *) data;

	memcpy(&item.params, params, sizeof(item.params));
	return logit(cdp_model_case_active(&item));
}

static double
logit_alive(const void *data, const double *params)
{
	CdpCountCase item = *(const CdpCountCase *) data;

	memcpy(&item.params, params, sizeof(item.params));
	return logit(cdp_model_case_alive(&item));
}

static double
log_spend(const void *data, const double *values)
{
	const SpendCase *item = data;
	CdpSpendParams params;
	double		result = 0;

	memcpy(&params, values, sizeof(params));
	cdp_model_spend_expected(&params, item->x, item->m, &result);
	return safe_log(result);
}

static double
logit_renewed(const void *data, const double *values)
{
	const ContractCase *item = data;
	CdpSbgParams params;

	memcpy(&params, values, sizeof(params));
	return logit(cdp_model_sbg_survival(&params, item->tenure, item->horizon));
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

/*
 * The standard error of a score under one model; NaN if the model has no
 * covariance.
 */
static double
score_error(const CdpClvModel *model, CdpScoreFunction score, const void *data)
{
	CdpMatrix	covariance;

	if (!cdp_model_covariance(model, covariance))
		return NAN;
	return sqrt(cdp_model_delta_variance(score, data, model->nparams,
										 model->values, covariance));
}

/* The interval of an amount whose logarithm has this error. */
static Datum
return_amount(FunctionCallInfo fcinfo, bool known, double value, double width,
			  double error)
{
	if (!known || isnan(error))
		return return_interval(fcinfo, NAN, NAN);
	if (value <= 0)
		return return_interval(fcinfo, 0, 0);
	return return_interval(fcinfo, value * exp(-width * error),
						   value * exp(width * error));
}

/*
 * The interval of a probability, which the score gives as log-odds; if
 * reversed that of 1 less it.
 */
static Datum
return_probability(FunctionCallInfo fcinfo, bool known, double p,
				   double width, CdpScoreFunction score,
				   const void *item, bool reversed)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	double		sign = reversed ? -1 : 1;
	double		value = reversed ? 1 - p : p;
	double		error;

	if (!known || !(model->flags & CDP_MODEL_HAS_COVARIANCE))
		return return_interval(fcinfo, NAN, NAN);
	if (p <= 0 || p >= 1)
		return return_interval(fcinfo, value, value);
	error = width * score_error(model, score, item);
	if (isnan(error))
		return return_interval(fcinfo, NAN, NAN);
	/* log-odds and back is a rounding error away */
	return return_interval(fcinfo,
						   fmin(cdp_model_logistic(sign * logit(p) - error),
								value),
						   fmax(cdp_model_logistic(sign * logit(p) + error),
								value));
}

/* cdp.p_alive_interval(model, rfm, level) */
Datum
cdp_p_alive_interval(PG_FUNCTION_ARGS)
{
	double		width = interval_width(PG_GETARG_FLOAT8(2));
	CdpCountCase item;
	bool		known = cdp_model_open_case_rfm(&item, PG_GETARG_CLV_MODEL(0),
												PG_GETARG_RFM(1));

	return return_probability(fcinfo, known,
							  known ? cdp_model_case_alive(&item) : 0, width,
							  logit_alive, &item, false);
}

/* Of cdp.p_active_interval and cdp.churn_interval. */
static Datum
active_interval(FunctionCallInfo fcinfo, bool reversed)
{
	double		width = interval_width(PG_GETARG_FLOAT8(3));
	CdpCountCase item;
	bool		known = cdp_model_open_case_horizon(&item, fcinfo);

	return return_probability(fcinfo, known,
							  known ? cdp_model_case_active(&item) : 0, width,
							  logit_active, &item, reversed);
}

/* cdp.p_active_interval(model, rfm, horizon, level) */
Datum
cdp_p_active_interval(PG_FUNCTION_ARGS)
{
	return active_interval(fcinfo, false);
}

/* cdp.churn_interval(model, rfm, horizon, level) */
Datum
cdp_churn_interval(PG_FUNCTION_ARGS)
{
	return active_interval(fcinfo, true);
}

/* cdp.churn_interval(model, tenure, horizon, level) */
Datum
cdp__churn_interval_contract(PG_FUNCTION_ARGS)
{
	ContractCase item = {PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2)};
	double		width = interval_width(PG_GETARG_FLOAT8(3));
	CdpSbgParams params;
	bool		known = cdp_model_open_contract(&params, fcinfo);

	cdp_model_check_periods("tenure", item.tenure);
	cdp_model_check_periods("horizon", item.horizon);
	return return_probability(fcinfo, known,
							  known ? cdp_model_sbg_survival(&params, item.tenure,
															 item.horizon) : 0,
							  width, logit_renewed, &item, true);
}

/* Of expected purchases under a case that is set up. */
static Datum
purchases_interval(FunctionCallInfo fcinfo, bool known, double width,
				   const CdpCountCase *item)
{
	if (!known)
		return return_interval(fcinfo, NAN, NAN);
	return return_amount(fcinfo, true, cdp_model_case_expected(item), width,
						 score_error(PG_GETARG_CLV_MODEL(0), log_purchases,
									 item));
}

/* cdp.expected_purchases_interval(model, rfm, horizon, level) */
Datum
cdp_expected_purchases_interval(PG_FUNCTION_ARGS)
{
	double		width = interval_width(PG_GETARG_FLOAT8(3));
	CdpCountCase item;
	bool		known = cdp_model_open_case_horizon(&item, fcinfo);

	return purchases_interval(fcinfo, known, width, &item);
}

/* cdp.dert_interval(model, rfm, annual_rate, level) */
Datum
cdp_dert_interval(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	double		width = interval_width(PG_GETARG_FLOAT8(3));
	CdpCountCase item;
	bool		known = cdp_model_open_case_rfm(&item, model, PG_GETARG_RFM(1));

	item.horizon = HUGE_VAL;
	item.rate = cdp_model_endless_rate(model, PG_GETARG_FLOAT8(2));
	return purchases_interval(fcinfo, known, width, &item);
}

/* cdp.expected_spend_interval(spend_model, rfm, level) */
Datum
cdp_expected_spend_interval(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	CdpRfm	   *rfm = PG_GETARG_RFM(1);
	double		width = interval_width(PG_GETARG_FLOAT8(2));
	SpendCase	item = {rfm->x, rfm->m};
	double		value = 0;
	bool		known = cdp_model_open_spend(model, rfm->x, rfm->m, &value);

	return return_amount(fcinfo, known, value, width,
						 known ? score_error(model, log_spend, &item) : NAN);
}

/* cdp.clv_interval(model, spend_model, rfm, rate, horizon, margin, level) */
Datum
cdp_clv_interval(PG_FUNCTION_ARGS)
{
	CdpRfm	   *rfm = PG_GETARG_RFM(2);
	double		width = interval_width(PG_GETARG_FLOAT8(6));
	SpendCase	spend = {rfm->x, rfm->m};
	CdpCountCase item;
	double		value = 0;

	if (!cdp_model_open_clv(fcinfo, &item, &value))
		return return_interval(fcinfo, NAN, NAN);
	return return_amount(fcinfo, true, value, width,
						 hypot(score_error(PG_GETARG_CLV_MODEL(0),
										   log_purchases, &item),
							   score_error(PG_GETARG_CLV_MODEL(1), log_spend,
										   &spend)));
}
