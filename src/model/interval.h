/*
 * interval.h
 *		Delta method: from the covariance of parameters to the error of a
 *		score.  Pure; see interval.c.
 */
#ifndef CDP_MODEL_INTERVAL_H
#define CDP_MODEL_INTERVAL_H

#include "model/newton.h"

/* A score on the scale where its error is most nearly normal. */
typedef double (*CdpScoreFunction) (const void *data, const double *params);

/* Variance of score(params), the parameters having this covariance. */
extern double cdp_model_delta_variance(CdpScoreFunction score,
									   const void *data, int nparams,
									   const double *params,
									   CdpMatrix covariance);

/* The z with P(|N(0,1)| < z) = level, 0 < level < 1. */
extern double cdp_model_normal_width(double level);

#endif							/* CDP_MODEL_INTERVAL_H */
