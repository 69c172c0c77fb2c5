/*
 * record.c
 *		The text of one record to a CdpRecord, never raising on bad data.
 *
 * A text passes through three doors, and leaves with either a reject (reason
 * code, field, rule) or whatever of it can be used plus warnings:
 *
 *	1. size, then json.c: is it a JSON object at all;
 *	2. the form of the record: a source's own mapping (mapping.c), a row of a
 *	   third-party source (third_party.c), or the Segment spec
 *	   (segment_spec.c);
 *	3. what every form must come to: an identifier, and something to say.
 *
 * This file has the first and last door and the readers of single fields that
 * the forms share, so that a rule about a field has one place and one message.
 * A time decides where an event stands, so a bad one rejects the record;
 * other bad fields cost themselves only.
 *
 * Memory: the tree lives in the scratch context, reset here; everything that
 * the CdpRecord points to is in the caller's.
 */
#include "postgres.h"

#include <ctype.h>

#include "datatype/timestamp.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "ingest/record.h"
#include "norm/norm.h"

/* The first reason stays. */
void
cdp_ingest_reject(CdpRecord *record, const char *reason, const char *field,
				  const char *message)
{
	if (record->reject.reason != NULL)
		return;
	record->reject.reason = reason;
	record->reject.field = field;
	record->reject.message = message;
}

/* A copy, cut to a length at which one can still see what it was. */
static const char *
excerpt(const char *value)
{
	static const char dots[] = "...";
	int			len;

	if (value == NULL)
		return NULL;
	len = strlen(value);
	if (len <= CDP_INGEST_MAX_EXCERPT)
		return pstrdup(value);
	len = pg_mbcliplen(value, len, CDP_INGEST_MAX_EXCERPT - strlen(dots));
	return psprintf("%.*s%s", len, value, dots);
}

/* value: what stands in the field, or as much of it as is known; or NULL. */
void
cdp_ingest_warn(CdpRecord *record, const char *reason, const char *field,
				const char *value, const char *message)
{
	CdpWarning *warning = palloc(sizeof(CdpWarning));

	warning->reason = reason;
	warning->field = field;
	warning->value = excerpt(value);
	warning->message = message;
	record->warnings = lappend(record->warnings, warning);
}

/* An identifier as sent; empty text is as good as none. */
void
cdp_ingest_add_identifier(CdpRecord *record, const char *type,
						  const JsonbValue *value, const char *field)
{
	CdpRawIdentifier *identifier;
	char	   *text;

	if (cdp_json_is_absent(value))
		return;
	text = cdp_json_text(value);
	if (text == NULL)
	{
		cdp_ingest_warn(record, "wrong_type", field, cdp_json_shown(value),
						"An identifier is a string or a number.");
		return;
	}
	if (*text == '\0')
		return;
	identifier = palloc(sizeof(CdpRawIdentifier));
	identifier->type = type;
	identifier->value = text;
	identifier->len = strlen(text);
	identifier->field = field;
	record->identifiers = lappend(record->identifiers, identifier);
}

/*
 * A trait; of two of one name in a record the later call counts.  What a third
 * party says of somebody goes by a name of its own; what reaches them, an
 * address or a number, is an identifier and no trait.
 */
void
cdp_ingest_add_trait(CdpRecord *record, const char *name,
					 const JsonbValue *value)
{
	CdpTraitValue *trait = NULL;
	ListCell   *cell;

	if (cdp_json_is_absent(value))
		return;
	if (record->third_party != NULL && *name != '\0')
	{
		if (strcmp(name, "email") == 0 || strcmp(name, "phone") == 0)
			return;
		name = psprintf("third_party.%s.%s", record->third_party, name);
	}
	if (*name == '\0' || strlen(name) > CDP_INGEST_MAX_NAME)
	{
		cdp_ingest_warn(record, "invalid_name", "traits", name,
						"The name of a trait has 1 to 255 bytes.");
		return;
	}
	foreach(cell, record->traits)
		if (strcmp(((CdpTraitValue *) lfirst(cell))->name, name) == 0)
			trait = lfirst(cell);
	if (trait == NULL && list_length(record->traits) == CDP_INGEST_MAX_TRAITS)
	{
		if (!record->traits_full)
			cdp_ingest_warn(record, "too_many_traits", "traits", name,
							"A record brings at most "
							CppAsString2(CDP_INGEST_MAX_TRAITS)
							" traits; the rest was not used.");
		record->traits_full = true;
		return;
	}
	if (trait == NULL)
	{
		trait = palloc(sizeof(CdpTraitValue));
		record->traits = lappend(record->traits, trait);
	}
	trait->name = pstrdup(name);
	trait->value = JsonbValueToJsonb((JsonbValue *) value);
	trait->expires_at = DT_NOEND;
}

