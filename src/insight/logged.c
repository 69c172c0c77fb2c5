/*
 * logged.c
 *		cdp._logged_products(): the products of events of the log, found by
 *		their names and times.
 *
 * A timeline knows that somebody ordered something and when; the list of what
 * was ordered is in the log.  Somebody who bought a thousand times has a
 * thousand events to look up, and as a join each costs five times its descent
 * of the tree: rows pass an Append over all months, a semi-join with the
 * profile's sets, two sorts and a function that takes lists apart.  So it is
 * done here: the events asked for are sorted by time, each partition of the log
 * is opened once, its index over name and time is probed for each, and what is
 * found is taken apart where it lies.
 *
 * An event counts if it is of one of the given sets, of the source, and has
 * the business key asked for or, where none is asked for, none.  Of several
 * with one business key, which are one, the first number counts.  What the
 * products of an event are says cdp._product_items(), in SQL; the tests compare.
 *
 * Reading is as in base/probe.c: rights are checked, the active snapshot is
 * used, nothing is written.  Cost: about three microseconds an event.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "insight/elements.h"
#include "timeline/timeline.h"

#define COLUMNS 10

/* An event to be found. */
typedef struct Asked
{
	TimestampTz at;
	text	   *name;
	int32		source_id;
	text	   *key;			/* business key; NULL: it has none */
	text	   *key_property;	/* where it would be; NULL: nowhere */
} Asked;

/* The columns of a partition: they may be in another order in each. */
typedef struct Columns
{
	AttrNumber	event_id;
	AttrNumber	source_id;
	AttrNumber	set_id;
	AttrNumber	currency;
	AttrNumber	properties;
} Columns;

typedef struct Log
{
	Relation	event;			/* cdp.event */
	Oid			index;			/* its index over name and time */
	int			nsets;
	int64	   *sets;			/* ascending */

	/* the partition that is open; NULL: none */
	int			number;
	Relation	part;
	Relation	part_index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	Columns		columns;

	ReturnSetInfo *result;
	MemoryContext context;		/* of one event */
} Log;

PG_FUNCTION_INFO_V1(cdp__logged_products);

static int
compare_ids(const void *a, const void *b)
{
	int64		one = *(const int64 *) a;
	int64		other = *(const int64 *) b;

	return (one > other) - (one < other);
}

/* Texts byte by byte, none first. */
static int
compare_texts(const text *a, const text *b)
{
	int			length;
	int			order;

	if (a == NULL || b == NULL)
		return (a != NULL) - (b != NULL);
	length = Min(VARSIZE_ANY_EXHDR(a), VARSIZE_ANY_EXHDR(b));
	order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), length);
	if (order != 0)
		return order;
	return (int) VARSIZE_ANY_EXHDR(a) - (int) VARSIZE_ANY_EXHDR(b);
}

static int
compare_asked(const void *a, const void *b)
{
	const Asked *one = a;
	const Asked *other = b;
	int			order = (one->at > other->at) - (one->at < other->at);

	if (order == 0)
		order = compare_texts(one->name, other->name);
	if (order == 0)
		order = (one->source_id > other->source_id) -
			(one->source_id < other->source_id);
	return order != 0 ? order : compare_texts(one->key, other->key);
}

/* A text that may be missing. */
static text *
get_text(Datum *elements, const bool *nulls, int i)
{
	return nulls[i] ? NULL : DatumGetTextPP(elements[i]);
}

