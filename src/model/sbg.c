/*
 * sbg.c
 *		Shifted beta-geometric: who renews a contract.
 *
 * P. Fader, B. Hardie, "How to Project Customer Retention", J. Interactive
 * Marketing 21 (2007), "FH" below; and "Customer-Base Valuation in a
 * Contractual Setting", Marketing Science 29 (2010).  At each renewal a
 * customer leaves with a probability of her own, the same each time,
 * beta(a, b) over customers.  Retention rises with tenure although nobody
 * changes: those who would leave have left.
 *
 *	P(T = t) = a/(a+b+t-1) S(t-1)							FH eq. 5
 *	S(t) = (b)_t / (a+b)_t = B(a, b+t)/B(a, b)				FH eq. 6
 *	retention at t = S(t)/S(t-1) = (b+t-1)/(a+b+t-1)		FH eq. 8
 *
 * After n renewals her probability is beta(a, b+n).  Sums over renewals to
 * come, sum_k S(n+k)/S(n) v^k, are means under it of
 *
 *	g = sum_k (1-p)^k v^k = v/((1-v) + s),			s = p/(1-p), without end
 *	g = sum_{k<=h} (1-p)^k = (1 - (1+s)^-h) / s,	undiscounted, h renewals
 *
 * which quadrature.c integrates over y = ln s from the peak to either side:
 * there p^a (1-p)^b is smooth and log-concave.  (The paper has the
 * hypergeometric function.)
 */
#include <math.h>
#include <string.h>

#include "model/quadrature.h"
#include "model/sbg.h"
#include "model/special.h"

/* Groups between two pauses. */
#define PAUSE_EVERY 8192

/* Up to so many renewals are added up one by one. */
#define MAX_TERMS 1000

/* e^-this is not worth counting. */
#define NEGLIGIBLE 50.0

/* Beta(a, b) with both above this is a point. */
#define POINT_FROM 1e20

/* Beyond this e^y or e^-y leaves the range of doubles. */
#define FAR 700.0

enum
{
	A, B, NPARAMS
};

/* What evaluate_sbg() works on. */
typedef struct SbgData
{
	const CdpSbgGroup *groups;
	size_t		ngroups;
	size_t		stride;
	CdpPause	pause;
} SbgData;

/* A mean over beta(a, b): of either g of the file's story. */
typedef struct SbgMean
{
	double		a;
	double		b;
	double		rate;			/* v = e^-rate, if without end */
	double		horizon;		/* else 0 */
} SbgMean;

/* One side of the peak of that mean. */
typedef struct SbgSide
{
	const SbgMean *mean;
	double		peak;
	double		direction;		/* 1 or -1 */
} SbgSide;

/* See sbg.h: FH eq. 8. */
double
cdp_model_sbg_retention(const CdpSbgParams *params, double period)
{
	double		b = params->b + (period - 1);

	return b / (params->a + b);
}

/* See sbg.h: FH eq. 6. */
double
cdp_model_sbg_survival(const CdpSbgParams *params, double tenure,
					   double horizon)
{
	CdpBetaRising sum = {0};

	cdp_model_grow_beta_rising(&sum, params->a, params->b, tenure,
							   tenure + horizon);
	return exp(sum.log);
}

/* ln of the density of y = logit p for p ~ beta(a, b). */
static double
log_density(const SbgMean *mean, double y)
{
	if (y < -FAR)
		return mean->a * y - cdp_model_log_beta(mean->a, mean->b);
	if (y > FAR)
		return -mean->b * y - cdp_model_log_beta(mean->a, mean->b);
	return cdp_model_log_odds_density(mean->a, mean->b, exp(y));
}

/* ln g at y = ln s. */
static double
log_g(const SbgMean *mean, double y)
{
	double		s = exp(fmin(y, FAR));

	if (mean->horizon == 0)
		return -mean->rate - (y > FAR ? y : log(-expm1(-mean->rate) + s));
	if (mean->horizon * s < 1e-17)
		return log(mean->horizon);
	return log(-expm1(-mean->horizon * log1p(s))) - y;
}

static double
log_mean(const SbgMean *mean, double y)
{
	return log_density(mean, y) + log_g(mean, y);
}

/* The same from the peak on, to either side. */
static double
log_side(const void *data, double distance)
{
	const SbgSide *side = data;

	return log_mean(side->mean, side->peak + side->direction * distance);
}

