/*
 * preview_judge.c
 *		Judging everything in memory, by the rules or by others.
 *
 * The stitcher keeps what it found by the rules of yesterday in the tables:
 * "blocked", "expired", and whether the store has strong values.  Here all of
 * it is found again for a loaded graph, in the order in which one follows from
 * the other, and only then the function proper runs (judge.c, replay.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "base/base.h"
#include "identity/preview.h"
#include "identity/verdict.h"

#define FETCH_ROWS 1000

typedef void (*NodeReader) (CdpGraph *graph, GraphNode *node, HeapTuple row,
							TupleDesc columns);

/* Rows of the statement's snapshot that begin with an identifier. */
static void
read_nodes(CdpGraph *graph, const char *sql, int nargs, Datum changes,
		   NodeReader reader)
{
	Oid			argtypes[1] = {JSONBOID};
	Portal		cursor;

	cursor = SPI_cursor_open_with_args(NULL, sql, nargs, argtypes, &changes,
									   NULL, true, 0);
	do
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(cursor, true, FETCH_ROWS);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool		isnull;
			HeapTuple	row = SPI_tuptable->vals[i];
			TupleDesc	columns = SPI_tuptable->tupdesc;
			int64		id = DatumGetInt64(SPI_getbinval(row, columns, 1, &isnull));
			int32		place = cdp_id_map_get(graph->node_map, id);

			if (place >= 0)
				reader(graph, &graph->nodes[place], row, columns);
		}
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(cursor);
}

/* identifier_id, value */
static void
read_blocked(CdpGraph *graph, GraphNode *node, HeapTuple row, TupleDesc columns)
{
	const CdpIdentityType *type = node_type(graph, node);
	char	   *value;

	if (type == NULL)
		return;
	value = SPI_getvalue(row, columns, 2);
	if (cdp_identity_is_blocked(type, value))
		node->flags |= NODE_BLOCKED;
	else
		node->flags &= ~NODE_BLOCKED;
	pfree(value);
}

/* identifier_id: its time is over; what is blocked has none */
static void
read_expired(CdpGraph *graph, GraphNode *node, HeapTuple row, TupleDesc columns)
{
	if ((node->flags & NODE_BLOCKED) == 0)
		node->flags |= NODE_EXPIRED;
}

/* Count flags that differ from those of before. */
static void
count_wrong(const CdpGraph *graph, const uint16 *before, CdpWrongFlags *wrong)
{
	for (int64 i = 0; i < graph->nnodes; i++)
	{
		uint16		turned = graph->nodes[i].flags ^ before[i];

		wrong->blocked += (turned & NODE_BLOCKED) != 0;
		wrong->expired += (turned & NODE_EXPIRED) != 0;
	}
}

/* Judge anew what is blocked and what has expired. */
static void
judge_flags(CdpGraph *graph, Datum changes, CdpWrongFlags *wrong)
{
	uint16	   *before = palloc_extended(sizeof(uint16) * (Size) (graph->nnodes + 1),
										 MCXT_ALLOC_HUGE);

	for (int64 i = 0; i < graph->nnodes; i++)
	{
		before[i] = graph->nodes[i].flags;
		graph->nodes[i].flags &= ~NODE_EXPIRED;
	}
	read_nodes(graph, "SELECT identifier_id, value FROM cdp.identifier",
			   0, changes, read_blocked);
	read_nodes(graph, "SELECT identifier_id FROM cdp._expired_with($1)"
			   " AS expired (identifier_id)", 1, changes, read_expired);
	if (wrong != NULL)
		count_wrong(graph, before, wrong);
	pfree(before);
}

/* Is there a usable identifier of a type that is strong by itself? */
static bool
has_strong(const CdpGraph *graph)
{
	for (int64 i = 0; i < graph->nnodes; i++)
	{
		const GraphNode *node = &graph->nodes[i];

		if (node_is_usable(graph, node) && node_type(graph, node)->strong_itself)
			return true;
	}
	return false;
}

/* Go by the rules with changes from now on, also for a graph that is loaded. */
static void
use_rules(CdpGraph *graph, Datum changes, bool strong)
{
	(void) cdp_identity_swap_rules(cdp_identity_read_changed(changes, strong));
	for (int i = 0; i < graph->nkinds; i++)
		graph->kinds[i].type = cdp_identity_type_by_id(graph->kinds[i].type_id);
}

static CdpGraph *
judge_everything(Datum changes, CdpWrongFlags *wrong)
{
	CdpGraph   *graph = cdp_graph_create();

	graph->read_only = true;
	use_rules(graph, changes, false);
	cdp_graph_load_all(graph);
	judge_flags(graph, changes, wrong);
	cdp_judge_support(graph);
	if (has_strong(graph))
		use_rules(graph, changes, true);
	cdp_judge_pairs(graph);
	cdp_judge_shared(graph);
	cdp_verdict_judge(graph);
	return graph;
}

/* See preview.h. */
CdpGraph *
cdp_preview_judge(Datum changes, CdpWrongFlags *wrong)
{
	CdpIdentityRules *kept = cdp_identity_swap_rules(NULL);
	CdpGraph   *volatile graph = NULL;

	PG_TRY();
	{
		graph = judge_everything(changes, wrong);
	}
	PG_FINALLY();
	{
		(void) cdp_identity_swap_rules(kept);
	}
	PG_END_TRY();
	return graph;
}

/* See preview.h. */
Datum
cdp_preview_no_changes(void)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"));
}
