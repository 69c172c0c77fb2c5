/*
 * sbg.h
 *		Shifted beta-geometric: who renews a contract.  Pure; see sbg.c.
 */
#ifndef CDP_MODEL_SBG_H
#define CDP_MODEL_SBG_H

#include "model/fit_core.h"

/* The probability to leave at a renewal is beta(a, b) over customers. */
typedef struct CdpSbgParams
{
	double		a;				/* "alpha" of the paper */
	double		b;				/* "beta" */
} CdpSbgParams;

/*
 * Customers who faced so many renewals, and left at the last (churned 1) or
 * renewed them all (churned 0); weight is how many.
 */
typedef struct CdpSbgGroup
{
	double		tenure;
	double		churned;
	double		weight;
} CdpSbgGroup;

/* P(renews at renewal number period >= 1 | renewed all before). */
extern double cdp_model_sbg_retention(const CdpSbgParams *params,
									  double period);

/* P(renews the next "horizon" times | has renewed "tenure" times). */
extern double cdp_model_sbg_survival(const CdpSbgParams *params,
									 double tenure, double horizon);

/* Expected renewals among the next "horizon"; HUGE_VAL: of all. */
extern double cdp_model_sbg_expected(const CdpSbgParams *params,
									 double tenure, double horizon);

/* Of all, the k-th from now weighing e^(-rate k), rate > 0. */
extern double cdp_model_sbg_discounted(const CdpSbgParams *params,
									   double tenure, double rate);

/* Fit groups sorted by tenure and churned; pause may be NULL. */
extern void cdp_model_fit_sbg(const CdpSbgGroup *groups, size_t ngroups,
							  CdpPause pause, CdpFit *fit);

#endif							/* CDP_MODEL_SBG_H */
