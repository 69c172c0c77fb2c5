/*
 * evaluate_sql.c
 *		The SQL functions over programs: evaluate, check, define, explain.
 *
 * cdp._evaluate() is called for every profile of a scan with the same
 * predicates and context, so the program is compiled once and, if both are
 * constants of the plan, kept with the call site.  Where they are parameters,
 * as for the one profile of a cdp.ingest(), the session keeps the last program
 * of each kind: it serves as long as both are the same, byte by byte.  No
 * function here reads a table: what they know of the store is the context.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "base/base.h"
#include "segment/arguments.h"
#include "segment/predicate.h"
#include "segment/segment.h"

PG_FUNCTION_INFO_V1(cdp__evaluate);
PG_FUNCTION_INFO_V1(cdp__evaluate_values);
PG_FUNCTION_INFO_V1(cdp__predicate_check);
PG_FUNCTION_INFO_V1(cdp__predicate_bind);
PG_FUNCTION_INFO_V1(cdp_bucket);

/* What is wanted of the expressions: cdp._evaluate, cdp._evaluate_values */
typedef CdpProgram *(*Compile) (Jsonb *context, text **predicates, int count);

/* A program, ready to run, and what it was compiled from. */
typedef struct Prepared
{
	MemoryContext memory;
	struct varlena *predicates;
	struct varlena *context;
	CdpEvaluation *evaluation;
	bool		is_running;		/* stays true if an error ends the run */
} Prepared;

/* By the session: the last program of each kind. */
static Prepared *kept_predicates = NULL;
static Prepared *kept_values = NULL;

/* See arguments.h. */
bool
cdp_segment_is_constant(FunctionCallInfo fcinfo, int number)
{
	Node	   *call = fcinfo->flinfo->fn_expr;

	return call != NULL && IsA(call, FuncExpr) &&
		IsA(list_nth(((FuncExpr *) call)->args, number), Const);
}

/* Compile a program in memory of its own, below that of the caller. */
static Prepared *
prepare(MemoryContext parent, struct varlena *predicates,
		struct varlena *context, Compile compile)
{
	MemoryContext memory = AllocSetContextCreate(parent, "cdp segment program",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old_memory = MemoryContextSwitchTo(memory);
	Prepared   *prepared = palloc0(sizeof(Prepared));
	CdpProgram *program;
	text	  **texts;
	int			count;

	prepared->memory = memory;
	prepared->predicates = cdp_segment_copy(predicates);
	prepared->context = cdp_segment_copy(context);
	texts = cdp_segment_predicates((ArrayType *) prepared->predicates, &count);
	program = compile((Jsonb *) prepared->context, texts, count);
	prepared->evaluation = cdp_segment_start(program);
	MemoryContextSwitchTo(old_memory);
	return prepared;
}

/* The program that the session keeps there, compiled if it is another. */
static Prepared *
get_kept(Prepared **kept, struct varlena *predicates,
		 struct varlena *context, Compile compile)
{
	Prepared   *fresh;

	if (*kept != NULL && !(*kept)->is_running &&
		cdp_segment_is_equal((*kept)->predicates, predicates) &&
		cdp_segment_is_equal((*kept)->context, context))
		return *kept;
	fresh = prepare(CurrentMemoryContext, predicates, context, compile);
	MemoryContextSetParent(fresh->memory, TopMemoryContext);
	if (*kept != NULL)
		MemoryContextDelete((*kept)->memory);
	*kept = fresh;
	return fresh;
}

/* The program of this call. */
static Prepared *
get_prepared(FunctionCallInfo fcinfo, Prepared **kept, Compile compile)
{
	struct varlena *predicates;
	struct varlena *context;

	if (fcinfo->flinfo->fn_extra != NULL)
		return fcinfo->flinfo->fn_extra;
	predicates = (struct varlena *) PG_GETARG_ARRAYTYPE_P(CDP_ARG_PREDICATES);
	context = (struct varlena *) PG_GETARG_JSONB_P(CDP_ARG_CONTEXT);
	if (!cdp_segment_is_constant(fcinfo, CDP_ARG_PREDICATES) ||
		!cdp_segment_is_constant(fcinfo, CDP_ARG_CONTEXT))
		return get_kept(kept, predicates, context, compile);
	fcinfo->flinfo->fn_extra = prepare(fcinfo->flinfo->fn_mcxt, predicates,
									   context, compile);
	return fcinfo->flinfo->fn_extra;
}

/*
 * The chunks of the profile's timeline, detoasted: the first by itself, since
 * most profiles have no more, the others as an array.
 */
static void
get_timelines(FunctionCallInfo fcinfo, CdpProfile *profile)
{
	Datum	   *elements = NULL;
	bool	   *nulls = NULL;
	int			count = 0;

	if (!PG_ARGISNULL(CDP_ARG_LATER_TIMELINES))
	{
		ArrayType  *array = PG_GETARG_ARRAYTYPE_P(CDP_ARG_LATER_TIMELINES);

		deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT,
						  &elements, &nulls, &count);
	}
	profile->timelines = palloc(sizeof(struct varlena *) * (count + 1));
	if (!PG_ARGISNULL(CDP_ARG_TIMELINE))
		profile->timelines[profile->ntimelines++] =
			PG_GETARG_VARLENA_PP(CDP_ARG_TIMELINE);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			profile->timelines[profile->ntimelines++] =
				PG_DETOAST_DATUM_PACKED(elements[i]);
}

