/*
 * graph.c
 *		Loads a part of the identity graph into memory.
 *
 * Three ways in:
 *
 *	sets		given sets and their members, all outside: what the stitcher
 *				looks at first;
 *	components	all identifiers of given profiles, inside, all their sets, the
 *				other members of those; and if one of these, under today's
 *				rules, links with something inside, its profile as well, and so
 *				on until nothing new is linked.  What is inside then is whole
 *				components;
 *	all			everything, inside.
 *
 * Rows come through cursors, a thousand at a time, and a context that is reset
 * as often, so that a rebuild needs no more memory than the graph itself.
 * Statements probe indexes in the order of given arrays, except in a rebuild.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "identity/graph.h"
#include "identity/plans.h"

#define FETCH_ROWS 1000

/* What to do with a row. */
typedef void (*RowReader) (CdpGraph *graph, HeapTuple row, TupleDesc columns);

/* Room for one more element of a growing array. */
#define GROW(context, array, count) \
	do { \
		if ((count) == 0) \
			(array) = MemoryContextAllocHuge(context, sizeof(*(array)) * 64); \
		else if ((count) >= 64 && ((count) & ((count) - 1)) == 0) \
			(array) = repalloc_huge(array, sizeof(*(array)) * (count) * 2); \
	} while (0)

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

static void
check_count(int64 count)
{
	if (count >= CDP_COMPONENTS_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("identity graph is too large"),
				 errdetail("At most %d identifiers can be judged at once.",
						   CDP_COMPONENTS_MAX / 2)));
}

/* The node of an identifier, made if there is none. */
int32
cdp_graph_node(CdpGraph *graph, int64 identifier_id)
{
	bool		found;
	int32		place;

	check_count(graph->nnodes);
	place = cdp_id_map_put(graph->node_map, identifier_id, graph->nnodes,
						   &found);
	if (found)
		return place;
	GROW(graph->context, graph->nodes, graph->nnodes);
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
	GROW(graph->context, graph->profiles, graph->nprofiles);
	graph->profiles[graph->nprofiles++] =
		(GraphProfile) {profile_id, profile_id, 0, 0, -1};
	return place;
}

/* The kind of an identifier; there are few, and neighbours are alike. */
static uint16
find_kind(CdpGraph *graph, int type_id, const char *scope)
{
	MemoryContext old;

	for (int i = 0; i < graph->nkinds; i++)
		if (graph->kinds[i].type_id == type_id &&
			strcmp(graph->kinds[i].scope, scope) == 0)
			return i;
	if (graph->nkinds >= PG_UINT16_MAX)
		elog(ERROR, "too many kinds of identifiers");
	GROW(graph->context, graph->kinds, graph->nkinds);
	old = MemoryContextSwitchTo(graph->context);
	graph->kinds[graph->nkinds] = (GraphKind) {
		cdp_identity_type_by_id(type_id), type_id, pstrdup(scope)
	};
	MemoryContextSwitchTo(old);
	return graph->nkinds++;
}

static int64
get_int8(HeapTuple row, TupleDesc columns, int column)
{
	bool		isnull;
	Datum		datum = SPI_getbinval(row, columns, column, &isnull);

	return isnull ? 0 : DatumGetInt64(datum);
}

