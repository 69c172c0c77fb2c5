/*
 * calendar.c
 *		Instants and the calendar of a time zone; see calendar.h.
 *
 * The way is always the same: take an instant apart into local year, month,
 * day and time, change those, put it together again.  A local time that the
 * clock skips or repeats when summer time changes is resolved as PostgreSQL
 * does.
 */
#include "postgres.h"

#include <math.h>

#include "common/int.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "segment/calendar.h"

typedef struct LocalTime
{
	struct pg_tm tm;
	fsec_t		fsec;
	pg_tz	   *zone;
} LocalTime;

/* False if the instant is infinite. */
static bool
take_apart(TimestampTz at, pg_tz *zone, LocalTime *local)
{
	int			offset;

	local->zone = zone;
	return !TIMESTAMP_NOT_FINITE(at) &&
		timestamp2tm(at, &offset, &local->tm, &local->fsec, NULL, zone) == 0;
}

static TimestampTz
put_together(LocalTime *local)
{
	TimestampTz at;
	int			offset;

	if (!IS_VALID_JULIAN(local->tm.tm_year, local->tm.tm_mon, local->tm.tm_mday))
		return local->tm.tm_year > 0 ? DT_NOEND : DT_NOBEGIN;
	offset = DetermineTimeZoneOffset(&local->tm, local->zone);
	if (tm2timestamp(&local->tm, local->fsec, &offset, &at) != 0)
		return local->tm.tm_year > 0 ? DT_NOEND : DT_NOBEGIN;
	return at;
}

static int
last_day_of(int year, int month)
{
	return day_tab[isleap(year)][month - 1];
}

static void
add_months(LocalTime *local, int months)
{
	int			month = local->tm.tm_year * 12 + local->tm.tm_mon - 1 + months;

	local->tm.tm_year = month >= 0 ? month / 12 : (month - 11) / 12;
	local->tm.tm_mon = month - local->tm.tm_year * 12 + 1;
	local->tm.tm_mday = Min(local->tm.tm_mday,
							last_day_of(local->tm.tm_year, local->tm.tm_mon));
}

static void
add_days(LocalTime *local, int days)
{
	int			julian = date2j(local->tm.tm_year, local->tm.tm_mon,
								local->tm.tm_mday) + days;

	j2date(Max(julian, 0), &local->tm.tm_year, &local->tm.tm_mon,
		   &local->tm.tm_mday);
}

static void
set_midnight(LocalTime *local)
{
	local->tm.tm_hour = 0;
	local->tm.tm_min = 0;
	local->tm.tm_sec = 0;
	local->fsec = 0;
}

/* Move an instant forward (sign 1) or back (sign -1). */
TimestampTz
cdp_segment_move(TimestampTz at, const CdpDuration *by, int sign, pg_tz *zone)
{
	LocalTime	local;
	TimestampTz moved = at;

	if (TIMESTAMP_NOT_FINITE(at))
		return at;
	if (by->months != 0 || by->days != 0)
	{
		if (!take_apart(at, zone, &local))
			return at;
		add_months(&local, sign * by->months);
		add_days(&local, sign * by->days);
		moved = put_together(&local);
		if (TIMESTAMP_NOT_FINITE(moved))
			return moved;
	}
	if (pg_add_s64_overflow(moved, sign * by->us, &moved) ||
		!IS_VALID_TIMESTAMP(moved))
		return (sign > 0) == (by->us > 0) ? DT_NOEND : DT_NOBEGIN;
	return moved;
}

/* The start of the local day of an instant. */
TimestampTz
cdp_segment_midnight(TimestampTz at, pg_tz *zone)
{
	LocalTime	local;

	if (!take_apart(at, zone, &local))
		return at;
	set_midnight(&local);
	return put_together(&local);
}

/* The end of the local day that begins at a midnight. */
static TimestampTz
next_midnight(TimestampTz midnight, pg_tz *zone)
{
	CdpDuration day = {0, 1, 0};

	/* A day that begins at 01:00, since the clock skips 00:00, ends at 00:00. */
	return cdp_segment_midnight(cdp_segment_move(midnight, &day, 1, zone),
								zone);
}

/*
 * The end of the local day of an instant.  Active days are asked for again and
 * again, and are few: the session keeps those of 24 hours, from midnight to
 * midnight, in which the clock was not set, by the quarter of a UTC day.
 */
TimestampTz
cdp_segment_day_end(TimestampTz at, pg_tz *zone)
{
	static struct
	{
		pg_tz	   *zone;
		TimestampTz start;
		TimestampTz end;
	}			kept[512];
	int			place = (uint64) (at / (6 * USECS_PER_HOUR)) % lengthof(kept);
	TimestampTz start;
	TimestampTz end;

	if (kept[place].zone == zone && at >= kept[place].start &&
		at < kept[place].end)
		return kept[place].end;
	start = cdp_segment_midnight(at, zone);
	end = next_midnight(start, zone);
	if (at >= start && at < end && end - start == USECS_PER_DAY)
	{
		kept[place].zone = zone;
		kept[place].start = start;
		kept[place].end = end;
	}
	return end;
}

