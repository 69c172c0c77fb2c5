/*
 * special.c
 *		Gamma function differences and their kin, without a server.
 *
 * The likelihoods of this room are full of ln Gamma(z+n) - ln Gamma(z).  Taken
 * as it stands that difference is noise when z is large: ln Gamma(1e9) is
 * 2e10, known to 4e-6, and an optimiser climbs the false ridge.  So nothing
 * here subtracts two gamma functions.  What is needed is
 *
 *	the rising factorial  (z)_n = z (z+1) ... (z+n-1) = Gamma(z+n)/Gamma(z),
 *	the ratio of two      (b)_n / (a+b)_n = B(a, b+n) / B(a, b),
 *	and their derivatives, sums of 1/(z+k) and 1/(z+k)^2.
 *
 * Each is a sum over k of terms of one sign, so adding them up loses nothing.
 * From z+k = STIRLING_FROM on, a long sum is taken in one step from Stirling's
 * series (NIST Handbook of Mathematical Functions, 5.11.1), written so that
 * the large parts cancel on paper: with L = log1p(d/z)
 *
 *	ln Gamma(z+d) - ln Gamma(z)
 *		= (z - 1/2) L + d ln(z+d) - d + sum of c_j z^-j expm1(-j L).
 *
 * Sums grow: a fit walks its customers by rising n and pays for each gap once.
 */
#include <float.h>
#include <math.h>

#include "model/special.h"

/* Below this, terms are added one by one. */
#define STIRLING_FROM 16.0

#define TWO_PI 6.283185307179586

/* A gap shorter than this is cheaper term by term. */
#define SHORT_GAP 12.0

/* Coefficients of z^-1, z^-3, ... in Stirling's series (NIST 5.11.1). */
#define STIRLING_TERMS 6
static const double stirling[STIRLING_TERMS] = {
	1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188,
	-691.0 / 360360
};

const double cdp_model_gauss_node[CDP_GAUSS_NODES / 2] = {
	0.076526521133497333755, 0.22778585114164507808,
	0.37370608871541956067, 0.510867001950827098,
	0.63605368072651502545, 0.74633190646015079261,
	0.83911697182221882339, 0.91223442825132590587,
	0.96397192727791379127, 0.99312859918509492479
};

const double cdp_model_gauss_weight[CDP_GAUSS_NODES / 2] = {
	0.1527533871307258507, 0.14917298647260374679,
	0.14209610931838205133, 0.1316886384491766269,
	0.11819453196151841731, 0.10193011981724043504,
	0.083276741576704748725, 0.06267204833410906357,
	0.040601429800386941331, 0.017614007139152118312
};

/* ln(1 + e^u). */
double
cdp_model_softplus(double u)
{
	return u > 0 ? u + log1p(exp(-u)) : log1p(exp(u));
}

/* 1/(1 + e^-u). */
double
cdp_model_logistic(double u)
{
	return u > 0 ? 1 / (1 + exp(-u)) : exp(u) / (1 + exp(u));
}

/*
 * The part of Stirling's difference that is small: (z - 1/2) log1p(d/z) and
 * the series, for z >= STIRLING_FROM.
 */
static double
stirling_step(double z, double d)
{
	double		step = log1p(d / z);
	double		power = 1 / z;
	double		sum = 0;

	for (int j = 0; j < STIRLING_TERMS; j++)
	{
		sum += stirling[j] * power * expm1(-(2 * j + 1) * step);
		power /= z * z;
	}
	return (z - 0.5) * step + sum;
}

/* ln Gamma(z+d) - ln Gamma(z) for z > 0, d >= 0. */
double
cdp_model_log_gamma_step(double z, double d)
{
	double		shift = 0;

	/* Gamma(z+d)/Gamma(z) = Gamma(z+1+d)/Gamma(z+1) * z/(z+d) */
	for (; z < STIRLING_FROM; z += 1)
		shift += log1p(d / z);
	return stirling_step(z, d) + d * (log(z + d) - 1) - shift;
}

/* ln B(a, b) for a, b > 0. */
double
cdp_model_log_beta(double a, double b)
{
	double		small = fmin(a, b);
	double		large = fmax(a, b);

	return lgamma(small) - cdp_model_log_gamma_step(large, small);
}

/* log1p(t) - t without loss near 0: the series of 2 artanh(t/(2+t)). */
static double
log1p_rest(double t)
{
	double		r = t / (2 + t);
	double		square = r * r;
	double		power = 1;
	double		sum = 0;

	if (fabs(t) > 0.5)
		return log1p(t) - t;
	for (int k = 3; k < 31; k += 2)
	{
		power *= square;
		sum += power / k;
	}
	return 2 * r * sum - t * r;
}

/* Stirling's series at z. */
static double
stirling_rest(double z)
{
	double		power = 1 / z;
	double		sum = 0;

	for (int j = 0; j < STIRLING_TERMS; j++)
	{
		sum += stirling[j] * power;
		power /= z * z;
	}
	return sum;
}

