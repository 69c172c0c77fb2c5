/*
 * count_matched.c
 *		cdp._count_matched(): the members of each predicate of a scan, counted.
 *
 * A scan tells for each profile which of the predicates are true of it.  To
 * hand that over as rows, to unnest and to group them is a quarter of the whole
 * work; here it is an addition a member.  The state is the result itself, an
 * array of one count a predicate, which is changed in place.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(cdp__count_matched_step);
PG_FUNCTION_INFO_V1(cdp__count_matched_combine);

/* The memory of the aggregate that calls; nobody else may. */
static MemoryContext
aggregate_memory(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

static ArrayType *
new_counts(MemoryContext memory, int count)
{
	MemoryContext old_memory = MemoryContextSwitchTo(memory);
	Datum	   *zeros = palloc0(sizeof(Datum) * Max(count, 1));
	ArrayType  *counts = construct_array(zeros, count, INT8OID, sizeof(int64),
										 FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);

	pfree(zeros);
	MemoryContextSwitchTo(old_memory);
	return counts;
}

/* How many elements there are; none of them is NULL. */
static int
count_elements(ArrayType *array)
{
	if (array_contains_nulls(array))
		elog(ERROR, "expected an array without NULLs");
	return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

/* cdp._count_matched_step(counts, matched, predicates) */
Datum
cdp__count_matched_step(PG_FUNCTION_ARGS)
{
	MemoryContext memory = aggregate_memory(fcinfo);
	ArrayType  *counts = PG_ARGISNULL(0) ?
		new_counts(memory, PG_GETARG_INT32(2)) : PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *matched;
	int			ncounts = count_elements(counts);
	int			nmatched;

	if (PG_ARGISNULL(1))
		PG_RETURN_ARRAYTYPE_P(counts);
	matched = PG_GETARG_ARRAYTYPE_P(1);
	nmatched = count_elements(matched);
	for (int i = 0; i < nmatched; i++)
	{
		int32		number = ((int32 *) ARR_DATA_PTR(matched))[i];

		if (number < 1 || number > ncounts)
			elog(ERROR, "number %d is not among %d predicates", number, ncounts);
		((int64 *) ARR_DATA_PTR(counts))[number - 1]++;
	}
	PG_RETURN_ARRAYTYPE_P(counts);
}

/* cdp._count_matched_combine(counts, other), of two workers */
Datum
cdp__count_matched_combine(PG_FUNCTION_ARGS)
{
	MemoryContext memory = aggregate_memory(fcinfo);
	ArrayType  *other;
	ArrayType  *counts;
	int			ncounts;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	other = PG_GETARG_ARRAYTYPE_P(1);
	ncounts = count_elements(other);
	counts = PG_ARGISNULL(0) ? new_counts(memory, ncounts) :
		PG_GETARG_ARRAYTYPE_P(0);
	if (count_elements(counts) != ncounts)
		elog(ERROR, "workers counted for different numbers of predicates");
	for (int i = 0; i < ncounts; i++)
		((int64 *) ARR_DATA_PTR(counts))[i] += ((int64 *) ARR_DATA_PTR(other))[i];
	PG_RETURN_ARRAYTYPE_P(counts);
}
