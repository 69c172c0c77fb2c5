/*
 * step.c
 *		Batches of the merge run: from the inbox and from table sources.
 *
 * A step takes rows of cdp.inbox, oldest first, skipping those that another
 * session holds, and no more than TAKE_BYTES of text at once, whatever the
 * batch says.  When the inbox is empty it reads on in the table sources
 * (table_source.c).  The rows are deleted, and what they say written, in
 * the one transaction that the run commits: a crash leaves both or neither.
 *
 * The net.  Bad data never raises on the way in, as far as we know.  Should a
 * record do so after all, the batch is rolled back to its beginning and tried
 * in halves until the record is alone; that one becomes a reject "internal
 * error" with the message.  One subtransaction per batch, not per row, is
 * what it costs when nothing happens.  Only errors that data can cause are
 * treated so: a full disk, a missing right or a cancel stops the run and
 * loses nothing.
 *
 * The first step of a run also does the room's upkeep: cdp._ingest_upkeep().
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "ingest/batch.h"

/* So much text is taken at once (the last row may exceed it). */
#define TAKE_BYTES (64 * 1024 * 1024)

PG_FUNCTION_INFO_V1(cdp__ingest_step);

static CdpPlan run_plan = {
	"SELECT pg_catalog.max(run_id) FROM cdp.run_log"
	" WHERE state OPERATOR(pg_catalog.=) 'running'"
	" AND pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()", 0
};

static CdpPlan upkeep_plan = {"SELECT cdp._ingest_upkeep()", 0};

static CdpPlan inbox_plan = {
	"WITH waiting AS MATERIALIZED ("
	" SELECT inbox_id, pg_catalog.octet_length(record) AS size"
	" FROM cdp.inbox ORDER BY inbox_id LIMIT $1 FOR UPDATE SKIP LOCKED),"
	" running AS MATERIALIZED ("
	" SELECT inbox_id, pg_catalog.sum(size) OVER (ORDER BY inbox_id)"
	" OPERATOR(pg_catalog.-) size AS before FROM waiting)"
	" DELETE FROM cdp.inbox USING running"
	" WHERE inbox.inbox_id OPERATOR(pg_catalog.=) running.inbox_id"
	" AND (before OPERATOR(pg_catalog.<) $2 OR before IS NULL)"
	" RETURNING inbox.source, inbox.record, inbox.received_at,"
	" inbox.message_id, inbox.inbox_id AS place, false AS read_again",
	2, {INT4OID, INT8OID}
};

static int64 last_upkeep_run = 0;	/* run whose upkeep this backend did */

/* A record with its place in line. */
typedef struct Waiting
{
	int64		place;
	CdpItem		item;
} Waiting;

static int
compare_waiting(const void *a, const void *b)
{
	int64		one = ((const Waiting *) a)->place;
	int64		two = ((const Waiting *) b)->place;

	return (one > two) - (one < two);
}

/* One row of a plan that takes records. */
static void
take_row(HeapTuple row, TupleDesc shape, Waiting *waiting)
{
	CdpItem    *item = &waiting->item;
	bool		isnull;
	Datum		value;

	memset(waiting, 0, sizeof(Waiting));
	item->source_name = SPI_getvalue(row, shape, 1);
	item->text = SPI_getvalue(row, shape, 2);
	item->len = item->text == NULL ? 0 : strlen(item->text);
	value = SPI_getbinval(row, shape, 3, &isnull);
	item->received_at = DatumGetTimestampTz(value);
	item->default_message_id = SPI_getvalue(row, shape, 4);
	value = SPI_getbinval(row, shape, 5, &isnull);
	waiting->place = DatumGetInt64(value);
	value = SPI_getbinval(row, shape, 6, &isnull);
	item->read_again = DatumGetBool(value);
}

/* Run a plan that takes records; returns them in line. */
int
cdp_ingest_take_records(CdpPlan *plan, Datum *values, CdpItem **items)
{
	Waiting    *waiting;
	int			count;

	cdp_base_execute(plan, values, NULL, false, 0);
	count = (int) SPI_processed;
	waiting = MemoryContextAllocHuge(CurrentMemoryContext,
									 sizeof(Waiting) * Max(count, 1));
	for (int i = 0; i < count; i++)
		take_row(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, &waiting[i]);
	SPI_freetuptable(SPI_tuptable);
	qsort(waiting, count, sizeof(Waiting), compare_waiting);
	*items = MemoryContextAllocHuge(CurrentMemoryContext,
									sizeof(CdpItem) * Max(count, 1));
	for (int i = 0; i < count; i++)
		(*items)[i] = waiting[i].item;
	pfree(waiting);
	return count;
}

/* Can what a record says cause this error? */
static bool
is_data_error(const ErrorData *error)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION ||
		category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
		category == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

/*
 * A known set needs no stitching, so nobody else sees to it that its profile
 * is made anew, unless an event does.
 */
static bool
is_news_of_known(const CdpItem *item)
{
	return item->outcome == CDP_STORED && !item->new_set &&
		(item->record.event == NULL || item->record.traits != NIL ||
		 item->record.consents != NIL);
}

