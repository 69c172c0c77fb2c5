/*
 * record.c
 *		Fuzz the reader of records inside a server.
 *
 * The reader stands on the server's numeric, jsonb and time zones, so the
 * fuzzer comes to the server: this file, the reader and libFuzzer are a
 * module that "postgres --single" loads, and fuzz_record() is the fuzzer's
 * main program.
 *
 * An input is a letter that chooses the form, then the text of a record:
 *
 *	0 to 3	the Segment spec; odd: just sent, 2 and 3: in an envelope
 *	4		a source of kind third_party
 *	5		a mapping of every part
 *	6		a mapping of whole objects
 *	7		a mapping that is the first line of the input
 *
 * The inbox promises valid UTF-8 without zero bytes, so other bytes are
 * replaced.  What record.h promises of any such text is checked: nothing is
 * raised; a record is rejected with a reason or keeps all limits; what is
 * jsonb is the jsonb that the server reads from its text; and reading again
 * gives the same.
 *
 *	test/fuzz/run.sh record [seconds]
 */
#include "postgres.h"

#include <sys/mman.h>

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "ingest/record.h"
#include "norm/norm.h"

#include "fuzz.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(fuzz_record);

extern int	LLVMFuzzerRunDriver(int *argc, char ***argv,
								int (*test) (const uint8 *data, size_t size));

/* 2026-06-01 12:00 UTC */
#define NOW INT64CONST(833630400000000)
#define MAX_SIZE 2000

#define TEXT_ROOM 65536
#define GUARD_SIZE 65536

static const char every_part[] =
"{\"identifiers\": {\"crm_id\": \"$.id\", \"email\": [\"$.email\", \"$.all[0]\"]},"
" \"at\": \"$.at\", \"message_id\": \"$.n\", \"event\": \"$.event\","
" \"amount\": \"$.total\", \"currency\": \"$.currency\","
" \"properties\": {\"order_id\": \"$.n\", \"a\": \"$.a.b\", \"c\": 1},"
" \"traits\": {\"first_name\": \"$.name.first\", \"x\": \"$.\\\"any name\\\"\"},"
" \"consents\": [{\"purpose\": \"$.p\", \"channel\": \"email\","
" \"state\": \"$.s\", \"at\": \"$.t\"}]}";

static const char whole_objects[] =
"{\"identifiers\": {\"user_id\": \"$.p.id\", \"email\": \"$.p.email\"},"
" \"event\": \"note\", \"properties\": \"$.p\", \"traits\": \"$.t\"}";

void
fuzz_insist(bool condition, const char *promise)
{
	if (condition)
		return;
	fprintf(stderr, "broken promise: %s\n", promise);
	abort();
}

/* A copy that ends where memory does, so that reading past it is seen. */
static char *
copy_text(const uint8 *data, size_t size)
{
	static char *room = NULL;
	char	   *text;

	if (room == NULL)
	{
		room = mmap(NULL, TEXT_ROOM + GUARD_SIZE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		fuzz_insist(room != MAP_FAILED &&
					mprotect(room + TEXT_ROOM, GUARD_SIZE, PROT_NONE) == 0,
					"there is memory");
	}
	text = room + TEXT_ROOM - size - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* What is no valid UTF-8, or a zero, becomes a question mark. */
static void
make_valid(char *text, size_t size)
{
	for (size_t i = 0; i < size;)
	{
		int			length = pg_utf_mblen((unsigned char *) text + i);

		if (text[i] == '\0' || i + length > size ||
			!pg_utf8_islegal((unsigned char *) text + i, length))
		{
			text[i] = '?';
			length = 1;
		}
		i += length;
	}
}

/* Append a jsonb as text, which must be read as the very same jsonb. */
static void
describe_jsonb(StringInfo out, Jsonb *value)
{
	char	   *text = JsonbToCString(NULL, &value->root, VARSIZE(value));
	Jsonb	   *again = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
														   CStringGetDatum(text)));

	fuzz_insist(VARSIZE(value) == VARSIZE(again) &&
				memcmp(value, again, VARSIZE(value)) == 0,
				"jsonb is what the server makes of its text");
	appendStringInfo(out, "%s\n", text);
}

static bool
is_name(const char *name)
{
	return *name != '\0' && strlen(name) <= CDP_INGEST_MAX_NAME;
}

