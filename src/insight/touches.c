/*
 * touches.c
 *		cdp._timeline_touches(): what led to each conversion of one profile.
 *
 * attribution.sql tells what visits, touches and conversions are.  Here they are
 * found while a timeline is read, in the order of time, so a visit is known when
 * the next one begins: as rows, all events of everybody who converted would be
 * sorted to find visits, grouped to find touches, and joined with conversions.
 *
 * Of a visit its campaigns are kept, each at its first event, or the visit itself
 * where it has none.  Reports of one conversion are sorted by the key that they
 * have in common, the one that counts first.  Then each conversion is a row for
 * each touch of its window, which is found by binary search.
 *
 * Memory is that of one profile's touches and conversions, and of what its events
 * tell of campaigns.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "insight/campaign.h"
#include "insight/elements.h"
#include "insight/report.h"
#include "insight/walk.h"

#define COLUMNS 7
#define PAUSE_MS (30 * 60 * 1000)	/* a longer one ends a visit */
#define HALF_LIFE_SECONDS (7 * SECS_PER_DAY)
#define LEAST_EXPONENT (-1000)	/* of a weight that is no 0 */

typedef struct Label
{
	const char *data;			/* NULL: there is none */
	int			length;
} Label;

typedef struct Numbers
{
	int			count;
	Datum	   *elements;
} Numbers;

typedef struct Touch
{
	TimestampTz at;
	Label		campaign;		/* none: the visit was direct */
} Touch;

typedef struct Reading
{
	/* what is asked */
	int32		conversion_id;
	int			key_slot;		/* 0: conversions have no keys */
	int			campaign_slot;	/* 0: no event has a campaign */
	TimestampTz until;
	Numbers		page_ids;
	Numbers		sent_ids;
	Numbers		source_ids;
	Numbers		priorities;

	/* what was found */
	Touch	   *touches;
	int64		ntouches;
	int64		max_touches;
	CdpInsightReport *conversions;
	int64		nconversions;
	int64		max_conversions;

	/* the visit in hand, if it has begun */
	bool		in_visit;
	bool		has_page;
	TimestampTz visit_at;
	TimestampTz last_at;
	int64		visit_touches;	/* how many there were before it */
} Reading;

PG_FUNCTION_INFO_V1(cdp__timeline_touches);

static int
compare_labels(const Label *a, const Label *b)
{
	int			order = memcmp(a->data, b->data, Min(a->length, b->length));

	return order != 0 ? order : a->length - b->length;
}

static int
compare_times(TimestampTz a, TimestampTz b)
{
	return (a > b) - (a < b);
}

/* The place of a number among others; -1: it is not there. */
static int
find_number(const Numbers *numbers, int32 wanted)
{
	for (int i = 0; i < numbers->count; i++)
		if (DatumGetInt32(numbers->elements[i]) == wanted)
			return i;
	return -1;
}

static Numbers
get_numbers(FunctionCallInfo fcinfo, int argument, int count)
{
	Numbers		numbers = {count, NULL};

	numbers.elements = cdp_insight_elements(fcinfo, argument, NULL,
											&numbers.count);
	return numbers;
}

/* Room for one more item in an array that is made on first use. */
static void *
grow(void *array, int64 count, int64 *space, Size item)
{
	if (count < *space)
		return array;
	*space = Max(*space * 2, 16);
	return array == NULL ? palloc(*space * item) :
		repalloc_huge(array, *space * item);
}

/* The campaign of the event in hand. */
static Label
get_campaign(const Reading *reading, CdpTimelineReader *reader)
{
	Label		campaign = {NULL, 0};
	CdpTimelineValue value;

	if (reading->campaign_slot > 0 &&
		cdp_timeline_value(reader, reading->campaign_slot, &value))
		campaign.data = cdp_insight_campaign(&value, &campaign.length);
	return campaign;
}

static void
add_touch(Reading *reading, TimestampTz at, Label campaign)
{
	reading->touches = grow(reading->touches, reading->ntouches,
							&reading->max_touches, sizeof(Touch));
	reading->touches[reading->ntouches++] = (Touch) {at, campaign};
}

/* By campaign, the first of each in front. */
static int
compare_campaigns(const void *a, const void *b)
{
	const Touch *one = a;
	const Touch *other = b;
	int			order = compare_labels(&one->campaign, &other->campaign);

	return order != 0 ? order : compare_times(one->at, other->at);
}

/* Those that share a time are of one visit, and of campaigns therefore. */
static int
compare_touches(const void *a, const void *b)
{
	const Touch *one = a;
	const Touch *other = b;
	int			order = compare_times(one->at, other->at);

	return order != 0 ? order : compare_labels(&one->campaign, &other->campaign);
}

