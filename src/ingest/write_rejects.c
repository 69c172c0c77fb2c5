/*
 * write_rejects.c
 *		What did not go as sent: rejects, warnings, and the count of all.
 *
 * A reject keeps the whole raw record, unless it is of somebody who was erased
 * (erased.c); a row of a table is rejected once (known_rejects.c).  Warnings
 * are many and alike, so a batch writes one row for each source, reason and
 * field, with how many records, and one value and message id to look at.  The
 * tally has one row per source and batch: records = stored + duplicates +
 * rejected.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "ingest/batch.h"

/* Rejects are written when so many bytes have come together. */
#define REJECT_BYTES (32 * 1024 * 1024)

static CdpPlan reject_plan = {
	"INSERT INTO cdp.reject (source, reason, message, field, record,"
	" received_at, message_id)"
	" SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)"
	" RETURNING reject_id",
	7, {
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TIMESTAMPTZARRAYOID, TEXTARRAYOID
	}
};

static CdpPlan warning_plan = {
	"INSERT INTO cdp.ingest_warning (source_id, reason, field, message,"
	" records, example_value, example_message_id)"
	" SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)",
	7, {
		INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT4ARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID
	}
};

static CdpPlan tally_plan = {
	"INSERT INTO cdp.ingest_tally (source, records, stored, duplicates,"
	" rejected, without_key)"
	" SELECT * FROM unnest($1, $2, $3, $4, $5, $6)",
	6, {
		TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
		INT8ARRAYOID
	}
};

/* Warnings of a kind. */
typedef struct WarningGroup
{
	const CdpSource *source;
	const CdpWarning *warning;
	int			records;
	const char *message_id;
} WarningGroup;

/* Records of a source. */
typedef struct Tally
{
	const char *source;			/* or NULL */
	int64		records;
	int64		stored;
	int64		duplicates;
	int64		rejected;
	int64		without_key;
} Tally;

/* Write the rejects of some items and note their ids. */
static void
write_rejected(CdpItem **items, int count, const char *store_id)
{
	static const Oid types[7] = {
		TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID
	};
	CdpColumn  *columns[7];
	Datum		values[7];

	count = cdp_ingest_drop_known_rejects(items, count, store_id);
	if (count == 0)
		return;
	for (int i = 0; i < lengthof(types); i++)
		columns[i] = cdp_column(types[i], count);
	for (int i = 0; i < count; i++)
	{
		const CdpReject *reject = &items[i]->record.reject;

		cdp_column_add_text(columns[0], items[i]->source_name);
		cdp_column_add_text(columns[1], reject->reason);
		cdp_column_add_text(columns[2], reject->message);
		cdp_column_add_text(columns[3], reject->field);
		cdp_column_add_text(columns[4], items[i]->text);
		cdp_column_add(columns[5], TimestampTzGetDatum(items[i]->received_at));
		cdp_column_add_text(columns[6], items[i]->default_message_id);
	}
	for (int i = 0; i < lengthof(types); i++)
		values[i] = cdp_column_array(columns[i]);
	cdp_base_execute(&reject_plan, values, NULL, false, 0);
	if (SPI_processed != (uint64) count)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("rows of cdp.reject were not inserted"),
				 errdetail("A trigger suppressed them, and rejected records would be lost.")));
	for (int i = 0; i < count; i++)
	{
		bool		isnull;

		items[i]->reject_id =
			DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
										SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
}

void
cdp_ingest_write_rejects(CdpBatch *batch)
{
	CdpItem   **items = palloc(sizeof(CdpItem *) * Max(batch->nitems, 1));
	int			count = 0;
	int64		bytes = 0;

	for (int i = 0; i < batch->nitems; i++)
	{
		if (batch->items[i].outcome != CDP_REJECTED)
			continue;
		if (count > 0 && bytes + batch->items[i].len > REJECT_BYTES)
		{
			write_rejected(items, count, batch->config.store_id);
			count = 0;
			bytes = 0;
		}
		items[count++] = &batch->items[i];
		bytes += batch->items[i].len;
	}
	if (count > 0)
		write_rejected(items, count, batch->config.store_id);
}

