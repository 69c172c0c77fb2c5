/*
 * component_aggregate.c
 *		cdp.components(a, b): connected components as an aggregate, and the
 *		functions that read its result.
 *
 * A row is a link between two nodes; one whose other end is NULL is a node on
 * its own, and one without both ends is nothing.  No rows, no map: NULL.
 *
 * The state is the map under construction, in the aggregate's context.  The
 * final function finishes it where it lies and returns a pointer to it, so a
 * query that reads the map at once (cdp.component_rows of an aggregate in a
 * subquery) never copies it.  The pointer is for reading only, and of a chunk
 * of its own: a server that finds a result outside the context of the row
 * would copy it, flat.
 *
 * As the final function changes the state, it cannot be a window function,
 * and the server says so.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "identity/component_map.h"

PG_FUNCTION_INFO_V1(cdp__components_step);
PG_FUNCTION_INFO_V1(cdp__components_text_step);
PG_FUNCTION_INFO_V1(cdp__components_final);
PG_FUNCTION_INFO_V1(cdp_component_rows);
PG_FUNCTION_INFO_V1(cdp_component_summary);

/* The state of an aggregate, made on its first call. */
static CdpComponentMap *
get_state(FunctionCallInfo fcinfo, bool is_text)
{
	MemoryContext context;
	CdpComponentMap *map;

	if (!PG_ARGISNULL(0))
		return (CdpComponentMap *) PG_GETARG_POINTER(0);
	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "components aggregate called outside an aggregate");
	context = MemoryContextSwitchTo(context);
	map = cdp_component_map(is_text);
	MemoryContextSwitchTo(context);
	return map;
}

/* cdp._components_step(state, a, b) */
Datum
cdp__components_step(PG_FUNCTION_ARGS)
{
	CdpComponentMap *map = get_state(fcinfo, false);
	int			a = PG_ARGISNULL(1) ? 2 : 1;
	int			b = PG_ARGISNULL(2) ? 1 : 2;

	if (!PG_ARGISNULL(a))
		cdp_component_map_link(map, PG_GETARG_INT64(a), PG_GETARG_INT64(b));
	PG_RETURN_POINTER(map);
}

/* cdp._components_step(state, a, b) */
Datum
cdp__components_text_step(PG_FUNCTION_ARGS)
{
	CdpComponentMap *map = get_state(fcinfo, true);
	int			a = PG_ARGISNULL(1) ? 2 : 1;
	int			b = PG_ARGISNULL(2) ? 1 : 2;
	text	   *a_text;
	text	   *b_text;

	if (PG_ARGISNULL(a))
		PG_RETURN_POINTER(map);
	a_text = PG_GETARG_TEXT_PP(a);
	b_text = PG_GETARG_TEXT_PP(b);
	cdp_component_map_link_text(map,
								VARDATA_ANY(a_text), VARSIZE_ANY_EXHDR(a_text),
								VARDATA_ANY(b_text), VARSIZE_ANY_EXHDR(b_text));
	PG_RETURN_POINTER(map);
}

/* cdp._components_final(state), cdp._text_components_final(state) */
Datum
cdp__components_final(PG_FUNCTION_ARGS)
{
	CdpComponentMap *map;
	char	   *pointer;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	map = (CdpComponentMap *) PG_GETARG_POINTER(0);
	cdp_component_map_finish(map);
	if (map->nnodes == 0)
		PG_RETURN_NULL();
	pointer = palloc(EXPANDED_POINTER_SIZE);
	memcpy(pointer, map->header.eoh_ro_ptr, EXPANDED_POINTER_SIZE);
	PG_RETURN_POINTER(pointer);
}

static Datum
make_node(const CdpComponentView *view, int64 place)
{
	const char *bytes;
	int			length;

	if (!view->is_text)
		return Int64GetDatum(component_bigint(view, place));
	bytes = component_bytes(view, place, &length);
	return PointerGetDatum(cstring_to_text_with_len(bytes, length));
}

/* The next place that is present, from *next on; false: no more. */
static bool
next_place(const CdpComponentView *view, int64 *next, int64 *place)
{
	while (*next < view->count)
	{
		*place = (*next)++;
		if (view->smallest[*place] >= 0)
			return true;
	}
	return false;
}

static void
make_row(const CdpComponentView *view, int64 place, Datum *values)
{
	values[0] = make_node(view, place);
	values[1] = make_node(view, view->smallest[place]);
}

