/*
 * bind.c
 *		Gives the names of a predicate their meaning, and checks types.
 *
 * Binding turns the tree into expressions and says everything it notices.
 * The checker (cdp.predicate_check) shows all of it; the compiler raises the
 * first error.  After an error binding goes on with an expression that is
 * unknown, of any type, so that one mistake is reported once.
 *
 * Types.  Constants, built-in fields, aggregates and registered traits have a
 * type; other data is of type any until it is seen.  What can be seen to be
 * wrong is an error here.  A trait of type timestamp is a text in JSON; it is
 * read as a time whenever it is used.
 *
 * What a path is.  Of a profile: a built-in field (they win), else a computed
 * trait that moves with the clock (bind_computed.c), else a trait;
 * a.b is the trait called "a.b" or else the key b inside the trait a.  In a
 * where-clause a path is a property of the event, and profile.x is x of the
 * profile.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "segment/bind.h"

/* In the order of CdpField. */
const CdpFieldInfo cdp_segment_fields[CDP_FIELD_COUNT] = {
	{"kind", CDP_TYPE_TEXT},
	{"first_seen", CDP_TYPE_TIME},
	{"last_seen", CDP_TYPE_TIME},
	{"events", CDP_TYPE_NUMBER},
	{"orders", CDP_TYPE_NUMBER},
	{"gross_revenue", CDP_TYPE_NUMBER},
	{"revenue", CDP_TYPE_NUMBER},
	{"first_order_at", CDP_TYPE_TIME},
	{"last_order_at", CDP_TYPE_TIME},
	{"rfm_recency", CDP_TYPE_NUMBER},
	{"rfm_frequency", CDP_TYPE_NUMBER},
	{"rfm_monetary", CDP_TYPE_NUMBER},
	{"lifecycle", CDP_TYPE_TEXT},
	{"clv_365d", CDP_TYPE_NUMBER},
	{"churn_90d", CDP_TYPE_NUMBER},
	{"churn_band", CDP_TYPE_TEXT},
	{"average_order_value", CDP_TYPE_NUMBER},
	{"email", CDP_TYPE_TEXT},
	{"phone", CDP_TYPE_TEXT}
};

/* In the order of CdpType. */
static const char *const type_names[] = {
	"any value", "a yes/no question", "a number", "a text", "a time",
	"a duration", "a duration in months"
};

static void
add_message(CdpBinder *binder, bool is_error, int errcode,
			const CdpNode *node, const char *text, const char *hint)
{
	CdpMessage *message = palloc(sizeof(CdpMessage));

	message->is_error = is_error;
	message->errcode = errcode;
	message->position = node->position;
	message->text = text;
	message->hint = hint;
	*binder->messages = lappend(*binder->messages, message);
}

/* Note an error; hint may be NULL. */
void
cdp_segment_bind_error(CdpBinder *binder, int errcode, const CdpNode *node,
					   const char *text, const char *hint)
{
	add_message(binder, true, errcode, node, text, hint);
}

/* Note what is allowed but probably not meant. */
void
cdp_segment_bind_warning(CdpBinder *binder, const CdpNode *node,
						 const char *text, const char *hint)
{
	add_message(binder, false, 0, node, text, hint);
}

/* An expression without children. */
CdpExpr *
cdp_segment_make_expr(CdpBinder *binder, CdpExprKind kind, CdpType type,
					  const CdpNode *node)
{
	CdpExpr    *expr = palloc0(sizeof(CdpExpr));

	expr->kind = kind;
	expr->type = type;
	expr->node = node;
	expr->zone = binder->zone;
	expr->op = node->op;
	expr->negated = node->negated;
	expr->ignore_case = node->ignore_case;
	return expr;
}

static CdpExpr *
make_constant(CdpBinder *binder, CdpType type, const CdpNode *node,
			  CdpValue value)
{
	CdpExpr    *expr = cdp_segment_make_expr(binder, CDP_EXPR_CONSTANT, type,
											 node);

	expr->constant = value;
	return expr;
}

