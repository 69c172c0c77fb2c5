/*
 * contract_interval.c
 *		How well scores of customers under contract are known.
 *
 * Thin, over score_range.c.
 */
#include "postgres.h"

#include <math.h>

#include "model/score_args.h"
#include "model/score_range.h"

PG_FUNCTION_INFO_V1(cdp__churn_interval_contract);

/* A contract with "horizon" renewals to face, after "tenure" that went well. */
typedef struct ContractCase
{
	double		tenure;
	double		horizon;
} ContractCase;

/* CdpScoreFunction: log-odds that she renews them all, FH eq. 6 in sbg.c. */
static double
logit_renewed(const void *data, const double *values)
{
	const ContractCase *item = data;
	CdpSbgParams params;

	memcpy(&params, values, sizeof(params));
	return cdp_model_logit(cdp_model_sbg_survival(&params, item->tenure,
												  item->horizon));
}

/* cdp.churn_interval(model, tenure, horizon, level) */
Datum
cdp__churn_interval_contract(PG_FUNCTION_ARGS)
{
	double		width = cdp_model_level_width(PG_GETARG_FLOAT8(3));
	ContractCase item = {PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2)};
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
															  true));
}
