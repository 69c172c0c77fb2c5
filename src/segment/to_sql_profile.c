/*
 * to_sql_profile.c
 *		Fields, traits and functions of the profile as SQL; see to_sql.h.
 */
#include "postgres.h"

#include "profile/profile.h"
#include "segment/to_sql.h"

/* In the order of CdpField. */
static const char *const field_columns[CDP_FIELD_COUNT] = {
	"profile.kind",
	"profile.first_seen",
	"profile.last_seen",
	"profile.events::numeric",
	"profile.orders::numeric",
	"profile.gross_revenue",
	"profile.revenue",
	"profile.first_order_at",
	"profile.last_order_at",
	"profile.rfm_recency::numeric",
	"profile.rfm_frequency::numeric",
	"profile.rfm_monetary::numeric",
	"profile.lifecycle",
	"profile.clv_365d",
	"profile.churn_90d::numeric",
	"profile.churn_band",
	"(profile.gross_revenue / nullif(profile.orders, 0))",
	"cdp._sql_text(profile.identifiers -> 'email' -> 0)",
	"cdp._sql_text(profile.identifiers -> 'phone' -> 0)"
};

/* See to_sql.h. */
CdpSqlValue
cdp_segment_sql_field(CdpSqlQuery *query, const CdpExpr *expr)
{
	CdpSqlKind	kind = expr->type == CDP_TYPE_TEXT ? CDP_SQL_TEXT :
		expr->type == CDP_TYPE_TIME ? CDP_SQL_TIME : CDP_SQL_NUMBER;

	query->scope->needs_profile = true;
	return cdp_segment_sql_one(kind, field_columns[expr->number]);
}

/* The trait called a.b, or else the key b inside the trait a. */
static const char *
find_trait(const CdpExpr *expr)
{
	const char *trait = cdp_segment_sql("profile.traits -> %s",
										cdp_segment_sql_text(expr->text));
	const char *nested = "profile.traits";
	ListCell   *cell;

	if (list_length(expr->names) == 1)
		return cdp_segment_sql("(%s)", trait);
	foreach(cell, expr->names)
		nested = cdp_segment_sql("%s -> %s", nested,
								 cdp_segment_sql_text(lfirst(cell)));
	return cdp_segment_sql("coalesce(nullif(%s, 'null'), %s)", trait, nested);
}

/* See to_sql.h. */
CdpSqlValue
cdp_segment_sql_trait(CdpSqlQuery *query, const CdpExpr *expr)
{
	CdpSqlValue value = cdp_segment_sql_json(find_trait(expr));

	query->scope->needs_profile = true;
	if (cdp_profile_may_expire(expr->text))
		query->asks_expiring = true;
	if (expr->type != CDP_TYPE_TIME)
		return value;
	return cdp_segment_sql_one(CDP_SQL_TIME,
							   cdp_segment_sql_any_time(&value, expr->zone));
}

static CdpSqlValue
score_member(const CdpExpr *expr, const char *member)
{
	return cdp_segment_sql_json(cdp_segment_sql("(profile.scores -> %s -> '%s')",
												cdp_segment_sql_text(linitial(expr->names)),
												member));
}

static CdpSqlValue
call_consent(CdpSqlQuery *query, const CdpExpr *expr)
{
	return cdp_segment_sql_one(CDP_SQL_BOOLEAN,
							   cdp_segment_sql("cdp._sql_consented(profile.consents -> %s, %s, %s)",
											   cdp_segment_sql_text(expr->text),
											   query->now,
											   cdp_segment_sql_zone(expr->zone)));
}

static CdpSqlValue
call_bucket(const CdpExpr *expr)
{
	return cdp_segment_sql_one(CDP_SQL_NUMBER,
							   cdp_segment_sql("cdp.bucket(%s, profile_id::text, %d)::numeric",
											   cdp_segment_sql_text(linitial(expr->names)),
											   expr->number));
}

static CdpSqlValue
call_has_id(const CdpExpr *expr)
{
	return cdp_segment_sql_one(CDP_SQL_BOOLEAN,
							   cdp_segment_sql("(cdp._sql_text(profile.identifiers -> %s -> 0) IS NOT NULL)",
											   cdp_segment_sql_text(linitial(expr->names))));
}

/*
 * The profiles that cannot be reached by a channel are a relation: each of
 * their contact points for it is suppressed.
 */
static CdpSqlValue
call_suppressed(CdpSqlQuery *query, const CdpExpr *expr)
{
	const char *channel = cdp_segment_sql_text(linitial(expr->names));
	const char *relation;

	relation = cdp_segment_sql_relation(query, "suppressed", cdp_segment_sql(
		"SELECT point.profile_id\n"
		"FROM cdp.contact_point AS point\n"
		"JOIN cdp.channel ON point.type = ANY (channel.identifier_types)\n"
		"WHERE channel.channel = %s\n"
		"	AND coalesce(point.expires_at > cdp.clock(), true)\n"
		"GROUP BY point.profile_id\n"
		"HAVING bool_and(EXISTS (\n"
		"	SELECT FROM cdp.suppression\n"
		"	WHERE suppression.key_hash = point.key_hash\n"
		"		AND suppression.channel IN ('', %s)\n"
		"		AND coalesce(suppression.until, 'infinity') > %s))",
		channel, channel, query->now));
	cdp_segment_sql_join(query, relation);
	return cdp_segment_sql_one(CDP_SQL_BOOLEAN,
							   cdp_segment_sql("(%s.profile_id IS NOT NULL)",
											   relation));
}

