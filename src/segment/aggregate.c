/*
 * aggregate.c
 *		One pass over a profile's timeline feeds all aggregates of a level.
 *
 * Windows (window.c) that depend only on the as-of instant are resolved when it
 * changes, which in a scan is once; those of "since" for each profile.
 *
 * Events come in the order of time, so first and last are the first and last
 * seen, and a new active day is one that begins after the day before ended.
 *
 * The events of a profile are many and most of them concern few aggregates, or
 * none.  The reader passes over those whose names nobody asks for and those
 * older than all windows.  An event that is left adds to the tally of its name
 * and is shown to the askers whose windows have begun (dispatch.h).  A chunk
 * that has nothing for anybody is not decoded.
 *
 * What is computed of an event is freed with it, but for the values that an
 * aggregate keeps: one, or for those of aggregate_list.c and sequences all.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "segment/evaluate.h"

/* The start of a since window; without one it is empty. */
static int64
since_ms(CdpEvaluation *evaluation, const CdpAggregate *aggregate)
{
	CdpValue	since = cdp_segment_evaluate(evaluation, aggregate->since);
	TimestampTz at;

	if (!cdp_segment_as_time(&since, aggregate->zone, &at))
		return PG_INT64_MAX;
	return cdp_segment_ms(at);
}

/* A value of the event in hand that rides on the timeline. */
CdpValue
cdp_segment_property(CdpEvaluation *evaluation, int slot)
{
	CdpTimelineValue packed;
	CdpValue	value = {CDP_VALUE_NULL};
	int64		fixed;

	if (!cdp_timeline_value(evaluation->reader, slot, &packed))
		return value;
	switch (packed.kind)
	{
		case CDP_TIMELINE_TEXT:
			return cdp_segment_data_text(packed.data, packed.length);
		case CDP_TIMELINE_NUMBER:
			if (cdp_timeline_exact_number(&packed, &fixed))
				return cdp_segment_fixed(fixed);
			return cdp_segment_read_number(packed.data, packed.length);
		case CDP_TIMELINE_BOOLEAN:
			return cdp_segment_boolean(packed.length == 4);
		case CDP_TIMELINE_JSON:
			value.kind = CDP_VALUE_JSON;
			value.as.json = &DatumGetJsonbP(
											DirectFunctionCall1(jsonb_in,
																CStringGetDatum(pnstrdup(packed.data, packed.length))))->root;
			return value;
	}
	return value;
}

/* A copy of bytes in a context; an empty text is a pointer, too. */
static void *
copy_bytes(MemoryContext context, const void *bytes, Size length)
{
	void	   *copy = MemoryContextAlloc(context, Max(length, 1));

	memcpy(copy, bytes, length);
	return copy;
}

/* A copy of a value in a context; what is computed of it stays in the current. */
static CdpValue
copy_value(MemoryContext context, const CdpValue *value)
{
	CdpValue	copy = *value;
	Jsonb	   *json;

	if (value->kind == CDP_VALUE_NUMBER && value->as.number.numeric != NULL)
		copy.as.number.numeric = copy_bytes(context, value->as.number.numeric,
											VARSIZE(value->as.number.numeric));
	else if (value->kind == CDP_VALUE_TEXT)
		copy.as.text.data = copy_bytes(context, value->as.text.data,
									   value->as.text.length);
	else if (value->kind == CDP_VALUE_JSON)
	{
		json = cdp_segment_to_jsonb(value);
		json = copy_bytes(context, json, VARSIZE(json));
		copy.as.json = &json->root;
	}
	return copy;
}

/* Free what copy_value() has allocated. */
static void
free_copy(CdpValue *copy)
{
	if (copy->kind == CDP_VALUE_NUMBER && copy->as.number.numeric != NULL)
		pfree(copy->as.number.numeric);
	else if (copy->kind == CDP_VALUE_TEXT)
		pfree(unconstify(char *, copy->as.text.data));
	else if (copy->kind == CDP_VALUE_JSON)
		pfree((char *) copy->as.json - offsetof(Jsonb, root));
}

/* Keep the value beyond the event, instead of the one before. */
static void
keep_value(CdpEvaluation *evaluation, CdpState *state, const CdpValue *value)
{
	CdpValue	before = state->value;

	state->value = copy_value(evaluation->profile_context, value);
	free_copy(&before);
}

