/*
 * ingest.c
 *		SQL entry points of the room for records that come by a call.
 *
 * The doors cdp.ingest() and cdp.ingest_batch() (ingest_store.sql) pass their
 * records here as text, in the caller's own transaction, and then settle what
 * is new (cdp._settle()), so that the caller reads the merge it caused and a
 * ROLLBACK undoes all of it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "ingest/batch.h"
#include "ingest/record.h"

PG_FUNCTION_INFO_V1(cdp__ingest_records);
PG_FUNCTION_INFO_V1(cdp__check_mapping);
PG_FUNCTION_INFO_V1(cdp__mapping_columns);
PG_FUNCTION_INFO_V1(cdp__trait_name);

/* The columns of cdp._ingest_records, in its order. */
typedef struct Results
{
	CdpColumn  *outcomes;
	CdpColumn  *set_ids;
	CdpColumn  *owners;
	CdpColumn  *reject_ids;
	CdpColumn  *reasons;
	CdpColumn  *messages;
	CdpColumn  *new_sets;
	CdpColumn  *event_ids;
} Results;

/* The set of a repeated record, whose identifiers are known already. */
static CdpPlan set_plan = {
	"SELECT identifier_set.set_id"
	" FROM cdp.identifier_set"
	" WHERE identifier_set.source_id OPERATOR(pg_catalog.=) $1"
	" AND identifiers OPERATOR(pg_catalog.=) ("
	" SELECT pg_catalog.array_agg(identifier_id ORDER BY identifier_id)"
	" FROM unnest($3, $4) AS key (type, value)"
	" JOIN cdp.identifier_type"
	" ON identifier_type.type OPERATOR(pg_catalog.=) key.type"
	" JOIN cdp.identifier"
	" ON identifier.type_id OPERATOR(pg_catalog.=) identifier_type.type_id"
	" AND identifier.value OPERATOR(pg_catalog.=) key.value"
	" AND identifier.scope OPERATOR(pg_catalog.=)"
	" CASE WHEN identifier_type.scope OPERATOR(pg_catalog.=) 'source'"
	" OR ($5 AND key.type OPERATOR(pg_catalog.=) 'user_id')"
	" THEN $2 ELSE '' END)",
	5, {INT4OID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID, BOOLOID}
};

/* The items of the call. */
static void
make_items(CdpBatch *batch, ArrayType *records)
{
	Datum	   *texts;
	bool	   *nulls;

	deconstruct_array(records, TEXTOID, -1, false, TYPALIGN_INT,
					  &texts, &nulls, &batch->nitems);
	batch->items = palloc0(sizeof(CdpItem) * Max(batch->nitems, 1));
	for (int i = 0; i < batch->nitems; i++)
	{
		CdpItem    *item = &batch->items[i];

		item->source_name = batch->only_source;
		item->text = nulls[i] ? NULL : TextDatumGetCString(texts[i]);
		item->len = nulls[i] ? 0 : strlen(item->text);
		item->received_at = cdp_base_clock();
	}
}

/* Find the set of each duplicate, so that its profile can be told. */
static void
find_sets(CdpBatch *batch)
{
	for (int i = 0; i < batch->nitems; i++)
	{
		CdpItem    *item = &batch->items[i];
		CdpColumn  *types;
		CdpColumn  *keys;
		Datum		values[5];
		bool		isnull;

		if (item->outcome != CDP_DUPLICATE)
			continue;
		types = cdp_column(TEXTOID, item->nkeys);
		keys = cdp_column(TEXTOID, item->nkeys);
		for (int j = 0; j < item->nkeys; j++)
		{
			cdp_column_add_text(types, item->keys[j].type);
			cdp_column_add_text(keys, item->keys[j].value);
		}
		values[0] = Int32GetDatum(item->source->source_id);
		values[1] = CStringGetTextDatum(item->source->name);
		values[2] = cdp_column_array(types);
		values[3] = cdp_column_array(keys);
		values[4] = BoolGetDatum(item->source->own_user_ids);
		cdp_base_execute(&set_plan, values, NULL, false, 1);
		if (SPI_processed > 0)
			item->set_id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
													   SPI_tuptable->tupdesc,
													   1, &isnull));
		SPI_freetuptable(SPI_tuptable);
	}
}

/* Zero ids are null. */
static void
add_id(CdpColumn *column, int64 id)
{
	if (id == 0)
		cdp_column_add_null(column);
	else
		cdp_column_add(column, Int64GetDatum(id));
}

