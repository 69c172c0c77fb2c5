/*
 * score_interval.c
 *		How well scores of purchases and spend are known: interval functions.
 *
 * Thin, over score_range.c: each gives a score as a function of parameters, on
 * the scale of its error.  Contracts are in contract_interval.c.
 */
#include "postgres.h"

#include <math.h>

#include "model/score_args.h"
#include "model/score_range.h"

PG_FUNCTION_INFO_V1(cdp_p_alive_interval);
PG_FUNCTION_INFO_V1(cdp_p_active_interval);
PG_FUNCTION_INFO_V1(cdp_churn_interval);
PG_FUNCTION_INFO_V1(cdp_expected_purchases_interval);
PG_FUNCTION_INFO_V1(cdp_expected_purchases_new_interval);
PG_FUNCTION_INFO_V1(cdp_next_purchase_at_interval);
PG_FUNCTION_INFO_V1(cdp_dert_interval);
PG_FUNCTION_INFO_V1(cdp_expected_spend_interval);
PG_FUNCTION_INFO_V1(cdp_clv_interval);

/* A step of ln time, for the slope of P(active): as interval.c's. */
#define TIME_STEP 1e-4

/* A customer under a spend model. */
typedef struct SpendCase
{
	double		x;
	double		m;
} SpendCase;

/* CdpScoreFunctions: scores as functions of parameters. */
static double
log_purchases(const void *data, const double *params)
{
	CdpCountCase item = *(const CdpCountCase *) data;

	memcpy(&item.params, params, sizeof(item.params));
	return cdp_model_safe_log(cdp_model_case_expected(&item));
}

static double
logit_active(const void *data, const double *params)
{
	CdpCountCase item = *(const CdpCountCase *) data;

	memcpy(&item.params, params, sizeof(item.params));
	return cdp_model_logit(cdp_model_case_active(&item));
}

static double
logit_alive(const void *data, const double *params)
{
	CdpCountCase item = *(const CdpCountCase *) data;

	memcpy(&item.params, params, sizeof(item.params));
	return cdp_model_logit(cdp_model_case_alive(&item));
}

static double
log_spend(const void *data, const double *values)
{
	const SpendCase *item = data;
	CdpSpendParams params;
	double		result = 0;

	memcpy(&params, values, sizeof(params));
	cdp_model_spend_expected(&params, item->x, item->m, &result);
	return cdp_model_safe_log(result);
}

/* cdp.p_alive_interval(model, rfm, level) */
Datum
cdp_p_alive_interval(PG_FUNCTION_ARGS)
{
	double		width = cdp_model_level_width(PG_GETARG_FLOAT8(2));
	CdpCountCase item;
	CdpScore	score = {PG_GETARG_CLV_MODEL(0), logit_alive, &item};
	bool		known = cdp_model_open_case_rfm(&item, score.model,
												PG_GETARG_RFM(1));
	double		p = known ? cdp_model_case_alive(&item) : NAN;

	return cdp_model_return_range(fcinfo,
								  cdp_model_probability_range(&score, p, width,
															  false));
}

