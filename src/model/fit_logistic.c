/*
 * fit_logistic.c
 *		cdp.fit_logistic, cdp.predict_logistic and how well that is known.
 *
 * The state gathers rows (gather.c) of outcome, features and weight: 8 bytes a
 * feature for each distinct row, all in memory, because every iteration looks
 * at them all.  The maths are in logistic.c.
 *
 * Rows with a NULL, or with a NULL among their features, are skipped.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "model/clv_model.h"
#include "model/gather.h"
#include "model/logistic.h"
#include "model/score_args.h"
#include "model/score_range.h"
#include "model/special.h"

PG_FUNCTION_INFO_V1(cdp__fit_logistic_step);
PG_FUNCTION_INFO_V1(cdp__fit_logistic_final);
PG_FUNCTION_INFO_V1(cdp_predict_logistic);
PG_FUNCTION_INFO_V1(cdp_predict_logistic_interval);

/* Columns of a row beside the features: the outcome first, the weight last. */
#define OTHER_COLUMNS 2

/* The features in an array of one dimension; NULL if one of them is. */
static const double *
get_features(ArrayType *array, int *nfeatures)
{
	*nfeatures = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (ARR_NDIM(array) > 1 || *nfeatures > CDP_LOGISTIC_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument features"),
				 errdetail("It is an array of one dimension, of at most %d numbers.",
						   CDP_LOGISTIC_MAX)));
	if (array_contains_nulls(array))
		return NULL;
	for (int i = 0; i < *nfeatures; i++)
		if (!isfinite(((double *) ARR_DATA_PTR(array))[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid argument features"),
					 errdetail("Number %d is not finite.", i + 1)));
	return (const double *) ARR_DATA_PTR(array);
}

static void
check_same_length(int expected, int got)
{
	if (expected != got)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument features"),
				 errdetail("There are %d, where %d are expected.",
						   got, expected)));
}

static double
get_l2(FunctionCallInfo fcinfo)
{
	double		l2 = PG_GETARG_FLOAT8(3);

	if (!isfinite(l2) || l2 < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument l2"),
				 errdetail("It is the weight of the penalty, finite and not negative; 0 for none.")));
	return l2;
}

/* Append a row; adding 0 makes +0 of -0: equal rows, equal bytes. */
static void
add_row(CdpGather *state, bool outcome, const double *features, double weight)
{
	double		row[CDP_LOGISTIC_MAX + OTHER_COLUMNS];
	int			nfeatures = state->width - OTHER_COLUMNS;

	row[0] = outcome;
	for (int i = 0; i < nfeatures; i++)
		row[i + 1] = features[i] + 0.0;
	row[nfeatures + 1] = weight;
	state->n += weight;
	cdp_model_gather_add(state, row);
}

/* cdp._fit_logistic_step(state, y, features, l2 [, weight]) */
Datum
cdp__fit_logistic_step(PG_FUNCTION_ARGS)
{
	bool		skip = cdp_model_any_null(fcinfo);
	const double *features = NULL;
	int			nfeatures = 0;
	double		weight = 1;
	CdpGather  *state;

	if (!skip)
		features = get_features(PG_GETARG_ARRAYTYPE_P(2), &nfeatures);
	if (features != NULL && PG_NARGS() > 4)
		weight = cdp_model_check_weight(PG_GETARG_FLOAT8(4));
	state = cdp_model_gather_state(fcinfo, nfeatures + OTHER_COLUMNS,
								   features != NULL && weight > 0);
	if (features != NULL && weight > 0)
	{
		cdp_model_gather_setting(state, get_l2(fcinfo));
		check_same_length(state->width - OTHER_COLUMNS, nfeatures);
		add_row(state, PG_GETARG_BOOL(1), features, weight);
	}
	return cdp_model_gather_return(fcinfo, state);
}

/* Is every number of the fit finite?  Maths that fails must not show. */
static bool
is_finite_fit(const CdpLogistic *fit)
{
	int			n = fit->nfeatures + 1;

	for (int i = 0; i < n; i++)
		if (!isfinite(fit->params[i]) || !isfinite(fit->loglik))
			return false;
	for (int i = 0; i < n * n; i++)
		if (!isfinite(fit->covariance[i]))
			return false;
	return true;
}

