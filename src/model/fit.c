/*
 * fit.c
 *		The fit aggregates of customers: cdp.fit_bgnbd, fit_mbgnbd,
 *		fit_pareto_nbd, fit_gamma_gamma and fit_sbg.
 *
 * The state gathers rows: what is known of a customer, and a weight.  When it
 * is full it is sorted and like rows become one before it grows, so it holds
 * a row per distinct customer history, 32 bytes (24 but for counts); real data in
 * days has far fewer histories than customers.  Parallel workers send their
 * rows, the leader merges them.  The final function sorts once more and fits
 * (count_fit.c, pareto_fit.c, spend.c, sbg.c), so the result depends on
 * the rows and not on the plan that brought them.
 *
 * Rows with a NULL are skipped, and so is weight 0.  A row that cannot be a
 * customer's (t_x > t, say) is an error: the query is wrong.  Data that cannot
 * be fitted is not: the model says so in its status.
 *
 * Interrupts are served while sorting and between groups while fitting.
 */
#include "postgres.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "model/clv_model.h"
#include "model/count_fit.h"
#include "model/pareto_fit.h"
#include "model/rfm.h"
#include "model/sbg.h"
#include "model/score_args.h"

PG_FUNCTION_INFO_V1(cdp__fit_count_step);
PG_FUNCTION_INFO_V1(cdp__fit_rfm_step);
PG_FUNCTION_INFO_V1(cdp__fit_spend_step);
PG_FUNCTION_INFO_V1(cdp__fit_spend_rfm_step);
PG_FUNCTION_INFO_V1(cdp__fit_sbg_step);
PG_FUNCTION_INFO_V1(cdp__fit_combine);
PG_FUNCTION_INFO_V1(cdp__fit_serial);
PG_FUNCTION_INFO_V1(cdp__fit_deserial);
PG_FUNCTION_INFO_V1(cdp__fit_bgnbd_final);
PG_FUNCTION_INFO_V1(cdp__fit_mbgnbd_final);
PG_FUNCTION_INFO_V1(cdp__fit_pareto_nbd_final);
PG_FUNCTION_INFO_V1(cdp__fit_gamma_gamma_final);
PG_FUNCTION_INFO_V1(cdp__fit_sbg_final);

#define FIRST_CAPACITY 64

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

typedef struct FitState
{
	int			width;			/* COUNT_WIDTH, SPEND_WIDTH or SBG_WIDTH */
	int64		unit_us;		/* 0: not told */
	double		n;				/* customers, by weight */
	double		skipped;		/* customers that say nothing usable */
	Size		nrows;
	Size		capacity;
	double	   *rows;
} FitState;

/* Rows by their columns from left to right; arg is how many there are. */
static int
compare_rows(const void *left, const void *right, void *arg)
{
	const double *l = left;
	const double *r = right;
	int			width = *(int *) arg;

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < width; i++)
		if (l[i] != r[i])
			return l[i] < r[i] ? -1 : 1;
	return 0;
}

/* Sort the rows, and make one of those that differ in weight only. */
static void
merge_rows(FitState *state)
{
	int			width = state->width;
	double	   *kept = state->rows;

	if (state->nrows == 0)
		return;
	qsort_arg(state->rows, state->nrows, width * sizeof(double), compare_rows,
			  &width);
	for (Size i = 1; i < state->nrows; i++)
	{
		double	   *row = state->rows + i * width;

		if (memcmp(row, kept, (width - 1) * sizeof(double)) == 0)
		{
			kept[width - 1] += row[width - 1];
			continue;
		}
		kept += width;
		memmove(kept, row, width * sizeof(double));
	}
	state->nrows = (kept - state->rows) / width + 1;
}

/* Append a row; the array is in the state's own context. */
static void
add_row(FitState *state, const double *row)
{
	if (state->nrows == state->capacity)
	{
		merge_rows(state);
		if (state->nrows > state->capacity / 4 * 3)
		{
			state->capacity += state->capacity / 2;
			state->rows = repalloc_huge(state->rows, state->capacity *
										state->width * sizeof(double));
		}
	}
	memcpy(state->rows + state->nrows++ * state->width, row,
		   state->width * sizeof(double));
}

static FitState *
make_state(MemoryContext context, int width)
{
	FitState   *state = MemoryContextAllocZero(context, sizeof(FitState));

	state->width = width;
	state->capacity = FIRST_CAPACITY;
	state->rows = MemoryContextAlloc(context, state->capacity * width *
									 sizeof(double));
	return state;
}

