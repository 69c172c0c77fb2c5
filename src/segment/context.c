/*
 * context.c
 *		What a predicate's names mean in this store; see context.h.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/varlena.h"

#include "base/base.h"
#include "norm/norm.h"
#include "segment/context.h"

/* In the order of CdpNameSpace. */
static const char *const name_space_keys[] = {
	"events", "properties", "traits", "computed", "segments", "identifiers",
	"scores", "channels", "purposes", "values",
	"told_twice"
};

/* The object or array of a name space; NULL: the context has none. */
static JsonbContainer *
find_container(JsonbContainer *parent, const char *key, int length)
{
	JsonbValue	found;

	if (!JsonContainerIsObject(parent) ||
		getKeyJsonValueFromContainer(parent, key, length, &found) == NULL ||
		found.type != jbvBinary)
		return NULL;
	return found.val.binary.data;
}

static JsonbContainer *
find_names(const CdpContext *context, CdpNameSpace names)
{
	const char *key;

	if (names == CDP_NAMES_NONE || !JB_ROOT_IS_OBJECT(context->json))
		return NULL;
	key = name_space_keys[names];
	return find_container(&context->json->root, key, strlen(key));
}

/* What a name space says of a name; false: nothing. */
static bool
lookup(const CdpContext *context, CdpNameSpace names, const char *name,
	   JsonbValue *found)
{
	JsonbContainer *container = find_names(context, names);

	return container != NULL && JsonContainerIsObject(container) &&
		getKeyJsonValueFromContainer(container, name, strlen(name),
									 found) != NULL;
}

/* See context.h. */
const char *
cdp_segment_lookup_text(const CdpContext *context, CdpNameSpace names,
						const char *name)
{
	JsonbValue	found;

	if (!lookup(context, names, name, &found) || found.type != jbvString)
		return NULL;
	return pnstrdup(found.val.string.val, found.val.string.len);
}

static int
json_number(const JsonbValue *json)
{
	bool		failed = false;
	int			number;

	if (json->type != jbvNumeric)
		return -1;
	number = numeric_int4_opt_error(json->val.numeric, &failed);
	return failed ? -1 : number;
}

/* See context.h. */
int
cdp_segment_lookup_number(const CdpContext *context, CdpNameSpace names,
						  const char *name)
{
	JsonbValue	found;

	return lookup(context, names, name, &found) ? json_number(&found) : -1;
}

static bool
has_element(JsonbContainer *array, const char *name)
{
	JsonbValue	key;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	return findJsonbValueFromContainer(array, JB_FARRAY, &key) != NULL;
}

/* See context.h. */
bool
cdp_segment_lookup_member(const CdpContext *context, CdpNameSpace names,
						  const char *name)
{
	JsonbContainer *container = find_names(context, names);

	return container != NULL && JsonContainerIsArray(container) &&
		has_element(container, name);
}

/* The list of the values of a field; NULL: the context has none. */
static JsonbContainer *
find_values(const CdpContext *context, const char *field)
{
	JsonbContainer *fields = find_names(context, CDP_NAMES_VALUES);

	return fields == NULL ? NULL :
		find_container(fields, field, strlen(field));
}

/* See context.h. */
bool
cdp_segment_may_be_value(const CdpContext *context, const char *field,
						 const char *value)
{
	JsonbContainer *values = find_values(context, field);

	return values == NULL || has_element(values, value);
}

/* See context.h. */
char *
cdp_segment_list_values(const CdpContext *context, const char *field)
{
	JsonbIterator *iterator = JsonbIteratorInit(find_values(context, field));
	JsonbIteratorToken token;
	JsonbValue	value;
	StringInfoData list;

	initStringInfo(&list);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
		if (token == WJB_ELEM && value.type == jbvString)
			appendStringInfo(&list, "%s'%.*s'", list.len > 0 ? ", " : "",
							 value.val.string.len, value.val.string.val);
	return list.data;
}

/* The slot of a property under a key of the properties; -1: none. */
static int
find_slot(JsonbContainer *events, const char *event, const char *property)
{
	JsonbContainer *properties = find_container(events, event, strlen(event));
	JsonbValue	found;

	if (properties == NULL || !JsonContainerIsObject(properties) ||
		getKeyJsonValueFromContainer(properties, property, strlen(property),
									 &found) == NULL)
		return -1;
	return json_number(&found);
}

