/*
 * value.c
 *		Values, exact numbers and how values compare; see value.h.
 */
#include "postgres.h"

#include "common/int.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "segment/value.h"

static const CdpValue null_value = {CDP_VALUE_NULL};

CdpValue
cdp_segment_numeric(Numeric numeric)
{
	CdpValue	value = {CDP_VALUE_NUMBER};

	if (numeric_is_nan(numeric) || numeric_is_inf(numeric))
		return null_value;
	value.as.number.numeric = numeric;
	return value;
}

CdpValue
cdp_segment_time(TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at))
		return null_value;
	return (CdpValue) {CDP_VALUE_TIME, .as.time = at};
}

/* What JSON holds; the value points into it. */
CdpValue
cdp_segment_from_json(const JsonbValue *json)
{
	CdpValue	value = {CDP_VALUE_NULL};

	switch (json->type)
	{
		case jbvString:
			return cdp_segment_data_text(json->val.string.val,
										 json->val.string.len);
		case jbvNumeric:
			value = cdp_segment_numeric(json->val.numeric);
			break;
		case jbvBool:
			value = cdp_segment_boolean(json->val.boolean);
			break;
		case jbvBinary:
			value.kind = CDP_VALUE_JSON;
			value.as.json = json->val.binary.data;
			break;
		default:
			break;
	}
	return value;
}

/* A decimal with at most four places and 18 digits as ten-thousandths. */
static bool
read_fixed(const char *text, int length, int64 *fixed)
{
	bool		negative = length > 0 && *text == '-';
	int			places = -1;	/* digits after the point; -1: before it */
	int64		number = 0;

	if (length > 18)
		return false;
	for (int i = negative; i < length; i++)
	{
		if (text[i] == '.' && places < 0)
			places = 0;
		else if (text[i] < '0' || text[i] > '9' || places == 4)
			return false;
		else
		{
			number = number * 10 + text[i] - '0';
			places += places >= 0;
		}
	}
	for (places = Max(places, 0); places < 4; places++)
		if (pg_mul_s64_overflow(number, 10, &number))
			return false;
	*fixed = negative ? -number : number;
	return true;
}

/* See value.h; the text is known to be a number. */
CdpValue
cdp_segment_read_number(const char *text, int length)
{
	int64		fixed;

	if (read_fixed(text, length, &fixed))
		return cdp_segment_fixed(fixed);
	return cdp_segment_numeric(DatumGetNumeric(
											   DirectFunctionCall3(numeric_in,
																   CStringGetDatum(pnstrdup(text, length)),
																   ObjectIdGetDatum(InvalidOid),
																   Int32GetDatum(-1))));
}

Numeric
cdp_segment_to_numeric(const CdpValue *number)
{
	if (number->as.number.numeric != NULL)
		return number->as.number.numeric;
	return int64_div_fast_to_numeric(number->as.number.fixed, 4);
}

/* a op b in ten-thousandths; false: it is no number of them, or too large. */
static bool
fixed_arithmetic(int op, int64 a, int64 b, int64 *result)
{
	int128		wide;

	switch (op)
	{
		case '+':
			return !pg_add_s64_overflow(a, b, result);
		case '-':
			return !pg_sub_s64_overflow(a, b, result);
		case '*':
			if (!pg_mul_s64_overflow(a, b, result))
			{
				bool		is_whole = *result % CDP_FIXED_SCALE == 0;

				*result /= CDP_FIXED_SCALE;
				return is_whole;
			}
			wide = (int128) a * b;
			if (wide % CDP_FIXED_SCALE != 0)
				return false;
			wide /= CDP_FIXED_SCALE;
			break;
		default:				/* '/' */
			wide = (int128) a * CDP_FIXED_SCALE;
			if (b == 0 || wide % b != 0)
				return false;
			wide /= b;
			break;
	}
	*result = (int64) wide;
	return *result == wide;
}

