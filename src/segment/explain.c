/*
 * explain.c
 *		cdp._explain(): why a predicate is true of a profile, or not.
 *
 * The tree of the predicate is told line by line, children below what they
 * are part of.  Questions have a truth, what they ask about has a value;
 * constants are not told, the text of the question shows them.  A segment and
 * a computed trait are told with what they stand for.  Example:
 *
 *		and										false
 *		  country = 'BR'						true
 *		    country										'BR'
 *		  count(order, 90 days) >= 3			false			decides
 *		    count(order, 90 days)						2
 *
 * Which leaves decide: where "and" is false, or "or" true, the first link that
 * makes it so; else all links of the same truth together, since another
 * truth of any of them could change the outcome.  Every node is evaluated,
 * those too that evaluation stops before.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "segment/arguments.h"

PG_FUNCTION_INFO_V1(cdp__explain);

#define INDENT 2				/* blanks a level */

typedef struct Explanation
{
	CdpEvaluation *evaluation;
	ReturnSetInfo *result;
	int			line;
} Explanation;

static void explain(Explanation *explanation, const CdpExpr *expr, int depth);
static void explain_question(Explanation *explanation, const CdpExpr *expr,
							 int depth, bool decides);

/* Is the expression a question, whatever asks for it? */
static bool
is_question(const CdpExpr *expr)
{
	switch (expr->kind)
	{
		case CDP_EXPR_OR:
		case CDP_EXPR_AND:
		case CDP_EXPR_NOT:
		case CDP_EXPR_COMPARE:
		case CDP_EXPR_IN:
		case CDP_EXPR_BETWEEN:
		case CDP_EXPR_LIKE:
		case CDP_EXPR_CONTAINS:
		case CDP_EXPR_IS:
		case CDP_EXPR_SEQUENCE:
		case CDP_EXPR_IN_SEGMENT:
			return true;
		default:
			return expr->type == CDP_TYPE_BOOLEAN;
	}
}

/* A connective or segment: its parts are told as questions of their own. */
static bool
has_questions(const CdpExpr *expr)
{
	return expr->kind == CDP_EXPR_OR || expr->kind == CDP_EXPR_AND ||
		expr->kind == CDP_EXPR_NOT || expr->kind == CDP_EXPR_IN_SEGMENT;
}

/* A connective by its word, for its links follow; else the canonical text. */
static const char *
text_of(const CdpExpr *expr)
{
	if (expr->node->kind == CDP_NODE_OR)
		return "or";
	if (expr->node->kind == CDP_NODE_AND)
		return "and";
	if (expr->node->kind == CDP_NODE_NOT)
		return "not";
	return cdp_segment_print_node(expr->node);
}

/* One line; truth or value is NULL. */
static void
tell(Explanation *explanation, const CdpExpr *expr, int depth,
	 const char *truth, const char *value, bool decides)
{
	ReturnSetInfo *result = explanation->result;
	char	   *text = psprintf("%*s%s", depth * INDENT, "", text_of(expr));
	Datum		values[6];
	bool		nulls[6] = {false, false, false, truth == NULL, value == NULL,
	false};

	values[0] = Int32GetDatum(++explanation->line);
	values[1] = Int32GetDatum(depth);
	values[2] = CStringGetTextDatum(text);
	values[3] = truth == NULL ? (Datum) 0 : CStringGetTextDatum(truth);
	values[4] = value == NULL ? (Datum) 0 : CStringGetTextDatum(value);
	values[5] = BoolGetDatum(decides);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Links of "and" and "or"; truth is that of the whole. */
static void
explain_links(Explanation *explanation, const CdpExpr *expr, int depth,
			  CdpTruth truth, bool decides)
{
	CdpTruth	winner = expr->kind == CDP_EXPR_AND ? CDP_FALSE : CDP_TRUE;

	for (int i = 0; i < expr->nargs; i++)
	{
		CdpTruth	link = cdp_segment_truth(explanation->evaluation,
											 expr->args[i]);

		explain_question(explanation, expr->args[i], depth,
						 decides && link == truth);
		if (link == truth && truth == winner)
			decides = false;
	}
}

/* What a question or value is made of. */
static void
explain_parts(Explanation *explanation, const CdpExpr *expr, int depth,
			  CdpTruth truth, bool decides)
{
	const CdpProgram *program = explanation->evaluation->program;

	switch (expr->kind)
	{
		case CDP_EXPR_OR:
		case CDP_EXPR_AND:
			explain_links(explanation, expr, depth, truth, decides);
			break;
		case CDP_EXPR_NOT:
			explain_question(explanation, expr->args[0], depth, decides);
			break;
		case CDP_EXPR_IN_SEGMENT:
			explain_question(explanation, program->root[expr->number]->expr,
							 depth, decides);
			break;
		case CDP_EXPR_AGGREGATE:
			if (program->aggregate[expr->number]->since != NULL)
				explain(explanation, program->aggregate[expr->number]->since,
						depth);
			break;
		default:
			for (int i = 0; i < expr->nargs; i++)
				explain(explanation, expr->args[i], depth);
			break;
	}
}

/* A node that is asked for its truth, and what is below it. */
static void
explain_question(Explanation *explanation, const CdpExpr *expr, int depth,
				 bool decides)
{
	static const char *const words[] = {"false", "true", "unknown"};
	CdpTruth	truth;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	truth = cdp_segment_truth(explanation->evaluation, expr);
	tell(explanation, expr, depth, words[truth], NULL,
		 decides && !has_questions(expr));
	explain_parts(explanation, expr, depth + 1, truth, decides);
}

/* A node that a question or value is about, and what is below it. */
static void
explain(Explanation *explanation, const CdpExpr *expr, int depth)
{
	CdpValue	value;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (expr->kind == CDP_EXPR_CONSTANT)
		return;
	if (is_question(expr))
	{
		explain_question(explanation, expr, depth, false);
		return;
	}
	value = cdp_segment_evaluate(explanation->evaluation, expr);
	tell(explanation, expr, depth, NULL, cdp_segment_value_text(&value), false);
	explain_parts(explanation, expr, depth + 1, CDP_UNKNOWN, false);
}

/* cdp._explain(predicate, context, as_of, ...): its tree for the profile */
Datum
cdp__explain(PG_FUNCTION_ARGS)
{
	Explanation explanation = {NULL, (ReturnSetInfo *) fcinfo->resultinfo, 0};
	CdpEvaluation *evaluation;
	CdpProfile	profile;
	MemoryContext old_memory;
	text	   *predicate;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(CDP_ARG_PREDICATES) || PG_ARGISNULL(CDP_ARG_CONTEXT) ||
		PG_ARGISNULL(CDP_ARG_AS_OF))
		return (Datum) 0;
	predicate = PG_GETARG_TEXT_PP(CDP_ARG_PREDICATES);
	evaluation = cdp_segment_start(cdp_segment_compile(PG_GETARG_JSONB_P(CDP_ARG_CONTEXT),
													   &predicate, 1));
	cdp_segment_get_profile(fcinfo, &profile);
	cdp_segment_begin(evaluation, &profile,
					  PG_GETARG_TIMESTAMPTZ(CDP_ARG_AS_OF));
	explanation.evaluation = evaluation;
	old_memory = MemoryContextSwitchTo(evaluation->profile_context);
	explain_question(&explanation, evaluation->program->root[0]->expr, 0, true);
	MemoryContextSwitchTo(old_memory);
	return (Datum) 0;
}
