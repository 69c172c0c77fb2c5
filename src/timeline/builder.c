/*
 * builder.c
 *		Pack events into a timeline; pure: events in, bytes out.
 *
 * A builder holds the three parts of a timeline (timeline.h) as growing
 * buffers, the shapes as a list and the values as a hash table of offsets into
 * their part.  An event is added optimistically; if the timeline is then over
 * the limit everything goes back to where it was, so a chunk ends before the
 * event and the next one begins with it.  That undo is exact because entries
 * leave the hash table in the opposite order to which they came.
 *
 * resume takes the parts over as they are: the tables are read once to fill
 * the list and the hash table, the events are copied.
 */
#include "postgres.h"

#include "base/compat.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"

#include "timeline/timeline.h"

struct CdpTimelineBuilder
{
	Size		limit;			/* of the finished datum; 0: none */
	CdpTimelineHeader header;
	StringInfoData shapes;		/* the shape table */
	StringInfoData values;		/* the value table */
	StringInfoData events;
	uint32		nvalues;
	uint32		max_values;
	uint32	   *value_at;		/* offset of each value in its table */
	uint32		nbuckets;		/* a power of two, at least 2 * nvalues */
	uint32	   *buckets;		/* value number + 1, or 0 */
	int32		shape_at[CDP_TIMELINE_MAX_SHAPES + 1];	/* offsets */
	int			last_shape;		/* the shape of the last event */
};

/* Where a builder was before an event. */
typedef struct Mark
{
	CdpTimelineHeader header;
	int			shapes_length;
	int			values_length;
	int			events_length;
	uint32		nvalues;
} Mark;

static int
write_varint(uint8 *to, uint64 number)
{
	int			n = 0;

	while (number >= 0x80)
	{
		to[n++] = (uint8) (number | 0x80);
		number >>= 7;
	}
	to[n++] = (uint8) number;
	return n;
}

static void
append_varint(StringInfo buffer, uint64 number)
{
	uint8		bytes[10];
	int			n = write_varint(bytes, number);

	appendBinaryStringInfo(buffer, (const char *) bytes, n);
}

/* Make a builder empty, keeping its memory. */
static void
reset_builder(CdpTimelineBuilder *builder)
{
	memset(&builder->header, 0, sizeof(CdpTimelineHeader));
	builder->header.version = CDP_TIMELINE_VERSION;
	resetStringInfo(&builder->shapes);
	resetStringInfo(&builder->values);
	resetStringInfo(&builder->events);
	builder->nvalues = 0;
	builder->last_shape = -1;
	memset(builder->buckets, 0, builder->nbuckets * sizeof(uint32));
}

/* A new, empty builder. */
CdpTimelineBuilder *
cdp_timeline_builder(Size limit)
{
	CdpTimelineBuilder *builder = palloc0(sizeof(CdpTimelineBuilder));

	builder->limit = limit;
	initStringInfo(&builder->shapes);
	initStringInfo(&builder->values);
	initStringInfo(&builder->events);
	builder->max_values = 64;
	builder->value_at = palloc(builder->max_values * sizeof(uint32));
	builder->nbuckets = 128;
	builder->buckets = palloc(builder->nbuckets * sizeof(uint32));
	reset_builder(builder);
	return builder;
}

/* How many events have been added since the last finish. */
uint32
cdp_timeline_builder_count(const CdpTimelineBuilder *builder)
{
	return builder->header.count;
}

/* The bucket of a value's bytes (varint head included): its own or empty. */
static uint32 *
find_bucket(CdpTimelineBuilder *builder, const char *bytes, uint32 length)
{
	uint32		mask = builder->nbuckets - 1;
	uint32		i = hash_bytes((const unsigned char *) bytes, length) & mask;

	for (;; i = (i + 1) & mask)
	{
		uint32	   *bucket = &builder->buckets[i];
		uint32		start,
					end;

		if (*bucket == 0)
			return bucket;
		start = builder->value_at[*bucket - 1];
		end = *bucket == builder->nvalues ? (uint32) builder->values.len :
			builder->value_at[*bucket];
		if (end - start == length &&
			memcmp(builder->values.data + start, bytes, length) == 0)
			return bucket;
	}
}

/* Where the value of that number ends. */
static uint32
value_end(const CdpTimelineBuilder *builder, uint32 number)
{
	return number + 1 == builder->nvalues ? (uint32) builder->values.len :
		builder->value_at[number + 1];
}

/* Double the room for values and hash them again, in order. */
static void
grow_values(CdpTimelineBuilder *builder)
{
	uint32		nvalues = builder->nvalues;
	uint32		values_length = (uint32) builder->values.len;
	uint32		i;

	builder->max_values *= 2;
	builder->value_at = repalloc_huge(builder->value_at,
									  builder->max_values * sizeof(uint32));
	pfree(builder->buckets);
	builder->nbuckets *= 2;
	builder->buckets = palloc_extended(builder->nbuckets * sizeof(uint32),
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < nvalues; i++)
	{
		uint32		start = builder->value_at[i];
		uint32		end = i + 1 == nvalues ? values_length :
			builder->value_at[i + 1];

		*find_bucket(builder, builder->values.data + start, end - start) = i + 1;
	}
}

