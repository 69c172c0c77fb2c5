/*
 * gather.c
 *		The state of aggregates that need all rows.
 *
 * Rows are a few doubles each, the last a weight.  When the state is full it
 * is sorted and like rows become one before it grows, so it holds each
 * distinct row once.  Parallel workers send their rows, the leader merges
 * them.  A final function merges once more: what it sees is sorted, and does
 * not depend on the plan that brought the rows.
 *
 * Memory: 8 bytes a column of each distinct row, half as much again to grow
 * into, and for the moment of growing both the old and the new array: 2.5
 * times the distinct rows at the most.  That is no part of work_mem: a fit
 * looks at all rows in each iteration, so nothing is gained by spilling them.
 * Arrays may be larger than a gigabyte; what a parallel worker sends may not,
 * which is an error with a way out.
 *
 * Interrupts are served for each row.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "model/gather.h"

PG_FUNCTION_INFO_V1(cdp__gather_combine);
PG_FUNCTION_INFO_V1(cdp__gather_serial);
PG_FUNCTION_INFO_V1(cdp__gather_deserial);

#define FIRST_CAPACITY 64

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

/* See gather.h. */
void
cdp_model_gather_merge(CdpGather *state)
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

		CHECK_FOR_INTERRUPTS();
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

/* See gather.h; the array is in the state's own context. */
void
cdp_model_gather_add(CdpGather *state, const double *row)
{
	if (state->nrows == state->capacity)
	{
		cdp_model_gather_merge(state);
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

static CdpGather *
make_state(MemoryContext context, int width)
{
	CdpGather  *state = MemoryContextAllocZero(context, sizeof(CdpGather));

	state->width = width;
	state->capacity = FIRST_CAPACITY;
	state->rows = MemoryContextAlloc(context, state->capacity * width *
									 sizeof(double));
	return state;
}

/* See gather.h. */
CdpGather *
cdp_model_gather_state(FunctionCallInfo fcinfo, int width, bool make)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "an aggregate's function was called outside an aggregate");
	if (!PG_ARGISNULL(0))
		return (CdpGather *) PG_GETARG_POINTER(0);
	return make ? make_state(context, width) : NULL;
}

/* See gather.h. */
Datum
cdp_model_gather_return(FunctionCallInfo fcinfo, CdpGather *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* See gather.h. */
bool
cdp_model_any_null(FunctionCallInfo fcinfo)
{
	for (int i = 1; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
			return true;
	return false;
}

/* See gather.h. */
void
cdp_model_gather_unit(CdpGather *state, int64 unit_us)
{
	if (state->unit_us == 0)
		state->unit_us = unit_us;
	if (state->unit_us != unit_us)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument rfm"),
				 errdetail("All summaries of a fit must be in the same unit of time.")));
}

/* See gather.h. */
void
cdp_model_gather_setting(CdpGather *state, double setting)
{
	if (!state->has_setting)
		state->setting = setting;
	state->has_setting = true;
	if (state->setting != setting)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the last argument of the aggregate must be the same for all rows")));
}

/* Combine: append the other's rows. */
Datum
cdp__gather_combine(PG_FUNCTION_ARGS)
{
	CdpGather  *other = PG_ARGISNULL(1) ? NULL :
		(CdpGather *) PG_GETARG_POINTER(1);
	CdpGather  *state = cdp_model_gather_state(fcinfo,
											   other ? other->width : 0,
											   other != NULL);

	if (other == NULL)
		return cdp_model_gather_return(fcinfo, state);
	if (other->unit_us != 0)
		cdp_model_gather_unit(state, other->unit_us);
	if (other->has_setting)
		cdp_model_gather_setting(state, other->setting);
	state->n += other->n;
	state->skipped += other->skipped;
	for (Size i = 0; i < other->nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		cdp_model_gather_add(state, other->rows + i * other->width);
	}
	PG_RETURN_POINTER(state);
}

/* To bytes, for the leader of a parallel plan. */
Datum
cdp__gather_serial(PG_FUNCTION_ARGS)
{
	CdpGather  *state = (CdpGather *) PG_GETARG_POINTER(0);
	Size		header = offsetof(CdpGather, rows);
	Size		size;
	bytea	   *bytes;

	cdp_model_gather_merge(state);
	size = state->nrows * state->width * sizeof(double);
	if (size > MaxAllocSize - header - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many distinct rows for a parallel aggregate"),
				 errdetail("A worker sends at most 1 GB; its %zu rows of %d columns take more.",
						   state->nrows, state->width),
				 errhint("Set max_parallel_workers_per_gather to 0.")));
	bytes = palloc(VARHDRSZ + header + size);
	SET_VARSIZE(bytes, VARHDRSZ + header + size);
	memcpy(VARDATA(bytes), state, header);
	memcpy(VARDATA(bytes) + header, state->rows, size);
	PG_RETURN_BYTEA_P(bytes);
}

/* And back. */
Datum
cdp__gather_deserial(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	CdpGather  *state = palloc0(sizeof(CdpGather));
	Size		header = offsetof(CdpGather, rows);
	Size		size = VARSIZE_ANY_EXHDR(bytes) - header;

	memcpy(state, VARDATA_ANY(bytes), header);
	state->capacity = Max(state->nrows, 1);
	state->rows = palloc(Max(size, sizeof(double)));
	memcpy(state->rows, VARDATA_ANY(bytes) + header, size);
	PG_RETURN_POINTER(state);
}
