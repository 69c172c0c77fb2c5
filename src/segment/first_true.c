/*
 * first_true.c
 *		When is a predicate true for the first time, as events come?
 *
 * It is asked at an instant, and after each later event, of the events since:
 *
 *		since	  o		 o o	o		o
 *		ask		ask	   	 ask  ask	  ask		did(order) and count(any) > 2
 *
 * Events of one millisecond come together.  There are two ways.
 *
 * A predicate that does not move (moves.c) is asked only after events that it is
 * about: others leave it as it was, and it was not true.  Its windows are those
 * of the last instant at all instants, so its aggregates are fed once, up to the
 * event at which it is true.  What ends a pass (the windows, whose tallies are
 * summed up) is done to a copy of what has been counted so far, which is a few
 * bytes an aggregate.  So it takes one pass over a part of the timeline.
 *
 * A predicate that moves is asked after each event, as of then, and reads what
 * its windows then hold; so is one of several levels, or with a list of values
 * to sort, which are not copied.  That takes as long as the number of instants
 * by that of the events in its windows.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "segment/stage.h"

/* Can the program be asked amid a pass? */
static bool
can_run(const CdpProgram *program)
{
	if (program->levels > 1)
		return false;
	for (int i = 0; i < program->naggregates; i++)
	{
		int			kind = program->aggregate[i]->kind;

		if (kind == CDP_DISTINCT_COUNT || kind == CDP_MOST_FREQUENT ||
			kind == CDP_UNIQUE_LIST)
			return false;
	}
	return true;
}

/* How many tallies a pass has, if there is one at all. */
static int
count_tallies(const CdpProgram *program)
{
	return program->levels == 0 ? 0 : program->dispatch[0].ntallies;
}

/* See stage.h. */
void
cdp_segment_make_stage(CdpStage *stage, const CdpProgram *program)
{
	stage->evaluation = cdp_segment_start(program);
	stage->moves = cdp_segment_moves(program, false);
	stage->moves_with_traits = cdp_segment_moves(program, true);
	stage->runs = can_run(program);
	stage->states = palloc(sizeof(CdpState) * Max(program->naggregates, 1));
	stage->tallies = palloc(sizeof(CdpTally) * Max(count_tallies(program), 1));
	stage->reader = palloc(sizeof(CdpTimelineReader));
}

/* The instant as of which an event at that time is the last one seen. */
static TimestampTz
just_after(TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at))
		return at;
	if (!IS_VALID_TIMESTAMP(at + 1000))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	return at + 1000;
}

/* Is the predicate true of the events that the pass has taken so far? */
static bool
is_true_so_far(CdpStage *stage)
{
	CdpEvaluation *evaluation = stage->evaluation;
	const CdpProgram *program = evaluation->program;
	Size		states_size = sizeof(CdpState) * program->naggregates;
	Size		tallies_size = sizeof(CdpTally) * count_tallies(program);
	MemoryContext old_context = MemoryContextSwitchTo(evaluation->event_context);
	CdpTruth	truth;

	memcpy(stage->states, evaluation->states, states_size);
	memcpy(stage->tallies, evaluation->tallies, tallies_size);
	if (program->levels > 0)
		cdp_segment_end_pass(evaluation, 1);
	cdp_segment_forget_truths(evaluation);
	truth = cdp_segment_root_truth(evaluation, 0);
	memcpy(evaluation->states, stage->states, states_size);
	memcpy(evaluation->tallies, stage->tallies, tallies_size);
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(evaluation->event_context);
	return truth == CDP_TRUE;
}

/*
 * Take events as long as the predicate is not true; *at moves to the last one
 * taken.  Before an event is taken, those of earlier milliseconds are complete.
 */
static bool
run_over(CdpStage *stage, const struct varlena *timeline, TimestampTz *at)
{
	CdpEvaluation *evaluation = stage->evaluation;
	CdpTimelineReader *reader = evaluation->reader;
	bool		is_true = false;

	if (!cdp_segment_open_timeline(evaluation, 1, timeline))
		return false;
	while (cdp_timeline_next_from(reader, evaluation->from_ms))
	{
		TimestampTz event_at = cdp_segment_from_ms(reader->at_ms);

		CHECK_FOR_INTERRUPTS();
		if (reader->at_ms >= evaluation->until_ms)
			break;
		is_true = event_at > *at && is_true_so_far(stage);
		if (is_true)
			break;
		cdp_segment_take_event(evaluation, 1);
		*at = event_at;
	}
	cdp_timeline_close(reader);
	return is_true;
}

