/*
 * calendar.h
 *		Instants and the calendar of a time zone.
 *
 * Everything here takes its zone as an argument: the session's TimeZone and
 * DateStyle mean nothing to a predicate.  Moving by months or days keeps the
 * local time of day (a day the month does not have becomes its last), as
 * timestamptz + interval does.
 */
#ifndef CDP_SEGMENT_CALENDAR_H
#define CDP_SEGMENT_CALENDAR_H

#include "datatype/timestamp.h"
#include "pgtime.h"

#include "segment/ast.h"

/* A length of time: months have no fixed length, so both parts are kept. */
typedef struct CdpDuration
{
	int32		months;
	int32		days;			/* of the calendar; 24 hours are in us */
	int64		us;
} CdpDuration;

/* The instants of functions below; those out of range are infinite. */
extern TimestampTz cdp_segment_move(TimestampTz at, const CdpDuration *by,
									int sign, pg_tz *zone);
extern TimestampTz cdp_segment_midnight(TimestampTz at, pg_tz *zone);
extern TimestampTz cdp_segment_day_end(TimestampTz at, pg_tz *zone);
extern TimestampTz cdp_segment_period_start(TimestampTz at, CdpUnit unit,
											pg_tz *zone);

/* Days from the local day of at to the next anniversary of the local day of
 * event; -1 if either is infinite. */
extern int	cdp_segment_days_to_anniversary(TimestampTz event, TimestampTz at,
											pg_tz *zone);

/*
 * Read YYYY-MM-DD [("T"|" ") hh:mm [:ss [.fraction]] [Z | (+|-)hh[[:]mm]]];
 * without an offset it is local time.  False if it is not such a text.
 */
extern bool cdp_segment_read_time(const char *text, int length, pg_tz *zone,
								  TimestampTz *at);

/* YYYY-MM-DDThh:mm:ss[.fraction]Z */
extern char *cdp_segment_time_text(TimestampTz at);

#endif							/* CDP_SEGMENT_CALENDAR_H */