/* The start of the local week (Monday), month, quarter or year. */
TimestampTz
cdp_segment_period_start(TimestampTz at, CdpUnit unit, pg_tz *zone)
{
	LocalTime	local;

	if (!take_apart(at, zone, &local))
		return at;
	set_midnight(&local);
	if (unit == CDP_WEEK)
	{
		int			weekday = j2day(date2j(local.tm.tm_year, local.tm.tm_mon,
										   local.tm.tm_mday));

		add_days(&local, -((weekday + 6) % 7));
		return put_together(&local);
	}
	local.tm.tm_mday = 1;
	if (unit == CDP_QUARTER)
		local.tm.tm_mon = (local.tm.tm_mon - 1) / 3 * 3 + 1;
	else if (unit == CDP_YEAR)
		local.tm.tm_mon = 1;
	return put_together(&local);
}

/* The day of an anniversary in a year: 29 February may become the 28th. */
static int
anniversary_in(const struct pg_tm *event, int year)
{
	return date2j(year, event->tm_mon,
				  Min(event->tm_mday, last_day_of(year, event->tm_mon)));
}

/* See calendar.h. */
int
cdp_segment_days_to_anniversary(TimestampTz event, TimestampTz at, pg_tz *zone)
{
	LocalTime	born;
	LocalTime	here;
	int			today;
	int			day;

	if (!take_apart(event, zone, &born) || !take_apart(at, zone, &here))
		return -1;
	today = date2j(here.tm.tm_year, here.tm.tm_mon, here.tm.tm_mday);
	day = anniversary_in(&born.tm, here.tm.tm_year);
	if (day < today)
		day = anniversary_in(&born.tm, here.tm.tm_year + 1);
	return day - today;
}

/* Two digits at *at, which moves behind them; -1: there are none. */
static int
read_two(const char **at, const char *end)
{
	int			number;

	if (end - *at < 2 || (*at)[0] < '0' || (*at)[0] > '9' ||
		(*at)[1] < '0' || (*at)[1] > '9')
		return -1;
	number = ((*at)[0] - '0') * 10 + (*at)[1] - '0';
	*at += 2;
	return number;
}

static bool
read_mark(const char **at, const char *end, char mark)
{
	if (*at >= end || **at != mark)
		return false;
	(*at)++;
	return true;
}

/* A fraction of a second, rounded down to microseconds. */
static fsec_t
read_fraction(const char **at, const char *end)
{
	int			unit = 100000;
	fsec_t		fraction = 0;

	for (; *at < end && **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
		fraction += (**at - '0') * unit;
	return fraction;
}

static bool
read_date(const char **at, const char *end, struct pg_tm *tm)
{
	int			century = read_two(at, end);
	int			year = read_two(at, end);

	if (century < 0 || year < 0 || !read_mark(at, end, '-'))
		return false;
	tm->tm_year = century * 100 + year;
	tm->tm_mon = read_two(at, end);
	if (!read_mark(at, end, '-'))
		return false;
	tm->tm_mday = read_two(at, end);
	return tm->tm_year >= 1 && tm->tm_mon >= 1 && tm->tm_mon <= 12 &&
		tm->tm_mday >= 1 &&
		tm->tm_mday <= last_day_of(tm->tm_year, tm->tm_mon);
}

static bool
read_clock(const char **at, const char *end, LocalTime *local)
{
	local->tm.tm_hour = read_two(at, end);
	if (!read_mark(at, end, ':'))
		return false;
	local->tm.tm_min = read_two(at, end);
	if (read_mark(at, end, ':'))
	{
		local->tm.tm_sec = read_two(at, end);
		if (read_mark(at, end, '.'))
			local->fsec = read_fraction(at, end);
	}
	return local->tm.tm_hour >= 0 && local->tm.tm_hour < 24 &&
		local->tm.tm_min >= 0 && local->tm.tm_min < 60 &&
		local->tm.tm_sec >= 0 && local->tm.tm_sec < 60;
}

/* Z or an offset: *west is seconds west of Greenwich. */
static bool
read_offset(const char **at, const char *end, int *west)
{
	int			sign = **at == '-' ? 1 : -1;
	int			hours;
	int			minutes = 0;

	*west = 0;
	if (read_mark(at, end, 'Z') || read_mark(at, end, 'z'))
		return true;
	if (!read_mark(at, end, '+') && !read_mark(at, end, '-'))
		return false;
	hours = read_two(at, end);
	if (read_mark(at, end, ':') || *at < end)
		minutes = read_two(at, end);
	*west = sign * (hours * 3600 + minutes * 60);
	return hours >= 0 && hours < 16 && minutes >= 0 && minutes < 60;
}

/* See calendar.h. */
bool
cdp_segment_read_time(const char *text, int length, pg_tz *zone,
					  TimestampTz *at)
{
	const char *next = text;
	const char *end = text + length;
	LocalTime	local = {.zone = zone};
	int			west;

	if (!read_date(&next, end, &local.tm))
		return false;
	if (next < end)
	{
		if (*next != 'T' && *next != 't' && *next != ' ')
			return false;
		next++;
		if (!read_clock(&next, end, &local))
			return false;
	}
	if (next == end)
		*at = put_together(&local);
	else if (!read_offset(&next, end, &west) || next != end ||
			 tm2timestamp(&local.tm, local.fsec, &west, at) != 0)
		return false;
	return !TIMESTAMP_NOT_FINITE(*at);
}

/* See calendar.h. */
char *
cdp_segment_time_text(TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fsec;
	char	   *text;

	if (TIMESTAMP_NOT_FINITE(at) ||
		timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		return pstrdup(at < 0 ? "-infinity" : "infinity");
	text = psprintf("%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year, tm.tm_mon,
					tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (fsec == 0)
		return psprintf("%sZ", text);
	return psprintf("%s.%06dZ", text, (int) fsec);
}
