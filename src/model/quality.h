/*
 * quality.h
 *		How good were scores: measures over sorted rows.  Pure; see quality.c.
 */
#ifndef CDP_MODEL_QUALITY_H
#define CDP_MODEL_QUALITY_H

#include <stdbool.h>
#include <stddef.h>

#include "model/pause.h"

/* So many with this score of whom this happened (1 or 0, or an amount). */
typedef struct CdpQualityRow
{
	double		score;
	double		happened;
	double		weight;
} CdpQualityRow;

/* A band of rows with like scores. */
typedef struct CdpQualityBand
{
	double		count;
	double		said;			/* means */
	double		happened;
} CdpQualityBand;

/* Rows sorted by score; pause may be NULL. */
typedef struct CdpQualityRows
{
	const CdpQualityRow *rows;
	size_t		nrows;
	CdpPause	pause;
} CdpQualityRows;

/* NaN if only one outcome is there. */
extern double cdp_model_auc(const CdpQualityRows *all);
extern double cdp_model_lift(const CdpQualityRows *all, double fraction);

/* Fills bands, of which there are nbands; empty ones have count 0. */
extern void cdp_model_calibration(const CdpQualityRows *all,
								  CdpQualityBand *bands, int nbands);

/* What one row adds to the Brier score and to log loss, 0 <= p <= 1. */
extern double cdp_model_brier(double p, bool outcome);
extern double cdp_model_log_loss(double p, bool outcome);

#endif							/* CDP_MODEL_QUALITY_H */
