/*
 * chi_square.c
 *		How likely a chi-square statistic as large as that is by chance.
 *
 * The upper tail of the chi-square distribution is the regularised incomplete
 * gamma function Q(f/2, x/2).  For whole degrees of freedom f that is a finite
 * sum (NIST Handbook of Mathematical Functions, 8.4.10 and 8.8.6; Abramowitz
 * and Stegun 26.4.4 and 26.4.5), with h = x/2:
 *
 *	f even	e^-h times the sum of h^j / j!, j from 0 to f/2 - 1
 *	f odd	erfc(sqrt h) + e^-h times the sum of h^(j-1/2) / Gamma(j+1/2),
 *			j from 1 to (f-1)/2
 *
 * All terms are of one sign, so nothing is lost in adding them; each follows
 * from the one before, and begins with e^-h, so none overflows.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"

#include "base/compat.h"

PG_FUNCTION_INFO_V1(cdp__chi_square_tail);

/* The sum above, for freedom >= 1 and statistic >= 0. */
static double
upper_tail(double statistic, int freedom)
{
	double		half = statistic / 2;
	bool		is_odd = freedom % 2 != 0;
	double		term = is_odd ? exp(-half) * 2 * sqrt(half / M_PI) : exp(-half);
	double		sum = is_odd ? erfc(sqrt(half)) : 0;
	double		gamma_at = is_odd ? 1.5 : 1;

	for (int j = 0; j < freedom / 2; j++)
	{
		sum += term;
		term *= half / gamma_at;
		gamma_at++;
	}
	return Min(sum, 1.0);
}

/* cdp._chi_square_tail(statistic, freedom) */
Datum
cdp__chi_square_tail(PG_FUNCTION_ARGS)
{
	double		statistic = PG_GETARG_FLOAT8(0);
	int			freedom = PG_GETARG_INT32(1);

	if (freedom < 1 || freedom > 1000 || !(statistic >= 0))
		PG_RETURN_NULL();
	if (isinf(statistic))
		PG_RETURN_FLOAT8(0);
	PG_RETURN_FLOAT8(upper_tail(statistic, freedom));
}
