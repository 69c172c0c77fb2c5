/*
 * value.h
 *		What an expression of a predicate is worth for one profile.
 *
 * Numbers are exact: an int64 of ten-thousandths as long as that is enough,
 * which is what amounts and counts are, and numeric beyond.  Text and JSON
 * point into what they were read from.
 *
 * Values that come from data (traits, event properties) are JSON, which has
 * no dates: compared with a time, a text from data is read as an ISO 8601
 * date or time, and is unknown if it is none.  Nothing else is converted;
 * values of different kinds do not compare, which is unknown.
 */
#ifndef CDP_SEGMENT_VALUE_H
#define CDP_SEGMENT_VALUE_H

#include "common/int.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "segment/calendar.h"

#define CDP_FIXED_SCALE 10000	/* ten-thousandths */

typedef enum CdpValueKind
{
	CDP_VALUE_NULL = 0,
	CDP_VALUE_BOOLEAN,
	CDP_VALUE_NUMBER,
	CDP_VALUE_TEXT,
	CDP_VALUE_TIME,
	CDP_VALUE_DURATION,
	CDP_VALUE_JSON				/* an array or object */
} CdpValueKind;

typedef struct CdpValue
{
	CdpValueKind kind;
	union
	{
		bool		boolean;
		struct
		{
			int64		fixed;	/* ten-thousandths, unless numeric is set */
			Numeric		numeric;
		}			number;
		struct
		{
			const char *data;
			int			length;
			bool		from_data;	/* may be read as a time */
		}			text;
		TimestampTz time;
		CdpDuration duration;
		JsonbContainer *json;
	}			as;
} CdpValue;

/*
 * Literals, because the compiler makes them where they are wanted; a local
 * variable is made first and then copied, for which the processor must wait.
 */
static inline CdpValue
cdp_segment_boolean(bool boolean)
{
	return (CdpValue) {CDP_VALUE_BOOLEAN, .as.boolean = boolean};
}

static inline CdpValue
cdp_segment_fixed(int64 ten_thousandths)
{
	return (CdpValue) {CDP_VALUE_NUMBER, .as.number.fixed = ten_thousandths};
}

static inline CdpValue
cdp_segment_text(const char *data, int length)
{
	return (CdpValue) {CDP_VALUE_TEXT, .as.text = {data, length, false}};
}

/* The same, told by data: it may be read as a time. */
static inline CdpValue
cdp_segment_data_text(const char *data, int length)
{
	return (CdpValue) {CDP_VALUE_TEXT, .as.text = {data, length, true}};
}

extern CdpValue cdp_segment_numeric(Numeric numeric);

static inline CdpValue
cdp_segment_integer(int64 number)
{
	int64		fixed;

	if (pg_mul_s64_overflow(number, CDP_FIXED_SCALE, &fixed))
		return cdp_segment_numeric(int64_to_numeric(number));
	return cdp_segment_fixed(fixed);
}

extern CdpValue cdp_segment_time(TimestampTz at);
extern CdpValue cdp_segment_from_json(const JsonbValue *json);

/* The value of a decimal text, for constants and packed properties. */
extern CdpValue cdp_segment_read_number(const char *text, int length);

/* Any number as numeric. */
extern Numeric cdp_segment_to_numeric(const CdpValue *number);

/* a op b for op in + - * /; null if it has no result. */
extern CdpValue cdp_segment_arithmetic(int op, const CdpValue *a,
									   const CdpValue *b, pg_tz *zone);
extern CdpValue cdp_segment_negate(const CdpValue *value);

/* False: they do not compare, or one is null; else *order is <0, 0, >0. */
extern bool cdp_segment_compare(const CdpValue *a, const CdpValue *b,
								pg_tz *zone, int *order);

/* SQL's IS DISTINCT FROM: never unknown. */
extern bool cdp_segment_distinct(const CdpValue *a, const CdpValue *b,
								 pg_tz *zone);

/* The time that a value is or, from data, tells; false: neither. */
extern bool cdp_segment_as_time(const CdpValue *value, pg_tz *zone,
								TimestampTz *at);

/* As JSON, see value_json.c; NULL: null, or nothing that JSON can tell. */
extern Jsonb *cdp_segment_to_jsonb(const CdpValue *value);
extern Jsonb *cdp_segment_jsonb_list(const CdpValue *values, int64 count);

/* For people to read. */
extern char *cdp_segment_value_text(const CdpValue *value);

#endif							/* CDP_SEGMENT_VALUE_H */
