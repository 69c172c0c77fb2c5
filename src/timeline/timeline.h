/*
 * timeline.h
 *		Front door of the timeline room: a profile's events, packed and sorted.
 *
 * A segment asks the same few things of every event (what, when, how much,
 * which product), so each profile keeps exactly these beside each other, in a
 * few bytes an event, and a hundred questions are answered in one pass over
 * a few pages.  The type is derived: the event log is the truth.
 *
 * What an event is here: name_id (cdp.event_name), source_id (cdp.source),
 * its time in milliseconds since 1970-01-01 UTC, at most one amount (int64 in
 * ten-thousandths of the store's currency) and the values of its declared
 * properties (cdp.event_property): scalars under a small number, the slot,
 * which stands for the property's name in all events.
 *
 * Events have a total order: time, name, source, amount (none first), values
 * (by slot, kind, bytes).  A timeline is sorted by it; equal events are kept
 * as often as they happened.
 *
 * The format, after the varlena length word (1 or 4 bytes):
 *
 *		byte	version, 2
 *		varint	number of events
 *		varint	time of the first event, zigzag
 *		varint	milliseconds from it to the last one
 *		varint	bytes of the column table
 *		varint	bytes of the shape table
 *		varint	bytes of the value table
 *		...		column table, shape table, value table, events
 *
 *		column	byte slot; byte 0: its values stand in the value table; 1: they
 *				are whole numbers; 2 + length of a prefix, [prefix]: they are
 *				texts, the prefix and the digits of a whole number
 *		shape	varint name_id, varint (number of columns * 8 + same * 4 + unit
 *				of the amount: 0 none, 1 ten-thousandths, 2 hundredths),
 *				[varint source_id, unless same: it is that of the shape
 *				before], the numbers of its columns, one byte each, by slot
 *		value	varint (length * 4 + kind), bytes
 *		event	byte: shape in the low five bits (31: the next byte, plus 31,
 *				is the shape), in the high three the length of what follows:
 *				milliseconds since the event before, 0 to 7 bytes, little-
 *				endian, as few as they need;
 *				[zigzag varint amount], one varint per column: the whole number,
 *				or that of an entry of the value table
 *
 * Varints are little-endian groups of seven bits.  A time is not one: gaps of
 * hours to weeks are four bytes, which their entropy comes close to, and are
 * read in one go.  An event has no length: its shape tells how many varints to
 * step over, so events of no interest cost no more than that.
 *
 * The shapes are a list of the names, so a question about others is answered
 * without looking at events.  The tables are in the order in which the events
 * first need their entries, so equal events make equal bytes, and an event
 * later than all others is appended without decoding any: its columns, shape
 * and values are looked up, missing ones are added behind the tables, and its
 * bytes go to the end.  Which values have which column, column.c tells.
 *
 * A stored timeline is cut into chunks, greedily: a chunk takes events until
 * the next would bring it over CDP_TIMELINE_CHUNK bytes, or over 255 shapes or
 * columns.  So the chunks too are a function of the events, whatever the order
 * in which they came.  A chunk of one huge event may be longer and is toasted.
 *
 * Reading never trusts the bytes: whatever they are, it stays inside them and
 * raises data_corrupted.
 */
#ifndef CDP_TIMELINE_TIMELINE_H
#define CDP_TIMELINE_TIMELINE_H