/* A number that is a time of long ago may be a date: 20260531 is in 1970. */
static void
warn_of_early_number(CdpRecord *record, const JsonbValue *value,
					 const char *field, TimestampTz time)
{
	/* Timestamps count from 2000. */
	if (value->type == jbvNumeric && time < 0)
		cdp_ingest_warn(record, "early_time", field, cdp_json_shown(value),
						"As a number of seconds or milliseconds since 1970 this is before 2000.");
}

/* A time that must be right; false: the record is rejected, or it is absent. */
static bool
read_time_field(CdpRecord *record, const JsonbValue *value, const char *field,
				const CdpReadOptions *options, TimestampTz *result)
{
	if (cdp_json_is_absent(value))
		return false;
	switch (cdp_ingest_time_of(value, options->zone, result))
	{
		case CDP_TIME_OK:
			warn_of_early_number(record, value, field, *result);
			return true;
		case CDP_TIME_INVALID:
			cdp_ingest_reject(record, "invalid_time", field,
							  "A time is ISO 8601, such as 2026-05-31T08:15:30Z, or a number of seconds or milliseconds since 1970.");
			return false;
		case CDP_TIME_ABSURD:
			cdp_ingest_reject(record, "time_out_of_range", field,
							  "A time lies between 1970 and now.");
			return false;
	}
	return false;
}

/* A time that only helps; bad ones are warned of and ignored. */
static bool
read_helper_time(CdpRecord *record, const JsonbValue *value, const char *field,
				 const CdpReadOptions *options, TimestampTz *result)
{
	if (cdp_json_is_absent(value))
		return false;
	if (cdp_ingest_time_of(value, options->zone, result) == CDP_TIME_OK)
		return true;
	cdp_ingest_warn(record, "invalid_time", field, cdp_json_shown(value),
					"This is not a time, so it was not used.");
	return false;
}

/*
 * How far the sender's clock is behind ours: when it was received less when
 * the sender says it was sent.  A record out of a file was received long
 * after it was sent, so unless the collector noted when (receivedAt), only a
 * sender ahead of us is known to be wrong.
 */
static int64
clock_skew_us(CdpRecord *record, const JsonbValue *sent_at,
			  const JsonbValue *received_at, const CdpReadOptions *options)
{
	TimestampTz sent;
	TimestampTz received = options->received_at;
	bool		known = options->live;
	int64		skew_us;

	if (cdp_json_is_absent(sent_at) && options->sent_at != NULL)
	{
		if (cdp_ingest_parse_time(options->sent_at, strlen(options->sent_at),
								  options->zone, &sent) != CDP_TIME_OK)
			return 0;
	}
	else if (!read_helper_time(record, sent_at, "sentAt", options, &sent))
		return 0;
	if (read_helper_time(record, received_at, "receivedAt", options,
						 &received))
		known = true;
	skew_us = received - sent;
	if (!known && skew_us > 0)
		return 0;
	return llabs(skew_us) > options->skew_tolerance_us ? skew_us : 0;
}

static TimestampTz
cut_to_millisecond(TimestampTz time)
{
	int64		rest = time % 1000;

	return time - (rest < 0 ? rest + 1000 : rest);
}

/* When it happened: the sender's time, its clock corrected; else receipt. */
void
cdp_ingest_read_time(CdpRecord *record, const JsonbValue *time,
					 const JsonbValue *sent_at, const JsonbValue *received_at,
					 const char *field, const CdpReadOptions *options)
{
	TimestampTz occurred = options->received_at;

	record->has_time = read_time_field(record, time, field, options,
									   &occurred);
	if (record->has_time)
		occurred += clock_skew_us(record, sent_at, received_at, options);
	if (occurred < CDP_INGEST_EARLIEST)
		cdp_ingest_reject(record, "time_out_of_range", field,
						  "Times before 1970 are not accepted.");
	if (occurred > options->now + options->future_tolerance_us)
		cdp_ingest_reject(record, "time_out_of_range", field,
						  "The time lies further in the future than the setting future_tolerance allows.");
	if (options->retention_us > 0 &&
		occurred < options->now - options->retention_us)
		cdp_ingest_reject(record, "past_retention", field,
						  "The record is older than the retention of its source.");
	record->occurred_at = cut_to_millisecond(occurred);
}

/* The name of the event, in snake_case; a record cannot do without. */
void
cdp_ingest_read_event_name(CdpRecord *record, const JsonbValue *name,
						   const char *field)
{
	char	   *text = cdp_json_text(name);
	StringInfoData folded;

	if (text == NULL)
	{
		cdp_ingest_reject(record, "no_event_name", field,
						  "An event has a name, which is a string.");
		return;
	}
	initStringInfo(&folded);
	if (!cdp_norm_snake_case(text, strlen(text), &folded, NULL) ||
		folded.len == 0 || folded.len > CDP_INGEST_MAX_NAME)
	{
		cdp_ingest_reject(record, "invalid_event_name", field,
						  "The name of an event has letters or digits, and at most 255 bytes.");
		return;
	}
	record->event = folded.data;
}

