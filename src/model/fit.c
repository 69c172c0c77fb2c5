/*
 * fit.c
 *		The fit aggregates of customers: cdp.fit_bgnbd, fit_mbgnbd,
 *		fit_pareto_nbd, fit_gamma_gamma and fit_sbg.
 *
 * The state gathers rows (gather.c): what is known of a customer, and a weight.
 * It holds a row per distinct customer history, 32 bytes (24 but for counts);
 * real data in days has far fewer histories than customers.  The final function
 * sorts and fits (count_fit.c, pareto_fit.c, spend.c, sbg.c), so the result
 * depends on the rows and not on the plan that brought them.
 *
 * Rows with a NULL are skipped, and so is weight 0.  A row that cannot be a
 * customer's (t_x > t, say) is an error: the query is wrong.  Data that cannot
 * be fitted is not: the model says so in its status.
 *
 * Interrupts are served while sorting and between groups while fitting.
 */
#include "postgres.h"

#include <math.h>

#include "model/clv_model.h"
#include "model/count_fit.h"
#include "model/gather.h"
#include "model/pareto_fit.h"
#include "model/rfm.h"
#include "model/sbg.h"
#include "model/score_args.h"

PG_FUNCTION_INFO_V1(cdp__fit_count_step);
PG_FUNCTION_INFO_V1(cdp__fit_rfm_step);
PG_FUNCTION_INFO_V1(cdp__fit_spend_step);
PG_FUNCTION_INFO_V1(cdp__fit_spend_rfm_step);
PG_FUNCTION_INFO_V1(cdp__fit_sbg_step);
PG_FUNCTION_INFO_V1(cdp__fit_bgnbd_final);
PG_FUNCTION_INFO_V1(cdp__fit_mbgnbd_final);
PG_FUNCTION_INFO_V1(cdp__fit_pareto_nbd_final);
PG_FUNCTION_INFO_V1(cdp__fit_gamma_gamma_final);
PG_FUNCTION_INFO_V1(cdp__fit_sbg_final);

/* Columns of a row, weight last: Cdp...Groups of count, spend, sbg. */
#define COUNT_WIDTH 4
#define SPEND_WIDTH 3
#define SBG_WIDTH 3

StaticAssertDecl(sizeof(CdpCountGroup) == COUNT_WIDTH * sizeof(double),
				 "a row of the state is a group");
StaticAssertDecl(sizeof(CdpSpendGroup) == SPEND_WIDTH * sizeof(double),
				 "a row of the state is a group");
StaticAssertDecl(sizeof(CdpSbgGroup) == SBG_WIDTH * sizeof(double),
				 "a row of the state is a group");

/* The weight in argument number i, or 1 if there is none such. */
static double
get_weight(FunctionCallInfo fcinfo, int i)
{
	return PG_NARGS() > i ? cdp_model_check_weight(PG_GETARG_FLOAT8(i)) : 1;
}

static void
add_customer(CdpGather *state, CdpCustomer customer, double weight)
{
	CdpCountGroup group = {customer, weight};

	if (weight == 0)
		return;
	state->n += weight;
	cdp_model_gather_add(state, (double *) &group);
}

/* Who did not come back says nothing of repeat spend; who paid 0 is odd. */
static void
add_spend(CdpGather *state, double x, double m, double weight)
{
	CdpSpendGroup group = {x, m, weight};

	if (weight == 0 || x == 0)
		return;
	if (m <= 0)
	{
		state->skipped += weight;
		return;
	}
	state->n += weight;
	cdp_model_gather_add(state, (double *) &group);
}

/* cdp._fit_count_step(state, x, t_x, t [, weight]) */
Datum
cdp__fit_count_step(PG_FUNCTION_ARGS)
{
	bool		skip = cdp_model_any_null(fcinfo);
	CdpGather  *state = cdp_model_gather_state(fcinfo, COUNT_WIDTH, !skip);

	if (!skip)
	{
		/* adding 0 makes +0 of -0: equal rows must have equal bytes */
		CdpCustomer customer = {
			PG_GETARG_FLOAT8(1) + 0.0, PG_GETARG_FLOAT8(2) + 0.0,
			PG_GETARG_FLOAT8(3) + 0.0
		};

		cdp_model_check_customer(&customer);
		add_customer(state, customer, get_weight(fcinfo, 4));
	}
	return cdp_model_gather_return(fcinfo, state);
}

