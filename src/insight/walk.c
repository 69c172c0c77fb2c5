/*
 * walk.c
 *		Through timelines, event by event, each order once.
 *
 * Which reports do not count is found in a first pass over the events that have
 * a business key: they are sorted, those of one key beside each other, the one
 * that counts before the others, whose places in the walk are noted.  Somebody who
 * was reported once each has no such places, and the walk itself asks nothing.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "insight/elements.h"
#include "insight/report.h"
#include "insight/walk.h"

typedef struct Reports
{
	int64		count;
	int64		max;
	CdpInsightReport *reports;
} Reports;

/* The integers of an attribute of the question; *count: as many, or -1. */
static int32 *
get_integers(HeapTupleHeader row, const char *attribute, int *count)
{
	bool		isnull;
	Datum		array = GetAttributeByName(row, attribute, &isnull);
	Datum	   *elements;
	int32	   *integers;

	if (isnull)
		elog(ERROR, "a question without %s", attribute);
	elements = cdp_insight_array(DatumGetArrayTypeP(array), NULL, count);
	integers = palloc(sizeof(int32) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
		integers[i] = DatumGetInt32(elements[i]);
	return integers;
}

/* Raise unless numbers ascend: they are searched. */
static void
check_ascending(const int32 *numbers, int count)
{
	for (int i = 1; i < count; i++)
		if (numbers[i] <= numbers[i - 1])
			elog(ERROR, "numbers of a question are not in order");
}

/* Raise unless that is a slot, or 0. */
static void
check_slots(const int32 *slots, int count)
{
	for (int i = 0; i < count; i++)
		if (slots[i] < 0 || slots[i] > CDP_TIMELINE_MAX_SLOT)
			elog(ERROR, "slot %d of a question is out of range", slots[i]);
}

static void
read_question(HeapTupleHeader row, CdpInsightQuestion *question)
{
	int			nslots = CDP_INSIGHT_NPROPERTIES;
	bool		isnull;
	Datum		more;
	Datum		by_products;

	question->nnames = -1;
	question->name_ids = get_integers(row, "name_ids", &question->nnames);
	question->key_slots = get_integers(row, "key_slots", &question->nnames);
	question->nsources = -1;
	question->source_ids = get_integers(row, "source_ids", &question->nsources);
	question->priorities = get_integers(row, "priorities", &question->nsources);
	memcpy(question->slots, get_integers(row, "slots", &nslots),
		   sizeof(question->slots));
	more = GetAttributeByName(row, "more_slot", &isnull);
	question->more_slot = isnull ? 0 : DatumGetInt32(more);
	by_products = GetAttributeByName(row, "by_products", &isnull);
	question->by_products = !isnull && DatumGetBool(by_products);
	check_ascending(question->name_ids, question->nnames);
	check_ascending(question->source_ids, question->nsources);
	check_slots(question->key_slots, question->nnames);
	check_slots(question->slots, CDP_INSIGHT_NPROPERTIES);
	check_slots(&question->more_slot, 1);
}

/* The place of a number among ascending ones; -1: it is not there. */
static int
find_number(const int32 *numbers, int count, int32 number)
{
	int			low = 0;
	int			high = count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (numbers[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && numbers[low] == number ? low : -1;
}

/* Open the next timeline; false: there is none. */
static bool
open_next(CdpInsightWalk *walk, bool keyed_only)
{
	const CdpInsightQuestion *question = &walk->question;

	if (walk->opened == walk->ntimelines)
		return false;
	cdp_timeline_open(&walk->reader, walk->timelines[walk->opened++]);
	walk->is_open = true;
	for (int i = 0; i < walk->reader.nshapes; i++)
	{
		int			name = find_number(question->name_ids, question->nnames,
									   walk->reader.shapes[i].name_id);

		walk->names[i] = name;
		walk->from_ms[i] = name >= 0 &&
			(!keyed_only || question->key_slots[name] != 0) ?
			PG_INT64_MIN : PG_INT64_MAX;
	}
	return true;
}

/* The next event before "until" of the names asked for, whether it counts or not. */
static bool
next_event(CdpInsightWalk *walk, bool keyed_only)
{
	while (walk->is_open || open_next(walk, keyed_only))
	{
		if (cdp_timeline_next_from(&walk->reader, walk->from_ms))
		{
			CHECK_FOR_INTERRUPTS();
			walk->at = (walk->reader.at_ms - CDP_TIMELINE_EPOCH_MS) * 1000;
			walk->name = walk->names[walk->reader.shape - walk->reader.shapes];
			if (walk->at < walk->until)
				return true;
			walk->opened = walk->ntimelines;	/* all that follow are later */
		}
		cdp_timeline_close(&walk->reader);
		walk->is_open = false;
	}
	return false;
}

/* See walk.h. */
bool
cdp_insight_text(CdpInsightWalk *walk, int slot, CdpTimelineValue *value)
{
	return slot != 0 && cdp_timeline_value(&walk->reader, slot, value) &&
		value->length > 0;
}

/* Does the event in hand tell no product, nor a category? */
static bool
tells_no_product(CdpInsightWalk *walk)
{
	static const CdpInsightProperty properties[] = {
		CDP_INSIGHT_LISTED_PRODUCT_ID, CDP_INSIGHT_PRODUCT_ID,
		CDP_INSIGHT_CATEGORY
	};
	CdpTimelineValue value;

	for (int i = 0; i < lengthof(properties); i++)
		if (cdp_insight_text(walk, walk->question.slots[properties[i]], &value))
			return false;
	return true;
}

static void
add_report(CdpInsightWalk *walk, Reports *reports, const CdpTimelineValue *key)
{
	const CdpInsightQuestion *question = &walk->question;
	int			source = find_number(question->source_ids, question->nsources,
									 walk->reader.shape->source_id);
	CdpInsightReport *report;

	if (reports->count == reports->max)
	{
		reports->max = Max(reports->max * 2, 16);
		reports->reports = reports->reports == NULL ?
			palloc(sizeof(CdpInsightReport) * reports->max) :
			repalloc_huge(reports->reports,
						  sizeof(CdpInsightReport) * reports->max);
	}
	report = &reports->reports[reports->count++];
	report->name = walk->name;
	report->key = key->data;
	report->key_length = key->length;
	report->is_poor = question->by_products && tells_no_product(walk);
	report->priority = source < 0 ? CDP_INSIGHT_NO_PRIORITY :
		question->priorities[source];
	report->at = walk->at;
	report->source_id = walk->reader.shape->source_id;
	report->has_amount = walk->reader.has_amount;
	report->amount = walk->reader.amount;
	report->place = walk->passed;
}

static int
compare_places(const void *a, const void *b)
{
	int64		one = *(const int64 *) a;
	int64		other = *(const int64 *) b;

	return (one > other) - (one < other);
}

/* Note which reports do not count. */
static void
note_lost(CdpInsightWalk *walk, Reports *reports)
{
	if (reports->count < 2)
		return;
	qsort(reports->reports, reports->count, sizeof(CdpInsightReport),
		  cdp_insight_compare_reports);
	walk->lost = MemoryContextAllocHuge(CurrentMemoryContext,
										sizeof(int64) * reports->count);
	for (int64 i = 1; i < reports->count; i++)
		if (cdp_insight_same_event(&reports->reports[i],
								   &reports->reports[i - 1]))
			walk->lost[walk->nlost++] = reports->reports[i].place;
	qsort(walk->lost, walk->nlost, sizeof(int64), compare_places);
	pfree(reports->reports);
}

/* The first pass: over reports only. */
static void
find_lost(CdpInsightWalk *walk)
{
	Reports		reports = {0};
	CdpTimelineValue key;

	for (; next_event(walk, true); walk->passed++)
		if (cdp_insight_text(walk, walk->question.key_slots[walk->name], &key))
			add_report(walk, &reports, &key);
	note_lost(walk, &reports);
	walk->opened = 0;
	walk->passed = 0;
}

/* Is the event in hand a report that does not count? */
static bool
is_lost(CdpInsightWalk *walk)
{
	if (walk->question.key_slots[walk->name] == 0)
		return false;
	walk->passed++;
	if (walk->lost_passed == walk->nlost ||
		walk->lost[walk->lost_passed] != walk->passed - 1)
		return false;
	walk->lost_passed++;
	return true;
}

/* See walk.h. */
CdpInsightWalk *
cdp_insight_walk(FunctionCallInfo fcinfo, int timelines, int question,
				 TimestampTz since, TimestampTz until)
{
	CdpInsightWalk *walk = palloc(sizeof(CdpInsightWalk));
	Datum	   *elements;

	read_question(PG_GETARG_HEAPTUPLEHEADER(question), &walk->question);
	walk->ntimelines = -1;
	elements = cdp_insight_elements(fcinfo, timelines, NULL, &walk->ntimelines);
	walk->timelines = palloc(sizeof(struct varlena *) * Max(walk->ntimelines, 1));
	for (int i = 0; i < walk->ntimelines; i++)
		walk->timelines[i] = PG_DETOAST_DATUM_PACKED(elements[i]);
	walk->since = since;
	walk->until = until;
	walk->opened = 0;
	walk->is_open = false;
	walk->passed = 0;
	walk->nlost = 0;
	walk->lost_passed = 0;
	find_lost(walk);
	return walk;
}

/* See walk.h. */
bool
cdp_insight_next(CdpInsightWalk *walk)
{
	while (next_event(walk, false))
		if (!is_lost(walk) && walk->at >= walk->since)
			return true;
	return false;
}
