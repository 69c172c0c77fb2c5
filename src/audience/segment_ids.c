/*
 * segment_ids.c
 *		The segments that a profile is in, as an array on its row.
 *
 * A refresh computes profile_current.segment_ids of every profile to see
 * whether it changed: a million small arrays, so this is C.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(cdp__settle_segment_ids);

static int
compare_ids(const void *a, const void *b)
{
	int32		x = *(const int32 *) a;
	int32		y = *(const int32 *) b;

	return (x > y) - (x < y);
}

/* The integers of a one-dimensional array without NULLs. */
static int32 *
read_integers(ArrayType *array, int *count)
{
	if (ARR_ELEMTYPE(array) != INT4OID || ARR_NDIM(array) > 1 ||
		array_contains_nulls(array))
		elog(ERROR, "expected a one-dimensional array of integers");
	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (int32 *) ARR_DATA_PTR(array);
}

static bool
is_among(int32 id, const int32 *ids, int count)
{
	return bsearch(&id, ids, count, sizeof(int32), compare_ids) != NULL;
}

/*
 * cdp._settle_segment_ids(was, evaluated, matched): the ids of was that were
 * not evaluated, and of the evaluated ones (ascending) those at the positions
 * in matched; ascending.
 */
Datum
cdp__settle_segment_ids(PG_FUNCTION_ARGS)
{
	int			nwas,
				nevaluated,
				nmatched;
	int32	   *was = read_integers(PG_GETARG_ARRAYTYPE_P(0), &nwas);
	int32	   *evaluated = read_integers(PG_GETARG_ARRAYTYPE_P(1), &nevaluated);
	int32	   *matched = read_integers(PG_GETARG_ARRAYTYPE_P(2), &nmatched);
	int32	   *ids = palloc(sizeof(int32) * ((Size) nwas + nmatched + 1));
	Datum	   *elements;
	int			count = 0;

	for (int i = 0; i < nwas; i++)
		if (!is_among(was[i], evaluated, nevaluated))
			ids[count++] = was[i];
	for (int i = 0; i < nmatched; i++)
	{
		if (matched[i] < 1 || matched[i] > nevaluated)
			elog(ERROR, "position %d is not among %d predicates", matched[i],
				 nevaluated);
		ids[count++] = evaluated[matched[i] - 1];
	}
	qsort(ids, count, sizeof(int32), compare_ids);
	elements = palloc(sizeof(Datum) * (count + 1));
	for (int i = 0; i < count; i++)
		elements[i] = Int32GetDatum(ids[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, count, INT4OID,
										  sizeof(int32), true, TYPALIGN_INT));
}
