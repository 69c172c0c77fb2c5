/*
 * convert.c
 *		Events to and from SQL values, and gathering them for packing.
 *
 * The one place that says what may stand in a timeline: ids that are not
 * negative, slots 1 to 255, times that a timestamp with time zone can hold,
 * amounts of at most four decimals within int64, and values as JSON has them.
 * A number is kept as its shortest text, so 1.50 and 1.5 are the same value; a
 * JSON null is no value.
 */
#include "postgres.h"

#include "base/compat.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

#include "timeline/convert.h"

/* An empty gathering. */
CdpTimelineEvents *
cdp_timeline_events(MemoryContext context)
{
	CdpTimelineEvents *events;

	events = MemoryContextAllocZero(context, sizeof(CdpTimelineEvents));
	events->context = context;
	events->max_events = 8;
	events->events = MemoryContextAlloc(context, events->max_events *
										sizeof(CdpTimelineEvent));
	return events;
}

static int
compare_slots(const void *a, const void *b)
{
	return ((const CdpTimelineValue *) a)->slot -
		((const CdpTimelineValue *) b)->slot;
}

/* Copy values and their bytes into one piece of memory. */
static CdpTimelineValue *
copy_values(MemoryContext context, const CdpTimelineEvent *event)
{
	Size		size = event->nvalues * sizeof(CdpTimelineValue);
	CdpTimelineValue *copy;
	char	   *bytes;
	int			i;

	for (i = 0; i < event->nvalues; i++)
		size += event->values[i].length;
	copy = MemoryContextAlloc(context, size);
	memcpy(copy, event->values, event->nvalues * sizeof(CdpTimelineValue));
	bytes = (char *) (copy + event->nvalues);
	for (i = 0; i < event->nvalues; i++)
	{
		memcpy(bytes, copy[i].data, copy[i].length);
		copy[i].data = bytes;
		bytes += copy[i].length;
	}
	qsort(copy, event->nvalues, sizeof(CdpTimelineValue), compare_slots);
	return copy;
}

/* Add a copy of an event. */
void
cdp_timeline_gather(CdpTimelineEvents *events, const CdpTimelineEvent *event)
{
	CdpTimelineEvent *copy;

	if (events->nevents == events->max_events)
	{
		events->max_events *= 2;
		events->events = repalloc_huge(events->events, events->max_events *
									   sizeof(CdpTimelineEvent));
	}
	copy = &events->events[events->nevents++];
	*copy = *event;
	copy->values = NULL;
	if (event->nvalues > 0)
		copy->values = copy_values(events->context, event);
}

static int
compare_events(const void *a, const void *b)
{
	return cdp_timeline_compare(a, b);
}

/* Sort the events and pack them into chunks. */
struct varlena **
cdp_timeline_pack(CdpTimelineEvents *events, Size limit, int *nchunks)
{
	CdpTimelineBuilder *builder = cdp_timeline_builder(limit);
	struct varlena **chunks;
	int			n = 0;
	int			max_chunks = 4;
	int			i;

	qsort(events->events, events->nevents, sizeof(CdpTimelineEvent),
		  compare_events);
	chunks = palloc(max_chunks * sizeof(struct varlena *));
	for (i = 0; i < events->nevents; i++)
	{
		if (cdp_timeline_add(builder, &events->events[i]))
			continue;
		if (n + 1 == max_chunks)
		{
			max_chunks *= 2;
			chunks = repalloc(chunks, max_chunks * sizeof(struct varlena *));
		}
		chunks[n++] = cdp_timeline_finish(builder);
		cdp_timeline_add(builder, &events->events[i]);
	}
	if (events->nevents > 0)
		chunks[n++] = cdp_timeline_finish(builder);
	*nchunks = n;
	return chunks;
}

/* Sort the events and pack them into one timeline. */
struct varlena *
cdp_timeline_pack_one(CdpTimelineEvents *events)
{
	int			nchunks;
	struct varlena **chunks = cdp_timeline_pack(events, 0, &nchunks);

	if (nchunks == 1)
		return chunks[0];
	return cdp_timeline_finish(cdp_timeline_builder(0));
}

/* Raise unless an id of a name or source is in range. */
void
cdp_timeline_check_id(const char *what, int64 id)
{
	if (id < 0 || id > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s %lld of a timeline event is out of range",
						what, (long long) id),
				 errdetail("It must be between 0 and %d.", PG_INT32_MAX)));
}

/* Raise unless a slot is in range. */
void
cdp_timeline_check_slot(int64 slot)
{
	if (slot < 1 || slot > CDP_TIMELINE_MAX_SLOT)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("property slot %lld of a timeline event is out of range",
						(long long) slot),
				 errdetail("It must be between 1 and %d.",
						   CDP_TIMELINE_MAX_SLOT)));
}

/* Raise unless a time is one that a timestamp can hold. */
void
cdp_timeline_check_time(int64 at_ms)
{
	if (at_ms < MIN_TIMESTAMP / 1000 + CDP_TIMELINE_EPOCH_MS ||
		at_ms >= END_TIMESTAMP / 1000 + CDP_TIMELINE_EPOCH_MS)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("time %lld of a timeline event is out of range",
						(long long) at_ms),
				 errdetail("It is in milliseconds since 1970-01-01 UTC.")));
}

