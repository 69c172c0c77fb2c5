/*
 * amount.c
 *		Numbers from senders: read without raising, rounded as money is.
 *
 * numeric_in() raises on anything that is not a number or does not fit, so
 * the text is checked first and the length of digits and exponent is bounded
 * far inside what numeric can hold; arithmetic on such values cannot raise.
 *
 * Amounts are kept with four places.  More are rounded half to even, so that
 * sums of many rounded amounts do not drift; the server's round() goes away
 * from zero.  An amount must fit the timeline's 64-bit count of 1/10000.
 */
#include "postgres.h"

#include <ctype.h>

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "ingest/record.h"

#define MAX_DIGITS 300
#define MAX_EXPONENT 300
#define AMOUNT_PLACES 4

/* Skip digits; returns how many. */
static int
skip_digits(const char **at, const char *end)
{
	const char *start = *at;

	while (*at < end && isdigit((unsigned char) **at))
		(*at)++;
	return *at - start;
}

/* An exponent after "e": small enough? */
static bool
skip_exponent(const char **at, const char *end)
{
	const char *digits;
	int			count;

	if (*at < end && (**at == '+' || **at == '-'))
		(*at)++;
	digits = *at;
	count = skip_digits(at, end);
	return count > 0 && count <= 3 &&
		atoi(pnstrdup(digits, count)) <= MAX_EXPONENT;
}

/* Is the whole text a decimal number that numeric holds for sure? */
static bool
is_plain_number(const char *text, int len)
{
	const char *at = text;
	const char *end = text + len;
	int			digits;

	if (len > MAX_DIGITS)
		return false;
	if (at < end && (*at == '-' || *at == '+'))
		at++;
	digits = skip_digits(&at, end);
	if (at < end && *at == '.')
	{
		at++;
		digits += skip_digits(&at, end);
	}
	if (digits == 0)
		return false;
	if (at < end && (*at == 'e' || *at == 'E'))
	{
		at++;
		if (!skip_exponent(&at, end))
			return false;
	}
	return at == end;
}

/* Read a number; false: this is none, or one too large to compute with. */
bool
cdp_ingest_parse_number(const char *text, int len, Numeric *result)
{
	if (!is_plain_number(text, len))
		return false;
	*result = DatumGetNumeric(DirectFunctionCall3(numeric_in,
												  CStringGetDatum(pnstrdup(text, len)),
												  ObjectIdGetDatum(InvalidOid),
												  Int32GetDatum(-1)));
	return true;
}

static Numeric
numeric_op(PGFunction operation, Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(operation, NumericGetDatum(a),
											   NumericGetDatum(b)));
}

static int
compare_numeric(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a),
											 NumericGetDatum(b)));
}

static Numeric
numeric_places(PGFunction operation, Numeric value, int places)
{
	return DatumGetNumeric(DirectFunctionCall2(operation,
											   NumericGetDatum(value),
											   Int32GetDatum(places)));
}

/* Round half to even: of the two neighbours, the one whose last digit is. */
static Numeric
round_half_even(Numeric value)
{
	Numeric		rounded = numeric_places(numeric_round, value, AMOUNT_PLACES);
	Numeric		twice = numeric_op(numeric_add, value, value);
	Numeric		below = numeric_places(numeric_trunc, value, AMOUNT_PLACES);
	Numeric		two_units;

	/* A tie lies exactly between "below" and "rounded". */
	if (compare_numeric(twice, numeric_op(numeric_add, below, rounded)) != 0)
		return rounded;
	two_units = DatumGetNumeric(DirectFunctionCall3(numeric_in,
													CStringGetDatum("0.0002"),
													ObjectIdGetDatum(InvalidOid),
													Int32GetDatum(-1)));
	if (DatumGetBool(DirectFunctionCall2(numeric_eq,
										 NumericGetDatum(numeric_op(numeric_mod, below, two_units)),
										 NumericGetDatum(int64_to_numeric(0)))))
		return below;
	return rounded;
}

/*
 * Round to four places; *inexact tells that something was cut.  False: the
 * amount does not fit.
 */
bool
cdp_ingest_round_amount(Numeric value, Numeric *result, bool *inexact)
{
	Numeric		limit = int64_to_numeric(INT64CONST(922337203685477));

	*inexact = false;
	if (numeric_is_nan(value) || numeric_is_inf(value))
		return false;
	if (DatumGetInt32(DirectFunctionCall1(numeric_min_scale,
										  NumericGetDatum(value))) > AMOUNT_PLACES)
	{
		value = round_half_even(value);
		*inexact = true;
	}
	if (compare_numeric(DatumGetNumeric(DirectFunctionCall1(numeric_abs,
															NumericGetDatum(value))),
						limit) > 0)
		return false;
	*result = value;
	return true;
}

/* An amount in the store's currency, exact. */
Numeric
cdp_ingest_convert_amount(Numeric amount, Numeric rate)
{
	return numeric_op(numeric_mul, amount, rate);
}
