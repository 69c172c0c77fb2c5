/*
 * mapping.c
 *		Records of any shape, by the mapping of their source.
 *
 * A mapping (cdp.source.mapping) says where in a record the parts of ours
 * are.  A text that begins with "$" is a path into the record, anything else
 * stands for itself:
 *
 *	{
 *		"identifiers": {"crm_id": "$.Id", "email": ["$.Email", "$.Email2"]},
 *		"at":          "$.ModifiedDate",
 *		"message_id":  "$.Number",
 *		"event":       "order",				-- or a path; none: no event
 *		"amount":      "$.Total",
 *		"currency":    "EUR",
 *		"properties":  {"order_id": "$.Number"},	-- or a path to an object
 *		"traits":      {"first_name": "$.Name.First"},	-- likewise
 *		"consents":    [{"purpose": "marketing", "channel": "email",
 *						 "state": "$.OptIn", "at": "$.OptInDate"}]
 *	}
 *
 * Paths are those of SQL's path language (path.c).  Where one has several
 * matches, identifiers take all of them, and each element of a match that is an
 * array; other parts take the first.
 *
 * When properties are a whole object of the record, members that the mapping
 * takes for identifiers are left out of them.
 */
#include "postgres.h"

#include "ingest/path.h"

/* A message lists paths up to about so many bytes. */
#define MAX_LISTED 1000

/* A path, or a value that stands for itself. */
typedef struct Expression
{
	CdpPath    *path;			/* or NULL */
	JsonbValue	constant;		/* the text of the path if it is one */
} Expression;

typedef struct NamedExpression
{
	char	   *name;
	Expression *expression;
} NamedExpression;

struct CdpMapping
{
	List	   *identifiers;	/* of NamedExpression; a type may come twice */
	const char *nobody;			/* what to say of a record that has none */
	Expression *at;
	Expression *message_id;
	Expression *event;
	Expression *amount;
	Expression *currency;
	Expression *all_properties; /* a whole object, or NULL */
	List	   *properties;		/* of NamedExpression */
	Expression *all_traits;
	List	   *traits;
	List	   *consents;		/* of List of NamedExpression */
};

/* Is it a path, which may begin with its mode? */
static bool
is_path(const char *text)
{
	return text[0] == '$' || strncmp(text, "lax $", 5) == 0 ||
		strncmp(text, "strict $", 8) == 0;
}

/* NULL: *problem says why. */
static Expression *
compile_expression(const JsonbValue *value, const char *field,
				   CdpReject *problem)
{
	Expression *expression = palloc0(sizeof(Expression));
	char	   *text = cdp_json_text(value);

	expression->constant = *value;
	if (value->type != jbvString || !is_path(text))
		return expression;
	expression->path = cdp_ingest_compile_path(text);
	if (expression->path != NULL)
		return expression;
	problem->field = field;
	problem->message = psprintf("\"%s\" is not a path: write $.name, $.\"any name\", $.list[0] or another path of SQL (jsonpath) without variables.",
								text);
	return NULL;
}

/* Append name: expression for each member; an array gives one for each. */
static bool
compile_members(const JsonbValue *object, const char *field, bool arrays,
				List **members, CdpReject *problem)
{
	for (int i = 0; i < object->val.object.nPairs; i++)
	{
		JsonbPair  *pair = &object->val.object.pairs[i];
		JsonbValue *value = &pair->value;
		int			count = 1;

		if (arrays && value->type == jbvArray)
		{
			count = value->val.array.nElems;
			value = value->val.array.elems;
		}
		for (int j = 0; j < count; j++)
		{
			NamedExpression *member = palloc(sizeof(NamedExpression));

			member->name = cdp_json_key(pair);
			member->expression = compile_expression(&value[j], field, problem);
			if (member->expression == NULL)
				return false;
			*members = lappend(*members, member);
		}
	}
	return true;
}