static void
add_result(Results *results, const CdpItem *item)
{
	static const char *const outcomes[] = {"stored", "duplicate", "rejected"};

	cdp_column_add_text(results->outcomes, outcomes[item->outcome]);
	add_id(results->set_ids, item->set_id);
	add_id(results->owners, item->owner);
	add_id(results->reject_ids, item->reject_id);
	cdp_column_add_text(results->reasons, item->record.reject.reason);
	cdp_column_add_text(results->messages, item->record.reject.message);
	if (item->outcome == CDP_STORED && item->new_set)
		cdp_column_add(results->new_sets, Int64GetDatum(item->set_id));
}

/* What became of the batch, as the function's row. */
static Datum
make_result(FunctionCallInfo fcinfo, const CdpBatch *batch)
{
	Results		results;
	TupleDesc	shape;
	Datum		values[10];
	bool		nulls[10] = {false};

	results.outcomes = cdp_column(TEXTOID, batch->nitems);
	results.set_ids = cdp_column(INT8OID, batch->nitems);
	results.owners = cdp_column(INT8OID, batch->nitems);
	results.reject_ids = cdp_column(INT8OID, batch->nitems);
	results.reasons = cdp_column(TEXTOID, batch->nitems);
	results.messages = cdp_column(TEXTOID, batch->nitems);
	results.new_sets = cdp_column(INT8OID, batch->nitems);
	results.event_ids = cdp_column(INT8OID, batch->nevents);
	for (int i = 0; i < batch->nitems; i++)
		add_result(&results, &batch->items[i]);
	for (int i = 0; i < batch->nevents; i++)
		add_id(results.event_ids, batch->event_ids[i]);
	values[0] = cdp_column_array(results.outcomes);
	values[1] = cdp_column_array(results.set_ids);
	values[2] = cdp_column_array(results.owners);
	values[3] = cdp_column_array(results.reject_ids);
	values[4] = cdp_column_array(results.reasons);
	values[5] = cdp_column_array(results.messages);
	values[6] = cdp_column_array(results.new_sets);
	values[7] = cdp_column_array(results.event_ids);
	values[8] = TimestampTzGetDatum(batch->since);
	values[9] = TimestampTzGetDatum(batch->until);
	nulls[8] = nulls[9] = (batch->nevents == 0);
	if (get_call_result_type(fcinfo, NULL, &shape) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "cdp._ingest_records must return a row");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape),
											 values, nulls));
}

static void
check_not_null(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("source and records must not be null")));
}

/*
 * cdp._ingest_records(source, records, sent_at): take records into the store;
 * what is pending is the caller's to settle.
 */
Datum
cdp__ingest_records(PG_FUNCTION_ARGS)
{
	CdpBatch	batch = {.live = true};
	MemoryContext context = CurrentMemoryContext;

	cdp_base_check_store();
	check_not_null(fcinfo);
	batch.only_source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (!PG_ARGISNULL(2))
		batch.sent_at = text_to_cstring(PG_GETARG_TEXT_PP(2));
	make_items(&batch, PG_GETARG_ARRAYTYPE_P(1));
	cdp_ingest_process(&batch);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	MemoryContextSwitchTo(context);
	find_sets(&batch);
	SPI_finish();
	PG_RETURN_DATUM(make_result(fcinfo, &batch));
}

/* cdp._check_mapping(mapping): raises if it cannot be understood. */
Datum
cdp__check_mapping(PG_FUNCTION_ARGS)
{
	cdp_ingest_check_mapping(PG_GETARG_JSONB_P(0));
	PG_RETURN_VOID();
}

/*
 * cdp._mapping_columns(mapping): members of a record that its paths begin
 * with; of a mapping that cannot be understood none.
 */
Datum
cdp__mapping_columns(PG_FUNCTION_ARGS)
{
	CdpReject	problem = {0};
	CdpMapping *mapping = cdp_ingest_compile_mapping(PG_GETARG_JSONB_P(0),
													 &problem);
	CdpColumn  *columns = cdp_column(TEXTOID, 16);
	ListCell   *cell;

	if (mapping != NULL)
		foreach(cell, cdp_ingest_mapping_columns(mapping))
			cdp_column_add_text(columns, lfirst(cell));
	PG_RETURN_DATUM(cdp_column_array(columns));
}

/* cdp._trait_name(name): what a trait of that name is stored under. */
Datum
cdp__trait_name(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	char	   *stored = cdp_ingest_trait_name(VARDATA_ANY(name),
											   VARSIZE_ANY_EXHDR(name));

	if (stored == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(stored));
}
