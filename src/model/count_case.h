/*
 * count_case.h
 *		One customer under a model of purchase counts, whatever its kind.
 *		Pure; see count_case.c.
 */
#ifndef CDP_MODEL_COUNT_CASE_H
#define CDP_MODEL_COUNT_CASE_H

#include "model/count.h"
#include "model/pareto.h"

typedef enum CdpCaseKind
{
	CDP_CASE_BGNBD = CDP_COUNT_BGNBD,
	CDP_CASE_MBGNBD = CDP_COUNT_MBGNBD,
	CDP_CASE_PARETO_NBD
} CdpCaseKind;

#define CDP_CASE_PARAMS 4

/* Times are in the model's unit. */
typedef struct CdpCountCase
{
	CdpCaseKind kind;
	union
	{
		double		values[CDP_CASE_PARAMS];
		CdpCountParams count;
		CdpParetoParams pareto;
	}			params;
	CdpCustomer customer;
	double		horizon;		/* HUGE_VAL: for ever, if discounted */
	double		rate;			/* of discount, per unit; 0: none */
	CdpPause	pause;
} CdpCountCase;

extern double cdp_model_case_loglik(const CdpCountCase *item);
extern double cdp_model_case_alive(const CdpCountCase *item);
extern double cdp_model_case_active(const CdpCountCase *item);

/* Expected purchases in the horizon, discounted at the rate. */
extern double cdp_model_case_expected(const CdpCountCase *item);

/*
 * The time by which the customer will have bought again with this
 * probability; HUGE_VAL if that is beyond "longest".
 */
extern double cdp_model_case_wait(const CdpCountCase *item,
								  double probability, double longest);

#endif							/* CDP_MODEL_COUNT_CASE_H */
