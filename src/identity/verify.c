/*
 * verify.c
 *		Is what the store says what the evidence says?
 *
 * Judges everything in memory, what the rules decide about single identifiers
 * included (preview_judge.c), and compares all that the stitcher writes,
 * writing nothing.  Besides counting what differs it hashes both partitions,
 * so that two stores, or one before and after a restore, can be compared by a
 * number: the sum over identifiers of a hash of the identifier's id and its
 * profile's, independent of order.
 *
 * All is read from the snapshot of the statement, so records that arrive
 * meanwhile are no difference.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/preview.h"
#include "identity/verdict.h"

PG_FUNCTION_INFO_V1(cdp__verify_identity);

#define FETCH_ROWS 1000

/* In the order of the columns of cdp.verify_identity(). */
typedef struct Figures
{
	int64		identifiers;
	int64		profiles;
	int64		misplaced;
	int64		wrongly_shared;
	int64		wrongly_blocked;
	int64		wrongly_expired;
	int64		wrong_profiles;
	int64		wrong_owners;
	int64		wrong_conflicts;
	uint64		stored_hash;
	uint64		computed_hash;
} Figures;

#define FIGURES (sizeof(Figures) / sizeof(int64))

static uint64
hash_membership(int64 identifier_id, int64 profile_id)
{
	int64		pair[2] = {identifier_id, profile_id};

	return hash_bytes_extended((const unsigned char *) pair, sizeof(pair), 0);
}

/* Has the table another profile, or another leaf, than was judged? */
static bool
is_misplaced(const CdpGraph *graph, const GraphNode *node)
{
	int64		after = node_new_profile(graph, node);
	int64		leaf = (node->flags & NODE_PLACED) == 0 ? 0 :
		graph->profiles[node->profile].profile_id;

	return node_old_profile(graph, node) != after ||
		leaf != node_new_leaf(graph, node) || (node->part >= 0 && after == 0);
}

/* identifier */
static void
compare_nodes(const CdpGraph *graph, Figures *figures)
{
	for (int64 i = 0; i < graph->nnodes; i++)
	{
		const GraphNode *node = &graph->nodes[i];

		if ((node->flags & NODE_LOADED) == 0)
			continue;
		figures->identifiers++;
		figures->profiles += node->part == i;
		figures->misplaced += is_misplaced(graph, node);
		figures->wrongly_shared += ((node->flags & NODE_SHARED) != 0) !=
			((node->flags & NODE_SHARED_NOW) != 0);
		figures->stored_hash += hash_membership(node->identifier_id,
												node_old_profile(graph, node));
		figures->computed_hash += hash_membership(node->identifier_id,
												  node_new_profile(graph, node));
	}
}

/* profile: root, founder, marks, watched */
static void
compare_profiles(const CdpGraph *graph, Figures *figures)
{
	CdpMarks	marks = cdp_verdict_find_marks(graph);

	for (int64 i = 0; i < graph->nprofiles; i++)
	{
		const GraphProfile *profile = &graph->profiles[i];
		int64		root = profile_new_root(graph, profile);
		int64		founder = profile->founder;
		int32		part = -1;

		if (founder == 0)
			continue;
		if (profile->founder_node >= 0)
		{
			founder = graph->nodes[profile->founder_node].identifier_id;
			if (root == profile->profile_id)
				part = graph->nodes[profile->founder_node].part;
		}
		figures->wrong_profiles += root != profile->root ||
			founder != profile->founder ||
			!cdp_verdict_same_marks(graph, &marks, profile, part);
	}
}

/* identifier_set.owner */
static void
compare_owners(CdpGraph *graph, Figures *figures)
{
	int32	   *owners = cdp_verdict_find_owners(graph);

	for (int64 i = 0; i < graph->nsets; i++)
		figures->wrong_owners += owners[i] != graph->sets[i].owner;
	pfree(owners);
}

static int
compare_refusals(const void *a, const void *b)
{
	const Refusal *left = a;
	const Refusal *right = b;

	if (left->identifier_a != right->identifier_a)
		return left->identifier_a < right->identifier_a ? -1 : 1;
	return (left->identifier_b > right->identifier_b) -
		(left->identifier_b < right->identifier_b);
}

static Refusal
get_refusal(HeapTuple row, TupleDesc columns)
{
	bool		isnull;
	Refusal		refusal = {
		DatumGetInt64(SPI_getbinval(row, columns, 1, &isnull)),
		DatumGetInt64(SPI_getbinval(row, columns, 2, &isnull)),
		DatumGetInt64(SPI_getbinval(row, columns, 3, &isnull)),
		DatumGetInt32(SPI_getbinval(row, columns, 4, &isnull)),
		DatumGetInt32(SPI_getbinval(row, columns, 5, &isnull))
	};

	return refusal;
}

/* refused_link: rows that are missing, too many, or say something else. */
static void
compare_conflicts(CdpGraph *graph, Figures *figures)
{
	int64		same = 0;
	int64		rows = 0;
	Portal		cursor;

	if (graph->nrefusals > 0)
		qsort(graph->refusals, graph->nrefusals, sizeof(Refusal),
			  compare_refusals);
	cursor = SPI_cursor_open_with_args(NULL,
									   "SELECT identifier_a, identifier_b, set_id,"
									   " coalesce(type_id, 0), array_position("
									   "ARRAY['never', 'max_per_profile',"
									   " 'joins_known'], rule) - 1"
									   " FROM cdp.refused_link",
									   0, NULL, NULL, NULL, true, 0);
	do
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(cursor, true, FETCH_ROWS);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			Refusal		row = get_refusal(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc);
			Refusal    *judged = graph->nrefusals == 0 ? NULL :
				bsearch(&row, graph->refusals, graph->nrefusals,
						sizeof(Refusal), compare_refusals);

			rows++;
			same += judged != NULL && judged->set_id == row.set_id &&
				judged->type_id == row.type_id && judged->rule == row.rule;
		}
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(cursor);
	figures->wrong_conflicts = Max(rows, graph->nrefusals) - same;
}

/* cdp._verify_identity() */
Datum
cdp__verify_identity(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext old;
	Figures		figures = {0};
	CdpWrongFlags wrong = {0};
	CdpGraph   *graph;
	Datum		result;

	cdp_base_check_store();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	graph = cdp_preview_judge(cdp_preview_no_changes(), &wrong);
	figures.wrongly_blocked = wrong.blocked;
	figures.wrongly_expired = wrong.expired;
	compare_nodes(graph, &figures);
	compare_profiles(graph, &figures);
	compare_owners(graph, &figures);
	compare_conflicts(graph, &figures);
	old = MemoryContextSwitchTo(context);
	result = cdp_identity_int8_array((int64 *) &figures, FIGURES);
	MemoryContextSwitchTo(old);
	SPI_finish();
	return result;
}
