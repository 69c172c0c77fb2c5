/*
 * merge.c
 *		Merge sorted timelines into one, cut into chunks; pure.
 *
 * A merge of two profiles, a late event and an append are the same thing: some
 * sorted streams become one.  A heap over the streams gives the next event,
 * the builder packs it, and when it does not fit the chunk is finished and
 * the next begins.  Time is n log k for n events in k timelines, memory one
 * reader each beside the result.
 *
 * The common case is an append: the first timeline ends before all others
 * begin, and fits; the builder takes it over as bytes.
 */
#include "postgres.h"

#include "base/compat.h"
#include "miscadmin.h"

#include "timeline/timeline.h"

/* A timeline being read, its next event in hand. */
typedef struct Stream
{
	CdpTimelineReader reader;
	CdpTimelineEvent event;
} Stream;

typedef struct Merge
{
	int			nstreams;		/* with events left: a heap, least first */
	Stream	  **streams;
	CdpTimelineBuilder *builder;
	int			nchunks;
	int			max_chunks;
	struct varlena **chunks;
} Merge;

/* Put the stream at position i where it belongs among those below it. */
static void
sift_down(Merge *merge, int i)
{
	for (;;)
	{
		int			least = i;
		int			child;
		Stream	   *swap;

		for (child = 2 * i + 1; child <= 2 * i + 2; child++)
		{
			if (child < merge->nstreams &&
				cdp_timeline_compare(&merge->streams[child]->event,
									 &merge->streams[least]->event) < 0)
				least = child;
		}
		if (least == i)
			return;
		swap = merge->streams[i];
		merge->streams[i] = merge->streams[least];
		merge->streams[least] = swap;
		i = least;
	}
}

/* Read the next event of a stream; false at its end. */
static bool
advance_stream(Stream *stream)
{
	if (stream->event.values != NULL)
		pfree(stream->event.values);
	stream->event.values = NULL;
	if (!cdp_timeline_next(&stream->reader))
	{
		cdp_timeline_close(&stream->reader);
		return false;
	}
	cdp_timeline_event(&stream->reader, &stream->event);
	return true;
}

/* Finish the chunk in hand. */
static void
finish_chunk(Merge *merge)
{
	if (merge->nchunks == merge->max_chunks)
	{
		merge->max_chunks *= 2;
		merge->chunks = repalloc(merge->chunks,
								 merge->max_chunks * sizeof(struct varlena *));
	}
	merge->chunks[merge->nchunks++] = cdp_timeline_finish(merge->builder);
}

/* Pack the least event of all streams. */
static void
take_event(Merge *merge)
{
	Stream	   *stream = merge->streams[0];

	if (!cdp_timeline_add(merge->builder, &stream->event))
	{
		finish_chunk(merge);
		cdp_timeline_add(merge->builder, &stream->event);
	}
	if (!advance_stream(stream))
	{
		pfree(stream);
		merge->streams[0] = merge->streams[--merge->nstreams];
	}
	sift_down(merge, 0);
}

/*
 * The timeline that can be taken over as it is, or -1: it ends before all
 * others begin and is no longer than a chunk may be.
 */
static int
find_head(struct varlena **timelines, int ntimelines, Size limit)
{
	CdpTimelineReader *reader = palloc(sizeof(CdpTimelineReader));
	CdpTimelineHeader head;
	int			result = -1;
	int			i;

	for (i = 0; i < ntimelines; i++)
	{
		cdp_timeline_open(reader, timelines[i]);
		if (reader->header.count > 0 &&
			(result < 0 || reader->header.first_ms < head.first_ms))
		{
			result = i;
			head = reader->header;
		}
	}
	for (i = 0; i < ntimelines && result >= 0; i++)
	{
		cdp_timeline_open(reader, timelines[i]);
		if (i != result && reader->header.count > 0 &&
			reader->header.first_ms <= head.last_ms)
			result = -1;
	}
	if (result >= 0 && limit > 0 &&
		VARSIZE_ANY_EXHDR(timelines[result]) + VARHDRSZ > limit)
		result = -1;
	pfree(reader);
	return result;
}

/* Open a timeline as a stream of the merge, unless it is empty. */
static void
open_stream(Merge *merge, struct varlena *timeline)
{
	Stream	   *stream = palloc(sizeof(Stream));

	cdp_timeline_open(&stream->reader, timeline);
	stream->event.values = NULL;
	if (advance_stream(stream))
		merge->streams[merge->nstreams++] = stream;
	else
		pfree(stream);
}

/* Merge timelines; see timeline.h. */
struct varlena **
cdp_timeline_merge(struct varlena **timelines, int ntimelines, Size limit,
				   int *nchunks)
{
	int			head = find_head(timelines, ntimelines, limit);
	Merge		merge = {0};
	int			i;

	merge.streams = palloc(Max(ntimelines, 1) * sizeof(Stream *));
	merge.builder = cdp_timeline_builder(limit);
	merge.max_chunks = 4;
	merge.chunks = palloc(merge.max_chunks * sizeof(struct varlena *));
	if (head >= 0)
		cdp_timeline_resume(merge.builder, timelines[head]);
	for (i = 0; i < ntimelines; i++)
	{
		if (i != head)
			open_stream(&merge, timelines[i]);
	}
	for (i = merge.nstreams / 2 - 1; i >= 0; i--)
		sift_down(&merge, i);
	while (merge.nstreams > 0)
	{
		CHECK_FOR_INTERRUPTS();
		take_event(&merge);
	}
	if (cdp_timeline_builder_count(merge.builder) > 0)
		finish_chunk(&merge);
	*nchunks = merge.nchunks;
	return merge.chunks;
}
