/*
 * to_sql_expr.c
 *		The value and the truth of an expression as SQL; see to_sql.h.
 *
 * SQL's logic has the same three values as the language, so and, or and not
 * are themselves.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "segment/to_sql.h"

/* "(a AND b AND c)" */
static const char *
chain(const char *const *parts, int count, const char *word)
{
	StringInfoData all;

	if (count == 1)
		return parts[0];
	initStringInfo(&all);
	appendStringInfoString(&all, parts[0]);
	for (int i = 1; i < count; i++)
		appendStringInfo(&all, " %s %s", word, parts[i]);
	return cdp_segment_sql("(%s)", all.data);
}

static const char *
logic_truth(CdpSqlQuery *query, const CdpExpr *expr, const char *word)
{
	const char **parts = palloc(sizeof(char *) * expr->nargs);

	for (int i = 0; i < expr->nargs; i++)
		parts[i] = cdp_segment_sql_truth(query, expr->args[i]);
	return chain(parts, expr->nargs, word);
}

/* Values of the arguments. */
static CdpSqlValue *
arguments(CdpSqlQuery *query, const CdpExpr *expr)
{
	CdpSqlValue *values = palloc(sizeof(CdpSqlValue) * Max(expr->nargs, 1));

	for (int i = 0; i < expr->nargs; i++)
		values[i] = cdp_segment_sql_value(query, expr->args[i]);
	return values;
}

static const char *
in_truth(const CdpExpr *expr, const CdpSqlValue *values)
{
	const char **parts = palloc(sizeof(char *) * expr->nargs);

	for (int i = 1; i < expr->nargs; i++)
		parts[i - 1] = cdp_segment_sql_compare(CDP_EQ, &values[0], &values[i],
											   expr->zone);
	return chain(parts, expr->nargs - 1, "OR");
}

static const char *
between_truth(const CdpExpr *expr, const CdpSqlValue *values)
{
	return cdp_segment_sql("(%s AND %s)",
						   cdp_segment_sql_compare(CDP_GE, &values[0],
												   &values[1], expr->zone),
						   cdp_segment_sql_compare(CDP_LE, &values[0],
												   &values[2], expr->zone));
}

/* A pattern whose last backslash stands for itself, as SQL wants it. */
static const char *
pattern_literal(const CdpValue *pattern)
{
	char	   *text = pnstrdup(pattern->as.text.data,
								pattern->as.text.length);
	int			length = strlen(text);
	int			backslashes = 0;

	while (backslashes < length && text[length - 1 - backslashes] == '\\')
		backslashes++;
	if (backslashes % 2 == 1)
		text = psprintf("%s\\", text);
	return cdp_segment_sql_text(text);
}

static const char *
like_truth(const CdpExpr *expr, const CdpSqlValue *values)
{
	const char *text = cdp_segment_sql_any_text(&values[0]);
	const char *pattern = pattern_literal(&expr->args[1]->constant);

	if (text == NULL)
		return "NULL::boolean";
	if (expr->ignore_case)
		return cdp_segment_sql("(cdp._sql_lower(%s) LIKE cdp._sql_lower(%s))",
							   text, pattern);
	return cdp_segment_sql("(%s LIKE %s)", text, pattern);
}

/* Is the part in the text, or the element in the list? */
static const char *
contains_one(const CdpExpr *expr, const CdpSqlValue *whole,
			 const CdpSqlValue *element)
{
	const char *text = cdp_segment_sql_any_text(whole);
	const char *part = cdp_segment_sql_any_text(element);
	const char *truth = NULL;
	CdpSqlValue member = cdp_segment_sql_json("member.value");

	if (text != NULL && part != NULL)
		truth = cdp_segment_sql("(strpos(%s, %s) > 0)", text, part);
	if (whole->of[CDP_SQL_JSON] != NULL)
	{
		const char *list = cdp_segment_sql("cdp._sql_list(%s)",
										   whole->of[CDP_SQL_JSON]);
		const char *found =
			cdp_segment_sql("CASE WHEN %s IS NOT NULL AND NOT %s THEN EXISTS (\n"
							"	SELECT FROM jsonb_array_elements(%s) AS member (value)\n"
							"	WHERE %s) END",
							list, cdp_segment_sql_is_null(element), list,
							cdp_segment_sql_compare(CDP_EQ, &member, element,
													expr->zone));

		truth = truth == NULL ? cdp_segment_sql("(%s)", found) :
			cdp_segment_sql_first(truth, found);
	}
	return truth != NULL ? truth : "NULL::boolean";
}

static const char *
contains_truth(const CdpExpr *expr, const CdpSqlValue *values)
{
	const char **parts = palloc(sizeof(char *) * expr->nargs);

	for (int i = 1; i < expr->nargs; i++)
		parts[i - 1] = contains_one(expr, &values[0], &values[i]);
	return chain(parts, expr->nargs - 1,
				 expr->op == CDP_CONTAINS_ALL ? "AND" : "OR");
}

static const char *
is_truth(const CdpExpr *expr, const CdpSqlValue *values)
{
	const char *truth = values[0].of[CDP_SQL_BOOLEAN];

	if (truth == NULL)
		truth = "NULL::boolean";
	switch ((CdpIs) expr->op)
	{
		case CDP_IS_NULL:
			return cdp_segment_sql_is_null(&values[0]);
		case CDP_IS_TRUE:
			return cdp_segment_sql("(%s IS TRUE)", truth);
		case CDP_IS_FALSE:
			return cdp_segment_sql("(%s IS FALSE)", truth);
		case CDP_IS_DISTINCT:
			return cdp_segment_sql_distinct(&values[0], &values[1], expr->zone);
	}
	return NULL;
}

