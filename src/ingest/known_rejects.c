/*
 * known_rejects.c
 *		Bad rows of tables are rejected once.
 *
 * The overlap brings a row of a table source again with every run.  A good one
 * is a repeat by the message ledger, which holds no bad ones: they must be able
 * to come again once their cause is mended.  A bad one is a repeat if
 *
 *		the same text waits already as a reject of the same source, or
 *		the ledger has its key: it was accepted after a retry.
 *
 * Texts are compared whole, so a row that was changed without a new watermark
 * is a reject of its own.  What finds them is the message id that the reader of
 * the table gave the row (its key and watermark), which has an index; a retry
 * takes it along through the inbox.  Records without one are not looked at:
 * two equal bad lines of a file are two rejects.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "ingest/batch.h"

/* Subqueries of one row each: no plan joins the batch with all rejects. */
static CdpPlan known_plan = {
	"SELECT place::integer FROM ("
	" SELECT *, pg_catalog.row_number() OVER ("
	" PARTITION BY source, message_id, record ORDER BY place) AS nth"
	" FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY"
	" AS sent (source, message_id, record, source_id, key, place)) AS bad"
	" WHERE nth OPERATOR(pg_catalog.>) 1"
	" OR (SELECT true FROM cdp.reject"
	" WHERE reject.message_id OPERATOR(pg_catalog.=) bad.message_id"
	" AND reject.source OPERATOR(pg_catalog.=) bad.source"
	" AND (reject.record OPERATOR(pg_catalog.=) bad.record"
	" OR pg_catalog.num_nonnulls(reject.record, bad.record)"
	" OPERATOR(pg_catalog.=) 0) LIMIT 1)"
	" OR (SELECT true FROM cdp.message"
	" WHERE message.source_id OPERATOR(pg_catalog.=) bad.source_id"
	" AND message.key OPERATOR(pg_catalog.=) bad.key LIMIT 1)",
	5, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT4ARRAYOID, UUIDARRAYOID}
};

/* Add what the item is known by; its ledger key is made first. */
static void
add_item(CdpColumn **columns, CdpItem *item, const char *store_id)
{
	if (item->record.message_id == NULL)
		item->record.message_id = item->default_message_id;
	cdp_ingest_make_key(item, store_id, 0);
	cdp_column_add_text(columns[0], item->source_name);
	cdp_column_add_text(columns[1], item->default_message_id);
	cdp_column_add_text(columns[2], item->text);
	if (item->source == NULL)
		cdp_column_add_null(columns[3]);
	else
		cdp_column_add(columns[3], Int32GetDatum(item->source->source_id));
	cdp_column_add(columns[4], UUIDPGetDatum(&item->key));
}

/*
 * Mark those of the rejected items as duplicates that are known; returns how
 * many are left, which are moved to the front.
 */
int
cdp_ingest_drop_known_rejects(CdpItem **items, int count, const char *store_id)
{
	static const Oid types[5] = {TEXTOID, TEXTOID, TEXTOID, INT4OID, UUIDOID};
	CdpColumn  *columns[5];
	Datum		values[5];
	CdpItem   **named = palloc(sizeof(CdpItem *) * Max(count, 1));
	int			nnamed = 0;
	int			left = 0;

	for (int i = 0; i < lengthof(types); i++)
		columns[i] = cdp_column(types[i], count);
	for (int i = 0; i < count; i++)
	{
		if (items[i]->default_message_id == NULL)
			continue;
		add_item(columns, items[i], store_id);
		named[nnamed++] = items[i];
	}
	if (nnamed == 0)
		return count;
	for (int i = 0; i < lengthof(types); i++)
		values[i] = cdp_column_array(columns[i]);
	cdp_base_execute(&known_plan, values, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		place = SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1, &isnull);

		named[DatumGetInt32(place) - 1]->outcome = CDP_DUPLICATE;
	}
	SPI_freetuptable(SPI_tuptable);
	for (int i = 0; i < count; i++)
		if (items[i]->outcome == CDP_REJECTED)
			items[left++] = items[i];
	return left;
}
