/*
 * pareto_fit.c
 *		Likelihood of Pareto/NBD over many customers, and its fit.
 *
 * The log-likelihood of a group (pareto.c has the papers and D) is
 *
 *	ln (r)_x - r log1p(t/alpha) - x ln(alpha+t) - s log1p(t/beta) + ln(1+D),
 *
 * and D = int e^h du over the time since the last purchase, with
 *
 *	h = ln s + R ln((alpha+t)/(alpha+u)) + s ln((beta+t)/(beta+u))
 *		- ln(beta+u).
 *
 * Derivatives of ln D are means under the density e^h/D: its gradient is
 * E h_i, its Hessian Cov(h_i, h_j) + E h_ij.  Each h_i is linear in one of
 *
 *	v = (ln(alpha+u), 1/(alpha+u), ln(beta+u), 1/(beta+u)),
 *
 * so one pass over the nodes of the integral, which sums v and its products,
 * gives value, gradient and Hessian.  With p = D/(1+D) those of ln(1+D) follow:
 * p E h_i, and p (Cov + E h_ij) + p (1-p) E h_i E h_j.
 *
 * A group costs a panel or two of 10 or 20 nodes at 60 ns.  The optimiser sees
 * the logarithms of the parameters.
 */
#include <math.h>
#include <string.h>

#include "model/pareto.h"
#include "model/pareto_fit.h"
#include "model/special.h"

/* Groups between two pauses: 0.1 ms, at the extremes 30. */
#define PAUSE_EVERY 64

/* More panels than the integral of any customer takes. */
#define MAX_PANELS 10000

/* Parameters after CDP_RATE_SPREAD and CDP_RATE_LEVEL. */
#define R CDP_RATE_SPREAD
#define ALPHA CDP_RATE_LEVEL
#define S 2
#define BETA 3
#define NPARAMS CDP_SURFACE_PARAMS

/*
 * Sums over nodes, relative to e^scale: of weights, of v and of products of
 * v, the logarithms of v relative to u = t_x.  Element i of v belongs to the
 * derivative by parameter i.
 */
typedef struct Moments
{
	double		weight;
	double		first[NPARAMS];
	double		second[NPARAMS][NPARAMS];	/* j <= i only */
} Moments;

static void
scale_moments(Moments *moments, double factor)
{
	moments->weight *= factor;
	for (int i = 0; i < NPARAMS; i++)
	{
		moments->first[i] *= factor;
		for (int j = 0; j <= i; j++)
			moments->second[i][j] *= factor;
	}
}

/* Add one node, at y, of this weight. */
static void
add_node(Moments *moments, const CdpPowers *powers, bool alpha_is_near,
		 double last_alpha, double last_beta, double y, double weight)
{
	double		growth = expm1(y);
	double		u = powers->near * growth;
	double		far = log1p(powers->ratio * growth);
	double		v[NPARAMS];

	v[R] = alpha_is_near ? y : far;
	v[ALPHA] = 1 / (last_alpha + u);
	v[S] = alpha_is_near ? far : y;
	v[BETA] = 1 / (last_beta + u);
	weight *= exp((1 - powers->near_power) * y - powers->far_power * far);
	moments->weight += weight;
	for (int i = 0; i < NPARAMS; i++)
	{
		double		part = weight * v[i];

		moments->first[i] += part;
		for (int j = 0; j <= i; j++)
			moments->second[i][j] += part * v[j];
	}
}

/*
 * Sum over all nodes, and normalise to means; returns ln of the integral that
 * cdp_model_pareto_open_gone() set up.
 */
static double
find_moments(const CdpParetoParams *params, const CdpCustomer *customer,
			 Moments *moments)
{
	double		last_alpha = params->alpha + customer->t_x;
	double		last_beta = params->beta + customer->t_x;
	CdpPowers	powers;
	CdpPanel	panel;
	double		integral;

	memset(moments, 0, sizeof(*moments));
	cdp_model_pareto_open_gone(params, customer, &powers);
	cdp_model_first_panel(&powers.integral, &panel);
	for (int n = 0; n < MAX_PANELS &&
		 cdp_model_next_panel(&powers.integral, &panel); n++)
	{
		double		middle = (panel.from + panel.to) / 2;
		double		half = (panel.to - panel.from) / 2;
		double		unit = half * exp(-panel.scale);
		const double *nodes = cdp_model_panel_nodes(&panel);
		const double *weights = cdp_model_panel_weights(&panel);

		if (panel.shrink != 1)
			scale_moments(moments, panel.shrink);
		for (int i = 0; i < panel.nnodes; i++)
		{
			double		offset = half * nodes[i / 2];

			add_node(moments, &powers, last_alpha <= last_beta, last_alpha,
					 last_beta, middle + (i % 2 ? offset : -offset),
					 unit * weights[i / 2]);
		}
	}
	integral = moments->weight;
	scale_moments(moments, 1 / integral);
	return log(powers.near) + log(integral) + panel.scale;
}

/* The Hessian of ln D less the covariance of slopes: E h_ij, j <= i. */
static void
mean_curvature(const CdpParetoParams *params, const CdpCustomer *customer,
			   const Moments *moments, double out[NPARAMS][NPARAMS])
{
	double		size = params->r + customer->x;
	double		age_alpha = 1 / (params->alpha + customer->t);
	double		age_beta = 1 / (params->beta + customer->t);

	memset(out, 0, NPARAMS * NPARAMS * sizeof(double));
	out[ALPHA][R] = age_alpha - moments->first[ALPHA];
	out[ALPHA][ALPHA] = size * (moments->second[ALPHA][ALPHA] -
								age_alpha * age_alpha);
	out[S][S] = -1 / (params->s * params->s);
	out[BETA][S] = age_beta - moments->first[BETA];
	out[BETA][BETA] = (params->s + 1) * moments->second[BETA][BETA] -
		params->s * age_beta * age_beta;
}