/* The columns of a row of cdp._profile_facts. */
static void
get_facts(HeapTupleHeader row, CdpProfile *profile)
{
	TupleDesc	shape = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row),
											   HeapTupleHeaderGetTypMod(row));
	HeapTupleData tuple = {0};

	if (shape->natts != CDP_FACT_COUNT)
		elog(ERROR, "cdp._profile_facts has %d columns", shape->natts);
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	tuple.t_data = row;
	heap_deform_tuple(&tuple, shape, profile->facts, profile->fact_is_null);
	profile->has_facts = true;
	ReleaseTupleDesc(shape);
}

/* See arguments.h. */
void
cdp_segment_get_profile(FunctionCallInfo fcinfo, CdpProfile *profile)
{
	profile->profile_id = PG_ARGISNULL(CDP_ARG_PROFILE_ID) ? 0 :
		PG_GETARG_INT64(CDP_ARG_PROFILE_ID);
	profile->ntimelines = 0;
	profile->from_ms = PG_INT64_MIN;
	get_timelines(fcinfo, profile);
	profile->has_facts = false;
	if (!PG_ARGISNULL(CDP_ARG_FACTS))
		get_facts(PG_GETARG_HEAPTUPLEHEADER(CDP_ARG_FACTS), profile);
}

/* Turn to a profile; returns the memory that the caller was in. */
static MemoryContext
begin(Prepared *prepared, const CdpProfile *profile, TimestampTz as_of)
{
	prepared->is_running = true;
	cdp_segment_begin(prepared->evaluation, profile, as_of);
	return MemoryContextSwitchTo(prepared->evaluation->profile_context);
}

/* Turn away; a call site ends with its query, the session may idle for long. */
static void
end(Prepared *prepared, MemoryContext old_memory)
{
	MemoryContextSwitchTo(old_memory);
	prepared->is_running = false;
	if (prepared == kept_predicates || prepared == kept_values)
		MemoryContextResetOnly(prepared->evaluation->profile_context);
}

/*
 * cdp._evaluate(predicates, context, as_of, ...): the numbers, from 1, of the
 * predicates that are true of the profile.
 */
Datum
cdp__evaluate(PG_FUNCTION_ARGS)
{
	Prepared   *prepared;
	CdpEvaluation *evaluation;
	CdpProfile	profile;
	MemoryContext old_memory;
	Datum	   *matched;
	int			count = 0;

	if (PG_ARGISNULL(CDP_ARG_PREDICATES) || PG_ARGISNULL(CDP_ARG_CONTEXT) ||
		PG_ARGISNULL(CDP_ARG_AS_OF))
		PG_RETURN_NULL();
	prepared = get_prepared(fcinfo, &kept_predicates, cdp_segment_compile);
	evaluation = prepared->evaluation;
	cdp_segment_get_profile(fcinfo, &profile);
	matched = palloc(sizeof(Datum) * Max(evaluation->program->npredicates, 1));
	old_memory = begin(prepared, &profile, PG_GETARG_TIMESTAMPTZ(CDP_ARG_AS_OF));
	for (int i = 0; i < evaluation->program->npredicates; i++)
	{
		/* the next one overwrites it if this is not true */
		matched[count] = Int32GetDatum(i + 1);
		count += cdp_segment_root_truth(evaluation, i) == CDP_TRUE;
	}
	end(prepared, old_memory);
	PG_RETURN_ARRAYTYPE_P(construct_array(matched, count, INT4OID, 4, true,
										  TYPALIGN_INT));
}

