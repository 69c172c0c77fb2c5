/*
 * predicate_json.c
 *		Predicates as JSON, for builders: the casts to and from jsonb.
 *
 * A node is {"op": ..., "args": [...]}; numbers, texts, true, false and null
 * stand for themselves.  Every op with its args, in the order of ast.h:
 *
 *		and, or			two or more
 *		not				one
 *		= != < <= > >=	two
 *		in, between, like, ilike, with "not " before them or without
 *						value, then candidates; low, high; a text
 *		contains, contains any, contains all
 *						value, then elements
 *		is null, is true, is false, is distinct from, and is not ...
 *						value; of the last one another value
 *		+ - * /			two; - of one is the negative
 *		date			a text such as "2026-01-31"
 *		duration		a number and a unit such as "day"
 *		now, today		none
 *		path			texts, the names
 *		call			a text, the function, and its arguments
 *		did, count, sum, ...
 *						an event; "window" beside args
 *		sequence		steps; "window" beside args
 *		step, no step	an event; "within", a duration, and "same", a path
 *		event			names: of the event (null: any) and the property;
 *						"where" beside args
 *		at time zone	only around the whole: the predicate and a text
 *
 * and of a window, but for a duration, which stands for itself: calendar (a
 * duration), ago (a number and a duration), between (two dates), since (a
 * value), today, this and last (a unit).
 *
 * JSON becomes a tree, which is printed and parsed again: so what comes out is
 * canonical and within all limits, whatever came in.  What the printer takes
 * on trust (numbers, dates, names of functions, the number of children) is
 * checked here, with the path to the node that is wrong.
 *
 * This file writes; predicate_from_json.c reads.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "segment/predicate_json.h"

PG_FUNCTION_INFO_V1(cdp_predicate_to_jsonb);

const char *const cdp_segment_compare_names[6] = {
	"=", "!=", "<", "<=", ">", ">="
};
const char *const cdp_segment_contains_names[3] = {
	"contains", "contains any", "contains all"
};
const char *const cdp_segment_is_names[4] = {
	"null", "true", "false", "distinct from"
};
const char *const cdp_segment_window_names[8] = {
	"duration", "calendar", "ago", "between", "since", "today", "this", "last"
};

static void write_node(JsonbParseState **state, const CdpNode *node,
					   JsonbIteratorToken place);

/* A text as an element or, by place, as a key or value. */
static void
write_text(JsonbParseState **state, JsonbIteratorToken place, const char *text)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = unconstify(char *, text);
	value.val.string.len = strlen(text);
	pushJsonbValue(state, place, &value);
}

static void
write_number(JsonbParseState **state, JsonbIteratorToken place,
			 const char *text)
{
	JsonbValue	value;

	value.type = jbvNumeric;
	value.val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in,
															CStringGetDatum(text),
															ObjectIdGetDatum(InvalidOid),
															Int32GetDatum(-1)));
	pushJsonbValue(state, place, &value);
}

/* {"op": op, "args": [ */
static void
begin(JsonbParseState **state, const char *op)
{
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	write_text(state, WJB_KEY, "op");
	write_text(state, WJB_VALUE, op);
	write_text(state, WJB_KEY, "args");
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
}

/* What stands beside the args, which end here; NULL: it does not. */
static void
write_beside(JsonbParseState **state, const char *key, const CdpNode *node)
{
	if (node == NULL)
		return;
	write_text(state, WJB_KEY, key);
	write_node(state, node, WJB_VALUE);
}

static void
write_names(JsonbParseState **state, const List *names)
{
	ListCell   *cell;

	foreach(cell, names)
		write_text(state, WJB_ELEM, lfirst(cell));
}

static void
write_args(JsonbParseState **state, const CdpNode *node)
{
	ListCell   *cell;

	foreach(cell, node->args)
		write_node(state, lfirst(cell), WJB_ELEM);
}

