/*
 * type.c
 *		The SQL type cdp.timeline: text and binary form, equality, header.
 *
 * The text form is a JSON array of events,
 *
 *		[[1780272000000, 1, 2, 49.99, {"1": "p-7", "3": 12}], ...]
 *
 * each its time in milliseconds since 1970-01-01 UTC, its name's id, its
 * source's id, its amount or null, and, if it has any, the values of its
 * declared properties by slot.  Input may be in any order; output is in the
 * events' order, so it round-trips.
 *
 * The binary form is the same in network byte order, not the stored bytes: a
 * client's bytes are read as a list of events and packed here, so nothing that
 * was not made by our builder is ever stored.
 */
#include "postgres.h"

#include "base/compat.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "timeline/convert.h"

#define WIRE_VERSION 1

PG_FUNCTION_INFO_V1(cdp_timeline_in);
PG_FUNCTION_INFO_V1(cdp_timeline_out);
PG_FUNCTION_INFO_V1(cdp_timeline_recv);
PG_FUNCTION_INFO_V1(cdp_timeline_send);
PG_FUNCTION_INFO_V1(cdp_timeline_eq);
PG_FUNCTION_INFO_V1(cdp_timeline_ne);
PG_FUNCTION_INFO_V1(cdp_timeline_hash);
PG_FUNCTION_INFO_V1(cdp_timeline_hash_extended);
PG_FUNCTION_INFO_V1(cdp_timeline_count);
PG_FUNCTION_INFO_V1(cdp_timeline_first);
PG_FUNCTION_INFO_V1(cdp_timeline_last);
PG_FUNCTION_INFO_V1(cdp_timeline_may_contain);

/* The text is no timeline; detail says which rule it breaks. */
static void
pg_attribute_noreturn()
report_syntax(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type cdp.timeline"),
			 errdetail("%s", detail),
			 errhint("Write [[milliseconds, name, source, amount, {\"slot\": value}], ...].")));
}

/* A JSON number that is a whole one. */
static int64
read_integer(const JsonbValue *json)
{
	Numeric		number;
	int64		result;

	if (json->type != jbvNumeric)
		report_syntax("Time, name and source of an event are numbers.");
	number = json->val.numeric;
	result = DatumGetInt64(DirectFunctionCall1(numeric_int8,
											   NumericGetDatum(number)));
	if (DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(number),
										  NumericGetDatum(int64_to_numeric(result)))) != 0)
		report_syntax("Time, name and source of an event are whole numbers.");
	return result;
}

/* The slot that a key of the object of values names. */
static int
read_slot(const JsonbValue *key)
{
	char	   *text = pnstrdup(key->val.string.val, key->val.string.len);
	int32		slot = pg_strtoint32(text);

	cdp_timeline_check_slot(slot);
	return slot;
}

/* The values of an event, from an object of slots. */
static void
read_values(const JsonbValue *json, CdpTimelineEvent *event)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	item;

	if (json->type != jbvBinary ||
		!JsonContainerIsObject(json->val.binary.data))
		report_syntax("The values of an event are an object.");
	event->values = palloc(Max(JsonContainerSize(json->val.binary.data), 1) *
						   sizeof(CdpTimelineValue));
	iterator = JsonbIteratorInit(json->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		CdpTimelineValue *value = &event->values[event->nvalues];

		if (token == WJB_KEY)
			value->slot = read_slot(&item);
		else if (token == WJB_VALUE && cdp_timeline_from_json(&item, value))
			event->nvalues++;
	}
}

/* Raise if two keys of an event name one slot ("1" and "01"). */
static void
check_slots_differ(const CdpTimelineEvent *event)
{
	bool		seen[CDP_TIMELINE_MAX_SLOT + 1] = {false};
	int			i;

	for (i = 0; i < event->nvalues; i++)
	{
		if (seen[event->values[i].slot])
			report_syntax("A slot occurs once in an event.");
		seen[event->values[i].slot] = true;
	}
}

/* One event, from an array of four or five parts. */
static void
read_event(JsonbContainer *parts, CdpTimelineEvent *event)
{
	JsonbValue *part;

	memset(event, 0, sizeof(CdpTimelineEvent));
	if (!JsonContainerIsArray(parts) || JsonContainerIsScalar(parts) ||
		(JsonContainerSize(parts) != 4 && JsonContainerSize(parts) != 5))
		report_syntax("An event is an array of four or five parts.");
	event->at_ms = read_integer(getIthJsonbValueFromContainer(parts, 0));
	cdp_timeline_check_time(event->at_ms);
	cdp_timeline_check_id("name",
						  read_integer(getIthJsonbValueFromContainer(parts, 1)));
	event->name_id = read_integer(getIthJsonbValueFromContainer(parts, 1));
	cdp_timeline_check_id("source",
						  read_integer(getIthJsonbValueFromContainer(parts, 2)));
	event->source_id = read_integer(getIthJsonbValueFromContainer(parts, 2));

	part = getIthJsonbValueFromContainer(parts, 3);
	if (part->type == jbvNumeric)
	{
		event->has_amount = true;
		event->amount = cdp_timeline_from_numeric(part->val.numeric);
	}
	else if (part->type != jbvNull)
		report_syntax("An amount is a number or null.");
	if (JsonContainerSize(parts) == 5)
		read_values(getIthJsonbValueFromContainer(parts, 4), event);
	check_slots_differ(event);
}

