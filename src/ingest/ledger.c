/*
 * ledger.c
 *		The message ledger: each message is accepted once.
 *
 * The key of a message is 128 bits, unique in its source:
 *
 *	message id that is a UUID		itself
 *	any other message id			a hash of it
 *	none, but a time				a hash of the whole record in canonical form
 *									(in which the time stands), and of how many
 *									equal ones came before it in the same call:
 *									two equal lines of one file are two purchases,
 *									the same file loaded twice is not
 *	neither							no key: a repeat cannot be told, and is counted
 *
 * Hashes are salted with the store's id, so keys cannot be compared with lists
 * of guesses from outside, and marked as version 8 of UUIDs, so that they
 * never equal a random or time-based one.
 *
 * Of equal keys in a call the first is kept.  The rest is one INSERT in key
 * order: two sessions that insert the same keys wait for each other in the
 * same order, so never in a circle; and ordered inserts are cheaper.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/fmgrprotos.h"

#include "ingest/batch.h"

static CdpPlan insert_plan = {
	"INSERT INTO cdp.message (source_id, key, expires_at)"
	" SELECT * FROM unnest($1, $2, $3)"
	" ON CONFLICT DO NOTHING RETURNING source_id, key",
	3, {INT4ARRAYOID, UUIDARRAYOID, TIMESTAMPTZARRAYOID}
};

static CdpPlan delete_plan = {
	"DELETE FROM cdp.message USING unnest($1, $2)"
	" AS refused (source_id, key)"
	" WHERE message.source_id OPERATOR(pg_catalog.=) refused.source_id"
	" AND message.key OPERATOR(pg_catalog.=) refused.key",
	2, {INT4ARRAYOID, UUIDARRAYOID}
};

/* 8-4-4-4-12 hexadecimal digits? */
static bool
is_uuid(const char *text)
{
	if (strlen(text) != 36)
		return false;
	for (int i = 0; i < 36; i++)
	{
		bool		hyphen = (i == 8 || i == 13 || i == 18 || i == 23);

		if (hyphen ? text[i] != '-' : !isxdigit((unsigned char) text[i]))
			return false;
	}
	return true;
}

/* Hash texts, each with its end, to a UUID of version 8. */
static void
hash_texts(const char *const *texts, int ntexts, pg_uuid_t *key)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	bool		fine = hash != NULL && pg_cryptohash_init(hash) >= 0;

	for (int i = 0; fine && i < ntexts; i++)
		fine = pg_cryptohash_update(hash, (const uint8 *) texts[i],
									strlen(texts[i]) + 1) >= 0;
	fine = fine && pg_cryptohash_final(hash, digest, sizeof(digest)) >= 0;
	pg_cryptohash_free(hash);
	if (!fine)
		elog(ERROR, "could not compute a SHA-256 hash");
	memcpy(key->data, digest, UUID_LEN);
	key->data[6] = (key->data[6] & 0x0f) | 0x80;
	key->data[8] = (key->data[8] & 0x3f) | 0x80;
}

/* Give the item its key; ordinal: how many equal ones came before it. */
void
cdp_ingest_make_key(CdpItem *item, const char *store_id, int ordinal)
{
	const CdpRecord *record = &item->record;
	char		number[12];

	item->has_key = true;
	if (record->message_id != NULL && is_uuid(record->message_id))
	{
		Datum		uuid = DirectFunctionCall1(uuid_in,
											   CStringGetDatum(record->message_id));

		item->key = *DatumGetUUIDP(uuid);
	}
	else if (record->message_id != NULL)
	{
		const char *texts[] = {"message", store_id, record->message_id};

		hash_texts(texts, lengthof(texts), &item->key);
	}
	else if (record->has_time)
	{
		const char *texts[] = {
			"record", store_id,
			JsonbToCString(NULL, &record->canonical->root,
						   VARSIZE(record->canonical)),
			number
		};

		snprintf(number, sizeof(number), "%d", ordinal);
		hash_texts(texts, lengthof(texts), &item->key);
	}
	else
		item->has_key = false;
}

/* By source, then key; of equals, the first in the batch first. */
static int
compare_items(const void *a, const void *b)
{
	const CdpItem *one = *(CdpItem *const *) a;
	const CdpItem *two = *(CdpItem *const *) b;
	int			order;

	if (one->source->source_id != two->source->source_id)
		return one->source->source_id < two->source->source_id ? -1 : 1;
	order = memcmp(one->key.data, two->key.data, UUID_LEN);
	if (order != 0)
		return order;
	return one < two ? -1 : one > two;
}