/*
 * ln of s^a / (1+s)^(a+b) / B(a, b).  When a and b are both large the parts
 * are huge and nearly cancel; near the peak s = a/b it is written around it, as
 * C. Loader does for the binomial ("Fast and Accurate Computation of Binomial
 * Probabilities", 2000), with e = (sb - a)/(1+s):
 *
 *	a log1p(e/a) + b log1p(-e/b) + ln(ab/(2 pi (a+b)))/2 + series.
 */
double
cdp_model_log_odds_density(double a, double b, double s)
{
	double		off = b * (s / (1 + s)) - a / (1 + s);

	if (a < STIRLING_FROM || b < STIRLING_FROM || fabs(off) > fmin(a, b) / 2)
		return -cdp_model_log_beta(a, b) - b * log1p(s) - a * log1p(1 / s);
	return a * log1p_rest(off / a) + b * log1p_rest(-off / b) +
		0.5 * log(a / (a + b) * b / TWO_PI) +
		stirling_rest(a + b) - stirling_rest(a) - stirling_rest(b);
}

/* The digamma function: recurrence, then NIST 5.11.2. */
double
cdp_model_digamma(double z)
{
	double		shift = 0;
	double		w;

	for (; z < STIRLING_FROM; z += 1)
		shift += 1 / z;
	w = 1 / (z * z);
	return log(z) - 0.5 / z - shift -
		w * (1.0 / 12 - w * (1.0 / 120 - w * (1.0 / 252 - w *
											  (1.0 / 240 - w * (1.0 / 132 - w * 691.0 / 32760)))));
}

/* Its derivative: recurrence, then NIST 5.15.8. */
double
cdp_model_trigamma(double z)
{
	double		shift = 0;
	double		w;

	for (; z < STIRLING_FROM; z += 1)
		shift += 1 / (z * z);
	w = 1 / (z * z);
	return shift + 1 / z + 0.5 * w +
		w / z * (1.0 / 6 - w * (1.0 / 30 - w * (1.0 / 42 - w *
												(1.0 / 30 - w * (5.0 / 66 - w * 691.0 / 2730)))));
}

/*
 * digamma(z+d) - digamma(z) for z >= STIRLING_FROM: the sum of 1/(z+k) for
 * k < d.
 */
static double
digamma_step(double z, double d)
{
	double		step = log1p(d / z);
	double		w = 1 / (z * z);
	double		sum;

	sum = w * (1.0 / 12 * -expm1(-2 * step) -
			   w * (1.0 / 120 * -expm1(-4 * step) -
					w * (1.0 / 252 * -expm1(-6 * step) -
						 w * (1.0 / 240 * -expm1(-8 * step)))));
	return step - 0.5 / z * expm1(-step) + sum;
}

/* trigamma(z) - trigamma(z+d) for z >= STIRLING_FROM. */
static double
trigamma_step(double z, double d)
{
	double		step = log1p(d / z);
	double		w = 1 / (z * z);

	return -expm1(-step) / z - 0.5 * w * expm1(-2 * step) +
		w / z * (1.0 / 6 * -expm1(-3 * step) -
				 w * (1.0 / 30 * -expm1(-5 * step) -
					  w * (1.0 / 42 * -expm1(-7 * step) -
						   w * (1.0 / 30 * -expm1(-9 * step)))));
}

/* Add the terms k = from .. to-1 to ln (z)_k and its derivatives. */
void
cdp_model_grow_rising(CdpRising *sum, double z, double from, double to)
{
	double		rest;

	for (; from < to &&
		 (z + from < STIRLING_FROM || to - from < SHORT_GAP); from += 1)
	{
		double		term = z + from;

		sum->log += log(term);
		sum->slope += 1 / term;
		sum->curve += 1 / (term * term);
	}
	rest = to - from;
	if (rest <= 0)
		return;
	z += from;
	sum->log += stirling_step(z, rest) + rest * (log(z + rest) - 1);
	sum->slope += digamma_step(z, rest);
	sum->curve += trigamma_step(z, rest);
}

/*
 * Add the terms k = from .. to-1 to ln (b)_k / (a+b)_k and its derivatives.
 * The long form of sum log1p(a/(z+k)), k < n, is the difference of two
 * Stirling steps of width a, at z+n and at z.
 */
void
cdp_model_grow_beta_rising(CdpBetaRising *sum, double a, double b,
						   double from, double to)
{
	double		rest;

	for (; from < to &&
		 (b + from < STIRLING_FROM || to - from < SHORT_GAP); from += 1)
	{
		double		low = b + from;
		double		high = a + low;

		sum->log -= log1p(a / low);
		sum->slope_b += a / (low * high);
		sum->slope_ab += 1 / high;
		sum->curve_b += 1 / (low * low);
		sum->curve_ab += 1 / (high * high);
	}
	rest = to - from;
	if (rest <= 0)
		return;
	b += from;
	sum->log -= stirling_step(b + rest, a) - stirling_step(b, a) +
		a * log1p(rest / (a + b));
	sum->slope_b += digamma_step(b, rest) - digamma_step(a + b, rest);
	sum->slope_ab += digamma_step(a + b, rest);
	sum->curve_b += trigamma_step(b, rest);
	sum->curve_ab += trigamma_step(a + b, rest);
}