/* cdp._fit_rfm_step(state, rfm) */
Datum
cdp__fit_rfm_step(PG_FUNCTION_ARGS)
{
	bool		skip = cdp_model_any_null(fcinfo);
	CdpGather  *state = cdp_model_gather_state(fcinfo, COUNT_WIDTH, !skip);

	if (!skip)
	{
		CdpRfm	   *rfm = PG_GETARG_RFM(1);

		cdp_model_gather_unit(state, rfm->unit_us);
		add_customer(state, (CdpCustomer)
		{
			rfm->x, rfm->t_x, rfm->t
		}, 1);
	}
	return cdp_model_gather_return(fcinfo, state);
}

/* x must be a count. */
static void
check_x(double x)
{
	CdpCustomer customer = {x, 0, 0};

	cdp_model_check_customer(&customer);
}

/* cdp._fit_spend_step(state, x, m [, weight]) */
Datum
cdp__fit_spend_step(PG_FUNCTION_ARGS)
{
	bool		skip = cdp_model_any_null(fcinfo);
	CdpGather  *state = cdp_model_gather_state(fcinfo, SPEND_WIDTH, !skip);

	if (!skip)
	{
		double		x = PG_GETARG_FLOAT8(1) + 0.0;

		check_x(x);
		cdp_model_check_amount(PG_GETARG_FLOAT8(2));
		add_spend(state, x, PG_GETARG_FLOAT8(2), get_weight(fcinfo, 3));
	}
	return cdp_model_gather_return(fcinfo, state);
}

/* cdp._fit_spend_rfm_step(state, rfm) */
Datum
cdp__fit_spend_rfm_step(PG_FUNCTION_ARGS)
{
	bool		skip = cdp_model_any_null(fcinfo);
	CdpGather  *state = cdp_model_gather_state(fcinfo, SPEND_WIDTH, !skip);

	if (!skip)
	{
		CdpRfm	   *rfm = PG_GETARG_RFM(1);

		add_spend(state, rfm->x, rfm->m, 1);
	}
	return cdp_model_gather_return(fcinfo, state);
}

/* cdp._fit_sbg_step(state, tenure, churned [, weight]) */
Datum
cdp__fit_sbg_step(PG_FUNCTION_ARGS)
{
	bool		skip = cdp_model_any_null(fcinfo);
	CdpGather  *state = cdp_model_gather_state(fcinfo, SBG_WIDTH, !skip);

	if (!skip)
	{
		CdpSbgGroup group = {
			PG_GETARG_FLOAT8(1) + 0.0, PG_GETARG_BOOL(2), get_weight(fcinfo, 3)
		};

		cdp_model_check_periods("tenure", group.tenure);
		if (group.churned > 0 && group.tenure == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid argument tenure"),
					 errdetail("Who left did so at a renewal: her tenure is 1 or more.")));
		if (group.weight > 0)
		{
			state->n += group.weight;
			cdp_model_gather_add(state, (double *) &group);
		}
	}
	return cdp_model_gather_return(fcinfo, state);
}

/* Every number of the fit is finite: maths that fails must not show. */
static bool
is_finite_fit(const CdpFit *fit)
{
	bool		finite = isfinite(fit->loglik);

	for (int i = 0; i < fit->nparams; i++)
		finite = finite && isfinite(fit->params[i]) && fit->params[i] > 0;
	return finite;
}

static bool
is_finite_covariance(const CdpFit *fit)
{
	for (int i = 0; i < fit->nparams; i++)
		for (int j = 0; j <= i; j++)
			if (!isfinite(fit->covariance[i][j]))
				return false;
	return true;
}

