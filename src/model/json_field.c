/*
 * json_field.c
 *		Read the fields of a type that is written as a JSON object.
 *
 * The server parses the text to jsonb; this file takes fields out by name and
 * says what is wrong in the words of the type at hand.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "model/clv_model.h"
#include "model/json_field.h"

/* Raise: the input is not of the type, because of detail. */
void
cdp_model_json_fail(const CdpJsonObject *object, const char *detail,...)
{
	StringInfoData reason;

	initStringInfo(&reason);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, detail);
		needed = appendStringInfoVA(&reason, detail, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&reason, needed);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"",
					object->type_name, object->text),
			 errdetail("%s", reason.data)));
}

/* Parse the text; raises unless it is a JSON object. */
void
cdp_model_json_open(CdpJsonObject *object, const char *text,
					const char *type_name)
{
	Jsonb	   *json;

	object->text = text;
	object->type_name = type_name;
	json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	object->fields = &json->root;
	if (!JB_ROOT_IS_OBJECT(json))
		cdp_model_json_fail(object, "It must be a JSON object.");
}

/* The field, or NULL if absent or null. */
JsonbValue *
cdp_model_json_find(const CdpJsonObject *object, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object->fields, name,
													 strlen(name), NULL);

	return value == NULL || value->type == jbvNull ? NULL : value;
}

/* See json_field.h. */
void
cdp_model_json_open_field(const CdpJsonObject *object, const char *name,
						  CdpJsonObject *inner)
{
	JsonbValue *value = cdp_model_json_find(object, name);

	*inner = *object;
	inner->fields = NULL;
	if (value == NULL)
		return;
	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		cdp_model_json_fail(object, "Field \"%s\" must be an object.", name);
	inner->fields = value->val.binary.data;
}

/* Every field must be one of the names. */
void
cdp_model_json_check_names(const CdpJsonObject *object,
						   const char *const *names, int nnames)
{
	JsonbIterator *iterator = JsonbIteratorInit(object->fields);
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		bool		known = false;

		if (token != WJB_KEY)
			continue;
		for (int i = 0; i < nnames; i++)
			known |= strlen(names[i]) == value.val.string.len &&
				memcmp(names[i], value.val.string.val,
					   value.val.string.len) == 0;
		if (!known)
			cdp_model_json_fail(object, "Field \"%.*s\" is unknown.",
								value.val.string.len, value.val.string.val);
	}
}

/* See json_field.h. */
bool
cdp_model_json_number(const CdpJsonObject *object, const char *name,
					  double *value)
{
	JsonbValue *field = cdp_model_json_find(object, name);

	if (field == NULL)
		return false;
	if (field->type != jbvNumeric)
		cdp_model_json_fail(object, "Field \"%s\" must be a number.", name);
	*value = cdp_model_json_element(object, field);
	return true;
}

/* See json_field.h. */
double
cdp_model_json_element(const CdpJsonObject *object, JsonbValue *value)
{
	if (value->type != jbvNumeric)
		cdp_model_json_fail(object, "An element is not a number.");
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8,
											  NumericGetDatum(value->val.numeric)));
}

/* See json_field.h. */
char *
cdp_model_json_string(const CdpJsonObject *object, const char *name)
{
	JsonbValue *field = cdp_model_json_find(object, name);

	if (field == NULL)
		return NULL;
	if (field->type != jbvString)
		cdp_model_json_fail(object, "Field \"%s\" must be a string.", name);
	return pnstrdup(field->val.string.val, field->val.string.len);
}

/*
 * Append a number so that reading it back gives the same double.  JSON numbers
 * of the server know no -0: adding 0 makes it 0.
 */
void
cdp_model_json_append(StringInfo out, double value)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(value + 0.0, digits);
	appendStringInfoString(out, digits);
}

/* "7 days", "3600 seconds", "0.001 seconds". */
char *
cdp_model_unit_text(int64 unit_us)
{
	if (unit_us % USECS_PER_DAY == 0)
		return psprintf(INT64_FORMAT " day%s", unit_us / USECS_PER_DAY,
						unit_us == USECS_PER_DAY ? "" : "s");
	if (unit_us % USECS_PER_HOUR == 0)
		return psprintf(INT64_FORMAT " hour%s", unit_us / USECS_PER_HOUR,
						unit_us == USECS_PER_HOUR ? "" : "s");
	if (unit_us % USECS_PER_SEC == 0)
		return psprintf(INT64_FORMAT " seconds", unit_us / USECS_PER_SEC);
	return psprintf(INT64_FORMAT ".%06d seconds", unit_us / USECS_PER_SEC,
					(int) (unit_us % USECS_PER_SEC));
}

/* The same back; the default unit for NULL. */
int64
cdp_model_unit_us(const CdpJsonObject *object, const char *text)
{
	Interval   *interval;
	int64		unit_us;

	if (text == NULL)
		return CDP_DEFAULT_UNIT_US;
	interval = DatumGetIntervalP(DirectFunctionCall3(interval_in,
													 CStringGetDatum(text),
													 ObjectIdGetDatum(InvalidOid),
													 Int32GetDatum(-1)));
	if (!cdp_model_interval_us(interval, &unit_us) || unit_us <= 0)
		cdp_model_json_fail(object, "Field \"unit\" must be a positive length of time.");
	return unit_us;
}
