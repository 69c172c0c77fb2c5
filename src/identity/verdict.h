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
	bool		from_nobody;	/* ... with a set that was nobody's */
	CdpIdList	merged_from;	/* whose timeline goes, whole, ... */
	CdpIdList	merged_into;	/* ... to that of the same place here */
} CdpVerdict;

/* Judge a loaded graph, writing nothing. */
extern void cdp_verdict_judge(CdpGraph *graph);

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

/* A line of the identity log before it is put together. */
typedef struct CdpMove
{
	int64		before;			/* live profile; 0: none */
	int64		after;			/* live profile; 0: none */
	int64		profile_id;		/* an id that leads to after now, or 0 */
	int64		identifier_id;	/* an identifier that has a new leaf, or 0 */
	int64		old_leaf;		/* of the identifier; 0: none */
} CdpMove;

typedef struct CdpMoveList
{
	CdpMove    *moves;
	int64		count;
} CdpMoveList;

/* verdict_log.c: a line for each pair of profiles that something moved in. */
extern void cdp_verdict_write_log(CdpGraph *graph, CdpMoveList *list);

/* verdict_marks.c: marks and watched of parts, as judged. */
typedef struct CdpMarks
{
	uint8	   *marks;			/* by node that stands for a part */
	int64	   *watched;		/* identifiers by part, each part's ascending */
	int64	   *first;			/* by node that stands for a part, place in
								 * watched; [nnodes] is the end of the last */
} CdpMarks;

extern CdpMarks cdp_verdict_find_marks(const CdpGraph *graph);

/* Are these the marks of a profile in the table? */
extern bool cdp_verdict_same_marks(const CdpGraph *graph, const CdpMarks *marks,
								   const GraphProfile *profile, int32 part);

/* What a part's profile must watch, as the text of a bigint[]. */
extern const char *cdp_verdict_print_watched(const CdpMarks *marks, int32 part);

/* verdict_refused.c: bring cdp.refused_link up to date. */
extern void cdp_verdict_write_refused(CdpGraph *graph);

/* verdict_lost.c: identifiers that stand for nobody, as judged. */
typedef struct CdpLost
{
	CdpIdList	identifiers;	/* that somebody whom they stood for is left by */
	CdpIdList	profiles;		/* that they are lost to, to be locked */
	struct CdpHeir *heirs;		/* by profile, part and leaf */
	int64		nheirs;
} CdpLost;

/* Find them, while the graph tells for whom they stood. */
extern CdpLost cdp_verdict_find_lost(const CdpGraph *graph);

/*
 * Before that is written, and after the profiles are locked: the consent room,
 * above this one, keeps for those what the lost identifiers refused.
 */
extern void cdp_verdict_keep_refusals(const CdpGraph *graph,
									  const CdpLost *lost);

/* Tell the timeline and profile rooms.  queue: also note "profile" work. */
extern void cdp_verdict_pass_on(CdpVerdict *verdict, bool queue);

/* Lock profile rows in id order. */
extern void cdp_verdict_lock_profiles(CdpIdList *profile_ids);

/* Note pairs of weak and strong identifiers; the weak ones with a new pair. */
extern void cdp_verdict_write_pairs(CdpGraph *graph, CdpIdList *changed);

#endif							/* CDP_IDENTITY_VERDICT_H */
