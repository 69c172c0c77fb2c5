/*
 * interval.c
 *		Delta method: from the covariance of parameters to the error of a
 *		score.
 *
 * Var f(theta) = f' C f (f' the gradient) for a smooth f (any textbook; Oehlert, "A Note on
 * the Delta Method", American Statistician 46, 1992).  The gradient is taken
 * by central differences over relative steps: scores are good to 1e-12, so
 * steps of 1e-4 leave 1e-8, far below what an interval needs.
 *
 * It is the error of the estimate that this tells: how well the customers
 * fitted pin down the expectation for a customer such as this one, not how
 * far her own luck may take her from it.
 */
#include <math.h>
#include <string.h>

#include "model/interval.h"

#define RELATIVE_STEP 1e-4

/* d score / d params[i]. */
static double
slope(CdpScoreFunction score, const void *data, int nparams,
	  const double *params, int i)
{
	double		moved[CDP_NEWTON_MAX];
	double		step = params[i] * RELATIVE_STEP;
	double		up;
	double		down;

	memcpy(moved, params, nparams * sizeof(double));
	moved[i] = params[i] + step;
	up = score(data, moved);
	moved[i] = params[i] - step;
	down = score(data, moved);
	return (up - down) / (2 * step);
}

/* See interval.h. */
double
cdp_model_delta_variance(CdpScoreFunction score, const void *data,
						 int nparams, const double *params,
						 CdpMatrix covariance)
{
	double		gradient[CDP_NEWTON_MAX] = {0};
	double		variance = 0;

	for (int i = 0; i < nparams; i++)
		if (covariance[i][i] > 0)
			gradient[i] = slope(score, data, nparams, params, i);
	for (int i = 0; i < nparams; i++)
		for (int j = 0; j < nparams; j++)
			variance += gradient[i] * covariance[i][j] * gradient[j];
	/* fmax() would make a certainty of what is not a number */
	return variance < 0 ? 0 : variance;
}

/* See interval.h: Newton on erf from a rough start, monotone for z > 0. */
double
cdp_model_normal_width(double level)
{
	double		z = 0;

	for (int i = 0; i < 100; i++)
	{
		double		missing = erfc(z / sqrt(2)) - (1 - level);
		double		density = 2 * exp(-z * z / 2) / sqrt(2 * acos(-1));
		double		step = missing / density;

		z += step;
		if (fabs(step) < 1e-14 * (1 + z))
			break;
	}
	return z;
}