/* Sum exactly: ten-thousandths in 128 bits, other numbers as numeric. */
static void
add_to_sum(CdpEvaluation *evaluation, CdpState *state, const CdpValue *value)
{
	CdpValue	sum;

	if (value->kind != CDP_VALUE_NUMBER)
		return;
	state->count++;
	if (value->as.number.numeric == NULL)
	{
		state->sum += value->as.number.fixed;
		return;
	}
	sum = state->value.kind == CDP_VALUE_NULL ? *value :
		cdp_segment_arithmetic('+', &state->value, value, NULL);
	keep_value(evaluation, state, &sum);
}

/* Room for one more item of that size in an array of the state. */
static void *
grow(CdpState *state, void *array, Size item)
{
	if (state->count < state->space)
		return array;
	state->space = Max(state->space * 2, 8);
	if (array == NULL)
		return palloc(state->space * item);
	return repalloc_huge(array, state->space * item);
}

static void
collect_event(CdpEvaluation *evaluation, const CdpAggregate *aggregate,
			  CdpState *state)
{
	CdpCollected *collected;
	ListCell   *cell;

	state->all.collected = grow(state, state->all.collected,
								sizeof(CdpCollected));
	collected = &state->all.collected[state->count++];
	collected->at_ms = evaluation->reader->at_ms;
	collected->values = NULL;
	if (aggregate->collected == NIL)
		return;
	collected->values = palloc(sizeof(CdpValue) *
							   list_length(aggregate->collected));
	foreach(cell, aggregate->collected)
		collected->values[foreach_current_index(cell)] =
			cdp_segment_evaluate(evaluation, lfirst(cell));
}

/* When the local day of an event ends. */
static int64
day_end_ms(int64 at_ms, pg_tz *zone)
{
	return cdp_segment_ms(cdp_segment_day_end(cdp_segment_from_ms(at_ms), zone));
}

/* Count the local day of an event unless it was counted already. */
static void
add_day(CdpState *state, const CdpAggregate *aggregate, int64 at_ms)
{
	if (state->count > 0 && at_ms < state->day_end_ms)
		return;
	state->day_end_ms = day_end_ms(at_ms, aggregate->zone);
	state->count++;
}

/* Keep the value if it is the first, or better than the one kept. */
static void
keep_best(CdpEvaluation *evaluation, CdpState *state, const CdpValue *value,
		  int sign)
{
	if (value->kind == CDP_VALUE_NULL)
		return;
	if (state->value.kind == CDP_VALUE_NULL ||
		sign * cdp_segment_total_order(value, &state->value) > 0)
		keep_value(evaluation, state, value);
}

static void
note_time(CdpState *state, int64 at_ms)
{
	if (state->count++ == 0)
		state->first_ms = at_ms;
	state->last_ms = at_ms;
}

/* What the aggregate wants of the event in hand; mostly its amount. */
static CdpValue
wanted_value(CdpEvaluation *evaluation, const CdpAggregate *aggregate)
{
	if (aggregate->value->kind == CDP_EXPR_EVENT_AMOUNT &&
		evaluation->reader->has_amount)
		return cdp_segment_fixed(evaluation->reader->amount);
	return cdp_segment_evaluate(evaluation, aggregate->value);
}

/*
 * An aggregate over values of which one is kept has an event with one; both are
 * in the context of the event.
 */
static void
count_value(CdpEvaluation *evaluation, CdpState *state, int kind,
			const CdpValue *value)
{
	switch (kind)
	{
		case CDP_MIN:
			keep_best(evaluation, state, value, -1);
			break;
		case CDP_MAX:
			keep_best(evaluation, state, value, 1);
			break;
		case CDP_EARLIEST:
		case CDP_LATEST:
			if (kind == CDP_LATEST || state->count == 0)
				keep_value(evaluation, state, value);
			note_time(state, evaluation->reader->at_ms);
			break;
		default:				/* sum, avg */
			add_to_sum(evaluation, state, value);
			break;
	}
}

/* Show such an aggregate the event in hand. */
static void
count_wanted(CdpEvaluation *evaluation, const CdpAggregate *aggregate,
			 CdpState *state)
{
	MemoryContext old_context = MemoryContextSwitchTo(evaluation->event_context);
	CdpValue	value = wanted_value(evaluation, aggregate);

	count_value(evaluation, state, aggregate->kind, &value);
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(evaluation->event_context);
}

