/*
 * preview.c
 *		What records would become under a mapping, loading nothing.
 *
 * The records take the very path of batch.c up to where it begins to write:
 * read, normalise, aliases of event names, amounts in the store's currency; the
 * registry of traits is asked as it is there.  Then, instead of being stored, each becomes rows that a person can read: one
 * for each identifier, trait, property, ..., for each warning, for each field
 * that the mapping makes no use of, or one for why the record is rejected.
 *
 * It reads the store's tables and locks nothing that ingest waits for.  The
 * message ledger is not asked: a preview of records that were stored already
 * is what one looks at when a mapping is to be mended.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "ingest/batch.h"

PG_FUNCTION_INFO_V1(cdp__preview_records);

#define PREVIEW_COLUMNS 6

static CdpPlan known_plan = {
	"SELECT FROM cdp.purpose, cdp.channel"
	" WHERE purpose.purpose OPERATOR(pg_catalog.=) $1"
	" AND channel.channel OPERATOR(pg_catalog.=) $2",
	2, {TEXTOID, TEXTOID}
};

static CdpPlan fit_plan = {
	"SELECT ordinal, value FROM cdp._fit_traits($1, $2)",
	2, {TEXTARRAYOID, JSONBARRAYOID}
};

/* Where rows go. */
typedef struct Preview
{
	ReturnSetInfo *result;
	int			record;			/* number of the record, from 1 */
} Preview;

/* One row; NULL is null. */
static void
put_row(Preview *preview, const char *part, const char *field,
		const char *value, const char *becomes, const char *problem)
{
	const char *texts[] = {part, field, value, becomes, problem};
	Datum		values[PREVIEW_COLUMNS] = {Int32GetDatum(preview->record)};
	bool		nulls[PREVIEW_COLUMNS] = {false};

	for (int i = 0; i < lengthof(texts); i++)
	{
		nulls[i + 1] = texts[i] == NULL;
		if (texts[i] != NULL)
			values[i + 1] = CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(preview->result->setResult, preview->result->setDesc,
						 values, nulls);
}

/* In UTC, whatever the session's zone and style. */
static char *
time_text(TimestampTz time)
{
	Datum		format = CStringGetTextDatum("YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"");

	return TextDatumGetCString(DirectFunctionCall2Coll(timestamp_to_char,
													   DEFAULT_COLLATION_OID,
													   TimestampGetDatum(time),
													   format));
}

static char *
json_text(Jsonb *value)
{
	return JsonbToCString(NULL, &value->root, VARSIZE(value));
}

static char *
number_text(Numeric number)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out,
											   NumericGetDatum(number)));
}

/* "12.50 EUR" */
static char *
amount_text(Numeric amount, const char *currency)
{
	return currency == NULL ? number_text(amount) :
		psprintf("%s %s", number_text(amount), currency);
}

static void
put_identifiers(Preview *preview, const CdpItem *item,
				const CdpIngestConfig *config)
{
	const char *region = cdp_ingest_region(item->source, config);
	ListCell   *cell;

	foreach(cell, item->record.identifiers)
	{
		const CdpRawIdentifier *raw = lfirst(cell);
		const char *reason = NULL;
		char	   *value = NULL;

		if (cdp_identity_normalise(raw->type, raw->value, raw->len, region,
								   &value, &reason) &&
			cdp_identity_is_blocked_value(raw->type, value))
			reason = "The value is blocked, so it stands for nobody; see cdp.blocked_value.";
		put_row(preview, "identifier", raw->type, raw->value, value, reason);
	}
}

