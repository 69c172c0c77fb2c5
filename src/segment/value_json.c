/*
 * value_json.c
 *		Values as JSON, for traits that are computed.
 *
 * JSON has no times and no durations: a time is a text in UTC, which is what
 * traits have and is read as a time again, a duration is its seconds.  A
 * duration of months has no length, so it is nothing.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "segment/value.h"

static void
set_number(JsonbValue *json, const CdpValue *number)
{
	json->type = jbvNumeric;
	json->val.numeric = DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale,
															NumericGetDatum(cdp_segment_to_numeric(number))));
}

static void
set_text(JsonbValue *json, const char *data, int length)
{
	json->type = jbvString;
	json->val.string.val = unconstify(char *, data);
	json->val.string.len = length;
}

static void
set_duration(JsonbValue *json, const CdpDuration *duration)
{
	CdpValue	us = cdp_segment_integer(duration->us);
	CdpValue	second = cdp_segment_integer(USECS_PER_SEC);
	CdpValue	seconds = cdp_segment_arithmetic('/', &us, &second, NULL);

	json->type = jbvNull;
	if (duration->months == 0 && duration->days == 0)
		set_number(json, &seconds);
}

/* The value as a scalar, or a container that pushing unpacks. */
static void
set_json(JsonbValue *json, const CdpValue *value)
{
	const char *text;

	json->type = jbvNull;
	switch (value->kind)
	{
		case CDP_VALUE_NULL:
			return;
		case CDP_VALUE_BOOLEAN:
			json->type = jbvBool;
			json->val.boolean = value->as.boolean;
			return;
		case CDP_VALUE_NUMBER:
			set_number(json, value);
			return;
		case CDP_VALUE_TEXT:
			set_text(json, value->as.text.data, value->as.text.length);
			return;
		case CDP_VALUE_TIME:
			text = cdp_segment_time_text(value->as.time);
			set_text(json, text, strlen(text));
			return;
		case CDP_VALUE_DURATION:
			set_duration(json, &value->as.duration);
			return;
		case CDP_VALUE_JSON:
			json->type = jbvBinary;
			json->val.binary.data = value->as.json;
			json->val.binary.len = 0;
			return;
	}
}

/* A copy of an array or object. */
static Jsonb *
copy_container(JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbParseState *state = NULL;
	JsonbValue *copy = NULL;
	JsonbIteratorToken token;
	JsonbValue	part;

	while ((token = JsonbIteratorNext(&iterator, &part, false)) != WJB_DONE)
		copy = pushJsonbValue(&state, token,
							  token < WJB_BEGIN_ARRAY ? &part : NULL);
	return JsonbValueToJsonb(copy);
}

/* See value.h. */
Jsonb *
cdp_segment_to_jsonb(const CdpValue *value)
{
	JsonbValue	json;

	if (value->kind == CDP_VALUE_JSON)
		return copy_container(value->as.json);
	set_json(&json, value);
	return json.type == jbvNull ? NULL : JsonbValueToJsonb(&json);
}

/* See value.h. */
Jsonb *
cdp_segment_jsonb_list(const CdpValue *values, int64 count)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int64 i = 0; i < count; i++)
	{
		JsonbValue	json;

		set_json(&json, &values[i]);
		pushJsonbValue(&state, WJB_ELEM, &json);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}