/* The op of a test that "not" may stand in, or of what has one op. */
static const char *
op_of(const CdpNode *node)
{
	const char *not = node->negated ? "not " : "";

	switch (node->kind)
	{
		case CDP_NODE_OR:
			return "or";
		case CDP_NODE_AND:
			return "and";
		case CDP_NODE_NOT:
			return "not";
		case CDP_NODE_COMPARE:
			return cdp_segment_compare_names[node->op];
		case CDP_NODE_IN:
			return psprintf("%sin", not);
		case CDP_NODE_BETWEEN:
			return psprintf("%sbetween", not);
		case CDP_NODE_LIKE:
			return psprintf("%s%s", not, node->ignore_case ? "ilike" : "like");
		case CDP_NODE_CONTAINS:
			return cdp_segment_contains_names[node->op];
		case CDP_NODE_IS:
			return psprintf("is %s%s", not, cdp_segment_is_names[node->op]);
		case CDP_NODE_ARITHMETIC:
			return psprintf("%c", node->op);
		case CDP_NODE_NEGATE:
			return "-";
		case CDP_NODE_DATE:
			return "date";
		case CDP_NODE_DURATION:
			return "duration";
		case CDP_NODE_NOW:
			return "now";
		case CDP_NODE_TODAY:
			return "today";
		case CDP_NODE_PATH:
			return "path";
		case CDP_NODE_FUNCTION:
			return "call";
		case CDP_NODE_AGGREGATE:
			return cdp_segment_aggregate_names[node->op];
		case CDP_NODE_SEQUENCE:
			return "sequence";
		case CDP_NODE_STEP:
			return node->negated ? "no step" : "step";
		case CDP_NODE_EVENT:
			return "event";
		default:				/* CDP_NODE_WINDOW */
			return cdp_segment_window_names[node->op];
	}
}

/* Args that are no nodes come before those that are. */
static void
write_own_args(JsonbParseState **state, const CdpNode *node)
{
	JsonbValue	null = {jbvNull};

	switch (node->kind)
	{
		case CDP_NODE_DATE:
		case CDP_NODE_FUNCTION:
			write_text(state, WJB_ELEM, node->text);
			break;
		case CDP_NODE_DURATION:
			write_number(state, WJB_ELEM, node->text);
			write_text(state, WJB_ELEM, cdp_segment_unit_names[node->unit]);
			break;
		case CDP_NODE_EVENT:
			if (node->text != NULL)
				write_text(state, WJB_ELEM, node->text);
			else
				pushJsonbValue(state, WJB_ELEM, &null);
			break;
		case CDP_NODE_WINDOW:
			if (node->op == CDP_WINDOW_THIS || node->op == CDP_WINDOW_LAST)
				write_text(state, WJB_ELEM, cdp_segment_unit_names[node->unit]);
			break;
		default:
			break;
	}
}

/* A constant that JSON has; false: it is another node. */
static bool
write_constant(JsonbParseState **state, const CdpNode *node,
			   JsonbIteratorToken place)
{
	JsonbValue	value;

	switch (node->kind)
	{
		case CDP_NODE_NUMBER:
			write_number(state, place, node->text);
			return true;
		case CDP_NODE_STRING:
			write_text(state, place, node->text);
			return true;
		case CDP_NODE_BOOLEAN:
			value.type = jbvBool;
			value.val.boolean = node->op != 0;
			pushJsonbValue(state, place, &value);
			return true;
		case CDP_NODE_NULL:
			value.type = jbvNull;
			pushJsonbValue(state, place, &value);
			return true;
		default:
			return false;
	}
}

/* A node as an element or value; pushing an object finds its place itself. */
static void
write_node(JsonbParseState **state, const CdpNode *node,
		   JsonbIteratorToken place)
{
	check_stack_depth();
	if (write_constant(state, node, place))
		return;
	if (node->kind == CDP_NODE_WINDOW && node->op == CDP_WINDOW_DURATION)
	{
		write_node(state, cdp_segment_arg(node, 0), place);
		return;
	}
	begin(state, op_of(node));
	write_own_args(state, node);
	write_names(state, node->names);
	write_args(state, node);
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
	write_beside(state, "where", node->where);
	write_beside(state, "window", node->window);
	write_beside(state, "within", node->within);
	write_beside(state, "same", node->same);
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/*
 * The whole, as the only element of an array: a scalar must be in one, and
 * anything else is taken out of it.
 */
static Jsonb *
write_predicate(const CdpPredicate *predicate)
{
	JsonbParseState *state = NULL;
	JsonbValue *array;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	if (predicate->time_zone != NULL)
		begin(&state, "at time zone");
	write_node(&state, predicate->root, WJB_ELEM);
	if (predicate->time_zone != NULL)
	{
		write_text(&state, WJB_ELEM, predicate->time_zone);
		pushJsonbValue(&state, WJB_END_ARRAY, NULL);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	array = pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(&array->val.array.elems[0]);
}

/* The cast from cdp.predicate to jsonb. */
Datum
cdp_predicate_to_jsonb(PG_FUNCTION_ARGS)
{
	char	   *source = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_JSONB_P(write_predicate(cdp_segment_parse(source,
														strlen(source))));
}