/* What the registry makes of the traits that it does not take as they are. */
static void
fit_traits(const CdpRecord *record, const char **becomes)
{
	int			count = list_length(record->traits);
	CdpColumn  *names = cdp_column(TEXTOID, count);
	CdpColumn  *values = cdp_column(JSONBOID, count);
	ListCell   *cell;

	foreach(cell, record->traits)
	{
		const CdpTraitValue *trait = lfirst(cell);

		cdp_column_add_text(names, trait->name);
		cdp_column_add(values, JsonbPGetDatum(trait->value));
	}
	cdp_base_execute(&fit_plan, (Datum[]) {
		cdp_column_array(names), cdp_column_array(values)
	}, NULL, true, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	shape = SPI_tuptable->tupdesc;
		bool		refused;
		Datum		place = SPI_getbinval(row, shape, 1, &refused);
		Datum		value = SPI_getbinval(row, shape, 2, &refused);

		becomes[DatumGetInt32(place) - 1] = refused ? NULL :
			json_text(DatumGetJsonbP(value));
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
put_traits(Preview *preview, const CdpRecord *record)
{
	int			count = list_length(record->traits);
	const char **sent = palloc(sizeof(char *) * Max(count, 1));
	const char **becomes = palloc(sizeof(char *) * Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		const CdpTraitValue *trait = list_nth(record->traits, i);

		sent[i] = becomes[i] = json_text(trait->value);
	}
	if (count > 0)
		fit_traits(record, becomes);
	for (int i = 0; i < count; i++)
	{
		const CdpTraitValue *trait = list_nth(record->traits, i);

		put_row(preview, "trait", trait->name, sent[i], becomes[i],
				becomes[i] == NULL ? CDP_INGEST_TRAIT_REFUSED : NULL);
	}
}

/* Does the store know what the answer is about? */
static bool
is_known(const CdpConsentAnswer *answer)
{
	Datum		values[2] = {
		CStringGetTextDatum(answer->purpose),
		CStringGetTextDatum(answer->channel)
	};

	cdp_base_execute(&known_plan, values, NULL, true, 1);
	SPI_freetuptable(SPI_tuptable);
	return SPI_processed > 0;
}

static void
put_consents(Preview *preview, const CdpRecord *record)
{
	ListCell   *cell;

	foreach(cell, record->consents)
	{
		const CdpConsentAnswer *answer = lfirst(cell);
		bool		known = is_known(answer);

		put_row(preview, "consent",
				psprintf("%s, %s", answer->purpose, answer->channel), NULL,
				known ? psprintf("%s at %s", answer->state,
								 time_text(answer->at)) : NULL,
				known ? NULL : CDP_INGEST_CONSENT_REFUSED);
	}
}

static void
put_properties(Preview *preview, Jsonb *properties)
{
	JsonbIterator *iterator;
	JsonbValue	key;
	JsonbValue	value;

	if (properties == NULL)
		return;
	iterator = JsonbIteratorInit(&properties->root);
	(void) JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&iterator, &value, true);
		put_row(preview, "property",
				pnstrdup(key.val.string.val, key.val.string.len), NULL,
				json_text(JsonbValueToJsonb(&value)), NULL);
	}
}

/* sent: the name before aliases. */
static void
put_event(Preview *preview, const CdpItem *item, const char *sent,
		  const char *store_currency)
{
	const CdpRecord *record = &item->record;

	if (record->event == NULL)
		return;
	put_row(preview, "event", NULL, sent, record->event, NULL);
	if (record->has_amount)
		put_row(preview, "amount", record->amount_field,
				amount_text(record->amount, record->currency),
				item->has_store_amount ?
				amount_text(item->store_amount, store_currency) : NULL, NULL);
	put_properties(preview, record->properties);
}

static void
put_warnings(Preview *preview, const CdpRecord *record)
{
	ListCell   *cell;

	foreach(cell, record->warnings)
	{
		const CdpWarning *warning = lfirst(cell);

		put_row(preview, "warning", warning->field, warning->value,
				warning->reason, warning->message);
	}
}

static void
put_unmapped(Preview *preview, const CdpUnmapped *unmapped)
{
	ListCell   *path;
	ListCell   *value;

	forboth(path, unmapped->paths, value, unmapped->values)
		put_row(preview, "unmapped", lfirst(path), lfirst(value), NULL, NULL);
}