/* Collect the value of the event in hand: distinct_count and its like. */
static void
list_wanted(CdpEvaluation *evaluation, const CdpAggregate *aggregate,
			CdpState *state)
{
	CdpValue	value = wanted_value(evaluation, aggregate);

	if (value.kind == CDP_VALUE_NULL)
		return;
	state->all.values = grow(state, state->all.values, sizeof(CdpValue));
	state->all.values[state->count++] = value;
}

/* The event in hand has passed the window and the where-clause. */
static void
count_event(CdpEvaluation *evaluation, const CdpAggregate *aggregate,
			CdpState *state)
{
	int64		at_ms = evaluation->reader->at_ms;

	switch (aggregate->kind)
	{
		case CDP_DID:
		case CDP_COUNT:
		case CDP_FIRST:
		case CDP_LAST:
		case CDP_DAYS_SINCE:
			note_time(state, at_ms);	/* it has a where-clause */
			break;
		case CDP_COLLECT:
			collect_event(evaluation, aggregate, state);
			break;
		case CDP_ACTIVE_DAYS:
			add_day(state, aggregate, at_ms);
			break;
		case CDP_SESSIONS:
		case CDP_SESSION_MINUTES:
		case CDP_PAGES_PER_SESSION:
			cdp_segment_add_to_session(state, aggregate, evaluation->reader);
			break;
		case CDP_DISTINCT_COUNT:
		case CDP_MOST_FREQUENT:
		case CDP_UNIQUE_LIST:
			list_wanted(evaluation, aggregate, state);
			break;
		default:
			count_wanted(evaluation, aggregate, state);
			break;
	}
}

/* Is the where-clause true of the event in hand? */
static bool
passes(CdpEvaluation *evaluation, const CdpExpr *where)
{
	MemoryContext old_context;
	CdpTruth	truth;

	if (where == NULL)
		return true;
	old_context = MemoryContextSwitchTo(evaluation->event_context);
	truth = cdp_segment_truth(evaluation, where);
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(evaluation->event_context);
	return truth == CDP_TRUE;
}

/* What the tally says of what an edge counts. */
static int64
tally_count(const CdpTally *tally, CdpCounted counted)
{
	switch (counted)
	{
		case CDP_COUNTED_AMOUNTS:
			return tally->namounts;
		case CDP_COUNTED_DAYS:
			return tally->ndays;
		default:
			return tally->count;
	}
}

/*
 * An edge of a window at the tally: what was counted before the window began
 * is taken off what is counted when it ends.  The day on which it begins is
 * counted before it and in it, if there are events on both sides.
 */
static void
pass_edge(CdpState *state, const CdpTally *tally, const CdpEdge *edge,
		  int64 next_ms)
{
	int64		count = tally_count(tally, edge->counted);

	if (edge->is_end)
	{
		state->count += count;
		state->sum += tally->sum;
		state->last_ms = tally->last_ms;
		if (edge->counted == CDP_COUNTED_DAYS &&
			state->nbefore == tally->count)
			state->count = 0;
	}
	else
	{
		state->count = -count;
		state->sum = -tally->sum;
		state->first_ms = next_ms;
		state->nbefore = tally->count;
		if (edge->counted == CDP_COUNTED_DAYS && next_ms < tally->day_end_ms)
			state->count++;
	}
}

/* Pass the edges that the next event, which is at next_ms, lies behind. */
static void
pass_edges(CdpEvaluation *evaluation, const CdpInterest *interest,
		   CdpTally *tally, int64 next_ms)
{
	const CdpEdge *edge = &interest->edges[tally->nedges];
	const CdpEdge *end = interest->edges + interest->nedges;

	if (tally->count == 0 && next_ms == PG_INT64_MAX)
		return;					/* no event: nothing to add */
	for (; edge < end && edge->at_ms <= next_ms; edge++)
		pass_edge(&evaluation->states[edge->number], tally, edge, next_ms);
	tally->nedges = edge - interest->edges;
	tally->edge_ms = edge < end ? edge->at_ms : PG_INT64_MAX;
}

