/*
 * shortcut.c
 *		Comparisons that are answered without evaluating their sides.
 *
 * Most questions compare an aggregate, or the amount of an event, with what is
 * the same for all profiles: count(order, 90 days) >= 3, first(order) > now -
 * 30 days.  A scan answers each of them for each profile, so they are not made
 * into values first, whose kinds are then looked at again: the counters of the
 * aggregate (CdpState) are compared as they are.
 *
 * Whatever is not plain here, such as an aggregate that has seen nothing or a
 * number beyond ten-thousandths, is left to those who evaluate both sides;
 * both ways come to the same.
 */
#include "postgres.h"

#include "segment/evaluate.h"

/* The value of an expression if it is the same for all profiles, else NULL. */
static const CdpValue *
value_of_all(const CdpEvaluation *evaluation, const CdpExpr *expr)
{
	return expr->kind == CDP_EXPR_CONSTANT ? &expr->constant :
		cdp_segment_moment(evaluation, expr);
}

static int
order_of(int128 apart)
{
	return (apart > 0) - (apart < 0);
}

/* A count or sum of ten-thousandths against a number. */
static bool
compare_number(int128 number, const CdpValue *other, int *order)
{
	if (other->kind != CDP_VALUE_NUMBER || other->as.number.numeric != NULL)
		return false;
	*order = order_of(number - other->as.number.fixed);
	return true;
}

/*
 * The sum is compared with so many times the number.  A quotient is rounded
 * to no fewer than four places, which changes nothing if the two are more
 * than a ten-thousandth apart.
 */
static bool
compare_average(const CdpState *state, const CdpValue *other, int *order)
{
	int128		apart;

	if (other->kind != CDP_VALUE_NUMBER || other->as.number.numeric != NULL ||
		state->count == 0 || state->value.kind != CDP_VALUE_NULL)
		return false;
	apart = state->sum - (int128) other->as.number.fixed * state->count;
	*order = order_of(apart);
	return apart < -state->count || apart > state->count;
}

/* The time of the first or the last event against another. */
static bool
compare_time(const CdpState *state, int64 ms, const CdpValue *other,
			 int *order)
{
	TimestampTz at = cdp_segment_from_ms(ms);

	if (other->kind != CDP_VALUE_TIME || state->count == 0)
		return false;
	*order = (at > other->as.time) - (at < other->as.time);
	return true;
}

/* An aggregate against a value; their times of day are those of the zone. */
static bool
compare_state(const CdpState *state, const CdpExpr *aggregate,
			  const CdpValue *other, pg_tz *zone, int *order)
{
	switch (aggregate->op)
	{
		case CDP_COUNT:
		case CDP_ACTIVE_DAYS:
			return compare_number((int128) state->count * CDP_FIXED_SCALE,
								  other, order);
		case CDP_SUM:
			return state->value.kind == CDP_VALUE_NULL &&
				compare_number(state->sum, other, order);
		case CDP_AVG:
			return compare_average(state, other, order);
		case CDP_FIRST:
			return compare_time(state, state->first_ms, other, order);
		case CDP_LAST:
			return compare_time(state, state->last_ms, other, order);
		case CDP_MIN:
		case CDP_MAX:
		case CDP_EARLIEST:
		case CDP_LATEST:
			return cdp_segment_compare(&state->value, other, zone, order);
		default:
			return false;
	}
}

/* See evaluate.h. */
bool
cdp_segment_compare_at_once(const CdpEvaluation *evaluation,
							const CdpExpr *comparison, int *order)
{
	const CdpExpr *asked = comparison->args[0];
	const CdpValue *other;

	if (asked->kind != CDP_EXPR_AGGREGATE &&
		asked->kind != CDP_EXPR_EVENT_AMOUNT)
		return false;
	other = value_of_all(evaluation, comparison->args[1]);
	if (other == NULL)
		return false;
	if (asked->kind == CDP_EXPR_EVENT_AMOUNT)
		return evaluation->reader->has_amount &&
			compare_number(evaluation->reader->amount, other, order);
	return compare_state(&evaluation->states[asked->number], asked, other,
						 comparison->zone, order);
}
