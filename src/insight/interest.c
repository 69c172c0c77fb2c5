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
 * by product and category.  An order says it of each of its products.  Reports of
 * one event, which have its name and time, weigh as often as they are there and
 * are one event.
 *
 * Memory is an entry per product and category; time is linear in the bytes.
 */
#include "postgres.h"

#include <math.h>

#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"

#include "insight/elements.h"
#include "insight/item.h"
#include "insight/walk.h"

#define COLUMNS 5
#define LEAST_EXPONENT (-1000.0)	/* 2 ^ that is nothing */

/* What it is about. */
typedef struct Thing
{
	CdpInsightText product;
	CdpInsightText category;
} Thing;

typedef struct Interest
{
	Thing		thing;
	double		weight;
	int64		events;
	TimestampTz last_at;		/* of the last event */
	int			last_name;
} Interest;

typedef struct Sum
{
	CdpInsightWalk *walk;
	double	   *weights;		/* by name */
	double	   *half_lives;		/* in microseconds */
	HTAB	   *interests;
} Sum;

PG_FUNCTION_INFO_V1(cdp__timeline_interest);

static uint32
hash_text(const CdpInsightText *text)
{
	return hash_bytes((const unsigned char *) text->data, text->length);
}

static uint32
hash_thing(const void *key, Size size)
{
	const Thing *thing = key;

	return hash_combine(hash_text(&thing->product),
						hash_text(&thing->category));
}

static bool
same_text(const CdpInsightText *one, const CdpInsightText *other)
{
	return one->length == other->length &&
		memcmp(one->data, other->data, one->length) == 0;
}

/* 0 if both are the same. */
static int
compare_things(const void *a, const void *b, Size size)
{
	const Thing *one = a;
	const Thing *other = b;

	return !same_text(&one->product, &other->product) ||
		!same_text(&one->category, &other->category);
}

/* Bytes of an item go with its event. */
static void
keep_text(CdpInsightText *text)
{
	text->data = pnstrdup(text->data, text->length);
}

/* Add that the event in hand says so much of a product. */
static void
add_item(Sum *sum, const CdpInsightItem *item, double weight)
{
	const CdpInsightWalk *walk = sum->walk;
	Thing		thing = {item->product, item->category};
	Interest   *interest;
	bool		found;

	interest = hash_search(sum->interests, &thing, HASH_ENTER, &found);
	if (!found)
	{
		keep_text(&interest->thing.product);
		keep_text(&interest->thing.category);
		interest->weight = 0;
		interest->events = 0;
	}
	interest->weight += weight;
	if (!found || interest->last_at != walk->at ||
		interest->last_name != walk->name)
		interest->events++;
	interest->last_at = walk->at;
	interest->last_name = walk->name;
}

static void
add_events(Sum *sum, TimestampTz as_of)
{
	CdpInsightWalk *walk = sum->walk;
	CdpInsightItems items;

	cdp_insight_init_items(&items);
	while (cdp_insight_next(walk))
	{
		double		exponent = ((double) walk->at - (double) as_of) /
			sum->half_lives[walk->name];
		double		weight = sum->weights[walk->name] *
			exp2(Max(exponent, LEAST_EXPONENT));

		cdp_insight_read_items(&items, walk);
		for (int i = 0; i < items.count; i++)
			add_item(sum, &items.items[i], weight);
	}
}

/* The numbers of an argument, one for each name, times a factor. */
static double *
get_numbers(FunctionCallInfo fcinfo, int argument, int count, double factor)
{
	Datum	   *elements = cdp_insight_elements(fcinfo, argument, NULL, &count);
	double	   *numbers = palloc(sizeof(double) * Max(count, 1));

	for (int i = 0; i < count; i++)
		numbers[i] = DatumGetFloat8(elements[i]) * factor;
	return numbers;
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
	sum->interests = hash_create("cdp interests", 32, &control,
								 HASH_ELEM | HASH_FUNCTION | HASH_COMPARE |
								 HASH_CONTEXT);
}

static void
put_interests(const Sum *sum, ReturnSetInfo *result)
{
	HASH_SEQ_STATUS scan;
	Interest   *interest;

	hash_seq_init(&scan, sum->interests);
	while ((interest = hash_seq_search(&scan)) != NULL)
	{
		Datum		values[COLUMNS] = {0};
		bool		nulls[COLUMNS] = {false};

		cdp_insight_put_text(&values[0], &nulls[0],
							 &interest->thing.product);
		cdp_insight_put_text(&values[1], &nulls[1],
							 &interest->thing.category);
		values[2] = Float8GetDatum(interest->weight);
		values[3] = Int64GetDatum(interest->events);
		values[4] = TimestampTzGetDatum(interest->last_at);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* cdp._timeline_interest(timelines, question, weights, half_lives, as_of) */
Datum
cdp__timeline_interest(PG_FUNCTION_ARGS)
{
	Sum			sum;
	TimestampTz as_of = PG_GETARG_TIMESTAMPTZ(4);

	InitMaterializedSRF(fcinfo, 0);
	sum.walk = cdp_insight_walk(fcinfo, 0, 1, DT_NOBEGIN, as_of);
	sum.weights = get_numbers(fcinfo, 2, sum.walk->question.nnames, 1);
	sum.half_lives = get_numbers(fcinfo, 3, sum.walk->question.nnames,
								 USECS_PER_SEC);
	make_table(&sum);
	add_events(&sum, as_of);
	put_interests(&sum, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
