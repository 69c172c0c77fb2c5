/*
 * consents.c
 *		The answers about consent that ride on a record.
 *
 * "consent": [{"purpose": "marketing", "channel": "email", "state": "granted",
 *				"at": "2026-05-31T08:15:30Z", "basis": ..., "document": ...,
 *				"actor": ..., "evidence": {...}}]
 *
 * or one such object.  A state may be true (granted) or false (denied).
 * Without "at" the answer was given when the record says.  An answer that
 * cannot be understood is left out with a warning: no consent is safer than
 * a guessed one.
 */
#include "postgres.h"

#include "ingest/record.h"

static const char *const states[] = {
	"requested", "granted", "denied", "withdrawn", "expired", "objected"
};

/* The state's own constant; NULL: not a state. */
static const char *
read_state(const JsonbValue *value)
{
	char	   *text;

	if (value != NULL && value->type == jbvBool)
		return value->val.boolean ? "granted" : "denied";
	text = cdp_json_text(value);
	for (int i = 0; text != NULL && i < lengthof(states); i++)
		if (strcmp(text, states[i]) == 0)
			return states[i];
	return NULL;
}

/* A name of at most CDP_INGEST_MAX_NAME bytes, or NULL. */
static const char *
read_name(const JsonbValue *answer, const char *key)
{
	char	   *text = cdp_json_text(cdp_json_member(answer, key));

	if (text == NULL || *text == '\0' || strlen(text) > CDP_INGEST_MAX_NAME)
		return NULL;
	return text;
}

static void
read_answer(CdpRecord *record, const JsonbValue *answer,
			const CdpReadOptions *options)
{
	CdpConsentAnswer *consent = palloc0(sizeof(CdpConsentAnswer));
	JsonbValue *at = cdp_json_member(answer, "at");
	JsonbValue *evidence = cdp_json_member(answer, "evidence");

	consent->purpose = read_name(answer, "purpose");
	consent->channel = read_name(answer, "channel");
	consent->state = read_state(cdp_json_member(answer, "state"));
	consent->basis = read_name(answer, "basis");
	consent->document = read_name(answer, "document");
	consent->actor = read_name(answer, "actor");
	consent->at = record->occurred_at;
	if (consent->purpose == NULL || consent->channel == NULL ||
		consent->state == NULL)
	{
		cdp_ingest_warn(record, "invalid_consent", "consent",
						cdp_json_shown(answer),
						"A consent has a purpose, a channel, and a state: requested, granted, denied, withdrawn, expired or objected.");
		return;
	}
	if (at != NULL &&
		(cdp_ingest_time_of(at, options->zone, &consent->at) != CDP_TIME_OK ||
		 consent->at > options->now + options->future_tolerance_us))
	{
		cdp_ingest_warn(record, "invalid_consent", "consent.at",
						cdp_json_shown(at),
						"This is no time in the past, so the consent was not used.");
		return;
	}
	if (evidence != NULL)
		consent->evidence = JsonbValueToJsonb(evidence);
	record->consents = lappend(record->consents, consent);
}

void
cdp_ingest_read_consents(CdpRecord *record, const JsonbValue *consents,
						 const CdpReadOptions *options)
{
	if (consents == NULL)
		return;
	if (consents->type == jbvObject)
		read_answer(record, consents, options);
	else if (consents->type == jbvArray)
	{
		for (int i = 0; i < consents->val.array.nElems; i++)
			read_answer(record, &consents->val.array.elems[i], options);
	}
	else
		cdp_ingest_warn(record, "wrong_type", "consent",
						cdp_json_shown(consents),
						"Consent is an array of {\"purpose\", \"channel\", \"state\", \"at\"}.");
}
