/*
 * replay.c
 *		Canonical replay: components that break a rule are taken apart.
 *
 * Pure: it reads and fills a CdpGraph and touches no table.  A link component
 * breaks a rule if it holds
 *
 *	- two identifiers that a decision says are never one profile,
 *	- more identifiers of one kind (type, and source if the type is scoped) than
 *	  the type's max_per_profile, or
 *	- a linking identifier of a type that never joins known profiles, beside
 *	  two or more known identifiers.
 *
 * Its identifiers begin again, each alone, and its links are tried one after
 * the other in a total order that depends on evidence and rules only (Kruskal,
 * Proc. AMS 7(1), 1956): decisions "always"; then by the priority of the link's
 * weaker type, the time it was first seen, and the keys of both ends.  A link
 * between two parts that together would break a rule, though each of them has
 * something to do with it, is refused and noted.  So what is strong and old
 * comes together first, and what was refused does not depend on who asked
 * first.
 *
 * Worked example.  Users u and v (one user_id a profile) and e-mail e came in
 * sets {u,e} on Monday and {v,e} on Tuesday.  (With one strong value allowed
 * per e-mail e would be shared; say two are.)  The component {u,v,e} holds two
 * user_ids.  Links in order: u-e (Monday), v-e (Tuesday).  The first joins;
 * the second would give a part with two user_ids: refused.  Parts: {u,e}, {v}.
 *
 * Time is that of sorting the links of such components; a part's counts are a
 * list of its limited kinds, of which it has few.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "identity/graph.h"

#define INTERRUPT_EVERY 0xFFFF	/* rows between looks for a cancel, a mask */

/* A link between two nodes, and where it stands in the order. */
typedef struct Link
{
	int32		a;				/* the one whose key comes first */
	int32		b;
	int32		rank;			/* priority of the weaker type */
	TimestampTz first_seen;
	int64		set_id;
} Link;

typedef struct LinkList
{
	Link	   *links;
	int64		count;
	int64		room;
} LinkList;

/* How many identifiers of a limited kind a part has. */
typedef struct KindCount
{
	uint16		kind;
	int32		count;
} KindCount;

/* A part while links are tried; at the node that stands for it. */
typedef struct ReplayPart
{
	KindCount  *counts;
	int32		ncounts;
	int32		first_never;	/* node with a decision never; -1: none */
	int32		last_never;
	int32		nnevers;		/* decisions of all of these nodes */
	bool		known;
} ReplayPart;

typedef struct Replay
{
	CdpGraph   *graph;
	CdpComponents parts;		/* replaces graph->parts */
	ReplayPart *part_of;		/* by node that stands for a part */
	int32	   *next_never;		/* by node: the next of its part; NULL: no
								 * decision never holds */
	int32	   *first_pair;		/* by node: its place in pairs, -1: none */
	uint64	   *pairs;			/* decisions never, both ways, in order */
	int64		npairs;
} Replay;

/* The limit that a node counts against; 0: none. */
static int
node_limit(const CdpGraph *graph, int32 node)
{
	return node_type(graph, &graph->nodes[node])->max_per_profile;
}

/* Is the node in the game at all? */
static bool
is_judged(const CdpGraph *graph, const GraphNode *node)
{
	return (node->flags & NODE_INSIDE) != 0 && node_is_usable(graph, node);
}

static int
compare_uint64(const void *a, const void *b)
{
	uint64		left = *(const uint64 *) a;
	uint64		right = *(const uint64 *) b;

	return (left > right) - (left < right);
}

