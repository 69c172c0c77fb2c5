/*
 * score_args.c
 *		Arguments of the scoring functions, checked.
 *
 * A function that takes x, t_x, t takes them and its horizon in the model's
 * unit; one that takes a cdp.rfm_summary knows the unit, and takes its horizon
 * as an interval.  An argument that cannot be is an error that names it.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "model/score_args.h"

/* Doubles hold whole numbers to here. */
#define MAX_PERIODS 9007199254740992.0

/* See score_args.h. */
bool
cdp_model_open_case(CdpCountCase *item, const CdpClvModel *model,
					CdpCustomer customer)
{
	if (!cdp_model_is_count(model))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument model"),
				 errdetail("It is of kind \"%s\"; a model of purchase counts is needed: bgnbd, mbgnbd or pareto_nbd.",
						   cdp_model_kind_name(model->kind))));
	cdp_model_check_customer(&customer);
	item->kind = model->kind == CDP_MODEL_PARETO_NBD ? CDP_CASE_PARETO_NBD :
		model->kind == CDP_MODEL_BGNBD ? CDP_CASE_BGNBD : CDP_CASE_MBGNBD;
	item->customer = customer;
	item->horizon = 0;
	item->rate = 0;
	item->pause = cdp_model_serve_interrupts;
	if (!(model->flags & CDP_MODEL_HAS_PARAMS))
		return false;
	memcpy(&item->params, model->values, sizeof(item->params));
	return true;
}

/* See score_args.h. */
bool
cdp_model_open_case_args(CdpCountCase *item, FunctionCallInfo fcinfo)
{
	return cdp_model_open_case(item, PG_GETARG_CLV_MODEL(0), (CdpCustomer)
	{
		PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3)
	});
}

/* See score_args.h. */
bool
cdp_model_open_case_rfm(CdpCountCase *item, const CdpClvModel *model,
						const CdpRfm *rfm)
{
	double		scale = 1;

	if (rfm->unit_us != model->unit_us)
		scale = (double) rfm->unit_us / model->unit_us;
	return cdp_model_open_case(item, model, (CdpCustomer)
	{
		rfm->x, rfm->t_x * scale, rfm->t * scale
	});
}

/* See score_args.h. */
bool
cdp_model_open_case_horizon(CdpCountCase *item, FunctionCallInfo fcinfo)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	bool		known = cdp_model_open_case_rfm(item, model, PG_GETARG_RFM(1));

	item->horizon = cdp_model_horizon_in_units(model, PG_GETARG_INTERVAL_P(2));
	return known;
}

/* See score_args.h. */
bool
cdp_model_open_case_new(CdpCountCase *item, FunctionCallInfo fcinfo)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	bool		known = cdp_model_open_case(item, model, (CdpCustomer)
	{
		0, 0, 0
	});

	item->horizon = cdp_model_horizon_in_units(model, PG_GETARG_INTERVAL_P(1));
	return known;
}

/* See score_args.h. */
bool
cdp_model_open_wait(CdpCountCase *item, CdpWait *wait, FunctionCallInfo fcinfo)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	CdpRfm	   *rfm = PG_GETARG_RFM(1);
	bool		known = cdp_model_open_case_rfm(item, model, rfm);

	wait->probability = PG_GETARG_FLOAT8(2);
	if (!(wait->probability > 0 && wait->probability < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument probability"),
				 errdetail("It is between 0 and 1, such as 0.5.")));
	if (!known || TIMESTAMP_NOT_FINITE(rfm->first_at))
		return false;
	wait->as_of = rfm->first_at + rint(rfm->t * rfm->unit_us);
	wait->last = (double) END_TIMESTAMP - USECS_PER_DAY;
	if (!(wait->last > wait->as_of))
		return false;
	item->horizon = cdp_model_case_wait(item, wait->probability,
										(wait->last - wait->as_of) /
										model->unit_us);
	return isfinite(item->horizon);
}

/* See score_args.h. */
bool
cdp_model_open_spend(const CdpClvModel *model, double x, double m,
					 double *result)
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

/* See score_args.h. */
void
cdp_model_serve_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

/* See score_args.h. */
double
cdp_model_check_horizon(double horizon)
{
	if (!isfinite(horizon) || horizon < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument horizon"),
				 errdetail("It is a length of time, finite and not negative.")));
	return horizon;
}

/* See score_args.h. */
double
cdp_model_horizon_in_units(const CdpClvModel *model, const Interval *interval)
{
	int64		us;

	if (!cdp_model_interval_us(interval, &us))
		us = -1;
	return cdp_model_check_horizon((double) us / model->unit_us);
}

/* See score_args.h. */
double
cdp_model_check_weight(double weight)
{
	if (!isfinite(weight) || weight < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument weight"),
				 errdetail("It is how many such customers there are, finite and not negative.")));
	return weight;
}

/* See score_args.h: a number of renewals or of periods between them. */
void
cdp_model_check_periods(const char *argument, double periods)
{
	if (!(periods >= 0 && periods <= MAX_PERIODS) || periods != floor(periods))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument %s", argument),
				 errdetail("It is a whole number of periods, not negative.")));
}

/* See score_args.h: which renewal. */
void
cdp_model_check_period(double period)
{
	cdp_model_check_periods("period", period);
	if (period < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument period"),
				 errdetail("The first renewal is number 1.")));
}

/* See score_args.h. */
double
cdp_model_check_margin(double margin)
{
	if (!isfinite(margin) || margin < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument margin"),
				 errdetail("It is the share of an amount that is earned, not negative.")));
	return margin;
}

/* See score_args.h. */
double
cdp_model_discount_rate(const CdpClvModel *model, double annual_rate)
{
	if (!isfinite(annual_rate) || annual_rate < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument annual_rate"),
				 errdetail("It is a yearly rate of interest such as 0.15, not negative.")));
	return log1p(annual_rate) * model->unit_us /
		((double) DAYS_PER_YEAR * USECS_PER_DAY);
}

/* See score_args.h. */
double
cdp_model_endless_rate(const CdpClvModel *model, double annual_rate)
{
	double		rate = cdp_model_discount_rate(model, annual_rate);

	if (rate <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument annual_rate"),
				 errdetail("What has no end has a present value only at a rate above 0, such as 0.15.")));
	return rate;
}

/* See score_args.h. */
bool
cdp_model_open_clv(FunctionCallInfo fcinfo, CdpCountCase *item, double *value)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	CdpClvModel *spend_model = PG_GETARG_CLV_MODEL(1);
	CdpRfm	   *rfm = PG_GETARG_RFM(2);
	double		margin = cdp_model_check_margin(PG_GETARG_FLOAT8(5));
	bool		known = cdp_model_open_case_rfm(item, model, rfm);
	double		spend;

	item->rate = cdp_model_discount_rate(model, PG_GETARG_FLOAT8(3));
	item->horizon = cdp_model_horizon_in_units(model, PG_GETARG_INTERVAL_P(4));
	if (!cdp_model_open_spend(spend_model, rfm->x, rfm->m, &spend) || !known)
		return false;
	*value = margin * spend * cdp_model_case_expected(item);
	return isfinite(*value);
}
