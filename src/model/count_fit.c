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
 * and b are not.  The box for alpha is relative to the mean time under watch,
 * so the unit of time does not matter.
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

/* What evaluate_count() works on. */
typedef struct CountData
{
	CdpCountKind kind;
	const CdpCountGroup *groups;
	size_t		ngroups;
	size_t		stride;
	CdpPause	pause;
} CountData;

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
sum_surface(CountData *data, const CdpCountParams *params, CdpSurface *surface)
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

/* Natural parameters and the Jacobian d params / d theta. */
static CdpCountParams
to_natural(const double *theta, CdpMatrix jacobian)
{
	double		total = exp(theta[2]);
	double		share = cdp_model_logistic(theta[3]);
	double		rest = cdp_model_logistic(-theta[3]);
	CdpCountParams params = {
		exp(theta[0]), exp(theta[1]), total * share, total * rest
	};

	memset(jacobian, 0, sizeof(CdpMatrix));
	jacobian[R][0] = params.r;
	jacobian[ALPHA][1] = params.alpha;
	jacobian[A][2] = params.a;
	jacobian[B][2] = params.b;
	jacobian[A][3] = total * share * rest;
	jacobian[B][3] = -total * share * rest;
	return params;
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
	CountData  *data = arg;
	CdpMatrix	jacobian;
	CdpCountParams params = to_natural(theta, jacobian);
	CdpSurface	surface;

	sum_surface(data, &params, &surface);
	cdp_model_turn_surface(&surface, jacobian, value, gradient, hessian);
	add_bend(&surface, &params, jacobian, hessian);
}

/* The box; see the file's story. */
static void
set_box(CdpProblem *problem, double mean_time)
{
	const double low[NPARAMS] = {log(1e-4), log(1e-6 * mean_time),
	log(1e-3), -16};
	const double high[NPARAMS] = {log(1e4), log(1e7 * mean_time),
	log(1e5), 16};

	memcpy(problem->low, low, sizeof(low));
	memcpy(problem->high, high, sizeof(high));
}

/* See count_fit.h. */
void
cdp_model_fit_count(CdpCountKind kind, const CdpCountGroup *groups,
					size_t ngroups, CdpPause pause, CdpFit *fit)
{
	static const double guess[3][3] = {	/* r, a + b, a/(a + b) */
		{0.3, 3, 0.25}, {1, 1.5, 0.5}, {4, 10, 0.05}
	};
	CountData	data = {kind, groups, ngroups, 1, pause};
	CdpFitTask	task = {0};
	double		starts[3][CDP_NEWTON_MAX];
	double		mean_time;
	double		mean_rate;
	CdpOptimum	best;
	CdpMatrix	jacobian;
	CdpCountParams params;

	memset(fit, 0, sizeof(*fit));
	fit->nparams = NPARAMS;
	fit->status = CDP_FIT_INSUFFICIENT;
	if (!cdp_model_summarise_groups(groups, ngroups, &mean_time, &mean_rate))
		return;
	for (int i = 0; i < 3; i++)
	{
		starts[i][0] = log(guess[i][0]);
		starts[i][1] = log(guess[i][0] / mean_rate / 2);
		starts[i][2] = log(guess[i][1]);
		starts[i][3] = log(guess[i][2] / (1 - guess[i][2]));
	}
	task.problem.nparams = NPARAMS;
	task.problem.evaluate = evaluate_count;
	task.problem.data = &data;
	task.stride = &data.stride;
	task.ngroups = ngroups;
	set_box(&task.problem, mean_time);
	task.nstarts = 3;
	task.starts = (const double (*)[CDP_NEWTON_MAX]) starts;
	cdp_model_fit_starts(&task, &best, fit);
	params = to_natural(best.theta, jacobian);
	memcpy(fit->params, &params, sizeof(params));
	fit->loglik = best.value;
	cdp_model_transform_covariance(NPARAMS, jacobian, best.covariance,
								   fit->covariance);
}
