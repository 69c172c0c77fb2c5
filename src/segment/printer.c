/*
 * printer.c
 *		The canonical text of a tree.
 *
 * One tree has one text, and parsing that text gives the tree again.
 * Keywords are lower case, one blank separates, names are quoted only where
 * they must be, and parentheses stand only where the grammar would otherwise
 * read another tree: each node has a binding strength, and is put in
 * parentheses where its place asks for a stronger one.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "segment/ast.h"
#include "segment/lexer.h"

/* What binds weakest comes first; a place asks for at least one of these. */
typedef enum Strength
{
	BINDS_OR,
	BINDS_AND,
	BINDS_NOT,
	BINDS_TEST,
	BINDS_ADD,
	BINDS_MUL,
	BINDS_UNARY,
	BINDS_PRIMARY
} Strength;

static void print_node(StringInfo out, const CdpNode *node, Strength place);

static Strength
strength_of(const CdpNode *node)
{
	switch (node->kind)
	{
		case CDP_NODE_OR:
			return BINDS_OR;
		case CDP_NODE_AND:
			return BINDS_AND;
		case CDP_NODE_NOT:
			return BINDS_NOT;
		case CDP_NODE_COMPARE:
		case CDP_NODE_IN:
		case CDP_NODE_BETWEEN:
		case CDP_NODE_LIKE:
		case CDP_NODE_CONTAINS:
		case CDP_NODE_IS:
			return BINDS_TEST;
		case CDP_NODE_ARITHMETIC:
			return node->op == '+' || node->op == '-' ? BINDS_ADD : BINDS_MUL;
		case CDP_NODE_NEGATE:
			return BINDS_UNARY;
		case CDP_NODE_NUMBER:
			return *node->text == '-' ? BINDS_UNARY : BINDS_PRIMARY;
		default:
			return BINDS_PRIMARY;
	}
}

static bool
needs_quotes(const char *name)
{
	const char *c = name;

	if (!((*c >= 'a' && *c <= 'z') || *c == '_' || IS_HIGHBIT_SET(*c)))
		return true;
	for (; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ||
			  *c == '_' || IS_HIGHBIT_SET(*c)) ||
			cdp_segment_typeset_mark(c) > 0)
			return true;
	return cdp_segment_is_reserved(name);
}

/* Text between quotes, with those in it doubled. */
static void
print_quoted(StringInfo out, const char *text, char quote)
{
	appendStringInfoChar(out, quote);
	for (; *text; text++)
	{
		if (*text == quote)
			appendStringInfoChar(out, quote);
		appendStringInfoChar(out, *text);
	}
	appendStringInfoChar(out, quote);
}

/* A name, quoted if it must be. */
void
cdp_segment_print_name(StringInfo out, const char *name)
{
	if (needs_quotes(name))
		print_quoted(out, name, '"');
	else
		appendStringInfoString(out, name);
}

/* Children with a separator between them, from the one at index first on. */
static void
print_args(StringInfo out, const CdpNode *node, int first,
		   const char *separator, Strength place)
{
	for (int i = first; i < list_length(node->args); i++)
	{
		if (i > first)
			appendStringInfoString(out, separator);
		print_node(out, cdp_segment_arg(node, i), place);
	}
}

static void
print_path(StringInfo out, const CdpNode *node)
{
	ListCell   *cell;

	foreach(cell, node->names)
	{
		if (foreach_current_index(cell) > 0)
			appendStringInfoChar(out, '.');
		cdp_segment_print_name(out, lfirst(cell));
	}
}

static void
print_duration(StringInfo out, const CdpNode *node)
{
	appendStringInfo(out, "%s %s%s", node->text,
					 cdp_segment_unit_names[node->unit],
					 strcmp(node->text, "1") == 0 ? "" : "s");
}

/* A name that the word would be mistaken for is quoted. */
static void
print_event(StringInfo out, const CdpNode *event, bool after_then)
{
	ListCell   *cell;

	if (event->text == NULL)
		appendStringInfoString(out, "any");
	else if (strcmp(event->text, "any") == 0 ||
			 (after_then && strcmp(event->text, "no") == 0))
		print_quoted(out, event->text, '"');
	else
		cdp_segment_print_name(out, event->text);
	foreach(cell, event->names)
	{
		appendStringInfoChar(out, '.');
		cdp_segment_print_name(out, lfirst(cell));
	}
	if (event->where != NULL)
	{
		appendStringInfoString(out, " where ");
		print_node(out, event->where, BINDS_OR);
	}
}

