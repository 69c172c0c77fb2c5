/*
 * clv_model.c
 *		Type cdp.clv_model: a fitted model as a value.
 *
 * A fit returns one, a table keeps it, a scoring function takes it.  Written
 * as JSON; kind and params are enough to score with:
 *
 *	{"kind":"bgnbd","params":{"r":0.243,"alpha":4.414,"a":0.793,"b":2.426},
 *	 "unit":"7 days"}
 *
 * and a fit adds status, n, skipped, loglik, iterations, covariance (rows of
 * its lower triangle, in the order of params) and, for status boundary,
 * not_identified: which aspects of the model these customers say nothing of.
 *
 * A model of kind logistic has params intercept, x1, x2, ... for its features,
 * and no unit of time; what of them is not identified has no variance.
 *
 * Bytes (clv_model.h): a header of 48, then doubles.  Input and receive check
 * everything: a value that exists has finite parameters, positive but for kind
 * logistic, so scoring need not look again.
 */
#include "postgres.h"

#include <math.h>

#include "common/int.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "model/clv_model.h"
#include "model/json_field.h"
#include "model/logistic.h"

PG_FUNCTION_INFO_V1(cdp__clv_model_in);
PG_FUNCTION_INFO_V1(cdp__clv_model_out);
PG_FUNCTION_INFO_V1(cdp__clv_model_recv);
PG_FUNCTION_INFO_V1(cdp__clv_model_send);
PG_FUNCTION_INFO_V1(cdp__clv_model_to_jsonb);
PG_FUNCTION_INFO_V1(cdp_model_param);
PG_FUNCTION_INFO_V1(cdp_model_standard_error);
PG_FUNCTION_INFO_V1(cdp_model_status);
PG_FUNCTION_INFO_V1(cdp_model_loglik);
PG_FUNCTION_INFO_V1(cdp_model_with_unit);

#define MAX_ITERATIONS 1000000

static const char type_name[] = "cdp.clv_model";

/* A kind: its parameters, and what the optimiser's parameters stand for. */
static const struct
{
	const char *name;
	int			nparams;
	const char *params[CDP_NEWTON_MAX];
	const char *aspects[CDP_NEWTON_MAX];
}			kinds[CDP_MODEL_KINDS] = {
	{"bgnbd", 4, {"r", "alpha", "a", "b"},
	{"rate_spread", "rate_level", "dropout_spread", "dropout_level"}},
	{"mbgnbd", 4, {"r", "alpha", "a", "b"},
	{"rate_spread", "rate_level", "dropout_spread", "dropout_level"}},
	{"gamma_gamma", 3, {"p", "q", "v"},
	{"amount_spread", "spend_spread", "spend_level"}},
	{"pareto_nbd", 4, {"r", "alpha", "s", "beta"},
	{"rate_spread", "rate_level", "dropout_spread", "dropout_level"}},
	{"sbg", 2, {"alpha", "beta"},
	{"churn_spread", "churn_level"}},
	{"logistic", 0, {NULL}, {NULL}}	/* as many as it has features */
};

#define STATUSES (CDP_FIT_INSUFFICIENT + 1)
static const char *const status_names[STATUSES] = {
	"given", "converged", "boundary", "max_iterations", "insufficient"
};

const char *
cdp_model_kind_name(CdpModelKind kind)
{
	return kinds[kind].name;
}

static CdpClvModel *
make_sized(CdpModelKind kind, CdpFitStatus status, int nparams)
{
	Size		size = offsetof(CdpClvModel, values) +
		sizeof(double) * cdp_model_nvalues(nparams);
	CdpClvModel *model = palloc0(size);

	SET_VARSIZE(model, size);
	model->kind = kind;
	model->status = status;
	model->nparams = nparams;
	model->unit_us = CDP_DEFAULT_UNIT_US;
	return model;
}

/* See clv_model.h. */
CdpClvModel *
cdp_model_make(CdpModelKind kind, CdpFitStatus status)
{
	return make_sized(kind, status, kinds[kind].nparams);
}

/* See clv_model.h. */
CdpClvModel *
cdp_model_make_logistic(CdpFitStatus status, int nparams)
{
	return make_sized(CDP_MODEL_LOGISTIC, status, nparams);
}

/* The name of a parameter; of kind logistic intercept, x1, x2, ... */
static const char *
param_name(const CdpClvModel *model, int i)
{
	if (model->kind != CDP_MODEL_LOGISTIC)
		return kinds[model->kind].params[i];
	return i == 0 ? "intercept" : psprintf("x%d", i);
}

