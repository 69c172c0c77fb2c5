/*
 * quality.c
 *		How good were scores: measures over sorted rows.
 *
 * Equal scores are a block, within which no measure prefers one row to
 * another: a pair of equal scores counts half (J. Hanley, B. McNeil, "The
 * Meaning and Use of the Area under a ROC Curve", Radiology 143, 1982), a block
 * that a cut goes through counts by its share, and a block is in one band.
 * So no result depends on the order of rows.
 *
 * Counts are doubles and exact up to 2^53; products of two of them are rounded
 * to 1e-16 of the area.
 */
#include <math.h>

#include "model/quality.h"

/* A probability nearer to 0 or 1 than this counts as this far. */
#define SUREST 1e-15

/* The rows from first on that have its score. */
typedef struct Block
{
	size_t		end;			/* where the next begins */
	double		count;
	double		ones;			/* sum of happened */
} Block;

static Block
find_block(const CdpQualityRow *rows, size_t nrows, size_t first)
{
	Block		block = {first, 0, 0};

	while (block.end < nrows && rows[block.end].score == rows[first].score)
	{
		block.count += rows[block.end].weight;
		block.ones += rows[block.end].weight * rows[block.end].happened;
		block.end++;
	}
	return block;
}

/* How many rows there are, by weight, and the sum of what happened. */
static void
find_totals(const CdpQualityRow *rows, size_t nrows, double *count,
			double *ones)
{
	*count = *ones = 0;
	for (size_t i = 0; i < nrows; i++)
	{
		*count += rows[i].weight;
		*ones += rows[i].weight * rows[i].happened;
	}
}

/* P(a one scores above a zero), equal scores by halves. */
double
cdp_model_auc(const CdpQualityRow *rows, size_t nrows)
{
	double		zeros = 0;
	double		ones = 0;
	double		area = 0;
	Block		block;

	for (size_t i = 0; i < nrows; i = block.end)
	{
		double		of_block;

		block = find_block(rows, nrows, i);
		of_block = block.count - block.ones;
		area += block.ones * (zeros + of_block / 2);
		zeros += of_block;
		ones += block.ones;
	}
	if (zeros <= 0 || ones <= 0)
		return NAN;
	return area / zeros / ones;
}

/* Share of ones in the best fraction over their share in all. */
double
cdp_model_lift(const CdpQualityRow *rows, size_t nrows, double fraction)
{
	double		count;
	double		ones;
	double		above;			/* ones above the cut */
	double		left;			/* rows to leave out, from the lowest score */
	Block		block;

	find_totals(rows, nrows, &count, &ones);
	if (ones <= 0 || ones >= count)
		return NAN;
	above = ones;
	left = count * (1 - fraction);
	for (size_t i = 0; i < nrows && left > 0; i = block.end)
	{
		block = find_block(rows, nrows, i);
		above -= block.ones * fmin(left / block.count, 1);
		left -= block.count;
	}
	return fmax(above, 0) / (fraction * ones);
}

/* See quality.h: a block goes where its middle is among all rows. */
void
cdp_model_calibration(const CdpQualityRow *rows, size_t nrows,
					  CdpQualityBand *bands, int nbands)
{
	double		count;
	double		ones;
	double		before = 0;
	Block		block;

	for (int i = 0; i < nbands; i++)
		bands[i] = (CdpQualityBand) {0, 0, 0};
	find_totals(rows, nrows, &count, &ones);
	for (size_t i = 0; i < nrows; i = block.end)
	{
		CdpQualityBand *band;
		double		place;

		block = find_block(rows, nrows, i);
		place = floor((before + block.count / 2) / count * nbands);
		band = &bands[(int) fmin(place, nbands - 1)];
		band->said += block.count * rows[i].score;
		band->happened += block.ones;
		band->count += block.count;
		before += block.count;
	}
	for (int i = 0; i < nbands; i++)
		if (bands[i].count > 0)
		{
			bands[i].said /= bands[i].count;
			bands[i].happened /= bands[i].count;
		}
}

/* G. Brier, Monthly Weather Review 78 (1950), of one of two outcomes. */
double
cdp_model_brier(double p, bool outcome)
{
	return (p - outcome) * (p - outcome);
}

/* -ln of the probability given to what happened (I. Good, 1952). */
double
cdp_model_log_loss(double p, bool outcome)
{
	double		q = outcome ? p : 1 - p;

	return q > 0.5 ? -log1p(-fmax(outcome ? 1 - p : p, SUREST)) :
		-log(fmax(q, SUREST));
}
