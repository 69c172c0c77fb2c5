/*
 * verdict_marks.c
 *		What a live profile's row says of its identifiers, for the stitcher.
 *
 * profile.watched lists the identifiers of a profile that a limit or a decision
 * "never" may count, and profile.marks tells whether it is known, whether it
 * has an identifier that never joins known profiles, and whether it is part of
 * a component that was replayed.  By them the stitcher sees, without reading a
 * profile's identifiers, that new evidence breaks no rule (stitch_groups.c).
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "identity/verdict.h"

/* What a node makes of its part. */
static uint8
marks_of(const CdpGraph *graph, const GraphNode *node)
{
	int			marks = cdp_identity_marks(node_type(graph, node));

	if (!node_links(graph, node))
		marks &= ~CDP_MARK_NEVER_JOINS;
	if ((node->flags & NODE_REPLAYED) != 0)
		marks |= CDP_MARK_REPLAYED;
	return marks;
}

/*
 * Which nodes are watched?  An end of a decision "never" is, whatever the other
 * end is: that may be outside, and found by its own profile's list.
 */
static bool *
find_watched(const CdpGraph *graph)
{
	bool	   *watched = palloc_extended(graph->nnodes + 1,
										  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int64 i = 0; i < graph->nnodes; i++)
		watched[i] = graph->nodes[i].part >= 0 &&
			cdp_identity_is_watched(node_type(graph, &graph->nodes[i]));
	for (int64 i = 0; i < graph->ndecisions; i++)
	{
		const GraphDecision *decision = &graph->decisions[i];

		if (decision->always)
			continue;
		watched[decision->a] = graph->nodes[decision->a].part >= 0;
		watched[decision->b] = graph->nodes[decision->b].part >= 0;
	}
	return watched;
}

static int
compare_ids(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return (left > right) - (left < right);
}

/* See verdict.h: a counting sort by part. */
CdpMarks
cdp_verdict_find_marks(const CdpGraph *graph)
{
	int			flags = MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO;
	int64		nnodes = graph->nnodes;
	bool	   *watched = find_watched(graph);
	int64	   *next;
	CdpMarks	marks;

	marks.marks = palloc_extended(nnodes + 1, flags);
	marks.first = palloc_extended(sizeof(int64) * (Size) (nnodes + 1), flags);
	next = palloc_extended(sizeof(int64) * (Size) (nnodes + 1), flags);
	for (int64 i = 0; i < nnodes; i++)
	{
		const GraphNode *node = &graph->nodes[i];

		if (node->part < 0)
			continue;
		marks.marks[node->part] |= marks_of(graph, node);
		next[node->part] += watched[i];
	}
	for (int64 i = 0; i < nnodes; i++)
	{
		marks.first[i + 1] = marks.first[i] + next[i];
		next[i] = marks.first[i];
	}
	marks.watched = palloc_extended(sizeof(int64) * (Size) (marks.first[nnodes] + 1),
									MCXT_ALLOC_HUGE);
	for (int64 i = 0; i < nnodes; i++)
		if (watched[i])
			marks.watched[next[graph->nodes[i].part]++] =
				graph->nodes[i].identifier_id;
	for (int64 i = 0; i < nnodes; i++)
		if (marks.first[i + 1] - marks.first[i] > 1)
			qsort(marks.watched + marks.first[i],
				  marks.first[i + 1] - marks.first[i], sizeof(int64),
				  compare_ids);
	pfree(watched);
	pfree(next);
	return marks;
}

/* See verdict.h; part -1: a profile that watches nothing. */
bool
cdp_verdict_same_marks(const CdpGraph *graph, const CdpMarks *marks,
					   const GraphProfile *profile, int32 part)
{
	int64		count = part < 0 ? 0 : marks->first[part + 1] - marks->first[part];

	if (profile->marks != (part < 0 ? 0 : marks->marks[part]) ||
		profile->nwatched != count)
		return false;
	return count == 0 ||
		memcmp(graph->watched + profile->first_watched,
			   marks->watched + marks->first[part], sizeof(int64) * count) == 0;
}

/* See verdict.h. */
const char *
cdp_verdict_print_watched(const CdpMarks *marks, int32 part)
{
	StringInfoData text;

	if (part < 0 || marks->first[part] == marks->first[part + 1])
		return "{}";
	initStringInfo(&text);
	for (int64 i = marks->first[part]; i < marks->first[part + 1]; i++)
		appendStringInfo(&text, "%c" INT64_FORMAT,
						 i == marks->first[part] ? '{' : ',', marks->watched[i]);
	appendStringInfoChar(&text, '}');
	return text.data;
}