/* Add the ln(1+D) part of one group. */
static void
add_gone(CdpSurface *surface, const CdpParetoParams *params,
		 const CdpCountGroup *group)
{
	const CdpCustomer *customer = &group->customer;
	double		size = params->r + customer->x;
	double		silent = customer->t - customer->t_x;
	Moments		moments;
	double		odds = cdp_model_pareto_odds(params, customer,
											 find_moments(params, customer,
														  &moments));
	double		gone = cdp_model_logistic(odds);
	double		alive = cdp_model_logistic(-odds);
	double		turn[NPARAMS];	/* d h_i / d v_i */
	double		slope[NPARAMS]; /* E h_i */
	double		curve[NPARAMS][NPARAMS];

	turn[R] = turn[S] = -1;
	turn[ALPHA] = -size;
	turn[BETA] = -(params->s + 1);
	slope[R] = log1p(silent / (params->alpha + customer->t_x));
	slope[ALPHA] = size / (params->alpha + customer->t);
	slope[S] = log1p(silent / (params->beta + customer->t_x)) + 1 / params->s;
	slope[BETA] = params->s / (params->beta + customer->t);
	mean_curvature(params, customer, &moments, curve);
	for (int i = 0; i < NPARAMS; i++)
		slope[i] += turn[i] * moments.first[i];
	surface->value += group->weight * cdp_model_softplus(odds);
	for (int i = 0; i < NPARAMS; i++)
	{
		surface->gradient[i] += group->weight * gone * slope[i];
		for (int j = 0; j <= i; j++)
			surface->hessian[i][j] += group->weight * gone *
				(curve[i][j] + alive * slope[i] * slope[j] +
				 turn[i] * turn[j] * (moments.second[i][j] -
									  moments.first[i] * moments.first[j]));
	}
}

/* Add the part -s log1p(t/beta) of one group. */
static void
add_survival(CdpSurface *surface, const CdpParetoParams *params,
			 const CdpCountGroup *group)
{
	double		t = group->customer.t;
	double		age = params->beta + t;
	double		fall = t / (params->beta * age);	/* 1/beta - 1/age */

	surface->value -= group->weight * params->s * log1p(t / params->beta);
	surface->gradient[S] -= group->weight * log1p(t / params->beta);
	surface->gradient[BETA] += group->weight * params->s * fall;
	surface->hessian[BETA][S] += group->weight * fall;
	surface->hessian[BETA][BETA] -= group->weight * params->s * fall *
		(1 / params->beta + 1 / age);
}

/* Sum over all groups. */
static void
sum_surface(const CdpSurfaceData *data, const CdpParetoParams *params,
			CdpSurface *surface)
{
	CdpRising	rate = {0};
	double		x = 0;
	size_t		until_pause = PAUSE_EVERY;

	memset(surface, 0, sizeof(*surface));
	for (size_t i = 0; i < data->ngroups; i += data->stride)
	{
		const CdpCountGroup *group = &data->groups[i];

		cdp_model_grow_rising(&rate, params->r, x, group->customer.x);
		x = group->customer.x;
		cdp_model_add_rising(surface, &rate, group->weight);
		cdp_model_add_rate(surface, params->r, params->alpha, group);
		add_survival(surface, params, group);
		if (group->customer.t > group->customer.t_x)
			add_gone(surface, params, group);
		if (--until_pause == 0)
		{
			until_pause = PAUSE_EVERY;
			if (data->pause != NULL)
				data->pause();
		}
	}
}

/* The CdpToNatural of this model. */
static void
to_natural(const double *theta, double *params, CdpMatrix jacobian)
{
	memset(jacobian, 0, sizeof(CdpMatrix));
	for (int i = 0; i < NPARAMS; i++)
		params[i] = jacobian[i][i] = exp(theta[i]);
}

/* The CdpEvaluate of this model. */
static void
evaluate_pareto(void *arg, const double *theta, double *value,
				double *gradient, CdpMatrix hessian)
{
	CdpMatrix	jacobian;
	double		params[NPARAMS];
	CdpSurface	surface;

	to_natural(theta, params, jacobian);
	sum_surface(arg, &(CdpParetoParams) {params[R], params[ALPHA], params[S],
		params[BETA]}, &surface);
	cdp_model_turn_surface(&surface, jacobian, value, gradient, hessian);
	for (int i = 0; i < NPARAMS; i++)
		hessian[i][i] += gradient[i];
}

/* See pareto_fit.h. */
void
cdp_model_fit_pareto(const CdpCountGroup *groups, size_t ngroups,
					 CdpPause pause, CdpFit *fit)
{
	const CdpSurfaceFit model = {
		.evaluate = evaluate_pareto,
		.to_natural = to_natural,
		.rate_spread = {0.5, 1, 2},
		/* s, beta */
		.dropout = {
			{log(0.5), log(0.5)}, {log(0.2), log(0.1)}, {log(3), log(6)}
		},
		.low = {log(1e-4), log(1e-6)},
		.high = {log(1e4), log(1e7)},
		.has_time = true
	};
	CdpSurfaceData data = {.groups = groups,.ngroups = ngroups,.pause = pause};

	cdp_model_fit_surface(&model, &data, fit);
}
