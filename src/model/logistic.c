/*
 * logistic.c
 *		Ridge logistic regression.
 *
 * With P(y = 1) = 1/(1 + e^-eta), eta = c_0 + sum_j c_j z_j, the penalised
 * log-likelihood of rows (y, x, weight w),
 *
 *	sum w (y eta - ln(1 + e^eta)) - l2/2 sum_j c_j^2,
 *
 * is maximised by Newton's method, which here is iteratively reweighted least
 * squares (P. McCullagh, J. Nelder, "Generalized Linear Models", 1989, 2.5; the
 * penalty: S. le Cessie, J. van Houwelingen, "Ridge Estimators in Logistic
 * Regression", Applied Statistics 41, 1992).  z_j is feature j standardised,
 * less its mean and over its standard deviation (weighted, of the rows, divided
 * by n), so the penalty is the same for all units; the intercept is free.
 * What comes out is turned back to the features as they came.
 *
 * What the rows do not tell.  A constant feature, and without penalty one that
 * is a linear combination of those before it, gets coefficient 0.  When a
 * combination of features separates the outcomes, the likelihood has no
 * maximum: coefficients grow until it is 1e-14 from its bound, and those
 * without curvature are reported as not identified, like the others.  Their
 * predictions are usable.
 *
 * Each iteration sees each row once, for k^2/2 multiplications; some eight do.
 */
#include <math.h>
#include <string.h>

#include "model/logistic.h"
#include "model/special.h"

#define MAX_ITERATIONS 100

/* A promised gain below this, relative to 1 + |value|, ends the climb. */
#define LAST_GAIN 1e-14

/* A value this much lower, relative, is rounding and not a fall. */
#define NOISE 1e-12

/* Less than this share of a step is not tried. */
#define SHORTEST 1e-6

/* Less than this of a feature's variance left by those before it: collinear. */
#define COLLINEAR 1e-10

/* A standard deviation below this, relative to the mean: constant. */
#define CONSTANT 1e-12

/* A larger variance of a standardised coefficient: not identified. */
#define UNKNOWN_VARIANCE 1e8

/* Multiplications between two pauses: some 10 ms. */
#define PAUSE_EVERY 10000000.0

/* One fit at work; all arrays are in the caller's room. */
typedef struct Climb
{
	CdpLogistic *fit;
	int			n;				/* parameters: nfeatures + 1 */
	double	   *mean;			/* by parameter; [0] unused */
	double	   *scale;			/* 1/sd, or 0 if the feature is left out */
	double	   *coefficient;	/* of standardised features */
	double	   *moved;
	double	   *gradient;
	double	   *step;
	double	   *z;				/* a row, standardised; z[0] = 1 */
	double	   *curvature;		/* n x n, lower triangle */
	double	   *factor;			/* its Cholesky factor */
	double		until_pause;
} Climb;

/* See logistic.h. */
size_t
cdp_model_logistic_work(int nfeatures)
{
	size_t		n = nfeatures + 1;

	return 7 * n + 2 * n * n;
}

static void
open_climb(Climb *climb, CdpLogistic *fit)
{
	int			n = fit->nfeatures + 1;
	double	   *next = fit->work;
	double	  **arrays[] = {
		&climb->mean, &climb->scale, &climb->coefficient, &climb->moved,
		&climb->gradient, &climb->step, &climb->z
	};

	memset(fit->work, 0, cdp_model_logistic_work(fit->nfeatures) *
		   sizeof(double));
	climb->fit = fit;
	climb->n = n;
	for (int i = 0; i < 7; i++, next += n)
		*arrays[i] = next;
	climb->curvature = next;
	climb->factor = next + (size_t) n * n;
	climb->until_pause = PAUSE_EVERY;
}

/* Row number i of the fit: y, features, weight. */
static const double *
get_row(const Climb *climb, size_t i)
{
	return climb->fit->rows + i * (climb->n + 1);
}

static double
get_weight(const Climb *climb, const double *row)
{
	return row[climb->n];
}

