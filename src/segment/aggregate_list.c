/*
 * aggregate_list.c
 *		Aggregates that keep all values they meet: distinct_count,
 *		most_frequent, unique_list.
 *
 * The pass (aggregate.c) appends each value that is not null to an array.
 * Here it is sorted, in which equal values are neighbours.  Sorting again what
 * is sorted is cheap, so nobody needs to know whether it was done.
 */
#include "postgres.h"

#include "segment/evaluate.h"

/* An order over values of all kinds: by kind, then by value. */
int
cdp_segment_total_order(const CdpValue *a, const CdpValue *b)
{
	int			order;

	if (a->kind != b->kind)
		return (a->kind > b->kind) - (a->kind < b->kind);
	return cdp_segment_compare(a, b, NULL, &order) ? order : 0;
}

static int
compare_values(const void *a, const void *b)
{
	return cdp_segment_total_order(a, b);
}

static void
sort_values(CdpState *state)
{
	if (state->count > 1)
		qsort(state->all.values, state->count, sizeof(CdpValue), compare_values);
}

/* Does another value than the one before begin at this place? */
static bool
is_new(const CdpState *state, int64 place)
{
	return place == 0 ||
		cdp_segment_total_order(&state->all.values[place - 1],
								&state->all.values[place]) != 0;
}

/* How many different values there are. */
CdpValue
cdp_segment_count_distinct(CdpState *state)
{
	int64		distinct = 0;

	sort_values(state);
	for (int64 i = 0; i < state->count; i++)
		distinct += is_new(state, i);
	return cdp_segment_integer(distinct);
}

/* The value met most often, of several such the least; null if none was. */
CdpValue
cdp_segment_most_frequent(CdpState *state)
{
	CdpValue	best = {CDP_VALUE_NULL};
	int64		most = 0;
	int64		start = 0;

	sort_values(state);
	for (int64 i = 0; i < state->count; i++)
	{
		if (is_new(state, i))
			start = i;
		if (i - start + 1 > most)
		{
			most = i - start + 1;
			best = state->all.values[i];
		}
	}
	return best;
}

/* The different values in their order, as a JSON array. */
CdpValue
cdp_segment_unique_list(CdpState *state)
{
	CdpValue   *distinct = palloc_extended(sizeof(CdpValue) *
										   Max(state->count, 1),
										   MCXT_ALLOC_HUGE);
	CdpValue	list = {CDP_VALUE_JSON};
	int64		count = 0;

	sort_values(state);
	for (int64 i = 0; i < state->count; i++)
		if (is_new(state, i))
			distinct[count++] = state->all.values[i];
	list.as.json = &cdp_segment_jsonb_list(distinct, count)->root;
	return list;
}
