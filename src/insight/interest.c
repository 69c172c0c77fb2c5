/*
 * interest.c
 *		cdp._timeline_interest(): how much interest the events of a timeline
 *		say, by product and category.
 *
 * The weight of an event halves with each half-life, so old events count as
 * well as new ones, and somebody's interests are a sum over all that she ever
 * looked at.  As rows, thousands of them, each would be an object by slot that SQL
 * takes apart again; here the sums are made while the timeline is read:
 *
 *		weight * 2 ^ (-age / half_life)		of the events of each name,
 *
 * by product and category.  An event that says neither may have a list, which
 * the log tells (logged.c): it is a row of its own, with its name and source and
 * without a weight.  Reports of one event, which have its name and time, weigh as
 * often as they are there and are one event.
 *
 * Memory is an entry per product and category; time is linear in the bytes.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

#include "insight/elements.h"
#include "timeline/timeline.h"

#define COLUMNS 7
#define LEAST_EXPONENT (-1000.0)	/* 2 ^ that is nothing */

/* the server's epoch in the time of timelines */
#define EPOCH_MS \
	((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * INT64CONST(1000))

/* An event name that says interest. */
typedef struct Said
{
	int32		name_id;
	double		weight;
	double		half_life_ms;
} Said;

/* What it is about.  Bytes lie in the timelines. */
typedef struct Thing
{
	const char *product;		/* NULL: none */
	const char *category;		/* NULL: none */
	uint32		product_length;
	uint32		category_length;
} Thing;

typedef struct Interest
{
	Thing		thing;
	double		weight;
	int64		events;
	int64		last_ms;		/* of the last event */
	int32		last_name;
} Interest;

typedef struct Sum
{
	Said	   *said;
	int			nsaid;
	int			product_slot;	/* 0: timelines do not hold it */
	int			category_slot;
	double		as_of_ms;
	HTAB	   *interests;
	ReturnSetInfo *result;
} Sum;

PG_FUNCTION_INFO_V1(cdp__timeline_interest);

static TimestampTz
to_timestamp_of(int64 at_ms)
{
	return (at_ms - EPOCH_MS) * 1000;
}

static uint32
hash_thing(const void *key, Size size)
{
	const Thing *thing = key;

	return hash_combine(
		hash_bytes((const unsigned char *) thing->product, thing->product_length),
		hash_bytes((const unsigned char *) thing->category, thing->category_length));
}

/* 0 if both are the same. */
static int
compare_things(const void *a, const void *b, Size size)
{
	const Thing *one = a;
	const Thing *other = b;

	if (one->product_length != other->product_length ||
		one->category_length != other->category_length)
		return 1;
	if (memcmp(one->product, other->product, one->product_length) != 0)
		return 1;
	return memcmp(one->category, other->category, one->category_length);
}

/* A property of the event in hand; false: it is missing or empty. */
static bool
get_property(CdpTimelineReader *reader, int slot, const char **data,
			 uint32 *length)
{
	CdpTimelineValue value;

	*data = "";
	*length = 0;
	if (slot == 0 || !cdp_timeline_value(reader, slot, &value) ||
		value.length == 0)
		return false;
	*data = value.data;
	*length = value.length;
	return true;
}

/* Return an event that says nothing. */
static void
put_unsaid(const Sum *sum, const CdpTimelineReader *reader)
{
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS] = {true, true, true, true, false, false, false};

	values[4] = TimestampTzGetDatum(to_timestamp_of(reader->at_ms));
	values[5] = Int32GetDatum(reader->shape->name_id);
	values[6] = Int32GetDatum(reader->shape->source_id);
	tuplestore_putvalues(sum->result->setResult, sum->result->setDesc, values,
						 nulls);
}

/* Add the event in hand. */
static void
add_event(Sum *sum, CdpTimelineReader *reader, const Said *said)
{
	Thing		thing;
	Interest   *interest;
	bool		found;
	bool		known;

	known = get_property(reader, sum->product_slot, &thing.product,
						 &thing.product_length);
	if (!get_property(reader, sum->category_slot, &thing.category,
					  &thing.category_length) && !known)
	{
		put_unsaid(sum, reader);
		return;
	}
	interest = hash_search(sum->interests, &thing, HASH_ENTER, &found);
	if (!found)
	{
		interest->weight = 0;
		interest->events = 0;
	}
	interest->weight += said->weight *
		exp2(Max((reader->at_ms - sum->as_of_ms) / said->half_life_ms,
				 LEAST_EXPONENT));
	if (!found || interest->last_ms != reader->at_ms ||
		interest->last_name != said->name_id)
		interest->events++;
	interest->last_ms = reader->at_ms;
	interest->last_name = said->name_id;
}

