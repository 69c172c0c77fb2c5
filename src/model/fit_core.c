/*
 * fit_core.c
 *		From several starts to one fit.
 *
 * A likelihood may have more than one hill, so a fit climbs from a few fixed
 * starts and keeps the highest end.  Over very many customers the climbs use
 * every stride-th group only (groups are sorted, so that is a fair sample),
 * and one more climb over all of them starts where the best one ended.
 */
#include <math.h>
#include <string.h>

#include "model/fit_core.h"

#define MAX_ITERATIONS 200

/* Starts are tried on about this many groups. */
#define SAMPLE_GROUPS 8192

/* Ends closer than this, relative, are the same hill. */
#define SAME_HILL 1e-9

/* Climb from every start over the sample; the best end goes to *best. */
static int
try_starts(const CdpFitTask *task, CdpOptimum *best)
{
	CdpOptimum	optimum;
	int			iterations = 0;

	for (int i = 0; i < task->nstarts; i++)
	{
		memcpy(optimum.theta, task->starts[i], sizeof(optimum.theta));
		cdp_model_maximise(&task->problem, MAX_ITERATIONS, &optimum);
		iterations += optimum.iterations;
		if (i == 0 || optimum.value >
			best->value + SAME_HILL * (1 + fabs(best->value)))
			*best = optimum;
	}
	return iterations;
}

/* See fit_core.h. */
void
cdp_model_fit_starts(CdpFitTask *task, CdpOptimum *best, CdpFit *fit)
{
	*task->stride = 1;
	if (task->ngroups > 2 * SAMPLE_GROUPS)
		*task->stride = task->ngroups / SAMPLE_GROUPS;
	fit->iterations = try_starts(task, best);
	if (*task->stride > 1)
	{
		*task->stride = 1;
		cdp_model_maximise(&task->problem, MAX_ITERATIONS, best);
		fit->iterations += best->iterations;
	}
	fit->status = best->converged ? CDP_FIT_CONVERGED : CDP_FIT_MAX_ITERATIONS;
	for (int i = 0; i < task->problem.nparams; i++)
	{
		fit->held[i] = best->held[i];
		if (best->converged && best->held[i])
			fit->status = CDP_FIT_BOUNDARY;
	}
}

/* See fit_core.h. */
void
cdp_model_transform_covariance(int nparams, CdpMatrix jacobian,
							   CdpMatrix covariance, CdpMatrix out)
{
	for (int i = 0; i < nparams; i++)
		for (int j = 0; j < nparams; j++)
		{
			double		sum = 0;

			for (int k = 0; k < nparams; k++)
				for (int l = 0; l < nparams; l++)
					sum += jacobian[i][k] * covariance[k][l] * jacobian[j][l];
			out[i][j] = sum;
		}
}