static bool
same_key(const CdpItem *one, const CdpItem *two)
{
	return one->source == two->source &&
		memcmp(one->key.data, two->key.data, UUID_LEN) == 0;
}

/* The items to be stored that have a key, in key order. */
static int
sorted_items(CdpBatch *batch, CdpItem ***sorted)
{
	int			count = 0;

	*sorted = palloc(sizeof(CdpItem *) * Max(batch->nitems, 1));
	for (int i = 0; i < batch->nitems; i++)
		if (batch->items[i].outcome == CDP_STORED && batch->items[i].has_key)
			(*sorted)[count++] = &batch->items[i];
	qsort(*sorted, count, sizeof(CdpItem *), compare_items);
	return count;
}

/*
 * Equal records without a message id are told apart by their number; equal
 * message ids are repeats.
 */
static void
settle_equals(CdpBatch *batch, CdpItem **sorted, int count)
{
	int			first = 0;

	for (int i = 1; i < count; i++)
	{
		if (!same_key(sorted[first], sorted[i]))
			first = i;
		else if (sorted[i]->record.message_id != NULL)
			sorted[i]->outcome = CDP_DUPLICATE;
		else
			cdp_ingest_make_key(sorted[i], batch->config.store_id, i - first);
	}
}

/* Mark as duplicates all but those whose key the ledger took. */
static void
mark_refused(CdpItem **sorted, int count)
{
	uint64		row = 0;

	for (int i = 0; i < count; i++)
	{
		bool		isnull;
		pg_uuid_t  *key = NULL;
		int			source_id = 0;

		if (row < SPI_processed)
		{
			source_id = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[row],
													SPI_tuptable->tupdesc, 1,
													&isnull));
			key = DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[row],
											  SPI_tuptable->tupdesc, 2,
											  &isnull));
		}
		if (key != NULL && sorted[i]->source->source_id == source_id &&
			memcmp(sorted[i]->key.data, key->data, UUID_LEN) == 0)
			row++;
		else
			sorted[i]->outcome = CDP_DUPLICATE;
	}
	if (row != SPI_processed)
		elog(ERROR, "the message ledger returned keys out of order");
}

/* When the key of a source's record may be forgotten. */
static void
add_expiry(CdpColumn *expiries, const CdpSource *source, TimestampTz now)
{
	if (source->dedupe_for == NULL)
		cdp_column_add_null(expiries);
	else
		cdp_column_add(expiries,
					   DirectFunctionCall2(timestamptz_pl_interval,
										   TimestampTzGetDatum(now),
										   IntervalPGetDatum(source->dedupe_for)));
}

/* Enter the batch into the ledger; what was there already is a duplicate. */
void
cdp_ingest_drop_repeats(CdpBatch *batch)
{
	CdpItem   **sorted;
	int			count = sorted_items(batch, &sorted);
	CdpColumn  *sources = cdp_column(INT4OID, count);
	CdpColumn  *keys = cdp_column(UUIDOID, count);
	CdpColumn  *expiries = cdp_column(TIMESTAMPTZOID, count);
	Datum		values[3];

	settle_equals(batch, sorted, count);
	count = sorted_items(batch, &sorted);
	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
	{
		cdp_column_add(sources, Int32GetDatum(sorted[i]->source->source_id));
		cdp_column_add(keys, UUIDPGetDatum(&sorted[i]->key));
		add_expiry(expiries, sorted[i]->source, batch->config.now);
	}
	values[0] = cdp_column_array(sources);
	values[1] = cdp_column_array(keys);
	values[2] = cdp_column_array(expiries);
	cdp_base_execute(&insert_plan, values, NULL, false, 0);
	mark_refused(sorted, count);
	SPI_freetuptable(SPI_tuptable);
}

/*
 * A record that was refused after it was entered must be able to come again:
 * take its key out.
 */
void
cdp_ingest_forget_keys(CdpBatch *batch)
{
	CdpColumn  *sources = cdp_column(INT4OID, 8);
	CdpColumn  *keys = cdp_column(UUIDOID, 8);
	Datum		values[2];

	for (int i = 0; i < batch->nitems; i++)
	{
		CdpItem    *item = &batch->items[i];

		if (item->outcome != CDP_REJECTED || !item->has_key)
			continue;
		cdp_column_add(sources, Int32GetDatum(item->source->source_id));
		cdp_column_add(keys, UUIDPGetDatum(&item->key));
	}
	if (keys->count == 0)
		return;
	values[0] = cdp_column_array(sources);
	values[1] = cdp_column_array(keys);
	cdp_base_execute(&delete_plan, values, NULL, false, 0);
}
