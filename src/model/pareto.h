/*
 * pareto.h
 *		Pareto/NBD: one customer's scores.  Pure; see pareto.c.
 */
#ifndef CDP_MODEL_PARETO_H
#define CDP_MODEL_PARETO_H

#include "model/count.h"
#include "model/quadrature.h"

/* All positive: rate ~ gamma(r, alpha), rate of dropout ~ gamma(s, beta). */
typedef struct CdpParetoParams
{
	double		r;
	double		alpha;
	double		s;
	double		beta;
} CdpParetoParams;

/*
 * The integral of (1 + u/a)^-p (1 + u/b)^-q du from 0 to "to", over
 * y = log1p(u/near), near the smaller of a and b; see pareto.c.
 */
typedef struct CdpPowers
{
	double		near;			/* min(a, b) */
	double		ratio;			/* near / max(a, b) */
	double		near_power;		/* the exponent of each */
	double		far_power;
	CdpIntegral integral;
} CdpPowers;

extern void cdp_model_open_powers(CdpPowers *powers, double a, double p,
								  double b, double q, double to);

/* The integral whose share is the odds that the customer is gone. */
extern void cdp_model_pareto_open_gone(const CdpParetoParams *params,
									   const CdpCustomer *customer,
									   CdpPowers *powers);

/* ln of these odds, given ln of the integral. */
extern double cdp_model_pareto_odds(const CdpParetoParams *params,
									const CdpCustomer *customer,
									double log_integral);

extern double cdp_model_pareto_loglik(const CdpParetoParams *params,
									  const CdpCustomer *customer);
extern double cdp_model_pareto_alive(const CdpParetoParams *params,
									 const CdpCustomer *customer);
extern double cdp_model_pareto_active(const CdpParetoParams *params,
									  const CdpCustomer *customer,
									  double horizon);
extern double cdp_model_pareto_expected(const CdpParetoParams *params,
										const CdpCustomer *customer,
										double horizon);

/* Weigh by e^(-rate w) at time w, rate > 0; horizon may be HUGE_VAL. */
extern double cdp_model_pareto_discounted(const CdpParetoParams *params,
										  const CdpCustomer *customer,
										  double horizon, double rate);

#endif							/* CDP_MODEL_PARETO_H */
