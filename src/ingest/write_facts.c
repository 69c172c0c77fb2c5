/*
 * write_facts.c
 *		What the records of a batch say about people: traits, consents, and who
 *		is one person.
 *
 * Both are handed, as columns, to the rooms that own them: profile
 * (cdp._observe_traits, a room above this one, hence called through SQL) and
 * consent (cdp._record_consents).  A fact is hung on the strongest identifier
 * of its record that may stand for a person, as far as is known now; the set
 * goes along, so that stitching can tell later whose it is.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "ingest/batch.h"

static CdpPlan trait_plan = {
	"SELECT ordinal FROM cdp._observe_traits($1, $2, $3, $4, $5, $6) AS ordinal",
	6, {
		INT4ARRAYOID, TEXTARRAYOID, JSONBARRAYOID, TIMESTAMPTZARRAYOID,
		INT8ARRAYOID, TIMESTAMPTZARRAYOID
	}
};

static CdpPlan consent_plan = {
	"SELECT ordinal, reason FROM cdp._record_consents($1, $2, $3, $4, $5, $6,"
	" $7, $8, $9, $10, $11)",
	11, {
		INT8ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TIMESTAMPTZARRAYOID, JSONBARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, INT8ARRAYOID
	}
};

/* One trait of a batch, and whose it is. */
typedef struct SaidTrait
{
	CdpItem    *item;
	const CdpTraitValue *trait;
} SaidTrait;

/* A value as warnings show it. */
static char *
shown_value(Jsonb *value)
{
	JsonbValue	scalar;

	return JsonbExtractScalar(&value->root, &scalar) ?
		cdp_json_shown(&scalar) :
		JsonbToCString(NULL, &value->root, VARSIZE(value));
}

/* Warn of the traits that the profile room refused. */
static void
warn_of_refused_traits(const SaidTrait *said)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		ordinal = SPI_getbinval(SPI_tuptable->vals[i],
											SPI_tuptable->tupdesc, 1, &isnull);
		const SaidTrait *refused = &said[DatumGetInt32(ordinal) - 1];

		cdp_ingest_warn(&refused->item->record, "invalid_trait",
						psprintf("traits.%s", refused->trait->name),
						shown_value(refused->trait->value),
						CDP_INGEST_TRAIT_REFUSED);
	}
}

/* Write the traits of all records that are stored. */
void
cdp_ingest_write_traits(CdpBatch *batch)
{
	static const Oid types[6] = {
		INT4OID, TEXTOID, JSONBOID, TIMESTAMPTZOID, INT8OID, TIMESTAMPTZOID
	};
	CdpColumn  *columns[6];
	Datum		values[6];
	SaidTrait  *said;
	int			nsaid = 0;
	ListCell   *cell;

	for (int i = 0; i < batch->nitems; i++)
		nsaid += list_length(batch->items[i].record.traits);
	said = palloc(Max(nsaid, 1) * sizeof(SaidTrait));
	for (int i = 0; i < lengthof(types); i++)
		columns[i] = cdp_column(types[i], 64);
	for (int i = 0; i < batch->nitems; i++)
	{
		CdpItem    *item = &batch->items[i];

		if (item->outcome != CDP_STORED)
			continue;
		foreach(cell, item->record.traits)
		{
			const CdpTraitValue *trait = lfirst(cell);

			said[columns[0]->count] = (SaidTrait) {item, trait};
			cdp_column_add(columns[0], Int32GetDatum(item->source->source_id));
			cdp_column_add_text(columns[1], trait->name);
			cdp_column_add(columns[2], JsonbPGetDatum(trait->value));
			cdp_column_add(columns[3], TimestampTzGetDatum(item->record.occurred_at));
			cdp_column_add(columns[4], Int64GetDatum(item->set_id));
			cdp_column_add(columns[5], TimestampTzGetDatum(trait->expires_at));
		}
	}
	if (columns[0]->count == 0)
		return;
	for (int i = 0; i < lengthof(types); i++)
		values[i] = cdp_column_array(columns[i]);
	cdp_base_execute(&trait_plan, values, NULL, false, 0);
	warn_of_refused_traits(said);
	SPI_freetuptable(SPI_tuptable);
}

