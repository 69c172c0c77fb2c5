/*
 * consents.c
 *		The answers about consent that ride on a record.
 *
 * "consent": [{"purpose": "marketing", "channel": "email", "state": "granted",
 *				"at": "2026-05-31T08:15:30Z", "basis": ..., "document": ...,
 *				"actor": ..., "evidence": {...}}]
 *
 * or one such object.  A state in words of forms and other systems is taken for
 * what it plainly says: true, yes and opt_in are granted, false, no and opt_out
 * denied.  Case, blanks, "-" and "_" tell no words apart, in purposes and channels
 * (consent/record.sql) neither.  Without "at" the answer was given when the
 * record says.  An answer that cannot be understood is left out with a warning:
 * no consent is safer than a guessed one.  So is an answer that a third party
 * says somebody gave: it was given to others.
 */
#include "postgres.h"

#include "ingest/record.h"

/* What senders write, without "-", "_" and blanks, and the state that it is. */
static const struct
{
	const char *word;
	const char *state;
}			words[] =
{
	{"requested", "requested"},
	{"granted", "granted"},
	{"denied", "denied"},
	{"withdrawn", "withdrawn"},
	{"expired", "expired"},
	{"objected", "objected"},
	{"true", "granted"},
	{"yes", "granted"},
	{"optin", "granted"},
	{"false", "denied"},
	{"no", "denied"},
	{"optout", "denied"},
};

/* Is it the word, in any case, and however its parts are set apart? */
static bool
is_word(const char *text, const char *word)
{
	for (; *text != '\0'; text++)
	{
		if (strchr("-_ \t\r\n", *text) != NULL)
			continue;
		if (pg_ascii_tolower((unsigned char) *text) != (unsigned char) *word)
			return false;
		word++;
	}
	return *word == '\0';
}

/* The state's own constant; NULL: not a state. */
static const char *
read_state(const JsonbValue *value)
{
	char	   *text;

	if (value != NULL && value->type == jbvBool)
		return value->val.boolean ? "granted" : "denied";
	text = cdp_json_text(value);
	for (int i = 0; text != NULL && i < lengthof(words); i++)
		if (is_word(text, words[i].word))
			return words[i].state;
	return NULL;
}

/* Warn of a part of an answer; false. */
static bool
refuse_answer(CdpRecord *record, const JsonbValue *answer, const char *key,
			  const char *field, const char *message)
{
	cdp_ingest_warn(record, "invalid_consent", field,
					cdp_json_shown(cdp_json_member(answer, key)), message);
	return false;
}

/* Does it say of what, on which way, and how it was answered? */
static bool
check_answer(CdpRecord *record, const JsonbValue *answer,
			 const CdpConsentAnswer *consent)
{
	if (consent->purpose == NULL)
		return refuse_answer(record, answer, "purpose", "consent.purpose",
							 "A consent has a purpose, in 1 to 255 bytes.");
	if (consent->channel == NULL)
		return refuse_answer(record, answer, "channel", "consent.channel",
							 "A consent has a channel, in 1 to 255 bytes.");
	if (consent->state == NULL)
		return refuse_answer(record, answer, "state", "consent.state",
							 "The state of a consent is requested, granted, denied, withdrawn, expired or objected, or a plain yes or no.");
	return true;
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
warn_of_shape(CdpRecord *record, const JsonbValue *value)
{
	cdp_ingest_warn(record, "wrong_type", "consent", cdp_json_shown(value),
					"Consent is an array of {\"purpose\", \"channel\", \"state\", \"at\"}.");
}

static void
read_answer(CdpRecord *record, const JsonbValue *answer,
			const CdpReadOptions *options)
{
	CdpConsentAnswer *consent = palloc0(sizeof(CdpConsentAnswer));
	JsonbValue *at = cdp_json_member(answer, "at");
	JsonbValue *evidence = cdp_json_member(answer, "evidence");

	if (answer->type != jbvObject)
	{
		warn_of_shape(record, answer);
		return;
	}
	consent->purpose = read_name(answer, "purpose");
	consent->channel = read_name(answer, "channel");
	consent->state = read_state(cdp_json_member(answer, "state"));
	consent->basis = read_name(answer, "basis");
	consent->document = read_name(answer, "document");
	consent->actor = read_name(answer, "actor");
	consent->at = record->occurred_at;
	if (!check_answer(record, answer, consent))
		return;
	if (at != NULL &&
		(cdp_ingest_time_of(at, options->zone, &consent->at) != CDP_TIME_OK ||
		 consent->at < CDP_INGEST_EARLIEST ||
		 consent->at > options->now + options->future_tolerance_us))
	{
		cdp_ingest_warn(record, "invalid_consent", "consent.at",
						cdp_json_shown(at),
						"This is no time between 1970 and now, so the consent was not used.");
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
	if (options->third_party)
	{
		cdp_ingest_warn(record, "third_party_consent", "consent",
						cdp_json_shown(consents),
						"A consent that a third party tells of was not given to us, so it was not used.");
		return;
	}
	if (consents->type != jbvArray)
		read_answer(record, consents, options);
	else
		for (int i = 0; i < consents->val.array.nElems; i++)
			read_answer(record, &consents->val.array.elems[i], options);
}
