/*
 * contract.c
 *		Scores of customers under contract: who renews (kind sbg).
 *
 * Thin, over sbg.c.  Time is counted in periods from one renewal to the next;
 * the model's unit says how long one is, which matters to interest only.
 * NULL comes out when the model has no parameters, or no end is in sight.
 */
#include "postgres.h"

#include <math.h>

#include "model/sbg.h"
#include "model/score_args.h"

PG_FUNCTION_INFO_V1(cdp_retention);
PG_FUNCTION_INFO_V1(cdp_survival);
PG_FUNCTION_INFO_V1(cdp__p_active_contract);
PG_FUNCTION_INFO_V1(cdp__churn_contract);
PG_FUNCTION_INFO_V1(cdp_expected_lifetime);
PG_FUNCTION_INFO_V1(cdp__dert_contract);

/* See score_args.h. */
bool
cdp_model_open_contract(CdpSbgParams *params, FunctionCallInfo fcinfo)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);

	if (model->kind != CDP_MODEL_SBG)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument model"),
				 errdetail("It is of kind \"%s\"; a model of contracts is needed: sbg.",
						   cdp_model_kind_name(model->kind))));
	if (!(model->flags & CDP_MODEL_HAS_PARAMS))
		return false;
	memcpy(params, model->values, sizeof(*params));
	return true;
}

/* A number of periods in argument i. */
static double
get_periods(FunctionCallInfo fcinfo, int i, const char *name)
{
	double		periods = PG_GETARG_FLOAT8(i);

	cdp_model_check_periods(name, periods);
	return periods;
}

/* cdp.retention(model, period) */
Datum
cdp_retention(PG_FUNCTION_ARGS)
{
	CdpSbgParams params;
	bool		known = cdp_model_open_contract(&params, fcinfo);
	double		period = PG_GETARG_FLOAT8(1);

	cdp_model_check_period(period);
	if (!known)
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_sbg_retention(&params, period));
}

/* cdp.survival(model, tenure) */
Datum
cdp_survival(PG_FUNCTION_ARGS)
{
	CdpSbgParams params;
	bool		known = cdp_model_open_contract(&params, fcinfo);
	double		tenure = get_periods(fcinfo, 1, "tenure");

	if (!known)
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_sbg_survival(&params, 0, tenure));
}

/* cdp.p_active(model, tenure, horizon) */
Datum
cdp__p_active_contract(PG_FUNCTION_ARGS)
{
	CdpSbgParams params;
	bool		known = cdp_model_open_contract(&params, fcinfo);
	double		tenure = get_periods(fcinfo, 1, "tenure");
	double		horizon = get_periods(fcinfo, 2, "horizon");

	if (!known)
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_sbg_survival(&params, tenure, horizon));
}

/* cdp.churn(model, tenure, horizon) */
Datum
cdp__churn_contract(PG_FUNCTION_ARGS)
{
	CdpSbgParams params;
	bool		known = cdp_model_open_contract(&params, fcinfo);
	double		tenure = get_periods(fcinfo, 1, "tenure");
	double		horizon = get_periods(fcinfo, 2, "horizon");

	if (!known)
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(1 - cdp_model_sbg_survival(&params, tenure, horizon));
}

/* cdp.expected_lifetime(model, tenure, horizon) */
Datum
cdp_expected_lifetime(PG_FUNCTION_ARGS)
{
	CdpSbgParams params;
	bool		known = cdp_model_open_contract(&params, fcinfo);
	double		tenure = get_periods(fcinfo, 1, "tenure");
	double		horizon = PG_GETARG_FLOAT8(2);

	if (horizon != HUGE_VAL)
		cdp_model_check_periods("horizon", horizon);
	if (!known)
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_sbg_expected(&params, tenure, horizon));
}

/* cdp.dert(model, tenure, annual_rate) */
Datum
cdp__dert_contract(PG_FUNCTION_ARGS)
{
	CdpSbgParams params;
	bool		known = cdp_model_open_contract(&params, fcinfo);
	double		tenure = get_periods(fcinfo, 1, "tenure");
	double		rate = cdp_model_endless_rate(PG_GETARG_CLV_MODEL(0),
											  PG_GETARG_FLOAT8(2));

	if (!known)
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_sbg_discounted(&params, tenure, rate));
}
