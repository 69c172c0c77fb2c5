/*
 * walk.h
 *		Private to the insight room: through timelines, event by event.
 *
 * A question (cdp._question, made by cdp._question_of()) says which events are
 * asked for, and where they say what.  Of an order or return that several sources
 * report, only the report that counts (report.h) is an event; asked by products,
 * one that tells any counts before those that tell none, as a till may repeat an
 * order of the shop without its lines.  Reports at or after "until" are not seen,
 * so one told later never changes what was.
 *
 *		walk = cdp_insight_walk(timelines, question, since, until);
 *		while (cdp_insight_next(walk))
 *			... walk->reader, walk->at, walk->name ...
 *
 * Timelines are the chunks of one profile, in order.
 */
#ifndef CDP_INSIGHT_WALK_H
#define CDP_INSIGHT_WALK_H

#include "fmgr.h"
#include "utils/timestamp.h"

#include "timeline/timeline.h"

/* Slots of properties; 0: timelines do not hold it. */
typedef enum CdpInsightProperty
{
	CDP_INSIGHT_PRODUCT_ID,
	CDP_INSIGHT_CATEGORY,
	CDP_INSIGHT_QUANTITY,
	CDP_INSIGHT_LISTED_PRODUCT_ID,
	CDP_INSIGHT_LISTED_CATEGORY,
	CDP_INSIGHT_LISTED_QUANTITY,
	CDP_INSIGHT_NPROPERTIES
} CdpInsightProperty;

typedef struct CdpInsightQuestion
{
	int			nnames;
	int32	   *name_ids;		/* ascending */
	int32	   *key_slots;		/* of their business keys; 0: none */
	int			nsources;
	int32	   *source_ids;		/* ascending */
	int32	   *priorities;
	int32		slots[CDP_INSIGHT_NPROPERTIES];
	int32		more_slot;		/* of a property besides; 0: none */
	bool		by_products;	/* reports that tell none are poor */
} CdpInsightQuestion;

typedef struct CdpInsightWalk
{
	CdpInsightQuestion question;

	/* the event in hand */
	int			name;			/* its place among the names */
	TimestampTz at;
	CdpTimelineReader reader;

	/* private */
	int			ntimelines;
	struct varlena **timelines;
	TimestampTz since;
	TimestampTz until;
	int			opened;			/* timelines */
	bool		is_open;
	int			names[CDP_TIMELINE_MAX_SHAPES];
	int64		from_ms[CDP_TIMELINE_MAX_SHAPES];
	int64		passed;			/* events whose name has a business key */
	int			nlost;
	int			lost_passed;
	int64	   *lost;			/* which of those do not count, ascending */
} CdpInsightWalk;

/* All from the arguments of a function, by number. */
extern CdpInsightWalk *cdp_insight_walk(FunctionCallInfo fcinfo, int timelines,
										int question, TimestampTz since,
										TimestampTz until);
extern bool cdp_insight_next(CdpInsightWalk *walk);

/*
 * A property of the event in hand as text, as ->> has it; false: it has none,
 * or an empty one.  The bytes stand in the timeline or are palloc'd.
 */
extern bool cdp_insight_text(CdpInsightWalk *walk, int slot,
							 CdpTimelineValue *value);

#endif							/* CDP_INSIGHT_WALK_H */
