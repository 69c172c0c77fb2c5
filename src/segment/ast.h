/*
 * ast.h
 *		The tree of a predicate, and the grammar it comes from.
 *
 *		predicate  = or_expr [ "at" "time" "zone" string ] ;
 *		or_expr    = and_expr { "or" and_expr } ;
 *		and_expr   = not_expr { "and" not_expr } ;
 *		not_expr   = "not" not_expr | test ;
 *		test       = add [ comp_op add
 *				   | ["not"] "in" "(" add {"," add} ")"
 *				   | ["not"] "between" add "and" add
 *				   | ["not"] ("like"|"ilike") string
 *				   | "contains" ( ("any"|"all") "(" add {"," add} ")" | add )
 *				   | "is" ["not"] ( "null" | "true" | "false"
 *								  | "distinct" "from" add ) ] ;
 *		comp_op    = "=" | "!=" | "<>" | "<" | "<=" | ">" | ">=" ;
 *		add        = mul { ("+"|"-") mul } ;
 *		mul        = unary { ("*"|"/") unary } ;
 *		unary      = ["-"] primary ;
 *		primary    = number | string | date | duration | "true" | "false"
 *				   | "null" | "now" | "today" | "(" or_expr ")"
 *				   | agg | sequence | func | path ;
 *		agg        = agg_name "(" event [ "," window ] ")" ;
 *		event      = name { "." name } [ "where" or_expr ] ;
 *		sequence   = "sequence" "(" event { "then" ["no"] event
 *					 [ "within" duration ] [ "same" path ] } [ "," window ] ")" ;
 *		window     = duration | "calendar" duration
 *				   | "between" number "and" duration "ago"
 *				   | "between" date "and" date | "since" add | "today"
 *				   | ("this"|"last") ("week"|"month"|"quarter"|"year") | "ever" ;
 *		func       = name "(" [ add { "," add } ] ")" ;
 *		duration   = number unit ;	(second, minute, ..., year; plural too)
 *		path       = name { "." name } ;
 *
 * Keywords are of any case; names fold to lower case (ASCII letters only, so
 * no locale matters) unless quoted.  Reserved, usable quoted: and or not in
 * is between like ilike contains where then within null true false now today.
 * All other words mean something only in their place; where a name would be
 * taken for such a word (an event called any, or called no after "then") it
 * is quoted.
 *
 * The tree is already canonical: the parser flattens chains of and and or,
 * folds the sign into a number, trims zeros, drops the window "ever", and
 * forgets parentheses.  So print(parse(x)) is one text for all spellings of
 * x, and parse(print(tree)) is the tree.
 *
 * Limits.  A text has at most CDP_PREDICATE_MAX_SIZE bytes and a tree at most
 * CDP_PREDICATE_MAX_DEPTH levels; every node knows its depth, so each
 * recursion over a tree is bounded, and the parser bounds its own.
 */
#ifndef CDP_SEGMENT_AST_H
#define CDP_SEGMENT_AST_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

#define CDP_PREDICATE_MAX_SIZE 65536
#define CDP_PREDICATE_MAX_DEPTH 200
#define CDP_PREDICATE_MAX_NUMBER 100	/* characters of a number */

typedef enum CdpNodeKind
{
	CDP_NODE_OR,				/* args */
	CDP_NODE_AND,				/* args */
	CDP_NODE_NOT,				/* args: one */
	CDP_NODE_COMPARE,			/* args: two; op CdpCompare */
	CDP_NODE_IN,				/* args: value, candidates; negated */
	CDP_NODE_BETWEEN,			/* args: value, low, high; negated */
	CDP_NODE_LIKE,				/* args: value, STRING; ignore_case; negated */
	CDP_NODE_CONTAINS,			/* args: value, elements; op CdpContains */
	CDP_NODE_IS,				/* args: value [, other]; op CdpIs; negated */
	CDP_NODE_ARITHMETIC,		/* args: two; op is '+', '-', '*' or '/' */
	CDP_NODE_NEGATE,			/* args: one */
	CDP_NODE_NUMBER,			/* text: canonical decimal */
	CDP_NODE_STRING,			/* text */
	CDP_NODE_DATE,				/* text: canonical date or time */
	CDP_NODE_DURATION,			/* text: canonical decimal; unit */
	CDP_NODE_BOOLEAN,			/* op: 0 or 1 */
	CDP_NODE_NULL,
	CDP_NODE_NOW,
	CDP_NODE_TODAY,
	CDP_NODE_PATH,				/* names */
	CDP_NODE_FUNCTION,			/* text: name; args */
	CDP_NODE_AGGREGATE,			/* op CdpAggregateKind; args: EVENT; window */
	CDP_NODE_SEQUENCE,			/* args: STEPs; window */
	CDP_NODE_STEP,				/* args: EVENT; negated; within; same */
	CDP_NODE_EVENT,				/* text: name, NULL for any; names: property;
								 * where */
	CDP_NODE_WINDOW				/* op CdpWindowKind; args; unit */
} CdpNodeKind;

