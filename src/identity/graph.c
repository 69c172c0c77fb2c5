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

static int64
get_int8(HeapTuple row, TupleDesc columns, int column)
{
	bool		isnull;
	Datum		datum = SPI_getbinval(row, columns, column, &isnull);

	return isnull ? 0 : DatumGetInt64(datum);
}

/* Read the rows of a cursor, and close it. */
static void
read_cursor(CdpGraph *graph, Portal cursor, RowReader reader)
{
	MemoryContext rows = AllocSetContextCreate(CurrentMemoryContext,
											   "cdp identity rows",
											   ALLOCSET_DEFAULT_SIZES);

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

/* Run a kept plan over ids, planned to probe, and read its rows. */
static void
read_rows(CdpGraph *graph, CdpPlan *plan, const CdpIdList *ids,
		  RowReader reader)
{
	Datum		values[1] = {cdp_identity_list_array(ids)};

	cdp_base_prepare(plan);
	read_cursor(graph, SPI_cursor_open(NULL, plan->plan, values, NULL,
									   graph->read_only), reader);
}

/* Run a query planned for this time, over ids if it has a parameter. */
static void
read_once(CdpGraph *graph, const char *sql, const CdpIdList *ids,
		  RowReader reader)
{
	Oid			argtypes[1] = {INT8ARRAYOID};
	Datum		values[1];

	values[0] = ids ? cdp_identity_list_array(ids) : (Datum) 0;
	read_cursor(graph,
				SPI_cursor_open_with_args(NULL, sql, ids ? 1 : 0, argtypes,
										  values, NULL, graph->read_only, 0),
				reader);
}

/* Keep marks and watched of a live profile, in columns from given one on. */
static void
read_watched(CdpGraph *graph, GraphProfile *profile, HeapTuple row,
			 TupleDesc columns, int column)
{
	bool		isnull;
	Datum		marks = SPI_getbinval(row, columns, column, &isnull);
	int64	   *ids;
	int			count;

	if (isnull || profile->nwatched > 0)
		return;
	profile->marks = DatumGetInt16(marks);
	ids = cdp_identity_get_int8s(DatumGetArrayTypeP(SPI_getbinval(row, columns,
																  column + 1,
																  &isnull)),
								 &count);
	profile->first_watched = graph->nwatched;
	profile->nwatched = count;
	for (int i = 0; i < count; i++)
	{
		GRAPH_GROW(graph->context, graph->watched, graph->nwatched);
		graph->watched[graph->nwatched++] = ids[i];
	}
}

/*
 * profile_id, root, founder, split_epoch of root, its own marks, watched,
 * former_founder
 */
static void
read_profile(CdpGraph *graph, HeapTuple row, TupleDesc columns)
{
	int32		place = cdp_graph_profile(graph, get_int8(row, columns, 1));
	GraphProfile *profile = &graph->profiles[place];

	profile->rooted = true;
	profile->root = get_int8(row, columns, 2);
	profile->founder = get_int8(row, columns, 3);
	profile->root_epoch = get_int8(row, columns, 4);
	profile->former_founder = get_int8(row, columns, 7);
	read_watched(graph, profile, row, columns, 5);
}

/* identifier_id, type_id, scope, blocked, shared, leaf, former_leaf, expired */
static void
read_node(CdpGraph *graph, HeapTuple row, TupleDesc columns)
{
	bool		isnull;
	int32		place = cdp_graph_node(graph, get_int8(row, columns, 1));
	GraphNode  *node = &graph->nodes[place];
	int			type_id = DatumGetInt32(SPI_getbinval(row, columns, 2, &isnull));
	char	   *scope = TextDatumGetCString(SPI_getbinval(row, columns, 3, &isnull));
	int64		leaf = get_int8(row, columns, 6);

	node->kind = cdp_graph_kind(graph, type_id, scope);
	node->flags |= NODE_LOADED;
	if (DatumGetBool(SPI_getbinval(row, columns, 8, &isnull)))
		node->flags |= NODE_EXPIRED;
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

/* profile_id, root, its own split_epoch, marks, watched */
static void
read_leaf(CdpGraph *graph, HeapTuple row, TupleDesc columns)
{
	int32		place = cdp_graph_profile(graph, get_int8(row, columns, 1));
	GraphProfile *profile = &graph->profiles[place];

	profile->rooted = true;
	profile->root = get_int8(row, columns, 2);
	profile->root_epoch = get_int8(row, columns, 3);
	read_watched(graph, profile, row, columns, 4);
	(void) cdp_graph_profile(graph, profile->root);
}

static void
read_inside_node(CdpGraph *graph, HeapTuple row, TupleDesc columns)
{
	read_node(graph, row, columns);
	graph->nodes[cdp_graph_node(graph, get_int8(row, columns, 1))].flags |= NODE_INSIDE;
}

/* set_id, owner, epoch, identifiers, first_seen, retracted */
static void
read_set(CdpGraph *graph, HeapTuple row, TupleDesc columns)
{
	bool		found;
	bool		isnull;
	int64		set_id = get_int8(row, columns, 1);
	int64		owner = get_int8(row, columns, 2);
	ArrayType  *array;
	int64	   *ids;
	GraphSet	set = {set_id, graph->nmembers, get_int8(row, columns, 3)};
	int			count;

	cdp_graph_check_count(graph->nsets);
	(void) cdp_id_map_put(graph->set_map, set_id, graph->nsets, &found);
	if (found)
		return;
	array = DatumGetArrayTypeP(SPI_getbinval(row, columns, 4, &isnull));
	ids = cdp_identity_get_int8s(array, &count);
	set.nmembers = count;
	set.first_seen = get_int8(row, columns, 5);
	set.retracted = DatumGetBool(SPI_getbinval(row, columns, 6, &isnull));
	set.owner = -1;
	for (int i = 0; i < count; i++)
	{
		GRAPH_GROW(graph->context, graph->members, graph->nmembers);
		graph->members[graph->nmembers++] = cdp_graph_node(graph, ids[i]);
	}
	if (owner != 0)
		set.owner = cdp_graph_node(graph, owner);
	GRAPH_GROW(graph->context, graph->sets, graph->nsets);
	graph->sets[graph->nsets++] = set;
}

/* decision_id, identifier_a, identifier_b, is it "always"; may come twice */
static void
read_decision(CdpGraph *graph, HeapTuple row, TupleDesc columns)
{
	bool		isnull;
	GraphDecision decision = {
		get_int8(row, columns, 1),
		cdp_graph_node(graph, get_int8(row, columns, 2)),
		cdp_graph_node(graph, get_int8(row, columns, 3)),
		DatumGetBool(SPI_getbinval(row, columns, 4, &isnull))
	};

	GRAPH_GROW(graph->context, graph->decisions, graph->ndecisions);
	graph->decisions[graph->ndecisions++] = decision;
}

/* identifier_id, place in the order of keys */
static void
read_key_order(CdpGraph *graph, HeapTuple row, TupleDesc columns)
{
	graph->key_order[cdp_graph_node(graph, get_int8(row, columns, 1))] =
		get_int8(row, columns, 2);
}

#define NODE_COLUMNS "identifier.identifier_id, identifier.type_id," \
	" identifier.scope, identifier.blocked, identifier.shared," \
	" identifier.leaf, identifier.former_leaf, identifier.expired"
#define SET_COLUMNS "identifier_set.set_id, identifier_set.owner," \
	" identifier_set.epoch, identifier_set.identifiers," \
	" identifier_set.first_seen, identifier_set.retracted"
#define PROFILE_COLUMNS \
	"profile.profile_id, profile.root, profile.founder, root.split_epoch," \
	" profile.marks, profile.watched, profile.former_founder"

#define DECISION_COLUMNS \
	"decision_id, identifier_a, identifier_b, verdict = 'always'"

/* Given sets; their members are nodes that are yet to be loaded. */
void
cdp_graph_load_sets(CdpGraph *graph, const CdpIdList *set_ids)
{
	static CdpPlan sets_plan = {
		"SELECT " SET_COLUMNS " FROM unnest($1) AS given (set_id)"
		" JOIN cdp.identifier_set USING (set_id)",
		1, {INT8ARRAYOID}
	};

	read_rows(graph, &sets_plan, set_ids, read_set);
}

/* The rows of profiles that are known by name only, and of their roots. */
static void
load_leaves(CdpGraph *graph)
{
	static CdpPlan leaves_plan = {
		"SELECT profile_id, root, split_epoch, marks, watched"
		" FROM unnest($1) AS given (profile_id)"
		" JOIN cdp.profile USING (profile_id)",
		1, {INT8ARRAYOID}
	};
	CdpIdList	ids = {0};

	do
	{
		ids.count = 0;
		for (int64 i = 0; i < graph->nprofiles; i++)
			if (!graph->profiles[i].rooted)
			{
				cdp_identity_list_add(&ids, graph->profiles[i].profile_id);
				graph->profiles[i].rooted = true;
			}
		cdp_identity_list_sort(&ids);
		if (ids.count > 0)
			read_rows(graph, &leaves_plan, &ids, read_leaf);
	} while (ids.count > 0);
	for (int64 i = 0; i < graph->nprofiles; i++)
	{
		GraphProfile *profile = &graph->profiles[i];

		profile->root_epoch =
			graph->profiles[cdp_graph_profile(graph, profile->root)].root_epoch;
	}
}

/* The rows of nodes that are known by name only, as outside nodes. */
void
cdp_graph_load_nodes(CdpGraph *graph)
{
	static CdpPlan nodes_plan = {
		"SELECT " NODE_COLUMNS " FROM unnest($1) AS given (identifier_id)"
		" JOIN cdp.identifier USING (identifier_id)",
		1, {INT8ARRAYOID}
	};
	CdpIdList	ids = {0};

	for (int64 i = 0; i < graph->nnodes; i++)
		if ((graph->nodes[i].flags & NODE_LOADED) == 0)
			cdp_identity_list_add(&ids, graph->nodes[i].identifier_id);
	if (ids.count == 0)
		return;
	cdp_identity_list_sort(&ids);
	read_rows(graph, &nodes_plan, &ids, read_node);
	load_leaves(graph);
	pfree(ids.ids);
}

/* Given live profiles: all ids that lead to them, and their identifiers. */
static void
load_profiles(CdpGraph *graph, const CdpIdList *roots)
{
	static CdpPlan profiles_plan = {
		"SELECT " PROFILE_COLUMNS " FROM unnest($1) AS given (root_id)"
		" JOIN cdp.profile AS root ON root.profile_id = given.root_id"
		" JOIN cdp.profile ON profile.profile_id = given.root_id"
		" UNION ALL"
		" SELECT " PROFILE_COLUMNS " FROM unnest($1) AS given (root_id)"
		" JOIN cdp.profile AS root ON root.profile_id = given.root_id"
		" JOIN cdp.profile ON profile.root = given.root_id"
		" AND profile.root <> profile.profile_id",
		1, {INT8ARRAYOID}
	};
	static CdpPlan inside_plan = {
		"SELECT " NODE_COLUMNS " FROM unnest($1) AS given (root_id)"
		" JOIN cdp.profile ON profile.profile_id = given.root_id"
		" JOIN cdp.identifier ON identifier.leaf = profile.profile_id"
		" UNION ALL"
		" SELECT " NODE_COLUMNS " FROM unnest($1) AS given (root_id)"
		" JOIN cdp.profile ON profile.root = given.root_id"
		" AND profile.root <> profile.profile_id"
		" JOIN cdp.identifier ON identifier.leaf = profile.profile_id",
		1, {INT8ARRAYOID}
	};

	read_rows(graph, &profiles_plan, roots, read_profile);
	read_rows(graph, &inside_plan, roots, read_inside_node);
}

/* identifier_id */
static void
read_refused(CdpGraph *graph, HeapTuple row, TupleDesc columns)
{
	graph->nodes[cdp_graph_node(graph, get_int8(row, columns, 1))].flags |= NODE_REFUSED;
}

/*
 * What links of these identifiers were refused to: all of a component that was
 * replayed is to know if it need not have been.
 */
static void
load_refused(CdpGraph *graph, const CdpIdList *ids)
{
	static CdpPlan refused_plan = {
		"SELECT identifier_b FROM cdp.refused_link"
		" WHERE identifier_a = ANY ($1)"
		" UNION ALL"
		" SELECT identifier_a FROM cdp.refused_link"
		" WHERE identifier_b = ANY ($1)",
		1, {INT8ARRAYOID}
	};
	bool		replayed = false;

	for (int64 i = 0; i < graph->nprofiles; i++)
		replayed |= (graph->profiles[i].marks & CDP_MARK_REPLAYED) != 0;
	if (!replayed)
		return;
	read_rows(graph, &refused_plan, ids, read_refused);
}

/* The sets and decisions of inside nodes that were not asked for yet. */
static void
load_evidence_of_inside(CdpGraph *graph)
{
	static CdpPlan sets_plan = {
		"SELECT " SET_COLUMNS " FROM (SELECT DISTINCT member.set_id"
		" FROM unnest($1) AS given (identifier_id)"
		" JOIN cdp.identifier_set_member AS member USING (identifier_id))"
		" AS found JOIN cdp.identifier_set USING (set_id)",
		1, {INT8ARRAYOID}
	};
	static CdpPlan decisions_plan = {
		/* OFFSET 0: else all decisions may be compared with all ids. */
		"SELECT decided.* FROM unnest($1) AS given (identifier_id)"
		" CROSS JOIN LATERAL (SELECT " DECISION_COLUMNS
		" FROM cdp.decision WHERE identifier_a = given.identifier_id"
		" AND withdrawn_by IS NULL OFFSET 0) AS decided"
		" UNION ALL"
		" SELECT decided.* FROM unnest($1) AS given (identifier_id)"
		" CROSS JOIN LATERAL (SELECT " DECISION_COLUMNS
		" FROM cdp.decision WHERE identifier_b = given.identifier_id"
		" AND withdrawn_by IS NULL OFFSET 0) AS decided",
		1, {INT8ARRAYOID}
	};
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
	read_rows(graph, &sets_plan, &ids, read_set);
	read_rows(graph, &decisions_plan, &ids, read_decision);
	load_refused(graph, &ids);
	pfree(ids.ids);
}

/* Bring an outside node in: at once, or with the profile it belongs to. */
static void
bring_in(CdpGraph *graph, GraphNode *node, CdpIdList *roots)
{
	if (node->profile >= 0)
		cdp_identity_list_add(roots, graph->profiles[node->profile].root);
	if ((node->flags & NODE_PLACED) == 0)
		node->flags |= NODE_INSIDE;
}

static bool
is_inside(const GraphNode *node)
{
	return (node->flags & NODE_INSIDE) != 0;
}

/* Bring in what a set links with something inside; true if it did. */
static bool
find_linked_by_set(CdpGraph *graph, const GraphSet *set, CdpIdList *roots)
{
	const int32 *members = graph->members + set->first_member;
	bool		is_linked = false;
	bool		any = false;

	for (int i = 0; !set->retracted && i < set->nmembers; i++)
		is_linked |= is_inside(&graph->nodes[members[i]]) &&
			node_links(graph, &graph->nodes[members[i]]);
	for (int i = 0; is_linked && i < set->nmembers; i++)
	{
		GraphNode  *node = &graph->nodes[members[i]];

		if (is_inside(node) || !node_links(graph, node))
			continue;
		bring_in(graph, node, roots);
		any = true;
	}
	return any;
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
		any |= find_linked_by_set(graph, &graph->sets[i], roots);
	for (int64 i = 0; i < graph->ndecisions; i++)
	{
		GraphDecision *decision = &graph->decisions[i];
		GraphNode  *a = &graph->nodes[decision->a];
		GraphNode  *b = &graph->nodes[decision->b];

		if (!decision->always || is_inside(a) == is_inside(b) ||
			(a->flags & NODE_BLOCKED) != 0 || (b->flags & NODE_BLOCKED) != 0)
			continue;
		bring_in(graph, is_inside(a) ? b : a, roots);
		any = true;
	}
	for (int64 i = 0; i < graph->nnodes; i++)
	{
		GraphNode  *node = &graph->nodes[i];

		if ((node->flags & NODE_REFUSED) == 0 || is_inside(node) ||
			(node->flags & NODE_BLOCKED) != 0)
			continue;
		bring_in(graph, node, roots);
		any = true;
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
		load_evidence_of_inside(graph);
		cdp_graph_load_nodes(graph);
		cdp_judge_support(graph);
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
	read_once(graph,
			  "SELECT " PROFILE_COLUMNS " FROM cdp.profile"
			  " JOIN cdp.profile AS root ON root.profile_id = profile.root",
			  NULL, read_profile);
	read_once(graph,
			  "SELECT " NODE_COLUMNS " FROM cdp.identifier",
			  NULL, read_inside_node);
	read_once(graph,
			  "SELECT " SET_COLUMNS " FROM cdp.identifier_set",
			  NULL, read_set);
	read_once(graph,
			  "SELECT " DECISION_COLUMNS " FROM cdp.decision"
			  " WHERE withdrawn_by IS NULL",
			  NULL, read_decision);
	cdp_judge_support(graph);
	cdp_judge_pairs(graph);
	cdp_judge_shared(graph);
}

/* See graph.h: the order of keys, for nodes that replay must compare. */
void
cdp_graph_load_keys(CdpGraph *graph)
{
	CdpIdList	ids = {0};

	for (int64 i = 0; i < graph->nnodes; i++)
		if ((graph->nodes[i].flags & NODE_REPLAYED) != 0)
			cdp_identity_list_add(&ids, graph->nodes[i].identifier_id);
	cdp_identity_list_sort(&ids);
	graph->key_order = MemoryContextAllocHuge(graph->context,
											  sizeof(int32) * (graph->nnodes + 1));
	read_once(graph,
			  "SELECT identifier_id, row_number() OVER"
			  " (ORDER BY type_id, scope, value)"
			  " FROM unnest($1) AS given (identifier_id)"
			  " JOIN cdp.identifier USING (identifier_id)",
			  &ids, read_key_order);
}
