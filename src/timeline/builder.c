/*
 * builder.c
 *		Pack events into a timeline; pure: events in, bytes out.
 *
 * A builder holds the four parts of a timeline (timeline.h) as growing
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

#include "timeline/column.h"

#define CDP_TIMELINE_MAX_HEADER (1 + 6 * 10)	/* version and six varints */

/* An entry of the shape table. */
typedef struct BuiltShape
{
	int32		name_id;
	int32		source_id;
	CdpTimelineUnit unit;
	int			ncolumns;
	int			columns_at;		/* offset of their numbers in the table */
} BuiltShape;

/* How the values of an event are told. */
typedef struct Told
{
	uint8		columns[CDP_TIMELINE_MAX_SLOT];
	uint32		numbers[CDP_TIMELINE_MAX_SLOT];
} Told;

struct CdpTimelineBuilder
{
	Size		limit;			/* of the finished datum; 0: none */
	CdpTimelineHeader header;
	int			nshapes;
	BuiltShape	shape[CDP_TIMELINE_MAX_SHAPES];
	StringInfoData columns;		/* the column table */
	StringInfoData shapes;		/* the shape table */
	StringInfoData values;		/* the value table */
	StringInfoData events;
	uint32		nvalues;
	uint32		max_values;
	uint32	   *value_at;		/* offset of each value in its table */
	uint32		nbuckets;		/* a power of two, at least 2 * nvalues */
	uint32	   *buckets;		/* value number + 1, or 0 */
};

/* Where a builder was before an event. */
typedef struct Mark
{
	CdpTimelineHeader header;
	int			nshapes;
	int			columns_length;
	int			shapes_length;
	int			values_length;
	int			events_length;
	uint32		nvalues;
} Mark;

/* Sign in the lowest bit, so that small numbers are short. */
static uint64
zigzag(int64 number)
{
	return ((uint64) number << 1) ^ (uint64) (number >> 63);
}

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
	builder->nshapes = 0;
	resetStringInfo(&builder->columns);
	resetStringInfo(&builder->shapes);
	resetStringInfo(&builder->values);
	resetStringInfo(&builder->events);
	builder->nvalues = 0;
	memset(builder->buckets, 0, builder->nbuckets * sizeof(uint32));
}