/* The events asked for, in order, each once. */
static Asked *
get_asked(FunctionCallInfo fcinfo, int *count)
{
	int			n = -1;
	bool	   *no_key;
	bool	   *no_property;
	Datum	   *names = cdp_insight_elements(fcinfo, 1, NULL, &n);
	Datum	   *times = cdp_insight_elements(fcinfo, 2, NULL, &n);
	Datum	   *sources = cdp_insight_elements(fcinfo, 3, NULL, &n);
	Datum	   *keys = cdp_insight_elements(fcinfo, 4, &no_key, &n);
	Datum	   *properties = cdp_insight_elements(fcinfo, 5, &no_property, &n);
	Asked	   *asked = palloc(sizeof(Asked) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		asked[i].name = DatumGetTextPP(names[i]);
		asked[i].at = DatumGetTimestampTz(times[i]);
		asked[i].source_id = DatumGetInt32(sources[i]);
		asked[i].key = get_text(keys, no_key, i);
		asked[i].key_property = get_text(properties, no_property, i);
	}
	qsort(asked, n, sizeof(Asked), compare_asked);
	*count = 0;
	for (int i = 0; i < n; i++)
		if (i == 0 || compare_asked(&asked[i], &asked[i - 1]) != 0)
			asked[(*count)++] = asked[i];
	return asked;
}

static void
open_log(Log *log, FunctionCallInfo fcinfo)
{
	Oid			schema = get_namespace_oid("cdp", false);
	Oid			event = get_relname_relid("event", schema);
	Datum	   *sets;

	memset(log, 0, sizeof(Log));
	cdp_base_check_reading(event, "event");
	log->event = table_open(event, AccessShareLock);
	log->index = get_relname_relid("event_name_idx", schema);
	log->number = -1;
	log->nsets = -1;
	sets = cdp_insight_elements(fcinfo, 0, NULL, &log->nsets);
	log->sets = palloc(sizeof(int64) * Max(log->nsets, 1));
	for (int i = 0; i < log->nsets; i++)
		log->sets[i] = DatumGetInt64(sets[i]);
	qsort(log->sets, log->nsets, sizeof(int64), compare_ids);
	log->result = (ReturnSetInfo *) fcinfo->resultinfo;
	log->context = AllocSetContextCreate(CurrentMemoryContext, "cdp event",
										 ALLOCSET_SMALL_SIZES);
}

static void
close_part(Log *log)
{
	if (log->part == NULL)
		return;
	ExecDropSingleTupleTableSlot(log->slot);
	index_endscan(log->scan);
	index_close(log->part_index, NoLock);
	table_close(log->part, NoLock);
	log->part = NULL;
}

/* The number of the partition that holds a time; -1: there is none. */
static int
find_part(const Log *log, PartitionDesc parts, TimestampTz at)
{
	PartitionKey key = RelationGetPartitionKey(log->event);
	PartitionBoundInfo bounds = parts->boundinfo;
	Datum		value = TimestampTzGetDatum(at);
	bool		equal;
	int			place;
	int			number;

	place = partition_range_datum_bsearch(key->partsupfunc, key->partcollation,
										  bounds, 1, &value, &equal);
	number = bounds->indexes[place + 1];
	return number >= 0 ? number : bounds->default_index;
}

/* Open the partition that holds a time; false: there is none. */
static bool
open_part(Log *log, TimestampTz at)
{
	PartitionDesc parts = RelationGetPartitionDesc(log->event, true);
	int			number = parts->nparts > 0 ? find_part(log, parts, at) : -1;
	Oid			part;

	if (log->part != NULL && number == log->number)
		return true;
	close_part(log);
	log->number = number;
	if (number < 0)
		return false;
	part = parts->oids[number];
	log->part = table_open(part, AccessShareLock);
	log->part_index = index_open(index_get_partition(log->part, log->index),
								 AccessShareLock);
	log->scan = index_beginscan(log->part, log->part_index,
								GetActiveSnapshot(), 2, 0);
	log->slot = table_slot_create(log->part, NULL);
	log->columns.event_id = get_attnum(part, "event_id");
	log->columns.source_id = get_attnum(part, "source_id");
	log->columns.set_id = get_attnum(part, "set_id");
	log->columns.currency = get_attnum(part, "currency");
	log->columns.properties = get_attnum(part, "properties");
	return true;
}

