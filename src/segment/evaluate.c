/*
 * evaluate.c
 *		The value of an expression, and the truth of a predicate.
 *
 * The tree is walked; nothing is compiled further, because what costs time is
 * the events, and those meet the tree only in where-clauses.  Questions have
 * three answers.  A value that should be a yes or no and is something else,
 * which only data can bring about, is unknown.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "segment/evaluate.h"
#include "segment/text.h"

#define TRUTH_NOT_ASKED (-1)

static CdpValue
truth_value(CdpTruth truth)
{
	CdpValue	unknown = {CDP_VALUE_NULL};

	return truth == CDP_UNKNOWN ? unknown :
		cdp_segment_boolean(truth == CDP_TRUE);
}

static CdpTruth
truth_of(bool is_true)
{
	return is_true ? CDP_TRUE : CDP_FALSE;
}

static CdpTruth
negate(CdpTruth truth)
{
	return truth == CDP_UNKNOWN ? truth : truth_of(truth == CDP_FALSE);
}

/* and: false wins, then unknown; or: true wins, then unknown */
static CdpTruth
chain_truth(CdpEvaluation *evaluation, const CdpExpr *expr, CdpTruth winner)
{
	CdpTruth	truth = negate(winner);

	check_stack_depth();
	for (int i = 0; i < expr->nargs; i++)
	{
		CdpTruth	link = cdp_segment_truth(evaluation, expr->args[i]);

		if (link == winner)
			return winner;
		if (link == CDP_UNKNOWN)
			truth = CDP_UNKNOWN;
	}
	return truth;
}

/*
 * What "a op b" is if a comes before b, is equal, or comes after it.  Looked up,
 * because a processor cannot guess how the values of a profile compare.
 */
static CdpTruth
order_truth(int op, int order)
{
	static const bool truth[][3] = {
		[CDP_EQ] = {false, true, false},
		[CDP_NE] = {true, false, true},
		[CDP_LT] = {true, false, false},
		[CDP_LE] = {true, true, false},
		[CDP_GT] = {false, false, true},
		[CDP_GE] = {false, true, true},
	};

	return truth_of(truth[op][1 + (order > 0) - (order < 0)]);
}

static CdpTruth
compare_truth(const CdpExpr *expr, int op, const CdpValue *a,
			  const CdpValue *b)
{
	int			order;

	if (!cdp_segment_compare(a, b, expr->zone, &order))
		return CDP_UNKNOWN;
	return order_truth(op, order);
}

static CdpTruth
comparison_truth(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpValue	a = cdp_segment_evaluate(evaluation, expr->args[0]);
	CdpValue	b = cdp_segment_evaluate(evaluation, expr->args[1]);

	return compare_truth(expr, expr->op, &a, &b);
}

static CdpTruth
in_truth(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpValue	value = cdp_segment_evaluate(evaluation, expr->args[0]);
	CdpTruth	truth = CDP_FALSE;

	for (int i = 1; i < expr->nargs; i++)
	{
		CdpValue	other = cdp_segment_evaluate(evaluation, expr->args[i]);
		CdpTruth	equal = compare_truth(expr, CDP_EQ, &value, &other);

		if (equal == CDP_TRUE)
			return CDP_TRUE;
		if (equal == CDP_UNKNOWN)
			truth = CDP_UNKNOWN;
	}
	return truth;
}

static CdpTruth
between_truth(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpValue	value = cdp_segment_evaluate(evaluation, expr->args[0]);
	CdpValue	low = cdp_segment_evaluate(evaluation, expr->args[1]);
	CdpValue	high = cdp_segment_evaluate(evaluation, expr->args[2]);
	CdpTruth	above = compare_truth(expr, CDP_GE, &value, &low);
	CdpTruth	below = compare_truth(expr, CDP_LE, &value, &high);

	if (above == CDP_FALSE || below == CDP_FALSE)
		return CDP_FALSE;
	return above == CDP_UNKNOWN ? above : below;
}

