/*
 * to_sql_value.c
 *		Values as SQL: what they are worth together; see to_sql.h.
 *
 * Every piece is an operand: a name, a call, a literal, or in parentheses.
 * Two values meet in pairs of kinds; of several pairs that are possible at
 * most one is not null, so coalesce() picks it.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "segment/to_sql.h"

static const char *const compare_operators[] = {
	"=", "<>", "<", "<=", ">", ">="
};

/* A value of one kind. */
CdpSqlValue
cdp_segment_sql_one(CdpSqlKind kind, const char *sql)
{
	CdpSqlValue value = {{NULL}};

	value.of[kind] = sql;
	return value;
}

/* What a jsonb from data is worth. */
CdpSqlValue
cdp_segment_sql_json(const char *sql)
{
	CdpSqlValue value = {{NULL}};

	value.of[CDP_SQL_BOOLEAN] = cdp_segment_sql("cdp._sql_boolean(%s)", sql);
	value.of[CDP_SQL_NUMBER] = cdp_segment_sql("cdp._sql_number(%s)", sql);
	value.of[CDP_SQL_DATA] = cdp_segment_sql("cdp._sql_text(%s)", sql);
	value.of[CDP_SQL_JSON] = cdp_segment_sql("cdp._sql_nested(%s)", sql);
	value.is_null = cdp_segment_sql("(nullif(%s, 'null') IS NULL)", sql);
	return value;
}

/* The first of two that is not null; either may be missing. */
const char *
cdp_segment_sql_first(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a != NULL ? a : b;
	return cdp_segment_sql("coalesce(%s, %s)", a, b);
}

/* Its text, from data or not; NULL: it never is one. */
const char *
cdp_segment_sql_any_text(const CdpSqlValue *value)
{
	return cdp_segment_sql_first(value->of[CDP_SQL_TEXT],
								 value->of[CDP_SQL_DATA]);
}

/* The time that its text tells, if it is from data. */
static const char *
told_time(const CdpSqlValue *value, pg_tz *zone)
{
	if (value->of[CDP_SQL_DATA] == NULL)
		return NULL;
	return cdp_segment_sql("cdp._sql_time(%s, %s)", value->of[CDP_SQL_DATA],
						   cdp_segment_sql_zone(zone));
}

/* The time that it is or tells; NULL: it never is one. */
const char *
cdp_segment_sql_any_time(const CdpSqlValue *value, pg_tz *zone)
{
	return cdp_segment_sql_first(value->of[CDP_SQL_TIME],
								 told_time(value, zone));
}

/* The condition that it is null. */
const char *
cdp_segment_sql_is_null(const CdpSqlValue *value)
{
	const char *condition = NULL;

	if (value->is_null != NULL)
		return value->is_null;
	for (int kind = 0; kind < CDP_SQL_KINDS; kind++)
	{
		if (value->of[kind] == NULL)
			continue;
		if (condition == NULL)
			condition = cdp_segment_sql("%s IS NULL", value->of[kind]);
		else
			condition = cdp_segment_sql("%s AND %s IS NULL", condition,
										value->of[kind]);
	}
	return condition == NULL ? "true" : cdp_segment_sql("(%s)", condition);
}

/* A duration that can be compared: without months. */
static const char *
fixed_duration(const CdpSqlValue *value)
{
	const char *duration = value->of[CDP_SQL_DURATION];

	if (duration == NULL || !value->has_months)
		return duration;
	return cdp_segment_sql("cdp._sql_fixed(%s)", duration);
}

static const char *
compare_pair(CdpCompare op, const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return NULL;
	return cdp_segment_sql("(%s %s %s)", a, compare_operators[op], b);
}

/* Texts compare by bytes; whether they equal a literal no collation says. */
static const char *
compare_texts(CdpCompare op, const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return NULL;
	if ((op == CDP_EQ || op == CDP_NE) && (*b == '\'' || *b == 'E'))
		return compare_pair(op, a, b);
	return compare_pair(op, cdp_segment_sql("%s COLLATE \"C\"", a), b);
}

/* The pairs of a time with a time, and with a text that tells one. */
static const char *
compare_times(CdpCompare op, const CdpSqlValue *a, const CdpSqlValue *b,
			  pg_tz *zone)
{
	const char *times = NULL;

	if (a->of[CDP_SQL_TIME] != NULL)
		times = compare_pair(op, a->of[CDP_SQL_TIME],
							 cdp_segment_sql_any_time(b, zone));
	if (b->of[CDP_SQL_TIME] != NULL)
		times = cdp_segment_sql_first(times,
									  compare_pair(op, told_time(a, zone),
												   b->of[CDP_SQL_TIME]));
	return times;
}

