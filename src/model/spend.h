/*
 * spend.h
 *		Gamma-Gamma: what a purchase will be worth.  Pure; see spend.c.
 */
#ifndef CDP_MODEL_SPEND_H
#define CDP_MODEL_SPEND_H

#include "model/fit_core.h"

typedef struct CdpSpendParams
{
	double		p;
	double		q;
	double		v;
} CdpSpendParams;

/* x repeat purchases of mean amount m; weight is how many such customers. */
typedef struct CdpSpendGroup
{
	double		x;
	double		m;
	double		weight;
} CdpSpendGroup;

extern double cdp_model_spend_loglik(const CdpSpendParams *params,
									 double x, double m);

/* False if the mean is not defined: px + q <= 1. */
extern bool cdp_model_spend_expected(const CdpSpendParams *params,
									 double x, double m, double *result);

/* Fit groups sorted by x and m; pause may be NULL. */
extern void cdp_model_fit_spend(const CdpSpendGroup *groups, size_t ngroups,
								CdpPause pause, CdpFit *fit);

#endif							/* CDP_MODEL_SPEND_H */
