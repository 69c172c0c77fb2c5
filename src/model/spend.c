/*
 * spend.c
 *		Gamma-Gamma: what a purchase will be worth.
 *
 * P. Fader, B. Hardie, "The Gamma-Gamma Model of Monetary Value" (2013), "FH"
 * below.  A customer's amounts are gamma(p, nu), nu of her own ~ gamma(q, v).
 * With x purchases of mean m the likelihood of m is FH eq. 1a,
 *
 *	Gamma(px+q) / (Gamma(px) Gamma(q))
 *		v^q m^(px-1) x^(px) / (v + mx)^(px+q),
 *
 * written below so that nothing large cancels:
 *
 *	-ln B(px, q) - q log1p(mx/v) - px log1p(v/(mx)) - ln m,
 *
 * and the expected mean amount is FH eq. 5, p (v + xm) / (px + q - 1).
 *
 * The fit takes customers with x > 0 and m > 0; others say nothing of spend.
 * Groups come sorted by x, and gamma functions are paid once per distinct x.
 */
#include <math.h>
#include <string.h>

#include "model/special.h"
#include "model/spend.h"

/* Groups between two pauses: some 1 ms. */
#define PAUSE_EVERY 16384

enum
{
	P, Q, V, NPARAMS
};

/* What evaluate_spend() works on. */
typedef struct SpendData
{
	const CdpSpendGroup *groups;
	size_t		ngroups;
	size_t		stride;
	CdpPause	pause;
} SpendData;

/* What depends on x alone. */
typedef struct SpendCommon
{
	double		x;
	double		log_beta;
	double		slope_q;		/* d/dq of -ln B(px, q) */
	double		slope_z;		/* d/dz of it, z = px */
	double		curve_both;		/* trigamma(z+q) */
	double		curve_q;		/* trigamma(z+q) - trigamma(q) */
	double		curve_z;		/* trigamma(z+q) - trigamma(z) */
} SpendCommon;

/* Log-likelihood of one customer, x > 0 and m > 0: FH eq. 1a. */
double
cdp_model_spend_loglik(const CdpSpendParams *params, double x, double m)
{
	return cdp_model_log_odds_density(params->p * x, params->q,
									  m * x / params->v) - log(m);
}

/* Expected mean amount of a customer: FH eq. 5. */
bool
cdp_model_spend_expected(const CdpSpendParams *params, double x, double m,
						 double *result)
{
	double		shape = params->p * x + (params->q - 1);

	if (!(shape > 0))
		return false;
	*result = params->p * (params->v + x * m) / shape;
	return isfinite(*result);
}

static void
set_common(SpendCommon *common, const CdpSpendParams *params, double x)
{
	double		z = params->p * x;
	double		digamma = cdp_model_digamma(z + params->q);

	common->x = x;
	common->log_beta = cdp_model_log_beta(z, params->q);
	common->slope_q = digamma - cdp_model_digamma(params->q);
	common->slope_z = digamma - cdp_model_digamma(z);
	common->curve_both = cdp_model_trigamma(z + params->q);
	common->curve_q = common->curve_both - cdp_model_trigamma(params->q);
	common->curve_z = common->curve_both - cdp_model_trigamma(z);
}

/* Add one group to value, gradient and lower Hessian in p, q, v. */
static void
add_group(const SpendCommon *common, const CdpSpendParams *params,
		  const CdpSpendGroup *group, double *value, double *gradient,
		  CdpMatrix hessian)
{
	double		x = group->x;
	double		z = params->p * x;
	double		spent = group->m * x;
	double		total = params->v + spent;
	double		weight = group->weight;
	double		log_q = log1p(spent / params->v);
	double		log_z = log1p(params->v / spent);

	*value += weight * (-common->log_beta - params->q * log_q - z * log_z -
						log(group->m));
	gradient[P] += weight * x * (common->slope_z - log_z);
	gradient[Q] += weight * (common->slope_q - log_q);
	gradient[V] += weight * (params->q / params->v - (z + params->q) / total);
	hessian[P][P] += weight * x * x * common->curve_z;
	hessian[Q][P] += weight * x * common->curve_both;
	hessian[Q][Q] += weight * common->curve_q;
	hessian[V][P] -= weight * x / total;
	hessian[V][Q] += weight * (1 / params->v - 1 / total);
	hessian[V][V] += weight * ((z + params->q) / (total * total) -
							   params->q / (params->v * params->v));
}

