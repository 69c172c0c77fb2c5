/*
 * features.c
 *		Values of expressions as numbers that a model learns from.
 *
 * A row begins with one number for each expression, in their order: of a
 * number x, sign(x) ln(1 + |x|); of a boolean, 1 or 0; of anything else, 0.
 * Behind them is, for each expression that unknown names (from 1), 1 if its
 * value is anything else, and 0 if not.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "propensity/propensity.h"

PG_FUNCTION_INFO_V1(cdp__feature_row);
PG_FUNCTION_INFO_V1(cdp__feature_sum);
PG_FUNCTION_INFO_V1(cdp__feature_mean);

/* A number as a feature: finite, whatever it is. */
static double
squash(Numeric number)
{
	double		x = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													   NumericGetDatum(number)));

	if (isinf(x))
		x = copysign(DBL_MAX, x);
	return copysign(log1p(fabs(x)), x);
}

/* A value as a feature; false if it is unknown. */
static bool
read_value(Datum value, double *number)
{
	Jsonb	   *jsonb = DatumGetJsonbP(value);
	JsonbValue	scalar;

	if (!JB_ROOT_IS_SCALAR(jsonb) || !JsonbExtractScalar(&jsonb->root, &scalar))
		return false;
	if (scalar.type == jbvNumeric)
		*number = squash(scalar.val.numeric);
	else if (scalar.type == jbvBool)
		*number = scalar.val.boolean;
	else
		return false;
	return true;
}

/* An array of doubles without NULLs, all 0. */
static ArrayType *
make_row(int count, double **numbers)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + count * sizeof(double);
	ArrayType  *row = palloc0(size);

	SET_VARSIZE(row, size);
	row->ndim = 1;
	row->elemtype = FLOAT8OID;
	ARR_DIMS(row)[0] = count;
	ARR_LBOUND(row)[0] = 1;
	*numbers = (double *) ARR_DATA_PTR(row);
	return row;
}

/* The doubles of such an array. */
static double *
get_row(ArrayType *row, int *count)
{
	if (ARR_NDIM(row) > 1 || ARR_HASNULL(row))
		elog(ERROR, "not a row of features");
	*count = ArrayGetNItems(ARR_NDIM(row), ARR_DIMS(row));
	return (double *) ARR_DATA_PTR(row);
}

/* cdp._feature_row(values, unknown) */
Datum
cdp__feature_row(PG_FUNCTION_ARGS)
{
	Datum	   *values;
	Datum	   *unknown;
	bool	   *nulls;
	int			nvalues;
	int			nunknown;
	double	   *numbers;
	ArrayType  *row;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), JSONBOID, -1, false,
					  TYPALIGN_INT, &values, &nulls, &nvalues);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), INT4OID, sizeof(int32), true,
					  TYPALIGN_INT, &unknown, NULL, &nunknown);
	row = make_row(nvalues + nunknown, &numbers);
	for (int i = 0; i < nvalues; i++)
		if (!nulls[i] && !read_value(values[i], &numbers[i]))
			nulls[i] = true;
	for (int i = 0; i < nunknown; i++)
	{
		int32		place = DatumGetInt32(unknown[i]);

		if (place < 1 || place > nvalues)
			elog(ERROR, "there is no feature %d", place);
		numbers[nvalues + i] = nulls[place - 1];
	}
	PG_RETURN_POINTER(row);
}

/*
 * cdp._feature_sum(state, row): the state is the number of rows, then sums.
 * Rows that are NULL are skipped.
 */
Datum
cdp__feature_sum(PG_FUNCTION_ARGS)
{
	int			nsums;
	int			nnumbers;
	double	   *numbers;
	double	   *sums;
	ArrayType  *state;
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "feature aggregate called outside an aggregate");
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	numbers = get_row(PG_GETARG_ARRAYTYPE_P(1), &nnumbers);
	if (PG_ARGISNULL(0))
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		state = make_row(nnumbers + 1, &sums);
		MemoryContextSwitchTo(old);
	}
	else
		state = PG_GETARG_ARRAYTYPE_P(0);
	sums = get_row(state, &nsums);
	if (nsums != nnumbers + 1)
		elog(ERROR, "rows of features differ in length");
	sums[0]++;
	for (int i = 0; i < nnumbers; i++)
		sums[i + 1] += numbers[i];
	PG_RETURN_POINTER(state);
}

/* cdp._feature_mean(state) */
Datum
cdp__feature_mean(PG_FUNCTION_ARGS)
{
	int			nsums;
	double	   *sums = get_row(PG_GETARG_ARRAYTYPE_P(0), &nsums);
	double	   *means;
	ArrayType  *row = make_row(nsums - 1, &means);

	for (int i = 0; i < nsums - 1; i++)
		means[i] = sums[i + 1] / sums[0];
	PG_RETURN_POINTER(row);
}