#define CDP_TIMELINE_VERSION 2
#define CDP_TIMELINE_CHUNK 1536
#define CDP_TIMELINE_MAX_SHAPES 255
#define CDP_TIMELINE_MAX_COLUMNS 255
#define CDP_TIMELINE_MAX_SLOT 255	/* slots are 1 .. 255 */
/* the server's epoch in the time of timelines */
#define CDP_TIMELINE_EPOCH_MS \
	((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * INT64CONST(86400000))
/* what a timestamp with time zone can hold */
#define CDP_TIMELINE_MIN_MS INT64CONST(-210866803200000)
#define CDP_TIMELINE_MAX_MS INT64CONST(9224318015999999)
#define CDP_TIMELINE_ESCAPE 31	/* shapes from it on take a byte more */

/* The head of a timeline, decoded. */
typedef struct CdpTimelineHeader
{
	uint32		count;			/* events */
	int64		first_ms;		/* time of the first event, 0 if none */
	int64		last_ms;		/* time of the last event, 0 if none */
	uint32		column_bytes;	/* length of the column table */
	uint32		shape_bytes;	/* length of the shape table */
	uint32		value_bytes;	/* length of the value table */
} CdpTimelineHeader;

/* What a property's value is; the bytes are its text. */
typedef enum CdpTimelineKind
{
	CDP_TIMELINE_TEXT = 0,
	CDP_TIMELINE_NUMBER = 1,	/* numeric without trailing zeros */
	CDP_TIMELINE_BOOLEAN = 2,	/* "true" or "false" */
	CDP_TIMELINE_JSON = 3		/* an array or object, as jsonb prints it */
} CdpTimelineKind;

typedef struct CdpTimelineValue
{
	int			slot;
	CdpTimelineKind kind;
	uint32		length;
	const char *data;			/* not terminated */
} CdpTimelineValue;

typedef enum CdpTimelineUnit
{
	CDP_TIMELINE_NO_AMOUNT = 0,
	CDP_TIMELINE_TEN_THOUSANDTHS = 1,
	CDP_TIMELINE_HUNDREDTHS = 2
} CdpTimelineUnit;

/* How a column tells its values; from TEXTS on with a prefix. */
typedef enum CdpTimelineCoding
{
	CDP_TIMELINE_LISTED = 0,
	CDP_TIMELINE_NUMBERS = 1,
	CDP_TIMELINE_TEXTS = 2
} CdpTimelineCoding;

/* One entry of the column table. */
typedef struct CdpTimelineColumn
{
	uint8		slot;
	uint8		coding;			/* CdpTimelineCoding + length of the prefix */
	uint8		prefix_length;
	const uint8 *prefix;
} CdpTimelineColumn;

/* One entry of the shape table: what a kind of events has in common. */
typedef struct CdpTimelineShape
{
	int32		name_id;
	int32		source_id;
	uint8		unit;			/* CdpTimelineUnit */
	uint8		ncolumns;
	uint16		nvarints;		/* of an event: its amount and values */
	const uint8 *columns;		/* their numbers, by slot */
} CdpTimelineShape;

/*
 * Reading.  Open over a detoasted datum (a packed one will do) that outlives
 * the reader, then call next until it is false:
 *
 *		cdp_timeline_open(&reader, timeline);
 *		while (cdp_timeline_next(&reader))
 *			... reader.at_ms, reader.shape->name_id, reader.amount ...
 */
typedef struct CdpTimelineReader
{
	/* the timeline: valid from open on */
	CdpTimelineHeader header;	/* count, first_ms, last_ms */
	int			ncolumns;
	CdpTimelineColumn columns[CDP_TIMELINE_MAX_COLUMNS];
	int			nshapes;
	CdpTimelineShape shapes[CDP_TIMELINE_MAX_SHAPES];

	/* the event in hand: valid after next returned true */
	int64		at_ms;
	bool		has_amount;
	int64		amount;			/* in 1/10000; 0 if it has none */
	const CdpTimelineShape *shape;	/* name_id, source_id */

	/* private */
	uint32		remaining;
	const uint8 *next;			/* the next event */
	const uint8 *end;
	const uint8 *told;			/* a varint per value of the event in hand */
	const uint8 *tables;		/* the column table, then the shape table */
	const uint8 *values;		/* the value table */
	const uint8 *values_end;
	uint32		nvalues;		/* entries found so far */
	uint32		max_values;
	const uint8 **value_at;		/* where they start; made on first use */
	MemoryContext context;		/* of open: value_at lives there */
} CdpTimelineReader;

extern void cdp_timeline_open(CdpTimelineReader *reader,
							  const struct varlena *timeline);
extern void cdp_timeline_open_bytes(CdpTimelineReader *reader,
									const uint8 *bytes, Size length);
extern bool cdp_timeline_next(CdpTimelineReader *reader);

/*
 * The same, but events before from_ms[number of their shape] are passed over:
 * PG_INT64_MAX there passes over all of that shape.
 */
extern bool cdp_timeline_next_from(CdpTimelineReader *reader,
								   const int64 *from_ms);

/* Frees what reading values has allocated; for loops in one context. */
extern void cdp_timeline_close(CdpTimelineReader *reader);

/*
 * The value of a property of the event in hand; false if it has none.  The data
 * stands in the timeline or is palloc'd.
 */
extern bool cdp_timeline_value(CdpTimelineReader *reader, int slot,
							   CdpTimelineValue *value);

/* The entry of the value table with that number; slot is left alone. */
extern void cdp_timeline_value_at(CdpTimelineReader *reader, int number,
								  CdpTimelineValue *value);

/*
 * A number as ten-thousandths; false if it is no number or does not fit
 * exactly (then its text is for numeric_in).
 */
extern bool cdp_timeline_exact_number(const CdpTimelineValue *value,
									  int64 *ten_thousandths);

/* Is an event of that name in the timeline? */
extern bool cdp_timeline_has(const CdpTimelineReader *reader, int32 name_id);

/* An event to be packed. */
typedef struct CdpTimelineEvent
{
	int64		at_ms;
	int32		name_id;		/* >= 0 */
	int32		source_id;		/* >= 0 */
	bool		has_amount;
	int64		amount;			/* in 1/10000; 0 if it has none */
	int			nvalues;
	CdpTimelineValue *values;	/* ascending slots */
} CdpTimelineEvent;

/* The total order of events. */
extern int	cdp_timeline_compare(const CdpTimelineEvent *a,
								 const CdpTimelineEvent *b);

/*
 * The event in hand, with its values; the array is palloc'd or NULL, and their
 * data stands in the timeline or behind it.
 */
extern void cdp_timeline_event(CdpTimelineReader *reader,
							   CdpTimelineEvent *event);

/*
 * Building.  Events are added in their total order; add returns false, and
 * changes nothing, when the event does not fit into limit bytes (0: none) any
 * more.  finish returns what was added as a palloc'd timeline and makes the
 * builder empty for the next chunk.  resume starts an empty builder from a
 * timeline without decoding its events.
 */
typedef struct CdpTimelineBuilder CdpTimelineBuilder;

extern CdpTimelineBuilder *cdp_timeline_builder(Size limit);
extern bool cdp_timeline_add(CdpTimelineBuilder *builder,
							 const CdpTimelineEvent *event);
extern void cdp_timeline_resume(CdpTimelineBuilder *builder,
								const struct varlena *timeline);
extern uint32 cdp_timeline_builder_count(const CdpTimelineBuilder *builder);
extern struct varlena *cdp_timeline_finish(CdpTimelineBuilder *builder);

/*
 * Merging.  Pack the events of several timelines, each sorted, into chunks of
 * at most limit bytes (0: one timeline); returns an array of *nchunks
 * palloc'd timelines.  A first timeline that ends before all others begin is
 * appended to, not decoded.
 */
extern struct varlena **cdp_timeline_merge(struct varlena **timelines,
										   int ntimelines, Size limit,
										   int *nchunks);

/*
 * A property of an event of the log, which may be inside others or a list of
 * what is in a list; false if there is none.  properties may be no object.
 */
struct JsonbContainer;
struct JsonbValue;
extern bool cdp_timeline_find_property(struct JsonbContainer *properties,
									   const char *name, int length,
									   struct JsonbValue *found);

/* A value as a jsonb value, which may point into it. */
extern void cdp_timeline_to_json(const CdpTimelineValue *value,
								 struct JsonbValue *json);

#endif							/* CDP_TIMELINE_TIMELINE_H */
