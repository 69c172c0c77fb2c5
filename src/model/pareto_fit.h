/*
 * pareto_fit.h
 *		Fit of Pareto/NBD.  Pure; see pareto_fit.c.
 */
#ifndef CDP_MODEL_PARETO_FIT_H
#define CDP_MODEL_PARETO_FIT_H

#include "model/count_surface.h"

/* Fit groups sorted by customer; pause may be NULL. */
extern void cdp_model_fit_pareto(const CdpCountGroup *groups, size_t ngroups,
								 CdpPause pause, CdpFit *fit);

#endif							/* CDP_MODEL_PARETO_FIT_H */
