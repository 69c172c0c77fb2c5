/*
 * aggregate.c
 *		Events to timelines, as aggregates.
 *
 * cdp.timeline_agg(name_id, at, amount, properties) packs the events of a
 * group into one timeline; properties are an object of values by slot, as
 * cdp.timeline_events() gives them.  cdp._timeline_agg(...) is what the store
 * uses: it takes the properties of the event log as they are, with the names
 * and slots of those declared for the event, and gives an array of chunks.
 *
 * The state is a list of events in memory, so a group may not exceed it; the
 * largest profile's new events do.  Workers hand their state over as a
 * timeline, chunk by chunk.  An event whose name or time is NULL is skipped.
 * timeline_agg raises for an amount that does not fit; the store's aggregate
 * packs the event without it, lest one absurd record stop a merge run.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "timeline/convert.h"

PG_FUNCTION_INFO_V1(cdp__timeline_agg_step);
PG_FUNCTION_INFO_V1(cdp__timeline_agg_store_step);
PG_FUNCTION_INFO_V1(cdp__timeline_agg_combine);
PG_FUNCTION_INFO_V1(cdp__timeline_agg_serialize);
PG_FUNCTION_INFO_V1(cdp__timeline_agg_deserialize);
PG_FUNCTION_INFO_V1(cdp__timeline_agg_final);
PG_FUNCTION_INFO_V1(cdp__timeline_agg_chunks);
PG_FUNCTION_INFO_V1(cdp_timeline_merge_sql);
PG_FUNCTION_INFO_V1(cdp__timeline_chunks);

/* The state of an aggregate, made on its first call. */
static CdpTimelineEvents *
get_state(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "timeline aggregate called outside an aggregate");
	if (PG_ARGISNULL(0))
		return cdp_timeline_events(context);
	return (CdpTimelineEvents *) PG_GETARG_POINTER(0);
}

/* Read a property of the log into a value; false if the event has none. */
static bool
read_property(Jsonb *properties, Datum name, int slot,
			  CdpTimelineValue *value)
{
	text	   *key = DatumGetTextPP(name);
	JsonbValue	found;

	if (!cdp_timeline_find_property(&properties->root, VARDATA_ANY(key),
									VARSIZE_ANY_EXHDR(key), &found))
		return false;
	value->slot = slot;
	return cdp_timeline_from_json(&found, value);
}

/* Read the declared properties of an event of the log. */
static void
read_properties(CdpTimelineEvent *event, Jsonb *properties,
				ArrayType *names, ArrayType *slots)
{
	Datum	   *name_datums;
	Datum	   *slot_datums;
	int			nnames;
	int			nslots;
	int			i;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT,
					  &name_datums, NULL, &nnames);
	deconstruct_array(slots, INT4OID, sizeof(int32), true, TYPALIGN_INT,
					  &slot_datums, NULL, &nslots);
	if (nnames != nslots)
		elog(ERROR, "%d property names but %d slots", nnames, nslots);
	if (!JB_ROOT_IS_OBJECT(properties))
		return;
	event->values = palloc(Max(nnames, 1) * sizeof(CdpTimelineValue));
	for (i = 0; i < nnames; i++)
	{
		cdp_timeline_check_slot(DatumGetInt32(slot_datums[i]));
		if (read_property(properties, name_datums[i],
						  DatumGetInt32(slot_datums[i]),
						  &event->values[event->nvalues]))
			event->nvalues++;
	}
}

/* Read an object of values by slot. */
static void
read_slots(CdpTimelineEvent *event, Jsonb *properties)
{
	JsonbIterator *iterator = JsonbIteratorInit(&properties->root);
	JsonbIteratorToken token;
	JsonbValue	item;
	bool		seen[CDP_TIMELINE_MAX_SLOT + 1] = {false};

	if (!JB_ROOT_IS_OBJECT(properties))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("properties of a timeline event are not an object"),
				 errhint("Write {\"slot\": value}; slots are listed in cdp.event_property.")));
	event->values = palloc(Max(JB_ROOT_COUNT(properties), 1) *
						   sizeof(CdpTimelineValue));
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		CdpTimelineValue *value = &event->values[event->nvalues];

		if (token == WJB_KEY)
		{
			value->slot = pg_strtoint32(pnstrdup(item.val.string.val,
												 item.val.string.len));
			cdp_timeline_check_slot(value->slot);
			if (seen[value->slot])
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("slot %d occurs twice in a timeline event",
								value->slot)));
			seen[value->slot] = true;
		}
		else if (token == WJB_VALUE && cdp_timeline_from_json(&item, value))
			event->nvalues++;
	}
}

