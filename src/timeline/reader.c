/*
 * reader.c
 *		Read a packed timeline; pure: bytes in, events out.
 *
 * timeline.h draws the format.  Opening checks the header against the length
 * and lists columns and shapes (a handful).  Reading an event is a byte, a
 * number of bytes that it tells, and stepping over what else its shape has;
 * amounts are decoded of events that are asked for, and values are found
 * lazily, since most questions never look at one.
 *
 * Every read is checked against the end of its part, so hostile bytes cost an
 * error and nothing else.  Time is linear in the bytes, memory is the reader
 * itself and, once a value is asked for, a pointer per value.
 */
#include "postgres.h"

#include "base/compat.h"
#include "common/int.h"
#include "port/pg_bswap.h"

#include "timeline/column.h"

/* The bytes are not a timeline; rule says what is wrong with them. */
static void
pg_attribute_noreturn()
report_corrupt(const char *rule)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("corrupt timeline"),
			 errdetail_internal("%s", rule),
			 errhint("Run CALL cdp.rebuild().")));
}

/* Read a varint at *next, which moves behind it. */
static inline uint64
read_varint(const uint8 **next, const uint8 *end)
{
	const uint8 *p = *next;
	uint64		result = 0;
	int			shift;

	for (shift = 0; shift < 64 && p < end; shift += 7)
	{
		uint8		byte = *p++;

		result |= (uint64) (byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
		{
			*next = p;
			return result;
		}
	}
	report_corrupt("A number does not end.");
}

/* Move behind n varints. */
static inline const uint8 *
skip_varints(const uint8 *p, const uint8 *end, int n)
{
	for (; n > 0; n--)
	{
		const uint8 *start = p;

		while (p < end && (*p & 0x80) != 0)
			p++;
		if (p >= end || p - start > 9)
			report_corrupt("A number does not end.");
		p++;
	}
	return p;
}

/* A varint that is an id: at most INT32_MAX. */
static int32
read_id(const uint8 **next, const uint8 *end)
{
	uint64		id = read_varint(next, end);

	if (id > PG_INT32_MAX)
		report_corrupt("An id is out of range.");
	return (int32) id;
}

/* Read an entry of the shape table; returns what is behind it. */
static const uint8 *
read_shape(CdpTimelineReader *reader, const uint8 *next, const uint8 *end)
{
	CdpTimelineShape *shape = &reader->shapes[reader->nshapes];
	uint64		head;

	shape->name_id = read_id(&next, end);
	head = read_varint(&next, end);
	shape->unit = head & 3;
	if (shape->unit > CDP_TIMELINE_HUNDREDTHS ||
		head >> 3 > CDP_TIMELINE_MAX_SLOT)
		report_corrupt("A shape is malformed.");
	shape->ncolumns = head >> 3;
	shape->nvarints = shape->ncolumns + (shape->unit != CDP_TIMELINE_NO_AMOUNT);
	if ((head & 4) == 0)
		shape->source_id = read_id(&next, end);
	else if (reader->nshapes > 0)
		shape->source_id = shape[-1].source_id;
	else
		report_corrupt("The first shape has no source.");
	if (end - next < shape->ncolumns)
		report_corrupt("The shape table ends in the middle of a shape.");
	for (int i = 0; i < shape->ncolumns; i++)
		if (next[i] >= reader->ncolumns)
			report_corrupt("A shape has a column that is missing.");
	shape->columns = next;
	return next + shape->ncolumns;
}

/* Read the head; returns what is behind it. */
static const uint8 *
read_header(CdpTimelineHeader *header, const uint8 *next, const uint8 *end)
{
	uint64		numbers[6];		/* as in the drawing */

	if (next >= end)
		report_corrupt("It has no bytes.");
	if (*next != CDP_TIMELINE_VERSION)
		report_corrupt(psprintf("It is of format version %d, not %d.",
								*next, CDP_TIMELINE_VERSION));
	next++;
	for (int i = 0; i < lengthof(numbers); i++)
		numbers[i] = read_varint(&next, end);
	header->first_ms = (int64) (numbers[1] >> 1) ^ -(int64) (numbers[1] & 1);
	if (numbers[0] > PG_UINT32_MAX ||
		header->first_ms < CDP_TIMELINE_MIN_MS ||
		header->first_ms > CDP_TIMELINE_MAX_MS ||
		numbers[2] > (uint64) (CDP_TIMELINE_MAX_MS - header->first_ms))
		report_corrupt("Its number of events or times are out of range.");
	if (numbers[3] > (uint64) (end - next) ||
		numbers[4] > (uint64) (end - next) - numbers[3] ||
		numbers[5] > (uint64) (end - next) - numbers[3] - numbers[4])
		report_corrupt("Its tables are longer than itself.");
	header->count = (uint32) numbers[0];
	header->last_ms = header->first_ms + (int64) numbers[2];
	header->column_bytes = (uint32) numbers[3];
	header->shape_bytes = (uint32) numbers[4];
	header->value_bytes = (uint32) numbers[5];
	return next;
}

/* Open a timeline given by the bytes behind its varlena length word. */
void
cdp_timeline_open_bytes(CdpTimelineReader *reader, const uint8 *bytes,
						Size length)
{
	CdpTimelineHeader *header = &reader->header;
	const uint8 *next;
	const uint8 *shapes;

	reader->end = bytes + length;
	next = reader->tables = read_header(header, bytes, reader->end);
	shapes = next + header->column_bytes;
	reader->values = shapes + header->shape_bytes;
	reader->values_end = reader->values + header->value_bytes;
	for (reader->ncolumns = 0; next < shapes; reader->ncolumns++)
	{
		if (reader->ncolumns == CDP_TIMELINE_MAX_COLUMNS)
			report_corrupt("It has too many columns.");
		next = cdp_timeline_read_column(next, shapes,
										&reader->columns[reader->ncolumns]);
		if (next == NULL)
			report_corrupt("A column is malformed.");
	}
	for (reader->nshapes = 0; next < reader->values; reader->nshapes++)
	{
		if (reader->nshapes == CDP_TIMELINE_MAX_SHAPES)
			report_corrupt("It has too many shapes.");
		next = read_shape(reader, next, reader->values);
	}
	reader->next = reader->values_end;
	reader->remaining = header->count;
	reader->at_ms = header->first_ms;
	reader->context = CurrentMemoryContext;
	reader->nvalues = 0;
	reader->max_values = 0;
	reader->value_at = NULL;
}

/* Open a detoasted timeline, which must outlive the reader. */
void
cdp_timeline_open(CdpTimelineReader *reader, const struct varlena *timeline)
{
	cdp_timeline_open_bytes(reader, (const uint8 *) VARDATA_ANY(timeline),
							VARSIZE_ANY_EXHDR(timeline));
}

/* Free what reading values has allocated. */
void
cdp_timeline_close(CdpTimelineReader *reader)
{
	if (reader->value_at != NULL)
		pfree(reader->value_at);
	reader->value_at = NULL;
	reader->max_values = reader->nvalues = 0;
}

/* Is an event of that name in the timeline? */
bool
cdp_timeline_has(const CdpTimelineReader *reader, int32 name_id)
{
	for (int i = 0; i < reader->nshapes; i++)
		if (reader->shapes[i].name_id == name_id)
			return true;
	return false;
}

/* A number of that many bytes, at most seven, at *next, which moves on. */
static inline uint64
read_bytes(const uint8 **next, const uint8 *end, int length)
{
	uint64		number = 0;

	if (end - *next >= (int) sizeof(number))
	{
		memcpy(&number, *next, sizeof(number));
#ifdef WORDS_BIGENDIAN
		number = pg_bswap64(number);
#endif
		number &= (UINT64CONST(1) << (8 * length)) - 1;
	}
	else if (end - *next < length)
		report_corrupt("A time ends in its middle.");
	else
		for (int i = 0; i < length; i++)
			number |= (uint64) (*next)[i] << (8 * i);
	*next += length;
	return number;
}

/* Take the event whose varints begin there in hand. */
static inline void
take_event(CdpTimelineReader *reader, const CdpTimelineShape *shape,
		   const uint8 *varints)
{
	uint64		zigzag;

	reader->shape = shape;
	reader->has_amount = shape->unit != CDP_TIMELINE_NO_AMOUNT;
	reader->amount = 0;
	if (reader->has_amount)
	{
		zigzag = read_varint(&varints, reader->end);
		reader->amount = (int64) (zigzag >> 1) ^ -(int64) (zigzag & 1);
		if (shape->unit == CDP_TIMELINE_HUNDREDTHS &&
			pg_mul_s64_overflow(reader->amount, 100, &reader->amount))
			report_corrupt("An amount is out of range.");
	}
	reader->told = varints;
}

/* The number of the shape of the event at *next, which moves to its time. */
static inline int
read_shape_number(const CdpTimelineReader *reader, const uint8 **next,
				  int *time_length)
{
	int			number;

	if (*next >= reader->end)
		report_corrupt("It has fewer events than its header says.");
	number = **next & CDP_TIMELINE_ESCAPE;
	*time_length = *(*next)++ >> 5;
	if (number == CDP_TIMELINE_ESCAPE && *next < reader->end)
		number += *(*next)++;
	if (number >= reader->nshapes)
		report_corrupt("An event has no shape.");
	return number;
}

/* Go to the next event; from_ms is NULL if all are wanted. */
static inline bool
go_to_next(CdpTimelineReader *reader, const int64 *from_ms)
{
	const uint8 *next = reader->next;
	const uint8 *end = reader->end;
	uint32		remaining = reader->remaining;
	int64		at_ms = reader->at_ms;

	while (remaining > 0)
	{
		const uint8 *varints;
		uint64		delta;
		int			length;
		int			number = read_shape_number(reader, &next, &length);

		delta = read_bytes(&next, end, length);
		if (delta > (uint64) reader->header.last_ms - (uint64) at_ms)
			report_corrupt("An event is later than the last one.");
		at_ms += delta;
		varints = next;
		next = skip_varints(next, end, reader->shapes[number].nvarints);
		if (--remaining == 0 &&
			(next != end || at_ms != reader->header.last_ms))
			report_corrupt("Its events and its header disagree.");
		if (from_ms == NULL || at_ms >= from_ms[number])
		{
			reader->next = next;
			reader->remaining = remaining;
			reader->at_ms = at_ms;
			take_event(reader, &reader->shapes[number], varints);
			return true;
		}
	}
	reader->remaining = 0;
	return false;
}

/* Go to the next event; false when there is none. */
bool
cdp_timeline_next(CdpTimelineReader *reader)
{
	return go_to_next(reader, NULL);
}

/* The same, passing over what is too early for its shape; see timeline.h. */
bool
cdp_timeline_next_from(CdpTimelineReader *reader, const int64 *from_ms)
{
	return go_to_next(reader, from_ms);
}

/* Make room for one more entry of value_at. */
static void
grow_value_at(CdpTimelineReader *reader)
{
	if (reader->nvalues < reader->max_values)
		return;
	reader->max_values = reader->max_values == 0 ? 32 : reader->max_values * 2;
	if (reader->value_at == NULL)
		reader->value_at = MemoryContextAlloc(reader->context,
											  reader->max_values * sizeof(uint8 *));
	else
		reader->value_at = repalloc(reader->value_at,
									reader->max_values * sizeof(uint8 *));
}

/* Read an entry of the value table; returns what is behind it. */
static const uint8 *
read_value(const CdpTimelineReader *reader, const uint8 *next,
		   CdpTimelineValue *value)
{
	uint64		head = read_varint(&next, reader->values_end);

	if ((head >> 2) > (uint64) (reader->values_end - next))
		report_corrupt("A value is longer than its table.");
	value->kind = (CdpTimelineKind) (head & 3);
	value->length = (uint32) (head >> 2);
	value->data = (const char *) next;
	return next + value->length;
}

/* Look up a value by its number, finding entries up to it on the way. */
void
cdp_timeline_value_at(CdpTimelineReader *reader, int number,
					  CdpTimelineValue *value)
{
	const uint8 *next = reader->values;

	if (number < (int64) reader->nvalues)
	{
		read_value(reader, reader->value_at[number], value);
		return;
	}
	if (reader->nvalues > 0)
		next = read_value(reader, reader->value_at[reader->nvalues - 1], value);
	while (number >= (int64) reader->nvalues)
	{
		if (next >= reader->values_end)
			report_corrupt("A value is missing.");
		grow_value_at(reader);
		reader->value_at[reader->nvalues++] = next;
		next = read_value(reader, next, value);
	}
}

/*
 * The value of a column that the varint at *next tells, which moves on; the
 * room is for the text of one that is not listed.
 */
static void
read_told(CdpTimelineReader *reader, const CdpTimelineColumn *column,
		  const uint8 **next, char *room, CdpTimelineValue *value)
{
	int32		told = read_id(next, reader->end);

	value->slot = column->slot;
	if (column->coding == CDP_TIMELINE_LISTED)
		cdp_timeline_value_at(reader, told, value);
	else if (told <= CDP_TIMELINE_MAX_TOLD)
		cdp_timeline_print_told(column, told, room, value);
	else
		report_corrupt("A whole number is out of range.");
}

/* The value of a slot of the event in hand; false if it has none. */
bool
cdp_timeline_value(CdpTimelineReader *reader, int slot,
				   CdpTimelineValue *value)
{
	const CdpTimelineShape *shape = reader->shape;

	for (int i = 0; i < shape->ncolumns; i++)
	{
		const CdpTimelineColumn *column = &reader->columns[shape->columns[i]];
		const uint8 *next;

		if (column->slot != slot)
			continue;
		next = skip_varints(reader->told, reader->end, i);
		read_told(reader, column, &next,
				  column->coding == CDP_TIMELINE_LISTED ? NULL :
				  palloc(column->prefix_length + CDP_TIMELINE_MAX_DIGITS),
				  value);
		return true;
	}
	return false;
}

/* The event in hand as a whole. */
void
cdp_timeline_event(CdpTimelineReader *reader, CdpTimelineEvent *event)
{
	const CdpTimelineShape *shape = reader->shape;
	const uint8 *next = reader->told;
	int			nvalues = shape->ncolumns;
	char	   *room;

	event->at_ms = reader->at_ms;
	event->name_id = shape->name_id;
	event->source_id = shape->source_id;
	event->has_amount = reader->has_amount;
	event->amount = reader->amount;
	event->nvalues = nvalues;
	event->values = NULL;
	if (nvalues == 0)
		return;
	event->values = palloc(nvalues * (sizeof(CdpTimelineValue) +
									  CDP_TIMELINE_MAX_TEXT));
	room = (char *) (event->values + nvalues);
	for (int i = 0; i < nvalues; i++)
		read_told(reader, &reader->columns[shape->columns[i]], &next,
				  room + i * CDP_TIMELINE_MAX_TEXT, &event->values[i]);
}

/* A number's text as ten-thousandths, if it is one exactly. */
bool
cdp_timeline_exact_number(const CdpTimelineValue *value,
						  int64 *ten_thousandths)
{
	const char *p = value->data;
	const char *end = p + value->length;
	bool		negative = p < end && *p == '-';
	int			decimals = -1;	/* -1 until the point */
	int64		result = 0;

	if (value->kind != CDP_TIMELINE_NUMBER || p + negative >= end)
		return false;
	for (p += negative; p < end; p++)
	{
		if (*p == '.' && decimals < 0)
		{
			decimals = 0;
			continue;
		}
		if (*p < '0' || *p > '9' || (decimals >= 0 && ++decimals > 4) ||
			pg_mul_s64_overflow(result, 10, &result) ||
			pg_sub_s64_overflow(result, *p - '0', &result))
			return false;
	}
	for (decimals = Max(decimals, 0); decimals < 4; decimals++)
	{
		if (pg_mul_s64_overflow(result, 10, &result))
			return false;
	}
	if (!negative && pg_mul_s64_overflow(result, -1, &result))
		return false;
	*ten_thousandths = result;
	return true;
}