/* Note the sets of aliases: the merge run decides about them (alias.sql). */
void
cdp_ingest_write_aliases(CdpBatch *batch)
{
	static CdpPlan alias_plan = {
		"SELECT cdp._add_todo('alias', $1)", 1, {INT8ARRAYOID}
	};
	CdpColumn  *sets = cdp_column(INT8OID, 8);
	Datum		values[1];

	for (int i = 0; i < batch->nitems; i++)
		if (batch->items[i].outcome == CDP_STORED &&
			batch->items[i].is_alias)
			cdp_column_add(sets, Int64GetDatum(batch->items[i].set_id));
	if (sets->count == 0)
		return;
	values[0] = cdp_column_array(sets);
	cdp_base_execute(&alias_plan, values, NULL, false, 0);
}

/* One answer of a batch, and whose it is. */
typedef struct SaidConsent
{
	CdpItem    *item;
	const CdpConsentAnswer *answer;
} SaidConsent;

/* One answer as a row of the columns. */
static void
add_consent(CdpColumn **columns, const CdpItem *item,
			const CdpConsentAnswer *answer)
{
	cdp_column_add(columns[0], Int64GetDatum(item->owner));
	cdp_column_add(columns[1], Int32GetDatum(item->source->source_id));
	cdp_column_add_text(columns[2], answer->purpose);
	cdp_column_add_text(columns[3], answer->channel);
	cdp_column_add_text(columns[4], answer->state);
	cdp_column_add(columns[5], TimestampTzGetDatum(answer->at));
	if (answer->evidence == NULL)
		cdp_column_add_null(columns[6]);
	else
		cdp_column_add(columns[6], JsonbPGetDatum(answer->evidence));
	cdp_column_add_text(columns[7], answer->basis);
	cdp_column_add_text(columns[8], answer->document);
	cdp_column_add_text(columns[9], answer->actor);
	cdp_column_add(columns[10], Int64GetDatum(item->set_id));
}

/* Warn of an answer that was refused, or whose document nobody has added. */
static void
warn_of_answer(const SaidConsent *said, const char *reason)
{
	if (strcmp(reason, "unknown_document") == 0)
		cdp_ingest_warn(&said->item->record, reason, "consent.document",
						said->answer->document,
						CDP_INGEST_DOCUMENT_UNKNOWN);
	else
		cdp_ingest_warn(&said->item->record, reason, "consent",
						psprintf("%s, %s", said->answer->purpose,
								 said->answer->channel),
						CDP_INGEST_CONSENT_REFUSED);
}

/* Warn of the answers that the consent room returned. */
static void
warn_of_answers(const SaidConsent *said)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;
		int			ordinal = DatumGetInt32(SPI_getbinval(row,
														  SPI_tuptable->tupdesc,
														  1, &isnull));

		warn_of_answer(&said[ordinal - 1],
					   SPI_getvalue(row, SPI_tuptable->tupdesc, 2));
	}
}

/* Write the consents of all records that are stored. */
void
cdp_ingest_write_consents(CdpBatch *batch)
{
	static const Oid types[11] = {
		INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, JSONBOID,
		TEXTOID, TEXTOID, TEXTOID, INT8OID
	};
	CdpColumn  *columns[11];
	Datum		values[11];
	SaidConsent *said;
	int			nsaid = 0;
	ListCell   *cell;

	for (int i = 0; i < batch->nitems; i++)
		nsaid += list_length(batch->items[i].record.consents);
	said = palloc(Max(nsaid, 1) * sizeof(SaidConsent));
	for (int i = 0; i < lengthof(types); i++)
		columns[i] = cdp_column(types[i], 8);
	for (int i = 0; i < batch->nitems; i++)
	{
		CdpItem    *item = &batch->items[i];

		if (item->outcome != CDP_STORED)
			continue;
		foreach(cell, item->record.consents)
		{
			said[columns[0]->count] = (SaidConsent) {item, lfirst(cell)};
			add_consent(columns, item, lfirst(cell));
		}
	}
	if (columns[0]->count == 0)
		return;
	for (int i = 0; i < lengthof(types); i++)
		values[i] = cdp_column_array(columns[i]);
	cdp_base_execute(&consent_plan, values, NULL, false, 0);
	warn_of_answers(said);
	SPI_freetuptable(SPI_tuptable);
}
