/*
 * stitch.h
 *		The parts of the stitcher; stitch.c tells how they work together.
 */
#ifndef CDP_IDENTITY_STITCH_H
#define CDP_IDENTITY_STITCH_H

#include "identity/verdict.h"

/* A batch of sets under judgement. */
typedef struct Stitch
{
	CdpGraph   *graph;			/* the sets and their members, all outside */
	CdpIdentityState state;
	CdpIdList	flagged;		/* members that a rule or time changed */
	CdpIdList	unplaced;		/* members that link and have no profile */
	CdpComponents groups;		/* over places of profiles: those live count */
	bool	   *dirty;			/* by place of a live profile */
	bool	   *grown;			/* by place: it or its group may be against a
								 * rule that it was not against before */
	int64	   *evidence;		/* by place: first set that joins it to another */
	int64	   *winners;		/* by place that stands for a group */
	struct CdpMergedMarks *marks;	/* of grown groups that are clean */
} Stitch;

/* What winners must have from now on, by place. */
typedef struct CdpMergedMarks
{
	CdpIdList	winners;
	CdpIdList	marks;
	const char **watched;		/* text of a bigint[] */
} CdpMergedMarks;

/* stitch.c: refuse a snapshot that is older than the merger's lock may be. */
extern void cdp_stitch_check_isolation(void);

/*
 * stitch_groups.c: which live profiles the sets join, which of them must be
 * judged anew.  In this order.
 */
extern void cdp_stitch_begin_groups(Stitch *stitch);
extern void cdp_stitch_judge_set(Stitch *stitch, const GraphSet *set);
extern void cdp_stitch_mark_dirty(Stitch *stitch, const CdpIdList *ids);
extern void cdp_stitch_merge_groups(Stitch *stitch, CdpVerdict *verdict);

/* The place of a node's live profile; -1: it has none. */
extern int32 cdp_stitch_live_place(CdpGraph *graph, const GraphNode *node);

/* The live profile that a node of a clean group has from now on; 0: none. */
extern int64 cdp_stitch_winner(Stitch *stitch, int32 node);

/*
 * stitch_limits.c: mark groups dirty that might break a rule; of the others
 * note what their winners watch.
 */
extern void cdp_stitch_check_groups(Stitch *stitch);

/* reflag.c: compare "blocked" of identifiers (NULL: all) with the rules. */
extern void cdp_identity_reflag(const CdpIdList *ids, CdpIdList *changed);

/*
 * reflag.c: bring identity_state.has_strong up to date, and the rules with it;
 * true if it changed.
 */
extern bool cdp_identity_check_strong(void);

/* merge.c: make losers part of winners, by place; set_ids is the evidence. */
extern void cdp_identity_merge_profiles(const CdpIdList *losers,
										const CdpIdList *winners,
										const CdpIdList *set_ids,
										const CdpIdList *epochs,
										const CdpMergedMarks *marks);

#endif							/* CDP_IDENTITY_STITCH_H */