/* a op b; unknown unless they are of kinds that compare. */
const char *
cdp_segment_sql_compare(CdpCompare op, const CdpSqlValue *a,
						const CdpSqlValue *b, pg_tz *zone)
{
	const char *pairs[] = {
		compare_pair(op, a->of[CDP_SQL_BOOLEAN], b->of[CDP_SQL_BOOLEAN]),
		compare_pair(op, a->of[CDP_SQL_NUMBER], b->of[CDP_SQL_NUMBER]),
		compare_texts(op, cdp_segment_sql_any_text(a),
					  cdp_segment_sql_any_text(b)),
		compare_times(op, a, b, zone),
		compare_pair(op, fixed_duration(a), fixed_duration(b)),
		compare_pair(op, a->of[CDP_SQL_JSON], b->of[CDP_SQL_JSON])
	};
	const char *all = NULL;
	bool		several = false;

	for (int i = 0; i < lengthof(pairs); i++)
	{
		if (pairs[i] == NULL)
			continue;
		several = all != NULL;
		all = several ? cdp_segment_sql("%s, %s", all, pairs[i]) : pairs[i];
	}
	if (all == NULL)
		return "NULL::boolean";
	return several ? cdp_segment_sql("coalesce(%s)", all) : all;
}

/* a is distinct from b: never unknown; what does not compare is distinct. */
const char *
cdp_segment_sql_distinct(const CdpSqlValue *a, const CdpSqlValue *b,
						 pg_tz *zone)
{
	const char *both = cdp_segment_sql("(%s AND %s)",
									   cdp_segment_sql_is_null(a),
									   cdp_segment_sql_is_null(b));

	return cdp_segment_sql("(NOT (%s OR coalesce(%s, false)))", both,
						   cdp_segment_sql_compare(CDP_EQ, a, b, zone));
}

/* Literals such as 5 are integers, which calculate differently. */
static const char *
as_numeric(const char *number)
{
	if (strspn(number, "0123456789.-()") < strlen(number))
		return number;
	return cdp_segment_sql("%s::numeric", number);
}

static const char *
add_numbers(int op, const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return NULL;
	if (op == '/')
		return cdp_segment_sql("(%s / nullif(%s, 0))", as_numeric(a),
							   as_numeric(b));
	return cdp_segment_sql("(%s %c %s)", as_numeric(a), op, as_numeric(b));
}

/* A time moved by a duration of the other value. */
static const char *
move_time(int op, const char *at, const CdpSqlValue *by, pg_tz *zone)
{
	const char *duration = by->of[CDP_SQL_DURATION];

	if (at == NULL || duration == NULL)
		return NULL;
	if (!by->has_months)
		return cdp_segment_sql("(%s %c %s)", at, op, duration);
	return cdp_segment_sql("cdp._sql_move(%s, %s%s, %s)", at,
						   op == '-' ? "-" : "", duration,
						   cdp_segment_sql_zone(zone));
}

static const char *
add_durations(int op, const CdpSqlValue *a, const CdpSqlValue *b)
{
	if (a->of[CDP_SQL_DURATION] == NULL || b->of[CDP_SQL_DURATION] == NULL)
		return NULL;
	return cdp_segment_sql("(%s %c %s)", a->of[CDP_SQL_DURATION], op,
						   b->of[CDP_SQL_DURATION]);
}

static const char *
elapsed(const char *from, const char *to)
{
	if (from == NULL || to == NULL)
		return NULL;
	return cdp_segment_sql("cdp._sql_elapsed(%s, %s)", from, to);
}

/* a op b */
CdpSqlValue
cdp_segment_sql_arithmetic(int op, const CdpSqlValue *a, const CdpSqlValue *b,
						   pg_tz *zone)
{
	CdpSqlValue value = {{NULL}};
	const char *a_time;
	const char *b_time;

	value.of[CDP_SQL_NUMBER] = add_numbers(op, a->of[CDP_SQL_NUMBER],
										   b->of[CDP_SQL_NUMBER]);
	if (op == '*' || op == '/')
		return value;
	a_time = cdp_segment_sql_any_time(a, zone);
	b_time = cdp_segment_sql_any_time(b, zone);
	value.of[CDP_SQL_DURATION] = add_durations(op, a, b);
	value.has_months = a->has_months || b->has_months;
	value.of[CDP_SQL_TIME] = move_time(op, a_time, b, zone);
	if (op == '+')
		value.of[CDP_SQL_TIME] =
			cdp_segment_sql_first(value.of[CDP_SQL_TIME],
								  move_time(op, b_time, a, zone));
	else
		value.of[CDP_SQL_DURATION] =
			cdp_segment_sql_first(value.of[CDP_SQL_DURATION],
								  elapsed(b_time, a_time));
	return value;
}

CdpSqlValue
cdp_segment_sql_negate(const CdpSqlValue *value)
{
	CdpSqlValue negative = {{NULL}};

	if (value->of[CDP_SQL_NUMBER] != NULL)
		negative.of[CDP_SQL_NUMBER] =
			cdp_segment_sql("(- %s)", as_numeric(value->of[CDP_SQL_NUMBER]));
	if (value->of[CDP_SQL_DURATION] != NULL)
		negative.of[CDP_SQL_DURATION] =
			cdp_segment_sql("(- %s)", value->of[CDP_SQL_DURATION]);
	negative.has_months = value->has_months;
	return negative;
}