/* Properties and traits: a path to an object, or an object of names. */
static bool
compile_object(const JsonbValue *value, const char *field, Expression **whole,
			   List **members, CdpReject *problem)
{
	if (value->type == jbvObject)
		return compile_members(value, field, false, members, problem);
	*whole = compile_expression(value, field, problem);
	if (*whole != NULL && (*whole)->path == NULL)
	{
		problem->field = field;
		problem->message = "This is a path to an object, or an object of name and path.";
		return false;
	}
	return *whole != NULL;
}

static bool
refuse_consents(CdpReject *problem)
{
	problem->field = "consents";
	problem->message = "Consents are an array of {\"purpose\", \"channel\", \"state\", \"at\"}.";
	return false;
}

static bool
compile_consents(const JsonbValue *value, CdpMapping *mapping,
				 CdpReject *problem)
{
	if (value->type != jbvArray)
		return refuse_consents(problem);
	for (int i = 0; i < value->val.array.nElems; i++)
	{
		List	   *members = NIL;

		if (value->val.array.elems[i].type != jbvObject)
			return refuse_consents(problem);
		if (!compile_members(&value->val.array.elems[i], "consents", false,
							 &members, problem))
			return false;
		mapping->consents = lappend(mapping->consents, members);
	}
	return true;
}

/* One member of the mapping. */
static bool
compile_part(const char *name, const JsonbValue *value, CdpMapping *mapping,
			 CdpReject *problem)
{
	Expression **target = NULL;

	if (strcmp(name, "identifiers") == 0 && value->type == jbvObject)
		return compile_members(value, "identifiers", true,
							   &mapping->identifiers, problem);
	if (strcmp(name, "properties") == 0)
		return compile_object(value, "properties", &mapping->all_properties,
							  &mapping->properties, problem);
	if (strcmp(name, "traits") == 0)
		return compile_object(value, "traits", &mapping->all_traits,
							  &mapping->traits, problem);
	if (strcmp(name, "consents") == 0)
		return compile_consents(value, mapping, problem);
	if (strcmp(name, "at") == 0)
		target = &mapping->at;
	else if (strcmp(name, "message_id") == 0)
		target = &mapping->message_id;
	else if (strcmp(name, "event") == 0)
		target = &mapping->event;
	else if (strcmp(name, "amount") == 0)
		target = &mapping->amount;
	else if (strcmp(name, "currency") == 0)
		target = &mapping->currency;
	if (target == NULL)
	{
		problem->field = pstrdup(name);
		problem->message = "A mapping has identifiers (an object), at, message_id, event, amount, currency, properties, traits and consents.";
		return false;
	}
	*target = compile_expression(value, name, problem);
	return *target != NULL;
}

/* Where the mapping looks for identifiers, in vain. */
static const char *
describe_nobody(const List *identifiers)
{
	StringInfoData message;
	const char *separator = ": ";
	const char *end = ".";
	const ListCell *cell;

	initStringInfo(&message);
	appendStringInfoString(&message,
						   "The record has nothing usable where the mapping looks for identifiers");
	foreach(cell, identifiers)
	{
		const NamedExpression *member = lfirst(cell);

		if (member->expression->path == NULL)
			continue;
		if (message.len > MAX_LISTED)
		{
			end = ", ...";
			break;
		}
		appendStringInfo(&message, "%s%s at %s", separator, member->name,
						 cdp_json_text(&member->expression->constant));
		separator = ", ";
	}
	appendStringInfoString(&message, end);
	return message.data;
}

/* Read a mapping; NULL: *problem says what is wrong with it. */
CdpMapping *
cdp_ingest_compile_mapping(Jsonb *source_mapping, CdpReject *problem)
{
	CdpMapping *mapping = palloc0(sizeof(CdpMapping));
	CdpLostNumber lost;
	char	   *text = JsonbToCString(NULL, &source_mapping->root,
									  VARSIZE(source_mapping));
	JsonbValue *root = cdp_json_parse(text, strlen(text), problem, &lost);

	if (root == NULL)
	{
		problem->message = "A mapping is a JSON object.";
		return NULL;
	}
	for (int i = 0; i < root->val.object.nPairs; i++)
		if (!compile_part(cdp_json_key(&root->val.object.pairs[i]),
						  &root->val.object.pairs[i].value, mapping, problem))
			return NULL;
	if (mapping->identifiers == NIL)
	{
		problem->field = "identifiers";
		problem->message = "A mapping says where at least one identifier is.";
		return NULL;
	}
	mapping->nobody = describe_nobody(mapping->identifiers);
	return mapping;
}