/* See context.h. */
int
cdp_segment_lookup_slot(const CdpContext *context, const char *event,
						const char *property)
{
	JsonbContainer *events = find_names(context, CDP_NAMES_PROPERTIES);
	int			slot;

	if (events == NULL || !JsonContainerIsObject(events))
		return -1;
	slot = event == NULL ? -1 : find_slot(events, event, property);
	return slot >= 0 ? slot : find_slot(events, "*", property);
}

/* The zone of predicates that name none; UTC if the context says nothing. */
const char *
cdp_segment_store_zone(const CdpContext *context)
{
	JsonbValue	found;

	if (!JB_ROOT_IS_OBJECT(context->json) ||
		getKeyJsonValueFromContainer(&context->json->root, "zone", 4,
									 &found) == NULL ||
		found.type != jbvString)
		return "UTC";
	return pnstrdup(found.val.string.val, found.val.string.len);
}

/* The nearest name so far. */
typedef struct Suggestion
{
	const char *name;			/* the one we look for */
	char	   *best;
	int			distance;
} Suggestion;

/* Names further away than two letters, or a third of them, are other names. */
static void
consider(Suggestion *suggestion, const char *candidate, int length)
{
	int			name_length = strlen(suggestion->name);
	int			limit = Min(suggestion->distance - 1,
							Max(name_length / 3, name_length > 2 ? 2 : 1));
	int			distance;

	if (name_length > 100 || length > 100 || limit < 0)
		return;
	distance = varstr_levenshtein_less_equal(suggestion->name, name_length,
											 candidate, length, 1, 1, 1,
											 limit, true);
	if (distance > limit)
		return;
	suggestion->best = pnstrdup(candidate, length);
	suggestion->distance = distance;
}

/* Keys or elements; NULL: nothing. */
static void
consider_names(Suggestion *suggestion, JsonbContainer *container)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (container == NULL)
		return;
	iterator = JsonbIteratorInit(container);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
		if ((token == WJB_KEY || token == WJB_ELEM) && value.type == jbvString)
			consider(suggestion, value.val.string.val, value.val.string.len);
}

static void
consider_list(Suggestion *suggestion, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		consider(suggestion, names[i], strlen(names[i]));
}

static char *
write_suggestion(const Suggestion *suggestion)
{
	if (suggestion->best == NULL)
		return NULL;
	return psprintf("Did you mean \"%s\"?", suggestion->best);
}

/* The name as the store would write it; NULL: it would not. */
static char *
snake_case(const char *name)
{
	StringInfoData out;
	const char *reason;

	initStringInfo(&out);
	return cdp_norm_snake_case(name, strlen(name), &out, &reason) ?
		out.data : NULL;
}

/* See context.h. */
const char *
cdp_segment_stored_name(const CdpContext *context, CdpNameSpace names,
						const char *name)
{
	JsonbValue	found;
	const char *stored;

	if (lookup(context, names, name, &found))
		return name;
	stored = snake_case(name);
	return stored != NULL && lookup(context, names, stored, &found) ?
		stored : name;
}

/* See context.h. */
char *
cdp_segment_suggest(const CdpContext *context, CdpNameSpace names,
					const char *name, const char *const *more, int nmore)
{
	Suggestion	suggestion = {NULL, NULL, INT_MAX};
	const char *spellings[] = {name, snake_case(name)};

	for (int i = 0; i < lengthof(spellings); i++)
	{
		suggestion.name = spellings[i];
		if (suggestion.name == NULL)
			continue;
		consider_list(&suggestion, more, nmore);
		consider_names(&suggestion, find_names(context, names));
		if (names == CDP_NAMES_TRAITS)	/* computed ones are read as traits */
			consider_names(&suggestion,
						   find_names(context, CDP_NAMES_COMPUTED));
	}
	return write_suggestion(&suggestion);
}

/* See context.h. */
char *
cdp_segment_suggest_property(const CdpContext *context, const char *event,
							 const char *property, const char *const *more,
							 int nmore)
{
	Suggestion	suggestion = {property, NULL, INT_MAX};
	JsonbContainer *events = find_names(context, CDP_NAMES_PROPERTIES);

	consider_list(&suggestion, more, nmore);
	if (events != NULL && JsonContainerIsObject(events))
	{
		if (event != NULL)
			consider_names(&suggestion,
						   find_container(events, event, strlen(event)));
		consider_names(&suggestion, find_container(events, "*", 1));
	}
	return write_suggestion(&suggestion);
}

/* See context.h. */
char *
cdp_segment_suggest_value(const CdpContext *context, const char *field,
						  const char *value)
{
	Suggestion	suggestion = {value, NULL, INT_MAX};

	consider_names(&suggestion, find_values(context, field));
	return write_suggestion(&suggestion);
}
