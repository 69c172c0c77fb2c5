/*
 * expiring.c
 *		Traits and identifiers that expire, as of an instant.
 *
 * Whether an observation still counts depends on the clock, and what depends on
 * the clock is not stored.  So traits of which some observation expires are not
 * among cdp.profile_current.traits; "expiring" tells what survives of each of
 * them until when, in the order of time:
 *
 *	{"third_party.dmp.sport": [
 *		{"until": "2026-07-01T12:00:00+00:00", "value": true, "source": "dmp", ...},
 *		{"until": null, "value": false, "source": "dmp", ...}]}
 *
 * A step holds before its end and from the end of the one before it; at its end
 * itself it holds no more.  The first that has not ended counts, and if there is
 * none, or its value is null, then the trait has none.  NULL, which takes no
 * room, is the case of nearly all profiles.
 *
 * Identifiers are in the row of whoever has them, and "identifiers_until" tells of
 * those that expire until when they last:
 *
 *	{"email": {"ann@example.com": "2026-07-01T12:00:00+00:00"}}
 *
 * Where there is none, an address that a trait tells stands in, for as long after
 * it was said as an identifier of the type lasts; one that is pinned, for good.
 *
 * Whoever may see the schema may call these with any JSON: what has another form
 * than this is not there.
 */
#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "profile/profile.h"

PG_FUNCTION_INFO_V1(cdp__contact_lasts);
PG_FUNCTION_INFO_V1(cdp__lasting_identifiers);
PG_FUNCTION_INFO_V1(cdp__may_expire);
PG_FUNCTION_INFO_V1(cdp__traits_at);

/* Only rows of third parties expire (ingest/third_party.c). */
static const char may_expire[] = "third_party.";

/* See profile.h. */
bool
cdp_profile_may_expire(const char *name)
{
	return strncmp(name, may_expire, strlen(may_expire)) == 0;
}

/* cdp._may_expire(name) */
Datum
cdp__may_expire(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(cdp_profile_may_expire(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}

/* What an object says under a key; NULL: nothing, or it is no object. */
static JsonbValue *
find_key(JsonbContainer *object, const char *key, int len, JsonbValue *found)
{
	if (object == NULL || !JsonContainerIsObject(object))
		return NULL;
	return getKeyJsonValueFromContainer(object, key, len, found);
}

/* The object that a value is; NULL: another value. */
static JsonbContainer *
open_object(const JsonbValue *value)
{
	return value->type == jbvBinary &&
		JsonContainerIsObject(value->val.binary.data) ?
		value->val.binary.data : NULL;
}

/* The array that a value is; NULL: another value. */
static JsonbContainer *
open_array(const JsonbValue *value)
{
	return value->type == jbvBinary &&
		JsonContainerIsArray(value->val.binary.data) ?
		value->val.binary.data : NULL;
}

/* An end: ISO text with a zone; null, or nothing, is never. */
static TimestampTz
read_end(JsonbContainer *ends, const char *key, int len)
{
	JsonbValue	until;

	if (find_key(ends, key, len, &until) == NULL ||
		until.type != jbvString)
		return DT_NOEND;
	return DatumGetTimestampTz(
		DirectFunctionCall3(timestamptz_in,
							CStringGetDatum(pnstrdup(until.val.string.val,
													 until.val.string.len)),
							ObjectIdGetDatum(InvalidOid),
							Int32GetDatum(-1)));
}

/*
 * What the steps of a trait say of an instant; false: it has no value then.  The
 * value may be given where the steps are.
 */
static bool
value_of_steps(const JsonbValue *of_trait, TimestampTz at, JsonbValue *value)
{
	JsonbContainer *steps = open_array(of_trait);

	for (uint32 i = 0; steps != NULL && i < JsonContainerSize(steps); i++)
	{
		JsonbContainer *step = open_object(getIthJsonbValueFromContainer(steps, i));

		if (step == NULL || read_end(step, "until", strlen("until")) <= at)
			continue;
		return find_key(step, "value", strlen("value"), value) != NULL &&
			value->type != jbvNull;
	}
	return false;
}

/* See profile.h. */
bool
cdp_profile_expiring_value(Jsonb *expiring, const char *name, int len,
						   TimestampTz at, JsonbValue *value)
{
	JsonbValue	steps;

	return find_key(&expiring->root, name, len, &steps) != NULL &&
		value_of_steps(&steps, at, value);
}

/* The values that expiring traits have at an instant, as an object. */
static Jsonb *
expiring_values(Jsonb *expiring, TimestampTz at)
{
	JsonbIterator *iterator = JsonbIteratorInit(&expiring->root);
	JsonbParseState *made = NULL;
	JsonbValue	name;
	JsonbValue	value;

	pushJsonbValue(&made, WJB_BEGIN_OBJECT, NULL);
	JsonbIteratorNext(&iterator, &name, true);
	while (JsonbIteratorNext(&iterator, &name, true) == WJB_KEY)
	{
		JsonbIteratorNext(&iterator, &value, true);
		if (!value_of_steps(&value, at, &value))
			continue;
		pushJsonbValue(&made, WJB_KEY, &name);
		pushJsonbValue(&made, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&made, WJB_END_OBJECT, NULL));
}

/* See profile.h. */
Jsonb *
cdp_profile_traits_at(Jsonb *traits, Jsonb *expiring, TimestampTz at)
{
	Jsonb	   *values = expiring_values(expiring, at);

	if (JB_ROOT_COUNT(values) == 0)
		return traits;
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
											  JsonbPGetDatum(traits),
											  JsonbPGetDatum(values)));
}

