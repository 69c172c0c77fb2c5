/*
 * evaluate.h
 *		Evaluating a program for one profile after another.
 *
 * An evaluation belongs to one program and is used again for each profile:
 * begin() reads the timelines, then any root's value can be asked for.  What
 * is allocated for a profile is freed when the next one begins.
 */
#ifndef CDP_SEGMENT_EVALUATE_H
#define CDP_SEGMENT_EVALUATE_H

#include "segment/dispatch.h"
#include "segment/program.h"
#include "timeline/timeline.h"

/* The columns of cdp._profile_facts; fields are in the order of CdpField. */
typedef enum CdpFact
{
	CDP_FACT_TRAITS,
	CDP_FACT_IDENTIFIERS,
	CDP_FACT_CONSENTS,
	CDP_FACT_SCORES,
	CDP_FACT_FIELDS,
	CDP_FACT_SUPPRESSED = CDP_FACT_FIELDS + CDP_FIELD_FACTS,
	CDP_FACT_EXPIRING
} CdpFact;

#define CDP_FACT_COUNT (CDP_FACT_EXPIRING + 1)

/* What is known of a profile. */
typedef struct CdpProfile
{
	int64		profile_id;
	int			ntimelines;
	struct varlena **timelines; /* detoasted, in order */
	int64		from_ms;		/* events before it are not looked at */
	bool		has_facts;		/* else they are all null */
	Datum		facts[CDP_FACT_COUNT];
	bool		fact_is_null[CDP_FACT_COUNT];
} CdpProfile;

/* An event that a sequence step collected. */
typedef struct CdpCollected
{
	int64		at_ms;
	CdpValue   *values;
} CdpCollected;

/* What one aggregate has seen; all zero before any event. */
typedef struct CdpState
{
	int64		count;			/* events; or values, days, sessions */
	int64		first_ms;
	int64		last_ms;
	int64		day_end_ms;		/* of the local day of the last event */
	int128		sum;			/* ten-thousandths; of sessions milliseconds */
	CdpValue	value;			/* min, max, earliest or latest so far; of sum
								 * and avg the sum of what is numeric */
	union
	{
		CdpValue   *values;		/* distinct_count and its like: all of them */
		CdpCollected *collected;	/* CDP_COLLECT: all of them */
	}			all;
	int			space;			/* of all */
	int64		npages;			/* of sessions */
	int64		nbefore;		/* events before the window, of active_days */
} CdpState;

/* What the events of a name come to so far (dispatch.h). */
typedef struct CdpTally
{
	int64		count;
	int64		namounts;		/* of events that have one */
	int64		last_ms;
	int128		sum;			/* of amounts */
	int64		ndays;			/* on which there are events */
	int64		day_end_ms;		/* of the last of them */
	int			nedges;			/* that have been passed */
	int64		edge_ms;		/* when the next one is */
} CdpTally;

typedef struct CdpEvaluation
{
	const CdpProgram *program;
	const CdpProfile *profile;
	TimestampTz as_of;
	bool		has_windows;	/* windows are resolved for as_of */
	int64		until_ms;		/* when the last window has ended */
	int			nmoments;		/* so many moments are computed for as_of */
	CdpValue   *moments;
	int64	   *start_ms;		/* the window of each aggregate, half-open; empty */
	int64	   *end_ms;			/* if not start < end */
	CdpState   *states;			/* one per aggregate */
	CdpTally   *tallies;		/* of the level of the pass */
	signed char *truths;		/* of roots: CdpTruth or TRUTH_NOT_ASKED */
	CdpTimelineReader *reader;	/* the event in hand */
	const CdpInterest *interests[CDP_TIMELINE_MAX_SHAPES];	/* by its shape */
	int64		from_ms[CDP_TIMELINE_MAX_SHAPES];
	MemoryContext profile_context;
	MemoryContext event_context;
} CdpEvaluation;