/* A fit as a value. */
static CdpClvModel *
make_model(CdpModelKind kind, const CdpGather *state, const CdpFit *fit)
{
	bool		usable = fit->status != CDP_FIT_INSUFFICIENT && is_finite_fit(fit);
	CdpClvModel *model;
	double	   *next;

	model = cdp_model_make(kind, usable ? fit->status : CDP_FIT_INSUFFICIENT);
	model->flags = CDP_MODEL_HAS_N;
	if (state != NULL)
	{
		model->n = state->n;
		model->skipped = state->skipped;
	}
	if (state != NULL && state->unit_us != 0)
		model->unit_us = state->unit_us;
	if (!usable)
		return model;
	model->flags |= CDP_MODEL_HAS_PARAMS | CDP_MODEL_HAS_LOGLIK;
	model->loglik = fit->loglik;
	model->iterations = fit->iterations;
	memcpy(model->values, fit->params, fit->nparams * sizeof(double));
	for (int i = 0; i < fit->nparams; i++)
		if (fit->status == CDP_FIT_BOUNDARY && fit->held[i])
			model->held |= 1 << i;
	if (!is_finite_covariance(fit))
		return model;
	next = model->values + fit->nparams;
	for (int i = 0; i < fit->nparams; i++)
		for (int j = 0; j <= i; j++)
			*next++ = fit->covariance[i][j];
	model->flags |= CDP_MODEL_HAS_COVARIANCE;
	return model;
}

static Datum
final_count(FunctionCallInfo fcinfo, CdpModelKind kind, CdpCountKind count_kind)
{
	CdpGather  *state = PG_ARGISNULL(0) ? NULL :
		(CdpGather *) PG_GETARG_POINTER(0);
	CdpFit		fit = {.status = CDP_FIT_INSUFFICIENT};

	if (state != NULL)
	{
		cdp_model_gather_merge(state);
		cdp_model_fit_count(count_kind, (CdpCountGroup *) state->rows,
							state->nrows, cdp_model_serve_interrupts, &fit);
	}
	PG_RETURN_POINTER(make_model(kind, state, &fit));
}

Datum
cdp__fit_bgnbd_final(PG_FUNCTION_ARGS)
{
	return final_count(fcinfo, CDP_MODEL_BGNBD, CDP_COUNT_BGNBD);
}

Datum
cdp__fit_mbgnbd_final(PG_FUNCTION_ARGS)
{
	return final_count(fcinfo, CDP_MODEL_MBGNBD, CDP_COUNT_MBGNBD);
}

Datum
cdp__fit_pareto_nbd_final(PG_FUNCTION_ARGS)
{
	CdpGather  *state = PG_ARGISNULL(0) ? NULL :
		(CdpGather *) PG_GETARG_POINTER(0);
	CdpFit		fit = {.status = CDP_FIT_INSUFFICIENT};

	if (state != NULL)
	{
		cdp_model_gather_merge(state);
		cdp_model_fit_pareto((CdpCountGroup *) state->rows, state->nrows,
							 cdp_model_serve_interrupts, &fit);
	}
	PG_RETURN_POINTER(make_model(CDP_MODEL_PARETO_NBD, state, &fit));
}

Datum
cdp__fit_gamma_gamma_final(PG_FUNCTION_ARGS)
{
	CdpGather  *state = PG_ARGISNULL(0) ? NULL :
		(CdpGather *) PG_GETARG_POINTER(0);
	CdpFit		fit = {.status = CDP_FIT_INSUFFICIENT};

	if (state != NULL)
	{
		cdp_model_gather_merge(state);
		cdp_model_fit_spend((CdpSpendGroup *) state->rows, state->nrows,
							cdp_model_serve_interrupts, &fit);
	}
	PG_RETURN_POINTER(make_model(CDP_MODEL_GAMMA_GAMMA, state, &fit));
}

Datum
cdp__fit_sbg_final(PG_FUNCTION_ARGS)
{
	CdpGather  *state = PG_ARGISNULL(0) ? NULL :
		(CdpGather *) PG_GETARG_POINTER(0);
	CdpFit		fit = {.status = CDP_FIT_INSUFFICIENT};

	if (state != NULL)
	{
		cdp_model_gather_merge(state);
		cdp_model_fit_sbg((CdpSbgGroup *) state->rows, state->nrows,
						  cdp_model_serve_interrupts, &fit);
	}
	PG_RETURN_POINTER(make_model(CDP_MODEL_SBG, state, &fit));
}
