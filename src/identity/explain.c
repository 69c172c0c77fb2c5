/*
 * explain.c
 *		The path of evidence that joins two identifiers.
 *
 * Breadth first over the identifiers of one profile: from an identifier to
 * all that it is linked with by a set, the stronger ones first, so of the
 * shortest paths one over strong identifiers is taken.  Costs the load of the
 * profile's component.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/graph.h"

PG_FUNCTION_INFO_V1(cdp__explain_path);

/* The sets of each node: those of node n are sets[first[n] .. first[n + 1]). */
typedef struct NodeSets
{
	int64	   *first;
	int32	   *sets;
} NodeSets;

static NodeSets
index_sets(const CdpGraph *graph)
{
	NodeSets	result;
	int64	   *next;

	result.first = palloc_extended(sizeof(int64) * (graph->nnodes + 2),
								   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	result.sets = palloc_extended(sizeof(int32) * (graph->nmembers + 1),
								  MCXT_ALLOC_HUGE);
	for (int64 i = 0; i < graph->nmembers; i++)
		result.first[graph->members[i] + 2]++;
	for (int64 i = 1; i <= graph->nnodes + 1; i++)
		result.first[i] += result.first[i - 1];
	/* first[n + 1] is where node n begins until its sets are written. */
	next = result.first + 1;
	for (int64 i = 0; i < graph->nsets; i++)
		for (int j = 0; j < graph->sets[i].nmembers; j++)
			result.sets[next[graph->members[graph->sets[i].first_member + j]]++] = i;
	return result;
}

typedef struct Neighbour
{
	int			priority;
	int64		identifier_id;
	int32		node;
} Neighbour;

static int
compare_neighbours(const void *a, const void *b)
{
	const Neighbour *left = a;
	const Neighbour *right = b;

	if (left->priority != right->priority)
		return left->priority - right->priority;
	return (left->identifier_id > right->identifier_id) -
		(left->identifier_id < right->identifier_id);
}

/* Those not seen yet that node is linked with; marks them as seen from it. */
static int
list_neighbours(const CdpGraph *graph, const NodeSets *node_sets, int32 node,
				int32 *seen_from, Neighbour **neighbours, int *room)
{
	int			count = 0;

	for (int64 i = node_sets->first[node]; i < node_sets->first[node + 1]; i++)
	{
		const GraphSet *set = &graph->sets[node_sets->sets[i]];

		for (int j = 0; j < set->nmembers; j++)
		{
			int32		other = graph->members[set->first_member + j];
			const GraphNode *found = &graph->nodes[other];

			if (seen_from[other] >= 0 || !node_links(graph, found))
				continue;
			if (count == *room)
			{
				*room *= 2;
				*neighbours = repalloc_huge(*neighbours,
											sizeof(Neighbour) * (Size) *room);
			}
			seen_from[other] = node;
			(*neighbours)[count++] = (Neighbour) {
				node_type(graph, found)->priority, found->identifier_id, other
			};
		}
	}
	qsort(*neighbours, count, sizeof(Neighbour), compare_neighbours);
	return count;
}

/*
 * Find the way from a node to another; seen_from then leads back.  False if
 * there is none.
 */
static bool
search(const CdpGraph *graph, int32 from, int32 to, int32 *seen_from)
{
	NodeSets	node_sets = index_sets(graph);
	int32	   *queue = palloc_extended(sizeof(int32) * (graph->nnodes + 1),
										MCXT_ALLOC_HUGE);
	int			room = 64;
	Neighbour  *neighbours = palloc(sizeof(Neighbour) * room);
	int64		head = 0;
	int64		tail = 0;

	for (int64 i = 0; i < graph->nnodes; i++)
		seen_from[i] = -1;
	seen_from[from] = from;
	queue[tail++] = from;
	while (head < tail && seen_from[to] < 0)
	{
		int			count = list_neighbours(graph, &node_sets, queue[head++],
											seen_from, &neighbours, &room);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < count; i++)
			queue[tail++] = neighbours[i].node;
	}
	return seen_from[to] >= 0;
}

/* The path between two identifiers of a graph; false if there is none. */
static bool
find_path(CdpGraph *graph, int64 a, int64 b, CdpIdList *path)
{
	int32		from = cdp_id_map_get(graph->node_map, b);
	int32		to = cdp_id_map_get(graph->node_map, a);
	int32	   *seen_from;

	if (from < 0 || to < 0 || !node_links(graph, &graph->nodes[from]) ||
		!node_links(graph, &graph->nodes[to]))
		return false;
	seen_from = palloc_extended(sizeof(int32) * (graph->nnodes + 1),
								MCXT_ALLOC_HUGE);
	/* Searched backwards, it is read off forwards. */
	if (!search(graph, from, to, seen_from))
		return false;
	for (; to != from; to = seen_from[to])
		cdp_identity_list_add(path, graph->nodes[to].identifier_id);
	cdp_identity_list_add(path, graph->nodes[from].identifier_id);
	return true;
}

/* The live profiles of two identifiers. */
static void
find_roots(int64 a, int64 b, CdpIdList *roots)
{
	static CdpPlan roots_plan = {
		"SELECT DISTINCT profile.root FROM cdp.identifier"
		" JOIN cdp.profile ON profile.profile_id = identifier.leaf"
		" WHERE identifier.identifier_id = ANY ($1)",
		1, {INT8ARRAYOID}
	};
	CdpIdList	both = {0};

	cdp_identity_list_add(&both, a);
	cdp_identity_list_add(&both, b);
	cdp_base_execute(&roots_plan, (Datum[]) {
		cdp_identity_list_array(&both)
	}, NULL, true, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		cdp_identity_list_add(roots,
							  DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
														  SPI_tuptable->tupdesc,
														  1, &isnull)));
	}
}

/* cdp._explain_path(a, b) */
Datum
cdp__explain_path(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	CdpIdList	roots = {0};
	CdpIdList	path = {0};
	CdpIdList	none = {0};
	CdpGraph   *graph;
	bool		found = false;
	Datum		result = (Datum) 0;

	cdp_base_check_store();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	(void) cdp_identity_refresh_rules();
	find_roots(PG_GETARG_INT64(0), PG_GETARG_INT64(1), &roots);
	if (roots.count == 1)
	{
		graph = cdp_graph_create();
		cdp_graph_load_components(graph, &roots, &none);
		found = find_path(graph, PG_GETARG_INT64(0), PG_GETARG_INT64(1), &path);
	}
	if (found)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		result = cdp_identity_list_array(&path);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	if (!found)
		PG_RETURN_NULL();
	return result;
}
