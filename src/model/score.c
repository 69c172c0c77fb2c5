/*
 * score.c
 *		The scoring functions: a model and a customer in, a number out.
 *
 * Thin: score_args.c checks arguments and brings times into the model's unit,
 * and the pure files do the rest.  NULL comes out when something is not
 * defined: the model's fit was insufficient, or a Gamma-Gamma mean is
 * infinite.  NaN and infinity do not.
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"

#include "model/score_args.h"

PG_FUNCTION_INFO_V1(cdp_p_alive);
PG_FUNCTION_INFO_V1(cdp__p_alive_rfm);
PG_FUNCTION_INFO_V1(cdp_p_active);
PG_FUNCTION_INFO_V1(cdp__p_active_rfm);
PG_FUNCTION_INFO_V1(cdp_churn);
PG_FUNCTION_INFO_V1(cdp__churn_rfm);
PG_FUNCTION_INFO_V1(cdp_expected_purchases);
PG_FUNCTION_INFO_V1(cdp__expected_purchases_rfm);
PG_FUNCTION_INFO_V1(cdp_expected_purchases_new);
PG_FUNCTION_INFO_V1(cdp_dert);
PG_FUNCTION_INFO_V1(cdp__dert_rfm);
PG_FUNCTION_INFO_V1(cdp_next_purchase_at);
PG_FUNCTION_INFO_V1(cdp_expected_spend);
PG_FUNCTION_INFO_V1(cdp__expected_spend_rfm);
PG_FUNCTION_INFO_V1(cdp_clv);
PG_FUNCTION_INFO_V1(cdp__model_customer_loglik);
PG_FUNCTION_INFO_V1(cdp__model_spend_loglik);

/* cdp.p_alive(model, x, t_x, t) */
Datum
cdp_p_alive(PG_FUNCTION_ARGS)
{
	CdpCountCase item;

	if (!cdp_model_open_case_args(&item, fcinfo))
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_case_alive(&item));
}

/* cdp.p_alive(model, rfm) */
Datum
cdp__p_alive_rfm(PG_FUNCTION_ARGS)
{
	CdpCountCase item;

	if (!cdp_model_open_case_rfm(&item, PG_GETARG_CLV_MODEL(0),
								 PG_GETARG_RFM(1)))
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_case_alive(&item));
}

/* Arguments (model, x, t_x, t, horizon); false if nothing is known. */
static bool
open_with_horizon(CdpCountCase *item, FunctionCallInfo fcinfo)
{
	bool		known = cdp_model_open_case_args(item, fcinfo);

	item->horizon = cdp_model_check_horizon(PG_GETARG_FLOAT8(4));
	return known;
}

/* cdp.p_active(model, x, t_x, t, horizon) */
Datum
cdp_p_active(PG_FUNCTION_ARGS)
{
	CdpCountCase item;

	if (!open_with_horizon(&item, fcinfo))
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_case_active(&item));
}

/* cdp.p_active(model, rfm, horizon) */
Datum
cdp__p_active_rfm(PG_FUNCTION_ARGS)
{
	CdpCountCase item;

	if (!cdp_model_open_case_horizon(&item, fcinfo))
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_case_active(&item));
}

/* cdp.churn(model, x, t_x, t, horizon) */
Datum
cdp_churn(PG_FUNCTION_ARGS)
{
	CdpCountCase item;

	if (!open_with_horizon(&item, fcinfo))
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(1 - cdp_model_case_active(&item));
}

/* cdp.churn(model, rfm, horizon) */
Datum
cdp__churn_rfm(PG_FUNCTION_ARGS)
{
	CdpCountCase item;

	if (!cdp_model_open_case_horizon(&item, fcinfo))
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(1 - cdp_model_case_active(&item));
}

/* cdp.expected_purchases(model, x, t_x, t, horizon) */
Datum
cdp_expected_purchases(PG_FUNCTION_ARGS)
{
	CdpCountCase item;

	if (!open_with_horizon(&item, fcinfo))
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_case_expected(&item));
}

