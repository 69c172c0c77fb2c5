/*
 * erased.c
 *		Records of people whose data was erased do not come in again.
 *
 * Erasing leaves a tombstone for each identifier of its subject: a keyed hash
 * (consent.h).  A record that names such an identifier, whatever else it says,
 * is rejected with the reason "erased", and of its text nothing is kept: what a
 * reject keeps otherwise would be the data that was to go.  That holds for
 * records that would have been rejected for another reason, too, as far as it
 * can be read whom they are about.
 *
 * The look-up comes after the batch has its lock on the event log, which
 * erasing holds off (cdp._hold_ingest()), and reads with the latest snapshot,
 * whatever the transaction's isolation: so either this batch sees the
 * tombstones, or erasing sees what the batch wrote.
 *
 * A row of a table source comes again with every run.  So that it is rejected
 * once (known_rejects.c), its message id is kept as a keyed hash.
 *
 * Cost: nothing as long as nobody was erased, else a hash and an index probe
 * for each distinct identifier of the batch.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "ingest/batch.h"

PG_FUNCTION_INFO_V1(cdp__record_keys);

static CdpPlan any_plan = {"SELECT FROM cdp.tombstone LIMIT 1", 0};

static CdpPlan erased_plan = {
	"SELECT DISTINCT item::integer"
	" FROM cdp._erased_keys($1, $2, $3, $4) AS item",
	4, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT4ARRAYOID}
};

static CdpPlan hide_plan = {
	"SELECT pg_catalog.encode(cdp._keyed_hash(cdp._hash_key(), $1), 'hex')",
	1, {TEXTOID}
};

/* Whom is a rejected record about?  Nothing else of it is wanted any more. */
static void
find_keys_of_reject(CdpItem *item, const CdpIngestConfig *config)
{
	if (item->source != NULL && item->nkeys == 0 &&
		item->record.identifiers != NIL)
		cdp_ingest_normalise_item(item, config);
}

/* The scope of a key as far as the record's source has a say in it. */
static void
add_keys(CdpColumn **columns, const CdpItem *item, int place)
{
	for (int i = 0; i < item->nkeys; i++)
	{
		cdp_column_add_text(columns[0], item->keys[i].type);
		cdp_column_add_text(columns[1], item->source->name);
		cdp_column_add_text(columns[2], item->keys[i].value);
		cdp_column_add(columns[3], Int32GetDatum(place));
	}
}

/*
 * What an alias calls the former id comes in as an anonymous one, but is the
 * number of an account as likely.
 */
static void
add_former_id(CdpColumn **columns, const CdpItem *item, int place,
			  const CdpIngestConfig *config)
{
	ListCell   *cell;

	foreach(cell, item->record.identifiers)
	{
		CdpRawIdentifier *raw = lfirst(cell);
		const char *reason;
		char	   *value;

		if (strcmp(raw->field, CDP_INGEST_FORMER_ID) != 0 ||
			!cdp_identity_normalise("user_id", raw->value, raw->len,
									cdp_ingest_region(item->source, config),
									&value, &reason))
			continue;
		cdp_column_add_text(columns[0], "user_id");
		cdp_column_add_text(columns[1], item->source->name);
		cdp_column_add_text(columns[2], value);
		cdp_column_add(columns[3], Int32GetDatum(place));
	}
}

/* Of what rejects keep, leave the reason. */
static void
refuse_item(CdpItem *item)
{
	Datum		values[1];
	bool		isnull;

	item->outcome = CDP_REJECTED;
	item->has_key = false;
	memset(&item->record.reject, 0, sizeof(CdpReject));
	cdp_ingest_reject(&item->record, CDP_INGEST_ERASED, NULL,
					  "The record names somebody whose data was erased, so nothing of it is kept.");
	item->text = NULL;
	item->len = 0;
	item->record.message_id = NULL;
	if (item->default_message_id == NULL)
		return;
	values[0] = CStringGetTextDatum(item->default_message_id);
	cdp_base_execute(&hide_plan, values, NULL, false, 1);
	values[0] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							  &isnull);
	item->default_message_id = TextDatumGetCString(values[0]);
	SPI_freetuptable(SPI_tuptable);
}

