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
find_block(const CdpQualityRows *all, size_t first)
{
	const CdpQualityRow *rows = all->rows;
	Block		block = {first, 0, 0};

	while (block.end < all->nrows && rows[block.end].score == rows[first].score)
	{
		block.count += rows[block.end].weight;
		block.ones += rows[block.end].weight * rows[block.end].happened;
		cdp_model_pause_at(block.end, all->pause);
		block.end++;
	}
	return block;
}

/* How many rows there are, by weight, and the sum of what happened. */
static void
find_totals(const CdpQualityRows *all, double *count, double *ones)
{
	*count = *ones = 0;
	for (size_t i = 0; i < all->nrows; i++)
	{
		*count += all->rows[i].weight;
		*ones += all->rows[i].weight * all->rows[i].happened;
		cdp_model_pause_at(i, all->pause);
	}
}

/* P(a one scores above a zero), equal scores by halves. */
double
cdp_model_auc(const CdpQualityRows *all)
{
	double		zeros = 0;
	double		ones = 0;
	double		area = 0;
	Block		block;

	for (size_t i = 0; i < all->nrows; i = block.end)
	{
		double		of_block;

		block = find_block(all, i);
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
cdp_model_lift(const CdpQualityRows *all, double fraction)
{
	double		count;
	double		ones;
	double		above;			/* ones above the cut */
	double		left;			/* rows to leave out, from the lowest score */
	Block		block;

	find_totals(all, &count, &ones);
	if (ones <= 0 || ones >= count)
		return NAN;
	above = ones;
	left = count * (1 - fraction);
	for (size_t i = 0; i < all->nrows && left > 0; i = block.end)
	{
		block = find_block(all, i);
		above -= block.ones * fmin(left / block.count, 1);
		left -= block.count;
	}
	return fmax(above, 0) / (fraction * ones);
}

/* See quality.h: a block goes where its middle is among all rows. */
void
cdp_model_calibration(const CdpQualityRows *all, CdpQualityBand *bands,
					  int nbands)
{
	double		count;
	double		ones;
	double		before = 0;
	Block		block;

	for (int i = 0; i < nbands; i++)
		bands[i] = (CdpQualityBand) {0, 0, 0};
	find_totals(all, &count, &ones);
	for (size_t i = 0; i < all->nrows; i = block.end)
	{
		CdpQualityBand *band;
		double		place;

		block = find_block(all, i);
		place = floor((before + block.count / 2) / count * nbands);
		band = &bands[(int) fmin(place, nbands - 1)];
		band->said += block.count * all->rows[i].score;
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
