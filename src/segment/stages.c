/*
 * stages.c
 *		cdp._stages_reached(): predicates that become true one after the other.
 *
 * Each is asked of what happened behind the instant at which the one before it
 * was true.  Called for every profile of a scan, like cdp._evaluate(), whose
 * arguments it has: each stage is compiled once, into a program of its own, so
 * that none reads the events that only another one is about.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "segment/arguments.h"
#include "segment/predicate.h"
#include "segment/stage.h"

PG_FUNCTION_INFO_V1(cdp__stages_reached);

/* The stages of a call site, and what they were compiled from. */
typedef struct Stages
{
	MemoryContext memory;
	struct varlena *predicates;
	struct varlena *context;
	bool		is_constant;	/* the call site has no others */
	int			count;
	CdpStage   *stages;
} Stages;

static Stages *
compile_stages(FunctionCallInfo fcinfo, struct varlena *predicates,
			   struct varlena *context)
{
	MemoryContext memory = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt,
												 "cdp segment stages",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old_memory = MemoryContextSwitchTo(memory);
	Stages	   *made = palloc0(sizeof(Stages));
	text	  **texts;

	made->memory = memory;
	made->predicates = cdp_segment_copy(predicates);
	made->context = cdp_segment_copy(context);
	made->is_constant = cdp_segment_is_constant(fcinfo, CDP_ARG_PREDICATES) &&
		cdp_segment_is_constant(fcinfo, CDP_ARG_CONTEXT);
	texts = cdp_segment_predicates((ArrayType *) made->predicates,
								   &made->count);
	made->stages = palloc0(sizeof(CdpStage) * Max(made->count, 1));
	for (int i = 0; i < made->count; i++)
		cdp_segment_make_stage(&made->stages[i],
							   cdp_segment_compile((Jsonb *) made->context,
												   &texts[i], 1));
	MemoryContextSwitchTo(old_memory);
	return made;
}

/* The stages of this call. */
static Stages *
get_stages(FunctionCallInfo fcinfo)
{
	Stages	   *kept = fcinfo->flinfo->fn_extra;
	struct varlena *predicates;
	struct varlena *context;

	if (kept != NULL && kept->is_constant)
		return kept;
	predicates = (struct varlena *) PG_GETARG_ARRAYTYPE_P(CDP_ARG_PREDICATES);
	context = (struct varlena *) PG_GETARG_JSONB_P(CDP_ARG_CONTEXT);
	if (kept != NULL && cdp_segment_is_equal(kept->predicates, predicates) &&
		cdp_segment_is_equal(kept->context, context))
		return kept;
	fcinfo->flinfo->fn_extra = NULL;
	if (kept != NULL)
		MemoryContextDelete(kept->memory);
	fcinfo->flinfo->fn_extra = compile_stages(fcinfo, predicates, context);
	return fcinfo->flinfo->fn_extra;
}

/*
 * cdp._stages_reached(stages, context, until, ..., since): when the profile
 * reached each of the stages, as far as it came.
 */
Datum
cdp__stages_reached(PG_FUNCTION_ARGS)
{
	Stages	   *stages;
	CdpProfile	profile;
	TimestampTz at;
	Datum	   *reached;
	int			count;

	if (PG_ARGISNULL(CDP_ARG_PREDICATES) || PG_ARGISNULL(CDP_ARG_CONTEXT) ||
		PG_ARGISNULL(CDP_ARG_AS_OF) || PG_ARGISNULL(CDP_ARG_SINCE))
		PG_RETURN_NULL();
	stages = get_stages(fcinfo);
	cdp_segment_get_profile(fcinfo, &profile);
	at = PG_GETARG_TIMESTAMPTZ(CDP_ARG_SINCE);
	reached = palloc(sizeof(Datum) * Max(stages->count, 1));
	for (count = 0; count < stages->count; count++)
	{
		if (!cdp_segment_first_true(&stages->stages[count], &profile, at,
									PG_GETARG_TIMESTAMPTZ(CDP_ARG_AS_OF), &at))
			break;
		reached[count] = TimestampTzGetDatum(at);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(reached, count, TIMESTAMPTZOID,
										  sizeof(TimestampTz),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