/* The covariance as a square; false if not known. */
bool
cdp_model_covariance(const CdpClvModel *model, CdpMatrix out)
{
	const double *triangle = model->values + model->nparams;

	if (!(model->flags & CDP_MODEL_HAS_COVARIANCE))
		return false;
	for (int i = 0; i < model->nparams; i++)
		for (int j = 0; j <= i; j++)
			out[i][j] = out[j][i] = *triangle++;
	return true;
}

/* Length of an interval as extract(epoch) has it: a year is 365.25 days. */
bool
cdp_model_interval_us(const Interval *interval, int64 *us)
{
	int64		days;
	int64		day_us;
	int64		year_us;

	days = (int64) interval->month % MONTHS_PER_YEAR * DAYS_PER_MONTH +
		interval->day;
	year_us = (int64) (DAYS_PER_YEAR * USECS_PER_DAY);
	return !pg_mul_s64_overflow(days, USECS_PER_DAY, &day_us) &&
		!pg_mul_s64_overflow(interval->month / MONTHS_PER_YEAR, year_us,
							 &year_us) &&
		!pg_add_s64_overflow(day_us, year_us, &day_us) &&
		!pg_add_s64_overflow(day_us, interval->time, us);
}

/* Read kind; raises if there is none or it is unknown. */
static CdpModelKind
read_kind(const CdpJsonObject *object)
{
	char	   *name = cdp_model_json_string(object, "kind");

	if (name == NULL)
		cdp_model_json_fail(object, "It needs a field \"kind\".");
	for (int kind = 0; kind < CDP_MODEL_KINDS; kind++)
		if (strcmp(name, kinds[kind].name) == 0)
			return kind;
	cdp_model_json_fail(object, "Kind \"%s\" is not one of bgnbd, mbgnbd, gamma_gamma, pareto_nbd, sbg, logistic.",
						name);
}

static CdpFitStatus
read_status(const CdpJsonObject *object)
{
	char	   *name = cdp_model_json_string(object, "status");

	if (name == NULL)
		return CDP_FIT_GIVEN;
	for (int status = 0; status < STATUSES; status++)
		if (strcmp(name, status_names[status]) == 0)
			return status;
	cdp_model_json_fail(object, "Status \"%s\" is unknown.", name);
}

/* A parameter's value; positive but for kind logistic. */
static double
read_param(const CdpJsonObject *object, const CdpJsonObject *params,
		   const CdpClvModel *model, int i)
{
	const char *name = param_name(model, i);
	double		value;

	if (!cdp_model_json_number(params, name, &value))
		cdp_model_json_fail(object, "Kind \"%s\" needs parameter \"%s\".",
							kinds[model->kind].name, name);
	if (model->kind != CDP_MODEL_LOGISTIC && !(value > 0))
		cdp_model_json_fail(object, "Parameter \"%s\" must be positive and finite.",
							name);
	return value;
}

/* The params that a model of kind logistic is to have: as many as given. */
static CdpClvModel *
size_logistic(const CdpJsonObject *object, const CdpJsonObject *params,
			  CdpFitStatus status)
{
	int			nparams = params->fields == NULL ? 0 :
		JsonContainerSize(params->fields);

	if (nparams > CDP_LOGISTIC_MAX + 1)
		cdp_model_json_fail(object, "A model has at most %d features.",
							CDP_LOGISTIC_MAX);
	return cdp_model_make_logistic(status, nparams);
}

/* Make the model and read its params: none if status is insufficient. */
static CdpClvModel *
read_params(const CdpJsonObject *object)
{
	CdpModelKind kind = read_kind(object);
	CdpFitStatus status = read_status(object);
	CdpJsonObject params;
	CdpClvModel *model;

	cdp_model_json_open_field(object, "params", &params);
	if (status == CDP_FIT_INSUFFICIENT && params.fields != NULL)
		cdp_model_json_fail(object, "A model of status \"insufficient\" has no params.");
	model = kind == CDP_MODEL_LOGISTIC ?
		size_logistic(object, &params, status) : cdp_model_make(kind, status);
	if (status == CDP_FIT_INSUFFICIENT)
		return model;
	if (params.fields == NULL || model->nparams == 0)
		cdp_model_json_fail(object, "It needs a field \"params\".");
	if (kind != CDP_MODEL_LOGISTIC)
		cdp_model_json_check_names(&params, kinds[kind].params,
								   model->nparams);
	for (int i = 0; i < model->nparams; i++)
		model->values[i] = read_param(object, &params, model, i);
	model->flags |= CDP_MODEL_HAS_PARAMS;
	return model;
}

