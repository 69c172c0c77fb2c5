/*
 * segment_spec.c
 *		Records as the SDKs of Segment and RudderStack send them.
 *
 * Six calls, told by "type" (or, where that is missing, by what is there):
 *
 *	track		"event" with "properties"
 *	page		event page_view, screen: event screen_view; "name" and
 *				"category" become properties
 *	identify	"traits" of the person, no event
 *	group		"groupId" becomes the trait account_id, and "traits", which
 *				are the group's, the trait account
 *	alias		"previousId" beside "userId": two ids of one person; beside one
 *				external id and no "userId" perhaps what a CRM says that merged
 *				two contacts (identifiers.c)
 *
 * Whom a record is about is looked for, whatever the call, in userId
 * (user_id), anonymousId and previousId (anonymous_id), id and advertisingId
 * of context.device (device_id; the latter unless its owner forbade tracking),
 * email and phone in traits, context.traits and properties, and in
 * externalIds: [{"type": "crm_id", "id": "..."}], at the top, in context, or
 * as RudderStack's context.externalId.  What was taken for an identifier
 * leaves the properties, so that the log itself holds no e-mail address.
 *
 * Traits (traits.c) ride in context on track calls, too, and RudderStack's
 * identify has them only there; its SDKs for phones repeat the record's ids
 * among them, which are no traits.  Locale and time zone are taken from
 * identify calls alone: on every page view they would be a write that says
 * nothing new.
 *
 * Of context nothing else is kept but the campaign: IP address, user agent
 * and screen would be personal data in every row that no question asks for.
 *
 * Time is "timestamp" if "originalTimestamp" is there as well (then a server
 * has corrected it already, or RudderStack's SDK was told when it happened),
 * else whichever is there, corrected by "sentAt".
 */
#include "postgres.h"

#include "ingest/record.h"

typedef enum CallType
{
	CALL_TRACK,
	CALL_PAGE,
	CALL_SCREEN,
	CALL_IDENTIFY,
	CALL_GROUP,
	CALL_ALIAS,
	CALL_UNKNOWN
} CallType;

static const char *const call_names[] = {
	"track", "page", "screen", "identify", "group", "alias"
};

/* Traits that repeat an id of the record, and where that stands. */
static const char *const repeated_ids[][2] = {
	{"id", "userId"},
	{"userId", "userId"},
	{"anonymousId", "anonymousId"}
};

/* Properties that hold the amount, the most telling first. */
static const char *const amount_names[] = {
	"revenue", "total", "value", "amount"
};

/* Which call is it? */
static CallType
call_type(CdpRecord *record, const JsonbValue *root)
{
	JsonbValue *type = cdp_json_member(root, "type");
	char	   *name = cdp_json_text(type);

	if (cdp_json_member(root, "batch") != NULL)
	{
		cdp_ingest_reject(record, "batch_envelope", "batch",
						  "A batch of records goes to cdp.ingest_batch().");
		return CALL_UNKNOWN;
	}
	if (type == NULL)
	{
		if (cdp_json_member(root, "event") != NULL)
			return CALL_TRACK;
		if (cdp_json_member(root, "groupId") != NULL)
			return CALL_GROUP;
		if (cdp_json_member(root, "previousId") != NULL)
			return CALL_ALIAS;
		return CALL_IDENTIFY;
	}
	for (int i = 0; name != NULL && i < lengthof(call_names); i++)
		if (pg_strcasecmp(name, call_names[i]) == 0)
			return (CallType) i;
	cdp_ingest_reject(record, "unknown_type", "type",
					  "The type of a record is track, page, screen, identify, group or alias.");
	return CALL_UNKNOWN;
}

/* An object that may be missing but not something else. */
static JsonbValue *
optional_object(CdpRecord *record, const JsonbValue *parent, const char *key,
				const char *field)
{
	JsonbValue *value = cdp_json_member(parent, key);

	if (value == NULL || value->type == jbvObject)
		return value;
	cdp_ingest_warn(record, "wrong_type", field, cdp_json_shown(value),
					"This must be a JSON object, so it was not used.");
	return NULL;
}

static void
add_contact_identifiers(CdpRecord *record, const JsonbValue *object,
						const char *email_field, const char *phone_field)
{
	if (object == NULL)
		return;
	cdp_ingest_add_identifier(record, "email",
							  cdp_json_member(object, "email"), email_field);
	cdp_ingest_add_identifier(record, "phone",
							  cdp_json_member(object, "phone"), phone_field);
}

