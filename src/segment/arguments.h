/*
 * arguments.h
 *		What SQL hands over to evaluate predicates of a profile.
 */
#ifndef CDP_SEGMENT_ARGUMENTS_H
#define CDP_SEGMENT_ARGUMENTS_H

#include "fmgr.h"

#include "segment/evaluate.h"

/* The arguments of cdp._evaluate() and its like. */
enum
{
	CDP_ARG_PREDICATES,
	CDP_ARG_CONTEXT,
	CDP_ARG_AS_OF,
	CDP_ARG_PROFILE_ID,
	CDP_ARG_TIMELINE,
	CDP_ARG_LATER_TIMELINES,
	CDP_ARG_FACTS,
	CDP_ARG_SINCE				/* of cdp._stages_reached() */
};

/* evaluate_sql.c: is the argument a constant of the plan? */
extern bool cdp_segment_is_constant(FunctionCallInfo fcinfo, int number);

/* evaluate_sql.c: the profile that the arguments tell of */
extern void cdp_segment_get_profile(FunctionCallInfo fcinfo,
									CdpProfile *profile);

#endif							/* CDP_SEGMENT_ARGUMENTS_H */