/* The number of a value whose bytes stand at the end of the table. */
static uint32
intern_last_value(CdpTimelineBuilder *builder, uint32 start)
{
	uint32		length = (uint32) builder->values.len - start;
	uint32	   *bucket;

	if (builder->nvalues == builder->max_values)
	{
		builder->values.len = start;
		grow_values(builder);
		builder->values.len = start + length;
	}

	/* The table without the bytes, or the last value would seem longer. */
	builder->values.len = start;
	bucket = find_bucket(builder, builder->values.data + start, length);
	if (*bucket != 0)
		return *bucket - 1;
	builder->values.len = start + length;
	builder->value_at[builder->nvalues] = start;
	*bucket = ++builder->nvalues;
	return builder->nvalues - 1;
}

/* The number of a value, which is added if it is new. */
static uint32
intern_value(CdpTimelineBuilder *builder, const CdpTimelineValue *value)
{
	uint32		start = (uint32) builder->values.len;

	append_varint(&builder->values,
				  (uint64) value->length << 2 | (uint64) value->kind);
	appendBinaryStringInfo(&builder->values, value->data, value->length);
	return intern_last_value(builder, start);
}

/* The unit in which an event's amount is written. */
static CdpTimelineUnit
choose_unit(const CdpTimelineEvent *event)
{
	if (!event->has_amount)
		return CDP_TIMELINE_NO_AMOUNT;
	return event->amount % 100 == 0 ? CDP_TIMELINE_HUNDREDTHS :
		CDP_TIMELINE_TEN_THOUSANDTHS;
}

/* Write the shape of an event; returns its length. */
static int
write_shape(uint8 *to, const CdpTimelineEvent *event)
{
	int			n = write_varint(to, (uint32) event->name_id);
	int			i;

	n += write_varint(to + n, (uint32) event->source_id);
	to[n++] = (uint8) choose_unit(event);
	to[n++] = (uint8) event->nvalues;
	for (i = 0; i < event->nvalues; i++)
		to[n++] = (uint8) event->values[i].slot;
	return n;
}

/* Is that shape, written, the one of that number? */
static bool
is_shape(const CdpTimelineBuilder *builder, int number,
		 const uint8 *shape, int length)
{
	int			start = builder->shape_at[number];

	return builder->shape_at[number + 1] - start == length &&
		memcmp(builder->shapes.data + start, shape, length) == 0;
}

/* The number of an event's shape, added if new; -1 if there is no room. */
static int
intern_shape(CdpTimelineBuilder *builder, const CdpTimelineEvent *event)
{
	uint8		shape[2 * 10 + 2 + CDP_TIMELINE_MAX_SLOT];
	int			length = write_shape(shape, event);
	int			i;

	if (builder->last_shape >= 0 &&
		is_shape(builder, builder->last_shape, shape, length))
		return builder->last_shape;
	for (i = 0; i < builder->header.shapes; i++)
	{
		if (is_shape(builder, i, shape, length))
			return i;
	}
	if (i == CDP_TIMELINE_MAX_SHAPES)
		return -1;
	builder->shape_at[i] = builder->shapes.len;
	appendBinaryStringInfo(&builder->shapes, (const char *) shape, length);
	builder->shape_at[i + 1] = builder->shapes.len;
	builder->header.shapes++;
	return i;
}

/* Write an event behind the others; false if it needs one shape too many. */
static bool
append_event(CdpTimelineBuilder *builder, const CdpTimelineEvent *event)
{
	CdpTimelineHeader *header = &builder->header;
	int64		amount = event->amount;
	int			shape = intern_shape(builder, event);
	int			i;

	if (shape < 0)
		return false;
	if (header->count == 0)
		header->first_ms = header->last_ms = event->at_ms;
	Assert(event->at_ms >= header->last_ms);
	append_varint(&builder->events,
				  (uint64) event->at_ms - (uint64) header->last_ms);
	appendStringInfoCharMacro(&builder->events, (char) shape);
	if (event->has_amount)
	{
		if (choose_unit(event) == CDP_TIMELINE_HUNDREDTHS)
			amount /= 100;
		append_varint(&builder->events,
					  ((uint64) amount << 1) ^ (uint64) (amount >> 63));
	}
	for (i = 0; i < event->nvalues; i++)
		append_varint(&builder->events,
					  intern_value(builder, &event->values[i]));
	header->last_ms = event->at_ms;
	header->name_mask |= UINT64CONST(1) << ((uint32) event->name_id & 63);
	header->count++;
	builder->last_shape = shape;
	return true;
}

/* The size of the datum as it would be finished now. */
static Size
builder_size(const CdpTimelineBuilder *builder)
{
	return VARHDRSZ + sizeof(CdpTimelineHeader) +
		(Size) builder->shapes.len + (Size) builder->values.len +
		(Size) builder->events.len;
}