/* The peak of the integrand, by golden section; it lies between these. */
static double
find_peak(const SbgMean *mean, double knee)
{
	const double golden = 0.6180339887498949;
	double		low = log(mean->a) - 2 +
		fmin(log(knee), -log(mean->a + mean->b));
	double		high = log(mean->a) - log(mean->b) + 1;
	double		width = sqrt(1 / mean->a + 1 / mean->b);

	for (int i = 0; i < 100 && high - low > 0.01 * fmin(width, 1); i++)
	{
		double		left = high - golden * (high - low);
		double		right = low + golden * (high - low);

		if (log_mean(mean, left) < log_mean(mean, right))
			low = left;
		else
			high = right;
	}
	return (low + high) / 2;
}

/*
 * The mean of g, which falls from s = knee on.  When a and b are so large that
 * the distribution is a point, it is g there.
 */
static double
find_mean(const SbgMean *mean, double knee)
{
	double		middle = log(mean->a) - log(mean->b);
	double		peak;
	double		low = fmin(fmin(middle, log(knee)), 0) - 3;
	double		high = fmax(fmax(middle, log(knee)), 0) + 3;
	SbgSide		left = {mean, 0, -1};
	SbgSide		right = {mean, 0, 1};
	CdpIntegral to_left = {log_side, &left};
	CdpIntegral to_right = {log_side, &right};

	if (fmin(mean->a, mean->b) > POINT_FROM)
		return exp(log_g(mean, middle));
	peak = find_peak(mean, knee);
	left.peak = right.peak = peak;
	to_left.bends = fmax(peak - low, 0);
	to_left.to = to_left.bends + NEGLIGIBLE / mean->a;
	to_right.bends = fmax(high - peak, 0);
	to_right.to = to_right.bends + NEGLIGIBLE / mean->b;
	return exp(cdp_model_log_integral(&to_left)) +
		exp(cdp_model_log_integral(&to_right));
}

/* See sbg.h. */
double
cdp_model_sbg_expected(const CdpSbgParams *params, double tenure,
					   double horizon)
{
	SbgMean		mean = {params->a, params->b + tenure, 0, horizon};
	double		reach = 1;
	double		sum = 0;

	if (horizon == 0)
		return 0;
	if (horizon == HUGE_VAL)
		return params->a > 1 ? mean.b / (params->a - 1) : HUGE_VAL;
	if (horizon > MAX_TERMS)
		return fmin(find_mean(&mean, 1 / horizon), horizon);
	for (double k = 0; k < horizon; k += 1)
	{
		reach *= (mean.b + k) / (mean.a + mean.b + k);
		sum += reach;
	}
	return sum;
}

/* See sbg.h. */
double
cdp_model_sbg_discounted(const CdpSbgParams *params, double tenure,
						 double rate)
{
	SbgMean		mean = {params->a, params->b + tenure, rate, 0};

	return find_mean(&mean, -expm1(-rate));
}

/* Add one group; stayed is for the renewals that it did. */
static void
add_group(const CdpSbgParams *params, const CdpBetaRising *stayed,
		   const CdpSbgGroup *group, double *value, double *gradient,
		   double hessian[NPARAMS][NPARAMS])
{
	double		weight = group->weight;

	*value += weight * stayed->log;
	gradient[A] -= weight * stayed->slope_ab;
	gradient[B] += weight * stayed->slope_b;
	hessian[A][A] += weight * stayed->curve_ab;
	hessian[B][A] += weight * stayed->curve_ab;
	hessian[B][B] += weight * (stayed->curve_ab - stayed->curve_b);
	if (group->churned > 0)
	{
		double		total = params->a + params->b + (group->tenure - 1);
		double		bend = weight / (total * total);

		*value += weight * log(params->a / total);
		gradient[A] += weight * (1 / params->a - 1 / total);
		gradient[B] -= weight / total;
		hessian[A][A] += bend - weight / (params->a * params->a);
		hessian[B][A] += bend;
		hessian[B][B] += bend;
	}
}

/* Natural parameters and the Jacobian; theta = ln(a+b), logit a/(a+b). */
static CdpSbgParams
to_natural(const double *theta, CdpMatrix jacobian)
{
	double		total = exp(theta[0]);
	double		share = cdp_model_logistic(theta[1]);
	double		rest = cdp_model_logistic(-theta[1]);
	CdpSbgParams params = {total * share, total * rest};

	memset(jacobian, 0, sizeof(CdpMatrix));
	jacobian[A][0] = params.a;
	jacobian[B][0] = params.b;
	jacobian[A][1] = total * share * rest;
	jacobian[B][1] = -total * share * rest;
	return params;
}