/* All rows of texts into a tuplestore. */
static void
store_texts(ReturnSetInfo *result, const CdpComponentView *view)
{
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext,
											  "component rows",
											  ALLOCSET_DEFAULT_SIZES);
	bool		nulls[2] = {false, false};
	int64		next = 0;
	int64		place;

	while (next_place(view, &next, &place))
	{
		Datum		values[2];
		MemoryContext context = MemoryContextSwitchTo(row);

		CHECK_FOR_INTERRUPTS();
		make_row(view, place, values);
		MemoryContextSwitchTo(context);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		if (next % 64 == 0)
			MemoryContextReset(row);
	}
	MemoryContextDelete(row);
}

/*
 * All rows of bigints into a tuplestore.  They are alike but for the two, so
 * one row is formed, and its bigints are written over for each that is put.
 */
static void
store_bigints(ReturnSetInfo *result, const CdpComponentView *view)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(result->setDesc,
												   &TTSOpsMinimalTuple);
	Datum		values[2] = {0, 0};
	bool		nulls[2] = {false, false};
	MinimalTuple row = heap_form_minimal_tuple(result->setDesc, values, nulls);
	int64	   *pair = (int64 *) ((char *) row - MINIMAL_TUPLE_OFFSET + row->t_hoff);
	int64		next = 0;
	int64		place;

	ExecStoreMinimalTuple(row, slot, false);
	while (next_place(view, &next, &place))
	{
		CHECK_FOR_INTERRUPTS();
		pair[0] = component_bigint(view, place);
		pair[1] = component_bigint(view, view->smallest[place]);
		tuplestore_puttupleslot(result->setResult, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	heap_free_minimal_tuple(row);
}

/* All rows into a tuplestore. */
static void
store_rows(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CdpComponentView view;

	InitMaterializedSRF(fcinfo, 0);
	cdp_component_view(PG_GETARG_DATUM(0), &view);
	if (view.is_text)
		store_texts(result, &view);
	else
		store_bigints(result, &view);
}

/* One row a call. */
static Datum
stream_rows(FunctionCallInfo fcinfo)
{
	FuncCallContext *call;
	CdpComponentView *view;
	int64		next;
	int64		place;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext context;

		call = SRF_FIRSTCALL_INIT();
		context = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &call->tuple_desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		BlessTupleDesc(call->tuple_desc);
		view = palloc(sizeof(CdpComponentView));
		cdp_component_view(PG_GETARG_DATUM(0), view);
		call->user_fctx = view;
		MemoryContextSwitchTo(context);
	}
	call = SRF_PERCALL_SETUP();
	view = call->user_fctx;
	/* call_cntr counts rows; max_calls is free for places. */
	next = call->max_calls;
	if (!next_place(view, &next, &place))
		SRF_RETURN_DONE(call);
	call->max_calls = next;
	make_row(view, place, values);
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc,
															values, nulls)));
}

/*
 * cdp.component_rows(map): its nodes, each with the smallest of its component.
 * In FROM all rows go into a tuplestore at once; in a select list they come
 * one by one and take no memory.
 */
Datum
cdp_component_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	if (result == NULL || !IsA(result, ReturnSetInfo) ||
		(result->allowedModes & SFRM_Materialize_Preferred) == 0)
		return stream_rows(fcinfo);
	store_rows(fcinfo);
	return (Datum) 0;
}

/* The most nodes that one component has. */
static int64
count_largest(const CdpComponentView *view)
{
	int32	   *counts = palloc_extended(sizeof(int32) * view->count,
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int64		next = 0;
	int64		place;
	int32		largest = 0;

	while (next_place(view, &next, &place))
	{
		int32		size = ++counts[view->smallest[place]];

		largest = Max(largest, size);
	}
	pfree(counts);
	return largest;
}

/* cdp.component_summary(map): how many nodes, components, and how large. */
Datum
cdp_component_summary(PG_FUNCTION_ARGS)
{
	CdpComponentView view;
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};
	int64		components = 0;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	cdp_component_view(PG_GETARG_DATUM(0), &view);
	for (int64 i = 0; i < view.count; i++)
		components += view.smallest[i] == i;
	values[0] = Int64GetDatum(view.nnodes);
	values[1] = Int64GetDatum(components);
	values[2] = Int64GetDatum(count_largest(&view));
	values[3] = Int64GetDatum(view.memory);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}