/* [{"type": "crm_id", "id": "0031"}, ...] */
static void
add_external_ids(CdpRecord *record, const JsonbValue *ids)
{
	if (ids == NULL)
		return;
	if (ids->type != jbvArray)
	{
		cdp_ingest_warn(record, "wrong_type", "externalIds",
						cdp_json_shown(ids),
						"External ids are an array of {\"type\", \"id\"}.");
		return;
	}
	for (int i = 0; i < ids->val.array.nElems; i++)
	{
		JsonbValue *entry = &ids->val.array.elems[i];
		char	   *type = cdp_json_text(cdp_json_member(entry, "type"));

		if (type == NULL)
			cdp_ingest_warn(record, "wrong_type", "externalIds",
							cdp_json_shown(entry),
							"An external id is {\"type\", \"id\"}.");
		else
			cdp_ingest_add_identifier(record, type,
									  cdp_json_member(entry, "id"),
									  "externalIds");
	}
}

/* What a phone is known by. */
static void
add_device_ids(CdpRecord *record, const JsonbValue *context)
{
	JsonbValue *device = cdp_json_object_member(context, "device");
	JsonbValue *allowed = cdp_json_member(device, "adTrackingEnabled");

	cdp_ingest_add_identifier(record, "device_id",
							  cdp_json_member(device, "id"),
							  "context.device.id");
	if (allowed == NULL || allowed->type != jbvBool || allowed->val.boolean)
		cdp_ingest_add_identifier(record, "device_id",
								  cdp_json_member(device, "advertisingId"),
								  "context.device.advertisingId");
}

/* The type of the one external id of an alias without a userId; or NULL. */
static char *
aliased_type(CallType call, const JsonbValue *root)
{
	JsonbValue *ids = cdp_json_member(root, "externalIds");

	if (call != CALL_ALIAS || cdp_json_member(root, "previousId") == NULL ||
		cdp_json_member(root, "userId") != NULL ||
		ids == NULL || ids->type != jbvArray || ids->val.array.nElems != 1)
		return NULL;
	return cdp_json_text(cdp_json_member(&ids->val.array.elems[0], "type"));
}

/* Everything that says whom the record is about. */
static void
read_identifiers(CdpRecord *record, CallType call, const JsonbValue *root,
				 const JsonbValue *context, const JsonbValue *traits,
				 const JsonbValue *properties)
{
	record->aliased = aliased_type(call, root);
	cdp_ingest_add_identifier(record, "user_id",
							  cdp_json_member(root, "userId"), "userId");
	cdp_ingest_add_identifier(record, "anonymous_id",
							  cdp_json_member(root, "anonymousId"),
							  "anonymousId");
	cdp_ingest_add_identifier(record, "anonymous_id",
							  cdp_json_member(root, "previousId"),
							  CDP_INGEST_FORMER_ID);
	add_device_ids(record, context);
	add_contact_identifiers(record, traits, "traits.email", "traits.phone");
	add_contact_identifiers(record, cdp_json_object_member(context, "traits"),
							"context.traits.email", "context.traits.phone");
	add_contact_identifiers(record, properties, "properties.email",
							"properties.phone");
	add_external_ids(record, cdp_json_member(root, "externalIds"));
	add_external_ids(record, cdp_json_member(context, "externalIds"));
	add_external_ids(record, cdp_json_member(context, "externalId"));
}

static bool
is_same_text(const JsonbValue *one, const JsonbValue *other)
{
	char	   *text = cdp_json_text(one);
	char	   *other_text = cdp_json_text(other);

	return text != NULL && other_text != NULL &&
		strcmp(text, other_text) == 0;
}

/* Traits, less the ids that the record has outside of them, too. */
static void
read_traits(CdpRecord *record, const JsonbValue *root,
			const JsonbValue *traits)
{
	JsonbValue	kept;

	if (traits == NULL)
		return;
	kept = cdp_json_copy_object(traits, 0);
	for (int i = 0; i < lengthof(repeated_ids); i++)
		if (is_same_text(cdp_json_member(traits, repeated_ids[i][0]),
						 cdp_json_member(root, repeated_ids[i][1])))
			cdp_json_remove(&kept, repeated_ids[i][0]);
	cdp_ingest_read_traits(record, &kept);
}

/*
 * Where the person's clock is.  RudderStack's SDK for browsers has an offset
 * there, GMT+0200, which would be read with the opposite sign.
 */
static void
read_time_zone(CdpRecord *record, const JsonbValue *context)
{
	JsonbValue *zone = cdp_json_member(context, "timezone");
	char	   *text = cdp_json_text(zone);

	if (text != NULL && pg_strncasecmp(text, "GMT", 3) == 0 &&
		(text[3] == '+' || text[3] == '-'))
		return;
	cdp_ingest_add_trait(record, "time_zone", zone);
}