/* A fit as a value. */
static CdpClvModel *
make_model(const CdpLogistic *fit)
{
	int			n = fit->nfeatures + 1;
	CdpClvModel *model = cdp_model_make_logistic(fit->status, n);
	double	   *next = model->values + n;

	model->flags = CDP_MODEL_HAS_N | CDP_MODEL_HAS_PARAMS |
		CDP_MODEL_HAS_LOGLIK | CDP_MODEL_HAS_COVARIANCE;
	model->loglik = fit->loglik;
	model->iterations = fit->iterations;
	memcpy(model->values, fit->params, n * sizeof(double));
	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++)
			*next++ = i == j ? Max(fit->covariance[i * n + j], 0) :
				fit->covariance[i * n + j];
	return model;
}

Datum
cdp__fit_logistic_final(PG_FUNCTION_ARGS)
{
	CdpGather  *state = PG_ARGISNULL(0) ? NULL :
		(CdpGather *) PG_GETARG_POINTER(0);
	CdpLogistic fit = {.status = CDP_FIT_INSUFFICIENT};
	CdpClvModel *model;
	int			n;

	if (state != NULL)
	{
		cdp_model_gather_merge(state);
		fit.rows = state->rows;
		fit.nrows = state->nrows;
		fit.nfeatures = state->width - OTHER_COLUMNS;
		fit.l2 = state->setting;
		fit.pause = cdp_model_serve_interrupts;
		n = fit.nfeatures + 1;
		fit.work = palloc(sizeof(double) *
						  cdp_model_logistic_work(fit.nfeatures));
		fit.params = palloc0(sizeof(double) * n);
		fit.covariance = palloc0(sizeof(double) * n * n);
		fit.held = palloc0(sizeof(bool) * n);
		cdp_model_fit_logistic(&fit);
	}
	if (fit.status == CDP_FIT_INSUFFICIENT || !is_finite_fit(&fit))
		model = cdp_model_make_logistic(CDP_FIT_INSUFFICIENT, 0);
	else
		model = make_model(&fit);
	model->flags |= CDP_MODEL_HAS_N;
	model->n = state == NULL ? 0 : state->n;
	PG_RETURN_POINTER(model);
}

/*
 * The features in argument 1 for the model in argument 0; NULL if the model
 * has no parameters or a feature is NULL.
 */
static const double *
get_features_of(FunctionCallInfo fcinfo, const CdpClvModel *model)
{
	int			nfeatures;
	const double *features = get_features(PG_GETARG_ARRAYTYPE_P(1), &nfeatures);

	if (model->kind != CDP_MODEL_LOGISTIC)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid argument model"),
				 errdetail("It is of kind \"%s\"; a model of kind logistic is needed.",
						   cdp_model_kind_name(model->kind))));
	if (!(model->flags & CDP_MODEL_HAS_PARAMS))
		return NULL;
	check_same_length(model->nparams - 1, nfeatures);
	return features;
}

/* cdp.predict_logistic(model, features) */
Datum
cdp_predict_logistic(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	const double *features = get_features_of(fcinfo, model);

	if (features == NULL)
		PG_RETURN_NULL();
	CDP_RETURN_FINITE(cdp_model_logistic_predict(model->values,
												 model->nparams - 1,
												 features));
}

/* cdp.predict_logistic_interval(model, features, level) */
Datum
cdp_predict_logistic_interval(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	double		width = cdp_model_level_width(PG_GETARG_FLOAT8(2));
	const double *features = get_features_of(fcinfo, model);
	CdpRange	range = {NAN, NAN};

	if (features != NULL && (model->flags & CDP_MODEL_HAS_COVARIANCE))
	{
		int			nfeatures = model->nparams - 1;
		double		odds = cdp_model_logistic_odds(model->values, nfeatures,
												   features);
		double		error = width *
			cdp_model_logistic_odds_error(model->values + model->nparams,
										  nfeatures, features);

		range.low = cdp_model_logistic(odds - error);
		range.high = cdp_model_logistic(odds + error);
	}
	return cdp_model_return_range(fcinfo, range);
}
