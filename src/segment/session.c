/*
 * session.c
 *		Events in sessions: a session ends with a gap of more than 30 minutes.
 *
 * Sessions are made of the events of the aggregate, those that pass its
 * window and its where-clause: sessions(page_view) knows nothing of what else
 * happened, and a session that began before the window counts from there on.
 * Its minutes are those from its first to its last event, none if it has but
 * one.  Pages are the events page_view and screen_view among its events.
 */
#include "postgres.h"

#include "segment/evaluate.h"

#define SESSION_GAP_MS (30 * 60 * 1000)
#define MINUTE_MS (60 * 1000)

/* See evaluate.h.  Sessions are the count, their milliseconds the sum. */
void
cdp_segment_add_to_session(CdpState *state, const CdpAggregate *aggregate,
						   const CdpTimelineReader *event)
{
	int64		gap_ms = event->at_ms - state->last_ms;

	if (state->count == 0 || gap_ms > SESSION_GAP_MS)
		state->count++;
	else
		state->sum += gap_ms;
	state->last_ms = event->at_ms;
	if (event->shape->name_id == aggregate->pages[0] ||
		event->shape->name_id == aggregate->pages[1])
		state->npages++;
}

static CdpValue
quotient(int64 a, int64 b)
{
	CdpValue	dividend = cdp_segment_integer(a);
	CdpValue	divisor = cdp_segment_integer(b);

	return cdp_segment_arithmetic('/', &dividend, &divisor, NULL);
}

/* See evaluate.h.  Without a session there are no pages per session. */
CdpValue
cdp_segment_session_value(const CdpState *state, int kind)
{
	switch (kind)
	{
		case CDP_SESSIONS:
			return cdp_segment_integer(state->count);
		case CDP_SESSION_MINUTES:
			return quotient((int64) state->sum, MINUTE_MS);
		default:				/* CDP_PAGES_PER_SESSION */
			return quotient(state->npages, state->count);
	}
}
