/*
 * to_sql_event.c
 *		Properties of events and aggregates as SQL; see to_sql.h.
 *
 * An aggregate is a relation with a row (profile_id, value) for each profile
 * that has such an event in the window.  Where one is missing the value is
 * what the aggregate of nothing is: false, 0, an empty list or null.
 */
#include "postgres.h"

#include "segment/bind.h"
#include "segment/to_sql.h"

/* A name with dots leads into objects and lists. */
static const char *
find_property(const char *name)
{
	return cdp_segment_sql(strchr(name, '.') == NULL ?
						   "(event.properties -> %s)" :
						   "cdp._event_property(event.properties, %s)",
						   cdp_segment_sql_text(name));
}

/* The value of a property of the event in hand, in SQL's own type. */
const char *
cdp_segment_sql_column(const CdpExpr *property)
{
	if (property->kind == CDP_EXPR_EVENT_AMOUNT)
		return "event.amount";
	if (property->kind == CDP_EXPR_EVENT_TIME)
		return "event.occurred_at";
	return find_property(cdp_segment_join_names(property->node->names));
}

/* The value that a column made of a property holds. */
CdpSqlValue
cdp_segment_sql_of_column(const CdpExpr *property, const char *column)
{
	if (property->kind == CDP_EXPR_EVENT_AMOUNT)
		return cdp_segment_sql_one(CDP_SQL_NUMBER, column);
	if (property->kind == CDP_EXPR_EVENT_TIME)
		return cdp_segment_sql_one(CDP_SQL_TIME, column);
	return cdp_segment_sql_json(column);
}

CdpSqlValue
cdp_segment_sql_property(const CdpExpr *expr)
{
	return cdp_segment_sql_of_column(expr, cdp_segment_sql_column(expr));
}

static const char *
period_start(const CdpSqlQuery *query, const CdpAggregate *aggregate,
			 const char *unit, const char *minus)
{
	const char *zone = cdp_segment_sql_zone(aggregate->zone);

	return cdp_segment_sql("((date_trunc('%s', %s AT TIME ZONE %s)%s) AT TIME ZONE %s)",
						   unit, query->now, zone, minus, zone);
}

/* The period before this one. */
static const char *
last_period(const CdpSqlQuery *query, const CdpAggregate *aggregate)
{
	CdpUnit		unit = aggregate->window->unit;
	const char *name = cdp_segment_unit_names[unit];
	const char *length = unit == CDP_QUARTER ? "3 months" :
		psprintf("1 %s", name);

	return cdp_segment_sql("event.occurred_at >= %s AND event.occurred_at < %s",
						   period_start(query, aggregate, name,
										psprintf(" - interval '%s'", length)),
						   period_start(query, aggregate, name, ""));
}

static const char *
since(CdpSqlQuery *query, const CdpAggregate *aggregate)
{
	CdpSqlValue value = cdp_segment_sql_value(query, aggregate->since);
	const char *at = cdp_segment_sql_any_time(&value, aggregate->zone);

	return at == NULL ? "false" :
		cdp_segment_sql("event.occurred_at >= %s", at);
}

/* The window as a condition, but for its end at the as-of instant. */
static const char *
window_condition(CdpSqlQuery *query, const CdpAggregate *aggregate)
{
	const CdpNode *window = aggregate->window;
	const char *start;

	switch ((CdpWindowKind) window->op)
	{
		case CDP_WINDOW_AGO:
			start = cdp_segment_sql_move(query->now, -1, &aggregate->from,
										 aggregate->zone);
			return cdp_segment_sql("event.occurred_at >= %s AND event.occurred_at < %s",
								   start,
								   cdp_segment_sql_move(query->now, -1,
														&aggregate->to,
														aggregate->zone));
		case CDP_WINDOW_DATES:
			return cdp_segment_sql("event.occurred_at >= %s AND event.occurred_at < %s",
								   cdp_segment_sql_time(aggregate->dates[0]),
								   cdp_segment_sql_time(aggregate->dates[1]));
		case CDP_WINDOW_SINCE:
			return since(query, aggregate);
		case CDP_WINDOW_LAST:
			return last_period(query, aggregate);
		case CDP_WINDOW_TODAY:
			start = period_start(query, aggregate, "day", "");
			break;
		case CDP_WINDOW_THIS:
			start = period_start(query, aggregate,
								 cdp_segment_unit_names[window->unit], "");
			break;
		default:				/* a length */
			start = cdp_segment_sql_move(query->now, -1, &aggregate->from,
										 aggregate->zone);
			break;
	}
	return cdp_segment_sql("event.occurred_at >= %s", start);
}

/*
 * A query for columns of the events of an aggregate.  Its scope is the
 * caller's, who may have made the columns in it.
 */
