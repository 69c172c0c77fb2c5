/*
 * iso_date.c
 *		cdp._iso_date(text): a date, or NULL where there is none.
 *
 * A trait is what a source sent, and a view that cast it would raise for
 * everybody because of one bad value.  What begins with a valid YYYY-MM-DD and
 * then ends or goes on with a time is that date; anything else is NULL.
 */
#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"

#include "profile/profile.h"

PG_FUNCTION_INFO_V1(cdp__iso_date);

/* A number of exactly n digits; -1 if it is none. */
static int
read_digits(const char *from, int n)
{
	int			result = 0;

	for (int i = 0; i < n; i++)
	{
		if (from[i] < '0' || from[i] > '9')
			return -1;
		result = result * 10 + (from[i] - '0');
	}
	return result;
}

/* See profile.h. */
bool
cdp_profile_iso_date(const char *value, int len, DateADT *date)
{
	int			year;
	int			month;
	int			day;

	if (len < 10 || value[4] != '-' || value[7] != '-' ||
		(len > 10 && value[10] != 'T' && value[10] != ' '))
		return false;
	year = read_digits(value, 4);
	month = read_digits(value + 5, 2);
	day = read_digits(value + 8, 2);
	if (year < 1 || month < 1 || month > MONTHS_PER_YEAR || day < 1 ||
		day > day_tab[isleap(year)][month - 1])
		return false;
	*date = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return true;
}

Datum
cdp__iso_date(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	DateADT		date;

	if (!cdp_profile_iso_date(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &date))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(date);
}
