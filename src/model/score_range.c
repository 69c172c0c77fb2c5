/*
 * score_range.c
 *		The range that a score lies in: what interval functions have in common.
 *
 * By the delta method (interval.c), on the logarithm of amounts and the
 * log-odds of probabilities, so that an interval stays within what is
 * possible.  A model without covariance has none: NULL, NULL.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"

#include "model/score_range.h"
#include "model/special.h"

static const CdpRange unknown = {NAN, NAN};

/* See score_range.h. */
double
cdp_model_level_width(double level)
{
	if (!(level > 0 && level < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument level"),
				 errdetail("It is a probability between 0 and 1, such as 0.95.")));
	return cdp_model_normal_width(level);
}

/*
 * See score_range.h: a slope of it is finite.  What is not a number stays so;
 * fmax() and fmin() would make one of it.
 */
double
cdp_model_safe_log(double value)
{
	return log(value < DBL_MIN ? DBL_MIN : value);
}

/* See score_range.h; likewise. */
double
cdp_model_logit(double p)
{
	double		most = 1 - DBL_EPSILON / 2;

	return cdp_model_safe_log(p) - log1p(p > most ? -most : -p);
}

/* See score_range.h. */
double
cdp_model_score_error(const CdpScore *score)
{
	const CdpClvModel *model = score->model;
	CdpMatrix	covariance;

	if (!cdp_model_covariance(model, covariance))
		return NAN;
	return sqrt(cdp_model_delta_variance(score->function, score->customer,
										 model->nparams, model->values,
										 covariance));
}

/* See score_range.h. */
CdpRange
cdp_model_amount_range(double value, double width, double error)
{
	if (isnan(error))
		return unknown;
	if (value <= 0)
		return (CdpRange) {0, 0};
	return (CdpRange) {value * exp(-width * error), value * exp(width * error)};
}

/* See score_range.h. */
CdpRange
cdp_model_probability_range(const CdpScore *score, double p, double width,
							bool reversed)
{
	double		value = reversed ? 1 - p : p;
	double		odds = reversed ? -cdp_model_logit(p) : cdp_model_logit(p);
	double		error;

	if (!(score->model->flags & CDP_MODEL_HAS_COVARIANCE))
		return unknown;
	if (p <= 0 || p >= 1)
		return (CdpRange) {value, value};
	error = width * cdp_model_score_error(score);
	if (isnan(error) || isnan(p))
		return unknown;
	/* log-odds and back is a rounding error away */
	return (CdpRange) {fmin(cdp_model_logistic(odds - error), value),
		fmax(cdp_model_logistic(odds + error), value)};
}

/* A row of two columns of 8 bytes. */
static Datum
return_pair(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	desc = fcinfo->flinfo->fn_extra;

	if (desc == NULL)
	{
		MemoryContext caller;

		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "an interval function must return two columns");
		caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		desc = BlessTupleDesc(CreateTupleDescCopy(desc));
		fcinfo->flinfo->fn_extra = desc;
		MemoryContextSwitchTo(caller);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* See score_range.h. */
Datum
cdp_model_return_range(FunctionCallInfo fcinfo, CdpRange range)
{
	bool		none = !isfinite(range.low) || !isfinite(range.high);

	return return_pair(fcinfo,
					   (Datum[]) {Float8GetDatum(range.low),
					   Float8GetDatum(range.high)},
					   (bool[]) {none, none});
}

/* See score_range.h: an end after "last" is beyond the calendar, if ever. */
Datum
cdp_model_return_times(FunctionCallInfo fcinfo, CdpRange range, double last)
{
	bool		nulls[2] = {!(range.low <= last), !(range.high <= last)};

	return return_pair(fcinfo,
					   (Datum[]) {
		TimestampTzGetDatum(nulls[0] ? 0 : (TimestampTz) range.low),
		TimestampTzGetDatum(nulls[1] ? 0 : (TimestampTz) range.high)},
					   nulls);
}
