/*
 * rfm_agg.c
 *		cdp.rfm_agg: from purchases to cdp.rfm_summary.
 *
 * Purchases fall into grains (days, unless told otherwise) and a grain counts
 * once, as in the papers: who buys twice on a day made one trip.  A grain
 * whose net amount is not positive (returned the same day, free samples) is
 * not a purchase; it is counted as refused.  Rows at or after as_of are not
 * seen yet; rows with a NULL are skipped.
 *
 * Times are whole grains: t_x and t run from the start of the first
 * purchase's grain to the start of the last one's and of the last one seen,
 * the grain that as_of ends.  So with days, t is the difference of two dates,
 * as the papers have it: as_of 1 October, 0:00, is the end of 30 September.
 * Grains of a day or longer begin at midnight of the time zone given, else of
 * the session's.
 *
 * Amounts are summed exactly, in ten-thousandths.
 *
 * State: 40 bytes a grain.  Rows are appended; when the array is full it is
 * sorted and like grains are merged before it grows.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "model/clv_model.h"
#include "model/rfm.h"

PG_FUNCTION_INFO_V1(cdp__rfm_agg_step);
PG_FUNCTION_INFO_V1(cdp__rfm_agg_combine);
PG_FUNCTION_INFO_V1(cdp__rfm_agg_serial);
PG_FUNCTION_INFO_V1(cdp__rfm_agg_deserial);
PG_FUNCTION_INFO_V1(cdp__rfm_agg_final);

#define AMOUNT_SCALE 10000
#define FIRST_GRAINS 4

/* All purchases of one grain. */
typedef struct Grain
{
	TimestampTz start;
	int128		amount;			/* net, in ten-thousandths; cannot overflow */
	TimestampTz first_at;
	TimestampTz last_at;
} Grain;

typedef struct RfmState
{
	TimestampTz as_of;
	TimestampTz as_of_start;	/* of the last grain seen */
	int64		unit_us;
	text	   *grain;			/* NULL: each instant is its own */
	text	   *zone;			/* NULL: the session's */
	Grain	   *grains;
	int			ngrains;
	int			capacity;
} RfmState;

static int
compare_grains(const void *left, const void *right)
{
	const Grain *l = left;
	const Grain *r = right;

	return (l->start > r->start) - (l->start < r->start);
}

/* Sort the grains and merge like ones. */
static void
merge_grains(RfmState *state)
{
	int			kept = 0;

	qsort(state->grains, state->ngrains, sizeof(Grain), compare_grains);
	for (int i = 1; i < state->ngrains; i++)
	{
		Grain	   *last = &state->grains[kept];
		Grain	   *next = &state->grains[i];

		if (next->start != last->start)
		{
			state->grains[++kept] = *next;
			continue;
		}
		last->amount += next->amount;
		last->first_at = Min(last->first_at, next->first_at);
		last->last_at = Max(last->last_at, next->last_at);
	}
	if (state->ngrains > 0)
		state->ngrains = kept + 1;
}

/* Append a grain; the array is in the state's own context. */
static void
add_grain(RfmState *state, Grain grain)
{
	if (state->ngrains == state->capacity)
	{
		CHECK_FOR_INTERRUPTS();
		merge_grains(state);
	}
	if (state->ngrains > state->capacity / 2)
	{
		state->capacity *= 2;
		state->grains = repalloc_huge(state->grains,
									  state->capacity * sizeof(Grain));
	}
	state->grains[state->ngrains++] = grain;
}

/* The start of the grain that an instant falls into. */
static TimestampTz
grain_start(const RfmState *state, TimestampTz at)
{
	if (state->grain == NULL)
		return at;
	if (state->zone != NULL)
		return DatumGetTimestampTz(
			DirectFunctionCall3(timestamptz_trunc_zone,
								PointerGetDatum(state->grain),
								TimestampTzGetDatum(at),
								PointerGetDatum(state->zone)));
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_trunc,
												   PointerGetDatum(state->grain),
												   TimestampTzGetDatum(at)));
}

