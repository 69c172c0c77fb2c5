/*
 * program.h
 *		Many predicates, bound to a context and ready to be evaluated together.
 *
 * An expression tells how to compute a value; it is the tree of ast.h with
 * its names resolved, its zone attached and its constants computed.  What
 * needs events is not computed in the tree: each aggregate of all predicates
 * is a row of one list, an expression only refers to it by number, and equal
 * aggregates are one.  Example, two predicates:
 *
 *		count(order, 90 days) >= 3 and country = 'BR'
 *		count(order, 90 days) = 0
 *
 *	aggregates:  [0] count(order, 90 days)
 *	roots:		 and(>=([0], 3), =(trait country, 'BR'))	=([0], 0)
 *
 * For one profile the timeline is read once.  Each event's name_id leads to
 * the list of the aggregates that it may concern (dispatch.h); those whose
 * windows it is in look at their where-clause, and count it.  Then the roots
 * are computed.
 *
 * An aggregate whose where-clause or window needs another aggregate, as in
 * count(page_view, since last(order)), is of a higher level: each level is
 * one pass.  A sequence collects the events of each of its steps (kind
 * CDP_COLLECT) in the pass and searches them afterwards.
 *
 * in_segment(x) is x's own predicate, bound once as a further root and
 * computed when asked: nested segments are true at the same as-of instant,
 * whatever the order of the predicates.
 */
#ifndef CDP_SEGMENT_PROGRAM_H
#define CDP_SEGMENT_PROGRAM_H

#include "segment/ast.h"
#include "segment/context.h"
#include "segment/value.h"

/* What a type check knows before any data: CDP_TYPE_ANY is known later. */
typedef enum CdpType
{
	CDP_TYPE_ANY,
	CDP_TYPE_BOOLEAN,
	CDP_TYPE_NUMBER,
	CDP_TYPE_TEXT,
	CDP_TYPE_TIME,
	CDP_TYPE_DURATION,
	CDP_TYPE_PERIOD				/* months: added to times, never compared */
} CdpType;

/* Built-in fields of a profile, in the order of cdp_segment_fields. */
typedef enum CdpField
{
	CDP_FIELD_KIND,
	CDP_FIELD_FIRST_SEEN,
	CDP_FIELD_LAST_SEEN,
	CDP_FIELD_EVENTS,
	CDP_FIELD_ORDERS,
	CDP_FIELD_GROSS_REVENUE,
	CDP_FIELD_REVENUE,
	CDP_FIELD_FIRST_ORDER_AT,
	CDP_FIELD_LAST_ORDER_AT,
	CDP_FIELD_RFM_RECENCY,
	CDP_FIELD_RFM_FREQUENCY,
	CDP_FIELD_RFM_MONETARY,
	CDP_FIELD_LIFECYCLE,
	CDP_FIELD_CLV_365D,
	CDP_FIELD_CHURN_90D,
	CDP_FIELD_CHURN_BAND,
	/* those above are facts (cdp._profile_facts), those below computed */
	CDP_FIELD_AVERAGE_ORDER_VALUE,
	CDP_FIELD_EMAIL,
	CDP_FIELD_PHONE
} CdpField;

#define CDP_FIELD_COUNT (CDP_FIELD_PHONE + 1)
#define CDP_FIELD_FACTS (CDP_FIELD_CHURN_BAND + 1)

typedef enum CdpExprKind
{
	CDP_EXPR_CONSTANT,			/* constant */
	CDP_EXPR_FIELD,				/* number: CdpField */
	CDP_EXPR_TRAIT,				/* names, text: the names joined by dots */
	CDP_EXPR_EVENT_AMOUNT,		/* of the event in hand */
	CDP_EXPR_EVENT_TIME,
	CDP_EXPR_EVENT_PROPERTY,	/* number: slot */
	CDP_EXPR_OR,
	CDP_EXPR_AND,
	CDP_EXPR_NOT,
	CDP_EXPR_COMPARE,			/* op CdpCompare */
	CDP_EXPR_IN,
	CDP_EXPR_BETWEEN,
	CDP_EXPR_LIKE,				/* ignore_case; constant: the pattern */
	CDP_EXPR_CONTAINS,			/* op CdpContains */
	CDP_EXPR_IS,				/* op CdpIs */
	CDP_EXPR_ARITHMETIC,		/* op + - * / */
	CDP_EXPR_NEGATE,
	CDP_EXPR_NOW,
	CDP_EXPR_TODAY,
	CDP_EXPR_AGGREGATE,			/* number: of the aggregate; op: its kind */
	CDP_EXPR_SEQUENCE,			/* sequence */
	CDP_EXPR_IN_SEGMENT,		/* number: of the root */
	CDP_EXPR_FUNCTION			/* op CdpFunction; names: constant arguments */
} CdpExprKind;

/* In the order of cdp_segment_functions (bind_function.c). */
typedef enum CdpFunction
{
	CDP_FUNCTION_IN_SEGMENT,
	CDP_FUNCTION_SCORE,
	CDP_FUNCTION_PERCENTILE,
	CDP_FUNCTION_CONSENT,
	CDP_FUNCTION_SUPPRESSED,
	CDP_FUNCTION_BUCKET,
	CDP_FUNCTION_NEAR,
	CDP_FUNCTION_DAYS_TO_ANNIVERSARY,
	CDP_FUNCTION_HAS_ID,
	CDP_FUNCTION_LOWER,
	CDP_FUNCTION_COALESCE,
	CDP_FUNCTION_ABS,
	CDP_FUNCTION_LENGTH
} CdpFunction;

#define CDP_FUNCTION_COUNT (CDP_FUNCTION_LENGTH + 1)