/* Unknown if divided by zero, or too large even for numeric. */
static CdpValue
number_arithmetic(int op, const CdpValue *a, const CdpValue *b)
{
	int64		fixed;
	Numeric		left;
	Numeric		right;
	Numeric		result;
	bool		failed = false;

	if (a->as.number.numeric == NULL && b->as.number.numeric == NULL &&
		fixed_arithmetic(op, a->as.number.fixed, b->as.number.fixed, &fixed))
		return cdp_segment_fixed(fixed);
	left = cdp_segment_to_numeric(a);
	right = cdp_segment_to_numeric(b);
	if (op == '+')
		result = numeric_add_opt_error(left, right, &failed);
	else if (op == '-')
		result = numeric_sub_opt_error(left, right, &failed);
	else if (op == '*')
		result = numeric_mul_opt_error(left, right, &failed);
	else
		result = numeric_div_opt_error(left, right, &failed);
	return failed ? null_value : cdp_segment_numeric(result);
}

/* A time moved by a duration, or the sum of two durations. */
static CdpValue
add_duration(int sign, const CdpValue *a, const CdpValue *b, pg_tz *zone)
{
	CdpValue	sum = *a;
	TimestampTz at;

	if (a->kind == CDP_VALUE_DURATION)
	{
		sum.as.duration.months += sign * b->as.duration.months;
		sum.as.duration.days += sign * b->as.duration.days;
		if (pg_add_s64_overflow(a->as.duration.us, sign * b->as.duration.us,
								&sum.as.duration.us))
			return null_value;
		return sum;
	}
	if (!cdp_segment_as_time(a, zone, &at))
		return null_value;
	return cdp_segment_time(cdp_segment_move(at, &b->as.duration, sign, zone));
}

/* The time from b to a. */
static CdpValue
time_between(const CdpValue *a, const CdpValue *b, pg_tz *zone)
{
	CdpValue	value = {CDP_VALUE_DURATION};
	TimestampTz from;
	TimestampTz to;

	if (!cdp_segment_as_time(b, zone, &from) ||
		!cdp_segment_as_time(a, zone, &to) ||
		pg_sub_s64_overflow(to, from, &value.as.duration.us))
		return null_value;
	return value;
}

/* See value.h. */
CdpValue
cdp_segment_arithmetic(int op, const CdpValue *a, const CdpValue *b,
					   pg_tz *zone)
{
	if (a->kind == CDP_VALUE_NUMBER && b->kind == CDP_VALUE_NUMBER)
		return number_arithmetic(op, a, b);
	if (a->kind == CDP_VALUE_NULL || b->kind == CDP_VALUE_NULL)
		return null_value;
	if (b->kind == CDP_VALUE_DURATION && (op == '+' || op == '-'))
		return add_duration(op == '+' ? 1 : -1, a, b, zone);
	if (a->kind == CDP_VALUE_DURATION && op == '+')
		return add_duration(1, b, a, zone);
	if (op == '-')
		return time_between(a, b, zone);
	return null_value;
}

CdpValue
cdp_segment_negate(const CdpValue *value)
{
	CdpValue	zero = cdp_segment_fixed(0);
	CdpValue	negative = *value;

	if (value->kind == CDP_VALUE_NUMBER)
		return number_arithmetic('-', &zero, value);
	if (value->kind != CDP_VALUE_DURATION)
		return null_value;
	negative.as.duration.months = -negative.as.duration.months;
	negative.as.duration.days = -negative.as.duration.days;
	negative.as.duration.us = -negative.as.duration.us;
	return negative;
}

/* See value.h. */
bool
cdp_segment_as_time(const CdpValue *value, pg_tz *zone, TimestampTz *at)
{
	if (value->kind == CDP_VALUE_TIME)
	{
		*at = value->as.time;
		return true;
	}
	return value->kind == CDP_VALUE_TEXT && value->as.text.from_data &&
		cdp_segment_read_time(value->as.text.data, value->as.text.length,
							  zone, at);
}

