/*
 * dispatch.c
 *		Lists, for each event name, of the aggregates that ask for it.
 *
 * dispatch.h tells what they are good for.  A level has lists for all names up
 * to the highest that anything asks for, and one for all others, which are of
 * interest only to what asks for any event.
 */
#include "postgres.h"

#include "segment/dispatch.h"
#include "segment/program.h"

/* May an event of that name concern the aggregate? */
static bool
concerns(const CdpAggregate *aggregate, int name_id)
{
	return aggregate->name_id == CDP_ANY_EVENT ||
		aggregate->name_id == name_id;
}

/* Does it count every event of its name in a window that is known before? */
static bool
takes_all(const CdpAggregate *aggregate)
{
	return aggregate->where == NULL && aggregate->since == NULL;
}

/* The zone in which the tally of a name counts days: that of who asks first. */
static pg_tz *
day_zone(const CdpProgram *program, int level, int name_id)
{
	for (int i = 0; i < program->naggregates; i++)
	{
		const CdpAggregate *aggregate = program->aggregate[i];

		if (aggregate->kind == CDP_ACTIVE_DAYS && takes_all(aggregate) &&
			aggregate->level == level && aggregate->name_id == name_id)
			return aggregate->zone;
	}
	return NULL;
}

/* Does a tally say all that the aggregate wants to know? */
static bool
is_tallied(const CdpProgram *program, const CdpAggregate *aggregate)
{
	if (!takes_all(aggregate))
		return false;
	switch (aggregate->kind)
	{
		case CDP_DID:
		case CDP_COUNT:
		case CDP_FIRST:
		case CDP_LAST:
		case CDP_DAYS_SINCE:
			return true;
		case CDP_SUM:
		case CDP_AVG:
			return aggregate->value->kind == CDP_EXPR_EVENT_AMOUNT;
		case CDP_ACTIVE_DAYS:
			return aggregate->zone == day_zone(program, aggregate->level,
											   aggregate->name_id);
		default:
			return false;
	}
}

static CdpCounted
what_counts(const CdpAggregate *aggregate)
{
	switch (aggregate->kind)
	{
		case CDP_SUM:
		case CDP_AVG:
			return CDP_COUNTED_AMOUNTS;
		case CDP_ACTIVE_DAYS:
			return CDP_COUNTED_DAYS;
		default:
			return CDP_COUNTED_EVENTS;
	}
}

/* The aggregates of a level that look at each event of one name. */
static void
list_askers(const CdpProgram *program, int level, int name_id,
			CdpInterest *interest)
{
	interest->naskers = 0;
	interest->askers = palloc0(sizeof(CdpAsker) * Max(program->naggregates, 1));
	for (int i = 0; i < program->naggregates; i++)
	{
		const CdpAggregate *aggregate = program->aggregate[i];

		if (aggregate->level == level && concerns(aggregate, name_id) &&
			!is_tallied(program, aggregate))
			interest->askers[interest->naskers++] =
				(CdpAsker) {.number = i, .after = aggregate->after};
	}
	interest->askers = repalloc(interest->askers, sizeof(CdpAsker) *
								Max(interest->naskers, 1));
}

/* Those that a tally of one name serves, or of all events. */
static void
list_edges(const CdpProgram *program, int level, int name_id,
		   CdpInterest *interest)
{
	interest->nedges = 0;
	interest->zone = day_zone(program, level, name_id);
	interest->edges = palloc0(sizeof(CdpEdge) * Max(2 * program->naggregates, 1));
	for (int i = 0; i < program->naggregates; i++)
	{
		const CdpAggregate *aggregate = program->aggregate[i];

		if (aggregate->level != level || aggregate->name_id != name_id ||
			!is_tallied(program, aggregate))
			continue;
		for (int side = 0; side < 2; side++)
		{
			CdpEdge    *edge = &interest->edges[interest->nedges++];

			edge->number = i;
			edge->is_end = side == 1;
			edge->counted = what_counts(aggregate);
		}
	}
	interest->edges = repalloc(interest->edges, sizeof(CdpEdge) *
							   Max(interest->nedges, 1));
}