/* The CdpEvaluate of this model; theta = ln p, ln q, ln v. */
static void
evaluate_spend(void *arg, const double *theta, double *value,
			   double *gradient, CdpMatrix hessian)
{
	SpendData  *data = arg;
	CdpSpendParams params = {exp(theta[P]), exp(theta[Q]), exp(theta[V])};
	const double natural[NPARAMS] = {params.p, params.q, params.v};
	SpendCommon common = {0};
	size_t		until_pause = PAUSE_EVERY;

	*value = 0;
	memset(gradient, 0, sizeof(double) * NPARAMS);
	memset(hessian, 0, sizeof(CdpMatrix));
	for (size_t i = 0; i < data->ngroups; i += data->stride)
	{
		if (data->groups[i].x != common.x)
			set_common(&common, &params, data->groups[i].x);
		add_group(&common, &params, &data->groups[i], value, gradient,
				  hessian);
		if (--until_pause == 0)
		{
			until_pause = PAUSE_EVERY;
			if (data->pause != NULL)
				data->pause();
		}
	}
	for (int i = 0; i < NPARAMS; i++)
	{
		gradient[i] *= natural[i];
		for (int j = 0; j <= i; j++)
			hessian[j][i] = hessian[i][j] =
				hessian[i][j] * natural[i] * natural[j];
		hessian[i][i] += gradient[i];
	}
}

/* See spend.h. */
void
cdp_model_fit_spend(const CdpSpendGroup *groups, size_t ngroups,
					CdpPause pause, CdpFit *fit)
{
	static const double guess[3][2] = {{6, 4}, {1, 2}, {20, 20}};	/* p, q */
	SpendData	data = {groups, ngroups, 1, pause};
	CdpFitTask	task = {0};
	double		starts[3][CDP_NEWTON_MAX];
	double		weight = 0;
	double		mean = 0;
	CdpOptimum	best;
	CdpMatrix	jacobian = {{0}};

	memset(fit, 0, sizeof(*fit));
	fit->nparams = NPARAMS;
	fit->status = CDP_FIT_INSUFFICIENT;
	for (size_t i = 0; i < ngroups; i++)
	{
		weight += groups[i].weight;
		mean += groups[i].weight * groups[i].m;
		cdp_model_pause_at(i, pause);
	}
	if (weight < 2)
		return;
	mean /= weight;
	task.problem.nparams = NPARAMS;
	task.problem.evaluate = evaluate_spend;
	task.problem.data = &data;
	task.stride = &data.stride;
	task.ngroups = ngroups;
	for (int i = 0; i < 3; i++)
	{
		starts[i][P] = log(guess[i][0]);
		starts[i][Q] = log(guess[i][1]);
		starts[i][V] = log(mean * guess[i][1] / guess[i][0]);
	}
	for (int i = 0; i < NPARAMS; i++)
	{
		task.problem.low[i] = log(1e-4) + (i == V ? log(mean) : 0);
		task.problem.high[i] = log(1e6) + (i == V ? log(mean) : 0);
	}
	task.nstarts = 3;
	task.starts = (const double (*)[CDP_NEWTON_MAX]) starts;
	cdp_model_fit_starts(&task, &best, fit);
	for (int i = 0; i < NPARAMS; i++)
		fit->params[i] = jacobian[i][i] = exp(best.theta[i]);
	fit->loglik = best.value;
	cdp_model_transform_covariance(NPARAMS, jacobian, best.covariance,
								   fit->covariance);
}
