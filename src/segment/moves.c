/*
 * moves.c
 *		May the truth of a predicate change without an event?
 *
 * It does if it asks for the time, if a window begins or ends with the as-of
 * instant, or if it asks for what lasts until some instant: a consent, a
 * suppression, a trait that expires.  did(order, 7 days) is true today and false
 * in a week, whatever happens.  All else moves only with the events that the
 * aggregates of the program are about, since an event of another name is none
 * that they see.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "segment/evaluate.h"

/* A step that must not happen, at the end, is waited for. */
static bool
sequence_moves(const CdpSequence *sequence)
{
	const CdpStep *last = &sequence->steps[sequence->nsteps - 1];

	for (; last->negated; last--)
		if (last->has_within)
			return true;
	return false;
}

static bool
function_moves(CdpFunction function)
{
	return function == CDP_FUNCTION_CONSENT ||
		function == CDP_FUNCTION_SUPPRESSED ||
		function == CDP_FUNCTION_DAYS_TO_ANNIVERSARY;
}

/* Aggregates and nested segments are looked at by themselves. */
static bool
expr_moves(const CdpExpr *expr, bool traits_expire)
{
	check_stack_depth();
	if (expr == NULL)
		return false;
	switch (expr->kind)
	{
		case CDP_EXPR_NOW:
		case CDP_EXPR_TODAY:
			return true;
		case CDP_EXPR_TRAIT:
			return traits_expire;
		case CDP_EXPR_SEQUENCE:
			return sequence_moves(expr->sequence);
		case CDP_EXPR_FUNCTION:
			if (function_moves(expr->op))
				return true;
			break;
		default:
			break;
	}
	for (int i = 0; i < expr->nargs; i++)
		if (expr_moves(expr->args[i], traits_expire))
			return true;
	return false;
}

static bool
window_moves(const CdpAggregate *aggregate)
{
	return aggregate->window != NULL &&
		aggregate->window->op != CDP_WINDOW_DATES &&
		aggregate->window->op != CDP_WINDOW_SINCE;
}

static bool
aggregate_moves(const CdpAggregate *aggregate, bool traits_expire)
{
	ListCell   *cell;

	if (aggregate->kind == CDP_DAYS_SINCE || window_moves(aggregate) ||
		expr_moves(aggregate->since, traits_expire) ||
		expr_moves(aggregate->where, traits_expire) ||
		expr_moves(aggregate->value, traits_expire))
		return true;
	foreach(cell, aggregate->collected)
		if (expr_moves(lfirst(cell), traits_expire))
			return true;
	return false;
}

/* See evaluate.h. */
bool
cdp_segment_moves(const CdpProgram *program, bool traits_expire)
{
	for (int i = 0; i < program->nroots; i++)
		if (expr_moves(program->root[i]->expr, traits_expire))
			return true;
	for (int i = 0; i < program->naggregates; i++)
		if (aggregate_moves(program->aggregate[i], traits_expire))
			return true;
	return false;
}