/* Functions that look at the profile. */
static CdpSqlValue
call_of_profile(CdpSqlQuery *query, const CdpExpr *expr)
{
	query->scope->needs_profile = true;
	switch ((CdpFunction) expr->op)
	{
		case CDP_FUNCTION_SCORE:
			return score_member(expr, "value");
		case CDP_FUNCTION_PERCENTILE:
			return score_member(expr, "percentile");
		case CDP_FUNCTION_CONSENT:
			return call_consent(query, expr);
		case CDP_FUNCTION_BUCKET:
			return call_bucket(expr);
		default:				/* CDP_FUNCTION_HAS_ID */
			return call_has_id(expr);
	}
}

static const char *
call_if_any(const char *function, const char *argument)
{
	if (argument == NULL)
		return NULL;
	return cdp_segment_sql("%s(%s)", function, argument);
}

static CdpSqlValue
call_anniversary(const CdpSqlQuery *query, const CdpExpr *expr,
				 const CdpSqlValue *value)
{
	CdpSqlValue none = {{NULL}};
	const char *at = cdp_segment_sql_any_time(value, expr->zone);

	if (at == NULL)
		return none;
	return cdp_segment_sql_one(CDP_SQL_NUMBER,
							   cdp_segment_sql("cdp._sql_anniversary(%s, %s, %s)",
											   at, query->now,
											   cdp_segment_sql_zone(expr->zone)));
}

static CdpSqlValue
call_lower(const CdpSqlValue *value)
{
	CdpSqlValue lower = {{NULL}};

	lower.of[CDP_SQL_TEXT] = call_if_any("cdp._sql_lower",
										 value->of[CDP_SQL_TEXT]);
	lower.of[CDP_SQL_DATA] = call_if_any("cdp._sql_lower",
										 value->of[CDP_SQL_DATA]);
	return lower;
}

static CdpSqlValue
call_length(const CdpSqlValue *value)
{
	const char *list = call_if_any("cdp._sql_list", value->of[CDP_SQL_JSON]);
	const char *length =
		cdp_segment_sql_first(call_if_any("char_length",
										  cdp_segment_sql_any_text(value)),
							  call_if_any("jsonb_array_length", list));

	if (length != NULL)
		length = cdp_segment_sql("%s::numeric", length);
	return cdp_segment_sql_one(CDP_SQL_NUMBER, length);
}

/* Unknown unless all are numbers. */
static CdpSqlValue
call_near(const CdpExpr *expr, const CdpSqlValue *values)
{
	CdpSqlValue none = {{NULL}};
	const char *numbers = NULL;

	for (int i = 0; i < expr->nargs; i++)
	{
		const char *number = values[i].of[CDP_SQL_NUMBER];

		if (number == NULL)
			return none;
		numbers = numbers == NULL ? number :
			cdp_segment_sql("%s, %s", numbers, number);
	}
	return cdp_segment_sql_one(CDP_SQL_BOOLEAN,
							   cdp_segment_sql("cdp._sql_near(%s)", numbers));
}

/* Functions of values. */
static CdpSqlValue
call_of_values(CdpSqlQuery *query, const CdpExpr *expr)
{
	CdpSqlValue *values = palloc(sizeof(CdpSqlValue) * expr->nargs);

	for (int i = 0; i < expr->nargs; i++)
		values[i] = cdp_segment_sql_value(query, expr->args[i]);
	switch ((CdpFunction) expr->op)
	{
		case CDP_FUNCTION_COALESCE:
			return cdp_segment_sql_coalesce(values, expr->nargs);
		case CDP_FUNCTION_DAYS_TO_ANNIVERSARY:
			return call_anniversary(query, expr, &values[0]);
		case CDP_FUNCTION_LOWER:
			return call_lower(&values[0]);
		case CDP_FUNCTION_ABS:
			return cdp_segment_sql_one(CDP_SQL_NUMBER,
									   call_if_any("abs", values[0].of[CDP_SQL_NUMBER]));
		case CDP_FUNCTION_LENGTH:
			return call_length(&values[0]);
		case CDP_FUNCTION_NEAR:
			return call_near(expr, values);
		default:
			elog(ERROR, "function %d is not one of values", expr->op);
	}
}

/* See to_sql.h. */
CdpSqlValue
cdp_segment_sql_call(CdpSqlQuery *query, const CdpExpr *expr)
{
	switch ((CdpFunction) expr->op)
	{
		case CDP_FUNCTION_SCORE:
		case CDP_FUNCTION_PERCENTILE:
		case CDP_FUNCTION_CONSENT:
		case CDP_FUNCTION_BUCKET:
		case CDP_FUNCTION_HAS_ID:
			return call_of_profile(query, expr);
		case CDP_FUNCTION_SUPPRESSED:
			return call_suppressed(query, expr);
		default:
			return call_of_values(query, expr);
	}
}