/* Text in. */
Datum
cdp_timeline_in(PG_FUNCTION_ARGS)
{
	Jsonb	   *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
														   PG_GETARG_DATUM(0)));
	CdpTimelineEvents *events = cdp_timeline_events(CurrentMemoryContext);
	int			i;

	if (!JB_ROOT_IS_ARRAY(jsonb) || JB_ROOT_IS_SCALAR(jsonb))
		report_syntax("A timeline is an array of events.");
	for (i = 0; i < JB_ROOT_COUNT(jsonb); i++)
	{
		JsonbValue *item = getIthJsonbValueFromContainer(&jsonb->root, i);
		CdpTimelineEvent event;

		CHECK_FOR_INTERRUPTS();
		if (item->type != jbvBinary)
			report_syntax("An event is an array of four or five parts.");
		read_event(item->val.binary.data, &event);
		cdp_timeline_gather(events, &event);
	}
	PG_RETURN_POINTER(cdp_timeline_pack_one(events));
}

/* Print the event in hand. */
static void
print_event(StringInfo buffer, CdpTimelineReader *reader)
{
	CdpTimelineEvent event;
	int			i;

	cdp_timeline_event(reader, &event);
	appendStringInfo(buffer, "[%lld, %d, %d, ", (long long) event.at_ms,
					 event.name_id, event.source_id);
	if (event.has_amount)
		appendStringInfoString(buffer,
							   numeric_normalize(cdp_timeline_to_numeric(event.amount)));
	else
		appendStringInfoString(buffer, "null");
	for (i = 0; i < event.nvalues; i++)
	{
		appendStringInfo(buffer, "%s\"%d\": ", i == 0 ? ", {" : ", ",
						 event.values[i].slot);
		cdp_timeline_print_value(buffer, &event.values[i]);
	}
	appendStringInfoString(buffer, event.nvalues > 0 ? "}]" : "]");
	if (event.values != NULL)
		pfree(event.values);
}

/* Text out. */
Datum
cdp_timeline_out(PG_FUNCTION_ARGS)
{
	struct varlena *timeline = PG_GETARG_VARLENA_PP(0);
	CdpTimelineReader reader;
	StringInfoData buffer;

	initStringInfo(&buffer);
	appendStringInfoChar(&buffer, '[');
	cdp_timeline_open(&reader, timeline);
	while (cdp_timeline_next(&reader))
	{
		if (buffer.len > 1)
			appendStringInfoString(&buffer, ", ");
		print_event(&buffer, &reader);
	}
	appendStringInfoChar(&buffer, ']');
	PG_RETURN_CSTRING(buffer.data);
}

/* The bytes are no timeline; detail says which rule they break. */
static void
pg_attribute_noreturn()
report_binary(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary form of type cdp.timeline"),
			 errdetail("%s", detail)));
}

/* Bring a received value into its one form, or refuse it. */
static void
receive_value(StringInfo message, CdpTimelineValue *value)
{
	JsonbValue	json;
	Jsonb	   *jsonb;
	char	   *text;
	int			length;
	int			kind;

	value->slot = pq_getmsgbyte(message);
	cdp_timeline_check_slot(value->slot);
	kind = pq_getmsgbyte(message);
	length = pq_getmsgint(message, 4);
	if (kind > CDP_TIMELINE_JSON || length < 0)
		report_binary("A value's kind or length is out of range.");
	text = pq_getmsgtext(message, length, &length);
	value->kind = kind;
	value->data = text;
	value->length = length;
	if (value->kind == CDP_TIMELINE_TEXT)
		return;

	/* The other kinds are JSON: parse and see that it is what it says. */
	jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											   CStringGetDatum(text)));
	if (!JsonbExtractScalar(&jsonb->root, &json))
	{
		json.type = jbvBinary;
		json.val.binary.data = &jsonb->root;
		json.val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	}
	if (!cdp_timeline_from_json(&json, value) || (int) value->kind != kind)
		report_binary("A value is not of its kind.");
}

/* One event from the wire. */
static void
receive_event(StringInfo message, CdpTimelineEvent *event)
{
	int			i;

	memset(event, 0, sizeof(CdpTimelineEvent));
	event->at_ms = pq_getmsgint64(message);
	cdp_timeline_check_time(event->at_ms);
	event->name_id = pq_getmsgint(message, 4);
	cdp_timeline_check_id("name", event->name_id);
	event->source_id = pq_getmsgint(message, 4);
	cdp_timeline_check_id("source", event->source_id);
	event->has_amount = pq_getmsgbyte(message) != 0;
	if (event->has_amount)
		event->amount = pq_getmsgint64(message);
	if (event->amount == PG_INT64_MIN)
		report_binary("An amount is out of range.");
	event->nvalues = pq_getmsgbyte(message);
	if (event->nvalues > 0)
		event->values = palloc(event->nvalues * sizeof(CdpTimelineValue));
	for (i = 0; i < event->nvalues; i++)
	{
		receive_value(message, &event->values[i]);
		if (i > 0 && event->values[i].slot <= event->values[i - 1].slot)
			report_binary("The slots of an event ascend.");
	}
}