static List *
add_expression_columns(List *columns, const Expression *expression)
{
	if (expression == NULL || expression->path == NULL)
		return columns;
	return cdp_ingest_path_columns(expression->path, columns);
}

static List *
add_member_columns(List *columns, const List *members)
{
	const ListCell *cell;

	foreach(cell, members)
		columns = add_expression_columns(columns,
										 ((NamedExpression *) lfirst(cell))->expression);
	return columns;
}

/* The members of a record that the mapping's paths begin with; some twice. */
List *
cdp_ingest_mapping_columns(const CdpMapping *mapping)
{
	List	   *columns = add_member_columns(NIL, mapping->identifiers);
	ListCell   *cell;

	columns = add_expression_columns(columns, mapping->at);
	columns = add_expression_columns(columns, mapping->message_id);
	columns = add_expression_columns(columns, mapping->event);
	columns = add_expression_columns(columns, mapping->amount);
	columns = add_expression_columns(columns, mapping->currency);
	columns = add_expression_columns(columns, mapping->all_properties);
	columns = add_member_columns(columns, mapping->properties);
	columns = add_expression_columns(columns, mapping->all_traits);
	columns = add_member_columns(columns, mapping->traits);
	foreach(cell, mapping->consents)
		columns = add_member_columns(columns, lfirst(cell));
	return columns;
}

/* All matches of the path of an expression. */
static List *
find_all(CdpRecord *record, const Expression *expression,
		 CdpPathTarget *target)
{
	List	   *matches = cdp_ingest_path_all(expression->path, target);

	if (target->failed)
		cdp_ingest_warn(record, "path_failed",
						cdp_json_text(&expression->constant), NULL,
						"The path cannot be evaluated in this record: it calculates with what is no number, or converts what cannot be.");
	return matches;
}

/* The value an expression has in a record; NULL: absent or null. */
static const JsonbValue *
evaluate(CdpRecord *record, const Expression *expression,
		 CdpPathTarget *target)
{
	const JsonbValue *value = NULL;
	List	   *matches;

	if (expression == NULL)
		return NULL;
	if (expression->path == NULL)
		value = &expression->constant;
	else if ((matches = find_all(record, expression, target)) != NIL)
		value = linitial(matches);
	return cdp_json_is_absent(value) ? NULL : value;
}

/* A match for an identifier; of an array each element. */
static void
map_identifier(CdpRecord *record, const char *type, const JsonbValue *value)
{
	if (value->type != jbvArray)
		cdp_ingest_add_identifier(record, type, value, type);
	else
		for (int i = 0; i < value->val.array.nElems; i++)
			cdp_ingest_add_identifier(record, type,
									  &value->val.array.elems[i], type);
}

static void
map_identifiers(CdpRecord *record, CdpPathTarget *target,
				const CdpMapping *mapping)
{
	ListCell   *cell;
	ListCell   *match;

	foreach(cell, mapping->identifiers)
	{
		NamedExpression *member = lfirst(cell);
		const CdpPath *path = member->expression->path;

		if (path == NULL)
			map_identifier(record, member->name,
						   &member->expression->constant);
		else
			foreach(match, find_all(record, member->expression, target))
				map_identifier(record, member->name, lfirst(match));
	}
}

static void
map_traits(CdpRecord *record, CdpPathTarget *target,
		   const CdpMapping *mapping)
{
	const JsonbValue *whole = evaluate(record, mapping->all_traits, target);
	ListCell   *cell;

	if (whole != NULL && whole->type == jbvObject)
		cdp_ingest_read_traits(record, whole);
	foreach(cell, mapping->traits)
	{
		NamedExpression *member = lfirst(cell);

		cdp_ingest_add_trait(record, member->name,
							 evaluate(record, member->expression, target));
	}
}