/* Components with too many identifiers of one kind. */
static void
find_exceeded(CdpGraph *graph, bool *broken)
{
	uint64	   *uses = palloc_extended(sizeof(uint64) * (Size) (graph->nnodes + 1),
									   MCXT_ALLOC_HUGE);
	int64		count = 0;

	for (int64 i = 0; i < graph->nnodes; i++)
		if (is_judged(graph, &graph->nodes[i]) && node_limit(graph, i) > 0)
			uses[count++] = ((uint64) cdp_components_find(&graph->parts, i) << 16) |
				graph->nodes[i].kind;
	qsort(uses, count, sizeof(uint64), compare_uint64);
	for (int64 first = 0, next; first < count; first = next)
	{
		const CdpIdentityType *type = graph->kinds[uses[first] & 0xFFFF].type;

		for (next = first; next < count && uses[next] == uses[first];)
			next++;
		if (next - first > type->max_per_profile)
			broken[uses[first] >> 16] = true;
	}
	pfree(uses);
}

/* Components where something that never joins known profiles might have. */
static void
find_joined(CdpGraph *graph, bool *broken)
{
	uint8	   *known = palloc_extended(graph->nnodes + 1,
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int64 i = 0; i < graph->nnodes; i++)
	{
		uint8	   *seen;

		if (!is_judged(graph, &graph->nodes[i]) ||
			!node_type(graph, &graph->nodes[i])->known)
			continue;
		seen = &known[cdp_components_find(&graph->parts, i)];
		*seen = Min(2, *seen + 1);
	}
	for (int64 i = 0; i < graph->nnodes; i++)
	{
		const GraphNode *node = &graph->nodes[i];
		int32		component;

		if (!is_judged(graph, node) || !node_links(graph, node) ||
			node_type(graph, node)->joins_known)
			continue;
		component = cdp_components_find(&graph->parts, i);
		broken[component] |= known[component] == 2;
	}
	pfree(known);
}

