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

/* What a CdpEvaluate of these models works on: every stride-th group. */
typedef struct CdpSurfaceData
{
	CdpCountKind kind;			/* of BG/NBD and MBG/NBD */
	const CdpCountGroup *groups;
	size_t		ngroups;
	size_t		stride;
	CdpPause	pause;
} CdpSurfaceData;

/* Natural parameters, and the Jacobian d params / d theta. */
typedef void (*CdpToNatural) (const double *theta, double *params,
							  CdpMatrix jacobian);

#define CDP_SURFACE_STARTS 3

/*
 * What a model's fit has of its own.  Theta 0 and 1 are ln r and ln alpha; 2
 * and 3 are of dropout, where 3 may be the logarithm of a time.
 */
typedef struct CdpSurfaceFit
{
	CdpEvaluate evaluate;
	CdpToNatural to_natural;
	double		rate_spread[CDP_SURFACE_STARTS];	/* r */
	double		dropout[CDP_SURFACE_STARTS][2]; /* theta 2 and 3 */
	double		low[2];			/* bounds of theta 2 and 3 */
	double		high[2];
	bool		has_time;		/* theta 3, relative to the mean time */
} CdpSurfaceFit;

/* Fit groups sorted by customer. */
extern void cdp_model_fit_surface(const CdpSurfaceFit *model,
								  CdpSurfaceData *data, CdpFit *fit);

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
