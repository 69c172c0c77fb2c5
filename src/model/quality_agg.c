/*
 * quality_agg.c
 *		Aggregates that say how good scores were: cdp.auc, cdp.lift,
 *		cdp.calibration, cdp.brier, cdp.log_loss.
 *
 * The first three gather rows (gather.c), 24 bytes for each distinct score and
 * outcome; the last two need only a sum, kept as {count, sum}.  Rows with a
 * NULL are skipped.  NULL comes out when there is nothing to measure: no rows,
 * or one outcome only where two are compared.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "model/gather.h"
#include "model/json_field.h"
#include "model/quality.h"
#include "model/score_args.h"

PG_FUNCTION_INFO_V1(cdp__auc_step);
PG_FUNCTION_INFO_V1(cdp__auc_final);
PG_FUNCTION_INFO_V1(cdp__lift_step);
PG_FUNCTION_INFO_V1(cdp__lift_final);
PG_FUNCTION_INFO_V1(cdp__calibration_step);
PG_FUNCTION_INFO_V1(cdp__calibration_final);
PG_FUNCTION_INFO_V1(cdp__brier_step);
PG_FUNCTION_INFO_V1(cdp__log_loss_step);
PG_FUNCTION_INFO_V1(cdp__mean_combine);
PG_FUNCTION_INFO_V1(cdp__mean_final);

#define WIDTH 3
#define DEFAULT_FRACTION 0.1
#define DEFAULT_BANDS 10
#define MAX_BANDS 1000

StaticAssertDecl(sizeof(CdpQualityRow) == WIDTH * sizeof(double),
				 "a row of the state is a row");

/* A finite number in argument i. */
static double
get_finite(FunctionCallInfo fcinfo, int i, const char *name)
{
	double		value = PG_GETARG_FLOAT8(i);

	if (!isfinite(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument %s", name),
				 errdetail("It must be a finite number.")));
	return value + 0.0;			/* +0 of -0: equal rows, equal bytes */
}

/* A probability in argument 1. */
static double
get_probability(FunctionCallInfo fcinfo)
{
	double		p = PG_GETARG_FLOAT8(1);

	if (!(p >= 0 && p <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument p"),
				 errdetail("It is a probability, from 0 to 1.")));
	return p;
}

static void
add_row(CdpGather *state, double score, double happened)
{
	CdpQualityRow row = {score, happened, 1};

	state->n += 1;
	cdp_model_gather_add(state, (double *) &row);
}

/* cdp._auc_step(state, score, outcome) */
Datum
cdp__auc_step(PG_FUNCTION_ARGS)
{
	bool		skip = cdp_model_any_null(fcinfo);
	CdpGather  *state = cdp_model_gather_state(fcinfo, WIDTH, !skip);

	if (!skip)
		add_row(state, get_finite(fcinfo, 1, "score"), PG_GETARG_BOOL(2));
	return cdp_model_gather_return(fcinfo, state);
}

/* cdp._lift_step(state, score, outcome [, fraction]) */
Datum
cdp__lift_step(PG_FUNCTION_ARGS)
{
	bool		skip = cdp_model_any_null(fcinfo);
	CdpGather  *state = cdp_model_gather_state(fcinfo, WIDTH, !skip);
	double		fraction = DEFAULT_FRACTION;

	if (skip)
		return cdp_model_gather_return(fcinfo, state);
	if (PG_NARGS() > 3)
		fraction = PG_GETARG_FLOAT8(3);
	if (!(fraction > 0 && fraction <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument fraction"),
				 errdetail("It is a share of all rows, above 0 and up to 1.")));
	cdp_model_gather_setting(state, fraction);
	add_row(state, get_finite(fcinfo, 1, "score"), PG_GETARG_BOOL(2));
	return cdp_model_gather_return(fcinfo, state);
}

/*
 * cdp._calibration_step(state, p, outcome) or (state, said, happened, bands):
 * the first takes probabilities of a yes, the second means of any amount.
 */
Datum
cdp__calibration_step(PG_FUNCTION_ARGS)
{
	bool		skip = cdp_model_any_null(fcinfo);
	CdpGather  *state = cdp_model_gather_state(fcinfo, WIDTH, !skip);
	int			bands = DEFAULT_BANDS;

	if (skip)
		return cdp_model_gather_return(fcinfo, state);
	if (PG_NARGS() > 3)
		bands = PG_GETARG_INT32(3);
	if (bands < 1 || bands > MAX_BANDS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument bands"),
				 errdetail("It is a number from 1 to %d.", MAX_BANDS)));
	cdp_model_gather_setting(state, bands);
	if (PG_NARGS() > 3)
		add_row(state, get_finite(fcinfo, 1, "said"),
				get_finite(fcinfo, 2, "happened"));
	else
		add_row(state, get_probability(fcinfo) + 0.0, PG_GETARG_BOOL(2));
	return cdp_model_gather_return(fcinfo, state);
}

