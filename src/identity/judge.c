/*
 * judge.c
 *		The function: from evidence and rules to profiles.
 *
 * Pure: it reads and fills a CdpGraph and touches no table.  In order:
 *
 *	support	which identifiers some set that is not retracted has;
 *	pairs	which weak identifiers were in one set with which strong ones;
 *	shared	a weak identifier with more strong ones of one kind (type, and
 *			source if the type is scoped) than its type allows is shared;
 *	links	each set joins its identifiers that link: neither blocked nor
 *			describing nor shared nor expired.  A decision "always" joins also
 *			those that are shared or expired.  An identifier that nothing joins
 *			is a component of its own;
 *	parts	components that break a rule were taken apart again in between
 *			(replay.c); what each identifier belongs to is noted;
 *	ids		the id of a part is the smallest profile id whose founder is in it.
 *			A founder that belongs to no part any more (blocked, erased) is
 *			followed by the strongest, then oldest, identifier that was born
 *			with the id, until it comes back.  A part without a founder is an
 *			orphan: it gets a new id, founded by its oldest strong, else oldest
 *			identifier.
 *
 * "Oldest" is the smallest identifier_id: what is stored, not event times.
 *
 * Worked example.  Device d (id 1) came with user u (2), then with user v (3).
 * Attach gave all three leaf 7, founded by u.  Pairs are (d,u) and (d,v): two
 * users on a device that allows one, so d is shared.  Parts: {d}, {u}, {v}.
 * u founds 7, so {u} stays 7; {d} and {v} are orphans and get 8 and 9, in the
 * order of their founders' ids.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "identity/graph.h"

#define INTERRUPT_EVERY 0xFFFF	/* rows between looks for a cancel, a mask */

static int
compare_pairs(const void *a, const void *b)
{
	uint64		left = *(const uint64 *) a;
	uint64		right = *(const uint64 *) b;

	return (left > right) - (left < right);
}

/* Find what has evidence; of nodes outside the table knows. */
void
cdp_judge_support(CdpGraph *graph)
{
	for (int64 i = 0; i < graph->nnodes; i++)
	{
		GraphNode  *node = &graph->nodes[i];

		if ((node->flags & (NODE_INSIDE | NODE_PLACED)) == NODE_PLACED)
			node->flags |= NODE_SUPPORTED;
		else
			node->flags &= ~NODE_SUPPORTED;
	}
	for (int64 i = 0; i < graph->nsets; i++)
	{
		const GraphSet *set = &graph->sets[i];
		const int32 *members = graph->members + set->first_member;

		for (int j = 0; !set->retracted && j < set->nmembers; j++)
			graph->nodes[members[j]].flags |= NODE_SUPPORTED;
	}
}

/* Can the identifier ever be shared? */
static bool
is_weak(const CdpGraph *graph, const GraphNode *node)
{
	return node_is_usable(graph, node) && !node_type(graph, node)->strong &&
		node_type(graph, node)->max_strong_per_value > 0;
}

static bool
is_strong(const CdpGraph *graph, const GraphNode *node)
{
	return (node->flags & NODE_EXPIRED) == 0 &&
		node_is_usable(graph, node) && node_type(graph, node)->strong;
}

/* Write the pairs of a set to pairs, or only count them if that is NULL. */
static int64
list_pairs(const CdpGraph *graph, const GraphSet *set, uint64 *pairs)
{
	const int32 *members = graph->members + set->first_member;
	int64		count = 0;

	if (set->retracted)
		return 0;
	for (int i = 0; i < set->nmembers; i++)
	{
		if (!is_strong(graph, &graph->nodes[members[i]]))
			continue;
		for (int j = 0; j < set->nmembers; j++)
		{
			if (!is_weak(graph, &graph->nodes[members[j]]))
				continue;
			if (pairs != NULL)
				pairs[count] = MAKE_PAIR(members[j], members[i]);
			count++;
		}
	}
	return count;
}