/* Begin to look for events of a name and time. */
static void
start_scan(Log *log, const Asked *asked)
{
	ScanKeyData keys[2];

	ScanKeyEntryInitialize(&keys[0], 0, 1, BTEqualStrategyNumber, InvalidOid,
						   log->part_index->rd_indcollation[0], F_TEXTEQ,
						   PointerGetDatum(asked->name));
	ScanKeyEntryInitialize(&keys[1], 0, 2, BTEqualStrategyNumber, InvalidOid,
						   InvalidOid, F_TIMESTAMPTZ_EQ,
						   TimestampTzGetDatum(asked->at));
	index_rescan(log->scan, keys, 2, NULL, 0);
}

/* What a value says as text, as ->> has it; NULL: nothing. */
static text *
value_text(JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return cstring_to_text_with_len(value->val.string.val,
											value->val.string.len);
		case jbvNumeric:
			return cstring_to_text(DatumGetCString(
				DirectFunctionCall1(numeric_out,
									NumericGetDatum(value->val.numeric))));
		case jbvBool:
			return cstring_to_text(value->val.boolean ? "true" : "false");
		case jbvBinary:
			return cstring_to_text(JsonbToCString(NULL, value->val.binary.data,
												  value->val.binary.len));
		default:
			return NULL;
	}
}

/* What a field of an object says as text; NULL: nothing. */
static text *
field_text(JsonbContainer *object, const char *name)
{
	JsonbValue	value;

	if (!JsonContainerIsObject(object) ||
		getKeyJsonValueFromContainer(object, name, strlen(name),
									 &value) == NULL)
		return NULL;
	return value_text(&value);
}

/* What a property of an event says as text; NULL: nothing. */
static text *
property_text(JsonbContainer *properties, const text *name)
{
	JsonbValue	value;

	if (!cdp_timeline_find_property(properties, VARDATA_ANY(name),
									VARSIZE_ANY_EXHDR(name), &value))
		return NULL;
	return value_text(&value);
}

/* The properties of the event in hand; NULL: none. */
static JsonbContainer *
get_properties(const Log *log)
{
	bool		isnull;
	Datum		properties = slot_getattr(log->slot, log->columns.properties,
										  &isnull);

	return isnull ? NULL : &DatumGetJsonbP(properties)->root;
}

/* Is that one of the events asked for?  Names and times are. */
static bool
is_asked(const Log *log, const Asked *asked)
{
	TupleTableSlot *slot = log->slot;
	bool		isnull;
	int64		set_id;
	JsonbContainer *properties;
	text	   *key = NULL;

	set_id = DatumGetInt64(slot_getattr(slot, log->columns.set_id, &isnull));
	if (DatumGetInt32(slot_getattr(slot, log->columns.source_id, &isnull)) !=
		asked->source_id ||
		bsearch(&set_id, log->sets, log->nsets, sizeof(int64),
				compare_ids) == NULL)
		return false;
	if (asked->key_property != NULL &&
		(properties = get_properties(log)) != NULL)
		key = property_text(properties, asked->key_property);
	if (asked->key == NULL)
		return key == NULL || VARSIZE_ANY_EXHDR(key) == 0;
	return key != NULL && compare_texts(key, asked->key) == 0;
}

/* The products that an event lists; NULL: it has no list. */
static JsonbContainer *
find_list(JsonbContainer *properties, bool *is_array)
{
	JsonbValue	list;

	*is_array = false;
	if (!JsonContainerIsObject(properties) ||
		getKeyJsonValueFromContainer(properties, "products",
									 strlen("products"), &list) == NULL ||
		list.type != jbvBinary || !JsonContainerIsArray(list.val.binary.data))
		return NULL;
	*is_array = true;
	return JsonContainerSize(list.val.binary.data) > 0 ?
		list.val.binary.data : NULL;
}

/* Put a text into a column unless there is none. */
static void
put_text(Datum *value, bool *isnull, text *said)
{
	*isnull = said == NULL;
	*value = PointerGetDatum(said);
}

/* Put a field as it is. */
static void
put_json(Datum *value, bool *isnull, JsonbContainer *object, const char *name)
{
	JsonbValue	field;

	*isnull = !JsonContainerIsObject(object) ||
		getKeyJsonValueFromContainer(object, name, strlen(name), &field) == NULL;
	if (!*isnull)
		*value = JsonbPGetDatum(JsonbValueToJsonb(&field));
}

