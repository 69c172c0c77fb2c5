/*
 * rows.c
 *		cdp.timeline_events(timeline, names): a timeline as rows.
 *
 * Rows come out one call at a time, in the timeline's order.  With names only
 * events of these names are unpacked, and none at all if there are none.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "timeline/convert.h"

#define ROW_COLUMNS 5

typedef struct RowsState
{
	CdpTimelineReader reader;
	int			nnames;			/* -1: all of them */
	int32	   *names;
} RowsState;

PG_FUNCTION_INFO_V1(cdp_timeline_events_sql);

/* The names asked for. */
static void
read_names(RowsState *state, ArrayType *array)
{
	Datum	   *datums;
	bool	   *nulls;
	int			count;
	int			i;

	deconstruct_array(array, INT4OID, sizeof(int32), true, TYPALIGN_INT,
					  &datums, &nulls, &count);
	state->nnames = 0;
	state->names = palloc(Max(count, 1) * sizeof(int32));
	for (i = 0; i < count; i++)
	{
		if (!nulls[i] &&
			cdp_timeline_has(&state->reader, DatumGetInt32(datums[i])))
			state->names[state->nnames++] = DatumGetInt32(datums[i]);
	}
}

/* Go to the next event that is asked for; false at the end. */
static bool
find_next(RowsState *state)
{
	int			i;

	if (state->nnames == 0)
		return false;
	while (cdp_timeline_next(&state->reader))
	{
		if (state->nnames < 0)
			return true;
		for (i = 0; i < state->nnames; i++)
		{
			if (state->names[i] == state->reader.shape->name_id)
				return true;
		}
	}
	return false;
}

/* Start: the timeline is copied, as the rows outlive the call. */
static void
start_rows(FunctionCallInfo fcinfo, FuncCallContext *context)
{
	MemoryContext caller = MemoryContextSwitchTo(context->multi_call_memory_ctx);
	RowsState  *state = palloc0(sizeof(RowsState));
	TupleDesc	tupdesc;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type is not a row type");
	context->tuple_desc = BlessTupleDesc(tupdesc);
	cdp_timeline_open(&state->reader,
					  (struct varlena *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0)));
	state->nnames = -1;
	if (!PG_ARGISNULL(1))
		read_names(state, PG_GETARG_ARRAYTYPE_P(1));
	context->user_fctx = state;
	MemoryContextSwitchTo(caller);
}

/* The values of the event in hand, as an object by slot. */
static Datum
make_properties(CdpTimelineReader *reader)
{
	JsonbParseState *parse = NULL;
	JsonbValue *result;
	CdpTimelineEvent event;

	cdp_timeline_event(reader, &event);
	pushJsonbValue(&parse, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < event.nvalues; i++)
	{
		JsonbValue	json;

		json.type = jbvString;
		json.val.string.val = psprintf("%d", event.values[i].slot);
		json.val.string.len = strlen(json.val.string.val);
		pushJsonbValue(&parse, WJB_KEY, &json);
		cdp_timeline_to_json(&event.values[i], &json);
		pushJsonbValue(&parse, WJB_VALUE, &json);
	}
	result = pushJsonbValue(&parse, WJB_END_OBJECT, NULL);
	return JsonbPGetDatum(JsonbValueToJsonb(result));
}

/* The event in hand as a row. */
static Datum
make_row(FuncCallContext *context, RowsState *state)
{
	CdpTimelineReader *reader = &state->reader;
	Datum		values[ROW_COLUMNS];
	bool		nulls[ROW_COLUMNS] = {false};

	values[0] = Int32GetDatum(reader->shape->name_id);
	values[1] = Int32GetDatum(reader->shape->source_id);
	values[2] = TimestampTzGetDatum(cdp_timeline_to_timestamp(reader->at_ms));
	nulls[3] = !reader->has_amount;
	if (reader->has_amount)
		values[3] = NumericGetDatum(cdp_timeline_to_numeric(reader->amount));
	values[4] = make_properties(reader);
	return HeapTupleGetDatum(heap_form_tuple(context->tuple_desc, values,
											 nulls));
}

/* One event a call. */
Datum
cdp_timeline_events_sql(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;

	if (SRF_IS_FIRSTCALL())
	{
		context = SRF_FIRSTCALL_INIT();
		if (PG_ARGISNULL(0))
			SRF_RETURN_DONE(context);
		start_rows(fcinfo, context);
	}
	context = SRF_PERCALL_SETUP();
	if (!find_next(context->user_fctx))
		SRF_RETURN_DONE(context);
	SRF_RETURN_NEXT(context, make_row(context, context->user_fctx));
}