static void
describe_identifiers(StringInfo out, const CdpRecord *record)
{
	ListCell   *cell;

	fuzz_insist(record->identifiers != NIL, "a record is about somebody");
	foreach(cell, record->identifiers)
	{
		CdpRawIdentifier *raw = lfirst(cell);

		fuzz_insist(raw->len > 0 && strlen(raw->value) == raw->len,
					"an identifier is not empty");
		appendStringInfo(out, "identifier %s %s %s\n", raw->type, raw->value,
						 raw->field);
	}
}

static void
describe_traits(StringInfo out, const CdpRecord *record)
{
	fuzz_insist(list_length(record->traits) <= CDP_INGEST_MAX_TRAITS,
				"a record has no more traits than that");
	for (int i = 0; i < list_length(record->traits); i++)
	{
		CdpTraitValue *trait = list_nth(record->traits, i);

		fuzz_insist(is_name(trait->name), "the name of a trait fits");
		for (int j = 0; j < i; j++)
			fuzz_insist(strcmp(((CdpTraitValue *) list_nth(record->traits, j))->name,
							   trait->name) != 0,
						"names of traits are distinct");
		appendStringInfo(out, "trait %s ", trait->name);
		describe_jsonb(out, trait->value);
	}
}

static void
describe_consents(StringInfo out, const CdpRecord *record)
{
	ListCell   *cell;

	foreach(cell, record->consents)
	{
		CdpConsentAnswer *consent = lfirst(cell);

		fuzz_insist(is_name(consent->purpose) && is_name(consent->channel) &&
					consent->state != NULL,
					"a consent has a purpose, a channel and a state");
		fuzz_insist(IS_VALID_TIMESTAMP(consent->at) &&
					consent->at <= NOW + USECS_PER_DAY,
					"a consent was given at a time in the past");
		appendStringInfo(out, "consent %s %s %s " INT64_FORMAT "\n",
						 consent->purpose, consent->channel, consent->state,
						 consent->at);
		if (consent->evidence != NULL)
			describe_jsonb(out, consent->evidence);
	}
}

