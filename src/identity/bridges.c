/*
 * bridges.c
 *		Links whose removal parts what they join.
 *
 * One walk, depth first (R. E. Tarjan, Information Processing Letters 2(6),
 * 1974).  enter[v] is the place of node v in the order of the walk, low[v] the
 * least place that v or any node below it reaches by a link other than the one
 * that led there.  A link down to v is a bridge if low[v] = enter[v]: nothing
 * below v leads back above it.
 *
 * The walk keeps its way in an array (via: the link that led to each node), so
 * a path of a million nodes is no deeper for the stack than one of two.
 *
 * Nodes below v are a range of the walk's order, [enter[v], leave[v]), and the
 * other side is what is left of the component's range.  So a side's size is a
 * subtraction, and whether it has anything strong a difference of running
 * sums.  Its first nodes by number come from a tree of minima over the order:
 * take the least of the ranges, split its range there, take the next.
 *
 * Example: links 0-1, 1-2, 2-0, 2-3.  The walk is 0 1 2 3, low = 0 0 0 3.
 * Only the link to 3 is a bridge: below it is range [3, 4), beside it [0, 3).
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "identity/bridges.h"

#define INTERRUPT_EVERY 0xFFFF	/* steps between looks for a cancel, a mask */

struct CdpBridges
{
	const CdpLinks *links;
	int32	   *order;			/* nodes in the order of the walk */
	int32	   *enter;			/* by node: its place in order; -1: not yet */
	int32	   *leave;			/* by node: the place after those below it */
	int32	   *via;			/* by node: the link that led there; -1: none */
	int32	   *top;			/* by node: the first node of its component */
	int32	   *known;			/* by place: nodes before it that are known, */
	int32	   *strong;			/* and that are strong */
	int32	   *least;			/* a tree of minima over order */
	int32	   *below;			/* the lower ends of bridges */
	int32		nbelow;
};

/* Some places of the walk's order, and the least node there. */
typedef struct Range
{
	int32		from;
	int32		to;				/* exclusive */
	int32		least;
} Range;

/* Bridges are rarely many sides long: two ranges, and one more a name. */
#define MAX_RANGES (CDP_BRIDGE_NAMES + 2)

static int32 *
allocate_numbers(int64 count)
{
	return MemoryContextAllocHuge(CurrentMemoryContext,
								  sizeof(int32) * (count + 1));
}