static CdpTruth
like_truth(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpValue	value = cdp_segment_evaluate(evaluation, expr->args[0]);
	CdpValue	pattern = cdp_segment_evaluate(evaluation, expr->args[1]);

	if (value.kind != CDP_VALUE_TEXT || pattern.kind != CDP_VALUE_TEXT)
		return CDP_UNKNOWN;
	if (expr->ignore_case)
	{
		value.as.text.data = cdp_segment_lower(value.as.text.data,
											   value.as.text.length,
											   &value.as.text.length);
		pattern.as.text.data = cdp_segment_lower(pattern.as.text.data,
												 pattern.as.text.length,
												 &pattern.as.text.length);
	}
	return truth_of(cdp_segment_like(value.as.text.data,
									 value.as.text.length,
									 pattern.as.text.data,
									 pattern.as.text.length));
}

/* Is the element in the array, or the part in the text? */
static CdpTruth
contains_one(const CdpExpr *expr, const CdpValue *whole,
			 const CdpValue *element)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	json;

	if (element->kind == CDP_VALUE_NULL)
		return CDP_UNKNOWN;
	if (whole->kind == CDP_VALUE_TEXT)
		return element->kind != CDP_VALUE_TEXT ? CDP_UNKNOWN :
			truth_of(cdp_segment_has_part(whole->as.text.data,
										  whole->as.text.length,
										  element->as.text.data,
										  element->as.text.length));
	if (whole->kind != CDP_VALUE_JSON || !JsonContainerIsArray(whole->as.json))
		return CDP_UNKNOWN;
	iterator = JsonbIteratorInit(whole->as.json);
	while ((token = JsonbIteratorNext(&iterator, &json, true)) != WJB_DONE)
	{
		CdpValue	value;

		if (token != WJB_ELEM)
			continue;
		value = cdp_segment_from_json(&json);
		if (compare_truth(expr, CDP_EQ, &value, element) == CDP_TRUE)
			return CDP_TRUE;
	}
	return CDP_FALSE;
}

static CdpTruth
contains_truth(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpTruth	winner = expr->op == CDP_CONTAINS_ALL ? CDP_FALSE : CDP_TRUE;
	CdpTruth	truth = negate(winner);
	CdpValue	whole = cdp_segment_evaluate(evaluation, expr->args[0]);

	for (int i = 1; i < expr->nargs; i++)
	{
		CdpValue	element = cdp_segment_evaluate(evaluation, expr->args[i]);
		CdpTruth	found = contains_one(expr, &whole, &element);

		if (found == winner)
			return winner;
		if (found == CDP_UNKNOWN)
			truth = CDP_UNKNOWN;
	}
	return truth;
}

/* Never unknown. */
static CdpTruth
is_truth(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpValue	value = cdp_segment_evaluate(evaluation, expr->args[0]);
	CdpValue	other;

	switch ((CdpIs) expr->op)
	{
		case CDP_IS_NULL:
			return truth_of(value.kind == CDP_VALUE_NULL);
		case CDP_IS_TRUE:
			return truth_of(value.kind == CDP_VALUE_BOOLEAN &&
							value.as.boolean);
		case CDP_IS_FALSE:
			return truth_of(value.kind == CDP_VALUE_BOOLEAN &&
							!value.as.boolean);
		case CDP_IS_DISTINCT:
			other = cdp_segment_evaluate(evaluation, expr->args[1]);
			return truth_of(cdp_segment_distinct(&value, &other, expr->zone));
	}
	return CDP_UNKNOWN;
}

/* What is no yes or no is unknown. */
static CdpTruth
boolean_truth(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpValue	value = cdp_segment_evaluate(evaluation, expr);

	return value.kind != CDP_VALUE_BOOLEAN ? CDP_UNKNOWN :
		truth_of(value.as.boolean);
}

