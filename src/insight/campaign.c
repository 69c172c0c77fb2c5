/*
 * campaign.c
 *		cdp._campaign_name(): what the campaign of an event is.
 *
 * A campaign is a text or a number; of an object it is the name, or else the
 * source.  Spaces around it do not count, and one without a name is none.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "insight/campaign.h"

PG_FUNCTION_INFO_V1(cdp__campaign_name);

/* Without spaces around it; NULL if nothing is left. */
static const char *
trim(const char *name, int *length)
{
	for (; *length > 0 && *name == ' '; name++)
		(*length)--;
	while (*length > 0 && name[*length - 1] == ' ')
		(*length)--;
	return *length > 0 ? name : NULL;
}

/* The text of a JSON value. */
static const char *
print_json(const JsonbValue *json, int *length)
{
	const char *text;

	if (json->type == jbvString)
	{
		*length = json->val.string.len;
		return json->val.string.val;
	}
	if (json->type == jbvNumeric)
		text = DatumGetCString(DirectFunctionCall1(numeric_out,
												   NumericGetDatum(json->val.numeric)));
	else if (json->type == jbvBool)
		text = json->val.boolean ? "true" : "false";
	else
		text = JsonbToCString(NULL, json->val.binary.data,
							  json->val.binary.len);
	*length = strlen(text);
	return text;
}

/* The same of what is told as JSON. */
static const char *
name_of_json(JsonbContainer *json, int *length)
{
	static const char *const keys[] = {"name", "source"};
	JsonbValue	found;

	if (JsonbExtractScalar(json, &found))
		return found.type != jbvString && found.type != jbvNumeric ? NULL :
			trim(print_json(&found, length), length);
	if (!JsonContainerIsObject(json))
		return NULL;
	for (int i = 0; i < lengthof(keys); i++)
		if (getKeyJsonValueFromContainer(json, keys[i], strlen(keys[i]),
										 &found) != NULL &&
			found.type != jbvNull)
			return trim(print_json(&found, length), length);
	return NULL;
}

/* See campaign.h. */
const char *
cdp_insight_campaign(const CdpTimelineValue *value, int *length)
{
	Datum		json;

	switch (value->kind)
	{
		case CDP_TIMELINE_TEXT:
		case CDP_TIMELINE_NUMBER:
			*length = value->length;
			return trim(value->data, length);
		case CDP_TIMELINE_JSON:
			json = DirectFunctionCall1(jsonb_in,
									   CStringGetDatum(pnstrdup(value->data,
																value->length)));
			return name_of_json(&DatumGetJsonbP(json)->root, length);
		default:
			return NULL;
	}
}

/* cdp._campaign_name(campaign) */
Datum
cdp__campaign_name(PG_FUNCTION_ARGS)
{
	int			length;
	const char *name = name_of_json(&PG_GETARG_JSONB_P(0)->root, &length);

	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(name, length));
}
