/*
 * count.c
 *		Purchase-count models: one customer's scores.
 *
 * BG/NBD: P. Fader, B. Hardie, K. Lee, "Counting Your Customers the Easy Way",
 * Marketing Science 24 (2005), "FHL" below.  MBG/NBD: E. Batislam, M. Denizel,
 * A. Filiztekin, "Empirical validation and comparison of models for customer
 * base analysis", Int. J. Research in Marketing 24 (2007), "BDF" below.
 *
 * One form serves both.  With n the chances to drop out that a customer
 * survived (x in BG/NBD, x+1 in MBG/NBD), R = r+x and A = alpha+t, the odds
 * that she is gone by now are e^u,
 *
 *	u = ln a - ln(b + (n-1)) + R log1p((t - t_x) / (alpha + t_x)),
 *
 * except that BG/NBD holds who never came back for alive.  If she is alive
 * her rate is gamma(R, A) and her dropout probability beta(a, b+n).
 *
 * Expected purchases avoid the hypergeometric function of FHL eq. 10, which is
 * where public packages overflow.  If she never dropped out she would make N
 * purchases in the horizon h, N negative binomial with size R and success
 * probability z = h/(A+h); she makes as many of these as dropout lets her:
 *
 *	E = P(alive) sum_n P(N = n) C_n,	C_n = sum_{k<n} (b')_k / (a+b')_k,
 *
 * b' = b+n, all terms positive, with no pole at a = 1.  When N is so large
 * that this takes thousands of terms, the sum over n is done on paper (the
 * generating function of N), which leaves an integral over p; see
 * integrate_purchases().
 *
 * Accuracy, against 20 digits over extreme parameters: 1e-12 relative, for
 * expected purchases 1e-9; underflow gives 0.
 */
#include <float.h>
#include <math.h>
#include <stddef.h>

#include "model/count.h"
#include "model/special.h"

/* Sums expected to take more terms than this become integrals. */
#define MAX_TERMS 2000

/* e^-this is not worth counting. */
#define NEGLIGIBLE 40.0

/* e^-this is 0. */
#define VANISHED 800.0

/* Panels on one side of the peak: some 40 are needed, this is never. */
#define MAX_PANELS 2000

/*
 * Panels of a discounted sum: how many times the scale of expected purchases
 * at their start, and of the discount.  20 nodes leave 1e-12 of either.
 */
#define GROWTH 2.0
#define DECAY 16.0

/* Horizons beyond this many times the customer's age are cut to it. */
#define MAX_HORIZON_RATIO 1e100

/*
 * The integral that replaces a long sum, over p = e^-y: the integrand is
 * p^(a-1) (1-p)^(b-1) g(p), g as "remainder" says; see integrate_purchases().
 */
typedef struct PurchaseIntegral
{
	double		a;
	double		b;
	double		size;			/* R: size of the negative binomial */
	double		ratio;			/* tau = h/A */
	double		whole;			/* g at p = 1, if remainder */
	bool		remainder;		/* g(p) = (q(p)/p - q(1)) p/(1-p), else q(p) */
} PurchaseIntegral;

/* The log-odds that the customer is gone; see above. */
static double
log_odds_gone(CdpCountKind kind, const CdpCountParams *params,
			  const CdpCustomer *customer)
{
	double		survived = cdp_model_count_survived(kind, customer->x);

	/* b + (n-1), not (b+n) - 1: b may be 1e-12 */
	return log(params->a) - log(params->b + (survived - 1)) +
		(params->r + customer->x) *
		log1p((customer->t - customer->t_x) / (params->alpha + customer->t_x));
}

/* Has the model given this customer no chance to drop out yet? */
static bool
is_surely_alive(CdpCountKind kind, const CdpCustomer *customer)
{
	return kind == CDP_COUNT_BGNBD && customer->x == 0;
}

/* Log-likelihood of one customer: FHL eq. 6, BDF eq. 5. */
double
cdp_model_count_loglik(CdpCountKind kind, const CdpCountParams *params,
					   const CdpCustomer *customer)
{
	CdpRising	rate = {0};
	CdpBetaRising dropout = {0};
	double		x = customer->x;
	double		quiet = -params->r * log1p(customer->t / params->alpha);

	/* who never came back: alive and quiet, or gone at once */
	if (x == 0)
		return kind == CDP_COUNT_BGNBD ? quiet :
			log1p(params->b / (params->a + params->b) * expm1(quiet));
	cdp_model_grow_rising(&rate, params->r, 0, x);
	cdp_model_grow_beta_rising(&dropout, params->a, params->b, 0,
							   cdp_model_count_survived(kind, x));
	return rate.log - x * log(params->alpha + customer->t) + quiet +
		dropout.log +
		cdp_model_softplus(log_odds_gone(kind, params, customer));
}

