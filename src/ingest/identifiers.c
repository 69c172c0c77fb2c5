/*
 * identifiers.c
 *		From what senders wrote to identifiers, and to the set of a record.
 *
 * Each raw value is brought to its type's canonical form by the identity
 * room.  One that cannot be is a warning if another identifier of the record
 * is good, and the reason of a reject if none is: a record about nobody.  One
 * whose identifiers are good but all blocked is stored, with a warning: it
 * gets a profile when a rule changes.
 *
 * An alias that a CRM sends has two of its own numbers, the former one as
 * previousId.  A source may say so of nothing but numbers that are its own:
 * of any other type, and from a third party, previousId is an anonymous id.
 */
#include "postgres.h"

#include "ingest/batch.h"

/* Does the item have this key already? */
static bool
has_key(const CdpItem *item, const char *type, const char *value)
{
	for (int i = 0; i < item->nkeys; i++)
		if (strcmp(item->keys[i].type, type) == 0 &&
			strcmp(item->keys[i].value, value) == 0)
			return true;
	return false;
}

/* Warn of an identifier that has no canonical form. */
static void
warn_of_identifier(CdpRecord *record, const CdpRawIdentifier *raw,
				   const char *rule)
{
	if (cdp_identity_is_type(raw->type))
		cdp_ingest_warn(record, "invalid_identifier", raw->field, raw->value,
						rule);
	else
		cdp_ingest_warn(record, "unknown_identifier_type", raw->field,
						psprintf("%s:%s", raw->type, raw->value), rule);
}

/* The region of phone numbers without a country code; NULL: none. */
const char *
cdp_ingest_region(const CdpSource *source, const CdpIngestConfig *config)
{
	return source->region != NULL ? source->region : config->region;
}

/* The former of two numbers of the source's own, given its type; or NULL. */
static const CdpRawIdentifier *
type_former_id(const CdpItem *item)
{
	const CdpRecord *record = &item->record;
	ListCell   *cell;

	if (record->aliased == NULL || item->source->third_party ||
		!cdp_identity_is_own_number(record->aliased))
		return NULL;
	foreach(cell, record->identifiers)
	{
		CdpRawIdentifier *raw = lfirst(cell);

		if (strcmp(raw->field, CDP_INGEST_FORMER_ID) == 0)
		{
			raw->type = record->aliased;
			return raw;
		}
	}
	return NULL;
}

/* Fill the item's keys from the raw identifiers of its record. */
void
cdp_ingest_normalise_item(CdpItem *item, const CdpIngestConfig *config)
{
	CdpRecord  *record = &item->record;
	const char *region = cdp_ingest_region(item->source, config);
	const CdpRawIdentifier *former = type_former_id(item);
	const char *last_reason = NULL;
	const char *last_field = NULL;
	ListCell   *cell;

	item->keys = palloc0(sizeof(CdpIdentityKey) *
						 Max(list_length(record->identifiers), 1));
	item->is_alias = false;
	foreach(cell, record->identifiers)
	{
		CdpRawIdentifier *raw = lfirst(cell);
		const char *reason = NULL;
		char	   *value;

		if (!cdp_identity_normalise(raw->type, raw->value, raw->len, region,
									&value, &reason))
		{
			warn_of_identifier(record, raw, reason);
			last_reason = reason;
			last_field = raw->field;
		}
		else if (!has_key(item, raw->type, value))
		{
			item->keys[item->nkeys].type = raw->type;
			item->keys[item->nkeys++].value = value;
			item->is_alias |= raw == former;
		}
	}
	if (item->nkeys == 0)
		cdp_ingest_reject(record, "no_identifier", last_field,
						  psprintf("No identifier of the record can be used; the last one: %s",
								   last_reason));
	if (item->nkeys > CDP_IDENTITY_MAX_SET)
		cdp_ingest_reject(record, "too_many_identifiers", NULL,
						  psprintf("A record names at most %d identifiers.",
								   CDP_IDENTITY_MAX_SET));
}

/* Take over what the identity room made of an item's identifiers. */
static void
take_set(CdpItem *item, const CdpIdentitySet *set)
{
	item->set_id = set->set_id;
	item->owner = set->owner;
	item->new_set = set->is_new;
	if (item->owner == 0 && set->nkeys > 0)
		item->owner = set->keys[0].identifier_id;
	if (set->refused == NULL && set->owner == 0)
		cdp_ingest_warn(&item->record, "no_usable_identifier", "identifiers",
						psprintf("%s:%s", item->keys[0].type,
								 item->keys[0].value),
						"No identifier of the record may stand for a person, so it belongs to no profile.");
	if (set->refused == NULL)
		return;
	item->outcome = CDP_REJECTED;
	cdp_ingest_reject(&item->record, set->refused, NULL, set->refused_detail);
}

/* Attach the identifiers of all items that are to be stored. */
void
cdp_ingest_attach(CdpBatch *batch)
{
	CdpIdentitySet *sets = palloc0(sizeof(CdpIdentitySet) *
								   Max(batch->nitems, 1));
	int			nsets = 0;

	for (int i = 0; i < batch->nitems; i++)
	{
		CdpItem    *item = &batch->items[i];
		CdpIdentitySet *set;

		if (item->outcome != CDP_STORED)
			continue;
		set = &sets[nsets++];
		set->source_id = item->source->source_id;
		set->source = item->source->name;
		set->own_user_ids = item->source->own_user_ids;
		set->observed_at = item->record.occurred_at;
		set->nkeys = item->nkeys;
		set->keys = item->keys;
	}
	if (nsets == 0)
		return;
	cdp_identity_attach(sets, nsets, !batch->live);
	nsets = 0;
	for (int i = 0; i < batch->nitems; i++)
		if (batch->items[i].outcome == CDP_STORED)
			take_set(&batch->items[i], &sets[nsets++]);
}