/* (state, name_id, at, amount, properties by slot) */
Datum
cdp__timeline_agg_step(PG_FUNCTION_ARGS)
{
	CdpTimelineEvents *state = get_state(fcinfo);
	CdpTimelineEvent event = {0};

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);
	event.name_id = PG_GETARG_INT32(1);
	cdp_timeline_check_id("name", event.name_id);
	event.at_ms = cdp_timeline_from_timestamp(PG_GETARG_TIMESTAMPTZ(2));
	if (!PG_ARGISNULL(3))
	{
		event.has_amount = true;
		event.amount = cdp_timeline_from_numeric(PG_GETARG_NUMERIC(3));
	}
	if (!PG_ARGISNULL(4))
		read_slots(&event, PG_GETARG_JSONB_P(4));
	cdp_timeline_gather(state, &event);
	PG_RETURN_POINTER(state);
}

/* (state, name_id, source_id, at, amount, properties, names, slots) */
Datum
cdp__timeline_agg_store_step(PG_FUNCTION_ARGS)
{
	CdpTimelineEvents *state = get_state(fcinfo);
	CdpTimelineEvent event = {0};

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_POINTER(state);
	event.name_id = PG_GETARG_INT32(1);
	cdp_timeline_check_id("name", event.name_id);
	event.source_id = PG_GETARG_INT32(2);
	cdp_timeline_check_id("source", event.source_id);
	event.at_ms = cdp_timeline_from_timestamp(PG_GETARG_TIMESTAMPTZ(3));
	if (!PG_ARGISNULL(4))
		event.has_amount = cdp_timeline_fit_amount(PG_GETARG_NUMERIC(4),
												   &event.amount);
	if (!PG_ARGISNULL(5) && !PG_ARGISNULL(6) && !PG_ARGISNULL(7))
		read_properties(&event, PG_GETARG_JSONB_P(5),
						PG_GETARG_ARRAYTYPE_P(6), PG_GETARG_ARRAYTYPE_P(7));
	cdp_timeline_gather(state, &event);
	PG_RETURN_POINTER(state);
}

/* Add the events of a timeline to a state. */
static void
gather_timeline(CdpTimelineEvents *state, struct varlena *timeline)
{
	CdpTimelineReader *reader = palloc(sizeof(CdpTimelineReader));
	CdpTimelineEvent event;

	cdp_timeline_open(reader, timeline);
	while (cdp_timeline_next(reader))
	{
		cdp_timeline_event(reader, &event);
		cdp_timeline_gather(state, &event);
		if (event.values != NULL)
			pfree(event.values);
	}
	cdp_timeline_close(reader);
	pfree(reader);
}

/* (state, state of a worker) */
Datum
cdp__timeline_agg_combine(PG_FUNCTION_ARGS)
{
	CdpTimelineEvents *state = get_state(fcinfo);
	CdpTimelineEvents *other;
	int			i;

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	other = (CdpTimelineEvents *) PG_GETARG_POINTER(1);
	for (i = 0; i < other->nevents; i++)
		cdp_timeline_gather(state, &other->events[i]);
	PG_RETURN_POINTER(state);
}

