/*
 * money.c
 *		Amounts in the store's currency.
 *
 * An amount without a currency is in the store's.  Another currency is
 * converted by the rate that was valid when the event occurred; without one
 * the amount is left empty with a warning, because a sum over mixed currencies
 * is worse than a gap that is counted.  The event then keeps it as a property
 * (it may have stood anywhere in the record, or have been computed by a
 * mapping), by which cdp.convert_amounts() finds it.  Rounding: see amount.c.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/fmgrprotos.h"
#include "utils/builtins.h"

#include "ingest/batch.h"

PG_FUNCTION_INFO_V1(cdp__convert_amount);

typedef struct Rate
{
	const char *currency;
	TimestampTz valid_from;
	Numeric		rate;
} Rate;

/* Newest first, so that the first one valid is the one. */
static CdpPlan rate_plan = {
	"SELECT currency, valid_from, rate FROM cdp.exchange_rate"
	" WHERE currency OPERATOR(pg_catalog.=) ANY ($1)"
	" ORDER BY currency, valid_from DESC",
	1, {TEXTARRAYOID}
};

/* Is the amount in a currency that is not the store's? */
static bool
is_foreign(const CdpItem *item, const CdpIngestConfig *config)
{
	return item->outcome == CDP_STORED && item->record.has_amount &&
		item->record.currency != NULL && config->currency != NULL &&
		strcmp(item->record.currency, config->currency) != 0;
}

static bool
is_listed(const CdpColumn *texts, const char *wanted)
{
	for (int i = 0; i < texts->count; i++)
		if (strcmp(TextDatumGetCString(texts->values[i]), wanted) == 0)
			return true;
	return false;
}

/* All rates of the foreign currencies in the batch. */
static int
load_rates(CdpBatch *batch, Rate **rates)
{
	CdpColumn  *currencies = cdp_column(TEXTOID, 8);
	Datum		values[1];
	int			count;

	for (int i = 0; i < batch->nitems; i++)
		if (is_foreign(&batch->items[i], &batch->config) &&
			!is_listed(currencies, batch->items[i].record.currency))
			cdp_column_add_text(currencies, batch->items[i].record.currency);
	if (currencies->count == 0)
		return 0;
	values[0] = cdp_column_array(currencies);
	cdp_base_execute(&rate_plan, values, NULL, true, 0);
	count = (int) SPI_processed;
	*rates = palloc(sizeof(Rate) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;

		(*rates)[i].currency = SPI_getvalue(row, SPI_tuptable->tupdesc, 1);
		(*rates)[i].valid_from = DatumGetTimestampTz(
			SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull));
		(*rates)[i].rate = DatumGetNumericCopy(
			SPI_getbinval(row, SPI_tuptable->tupdesc, 3, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	return count;
}

/* The rate valid at the event's time; NULL: there is none. */
static Numeric
find_rate(const Rate *rates, int nrates, const CdpRecord *record)
{
	int			low = 0;
	int			high = nrates;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		int			order = strcmp(rates[middle].currency, record->currency);

		if (order < 0 ||
			(order == 0 && rates[middle].valid_from > record->occurred_at))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == nrates || strcmp(rates[low].currency, record->currency) != 0)
		return NULL;
	return rates[low].rate;
}

/* Warn of the amount of a record, as it was sent. */
static void
warn_of_amount(CdpRecord *record, const char *reason, const char *message)
{
	char	   *amount = DatumGetCString(
		DirectFunctionCall1(numeric_out, NumericGetDatum(record->amount)));

	if (record->currency != NULL)
		amount = psprintf("%s %s", amount, record->currency);
	cdp_ingest_warn(record, reason, record->amount_field, amount, message);
}

/* Keep an amount that waits for a rate among the properties. */
static void
keep_amount(CdpRecord *record)
{
	JsonbValue	kept = cdp_json_copy_object(record->properties == NULL ? NULL :
											cdp_json_tree(record->properties), 1);
	JsonbValue	amount;

	amount.type = jbvNumeric;
	amount.val.numeric = record->amount;
	cdp_json_put(&kept, CDP_INGEST_KEPT_AMOUNT, &amount);
	record->properties = JsonbValueToJsonb(&kept);
}

/* The amount of one event. */
static void
convert_item(CdpItem *item, const CdpIngestConfig *config,
			 const Rate *rates, int nrates)
{
	CdpRecord  *record = &item->record;
	Numeric		amount = record->amount;
	bool		foreign = is_foreign(item, config);
	bool		inexact;

	if (foreign)
	{
		Numeric		rate = find_rate(rates, nrates, record);

		if (rate == NULL)
		{
			warn_of_amount(record, "no_exchange_rate",
						   "There is no rate for this currency at that time in cdp.exchange_rate, so the amount was left empty; add one, then run cdp.convert_amounts().");
			keep_amount(record);
			return;
		}
		amount = cdp_ingest_convert_amount(amount, rate);
	}
	if (!cdp_ingest_round_amount(amount, &item->store_amount, &inexact))
	{
		warn_of_amount(record, "amount_too_large",
					   "The amount is beyond 922337203685477, so it was left empty.");
		return;
	}
	item->has_store_amount = true;
	if (inexact && !foreign)
		warn_of_amount(record, "amount_rounded",
					   "The amount was rounded half-even to four places.");
}

/* Give each event that is to be stored its amount. */
void
cdp_ingest_convert(CdpBatch *batch)
{
	Rate	   *rates = NULL;
	int			nrates = load_rates(batch, &rates);

	for (int i = 0; i < batch->nitems; i++)
	{
		CdpItem    *item = &batch->items[i];

		if (item->outcome == CDP_STORED && item->record.event != NULL &&
			item->record.has_amount)
			convert_item(item, &batch->config, rates, nrates);
	}
}

/*
 * cdp._convert_amount(amount, rate): converted and rounded; NULL: it does not
 * fit.
 */
Datum
cdp__convert_amount(PG_FUNCTION_ARGS)
{
	Numeric		amount = cdp_ingest_convert_amount(PG_GETARG_NUMERIC(0),
												   PG_GETARG_NUMERIC(1));
	bool		inexact;

	if (!cdp_ingest_round_amount(amount, &amount, &inexact))
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(amount);
}