static void
describe_amount(StringInfo out, const CdpRecord *record)
{
	Numeric		rounded;
	Numeric		again;
	bool		inexact;

	if (!record->has_amount)
		return;
	fuzz_insist(record->currency == NULL ||
				(strlen(record->currency) == 3 &&
				 strspn(record->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3),
				"a currency is three capital letters");
	appendStringInfo(out, "amount %s %s %s\n", numeric_normalize(record->amount),
					 record->amount_field,
					 record->currency ? record->currency : "");
	if (!cdp_ingest_round_amount(record->amount, &rounded, &inexact))
		return;
	fuzz_insist(cdp_ingest_round_amount(rounded, &again, &inexact) && !inexact,
				"a rounded amount is exact");
	/* what the log and the timeline make of it */
	(void) DirectFunctionCall2(numeric, NumericGetDatum(rounded),
							   Int32GetDatum(((19 << 16) | 4) + VARHDRSZ));
	(void) DirectFunctionCall1(numeric_int8,
							   DirectFunctionCall2(numeric_mul,
												   NumericGetDatum(rounded),
												   NumericGetDatum(int64_to_numeric(10000))));
}

static void
describe_event(StringInfo out, const CdpRecord *record)
{
	StringInfoData folded;

	if (record->event == NULL)
		return;
	initStringInfo(&folded);
	fuzz_insist(is_name(record->event), "the name of an event fits");
	fuzz_insist(cdp_norm_snake_case(record->event, strlen(record->event),
									&folded, NULL) &&
				strcmp(folded.data, record->event) == 0,
				"the name of an event is folded");
	appendStringInfo(out, "event %s\n", record->event);
	describe_amount(out, record);
	if (record->properties != NULL)
		describe_jsonb(out, record->properties);
}

/* A record that is to be stored. */
static void
describe_usable(StringInfo out, const CdpRecord *record)
{
	fuzz_insist(record->occurred_at >= NOW - INT64CONST(20605) * USECS_PER_DAY
				- USECS_PER_DAY / 2, "it happened after 1970 began");
	fuzz_insist(record->occurred_at <= NOW + USECS_PER_DAY,
				"it does not lie too far in the future");
	fuzz_insist(record->occurred_at % 1000 == 0, "times are in milliseconds");
	fuzz_insist((record->canonical != NULL) == (record->message_id == NULL),
				"a record is known by a message id or all it says");
	appendStringInfo(out, "at " INT64_FORMAT " %s\n", record->occurred_at,
					 record->message_id ? record->message_id : "");
	if (record->canonical != NULL)
		describe_jsonb(out, record->canonical);
	describe_identifiers(out, record);
	describe_traits(out, record);
	describe_consents(out, record);
	describe_event(out, record);
}

/* All that the record says, checked on the way. */
static char *
describe(const CdpRecord *record)
{
	StringInfoData out;
	ListCell   *cell;

	initStringInfo(&out);
	if (record->reject.reason == NULL)
		describe_usable(&out, record);
	else
	{
		fuzz_insist(record->reject.message != NULL, "a reject names the rule");
		appendStringInfo(&out, "reject %s %s %s\n", record->reject.reason,
						 record->reject.field ? record->reject.field : "",
						 record->reject.message);
	}
	foreach(cell, record->warnings)
	{
		CdpWarning *warning = lfirst(cell);

		fuzz_insist(warning->field != NULL && warning->message != NULL,
					"a warning names the field and the rule");
		fuzz_insist(warning->value == NULL ||
					strlen(warning->value) <= CDP_INGEST_MAX_EXCERPT,
					"a warning shows an excerpt");
		appendStringInfo(&out, "warning %s %s %s %s\n", warning->reason,
						 warning->field, warning->value ? warning->value : "",
						 warning->message);
	}
	return out.data;
}

/* The mapping of that text; NULL: it is none, and a problem says why. */
static CdpMapping *
make_mapping(const char *text, int len)
{
	CdpReject	problem = {0};
	CdpMapping *mapping;
	CdpLostNumber lost;
	JsonbValue *root = cdp_json_parse(text, len, &problem, &lost);

	if (root == NULL)
		return NULL;
	mapping = cdp_ingest_compile_mapping(JsonbValueToJsonb(root), &problem);
	fuzz_insist(mapping != NULL || problem.message != NULL,
				"a mapping that is refused has a problem");
	return mapping;
}

/* Read the text in the form that the letter chooses, twice. */
static void
read_twice(int form, const char *text)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "scratch",
												  ALLOCSET_DEFAULT_SIZES);
	const char *line_end = strchr(text, '\n');
	CdpRecord	once;
	CdpRecord	twice;
	CdpReadOptions options = {
		.source = "partner",.third_party = form == 4,
		.zone = pg_tzset("Europe/Berlin"),.max_size = MAX_SIZE,
		.now = NOW,.received_at = NOW,.live = form % 2 == 1,
		.future_tolerance_us = USECS_PER_DAY,
		.skew_tolerance_us = USECS_PER_MINUTE,
		.sent_at = form / 2 == 1 ? "2026-06-01T10:00:00Z" : NULL
	};

	if (form == 5)
		options.mapping = make_mapping(every_part, strlen(every_part));
	else if (form == 6)
		options.mapping = make_mapping(whole_objects, strlen(whole_objects));
	else if (form == 7 && line_end != NULL)
	{
		options.mapping = make_mapping(text, line_end - text);
		text = line_end + 1;
	}
	cdp_ingest_read_record(text, strlen(text), &options, scratch, &once);
	cdp_ingest_read_record(text, strlen(text), &options, scratch, &twice);
	fuzz_insist(strcmp(describe(&once), describe(&twice)) == 0,
				"the same text is the same record");
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext memory;
	char	   *text;

	if (size < 1 || size > TEXT_ROOM)
		return 0;
	memory = AllocSetContextCreate(outer, "fuzz", ALLOCSET_DEFAULT_SIZES);
	text = copy_text(data + 1, size - 1);
	make_valid(text, size - 1);
	MemoryContextSwitchTo(memory);
	PG_TRY();
	{
		read_twice(data[0] % 8, text);
	}
	PG_CATCH();
	{
		EmitErrorReport();
		fuzz_insist(false, "bad data raises nothing");
	}
	PG_END_TRY();
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(memory);
	return 0;
}

/* fuzz_record(arguments text): run libFuzzer, which ends the process. */
Datum
fuzz_record(PG_FUNCTION_ARGS)
{
	char	   *arguments = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	  **argv = palloc0(sizeof(char *) * 64);
	int			argc = 0;

	argv[argc++] = "record";
	for (char *word = strtok(arguments, " "); word != NULL && argc < 63;
		 word = strtok(NULL, " "))
		argv[argc++] = word;
	exit(LLVMFuzzerRunDriver(&argc, &argv, LLVMFuzzerTestOneInput));
}
