/*
 * verify.c
 *		Is what the store says what the evidence says?
 *
 * Judges everything and compares, writing nothing.  Besides counting what
 * differs it hashes both partitions, so that two stores, or one before and
 * after a restore, can be compared by a number: the sum over identifiers of a
 * hash of the identifier's id and its profile's, independent of order.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/verdict.h"

PG_FUNCTION_INFO_V1(cdp__verify_identity);

#define FIGURES 6

static uint64
hash_membership(int64 identifier_id, int64 profile_id)
{
	int64		pair[2] = {identifier_id, profile_id};

	return hash_bytes_extended((const unsigned char *) pair, sizeof(pair), 0);
}

/* identifiers, profiles, two counts of differences, two hashes */
static void
compare_graph(CdpGraph *graph, int64 *figures)
{
	uint64		stored = 0;
	uint64		computed = 0;

	for (int64 i = 0; i < graph->nnodes; i++)
	{
		const GraphNode *node = &graph->nodes[i];
		int64		before = node_old_profile(graph, node);
		int64		after = node_new_profile(graph, node);

		if ((node->flags & NODE_LOADED) == 0)
			continue;
		figures[0]++;
		figures[1] += node->part == i;
		figures[2] += before != after || (node->part >= 0 && after == 0);
		figures[3] += ((node->flags & NODE_SHARED) != 0) !=
			((node->flags & NODE_SHARED_NOW) != 0);
		stored += hash_membership(node->identifier_id, before);
		computed += hash_membership(node->identifier_id, after);
	}
	figures[4] = (int64) stored;
	figures[5] = (int64) computed;
}

/* cdp._verify_identity() */
Datum
cdp__verify_identity(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext old;
	int64		figures[FIGURES] = {0};
	CdpGraph   *graph;
	Datum		result;

	cdp_base_check_store();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	(void) cdp_identity_refresh_rules();
	graph = cdp_graph_create();
	cdp_graph_load_all(graph);
	cdp_verdict_judge(graph);
	compare_graph(graph, figures);
	old = MemoryContextSwitchTo(context);
	result = cdp_identity_int8_array(figures, FIGURES);
	MemoryContextSwitchTo(old);
	SPI_finish();
	return result;
}