/* cdp._traits_at(traits, expiring, at) */
Datum
cdp__traits_at(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1))
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	PG_RETURN_JSONB_P(cdp_profile_traits_at(PG_GETARG_JSONB_P(0),
											PG_GETARG_JSONB_P(1),
											PG_GETARG_TIMESTAMPTZ(2)));
}

/*
 * Add the type with those of its values that last beyond an instant, if any does.
 * A value is a string; nothing else is an identifier.
 */
static void
push_lasting(JsonbParseState **made, const JsonbValue *type,
			 JsonbContainer *values, JsonbContainer *ends, TimestampTz at)
{
	bool		any = false;

	for (uint32 i = 0; values != NULL && i < JsonContainerSize(values); i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(values, i);

		if (value->type != jbvString ||
			read_end(ends, value->val.string.val, value->val.string.len) <= at)
			continue;
		if (!any)
		{
			pushJsonbValue(made, WJB_KEY, unconstify(JsonbValue *, type));
			pushJsonbValue(made, WJB_BEGIN_ARRAY, NULL);
			any = true;
		}
		pushJsonbValue(made, WJB_ELEM, value);
	}
	if (any)
		pushJsonbValue(made, WJB_END_ARRAY, NULL);
}

/* See profile.h. */
Jsonb *
cdp_profile_lasting_identifiers(Jsonb *identifiers, Jsonb *until, TimestampTz at)
{
	JsonbIterator *iterator = JsonbIteratorInit(&identifiers->root);
	JsonbParseState *made = NULL;
	JsonbValue	type;
	JsonbValue	values;
	JsonbValue	ends;

	pushJsonbValue(&made, WJB_BEGIN_OBJECT, NULL);
	JsonbIteratorNext(&iterator, &type, true);
	while (JsonbIteratorNext(&iterator, &type, true) == WJB_KEY)
	{
		JsonbIteratorNext(&iterator, &values, true);
		if (find_key(&until->root, type.val.string.val,
					 type.val.string.len, &ends) != NULL)
			push_lasting(&made, &type, open_array(&values),
						 open_object(&ends), at);
		else
		{
			pushJsonbValue(&made, WJB_KEY, &type);
			pushJsonbValue(&made, WJB_VALUE, &values);
		}
	}
	return JsonbValueToJsonb(pushJsonbValue(&made, WJB_END_OBJECT, NULL));
}

/* cdp._lasting_identifiers(identifiers, until, at) */
Datum
cdp__lasting_identifiers(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1))
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	PG_RETURN_JSONB_P(cdp_profile_lasting_identifiers(PG_GETARG_JSONB_P(0),
													  PG_GETARG_JSONB_P(1),
													  PG_GETARG_TIMESTAMPTZ(2)));
}

/* See profile.h. */
bool
cdp_profile_contact_lasts(Jsonb *lineage, const char *name,
						  const Interval *time_to_live, TimestampTz at)
{
	JsonbValue	found;
	JsonbContainer *said;
	JsonbValue	rule;
	TimestampTz said_at;

	if (time_to_live == NULL ||
		find_key(&lineage->root, name, strlen(name), &found) == NULL)
		return true;
	said = open_object(&found);
	if (find_key(said, "rule", strlen("rule"), &rule) != NULL &&
		rule.type == jbvString && rule.val.string.len == strlen("pinned") &&
		memcmp(rule.val.string.val, "pinned", rule.val.string.len) == 0)
		return true;
	said_at = read_end(said, "at", strlen("at"));
	if (TIMESTAMP_NOT_FINITE(said_at))
		return true;
	/* in UTC, as cdp._kept_until() */
	return DatumGetTimestamp(DirectFunctionCall2(timestamp_pl_interval,
												 TimestampGetDatum(said_at),
												 IntervalPGetDatum(time_to_live))) > at;
}

/* cdp._contact_lasts(lineage, name, time_to_live, at) */
Datum
cdp__contact_lasts(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	/* before the lineage is fetched, which is large */
	if (PG_ARGISNULL(2))
		PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(cdp_profile_contact_lasts(PG_GETARG_JSONB_P(0),
											 text_to_cstring(PG_GETARG_TEXT_PP(1)),
											 PG_GETARG_INTERVAL_P(2),
											 PG_GETARG_TIMESTAMPTZ(3)));
}