/* A grain must be one that cdp.rfm_agg documents. */
static void
check_grain(const char *grain)
{
	static const char *const names[] = {"instant", "hour", "day", "week", "month"};

	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(grain, names[i]) == 0)
			return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid argument grain: \"%s\"", grain),
			 errdetail("A grain is instant, hour, day, week or month.")));
}

/* An empty state in the given context, which is made current and left so. */
static RfmState *
make_state(TimestampTz as_of, int64 unit_us, const char *grain, const text *zone)
{
	RfmState   *state = palloc0(sizeof(RfmState));

	if (TIMESTAMP_NOT_FINITE(as_of))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument as_of"),
				 errdetail("It is a finite time.")));
	check_grain(grain);
	state->as_of = as_of;
	state->unit_us = unit_us;
	if (strcmp(grain, "instant") != 0)
		state->grain = cstring_to_text(grain);
	if (zone != NULL)
		state->zone = cstring_to_text_with_len(VARDATA_ANY(zone),
											   VARSIZE_ANY_EXHDR(zone));
	state->as_of_start = state->grain ? grain_start(state, as_of - 1) : as_of;
	state->capacity = FIRST_GRAINS;
	state->grains = palloc(state->capacity * sizeof(Grain));
	return state;
}

/* An amount in ten-thousandths, rounded. */
static int64
scale_amount(Numeric amount)
{
	Datum		scaled;

	if (numeric_is_nan(amount) || numeric_is_inf(amount))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument amount"),
				 errdetail("It is a finite number.")));
	scaled = DirectFunctionCall2(numeric_mul, NumericGetDatum(amount),
								 NumericGetDatum(int64_to_numeric(AMOUNT_SCALE)));
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, scaled));
}

/*
 * cdp._rfm_agg_step(state, at, amount, as_of [, unit [, grain [, zone]]]).
 * as_of and what follows are those of the first row of the group.
 */
Datum
cdp__rfm_agg_step(PG_FUNCTION_ARGS)
{
	RfmState   *state = PG_ARGISNULL(0) ? NULL : (RfmState *) PG_GETARG_POINTER(0);
	MemoryContext context;
	MemoryContext caller;
	TimestampTz at;
	int64		amount;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "cdp._rfm_agg_step called outside an aggregate");
	for (int i = 1; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
		{
			if (state == NULL)
				PG_RETURN_NULL();
			PG_RETURN_POINTER(state);
		}
	amount = scale_amount(PG_GETARG_NUMERIC(2));
	at = PG_GETARG_TIMESTAMPTZ(1);
	caller = MemoryContextSwitchTo(context);
	if (state == NULL)
		state = make_state(PG_GETARG_TIMESTAMPTZ(3),
						   PG_NARGS() > 4 ?
						   cdp_model_check_unit(PG_GETARG_INTERVAL_P(4)) :
						   CDP_DEFAULT_UNIT_US,
						   PG_NARGS() > 5 ?
						   text_to_cstring(PG_GETARG_TEXT_PP(5)) : "day",
						   PG_NARGS() > 6 ? PG_GETARG_TEXT_PP(6) : NULL);
	MemoryContextSwitchTo(caller);
	if (PG_GETARG_TIMESTAMPTZ(3) != state->as_of)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument as_of"),
				 errdetail("It must be the same for all rows of a group.")));
	if (!TIMESTAMP_NOT_FINITE(at) && at < state->as_of)
		add_grain(state, (Grain) {grain_start(state, at), amount, at, at});
	PG_RETURN_POINTER(state);
}

