/*
 * count_surface.c
 *		What the likelihoods of purchase counts have in common: gamma rates.
 *
 * In each of these models a living customer buys at a rate ~ gamma(r, alpha),
 * which gives the log-likelihood of a group the terms
 *
 *	ln (r)_x - r log1p(t/alpha) - x ln(alpha+t)
 *
 * (count.c has the papers).  The two parameters of dropout follow these two;
 * what they do is their model's own.
 *
 * The box for times is relative to the mean time under watch, so the unit of
 * time does not matter to a fit.
 */
#include <math.h>
#include <string.h>

#include "model/count_surface.h"

/*
 * Mean time under watch and mean rate of repeat purchases; false if there is
 * too little to fit.
 */
static bool
summarise_groups(const CdpSurfaceData *data, double *mean_time,
				 double *mean_rate)
{
	double		weight = 0;
	double		time = 0;
	double		purchases = 0;

	for (size_t i = 0; i < data->ngroups; i++)
	{
		const CdpCountGroup *group = &data->groups[i];

		weight += group->weight;
		time += group->weight * group->customer.t;
		purchases += group->weight * group->customer.x;
		cdp_model_pause_at(i, data->pause);
	}
	if (weight < 2 || purchases <= 0 || time <= 0)
		return false;
	*mean_time = time / weight;
	*mean_rate = purchases / time;
	return true;
}

/* See count_surface.h. */
void
cdp_model_add_rising(CdpSurface *surface, const CdpRising *rate, double weight)
{
	surface->value += weight * rate->log;
	surface->gradient[CDP_RATE_SPREAD] += weight * rate->slope;
	surface->hessian[CDP_RATE_SPREAD][CDP_RATE_SPREAD] -= weight * rate->curve;
}

/* See count_surface.h. */
void
cdp_model_add_rate(CdpSurface *surface, double r, double alpha,
				   const CdpCountGroup *group)
{
	double		weight = group->weight;
	double		size = r + group->customer.x;
	double		age = alpha + group->customer.t;
	double		log_age = log1p(group->customer.t / alpha);

	surface->value -= weight * (size * log_age +
								group->customer.x * log(alpha));
	surface->gradient[CDP_RATE_SPREAD] -= weight * log_age;
	surface->gradient[CDP_RATE_LEVEL] += weight * (r / alpha - size / age);
	surface->hessian[CDP_RATE_LEVEL][CDP_RATE_SPREAD] += weight *
		(1 / alpha - 1 / age);
	surface->hessian[CDP_RATE_LEVEL][CDP_RATE_LEVEL] += weight *
		(size / (age * age) - r / (alpha * alpha));
}

/* See count_surface.h. */
void
cdp_model_turn_surface(CdpSurface *surface, CdpMatrix jacobian, double *value,
					   double *gradient, CdpMatrix hessian)
{
	*value = surface->value;
	for (int i = 0; i < CDP_SURFACE_PARAMS; i++)
		for (int j = i + 1; j < CDP_SURFACE_PARAMS; j++)
			surface->hessian[i][j] = surface->hessian[j][i];
	for (int i = 0; i < CDP_SURFACE_PARAMS; i++)
	{
		gradient[i] = 0;
		for (int k = 0; k < CDP_SURFACE_PARAMS; k++)
			gradient[i] += surface->gradient[k] * jacobian[k][i];
		for (int j = 0; j < CDP_SURFACE_PARAMS; j++)
		{
			double		sum = 0;

			for (int k = 0; k < CDP_SURFACE_PARAMS; k++)
				for (int l = 0; l < CDP_SURFACE_PARAMS; l++)
					sum += jacobian[k][i] * surface->hessian[k][l] *
						jacobian[l][j];
			hessian[i][j] = sum;
		}
	}
}

/* Box and starts of a fit. */
static void
set_task(const CdpSurfaceFit *model, double mean_time, double mean_rate,
		 CdpProblem *problem, double (*starts)[CDP_NEWTON_MAX])
{
	double		scale = log(mean_time);
	const double shift[2] = {0, model->has_time ? scale : 0};

	problem->low[CDP_RATE_SPREAD] = log(1e-4);
	problem->high[CDP_RATE_SPREAD] = log(1e4);
	problem->low[CDP_RATE_LEVEL] = log(1e-6) + scale;
	problem->high[CDP_RATE_LEVEL] = log(1e7) + scale;
	for (int j = 0; j < 2; j++)
	{
		problem->low[2 + j] = model->low[j] + shift[j];
		problem->high[2 + j] = model->high[j] + shift[j];
	}
	for (int i = 0; i < CDP_SURFACE_STARTS; i++)
	{
		double		r = model->rate_spread[i];

		starts[i][CDP_RATE_SPREAD] = log(r);
		starts[i][CDP_RATE_LEVEL] = log(r / mean_rate / 2);
		for (int j = 0; j < 2; j++)
			starts[i][2 + j] = model->dropout[i][j] + shift[j];
	}
}

/* See count_surface.h. */
void
cdp_model_fit_surface(const CdpSurfaceFit *model, CdpSurfaceData *data,
					  CdpFit *fit)
{
	CdpFitTask	task = {0};
	double		starts[CDP_SURFACE_STARTS][CDP_NEWTON_MAX];
	double		mean_time;
	double		mean_rate;
	CdpOptimum	best;
	CdpMatrix	jacobian;

	memset(fit, 0, sizeof(*fit));
	fit->nparams = CDP_SURFACE_PARAMS;
	fit->status = CDP_FIT_INSUFFICIENT;
	if (!summarise_groups(data, &mean_time, &mean_rate))
		return;
	set_task(model, mean_time, mean_rate, &task.problem, starts);
	task.problem.nparams = CDP_SURFACE_PARAMS;
	task.problem.evaluate = model->evaluate;
	task.problem.data = data;
	task.stride = &data->stride;
	task.ngroups = data->ngroups;
	task.nstarts = CDP_SURFACE_STARTS;
	task.starts = (const double (*)[CDP_NEWTON_MAX]) starts;
	cdp_model_fit_starts(&task, &best, fit);
	model->to_natural(best.theta, fit->params, jacobian);
	fit->loglik = best.value;
	cdp_model_transform_covariance(CDP_SURFACE_PARAMS, jacobian,
								   best.covariance, fit->covariance);
}
