/*
 * stage.h
 *		Predicates that are waited for, as the events of a profile come.
 */
#ifndef CDP_SEGMENT_STAGE_H
#define CDP_SEGMENT_STAGE_H

#include "segment/evaluate.h"

/* A predicate of its own program. */
typedef struct CdpStage
{
	CdpEvaluation *evaluation;
	bool		moves;			/* it may become true without an event; */
	bool		moves_with_traits;	/* so it may if there are some that expire */
	bool		runs;			/* else it can be asked amid a pass */
	CdpState   *states;			/* what that is not to change */
	CdpTally   *tallies;
	CdpTimelineReader *reader;	/* of the instants to ask at */
	int64		from_ms[CDP_TIMELINE_MAX_SHAPES];
} CdpStage;

/* first_true.c: the stage of a program, in the current memory context */
extern void cdp_segment_make_stage(CdpStage *stage, const CdpProgram *program);

/*
 * first_true.c: the first of these instants at which the predicate is true of
 * what happened behind since: since itself, and each later event before until.
 * False: there is none.  Changes from_ms of the profile.
 */
extern bool cdp_segment_first_true(CdpStage *stage, CdpProfile *profile,
								   TimestampTz since, TimestampTz until,
								   TimestampTz *at);

#endif							/* CDP_SEGMENT_STAGE_H */
