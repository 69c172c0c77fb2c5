/*
 * property.c
 *		A property of an event of the log, by its name.
 *
 * Sources send objects inside objects: {"shipping": {"city": "Rome"}}.  The
 * name shipping.city is the property of that name if the event has one that is
 * not null, as it is of an object that was flattened before, and else the
 * property city of the object shipping.  Traits are found by the same rule.
 *
 * A name that leads into a list, as products.price does where products is one,
 * is the list of what its elements have under the rest of the name, in their
 * order; null stands for an element without it.  That counts before a property of
 * the whole name.  If no element has it, the list has no such property.  Traits
 * have no lists.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "timeline/convert.h"

PG_FUNCTION_INFO_V1(cdp__event_property);

/* The value under a key of an object; NULL if it is none or has no such key. */
static JsonbValue *
find_key(JsonbContainer *object, const char *key, int length,
		 JsonbValue *found)
{
	if (!JsonContainerIsObject(object))
		return NULL;
	return getKeyJsonValueFromContainer(object, key, length, found);
}

/* What the elements of a list have under a name; false: none has it. */
static bool
gather_elements(JsonbContainer *list, const char *name, int length,
				JsonbValue *found)
{
	static const JsonbValue none = {.type = jbvNull};
	JsonbParseState *state = NULL;
	JsonbIterator *iterator = JsonbIteratorInit(list);
	JsonbIteratorToken token;
	JsonbValue	element;
	Jsonb	   *gathered;
	bool		any = false;

	JsonbIteratorNext(&iterator, &element, true);
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) == WJB_ELEM)
	{
		JsonbValue	value = none;

		CHECK_FOR_INTERRUPTS();
		if (element.type != jbvBinary ||
			!cdp_timeline_find_property(element.val.binary.data, name, length,
										&value))
			value = none;
		any = any || value.type != jbvNull;
		pushJsonbValue(&state, WJB_ELEM, &value);
	}
	gathered = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
	found->type = jbvBinary;
	found->val.binary.data = &gathered->root;
	found->val.binary.len = VARSIZE(gathered) - VARHDRSZ;
	return any;
}

/* The property inside others; *listed: it is a list of what elements have. */
static bool
find_inside(JsonbContainer *properties, const char *name, const char *end,
			JsonbValue *found, bool *listed)
{
	const char *dot;

	*listed = false;
	while ((dot = memchr(name, '.', end - name)) != NULL)
	{
		if (find_key(properties, name, dot - name, found) == NULL ||
			found->type != jbvBinary)
			return false;
		properties = found->val.binary.data;
		name = dot + 1;
		if (JsonContainerIsArray(properties))
			return *listed = gather_elements(properties, name, end - name,
											 found);
	}
	return find_key(properties, name, end - name, found) != NULL;
}

/* See timeline.h. */
bool
cdp_timeline_find_property(JsonbContainer *properties, const char *name,
						   int length, JsonbValue *found)
{
	const char *end = name + length;
	bool		dotted = memchr(name, '.', length) != NULL;
	JsonbValue	inside;
	bool		listed;

	check_stack_depth();
	if (find_key(properties, name, length, found) == NULL ||
		(dotted && found->type == jbvNull))
		return dotted && find_inside(properties, name, end, found, &listed);
	if (dotted && find_inside(properties, name, end, &inside, &listed) && listed)
		*found = inside;
	return true;
}

/* cdp._event_property(properties, name) */
Datum
cdp__event_property(PG_FUNCTION_ARGS)
{
	Jsonb	   *properties = PG_GETARG_JSONB_P(0);
	text	   *name = PG_GETARG_TEXT_PP(1);
	JsonbValue	found;

	if (!cdp_timeline_find_property(&properties->root, VARDATA_ANY(name),
									VARSIZE_ANY_EXHDR(name), &found))
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(JsonbValueToJsonb(&found));
}