const char *
cdp_segment_sql_events(CdpSqlQuery *query, const CdpAggregate *aggregate,
					   const char *columns)
{
	const char *name = aggregate->event->text;
	const char *conditions = name == NULL ? "true" :
		cdp_segment_sql("event.name = %s", cdp_segment_sql_text(name));

	query->needs_event = true;
	if (aggregate->window != NULL)
		conditions = cdp_segment_sql("%s\n	AND %s", conditions,
									 window_condition(query, aggregate));
	if (aggregate->where != NULL)
		conditions = cdp_segment_sql("%s\n	AND %s", conditions,
									 cdp_segment_sql_truth(query, aggregate->where));
	return cdp_segment_sql("SELECT %s\n%s\nWHERE %s", columns,
						   cdp_segment_sql_from(query), conditions);
}

/* The number that a property is; null for other kinds. */
static const char *
number_column(CdpSqlQuery *query, const CdpAggregate *aggregate)
{
	CdpSqlValue value = cdp_segment_sql_value(query, aggregate->value);

	return value.of[CDP_SQL_NUMBER];
}

/* ORDER BY of a column made of a property: by kind, then by value. */
static const char *
value_order(const CdpExpr *property, const char *column, const char *direction)
{
	if (property->kind != CDP_EXPR_EVENT_PROPERTY)
		return cdp_segment_sql("%s%s", column, direction);
	return cdp_segment_sql("cdp._sql_rank(%s)%s, cdp._sql_text(%s) COLLATE \"C\"%s, %s%s",
						   column, direction, column, direction, column,
						   direction);
}

/* Is there a value? */
static const char *
is_value(const CdpExpr *property, const char *column)
{
	CdpSqlValue value = cdp_segment_sql_of_column(property, column);

	return cdp_segment_sql("NOT %s", cdp_segment_sql_is_null(&value));
}

static const char *
extreme_column(CdpSqlQuery *query, const CdpAggregate *aggregate,
			   const char *direction)
{
	const char *column = cdp_segment_sql_column(aggregate->value);

	return cdp_segment_sql("(array_agg(%s ORDER BY %s) FILTER (WHERE %s))[1]",
						   column,
						   value_order(aggregate->value, column, direction),
						   is_value(aggregate->value, column));
}

/* Events of one instant have an order too: that of the timeline. */
static const char *
end_column(CdpSqlQuery *query, const CdpAggregate *aggregate,
		   const char *direction)
{
	return cdp_segment_sql("(array_agg(%s ORDER BY event.occurred_at%s,\n"
						   "	(SELECT known.name_id FROM cdp.event_name AS known WHERE known.name = event.name)%s,\n"
						   "	event.source_id%s, event.amount IS NOT NULL%s, event.amount%s,\n"
						   "	cdp._sql_event_order(event.name, event.properties) COLLATE \"C\"%s))[1]",
						   cdp_segment_sql_column(aggregate->value),
						   direction, direction, direction, direction,
						   direction, direction);
}

/* The column of an aggregate that is one SQL aggregate. */
static const char *
value_column(CdpSqlQuery *query, const CdpAggregate *aggregate)
{
	switch (aggregate->kind)
	{
		case CDP_SUM:
			return cdp_segment_sql("sum(%s)", number_column(query, aggregate));
		case CDP_AVG:
			return cdp_segment_sql("avg(%s)", number_column(query, aggregate));
		case CDP_MIN:
			return extreme_column(query, aggregate, "");
		case CDP_MAX:
			return extreme_column(query, aggregate, " DESC");
		case CDP_DISTINCT_COUNT:
			return cdp_segment_sql("count(DISTINCT %s) FILTER (WHERE %s)::numeric",
								   cdp_segment_sql_column(aggregate->value),
								   is_value(aggregate->value,
											cdp_segment_sql_column(aggregate->value)));
		case CDP_ACTIVE_DAYS:
			return cdp_segment_sql("count(DISTINCT (event.occurred_at AT TIME ZONE %s)::date)::numeric",
								   cdp_segment_sql_zone(aggregate->zone));
		case CDP_FIRST:
			return "min(event.occurred_at)";
		case CDP_LAST:
			return "max(event.occurred_at)";
		case CDP_EARLIEST:
			return end_column(query, aggregate, "");
		case CDP_LATEST:
			return end_column(query, aggregate, " DESC");
		case CDP_DAYS_SINCE:
			return cdp_segment_sql("floor(extract(epoch FROM %s - max(event.occurred_at))::numeric / 86400)",
								   query->now);
		default:				/* CDP_DID, CDP_COUNT */
			return "count(*)::numeric";
	}
}

static const char *
grouped_body(CdpSqlQuery *query, const CdpAggregate *aggregate)
{
	const char *columns = cdp_segment_sql("profile_id, %s AS value",
										  value_column(query, aggregate));

	return cdp_segment_sql("%s\nGROUP BY profile_id",
						   cdp_segment_sql_events(query, aggregate, columns));
}

