/*
 * report.h
 *		Private to the insight room: which report of an event counts.
 *
 * An order or return that several sources report is one: the report counts whose
 * source has the highest priority, of several of these the first, then that of
 * the source with the least number, then that of the least amount (none last).
 * Which reports are of one event says the business key of the event's type, for
 * orders and returns; an event without it is one of its own.
 */
#ifndef CDP_INSIGHT_REPORT_H
#define CDP_INSIGHT_REPORT_H

#include "utils/timestamp.h"

/* of a source that is not known any more */
#define CDP_INSIGHT_NO_PRIORITY PG_INT32_MIN

typedef struct CdpInsightReport
{
	int			name;			/* what kind of event; keys are of one kind */
	const char *key;			/* NULL: it has none */
	uint32		key_length;
	bool		is_poor;		/* counts after all that are not */
	int32		priority;		/* of its source */
	TimestampTz at;
	int32		source_id;
	bool		has_amount;
	int64		amount;			/* ten-thousandths; 0 if it has none */
	int64		place;			/* the order of those that are alike */
} CdpInsightReport;

/* For qsort: those of one event beside each other, the one that counts first. */
extern int	cdp_insight_compare_reports(const void *a, const void *b);

/* Are they of one event? */
extern bool cdp_insight_same_event(const CdpInsightReport *one,
								   const CdpInsightReport *other);

#endif							/* CDP_INSIGHT_REPORT_H */
