/*
 * third_party.c
 *		Rows of data partners: {"id", "segment", "value", "expires"}.
 *
 * Partners hand out lists: this id is in that segment, until then.  The id
 * becomes a third_party_id of the source and the row an observation of the
 * trait third_party.<source>.<segment>.  A row without a value says true; one
 * whose value is null says nothing that we know of, which is warned of.
 *
 * One that expires is an observation that expires.  One that has expired when it
 * comes is, too: nobody sees it, but what the partner said of the segment before
 * is no longer true, whichever of the two came first.
 *
 * Sources of kind third_party may send records of the Segment spec as well; a
 * row is known by having "segment" and no "type".  Whichever they send, their
 * traits have such names (record.c) and their consents are nobody's (consents.c).
 */
#include "postgres.h"

#include "ingest/record.h"

bool
cdp_ingest_is_third_party_row(const JsonbValue *root)
{
	return cdp_json_member(root, "segment") != NULL &&
		cdp_json_member(root, "type") == NULL;
}

void
cdp_ingest_read_third_party(CdpRecord *record, JsonbValue *root,
							const CdpReadOptions *options)
{
	JsonbValue *segment = cdp_json_member(root, "segment");
	JsonbValue *value = cdp_json_find(root, "value");
	JsonbValue *expires = cdp_json_member(root, "expires");
	JsonbValue	yes = {.type = jbvBool,.val.boolean = true};
	TimestampTz expires_at = DT_NOEND;
	char	   *name = cdp_json_text(segment);
	ListCell   *cell;

	if (name == NULL || *name == '\0')
	{
		cdp_ingest_reject(record, "invalid_segment", "segment",
						  "The segment of a third-party row is a string.");
		return;
	}
	if (expires != NULL &&
		cdp_ingest_time_of(expires, options->zone,
						   &expires_at) != CDP_TIME_OK)
	{
		cdp_ingest_reject(record, "invalid_time", "expires",
						  "A time is ISO 8601, such as 2026-05-31T08:15:30Z, or a number of seconds or milliseconds since 1970.");
		return;
	}
	cdp_ingest_read_message_id(record, cdp_json_member(root, "message_id"),
							   "message_id");
	cdp_ingest_read_time(record, cdp_json_member(root, "at"), NULL, NULL,
						 "at", options);
	cdp_ingest_add_identifier(record, "third_party_id",
							  cdp_json_member(root, "id"), "id");
	if (value != NULL && cdp_json_is_absent(value))
	{
		cdp_ingest_warn(record, "no_value", "value", NULL,
						"The value is null, so the row says nothing of the segment; one without a value says true.");
		return;
	}
	if (expires_at <= options->now)
		cdp_ingest_warn(record, "expired", "expires", cdp_json_shown(expires),
						"The row has expired: it ends what was said of the segment before.");
	cdp_ingest_add_trait(record,
						 psprintf("third_party.%s.%s", options->source, name),
						 value == NULL ? &yes : value);
	foreach(cell, record->traits)
		((CdpTraitValue *) lfirst(cell))->expires_at = expires_at;
}
