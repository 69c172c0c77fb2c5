/*
 * to_sql.h
 *		A predicate as SQL: what the files of the translation share.
 *
 * What an expression is worth may be of several kinds, and often only the data
 * tells which.  SQL has types, so here a value is an SQL expression for each
 * kind that it may be of; for a profile at most one of them is not null.  The
 * trait "age" in "age > 40" may be a yes or no, a number, a text or JSON; a
 * comparison with a number needs its number only:
 *
 *		cdp._sql_number(profile.traits -> 'age') > 40
 *
 * which is unknown for every other kind, as the language wants it.
 *
 * What needs events becomes relations, WITH count_1 AS (...), of one row per
 * profile that has such events.  A relation is joined where it is used: in the
 * query itself, or in a later relation; those are the scopes.
 */
#ifndef CDP_SEGMENT_TO_SQL_H
#define CDP_SEGMENT_TO_SQL_H

#include "segment/program.h"

typedef enum CdpSqlKind
{
	CDP_SQL_BOOLEAN,
	CDP_SQL_NUMBER,
	CDP_SQL_TEXT,				/* not from data: never read as a time */
	CDP_SQL_DATA,				/* a text from data */
	CDP_SQL_TIME,
	CDP_SQL_DURATION,			/* interval of months and time, never days */
	CDP_SQL_JSON				/* an array or object */
} CdpSqlKind;

#define CDP_SQL_KINDS (CDP_SQL_JSON + 1)

typedef struct CdpSqlValue
{
	const char *of[CDP_SQL_KINDS];	/* NULL: it is never of that kind */
	const char *is_null;		/* a condition; NULL: all of them are null */
	bool		has_months;		/* its duration may have months */
} CdpSqlValue;

/* Where an expression stands: which relations it may name. */
typedef struct CdpSqlScope
{
	bool		has_event;		/* event.* is the event in hand */
	bool		needs_profile;
	List	   *joined;			/* of char *: relations */
} CdpSqlScope;

typedef struct CdpSqlQuery
{
	const CdpProgram *program;
	TimestampTz as_of;
	const char *now;			/* as_of as a literal */
	StringInfoData relations;	/* WITH ... */
	int			nrelations;
	bool		needs_event;	/* the relation "event" */
	bool		asks_expiring;	/* a trait that may expire */
	const char **aggregates;	/* the relations made of them; NULL: not yet */
	const char **segments;		/* the same of roots */
	List	   *sequences;		/* of CdpSqlSequence * */
	CdpSqlScope *scope;
} CdpSqlQuery;

typedef struct CdpSqlSequence
{
	const CdpSequence *sequence;
	const char *relation;
} CdpSqlSequence;

/* to_sql.c */
extern char *cdp_segment_sql(const char *format,...) pg_attribute_printf(1, 2);
extern const char *cdp_segment_sql_text(const char *text);
extern const char *cdp_segment_sql_time(TimestampTz at);
extern const char *cdp_segment_sql_zone(pg_tz *zone);
extern const char *cdp_segment_sql_relation(CdpSqlQuery *query,
											const char *what,
											const char *body);
extern void cdp_segment_sql_join(CdpSqlQuery *query, const char *relation);
extern const char *cdp_segment_sql_from(CdpSqlQuery *query);

/* to_sql_value.c: values and what is done with them */
extern CdpSqlValue cdp_segment_sql_one(CdpSqlKind kind, const char *sql);
extern CdpSqlValue cdp_segment_sql_json(const char *sql);
extern const char *cdp_segment_sql_any_text(const CdpSqlValue *value);
extern const char *cdp_segment_sql_any_time(const CdpSqlValue *value,
											pg_tz *zone);
extern const char *cdp_segment_sql_is_null(const CdpSqlValue *value);
extern const char *cdp_segment_sql_first(const char *a, const char *b);
extern const char *cdp_segment_sql_compare(CdpCompare op,
										   const CdpSqlValue *a,
										   const CdpSqlValue *b, pg_tz *zone);
extern const char *cdp_segment_sql_distinct(const CdpSqlValue *a,
											const CdpSqlValue *b,
											pg_tz *zone);
extern CdpSqlValue cdp_segment_sql_arithmetic(int op, const CdpSqlValue *a,
											  const CdpSqlValue *b,
											  pg_tz *zone);
extern CdpSqlValue cdp_segment_sql_negate(const CdpSqlValue *value);
extern CdpSqlValue cdp_segment_sql_coalesce(const CdpSqlValue *values,
											int count);
extern CdpSqlValue cdp_segment_sql_constant(const CdpValue *constant);
extern const char *cdp_segment_sql_move(const char *at, int sign,
										const CdpDuration *by, pg_tz *zone);

/* to_sql_expr.c: the value and the truth of an expression */
extern CdpSqlValue cdp_segment_sql_value(CdpSqlQuery *query,
										 const CdpExpr *expr);
extern const char *cdp_segment_sql_truth(CdpSqlQuery *query,
										 const CdpExpr *expr);

/* to_sql_profile.c: fields, traits and functions of the profile */
extern CdpSqlValue cdp_segment_sql_field(CdpSqlQuery *query,
										 const CdpExpr *expr);
extern CdpSqlValue cdp_segment_sql_trait(CdpSqlQuery *query,
										 const CdpExpr *expr);
extern CdpSqlValue cdp_segment_sql_call(CdpSqlQuery *query,
										const CdpExpr *expr);

/* to_sql_event.c: properties of events, aggregates */
extern CdpSqlValue cdp_segment_sql_property(const CdpExpr *expr);
extern const char *cdp_segment_sql_column(const CdpExpr *property);
extern CdpSqlValue cdp_segment_sql_of_column(const CdpExpr *property,
											 const char *column);
extern const char *cdp_segment_sql_events(CdpSqlQuery *query,
										  const CdpAggregate *aggregate,
										  const char *columns);
extern CdpSqlValue cdp_segment_sql_aggregate(CdpSqlQuery *query, int number);

/* to_sql_sequence.c */
extern const char *cdp_segment_sql_sequence(CdpSqlQuery *query,
											const CdpSequence *sequence);

#endif							/* CDP_SEGMENT_TO_SQL_H */
