/*
 * special.h
 *		Gamma function differences and their kin, without a server.
 *		special.c tells why they are differences.
 */
#ifndef CDP_MODEL_SPECIAL_H
#define CDP_MODEL_SPECIAL_H

/* ln of the rising factorial z (z+1) ... (z+n-1), and its derivatives in z. */
typedef struct CdpRising
{
	double		log;			/* ln (z)_n */
	double		slope;			/* sum of 1/(z+k) */
	double		curve;			/* sum of 1/(z+k)^2; the derivative of -slope */
} CdpRising;

/* ln (b)_n / (a+b)_n, and its derivatives. */
typedef struct CdpBetaRising
{
	double		log;			/* -sum of log1p(a/(b+k)) */
	double		slope_b;		/* sum of a/((b+k)(a+b+k)) */
	double		slope_ab;		/* sum of 1/(a+b+k) */
	double		curve_b;		/* sum of 1/(b+k)^2 */
	double		curve_ab;		/* sum of 1/(a+b+k)^2 */
} CdpBetaRising;

/* Grow a sum of "from" terms to one of "to" terms; it starts as zeros. */
extern void cdp_model_grow_rising(CdpRising *sum, double z,
								  double from, double to);
extern void cdp_model_grow_beta_rising(CdpBetaRising *sum, double a, double b,
									   double from, double to);

/* ln Gamma(z+d) - ln Gamma(z) for z > 0, d >= 0. */
extern double cdp_model_log_gamma_step(double z, double d);

/* ln B(a, b) for a, b > 0. */
extern double cdp_model_log_beta(double a, double b);

/* ln of s^a / (1+s)^(a+b) / B(a, b): the density of the odds s, times s. */
extern double cdp_model_log_odds_density(double a, double b, double s);

extern double cdp_model_digamma(double z);
extern double cdp_model_trigamma(double z);

/* ln(1 + e^u) and 1/(1 + e^-u), for any u. */
extern double cdp_model_softplus(double u);
extern double cdp_model_logistic(double u);

/* Nodes and weights of Gauss-Legendre quadrature on [-1, 1]. */
#define CDP_GAUSS_NODES 20
extern const double cdp_model_gauss_node[CDP_GAUSS_NODES / 2];
extern const double cdp_model_gauss_weight[CDP_GAUSS_NODES / 2];

#endif							/* CDP_MODEL_SPECIAL_H */