/* A new, empty builder. */
CdpTimelineBuilder *
cdp_timeline_builder(Size limit)
{
	CdpTimelineBuilder *builder = palloc0(sizeof(CdpTimelineBuilder));

	builder->limit = limit;
	initStringInfo(&builder->columns);
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

/* Find out how the values of an event are told; false if they have no room. */
static bool
tell_values(CdpTimelineBuilder *builder, const CdpTimelineEvent *event,
			Told *told)
{
	for (int i = 0; i < event->nvalues; i++)
	{
		bool		is_listed;
		int			column = cdp_timeline_intern_column(&builder->columns,
														&event->values[i],
														&is_listed,
														&told->numbers[i]);

		if (column < 0)
			return false;
		told->columns[i] = (uint8) column;
		if (is_listed)
			told->numbers[i] = intern_value(builder, &event->values[i]);
	}
	return true;
}

/* Does the event have that shape? */
static bool
has_shape(const CdpTimelineBuilder *builder, const BuiltShape *shape,
		  const CdpTimelineEvent *event, CdpTimelineUnit unit,
		  const uint8 *columns)
{
	return shape->name_id == event->name_id &&
		shape->source_id == event->source_id &&
		shape->unit == unit && shape->ncolumns == event->nvalues &&
		memcmp(builder->shapes.data + shape->columns_at, columns,
			   shape->ncolumns) == 0;
}

/* Add the shape of an event to the table. */
static void
add_shape(CdpTimelineBuilder *builder, const CdpTimelineEvent *event,
		  CdpTimelineUnit unit, const uint8 *columns)
{
	BuiltShape *shape = &builder->shape[builder->nshapes++];
	bool		is_same = builder->nshapes > 1 &&
	shape[-1].source_id == event->source_id;

	shape->name_id = event->name_id;
	shape->source_id = event->source_id;
	shape->unit = unit;
	shape->ncolumns = event->nvalues;
	append_varint(&builder->shapes, (uint32) event->name_id);
	append_varint(&builder->shapes,
				  (uint64) event->nvalues << 3 | (uint64) is_same << 2 | unit);
	if (!is_same)
		append_varint(&builder->shapes, (uint32) event->source_id);
	shape->columns_at = builder->shapes.len;
	appendBinaryStringInfo(&builder->shapes, (const char *) columns,
						   event->nvalues);
}

/* The number of an event's shape, added if new; -1 if there is no room. */
static int
intern_shape(CdpTimelineBuilder *builder, const CdpTimelineEvent *event,
			 const uint8 *columns)
{
	CdpTimelineUnit unit = choose_unit(event);

	for (int i = 0; i < builder->nshapes; i++)
		if (has_shape(builder, &builder->shape[i], event, unit, columns))
			return i;
	if (builder->nshapes == CDP_TIMELINE_MAX_SHAPES)
		return -1;
	add_shape(builder, event, unit, columns);
	return builder->nshapes - 1;
}

/* Write a shape's number and the time since the event before. */
static void
append_shape_and_time(StringInfo events, int shape, uint64 delta)
{
	uint8		bytes[2 + sizeof(delta)];
	int			start = shape < CDP_TIMELINE_ESCAPE ? 1 : 2;
	int			end = start;

	bytes[0] = (uint8) Min(shape, CDP_TIMELINE_ESCAPE);
	bytes[1] = (uint8) (shape - CDP_TIMELINE_ESCAPE);
	for (; delta > 0; delta >>= 8)
		bytes[end++] = (uint8) delta;
	bytes[0] |= (uint8) ((end - start) << 5);
	appendBinaryStringInfo(events, (const char *) bytes, end);
}

/* Write an event behind the others; false if a table has no room for it. */
static bool
append_event(CdpTimelineBuilder *builder, const CdpTimelineEvent *event)
{
	CdpTimelineHeader *header = &builder->header;
	Told		told;
	int			shape;
	uint64		delta;

	if (!tell_values(builder, event, &told))
		return false;
	shape = intern_shape(builder, event, told.columns);
	if (shape < 0)
		return false;
	if (header->count == 0)
		header->first_ms = header->last_ms = event->at_ms;
	delta = (uint64) event->at_ms - (uint64) header->last_ms;
	Assert(event->at_ms >= header->last_ms);
	append_shape_and_time(&builder->events, shape, delta);
	if (event->has_amount)
		append_varint(&builder->events,
					  zigzag(builder->shape[shape].unit == CDP_TIMELINE_HUNDREDTHS ?
							 event->amount / 100 : event->amount));
	for (int i = 0; i < event->nvalues; i++)
		append_varint(&builder->events, told.numbers[i]);
	header->last_ms = event->at_ms;
	header->count++;
	return true;
}

/* Write the head of the datum; returns its length. */
static int
write_header(const CdpTimelineBuilder *builder, uint8 *to)
{
	const CdpTimelineHeader *header = &builder->header;
	int			n = 0;

	to[n++] = CDP_TIMELINE_VERSION;
	n += write_varint(to + n, header->count);
	n += write_varint(to + n, zigzag(header->first_ms));
	n += write_varint(to + n, (uint64) header->last_ms - header->first_ms);
	n += write_varint(to + n, builder->columns.len);
	n += write_varint(to + n, builder->shapes.len);
	n += write_varint(to + n, builder->values.len);
	return n;
}

/* The size of the datum as it would be finished now. */
static Size
builder_size(const CdpTimelineBuilder *builder)
{
	uint8		header[CDP_TIMELINE_MAX_HEADER];

	return VARHDRSZ + write_header(builder, header) +
		(Size) builder->columns.len + (Size) builder->shapes.len +
		(Size) builder->values.len + (Size) builder->events.len;
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
	builder->nshapes = mark->nshapes;
	builder->columns.len = mark->columns_length;
	builder->shapes.len = mark->shapes_length;
	builder->values.len = mark->values_length;
	builder->events.len = mark->events_length;
}

/* Add an event that is not before the last one; see timeline.h. */
bool
cdp_timeline_add(CdpTimelineBuilder *builder, const CdpTimelineEvent *event)
{
	Mark		mark = {
		builder->header, builder->nshapes, builder->columns.len,
		builder->shapes.len, builder->values.len, builder->events.len,
		builder->nvalues
	};

	if (append_event(builder, event) &&
		(builder->limit == 0 || mark.header.count == 0 ||
		 builder_size(builder) <= builder->limit))
		return true;
	undo_event(builder, &mark);
	if (builder->limit == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many kinds of events for one timeline"),
				 errdetail("A timeline has at most %d combinations of name, source and properties, and %d columns of values.",
						   CDP_TIMELINE_MAX_SHAPES, CDP_TIMELINE_MAX_COLUMNS)));
	return false;
}

/* Start an empty builder from a timeline, without decoding its events. */
void
cdp_timeline_resume(CdpTimelineBuilder *builder,
					const struct varlena *timeline)
{
	CdpTimelineReader reader;
	const uint8 *events;

	reset_builder(builder);
	cdp_timeline_open(&reader, timeline);
	builder->header = reader.header;
	appendBinaryStringInfo(&builder->columns, (const char *) reader.tables,
						   reader.header.column_bytes);
	appendBinaryStringInfo(&builder->shapes,
						   (const char *) reader.tables + reader.header.column_bytes,
						   reader.header.shape_bytes);
	for (builder->nshapes = 0; builder->nshapes < reader.nshapes;
		 builder->nshapes++)
	{
		const CdpTimelineShape *shape = &reader.shapes[builder->nshapes];
		BuiltShape *built = &builder->shape[builder->nshapes];

		built->name_id = shape->name_id;
		built->source_id = shape->source_id;
		built->unit = shape->unit;
		built->ncolumns = shape->ncolumns;
		built->columns_at = reader.header.shape_bytes -
			(reader.values - shape->columns);
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
	to += write_header(builder, (uint8 *) to);
	memcpy(to, builder->columns.data, builder->columns.len);
	to += builder->columns.len;
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
