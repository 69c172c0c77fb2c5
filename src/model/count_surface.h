/*
 * count_surface.h
 *		What the likelihoods of purchase counts have in common.  Pure; see
 *		count_surface.c.
 */
#ifndef CDP_MODEL_COUNT_SURFACE_H
#define CDP_MODEL_COUNT_SURFACE_H

#include "model/count.h"
#include "model/fit_core.h"
#include "model/special.h"

/* Customers with the same history; weight is how many. */
typedef struct CdpCountGroup
{
	CdpCustomer customer;
	double		weight;
} CdpCountGroup;

/* Places of r and alpha among the parameters; two of dropout follow. */
enum
{
	CDP_RATE_SPREAD, CDP_RATE_LEVEL, CDP_SURFACE_PARAMS = 4
};

/* Value, gradient and Hessian in natural parameters. */
typedef struct CdpSurface
{
	double		value;
	double		gradient[CDP_SURFACE_PARAMS];
	double		hessian[CDP_SURFACE_PARAMS][CDP_SURFACE_PARAMS];	/* j <= i */
} CdpSurface;

/*
 * Mean time under watch and mean rate of repeat purchases; false if there is
 * too little to fit.
 */
extern bool cdp_model_summarise_groups(const CdpCountGroup *groups,
									   size_t ngroups, double *mean_time,
									   double *mean_rate);

/* Add ln (r)_x of customers of this weight together. */
extern void cdp_model_add_rising(CdpSurface *surface, const CdpRising *rate,
								 double weight);

/* Add the part of one group that depends on alpha and t. */
extern void cdp_model_add_rate(CdpSurface *surface, double r, double alpha,
							   const CdpCountGroup *group);

/*
 * From natural parameters to theta by the Jacobian, without what second
 * derivatives of the parameters add.
 */
extern void cdp_model_turn_surface(CdpSurface *surface, CdpMatrix jacobian,
								   double *value, double *gradient,
								   CdpMatrix hessian);

#endif							/* CDP_MODEL_COUNT_SURFACE_H */