/* The state of a transition function; NULL if it may stay so. */
static FitState *
get_state(FunctionCallInfo fcinfo, int width, bool make)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "a fit aggregate's function was called outside an aggregate");
	if (!PG_ARGISNULL(0))
		return (FitState *) PG_GETARG_POINTER(0);
	return make ? make_state(context, width) : NULL;
}

static Datum
return_state(FunctionCallInfo fcinfo, FitState *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

static bool
any_null(FunctionCallInfo fcinfo)
{
	for (int i = 1; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
			return true;
	return false;
}

/* The weight in argument number i, or 1 if there is none such. */
static double
get_weight(FunctionCallInfo fcinfo, int i)
{
	double		weight = PG_NARGS() > i ? PG_GETARG_FLOAT8(i) : 1;

	if (!isfinite(weight) || weight < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument weight"),
				 errdetail("It is how many such customers there are, finite and not negative.")));
	return weight;
}

/* All summaries of a fit must be in one unit. */
static void
check_same_unit(FitState *state, const CdpRfm *rfm)
{
	if (state->unit_us == 0)
		state->unit_us = rfm->unit_us;
	if (state->unit_us != rfm->unit_us)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument rfm"),
				 errdetail("All summaries of a fit must be in the same unit of time.")));
}

static void
add_customer(FitState *state, CdpCustomer customer, double weight)
{
	CdpCountGroup group = {customer, weight};

	if (weight == 0)
		return;
	state->n += weight;
	add_row(state, (double *) &group);
}

/* Who did not come back says nothing of repeat spend; who paid 0 is odd. */
static void
add_spend(FitState *state, double x, double m, double weight)
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
	add_row(state, (double *) &group);
}

/* cdp._fit_count_step(state, x, t_x, t [, weight]) */
Datum
cdp__fit_count_step(PG_FUNCTION_ARGS)
{
	bool		skip = any_null(fcinfo);
	FitState   *state = get_state(fcinfo, COUNT_WIDTH, !skip);

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
	return return_state(fcinfo, state);
}

/* cdp._fit_rfm_step(state, rfm) */
Datum
cdp__fit_rfm_step(PG_FUNCTION_ARGS)
{
	bool		skip = any_null(fcinfo);
	FitState   *state = get_state(fcinfo, COUNT_WIDTH, !skip);

	if (!skip)
	{
		CdpRfm	   *rfm = PG_GETARG_RFM(1);

		check_same_unit(state, rfm);
		add_customer(state, (CdpCustomer)
		{
			rfm->x, rfm->t_x, rfm->t
		}, 1);
	}
	return return_state(fcinfo, state);
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
	bool		skip = any_null(fcinfo);
	FitState   *state = get_state(fcinfo, SPEND_WIDTH, !skip);

	if (!skip)
	{
		double		x = PG_GETARG_FLOAT8(1) + 0.0;

		check_x(x);
		cdp_model_check_amount(PG_GETARG_FLOAT8(2));
		add_spend(state, x, PG_GETARG_FLOAT8(2), get_weight(fcinfo, 3));
	}
	return return_state(fcinfo, state);
}

/* cdp._fit_spend_rfm_step(state, rfm) */
Datum
cdp__fit_spend_rfm_step(PG_FUNCTION_ARGS)
{
	bool		skip = any_null(fcinfo);
	FitState   *state = get_state(fcinfo, SPEND_WIDTH, !skip);

	if (!skip)
	{
		CdpRfm	   *rfm = PG_GETARG_RFM(1);

		add_spend(state, rfm->x, rfm->m, 1);
	}
	return return_state(fcinfo, state);
}

/* cdp._fit_sbg_step(state, tenure, churned [, weight]) */
Datum
cdp__fit_sbg_step(PG_FUNCTION_ARGS)
{
	bool		skip = any_null(fcinfo);
	FitState   *state = get_state(fcinfo, SBG_WIDTH, !skip);

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
			add_row(state, (double *) &group);
		}
	}
	return return_state(fcinfo, state);
}