/* What the record says about the person. */
static void
read_all_traits(CdpRecord *record, CallType call, const JsonbValue *root,
				const JsonbValue *context, const JsonbValue *traits)
{
	JsonbValue *context_traits = optional_object(record, context, "traits",
												 "context.traits");

	read_traits(record, root, context_traits);
	if (call == CALL_GROUP)
	{
		cdp_ingest_add_trait(record, "account_id",
							 cdp_json_member(root, "groupId"));
		cdp_ingest_add_trait(record, "account", traits);
		return;
	}
	if (call == CALL_IDENTIFY)
	{
		cdp_ingest_add_trait(record, "language",
							 cdp_json_member(context, "locale"));
		read_time_zone(record, context);
	}
	read_traits(record, root, traits);
}

/* The event's properties: what was sent, less identifiers, and where from. */
static void
read_properties(CdpRecord *record, CallType call, const JsonbValue *root,
				const JsonbValue *context, const JsonbValue *properties)
{
	JsonbValue	kept = cdp_json_copy_object(properties, 3);
	JsonbValue *campaign = cdp_json_object_member(context, "campaign");

	cdp_json_remove(&kept, "email");
	cdp_json_remove(&kept, "phone");
	cdp_json_remove(&kept, CDP_INGEST_KEPT_AMOUNT);
	if (campaign != NULL && campaign->val.object.nPairs > 0)
		cdp_json_put(&kept, "campaign", campaign);
	if (call != CALL_TRACK)
	{
		JsonbValue *name = cdp_json_member(root, "name");
		JsonbValue *category = cdp_json_member(root, "category");

		if (name != NULL)
			cdp_json_put(&kept, "name", name);
		if (category != NULL)
			cdp_json_put(&kept, "category", category);
	}
	if (kept.val.object.nPairs > 0)
		record->properties = JsonbValueToJsonb(&kept);
}

/* The event of a track, page or screen call. */
static void
read_event(CdpRecord *record, CallType call, const JsonbValue *root,
		   const JsonbValue *context, const JsonbValue *properties)
{
	JsonbValue *amount = NULL;

	if (call == CALL_TRACK)
		cdp_ingest_read_event_name(record, cdp_json_member(root, "event"),
								   "event");
	else
		record->event = call == CALL_PAGE ? "page_view" : "screen_view";
	for (int i = 0; amount == NULL && i < lengthof(amount_names); i++)
	{
		amount = cdp_json_member(properties, amount_names[i]);
		cdp_ingest_read_amount(record, amount, amount_names[i]);
	}
	cdp_ingest_read_currency(record, cdp_json_member(properties, "currency"),
							 "properties.currency");
	read_properties(record, call, root, context, properties);
}

/*
 * See the top of the file.  A time that a server has corrected is as if it
 * had been sent and received at that very instant.
 */
static void
read_call_time(CdpRecord *record, const JsonbValue *root,
			   const CdpReadOptions *options)
{
	JsonbValue *time = cdp_json_member(root, "timestamp");
	JsonbValue *original = cdp_json_member(root, "originalTimestamp");

	if (time != NULL && original != NULL)
		cdp_ingest_read_time(record, time, time, time, "timestamp", options);
	else if (original != NULL)
		cdp_ingest_read_time(record, original,
							 cdp_json_member(root, "sentAt"),
							 cdp_json_member(root, "receivedAt"),
							 "originalTimestamp", options);
	else
		cdp_ingest_read_time(record, time,
							 cdp_json_member(root, "sentAt"),
							 cdp_json_member(root, "receivedAt"),
							 "timestamp", options);
}

/* Read a record of the Segment spec. */
void
cdp_ingest_read_segment(CdpRecord *record, JsonbValue *root,
						const CdpReadOptions *options)
{
	CallType	call = call_type(record, root);
	JsonbValue *context = optional_object(record, root, "context", "context");
	JsonbValue *traits = optional_object(record, root, "traits", "traits");
	JsonbValue *properties = optional_object(record, root, "properties",
											 "properties");

	if (call == CALL_UNKNOWN)
		return;
	cdp_ingest_read_message_id(record, cdp_json_member(root, "messageId"),
							   "messageId");
	read_call_time(record, root, options);
	read_identifiers(record, call, root, context,
					 call == CALL_GROUP ? NULL : traits, properties);
	read_all_traits(record, call, root, context, traits);
	if (call == CALL_TRACK || call == CALL_PAGE || call == CALL_SCREEN)
		read_event(record, call, root, context, properties);
	cdp_ingest_read_consents(record, cdp_json_member(root, "consent"),
							 options);
}
