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
 */
#include <math.h>
#include <string.h>

#include "model/count_surface.h"

/* See count_surface.h. */
bool
cdp_model_summarise_groups(const CdpCountGroup *groups, size_t ngroups,
						   double *mean_time, double *mean_rate)
{
	double		weight = 0;
	double		time = 0;
	double		purchases = 0;

	for (size_t i = 0; i < ngroups; i++)
	{
		weight += groups[i].weight;
		time += groups[i].weight * groups[i].customer.t;
		purchases += groups[i].weight * groups[i].customer.x;
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