/* Add the event in hand to a tally. */
static inline void
tally_event(CdpEvaluation *evaluation, const CdpInterest *interest)
{
	const CdpTimelineReader *event = evaluation->reader;
	CdpTally   *tally = &evaluation->tallies[interest->tally];

	if (event->at_ms >= tally->edge_ms)
		pass_edges(evaluation, interest, tally, event->at_ms);
	if (event->at_ms >= interest->days_from_ms &&
		(tally->ndays == 0 || event->at_ms >= tally->day_end_ms))
	{
		tally->ndays++;
		tally->day_end_ms = day_end_ms(event->at_ms, interest->zone);
	}
	tally->count++;
	tally->namounts += event->has_amount;
	tally->sum += event->amount;
	tally->last_ms = event->at_ms;
}

/* Show the event in hand to those whose windows it is in. */
static void
show_event(CdpEvaluation *evaluation, const CdpInterest *interest)
{
	int64		at_ms = evaluation->reader->at_ms;

	for (int i = 0; i < interest->naskers; i++)
	{
		const CdpAsker *asker = &interest->askers[i];
		CdpState   *state = &evaluation->states[asker->number];
		const CdpAggregate *aggregate;

		if (at_ms < asker->start_ms)
			return;
		if (at_ms < evaluation->start_ms[asker->number] ||
			at_ms >= evaluation->end_ms[asker->number])
			continue;
		if (asker->after >= 0 && evaluation->states[asker->after].count == 0)
			continue;
		aggregate = evaluation->program->aggregate[asker->number];
		if (passes(evaluation, aggregate->where))
			count_event(evaluation, aggregate, state);
	}
}

/* Look up whom the shapes concern; false: no event can concern anybody. */
static bool
find_interests(CdpEvaluation *evaluation, const CdpDispatch *dispatch)
{
	const CdpTimelineReader *reader = evaluation->reader;
	int64		known_ms = evaluation->profile->from_ms;
	int64		earliest_ms = PG_INT64_MAX;

	for (int i = 0; i < reader->nshapes; i++)
	{
		const CdpInterest *interest =
			cdp_segment_interest(dispatch, reader->shapes[i].name_id);

		evaluation->interests[i] = interest;
		evaluation->from_ms[i] = Max(interest->from_ms, known_ms);
		earliest_ms = Min(earliest_ms, evaluation->from_ms[i]);
	}
	return earliest_ms <= reader->header.last_ms &&
		evaluation->until_ms > reader->header.first_ms;
}

/* See evaluate.h. */
bool
cdp_segment_open_timeline(CdpEvaluation *evaluation, int level,
						  const struct varlena *timeline)
{
	cdp_timeline_open(evaluation->reader, timeline);
	return find_interests(evaluation,
						  &evaluation->program->dispatch[level - 1]);
}

/* Add the event in hand to the tallies, and show it to the askers. */
static inline void
take_event(CdpEvaluation *evaluation, const CdpDispatch *dispatch)
{
	const CdpTimelineReader *reader = evaluation->reader;
	const CdpInterest *interest =
		evaluation->interests[reader->shape - reader->shapes];

	if (interest->nedges > 0)
		tally_event(evaluation, interest);
	if (reader->at_ms >= dispatch->any.from_ms)
		tally_event(evaluation, &dispatch->any);
	if (interest->naskers > 0)
		show_event(evaluation, interest);
}

/* See evaluate.h. */
void
cdp_segment_take_event(CdpEvaluation *evaluation, int level)
{
	take_event(evaluation, &evaluation->program->dispatch[level - 1]);
}

static void
read_timeline(CdpEvaluation *evaluation, int level,
			  const struct varlena *timeline)
{
	CdpTimelineReader *reader = evaluation->reader;

	if (!cdp_segment_open_timeline(evaluation, level, timeline))
		return;
	while (cdp_timeline_next_from(reader, evaluation->from_ms))
	{
		CHECK_FOR_INTERRUPTS();
		if (reader->at_ms >= evaluation->until_ms)
			break;
		take_event(evaluation, &evaluation->program->dispatch[level - 1]);
	}
	cdp_timeline_close(reader);
}

/* Begin to compute the aggregates of a level; those below are done. */
void
cdp_segment_begin_pass(CdpEvaluation *evaluation, int level)
{
	const CdpProgram *program = evaluation->program;
	const CdpDispatch *dispatch = &program->dispatch[level - 1];

	for (int i = 0; i < dispatch->nsince; i++)
	{
		int			number = dispatch->since[i];

		evaluation->start_ms[number] =
			since_ms(evaluation, program->aggregate[number]);
	}
	memset(evaluation->tallies, 0, sizeof(CdpTally) * dispatch->ntallies);
	for (int i = 0; i < dispatch->ntallies; i++)
		evaluation->tallies[i].edge_ms = dispatch->tallied[i]->edges[0].at_ms;
}