/* Bind all children of the node as those of the expression. */
void
cdp_segment_bind_args(CdpBinder *binder, CdpExpr *expr, const CdpNode *node)
{
	ListCell   *cell;

	expr->args = palloc(sizeof(CdpExpr *) * Max(list_length(node->args), 1));
	foreach(cell, node->args)
	{
		CdpExpr    *arg = cdp_segment_bind_expr(binder, lfirst(cell));

		expr->args[expr->nargs++] = arg;
		expr->level = Max(expr->level, arg->level);
	}
}

/* Check that an expression may be of the type; false after noting an error. */
bool
cdp_segment_bind_need(CdpBinder *binder, const CdpExpr *expr, CdpType type)
{
	if (expr->type == type || expr->type == CDP_TYPE_ANY)
		return true;
	cdp_segment_bind_error(binder, ERRCODE_DATATYPE_MISMATCH, expr->node,
						   psprintf("expected %s, found %s",
									type_names[type], type_names[expr->type]),
						   NULL);
	return false;
}

/* What stands where a yes/no question is wanted. */
CdpExpr *
cdp_segment_bind_question(CdpBinder *binder, const CdpNode *node)
{
	CdpExpr    *expr = cdp_segment_bind_expr(binder, node);

	cdp_segment_bind_need(binder, expr, CDP_TYPE_BOOLEAN);
	return expr;
}

/* May it be a time or a duration?  Data itself is neither. */
static bool
may_be_time(const CdpExpr *expr)
{
	if (expr->type == CDP_TYPE_TIME || expr->type == CDP_TYPE_DURATION ||
		expr->type == CDP_TYPE_PERIOD)
		return true;
	if (expr->type != CDP_TYPE_ANY)
		return false;
	if (expr->kind == CDP_EXPR_FUNCTION)
		for (int i = 0; i < expr->nargs; i++)
			if (may_be_time(expr->args[i]))
				return true;
	return expr->kind == CDP_EXPR_ARITHMETIC;
}

/* Data that tells a time as text is read in the predicate's zone. */
static void
note_zone(CdpBinder *binder, const CdpExpr *a, const CdpExpr *b)
{
	if (b->type == CDP_TYPE_ANY && may_be_time(a))
		binder->uses_zone = true;
}

/* Check that two values can be compared. */
static void
check_comparable(CdpBinder *binder, const CdpNode *node, CdpExpr *a,
				 CdpExpr *b, bool ordered)
{
	const char *hint = NULL;

	note_zone(binder, a, b);
	note_zone(binder, b, a);
	if (a->type == CDP_TYPE_PERIOD || b->type == CDP_TYPE_PERIOD)
	{
		cdp_segment_bind_error(binder, ERRCODE_DATATYPE_MISMATCH, node,
							   "months, quarters and years have no fixed length to compare",
							   "Compare with a number of days, or add the months to a time.");
		return;
	}
	if (ordered && (a->type == CDP_TYPE_BOOLEAN || b->type == CDP_TYPE_BOOLEAN))
	{
		cdp_segment_bind_error(binder, ERRCODE_DATATYPE_MISMATCH, node,
							   "yes and no have no order", NULL);
		return;
	}
	if (a->type == CDP_TYPE_ANY || b->type == CDP_TYPE_ANY ||
		a->type == b->type)
		return;
	if ((a->type == CDP_TYPE_TIME && b->type == CDP_TYPE_TEXT) ||
		(a->type == CDP_TYPE_TEXT && b->type == CDP_TYPE_TIME))
		hint = "A date is written without quotes: 2026-01-31.";
	cdp_segment_bind_error(binder, ERRCODE_DATATYPE_MISMATCH, node,
						   psprintf("cannot compare %s with %s",
									type_names[a->type], type_names[b->type]),
						   hint);
}

/* A test that is unknown for profiles that lack the value leaves them out. */
static void
warn_of_unknown(CdpBinder *binder, const CdpExpr *value, const char *test)
{
	if (value->kind != CDP_EXPR_TRAIT && value->kind != CDP_EXPR_FIELD &&
		value->kind != CDP_EXPR_EVENT_PROPERTY)
		return;
	cdp_segment_bind_warning(binder, value->node,
							 psprintf("\"%s\" leaves out profiles whose \"%s\" is not known",
									  test, cdp_segment_print_node(value->node)),
							 "Use \"is distinct from\", or add \"or ... is null\", to have them in.");
}

