/*
 * computed.c
 *		cdp._expression_bind(): what an expression is, when it becomes a trait.
 *
 * The value of an expression is steady if it changes with nothing but the
 * profile's events: whoever keeps it has to compute it anew when they change,
 * and never else.  So it has no window that moves, does not ask for the time,
 * and looks at no field, trait, score, segment or consent.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "segment/predicate.h"
#include "segment/program.h"

PG_FUNCTION_INFO_V1(cdp__expression_bind);

static bool is_steady(const CdpProgram *program, const CdpExpr *expr);

static bool
is_steady_aggregate(const CdpProgram *program, int number)
{
	const CdpAggregate *aggregate = list_nth(program->aggregates, number);

	if (aggregate->kind == CDP_DAYS_SINCE)
		return false;
	if (aggregate->window != NULL && aggregate->window->op != CDP_WINDOW_DATES)
		return false;
	return aggregate->where == NULL || is_steady(program, aggregate->where);
}

static bool
is_steady_function(CdpFunction function)
{
	return function == CDP_FUNCTION_LOWER || function == CDP_FUNCTION_COALESCE ||
		function == CDP_FUNCTION_ABS || function == CDP_FUNCTION_LENGTH ||
		function == CDP_FUNCTION_NEAR;
}

/* Does the value change with the profile's events only? */
static bool
is_steady(const CdpProgram *program, const CdpExpr *expr)
{
	check_stack_depth();
	switch (expr->kind)
	{
		case CDP_EXPR_FIELD:
		case CDP_EXPR_TRAIT:
		case CDP_EXPR_NOW:
		case CDP_EXPR_TODAY:
		case CDP_EXPR_SEQUENCE:
		case CDP_EXPR_IN_SEGMENT:
			return false;
		case CDP_EXPR_AGGREGATE:
			return is_steady_aggregate(program, expr->number);
		case CDP_EXPR_FUNCTION:
			if (!is_steady_function(expr->op))
				return false;
			break;
		default:
			break;
	}
	for (int i = 0; i < expr->nargs; i++)
		if (!is_steady(program, expr->args[i]))
			return false;
	return true;
}

/* The type of the trait, as in cdp.trait. */
static const char *
trait_type(CdpType type)
{
	switch (type)
	{
		case CDP_TYPE_BOOLEAN:
			return "boolean";
		case CDP_TYPE_NUMBER:
		case CDP_TYPE_DURATION:
			return "number";
		case CDP_TYPE_TEXT:
			return "text";
		case CDP_TYPE_TIME:
			return "timestamp";
		default:
			return "json";
	}
}

/* Months are of different lengths. */
static void
check_has_value(const CdpExpr *expr)
{
	if (expr->type == CDP_TYPE_PERIOD)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a duration in months is no value"),
				 errhint("Add it to a time, or use a number of days.")));
}

/*
 * cdp._expression_bind(expression, context): the expression, with the store's
 * zone written into it if it needs one and names none; the type of its trait;
 * is it steady.  Raises the first error that the binder finds.
 */
Datum
cdp__expression_bind(PG_FUNCTION_ARGS)
{
	char	   *source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	CdpPredicate *predicate = cdp_segment_parse(source, strlen(source));
	List	   *messages;
	CdpProgram *program = cdp_segment_bind_alone(predicate, CDP_TYPE_ANY,
												 PG_GETARG_JSONB_P(1),
												 &messages);
	const CdpExpr *expr = ((CdpRoot *) linitial(program->roots))->expr;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};
	TupleDesc	shape;

	cdp_segment_raise_first(messages, source);
	check_has_value(expr);
	if (get_call_result_type(fcinfo, NULL, &shape) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (program->uses_zone && predicate->time_zone == NULL)
		predicate->time_zone = cdp_segment_store_zone(&program->context);
	source = cdp_segment_print(predicate);
	values[0] = PointerGetDatum(cdp_segment_predicate_from_text(source,
																strlen(source)));
	values[1] = CStringGetTextDatum(trait_type(expr->type));
	values[2] = BoolGetDatum(is_steady(program, expr));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape),
													  values, nulls)));
}
