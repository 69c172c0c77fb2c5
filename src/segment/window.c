/*
 * window.c
 *		The windows of aggregates at an as-of instant, in milliseconds.
 *
 * Events have milliseconds, so windows become such: an event at e ms is in
 * [start, end) microseconds exactly if it is in [ceil(start), ceil(end)) ms.
 */
#include "postgres.h"

#include "segment/evaluate.h"

/* Milliseconds since 1970, rounded up; infinity stays. */
int64
cdp_segment_ms(TimestampTz at)
{
	int64		ms = at / 1000;

	if (TIMESTAMP_NOT_FINITE(at))
		return at;
	return ms + (at % 1000 > 0) + CDP_TIMELINE_EPOCH_MS;
}

TimestampTz
cdp_segment_from_ms(int64 ms)
{
	return (ms - CDP_TIMELINE_EPOCH_MS) * 1000;
}

/* The window of an aggregate, before it is cut off at the as-of instant. */
static void
window_bounds(const CdpAggregate *aggregate, TimestampTz as_of,
			  TimestampTz *start, TimestampTz *end)
{
	pg_tz	   *zone = aggregate->zone;
	CdpDuration back = {0, 0, 0};

	*start = DT_NOBEGIN;
	*end = as_of;
	if (aggregate->window == NULL)
		return;
	switch ((CdpWindowKind) aggregate->window->op)
	{
		case CDP_WINDOW_AGO:
			*end = cdp_segment_move(as_of, &aggregate->to, -1, zone);
			/* FALLTHROUGH */
		case CDP_WINDOW_DURATION:
		case CDP_WINDOW_CALENDAR:
			*start = cdp_segment_move(as_of, &aggregate->from, -1, zone);
			break;
		case CDP_WINDOW_DATES:
			*start = aggregate->dates[0];
			*end = aggregate->dates[1];
			break;
		case CDP_WINDOW_SINCE:
			break;
		case CDP_WINDOW_TODAY:
			*start = cdp_segment_midnight(as_of, zone);
			break;
		case CDP_WINDOW_LAST:
			back.days = aggregate->window->unit == CDP_WEEK ? 7 : 0;
			back.months = aggregate->window->unit == CDP_MONTH ? 1 :
				aggregate->window->unit == CDP_QUARTER ? 3 :
				aggregate->window->unit == CDP_YEAR ? 12 : 0;
			*end = cdp_segment_period_start(as_of, aggregate->window->unit,
											zone);
			*start = cdp_segment_move(*end, &back, -1, zone);
			*start = cdp_segment_midnight(*start, zone);
			break;
		case CDP_WINDOW_THIS:
			*start = cdp_segment_period_start(as_of, aggregate->window->unit,
											  zone);
			break;
	}
}

/* Resolve the windows for the as-of instant. */
void
cdp_segment_resolve_windows(CdpEvaluation *evaluation)
{
	const CdpProgram *program = evaluation->program;

	evaluation->until_ms = PG_INT64_MIN;
	for (int i = 0; i < program->naggregates; i++)
	{
		int			after = program->aggregate[i]->after;
		TimestampTz start;
		TimestampTz end;

		window_bounds(program->aggregate[i], evaluation->as_of, &start, &end);
		evaluation->start_ms[i] = cdp_segment_ms(start);
		if (after >= 0)			/* which comes before i */
			evaluation->start_ms[i] = Max(evaluation->start_ms[i],
										  evaluation->start_ms[after]);
		evaluation->end_ms[i] = cdp_segment_ms(Min(end, evaluation->as_of));
		evaluation->until_ms = Max(evaluation->until_ms, evaluation->end_ms[i]);
	}
	for (int i = 0; i < program->levels; i++)
		cdp_segment_sort_dispatch(&program->dispatch[i], evaluation->start_ms,
								  evaluation->end_ms);
}