/* A state as its chunks, one behind the other, each from an aligned start. */
Datum
cdp__timeline_agg_serialize(PG_FUNCTION_ARGS)
{
	CdpTimelineEvents *state = (CdpTimelineEvents *) PG_GETARG_POINTER(0);
	StringInfoData buffer;
	struct varlena **chunks;
	int			nchunks;
	int			i;

	chunks = cdp_timeline_pack(state, CDP_TIMELINE_CHUNK, &nchunks);
	initStringInfo(&buffer);
	buffer.len = VARHDRSZ;
	for (i = 0; i < nchunks; i++)
	{
		appendBinaryStringInfo(&buffer, (char *) chunks[i], VARSIZE(chunks[i]));
		while (buffer.len % MAXIMUM_ALIGNOF != VARHDRSZ)
			appendStringInfoChar(&buffer, '\0');
	}
	SET_VARSIZE(buffer.data, buffer.len);
	PG_RETURN_BYTEA_P(buffer.data);
}

/* Back from there. */
Datum
cdp__timeline_agg_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *serialized = PG_GETARG_BYTEA_P(0);
	CdpTimelineEvents *state = cdp_timeline_events(CurrentMemoryContext);
	Size		at = VARHDRSZ;

	while (at < VARSIZE(serialized))
	{
		struct varlena *chunk = (struct varlena *) ((char *) serialized + at);

		gather_timeline(state, chunk);
		at = TYPEALIGN(MAXIMUM_ALIGNOF, at - VARHDRSZ + VARSIZE(chunk)) +
			VARHDRSZ;
	}
	PG_RETURN_POINTER(state);
}

/* The timeline of a state; NULL of no rows. */
Datum
cdp__timeline_agg_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(cdp_timeline_pack_one((CdpTimelineEvents *)
											PG_GETARG_POINTER(0)));
}

/* Timelines as an array of the type that the calling function returns. */
static Datum
make_array(FunctionCallInfo fcinfo, struct varlena **timelines, int count)
{
	Oid			element = get_element_type(get_fn_expr_rettype(fcinfo->flinfo));
	Datum	   *datums = palloc(Max(count, 1) * sizeof(Datum));
	int			i;

	for (i = 0; i < count; i++)
		datums[i] = PointerGetDatum(timelines[i]);
	return PointerGetDatum(construct_array(datums, count, element, -1, false,
										   TYPALIGN_INT));
}

/* The chunks of a state; NULL of no rows. */
Datum
cdp__timeline_agg_chunks(PG_FUNCTION_ARGS)
{
	struct varlena **chunks;
	int			nchunks;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	chunks = cdp_timeline_pack((CdpTimelineEvents *) PG_GETARG_POINTER(0),
							   CDP_TIMELINE_CHUNK, &nchunks);
	return make_array(fcinfo, chunks, nchunks);
}

/* The timelines of an array, but for NULLs, merged. */
static struct varlena **
merge_array(ArrayType *array, Size limit, int *nchunks)
{
	Datum	   *datums;
	bool	   *nulls;
	struct varlena **timelines;
	int			count;
	int			n = 0;
	int			i;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT,
					  &datums, &nulls, &count);
	timelines = palloc(Max(count, 1) * sizeof(struct varlena *));
	for (i = 0; i < count; i++)
	{
		if (!nulls[i])
			timelines[n++] = PG_DETOAST_DATUM_PACKED(datums[i]);
	}
	return cdp_timeline_merge(timelines, n, limit, nchunks);
}

/* cdp.timeline_merge(timelines): all their events in one timeline. */
Datum
cdp_timeline_merge_sql(PG_FUNCTION_ARGS)
{
	int			nchunks;
	struct varlena **merged = merge_array(PG_GETARG_ARRAYTYPE_P(0), 0,
										  &nchunks);

	if (nchunks == 0)
		PG_RETURN_POINTER(cdp_timeline_finish(cdp_timeline_builder(0)));
	PG_RETURN_POINTER(merged[0]);
}

/* cdp._timeline_chunks(timelines): the same, cut into chunks. */
Datum
cdp__timeline_chunks(PG_FUNCTION_ARGS)
{
	int			nchunks;
	struct varlena **merged = merge_array(PG_GETARG_ARRAYTYPE_P(0),
										  CDP_TIMELINE_CHUNK, &nchunks);

	return make_array(fcinfo, merged, nchunks);
}