/* See batch.h. */
void
cdp_ingest_refuse_erased(CdpBatch *batch)
{
	static const Oid types[4] = {TEXTOID, TEXTOID, TEXTOID, INT4OID};
	CdpColumn  *columns[4];
	Datum		values[4];
	SPITupleTable *found;
	uint64		count;

	PushActiveSnapshot(GetLatestSnapshot());
	cdp_base_execute(&any_plan, NULL, NULL, true, 1);
	if (SPI_processed == 0)
	{
		PopActiveSnapshot();
		return;
	}
	for (int i = 0; i < lengthof(types); i++)
		columns[i] = cdp_column(types[i], batch->nitems * 2);
	for (int i = 0; i < batch->nitems; i++)
	{
		if (batch->items[i].outcome == CDP_REJECTED)
			find_keys_of_reject(&batch->items[i], &batch->config);
		add_keys(columns, &batch->items[i], i);
		if (batch->items[i].source != NULL)
			add_former_id(columns, &batch->items[i], i, &batch->config);
	}
	for (int i = 0; i < lengthof(types); i++)
		values[i] = cdp_column_array(columns[i]);
	cdp_base_execute(&erased_plan, values, NULL, true, 0);
	PopActiveSnapshot();
	found = SPI_tuptable;
	count = SPI_processed;
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;

		refuse_item(&batch->items[DatumGetInt32(SPI_getbinval(found->vals[i],
															  found->tupdesc,
															  1, &isnull))]);
	}
	SPI_freetuptable(found);
}

/* The items of the two arrays. */
static void
make_items(CdpBatch *batch, ArrayType *sources, ArrayType *records)
{
	Datum	   *names;
	Datum	   *texts;
	bool	   *no_name;
	bool	   *no_text;
	int			nnames;

	deconstruct_array(sources, TEXTOID, -1, false, TYPALIGN_INT,
					  &names, &no_name, &nnames);
	deconstruct_array(records, TEXTOID, -1, false, TYPALIGN_INT,
					  &texts, &no_text, &batch->nitems);
	if (nnames != batch->nitems)
		elog(ERROR, "cdp._record_keys wants as many sources as records");
	batch->items = palloc0(sizeof(CdpItem) * Max(batch->nitems, 1));
	for (int i = 0; i < batch->nitems; i++)
	{
		CdpItem    *item = &batch->items[i];

		item->source_name = no_name[i] ? NULL : TextDatumGetCString(names[i]);
		item->text = no_text[i] ? NULL : TextDatumGetCString(texts[i]);
		item->len = no_text[i] ? 0 : strlen(item->text);
		item->received_at = cdp_base_clock();
	}
}

/* cdp._record_keys(sources, records): whom records are about. */
Datum
cdp__record_keys(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CdpBatch	batch = {0};
	MemoryContext context = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(context, "cdp record",
												  ALLOCSET_DEFAULT_SIZES);

	InitMaterializedSRF(fcinfo, 0);
	make_items(&batch, PG_GETARG_ARRAYTYPE_P(0), PG_GETARG_ARRAYTYPE_P(1));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	MemoryContextSwitchTo(context);
	cdp_ingest_load_config(&batch.config);
	for (int i = 0; i < batch.nitems; i++)
	{
		CdpItem    *item = &batch.items[i];

		CHECK_FOR_INTERRUPTS();
		cdp_ingest_read_item(item, &batch, scratch);
		if (item->outcome == CDP_REJECTED)
			find_keys_of_reject(item, &batch.config);
		for (int j = 0; j < item->nkeys; j++)
		{
			Datum		values[4] = {
				Int32GetDatum(i + 1),
				CStringGetTextDatum(item->keys[j].type),
				CStringGetTextDatum(item->source->name),
				CStringGetTextDatum(item->keys[j].value)
			};
			bool		nulls[4] = {false};

			tuplestore_putvalues(result->setResult, result->setDesc, values,
								 nulls);
		}
	}
	SPI_finish();
	return (Datum) 0;
}
