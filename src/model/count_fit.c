/*
 * count_fit.c
 *		Likelihood of BG/NBD and MBG/NBD over many customers, and its fit.
 *
 * Groups of like customers come sorted by x, t_x, t.  What depends on x alone
 * (rising factorials, most of the work) is grown from one x to the next and
 * paid once per distinct x; a group then costs two logarithms, a softplus and
 * some arithmetic, with gradient and Hessian.
 *
 * The log-likelihood of a group (count.c has the papers; n is the number of
 * chances to drop out survived, R = r+x, A = alpha+t, B = alpha+t_x):
 *
 *	ln (r)_x - r log1p(t/alpha) - x ln A + ln (b)_n/(a+b)_n + softplus(u),
 *	u = ln a - ln(b+n-1) + R ln(A/B), without the softplus if n = 0.
 *
 * The optimiser sees theta = ln r, ln alpha, ln(a+b), logit a/(a+b): how fast
 * people drop out and how much they differ in it are nearly independent, a
 * and b are not.
 */
#include <math.h>
#include <string.h>

#include "model/count_fit.h"
#include "model/count_surface.h"
#include "model/special.h"

/* Groups between two pauses: some 1 ms. */
#define PAUSE_EVERY 8192

/* Parameters after CDP_RATE_SPREAD and CDP_RATE_LEVEL. */
#define R CDP_RATE_SPREAD
#define ALPHA CDP_RATE_LEVEL
#define A 2
#define B 3
#define NPARAMS CDP_SURFACE_PARAMS

/* Add what depends on x alone, for customers of this weight together. */
static void
add_common(CdpSurface *surface, const CdpRising *rate,
		   const CdpBetaRising *dropout, double weight)
{
	cdp_model_add_rising(surface, rate, weight);
	surface->value += weight * dropout->log;
	surface->gradient[A] -= weight * dropout->slope_ab;
	surface->gradient[B] += weight * dropout->slope_b;
	surface->hessian[A][A] += weight * dropout->curve_ab;
	surface->hessian[B][A] += weight * dropout->curve_ab;
	surface->hessian[B][B] += weight * (dropout->curve_ab - dropout->curve_b);
}

/* Add the softplus(u) part of one group. */
static void
add_dropout(CdpSurface *surface, const CdpCountParams *params, double survived,
			const CdpCountGroup *group)
{
	const CdpCustomer *customer = &group->customer;
	double		size = params->r + customer->x;
	double		age = params->alpha + customer->t;
	double		last = params->alpha + customer->t_x;
	double		silence = log1p((customer->t - customer->t_x) / last);
	double		chance = params->b + (survived - 1);
	double		u = log(params->a / chance) + size * silence;
	double		odds = exp(-fabs(u));
	double		gone = (u > 0 ? 1 : odds) / (1 + odds);
	double		weight = group->weight * gone;
	double		spread = weight * (u > 0 ? odds : 1) / (1 + odds);
	double		slope[NPARAMS];

	slope[R] = silence;
	slope[ALPHA] = size * (1 / age - 1 / last);
	slope[A] = 1 / params->a;
	slope[B] = -1 / chance;
	surface->value += group->weight * (fmax(u, 0) + log1p(odds));
	for (int i = 0; i < NPARAMS; i++)
	{
		surface->gradient[i] += weight * slope[i];
		for (int j = 0; j <= i; j++)
			surface->hessian[i][j] += spread * slope[i] * slope[j];
	}
	surface->hessian[ALPHA][R] += weight * (1 / age - 1 / last);
	surface->hessian[ALPHA][ALPHA] += weight * size *
		(1 / (last * last) - 1 / (age * age));
	surface->hessian[A][A] -= weight * slope[A] * slope[A];
	surface->hessian[B][B] += weight * slope[B] * slope[B];
}