/* See graph.h. */
bool
cdp_replay_find(CdpGraph *graph)
{
	bool	   *broken = palloc_extended(graph->nnodes + 1,
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	bool		any = false;

	find_exceeded(graph, broken);
	find_joined(graph, broken);
	for (int64 i = 0; i < graph->ndecisions; i++)
	{
		const GraphDecision *decision = &graph->decisions[i];
		int32		component = cdp_components_find(&graph->parts, decision->a);

		if (!decision->always && cdp_judge_holds(graph, decision) &&
			component == cdp_components_find(&graph->parts, decision->b))
			broken[component] = true;
	}
	for (int64 i = 0; i < graph->nnodes; i++)
	{
		GraphNode  *node = &graph->nodes[i];

		node->flags &= ~NODE_REPLAYED;
		if (!is_judged(graph, node) ||
			!broken[cdp_components_find(&graph->parts, i)])
			continue;
		node->flags |= NODE_REPLAYED;
		any = true;
	}
	pfree(broken);
	return any;
}

/* The order of identifiers in a set: the strongest is first. */
static bool
is_stronger(const CdpGraph *graph, int32 a, int32 b)
{
	int			a_priority = node_type(graph, &graph->nodes[a])->priority;
	int			b_priority = node_type(graph, &graph->nodes[b])->priority;

	if (a_priority != b_priority)
		return a_priority < b_priority;
	return graph->key_order[a] < graph->key_order[b];
}

static void
add_link(CdpGraph *graph, LinkList *list, const GraphSet *set, int32 a, int32 b)
{
	Link		link = {a, b, 0, set->first_seen, set->set_id};

	if (graph->key_order[b] < graph->key_order[a])
	{
		link.a = b;
		link.b = a;
	}
	link.rank = Max(node_type(graph, &graph->nodes[a])->priority,
					node_type(graph, &graph->nodes[b])->priority);
	if (list->count == list->room)
	{
		list->room = list->room == 0 ? 64 : list->room * 2;
		list->links = list->links == NULL ?
			MemoryContextAllocHuge(graph->context, sizeof(Link) * list->room) :
			repalloc_huge(list->links, sizeof(Link) * list->room);
	}
	list->links[list->count++] = link;
}

/* A star: the strongest member that links, with each other one. */
static void
list_links_of_set(CdpGraph *graph, LinkList *list, const GraphSet *set)
{
	const int32 *members = graph->members + set->first_member;
	int32		strongest = -1;

	for (int i = 0; i < set->nmembers; i++)
	{
		const GraphNode *node = &graph->nodes[members[i]];

		if ((node->flags & NODE_REPLAYED) != 0 && node_links(graph, node) &&
			(strongest < 0 || is_stronger(graph, members[i], strongest)))
			strongest = members[i];
	}
	for (int i = 0; strongest >= 0 && i < set->nmembers; i++)
	{
		const GraphNode *node = &graph->nodes[members[i]];

		if (members[i] != strongest && (node->flags & NODE_REPLAYED) != 0 &&
			node_links(graph, node))
			add_link(graph, list, set, strongest, members[i]);
	}
}

#define COMPARE_FIELD(field) \
	do { \
		if (left->field != right->field) \
			return left->field < right->field ? -1 : 1; \
	} while (0)

/* Links of one pair together, the earliest evidence first. */
static int
compare_pairs(const void *a, const void *b)
{
	const Link *left = a;
	const Link *right = b;

	COMPARE_FIELD(a);
	COMPARE_FIELD(b);
	COMPARE_FIELD(first_seen);
	COMPARE_FIELD(set_id);
	return 0;
}

/* The order of replay. */
static int
compare_links(const void *a, const void *b, void *key_order)
{
	const Link *left = a;
	const Link *right = b;
	const int32 *order = key_order;

	COMPARE_FIELD(rank);
	COMPARE_FIELD(first_seen);
	if (left->a != right->a)
		return order[left->a] < order[right->a] ? -1 : 1;
	return (order[left->b] > order[right->b]) - (order[left->b] < order[right->b]);
}

/* The distinct links of all components under replay, in order. */
static LinkList
list_links(CdpGraph *graph)
{
	LinkList	list = {0};
	int64		kept = 0;

	for (int64 i = 0; i < graph->nsets; i++)
	{
		if (!graph->sets[i].retracted)
			list_links_of_set(graph, &list, &graph->sets[i]);
		if ((i & INTERRUPT_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	if (list.count == 0)
		return list;
	qsort(list.links, list.count, sizeof(Link), compare_pairs);
	for (int64 i = 0; i < list.count; i++)
	{
		const Link *last = kept == 0 ? NULL : &list.links[kept - 1];

		if (last == NULL || last->a != list.links[i].a ||
			last->b != list.links[i].b)
			list.links[kept++] = list.links[i];
	}
	list.count = kept;
	qsort_arg(list.links, list.count, sizeof(Link), compare_links,
			  graph->key_order);
	return list;
}

/* Make the table of decisions never that hold within replayed components. */
static void
list_nevers(Replay *replay)
{
	CdpGraph   *graph = replay->graph;

	replay->pairs = palloc_extended(sizeof(uint64) * 2 * (Size) (graph->ndecisions + 1),
									MCXT_ALLOC_HUGE);
	for (int64 i = 0; i < graph->ndecisions; i++)
	{
		const GraphDecision *decision = &graph->decisions[i];

		if (decision->always || !cdp_judge_holds(graph, decision))
			continue;
		replay->pairs[replay->npairs++] = MAKE_PAIR(decision->a, decision->b);
		replay->pairs[replay->npairs++] = MAKE_PAIR(decision->b, decision->a);
	}
	if (replay->npairs == 0)
		return;
	qsort(replay->pairs, replay->npairs, sizeof(uint64), compare_uint64);
	replay->next_never = palloc_extended(sizeof(int32) * (Size) graph->nnodes,
										 MCXT_ALLOC_HUGE);
	replay->first_pair = palloc_extended(sizeof(int32) * (Size) graph->nnodes,
										 MCXT_ALLOC_HUGE);
	memset(replay->next_never, -1, sizeof(int32) * graph->nnodes);
	memset(replay->first_pair, -1, sizeof(int32) * graph->nnodes);
	for (int64 i = replay->npairs - 1; i >= 0; i--)
		replay->first_pair[PAIR_WEAK(replay->pairs[i])] = i;
}

/* Every node begins as a part of its own; untouched components stay whole. */
static void
begin_parts(Replay *replay)
{
	CdpGraph   *graph = replay->graph;

	replay->part_of = palloc_extended(sizeof(ReplayPart) * (Size) (graph->nnodes + 1),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int32 i = 0; i < graph->nnodes; i++)
	{
		ReplayPart *part = &replay->part_of[i];

		if ((graph->nodes[i].flags & NODE_REPLAYED) == 0)
		{
			cdp_components_join(&replay->parts, i,
								cdp_components_find(&graph->parts, i));
			continue;
		}
		part->known = node_type(graph, &graph->nodes[i])->known;
		part->first_never = part->last_never = -1;
		if (replay->first_pair != NULL && replay->first_pair[i] >= 0)
			part->first_never = part->last_never = i;
		if (node_limit(graph, i) > 0)
		{
			part->counts = palloc(sizeof(KindCount));
			part->counts[0] = (KindCount) {graph->nodes[i].kind, 1};
			part->ncounts = 1;
		}
	}
	for (int64 i = 0; i < replay->npairs; i++)
		replay->part_of[PAIR_WEAK(replay->pairs[i])].nnevers++;
}

/*
 * Is a node of one part in a decision never with one of the other?  The one
 * with fewer decisions is looked through: a hub that never is with thousands
 * meets each of them.
 */
static bool
has_never(Replay *replay, int32 a, int32 b)
{
	bool		swap = replay->part_of[b].nnevers < replay->part_of[a].nnevers;
	const ReplayPart *part = &replay->part_of[swap ? b : a];
	int32		other = swap ? a : b;

	if (part->nnevers == 0)
		return false;
	for (int32 node = part->first_never; node >= 0;
		 node = replay->next_never[node])
		for (int64 i = replay->first_pair[node];
			 i < replay->npairs && PAIR_WEAK(replay->pairs[i]) == node; i++)
			if (cdp_components_find(&replay->parts,
									PAIR_STRONG(replay->pairs[i])) == other)
				return true;
	return false;
}

static KindCount *
find_count(const ReplayPart *part, uint16 kind)
{
	for (int i = 0; i < part->ncounts; i++)
		if (part->counts[i].kind == kind)
			return &part->counts[i];
	return NULL;
}

/* The strongest type of which two parts together would have too many. */
static const CdpIdentityType *
find_too_many(const CdpGraph *graph, const ReplayPart *a, const ReplayPart *b)
{
	const CdpIdentityType *worst = NULL;

	for (int i = 0; i < a->ncounts; i++)
	{
		const CdpIdentityType *type = graph->kinds[a->counts[i].kind].type;
		const KindCount *count = find_count(b, a->counts[i].kind);

		if (count == NULL ||
			a->counts[i].count + count->count <= type->max_per_profile)
			continue;
		if (worst == NULL || type->priority < worst->priority ||
			(type->priority == worst->priority && type->type_id < worst->type_id))
			worst = type;
	}
	return worst;
}

/* The type of an end of a link that may not join known profiles; NULL. */
static const CdpIdentityType *
find_never_joins(const CdpGraph *graph, const Link *link)
{
	const CdpIdentityType *a = node_type(graph, &graph->nodes[link->a]);
	const CdpIdentityType *b = node_type(graph, &graph->nodes[link->b]);

	if (!a->joins_known)
		return a;
	return b->joins_known ? NULL : b;
}

/* Would a link between two parts break a rule?  Then *refusal says which. */
static bool
is_refused(Replay *replay, const Link *link, int32 a, int32 b, Refusal *refusal)
{
	CdpGraph   *graph = replay->graph;
	const ReplayPart *left = &replay->part_of[a];
	const ReplayPart *right = &replay->part_of[b];
	const CdpIdentityType *type;

	refusal->type_id = 0;
	refusal->rule = REFUSED_NEVER;
	if (has_never(replay, a, b))
		return true;
	refusal->rule = REFUSED_MAX_PER_PROFILE;
	type = find_too_many(graph, left, right);
	if (type == NULL && left->known && right->known)
	{
		refusal->rule = REFUSED_JOINS_KNOWN;
		type = find_never_joins(graph, link);
	}
	if (type == NULL)
		return false;
	refusal->type_id = type->type_id;
	return true;
}

/* Add the counts of one part to those of another. */
static void
add_counts(ReplayPart *to, const ReplayPart *from)
{
	if (from->ncounts == 0)
		return;
	if (to->ncounts == 0)
		to->counts = palloc(sizeof(KindCount) * from->ncounts);
	else
		to->counts = repalloc(to->counts, sizeof(KindCount) *
							  (to->ncounts + from->ncounts));
	for (int i = 0; i < from->ncounts; i++)
	{
		KindCount  *known = find_count(to, from->counts[i].kind);

		if (known != NULL)
			known->count += from->counts[i].count;
		else
			to->counts[to->ncounts++] = from->counts[i];
	}
}

/* Make two parts one. */
static void
join_parts(Replay *replay, int32 a, int32 b)
{
	int32		root;
	ReplayPart *to;
	ReplayPart *from;

	cdp_components_join(&replay->parts, a, b);
	root = cdp_components_find(&replay->parts, a);
	to = &replay->part_of[root];
	from = &replay->part_of[root == a ? b : a];
	add_counts(to, from);
	to->known |= from->known;
	if (from->first_never < 0)
		return;
	if (to->first_never < 0)
		to->first_never = from->first_never;
	else
		replay->next_never[to->last_never] = from->first_never;
	to->last_never = from->last_never;
	to->nnevers += from->nnevers;
}

static void
join_decided(Replay *replay)
{
	CdpGraph   *graph = replay->graph;

	for (int64 i = 0; i < graph->ndecisions; i++)
	{
		const GraphDecision *decision = &graph->decisions[i];
		int32		a = cdp_components_find(&replay->parts, decision->a);
		int32		b = cdp_components_find(&replay->parts, decision->b);

		if (decision->always && a != b && cdp_judge_holds(graph, decision) &&
			(graph->nodes[decision->a].flags & NODE_REPLAYED) != 0)
			join_parts(replay, a, b);
	}
}

static void
note_refusal(CdpGraph *graph, const Link *link, Refusal refusal)
{
	int64		a = graph->nodes[link->a].identifier_id;
	int64		b = graph->nodes[link->b].identifier_id;

	refusal.identifier_a = Min(a, b);
	refusal.identifier_b = Max(a, b);
	refusal.set_id = link->set_id;
	if (graph->nrefusals == 0)
		graph->refusals = MemoryContextAllocHuge(graph->context,
												 sizeof(Refusal) * 64);
	else if (graph->nrefusals >= 64 &&
			 (graph->nrefusals & (graph->nrefusals - 1)) == 0)
		graph->refusals = repalloc_huge(graph->refusals,
										sizeof(Refusal) * graph->nrefusals * 2);
	graph->refusals[graph->nrefusals++] = refusal;
}

/* See graph.h. */
void
cdp_replay(CdpGraph *graph)
{
	MemoryContext old = MemoryContextSwitchTo(graph->context);
	Replay		replay = {graph};
	LinkList	list = list_links(graph);

	cdp_components_init(&replay.parts, graph->nnodes);
	list_nevers(&replay);
	begin_parts(&replay);
	cdp_graph_check_memory(graph);
	join_decided(&replay);
	for (int64 i = 0; i < list.count; i++)
	{
		const Link *link = &list.links[i];
		int32		a = cdp_components_find(&replay.parts, link->a);
		int32		b = cdp_components_find(&replay.parts, link->b);
		Refusal		refusal;

		if (a == b)
			continue;
		if (is_refused(&replay, link, a, b, &refusal))
			note_refusal(graph, link, refusal);
		else
			join_parts(&replay, a, b);
		if ((i & INTERRUPT_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	graph->parts = replay.parts;
	MemoryContextSwitchTo(old);
}