/* compare, in, between: the value against each of the others */
static CdpExpr *
bind_comparison(CdpBinder *binder, const CdpNode *node, CdpExprKind kind)
{
	CdpExpr    *expr = cdp_segment_make_expr(binder, kind, CDP_TYPE_BOOLEAN,
											 node);
	bool		ordered = kind == CDP_EXPR_BETWEEN ||
		(kind == CDP_EXPR_COMPARE && node->op != CDP_EQ && node->op != CDP_NE);

	cdp_segment_bind_args(binder, expr, node);
	for (int i = 1; i < expr->nargs; i++)
	{
		check_comparable(binder, node, expr->args[0], expr->args[i], ordered);
		if (!ordered)
			cdp_segment_bind_closed(binder, expr->args[0], expr->args[i]);
	}
	if (kind == CDP_EXPR_COMPARE && node->op == CDP_NE)
		warn_of_unknown(binder, expr->args[0], "!=");
	if (kind == CDP_EXPR_IN && node->negated)
		warn_of_unknown(binder, expr->args[0], "not in");
	return expr;
}

static CdpExpr *
bind_logic(CdpBinder *binder, const CdpNode *node, CdpExprKind kind)
{
	CdpExpr    *expr = cdp_segment_make_expr(binder, kind, CDP_TYPE_BOOLEAN,
											 node);

	cdp_segment_bind_args(binder, expr, node);
	for (int i = 0; i < expr->nargs; i++)
		cdp_segment_bind_need(binder, expr->args[i], CDP_TYPE_BOOLEAN);
	return expr;
}

static CdpExpr *
bind_is(CdpBinder *binder, const CdpNode *node)
{
	CdpExpr    *expr = cdp_segment_make_expr(binder, CDP_EXPR_IS,
											 CDP_TYPE_BOOLEAN, node);

	cdp_segment_bind_args(binder, expr, node);
	if (node->op == CDP_IS_TRUE || node->op == CDP_IS_FALSE)
		cdp_segment_bind_need(binder, expr->args[0], CDP_TYPE_BOOLEAN);
	if (node->op == CDP_IS_DISTINCT)
	{
		check_comparable(binder, node, expr->args[0], expr->args[1], false);
		cdp_segment_bind_closed(binder, expr->args[0], expr->args[1]);
	}
	return expr;
}

static CdpExpr *
bind_like(CdpBinder *binder, const CdpNode *node)
{
	CdpExpr    *expr = cdp_segment_make_expr(binder, CDP_EXPR_LIKE,
											 CDP_TYPE_BOOLEAN, node);

	cdp_segment_bind_args(binder, expr, node);
	cdp_segment_bind_need(binder, expr->args[0], CDP_TYPE_TEXT);
	return expr;
}

static CdpExpr *
bind_contains(CdpBinder *binder, const CdpNode *node)
{
	CdpExpr    *expr = cdp_segment_make_expr(binder, CDP_EXPR_CONTAINS,
											 CDP_TYPE_BOOLEAN, node);

	cdp_segment_bind_args(binder, expr, node);
	for (int i = 1; i < expr->nargs; i++)
		note_zone(binder, expr->args[i], expr->args[0]);
	if (expr->args[0]->type == CDP_TYPE_TEXT)
		for (int i = 1; i < expr->nargs; i++)
			cdp_segment_bind_need(binder, expr->args[i], CDP_TYPE_TEXT);
	else if (expr->args[0]->type != CDP_TYPE_ANY)
		cdp_segment_bind_error(binder, ERRCODE_DATATYPE_MISMATCH,
							   expr->args[0]->node,
							   psprintf("only a list or a text contains something, found %s",
										type_names[expr->args[0]->type]), NULL);
	return expr;
}

static bool
is_length(CdpType type)
{
	return type == CDP_TYPE_DURATION || type == CDP_TYPE_PERIOD;
}

/*
 * The type of a op b, CDP_TYPE_ANY if data will tell; false: it has none.
 * Numbers calculate with numbers; a duration is added to a time or a
 * duration; the difference of two times is a duration.
 */
