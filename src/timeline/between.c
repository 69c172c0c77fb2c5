/*
 * between.c
 *		cdp.timeline_between(): the events of a window as a timeline.
 *
 * What packs a window's events alone makes the same bytes, so what is asked
 * of the result cannot depend on events outside.  Most windows hold all of a
 * timeline or nothing of it, which its head tells; then no event is decoded.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "timeline/convert.h"

PG_FUNCTION_INFO_V1(cdp_timeline_between);

/* The events in hand and after it that are before until_ms, packed. */
static void
pack_until(CdpTimelineReader *reader, int64 until_ms,
		   CdpTimelineBuilder *builder)
{
	CdpTimelineEvent event;

	do
	{
		CHECK_FOR_INTERRUPTS();
		if (reader->at_ms >= until_ms)
			return;
		cdp_timeline_event(reader, &event);
		cdp_timeline_add(builder, &event);
		if (event.values != NULL)
			pfree(event.values);
	} while (cdp_timeline_next(reader));
}

/* cdp.timeline_between(timeline, since, until) */
Datum
cdp_timeline_between(PG_FUNCTION_ARGS)
{
	struct varlena *timeline = PG_GETARG_VARLENA_PP(0);
	int64		since_ms = cdp_timeline_not_before(PG_GETARG_TIMESTAMPTZ(1));
	int64		until_ms = cdp_timeline_not_before(PG_GETARG_TIMESTAMPTZ(2));
	CdpTimelineBuilder *builder;
	CdpTimelineReader reader;

	cdp_timeline_open(&reader, timeline);
	if (reader.header.first_ms >= since_ms && reader.header.last_ms < until_ms)
		PG_RETURN_POINTER(timeline);
	builder = cdp_timeline_builder(0);
	if (reader.header.last_ms >= since_ms && reader.header.first_ms < until_ms)
		while (cdp_timeline_next(&reader))
			if (reader.at_ms >= since_ms)
			{
				pack_until(&reader, until_ms, builder);
				break;
			}
	PG_RETURN_POINTER(cdp_timeline_finish(builder));
}