/* Truth of a test that "not" may stand in; without it. */
static CdpTruth
test_truth(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	int			order;

	switch (expr->kind)
	{
		case CDP_EXPR_COMPARE:
			if (cdp_segment_compare_at_once(evaluation, expr, &order))
				return order_truth(expr->op, order);
			return comparison_truth(evaluation, expr);
		case CDP_EXPR_IN:
			return in_truth(evaluation, expr);
		case CDP_EXPR_BETWEEN:
			return between_truth(evaluation, expr);
		case CDP_EXPR_LIKE:
			return like_truth(evaluation, expr);
		case CDP_EXPR_CONTAINS:
			return contains_truth(evaluation, expr);
		default:				/* CDP_EXPR_IS */
			return is_truth(evaluation, expr);
	}
}

/* See evaluate.h. */
CdpTruth
cdp_segment_truth(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpTruth	truth;

	switch (expr->kind)
	{
		case CDP_EXPR_OR:
			return chain_truth(evaluation, expr, CDP_TRUE);
		case CDP_EXPR_AND:
			return chain_truth(evaluation, expr, CDP_FALSE);
		case CDP_EXPR_NOT:
			check_stack_depth();
			return negate(cdp_segment_truth(evaluation, expr->args[0]));
		case CDP_EXPR_AGGREGATE:
			if (expr->op == CDP_DID)
				return truth_of(evaluation->states[expr->number].count > 0);
			return boolean_truth(evaluation, expr);
		case CDP_EXPR_COMPARE:
		case CDP_EXPR_IN:
		case CDP_EXPR_BETWEEN:
		case CDP_EXPR_LIKE:
		case CDP_EXPR_CONTAINS:
		case CDP_EXPR_IS:
			truth = test_truth(evaluation, expr);
			return expr->negated ? negate(truth) : truth;
		case CDP_EXPR_IN_SEGMENT:
			check_stack_depth();
			return truth_of(cdp_segment_root_truth(evaluation, expr->number)
							== CDP_TRUE);
		case CDP_EXPR_SEQUENCE:
			return truth_of(cdp_segment_sequence(evaluation, expr->sequence));
		default:
			return boolean_truth(evaluation, expr);
	}
}

/* See evaluate.h. */
CdpValue
cdp_segment_evaluate(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	const CdpValue *moment = cdp_segment_moment(evaluation, expr);
	CdpValue	a;
	CdpValue	b;

	if (moment != NULL)
		return *moment;
	if (expr->kind == CDP_EXPR_CONSTANT)
		return expr->constant;
	check_stack_depth();
	switch (expr->kind)
	{
		case CDP_EXPR_FIELD:
			return cdp_segment_field(evaluation, expr);
		case CDP_EXPR_TRAIT:
			return cdp_segment_trait(evaluation, expr);
		case CDP_EXPR_EVENT_AMOUNT:
			if (evaluation->reader->has_amount)
				return cdp_segment_fixed(evaluation->reader->amount);
			return truth_value(CDP_UNKNOWN);
		case CDP_EXPR_EVENT_TIME:
			return cdp_segment_time(cdp_segment_from_ms(evaluation->reader->at_ms));
		case CDP_EXPR_EVENT_PROPERTY:
			return cdp_segment_property(evaluation, expr->number);
		case CDP_EXPR_ARITHMETIC:
			a = cdp_segment_evaluate(evaluation, expr->args[0]);
			b = cdp_segment_evaluate(evaluation, expr->args[1]);
			return cdp_segment_arithmetic(expr->op, &a, &b, expr->zone);
		case CDP_EXPR_NEGATE:
			a = cdp_segment_evaluate(evaluation, expr->args[0]);
			return cdp_segment_negate(&a);
		case CDP_EXPR_NOW:
			return cdp_segment_time(evaluation->as_of);
		case CDP_EXPR_TODAY:
			return cdp_segment_time(cdp_segment_midnight(evaluation->as_of,
														 expr->zone));
		case CDP_EXPR_AGGREGATE:
			return cdp_segment_aggregate(evaluation, expr);
		case CDP_EXPR_FUNCTION:
			return cdp_segment_call(evaluation, expr);
		default:
			return truth_value(cdp_segment_truth(evaluation, expr));
	}
}

/* The truth of a root, computed once per profile. */
CdpTruth
cdp_segment_root_truth(CdpEvaluation *evaluation, int root)
{
	if (evaluation->truths[root] == TRUTH_NOT_ASKED)
		evaluation->truths[root] =
			cdp_segment_truth(evaluation, evaluation->program->root[root]->expr);
	return (CdpTruth) evaluation->truths[root];
}

