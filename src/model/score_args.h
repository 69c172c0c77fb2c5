/*
 * score_args.h
 *		Arguments of the scoring functions, checked.  See score_args.c.
 */
#ifndef CDP_MODEL_SCORE_ARGS_H
#define CDP_MODEL_SCORE_ARGS_H

#include "model/clv_model.h"
#include "model/count_case.h"
#include "model/rfm.h"
#include "model/sbg.h"

/*
 * Set up a customer under a model of purchase counts; false if the model has
 * no parameters.
 */
extern bool cdp_model_open_case(CdpCountCase *item, const CdpClvModel *model,
								CdpCustomer customer);

/* The same from x, t_x, t in arguments 1 to 3 of a function. */
extern bool cdp_model_open_case_args(CdpCountCase *item,
									 FunctionCallInfo fcinfo);

/* The same from a summary, brought into the model's unit. */
extern bool cdp_model_open_case_rfm(CdpCountCase *item,
									const CdpClvModel *model,
									const CdpRfm *rfm);

/* The same from (model, rfm, horizon interval) in arguments 0 to 2. */
extern bool cdp_model_open_case_horizon(CdpCountCase *item,
										FunctionCallInfo fcinfo);

/* A new customer and a horizon, from (model, horizon interval). */
extern bool cdp_model_open_case_new(CdpCountCase *item,
									FunctionCallInfo fcinfo);

/*
 * When a customer will have bought again, from (model, rfm, probability):
 * item->horizon from as_of on.  False if that is not known or beyond "last";
 * both in microseconds.
 */
typedef struct CdpWait
{
	double		as_of;
	double		last;
	double		probability;
} CdpWait;

extern bool cdp_model_open_wait(CdpCountCase *item, CdpWait *wait,
								FunctionCallInfo fcinfo);

/* Expected amount of a purchase; false if not defined. */
extern bool cdp_model_open_spend(const CdpClvModel *model, double x,
								 double m, double *result);

/*
 * The arguments of cdp.clv and cdp.clv_interval, and the value; false if it is
 * not defined.
 */
extern bool cdp_model_open_clv(FunctionCallInfo fcinfo, CdpCountCase *item,
							   double *value);

/* CHECK_FOR_INTERRUPTS as a CdpPause. */
extern void cdp_model_serve_interrupts(void);

/*
 * The parameters of the model of contracts in argument 0; false if it has none.
 */
extern bool cdp_model_open_contract(CdpSbgParams *params,
									FunctionCallInfo fcinfo);

/* Each raises 22023, naming the argument, unless the value can be. */
extern double cdp_model_check_horizon(double horizon);
extern double cdp_model_check_margin(double margin);
extern double cdp_model_check_weight(double weight);
extern void cdp_model_check_periods(const char *argument, double periods);
extern void cdp_model_check_period(double period);
extern double cdp_model_horizon_in_units(const CdpClvModel *model,
										 const Interval *interval);

/* The continuous rate per unit of time of a yearly rate of interest. */
extern double cdp_model_discount_rate(const CdpClvModel *model,
									  double annual_rate);

/* The same where there has to be one: no end is in sight. */
extern double cdp_model_endless_rate(const CdpClvModel *model,
									 double annual_rate);

/* Return a number from a function, or NULL if it is not finite. */
#define CDP_RETURN_FINITE(value) \
	do { \
		double		result_ = (value); \
		if (!isfinite(result_)) \
			PG_RETURN_NULL(); \
		PG_RETURN_FLOAT8(result_); \
	} while (0)

#endif							/* CDP_MODEL_SCORE_ARGS_H */