static void
pause_after(Climb *climb, double work)
{
	climb->until_pause -= work;
	if (climb->until_pause > 0)
		return;
	climb->until_pause = PAUSE_EVERY;
	if (climb->fit->pause != NULL)
		climb->fit->pause();
}

/* Find means and scales; false if there is nothing to fit. */
static bool
standardise(Climb *climb)
{
	double		total = 0;
	double		ones = 0;

	for (size_t i = 0; i < climb->fit->nrows; i++)
	{
		const double *row = get_row(climb, i);
		double		weight = get_weight(climb, row);

		total += weight;
		ones += weight * row[0];
		for (int j = 1; j < climb->n; j++)
			climb->mean[j] += (row[j] - climb->mean[j]) * (weight / total);
		pause_after(climb, climb->n);
	}
	for (size_t i = 0; i < climb->fit->nrows; i++)
	{
		const double *row = get_row(climb, i);

		for (int j = 1; j < climb->n; j++)
		{
			double		off = row[j] - climb->mean[j];

			climb->scale[j] += get_weight(climb, row) / total * off * off;
		}
		pause_after(climb, climb->n);
	}
	for (int j = 1; j < climb->n; j++)
	{
		double		sd = sqrt(climb->scale[j]);

		climb->scale[j] = 1 / sd;
		if (!(sd > CONSTANT * fabs(climb->mean[j])) ||
			!isfinite(climb->scale[j]) || climb->scale[j] == 0)
			climb->scale[j] = 0;
	}
	climb->scale[0] = 1;
	if (total < 2 || !(ones > 0) || !(ones < total))
		return false;
	climb->coefficient[0] = log(ones / (total - ones));
	return true;
}

/* Put row i, standardised, into z. */
static void
set_z(Climb *climb, const double *row)
{
	climb->z[0] = 1;
	for (int j = 1; j < climb->n; j++)
		climb->z[j] = (row[j] - climb->mean[j]) * climb->scale[j];
}

/* Add weight z z' to the curvature. */
static void
add_square(Climb *climb, double weight)
{
	for (int i = 0; i < climb->n; i++)
	{
		double		part = weight * climb->z[i];
		double	   *row = climb->curvature + (size_t) i * climb->n;

		for (int j = 0; j <= i; j++)
			row[j] += part * climb->z[j];
	}
}

/* Penalty, and 1 for parameters left out, so that they stay 0. */
static void
finish_curvature(Climb *climb)
{
	for (int j = 0; j < climb->n; j++)
	{
		double	   *diagonal = climb->curvature + (size_t) j * climb->n + j;

		if (climb->scale[j] == 0)
			*diagonal = 1;
		else if (j > 0)
			*diagonal += climb->fit->l2;
	}
}

/*
 * Factor the curvature.  A pivot that is too little of its diagonal fails, or,
 * if leave_out, leaves its parameter out.
 */
static bool
factor_curvature(Climb *climb, double least, bool leave_out)
{
	int			n = climb->n;
	double	   *factor = climb->factor;

	memcpy(factor, climb->curvature, (size_t) n * n * sizeof(double));
	for (int j = 0; j < n; j++)
	{
		double	   *rowj = factor + (size_t) j * n;
		double		pivot = rowj[j];

		for (int k = 0; k < j; k++)
			pivot -= rowj[k] * rowj[k];
		if (!(pivot > least * rowj[j]))
		{
			if (!leave_out)
				return false;
			climb->scale[j] = 0;
			memset(rowj, 0, j * sizeof(double));
			pivot = 1;
		}
		rowj[j] = sqrt(pivot);
		for (int i = j + 1; i < n; i++)
		{
			double	   *rowi = factor + (size_t) i * n;
			double		sum = rowi[j];

			for (int k = 0; k < j; k++)
				sum -= rowi[k] * rowj[k];
			rowi[j] = climb->scale[j] == 0 ? 0 : sum / rowj[j];
		}
		pause_after(climb, (double) (n - j) * j);
	}
	return true;
}