/* The value of an expression that is a moment; NULL: it is none. */
static inline const CdpValue *
cdp_segment_moment(const CdpEvaluation *evaluation, const CdpExpr *expr)
{
	if (expr->moment == 0 || expr->moment > evaluation->nmoments)
		return NULL;
	return &evaluation->moments[expr->moment - 1];
}

typedef enum CdpTruth
{
	CDP_FALSE, CDP_TRUE, CDP_UNKNOWN
} CdpTruth;

/* evaluate.c */
extern CdpEvaluation *cdp_segment_start(const CdpProgram *program);
extern void cdp_segment_begin(CdpEvaluation *evaluation,
							  const CdpProfile *profile, TimestampTz as_of);
extern void cdp_segment_turn_to(CdpEvaluation *evaluation,
								const CdpProfile *profile, TimestampTz as_of);
extern void cdp_segment_forget_truths(CdpEvaluation *evaluation);
extern CdpTruth cdp_segment_root_truth(CdpEvaluation *evaluation, int root);
extern CdpValue cdp_segment_root_value(CdpEvaluation *evaluation, int root);
extern CdpValue cdp_segment_evaluate(CdpEvaluation *evaluation,
									 const CdpExpr *expr);
extern CdpTruth cdp_segment_truth(CdpEvaluation *evaluation,
								  const CdpExpr *expr);

/* evaluate_profile.c: fields, traits and functions of the profile */
extern CdpValue cdp_segment_field(CdpEvaluation *evaluation,
								  const CdpExpr *expr);
extern CdpValue cdp_segment_trait(CdpEvaluation *evaluation,
								  const CdpExpr *expr);
extern CdpValue cdp_segment_call(CdpEvaluation *evaluation,
								 const CdpExpr *expr);

/*
 * aggregate.c: the pass over the timeline, as a whole and by its parts: begin
 * it, open each timeline (false: there is nothing in it for the level), take the
 * events that the reader comes to from those of from_ms on, end it.
 */
extern void cdp_segment_pass(CdpEvaluation *evaluation, int level);
extern void cdp_segment_begin_pass(CdpEvaluation *evaluation, int level);
extern bool cdp_segment_open_timeline(CdpEvaluation *evaluation, int level,
									  const struct varlena *timeline);
extern void cdp_segment_take_event(CdpEvaluation *evaluation, int level);
extern void cdp_segment_end_pass(CdpEvaluation *evaluation, int level);
extern CdpValue cdp_segment_aggregate(CdpEvaluation *evaluation,
									  const CdpExpr *expr);
extern CdpValue cdp_segment_property(CdpEvaluation *evaluation, int slot);

/*
 * shortcut.c: how the two sides of a comparison compare, if that can be told at
 * once; false: they have to be evaluated.
 */
extern bool cdp_segment_compare_at_once(const CdpEvaluation *evaluation,
										const CdpExpr *comparison,
										int *order);

/* window.c: when aggregates begin and end to count */
extern void cdp_segment_resolve_windows(CdpEvaluation *evaluation);
extern int64 cdp_segment_ms(TimestampTz at);
extern TimestampTz cdp_segment_from_ms(int64 ms);

/* aggregate_list.c: aggregates over all values kept */
extern int	cdp_segment_total_order(const CdpValue *a, const CdpValue *b);
extern CdpValue cdp_segment_count_distinct(CdpState *state);
extern CdpValue cdp_segment_most_frequent(CdpState *state);
extern CdpValue cdp_segment_unique_list(CdpState *state);

/* session.c: an event joins a session or begins one; what they come to */
extern void cdp_segment_add_to_session(CdpState *state,
									   const CdpAggregate *aggregate,
									   const CdpTimelineReader *event);
extern CdpValue cdp_segment_session_value(const CdpState *state, int kind);

/*
 * moves.c: may the truth of the program's roots change without an event?  Only
 * then are traits that expire of interest.
 */
extern bool cdp_segment_moves(const CdpProgram *program, bool traits_expire);

/* sequence.c */
extern bool cdp_segment_sequence(CdpEvaluation *evaluation,
								 const CdpSequence *sequence);

#endif							/* CDP_SEGMENT_EVALUATE_H */
