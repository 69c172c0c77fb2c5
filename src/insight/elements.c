/*
 * elements.c
 *		Arrays, taken apart.
 */
#include "postgres.h"

#include "utils/lsyscache.h"

#include "insight/elements.h"

/* See elements.h. */
Datum *
cdp_insight_array(ArrayType *array, bool **nulls, int *count)
{
	int			expected = *count;
	Datum	   *elements;
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align,
					  &elements, nulls, count);
	if (expected >= 0 && *count != expected)
		elog(ERROR, "arrays of different lengths");
	return elements;
}

/* See elements.h. */
Datum *
cdp_insight_elements(FunctionCallInfo fcinfo, int argument, bool **nulls,
					 int *count)
{
	return cdp_insight_array(PG_GETARG_ARRAYTYPE_P(argument), nulls, count);
}