static void
queue_ids(CdpPlan *plan, const CdpColumn *ids)
{
	Datum		values[1];

	if (ids->count == 0)
		return;
	values[0] = cdp_column_array(ids);
	cdp_base_execute(plan, values, NULL, false, 0);
}

/* Note what the later phases have to do; new sets are noted already. */
static void
queue_work(const CdpBatch *batch)
{
	static CdpPlan timeline_plan = {
		"SELECT cdp._add_todo('timeline', $1)", 1, {INT8ARRAYOID}
	};
	static CdpPlan profile_plan = {
		"SELECT cdp._add_todo('profile', pg_catalog.array_agg(DISTINCT profile_id))"
		" FROM cdp._owner_profiles($1)", 1, {INT8ARRAYOID}
	};
	CdpColumn  *events = cdp_column(INT8OID, batch->nevents);
	CdpColumn  *sets = cdp_column(INT8OID, 64);

	for (int i = 0; i < batch->nevents; i++)
		cdp_column_add(events, Int64GetDatum(batch->event_ids[i]));
	for (int i = 0; i < batch->nitems; i++)
		if (is_news_of_known(&batch->items[i]))
			cdp_column_add(sets, Int64GetDatum(batch->items[i].set_id));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	queue_ids(&timeline_plan, events);
	queue_ids(&profile_plan, sets);
	SPI_finish();
}

/* Take the items into the store; returns NULL or the error, rolled back. */
static ErrorData *
try_items(CdpItem *items, int nitems)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	CdpBatch	batch = {.items = items,.nitems = nitems,.make_months = true};
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		cdp_ingest_process(&batch);
		queue_work(&batch);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_END_TRY();
	return error;
}

/* Write the reject of a lone record that raised. */
static void
reject_poison(CdpItem *item, const ErrorData *error)
{
	CdpBatch	batch = {.items = item,.nitems = 1};

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	cdp_ingest_load_config(&batch.config);
	item->source = item->source_name == NULL ? NULL :
		cdp_ingest_find_source(&batch.config, item->source_name);
	item->outcome = CDP_REJECTED;
	item->record.reject.reason = "internal_error";
	item->record.reject.field = NULL;
	item->record.reject.message =
		psprintf("%s (SQLSTATE %s)", error->message,
				 unpack_sql_state(error->sqlerrcode));
	cdp_ingest_write_rejects(&batch);
	cdp_ingest_write_tally(&batch);
	SPI_finish();
}

/*
 * Take the items into the store, in halves if one of them raises.  Each attempt
 * begins with the items as they were taken: one that names somebody who was
 * erased loses its text on the way (erased.c).
 */
static void
process_items(CdpItem *items, int nitems)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext attempt = AllocSetContextCreate(outer, "cdp ingest",
												  ALLOCSET_DEFAULT_SIZES);
	Size		size = sizeof(CdpItem) * nitems;
	CdpItem    *taken = MemoryContextAllocHuge(attempt, size);
	ErrorData  *error;

	check_stack_depth();
	memcpy(taken, items, size);
	MemoryContextSwitchTo(attempt);
	error = try_items(items, nitems);
	if (error != NULL && !is_data_error(error))
		ReThrowError(error);
	if (error != NULL)
		memcpy(items, taken, size);
	if (error != NULL && nitems == 1)
		reject_poison(items, error);
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(attempt);
	if (error != NULL && nitems > 1)
	{
		process_items(items, nitems / 2);
		process_items(items + nitems / 2, nitems - nitems / 2);
	}
}

/* The run we are in; outside of any, a number that is none. */
int64
cdp_ingest_current_run(void)
{
	bool		isnull;
	Datum		run_id;

	cdp_base_execute(&run_plan, NULL, NULL, false, 1);
	run_id = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
						   1, &isnull);
	return isnull ? -(int64) GetCurrentTransactionId() : DatumGetInt64(run_id);
}

/* The batch in which this run's upkeep was done is lost. */
void
cdp_ingest_redo_upkeep(void)
{
	last_upkeep_run = 0;
}

/* cdp._ingest_step(batch): how many records it took. */
Datum
cdp__ingest_step(PG_FUNCTION_ARGS)
{
	int			batch = PG_GETARG_INT32(0);
	MemoryContext context = CurrentMemoryContext;
	CdpItem    *items;
	int			nitems;
	int64		run_id;
	Datum		values[2] = {Int32GetDatum(batch), Int64GetDatum(TAKE_BYTES)};

	cdp_base_check_store();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	MemoryContextSwitchTo(context); /* items outlive SPI */
	run_id = cdp_ingest_current_run();
	if (run_id != last_upkeep_run)
	{
		cdp_base_execute(&upkeep_plan, NULL, NULL, false, 0);
		last_upkeep_run = run_id;
	}
	nitems = cdp_ingest_take_records(&inbox_plan, values, &items);
	if (nitems == 0)
		nitems = cdp_ingest_take_tables(batch, run_id, &items);
	SPI_finish();
	MemoryContextSwitchTo(context);
	if (nitems > 0)
		process_items(items, nitems);
	PG_RETURN_INT64(nitems);
}
