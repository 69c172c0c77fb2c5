/*
 * ast.c
 *		Building the tree of a predicate, and the words of the language.
 */
#include "postgres.h"

#include "segment/ast.h"

const char *const cdp_segment_aggregate_names[CDP_AGGREGATE_COUNT] = {
	"did", "count", "sum", "avg", "min", "max",
	"distinct_count", "active_days", "first", "last",
	"earliest", "latest", "most_frequent", "unique_list",
	"days_since",
	"sessions", "session_minutes", "pages_per_session"
};

const char *const cdp_segment_unit_names[CDP_UNIT_COUNT] = {
	"second", "minute", "hour", "day", "week", "month", "quarter", "year"
};

/* Words that are never a name unless quoted. */
static const char *const reserved_words[] = {
	"and", "or", "not", "in", "is", "between", "like", "ilike", "contains",
	"where", "then", "within", "null", "true", "false", "now", "today"
};

/* A leaf. */
CdpNode *
cdp_segment_node(CdpNodeKind kind, int position)
{
	CdpNode    *node = palloc0(sizeof(CdpNode));

	node->kind = kind;
	node->position = position;
	node->depth = 1;
	return node;
}

/* Count a child into the node's depth, within the limit. */
void
cdp_segment_deepen(CdpNode *node, const CdpNode *child)
{
	node->depth = Max(node->depth, child->depth + 1);
	if (node->depth > CDP_PREDICATE_MAX_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("predicate is nested too deeply"),
				 errdetail("A predicate has at most %d levels.",
						   CDP_PREDICATE_MAX_DEPTH)));
}

/* Append a child. */
void
cdp_segment_add_arg(CdpNode *node, CdpNode *arg)
{
	cdp_segment_deepen(node, arg);
	node->args = lappend(node->args, arg);
}

/* The child at an index, from 0. */
CdpNode *
cdp_segment_arg(const CdpNode *node, int index)
{
	return (CdpNode *) list_nth(node->args, index);
}

/* Must the word be quoted to be a name? */
bool
cdp_segment_is_reserved(const char *word)
{
	return cdp_segment_find_name(word, reserved_words,
								 lengthof(reserved_words)) >= 0;
}

/* The place of a word in a list of names; -1: it has none. */
int
cdp_segment_find_name(const char *word, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(word, names[i]) == 0)
			return i;
	return -1;
}
