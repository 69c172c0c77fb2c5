/*
 * stitch.h
 *		The parts of the stitcher; stitch.c tells how they work together.
 */
#ifndef CDP_IDENTITY_STITCH_H
#define CDP_IDENTITY_STITCH_H

#include "identity/verdict.h"

/* reflag.c: compare "blocked" of identifiers (NULL: all) with the rules. */
extern void cdp_identity_reflag(const CdpIdList *ids, CdpIdList *changed);

/* merge.c: make losers part of winners, by place; set_ids is the evidence. */
extern void cdp_identity_merge_profiles(const CdpIdList *losers,
										const CdpIdList *winners,
										const CdpIdList *set_ids,
										const CdpIdList *epochs);

#endif							/* CDP_IDENTITY_STITCH_H */
