/*
 * batch.c
 *		The one path of records into the store.
 *
 * A batch of one (cdp.ingest) and of ten thousand (a merge step) take the same
 * steps in the same order, so that any split of the same records between the
 * two leaves the same state:
 *
 *		read each text					record.c, pure
 *		normalise its identifiers		identifiers.c
 *		make months						merge run only: DDL before any lock
 *		lock event_other				so that whoever makes months waits now
 *		refuse the erased				erased.c
 *		drop repeats					ledger.c
 *		attach identifiers				identity
 *		amounts							money.c
 *		write							events, traits, consents,
 *										rejects, warnings, counts
 *
 * Nothing here raises because of what a record says; step.c has the net for
 * what nobody thought of.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lockdefs.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "ingest/batch.h"

static void
reject_item(CdpItem *item, const char *reason, const char *field,
			const char *message)
{
	item->outcome = CDP_REJECTED;
	cdp_ingest_reject(&item->record, reason, field, message);
}

/* Find the item's source; false: rejected. */
static bool
find_source(CdpItem *item, CdpIngestConfig *config)
{
	bool		is_named = item->source_name != NULL &&
		*item->source_name != '\0';

	if (is_named)
		item->source = cdp_ingest_find_source(config, item->source_name);
	if (!is_named)
		reject_item(item, "no_source", NULL,
					"The record has no source: name it in the inbox row, or SET cdp.source before COPY.");
	else if (item->source == NULL)
		reject_item(item, "unknown_source", NULL,
					"There is no source of this name: make it with cdp.add_source().");
	else if (item->source->mapping_problem.reason != NULL)
		reject_item(item, item->source->mapping_problem.reason,
					item->source->mapping_problem.field,
					item->source->mapping_problem.message);
	else if (item->text == NULL)
		reject_item(item, "empty_record", NULL, "The record is null.");
	else
		return true;
	return false;
}

/*
 * How far back a source is kept, in microseconds; 0: for ever.  A month is as
 * long as it was, in UTC.
 */
static int64
retention_us(const CdpSource *source, TimestampTz now)
{
	if (source->retention == NULL)
		return 0;
	return now - DatumGetTimestamp(
		DirectFunctionCall2(timestamp_mi_interval, TimestampGetDatum(now),
							IntervalPGetDatum(source->retention)));
}

/* Read one item's text: whether it can be used, and what it says. */
void
cdp_ingest_read_item(CdpItem *item, CdpBatch *batch, MemoryContext scratch)
{
	CdpIngestConfig *config = &batch->config;
	CdpReadOptions options = {0};

	memset(&item->record, 0, sizeof(CdpRecord));
	item->outcome = CDP_STORED;
	if (!find_source(item, config))
		return;
	options.source = item->source->name;
	options.third_party = item->source->third_party;
	options.mapping = item->source->mapping;
	options.zone = config->zone;
	options.max_size = config->max_size;
	options.now = config->now;
	options.received_at = item->received_at;
	options.live = batch->live;
	options.future_tolerance_us = config->future_tolerance_us;
	options.skew_tolerance_us = config->skew_tolerance_us;
	options.retention_us = retention_us(item->source, config->now);
	options.sent_at = batch->sent_at;
	options.unmapped = batch->unmapped;
	cdp_ingest_read_record(item->text, item->len, &options, scratch,
						   &item->record);
	if (item->record.message_id == NULL)
		item->record.message_id = item->default_message_id;
	if (item->record.reject.reason == NULL)
		cdp_ingest_normalise_item(item, config);
	if (item->record.reject.reason != NULL)
		item->outcome = CDP_REJECTED;
	else
		cdp_ingest_make_key(item, config->store_id, 0);
}

static void
read_items(CdpBatch *batch)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "cdp record",
												  ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < batch->nitems; i++)
	{
		CHECK_FOR_INTERRUPTS();
		cdp_ingest_read_item(&batch->items[i], batch, scratch);
	}
	MemoryContextDelete(scratch);
}

/* A call for a source that does not exist is a mistake of its programmer. */
void
cdp_ingest_check_source(CdpBatch *batch)
{
	if (cdp_ingest_find_source(&batch->config, batch->only_source) != NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("source \"%s\" does not exist", batch->only_source),
			 errhint("Make it with SELECT cdp.add_source('%s').",
					 batch->only_source)));
}

/*
 * The lock that inserting an event may need, taken before any other: a merge
 * run that makes a month holds off everybody here, with nothing in hand that
 * it could be waiting for.
 */
static void
lock_event_log(void)
{
	(void) RangeVarGetRelid(makeRangeVar("cdp", "event_other", -1),
							RowExclusiveLock, false);
}

/* Take all records of the batch into the store; see batch.h. */
void
cdp_ingest_process(CdpBatch *batch)
{
	MemoryContext context = CurrentMemoryContext;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	MemoryContextSwitchTo(context); /* results outlive SPI */
	cdp_ingest_load_config(&batch->config);
	if (batch->live)
		cdp_ingest_check_source(batch);
	read_items(batch);
	if (batch->make_months)
		cdp_ingest_make_months(batch);
	lock_event_log();
	cdp_ingest_refuse_erased(batch);
	cdp_ingest_drop_repeats(batch);
	cdp_ingest_attach(batch);
	cdp_ingest_forget_keys(batch);
	cdp_ingest_convert(batch);
	cdp_ingest_write_events(batch);
	cdp_ingest_write_traits(batch);
	cdp_ingest_write_aliases(batch);
	cdp_ingest_write_consents(batch);
	cdp_ingest_write_rejects(batch);
	cdp_ingest_write_warnings(batch);
	cdp_ingest_write_tally(batch);
	SPI_finish();
	MemoryContextSwitchTo(context);
}