/* Read one array of the covariance; its length must be right. */
static JsonbContainer *
open_array(const CdpJsonObject *object, JsonbValue *value, int length)
{
	if (value == NULL || value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerSize(value->val.binary.data) != length)
		cdp_model_json_fail(object, "Field \"covariance\" must be the rows of a lower triangle.");
	return value->val.binary.data;
}

static void
read_covariance(const CdpJsonObject *object, CdpClvModel *model)
{
	JsonbValue *field = cdp_model_json_find(object, "covariance");
	double	   *next = model->values + model->nparams;
	JsonbContainer *rows;

	if (field == NULL)
		return;
	if (!(model->flags & CDP_MODEL_HAS_PARAMS))
		cdp_model_json_fail(object, "A model without params has no covariance.");
	rows = open_array(object, field, model->nparams);
	for (int i = 0; i < model->nparams; i++)
	{
		JsonbContainer *row;

		row = open_array(object, getIthJsonbValueFromContainer(rows, i), i + 1);
		for (int j = 0; j <= i; j++)
		{
			*next = cdp_model_json_element(object,
										   getIthJsonbValueFromContainer(row, j));
			if (!isfinite(*next) || (i == j && *next < 0))
				cdp_model_json_fail(object, "Field \"covariance\" must be finite, its diagonal not negative.");
			next++;
		}
	}
	model->flags |= CDP_MODEL_HAS_COVARIANCE;
}

/* Read not_identified, an array of aspects of the kind. */
static void
read_held(const CdpJsonObject *object, CdpClvModel *model)
{
	JsonbValue *field = cdp_model_json_find(object, "not_identified");
	JsonbContainer *names;

	/* of kind logistic it is what has no variance: see append_held() */
	if (field == NULL || model->kind == CDP_MODEL_LOGISTIC)
		return;
	if (field->type != jbvBinary || !JsonContainerIsArray(field->val.binary.data))
		cdp_model_json_fail(object, "Field \"not_identified\" must be an array.");
	names = field->val.binary.data;
	for (int i = 0; i < JsonContainerSize(names); i++)
	{
		JsonbValue *name = getIthJsonbValueFromContainer(names, i);
		int			aspect = 0;

		while (aspect < model->nparams &&
			   (name->type != jbvString ||
				strncmp(kinds[model->kind].aspects[aspect],
						name->val.string.val, name->val.string.len) != 0 ||
				kinds[model->kind].aspects[aspect][name->val.string.len] != '\0'))
			aspect++;
		if (aspect == model->nparams)
			cdp_model_json_fail(object, "Field \"not_identified\" names an unknown aspect.");
		model->held |= 1 << aspect;
	}
}

/* Read the plain numbers. */
static void
read_figures(const CdpJsonObject *object, CdpClvModel *model)
{
	double		iterations = 0;

	if (cdp_model_json_number(object, "n", &model->n))
		model->flags |= CDP_MODEL_HAS_N;
	if (cdp_model_json_number(object, "loglik", &model->loglik))
		model->flags |= CDP_MODEL_HAS_LOGLIK;
	cdp_model_json_number(object, "skipped", &model->skipped);
	cdp_model_json_number(object, "iterations", &iterations);
	if (!(model->n >= 0) || !(model->skipped >= 0))
		cdp_model_json_fail(object, "Fields \"n\" and \"skipped\" must not be negative.");
	if (!(iterations >= 0 && iterations <= MAX_ITERATIONS))
		cdp_model_json_fail(object, "Field \"iterations\" is out of range.");
	model->iterations = iterations;
}

/* Text input; see the file's story. */
Datum
cdp__clv_model_in(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		"kind", "params", "unit", "status", "not_identified", "n", "skipped",
		"loglik", "iterations", "covariance"
	};
	CdpJsonObject object;
	CdpClvModel *model;

	cdp_model_json_open(&object, PG_GETARG_CSTRING(0), type_name);
	cdp_model_json_check_names(&object, names, lengthof(names));
	model = read_params(&object);
	model->unit_us = cdp_model_unit_us(&object,
									   cdp_model_json_string(&object, "unit"));
	read_figures(&object, model);
	read_covariance(&object, model);
	read_held(&object, model);
	PG_RETURN_POINTER(model);
}

