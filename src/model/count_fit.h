/*
 * count_fit.h
 *		Fit of a purchase-count model.  Pure; see count_fit.c.
 */
#ifndef CDP_MODEL_COUNT_FIT_H
#define CDP_MODEL_COUNT_FIT_H

#include "model/count.h"
#include "model/fit_core.h"

/* Customers with the same history; weight is how many. */
typedef struct CdpCountGroup
{
	CdpCustomer customer;
	double		weight;
} CdpCountGroup;

/* The order that a fit wants its groups in; for qsort. */
extern int	cdp_model_compare_groups(const void *left, const void *right);

/* Fit sorted groups; pause may be NULL. */
extern void cdp_model_fit_count(CdpCountKind kind,
								const CdpCountGroup *groups, size_t ngroups,
								CdpPause pause, CdpFit *fit);

#endif							/* CDP_MODEL_COUNT_FIT_H */
