/*
 * rfm.h
 *		Type cdp.rfm_summary in C: a customer's purchases in a few numbers.
 */
#ifndef CDP_MODEL_RFM_H
#define CDP_MODEL_RFM_H

#include "fmgr.h"
#include "utils/timestamp.h"

#include "model/count.h"

/* On disk: 72 bytes, fixed. */
typedef struct CdpRfm
{
	double		x;				/* repeat purchases */
	double		t_x;			/* first to last purchase, in units */
	double		t;				/* first purchase to as-of, in units */
	double		m;				/* mean amount of repeat purchases; 0 if none */
	int64		unit_us;		/* the unit of t_x and t */
	TimestampTz first_at;		/* DT_NOBEGIN: not known */
	TimestampTz last_at;		/* DT_NOBEGIN: not known */
	double		refused;		/* grains whose amount was not positive */
	uint64		spare;			/* version and flags, 0 */
} CdpRfm;

StaticAssertDecl(sizeof(CdpRfm) == 72, "the layout of cdp.rfm_summary is on disk");

#define PG_GETARG_RFM(n) ((CdpRfm *) PG_GETARG_POINTER(n))

/*
 * Raise 22023, naming the argument, unless these can be a customer's numbers.
 */
extern void cdp_model_check_customer(const CdpCustomer *customer);
extern void cdp_model_check_amount(double m);

/* Raise 22023 unless unit is a positive length; returns it. */
extern int64 cdp_model_check_unit(const Interval *unit);

#endif							/* CDP_MODEL_RFM_H */