/* P(alive): FHL's companion note eq. 5, BDF eq. 9. */
double
cdp_model_count_alive(CdpCountKind kind, const CdpCountParams *params,
					  const CdpCustomer *customer)
{
	if (is_surely_alive(kind, customer))
		return 1;
	return cdp_model_logistic(-log_odds_gone(kind, params, customer));
}

/* h/A, within bounds. */
static double
horizon_ratio(const CdpCountParams *params, const CdpCustomer *customer,
			  double horizon)
{
	return fmin(horizon / (params->alpha + customer->t), MAX_HORIZON_RATIO);
}

/*
 * P(at least one purchase in the horizon): alive, and the gamma(R, A) rate
 * does not leave the horizon empty.
 */
double
cdp_model_count_active(CdpCountKind kind, const CdpCountParams *params,
					   const CdpCustomer *customer, double horizon)
{
	double		ratio = horizon_ratio(params, customer, horizon);

	return cdp_model_count_alive(kind, params, customer) *
		-expm1(-(params->r + customer->x) * log1p(ratio));
}

/*
 * The sum over n of P(N = n) C_n; b is b' of the file's story.  It also ends
 * where P(N = n) is less than doubles hold in full: down there it would be
 * rounded to itself for ever, and what it adds is no part of a purchase.
 */
static double
sum_purchases(double size, double ratio, double a, double b)
{
	double		success = ratio / (1 + ratio);
	double		probability = exp(-size * log1p(ratio));	/* P(N = n) */
	double		reach = 1;		/* (b)_n / (a+b)_n */
	double		purchases = 0;	/* C_n */
	double		sum = 0;

	for (double n = 0;; n += 1)
	{
		double		growth;

		purchases += reach;
		reach *= (b + n) / (a + b + n);
		probability *= success * (size + n) / (n + 1);
		sum += probability * purchases;

		if (probability < DBL_MIN)
			return sum;
		/* the rest is at most a geometric series from here */
		growth = success * fmax(1, (size + n + 1) / (n + 2)) *
			(n + 2) / (n + 1);
		if (growth < 1 &&
			probability * purchases * growth <= sum * 1e-15 * (1 - growth))
			return sum;
	}
}

/* ln of the integrand at p = e^-y; -HUGE_VAL where it vanishes. */
static double
log_integrand(const PurchaseIntegral *integral, double y)
{
	double		p = exp(-y);
	double		rest = -expm1(-y);
	double		g;

	/* far out g is proportional to p, which soon underflows */
	if (p * (1 + integral->ratio) * (1 + integral->size) < DBL_EPSILON / 8)
		return log(integral->size * integral->ratio - integral->whole) -
			integral->a * y;
	g = -expm1(-integral->size * log1p(p * integral->ratio));
	if (integral->remainder)
		g = fmax(g - integral->whole * p, 0) / rest;
	if (g <= 0)
		return -HUGE_VAL;
	return -(integral->a - 1) * y + (integral->b - 1) * log(rest) + log(g);
}

/* Golden-section search for the peak of the integrand, which has one. */
static double
find_peak(const PurchaseIntegral *integral, double low, double high)
{
	const double golden = 0.6180339887498949;

	while (high - low > 1e-3 * (1e-3 + low))
	{
		double		left = high - golden * (high - low);
		double		right = low + golden * (high - low);

		if (log_integrand(integral, left) < log_integrand(integral, right))
			low = left;
		else
			high = right;
	}
	return (low + high) / 2;
}

/* Gauss-Legendre over one panel, scaled by e^-scale. */
static double
integrate_panel(const PurchaseIntegral *integral, double from, double to,
				double scale)
{
	double		middle = (from + to) / 2;
	double		half = (to - from) / 2;
	double		sum = 0;

	for (int i = 0; i < CDP_GAUSS_NODES / 2; i++)
	{
		double		offset = half * cdp_model_gauss_node[i];

		sum += cdp_model_gauss_weight[i] *
			(exp(log_integrand(integral, middle - offset) - scale) +
			 exp(log_integrand(integral, middle + offset) - scale));
	}
	return half * sum;
}

/*
 * Integrate from the peak to one side until nothing is left.  A panel is as
 * wide as lets the integrand change by e^4 at most, no wider than 1 where it
 * has bends (y < bends), halving towards y = 0 and growing beyond the bends.
 */
