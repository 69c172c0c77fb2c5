/*
 * contract_interval.c
 *		How well scores of customers under contract are known.
 *
 * Thin, over score_range.c.  Equations are those of sbg.c ("FH").  An expected
 * number of renewals has a most that it can be: as many as the horizon has, or
 * discounted the value of renewing for ever, sum_k e^(-rate k) = 1/(e^rate - 1).
 * Its error is that of the log-odds of its share of it; without a most, that of
 * its logarithm.
 */
#include "postgres.h"

#include <math.h>

#include "model/score_args.h"
#include "model/score_range.h"

PG_FUNCTION_INFO_V1(cdp_retention_interval);
PG_FUNCTION_INFO_V1(cdp_survival_interval);
PG_FUNCTION_INFO_V1(cdp__p_active_interval_contract);
PG_FUNCTION_INFO_V1(cdp__churn_interval_contract);
PG_FUNCTION_INFO_V1(cdp_expected_lifetime_interval);
PG_FUNCTION_INFO_V1(cdp__dert_interval_contract);

/* A contract with "horizon" renewals to face, after "tenure" that went well. */
typedef struct ContractCase
{
	double		tenure;
	double		horizon;		/* HUGE_VAL: no end */
	double		rate;			/* of discount, if without end; else 0 */
} ContractCase;

/* CdpScoreFunction: log-odds to renew once more, FH eq. 8: b' to a. */
static double
logit_retained(const void *data, const double *values)
{
	const ContractCase *item = data;
	CdpSbgParams params;

	memcpy(&params, values, sizeof(params));
	return log(params.b + item->tenure) - log(params.a);
}

/* CdpScoreFunction: log-odds that she renews them all, FH eq. 6. */
static double
logit_renewed(const void *data, const double *values)
{
	const ContractCase *item = data;
	CdpSbgParams params;

	memcpy(&params, values, sizeof(params));
	return cdp_model_logit(cdp_model_sbg_survival(&params, item->tenure,
												  item->horizon));
}

/* Expected renewals. */
static double
find_renewals(const ContractCase *item, const double *values)
{
	CdpSbgParams params;

	memcpy(&params, values, sizeof(params));
	return item->rate > 0 ?
		cdp_model_sbg_discounted(&params, item->tenure, item->rate) :
		cdp_model_sbg_expected(&params, item->tenure, item->horizon);
}

/* The most that they can be. */
static double
find_most(const ContractCase *item)
{
	return item->rate > 0 ? 1 / expm1(item->rate) : item->horizon;
}

/* CdpScoreFunctions of those. */
static double
log_renewals(const void *data, const double *values)
{
	return cdp_model_safe_log(find_renewals(data, values));
}

static double
logit_renewals(const void *data, const double *values)
{
	return cdp_model_logit(find_renewals(data, values) / find_most(data));
}

/* The range of expected renewals. */
static CdpRange
find_renewals_range(const CdpClvModel *model, const ContractCase *item,
					double width)
{
	double		value = find_renewals(item, model->values);
	double		most = find_most(item);
	CdpScore	score = {model, log_renewals, item};
	CdpRange	range;

	if (!isfinite(most) || value <= 0)
		return cdp_model_amount_range(value, width,
									  cdp_model_score_error(&score));
	score.function = logit_renewals;
	range = cdp_model_probability_range(&score, value / most, width, false);
	if (isnan(range.low))
		return range;
	/* to a share and back is a rounding error away */
	return (CdpRange) {fmin(range.low * most, value),
		fmax(range.high * most, value)};
}

/* cdp.retention_interval(model, period, level) */
Datum
cdp_retention_interval(PG_FUNCTION_ARGS)
{
	double		period = PG_GETARG_FLOAT8(1);
	double		width = cdp_model_level_width(PG_GETARG_FLOAT8(2));
	ContractCase item = {.tenure = period - 1};
	CdpScore	score = {PG_GETARG_CLV_MODEL(0), logit_retained, &item};
	CdpSbgParams params;
	bool		known = cdp_model_open_contract(&params, fcinfo);
	double		p;

	cdp_model_check_period(period);
	p = known ? cdp_model_sbg_retention(&params, period) : NAN;
	return cdp_model_return_range(fcinfo,
								  cdp_model_probability_range(&score, p, width,
															  false));
}

/* Of "all of these renewals", or reversed of "not all", at a level. */
static Datum
renewed_interval(FunctionCallInfo fcinfo, ContractCase item, double level,
				 bool reversed)
{
	double		width = cdp_model_level_width(level);
	CdpScore	score = {PG_GETARG_CLV_MODEL(0), logit_renewed, &item};
	CdpSbgParams params;
	bool		known = cdp_model_open_contract(&params, fcinfo);
	double		p;

	cdp_model_check_periods("tenure", item.tenure);
	cdp_model_check_periods("horizon", item.horizon);
	p = known ? cdp_model_sbg_survival(&params, item.tenure, item.horizon) :
		NAN;
	return cdp_model_return_range(fcinfo,
								  cdp_model_probability_range(&score, p, width,
															  reversed));
}

/* cdp.survival_interval(model, tenure, level) */
Datum
cdp_survival_interval(PG_FUNCTION_ARGS)
{
	double		tenure = PG_GETARG_FLOAT8(1);

	cdp_model_check_periods("tenure", tenure);
	return renewed_interval(fcinfo, (ContractCase) {.horizon = tenure},
							PG_GETARG_FLOAT8(2), false);
}

/* The tenure and horizon in arguments 1 and 2. */
static ContractCase
get_case(FunctionCallInfo fcinfo)
{
	return (ContractCase) {PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2), 0};
}

/* cdp.p_active_interval(model, tenure, horizon, level) */
Datum
cdp__p_active_interval_contract(PG_FUNCTION_ARGS)
{
	return renewed_interval(fcinfo, get_case(fcinfo), PG_GETARG_FLOAT8(3),
							false);
}

/* cdp.churn_interval(model, tenure, horizon, level) */
Datum
cdp__churn_interval_contract(PG_FUNCTION_ARGS)
{
	return renewed_interval(fcinfo, get_case(fcinfo), PG_GETARG_FLOAT8(3),
							true);
}

/* Of expected renewals, at the level in argument 3. */
static Datum
renewals_interval(FunctionCallInfo fcinfo, const ContractCase *item)
{
	double		width = cdp_model_level_width(PG_GETARG_FLOAT8(3));
	CdpRange	range = {NAN, NAN};
	CdpSbgParams params;

	cdp_model_check_periods("tenure", item->tenure);
	if (cdp_model_open_contract(&params, fcinfo))
		range = find_renewals_range(PG_GETARG_CLV_MODEL(0), item, width);
	return cdp_model_return_range(fcinfo, range);
}

/* cdp.expected_lifetime_interval(model, tenure, horizon, level) */
Datum
cdp_expected_lifetime_interval(PG_FUNCTION_ARGS)
{
	ContractCase item = get_case(fcinfo);

	if (item.horizon != HUGE_VAL)
		cdp_model_check_periods("horizon", item.horizon);
	return renewals_interval(fcinfo, &item);
}

/* cdp.dert_interval(model, tenure, annual_rate, level) */
Datum
cdp__dert_interval_contract(PG_FUNCTION_ARGS)
{
	ContractCase item = {PG_GETARG_FLOAT8(1), HUGE_VAL,
	cdp_model_endless_rate(PG_GETARG_CLV_MODEL(0), PG_GETARG_FLOAT8(2))};

	return renewals_interval(fcinfo, &item);
}