/* An amount: a number, or a string that is one. */
void
cdp_ingest_read_amount(CdpRecord *record, const JsonbValue *value,
					   const char *field)
{
	char	   *text;

	if (cdp_json_is_absent(value))
		return;
	text = cdp_json_text(value);
	if (value->type == jbvNumeric)
		record->amount = DatumGetNumericCopy(NumericGetDatum(value->val.numeric));
	else if (text == NULL ||
			 !cdp_ingest_parse_number(text, strlen(text), &record->amount))
	{
		cdp_ingest_warn(record, "invalid_amount", field, cdp_json_shown(value),
						"An amount is a number with a decimal point.");
		return;
	}
	record->has_amount = true;
	record->amount_field = field;
}

/* The currency of the amount: three letters, else the amount has no meaning. */
void
cdp_ingest_read_currency(CdpRecord *record, const JsonbValue *value,
						 const char *field)
{
	char	   *text;

	if (cdp_json_is_absent(value))
		return;
	text = cdp_json_text(value);
	if (text == NULL || strlen(text) != 3 || !isalpha((unsigned char) text[0]) ||
		!isalpha((unsigned char) text[1]) || !isalpha((unsigned char) text[2]))
	{
		if (record->has_amount)
			cdp_ingest_warn(record, "invalid_currency", field,
							cdp_json_shown(value),
							"A currency is a code of three letters, so the amount was not used.");
		record->has_amount = false;
		return;
	}
	for (char *letter = text; *letter != '\0'; letter++)
		*letter = toupper((unsigned char) *letter);
	record->currency = text;
}

/* By this the sender's repeats are known. */
void
cdp_ingest_read_message_id(CdpRecord *record, const JsonbValue *value,
						   const char *field)
{
	char	   *text;

	if (cdp_json_is_absent(value))
		return;
	text = cdp_json_text(value);
	if (text == NULL)
		cdp_ingest_warn(record, "wrong_type", field, cdp_json_shown(value),
						"A message id is a string or a number.");
	else if (*text != '\0')
		record->message_id = text;
}

/* Step over the mark with which Windows programs begin a file in UTF-8. */
static void
skip_byte_order_mark(const char **text, int *len)
{
	static const char mark[] = "\xEF\xBB\xBF";
	const int	mark_len = strlen(mark);

	if (*len < mark_len || memcmp(*text, mark, mark_len) != 0)
		return;
	*text += mark_len;
	*len -= mark_len;
}

/* The tree of a text; NULL: rejected. */
static JsonbValue *
read_tree(const char *text, int len, const CdpReadOptions *options,
		  MemoryContext scratch, CdpRecord *record)
{
	MemoryContext context = CurrentMemoryContext;
	CdpReject	reject = {0};
	JsonbValue *root;
	CdpLostNumber lost = {0};

	if (len > options->max_size)
	{
		cdp_ingest_reject(record, "too_large", NULL,
						  psprintf("The record has %d bytes; the setting max_record_size allows %d.",
								   len, options->max_size));
		return NULL;
	}
	skip_byte_order_mark(&text, &len);
	MemoryContextSwitchTo(scratch);
	root = cdp_json_parse(text, len, &reject, &lost);
	MemoryContextSwitchTo(context);
	if (root == NULL)
		cdp_ingest_reject(record, reject.reason, NULL,
						  pstrdup(reject.message));
	if (lost.text != NULL)
		cdp_ingest_warn(record, "number_too_large", pstrdup(lost.field),
						lost.text,
						"A number with more than 300 digits was kept as text.");
	return root;
}

/* Read the tree in the form that its source sends. */
static void
read_form(CdpRecord *record, JsonbValue *root, const CdpReadOptions *options,
		  MemoryContext scratch)
{
	if (options->mapping == NULL && options->third_party &&
		cdp_ingest_is_third_party_row(root))
	{
		cdp_ingest_read_third_party(record, root, options);
		return;
	}
	record->third_party = options->third_party ? options->source : NULL;
	if (options->mapping != NULL)
		cdp_ingest_apply_mapping(record, root, options, scratch);
	else
		cdp_ingest_read_segment(record, root, options);
}

/* Read one record into *record, which is filled anew. */
void
cdp_ingest_read_record(const char *text, int len,
					   const CdpReadOptions *options,
					   MemoryContext scratch, CdpRecord *record)
{
	JsonbValue *root;

	memset(record, 0, sizeof(CdpRecord));
	root = read_tree(text, len, options, scratch, record);
	if (root != NULL)
	{
		read_form(record, root, options, scratch);
		if (record->message_id == NULL)
			record->canonical = JsonbValueToJsonb(root);
		if (record->identifiers == NIL)
			cdp_ingest_reject(record, "no_identifier", NULL,
							  "A record says whom it is about: userId, anonymousId, email, phone or another identifier.");
	}
	MemoryContextReset(scratch);
}