/* A test that "not" may stand in, without it. */
static const char *
test_truth(CdpSqlQuery *query, const CdpExpr *expr)
{
	const CdpSqlValue *values = arguments(query, expr);

	switch (expr->kind)
	{
		case CDP_EXPR_COMPARE:
			return cdp_segment_sql_compare(expr->op, &values[0], &values[1],
										   expr->zone);
		case CDP_EXPR_IN:
			return in_truth(expr, values);
		case CDP_EXPR_BETWEEN:
			return between_truth(expr, values);
		case CDP_EXPR_LIKE:
			return like_truth(expr, values);
		case CDP_EXPR_CONTAINS:
			return contains_truth(expr, values);
		default:				/* CDP_EXPR_IS */
			return is_truth(expr, values);
	}
}

/* A segment is a relation of its members. */
static const char *
segment_relation(CdpSqlQuery *query, int number)
{
	CdpSqlScope *outer = query->scope;
	CdpSqlScope scope = {false};
	const CdpRoot *root = list_nth(query->program->roots, number);
	const char *condition;

	query->scope = &scope;
	condition = cdp_segment_sql_truth(query, root->expr);
	query->segments[number] =
		cdp_segment_sql_relation(query, "segment",
								 cdp_segment_sql("-- %s\nSELECT profile_id\n%s\nWHERE %s",
												 root->segment,
												 cdp_segment_sql_from(query),
												 condition));
	query->scope = outer;
	return query->segments[number];
}

/* Is the profile among those of a relation? */
static const char *
is_in(CdpSqlQuery *query, const char *relation)
{
	cdp_segment_sql_join(query, relation);
	return cdp_segment_sql("(%s.profile_id IS NOT NULL)", relation);
}

/* A condition: true, false or null. */
const char *
cdp_segment_sql_truth(CdpSqlQuery *query, const CdpExpr *expr)
{
	CdpSqlValue value;
	const char *truth;

	check_stack_depth();
	switch (expr->kind)
	{
		case CDP_EXPR_OR:
			return logic_truth(query, expr, "OR");
		case CDP_EXPR_AND:
			return logic_truth(query, expr, "AND");
		case CDP_EXPR_NOT:
			return cdp_segment_sql("(NOT %s)",
								   cdp_segment_sql_truth(query, expr->args[0]));
		case CDP_EXPR_COMPARE:
		case CDP_EXPR_IN:
		case CDP_EXPR_BETWEEN:
		case CDP_EXPR_LIKE:
		case CDP_EXPR_CONTAINS:
		case CDP_EXPR_IS:
			truth = test_truth(query, expr);
			return expr->negated ? cdp_segment_sql("(NOT %s)", truth) : truth;
		case CDP_EXPR_IN_SEGMENT:
			truth = query->segments[expr->number];
			return is_in(query, truth != NULL ? truth :
						 segment_relation(query, expr->number));
		case CDP_EXPR_SEQUENCE:
			return is_in(query, cdp_segment_sql_sequence(query, expr->sequence));
		default:
			value = cdp_segment_sql_value(query, expr);
			truth = value.of[CDP_SQL_BOOLEAN];
			return truth != NULL ? truth : "NULL::boolean";
	}
}

static CdpSqlValue
today(const CdpSqlQuery *query, const CdpExpr *expr)
{
	const char *zone = cdp_segment_sql_zone(expr->zone);

	return cdp_segment_sql_one(CDP_SQL_TIME,
							   cdp_segment_sql("(date_trunc('day', %s AT TIME ZONE %s) AT TIME ZONE %s)",
											   query->now, zone, zone));
}

/* What an expression is worth. */
CdpSqlValue
cdp_segment_sql_value(CdpSqlQuery *query, const CdpExpr *expr)
{
	CdpSqlValue *values;

	check_stack_depth();
	switch (expr->kind)
	{
		case CDP_EXPR_CONSTANT:
			return cdp_segment_sql_constant(&expr->constant);
		case CDP_EXPR_FIELD:
			return cdp_segment_sql_field(query, expr);
		case CDP_EXPR_TRAIT:
			return cdp_segment_sql_trait(query, expr);
		case CDP_EXPR_EVENT_AMOUNT:
		case CDP_EXPR_EVENT_TIME:
		case CDP_EXPR_EVENT_PROPERTY:
			return cdp_segment_sql_property(expr);
		case CDP_EXPR_ARITHMETIC:
			values = arguments(query, expr);
			return cdp_segment_sql_arithmetic(expr->op, &values[0], &values[1],
											  expr->zone);
		case CDP_EXPR_NEGATE:
			values = arguments(query, expr);
			return cdp_segment_sql_negate(&values[0]);
		case CDP_EXPR_NOW:
			return cdp_segment_sql_one(CDP_SQL_TIME, query->now);
		case CDP_EXPR_TODAY:
			return today(query, expr);
		case CDP_EXPR_AGGREGATE:
			return cdp_segment_sql_aggregate(query, expr->number);
		case CDP_EXPR_FUNCTION:
			return cdp_segment_sql_call(query, expr);
		default:
			return cdp_segment_sql_one(CDP_SQL_BOOLEAN,
									   cdp_segment_sql_truth(query, expr));
	}
}
