/*
 * newton.c
 *		Maximise a smooth function in a box: damped Newton.
 *
 * A step solves (-H + mu diag) step = gradient over the parameters that are
 * free.  A parameter at a bound whose gradient points out of the box is held;
 * it is let go as soon as the gradient turns.  mu is 0 while -H is positive
 * definite and grows while it is not or while the step does not climb
 * (Nocedal, Wright, "Numerical Optimization", 2006, ch. 3 and 16.7).
 * Parameters are logarithms, so no step is longer than MAX_STEP in any.
 *
 * It ends when the step promises less than rounding can show.  The last step
 * is taken all the same: Newton squares the error that is left.
 *
 * Deterministic: same function, same start, same bits.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "model/newton.h"

#define MAX_STEP 2.0

/* A promised gain below this, relative to 1 + |value|, ends the climb. */
#define LAST_GAIN 1e-13

/* A gain below this is taken on trust: rounding hides it. */
#define TRUSTED_GAIN 1e-10

/* Damping beyond this gives up. */
#define MAX_DAMPING 1e20

/* One point of the climb. */
typedef struct Point
{
	double		theta[CDP_NEWTON_MAX];
	double		value;
	double		gradient[CDP_NEWTON_MAX];
	CdpMatrix	hessian;
} Point;

/* Cholesky factor of the n x n matrix in place; false: not positive definite. */
static bool
factor(int n, CdpMatrix matrix)
{
	for (int j = 0; j < n; j++)
	{
		double		pivot = matrix[j][j];

		for (int k = 0; k < j; k++)
			pivot -= matrix[j][k] * matrix[j][k];
		if (!(pivot > 1e-13 * fabs(matrix[j][j])))
			return false;
		matrix[j][j] = sqrt(pivot);
		for (int i = j + 1; i < n; i++)
		{
			double		sum = matrix[i][j];

			for (int k = 0; k < j; k++)
				sum -= matrix[i][k] * matrix[j][k];
			matrix[i][j] = sum / matrix[j][j];
		}
	}
	return true;
}

/* Solve L L' v = v with a Cholesky factor. */
static void
solve(int n, CdpMatrix lower, double *v)
{
	for (int i = 0; i < n; i++)
	{
		for (int k = 0; k < i; k++)
			v[i] -= lower[i][k] * v[k];
		v[i] /= lower[i][i];
	}
	for (int i = n - 1; i >= 0; i--)
	{
		for (int k = i + 1; k < n; k++)
			v[i] -= lower[k][i] * v[k];
		v[i] /= lower[i][i];
	}
}

static void
evaluate(const CdpProblem *problem, Point *point)
{
	problem->evaluate(problem->data, point->theta, &point->value,
					  point->gradient, point->hessian);
}

/* The parameters not held at a bound; returns how many. */
static int
find_free(const CdpProblem *problem, const Point *point, int *free)
{
	int			nfree = 0;

	for (int i = 0; i < problem->nparams; i++)
	{
		bool		at_low = point->theta[i] <= problem->low[i] &&
			point->gradient[i] <= 0;
		bool		at_high = point->theta[i] >= problem->high[i] &&
			point->gradient[i] >= 0;

		if (!at_low && !at_high)
			free[nfree++] = i;
	}
	return nfree;
}

/* -H over the free parameters, its diagonal damped. */
static void
damped_curvature(const Point *point, const int *free, int nfree,
				 double damping, CdpMatrix out)
{
	for (int i = 0; i < nfree; i++)
	{
		for (int j = 0; j < nfree; j++)
			out[i][j] = -point->hessian[free[i]][free[j]];
		out[i][i] += damping * (fabs(out[i][i]) + 1e-8);
	}
}

/* The damped Newton step; false if the damped -H is not positive definite. */
static bool
find_step(const Point *point, const int *free, int nfree, double damping,
		  double *step)
{
	CdpMatrix	matrix;
	double		longest = 0;

	damped_curvature(point, free, nfree, damping, matrix);
	if (!factor(nfree, matrix))
		return false;
	for (int i = 0; i < nfree; i++)
		step[i] = point->gradient[free[i]];
	solve(nfree, matrix, step);
	for (int i = 0; i < nfree; i++)
		longest = fmax(longest, fabs(step[i]));
	if (!(longest < HUGE_VAL))
		return false;
	for (int i = 0; longest > MAX_STEP && i < nfree; i++)
		step[i] *= MAX_STEP / longest;
	return true;
}

