/*
 * bind_computed.c
 *		The name of a computed trait in a predicate stands for its expression.
 *
 * That is so for those that are stored nowhere, since they move with the
 * clock: days_idle > 60 is days_since(any) > 60, at the predicate's instant,
 * in the zone that the trait was defined with.  Steady ones are traits like
 * others.
 *
 * Only predicates may use such names.  In the expression of a computed trait
 * they are refused, so it cannot refer to itself, and what a name stands for
 * does not grow with every name in it.
 */
#include "postgres.h"

#include "segment/bind.h"

/* Hand on the first error of an expression as one of the name. */
static void
pass_error(CdpBinder *binder, const CdpNode *node, const char *name,
		   const List *messages)
{
	ListCell   *cell;

	foreach(cell, messages)
	{
		const CdpMessage *message = lfirst(cell);

		if (!message->is_error)
			continue;
		cdp_segment_bind_error(binder, message->errcode, node,
							   psprintf("computed trait \"%s\": %s", name,
										message->text),
							   message->hint);
		return;
	}
}

/* The name stands in the expression of a computed trait. */
static CdpExpr *
refuse_name(CdpBinder *binder, const CdpNode *node, const char *name)
{
	cdp_segment_bind_error(binder, ERRCODE_INVALID_OBJECT_DEFINITION, node,
						   psprintf("a computed trait cannot refer to \"%s\"",
									name),
						   "It moves with the clock, or is what is being defined: write its expression in its place.");
	return cdp_segment_make_expr(binder, CDP_EXPR_CONSTANT, CDP_TYPE_ANY, node);
}

/* What the name stands for; NULL: it is no such trait. */
CdpExpr *
cdp_segment_bind_computed(CdpBinder *binder, const CdpNode *node,
						  const char *name)
{
	CdpProgram *program = binder->program;
	bool		used_zone = program->uses_zone;
	const char *source;
	List	   *messages = NIL;
	CdpExpr    *expr;

	source = cdp_segment_lookup_text(&program->context, CDP_NAMES_COMPUTED,
									 name);
	if (source == NULL)
		return NULL;
	if (binder->is_value)
		return refuse_name(binder, node, name);
	expr = cdp_segment_bind(program, cdp_segment_parse(source, strlen(source)),
							CDP_TYPE_ANY, &messages);
	program->uses_zone = used_zone;
	pass_error(binder, node, name, messages);
	expr->node = node;
	return expr;
}