/* The value of a root; null if its expression has no meaning any more. */
CdpValue
cdp_segment_root_value(CdpEvaluation *evaluation, int root)
{
	const CdpExpr *expr = evaluation->program->root[root]->expr;

	if (expr == NULL)
		return truth_value(CDP_UNKNOWN);
	return cdp_segment_evaluate(evaluation, expr);
}

/* An evaluation of the program, in the current memory context. */
CdpEvaluation *
cdp_segment_start(const CdpProgram *program)
{
	CdpEvaluation *evaluation = palloc0(sizeof(CdpEvaluation));
	int			naggregates = Max(program->naggregates, 1);
	int			ntallies = 1;

	for (int i = 0; i < program->levels; i++)
		ntallies = Max(ntallies, program->dispatch[i].ntallies);
	evaluation->program = program;
	evaluation->start_ms = palloc(sizeof(int64) * naggregates);
	evaluation->end_ms = palloc(sizeof(int64) * naggregates);
	evaluation->states = palloc(sizeof(CdpState) * naggregates);
	evaluation->tallies = palloc(sizeof(CdpTally) * ntallies);
	evaluation->truths = palloc(program->nroots);
	evaluation->moments = palloc(sizeof(CdpValue) *
								 Max(list_length(program->moments), 1));
	evaluation->reader = palloc(sizeof(CdpTimelineReader));
	evaluation->profile_context =
		AllocSetContextCreate(CurrentMemoryContext, "cdp segment profile",
							  ALLOCSET_DEFAULT_SIZES);
	evaluation->event_context =
		AllocSetContextCreate(evaluation->profile_context, "cdp segment event",
							  ALLOCSET_SMALL_SIZES);
	return evaluation;
}

/* Compute what only the as-of instant decides. */
static void
resolve_instant(CdpEvaluation *evaluation, TimestampTz as_of)
{
	ListCell   *cell;

	evaluation->as_of = as_of;
	evaluation->has_windows = false;
	evaluation->nmoments = 0;
	foreach(cell, evaluation->program->moments)
	{
		evaluation->moments[foreach_current_index(cell)] =
			cdp_segment_evaluate(evaluation, lfirst(cell));
		evaluation->nmoments++;
	}
	cdp_segment_resolve_windows(evaluation);
	evaluation->has_windows = true;
}

/* Events have come, or come next: what was true may be no more. */
void
cdp_segment_forget_truths(CdpEvaluation *evaluation)
{
	memset(evaluation->truths, TRUTH_NOT_ASKED, evaluation->program->nroots);
}

/* Turn to a profile, none of whose events is read yet. */
void
cdp_segment_turn_to(CdpEvaluation *evaluation, const CdpProfile *profile,
					TimestampTz as_of)
{
	MemoryContext old_context;

	MemoryContextResetOnly(evaluation->profile_context);
	MemoryContextReset(evaluation->event_context);
	old_context = MemoryContextSwitchTo(evaluation->profile_context);
	evaluation->profile = profile;
	if (!evaluation->has_windows || evaluation->as_of != as_of)
		resolve_instant(evaluation, as_of);
	cdp_segment_forget_truths(evaluation);
	memset(evaluation->states, 0,
		   sizeof(CdpState) * evaluation->program->naggregates);
	MemoryContextSwitchTo(old_context);
}

/*
 * Turn to a profile and read its events, one pass per level.  The caller calls
 * the other functions in profile_context, which is reset here.
 */
void
cdp_segment_begin(CdpEvaluation *evaluation, const CdpProfile *profile,
				  TimestampTz as_of)
{
	MemoryContext old_context;

	cdp_segment_turn_to(evaluation, profile, as_of);
	old_context = MemoryContextSwitchTo(evaluation->profile_context);
	for (int level = 1; level <= evaluation->program->levels; level++)
		cdp_segment_pass(evaluation, level);
	MemoryContextSwitchTo(old_context);
}
