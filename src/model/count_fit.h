/*
 * count_fit.h
 *		Fit of a purchase-count model.  Pure; see count_fit.c.
 */
#ifndef CDP_MODEL_COUNT_FIT_H
#define CDP_MODEL_COUNT_FIT_H

#include "model/count_surface.h"

/* Fit groups sorted by customer to BG/NBD or MBG/NBD; pause may be NULL. */
extern void cdp_model_fit_count(CdpCountKind kind,
								const CdpCountGroup *groups, size_t ngroups,
								CdpPause pause, CdpFit *fit);

#endif							/* CDP_MODEL_COUNT_FIT_H */
