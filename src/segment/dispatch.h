/*
 * dispatch.h
 *		Which aggregates an event may concern, by its name and time.
 *
 * What asks for events of one name is of two sorts.  Many aggregates only want
 * to know how many events their window holds or on how many days, when the
 * first and the last of them was, or what their amounts come to.  For all of
 * these together one tally per name goes through the events, and a window is
 * the difference of what the tally says at its two edges:
 *
 *		events		   o  o	   o o o  o	   o   o
 *		tally		   1  2	   3 4 5  6	   7   8
 *		count(order, 90 days)  [2				 [8		6 orders
 *
 * So the number of windows costs nothing per event, and the edges of each name
 * are listed by time.  Everything else is an asker and looks at the events of
 * its window one by one.  Askers are listed by the start of their window, the
 * earliest first: an event concerns those before the first that starts later.
 *
 * An event that is older than all windows of its name concerns nobody.
 * Windows are resolved for an as-of instant, so the lists are sorted again
 * when that changes.
 */
#ifndef CDP_SEGMENT_DISPATCH_H
#define CDP_SEGMENT_DISPATCH_H

#include "pgtime.h"

/* An aggregate that looks at each event of its window. */
typedef struct CdpAsker
{
	int64		start_ms;		/* of its window; "since" may move it on */
	int			number;			/* of the aggregate in the program */
	int			after;			/* it waits until this one has seen an event;
								 * -1: it does not */
} CdpAsker;

/* What an aggregate that a tally serves counts. */
typedef enum CdpCounted
{
	CDP_COUNTED_EVENTS,
	CDP_COUNTED_AMOUNTS,
	CDP_COUNTED_DAYS
} CdpCounted;

/* Where the window of such an aggregate begins or ends. */
typedef struct CdpEdge
{
	int64		at_ms;
	int			number;			/* of the aggregate in the program */
	bool		is_end;
	CdpCounted	counted;
} CdpEdge;

typedef struct CdpInterest
{
	int64		from_ms;		/* start of the first window; the end of time
								 * if there is none */
	int			naskers;
	CdpAsker   *askers;			/* by start */
	int			nedges;
	CdpEdge    *edges;			/* by time, starts before ends */
	int			tally;			/* its number in the level */
	pg_tz	   *zone;			/* whose days the tally counts ... */
	int64		days_from_ms;	/* ... from the first window of days on; the end
								 * of time if there is none */
} CdpInterest;

/* Of one level of a program. */
typedef struct CdpDispatch
{
	int			nsince;			/* aggregates whose windows each profile starts */
	int		   *since;
	int			names;			/* by_name has entries for 0 .. names - 1 */
	CdpInterest *by_name;
	CdpInterest others;			/* of names that nobody asks for by name */
	CdpInterest any;			/* edges of what asks for events of any name */
	int			ntallies;
	CdpInterest **tallied;		/* those with edges, by the number of the tally */
} CdpDispatch;

struct CdpProgram;

/* Make the dispatch of a level, its windows not yet resolved. */
extern void cdp_segment_make_dispatch(CdpDispatch *dispatch,
									  const struct CdpProgram *program,
									  int level);

/* Sort the lists by these bounds of windows, one of each per aggregate. */
extern void cdp_segment_sort_dispatch(CdpDispatch *dispatch,
									  const int64 *start_ms,
									  const int64 *end_ms);

/* Whom an event of that name concerns. */
static inline const CdpInterest *
cdp_segment_interest(const CdpDispatch *dispatch, int name_id)
{
	return name_id < dispatch->names ? &dispatch->by_name[name_id] :
		&dispatch->others;
}

#endif							/* CDP_SEGMENT_DISPATCH_H */
