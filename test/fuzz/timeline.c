/*
 * timeline.c
 *		Fuzz reading, building and merging timelines without a server.
 *
 * The first byte of the input chooses.  Even: the rest is taken for a
 * timeline's bytes; whatever they are, reading stays inside them (the
 * sanitizers see to that) or raises, and what can be read can be packed again.
 * Odd: the rest makes events; packed together, packed in two parts and merged,
 * or appended one by one, they become the same chunks, which read as the same
 * events.
 *
 *	test/fuzz/run.sh timeline [seconds]
 */
#include "postgres.h"

#include <setjmp.h>

#include "miscadmin.h"

#include "timeline/timeline.h"

#include "fuzz.h"

#define MAX_EVENTS 200

volatile sig_atomic_t InterruptPending = false;
MemoryContext CurrentMemoryContext = NULL;
static jmp_buf raised;

/* Raising goes back to the harness; what was allocated is left. */
bool
errstart(int elevel, const char *domain)
{
	longjmp(raised, 1);
}

bool
errstart_cold(int elevel, const char *domain)
{
	longjmp(raised, 1);
}

void
ProcessInterrupts(void)
{
}

void *
repalloc_huge(void *pointer, Size size)
{
	return repalloc(pointer, size);
}

/* Read everything there is to read, and pack it again. */
static void
read_bytes(const uint8 *data, size_t size)
{
	CdpTimelineReader reader;
	CdpTimelineBuilder *builder = cdp_timeline_builder(CDP_TIMELINE_CHUNK);
	CdpTimelineEvent event;

	cdp_timeline_open_bytes(&reader, data, size);
	while (cdp_timeline_next(&reader))
	{
		cdp_timeline_event(&reader, &event);
		if (!cdp_timeline_add(builder, &event))
		{
			cdp_timeline_finish(builder);
			fuzz_insist(cdp_timeline_add(builder, &event),
						"the first event of a chunk fits");
		}
	}
	cdp_timeline_finish(builder);
}

/* Take a timeline over without decoding it, and finish it. */
static void
resume_bytes(const uint8 *data, size_t size)
{
	struct varlena *timeline = palloc(VARHDRSZ + size);
	CdpTimelineBuilder *builder = cdp_timeline_builder(0);

	SET_VARSIZE(timeline, VARHDRSZ + size);
	memcpy(VARDATA(timeline), data, size);
	cdp_timeline_resume(builder, timeline);
	cdp_timeline_finish(builder);
}

/* An event of eight bytes; few distinct ones, so that ties occur. */
static void
make_event(const uint8 *data, CdpTimelineEvent *event)
{
	static const char text[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	memset(event, 0, sizeof(CdpTimelineEvent));
	event->at_ms = (int64) (int8) data[0] * (data[1] % 4 == 0 ? INT64CONST(1) << 40 : 1);
	event->name_id = data[1] * (data[2] % 2 == 0 ? 1 : 1000003);
	event->source_id = data[2] % 3;
	event->has_amount = data[3] % 2 == 0;
	if (event->has_amount)
		event->amount = (int64) (int8) data[4] *
			(data[3] % 8 == 0 ? PG_INT64_MAX / 128 : 50);
	event->nvalues = data[5] % 4;
	event->values = palloc(4 * sizeof(CdpTimelineValue));
	for (int i = 0; i < event->nvalues; i++)
	{
		event->values[i].slot = 1 + i * (1 + data[6] % 80);
		event->values[i].kind = data[6 + i % 2] % 4;
		event->values[i].data = text + data[7] % 30;
		event->values[i].length = data[6] % 6;
	}
}

static int
compare_events(const void *a, const void *b)
{
	return cdp_timeline_compare(a, b);
}

/* Sort and pack events. */
static struct varlena **
pack_events(const CdpTimelineEvent *events, int count, int *nchunks)
{
	CdpTimelineEvent sorted[MAX_EVENTS];
	struct varlena **chunks = palloc((count + 1) * sizeof(struct varlena *));
	CdpTimelineBuilder *builder = cdp_timeline_builder(CDP_TIMELINE_CHUNK);

	memcpy(sorted, events, count * sizeof(CdpTimelineEvent));
	qsort(sorted, count, sizeof(CdpTimelineEvent), compare_events);
	*nchunks = 0;
	for (int i = 0; i < count; i++)
	{
		if (cdp_timeline_add(builder, &sorted[i]))
			continue;
		chunks[(*nchunks)++] = cdp_timeline_finish(builder);
		fuzz_insist(cdp_timeline_add(builder, &sorted[i]),
					"the first event of a chunk fits");
	}
	if (count > 0)
		chunks[(*nchunks)++] = cdp_timeline_finish(builder);
	return chunks;
}

static void
insist_equal(struct varlena **a, int na, struct varlena **b, int nb)
{
	fuzz_insist(na == nb, "the same number of chunks");
	for (int i = 0; i < na; i++)
		fuzz_insist(VARSIZE(a[i]) == VARSIZE(b[i]) &&
					memcmp(a[i], b[i], VARSIZE(a[i])) == 0,
					"the same bytes");
}

/* Pack events in three ways. */
static void
pack_bytes(const uint8 *data, size_t size)
{
	CdpTimelineEvent events[MAX_EVENTS];
	struct varlena *parts[2 * MAX_EVENTS + 2];
	struct varlena **whole;
	struct varlena **some;
	int			count = Min(size / 8, MAX_EVENTS);
	int			nwhole;
	int			nsome;
	int			nparts = 0;

	for (int i = 0; i < count; i++)
		make_event(data + 8 * i, &events[i]);
	whole = pack_events(events, count, &nwhole);

	for (int half = 0; half < 2; half++)
	{
		int			from = half * (count / 2);
		int			n = half == 0 ? count / 2 : count - count / 2;

		some = pack_events(events + from, n, &nsome);
		memcpy(parts + nparts, some, nsome * sizeof(struct varlena *));
		nparts += nsome;
	}
	some = cdp_timeline_merge(parts, nparts, CDP_TIMELINE_CHUNK, &nsome);
	insist_equal(whole, nwhole, some, nsome);

	nparts = 0;
	for (int i = 0; i < count; i++)
	{
		some = pack_events(&events[i], 1, &nsome);
		parts[nparts++] = some[0];
		some = cdp_timeline_merge(parts, nparts, CDP_TIMELINE_CHUNK, &nparts);
		memcpy(parts, some, nparts * sizeof(struct varlena *));
	}
	insist_equal(whole, nwhole, parts, nparts);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	if (size == 0)
		return 0;
	if (setjmp(raised) == 0)
	{
		if (data[0] % 2 == 1)
			pack_bytes(data + 1, size - 1);
		else if (data[0] % 4 == 0)
			read_bytes(data + 1, size - 1);
		else
			resume_bytes(data + 1, size - 1);
	}
	return 0;
}