static double
integrate_side(const PurchaseIntegral *integral, double peak, double width,
			   double bends, int direction)
{
	double		top = log_integrand(integral, peak);
	double		here = top;
	double		y = peak;
	double		sum = 0;

	for (int i = 0; i < MAX_PANELS && here > top - NEGLIGIBLE; i++)
	{
		double		limit = direction < 0 ? fmin(1, y / 2) :
			fmax(1, y - bends);
		double		next;
		double		there;

		width = fmin(2 * width, limit);
		for (;;)
		{
			next = y + direction * width;
			there = log_integrand(integral, next);
			if (fabs(there - here) <= 4 || width < DBL_EPSILON * y)
				break;
			width /= 2;
		}
		sum += integrate_panel(integral, fmin(y, next), fmax(y, next), top);
		y = next;
		here = there;
		if (direction < 0 && y * exp(here - top) < sum * 1e-16)
			break;
	}
	return sum;
}

/*
 * The mean of q(p)/p for p ~ beta(a, b), q(p) = 1 - (1 + p tau)^-R: what the
 * sum over n becomes when it is done on paper (E of 1 - (1-p)^N is q(p), and
 * C_N the mean of (1 - (1-p)^N)/p).
 *
 * For b < 1 the density has a pole at p = 1 that no panel resolves, but there
 * q(p)/p = q(1) + (1-p) k(p), and the mean of the second part is one over
 * beta(a, b+1).
 */
static double
integrate_purchases(double size, double ratio, double a, double b)
{
	PurchaseIntegral integral = {a, b, size, ratio, 0, false};
	double		bends;
	double		high;
	double		peak;
	double		width;
	double		top;
	double		factor = 1;
	double		offset = 0;
	double		sum;

	if (b < 1)
	{
		integral.remainder = true;
		integral.whole = -expm1(-size * log1p(ratio));
		integral.b = b + 1;
		offset = integral.whole;
		factor = b / (a + b);
	}
	bends = 3 + log1p(ratio) + log1p(size) + log1p(integral.b) + log1p(a);
	high = bends + 10 / a;
	peak = find_peak(&integral, 0, fmin(high, 1e6));
	width = fmin(0.5 / sqrt(1 + a), peak / 2);
	top = log_integrand(&integral, peak);
	sum = integrate_side(&integral, peak, width, bends, -1) +
		integrate_side(&integral, peak, width, bends, 1);
	return offset + factor * sum *
		exp(top - cdp_model_log_beta(a, integral.b));
}

/* Expected purchases in the horizon; see the file's story. */
double
cdp_model_count_expected(CdpCountKind kind, const CdpCountParams *params,
						 const CdpCustomer *customer, double horizon)
{
	double		ratio = horizon_ratio(params, customer, horizon);
	double		size = params->r + customer->x;
	double		mean = size * ratio;
	double		terms = mean + 9 * sqrt(mean * (1 + ratio)) +
		36 * (1 + ratio);
	double		b = params->b + cdp_model_count_survived(kind, customer->x);
	double		alive = cdp_model_count_alive(kind, params, customer);

	if (ratio == 0 || alive == 0)
		return 0;
	if (terms < MAX_TERMS && size * log1p(ratio) < 600)
		return alive * sum_purchases(size, ratio, params->a, b);
	/* without dropout it would be the mean */
	return alive * fmin(mean,
						integrate_purchases(size, ratio, params->a, b));
}

/*
 * Expected purchases up to the horizon, each weighing e^(-rate s) at its time
 * s: by parts, e^(-rate h) E(h) + rate times the integral of e^(-rate s) E(s).
 * E varies on the scale of the first purchase, A/R, and later on that of s;
 * the weight on that of 1/rate.  Without an end (HUGE_VAL) it is DERT,
 * discounted expected residual transactions.
 */
double
cdp_model_count_discounted(CdpCountKind kind, const CdpCountParams *params,
						   const CdpCustomer *customer, double horizon,
						   double rate, CdpPause pause)
{
	double		wait = (params->alpha + customer->t) /
		(1 + params->r + customer->x);
	double		end = rate > 0 ? fmin(horizon, NEGLIGIBLE / rate) : 0;
	double		sum = 0;

	if (rate * horizon < VANISHED)
		sum = exp(-rate * horizon) *
			cdp_model_count_expected(kind, params, customer, horizon);
	for (double from = 0, to; from < end; from = to)
	{
		double		half;

		if (pause != NULL)
			pause();
		to = fmin(from + fmin(GROWTH * (wait + from), DECAY / rate), end);
		half = (to - from) / 2;
		for (int i = 0; i < CDP_GAUSS_NODES; i++)
		{
			int			node = i / 2;
			double		s = from + half +
				(i % 2 ? half : -half) * cdp_model_gauss_node[node];

			sum += rate * half * cdp_model_gauss_weight[node] *
				exp(-rate * s) *
				cdp_model_count_expected(kind, params, customer, s);
		}
	}
	return sum;
}
