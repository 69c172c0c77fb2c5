/*
 * dispatch.h
 *		Which aggregates an event may concern, by its name and time.
 *
 * What asks for events of one name is listed by the start of its window, the
 * earliest first: an event concerns those before the first that starts later,
 * and none if it is older than the first.  Windows are resolved for an as-of
 * instant, so the lists are sorted again when that changes.
 */
#ifndef CDP_SEGMENT_DISPATCH_H
#define CDP_SEGMENT_DISPATCH_H

/* An aggregate that asks for events of a name. */
typedef struct CdpAsker
{
	int64		start_ms;		/* of its window; "since" may move it on */
	int			number;			/* of the aggregate in the program */
	bool		is_plain;		/* every event counts; its time is all it needs */
} CdpAsker;

typedef struct CdpInterest
{
	int64		from_ms;		/* start of the first; the end of time if none */
	int			count;
	CdpAsker   *askers;			/* by start */
} CdpInterest;

/* Of one level of a program. */
typedef struct CdpDispatch
{
	int			nsince;			/* aggregates whose windows each profile starts */
	int		   *since;
	int			names;			/* by_name has entries for 0 .. names - 1 */
	CdpInterest *by_name;
	CdpInterest others;			/* of names that nobody asks for by name */
} CdpDispatch;

struct CdpProgram;

/* The dispatch of a level, its windows not yet resolved. */
extern CdpDispatch cdp_segment_dispatch(const struct CdpProgram *program,
										int level);

/* Sort the lists by these starts of windows, one per aggregate. */
extern void cdp_segment_sort_dispatch(CdpDispatch *dispatch,
									  const int64 *start_ms);

/* Whom an event of that name concerns. */
static inline const CdpInterest *
cdp_segment_interest(const CdpDispatch *dispatch, int name_id)
{
	return name_id < dispatch->names ? &dispatch->by_name[name_id] :
		&dispatch->others;
}

#endif							/* CDP_SEGMENT_DISPATCH_H */
