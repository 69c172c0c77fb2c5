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
 * A path is $, then .name, ."any name" or [index from 0] as often as needed:
 * a part of SQL's path language, and of the same meaning.  It is kept this
 * small because it runs for each field of each record and may never raise.
 *
 * When properties are a whole object of the record, members that the mapping
 * takes for identifiers are left out of them.
 */
#include "postgres.h"

#include <ctype.h>

#include "ingest/record.h"

/* One step of a path: into a member, or an element. */
typedef struct PathStep
{
	char	   *key;			/* NULL: element */
	int			index;
} PathStep;

/* A path, or a value that stands for itself. */
typedef struct Expression
{
	bool		is_path;
	List	   *steps;			/* of PathStep */
	JsonbValue	constant;
} Expression;

typedef struct NamedExpression
{
	char	   *name;
	Expression *expression;
} NamedExpression;

struct CdpMapping
{
	List	   *identifiers;	/* of NamedExpression; a type may come twice */
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

/* Read ."any name" from behind its first quote. */
static bool
read_quoted_key(const char **at, PathStep *step)
{
	const char *end = strchr(*at, '"');

	if (end == NULL)
		return false;
	step->key = pnstrdup(*at, end - *at);
	*at = end + 1;
	return true;
}

/* Read one step; false: this is none. */
static bool
read_step(const char **at, PathStep *step)
{
	size_t		length;

	step->key = NULL;
	step->index = 0;
	if (**at == '[')
	{
		length = strspn(++(*at), "0123456789");
		if (length < 1 || length > 6 || (*at)[length] != ']')
			return false;
		step->index = atoi(*at);
		*at += length + 1;
		return true;
	}
	if (**at != '.')
		return false;
	if (*++(*at) == '"')
	{
		(*at)++;
		return read_quoted_key(at, step);
	}
	length = strcspn(*at, ".[\"");
	step->key = pnstrdup(*at, length);
	*at += length;
	return length > 0;
}

/* NULL: *problem says why. */
static Expression *
compile_expression(const JsonbValue *value, const char *field,
				   CdpReject *problem)
{
	Expression *expression = palloc0(sizeof(Expression));
	char	   *text = cdp_json_text(value);
	const char *at;

	expression->constant = *value;
	if (value->type != jbvString || text[0] != '$')
		return expression;
	expression->is_path = true;
	for (at = text + 1; *at != '\0';)
	{
		PathStep   *step = palloc(sizeof(PathStep));

		if (!read_step(&at, step))
		{
			problem->field = field;
			problem->message = psprintf("\"%s\" is not a path: a path is $, then .name, .\"any name\" or [index] as often as needed.",
										text);
			return NULL;
		}
		expression->steps = lappend(expression->steps, step);
	}
	return expression;
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
	if (*whole != NULL && !(*whole)->is_path)
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

/* Read a mapping; NULL: *problem says what is wrong with it. */
CdpMapping *
cdp_ingest_compile_mapping(Jsonb *source_mapping, CdpReject *problem)
{
	CdpMapping *mapping = palloc0(sizeof(CdpMapping));
	bool		number_lost;
	char	   *text = JsonbToCString(NULL, &source_mapping->root,
									  VARSIZE(source_mapping));
	JsonbValue *root = cdp_json_parse(text, strlen(text), problem,
									  &number_lost);

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
	return mapping;
}

/* The value an expression has in a record; NULL: absent or null. */
static const JsonbValue *
evaluate(const Expression *expression, const JsonbValue *root)
{
	const JsonbValue *value = root;
	ListCell   *cell;

	if (expression == NULL)
		return NULL;
	if (!expression->is_path)
		return cdp_json_is_absent(&expression->constant) ? NULL :
			&expression->constant;
	foreach(cell, expression->steps)
	{
		PathStep   *step = lfirst(cell);

		if (value == NULL)
			return NULL;
		if (step->key != NULL)
			value = cdp_json_member(value, step->key);
		else if (value->type == jbvArray &&
				 step->index < value->val.array.nElems)
			value = &value->val.array.elems[step->index];
		else
			value = NULL;
	}
	return cdp_json_is_absent(value) ? NULL : value;
}

/* Is the step the same? */
static bool
same_step(const PathStep *a, const PathStep *b)
{
	if (a->key == NULL || b->key == NULL)
		return a->key == b->key && a->index == b->index;
	return strcmp(a->key, b->key) == 0;
}

/* The member of the object at "whole" that a path leads to, or NULL. */
static const char *
member_of(const Expression *path, const Expression *whole)
{
	int			depth = list_length(whole->steps);

	if (!path->is_path || list_length(path->steps) != depth + 1)
		return NULL;
	for (int i = 0; i < depth; i++)
		if (!same_step(list_nth(path->steps, i), list_nth(whole->steps, i)))
			return NULL;
	return ((PathStep *) list_nth(path->steps, depth))->key;
}

static void
map_identifiers(CdpRecord *record, const JsonbValue *root,
				const CdpMapping *mapping)
{
	ListCell   *cell;

	foreach(cell, mapping->identifiers)
	{
		NamedExpression *member = lfirst(cell);
		const JsonbValue *value = evaluate(member->expression, root);

		if (value == NULL || value->type != jbvArray)
		{
			cdp_ingest_add_identifier(record, member->name, value,
									  member->name);
			continue;
		}
		for (int i = 0; i < value->val.array.nElems; i++)
			cdp_ingest_add_identifier(record, member->name,
									  &value->val.array.elems[i],
									  member->name);
	}
}

static void
map_traits(CdpRecord *record, const JsonbValue *root,
		   const CdpMapping *mapping)
{
	const JsonbValue *whole = evaluate(mapping->all_traits, root);
	ListCell   *cell;

	if (whole != NULL && whole->type == jbvObject)
		cdp_ingest_read_traits(record, whole);
	foreach(cell, mapping->traits)
	{
		NamedExpression *member = lfirst(cell);

		cdp_ingest_add_trait(record, member->name,
							 evaluate(member->expression, root));
	}
}

/* The members of an object that are there. */
static JsonbValue
map_object(const JsonbValue *root, const List *members)
{
	JsonbValue	object = cdp_json_copy_object(NULL, list_length(members));
	const ListCell *cell;

	foreach(cell, members)
	{
		NamedExpression *member = lfirst(cell);
		const JsonbValue *value = evaluate(member->expression, root);

		if (value != NULL)
			cdp_json_put(&object, member->name, value);
	}
	return object;
}

static void
map_properties(CdpRecord *record, const JsonbValue *root,
			   const CdpMapping *mapping)
{
	const JsonbValue *whole = evaluate(mapping->all_properties, root);
	JsonbValue	object;
	ListCell   *cell;

	if (whole != NULL && whole->type == jbvObject)
	{
		object = cdp_json_copy_object(whole, 0);
		foreach(cell, mapping->identifiers)
		{
			NamedExpression *member = lfirst(cell);
			const char *key = member_of(member->expression,
										mapping->all_properties);

			if (key != NULL)
				cdp_json_remove(&object, key);
		}
	}
	else
		object = map_object(root, mapping->properties);
	if (object.val.object.nPairs > 0)
		record->properties = JsonbValueToJsonb(&object);
}

/* Consents whose state is there. */
static void
map_consents(CdpRecord *record, const JsonbValue *root,
			 const CdpReadOptions *options)
{
	ListCell   *cell;

	foreach(cell, options->mapping->consents)
	{
		JsonbValue	consent = map_object(root, lfirst(cell));

		if (cdp_json_member(&consent, "state") != NULL)
			cdp_ingest_read_consents(record, &consent, options);
	}
}

/* Fill *record from the tree as the mapping says. */
void
cdp_ingest_apply_mapping(CdpRecord *record, JsonbValue *root,
						 const CdpReadOptions *options)
{
	const CdpMapping *mapping = options->mapping;
	const JsonbValue *event = evaluate(mapping->event, root);

	cdp_ingest_read_message_id(record, evaluate(mapping->message_id, root),
							   "message_id");
	cdp_ingest_read_time(record, evaluate(mapping->at, root), NULL, NULL,
						 "at", options);
	map_identifiers(record, root, mapping);
	map_traits(record, root, mapping);
	map_consents(record, root, options);
	if (event == NULL)
		return;
	cdp_ingest_read_event_name(record, event, "event");
	cdp_ingest_read_amount(record, evaluate(mapping->amount, root), "amount");
	cdp_ingest_read_currency(record, evaluate(mapping->currency, root),
							 "currency");
	map_properties(record, root, mapping);
}
