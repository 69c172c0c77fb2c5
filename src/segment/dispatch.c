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

/* Does every event of its window count, and nothing of it but when it was? */
static bool
is_plain(const CdpAggregate *aggregate)
{
	return aggregate->where == NULL &&
		(aggregate->kind == CDP_DID || aggregate->kind == CDP_COUNT ||
		 aggregate->kind == CDP_FIRST || aggregate->kind == CDP_LAST ||
		 aggregate->kind == CDP_DAYS_SINCE);
}

/* The aggregates of a level that events of one name concern. */
static CdpInterest
make_interest(const CdpProgram *program, int level, int name_id)
{
	CdpInterest interest = {PG_INT64_MAX, 0, NULL};
	CdpAsker   *askers = palloc0(sizeof(CdpAsker) *
								 Max(program->naggregates, 1));

	for (int i = 0; i < program->naggregates; i++)
	{
		if (program->aggregate[i]->level != level ||
			!concerns(program->aggregate[i], name_id))
			continue;
		askers[interest.count].is_plain = is_plain(program->aggregate[i]);
		askers[interest.count++].number = i;
	}
	interest.askers = repalloc(askers, sizeof(CdpAsker) *
							   Max(interest.count, 1));
	return interest;
}

/* See dispatch.h. */
CdpDispatch
cdp_segment_dispatch(const CdpProgram *program, int level)
{
	CdpDispatch dispatch = {0};

	dispatch.since = palloc(sizeof(int) * Max(program->naggregates, 1));
	for (int i = 0; i < program->naggregates; i++)
	{
		if (program->aggregate[i]->level != level)
			continue;
		dispatch.names = Max(dispatch.names,
							 program->aggregate[i]->name_id + 1);
		if (program->aggregate[i]->since != NULL)
			dispatch.since[dispatch.nsince++] = i;
	}
	dispatch.by_name = palloc(sizeof(CdpInterest) * Max(dispatch.names, 1));
	for (int i = 0; i < dispatch.names; i++)
		dispatch.by_name[i] = make_interest(program, level, i);
	dispatch.others = make_interest(program, level, CDP_ANY_EVENT);
	return dispatch;
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

static void
sort_interest(CdpInterest *interest, const int64 *start_ms)
{
	for (int i = 0; i < interest->count; i++)
		interest->askers[i].start_ms = start_ms[interest->askers[i].number];
	qsort(interest->askers, interest->count, sizeof(CdpAsker), compare_askers);
	if (interest->count > 0)
		interest->from_ms = interest->askers[0].start_ms;
}

/* See dispatch.h. */
void
cdp_segment_sort_dispatch(CdpDispatch *dispatch, const int64 *start_ms)
{
	for (int i = 0; i < dispatch->names; i++)
		sort_interest(&dispatch->by_name[i], start_ms);
	sort_interest(&dispatch->others, start_ms);
}
