/*
 * convert.h
 *		Private to the timeline room: events to and from SQL values.
 */
#ifndef CDP_TIMELINE_CONVERT_H
#define CDP_TIMELINE_CONVERT_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "timeline/timeline.h"

/* Events being gathered, in no order yet; everything lives in context. */
typedef struct CdpTimelineEvents
{
	MemoryContext context;
	int			nevents;
	int			max_events;
	CdpTimelineEvent *events;
} CdpTimelineEvents;

extern CdpTimelineEvents *cdp_timeline_events(MemoryContext context);

/* Copies the event and its values; sorts the values by slot. */
extern void cdp_timeline_gather(CdpTimelineEvents *events,
								const CdpTimelineEvent *event);

/* Sorts the events and packs them; 0 is no limit. */
extern struct varlena **cdp_timeline_pack(CdpTimelineEvents *events,
										  Size limit, int *nchunks);

/* The same without a limit, as one timeline; an empty one if no events. */
extern struct varlena *cdp_timeline_pack_one(CdpTimelineEvents *events);

/* Raise unless a name, source, slot or time is in range. */
extern void cdp_timeline_check_id(const char *what, int64 id);
extern void cdp_timeline_check_slot(int64 slot);
extern void cdp_timeline_check_time(int64 at_ms);

/* Times and amounts; an amount of more than 4 decimals does not fit. */
extern int64 cdp_timeline_from_timestamp(TimestampTz at);
extern TimestampTz cdp_timeline_to_timestamp(int64 at_ms);

/* The first millisecond that is not before a time, which may be infinite. */
extern int64 cdp_timeline_not_before(TimestampTz at);
extern bool cdp_timeline_fit_amount(Numeric amount, int64 *result);
extern int64 cdp_timeline_from_numeric(Numeric amount);
extern Numeric cdp_timeline_to_numeric(int64 amount);

/* A JSON value as a timeline's; false for JSON null. */
extern bool cdp_timeline_from_json(const JsonbValue *json,
								   CdpTimelineValue *value);

/* A value as JSON text. */
extern void cdp_timeline_print_value(StringInfo buffer,
									 const CdpTimelineValue *value);

#endif							/* CDP_TIMELINE_CONVERT_H */