static void
print_window(StringInfo out, const CdpNode *window)
{
	switch ((CdpWindowKind) window->op)
	{
		case CDP_WINDOW_DURATION:
			print_node(out, cdp_segment_arg(window, 0), BINDS_ADD);
			break;
		case CDP_WINDOW_CALENDAR:
			appendStringInfoString(out, "calendar ");
			print_node(out, cdp_segment_arg(window, 0), BINDS_ADD);
			break;
		case CDP_WINDOW_AGO:
			appendStringInfoString(out, "between ");
			print_args(out, window, 0, " and ", BINDS_ADD);
			appendStringInfoString(out, " ago");
			break;
		case CDP_WINDOW_DATES:
			appendStringInfoString(out, "between ");
			print_args(out, window, 0, " and ", BINDS_ADD);
			break;
		case CDP_WINDOW_SINCE:
			appendStringInfoString(out, "since ");
			print_node(out, cdp_segment_arg(window, 0), BINDS_ADD);
			break;
		case CDP_WINDOW_TODAY:
			appendStringInfoString(out, "today");
			break;
		case CDP_WINDOW_THIS:
		case CDP_WINDOW_LAST:
			appendStringInfo(out, "%s %s",
							 window->op == CDP_WINDOW_THIS ? "this" : "last",
							 cdp_segment_unit_names[window->unit]);
			break;
	}
}

static void
print_step(StringInfo out, const CdpNode *step, bool is_first)
{
	if (!is_first)
		appendStringInfoString(out, step->negated ? " then no " : " then ");
	print_event(out, cdp_segment_arg(step, 0), !is_first);
	if (step->within != NULL)
	{
		appendStringInfoString(out, " within ");
		print_duration(out, step->within);
	}
	if (step->same != NULL)
	{
		appendStringInfoString(out, " same ");
		print_path(out, step->same);
	}
}

/* An aggregate or a sequence. */
static void
print_event_call(StringInfo out, const CdpNode *node)
{
	if (node->kind == CDP_NODE_AGGREGATE)
	{
		appendStringInfo(out, "%s(", cdp_segment_aggregate_names[node->op]);
		print_event(out, cdp_segment_arg(node, 0), false);
	}
	else
	{
		appendStringInfoString(out, "sequence(");
		for (int i = 0; i < list_length(node->args); i++)
			print_step(out, cdp_segment_arg(node, i), i == 0);
	}
	if (node->window != NULL)
	{
		appendStringInfoString(out, ", ");
		print_window(out, node->window);
	}
	appendStringInfoChar(out, ')');
}

static void
print_contains(StringInfo out, const CdpNode *node)
{
	print_node(out, cdp_segment_arg(node, 0), BINDS_ADD);
	appendStringInfoString(out, " contains ");
	if (node->op == CDP_CONTAINS_ONE)
	{
		print_node(out, cdp_segment_arg(node, 1), BINDS_ADD);
		return;
	}
	appendStringInfo(out, "%s (", node->op == CDP_CONTAINS_ANY ? "any" : "all");
	print_args(out, node, 1, ", ", BINDS_ADD);
	appendStringInfoChar(out, ')');
}

static void
print_is(StringInfo out, const CdpNode *node)
{
	static const char *const words[] = {"null", "true", "false", "distinct from "};

	print_node(out, cdp_segment_arg(node, 0), BINDS_ADD);
	appendStringInfo(out, " is %s%s", node->negated ? "not " : "",
					 words[node->op]);
	print_args(out, node, 1, "", BINDS_ADD);
}

/* A test: its value, perhaps "not", and the rest. */
static void
print_test(StringInfo out, const CdpNode *node)
{
	static const char *const symbols[] = {"=", "!=", "<", "<=", ">", ">="};

	print_node(out, cdp_segment_arg(node, 0), BINDS_ADD);
	if (node->negated)
		appendStringInfoString(out, " not");
	switch (node->kind)
	{
		case CDP_NODE_COMPARE:
			appendStringInfo(out, " %s ", symbols[node->op]);
			print_args(out, node, 1, "", BINDS_ADD);
			break;
		case CDP_NODE_IN:
			appendStringInfoString(out, " in (");
			print_args(out, node, 1, ", ", BINDS_ADD);
			appendStringInfoChar(out, ')');
			break;
		case CDP_NODE_BETWEEN:
			appendStringInfoString(out, " between ");
			print_args(out, node, 1, " and ", BINDS_ADD);
			break;
		default:				/* CDP_NODE_LIKE */
			appendStringInfoString(out, node->ignore_case ? " ilike " : " like ");
			print_args(out, node, 1, "", BINDS_ADD);
			break;
	}
}