/* Count a warning with those of its kind. */
static List *
count_warning(List *groups, const CdpItem *item, const CdpWarning *warning)
{
	WarningGroup *group;
	ListCell   *cell;

	foreach(cell, groups)
	{
		group = lfirst(cell);
		if (group->source == item->source &&
			strcmp(group->warning->reason, warning->reason) == 0 &&
			strcmp(group->warning->field, warning->field) == 0 &&
			strcmp(group->warning->message, warning->message) == 0)
		{
			group->records++;
			if (group->warning->value == NULL && warning->value != NULL)
			{
				group->warning = warning;
				group->message_id = item->record.message_id;
			}
			return groups;
		}
	}
	group = palloc(sizeof(WarningGroup));
	group->source = item->source;
	group->warning = warning;
	group->records = 1;
	group->message_id = item->record.message_id;
	return lappend(groups, group);
}

/* Warnings of records that were stored; a reject tells its own story. */
void
cdp_ingest_write_warnings(CdpBatch *batch)
{
	static const Oid types[7] = {
		INT4OID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID
	};
	CdpColumn  *columns[7];
	Datum		values[7];
	List	   *groups = NIL;
	ListCell   *cell;

	for (int i = 0; i < batch->nitems; i++)
		if (batch->items[i].outcome == CDP_STORED)
			foreach(cell, batch->items[i].record.warnings)
				groups = count_warning(groups, &batch->items[i], lfirst(cell));
	if (groups == NIL)
		return;
	for (int i = 0; i < lengthof(types); i++)
		columns[i] = cdp_column(types[i], list_length(groups));
	foreach(cell, groups)
	{
		WarningGroup *group = lfirst(cell);

		cdp_column_add(columns[0], Int32GetDatum(group->source->source_id));
		cdp_column_add_text(columns[1], group->warning->reason);
		cdp_column_add_text(columns[2], group->warning->field);
		cdp_column_add_text(columns[3], group->warning->message);
		cdp_column_add(columns[4], Int32GetDatum(group->records));
		cdp_column_add_text(columns[5], group->warning->value);
		cdp_column_add_text(columns[6], group->message_id);
	}
	for (int i = 0; i < lengthof(types); i++)
		values[i] = cdp_column_array(columns[i]);
	cdp_base_execute(&warning_plan, values, NULL, false, 0);
}

/* The tally of the item's source; unknown names are counted together. */
static Tally *
find_tally(List **tallies, const CdpItem *item)
{
	const char *source = item->source == NULL ? NULL : item->source->name;
	Tally	   *tally;
	ListCell   *cell;

	foreach(cell, *tallies)
	{
		tally = lfirst(cell);
		if (tally->source == source)
			return tally;
	}
	tally = palloc0(sizeof(Tally));
	tally->source = source;
	*tallies = lappend(*tallies, tally);
	return tally;
}

/* What became of the records; a row that was taken before is none. */
static List *
count_outcomes(CdpBatch *batch)
{
	List	   *tallies = NIL;

	for (int i = 0; i < batch->nitems; i++)
	{
		const CdpItem *item = &batch->items[i];
		Tally	   *tally;

		if (item->read_again && item->outcome == CDP_DUPLICATE)
			continue;
		tally = find_tally(&tallies, item);
		tally->records++;
		tally->stored += item->outcome == CDP_STORED;
		tally->duplicates += item->outcome == CDP_DUPLICATE;
		tally->rejected += item->outcome == CDP_REJECTED;
		tally->without_key += item->outcome == CDP_STORED && !item->has_key;
	}
	return tallies;
}

void
cdp_ingest_write_tally(CdpBatch *batch)
{
	CdpColumn  *columns[6];
	Datum		values[6];
	ListCell   *cell;

	columns[0] = cdp_column(TEXTOID, 8);
	for (int i = 1; i < lengthof(columns); i++)
		columns[i] = cdp_column(INT8OID, 8);
	foreach(cell, count_outcomes(batch))
	{
		Tally	   *tally = lfirst(cell);

		cdp_column_add_text(columns[0], tally->source);
		cdp_column_add(columns[1], Int64GetDatum(tally->records));
		cdp_column_add(columns[2], Int64GetDatum(tally->stored));
		cdp_column_add(columns[3], Int64GetDatum(tally->duplicates));
		cdp_column_add(columns[4], Int64GetDatum(tally->rejected));
		cdp_column_add(columns[5], Int64GetDatum(tally->without_key));
	}
	for (int i = 0; i < lengthof(columns); i++)
		values[i] = cdp_column_array(columns[i]);
	cdp_base_execute(&tally_plan, values, NULL, false, 0);
}