/* Find graph->pairs: distinct, ordered by weak node, then strong node. */
void
cdp_judge_pairs(CdpGraph *graph)
{
	int64		count = 0;
	int64		kept = 0;

	for (int64 i = 0; i < graph->nsets; i++)
		count += list_pairs(graph, &graph->sets[i], NULL);
	if (graph->pairs != NULL)
		pfree(graph->pairs);
	graph->pairs = MemoryContextAllocHuge(graph->context,
										  sizeof(uint64) * (count + 1));
	count = 0;
	for (int64 i = 0; i < graph->nsets; i++)
	{
		count += list_pairs(graph, &graph->sets[i], graph->pairs + count);
		if ((i & INTERRUPT_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	qsort(graph->pairs, count, sizeof(uint64), compare_pairs);
	for (int64 i = 0; i < count; i++)
		if (i == 0 || graph->pairs[i] != graph->pairs[kept - 1])
			graph->pairs[kept++] = graph->pairs[i];
	graph->npairs = kept;
}

/* Is the weak node of these pairs seen with too many strong ones of a kind? */
static bool
has_too_many(const CdpGraph *graph, const uint64 *pairs, int64 count,
			 int32 *counts)
{
	const GraphNode *weak = &graph->nodes[PAIR_WEAK(pairs[0])];
	int			most = 0;

	for (int64 i = 0; i < count; i++)
	{
		int			kind = graph->nodes[PAIR_STRONG(pairs[i])].kind;

		counts[kind]++;
		most = Max(most, counts[kind]);
	}
	for (int64 i = 0; i < count; i++)
		counts[graph->nodes[PAIR_STRONG(pairs[i])].kind] = 0;
	return most > node_type(graph, weak)->max_strong_per_value;
}

/* Mark the shared nodes; those outside stay what they are. */
void
cdp_judge_shared(CdpGraph *graph)
{
	int32	   *counts = palloc0(sizeof(int32) * (graph->nkinds + 1));
	int64		first = 0;

	for (int64 i = 0; i < graph->nnodes; i++)
	{
		GraphNode  *node = &graph->nodes[i];

		node->flags &= ~NODE_SHARED_NOW;
		if ((node->flags & NODE_INSIDE) == 0 && (node->flags & NODE_SHARED) != 0)
			node->flags |= NODE_SHARED_NOW;
	}
	while (first < graph->npairs)
	{
		int32		weak = PAIR_WEAK(graph->pairs[first]);
		int64		next = first + 1;

		while (next < graph->npairs && PAIR_WEAK(graph->pairs[next]) == weak)
			next++;
		if ((graph->nodes[weak].flags & NODE_INSIDE) != 0 &&
			has_too_many(graph, graph->pairs + first, next - first, counts))
			graph->nodes[weak].flags |= NODE_SHARED_NOW;
		first = next;
	}
	pfree(counts);
}

/* Join the members of a set that link. */
static void
join_members(CdpGraph *graph, const GraphSet *set)
{
	const int32 *members = graph->members + set->first_member;
	int32		first = -1;

	for (int i = 0; !set->retracted && i < set->nmembers; i++)
	{
		const GraphNode *node = &graph->nodes[members[i]];

		if ((node->flags & NODE_INSIDE) == 0 || !node_links(graph, node))
			continue;
		if (first < 0)
			first = members[i];
		else
			cdp_components_join(&graph->parts, first, members[i]);
	}
}

/* See graph.h. */
bool
cdp_judge_holds(const CdpGraph *graph, const GraphDecision *decision)
{
	const GraphNode *a = &graph->nodes[decision->a];
	const GraphNode *b = &graph->nodes[decision->b];

	return (a->flags & b->flags & NODE_INSIDE) != 0 &&
		node_is_usable(graph, a) && node_is_usable(graph, b);
}

/* Join what each set, or a decision, says is one person. */
void
cdp_judge_links(CdpGraph *graph)
{
	MemoryContext old = MemoryContextSwitchTo(graph->context);

	cdp_components_init(&graph->parts, graph->nnodes);
	MemoryContextSwitchTo(old);
	for (int64 i = 0; i < graph->nsets; i++)
	{
		join_members(graph, &graph->sets[i]);
		if ((i & INTERRUPT_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	for (int64 i = 0; i < graph->ndecisions; i++)
		if (graph->decisions[i].always &&
			cdp_judge_holds(graph, &graph->decisions[i]))
			cdp_components_join(&graph->parts, graph->decisions[i].a,
								graph->decisions[i].b);
}

/* Note which part each node belongs to. */
void
cdp_judge_parts(CdpGraph *graph)
{
	for (int64 i = 0; i < graph->nnodes; i++)
	{
		GraphNode  *node = &graph->nodes[i];

		node->part = -1;
		if ((node->flags & NODE_INSIDE) != 0 && node_is_usable(graph, node))
			node->part = cdp_components_find(&graph->parts, i);
	}
}

/* Is a the better founder: strong before weak, then the older one? */
static bool
is_better_founder(const CdpGraph *graph, int32 a, int32 b)
{
	const GraphNode *left = &graph->nodes[a];
	const GraphNode *right = &graph->nodes[b];
	bool		left_strong = node_type(graph, left)->strong;
	bool		right_strong = node_type(graph, right)->strong;

	if (left_strong != right_strong)
		return left_strong;
	return left->identifier_id < right->identifier_id;
}

/* The node of an identifier that was born with a profile; -1: it is gone. */
static int32
find_founder(const CdpGraph *graph, int64 profile, int64 identifier_id)
{
	int32		node = cdp_id_map_get(graph->node_map, identifier_id);

	if (node < 0 || graph->nodes[node].part < 0 ||
		graph->nodes[node].profile != profile)
		return -1;
	return node;
}

/* Find who founds each profile today. */
static void
find_founders(CdpGraph *graph)
{
	bool	   *inherited = palloc_extended(graph->nprofiles + 1,
											MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int64 i = 0; i < graph->nprofiles; i++)
	{
		GraphProfile *profile = &graph->profiles[i];

		profile->founder_node = find_founder(graph, i, profile->former_founder);
		if (profile->founder_node < 0)
			profile->founder_node = find_founder(graph, i, profile->founder);
		inherited[i] = profile->founder_node < 0;
	}
	/* Heirs: among those born with the id of a founder who is gone. */
	for (int64 i = 0; i < graph->nnodes; i++)
	{
		GraphNode  *node = &graph->nodes[i];
		GraphProfile *profile;

		if (node->part < 0 || node->profile < 0 || !inherited[node->profile])
			continue;
		profile = &graph->profiles[node->profile];
		if (profile->founder_node < 0 ||
			is_better_founder(graph, i, profile->founder_node))
			profile->founder_node = i;
	}
	pfree(inherited);
}

static int
compare_orphans(const void *a, const void *b, void *graph)
{
	int64		left = ((CdpGraph *) graph)->nodes[*(const int32 *) a].identifier_id;
	int64		right = ((CdpGraph *) graph)->nodes[*(const int32 *) b].identifier_id;

	return (left > right) - (left < right);
}

/* List the founders-to-be of parts that have no id. */
static void
find_orphans(CdpGraph *graph)
{
	int32	   *best = MemoryContextAllocHuge(graph->context,
											  sizeof(int32) * (graph->nnodes + 1));

	memset(best, -1, sizeof(int32) * (graph->nnodes + 1));
	for (int64 i = 0; i < graph->nnodes; i++)
	{
		int32		part = graph->nodes[i].part;

		if (part < 0 || graph->part_ids[part] != 0)
			continue;
		if (best[part] < 0 || is_better_founder(graph, i, best[part]))
			best[part] = i;
	}
	graph->orphans = best;
	graph->norphans = 0;
	for (int64 i = 0; i < graph->nnodes; i++)
		if (best[i] >= 0)
			graph->orphans[graph->norphans++] = best[i];
	qsort_arg(graph->orphans, graph->norphans, sizeof(int32),
			  compare_orphans, graph);
}

/* Give each part its profile id; orphans are left to be numbered. */
void
cdp_judge_ids(CdpGraph *graph)
{
	graph->part_ids = MemoryContextAllocHuge(graph->context,
											 sizeof(int64) * (graph->nnodes + 1));
	memset(graph->part_ids, 0, sizeof(int64) * (graph->nnodes + 1));
	find_founders(graph);
	for (int64 i = 0; i < graph->nprofiles; i++)
	{
		const GraphProfile *profile = &graph->profiles[i];
		int64	   *part_id;

		if (profile->founder_node < 0)
			continue;
		part_id = &graph->part_ids[graph->nodes[profile->founder_node].part];
		if (*part_id == 0 || profile->profile_id < *part_id)
			*part_id = profile->profile_id;
	}
	find_orphans(graph);
}

/* Which is the better owner, but for keys?  Below 0: a is. */
static int
compare_owners(const CdpGraph *graph, const GraphNode *a, const GraphNode *b)
{
	bool		a_links = node_links(graph, a);

	if (a_links != node_links(graph, b))
		return a_links ? -1 : 1;
	return node_type(graph, a)->priority - node_type(graph, b)->priority;
}

/* See graph.h. */
bool
cdp_judge_owner_ties(const CdpGraph *graph, int32 owner, int32 other)
{
	const GraphNode *node = &graph->nodes[other];

	return node_is_usable(graph, node) &&
		compare_owners(graph, &graph->nodes[owner], node) == 0;
}

/* See graph.h. */
int32
cdp_judge_owner(const CdpGraph *graph, const GraphSet *set, bool *tied)
{
	const int32 *members = graph->members + set->first_member;
	int32		owner = -1;

	*tied = false;
	for (int i = 0; i < set->nmembers; i++)
	{
		const GraphNode *node = &graph->nodes[members[i]];
		int			order;

		if (!node_is_usable(graph, node))
			continue;
		order = owner < 0 ? -1 :
			compare_owners(graph, node, &graph->nodes[owner]);
		if (order == 0)
			*tied = true;
		if (order >= 0)
			continue;
		*tied = false;
		owner = members[i];
	}
	return owner;
}