/* Leave of each campaign of the visit in hand its first event. */
static void
end_visit(Reading *reading)
{
	Touch	   *touches = reading->touches + reading->visit_touches;
	int64		count = reading->ntouches - reading->visit_touches;
	int64		kept = 1;

	if (!reading->in_visit)
		return;
	if (count == 0)
	{
		if (reading->has_page)
			add_touch(reading, reading->visit_at, (Label) {NULL, 0});
		return;
	}
	if (count == 1)
		return;
	qsort(touches, count, sizeof(Touch), compare_campaigns);
	for (int64 i = 1; i < count; i++)
		if (compare_labels(&touches[i].campaign, &touches[kept - 1].campaign) != 0)
			touches[kept++] = touches[i];
	qsort(touches, kept, sizeof(Touch), compare_touches);
	reading->ntouches = reading->visit_touches + kept;
}

static void
begin_visit(Reading *reading, TimestampTz at)
{
	end_visit(reading);
	reading->in_visit = true;
	reading->has_page = false;
	reading->visit_at = at;
	reading->visit_touches = reading->ntouches;
}

static void
add_conversion(Reading *reading, CdpTimelineReader *reader, TimestampTz at)
{
	int			place = find_number(&reading->source_ids,
									reader->shape->source_id);
	CdpInsightReport *conversion;
	CdpTimelineValue value;

	reading->conversions = grow(reading->conversions, reading->nconversions,
								&reading->max_conversions,
								sizeof(CdpInsightReport));
	conversion = &reading->conversions[reading->nconversions];
	memset(conversion, 0, sizeof(CdpInsightReport));
	conversion->at = at;
	conversion->source_id = reader->shape->source_id;
	conversion->priority = place < 0 ? CDP_INSIGHT_NO_PRIORITY :
		DatumGetInt32(reading->priorities.elements[place]);
	conversion->has_amount = reader->has_amount;
	conversion->amount = reader->amount;
	conversion->place = reading->nconversions++;
	if (reading->key_slot > 0 &&
		cdp_timeline_value(reader, reading->key_slot, &value) &&
		value.length > 0)
	{
		conversion->key = value.data;
		conversion->key_length = value.length;
	}
}

/* The event in hand is part of a visit, and may be more. */
static void
add_event(Reading *reading, CdpTimelineReader *reader, bool is_page,
		  TimestampTz at)
{
	Label		campaign = get_campaign(reading, reader);

	if (!reading->in_visit ||
		at - reading->last_at > PAUSE_MS * INT64CONST(1000))
		begin_visit(reading, at);
	reading->last_at = at;
	reading->has_page = reading->has_page || is_page;
	if (campaign.data != NULL)
		add_touch(reading, at, campaign);
	if (reader->shape->name_id == reading->conversion_id)
		add_conversion(reading, reader, at);
}

/* Add the events of a timeline, but for what was sent. */
static void
add_timeline(Reading *reading, CdpTimelineReader *reader,
			 const struct varlena *timeline)
{
	bool		is_page[CDP_TIMELINE_MAX_SHAPES];
	int64		from_ms[CDP_TIMELINE_MAX_SHAPES];

	cdp_timeline_open(reader, timeline);
	for (int i = 0; i < reader->nshapes; i++)
	{
		int32		name_id = reader->shapes[i].name_id;

		is_page[i] = find_number(&reading->page_ids, name_id) >= 0;
		from_ms[i] = find_number(&reading->sent_ids, name_id) >= 0 ?
			PG_INT64_MAX : PG_INT64_MIN;
	}
	while (cdp_timeline_next_from(reader, from_ms))
	{
		TimestampTz at = (reader->at_ms - CDP_TIMELINE_EPOCH_MS) * 1000;

		CHECK_FOR_INTERRUPTS();
		if (at >= reading->until)
			break;
		add_event(reading, reader, is_page[reader->shape - reader->shapes], at);
	}
	cdp_timeline_close(reader);
}

/* Leave one report of each conversion; those without a key are one each. */
static void
choose_reports(Reading *reading)
{
	CdpInsightReport *reports = reading->conversions;
	int64		kept = Min(reading->nconversions, 1);

	qsort(reports, reading->nconversions, sizeof(CdpInsightReport),
		  cdp_insight_compare_reports);
	for (int64 i = 1; i < reading->nconversions; i++)
		if (!cdp_insight_same_event(&reports[i], &reports[kept - 1]))
			reports[kept++] = reports[i];
	reading->nconversions = kept;
}

