/*
 * count.h
 *		Purchase-count models: one customer's scores.  Pure; see count.c.
 */
#ifndef CDP_MODEL_COUNT_H
#define CDP_MODEL_COUNT_H

#include <stdbool.h>

#include "model/pause.h"

typedef enum CdpCountKind
{
	CDP_COUNT_BGNBD,
	CDP_COUNT_MBGNBD
} CdpCountKind;

/* Parameters, all positive: rate ~ gamma(r, alpha), dropout ~ beta(a, b). */
typedef struct CdpCountParams
{
	double		r;
	double		alpha;
	double		a;
	double		b;
} CdpCountParams;

/* A customer: x repeat purchases, the last at t_x, watched until t. */
typedef struct CdpCustomer
{
	double		x;
	double		t_x;
	double		t;
} CdpCustomer;

extern double cdp_model_count_loglik(CdpCountKind kind,
									 const CdpCountParams *params,
									 const CdpCustomer *customer);
extern double cdp_model_count_alive(CdpCountKind kind,
									const CdpCountParams *params,
									const CdpCustomer *customer);
extern double cdp_model_count_active(CdpCountKind kind,
									 const CdpCountParams *params,
									 const CdpCustomer *customer,
									 double horizon);
extern double cdp_model_count_expected(CdpCountKind kind,
									   const CdpCountParams *params,
									   const CdpCustomer *customer,
									   double horizon);

/* The same, a purchase after time s weighing e^(-rate s): up to a second. */
extern double cdp_model_count_discounted(CdpCountKind kind,
										 const CdpCountParams *params,
										 const CdpCustomer *customer,
										 double horizon, double rate,
										 CdpPause pause);

/*
 * How many chances to drop out a customer had and did not take: after each
 * repeat purchase, in MBG/NBD after the first purchase too.
 */
static inline double
cdp_model_count_survived(CdpCountKind kind, double x)
{
	return kind == CDP_COUNT_BGNBD ? x : x + 1;
}

#endif							/* CDP_MODEL_COUNT_H */
