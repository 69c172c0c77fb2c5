/*
 * to_sql.c
 *		cdp.predicate_to_sql(): the query that tells whom a predicate is true of.
 *
 *		country = 'BR' and count(order, 90 days) >= 3
 *
 * becomes
 *
 *		WITH profile AS (...),		a row per live profile, with its scores
 *		event AS NOT MATERIALIZED (...),	the log before the instant
 *		count_1 AS (
 *			SELECT profile_id, count(*)::numeric AS value
 *			FROM event
 *			WHERE event.name = 'order' AND event.occurred_at >= ...
 *			GROUP BY profile_id)
 *		SELECT profile_id
 *		FROM profile
 *		LEFT JOIN count_1 USING (profile_id)
 *		WHERE ...
 *
 * It is for people to read, run and change, and it is the oracle of the
 * evaluator: it shares the binder with it, which says what names and types
 * are, and nothing else.  It reads the log of events, not the timelines, and
 * says everything in SQL, with a few SQL functions (to_sql.sql).
 *
 * What differs: where a number or a time grows out of the range of its type
 * the evaluator says unknown, and the query raises.
 *
 * What is refused: time zones whose name PostgreSQL would take for an
 * abbreviation, instants that are not of the years 1 to 9999, and queries of
 * more than a megabyte.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "segment/predicate.h"
#include "segment/to_sql.h"

PG_FUNCTION_INFO_V1(cdp__predicate_to_sql);

#define MAX_QUERY_SIZE (1024 * 1024)

static void
check_size(int length)
{
	if (length > MAX_QUERY_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("predicate is too complex to be written as SQL"),
				 errdetail("The query would have more than %d bytes.",
						   MAX_QUERY_SIZE)));
}

/* A piece of the query. */
char *
cdp_segment_sql(const char *format,...)
{
	StringInfoData piece;

	initStringInfo(&piece);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&piece, format, args);
		va_end(args);
		if (needed == 0)
			break;
		check_size(needed);
		enlargeStringInfo(&piece, needed);
	}
	check_size(piece.len);
	return piece.data;
}

/* A text as a literal. */
const char *
cdp_segment_sql_text(const char *text)
{
	return quote_literal_cstr(text);
}

static void
check_years(TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (!TIMESTAMP_NOT_FINITE(at) &&
		timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) == 0 &&
		tm.tm_year >= 1 && tm.tm_year <= 9999)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("only instants of the years 1 to 9999 can be written as SQL")));
}

/* An instant as a literal that means the same in every session. */
const char *
cdp_segment_sql_time(TimestampTz at)
{
	check_years(at);
	return cdp_segment_sql("timestamptz '%s'", cdp_segment_time_text(at));
}

/*
 * The name of a zone as a literal.  AT TIME ZONE takes CET for the
 * abbreviation, which knows no summer time; what has a slash is none.
 */
const char *
cdp_segment_sql_zone(pg_tz *zone)
{
	const char *name = pg_get_timezone_name(zone);

	if (strchr(name, '/') == NULL && strcmp(name, "UTC") != 0 &&
		strcmp(name, "GMT") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("time zone \"%s\" cannot be written as SQL", name),
				 errdetail("PostgreSQL might take it for an abbreviation."),
				 errhint("Use a zone such as Europe/Berlin.")));
	return cdp_segment_sql_text(name);
}

/* Add a relation; returns its name, what_1. */
const char *
cdp_segment_sql_relation(CdpSqlQuery *query, const char *what,
						 const char *body)
{
	char	   *name = cdp_segment_sql("%s_%d", what, ++query->nrelations);

	appendStringInfo(&query->relations, ",\n%s AS (\n%s\n)", name, body);
	check_size(query->relations.len);
	return name;
}

/* Have a relation in the scope. */
void
cdp_segment_sql_join(CdpSqlQuery *query, const char *relation)
{
	ListCell   *cell;

	foreach(cell, query->scope->joined)
		if (strcmp(lfirst(cell), relation) == 0)
			return;
	query->scope->joined = lappend(query->scope->joined,
								   unconstify(char *, relation));
}

/* The FROM clause of the scope. */
const char *
cdp_segment_sql_from(CdpSqlQuery *query)
{
	CdpSqlScope *scope = query->scope;
	StringInfoData from;
	ListCell   *cell;

	initStringInfo(&from);
	appendStringInfoString(&from, scope->has_event ? "FROM event" :
						   "FROM profile");
	if (scope->has_event && scope->needs_profile)
		appendStringInfoString(&from, "\nJOIN profile USING (profile_id)");
	foreach(cell, scope->joined)
		appendStringInfo(&from, "\nLEFT JOIN %s USING (profile_id)",
						 (const char *) lfirst(cell));
	return from.data;
}

static const char profile_relation[] =
"WITH profile AS (\n"
"SELECT current.profile_id, current.kind, current.first_seen, current.last_seen,\n"
"	current.events, current.orders, current.gross_revenue, current.revenue,\n"
"	current.first_order_at, current.last_order_at, %s,\n"
"	current.identifiers, current.consents, score.rfm_recency,\n"
"	score.rfm_frequency, score.rfm_monetary, score.lifecycle, score.clv_365d,\n"
"	score.churn_90d, score.churn_band, score.scores\n"
"FROM cdp.profile_current AS current\n"
"LEFT JOIN cdp.profile_score AS score USING (profile_id)\n"
")";

static const char event_relation[] =
",\nevent AS NOT MATERIALIZED (\n"
"SELECT owner.profile_id, logged.name, logged.occurred_at, logged.amount,\n"
"	logged.properties, logged.source_id\n"
"FROM cdp.event AS logged\n"
"JOIN cdp._set_profile AS owner USING (set_id)\n"
"WHERE logged.occurred_at < %s\n"
")";

static char *
write_query(CdpSqlQuery *query, const CdpExpr *expr)
{
	CdpSqlScope scope = {false};
	const char *condition;
	const char *event = "";
	const char *traits = "current.traits";
	const char *profile;

	query->scope = &scope;
	condition = cdp_segment_sql_truth(query, expr);
	if (query->asks_expiring)
		traits = cdp_segment_sql("cdp._traits_at(current.traits, current.expiring, %s) AS traits",
								 query->now);
	profile = cdp_segment_sql(profile_relation, traits);
	if (query->needs_event)
		event = cdp_segment_sql(event_relation, query->now);
	return cdp_segment_sql("%s%s%s\nSELECT profile_id\n%s\nWHERE %s",
						   profile, event, query->relations.data,
						   cdp_segment_sql_from(query), condition);
}

/* cdp._predicate_to_sql(predicate, context, as_of) */
Datum
cdp__predicate_to_sql(PG_FUNCTION_ARGS)
{
	char	   *source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	List	   *messages;
	CdpSqlQuery query = {NULL};

	query.program =
		cdp_segment_bind_alone(cdp_segment_parse(source, strlen(source)),
							   CDP_TYPE_BOOLEAN, PG_GETARG_JSONB_P(1),
							   &messages);
	cdp_segment_raise_first(messages, source);
	query.as_of = PG_GETARG_TIMESTAMPTZ(2);
	query.now = cdp_segment_sql_time(query.as_of);
	initStringInfo(&query.relations);
	query.aggregates = palloc0(sizeof(char *) *
							   Max(list_length(query.program->aggregates), 1));
	query.segments = palloc0(sizeof(char *) *
							 list_length(query.program->roots));
	PG_RETURN_TEXT_P(cstring_to_text(
		write_query(&query, ((CdpRoot *) linitial(query.program->roots))->expr)));
}