/* Combine: append the other's grains. */
Datum
cdp__rfm_agg_combine(PG_FUNCTION_ARGS)
{
	RfmState   *state = PG_ARGISNULL(0) ? NULL : (RfmState *) PG_GETARG_POINTER(0);
	RfmState   *other = PG_ARGISNULL(1) ? NULL : (RfmState *) PG_GETARG_POINTER(1);
	MemoryContext context;
	MemoryContext caller;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "cdp._rfm_agg_combine called outside an aggregate");
	if (other == NULL)
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
	{
		caller = MemoryContextSwitchTo(context);
		state = make_state(other->as_of, other->unit_us,
						   other->grain ? text_to_cstring(other->grain) : "instant",
						   other->zone);
		MemoryContextSwitchTo(caller);
	}
	for (int i = 0; i < other->ngrains; i++)
		add_grain(state, other->grains[i]);
	PG_RETURN_POINTER(state);
}

/* To bytes, for the leader of a parallel plan. */
Datum
cdp__rfm_agg_serial(PG_FUNCTION_ARGS)
{
	RfmState   *state = (RfmState *) PG_GETARG_POINTER(0);
	StringInfoData buffer;

	merge_grains(state);
	pq_begintypsend(&buffer);
	pq_sendint64(&buffer, state->as_of);
	pq_sendint64(&buffer, state->unit_us);
	pq_sendstring(&buffer, state->grain ? text_to_cstring(state->grain) : "instant");
	pq_sendbyte(&buffer, state->zone != NULL);
	if (state->zone != NULL)
		pq_sendstring(&buffer, text_to_cstring(state->zone));
	pq_sendint32(&buffer, state->ngrains);
	pq_sendbytes(&buffer, (char *) state->grains,
				 state->ngrains * sizeof(Grain));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* And back. */
Datum
cdp__rfm_agg_deserial(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData buffer;
	TimestampTz as_of;
	int64		unit_us;
	const char *grain;
	text	   *zone = NULL;
	RfmState   *state;
	int			ngrains;

	initStringInfo(&buffer);
	appendBinaryStringInfo(&buffer, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	as_of = pq_getmsgint64(&buffer);
	unit_us = pq_getmsgint64(&buffer);
	grain = pq_getmsgstring(&buffer);
	if (pq_getmsgbyte(&buffer) != 0)
		zone = cstring_to_text(pq_getmsgstring(&buffer));
	state = make_state(as_of, unit_us, grain, zone);
	ngrains = pq_getmsgint(&buffer, 4);
	for (int i = 0; i < ngrains; i++)
	{
		Grain		next;

		pq_copymsgbytes(&buffer, (char *) &next, sizeof(next));
		add_grain(state, next);
	}
	PG_RETURN_POINTER(state);
}

/* Whole grains between two starts, in units. */
static double
units_between(const RfmState *state, TimestampTz from, TimestampTz to)
{
	return (double) (to - from) / state->unit_us;
}

/* Purchases to summary; NULL if there is no purchase. */
Datum
cdp__rfm_agg_final(PG_FUNCTION_ARGS)
{
	RfmState   *state = PG_ARGISNULL(0) ? NULL : (RfmState *) PG_GETARG_POINTER(0);
	CdpRfm	   *rfm;
	Grain	   *first = NULL;
	double		spent = 0;

	if (state == NULL)
		PG_RETURN_NULL();
	merge_grains(state);
	rfm = palloc0(sizeof(CdpRfm));
	rfm->unit_us = state->unit_us;
	for (int i = 0; i < state->ngrains; i++)
	{
		Grain	   *grain = &state->grains[i];

		if (grain->amount <= 0)
		{
			rfm->refused++;
			continue;
		}
		rfm->last_at = grain->last_at;
		if (first == NULL)
		{
			first = grain;
			continue;
		}
		rfm->x++;
		rfm->t_x = units_between(state, first->start, grain->start);
		spent += (double) grain->amount / AMOUNT_SCALE;
	}
	if (first == NULL)
		PG_RETURN_NULL();
	rfm->first_at = first->first_at;
	rfm->t = units_between(state, first->start, state->as_of_start);
	if (rfm->x > 0)
		rfm->m = spent / rfm->x;
	PG_RETURN_POINTER(rfm);
}