typedef enum CdpCompare
{
	CDP_EQ, CDP_NE, CDP_LT, CDP_LE, CDP_GT, CDP_GE
} CdpCompare;

typedef enum CdpContains
{
	CDP_CONTAINS_ONE, CDP_CONTAINS_ANY, CDP_CONTAINS_ALL
} CdpContains;

typedef enum CdpIs
{
	CDP_IS_NULL, CDP_IS_TRUE, CDP_IS_FALSE, CDP_IS_DISTINCT
} CdpIs;

/* In the order of cdp_segment_aggregate_names. */
typedef enum CdpAggregateKind
{
	CDP_DID, CDP_COUNT, CDP_SUM, CDP_AVG, CDP_MIN, CDP_MAX,
	CDP_DISTINCT_COUNT, CDP_ACTIVE_DAYS, CDP_FIRST, CDP_LAST,
	CDP_EARLIEST, CDP_LATEST, CDP_MOST_FREQUENT, CDP_UNIQUE_LIST,
	CDP_DAYS_SINCE, CDP_SESSIONS, CDP_SESSION_MINUTES, CDP_PAGES_PER_SESSION
} CdpAggregateKind;

#define CDP_AGGREGATE_COUNT (CDP_PAGES_PER_SESSION + 1)

/* In the order of cdp_segment_unit_names. */
typedef enum CdpUnit
{
	CDP_SECOND, CDP_MINUTE, CDP_HOUR, CDP_DAY, CDP_WEEK,
	CDP_MONTH, CDP_QUARTER, CDP_YEAR
} CdpUnit;

#define CDP_UNIT_COUNT (CDP_YEAR + 1)

typedef enum CdpWindowKind
{
	CDP_WINDOW_DURATION,		/* args: DURATION */
	CDP_WINDOW_CALENDAR,		/* args: DURATION */
	CDP_WINDOW_AGO,				/* args: NUMBER, DURATION */
	CDP_WINDOW_DATES,			/* args: DATE, DATE */
	CDP_WINDOW_SINCE,			/* args: value */
	CDP_WINDOW_TODAY,
	CDP_WINDOW_THIS,			/* unit */
	CDP_WINDOW_LAST				/* unit */
} CdpWindowKind;

typedef struct CdpNode
{
	CdpNodeKind kind;
	int			op;				/* by kind, see there */
	CdpUnit		unit;
	bool		negated;
	bool		ignore_case;	/* ilike */
	int			position;		/* byte offset of its first token */
	int			depth;			/* levels of the tree under it, with itself */
	const char *text;
	List	   *names;			/* of char * */
	List	   *args;			/* of CdpNode * */
	struct CdpNode *where;		/* NULL: every event */
	struct CdpNode *window;		/* NULL: ever */
	struct CdpNode *within;		/* DURATION, or NULL: any time */
	struct CdpNode *same;		/* PATH, or NULL */
} CdpNode;

typedef struct CdpPredicate
{
	CdpNode    *root;
	const char *time_zone;		/* NULL: the store's */
} CdpPredicate;

extern const char *const cdp_segment_aggregate_names[CDP_AGGREGATE_COUNT];
extern const char *const cdp_segment_unit_names[CDP_UNIT_COUNT];

/* ast.c */
extern CdpNode *cdp_segment_node(CdpNodeKind kind, int position);
extern void cdp_segment_add_arg(CdpNode *node, CdpNode *arg);
extern void cdp_segment_deepen(CdpNode *node, const CdpNode *child);
extern CdpNode *cdp_segment_arg(const CdpNode *node, int index);
extern bool cdp_segment_is_reserved(const char *word);
extern int	cdp_segment_find_name(const char *word, const char *const *names,
								  int count);

/*
 * parser.c: the tree of a text.  A text that is no predicate raises
 * invalid_text_representation, pointing at the character.
 */
extern CdpPredicate *cdp_segment_parse(const char *text, int length);

/* printer.c: the canonical text. */
extern char *cdp_segment_print(const CdpPredicate *predicate);
extern char *cdp_segment_print_node(const CdpNode *node);
extern void cdp_segment_print_name(StringInfo out, const char *name);

#endif							/* CDP_SEGMENT_AST_H */
