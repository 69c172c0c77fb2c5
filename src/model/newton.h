/*
 * newton.h
 *		Maximise a smooth function in a box.  Pure; see newton.c.
 */
#ifndef CDP_MODEL_NEWTON_H
#define CDP_MODEL_NEWTON_H

#include <stdbool.h>

#define CDP_NEWTON_MAX 4		/* parameters */

typedef double CdpMatrix[CDP_NEWTON_MAX][CDP_NEWTON_MAX];

/* Value, gradient and Hessian at theta. */
typedef void (*CdpEvaluate) (void *data, const double *theta,
							 double *value, double *gradient,
							 CdpMatrix hessian);

typedef struct CdpProblem
{
	int			nparams;
	CdpEvaluate evaluate;
	void	   *data;
	double		low[CDP_NEWTON_MAX];
	double		high[CDP_NEWTON_MAX];
} CdpProblem;

typedef struct CdpOptimum
{
	double		theta[CDP_NEWTON_MAX];
	double		value;
	CdpMatrix	covariance;		/* of theta; zeros for parameters held */
	bool		held[CDP_NEWTON_MAX];	/* at a bound, or without curvature */
	bool		converged;
	int			iterations;
} CdpOptimum;

/* Climb from optimum->theta; fills the rest. */
extern void cdp_model_maximise(const CdpProblem *problem, int max_iterations,
							   CdpOptimum *optimum);

#endif							/* CDP_MODEL_NEWTON_H */
