/*
 * pareto.c
 *		Pareto/NBD: one customer's scores.
 *
 * D. Schmittlein, D. Morrison, R. Colombo, "Counting Your Customers: Who Are
 * They and What Will They Do Next?", Management Science 33 (1987), "SMC"
 * below; P. Fader, B. Hardie, "A Note on Deriving the Pareto/NBD Model and
 * Related Expressions" (2005), "FH"; P. Fader, B. Hardie, K. Lee, "RFM and
 * CLV: Using Iso-Value Curves for Customer Base Analysis", J. Marketing
 * Research 42 (2005), "FHL".
 *
 * The papers write everything with the hypergeometric function, as a
 * difference of two nearly equal values, which is where public packages lose
 * their digits.  Here stands the integral it came from, whose integrand is
 * positive.  With R = r+x, A = alpha+t, B = beta+t the odds that the customer
 * is gone by now are
 *
 *	D = s int_{t_x}^t ((alpha+t)/(alpha+u))^R ((beta+t)/(beta+u))^s du/(beta+u)
 *
 * and P(alive) = 1/(1+D), FH eq. 36 and 37, SMC eq. 11 to 13.  If she is alive
 * her rate is gamma(R, A) and her rate of dropout gamma(s, B).  Every score is
 * then an integral of powers, of the form
 *
 *	int_0^V (1 + u/a)^-p (1 + u/b)^-q du,	u = near (e^y - 1),
 *
 * near = min(a, b), in y analytic up to imaginary parts of pi and with a
 * concave logarithm, (1 - near_power) y - far_power log1p(ratio (e^y - 1)); or
 * of a power and an exponential, likewise.  quadrature.c does these to 1e-15.
 */
#include <math.h>

#include "model/pareto.h"
#include "model/special.h"

/* e^-this is 0. */
#define VANISHED 800.0

/* (1 + w/B)^-s e^(-rate w) dw over y = log1p(w/B). */
typedef struct Discount
{
	double		power;			/* 1 - s */
	double		decay;			/* rate B */
} Discount;

static double
log_powers(const void *data, double y)
{
	const CdpPowers *powers = data;

	return (1 - powers->near_power) * y -
		powers->far_power * log1p(powers->ratio * expm1(y));
}

static double
log_discount(const void *data, double y)
{
	const Discount *discount = data;

	return discount->power * y - discount->decay * expm1(y);
}

/* See pareto.h. */
void
cdp_model_open_powers(CdpPowers *powers, double a, double p, double b,
					  double q, double to)
{
	bool		a_is_near = a <= b;

	powers->near = a_is_near ? a : b;
	powers->ratio = powers->near / (a_is_near ? b : a);
	powers->near_power = a_is_near ? p : q;
	powers->far_power = a_is_near ? q : p;
	powers->integral = (CdpIntegral)
	{
		log_powers, powers, log1p(to / powers->near), 3 - log(powers->ratio)
	};
}

/* ln of the integral of powers. */
static double
log_powers_integral(const CdpPowers *powers)
{
	return log(powers->near) + cdp_model_log_integral(&powers->integral);
}

/* See pareto.h. */
void
cdp_model_pareto_open_gone(const CdpParetoParams *params,
						   const CdpCustomer *customer, CdpPowers *powers)
{
	cdp_model_open_powers(powers,
						  params->alpha + customer->t_x,
						  params->r + customer->x,
						  params->beta + customer->t_x, params->s + 1,
						  customer->t - customer->t_x);
}

/* See pareto.h: ln D of the file's story. */
double
cdp_model_pareto_odds(const CdpParetoParams *params,
					  const CdpCustomer *customer, double log_integral)
{
	double		silent = customer->t - customer->t_x;
	double		last = params->beta + customer->t_x;

	return log(params->s) - log(last) + log_integral +
		(params->r + customer->x) *
		log1p(silent / (params->alpha + customer->t_x)) +
		params->s * log1p(silent / last);
}

/* ln D; -HUGE_VAL if she has just bought. */
static double
log_odds_gone(const CdpParetoParams *params, const CdpCustomer *customer)
{
	CdpPowers	powers;

	if (customer->t_x >= customer->t)
		return -HUGE_VAL;
	cdp_model_pareto_open_gone(params, customer, &powers);
	return cdp_model_pareto_odds(params, customer,
								 log_powers_integral(&powers));
}

/* Log-likelihood of one customer: FH section 4, as an integral. */
double
cdp_model_pareto_loglik(const CdpParetoParams *params,
						const CdpCustomer *customer)
{
	CdpRising	rate = {0};

	cdp_model_grow_rising(&rate, params->r, 0, customer->x);
	return rate.log - customer->x * log(params->alpha + customer->t) -
		params->r * log1p(customer->t / params->alpha) -
		params->s * log1p(customer->t / params->beta) +
		cdp_model_softplus(log_odds_gone(params, customer));
}

/* P(alive): FH eq. 36 and 37. */
double
cdp_model_pareto_alive(const CdpParetoParams *params,
					   const CdpCustomer *customer)
{
	return cdp_model_logistic(-log_odds_gone(params, customer));
}

/*
 * P(at least one purchase in the horizon): alive, and a first purchase at w
 * that dropout does not forestall,
 * R/A int_0^h (1 + w/A)^(-R-1) (1 + w/B)^-s dw.
 */
double
cdp_model_pareto_active(const CdpParetoParams *params,
						const CdpCustomer *customer, double horizon)
{
	double		size = params->r + customer->x;
	double		age = params->alpha + customer->t;
	CdpPowers	powers;

	if (horizon <= 0)
		return 0;
	cdp_model_open_powers(&powers, age, size + 1, params->beta + customer->t,
						  params->s, horizon);
	return cdp_model_pareto_alive(params, customer) *
		fmin(1, size * exp(log_powers_integral(&powers) - log(age)));
}

/* Expected purchases in the horizon: FH eq. 41, without its pole at s = 1. */
double
cdp_model_pareto_expected(const CdpParetoParams *params,
						  const CdpCustomer *customer, double horizon)
{
	double		rate = (params->r + customer->x) /
		(params->alpha + customer->t);
	double		scale = params->beta + customer->t;
	double		length = log1p(horizon / scale);
	double		u = (params->s - 1) * length;
	double		share = u == 0 ? 1 : -expm1(-u) / u;

	return cdp_model_pareto_alive(params, customer) *
		fmin(rate * scale * length * share, rate * horizon);
}

/*
 * Expected purchases in the horizon, discounted; without end it is FHL's DERT:
 * P(alive) R/A int_0^h e^(-rate w) (1 + w/B)^-s dw.
 */
double
cdp_model_pareto_discounted(const CdpParetoParams *params,
							const CdpCustomer *customer, double horizon,
							double rate)
{
	double		scale = params->beta + customer->t;
	Discount	discount = {1 - params->s, rate * scale};
	double		to = fmin(log1p(horizon / scale),
						  log1p(VANISHED / discount.decay));
	CdpIntegral integral = {log_discount, &discount, to, to};

	if (horizon <= 0)
		return 0;
	return cdp_model_pareto_alive(params, customer) *
		(params->r + customer->x) / (params->alpha + customer->t) *
		scale * exp(cdp_model_log_integral(&integral));
}