/* The members of an object that are there. */
static JsonbValue
map_object(CdpRecord *record, CdpPathTarget *target, const List *members)
{
	JsonbValue	object = cdp_json_copy_object(NULL, list_length(members));
	const ListCell *cell;

	foreach(cell, members)
	{
		NamedExpression *member = lfirst(cell);
		const JsonbValue *value = evaluate(record, member->expression, target);

		if (value != NULL)
			cdp_json_put(&object, member->name, value);
	}
	return object;
}

static void
map_properties(CdpRecord *record, CdpPathTarget *target,
			   const CdpMapping *mapping)
{
	const JsonbValue *whole = evaluate(record, mapping->all_properties, target);
	JsonbValue	object;
	ListCell   *cell;

	if (whole != NULL && whole->type == jbvObject)
	{
		object = cdp_json_copy_object(whole, 0);
		foreach(cell, mapping->identifiers)
		{
			NamedExpression *member = lfirst(cell);
			const CdpPath *path = member->expression->path;
			const char *key = path == NULL ? NULL :
				cdp_ingest_path_member(path, mapping->all_properties->path);

			if (key != NULL)
				cdp_json_remove(&object, key);
		}
	}
	else
		object = map_object(record, target, mapping->properties);
	cdp_json_remove(&object, CDP_INGEST_KEPT_AMOUNT);
	if (object.val.object.nPairs > 0)
		record->properties = JsonbValueToJsonb(&object);
}

/* Consents whose state is there. */
static void
map_consents(CdpRecord *record, CdpPathTarget *target,
			 const CdpReadOptions *options)
{
	ListCell   *cell;

	foreach(cell, options->mapping->consents)
	{
		JsonbValue	consent = map_object(record, target, lfirst(cell));

		if (cdp_json_member(&consent, "state") != NULL)
			cdp_ingest_read_consents(record, &consent, options);
	}
}

static void
map_event(CdpRecord *record, CdpPathTarget *target, const CdpMapping *mapping)
{
	const JsonbValue *event = evaluate(record, mapping->event, target);

	if (event == NULL)
		return;
	cdp_ingest_read_event_name(record, event, "event");
	cdp_ingest_read_amount(record, evaluate(record, mapping->amount, target), "amount");
	cdp_ingest_read_currency(record, evaluate(record, mapping->currency, target),
							 "currency");
	map_properties(record, target, mapping);
}

/* When it happened; a mapping that says where that stands should find it. */
static void
map_time(CdpRecord *record, CdpPathTarget *target,
		 const CdpReadOptions *options)
{
	const Expression *expression = options->mapping->at;
	const JsonbValue *at = evaluate(record, expression, target);

	if (expression != NULL && at == NULL)
		cdp_ingest_warn(record, "no_time", "at", NULL,
						"The time is missing or null, so it is the time of receipt.");
	cdp_ingest_read_time(record, at, NULL, NULL, "at", options);
}

/* Fill *record from the tree as the mapping says. */
void
cdp_ingest_apply_mapping(CdpRecord *record, JsonbValue *root,
						 const CdpReadOptions *options,
						 MemoryContext scratch)
{
	const CdpMapping *mapping = options->mapping;
	List	   *used = NIL;
	CdpPathTarget target = {
		.root = root,.zone = options->zone,.scratch = scratch,
		.used = options->unmapped == NULL ? NULL : &used
	};

	cdp_ingest_read_message_id(record, evaluate(record, mapping->message_id, &target),
							   "message_id");
	map_time(record, &target, options);
	map_identifiers(record, &target, mapping);
	if (record->identifiers == NIL)
		cdp_ingest_reject(record, "no_identifier", "identifiers",
						  mapping->nobody);
	map_traits(record, &target, mapping);
	map_consents(record, &target, options);
	map_event(record, &target, mapping);
	if (options->unmapped != NULL)
		cdp_ingest_find_unmapped(root, used, options->unmapped);
}