/* A session ends with a gap of more than 30 minutes. */
static const char *
session_body(CdpSqlQuery *query, const CdpAggregate *aggregate)
{
	const char *events =
		cdp_segment_sql_events(query, aggregate,
							   "profile_id, event.name,\n"
							   "	event.occurred_at - lag(event.occurred_at) OVER (\n"
							   "		PARTITION BY profile_id ORDER BY event.occurred_at) AS gap");
	const char *starts = "count(*) FILTER (WHERE coalesce(gap > interval '30 minutes', true))";
	const char *value = cdp_segment_sql("%s::numeric", starts);

	if (aggregate->kind == CDP_SESSION_MINUTES)
		value = "(sum(extract(epoch FROM gap)::numeric * 1000) FILTER (WHERE gap <= interval '30 minutes') / 60000)";
	else if (aggregate->kind == CDP_PAGES_PER_SESSION)
		value = cdp_segment_sql("count(*) FILTER (WHERE name IN ('page_view', 'screen_view'))::numeric / %s",
								starts);
	return cdp_segment_sql("SELECT profile_id, %s AS value\nFROM (%s) AS visit\nGROUP BY profile_id",
						   value, events);
}

/* The values that are there, each once, with how often it is. */
static const char *
counted(CdpSqlQuery *query, const CdpAggregate *aggregate)
{
	const char *column = cdp_segment_sql_column(aggregate->value);
	const char *columns = cdp_segment_sql("profile_id, %s AS value, count(*) AS often",
										  column);

	return cdp_segment_sql("%s\n	AND %s\nGROUP BY profile_id, %s",
						   cdp_segment_sql_events(query, aggregate, columns),
						   is_value(aggregate->value, column), column);
}

static const char *
most_frequent_body(CdpSqlQuery *query, const CdpAggregate *aggregate)
{
	return cdp_segment_sql("SELECT DISTINCT ON (profile_id) profile_id, value\n"
						   "FROM (%s) AS counted\n"
						   "ORDER BY profile_id, often DESC, %s",
						   counted(query, aggregate),
						   value_order(aggregate->value, "value", ""));
}

static const char *
unique_list_body(CdpSqlQuery *query, const CdpAggregate *aggregate)
{
	const char *element =
		aggregate->value->kind == CDP_EXPR_EVENT_TIME ?
		"cdp._sql_time_text(value)" : "value";

	return cdp_segment_sql("SELECT profile_id, jsonb_agg(%s ORDER BY %s) AS value\n"
						   "FROM (%s) AS counted\n"
						   "GROUP BY profile_id",
						   element, value_order(aggregate->value, "value", ""),
						   counted(query, aggregate));
}

static const char *
relation_body(CdpSqlQuery *query, const CdpAggregate *aggregate)
{
	switch (aggregate->kind)
	{
		case CDP_SESSIONS:
		case CDP_SESSION_MINUTES:
		case CDP_PAGES_PER_SESSION:
			return session_body(query, aggregate);
		case CDP_MOST_FREQUENT:
			return most_frequent_body(query, aggregate);
		case CDP_UNIQUE_LIST:
			return unique_list_body(query, aggregate);
		default:
			return grouped_body(query, aggregate);
	}
}

static const char *
make_relation(CdpSqlQuery *query, int number)
{
	const CdpAggregate *aggregate = list_nth(query->program->aggregates,
											 number);
	CdpSqlScope *outer = query->scope;
	CdpSqlScope scope = {.has_event = true};

	query->scope = &scope;
	query->aggregates[number] =
		cdp_segment_sql_relation(query,
								 cdp_segment_aggregate_names[aggregate->kind],
								 relation_body(query, aggregate));
	query->scope = outer;
	return query->aggregates[number];
}

/* What the value is that the relation's column "value" has. */
static CdpSqlValue
relation_value(const CdpAggregate *aggregate, const char *column)
{
	switch (aggregate->kind)
	{
		case CDP_DID:
			return cdp_segment_sql_one(CDP_SQL_BOOLEAN,
									   cdp_segment_sql("(%s IS NOT NULL)", column));
		case CDP_FIRST:
		case CDP_LAST:
			return cdp_segment_sql_one(CDP_SQL_TIME, column);
		case CDP_MIN:
		case CDP_MAX:
		case CDP_EARLIEST:
		case CDP_LATEST:
		case CDP_MOST_FREQUENT:
			return cdp_segment_sql_of_column(aggregate->value, column);
		case CDP_UNIQUE_LIST:
			return cdp_segment_sql_one(CDP_SQL_JSON,
									   cdp_segment_sql("coalesce(%s, '[]')", column));
		case CDP_AVG:
		case CDP_DAYS_SINCE:
		case CDP_PAGES_PER_SESSION:
			return cdp_segment_sql_one(CDP_SQL_NUMBER, column);
		default:
			return cdp_segment_sql_one(CDP_SQL_NUMBER,
									   cdp_segment_sql("coalesce(%s, 0)", column));
	}
}

/* See to_sql.h. */
CdpSqlValue
cdp_segment_sql_aggregate(CdpSqlQuery *query, int number)
{
	const char *relation = query->aggregates[number];

	if (relation == NULL)
		relation = make_relation(query, number);
	cdp_segment_sql_join(query, relation);
	return relation_value(list_nth(query->program->aggregates, number),
						  cdp_segment_sql("%s.value", relation));
}