/* All events have been taken that the aggregates are to know of. */
void
cdp_segment_end_pass(CdpEvaluation *evaluation, int level)
{
	const CdpDispatch *dispatch = &evaluation->program->dispatch[level - 1];

	for (int i = 0; i < dispatch->ntallies; i++)
		pass_edges(evaluation, dispatch->tallied[i], &evaluation->tallies[i],
				   PG_INT64_MAX);
}

/* Compute the aggregates of a level. */
void
cdp_segment_pass(CdpEvaluation *evaluation, int level)
{
	cdp_segment_begin_pass(evaluation, level);
	for (int i = 0; i < evaluation->profile->ntimelines; i++)
		read_timeline(evaluation, level, evaluation->profile->timelines[i]);
	cdp_segment_end_pass(evaluation, level);
}

/* A 128-bit sum of ten-thousandths as a number. */
static CdpValue
sum_number(const CdpState *state)
{
	int128		billion = INT64CONST(1000000000000000000);
	CdpValue	high;
	CdpValue	low;
	CdpValue	scale;

	if (state->sum >= PG_INT64_MIN && state->sum <= PG_INT64_MAX)
		return cdp_segment_fixed((int64) state->sum);
	high = cdp_segment_fixed((int64) (state->sum / billion));
	low = cdp_segment_fixed((int64) (state->sum % billion));
	scale = cdp_segment_numeric(int64_to_numeric((int64) billion));
	high = cdp_segment_arithmetic('*', &high, &scale, NULL);
	return cdp_segment_arithmetic('+', &high, &low, NULL);
}

static CdpValue
sum_value(const CdpState *state)
{
	CdpValue	sum;

	if (state->value.kind == CDP_VALUE_NULL)
		return sum_number(state);
	sum = sum_number(state);
	return cdp_segment_arithmetic('+', &sum, &state->value, NULL);
}

/* Null if there is nothing to divide by. */
static CdpValue
avg_value(const CdpState *state)
{
	CdpValue	sum = sum_value(state);
	CdpValue	count = cdp_segment_integer(state->count);

	return cdp_segment_arithmetic('/', &sum, &count, NULL);
}

/* When the first or the last event was; null if there is none. */
static CdpValue
time_value(const CdpState *state, int64 ms)
{
	if (state->count == 0)
		return (CdpValue) {CDP_VALUE_NULL};
	return cdp_segment_time(cdp_segment_from_ms(ms));
}

/* Whole days of 24 hours since the last event; null if there is none. */
static CdpValue
days_value(const CdpEvaluation *evaluation, const CdpState *state)
{
	TimestampTz last = cdp_segment_from_ms(state->last_ms);
	CdpValue	unknown = {CDP_VALUE_NULL};

	if (state->count == 0 || TIMESTAMP_NOT_FINITE(evaluation->as_of))
		return unknown;
	return cdp_segment_integer((evaluation->as_of - last) / USECS_PER_DAY);
}

/* The result of an aggregate whose pass is done. */
CdpValue
cdp_segment_aggregate(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpState   *state = &evaluation->states[expr->number];
	int			kind = evaluation->program->aggregate[expr->number]->kind;

	switch (kind)
	{
		case CDP_DID:
			return cdp_segment_boolean(state->count > 0);
		case CDP_COUNT:
		case CDP_ACTIVE_DAYS:
			return cdp_segment_integer(state->count);
		case CDP_SUM:
			return sum_value(state);
		case CDP_AVG:
			return avg_value(state);
		case CDP_DISTINCT_COUNT:
			return cdp_segment_count_distinct(state);
		case CDP_MOST_FREQUENT:
			return cdp_segment_most_frequent(state);
		case CDP_UNIQUE_LIST:
			return cdp_segment_unique_list(state);
		case CDP_DAYS_SINCE:
			return days_value(evaluation, state);
		case CDP_SESSIONS:
		case CDP_SESSION_MINUTES:
		case CDP_PAGES_PER_SESSION:
			return cdp_segment_session_value(state, kind);
		case CDP_FIRST:
			return time_value(state, state->first_ms);
		case CDP_LAST:
			return time_value(state, state->last_ms);
		default:				/* min, max, earliest, latest */
			return state->value;
	}
}