/* Solve L L' v = v. */
static void
solve(const Climb *climb, double *v)
{
	int			n = climb->n;

	for (int i = 0; i < n; i++)
	{
		const double *row = climb->factor + (size_t) i * n;

		for (int k = 0; k < i; k++)
			v[i] -= row[k] * v[k];
		v[i] /= row[i];
	}
	for (int i = n - 1; i >= 0; i--)
	{
		for (int k = i + 1; k < n; k++)
			v[i] -= climb->factor[(size_t) k * n + i] * v[k];
		v[i] /= climb->factor[(size_t) i * n + i];
	}
}

/* Leave out features that those before them determine. */
static void
drop_collinear(Climb *climb)
{
	for (size_t i = 0; i < climb->fit->nrows; i++)
	{
		const double *row = get_row(climb, i);

		set_z(climb, row);
		add_square(climb, get_weight(climb, row));
		pause_after(climb, (double) climb->n * climb->n / 2);
	}
	finish_curvature(climb);
	factor_curvature(climb, COLLINEAR, true);
}

/*
 * The penalised log-likelihood at these coefficients and the plain one, and,
 * if slopes, gradient and curvature (minus the Hessian).
 */
static double
evaluate(Climb *climb, const double *coefficient, bool slopes)
{
	int			n = climb->n;
	double		value = 0;
	double		penalty = 0;

	if (slopes)
	{
		memset(climb->gradient, 0, n * sizeof(double));
		memset(climb->curvature, 0, (size_t) n * n * sizeof(double));
	}
	for (size_t i = 0; i < climb->fit->nrows; i++)
	{
		const double *row = get_row(climb, i);
		double		weight = get_weight(climb, row);
		double		eta = 0;
		double		p;

		set_z(climb, row);
		for (int j = 0; j < n; j++)
			eta += coefficient[j] * climb->z[j];
		value -= weight * cdp_model_softplus(row[0] > 0 ? -eta : eta);
		pause_after(climb, slopes ? (double) n * n / 2 : n);
		if (!slopes)
			continue;
		p = cdp_model_logistic(eta);
		for (int j = 0; j < n; j++)
			climb->gradient[j] += climb->z[j] * weight *
				(row[0] > 0 ? cdp_model_logistic(-eta) : -p);
		add_square(climb, weight * p * cdp_model_logistic(-eta));
	}
	climb->fit->loglik = value;
	for (int j = 1; j < n; j++)
	{
		penalty += coefficient[j] * coefficient[j];
		if (slopes)
			climb->gradient[j] -= climb->fit->l2 * coefficient[j];
	}
	if (slopes)
		finish_curvature(climb);
	return value - climb->fit->l2 / 2 * penalty;
}

/* Newton until a step promises nothing; sets status and iterations. */
static void
climb_up(Climb *climb)
{
	CdpLogistic *fit = climb->fit;

	fit->status = CDP_FIT_MAX_ITERATIONS;
	for (fit->iterations = 0; fit->iterations < MAX_ITERATIONS;)
	{
		double		value = evaluate(climb, climb->coefficient, true);
		double		gain = 0;
		bool		climbed = false;

		memcpy(climb->step, climb->gradient, climb->n * sizeof(double));
		if (!factor_curvature(climb, 0, false))
			break;
		solve(climb, climb->step);
		for (int j = 0; j < climb->n; j++)
			gain += climb->step[j] * climb->gradient[j] / 2;
		for (double share = 1; share > SHORTEST && !climbed; share /= 2)
		{
			for (int j = 0; j < climb->n; j++)
				climb->moved[j] = climb->coefficient[j] +
					share * climb->step[j];
			climbed = evaluate(climb, climb->moved, false) >=
				value - NOISE * (1 + fabs(value));
		}
		if (!climbed)
			break;
		memcpy(climb->coefficient, climb->moved, climb->n * sizeof(double));
		fit->iterations++;
		if (gain < LAST_GAIN * (1 + fabs(value)))
		{
			fit->status = CDP_FIT_CONVERGED;
			break;
		}
	}
	evaluate(climb, climb->coefficient, true);
}

/*
 * The covariance of standardised coefficients, into the fit's; parameters
 * without curvature are left out.
 */