/* All rows of a record that would be stored. */
static void
put_record(Preview *preview, const CdpItem *item, const char *sent_event,
		   const CdpIngestConfig *config)
{
	const CdpRecord *record = &item->record;

	put_row(preview, "message_id", NULL, NULL, record->message_id,
			item->has_key ? NULL :
			"With neither message id nor time a repeated record is not known as one.");
	put_row(preview, "time", NULL, NULL, time_text(record->occurred_at),
			record->has_time ? NULL : "The record has no time, so it is when it is received.");
	put_identifiers(preview, item, config);
	put_event(preview, item, sent_event, config->currency);
	put_traits(preview, record);
	put_consents(preview, record);
	put_warnings(preview, record);
}

/* Take one record as far as it goes without writing. */
static void
preview_record(Preview *preview, CdpBatch *batch, MemoryContext scratch)
{
	CdpUnmapped unmapped = {NIL, NIL};
	CdpItem    *item = batch->items;
	const char *sent_event;

	batch->unmapped = &unmapped;
	cdp_ingest_read_item(item, batch, scratch);
	sent_event = item->record.event;
	if (item->outcome == CDP_STORED)
	{
		cdp_ingest_resolve_aliases(batch);
		cdp_ingest_convert(batch);
		put_record(preview, item, sent_event, &batch->config);
	}
	else
		put_row(preview, "reject", item->record.reject.field, NULL,
				item->record.reject.reason, item->record.reject.message);
	put_unmapped(preview, &unmapped);
}

/* The source as it would be with another mapping. */
static void
replace_mapping(CdpBatch *batch, Jsonb *mapping)
{
	CdpSource  *source = palloc(sizeof(CdpSource));

	cdp_ingest_check_mapping(mapping);
	*source = *cdp_ingest_find_source(&batch->config, batch->only_source);
	source->mapping = cdp_ingest_compile_mapping(mapping,
												 &source->mapping_problem);
	source->mapping_problem.reason = NULL;
	batch->config.sources = list_make1(source);
	batch->config.last_source = source;
}

/* One record after the other, each in memory of its own. */
static void
preview_records(Preview *preview, CdpBatch *batch, ArrayType *records,
				ArrayType *message_ids)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "cdp record",
												  ALLOCSET_DEFAULT_SIZES);
	Datum	   *texts;
	Datum	   *ids;
	bool	   *nulls;
	bool	   *no_ids;
	int			count;
	int			id_count;

	deconstruct_array(records, TEXTOID, -1, false, TYPALIGN_INT,
					  &texts, &nulls, &count);
	deconstruct_array(message_ids, TEXTOID, -1, false, TYPALIGN_INT,
					  &ids, &no_ids, &id_count);
	for (int i = 0; i < count; i++)
	{
		CdpItem		item = {
			.source_name = batch->only_source,
			.text = nulls[i] ? NULL : TextDatumGetCString(texts[i]),
			.len = nulls[i] ? 0 : VARSIZE_ANY_EXHDR(DatumGetPointer(texts[i])),
			.received_at = cdp_base_clock(),
			.default_message_id = i >= id_count || no_ids[i] ? NULL :
			TextDatumGetCString(ids[i])
		};

		CHECK_FOR_INTERRUPTS();
		batch->items = &item;
		batch->nitems = 1;
		preview->record = i + 1;
		preview_record(preview, batch, scratch);
	}
	MemoryContextDelete(scratch);
}

/*
 * cdp._preview_records(source, mapping, records, message_ids): see the top of
 * the file; a mapping that is null is the source's own.
 */
Datum
cdp__preview_records(PG_FUNCTION_ARGS)
{
	Preview		preview = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	CdpBatch	batch = {0};
	MemoryContext context = CurrentMemoryContext;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("source, records and message ids of a preview must not be null")));
	cdp_base_check_store();
	InitMaterializedSRF(fcinfo, 0);
	batch.only_source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	MemoryContextSwitchTo(context);
	cdp_ingest_load_config(&batch.config);
	cdp_ingest_check_source(&batch);
	if (!PG_ARGISNULL(1))
		replace_mapping(&batch, PG_GETARG_JSONB_P(1));
	preview_records(&preview, &batch, PG_GETARG_ARRAYTYPE_P(2),
					PG_GETARG_ARRAYTYPE_P(3));
	SPI_finish();
	return (Datum) 0;
}