/* Run a query over ids (NULL: it has no parameter) and read its rows. */
static void
read_rows(CdpGraph *graph, const char *sql, const CdpIdList *ids,
		  RowReader reader)
{
	Oid			argtypes[1] = {INT8ARRAYOID};
	Datum		values[1];
	MemoryContext rows = AllocSetContextCreate(CurrentMemoryContext,
											   "cdp identity rows",
											   ALLOCSET_DEFAULT_SIZES);
	Portal		cursor;

	values[0] = ids ? cdp_identity_list_array(ids) : (Datum) 0;
	cursor = SPI_cursor_open_with_args(NULL, sql, ids ? 1 : 0, argtypes, values,
									   NULL, false, 0);
	for (;;)
	{
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(cursor, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		old = MemoryContextSwitchTo(rows);
		for (uint64 i = 0; i < SPI_processed; i++)
			reader(graph, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		MemoryContextSwitchTo(old);
		MemoryContextReset(rows);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_freetuptable(SPI_tuptable);
	SPI_cursor_close(cursor);
	MemoryContextDelete(rows);
}

/* profile_id, root, founder, split_epoch of root */
static void
read_profile(CdpGraph *graph, HeapTuple row, TupleDesc columns)
{
	int32		place = cdp_graph_profile(graph, get_int8(row, columns, 1));
	GraphProfile *profile = &graph->profiles[place];

	profile->root = get_int8(row, columns, 2);
	profile->founder = get_int8(row, columns, 3);
	profile->root_epoch = get_int8(row, columns, 4);
}

/* identifier_id, type_id, scope, blocked, shared, leaf, former_leaf */
static void
read_node(CdpGraph *graph, HeapTuple row, TupleDesc columns)
{
	bool		isnull;
	int32		place = cdp_graph_node(graph, get_int8(row, columns, 1));
	GraphNode  *node = &graph->nodes[place];
	int			type_id = DatumGetInt32(SPI_getbinval(row, columns, 2, &isnull));
	char	   *scope = TextDatumGetCString(SPI_getbinval(row, columns, 3, &isnull));
	int64		leaf = get_int8(row, columns, 6);

	node->kind = find_kind(graph, type_id, scope);
	node->flags |= NODE_LOADED;
	if (DatumGetBool(SPI_getbinval(row, columns, 4, &isnull)))
		node->flags |= NODE_BLOCKED;
	if (DatumGetBool(SPI_getbinval(row, columns, 5, &isnull)))
		node->flags |= NODE_SHARED | NODE_SHARED_NOW;
	if (leaf != 0)
		node->flags |= NODE_PLACED;
	else
		leaf = get_int8(row, columns, 7);
	if (leaf != 0)
		node->profile = cdp_graph_profile(graph, leaf);
}

/* The same, and root and split_epoch of root for the profile of the leaf. */
static void
read_node_and_root(CdpGraph *graph, HeapTuple row, TupleDesc columns)
{
	GraphNode  *node;
	GraphProfile *profile;

	read_node(graph, row, columns);
	node = &graph->nodes[cdp_graph_node(graph, get_int8(row, columns, 1))];
	if (node->profile < 0)
		return;
	profile = &graph->profiles[node->profile];
	profile->root = get_int8(row, columns, 8);
	profile->root_epoch = get_int8(row, columns, 9);
}

static void
read_inside_node(CdpGraph *graph, HeapTuple row, TupleDesc columns)
{
	read_node(graph, row, columns);
	graph->nodes[cdp_graph_node(graph, get_int8(row, columns, 1))].flags |= NODE_INSIDE;
}

/* set_id, owner, epoch, identifiers */
static void
read_set(CdpGraph *graph, HeapTuple row, TupleDesc columns)
{
	bool		found;
	bool		isnull;
	int64		set_id = get_int8(row, columns, 1);
	int64		owner = get_int8(row, columns, 2);
	ArrayType  *array;
	int64	   *ids;
	GraphSet	set = {set_id, graph->nmembers, get_int8(row, columns, 3), -1, 0};

	check_count(graph->nsets);
	(void) cdp_id_map_put(graph->set_map, set_id, graph->nsets, &found);
	if (found)
		return;
	array = DatumGetArrayTypeP(SPI_getbinval(row, columns, 4, &isnull));
	ids = cdp_identity_get_int8s(array, &set.nmembers);
	for (int i = 0; i < set.nmembers; i++)
	{
		GROW(graph->context, graph->members, graph->nmembers);
		graph->members[graph->nmembers++] = cdp_graph_node(graph, ids[i]);
	}
	if (owner != 0)
		set.owner = cdp_graph_node(graph, owner);
	GROW(graph->context, graph->sets, graph->nsets);
	graph->sets[graph->nsets++] = set;
}

#define NODE_COLUMNS "identifier.identifier_id, identifier.type_id," \
	" identifier.scope, identifier.blocked, identifier.shared," \
	" identifier.leaf, identifier.former_leaf"
#define SET_COLUMNS "identifier_set.set_id, identifier_set.owner," \
	" identifier_set.epoch, identifier_set.identifiers"
#define PROFILE_COLUMNS \
	"profile.profile_id, profile.root, profile.founder, root.split_epoch"

/* Given sets; their members are nodes that are yet to be loaded. */
void
cdp_graph_load_sets(CdpGraph *graph, const CdpIdList *set_ids)
{
	read_rows(graph,
			  "SELECT " SET_COLUMNS " FROM unnest($1) AS given (set_id)"
			  " JOIN cdp.identifier_set USING (set_id)",
			  set_ids, read_set);
}

/* The rows of nodes that are known by name only, as outside nodes. */
void
cdp_graph_load_nodes(CdpGraph *graph)
{
	CdpIdList	ids = {0};

	for (int64 i = 0; i < graph->nnodes; i++)
		if ((graph->nodes[i].flags & NODE_LOADED) == 0)
			cdp_identity_list_add(&ids, graph->nodes[i].identifier_id);
	if (ids.count == 0)
		return;
	cdp_identity_list_sort(&ids);
	read_rows(graph,
			  "SELECT " NODE_COLUMNS ", profile.root, root.split_epoch"
			  " FROM unnest($1) AS given (identifier_id)"
			  " JOIN cdp.identifier USING (identifier_id)"
			  " LEFT JOIN cdp.profile ON profile.profile_id"
			  " = coalesce(identifier.leaf, identifier.former_leaf)"
			  " LEFT JOIN cdp.profile AS root ON root.profile_id = profile.root",
			  &ids, read_node_and_root);
	pfree(ids.ids);
}

/* Given live profiles: all ids that lead to them, and their identifiers. */
static void
load_profiles(CdpGraph *graph, const CdpIdList *roots)
{
	read_rows(graph,
			  "SELECT " PROFILE_COLUMNS " FROM unnest($1) AS given (root_id)"
			  " JOIN cdp.profile AS root ON root.profile_id = given.root_id"
			  " JOIN cdp.profile ON profile.profile_id = given.root_id"
			  " UNION ALL"
			  " SELECT " PROFILE_COLUMNS " FROM unnest($1) AS given (root_id)"
			  " JOIN cdp.profile AS root ON root.profile_id = given.root_id"
			  " JOIN cdp.profile ON profile.root = given.root_id"
			  " AND profile.root <> profile.profile_id",
			  roots, read_profile);
	read_rows(graph,
			  "SELECT " NODE_COLUMNS " FROM unnest($1) AS given (root_id)"
			  " JOIN cdp.profile ON profile.profile_id = given.root_id"
			  " JOIN cdp.identifier ON identifier.leaf = profile.profile_id"
			  " UNION ALL"
			  " SELECT " NODE_COLUMNS " FROM unnest($1) AS given (root_id)"
			  " JOIN cdp.profile ON profile.root = given.root_id"
			  " AND profile.root <> profile.profile_id"
			  " JOIN cdp.identifier ON identifier.leaf = profile.profile_id",
			  roots, read_inside_node);
}

/* The sets of inside nodes that were not asked for yet. */
static void
load_sets_of_inside(CdpGraph *graph)
{
	CdpIdList	ids = {0};

	for (int64 i = 0; i < graph->nnodes; i++)
	{
		GraphNode  *node = &graph->nodes[i];

		if ((node->flags & NODE_INSIDE) == 0 || (node->flags & NODE_TRIED) != 0)
			continue;
		node->flags |= NODE_TRIED;
		cdp_identity_list_add(&ids, node->identifier_id);
	}
	if (ids.count == 0)
		return;
	cdp_identity_list_sort(&ids);
	read_rows(graph,
			  "SELECT " SET_COLUMNS " FROM (SELECT DISTINCT member.set_id"
			  " FROM unnest($1) AS given (identifier_id)"
			  " JOIN cdp.identifier_set_member AS member USING (identifier_id))"
			  " AS found JOIN cdp.identifier_set USING (set_id)",
			  &ids, read_set);
	pfree(ids.ids);
}

/*
 * What lies outside but is linked, under the rules as judged, with something
 * inside: live profiles to load, and nodes without one, which come inside at
 * once.  True if there was any.
 */
static bool
find_linked(CdpGraph *graph, CdpIdList *roots)
{
	bool		any = false;

	for (int64 i = 0; i < graph->nsets; i++)
	{
		const GraphSet *set = &graph->sets[i];
		const int32 *members = graph->members + set->first_member;
		bool		is_linked = false;

		for (int j = 0; j < set->nmembers; j++)
			is_linked |= (graph->nodes[members[j]].flags & NODE_INSIDE) != 0 &&
				node_links(graph, &graph->nodes[members[j]]);
		for (int j = 0; is_linked && j < set->nmembers; j++)
		{
			GraphNode  *node = &graph->nodes[members[j]];

			if ((node->flags & NODE_INSIDE) != 0 || !node_links(graph, node))
				continue;
			any = true;
			if (node->profile >= 0)
				cdp_identity_list_add(roots, graph->profiles[node->profile].root);
			if ((node->flags & NODE_PLACED) == 0)
				node->flags |= NODE_INSIDE;
		}
	}
	cdp_identity_list_sort(roots);
	return any;
}

/* See graph.h: given live profiles, identifiers without one, and the rest. */
void
cdp_graph_load_components(CdpGraph *graph, const CdpIdList *roots,
						  const CdpIdList *unplaced)
{
	int			nest_level = cdp_identity_begin_probing();
	CdpIdList	more = {0};

	for (int i = 0; i < roots->count; i++)
		cdp_identity_list_add(&more, roots->ids[i]);
	cdp_identity_list_sort(&more);
	for (int i = 0; i < unplaced->count; i++)
	{
		int32		place = cdp_graph_node(graph, unplaced->ids[i]);

		graph->nodes[place].flags |= NODE_INSIDE;
	}
	do
	{
		load_profiles(graph, &more);
		load_sets_of_inside(graph);
		cdp_graph_load_nodes(graph);
		cdp_judge_pairs(graph);
		cdp_judge_shared(graph);
		more.count = 0;
	} while (find_linked(graph, &more));
	cdp_identity_end_probing(nest_level);
}

/* See graph.h. */
void
cdp_graph_load_all(CdpGraph *graph)
{
	read_rows(graph,
			  "SELECT " PROFILE_COLUMNS " FROM cdp.profile"
			  " JOIN cdp.profile AS root ON root.profile_id = profile.root",
			  NULL, read_profile);
	read_rows(graph,
			  "SELECT " NODE_COLUMNS " FROM cdp.identifier",
			  NULL, read_inside_node);
	read_rows(graph,
			  "SELECT " SET_COLUMNS " FROM cdp.identifier_set",
			  NULL, read_set);
	cdp_judge_pairs(graph);
	cdp_judge_shared(graph);
}