/* Sum over all groups. */
static void
sum_surface(const CdpSurfaceData *data, const CdpCountParams *params, CdpSurface *surface)
{
	CdpRising	rate = {0};
	CdpBetaRising dropout = {0};
	double		x = 0;
	double		survived = 0;
	double		common = 0;		/* weight of the groups with this x */
	size_t		until_pause = PAUSE_EVERY;

	memset(surface, 0, sizeof(*surface));
	for (size_t i = 0; i < data->ngroups; i += data->stride)
	{
		const CdpCountGroup *group = &data->groups[i];
		double		next = cdp_model_count_survived(data->kind,
													group->customer.x);

		if (group->customer.x != x)
			add_common(surface, &rate, &dropout, common);
		if (group->customer.x != x)
			common = 0;
		cdp_model_grow_rising(&rate, params->r, x, group->customer.x);
		cdp_model_grow_beta_rising(&dropout, params->a, params->b,
								   survived, next);
		x = group->customer.x;
		survived = next;
		common += group->weight;
		cdp_model_add_rate(surface, params->r, params->alpha, group);
		if (survived > 0)
			add_dropout(surface, params, survived, group);
		if (--until_pause == 0)
		{
			until_pause = PAUSE_EVERY;
			if (data->pause != NULL)
				data->pause();
		}
	}
	add_common(surface, &rate, &dropout, common);
}

/* The CdpToNatural of these models. */
static void
to_natural(const double *theta, double *params, CdpMatrix jacobian)
{
	double		total = exp(theta[2]);
	double		share = cdp_model_logistic(theta[3]);
	double		rest = cdp_model_logistic(-theta[3]);

	params[R] = exp(theta[0]);
	params[ALPHA] = exp(theta[1]);
	params[A] = total * share;
	params[B] = total * rest;
	memset(jacobian, 0, sizeof(CdpMatrix));
	jacobian[R][0] = params[R];
	jacobian[ALPHA][1] = params[ALPHA];
	jacobian[A][2] = params[A];
	jacobian[B][2] = params[B];
	jacobian[A][3] = total * share * rest;
	jacobian[B][3] = -total * share * rest;
}

/* Add gradient times second derivatives of params in theta. */
static void
add_bend(const CdpSurface *surface, const CdpCountParams *params,
		 CdpMatrix jacobian, CdpMatrix hessian)
{
	double		total = params->a + params->b;
	double		turn = surface->gradient[A] - surface->gradient[B];
	double		swing = jacobian[A][3];

	hessian[0][0] += surface->gradient[R] * params->r;
	hessian[1][1] += surface->gradient[ALPHA] * params->alpha;
	hessian[2][2] += surface->gradient[A] * params->a +
		surface->gradient[B] * params->b;
	hessian[2][3] += turn * swing;
	hessian[3][2] += turn * swing;
	hessian[3][3] += turn * swing * (params->b - params->a) / total;
}

/* The CdpEvaluate of these models. */
static void
evaluate_count(void *arg, const double *theta, double *value,
			   double *gradient, CdpMatrix hessian)
{
	CdpMatrix	jacobian;
	double		natural[NPARAMS];
	CdpCountParams params;
	CdpSurface	surface;

	to_natural(theta, natural, jacobian);
	params = (CdpCountParams) {natural[R], natural[ALPHA], natural[A],
	natural[B]};
	sum_surface(arg, &params, &surface);
	cdp_model_turn_surface(&surface, jacobian, value, gradient, hessian);
	add_bend(&surface, &params, jacobian, hessian);
}

/* See count_fit.h. */
void
cdp_model_fit_count(CdpCountKind kind, const CdpCountGroup *groups,
					size_t ngroups, CdpPause pause, CdpFit *fit)
{
	const CdpSurfaceFit model = {
		.evaluate = evaluate_count,
		.to_natural = to_natural,
		.rate_spread = {0.3, 1, 4},
		/* a + b, odds of a */
		.dropout = {
			{log(3), log(1.0 / 3)}, {log(1.5), 0}, {log(10), log(1.0 / 19)}
		},
		.low = {log(1e-3), -16},
		.high = {log(1e5), 16}
	};
	CdpSurfaceData data = {.kind = kind,.groups = groups,.ngroups = ngroups,
	.pause = pause};

	cdp_model_fit_surface(&model, &data, fit);
}