/* NULL for an empty text. */
static text *
not_empty(text *said)
{
	return said != NULL && VARSIZE_ANY_EXHDR(said) > 0 ? said : NULL;
}

/* The id of a product: a string or a number. */
static text *
product_id(JsonbContainer *item)
{
	JsonbValue	value;

	if (!JsonContainerIsObject(item) ||
		getKeyJsonValueFromContainer(item, "product_id", strlen("product_id"),
									 &value) == NULL ||
		(value.type != jbvString && value.type != jbvNumeric))
		return NULL;
	return not_empty(field_text(item, "product_id"));
}

/* Return a product, or a category where that is enough. */
static void
put_item(const Log *log, Datum *values, bool *nulls, JsonbContainer *item,
		 int position, bool in_list)
{
	text	   *id = product_id(item);
	text	   *category = not_empty(field_text(item, "category"));

	if (id == NULL && (category == NULL || in_list))
		return;
	values[4] = Int32GetDatum(position);
	put_text(&values[5], &nulls[5], id);
	put_text(&values[6], &nulls[6], field_text(item, "name"));
	put_text(&values[7], &nulls[7], category);
	put_json(&values[8], &nulls[8], item, "quantity");
	put_json(&values[9], &nulls[9], item, "price");
	tuplestore_putvalues(log->result->setResult, log->result->setDesc, values,
						 nulls);
}

/* Return the products of the event in hand. */
static void
put_event(const Log *log, const Asked *asked)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};
	bool		is_array;
	JsonbContainer *properties = get_properties(log);
	JsonbContainer *list;
	int			count;

	if (properties == NULL)
		return;
	list = find_list(properties, &is_array);
	values[0] = PointerGetDatum(asked->name);
	values[1] = TimestampTzGetDatum(asked->at);
	put_text(&values[2], &nulls[2], asked->key);
	values[3] = slot_getattr(log->slot, log->columns.currency, &nulls[3]);
	if (list == NULL)
	{
		put_item(log, values, nulls, properties, 1, is_array);
		return;
	}
	count = JsonContainerSize(list);
	for (int i = 0; i < count; i++)
	{
		JsonbValue *item = getIthJsonbValueFromContainer(list, i);

		if (item->type == jbvBinary)
			put_item(log, values, nulls, item->val.binary.data, i + 1, true);
	}
}

/*
 * Find one of the events asked for, and return its products.  The first of
 * those with its business key is told by its number, so all are looked at.
 */
static void
find_event(Log *log, const Asked *asked)
{
	int64		first = PG_INT64_MAX;
	HeapTuple	chosen = NULL;

	start_scan(log, asked);
	while (index_getnext_slot(log->scan, ForwardScanDirection, log->slot))
	{
		bool		isnull;
		int64		event_id;

		CHECK_FOR_INTERRUPTS();
		if (!is_asked(log, asked))
			continue;
		if (asked->key == NULL)
		{
			put_event(log, asked);
			continue;
		}
		event_id = DatumGetInt64(slot_getattr(log->slot, log->columns.event_id,
											  &isnull));
		if (event_id >= first)
			continue;
		first = event_id;
		chosen = ExecCopySlotHeapTuple(log->slot);
	}
	if (chosen == NULL)
		return;
	ExecForceStoreHeapTuple(chosen, log->slot, false);
	put_event(log, asked);
}

/* cdp._logged_products(set_ids, names, times, sources, keys, key_properties) */
Datum
cdp__logged_products(PG_FUNCTION_ARGS)
{
	Log			log;
	Asked	   *asked;
	int			count;
	MemoryContext caller = CurrentMemoryContext;

	InitMaterializedSRF(fcinfo, 0);
	open_log(&log, fcinfo);
	asked = get_asked(fcinfo, &count);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!open_part(&log, asked[i].at))
			continue;
		MemoryContextSwitchTo(log.context);
		find_event(&log, &asked[i]);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(log.context);
	}
	close_part(&log);
	table_close(log.event, NoLock);
	return (Datum) 0;
}
