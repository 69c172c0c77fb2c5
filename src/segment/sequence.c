/*
 * sequence.c
 *		Did these events follow one another?
 *
 *		sequence(cart_add then no order within 4 hours same cart_id, 7 days)
 *
 * The pass over the timeline has collected the events of each step, in the
 * order of time.  A step that must happen comes strictly after the last such
 * step before it, and earlier than its deadline counted from there.  Steps
 * that must not happen stand between two of those: none of their events may
 * lie strictly after the first of the two and before the second or their own
 * deadline, whichever comes first.  At the end of a sequence there is no
 * second one, so a negative step with a deadline is true only once the
 * deadline has passed unseen: a cart is abandoned after four hours.
 *
 * "same" asks that the value of a property equals that of the last step
 * before that must happen; an unknown value equals nothing.
 *
 * The search goes forward, step by step, and keeps for each event whether the
 * sequence so far can end with it.  Without "same" that is n log n in the
 * number of events; with it, at most the product of the numbers of events of
 * two neighbouring steps.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "segment/evaluate.h"

typedef struct Search
{
	CdpEvaluation *evaluation;
	const CdpSequence *sequence;
} Search;

static const CdpState *
state_of(const Search *search, int step)
{
	return &search->evaluation->states[search->sequence->steps[step].aggregate];
}

/* Is the value that the step asks for the same in both events? */
static bool
is_same(const Search *search, const CdpStep *step,
		const CdpCollected *before, const CdpCollected *event)
{
	int			order;

	if (step->same < 0)
		return true;
	return cdp_segment_compare(&before->values[step->same_before],
							   &event->values[step->same],
							   search->sequence->zone, &order) && order == 0;
}

/* The first instant at which it is too late for the step. */
static TimestampTz
deadline(const Search *search, const CdpStep *step, int64 from_ms)
{
	if (!step->has_within)
		return DT_NOEND;
	return cdp_segment_move(cdp_segment_from_ms(from_ms), &step->within, 1,
							search->sequence->zone);
}

/* The same for events, which have milliseconds. */
static int64
deadline_ms(const Search *search, const CdpStep *step, int64 from_ms)
{
	return cdp_segment_ms(deadline(search, step, from_ms));
}

/* The first event of a step strictly after an instant, by binary search. */
static int64
first_after(const CdpState *state, int64 at_ms)
{
	int64		low = 0;
	int64		high = state->count;

	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (state->all.collected[middle].at_ms > at_ms)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* When the first forbidden event of a negative step happened; or never. */
static int64
forbidden_at(const Search *search, int number, const CdpCollected *from)
{
	const CdpStep *step = &search->sequence->steps[number];
	const CdpState *state = state_of(search, number);
	int64		until_ms = deadline_ms(search, step, from->at_ms);

	for (int64 i = first_after(state, from->at_ms); i < state->count; i++)
	{
		const CdpCollected *event = &state->all.collected[i];

		CHECK_FOR_INTERRUPTS();
		if (event->at_ms >= until_ms)
			break;
		if (is_same(search, step, from, event))
			return event->at_ms;
	}
	return PG_INT64_MAX;
}

/* The same for all negative steps between two steps. */
static int64
blocked_at(const Search *search, int from_step, int to_step,
		   const CdpCollected *from)
{
	int64		blocked = PG_INT64_MAX;

	for (int i = from_step + 1; i < to_step; i++)
		blocked = Min(blocked, forbidden_at(search, i, from));
	return blocked;
}

/*
 * Mark the events of a step that can follow an event of the step before;
 * *found becomes true if there is one.  Without "same" each such event begins
 * a run of followers, and runs begin in the order of time: what lies before
 * *covered, where the longest run so far ended, needs no second look.
 */
static void
mark_followers(const Search *search, int number, const CdpCollected *from,
			   bool *reached, int64 *covered, bool *found)
{
	const CdpStep *step = &search->sequence->steps[number];
	const CdpState *state = state_of(search, number);
	int64		until_ms = deadline_ms(search, step, from->at_ms);
	int64		blocked_ms = blocked_at(search, step->before, number, from);

	int64		first = first_after(state, from->at_ms);

	for (int64 i = Max(first, *covered); i < state->count; i++)
	{
		const CdpCollected *event = &state->all.collected[i];

		CHECK_FOR_INTERRUPTS();
		if (event->at_ms >= until_ms || event->at_ms > blocked_ms)
			return;
		if (!reached[i] && is_same(search, step, from, event))
			reached[i] = *found = true;
		if (step->same < 0)
			*covered = i + 1;
	}
}

/* The events of a step with which the sequence so far can end; NULL: none. */
static bool *
reach_step(const Search *search, int number, const bool *before)
{
	const CdpState *earlier = state_of(search,
									   search->sequence->steps[number].before);
	bool	   *reached = palloc0(Max(state_of(search, number)->count, 1));
	bool		found = false;
	int64		covered = 0;

	for (int64 i = 0; i < earlier->count; i++)
		if (before[i])
			mark_followers(search, number, &earlier->all.collected[i], reached,
						   &covered, &found);
	return found ? reached : NULL;
}

/* Do the negative steps at the end of the sequence hold after this event? */
static bool
ends_well(const Search *search, int last, const CdpCollected *event)
{
	for (int i = last + 1; i < search->sequence->nsteps; i++)
	{
		const CdpStep *step = &search->sequence->steps[i];

		if (step->has_within &&
			deadline(search, step, event->at_ms) > search->evaluation->as_of)
			return false;
		if (forbidden_at(search, i, event) != PG_INT64_MAX)
			return false;
	}
	return true;
}

/* See evaluate.h. */
bool
cdp_segment_sequence(CdpEvaluation *evaluation, const CdpSequence *sequence)
{
	Search		search = {evaluation, sequence};
	const CdpState *state = state_of(&search, 0);
	bool	   *reached;
	int			last = 0;

	if (state->count == 0)
		return false;
	reached = palloc(state->count);
	memset(reached, true, state->count);
	for (int i = 1; i < sequence->nsteps; i++)
	{
		if (sequence->steps[i].negated)
			continue;
		reached = reach_step(&search, i, reached);
		if (reached == NULL)
			return false;
		last = i;
	}
	state = state_of(&search, last);
	for (int64 i = 0; i < state->count; i++)
		if (reached[i] && ends_well(&search, last, &state->all.collected[i]))
			return true;
	return false;
}