/* Of cdp.p_active_interval and cdp.churn_interval. */
static Datum
active_interval(FunctionCallInfo fcinfo, bool reversed)
{
	double		width = cdp_model_level_width(PG_GETARG_FLOAT8(3));
	CdpCountCase item;
	CdpScore	score = {PG_GETARG_CLV_MODEL(0), logit_active, &item};
	bool		known = cdp_model_open_case_horizon(&item, fcinfo);
	double		p = known ? cdp_model_case_active(&item) : NAN;

	return cdp_model_return_range(fcinfo,
								  cdp_model_probability_range(&score, p, width,
															  reversed));
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

/* Of expected purchases under a case that is set up, if known. */
static Datum
purchases_interval(FunctionCallInfo fcinfo, bool known, double width,
				   const CdpCountCase *item)
{
	CdpScore	score = {PG_GETARG_CLV_MODEL(0), log_purchases, item};
	CdpRange	range = {NAN, NAN};

	if (known)
		range = cdp_model_amount_range(cdp_model_case_expected(item), width,
									   cdp_model_score_error(&score));
	return cdp_model_return_range(fcinfo, range);
}

/* cdp.expected_purchases_interval(model, rfm, horizon, level) */
Datum
cdp_expected_purchases_interval(PG_FUNCTION_ARGS)
{
	double		width = cdp_model_level_width(PG_GETARG_FLOAT8(3));
	CdpCountCase item;
	bool		known = cdp_model_open_case_horizon(&item, fcinfo);

	return purchases_interval(fcinfo, known, width, &item);
}

/* cdp.expected_purchases_new_interval(model, horizon, level) */
Datum
cdp_expected_purchases_new_interval(PG_FUNCTION_ARGS)
{
	double		width = cdp_model_level_width(PG_GETARG_FLOAT8(2));
	CdpCountCase item;
	bool		known = cdp_model_open_case_new(&item, fcinfo);

	return purchases_interval(fcinfo, known, width, &item);
}

/* d logit P(active) / d ln horizon. */
static double
slope_in_time(const CdpCountCase *item)
{
	CdpCountCase sooner = *item;
	CdpCountCase later = *item;

	sooner.horizon *= exp(-TIME_STEP);
	later.horizon *= exp(TIME_STEP);
	return (cdp_model_logit(cdp_model_case_active(&later)) -
			cdp_model_logit(cdp_model_case_active(&sooner))) / (2 * TIME_STEP);
}

/*
 * The standard error of the logarithm of a wait.  The wait w solves
 * F(w; theta) = probability, F the log-odds of P(active), so by the implicit
 * function theorem d ln w/d theta = -(dF/d theta) / (dF/d ln w): the error of
 * F at w over its slope there (as for any quantile: W. Meeker, L. Escobar,
 * "Statistical Methods for Reliability Data", 1998, ch. 8).  Where F is flat
 * nothing is known: HUGE_VAL.
 */
static double
wait_error(const CdpScore *score)
{
	double		slope = slope_in_time(score->customer);
	double		error = cdp_model_score_error(score);

	/* fmax() would make a slope of what is not a number */
	return error > 0 ? error / (slope < 0 ? 0 : slope) : error;
}

/*
 * cdp.next_purchase_at_interval(model, rfm, probability, level): of the wait
 * from the as-of time on, which stays positive.
 */
Datum
cdp_next_purchase_at_interval(PG_FUNCTION_ARGS)
{
	double		width = cdp_model_level_width(PG_GETARG_FLOAT8(3));
	CdpCountCase item;
	CdpScore	score = {PG_GETARG_CLV_MODEL(0), logit_active, &item};
	CdpWait		wait = {0};
	CdpRange	range = {NAN, NAN};

	if (cdp_model_open_wait(&item, &wait, fcinfo))
	{
		double		unit_us = score.model->unit_us;

		range = cdp_model_amount_range(item.horizon, width,
									   wait_error(&score));
		range.low = wait.as_of + rint(range.low * unit_us);
		range.high = wait.as_of + rint(range.high * unit_us);
	}
	return cdp_model_return_times(fcinfo, range, wait.last);
}

/* cdp.dert_interval(model, rfm, annual_rate, level) */
Datum
cdp_dert_interval(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	double		width = cdp_model_level_width(PG_GETARG_FLOAT8(3));
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
	CdpRfm	   *rfm = PG_GETARG_RFM(1);
	double		width = cdp_model_level_width(PG_GETARG_FLOAT8(2));
	SpendCase	item = {rfm->x, rfm->m};
	CdpScore	score = {PG_GETARG_CLV_MODEL(0), log_spend, &item};
	CdpRange	range = {NAN, NAN};
	double		value;

	if (cdp_model_open_spend(score.model, rfm->x, rfm->m, &value))
		range = cdp_model_amount_range(value, width,
									   cdp_model_score_error(&score));
	return cdp_model_return_range(fcinfo, range);
}

/* cdp.clv_interval(model, spend_model, rfm, rate, horizon, margin, level) */
Datum
cdp_clv_interval(PG_FUNCTION_ARGS)
{
	CdpRfm	   *rfm = PG_GETARG_RFM(2);
	double		width = cdp_model_level_width(PG_GETARG_FLOAT8(6));
	SpendCase	spend = {rfm->x, rfm->m};
	CdpCountCase item;
	CdpScore	bought = {PG_GETARG_CLV_MODEL(0), log_purchases, &item};
	CdpScore	spent = {PG_GETARG_CLV_MODEL(1), log_spend, &spend};
	CdpRange	range = {NAN, NAN};
	double		value;

	if (cdp_model_open_clv(fcinfo, &item, &value))
		range = cdp_model_amount_range(value, width,
									   hypot(cdp_model_score_error(&bought),
											 cdp_model_score_error(&spent)));
	return cdp_model_return_range(fcinfo, range);
}
