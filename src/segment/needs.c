/*
 * needs.c
 *		What predicates need besides timelines as they are.
 *
 * A timeline holds the declared properties of events.  A predicate over
 * another property is evaluated on timelines that are made for the occasion,
 * from the log (log.sql), by the same evaluator.  That the predicates of a
 * store need none is what every cdp.ingest() asks, so the session keeps the
 * last answer for as long as predicates and context are the same.
 *
 * Many predicates are about events only; then a scan leaves out the rows of
 * profiles.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "segment/predicate.h"
#include "segment/program.h"

PG_FUNCTION_INFO_V1(cdp__has_undeclared);
PG_FUNCTION_INFO_V1(cdp__undeclared);
PG_FUNCTION_INFO_V1(cdp__asked_events);
PG_FUNCTION_INFO_V1(cdp__asks_facts);

/* The last question of cdp._has_undeclared(). */
static struct
{
	MemoryContext memory;
	struct varlena *predicates;
	struct varlena *context;
	bool		answer;
} kept;

/* One of the predicates as a program that is not evaluated. */
static CdpProgram *
bind_predicate(text *predicate, Jsonb *context)
{
	char	   *source = text_to_cstring(predicate);
	List	   *messages;

	return cdp_segment_bind_alone(cdp_segment_parse(source, strlen(source)),
								  CDP_TYPE_BOOLEAN, context, &messages);
}

static bool
has_undeclared(ArrayType *predicates, Jsonb *context)
{
	int			count;
	text	  **texts = cdp_segment_predicates(predicates, &count);

	for (int i = 0; i < count; i++)
		if (bind_predicate(texts[i], context)->undeclared != NIL)
			return true;
	return false;
}

static void
keep_answer(struct varlena *predicates, struct varlena *context, bool answer)
{
	MemoryContext old;

	if (kept.memory == NULL)
		kept.memory = AllocSetContextCreate(TopMemoryContext,
											"cdp undeclared properties",
											ALLOCSET_SMALL_SIZES);
	kept.predicates = NULL;
	MemoryContextReset(kept.memory);
	old = MemoryContextSwitchTo(kept.memory);
	kept.context = cdp_segment_copy(context);
	kept.answer = answer;
	kept.predicates = cdp_segment_copy(predicates);
	MemoryContextSwitchTo(old);
}

/* cdp._has_undeclared(predicates, context) */
Datum
cdp__has_undeclared(PG_FUNCTION_ARGS)
{
	ArrayType  *predicates = PG_GETARG_ARRAYTYPE_P(0);
	Jsonb	   *context = PG_GETARG_JSONB_P(1);

	if (kept.predicates == NULL ||
		!cdp_segment_is_equal(kept.predicates, (struct varlena *) predicates) ||
		!cdp_segment_is_equal(kept.context, (struct varlena *) context))
		keep_answer((struct varlena *) predicates, (struct varlena *) context,
					has_undeclared(predicates, context));
	PG_RETURN_BOOL(kept.answer);
}

/* cdp._undeclared(predicates, context): which, and which predicate's. */
Datum
cdp__undeclared(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int			count;
	text	  **predicates;

	InitMaterializedSRF(fcinfo, 0);
	predicates = cdp_segment_predicates(PG_GETARG_ARRAYTYPE_P(0), &count);
	for (int i = 0; i < count; i++)
	{
		CdpProgram *program = bind_predicate(predicates[i], PG_GETARG_JSONB_P(1));
		ListCell   *cell;

		foreach(cell, program->undeclared)
		{
			const CdpUndeclared *undeclared = lfirst(cell);
			const char *event = undeclared->event ? undeclared->event : "*";
			Datum		values[3] = {
				Int32GetDatum(i + 1), CStringGetTextDatum(event),
				CStringGetTextDatum(undeclared->property)
			};
			bool		nulls[3] = {false, false, false};

			tuplestore_putvalues(result->setResult, result->setDesc, values,
								 nulls);
		}
	}
	return (Datum) 0;
}

/*
 * cdp._asked_events(predicates, context): the numbers of the events that they
 * are about; NULL: any event.
 */
Datum
cdp__asked_events(PG_FUNCTION_ARGS)
{
	Jsonb	   *context = PG_GETARG_JSONB_P(1);
	int			count;
	text	  **predicates = cdp_segment_predicates(PG_GETARG_ARRAYTYPE_P(0),
													&count);
	ArrayBuildState *name_ids = initArrayResult(INT4OID, CurrentMemoryContext,
												false);

	for (int i = 0; i < count; i++)
	{
		CdpProgram *program = bind_predicate(predicates[i], context);
		ListCell   *cell;

		foreach(cell, program->aggregates)
		{
			const CdpAggregate *aggregate = lfirst(cell);

			if (aggregate->name_id == CDP_ANY_EVENT)
				PG_RETURN_NULL();
			if (aggregate->name_id != CDP_NO_EVENT)
				accumArrayResult(name_ids, Int32GetDatum(aggregate->name_id),
								 false, INT4OID, CurrentMemoryContext);
		}
	}
	PG_RETURN_DATUM(makeArrayResult(name_ids, CurrentMemoryContext));
}

/* cdp._asks_facts(predicates, context): is one about more than events? */
Datum
cdp__asks_facts(PG_FUNCTION_ARGS)
{
	int			count;
	text	  **predicates = cdp_segment_predicates(PG_GETARG_ARRAYTYPE_P(0),
													&count);

	for (int i = 0; i < count; i++)
		if (bind_predicate(predicates[i], PG_GETARG_JSONB_P(1))->asks_facts)
			PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(false);
}
