/*
 * verdict.h
 *		What judging changed, and what others must do about it.
 */
#ifndef CDP_IDENTITY_VERDICT_H
#define CDP_IDENTITY_VERDICT_H

#include "identity/graph.h"

/* Profile ids, live and just merged away, that others have work with. */
typedef struct CdpVerdict
{
	CdpIdList	affected;		/* whose row is to be recomputed */
	CdpIdList	rebuilt;		/* whose timeline is to be made anew */
	CdpIdList	merged_from;	/* whose timeline goes, whole, ... */
	CdpIdList	merged_into;	/* ... to that of the same place here */
} CdpVerdict;

/* Judge a loaded graph and write what differs from the tables. */
extern void cdp_verdict_reach(CdpGraph *graph, CdpVerdict *verdict);

/*
 * verdict_moves.c: give all sets of a judged graph their owners; the profiles
 * whose events move go to verdict.
 */
extern void cdp_verdict_write_owners(CdpGraph *graph, CdpVerdict *verdict);

/* The owner of each set of a graph, a node by place of the set. */
extern int32 *cdp_verdict_find_owners(CdpGraph *graph);

/* Write the owners that differ from those of the graph's sets. */
extern void cdp_verdict_update_owners(const CdpGraph *graph,
									  const int32 *owners);

/* Tell the timeline and profile rooms.  queue: also note "profile" work. */
extern void cdp_verdict_pass_on(CdpVerdict *verdict, bool queue);

/* Lock profile rows in id order. */
extern void cdp_verdict_lock_profiles(CdpIdList *profile_ids);

/* Note pairs of weak and strong identifiers; the weak ones with a new pair. */
extern void cdp_verdict_write_pairs(CdpGraph *graph, CdpIdList *changed);

#endif							/* CDP_IDENTITY_VERDICT_H */