static void
find_covariance(Climb *climb)
{
	CdpLogistic *fit = climb->fit;
	int			n = climb->n;
	double		least = 1 / UNKNOWN_VARIANCE;

	for (int j = 0; j < n; j++)
	{
		fit->held[j] = climb->scale[j] == 0 ||
			climb->curvature[(size_t) j * n + j] < least;
		if (fit->held[j])
			climb->scale[j] = 0;
	}
	factor_curvature(climb, 1e-13, true);
	for (int j = 0; j < n; j++)
	{
		double	   *row = fit->covariance + (size_t) j * n;

		fit->held[j] = climb->scale[j] == 0;
		memset(row, 0, n * sizeof(double));
		if (fit->held[j])
			continue;
		row[j] = 1;
		solve(climb, row);
		for (int i = 0; i < n; i++)
			if (climb->scale[i] == 0)
				row[i] = 0;
	}
}

/* Turn coefficients and covariance back to the features as they came. */
static void
turn_back(Climb *climb, const double *scale)
{
	CdpLogistic *fit = climb->fit;
	int			n = climb->n;
	double	   *covariance = fit->covariance;
	double		intercept = climb->coefficient[0];

	for (int j = 1; j < n; j++)
	{
		fit->params[j] = climb->coefficient[j] * scale[j];
		intercept -= fit->params[j] * climb->mean[j];
		for (int i = 0; i < n; i++)
		{
			covariance[(size_t) i * n + j] *= scale[j];
			covariance[(size_t) j * n + i] *= scale[j];
		}
	}
	fit->params[0] = intercept;
	if (fit->held[0])
		return;
	/* the intercept is c_0 - sum of params x mean: rows, then columns */
	for (int j = 1; j < n; j++)
		for (int i = 0; i < n; i++)
			covariance[i] -= climb->mean[j] * covariance[(size_t) j * n + i];
	for (int j = 1; j < n; j++)
		for (int i = 0; i < n; i++)
			covariance[(size_t) i * n] -= climb->mean[j] *
				covariance[(size_t) i * n + j];
}

/* See logistic.h. */
void
cdp_model_fit_logistic(CdpLogistic *fit)
{
	Climb		climb;
	double	   *scale;

	fit->status = CDP_FIT_INSUFFICIENT;
	open_climb(&climb, fit);
	if (!standardise(&climb))
		return;
	if (fit->l2 == 0)
		drop_collinear(&climb);
	climb_up(&climb);
	/* from here on a scale of 0 says "not identified", not "left out" */
	scale = climb.moved;
	memcpy(scale, climb.scale, climb.n * sizeof(double));
	find_covariance(&climb);
	turn_back(&climb, scale);
	for (int j = 0; j < climb.n; j++)
		if (fit->held[j] && fit->status == CDP_FIT_CONVERGED)
			fit->status = CDP_FIT_BOUNDARY;
}

/* See logistic.h. */
double
cdp_model_logistic_odds(const double *params, int nfeatures,
						const double *features)
{
	double		eta = params[0];

	for (int j = 0; j < nfeatures; j++)
		eta += params[j + 1] * features[j];
	return eta;
}

/* See logistic.h. */
double
cdp_model_logistic_predict(const double *params, int nfeatures,
						   const double *features)
{
	return cdp_model_logistic(cdp_model_logistic_odds(params, nfeatures,
													  features));
}

/*
 * See logistic.h: the delta method, exact because log-odds are linear in the
 * coefficients (McCullagh, Nelder 1989, 4.4).  The covariance C comes as its
 * lower triangle, row by row; x has a 1 for the intercept.
 */
double
cdp_model_logistic_odds_error(const double *triangle, int nfeatures,
							  const double *features)
{
	double		variance = 0;

	for (int i = 0; i <= nfeatures; i++)
		for (int j = 0; j <= i; j++)
			variance += *triangle++ * (i == j ? 1 : 2) *
				(i == 0 ? 1 : features[i - 1]) *
				(j == 0 ? 1 : features[j - 1]);
	/* fmax() would make a certainty of what is not a number */
	return variance < 0 ? 0 : sqrt(variance);
}
