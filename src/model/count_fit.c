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
#include "model/special.h"

/* Groups between two pauses: some 1 ms. */
#define PAUSE_EVERY 8192

enum
{
	R, ALPHA, A, B, NPARAMS
};

/* What evaluate_count() works on. */
typedef struct CountData
{
	CdpCountKind kind;
	const CdpCountGroup *groups;
	size_t		ngroups;
	size_t		stride;
	CdpPause	pause;
} CountData;

/* Value, gradient and Hessian in natural parameters. */
typedef struct Surface
{
	double		value;
	double		gradient[NPARAMS];
	double		hessian[NPARAMS][NPARAMS];	/* j <= i only */
} Surface;

/* The order that a fit wants its groups in. */
int
cdp_model_compare_groups(const void *left, const void *right)
{
	const CdpCountGroup *l = left;
	const CdpCountGroup *r = right;

	if (l->customer.x != r->customer.x)
		return l->customer.x < r->customer.x ? -1 : 1;
	if (l->customer.t_x != r->customer.t_x)
		return l->customer.t_x < r->customer.t_x ? -1 : 1;
	if (l->customer.t != r->customer.t)
		return l->customer.t < r->customer.t ? -1 : 1;
	return (l->weight > r->weight) - (l->weight < r->weight);
}

/* Add what depends on x alone, for customers of this weight together. */
static void
add_common(Surface *surface, const CdpRising *rate,
		   const CdpBetaRising *dropout, double weight)
{
	surface->value += weight * (rate->log + dropout->log);
	surface->gradient[R] += weight * rate->slope;
	surface->gradient[A] -= weight * dropout->slope_ab;
	surface->gradient[B] += weight * dropout->slope_b;
	surface->hessian[R][R] -= weight * rate->curve;
	surface->hessian[A][A] += weight * dropout->curve_ab;
	surface->hessian[B][A] += weight * dropout->curve_ab;
	surface->hessian[B][B] += weight * (dropout->curve_ab - dropout->curve_b);
}

/* Add the softplus(u) part of one group. */
static void
add_dropout(Surface *surface, const CdpCountParams *params, double survived,
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

/* Add the part of one group that depends on alpha and t. */
static void
add_rate(Surface *surface, const CdpCountParams *params,
		 const CdpCountGroup *group)
{
	double		weight = group->weight;
	double		size = params->r + group->customer.x;
	double		age = params->alpha + group->customer.t;
	double		log_age = log1p(group->customer.t / params->alpha);

	surface->value -= weight * (size * log_age +
								group->customer.x * log(params->alpha));
	surface->gradient[R] -= weight * log_age;
	surface->gradient[ALPHA] += weight * (params->r / params->alpha -
										  size / age);
	surface->hessian[ALPHA][R] += weight * (1 / params->alpha - 1 / age);
	surface->hessian[ALPHA][ALPHA] += weight *
		(size / (age * age) - params->r / (params->alpha * params->alpha));
}

/* Sum over all groups. */
static void
sum_surface(CountData *data, const CdpCountParams *params, Surface *surface)
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
		add_rate(surface, params, group);
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
add_bend(const Surface *surface, const CdpCountParams *params,
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
	Surface		surface;

	sum_surface(data, &params, &surface);
	*value = surface.value;
	for (int i = 0; i < NPARAMS; i++)
		for (int j = i + 1; j < NPARAMS; j++)
			surface.hessian[i][j] = surface.hessian[j][i];
	for (int i = 0; i < NPARAMS; i++)
	{
		gradient[i] = 0;
		for (int k = 0; k < NPARAMS; k++)
			gradient[i] += surface.gradient[k] * jacobian[k][i];
		for (int j = 0; j < NPARAMS; j++)
		{
			double		sum = 0;

			for (int k = 0; k < NPARAMS; k++)
				for (int l = 0; l < NPARAMS; l++)
					sum += jacobian[k][i] * surface.hessian[k][l] *
						jacobian[l][j];
			hessian[i][j] = sum;
		}
	}
	add_bend(&surface, &params, jacobian, hessian);
}

/*
 * Mean time under watch and mean rate of repeat purchases; false if there is
 * too little to fit.
 */
static bool
summarise(const CdpCountGroup *groups, size_t ngroups, double *mean_time,
		  double *mean_rate)
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
	if (!summarise(groups, ngroups, &mean_time, &mean_rate))
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