/* Binary in. */
Datum
cdp_timeline_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	CdpTimelineEvents *events = cdp_timeline_events(CurrentMemoryContext);
	uint32		count;
	uint32		i;

	if (pq_getmsgbyte(message) != WIRE_VERSION)
		report_binary("Its version is unknown.");
	count = pq_getmsgint(message, 4);
	for (i = 0; i < count; i++)
	{
		CdpTimelineEvent event;

		CHECK_FOR_INTERRUPTS();
		receive_event(message, &event);
		cdp_timeline_gather(events, &event);
	}
	PG_RETURN_POINTER(cdp_timeline_pack_one(events));
}

/* Write a text with its length, in the client's encoding. */
static void
send_text(StringInfo message, const char *text, int length)
{
	char	   *converted = pg_server_to_client(text, length);

	if (converted != text)
		length = strlen(converted);
	pq_sendint32(message, length);
	pq_sendbytes(message, converted, length);
}

/* Write the event in hand to the wire. */
static void
send_event(StringInfo message, CdpTimelineReader *reader)
{
	CdpTimelineEvent event;
	int			i;

	cdp_timeline_event(reader, &event);
	pq_sendint64(message, event.at_ms);
	pq_sendint32(message, event.name_id);
	pq_sendint32(message, event.source_id);
	pq_sendbyte(message, event.has_amount);
	if (event.has_amount)
		pq_sendint64(message, event.amount);
	pq_sendbyte(message, event.nvalues);
	for (i = 0; i < event.nvalues; i++)
	{
		pq_sendbyte(message, event.values[i].slot);
		pq_sendbyte(message, event.values[i].kind);
		send_text(message, event.values[i].data, event.values[i].length);
	}
	if (event.values != NULL)
		pfree(event.values);
}

/* Binary out. */
Datum
cdp_timeline_send(PG_FUNCTION_ARGS)
{
	struct varlena *timeline = PG_GETARG_VARLENA_PP(0);
	CdpTimelineReader reader;
	StringInfoData message;

	pq_begintypsend(&message);
	cdp_timeline_open(&reader, timeline);
	pq_sendbyte(&message, WIRE_VERSION);
	pq_sendint32(&message, reader.header.count);
	while (cdp_timeline_next(&reader))
		send_event(&message, &reader);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* Equal events make equal bytes, so bytes are compared. */
static bool
are_equal(struct varlena *a, struct varlena *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

Datum
cdp_timeline_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(are_equal(PG_GETARG_VARLENA_PP(0),
							 PG_GETARG_VARLENA_PP(1)));
}

Datum
cdp_timeline_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!are_equal(PG_GETARG_VARLENA_PP(0),
							  PG_GETARG_VARLENA_PP(1)));
}

Datum
cdp_timeline_hash(PG_FUNCTION_ARGS)
{
	struct varlena *timeline = PG_GETARG_VARLENA_PP(0);

	return hash_any((unsigned char *) VARDATA_ANY(timeline),
					VARSIZE_ANY_EXHDR(timeline));
}

Datum
cdp_timeline_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *timeline = PG_GETARG_VARLENA_PP(0);

	return hash_any_extended((unsigned char *) VARDATA_ANY(timeline),
							 VARSIZE_ANY_EXHDR(timeline),
							 PG_GETARG_INT64(1));
}

/* How many events. */
Datum
cdp_timeline_count(PG_FUNCTION_ARGS)
{
	CdpTimelineReader reader;

	cdp_timeline_open(&reader, PG_GETARG_VARLENA_PP(0));
	PG_RETURN_INT64(reader.header.count);
}

/* When the first one was; NULL of none. */
Datum
cdp_timeline_first(PG_FUNCTION_ARGS)
{
	CdpTimelineReader reader;

	cdp_timeline_open(&reader, PG_GETARG_VARLENA_PP(0));
	if (reader.header.count == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(cdp_timeline_to_timestamp(reader.header.first_ms));
}

/* When the last one was; NULL of none. */
Datum
cdp_timeline_last(PG_FUNCTION_ARGS)
{
	CdpTimelineReader reader;

	cdp_timeline_open(&reader, PG_GETARG_VARLENA_PP(0));
	if (reader.header.count == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(cdp_timeline_to_timestamp(reader.header.last_ms));
}

/* Does an event have that name: the shape table's answer. */
Datum
cdp_timeline_may_contain(PG_FUNCTION_ARGS)
{
	CdpTimelineReader reader;

	cdp_timeline_open(&reader, PG_GETARG_VARLENA_PP(0));
	PG_RETURN_BOOL(cdp_timeline_has(&reader, PG_GETARG_INT32(1)));
}