static void
append_params(StringInfo out, const CdpClvModel *model)
{
	if (!(model->flags & CDP_MODEL_HAS_PARAMS))
		return;
	appendStringInfoString(out, ",\"params\":{");
	for (int i = 0; i < model->nparams; i++)
	{
		appendStringInfo(out, "%s\"%s\":", i > 0 ? "," : "",
						 param_name(model, i));
		cdp_model_json_append(out, model->values[i]);
	}
	appendStringInfoChar(out, '}');
}

/* The variance of a parameter, of a model that has a covariance. */
static double
param_variance(const CdpClvModel *model, int i)
{
	return model->values[model->nparams + (i + 1) * (i + 2) / 2 - 1];
}

/*
 * Is this aspect not identified?  A model of kind logistic has too many
 * features for bits: of its coefficients it is those without a variance.
 */
static bool
is_held(const CdpClvModel *model, int i)
{
	if (model->kind == CDP_MODEL_LOGISTIC)
		return model->status == CDP_FIT_BOUNDARY &&
			(model->flags & CDP_MODEL_HAS_COVARIANCE) &&
			param_variance(model, i) == 0;
	return (model->held & (1 << i)) != 0;
}

static void
append_held(StringInfo out, const CdpClvModel *model)
{
	int			nheld = 0;

	for (int i = 0; i < model->nparams; i++)
		if (is_held(model, i))
			appendStringInfo(out, "%s\"%s\"",
							 nheld++ == 0 ? ",\"not_identified\":[" : ",",
							 model->kind == CDP_MODEL_LOGISTIC ?
							 param_name(model, i) :
							 kinds[model->kind].aspects[i]);
	if (nheld > 0)
		appendStringInfoChar(out, ']');
}

static void
append_figure(StringInfo out, const char *name, double value)
{
	appendStringInfo(out, ",\"%s\":", name);
	cdp_model_json_append(out, value);
}

static void
append_covariance(StringInfo out, const CdpClvModel *model)
{
	const double *next = model->values + model->nparams;

	if (!(model->flags & CDP_MODEL_HAS_COVARIANCE))
		return;
	appendStringInfoString(out, ",\"covariance\":[");
	for (int i = 0; i < model->nparams; i++)
		for (int j = 0; j <= i; j++)
		{
			appendStringInfoString(out, j > 0 ? "," : i > 0 ? ",[" : "[");
			cdp_model_json_append(out, *next++);
			if (j == i)
				appendStringInfoChar(out, ']');
		}
	appendStringInfoChar(out, ']');
}

/* The model as JSON text. */
static char *
model_text(const CdpClvModel *model)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"kind\":\"%s\"", kinds[model->kind].name);
	append_params(&out, model);
	if (model->kind != CDP_MODEL_LOGISTIC)
		appendStringInfo(&out, ",\"unit\":\"%s\"",
						 cdp_model_unit_text(model->unit_us));
	appendStringInfo(&out, ",\"status\":\"%s\"", status_names[model->status]);
	append_held(&out, model);
	if (model->flags & CDP_MODEL_HAS_N)
		append_figure(&out, "n", model->n);
	if (model->skipped > 0)
		append_figure(&out, "skipped", model->skipped);
	if (model->flags & CDP_MODEL_HAS_LOGLIK)
		append_figure(&out, "loglik", model->loglik);
	if (model->iterations > 0)
		append_figure(&out, "iterations", model->iterations);
	append_covariance(&out, model);
	appendStringInfoChar(&out, '}');
	return out.data;
}

Datum
cdp__clv_model_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(model_text(PG_GETARG_CLV_MODEL(0)));
}

/* The model as jsonb, for whoever wants one of its fields. */
Datum
cdp__clv_model_to_jsonb(PG_FUNCTION_ARGS)
{
	char	   *text = model_text(PG_GETARG_CLV_MODEL(0));

	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

/* A received value must keep every promise that input makes. */
static void
check_received(const CdpClvModel *model)
{
	bool		sane = (model->flags & ~CDP_MODEL_FLAGS) == 0 &&
		model->held < 1 << Min(model->nparams, CDP_NEWTON_MAX) &&
		model->unit_us > 0 &&
		model->iterations >= 0 && model->iterations <= MAX_ITERATIONS &&
		model->n >= 0 && model->skipped >= 0 &&
		isfinite(model->n) && isfinite(model->skipped) &&
		isfinite(model->loglik) &&
		((model->flags & CDP_MODEL_HAS_PARAMS) != 0) ==
		(model->status != CDP_FIT_INSUFFICIENT) &&
		((model->flags & CDP_MODEL_HAS_PARAMS) ||
		 !(model->flags & CDP_MODEL_HAS_COVARIANCE)) &&
		(model->nparams > 0 || !(model->flags & CDP_MODEL_HAS_PARAMS));

	for (int i = 0; i < cdp_model_nvalues(model->nparams); i++)
		sane = sane && isfinite(model->values[i]) &&
			(i >= model->nparams || !(model->flags & CDP_MODEL_HAS_PARAMS) ||
			 model->kind == CDP_MODEL_LOGISTIC || model->values[i] > 0);
	for (int i = 0; i < model->nparams; i++)
		sane = sane && param_variance(model, i) >= 0;
	if (!sane)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid external \"%s\" value", type_name)));
}