static bool
arithmetic_type(int op, CdpType a, CdpType b, CdpType *type)
{
	*type = CDP_TYPE_ANY;
	if (op == '*' || op == '/' || a == CDP_TYPE_NUMBER || b == CDP_TYPE_NUMBER)
	{
		*type = CDP_TYPE_NUMBER;
		return (a == CDP_TYPE_NUMBER || a == CDP_TYPE_ANY) &&
			(b == CDP_TYPE_NUMBER || b == CDP_TYPE_ANY);
	}
	if (is_length(a) && is_length(b))
		*type = a == CDP_TYPE_PERIOD ? a : b;
	else if (is_length(b) && (a == CDP_TYPE_TIME || a == CDP_TYPE_ANY))
		*type = a == CDP_TYPE_TIME ? CDP_TYPE_TIME : CDP_TYPE_ANY;
	else if (is_length(a) && op == '+' &&
			 (b == CDP_TYPE_TIME || b == CDP_TYPE_ANY))
		*type = b == CDP_TYPE_TIME ? CDP_TYPE_TIME : CDP_TYPE_ANY;
	else if (op == '-' && (a == CDP_TYPE_TIME || a == CDP_TYPE_ANY) &&
			 (b == CDP_TYPE_TIME || b == CDP_TYPE_ANY))
		*type = a == b ? (a == CDP_TYPE_TIME ? CDP_TYPE_DURATION : a) :
			CDP_TYPE_DURATION;
	else
		return a == CDP_TYPE_ANY && b == CDP_TYPE_ANY;
	return true;
}

static CdpExpr *
bind_arithmetic(CdpBinder *binder, const CdpNode *node)
{
	CdpExpr    *expr = cdp_segment_make_expr(binder, CDP_EXPR_ARITHMETIC,
											 CDP_TYPE_ANY, node);
	CdpExpr    *a;
	CdpExpr    *b;

	cdp_segment_bind_args(binder, expr, node);
	a = expr->args[0];
	b = expr->args[1];
	note_zone(binder, a, b);
	note_zone(binder, b, a);
	if (a->type == CDP_TYPE_PERIOD || b->type == CDP_TYPE_PERIOD ||
		(node->op == '-' && a->type == CDP_TYPE_ANY && b->type == CDP_TYPE_ANY))
		binder->uses_zone = true;
	if (!arithmetic_type(node->op, a->type, b->type, &expr->type))
		cdp_segment_bind_error(binder, ERRCODE_DATATYPE_MISMATCH, node,
							   psprintf("cannot calculate %s %c %s",
										type_names[a->type], node->op,
										type_names[b->type]),
							   NULL);
	cdp_segment_note_moment(binder, expr);
	return expr;
}

static CdpExpr *
bind_negate(CdpBinder *binder, const CdpNode *node)
{
	CdpExpr    *expr = cdp_segment_make_expr(binder, CDP_EXPR_NEGATE,
											 CDP_TYPE_ANY, node);

	cdp_segment_bind_args(binder, expr, node);
	expr->type = expr->args[0]->type;
	if (!is_length(expr->type) &&
		!cdp_segment_bind_need(binder, expr->args[0], CDP_TYPE_NUMBER))
		expr->type = CDP_TYPE_ANY;
	return expr;
}

static CdpExpr *
bind_duration(CdpBinder *binder, const CdpNode *node)
{
	CdpValue	value = {CDP_VALUE_DURATION};
	bool		used_zone = binder->uses_zone;

	cdp_segment_bind_duration(binder, node, &value.as.duration);
	binder->uses_zone = used_zone;
	return make_constant(binder, value.as.duration.months != 0 ?
						 CDP_TYPE_PERIOD : CDP_TYPE_DURATION, node, value);
}

/* "a.b" for the names a and b. */
const char *
cdp_segment_join_names(const List *names)
{
	StringInfoData joined;
	ListCell   *cell;

	initStringInfo(&joined);
	foreach(cell, names)
		appendStringInfo(&joined, "%s%s",
						 foreach_current_index(cell) > 0 ? "." : "",
						 (const char *) lfirst(cell));
	return joined.data;
}