/* Walk the component of a node. */
static void
walk(CdpBridges *bridges, const CdpLinkIndex *index, int32 top, int32 *low,
	 int32 *next, int32 *entered)
{
	const CdpLinks *links = bridges->links;
	int32		node = top;
	int32		link = -1;
	uint32		steps = 0;

	for (;;)
	{
		if ((steps++ & INTERRUPT_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
		if (bridges->enter[node] < 0)
		{
			bridges->enter[node] = low[node] = *entered;
			bridges->order[(*entered)++] = node;
			bridges->via[node] = link;
			bridges->top[node] = top;
			next[node] = index->first[node];
		}
		if (next[node] < index->first[node + 1])
		{
			int32		other;

			link = index->links[next[node]++];
			other = cdp_link_other_end(links, link, node);
			if (bridges->enter[other] < 0)
				node = other;
			else if (link != bridges->via[node])
				low[node] = Min(low[node], bridges->enter[other]);
			continue;
		}
		bridges->leave[node] = *entered;
		if (node == top)
			return;
		if (low[node] == bridges->enter[node])
			bridges->below[bridges->nbelow++] = node;
		link = bridges->via[node];
		low[cdp_link_other_end(links, link, node)] =
			Min(low[cdp_link_other_end(links, link, node)], low[node]);
		node = cdp_link_other_end(links, link, node);
	}
}

/* Count the known and the strong along the walk. */
static void
sum_strengths(CdpBridges *bridges, const int32 *strengths)
{
	int32		nnodes = bridges->links->nnodes;

	bridges->known = allocate_numbers(nnodes);
	bridges->strong = allocate_numbers(nnodes);
	bridges->known[0] = bridges->strong[0] = 0;
	for (int32 i = 0; i < nnodes; i++)
	{
		int32		strength = strengths[bridges->order[i]];

		bridges->known[i + 1] = bridges->known[i] +
			(strength >= CDP_STRENGTH_KNOWN);
		bridges->strong[i + 1] = bridges->strong[i] +
			(strength >= CDP_STRENGTH_STRONG);
	}
}

/* Leaves are [nnodes, 2 nnodes), in the walk's order; 1 is the root. */
static void
build_minima(CdpBridges *bridges)
{
	int32		nnodes = bridges->links->nnodes;

	bridges->least = allocate_numbers(2 * (int64) nnodes);
	memcpy(bridges->least + nnodes, bridges->order, sizeof(int32) * (Size) nnodes);
	for (int32 i = nnodes - 1; i > 0; i--)
		bridges->least[i] = Min(bridges->least[2 * i], bridges->least[2 * i + 1]);
}

/* The least node among some places of the order; there is one. */
static int32
find_least(const CdpBridges *bridges, int32 from, int32 to)
{
	int32		least = PG_INT32_MAX;
	int64		left = (int64) from + bridges->links->nnodes;
	int64		right = (int64) to + bridges->links->nnodes;

	for (; left < right; left /= 2, right /= 2)
	{
		if (left & 1)
		{
			least = Min(least, bridges->least[left]);
			left++;
		}
		if (right & 1)
		{
			right--;
			least = Min(least, bridges->least[right]);
		}
	}
	return least;
}

static void
add_range(const CdpBridges *bridges, Range *ranges, int *nranges, int32 from,
		  int32 to)
{
	if (from < to)
		ranges[(*nranges)++] = (Range) {from, to, find_least(bridges, from, to)};
}

/* Name the first nodes, by number, of some ranges. */
static void
list_names(const CdpBridges *bridges, Range *ranges, int nranges,
		   CdpBridge *bridge)
{
	bridge->nnames = 0;
	while (nranges > 0 && bridge->nnames < CDP_BRIDGE_NAMES)
	{
		int			best = 0;
		int32		place;
		Range		split;

		for (int i = 1; i < nranges; i++)
			if (ranges[i].least < ranges[best].least)
				best = i;
		split = ranges[best];
		ranges[best] = ranges[--nranges];
		bridge->names[bridge->nnames++] = split.least;
		place = bridges->enter[split.least];
		add_range(bridges, ranges, &nranges, split.from, place);
		add_range(bridges, ranges, &nranges, place + 1, split.to);
	}
}

/* See bridges.h. */
CdpBridges *
cdp_bridges_find(const CdpLinks *links, const int32 *strengths)
{
	CdpBridges *bridges = palloc0(sizeof(CdpBridges));
	CdpLinkIndex index = cdp_links_index(links, NULL);
	int32	   *low = allocate_numbers(links->nnodes);
	int32	   *next = allocate_numbers(links->nnodes);
	int32		entered = 0;

	bridges->links = links;
	bridges->order = allocate_numbers(links->nnodes);
	bridges->enter = allocate_numbers(links->nnodes);
	bridges->leave = allocate_numbers(links->nnodes);
	bridges->via = allocate_numbers(links->nnodes);
	bridges->top = allocate_numbers(links->nnodes);
	bridges->below = allocate_numbers(links->nnodes);
	memset(bridges->enter, -1, sizeof(int32) * (Size) links->nnodes);
	for (int32 i = 0; i < links->nnodes; i++)
		if (bridges->enter[i] < 0)
			walk(bridges, &index, i, low, next, &entered);
	pfree(index.first);
	pfree(index.links);
	pfree(low);
	pfree(next);
	sum_strengths(bridges, strengths);
	build_minima(bridges);
	return bridges;
}

int32
cdp_bridges_count(const CdpBridges *bridges)
{
	return bridges->nbelow;
}

/* What each side of [from, to) in [first, last) has at least. */
static int32
judge_sides(const int32 *sums, int32 first, int32 from, int32 to, int32 last)
{
	int32		inside = sums[to] - sums[from];
	int32		all = sums[last] - sums[first];

	return inside > 0 && inside < all;
}

/* See bridges.h. */
CdpBridge
cdp_bridges_get(const CdpBridges *bridges, int32 number)
{
	int32		node = bridges->below[number];
	int32		first = bridges->enter[bridges->top[node]];
	int32		last = bridges->leave[bridges->top[node]];
	int32		from = bridges->enter[node];
	int32		to = bridges->leave[node];
	int32		beside = (last - first) - (to - from);
	bool		is_below;
	CdpBridge	bridge = {0};
	Range		ranges[MAX_RANGES];
	int			nranges = 0;

	/* Of equal sides, that without the component's first node, its top. */
	is_below = to - from <= beside;
	bridge.link = bridges->via[node];
	bridge.parts = is_below ? to - from : beside;
	bridge.parts_a = (bridges->links->a[bridge.link] == node) == is_below;
	if (judge_sides(bridges->strong, first, from, to, last))
		bridge.both_sides = CDP_STRENGTH_STRONG;
	else if (judge_sides(bridges->known, first, from, to, last))
		bridge.both_sides = CDP_STRENGTH_KNOWN;
	if (is_below)
		add_range(bridges, ranges, &nranges, from, to);
	else
	{
		add_range(bridges, ranges, &nranges, first, from);
		add_range(bridges, ranges, &nranges, to, last);
	}
	list_names(bridges, ranges, nranges, &bridge);
	return bridge;
}
