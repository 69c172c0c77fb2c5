/*
 * write_events.c
 *		The events of a batch to the log.
 *
 * Names are brought to those one can rely on by the aliases of cdp.event_type
 * ("order_completed" is order).  Months that a merge run finds worth it get
 * their partition before anything of the batch is locked; all else goes where
 * it fits, at worst to cdp.event_other.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"

#include "ingest/batch.h"

/* So many events of a month in one batch make its partition worth it. */
#define MONTH_WORTH_MAKING 100

static CdpPlan month_plan = {
	"SELECT cdp._make_event_months($1)", 1, {DATEARRAYOID}
};

static CdpPlan alias_plan = {
	"SELECT alias, event_type.name::text"
	" FROM cdp.event_type, pg_catalog.unnest(aliases) AS alias"
	" WHERE aliases OPERATOR(pg_catalog.&&) $1"
	" AND alias OPERATOR(pg_catalog.=) ANY ($1)",
	1, {TEXTARRAYOID}
};

static CdpPlan insert_plan = {
	"INSERT INTO cdp.event (source_id, message_id, name, occurred_at,"
	" received_at, set_id, amount, currency, properties)"
	" SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)"
	" RETURNING event_id",
	9, {
		INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID,
		TIMESTAMPTZARRAYOID, INT8ARRAYOID, NUMERICARRAYOID, TEXTARRAYOID,
		JSONBARRAYOID
	}
};

static bool
is_event(const CdpItem *item)
{
	return item->outcome == CDP_STORED && item->record.event != NULL;
}

/* Months since the year 0, in UTC. */
static int
month_of(TimestampTz time)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(time, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "timestamp out of range");
	return tm.tm_year * 12 + tm.tm_mon - 1;
}

static int
compare_int(const void *a, const void *b)
{
	int			one = *(const int *) a;
	int			two = *(const int *) b;

	return (one > two) - (one < two);
}

/* Make partitions for the months that many events of the batch are in. */
void
cdp_ingest_make_months(CdpBatch *batch)
{
	int		   *months = palloc(sizeof(int) * Max(batch->nitems, 1));
	int			count = 0;
	int			run = 0;
	CdpColumn  *wanted = cdp_column(DATEOID, 8);
	Datum		values[1];

	for (int i = 0; i < batch->nitems; i++)
		if (is_event(&batch->items[i]))
			months[count++] = month_of(batch->items[i].record.occurred_at);
	qsort(months, count, sizeof(int), compare_int);
	for (int i = 0; i < count; i++)
	{
		run = (i > 0 && months[i] == months[i - 1]) ? run + 1 : 1;
		if (run == MONTH_WORTH_MAKING)
			cdp_column_add(wanted,
						   DateADTGetDatum(date2j(months[i] / 12,
												  months[i] % 12 + 1, 1)
										   - POSTGRES_EPOCH_JDATE));
	}
	if (wanted->count == 0)
		return;
	values[0] = cdp_column_array(wanted);
	cdp_base_execute(&month_plan, values, NULL, false, 0);
}

/* The distinct names of the batch's events. */
static CdpColumn *
distinct_names(CdpBatch *batch)
{
	CdpColumn  *names = cdp_column(TEXTOID, 16);
	List	   *seen = NIL;

	for (int i = 0; i < batch->nitems; i++)
	{
		const char *name = batch->items[i].record.event;
		ListCell   *cell;
		bool		known = false;

		if (!is_event(&batch->items[i]))
			continue;
		foreach(cell, seen)
			known = known || strcmp(lfirst(cell), name) == 0;
		if (known)
			continue;
		seen = lappend(seen, (void *) name);
		cdp_column_add_text(names, name);
	}
	list_free(seen);
	return names;
}

/* Replace one alias in the whole batch. */
static void
rename_events(CdpBatch *batch, const char *alias, const char *name)
{
	for (int i = 0; i < batch->nitems; i++)
		if (is_event(&batch->items[i]) &&
			strcmp(batch->items[i].record.event, alias) == 0)
			batch->items[i].record.event = name;
}

/* Bring the names of events to those of cdp.event_type. */
void
cdp_ingest_resolve_aliases(CdpBatch *batch)
{
	Datum		values[1];
	SPITupleTable *rows;
	uint64		count;

	values[0] = cdp_column_array(distinct_names(batch));
	cdp_base_execute(&alias_plan, values, NULL, true, 0);
	rows = SPI_tuptable;
	count = SPI_processed;
	for (uint64 i = 0; i < count; i++)
		rename_events(batch, SPI_getvalue(rows->vals[i], rows->tupdesc, 1),
					  SPI_getvalue(rows->vals[i], rows->tupdesc, 2));
	SPI_freetuptable(rows);
}

static void
add_event(CdpColumn **columns, const CdpItem *item)
{
	const CdpRecord *record = &item->record;

	cdp_column_add(columns[0], Int32GetDatum(item->source->source_id));
	cdp_column_add_text(columns[1], record->message_id);
	cdp_column_add_text(columns[2], record->event);
	cdp_column_add(columns[3], TimestampTzGetDatum(record->occurred_at));
	cdp_column_add(columns[4], TimestampTzGetDatum(item->received_at));
	cdp_column_add(columns[5], Int64GetDatum(item->set_id));
	if (item->has_store_amount)
		cdp_column_add(columns[6], NumericGetDatum(item->store_amount));
	else
		cdp_column_add_null(columns[6]);
	cdp_column_add_text(columns[7], record->currency);
	if (record->properties != NULL)
		cdp_column_add(columns[8], JsonbPGetDatum(record->properties));
	else
		cdp_column_add_null(columns[8]);
}

/* Remember the ids that the log gave. */
static void
take_event_ids(CdpBatch *batch)
{
	batch->nevents = (int) SPI_processed;
	batch->event_ids = palloc(sizeof(int64) * batch->nevents);
	for (int i = 0; i < batch->nevents; i++)
	{
		bool		isnull;

		batch->event_ids[i] =
			DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
										SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Write the events; batch->event_ids are theirs. */
void
cdp_ingest_write_events(CdpBatch *batch)
{
	static const Oid types[9] = {
		INT4OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID,
		NUMERICOID, TEXTOID, JSONBOID
	};
	CdpColumn  *columns[9];
	Datum		values[9];

	for (int i = 0; i < lengthof(types); i++)
		columns[i] = cdp_column(types[i], 64);
	for (int i = 0; i < batch->nitems; i++)
		batch->nevents += is_event(&batch->items[i]);
	if (batch->nevents == 0)
		return;
	cdp_ingest_resolve_aliases(batch);
	batch->since = DT_NOEND;
	batch->until = DT_NOBEGIN;
	for (int i = 0; i < batch->nitems; i++)
	{
		TimestampTz at = batch->items[i].record.occurred_at;

		if (!is_event(&batch->items[i]))
			continue;
		add_event(columns, &batch->items[i]);
		batch->since = Min(batch->since, at);
		batch->until = Max(batch->until, at);
	}
	for (int i = 0; i < lengthof(types); i++)
		values[i] = cdp_column_array(columns[i]);
	cdp_base_execute(&insert_plan, values, NULL, false, 0);
	take_event_ids(batch);
}