static int
find_field(const char *name)
{
	for (int i = 0; i < CDP_FIELD_COUNT; i++)
		if (strcmp(cdp_segment_fields[i].name, name) == 0)
			return i;
	return -1;
}

/* What a registered trait holds. */
static CdpType
trait_type(const char *type)
{
	if (strcmp(type, "number") == 0)
		return CDP_TYPE_NUMBER;
	if (strcmp(type, "text") == 0)
		return CDP_TYPE_TEXT;
	if (strcmp(type, "boolean") == 0)
		return CDP_TYPE_BOOLEAN;
	if (strcmp(type, "timestamp") == 0 || strcmp(type, "date") == 0)
		return CDP_TYPE_TIME;
	return CDP_TYPE_ANY;
}

static void
warn_unknown_trait(CdpBinder *binder, const CdpNode *node, const char *name)
{
	const char *fields[CDP_FIELD_COUNT];
	const char *hint;

	for (int i = 0; i < CDP_FIELD_COUNT; i++)
		fields[i] = cdp_segment_fields[i].name;
	hint = cdp_segment_suggest(&binder->program->context, CDP_NAMES_TRAITS,
							   name, fields, CDP_FIELD_COUNT);
	cdp_segment_bind_warning(binder, node,
							 psprintf("no profile has a trait \"%s\"", name),
							 hint != NULL ? hint :
							 "It is unknown for every profile until a source sends it; a text stands in single quotes.");
}

/* A path of the profile. */
static CdpExpr *
bind_profile_path(CdpBinder *binder, const CdpNode *node, List *names)
{
	CdpContext *context = &binder->program->context;
	const char *joined = cdp_segment_join_names(names);
	CdpExpr    *expr = cdp_segment_make_expr(binder, CDP_EXPR_TRAIT,
											 CDP_TYPE_ANY, node);
	CdpExpr    *computed;
	const char *type;

	if (list_length(names) == 1 && find_field(joined) >= 0)
	{
		binder->program->asks_facts = true;
		expr->kind = CDP_EXPR_FIELD;
		expr->number = find_field(joined);
		expr->type = cdp_segment_fields[expr->number].type;
		return expr;
	}
	computed = cdp_segment_bind_computed(binder, node, joined);
	if (computed != NULL)
		return computed;
	if (list_length(names) == 1)
	{
		joined = cdp_segment_stored_name(context, CDP_NAMES_TRAITS, joined);
		names = list_make1(unconstify(char *, joined));
	}
	binder->program->asks_facts = true;
	expr->text = joined;
	expr->names = names;
	type = cdp_segment_lookup_text(context, CDP_NAMES_TRAITS, joined);
	if (type != NULL)
		expr->type = trait_type(type);
	else if (list_length(names) == 1 ||
			 cdp_segment_lookup_text(context, CDP_NAMES_TRAITS,
									 linitial(names)) == NULL)
		warn_unknown_trait(binder, node, joined);
	if (expr->type == CDP_TYPE_TIME)
		binder->uses_zone = true;
	return expr;
}

static CdpExpr *
bind_path(CdpBinder *binder, const CdpNode *node)
{
	if (binder->event == NULL)
		return bind_profile_path(binder, node, node->names);
	if (list_length(node->names) > 1 &&
		strcmp(linitial(node->names), "profile") == 0)
		return bind_profile_path(binder, node,
								 list_copy_tail(node->names, 1));
	return cdp_segment_bind_property(binder, node, node->names);
}

static CdpExpr *
bind_clock(CdpBinder *binder, const CdpNode *node, CdpExprKind kind)
{
	CdpExpr    *expr = cdp_segment_make_expr(binder, kind, CDP_TYPE_TIME, node);

	cdp_segment_note_moment(binder, expr);
	return expr;
}