/* How many touches there are before an instant; or up to it. */
static int64
count_touches(const Reading *reading, TimestampTz at, bool its_own)
{
	int64		low = 0;
	int64		high = reading->ntouches;

	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (reading->touches[middle].at < at ||
			(its_own && reading->touches[middle].at == at))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What a touch that long before its conversion weighs: it halves in a week. */
static double
decayed_weight(TimestampTz touched_at, TimestampTz at)
{
	double		seconds = (double) (at - touched_at) / USECS_PER_SEC;

	return pow(2, Max(-seconds / HALF_LIFE_SECONDS, LEAST_EXPONENT));
}

static void
put_touch(ReturnSetInfo *result, const CdpInsightReport *conversion,
		  const char *kind, const Label *campaign, Datum *values, bool *nulls)
{
	values[0] = Float8GetDatum((double) conversion->amount / 10000);
	nulls[0] = !conversion->has_amount;
	values[1] = CStringGetTextDatum(kind);
	nulls[2] = campaign == NULL || campaign->data == NULL;
	if (!nulls[2])
		values[2] = PointerGetDatum(cstring_to_text_with_len(campaign->data,
															 campaign->length));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	pfree(DatumGetPointer(values[1]));
	if (!nulls[2])
		pfree(DatumGetPointer(values[2]));
}

/* The touches [from, to) share a conversion. */
static void
put_conversion(const Reading *reading, ReturnSetInfo *result,
			   const CdpInsightReport *conversion, int64 from, int64 to)
{
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS] = {false};
	double		total = 0;

	nulls[5] = true;
	for (int64 i = from; i < to; i++)
	{
		total += decayed_weight(reading->touches[i].at, conversion->at);
		if (reading->touches[i].campaign.data == NULL)
			continue;
		nulls[5] = false;
		values[5] = Int64GetDatum(i - from + 1);
	}
	values[4] = Int64GetDatum(to - from);
	for (int64 i = from; i < to; i++)
	{
		const Touch *touch = &reading->touches[i];

		CHECK_FOR_INTERRUPTS();
		values[3] = Int64GetDatum(i - from + 1);
		values[6] = Float8GetDatum(decayed_weight(touch->at, conversion->at) /
								   total);
		put_touch(result, conversion,
				  touch->campaign.data == NULL ? "direct" : "campaign",
				  &touch->campaign, values, nulls);
	}
	if (from < to)
		return;
	values[3] = Int64GetDatum(1);
	values[6] = Float8GetDatum(1);
	put_touch(result, conversion, "none", NULL, values, nulls);
}

/*
 * cdp._timeline_touches(timeline, later_timelines, conversion_id, key_slot,
 * campaign_slot, page_ids, sent_ids, source_ids, priorities, window, since,
 * until)
 */
Datum
cdp__timeline_touches(PG_FUNCTION_ARGS)
{
	Reading		reading = {0};
	CdpTimelineReader reader;
	TimestampTz since = PG_GETARG_TIMESTAMPTZ(10);
	Datum	   *later;
	int			count = -1;

	InitMaterializedSRF(fcinfo, 0);
	reading.conversion_id = PG_GETARG_INT32(2);
	reading.key_slot = PG_GETARG_INT32(3);
	reading.campaign_slot = PG_GETARG_INT32(4);
	reading.page_ids = get_numbers(fcinfo, 5, -1);
	reading.sent_ids = get_numbers(fcinfo, 6, -1);
	reading.source_ids = get_numbers(fcinfo, 7, -1);
	reading.priorities = get_numbers(fcinfo, 8, reading.source_ids.count);
	reading.until = PG_GETARG_TIMESTAMPTZ(11);
	add_timeline(&reading, &reader, PG_GETARG_VARLENA_PP(0));
	later = cdp_insight_elements(fcinfo, 1, NULL, &count);
	for (int i = 0; i < count; i++)
		add_timeline(&reading, &reader,
					 (struct varlena *) PG_DETOAST_DATUM_PACKED(later[i]));
	end_visit(&reading);
	choose_reports(&reading);
	for (int64 i = 0; i < reading.nconversions; i++)
	{
		const CdpInsightReport *conversion = &reading.conversions[i];
		TimestampTz touched_since;

		if (conversion->at < since)
			continue;
		touched_since = DatumGetTimestampTz(
			DirectFunctionCall2(timestamptz_mi_interval,
								TimestampTzGetDatum(conversion->at),
								PG_GETARG_DATUM(9)));
		put_conversion(&reading, (ReturnSetInfo *) fcinfo->resultinfo,
					   conversion,
					   count_touches(&reading, touched_since, false),
					   count_touches(&reading, conversion->at, true));
	}
	return (Datum) 0;
}