/* By one pass, as of the end, which is interrupted to ask. */
static bool
run(CdpStage *stage, const CdpProfile *profile, TimestampTz until,
	TimestampTz *at)
{
	CdpEvaluation *evaluation = stage->evaluation;
	MemoryContext old_context;
	bool		is_true = false;

	cdp_segment_turn_to(evaluation, profile, until);
	old_context = MemoryContextSwitchTo(evaluation->profile_context);
	if (evaluation->program->levels > 0)
	{
		cdp_segment_begin_pass(evaluation, 1);
		for (int i = 0; i < profile->ntimelines && !is_true; i++)
			is_true = run_over(stage, profile->timelines[i], at);
	}
	is_true = is_true || is_true_so_far(stage);
	MemoryContextSwitchTo(old_context);
	return is_true;
}

/* Is the predicate true as of that instant, of what the profile says? */
static bool
is_true_at(CdpStage *stage, const CdpProfile *profile, TimestampTz as_of)
{
	CdpEvaluation *evaluation = stage->evaluation;
	MemoryContext old_context;
	CdpTruth	truth;

	cdp_segment_begin(evaluation, profile, as_of);
	old_context = MemoryContextSwitchTo(evaluation->profile_context);
	truth = cdp_segment_root_truth(evaluation, 0);
	MemoryContextSwitchTo(old_context);
	return truth == CDP_TRUE;
}

/* Is the program about events of that name? */
static bool
is_about(const CdpProgram *program, int name_id)
{
	for (int i = 0; i < program->naggregates; i++)
		if (program->aggregate[i]->name_id == name_id ||
			program->aggregate[i]->name_id == CDP_ANY_EVENT)
			return true;
	return false;
}

/* Open a timeline, to ask after its events; *at is when it was last asked. */
static bool
search_in(CdpStage *stage, const CdpProfile *profile, bool moves,
		  const struct varlena *timeline, int64 until_ms, TimestampTz *at)
{
	CdpTimelineReader *reader = stage->reader;

	cdp_timeline_open(reader, timeline);
	if (reader->header.last_ms < profile->from_ms ||
		reader->header.first_ms >= until_ms)
		return false;
	for (int i = 0; i < reader->nshapes; i++)
		stage->from_ms[i] = moves ||
			is_about(stage->evaluation->program, reader->shapes[i].name_id) ?
			profile->from_ms : PG_INT64_MAX;
	while (cdp_timeline_next_from(reader, stage->from_ms))
	{
		TimestampTz event_at = cdp_segment_from_ms(reader->at_ms);

		CHECK_FOR_INTERRUPTS();
		if (reader->at_ms >= until_ms)
			return false;
		if (event_at == *at)
			continue;
		*at = event_at;
		if (is_true_at(stage, profile, just_after(event_at)))
			return true;
	}
	return false;
}

/* By an evaluation as of each instant. */
static bool
search(CdpStage *stage, const CdpProfile *profile, bool moves,
	   TimestampTz until, TimestampTz *at)
{
	if (is_true_at(stage, profile, just_after(*at)))
		return true;
	for (int i = 0; i < profile->ntimelines; i++)
		if (search_in(stage, profile, moves, profile->timelines[i],
					  cdp_segment_ms(until), at))
			return true;
	return false;
}

/* See stage.h. */
bool
cdp_segment_first_true(CdpStage *stage, CdpProfile *profile,
					   TimestampTz since, TimestampTz until, TimestampTz *at)
{
	bool		traits_expire = profile->has_facts &&
		!profile->fact_is_null[CDP_FACT_EXPIRING];
	bool		moves = traits_expire ? stage->moves_with_traits :
		stage->moves;

	profile->from_ms = cdp_segment_ms(just_after(since));
	*at = since;
	if (stage->runs && !moves)
		return run(stage, profile, until, at);
	return search(stage, profile, moves, until, at);
}
