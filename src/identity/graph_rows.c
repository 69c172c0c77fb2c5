/*
 * graph_rows.c
 *		The rows that a graph is made of, while it is being loaded.
 *
 * Arrays double when they are full.  A graph that holds more than
 * cdp.components_memory allows ends with an error rather than grow silently.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/base.h"
#include "identity/graph.h"

#define MEMORY_EVERY 0x3FFFF	/* identifiers between looks at memory, a mask */

/* See graph.h. */
CdpGraph *
cdp_graph_create(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "cdp identity graph",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CdpGraph   *graph = palloc0(sizeof(CdpGraph));

	graph->context = context;
	graph->node_map = cdp_id_map_create(0);
	graph->profile_map = cdp_id_map_create(0);
	graph->set_map = cdp_id_map_create(0);
	MemoryContextSwitchTo(old);
	return graph;
}

/* See graph.h. */
void
cdp_graph_check_count(int64 count)
{
	if (count >= CDP_COMPONENTS_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("identity graph is too large"),
				 errdetail("At most %d identifiers can be judged at once.",
						   CDP_COMPONENTS_MAX / 2)));
}

/* See graph.h. */
void
cdp_graph_check_memory(CdpGraph *graph)
{
	Size		used = MemoryContextMemAllocated(graph->context, true);

	if (used / 1024 > (Size) cdp_base_components_memory)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("identity graph needs more memory than \"%s\" allows",
						"cdp.components_memory"),
				 errdetail("With %lld identifiers it holds %lld MB of %d MB.",
						   (long long) graph->nnodes, (long long) (used >> 20),
						   cdp_base_components_memory / 1024),
				 errhint("Raise cdp.components_memory.")));
}

/* The node of an identifier, made if there is none. */
int32
cdp_graph_node(CdpGraph *graph, int64 identifier_id)
{
	bool		found;
	int32		place;

	cdp_graph_check_count(graph->nnodes);
	place = cdp_id_map_put(graph->node_map, identifier_id, graph->nnodes,
						   &found);
	if (found)
		return place;
	GRAPH_GROW(graph->context, graph->nodes, graph->nnodes);
	if ((graph->nnodes & MEMORY_EVERY) == MEMORY_EVERY)
		cdp_graph_check_memory(graph);
	graph->nodes[graph->nnodes++] = (GraphNode) {identifier_id, -1, -1, 0, 0};
	return place;
}

/* The entry of a profile, made if there is none. */
int32
cdp_graph_profile(CdpGraph *graph, int64 profile_id)
{
	bool		found;
	int32		place;

	place = cdp_id_map_put(graph->profile_map, profile_id, graph->nprofiles,
						   &found);
	if (found)
		return place;
	GRAPH_GROW(graph->context, graph->profiles, graph->nprofiles);
	graph->profiles[graph->nprofiles++] =
		(GraphProfile) {.profile_id = profile_id, .root = profile_id,
	.founder_node = -1};
	return place;
}

/* The kind of an identifier; there are few, and neighbours are alike. */
uint16
cdp_graph_kind(CdpGraph *graph, int type_id, const char *scope)
{
	MemoryContext old;

	for (int i = 0; i < graph->nkinds; i++)
		if (graph->kinds[i].type_id == type_id &&
			strcmp(graph->kinds[i].scope, scope) == 0)
			return i;
	if (graph->nkinds >= PG_UINT16_MAX)
		elog(ERROR, "too many kinds of identifiers");
	GRAPH_GROW(graph->context, graph->kinds, graph->nkinds);
	old = MemoryContextSwitchTo(graph->context);
	graph->kinds[graph->nkinds] = (GraphKind) {
		cdp_identity_type_by_id(type_id), type_id, pstrdup(scope)
	};
	MemoryContextSwitchTo(old);
	return graph->nkinds++;
}