/* cdp.expected_purchases(model, rfm, horizon) */
Datum
cdp__expected_purchases_rfm(PG_FUNCTION_ARGS)
{
	CdpCountCase item;

	if (!cdp_model_open_case_horizon(&item, fcinfo))
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_case_expected(&item));
}

/* cdp.expected_purchases_new(model, horizon): after her first purchase. */
Datum
cdp_expected_purchases_new(PG_FUNCTION_ARGS)
{
	CdpCountCase item;

	if (!cdp_model_open_case_new(&item, fcinfo))
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_case_expected(&item));
}

/* cdp.dert(model, x, t_x, t, annual_rate) */
Datum
cdp_dert(PG_FUNCTION_ARGS)
{
	CdpCountCase item;
	bool		known = cdp_model_open_case_args(&item, fcinfo);

	item.horizon = HUGE_VAL;
	item.rate = cdp_model_endless_rate(PG_GETARG_CLV_MODEL(0),
									   PG_GETARG_FLOAT8(4));
	if (!known)
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_case_expected(&item));
}

/* cdp.dert(model, rfm, annual_rate) */
Datum
cdp__dert_rfm(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	CdpCountCase item;
	bool		known = cdp_model_open_case_rfm(&item, model, PG_GETARG_RFM(1));

	item.horizon = HUGE_VAL;
	item.rate = cdp_model_endless_rate(model, PG_GETARG_FLOAT8(2));
	if (!known)
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_case_expected(&item));
}

/*
 * cdp.next_purchase_at(model, rfm, probability): when she will have bought
 * again with this probability, counted from the summary's as-of time.
 */
Datum
cdp_next_purchase_at(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	CdpCountCase item;
	CdpWait		wait;

	if (!cdp_model_open_wait(&item, &wait, fcinfo))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ((TimestampTz)
						  (wait.as_of + rint(item.horizon * model->unit_us)));
}

/* cdp.expected_spend(spend_model, x, m) */
Datum
cdp_expected_spend(PG_FUNCTION_ARGS)
{
	double		result;

	if (!cdp_model_open_spend(PG_GETARG_CLV_MODEL(0), PG_GETARG_FLOAT8(1),
							  PG_GETARG_FLOAT8(2), &result))
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(result);
}

/* cdp.expected_spend(spend_model, rfm) */
Datum
cdp__expected_spend_rfm(PG_FUNCTION_ARGS)
{
	CdpRfm	   *rfm = PG_GETARG_RFM(1);
	double		result;

	if (!cdp_model_open_spend(PG_GETARG_CLV_MODEL(0), rfm->x, rfm->m, &result))
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(result);
}

/* cdp.clv(model, spend_model, rfm, annual_rate, horizon, margin) */
Datum
cdp_clv(PG_FUNCTION_ARGS)
{
	CdpCountCase item;
	double		value;

	if (!cdp_model_open_clv(fcinfo, &item, &value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

/* cdp._model_customer_loglik(model, x, t_x, t): for tests and comparisons. */
Datum
cdp__model_customer_loglik(PG_FUNCTION_ARGS)
{
	CdpCountCase item;

	if (!cdp_model_open_case_args(&item, fcinfo))
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_case_loglik(&item));
}

/* cdp._model_spend_loglik(spend_model, x, m): likewise. */
Datum
cdp__model_spend_loglik(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	double		x = PG_GETARG_FLOAT8(1);
	double		m = PG_GETARG_FLOAT8(2);
	double		spend;

	if (!cdp_model_open_spend(model, x, m, &spend) &&
		!(model->flags & CDP_MODEL_HAS_PARAMS))
		PG_RETURN_NULL();
	if (x == 0 || m == 0)
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_spend_loglik((CdpSpendParams *) model->values,
											 x, m));
}
