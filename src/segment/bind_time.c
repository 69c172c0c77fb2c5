/*
 * bind_time.c
 *		Binds what is about time: durations, dates and moments.
 *
 * A moment is a time that the as-of instant alone decides, such as now - 30
 * days.  It is the same for all profiles, so an evaluation computes it once
 * (evaluate.c) and not for each of them.
 */
#include "postgres.h"

#include "utils/fmgrprotos.h"

#include "segment/bind.h"

#define MAX_DURATION_YEARS 1000

/* Microseconds in a unit of fixed length. */
static int64
unit_us(CdpUnit unit)
{
	static const int64 us[] = {
		USECS_PER_SEC, USECS_PER_MINUTE, USECS_PER_HOUR, USECS_PER_DAY,
		7 * USECS_PER_DAY
	};

	return us[unit];
}

static int64
unit_months(CdpUnit unit)
{
	return unit == CDP_MONTH ? 1 : unit == CDP_QUARTER ? 3 : 12;
}

/* The length that a DURATION node tells; false after noting an error. */
bool
cdp_segment_bind_duration(CdpBinder *binder, const CdpNode *node,
						  CdpDuration *duration)
{
	bool		has_months = node->unit >= CDP_MONTH;
	int64		scale = has_months ? unit_months(node->unit) : unit_us(node->unit);
	int64		limit = has_months ? MAX_DURATION_YEARS * 12 :
		MAX_DURATION_YEARS * INT64CONST(36525) * USECS_PER_DAY / 100;
	CdpValue	number = cdp_segment_read_number(node->text, strlen(node->text));
	CdpValue	unit = cdp_segment_integer(scale);
	CdpValue	most = cdp_segment_integer(limit);
	CdpValue	length = cdp_segment_arithmetic('*', &number, &unit, NULL);
	int			order;
	int64		whole;

	memset(duration, 0, sizeof(*duration));
	if (!cdp_segment_compare(&length, &most, NULL, &order) || order > 0)
	{
		cdp_segment_bind_error(binder, ERRCODE_INVALID_PARAMETER_VALUE, node,
							   psprintf("a duration is at most %d years",
										MAX_DURATION_YEARS), NULL);
		return false;
	}
	whole = DatumGetInt64(DirectFunctionCall1(numeric_int8,
											  NumericGetDatum(cdp_segment_to_numeric(&length))));
	if (has_months)
	{
		duration->months = whole;
		binder->uses_zone = true;
	}
	else
		duration->us = whole;
	return true;
}

/* The instant that a DATE node tells. */
TimestampTz
cdp_segment_bind_date(CdpBinder *binder, const CdpNode *node)
{
	int			length = strlen(node->text);
	TimestampTz at;

	if (node->text[length - 1] != 'Z')
		binder->uses_zone = true;
	if (!cdp_segment_read_time(node->text, length, binder->zone, &at))
		elog(ERROR, "could not read date \"%s\"", node->text);
	return at;
}

/* Is the expression the same for all profiles, at an instant? */
static bool
is_of_all(const CdpExpr *expr)
{
	return expr->kind == CDP_EXPR_CONSTANT || expr->moment > 0;
}

/* See bind.h. */
void
cdp_segment_note_moment(CdpBinder *binder, CdpExpr *expr)
{
	CdpProgram *program = binder->program;

	if (expr->type != CDP_TYPE_TIME)
		return;
	for (int i = 0; i < expr->nargs; i++)
		if (!is_of_all(expr->args[i]))
			return;
	program->moments = lappend(program->moments, expr);
	expr->moment = list_length(program->moments);
}
