/*
 * plans.h
 *		Plans that stay right while tables grow, and numbers from sequences.
 */
#ifndef CDP_IDENTITY_PLANS_H
#define CDP_IDENTITY_PLANS_H

#include "identity/arrays.h"

/*
 * Between begin and end statements are planned once, as loops over the given
 * arrays that probe indexes, joining in the order they are written in.  A store starts empty and may take millions of
 * rows in one session before anything analyses it; a plan that was best for
 * the empty table (scan it, hash it) would then cost the table per batch.
 * An error in between is put right by the end of the (sub)transaction.
 */
extern int	cdp_identity_begin_probing(void);
extern void cdp_identity_end_probing(int nest_level);

/* Note pending work for a phase of the merge run; none if there are no ids. */
extern void cdp_identity_add_todo(const char *phase, const CdpIdList *ids);

/* The next number of a sequence of schema cdp. */
extern int64 cdp_identity_next_number(const char *sequence);

#endif							/* CDP_IDENTITY_PLANS_H */