/* Operators of arithmetic bind to the left. */
static void
print_arithmetic(StringInfo out, const CdpNode *node)
{
	Strength	strength = strength_of(node);

	print_node(out, cdp_segment_arg(node, 0), strength);
	appendStringInfo(out, " %c ", node->op);
	print_node(out, cdp_segment_arg(node, 1), strength + 1);
}

/* A node whose binding needs no parentheses here. */
static void
print_bare(StringInfo out, const CdpNode *node)
{
	switch (node->kind)
	{
		case CDP_NODE_OR:
			print_args(out, node, 0, " or ", BINDS_AND);
			break;
		case CDP_NODE_AND:
			print_args(out, node, 0, " and ", BINDS_NOT);
			break;
		case CDP_NODE_NOT:
			appendStringInfoString(out, "not ");
			print_args(out, node, 0, "", BINDS_NOT);
			break;
		case CDP_NODE_COMPARE:
		case CDP_NODE_IN:
		case CDP_NODE_BETWEEN:
		case CDP_NODE_LIKE:
			print_test(out, node);
			break;
		case CDP_NODE_CONTAINS:
			print_contains(out, node);
			break;
		case CDP_NODE_IS:
			print_is(out, node);
			break;
		case CDP_NODE_ARITHMETIC:
			print_arithmetic(out, node);
			break;
		case CDP_NODE_NEGATE:
			appendStringInfoChar(out, '-');
			print_args(out, node, 0, "", BINDS_PRIMARY);
			break;
		case CDP_NODE_NUMBER:
		case CDP_NODE_DATE:
			appendStringInfoString(out, node->text);
			break;
		case CDP_NODE_STRING:
			print_quoted(out, node->text, '\'');
			break;
		case CDP_NODE_DURATION:
			print_duration(out, node);
			break;
		case CDP_NODE_BOOLEAN:
			appendStringInfoString(out, node->op ? "true" : "false");
			break;
		case CDP_NODE_NULL:
			appendStringInfoString(out, "null");
			break;
		case CDP_NODE_NOW:
			appendStringInfoString(out, "now");
			break;
		case CDP_NODE_TODAY:
			appendStringInfoString(out, "today");
			break;
		case CDP_NODE_PATH:
			print_path(out, node);
			break;
		case CDP_NODE_FUNCTION:
			appendStringInfo(out, "%s(", node->text);
			print_args(out, node, 0, ", ", BINDS_ADD);
			appendStringInfoChar(out, ')');
			break;
		case CDP_NODE_AGGREGATE:
		case CDP_NODE_SEQUENCE:
			print_event_call(out, node);
			break;
		case CDP_NODE_STEP:
			print_step(out, node, true);
			break;
		case CDP_NODE_EVENT:
			print_event(out, node, false);
			break;
		case CDP_NODE_WINDOW:
			print_window(out, node);
			break;
	}
}

/* A node in a place that asks for a binding strength. */
static void
print_node(StringInfo out, const CdpNode *node, Strength place)
{
	bool		enclose = strength_of(node) < place;

	check_stack_depth();
	if (enclose)
		appendStringInfoChar(out, '(');
	print_bare(out, node);
	if (enclose)
		appendStringInfoChar(out, ')');
}

/* See ast.h. */
char *
cdp_segment_print_node(const CdpNode *node)
{
	StringInfoData out;

	initStringInfo(&out);
	print_node(&out, node, BINDS_OR);
	return out.data;
}

/* See ast.h. */
char *
cdp_segment_print(const CdpPredicate *predicate)
{
	StringInfoData out;

	initStringInfo(&out);
	print_node(&out, predicate->root, BINDS_OR);
	if (predicate->time_zone != NULL)
	{
		appendStringInfoString(&out, " at time zone ");
		print_quoted(&out, predicate->time_zone, '\'');
	}
	return out.data;
}