/* Binary input: header fields, then every double. */
Datum
cdp__clv_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgbyte(buffer);
	int			kind = pq_getmsgbyte(buffer);
	int			status = pq_getmsgbyte(buffer);
	CdpClvModel *model;

	if (version != 0 || kind >= CDP_MODEL_KINDS || status >= STATUSES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unsupported external \"%s\" value", type_name),
				 errdetail("Version %d, kind %d, status %d.",
						   version, kind, status)));
	model = kind == CDP_MODEL_LOGISTIC ?
		cdp_model_make_logistic(status, pq_getmsgbyte(buffer)) :
		cdp_model_make(kind, status);
	model->flags = pq_getmsgbyte(buffer);
	model->held = pq_getmsgbyte(buffer);
	model->iterations = pq_getmsgint(buffer, 4);
	model->unit_us = pq_getmsgint64(buffer);
	model->n = pq_getmsgfloat8(buffer);
	model->skipped = pq_getmsgfloat8(buffer);
	model->loglik = pq_getmsgfloat8(buffer);
	for (int i = 0; i < cdp_model_nvalues(model->nparams); i++)
		model->values[i] = pq_getmsgfloat8(buffer);
	check_received(model);
	PG_RETURN_POINTER(model);
}

Datum
cdp__clv_model_send(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendbyte(&buffer, model->version);
	pq_sendbyte(&buffer, model->kind);
	pq_sendbyte(&buffer, model->status);
	if (model->kind == CDP_MODEL_LOGISTIC)
		pq_sendbyte(&buffer, model->nparams);
	pq_sendbyte(&buffer, model->flags);
	pq_sendbyte(&buffer, model->held);
	pq_sendint32(&buffer, model->iterations);
	pq_sendint64(&buffer, model->unit_us);
	pq_sendfloat8(&buffer, model->n);
	pq_sendfloat8(&buffer, model->skipped);
	pq_sendfloat8(&buffer, model->loglik);
	for (int i = 0; i < cdp_model_nvalues(model->nparams); i++)
		pq_sendfloat8(&buffer, model->values[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* Position of a parameter by name; raises if the kind has none such. */
static int
find_param(const CdpClvModel *model, const char *name)
{
	for (int i = 0; i < model->nparams; i++)
		if (strcmp(param_name(model, i), name) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a model of kind \"%s\" has no parameter \"%s\"",
					kinds[model->kind].name, name)));
}

/* cdp.model_param(model, name) */
Datum
cdp_model_param(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	int			param = find_param(model, text_to_cstring(PG_GETARG_TEXT_PP(1)));

	if (!(model->flags & CDP_MODEL_HAS_PARAMS))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(model->values[param]);
}

/* cdp.model_standard_error(model, name) */
Datum
cdp_model_standard_error(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	int			param = find_param(model, text_to_cstring(PG_GETARG_TEXT_PP(1)));

	if (!(model->flags & CDP_MODEL_HAS_COVARIANCE) ||
		!(param_variance(model, param) > 0))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sqrt(param_variance(model, param)));
}

/* cdp.model_status(model) */
Datum
cdp_model_status(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);

	PG_RETURN_TEXT_P(cstring_to_text(status_names[model->status]));
}

/* cdp.model_loglik(model) */
Datum
cdp_model_loglik(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);

	if (!(model->flags & CDP_MODEL_HAS_LOGLIK))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(model->loglik);
}

/* cdp.model_with_unit(model, unit): say which unit of time it was fitted in. */
Datum
cdp_model_with_unit(PG_FUNCTION_ARGS)
{
	CdpClvModel *model = PG_GETARG_CLV_MODEL(0);
	CdpClvModel *copy = palloc(VARSIZE(model));

	memcpy(copy, model, VARSIZE(model));
	if (!cdp_model_interval_us(PG_GETARG_INTERVAL_P(1), &copy->unit_us) ||
		copy->unit_us <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unit must be a positive length of time")));
	PG_RETURN_POINTER(copy);
}
