/*
 * sender_time.c
 *		Times as senders write them, read strictly and without raising.
 *
 * ISO 8601 as SDKs, databases and spreadsheets print it:
 *
 *		2026-05-31								midnight
 *		2026-05-31T08:15						seconds may be missing
 *		2026-05-31 08:15:30.123456+02:00		"T" or a blank; Z, +02, +0200
 *
 * and numbers: seconds since 1970, or milliseconds or microseconds, told
 * apart by their size (seconds reach the year 5138, and milliseconds begin in
 * 1973).  A time without an offset is in the store's zone.  Anything else
 * ("31.05.2026", "yesterday") is not a time: guessing the order of day and
 * month would be wrong silently.
 *
 * The result is cut to the millisecond, as the log and the timeline keep it.
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "datatype/timestamp.h"
#include "utils/datetime.h"

#include "ingest/record.h"

/* A place in the text. */
typedef struct Cursor
{
	const char *at;
	const char *end;
} Cursor;

/* Read exactly so many digits. */
static bool
read_digits(Cursor *cursor, int count, int *value)
{
	*value = 0;
	for (int i = 0; i < count; i++)
	{
		if (cursor->at == cursor->end || !isdigit((unsigned char) *cursor->at))
			return false;
		*value = *value * 10 + (*cursor->at++ - '0');
	}
	return true;
}

static bool
read_char(Cursor *cursor, const char *choices)
{
	if (cursor->at == cursor->end || strchr(choices, *cursor->at) == NULL ||
		*cursor->at == '\0')
		return false;
	cursor->at++;
	return true;
}

/* YYYY-MM-DD that exists. */
static bool
read_date(Cursor *cursor, struct pg_tm *tm)
{
	if (!read_digits(cursor, 4, &tm->tm_year) || !read_char(cursor, "-") ||
		!read_digits(cursor, 2, &tm->tm_mon) || !read_char(cursor, "-") ||
		!read_digits(cursor, 2, &tm->tm_mday))
		return false;
	return tm->tm_year >= 1 && tm->tm_mon >= 1 && tm->tm_mon <= 12 &&
		tm->tm_mday >= 1 &&
		tm->tm_mday <= day_tab[isleap(tm->tm_year)][tm->tm_mon - 1];
}

/* A fraction of a second; digits past the millisecond are only checked. */
static bool
read_fraction(Cursor *cursor, int *milliseconds)
{
	int			digits = 0;

	*milliseconds = 0;
	for (; cursor->at < cursor->end && isdigit((unsigned char) *cursor->at);
		 cursor->at++)
		if (digits++ < 3)
			*milliseconds = *milliseconds * 10 + (*cursor->at - '0');
	for (int i = digits; i < 3; i++)
		*milliseconds *= 10;
	return digits > 0;
}

/* HH:MM, HH:MM:SS or HH:MM:SS.fff */
static bool
read_clock(Cursor *cursor, struct pg_tm *tm, int *milliseconds)
{
	*milliseconds = 0;
	tm->tm_sec = 0;
	if (!read_digits(cursor, 2, &tm->tm_hour) || !read_char(cursor, ":") ||
		!read_digits(cursor, 2, &tm->tm_min))
		return false;
	if (read_char(cursor, ":"))
	{
		if (!read_digits(cursor, 2, &tm->tm_sec))
			return false;
		if (read_char(cursor, ".,") && !read_fraction(cursor, milliseconds))
			return false;
	}
	return tm->tm_hour <= 23 && tm->tm_min <= 59 && tm->tm_sec <= 60;
}

/* Z, +02, +0200 or +02:00, as seconds west of Greenwich. */
static bool
read_offset(Cursor *cursor, int *west)
{
	bool		east;
	int			hours;
	int			minutes = 0;

	*west = 0;
	if (read_char(cursor, "Zz"))
		return true;
	east = (cursor->at < cursor->end && *cursor->at == '+');
	if (!read_char(cursor, "+-") || !read_digits(cursor, 2, &hours))
		return false;
	if (cursor->at < cursor->end)
	{
		(void) read_char(cursor, ":");
		if (!read_digits(cursor, 2, &minutes))
			return false;
	}
	*west = (hours * 60 + minutes) * 60 * (east ? -1 : 1);
	return hours <= 15 && minutes <= 59;
}

/* Numbers count from 1970 in a unit that their size tells. */
static CdpTimeVerdict
time_of_number(double number, TimestampTz *result)
{
	double		milliseconds;

	if (isnan(number) || fabs(number) >= 1e17)
		return CDP_TIME_ABSURD;
	if (fabs(number) < 1e11)
		milliseconds = floor(number * 1000.0);
	else if (fabs(number) < 1e14)
		milliseconds = floor(number);
	else
		milliseconds = floor(number / 1000.0);
	*result = (TimestampTz) milliseconds * 1000 -
		(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	return CDP_TIME_OK;
}

/* Digits only? Then it is a number in quotes. */
static bool
is_number(const char *text, int len)
{
	for (int i = 0; i < len; i++)
		if (!isdigit((unsigned char) text[i]))
			return false;
	return len >= 9 && len <= 17;
}

CdpTimeVerdict
cdp_ingest_parse_time(const char *text, int len, pg_tz *zone,
					  TimestampTz *result)
{
	Cursor		cursor = {text, text + len};
	struct pg_tm tm = {0};
	int			milliseconds = 0;
	int			west;

	if (is_number(text, len))
		return time_of_number(strtod(pnstrdup(text, len), NULL), result);
	if (!read_date(&cursor, &tm))
		return CDP_TIME_INVALID;
	if (cursor.at < cursor.end &&
		(!read_char(&cursor, "Tt ") ||
		 !read_clock(&cursor, &tm, &milliseconds)))
		return CDP_TIME_INVALID;
	tm.tm_isdst = -1;
	if (cursor.at < cursor.end)
	{
		(void) read_char(&cursor, " ");
		if (!read_offset(&cursor, &west) || cursor.at < cursor.end)
			return CDP_TIME_INVALID;
	}
	else
		west = DetermineTimeZoneOffset(&tm, zone);
	*result = ((int64) date2j(tm.tm_year, tm.tm_mon, tm.tm_mday)
			   - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY
		+ ((int64) (tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec + west)
		* USECS_PER_SEC + milliseconds * INT64CONST(1000);
	return CDP_TIME_OK;
}

/* The time that a JSON value says. */
CdpTimeVerdict
cdp_ingest_time_of(const JsonbValue *value, pg_tz *zone, TimestampTz *result)
{
	if (value->type == jbvString)
		return cdp_ingest_parse_time(value->val.string.val,
									 value->val.string.len, zone, result);
	if (value->type == jbvNumeric)
		return time_of_number(strtod(cdp_json_text(value), NULL), result);
	return CDP_TIME_INVALID;
}