/* theta + step, kept in the box. */
static void
take_step(const CdpProblem *problem, const Point *from, const int *free,
		  int nfree, const double *step, Point *to)
{
	memcpy(to->theta, from->theta, sizeof(to->theta));
	for (int i = 0; i < nfree; i++)
	{
		int			param = free[i];

		to->theta[param] = fmin(fmax(from->theta[param] + step[i],
									 problem->low[param]),
								problem->high[param]);
	}
}

/* What the step, as far as the box let it, promises to first order. */
static double
promised_gain(const Point *from, const Point *to, int nparams)
{
	double		gain = 0;

	for (int i = 0; i < nparams; i++)
		gain += from->gradient[i] * (to->theta[i] - from->theta[i]);
	return gain / 2;
}

/*
 * One iteration: move the point up.  Returns false when there is nowhere to
 * go; *last is set when the step taken was the last that can matter.
 */
static bool
climb(const CdpProblem *problem, Point *point, double *damping, bool *last)
{
	int			free[CDP_NEWTON_MAX];
	int			nfree = find_free(problem, point, free);
	double		noise = 1 + fabs(point->value);
	double		step[CDP_NEWTON_MAX];
	Point		next;

	*last = true;
	if (nfree == 0)
		return true;
	for (; *damping <= MAX_DAMPING; *damping = fmax(1e-4, *damping * 10))
	{
		double		gain;

		if (!find_step(point, free, nfree, *damping, step))
			continue;
		take_step(problem, point, free, nfree, step, &next);
		gain = promised_gain(point, &next, problem->nparams);
		evaluate(problem, &next);
		*last = gain < LAST_GAIN * noise;
		if (next.value >= point->value + 1e-4 * gain ||
			(gain < TRUSTED_GAIN * noise &&
			 next.value > point->value - TRUSTED_GAIN * noise))
		{
			*point = next;
			*damping = *damping < 1e-3 ? 0 : *damping / 10;
			return true;
		}
	}
	return false;
}

/*
 * Covariance of theta at the optimum.  A parameter without curvature is held
 * too: the data say nothing about it.
 */
static void
find_covariance(const CdpProblem *problem, const Point *point,
				CdpOptimum *optimum)
{
	int			free[CDP_NEWTON_MAX];
	int			nfree = find_free(problem, point, free);
	CdpMatrix	matrix;
	int			kept = 0;

	for (int i = 0; i < problem->nparams; i++)
		optimum->held[i] = true;
	for (int i = 0; i < nfree; i++)
		if (-point->hessian[free[i]][free[i]] > 1e-7)
			free[kept++] = free[i];
	for (; kept > 0; kept--)
	{
		damped_curvature(point, free, kept, 0, matrix);
		if (factor(kept, matrix))
			break;
	}
	memset(optimum->covariance, 0, sizeof(optimum->covariance));
	for (int i = 0; i < kept; i++)
	{
		double		column[CDP_NEWTON_MAX] = {0};

		optimum->held[free[i]] = false;
		column[i] = 1;
		solve(kept, matrix, column);
		for (int j = 0; j < kept; j++)
			optimum->covariance[free[i]][free[j]] = column[j];
	}
}

/* Climb from optimum->theta; see newton.h. */
void
cdp_model_maximise(const CdpProblem *problem, int max_iterations,
				   CdpOptimum *optimum)
{
	Point		point = {0};
	double		damping = 0;
	bool		last = false;

	for (int i = 0; i < problem->nparams; i++)
		point.theta[i] = fmin(fmax(optimum->theta[i], problem->low[i]),
							  problem->high[i]);
	evaluate(problem, &point);
	optimum->iterations = 0;
	while (!last && optimum->iterations < max_iterations &&
		   climb(problem, &point, &damping, &last))
		optimum->iterations++;
	memcpy(optimum->theta, point.theta, sizeof(optimum->theta));
	optimum->value = point.value;
	optimum->converged = last;
	find_covariance(problem, &point, optimum);
}