/* Add the events of a timeline. */
static void
add_timeline(Sum *sum, const struct varlena *timeline)
{
	CdpTimelineReader reader;
	const Said *said[CDP_TIMELINE_MAX_SHAPES];
	int64		from_ms[CDP_TIMELINE_MAX_SHAPES];

	cdp_timeline_open(&reader, timeline);
	for (int i = 0; i < reader.nshapes; i++)
	{
		said[i] = NULL;
		for (int j = 0; j < sum->nsaid; j++)
			if (sum->said[j].name_id == reader.shapes[i].name_id)
				said[i] = &sum->said[j];
		from_ms[i] = said[i] == NULL ? PG_INT64_MAX : PG_INT64_MIN;
	}
	while (cdp_timeline_next_from(&reader, from_ms))
	{
		CHECK_FOR_INTERRUPTS();
		if (reader.at_ms >= sum->as_of_ms)
			break;
		add_event(sum, &reader, said[reader.shape - reader.shapes]);
	}
	cdp_timeline_close(&reader);
}

/* The events that say interest, and how much. */
static void
get_said(FunctionCallInfo fcinfo, Sum *sum)
{
	Datum	   *names;
	Datum	   *weights;
	Datum	   *lives;

	sum->nsaid = -1;
	names = cdp_insight_elements(fcinfo, 1, NULL, &sum->nsaid);
	weights = cdp_insight_elements(fcinfo, 2, NULL, &sum->nsaid);
	lives = cdp_insight_elements(fcinfo, 3, NULL, &sum->nsaid);
	sum->said = palloc(sizeof(Said) * Max(sum->nsaid, 1));
	for (int i = 0; i < sum->nsaid; i++)
	{
		sum->said[i].name_id = DatumGetInt32(names[i]);
		sum->said[i].weight = DatumGetFloat8(weights[i]);
		sum->said[i].half_life_ms = DatumGetFloat8(lives[i]) * 1000;
	}
}

static void
make_table(Sum *sum)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(Thing);
	control.entrysize = sizeof(Interest);
	control.hash = hash_thing;
	control.match = compare_things;
	control.hcxt = CurrentMemoryContext;
	sum->interests = hash_create("cdp interests", 256, &control,
								 HASH_ELEM | HASH_FUNCTION | HASH_COMPARE |
								 HASH_CONTEXT);
}

static Datum
make_text(const char *data, uint32 length, bool *isnull)
{
	*isnull = length == 0;
	return *isnull ? (Datum) 0 :
		PointerGetDatum(cstring_to_text_with_len(data, length));
}

static void
put_interests(const Sum *sum)
{
	HASH_SEQ_STATUS scan;
	Interest   *interest;

	hash_seq_init(&scan, sum->interests);
	while ((interest = hash_seq_search(&scan)) != NULL)
	{
		const Thing *thing = &interest->thing;
		Datum		values[COLUMNS] = {0};
		bool		nulls[COLUMNS] = {false, false, false, false, false, true, true};

		values[0] = make_text(thing->product, thing->product_length, &nulls[0]);
		values[1] = make_text(thing->category, thing->category_length, &nulls[1]);
		values[2] = Float8GetDatum(interest->weight);
		values[3] = Int64GetDatum(interest->events);
		values[4] = TimestampTzGetDatum(to_timestamp_of(interest->last_ms));
		tuplestore_putvalues(sum->result->setResult, sum->result->setDesc, values,
							 nulls);
	}
}

/*
 * cdp._timeline_interest(timelines, names, weights, half_lives, product_slot,
 * category_slot, as_of)
 */
Datum
cdp__timeline_interest(PG_FUNCTION_ARGS)
{
	Sum			sum;
	Datum	   *timelines;
	int			count;
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	TimestampTz as_of = PG_GETARG_TIMESTAMPTZ(6);

	InitMaterializedSRF(fcinfo, 0);
	sum.result = (ReturnSetInfo *) fcinfo->resultinfo;
	get_said(fcinfo, &sum);
	sum.product_slot = PG_GETARG_INT32(4);
	sum.category_slot = PG_GETARG_INT32(5);
	sum.as_of_ms = as_of / 1000.0 + EPOCH_MS;
	make_table(&sum);
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT,
					  &timelines, NULL, &count);
	for (int i = 0; i < count; i++)
		add_timeline(&sum, PG_DETOAST_DATUM_PACKED(timelines[i]));
	put_interests(&sum);
	return (Datum) 0;
}
