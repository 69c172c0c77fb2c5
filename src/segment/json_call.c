/*
 * json_call.c
 *		Objects with op and args, and errors that name their place; see
 *		json_call.h.
 */
#include "postgres.h"

#include "segment/json_call.h"

static void
append_path(StringInfo out, const CdpJsonPlace *place)
{
	if (place->parent == NULL)
	{
		appendStringInfoChar(out, '$');
		return;
	}
	append_path(out, place->parent);
	if (place->key != NULL)
		appendStringInfo(out, ".%s", place->key);
	else
		appendStringInfo(out, ".args[%d]", place->index);
}

/* See json_call.h. */
void
cdp_segment_json_refuse(const CdpJsonPlace *place, const char *detail)
{
	StringInfoData path;

	initStringInfo(&path);
	append_path(&path, place);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid predicate in JSON at %s", path.data),
			 errdetail_internal("%s", detail)));
}

CdpJsonPlace
cdp_segment_json_key(const CdpJsonCall *call, const char *key)
{
	CdpJsonPlace place = {&call->place, key, 0};

	return place;
}

CdpJsonPlace
cdp_segment_json_arg(const CdpJsonCall *call, int index)
{
	CdpJsonPlace place = {&call->place, NULL, index};

	return place;
}

/* The text of a value; expected says what it is. */
char *
cdp_segment_json_text(const JsonbValue *json, const CdpJsonPlace *place,
					  const char *expected)
{
	if (json->type != jbvString)
		cdp_segment_json_refuse(place, psprintf("Expected %s.", expected));
	return pnstrdup(json->val.string.val, json->val.string.len);
}

/* Only these may stand beside op and args; both may be NULL. */
void
cdp_segment_json_check_keys(const CdpJsonCall *call, const char *key,
							const char *other)
{
	JsonbIterator *iterator = JsonbIteratorInit(call->json);
	JsonbIteratorToken token;
	JsonbValue	found;

	while ((token = JsonbIteratorNext(&iterator, &found, true)) != WJB_DONE)
	{
		char	   *name;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(found.val.string.val, found.val.string.len);
		if (strcmp(name, "op") != 0 && strcmp(name, "args") != 0 &&
			(key == NULL || strcmp(name, key) != 0) &&
			(other == NULL || strcmp(name, other) != 0))
			cdp_segment_json_refuse(&call->place,
									psprintf("\"%s\" has no key \"%s\".",
											 call->op, name));
	}
}

void
cdp_segment_json_check_count(const CdpJsonCall *call, int least, int most)
{
	CdpJsonPlace place = cdp_segment_json_key(call, "args");
	int			limit = call->nargs < least ? least : most;
	const char *about = call->nargs < least ? "at least " : "at most ";

	if (call->nargs >= least && call->nargs <= most)
		return;
	cdp_segment_json_refuse(&place,
							psprintf("\"%s\" takes %s%d argument%s, found %d.",
									 call->op, least == most ? "" : about,
									 limit, limit == 1 ? "" : "s",
									 call->nargs));
}

bool
cdp_segment_json_get(const CdpJsonCall *call, const char *key,
					 JsonbValue *found)
{
	return getKeyJsonValueFromContainer(call->json, key, strlen(key),
										found) != NULL;
}

static void
open_args(CdpJsonCall *call)
{
	CdpJsonPlace place = cdp_segment_json_key(call, "args");
	JsonbValue	args;

	if (!cdp_segment_json_get(call, "args", &args))
		return;
	if (args.type != jbvBinary || !JsonContainerIsArray(args.val.binary.data))
		cdp_segment_json_refuse(&place, "Expected an array.");
	call->nargs = JsonContainerSize(args.val.binary.data);
	call->args = palloc(sizeof(JsonbValue) * Max(call->nargs, 1));
	for (int i = 0; i < call->nargs; i++)
		call->args[i] = *getIthJsonbValueFromContainer(args.val.binary.data, i);
}

/* Take an object apart. */
CdpJsonCall *
cdp_segment_json_open(const JsonbValue *json, const CdpJsonPlace *place,
					  const char *expected)
{
	CdpJsonCall *call = palloc0(sizeof(CdpJsonCall));
	CdpJsonPlace place_of_op;
	JsonbValue	op;

	if (json->type != jbvBinary || !JsonContainerIsObject(json->val.binary.data))
		cdp_segment_json_refuse(place, psprintf("Expected %s.", expected));
	call->place = *place;
	call->json = json->val.binary.data;
	if (!cdp_segment_json_get(call, "op", &op))
		cdp_segment_json_refuse(place, "An object needs the key \"op\".");
	place_of_op = cdp_segment_json_key(call, "op");
	call->op = cdp_segment_json_text(&op, &place_of_op, "a text");
	open_args(call);
	return call;
}

void
cdp_segment_json_refuse_op(const CdpJsonCall *call, const char *what)
{
	CdpJsonPlace place = cdp_segment_json_key(call, "op");

	cdp_segment_json_refuse(&place,
							psprintf("\"%s\" is no %s.", call->op, what));
}