/* A time to the nearest millisecond. */
int64
cdp_timeline_from_timestamp(TimestampTz at)
{
	int64		ms;

	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("a timeline event needs a finite time")));
	ms = at / 1000;
	if (at - ms * 1000 >= 500)
		ms++;
	else if (at - ms * 1000 <= -500)
		ms--;
	return ms + CDP_TIMELINE_EPOCH_MS;
}

TimestampTz
cdp_timeline_to_timestamp(int64 at_ms)
{
	cdp_timeline_check_time(at_ms);
	return (at_ms - CDP_TIMELINE_EPOCH_MS) * 1000;
}

/* The first millisecond that is not before a time. */
int64
cdp_timeline_not_before(TimestampTz at)
{
	int64		ms = at / 1000;

	if (TIMESTAMP_IS_NOBEGIN(at))
		return PG_INT64_MIN;
	if (TIMESTAMP_IS_NOEND(at))
		return PG_INT64_MAX;
	if (ms * 1000 < at)
		ms++;
	return ms + CDP_TIMELINE_EPOCH_MS;
}

static bool
numerics_equal(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a),
											 NumericGetDatum(b))) == 0;
}

/* An amount in ten-thousandths; false if it is not one, or is too large. */
bool
cdp_timeline_fit_amount(Numeric amount, int64 *result)
{
	bool		failed = numeric_is_nan(amount) || numeric_is_inf(amount);
	Numeric		shifted;

	if (failed)
		return false;
	shifted = numeric_mul_opt_error(amount, int64_to_numeric(10000), &failed);
	if (failed ||
		DatumGetBool(DirectFunctionCall2(numeric_gt,
										 DirectFunctionCall1(numeric_abs, NumericGetDatum(shifted)),
										 NumericGetDatum(int64_to_numeric(PG_INT64_MAX)))))
		return false;
	*result = DatumGetInt64(DirectFunctionCall1(numeric_int8,
												NumericGetDatum(shifted)));
	return numerics_equal(shifted, int64_to_numeric(*result));
}

/* The same, raising. */
int64
cdp_timeline_from_numeric(Numeric amount)
{
	int64		result;

	if (!cdp_timeline_fit_amount(amount, &result))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("amount \"%s\" does not fit a timeline",
						DatumGetCString(DirectFunctionCall1(numeric_out,
															NumericGetDatum(amount)))),
				 errdetail("An amount has at most four decimals and is below 922337203685477.")));
	return result;
}

Numeric
cdp_timeline_to_numeric(int64 amount)
{
	return int64_div_fast_to_numeric(amount, 4);
}

/* A JSON value as a timeline's; false for JSON null. */
bool
cdp_timeline_from_json(const JsonbValue *json, CdpTimelineValue *value)
{
	switch (json->type)
	{
		case jbvNull:
			return false;
		case jbvString:
			value->kind = CDP_TIMELINE_TEXT;
			value->data = json->val.string.val;
			value->length = json->val.string.len;
			return true;
		case jbvNumeric:
			value->kind = CDP_TIMELINE_NUMBER;
			value->data = numeric_normalize(json->val.numeric);
			break;
		case jbvBool:
			value->kind = CDP_TIMELINE_BOOLEAN;
			value->data = json->val.boolean ? "true" : "false";
			break;
		case jbvBinary:
			value->kind = CDP_TIMELINE_JSON;
			value->data = JsonbToCString(NULL, json->val.binary.data,
										 json->val.binary.len);
			break;
		default:
			elog(ERROR, "unexpected type of a jsonb value: %d",
				 (int) json->type);
	}
	value->length = strlen(value->data);
	return true;
}

/* A value as JSON text. */
void
cdp_timeline_print_value(StringInfo buffer, const CdpTimelineValue *value)
{
	char	   *text = pnstrdup(value->data, value->length);

	if (value->kind == CDP_TIMELINE_TEXT)
		escape_json(buffer, text);
	else
		appendStringInfoString(buffer, text);
	pfree(text);
}

/* A value as a jsonb value. */
void
cdp_timeline_to_json(const CdpTimelineValue *value, JsonbValue *json)
{
	char	   *text;
	Jsonb	   *jsonb;

	if (value->kind == CDP_TIMELINE_TEXT)
	{
		json->type = jbvString;
		json->val.string.val = unconstify(char *, value->data);
		json->val.string.len = value->length;
		return;
	}
	if (value->kind == CDP_TIMELINE_BOOLEAN)
	{
		json->type = jbvBool;
		json->val.boolean = value->length == 4;
		return;
	}
	text = pnstrdup(value->data, value->length);
	if (value->kind == CDP_TIMELINE_NUMBER)
	{
		json->type = jbvNumeric;
		json->val.numeric =
			DatumGetNumeric(DirectFunctionCall3(numeric_in,
												CStringGetDatum(text),
												ObjectIdGetDatum(InvalidOid),
												Int32GetDatum(-1)));
		return;
	}
	jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											   CStringGetDatum(text)));
	json->type = jbvBinary;
	json->val.binary.data = &jsonb->root;
	json->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
}