/* Give a tally to what has edges. */
static void
add_tally(CdpDispatch *dispatch, CdpInterest *interest)
{
	if (interest->nedges == 0)
		return;
	interest->tally = dispatch->ntallies;
	dispatch->tallied[dispatch->ntallies++] = interest;
}

/* See dispatch.h. */
void
cdp_segment_make_dispatch(CdpDispatch *dispatch, const CdpProgram *program,
						  int level)
{
	memset(dispatch, 0, sizeof(*dispatch));
	dispatch->since = palloc(sizeof(int) * Max(program->naggregates, 1));
	for (int i = 0; i < program->naggregates; i++)
	{
		if (program->aggregate[i]->level != level)
			continue;
		dispatch->names = Max(dispatch->names,
							  program->aggregate[i]->name_id + 1);
		if (program->aggregate[i]->since != NULL)
			dispatch->since[dispatch->nsince++] = i;
	}
	dispatch->by_name = palloc0(sizeof(CdpInterest) * Max(dispatch->names, 1));
	dispatch->tallied = palloc(sizeof(CdpInterest *) * (dispatch->names + 1));
	for (int i = 0; i < dispatch->names; i++)
	{
		list_askers(program, level, i, &dispatch->by_name[i]);
		list_edges(program, level, i, &dispatch->by_name[i]);
		add_tally(dispatch, &dispatch->by_name[i]);
	}
	list_askers(program, level, CDP_ANY_EVENT, &dispatch->others);
	list_edges(program, level, CDP_ANY_EVENT, &dispatch->any);
	add_tally(dispatch, &dispatch->any);
}

static int
compare_askers(const void *a, const void *b)
{
	const CdpAsker *first = a;
	const CdpAsker *second = b;

	if (first->start_ms != second->start_ms)
		return first->start_ms < second->start_ms ? -1 : 1;
	return first->number - second->number;
}

static int
compare_edges(const void *a, const void *b)
{
	const CdpEdge *first = a;
	const CdpEdge *second = b;

	if (first->at_ms != second->at_ms)
		return first->at_ms < second->at_ms ? -1 : 1;
	if (first->is_end != second->is_end)
		return first->is_end ? 1 : -1;
	return first->number - second->number;
}

/* The edges of an empty window are moved together: nothing is between them. */
static void
sort_interest(CdpInterest *interest, const int64 *start_ms,
			  const int64 *end_ms)
{
	for (int i = 0; i < interest->naskers; i++)
		interest->askers[i].start_ms = start_ms[interest->askers[i].number];
	for (int i = 0; i < interest->nedges; i++)
	{
		CdpEdge    *edge = &interest->edges[i];
		int64		start = start_ms[edge->number];

		edge->at_ms = edge->is_end ? Max(start, end_ms[edge->number]) : start;
	}
	if (interest->naskers > 1)
		qsort(interest->askers, interest->naskers, sizeof(CdpAsker),
			  compare_askers);
	if (interest->nedges > 1)
		qsort(interest->edges, interest->nedges, sizeof(CdpEdge),
			  compare_edges);
	interest->days_from_ms = PG_INT64_MAX;
	for (int i = interest->nedges - 1; i >= 0; i--)
		if (interest->edges[i].counted == CDP_COUNTED_DAYS)
			interest->days_from_ms = interest->edges[i].at_ms;
	interest->from_ms = PG_INT64_MAX;
	if (interest->naskers > 0)
		interest->from_ms = interest->askers[0].start_ms;
	if (interest->nedges > 0)
		interest->from_ms = Min(interest->from_ms, interest->edges[0].at_ms);
}

/* See dispatch.h. */
void
cdp_segment_sort_dispatch(CdpDispatch *dispatch, const int64 *start_ms,
						  const int64 *end_ms)
{
	sort_interest(&dispatch->any, start_ms, end_ms);
	sort_interest(&dispatch->others, start_ms, end_ms);
	dispatch->others.from_ms = Min(dispatch->others.from_ms,
								   dispatch->any.from_ms);
	for (int i = 0; i < dispatch->names; i++)
	{
		CdpInterest *interest = &dispatch->by_name[i];

		sort_interest(interest, start_ms, end_ms);
		interest->from_ms = Min(interest->from_ms, dispatch->any.from_ms);
	}
}
