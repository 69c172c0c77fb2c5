/*
 * products.c
 *		cdp._timeline_products() and cdp._timeline_told(): the events of a
 *		timeline, each order once, with their products or as they are.
 *
 * Rows come out one call at a time: in a target list those of a profile are
 * gathered nowhere.
 */
#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "insight/item.h"
#include "insight/walk.h"

#define PRODUCT_COLUMNS 8
#define TOLD_COLUMNS 6

typedef struct State
{
	CdpInsightWalk *walk;
	int			event;			/* number of the event in hand, from 1 */
	CdpInsightItems items;
	int			given;			/* of its items */
} State;

PG_FUNCTION_INFO_V1(cdp__timeline_products);
PG_FUNCTION_INFO_V1(cdp__timeline_told);

/* Start: rows outlive the call, so their timelines have to as well. */
static void
start(FunctionCallInfo fcinfo, FuncCallContext *context)
{
	MemoryContext caller = MemoryContextSwitchTo(context->multi_call_memory_ctx);
	State	   *state = palloc(sizeof(State));
	TupleDesc	tupdesc;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type is not a row type");
	context->tuple_desc = BlessTupleDesc(tupdesc);
	state->walk = cdp_insight_walk(fcinfo, 0, 1, PG_GETARG_TIMESTAMPTZ(2),
								   PG_GETARG_TIMESTAMPTZ(3));
	state->event = 0;
	state->given = 0;
	cdp_insight_init_items(&state->items);
	context->user_fctx = state;
	MemoryContextSwitchTo(caller);
}

/* Go to the next event; false at the end. */
static bool
next_event(FuncCallContext *context, State *state)
{
	MemoryContext caller = MemoryContextSwitchTo(context->multi_call_memory_ctx);
	bool		found = cdp_insight_next(state->walk);

	MemoryContextSwitchTo(caller);
	state->event++;
	return found;
}

/* Go to the next product; NULL at the end. */
static const CdpInsightItem *
next_item(FuncCallContext *context, State *state)
{
	while (state->given == state->items.count)
	{
		if (!next_event(context, state))
			return NULL;
		cdp_insight_read_items(&state->items, state->walk);
		state->given = 0;
	}
	return &state->items.items[state->given++];
}

/* What every row begins with: name, source and time. */
static void
put_event(Datum *values, const CdpInsightWalk *walk)
{
	values[0] = Int32GetDatum(walk->reader.shape->name_id);
	values[1] = Int32GetDatum(walk->reader.shape->source_id);
	values[2] = TimestampTzGetDatum(walk->at);
}

static Datum
make_product(FuncCallContext *context, State *state, const CdpInsightItem *item)
{
	Datum		values[PRODUCT_COLUMNS];
	bool		nulls[PRODUCT_COLUMNS] = {false};

	put_event(values, state->walk);
	values[3] = Int32GetDatum(state->event);
	values[4] = Int32GetDatum(item->position);
	cdp_insight_put_text(&values[5], &nulls[5], &item->product);
	cdp_insight_put_text(&values[6], &nulls[6], &item->category);
	nulls[7] = !item->has_quantity;
	if (item->has_quantity)
		values[7] = JsonbPGetDatum(
			JsonbValueToJsonb(unconstify(JsonbValue *, &item->quantity)));
	return HeapTupleGetDatum(heap_form_tuple(context->tuple_desc, values,
											 nulls));
}

/* The text of a property of the event in hand, or NULL. */
static void
put_property(Datum *value, bool *isnull, CdpInsightWalk *walk, int slot)
{
	CdpTimelineValue found = {0};
	CdpInsightText text;

	if (!cdp_insight_text(walk, slot, &found))
		found.length = 0;
	text = (CdpInsightText) {found.data, found.length};
	cdp_insight_put_text(value, isnull, &text);
}

static Datum
make_told(FuncCallContext *context, CdpInsightWalk *walk)
{
	const CdpInsightQuestion *question = &walk->question;
	Datum		values[TOLD_COLUMNS];
	bool		nulls[TOLD_COLUMNS] = {false};

	put_event(values, walk);
	nulls[3] = !walk->reader.has_amount;
	if (walk->reader.has_amount)
		values[3] = NumericGetDatum(
			int64_div_fast_to_numeric(walk->reader.amount, 4));
	put_property(&values[4], &nulls[4], walk, question->key_slots[walk->name]);
	put_property(&values[5], &nulls[5], walk, question->more_slot);
	return HeapTupleGetDatum(heap_form_tuple(context->tuple_desc, values,
											 nulls));
}

/* cdp._timeline_products(timelines, question, since, until): one product a call */
Datum
cdp__timeline_products(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;
	const CdpInsightItem *item;

	if (SRF_IS_FIRSTCALL())
		start(fcinfo, SRF_FIRSTCALL_INIT());
	context = SRF_PERCALL_SETUP();
	item = next_item(context, context->user_fctx);
	if (item == NULL)
		SRF_RETURN_DONE(context);
	SRF_RETURN_NEXT(context, make_product(context, context->user_fctx, item));
}

/* cdp._timeline_told(timelines, question, since, until): one event a call */
Datum
cdp__timeline_told(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;
	State	   *state;

	if (SRF_IS_FIRSTCALL())
		start(fcinfo, SRF_FIRSTCALL_INIT());
	context = SRF_PERCALL_SETUP();
	state = context->user_fctx;
	if (!next_event(context, state))
		SRF_RETURN_DONE(context);
	SRF_RETURN_NEXT(context, make_told(context, state->walk));
}