/* Sum over all groups, in natural parameters; j <= i of curve only. */
static void
sum_groups(const SbgData *data, const CdpSbgParams *params, double *value,
		   double *slope, double curve[NPARAMS][NPARAMS])
{
	CdpBetaRising stayed = {0};
	double		reached = 0;

	for (size_t i = 0; i < data->ngroups; i += data->stride)
	{
		const CdpSbgGroup *group = &data->groups[i];
		double		renewed = group->tenure - (group->churned > 0);

		/* sorted by tenure, in one tenure those who renewed first */
		if (renewed < reached)
		{
			memset(&stayed, 0, sizeof(stayed));
			reached = 0;
		}
		cdp_model_grow_beta_rising(&stayed, params->a, params->b, reached,
								   renewed);
		reached = renewed;
		add_group(params, &stayed, group, value, slope, curve);
		if (i / data->stride % PAUSE_EVERY == PAUSE_EVERY - 1 &&
			data->pause != NULL)
			data->pause();
	}
}

/* The CdpEvaluate of this model. */
static void
evaluate_sbg(void *arg, const double *theta, double *value, double *gradient,
			 CdpMatrix hessian)
{
	CdpMatrix	jacobian;
	CdpSbgParams params = to_natural(theta, jacobian);
	double		slope[NPARAMS] = {0};
	double		curve[NPARAMS][NPARAMS] = {{0}};
	double		swing = jacobian[A][1];
	double		tilt = (params.b - params.a) / (params.a + params.b);

	*value = 0;
	sum_groups(arg, &params, value, slope, curve);
	curve[A][B] = curve[B][A];
	for (int i = 0; i < NPARAMS; i++)
	{
		gradient[i] = slope[A] * jacobian[A][i] + slope[B] * jacobian[B][i];
		for (int j = 0; j < NPARAMS; j++)
		{
			hessian[i][j] = 0;
			for (int k = 0; k < NPARAMS; k++)
				for (int l = 0; l < NPARAMS; l++)
					hessian[i][j] += jacobian[k][i] * curve[k][l] *
						jacobian[l][j];
		}
	}
	/* what second derivatives of a and b in theta add */
	hessian[0][0] += gradient[0];
	hessian[0][1] += gradient[1];
	hessian[1][0] += gradient[1];
	hessian[1][1] += (slope[A] - slope[B]) * swing * tilt;
}

/* Is there anything to fit: two customers, and a renewal faced? */
static bool
is_sufficient(const CdpSbgGroup *groups, size_t ngroups, CdpPause pause)
{
	double		weight = 0;
	double		faced = 0;

	for (size_t i = 0; i < ngroups; i++)
	{
		weight += groups[i].weight;
		faced += groups[i].weight * groups[i].tenure;
		cdp_model_pause_at(i, pause);
	}
	return weight >= 2 && faced > 0;
}

/* See sbg.h. */
void
cdp_model_fit_sbg(const CdpSbgGroup *groups, size_t ngroups, CdpPause pause,
				  CdpFit *fit)
{
	static const double starts[3][CDP_NEWTON_MAX] = {	/* theta */
		{0.5, -0.5}, {2, -2}, {-1, 0}
	};
	SbgData		data = {groups, ngroups, 1, pause};
	CdpFitTask	task = {0};
	CdpOptimum	best;
	CdpMatrix	jacobian;
	CdpSbgParams params;

	memset(fit, 0, sizeof(*fit));
	fit->nparams = NPARAMS;
	fit->status = CDP_FIT_INSUFFICIENT;
	if (!is_sufficient(groups, ngroups, pause))
		return;
	task.problem.nparams = NPARAMS;
	task.problem.evaluate = evaluate_sbg;
	task.problem.data = &data;
	task.stride = &data.stride;
	task.ngroups = ngroups;
	task.problem.low[0] = log(1e-3);
	task.problem.high[0] = log(1e5);
	task.problem.low[1] = -16;
	task.problem.high[1] = 16;
	task.nstarts = 3;
	task.starts = starts;
	cdp_model_fit_starts(&task, &best, fit);
	params = to_natural(best.theta, jacobian);
	memcpy(fit->params, &params, sizeof(params));
	fit->loglik = best.value;
	cdp_model_transform_covariance(NPARAMS, jacobian, best.covariance,
								   fit->covariance);
}