/* The value as jsonb in that memory; 0: null. */
static Datum
copy_value(MemoryContext memory, const CdpValue *value)
{
	Jsonb	   *json = cdp_segment_to_jsonb(value);
	MemoryContext old_memory;
	Datum		copy;

	if (json == NULL)
		return (Datum) 0;
	old_memory = MemoryContextSwitchTo(memory);
	copy = PointerGetDatum(cdp_segment_copy((struct varlena *) json));
	MemoryContextSwitchTo(old_memory);
	return copy;
}

/*
 * cdp._evaluate_values(expressions, context, as_of, ...): the value of each
 * expression for the profile.
 */
Datum
cdp__evaluate_values(PG_FUNCTION_ARGS)
{
	Prepared   *prepared;
	CdpProfile	profile;
	MemoryContext old_memory;
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int			low = 1;

	if (PG_ARGISNULL(CDP_ARG_PREDICATES) || PG_ARGISNULL(CDP_ARG_CONTEXT) ||
		PG_ARGISNULL(CDP_ARG_AS_OF))
		PG_RETURN_NULL();
	prepared = get_prepared(fcinfo, &kept_values, cdp_segment_compile_values);
	count = prepared->evaluation->program->npredicates;
	cdp_segment_get_profile(fcinfo, &profile);
	values = palloc(sizeof(Datum) * Max(count, 1));
	nulls = palloc(sizeof(bool) * Max(count, 1));
	old_memory = begin(prepared, &profile, PG_GETARG_TIMESTAMPTZ(CDP_ARG_AS_OF));
	for (int i = 0; i < count; i++)
	{
		CdpValue	value = cdp_segment_root_value(prepared->evaluation, i);

		values[i] = copy_value(old_memory, &value);
		nulls[i] = values[i] == (Datum) 0;
	}
	end(prepared, old_memory);
	if (count == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(JSONBOID));
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, nulls, 1, &count, &low,
											 JSONBOID, -1, false,
											 TYPALIGN_INT));
}

/* cdp._predicate_check(predicate, context): what the binder has to say. */
Datum
cdp__predicate_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	List	   *messages;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	cdp_segment_bind_alone(cdp_segment_parse(source, strlen(source)),
						   CDP_TYPE_BOOLEAN, PG_GETARG_JSONB_P(1), &messages);
	foreach(cell, messages)
	{
		CdpMessage *message = lfirst(cell);
		Datum		values[4];
		bool		nulls[4] = {false, false, false, message->hint == NULL};

		values[0] = CStringGetTextDatum(message->is_error ? "error" : "warning");
		values[1] = Int32GetDatum(pg_mbstrlen_with_len(source,
													   message->position) + 1);
		values[2] = CStringGetTextDatum(message->text);
		values[3] = message->hint == NULL ? (Datum) 0 :
			CStringGetTextDatum(message->hint);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * cdp._predicate_bind(predicate, context): the predicate, with the store's
 * zone written into it if it needs one and names none; raises the first error
 * that the binder finds.
 */
Datum
cdp__predicate_bind(PG_FUNCTION_ARGS)
{
	char	   *source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	CdpPredicate *predicate = cdp_segment_parse(source, strlen(source));
	List	   *messages;
	CdpProgram *program = cdp_segment_bind_alone(predicate, CDP_TYPE_BOOLEAN,
												 PG_GETARG_JSONB_P(1),
												 &messages);

	cdp_segment_raise_first(messages, source);
	if (program->uses_zone && predicate->time_zone == NULL)
		predicate->time_zone = cdp_segment_store_zone(&program->context);
	source = cdp_segment_print(predicate);
	PG_RETURN_TEXT_P(cdp_segment_predicate_from_text(source, strlen(source)));
}

/* cdp.bucket(salt, id, count) */
Datum
cdp_bucket(PG_FUNCTION_ARGS)
{
	text	   *salt = PG_GETARG_TEXT_PP(0);
	text	   *id = PG_GETARG_TEXT_PP(1);
	int			count = PG_GETARG_INT32(2);

	if (count < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of buckets must be at least 1")));
	PG_RETURN_INT32(cdp_segment_bucket(VARDATA_ANY(salt),
									   VARSIZE_ANY_EXHDR(salt),
									   VARDATA_ANY(id), VARSIZE_ANY_EXHDR(id),
									   count));
}