typedef struct CdpExpr
{
	CdpExprKind kind;
	CdpType		type;
	int			op;
	int			number;
	int			level;			/* of the aggregates it needs; 0: none */
	int			moment;			/* its number among the moments, from 1; 0: it
								 * is none */
	bool		negated;
	bool		ignore_case;
	const char *text;
	List	   *names;			/* of char * */
	CdpValue	constant;
	int			nargs;
	struct CdpExpr **args;
	struct CdpSequence *sequence;
	pg_tz	   *zone;			/* of its predicate */
	const CdpNode *node;		/* where it comes from */
} CdpExpr;

/* One step of a sequence, but for the events, which an aggregate collects. */
typedef struct CdpStep
{
	int			aggregate;		/* collects its events */
	bool		negated;
	bool		has_within;
	CdpDuration within;
	int			same;			/* its value that must equal ... */
	int			same_before;	/* ... this one of the step before; -1: none */
	int			before;			/* the last step before it not negated */
} CdpStep;

typedef struct CdpSequence
{
	int			nsteps;
	CdpStep    *steps;
	pg_tz	   *zone;
} CdpSequence;

#define CDP_COLLECT CDP_AGGREGATE_COUNT /* a CdpAggregateKind of our own */
#define CDP_ANY_EVENT (-1)
#define CDP_NO_EVENT (-2)		/* an event that the store has never seen */

typedef struct CdpAggregate
{
	int			kind;			/* CdpAggregateKind or CDP_COLLECT */
	int			name_id;		/* or CDP_ANY_EVENT, CDP_NO_EVENT */
	int			level;			/* 1: needs no other aggregate */
	const CdpNode *event;		/* the name, for people and for SQL */
	CdpExpr    *where;			/* NULL: every event */
	CdpExpr    *value;			/* what it sums, ...; NULL: nothing */
	List	   *collected;		/* CDP_COLLECT: CdpExpr of the values kept */
	int			after;			/* events count only behind one of this
								 * aggregate, of the same level or a lower
								 * one; -1: all do */
	int			pages[2];		/* pages_per_session: events that are pages */
	const CdpNode *window;		/* NULL: ever */
	CdpExpr    *since;			/* of a since window */
	CdpDuration from;			/* of windows that have a length */
	CdpDuration to;
	TimestampTz dates[2];		/* of a window between two dates */
	pg_tz	   *zone;
	bool		uses_zone;
	const char *key;			/* equal keys are equal aggregates: text, zone */
} CdpAggregate;

/* What the checker has to say. */
typedef struct CdpMessage
{
	bool		is_error;
	int			errcode;
	int			position;		/* byte offset in the predicate's text */
	const char *text;
	const char *hint;			/* or NULL */
} CdpMessage;

/* A property that is asked for and does not ride on timelines. */
typedef struct CdpUndeclared
{
	const char *event;			/* NULL: any event */
	const char *property;
} CdpUndeclared;

/* A segment or one of the predicates given. */
typedef struct CdpRoot
{
	const char *segment;		/* NULL: not a segment */
	CdpExpr    *expr;			/* NULL while it is being bound */
} CdpRoot;

typedef struct CdpProgram
{
	CdpContext	context;
	int			npredicates;	/* the first roots are the predicates */
	List	   *roots;			/* of CdpRoot * */
	List	   *aggregates;		/* of CdpAggregate * */
	List	   *moments;		/* of CdpExpr *: times that the as-of instant
								 * alone decides, parts before wholes */
	int			levels;			/* passes over the timeline */
	struct CdpDispatch *dispatch;	/* one per level (dispatch.h) */
	CdpRoot   **root;			/* roots as an array */
	CdpAggregate **aggregate;	/* aggregates as an array */
	int			nroots;
	int			naggregates;
	bool		uses_zone;		/* some part needs a time zone */
	bool		asks_facts;		/* it is about more than events */
	bool		takes_undeclared;	/* collect such properties, not refuse them */
	List	   *undeclared;		/* of CdpUndeclared * */
} CdpProgram;

typedef struct CdpFieldInfo
{
	const char *name;
	CdpType		type;
} CdpFieldInfo;

extern const CdpFieldInfo cdp_segment_fields[CDP_FIELD_COUNT];

/* compile.c: a program in the current memory context; raises on an error. */
extern CdpProgram *cdp_segment_compile(Jsonb *context,
									   text **predicates, int npredicates);

/*
 * compile.c: the same of expressions whose values are wanted.  The root of one
 * that has no meaning any more has no expr: its value is null.
 */
extern CdpProgram *cdp_segment_compile_values(Jsonb *context,
											  text **expressions,
											  int nexpressions);

/*
 * compile.c: one expression as a program of its own, which is not to be
 * evaluated; see cdp_segment_bind().  A question may be about properties that
 * timelines do not have: its events are taken from the log (needs.c).
 */
extern CdpProgram *cdp_segment_bind_alone(const CdpPredicate *predicate,
										  CdpType wanted, Jsonb *context,
										  List **messages);

/* compile.c: raise the first error among the messages, if there is one. */
extern void cdp_segment_raise_first(const List *messages, const char *source);

/*
 * bind.c: bind a predicate as a root of the program; wanted is
 * CDP_TYPE_BOOLEAN for a question, CDP_TYPE_ANY for any value.  Messages are
 * appended to *messages; after an error among them the program must not be
 * evaluated.
 */
extern CdpExpr *cdp_segment_bind(CdpProgram *program,
								 const CdpPredicate *predicate,
								 CdpType wanted, List **messages);

#endif							/* CDP_SEGMENT_PROGRAM_H */