/* Is there a kind but this one that the value may be of? */
static bool
has_other(const CdpSqlValue *value, int kind)
{
	for (int other = 0; other < CDP_SQL_KINDS; other++)
		if (other != kind && value->of[other] != NULL)
			return true;
	return false;
}

/* a, or b where a is null */
static CdpSqlValue
or_else(const CdpSqlValue *a, const CdpSqlValue *b)
{
	CdpSqlValue value = {{NULL}};

	for (int kind = 0; kind < CDP_SQL_KINDS; kind++)
	{
		const char *second = b->of[kind];

		if (second != NULL && has_other(a, kind))
			second = cdp_segment_sql("CASE WHEN %s THEN %s END",
									 cdp_segment_sql_is_null(a), second);
		value.of[kind] = cdp_segment_sql_first(a->of[kind], second);
		if (value.of[kind] != NULL && value.of[kind] == second)
			value.of[kind] = cdp_segment_sql("(%s)", second);
	}
	value.is_null = cdp_segment_sql("(%s AND %s)", cdp_segment_sql_is_null(a),
									cdp_segment_sql_is_null(b));
	value.has_months = a->has_months || b->has_months;
	return value;
}

/* The first that is not null. */
CdpSqlValue
cdp_segment_sql_coalesce(const CdpSqlValue *values, int count)
{
	CdpSqlValue value = values[count - 1];

	for (int i = count - 2; i >= 0; i--)
		value = or_else(&values[i], &value);
	return value;
}

/* An interval, without its months; hours however many, never days. */
static char *
clock_text(int64 us)
{
	char	   *text = psprintf("%lld:%02d:%02d",
								(long long) (us / USECS_PER_HOUR),
								(int) (us / USECS_PER_MINUTE % 60),
								(int) (us / USECS_PER_SEC % 60));

	if (us % USECS_PER_HOUR == 0)
		return psprintf("%lld hours", (long long) (us / USECS_PER_HOUR));
	if (us % USECS_PER_SEC == 0)
		return text;
	return psprintf("%s.%06d", text, (int) (us % USECS_PER_SEC));
}

static const char *
calendar_interval(const CdpDuration *duration)
{
	if (duration->months == 0)
		return cdp_segment_sql("interval '%d days'", duration->days);
	return cdp_segment_sql("interval '%d months'", duration->months);
}

/* An instant moved by a duration. */
const char *
cdp_segment_sql_move(const char *at, int sign, const CdpDuration *by,
					 pg_tz *zone)
{
	const char *name;

	if (by->months == 0 && by->days == 0)
		return cdp_segment_sql("(%s %c interval '%s')", at,
							   sign < 0 ? '-' : '+', clock_text(by->us));
	name = cdp_segment_sql_zone(zone);
	return cdp_segment_sql("((%s AT TIME ZONE %s %c %s) AT TIME ZONE %s)", at,
						   name, sign < 0 ? '-' : '+', calendar_interval(by),
						   name);
}

static const char *
number_literal(const CdpValue *number)
{
	char	   *text = DatumGetCString(
									   DirectFunctionCall1(numeric_out,
														   DirectFunctionCall1(numeric_trim_scale,
																			   NumericGetDatum(cdp_segment_to_numeric(number)))));

	return *text == '-' ? cdp_segment_sql("(%s)", text) : text;
}

static CdpSqlValue
duration_literal(const CdpDuration *duration)
{
	CdpSqlValue value = {{NULL}};

	value.has_months = duration->months != 0;
	value.of[CDP_SQL_DURATION] = value.has_months ?
		calendar_interval(duration) :
		cdp_segment_sql("interval '%s'", clock_text(duration->us));
	return value;
}

CdpSqlValue
cdp_segment_sql_constant(const CdpValue *constant)
{
	CdpSqlValue none = {{NULL}};

	switch (constant->kind)
	{
		case CDP_VALUE_BOOLEAN:
			return cdp_segment_sql_one(CDP_SQL_BOOLEAN,
									   constant->as.boolean ? "true" : "false");
		case CDP_VALUE_NUMBER:
			return cdp_segment_sql_one(CDP_SQL_NUMBER,
									   number_literal(constant));
		case CDP_VALUE_TEXT:
			return cdp_segment_sql_one(CDP_SQL_TEXT,
									   cdp_segment_sql_text(pnstrdup(constant->as.text.data,
																	 constant->as.text.length)));
		case CDP_VALUE_TIME:
			return cdp_segment_sql_one(CDP_SQL_TIME,
									   cdp_segment_sql_time(constant->as.time));
		case CDP_VALUE_DURATION:
			return duration_literal(&constant->as.duration);
		default:
			return none;
	}
}
