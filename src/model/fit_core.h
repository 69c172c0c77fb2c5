/*
 * fit_core.h
 *		What every fit of the room takes and gives.  Pure; see fit_core.c.
 */
#ifndef CDP_MODEL_FIT_CORE_H
#define CDP_MODEL_FIT_CORE_H

#include <stddef.h>

#include "model/newton.h"
#include "model/pause.h"

typedef enum CdpFitStatus
{
	CDP_FIT_GIVEN,				/* parameters were written, not fitted */
	CDP_FIT_CONVERGED,
	CDP_FIT_BOUNDARY,			/* usable; some parameters are not identified */
	CDP_FIT_MAX_ITERATIONS,
	CDP_FIT_INSUFFICIENT		/* no parameters */
} CdpFitStatus;

/* A model that can be climbed from several starts. */
typedef struct CdpFitTask
{
	CdpProblem	problem;
	size_t	   *stride;			/* evaluate looks at every stride-th group */
	size_t		ngroups;
	int			nstarts;
	const double (*starts)[CDP_NEWTON_MAX];
} CdpFitTask;

/* A fit, in the model's natural parameters. */
typedef struct CdpFit
{
	CdpFitStatus status;
	int			nparams;
	double		params[CDP_NEWTON_MAX];
	CdpMatrix	covariance;
	bool		held[CDP_NEWTON_MAX];	/* by optimiser's parameter */
	double		loglik;
	int			iterations;
} CdpFit;

/* Find the best optimum over the starts; sets status and iterations. */
extern void cdp_model_fit_starts(CdpFitTask *task, CdpOptimum *best,
								 CdpFit *fit);

/* Covariance of params from that of theta: J C J'. */
extern void cdp_model_transform_covariance(int nparams, CdpMatrix jacobian,
										   CdpMatrix covariance,
										   CdpMatrix out);

#endif							/* CDP_MODEL_FIT_CORE_H */
