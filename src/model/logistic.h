/*
 * logistic.h
 *		Ridge logistic regression.  Pure; see logistic.c.
 */
#ifndef CDP_MODEL_LOGISTIC_H
#define CDP_MODEL_LOGISTIC_H

#include "model/fit_core.h"

/* Features that a model may have: its parameters are counted in a byte. */
#define CDP_LOGISTIC_MAX 254

/*
 * Rows of y (0 or 1), the features, and a weight.  What the fit says is in
 * params (intercept first) and covariance, both of the features as they came.
 */
typedef struct CdpLogistic
{
	const double *rows;
	size_t		nrows;
	int			nfeatures;
	double		l2;
	CdpPause	pause;			/* may be NULL */
	double	   *work;			/* cdp_model_logistic_work() doubles */
	double	   *params;			/* nfeatures + 1 */
	double	   *covariance;		/* its square, row by row */
	bool	   *held;			/* nfeatures + 1: not identified */
	CdpFitStatus status;
	double		loglik;
	int			iterations;
} CdpLogistic;

/* How much room to work a fit wants. */
extern size_t cdp_model_logistic_work(int nfeatures);

extern void cdp_model_fit_logistic(CdpLogistic *fit);

/* P(y = 1) of one row. */
extern double cdp_model_logistic_predict(const double *params, int nfeatures,
										 const double *features);

/* The log-odds of that, and how well they are known: c'x, sqrt(x'Cx). */
extern double cdp_model_logistic_odds(const double *params, int nfeatures,
									  const double *features);
extern double cdp_model_logistic_odds_error(const double *triangle,
											int nfeatures,
											const double *features);

#endif							/* CDP_MODEL_LOGISTIC_H */