static int
compare_int64(int64 a, int64 b)
{
	return (a > b) - (a < b);
}

static int
compare_numbers(const CdpValue *a, const CdpValue *b)
{
	if (a->as.number.numeric == NULL && b->as.number.numeric == NULL)
		return compare_int64(a->as.number.fixed, b->as.number.fixed);
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp,
											 NumericGetDatum(cdp_segment_to_numeric(a)),
											 NumericGetDatum(cdp_segment_to_numeric(b))));
}

static int
compare_texts(const CdpValue *a, const CdpValue *b)
{
	int			order = memcmp(a->as.text.data, b->as.text.data,
							   Min(a->as.text.length, b->as.text.length));

	return order != 0 ? order : a->as.text.length - b->as.text.length;
}

/* Months and calendar days have no fixed length: they do not compare. */
static bool
compare_durations(const CdpDuration *a, const CdpDuration *b, int *order)
{
	*order = compare_int64(a->us, b->us);
	return a->months == 0 && a->days == 0 && b->months == 0 && b->days == 0;
}

/* See value.h. */
bool
cdp_segment_compare(const CdpValue *a, const CdpValue *b, pg_tz *zone,
					int *order)
{
	TimestampTz at;
	TimestampTz other;

	if (a->kind == CDP_VALUE_NUMBER && b->kind == CDP_VALUE_NUMBER)
	{
		*order = compare_numbers(a, b);
		return true;
	}
	if (a->kind == CDP_VALUE_TIME || b->kind == CDP_VALUE_TIME)
	{
		if (!cdp_segment_as_time(a, zone, &at) ||
			!cdp_segment_as_time(b, zone, &other))
			return false;
		*order = compare_int64(at, other);
		return true;
	}
	if (a->kind != b->kind)
		return false;
	switch (a->kind)
	{
		case CDP_VALUE_BOOLEAN:
			*order = a->as.boolean - b->as.boolean;
			return true;
		case CDP_VALUE_TEXT:
			*order = compare_texts(a, b);
			return true;
		case CDP_VALUE_DURATION:
			return compare_durations(&a->as.duration, &b->as.duration, order);
		case CDP_VALUE_JSON:
			*order = compareJsonbContainers(a->as.json, b->as.json);
			return true;
		default:
			return false;
	}
}

/* See value.h. */
bool
cdp_segment_distinct(const CdpValue *a, const CdpValue *b, pg_tz *zone)
{
	int			order;

	if (a->kind == CDP_VALUE_NULL || b->kind == CDP_VALUE_NULL)
		return a->kind != b->kind;
	return !cdp_segment_compare(a, b, zone, &order) || order != 0;
}

static char *
number_text(const CdpValue *value)
{
	Datum		trimmed = DirectFunctionCall1(numeric_trim_scale,
											  NumericGetDatum(cdp_segment_to_numeric(value)));

	return DatumGetCString(DirectFunctionCall1(numeric_out, trimmed));
}

static char *
json_text(const CdpValue *value)
{
	return JsonbToCString(NULL, value->as.json, 64);
}

/* See value.h. */
char *
cdp_segment_value_text(const CdpValue *value)
{
	switch (value->kind)
	{
		case CDP_VALUE_BOOLEAN:
			return pstrdup(value->as.boolean ? "true" : "false");
		case CDP_VALUE_NUMBER:
			return number_text(value);
		case CDP_VALUE_TEXT:
			return psprintf("'%.*s'", value->as.text.length,
							value->as.text.data);
		case CDP_VALUE_TIME:
			return cdp_segment_time_text(value->as.time);
		case CDP_VALUE_DURATION:
			return psprintf("%lld seconds",
							(long long) (value->as.duration.us / USECS_PER_SEC));
		case CDP_VALUE_JSON:
			return json_text(value);
		default:
			return pstrdup("unknown");
	}
}