/* The sorted rows of a final function's state, which is not NULL. */
static CdpQualityRows
final_rows(FunctionCallInfo fcinfo, CdpGather **state)
{
	*state = (CdpGather *) PG_GETARG_POINTER(0);
	cdp_model_gather_merge(*state);
	return (CdpQualityRows)
	{
		(CdpQualityRow *) (*state)->rows, (*state)->nrows,
			cdp_model_serve_interrupts
	};
}

Datum
cdp__auc_final(PG_FUNCTION_ARGS)
{
	CdpGather  *state;
	CdpQualityRows rows;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	rows = final_rows(fcinfo, &state);
	CDP_RETURN_FINITE(cdp_model_auc(&rows));
}

Datum
cdp__lift_final(PG_FUNCTION_ARGS)
{
	CdpGather  *state;
	CdpQualityRows rows;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	rows = final_rows(fcinfo, &state);
	CDP_RETURN_FINITE(cdp_model_lift(&rows, state->setting));
}

/* Bands that are not empty, as a jsonb array; NULL if a sum overflowed. */
Datum
cdp__calibration_final(PG_FUNCTION_ARGS)
{
	CdpGather  *state;
	CdpQualityRows rows;
	CdpQualityBand *bands;
	StringInfoData out;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	rows = final_rows(fcinfo, &state);
	bands = palloc(sizeof(CdpQualityBand) * (int) state->setting);
	cdp_model_calibration(&rows, bands, (int) state->setting);
	initStringInfo(&out);
	for (int i = 0; i < (int) state->setting; i++)
	{
		if (bands[i].count == 0)
			continue;
		if (!isfinite(bands[i].said) || !isfinite(bands[i].happened))
			PG_RETURN_NULL();
		appendStringInfo(&out, "%c{\"band\":%d,\"customers\":%.0f,\"said\":",
						 out.len == 0 ? '[' : ',', i + 1, bands[i].count);
		cdp_model_json_append(&out, bands[i].said);
		appendStringInfoString(&out, ",\"happened\":");
		cdp_model_json_append(&out, bands[i].happened);
		appendStringInfoChar(&out, '}');
	}
	appendStringInfoChar(&out, ']');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

/* The {count, sum} in argument i, ours to change if i is 0. */
static double *
get_mean(FunctionCallInfo fcinfo, int i)
{
	ArrayType  *array = i == 0 && AggCheckCallContext(fcinfo, NULL) ?
		PG_GETARG_ARRAYTYPE_P(i) : PG_GETARG_ARRAYTYPE_P_COPY(i);

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != 2 || ARR_HASNULL(array) ||
		ARR_ELEMTYPE(array) != FLOAT8OID)
		elog(ERROR, "expected a count and a sum");
	fcinfo->args[i].value = PointerGetDatum(array);
	return (double *) ARR_DATA_PTR(array);
}

/* cdp._brier_step(state, p, outcome) */
Datum
cdp__brier_step(PG_FUNCTION_ARGS)
{
	double	   *mean = get_mean(fcinfo, 0);

	mean[1] += cdp_model_brier(get_probability(fcinfo), PG_GETARG_BOOL(2));
	mean[0] += 1;
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* cdp._log_loss_step(state, p, outcome) */
Datum
cdp__log_loss_step(PG_FUNCTION_ARGS)
{
	double	   *mean = get_mean(fcinfo, 0);

	mean[1] += cdp_model_log_loss(get_probability(fcinfo), PG_GETARG_BOOL(2));
	mean[0] += 1;
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* Combine two {count, sum}. */
Datum
cdp__mean_combine(PG_FUNCTION_ARGS)
{
	double	   *mean = get_mean(fcinfo, 0);
	double	   *other = get_mean(fcinfo, 1);

	mean[0] += other[0];
	mean[1] += other[1];
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

Datum
cdp__mean_final(PG_FUNCTION_ARGS)
{
	double	   *mean = get_mean(fcinfo, 0);

	if (mean[0] == 0)
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(mean[1] / mean[0]);
}
