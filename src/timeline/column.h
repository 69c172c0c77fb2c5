/*
 * column.h
 *		Private to the timeline room: how the values of a slot are told.
 */
#ifndef CDP_TIMELINE_COLUMN_H
#define CDP_TIMELINE_COLUMN_H

#include "lib/stringinfo.h"

#include "timeline/timeline.h"

#define CDP_TIMELINE_MAX_PREFIX 31
#define CDP_TIMELINE_MAX_TOLD 2097151	/* three bytes as a varint */
#define CDP_TIMELINE_MAX_DIGITS 7	/* of that */

/* Room for the text of a value that is told by a number. */
#define CDP_TIMELINE_MAX_TEXT \
	(CDP_TIMELINE_MAX_PREFIX + CDP_TIMELINE_MAX_DIGITS)

/* Reads an entry; returns what is behind it, or NULL if it is malformed. */
extern const uint8 *cdp_timeline_read_column(const uint8 *next,
											 const uint8 *end,
											 CdpTimelineColumn *column);

/* The value that a number of a column tells; its text goes to the room. */
extern void cdp_timeline_print_told(const CdpTimelineColumn *column,
									uint32 number, char *room,
									CdpTimelineValue *value);

/*
 * The number of the column of a value, which is added to the table if it is
 * new; -1 if there is no room.  A value that is not listed is told by *told.
 */
extern int	cdp_timeline_intern_column(StringInfo table,
									   const CdpTimelineValue *value,
									   bool *is_listed, uint32 *told);

#endif							/* CDP_TIMELINE_COLUMN_H */
