/*
 * score_range.h
 *		The range that a score lies in.  See score_range.c.
 */
#ifndef CDP_MODEL_SCORE_RANGE_H
#define CDP_MODEL_SCORE_RANGE_H

#include "model/clv_model.h"
#include "model/interval.h"

/* The ends of an interval; NaN if they are not known. */
typedef struct CdpRange
{
	double		low;
	double		high;
} CdpRange;

/* A score of one customer under a model, as the delta method wants it. */
typedef struct CdpScore
{
	const CdpClvModel *model;
	CdpScoreFunction function;
	const void *customer;
} CdpScore;

/* The z of a level of probability; raises 22023 unless it is one. */
extern double cdp_model_level_width(double level);

/* ln of what may have underflowed, and log-odds of what may have been rounded. */
extern double cdp_model_safe_log(double value);
extern double cdp_model_logit(double p);

/* The standard error of a score; NaN if the model has no covariance. */
extern double cdp_model_score_error(const CdpScore *score);

/* Of an amount whose logarithm has this error. */
extern CdpRange cdp_model_amount_range(double value, double width,
									   double error);

/* Of a probability that the score gives as log-odds; reversed: of 1 less it. */
extern CdpRange cdp_model_probability_range(const CdpScore *score, double p,
											double width, bool reversed);

/* The (low, high) of an interval function; NULLs if not finite. */
extern Datum cdp_model_return_range(FunctionCallInfo fcinfo, CdpRange range);

/* The same as times in microseconds; an end after "last" is NULL. */
extern Datum cdp_model_return_times(FunctionCallInfo fcinfo, CdpRange range,
									double last);

#endif							/* CDP_MODEL_SCORE_RANGE_H */