/* Combine: append the other's rows. */
Datum
cdp__fit_combine(PG_FUNCTION_ARGS)
{
	FitState   *other = PG_ARGISNULL(1) ? NULL : (FitState *) PG_GETARG_POINTER(1);
	FitState   *state = get_state(fcinfo, other ? other->width : COUNT_WIDTH,
								  other != NULL);

	if (other == NULL)
		return return_state(fcinfo, state);
	if (state->unit_us != 0 && other->unit_us != 0 &&
		state->unit_us != other->unit_us)
		check_same_unit(state, &(CdpRfm) {.unit_us = other->unit_us});
	state->unit_us = Max(state->unit_us, other->unit_us);
	state->n += other->n;
	state->skipped += other->skipped;
	for (Size i = 0; i < other->nrows; i++)
		add_row(state, other->rows + i * other->width);
	PG_RETURN_POINTER(state);
}

/* To bytes, for the leader of a parallel plan. */
Datum
cdp__fit_serial(PG_FUNCTION_ARGS)
{
	FitState   *state = (FitState *) PG_GETARG_POINTER(0);
	Size		header = offsetof(FitState, rows);
	Size		size;
	bytea	   *bytes;

	merge_rows(state);
	size = state->nrows * state->width * sizeof(double);
	if (size > MaxAllocSize - header - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many distinct customers for a parallel fit"),
				 errhint("Set max_parallel_workers_per_gather to 0.")));
	bytes = palloc(VARHDRSZ + header + size);
	SET_VARSIZE(bytes, VARHDRSZ + header + size);
	memcpy(VARDATA(bytes), state, header);
	memcpy(VARDATA(bytes) + header, state->rows, size);
	PG_RETURN_BYTEA_P(bytes);
}

/* And back. */
Datum
cdp__fit_deserial(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	FitState   *state = palloc0(sizeof(FitState));
	Size		header = offsetof(FitState, rows);
	Size		size = VARSIZE_ANY_EXHDR(bytes) - header;

	memcpy(state, VARDATA_ANY(bytes), header);
	state->capacity = Max(state->nrows, 1);
	state->rows = palloc(Max(size, sizeof(double)));
	memcpy(state->rows, VARDATA_ANY(bytes) + header, size);
	PG_RETURN_POINTER(state);
}

/* CHECK_FOR_INTERRUPTS as a function, for the pure files. */
static void
serve_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
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
make_model(CdpModelKind kind, const FitState *state, const CdpFit *fit)
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
	FitState   *state = PG_ARGISNULL(0) ? NULL : (FitState *) PG_GETARG_POINTER(0);
	CdpFit		fit = {.status = CDP_FIT_INSUFFICIENT};

	if (state != NULL)
	{
		merge_rows(state);
		cdp_model_fit_count(count_kind, (CdpCountGroup *) state->rows,
							state->nrows, serve_interrupts, &fit);
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
	FitState   *state = PG_ARGISNULL(0) ? NULL : (FitState *) PG_GETARG_POINTER(0);
	CdpFit		fit = {.status = CDP_FIT_INSUFFICIENT};

	if (state != NULL)
	{
		merge_rows(state);
		cdp_model_fit_pareto((CdpCountGroup *) state->rows, state->nrows,
							 serve_interrupts, &fit);
	}
	PG_RETURN_POINTER(make_model(CDP_MODEL_PARETO_NBD, state, &fit));
}

Datum
cdp__fit_gamma_gamma_final(PG_FUNCTION_ARGS)
{
	FitState   *state = PG_ARGISNULL(0) ? NULL : (FitState *) PG_GETARG_POINTER(0);
	CdpFit		fit = {.status = CDP_FIT_INSUFFICIENT};

	if (state != NULL)
	{
		merge_rows(state);
		cdp_model_fit_spend((CdpSpendGroup *) state->rows, state->nrows,
							serve_interrupts, &fit);
	}
	PG_RETURN_POINTER(make_model(CDP_MODEL_GAMMA_GAMMA, state, &fit));
}

Datum
cdp__fit_sbg_final(PG_FUNCTION_ARGS)
{
	FitState   *state = PG_ARGISNULL(0) ? NULL : (FitState *) PG_GETARG_POINTER(0);
	CdpFit		fit = {.status = CDP_FIT_INSUFFICIENT};

	if (state != NULL)
	{
		merge_rows(state);
		cdp_model_fit_sbg((CdpSbgGroup *) state->rows, state->nrows,
						  serve_interrupts, &fit);
	}
	PG_RETURN_POINTER(make_model(CDP_MODEL_SBG, state, &fit));
}