/* Take back whatever was added since the mark. */
static void
undo_event(CdpTimelineBuilder *builder, const Mark *mark)
{
	while (builder->nvalues > mark->nvalues)
	{
		uint32		last = builder->nvalues - 1;
		uint32		start = builder->value_at[last];
		uint32		length = value_end(builder, last) - start;

		*find_bucket(builder, builder->values.data + start, length) = 0;
		builder->nvalues = last;
		builder->values.len = start;
	}
	builder->header = mark->header;
	builder->shapes.len = mark->shapes_length;
	builder->values.len = mark->values_length;
	builder->events.len = mark->events_length;
}

/* Add an event that is not before the last one; see timeline.h. */
bool
cdp_timeline_add(CdpTimelineBuilder *builder, const CdpTimelineEvent *event)
{
	int			last_shape = builder->last_shape;
	Mark		mark = {
		builder->header, builder->shapes.len, builder->values.len,
		builder->events.len, builder->nvalues
	};

	if (append_event(builder, event) &&
		(builder->limit == 0 || mark.header.count == 0 ||
		 builder_size(builder) <= builder->limit))
		return true;
	undo_event(builder, &mark);
	builder->last_shape = last_shape;
	if (builder->limit == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many kinds of events for one timeline"),
				 errdetail("A timeline has at most %d combinations of name, source and properties.",
						   CDP_TIMELINE_MAX_SHAPES)));
	return false;
}

/* Start an empty builder from a timeline, without decoding its events. */
void
cdp_timeline_resume(CdpTimelineBuilder *builder,
					const struct varlena *timeline)
{
	CdpTimelineReader reader;
	const uint8 *events;
	int			i;

	reset_builder(builder);
	cdp_timeline_open(&reader, timeline);
	builder->header = reader.header;
	appendBinaryStringInfo(&builder->shapes,
						   (const char *) reader.values - reader.header.shape_bytes,
						   reader.header.shape_bytes);
	for (i = 0; i < reader.header.shapes; i++)
	{
		const CdpTimelineShape *shape = &reader.shapes[i];

		builder->shape_at[i + 1] = reader.header.shape_bytes -
			(reader.values - (shape->slots + shape->nslots));
	}
	while (builder->values.len < reader.header.value_bytes)
	{
		CdpTimelineValue value;
		uint32		nvalues = builder->nvalues;

		cdp_timeline_value_at(&reader, (int) nvalues, &value);
		if (intern_value(builder, &value) != nvalues)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("corrupt timeline"),
					 errdetail("A value stands in its table twice."),
					 errhint("Run CALL cdp.rebuild().")));
	}
	events = reader.values_end;
	appendBinaryStringInfo(&builder->events, (const char *) events,
						   reader.end - events);
	cdp_timeline_close(&reader);
}

/* The finished timeline; the builder is empty again. */
struct varlena *
cdp_timeline_finish(CdpTimelineBuilder *builder)
{
	Size		size = builder_size(builder);
	struct varlena *result = palloc(size);
	char	   *to = VARDATA(result);

	SET_VARSIZE(result, size);
	builder->header.shape_bytes = builder->shapes.len;
	builder->header.value_bytes = builder->values.len;
	memcpy(to, &builder->header, sizeof(CdpTimelineHeader));
	to += sizeof(CdpTimelineHeader);
	memcpy(to, builder->shapes.data, builder->shapes.len);
	to += builder->shapes.len;
	memcpy(to, builder->values.data, builder->values.len);
	to += builder->values.len;
	memcpy(to, builder->events.data, builder->events.len);
	reset_builder(builder);
	return result;
}

/* Compare two values: slot, kind, bytes. */
static int
compare_values(const CdpTimelineValue *a, const CdpTimelineValue *b)
{
	int			result;

	if (a->slot != b->slot)
		return a->slot < b->slot ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	result = memcmp(a->data, b->data, Min(a->length, b->length));
	if (result != 0)
		return result;
	return a->length < b->length ? -1 : a->length > b->length;
}

/* The total order of events. */
int
cdp_timeline_compare(const CdpTimelineEvent *a, const CdpTimelineEvent *b)
{
	int			i;

	if (a->at_ms != b->at_ms)
		return a->at_ms < b->at_ms ? -1 : 1;
	if (a->name_id != b->name_id)
		return a->name_id < b->name_id ? -1 : 1;
	if (a->source_id != b->source_id)
		return a->source_id < b->source_id ? -1 : 1;
	if (a->has_amount != b->has_amount)
		return a->has_amount ? 1 : -1;
	if (a->amount != b->amount)
		return a->amount < b->amount ? -1 : 1;
	for (i = 0; i < a->nvalues && i < b->nvalues; i++)
	{
		int			result = compare_values(&a->values[i], &b->values[i]);

		if (result != 0)
			return result;
	}
	return a->nvalues < b->nvalues ? -1 : a->nvalues > b->nvalues;
}
