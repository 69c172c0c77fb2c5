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
 *	alias		"previousId" beside "userId": two ids of one person
 *
 * Whom a record is about is looked for, whatever the call, in userId
 * (user_id), anonymousId and previousId (anonymous_id), context.device.id
 * (device_id), email and phone in traits, context.traits and properties, and
 * in externalIds: [{"type": "crm_id", "id": "..."}], at the top, in context,
 * or as RudderStack's context.externalId.  What was taken for an identifier
 * leaves the properties, so that the log itself holds no e-mail address.
 *
 * Traits are folded to snake_case, reserved names of the spec to ours
 * (birthday: birth_date), an address is taken apart.  context.traits ride on
 * track calls, too, and RudderStack's identify has its traits only there.
 * Locale and time zone are taken from identify calls alone: on every page
 * view they would be a write that says nothing new.
 *
 * Time is "timestamp" if "originalTimestamp" is there as well (then a server
 * has corrected it already), else whichever is there, corrected by "sentAt".
 */
#include "postgres.h"

#include "ingest/record.h"
#include "norm/norm.h"

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

/* Reserved traits of the spec that we call otherwise. */
static const char *const trait_names[][2] = {
	{"birthday", "birth_date"},
	{"state", "region"},
	{"postalcode", "postal_code"},
	{"zip", "postal_code"},
	{"firstname", "first_name"},
	{"lastname", "last_name"},
	{"timezone", "time_zone"},
	{"loyalty_tier", "loyalty_level"}
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

/* Our name of a trait; NULL if it has none. */
static char *
trait_name(const JsonbPair *pair)
{
	StringInfoData folded;

	initStringInfo(&folded);
	if (!cdp_norm_snake_case(pair->key.val.string.val,
							 pair->key.val.string.len, &folded, NULL))
		return NULL;
	for (int i = 0; i < lengthof(trait_names); i++)
		if (strcmp(folded.data, trait_names[i][0]) == 0)
			return pstrdup(trait_names[i][1]);
	return folded.data;
}

/* Traits of a person: each member of the object, an address in its parts. */
void
cdp_ingest_read_traits(CdpRecord *record, const JsonbValue *traits)
{
	for (int i = 0; i < traits->val.object.nPairs; i++)
	{
		JsonbPair  *pair = &traits->val.object.pairs[i];
		char	   *name = trait_name(pair);
		JsonbValue *value = &pair->value;

		if (name == NULL)
			cdp_ingest_warn(record, "invalid_name", "traits",
							"The name of a trait has letters or digits.");
		else if (strcmp(name, "address") == 0 && value->type == jbvObject)
			cdp_ingest_read_traits(record, value);
		else if (strcmp(name, "company") == 0 && value->type == jbvObject &&
				 cdp_json_member(value, "name") != NULL)
			cdp_ingest_add_trait(record, name,
								 cdp_json_member(value, "name"));
		else
			cdp_ingest_add_trait(record, name, value);
	}
}

/* An object that may be missing but not something else. */
static JsonbValue *
optional_object(CdpRecord *record, const JsonbValue *parent, const char *key,
				const char *field)
{
	JsonbValue *value = cdp_json_member(parent, key);

	if (value == NULL || value->type == jbvObject)
		return value;
	cdp_ingest_warn(record, "wrong_type", field,
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
						"External ids are an array of {\"type\", \"id\"}.");
		return;
	}
	for (int i = 0; i < ids->val.array.nElems; i++)
	{
		JsonbValue *entry = &ids->val.array.elems[i];
		char	   *type = cdp_json_text(cdp_json_member(entry, "type"));

		if (type == NULL)
			cdp_ingest_warn(record, "wrong_type", "externalIds",
							"An external id is {\"type\", \"id\"}.");
		else
			cdp_ingest_add_identifier(record, type,
									  cdp_json_member(entry, "id"),
									  "externalIds");
	}
}

/* Everything that says whom the record is about. */
static void
read_identifiers(CdpRecord *record, const JsonbValue *root,
				 const JsonbValue *context, const JsonbValue *traits,
				 const JsonbValue *properties)
{
	cdp_ingest_add_identifier(record, "user_id",
							  cdp_json_member(root, "userId"), "userId");
	cdp_ingest_add_identifier(record, "anonymous_id",
							  cdp_json_member(root, "anonymousId"),
							  "anonymousId");
	cdp_ingest_add_identifier(record, "anonymous_id",
							  cdp_json_member(root, "previousId"),
							  "previousId");
	cdp_ingest_add_identifier(record, "device_id",
							  cdp_json_member(cdp_json_object_member(context, "device"), "id"),
							  "context.device.id");
	add_contact_identifiers(record, traits, "traits.email", "traits.phone");
	add_contact_identifiers(record, cdp_json_object_member(context, "traits"),
							"context.traits.email", "context.traits.phone");
	add_contact_identifiers(record, properties, "properties.email",
							"properties.phone");
	add_external_ids(record, cdp_json_member(root, "externalIds"));
	add_external_ids(record, cdp_json_member(context, "externalIds"));
	add_external_ids(record, cdp_json_member(context, "externalId"));
}

/* What the record says about the person. */
static void
read_all_traits(CdpRecord *record, CallType call, const JsonbValue *root,
				const JsonbValue *context, const JsonbValue *traits)
{
	JsonbValue *context_traits = optional_object(record, context, "traits",
												 "context.traits");

	if (context_traits != NULL)
		cdp_ingest_read_traits(record, context_traits);
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
		cdp_ingest_add_trait(record, "time_zone",
							 cdp_json_member(context, "timezone"));
	}
	if (traits != NULL)
		cdp_ingest_read_traits(record, traits);
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
	if (campaign != NULL)
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
	read_identifiers(record, root, context,
					 call == CALL_GROUP ? NULL : traits, properties);
	read_all_traits(record, call, root, context, traits);
	if (call == CALL_TRACK || call == CALL_PAGE || call == CALL_SCREEN)
		read_event(record, call, root, context, properties);
	cdp_ingest_read_consents(record, cdp_json_member(root, "consent"),
							 options);
}