/* A node that needs no names. */
static CdpExpr *
bind_constant(CdpBinder *binder, const CdpNode *node)
{
	CdpValue	none = {CDP_VALUE_NULL};

	switch (node->kind)
	{
		case CDP_NODE_NUMBER:
			return make_constant(binder, CDP_TYPE_NUMBER, node,
								 cdp_segment_read_number(node->text,
														 strlen(node->text)));
		case CDP_NODE_STRING:
			return make_constant(binder, CDP_TYPE_TEXT, node,
								 cdp_segment_text(node->text,
												  strlen(node->text)));
		case CDP_NODE_BOOLEAN:
			return make_constant(binder, CDP_TYPE_BOOLEAN, node,
								 cdp_segment_boolean(node->op != 0));
		case CDP_NODE_DATE:
			return make_constant(binder, CDP_TYPE_TIME, node,
								 cdp_segment_time(cdp_segment_bind_date(binder, node)));
		case CDP_NODE_DURATION:
			return bind_duration(binder, node);
		case CDP_NODE_NOW:
			return bind_clock(binder, node, CDP_EXPR_NOW);
		case CDP_NODE_TODAY:
			binder->uses_zone = true;
			return bind_clock(binder, node, CDP_EXPR_TODAY);
		default:				/* CDP_NODE_NULL */
			return make_constant(binder, CDP_TYPE_ANY, node, none);
	}
}

/* Any node that is a value or a question. */
CdpExpr *
cdp_segment_bind_expr(CdpBinder *binder, const CdpNode *node)
{
	check_stack_depth();
	switch (node->kind)
	{
		case CDP_NODE_OR:
			return bind_logic(binder, node, CDP_EXPR_OR);
		case CDP_NODE_AND:
			return bind_logic(binder, node, CDP_EXPR_AND);
		case CDP_NODE_NOT:
			return bind_logic(binder, node, CDP_EXPR_NOT);
		case CDP_NODE_COMPARE:
			return bind_comparison(binder, node, CDP_EXPR_COMPARE);
		case CDP_NODE_IN:
			return bind_comparison(binder, node, CDP_EXPR_IN);
		case CDP_NODE_BETWEEN:
			return bind_comparison(binder, node, CDP_EXPR_BETWEEN);
		case CDP_NODE_LIKE:
			return bind_like(binder, node);
		case CDP_NODE_CONTAINS:
			return bind_contains(binder, node);
		case CDP_NODE_IS:
			return bind_is(binder, node);
		case CDP_NODE_ARITHMETIC:
			return bind_arithmetic(binder, node);
		case CDP_NODE_NEGATE:
			return bind_negate(binder, node);
		case CDP_NODE_PATH:
			return bind_path(binder, node);
		case CDP_NODE_FUNCTION:
			return cdp_segment_bind_function(binder, node);
		case CDP_NODE_AGGREGATE:
			return cdp_segment_bind_aggregate(binder, node);
		case CDP_NODE_SEQUENCE:
			return cdp_segment_bind_sequence(binder, node);
		default:
			return bind_constant(binder, node);
	}
}

static pg_tz *
find_zone(CdpBinder *binder, const CdpPredicate *predicate)
{
	const char *name = predicate->time_zone;
	pg_tz	   *zone = NULL;

	if (name == NULL)
		name = cdp_segment_store_zone(&binder->program->context);
	if (strlen(name) <= TZ_STRLEN_MAX)
		zone = pg_tzset(name);
	if (zone != NULL && pg_tz_acceptable(zone))
		return zone;
	cdp_segment_bind_error(binder, ERRCODE_INVALID_PARAMETER_VALUE,
						   predicate->root,
						   psprintf("unknown time zone \"%s\"", name),
						   "See pg_timezone_names.");
	return pg_tzset("GMT");
}

/* See program.h. */
CdpExpr *
cdp_segment_bind(CdpProgram *program, const CdpPredicate *predicate,
				 CdpType wanted, List **messages)
{
	CdpBinder	binder = {program, messages, NULL, NULL, false};
	CdpExpr    *expr;

	binder.zone = find_zone(&binder, predicate);
	binder.is_value = wanted != CDP_TYPE_BOOLEAN;
	if (wanted == CDP_TYPE_BOOLEAN)
		expr = cdp_segment_bind_question(&binder, predicate->root);
	else
		expr = cdp_segment_bind_expr(&binder, predicate->root);
	program->uses_zone = binder.uses_zone;
	return expr;
}
