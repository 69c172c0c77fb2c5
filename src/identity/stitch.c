/*
 * stitch.c
 *		The stitcher: judges new sets, one session at a time.
 *
 * Nearly all new evidence is monotone: it adds a link.  Then a profile becomes
 * part of another, whatever their sizes, and nothing else changes.  A batch:
 *
 *	1. load the sets and their members with the live profiles of these;
 *	2. note new pairs of weak and strong identifiers (cdp.identifier_strong);
 *	   a weak one with too many strong ones becomes shared;
 *	3. union-find over the live profiles that the sets touch.  A profile is
 *	   dirty if an identifier in it became shared, or if the set was attached
 *	   before something last left the profile (identity.h, epochs), or if rules
 *	   changed and one of its identifiers became blocked or free;
 *	4. groups without a dirty profile merge into their smallest id (merge.c);
 *	5. all identifiers of the other groups are judged anew, with all of their
 *	   evidence (graph.c, judge.c, verdict.c).
 *
 * A rebuild is step 5 with everything.  It also takes the place of many
 * batches when so much waits that judging all at once is cheaper.
 *
 * Locks.  The caller holds CDP_LOCK_MERGER for its transaction and took it
 * before any snapshot it reads with, so isolation must be READ COMMITTED; the
 * profiles that change are locked in id order.
 *
 * Cost of the monotone way: some index probes a member; that of step 5 grows
 * with the components touched.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/plans.h"
#include "identity/stitch.h"

PG_FUNCTION_INFO_V1(cdp__stitch);
PG_FUNCTION_INFO_V1(cdp__stitch_everything);
PG_FUNCTION_INFO_V1(cdp__rejudge);

/* A batch of sets under judgement. */
typedef struct Stitch
{
	CdpGraph   *graph;			/* the sets and their members, all outside */
	CdpIdentityState state;
	CdpIdList	flagged;		/* members that a rule blocked or freed */
	CdpIdList	unplaced;		/* members that link and have no profile */
	CdpComponents groups;		/* over places of profiles: those live count */
	bool	   *dirty;			/* by place of a live profile */
	int64	   *evidence;		/* by place: first set that joins it to another */
	int64	   *winners;		/* by place that stands for a group */
} Stitch;

/* Refuse a snapshot that is older than the merger's lock may be. */
static void
check_isolation(void)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot stitch profiles above isolation level READ COMMITTED"),
				 errdetail("A snapshot taken before the work of another session would merge wrongly."),
				 errhint("Run SET default_transaction_isolation = 'read committed'.")));
}

/* Judge anew whether members are blocked, if rules changed since attach. */
static void
reflag_members(Stitch *stitch)
{
	CdpGraph   *graph = stitch->graph;
	CdpIdList	ids = {0};

	for (int64 i = 0; i < graph->nsets; i++)
	{
		const GraphSet *set = &graph->sets[i];

		if (set->epoch >= stitch->state.rules_epoch)
			continue;
		for (int j = 0; j < set->nmembers; j++)
			cdp_identity_list_add(&ids, graph->nodes[graph->members[set->first_member + j]].identifier_id);
	}
	if (ids.count == 0)
		return;
	cdp_identity_list_sort(&ids);
	cdp_identity_reflag(&ids, &stitch->flagged);
}

/* Find members that became shared through new pairs, and mark them. */
static void
find_shared(Stitch *stitch, CdpIdList *shared)
{
	static CdpPlan shared_plan = {
		"SELECT DISTINCT weak.identifier_id"
		" FROM (SELECT pair.weak_id, count(*) AS strong"
		" FROM unnest($1::bigint[]) AS given (weak_id)"
		" JOIN cdp.identifier_strong AS pair USING (weak_id)"
		" JOIN cdp.identifier ON identifier.identifier_id = pair.strong_id"
		" JOIN cdp.identifier_type AS type ON type.type_id = identifier.type_id"
		" WHERE NOT identifier.blocked AND type.strong AND type.stitches"
		" GROUP BY pair.weak_id, identifier.type_id, identifier.scope) AS seen"
		" JOIN cdp.identifier AS weak ON weak.identifier_id = seen.weak_id"
		" JOIN cdp.identifier_type AS type ON type.type_id = weak.type_id"
		" WHERE NOT weak.shared AND seen.strong > type.max_strong_per_value",
		1, {INT8ARRAYOID}
	};
	CdpIdList	changed = {0};

	cdp_judge_pairs(stitch->graph);
	cdp_verdict_write_pairs(stitch->graph, &changed);
	if (changed.count == 0)
		return;
	cdp_base_execute(&shared_plan, (Datum[]) {
		cdp_identity_list_array(&changed)
	}, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		int64		id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
													 SPI_tuptable->tupdesc,
													 1, &isnull));

		cdp_identity_list_add(shared, id);
		stitch->graph->nodes[cdp_graph_node(stitch->graph, id)].flags |= NODE_SHARED_NOW;
	}
	SPI_freetuptable(SPI_tuptable);
}

/* The place of a node's live profile; -1: it has none. */
static int32
live_place(CdpGraph *graph, const GraphNode *node)
{
	int64		live = node_old_profile(graph, node);

	return live == 0 ? -1 : cdp_id_map_get(graph->profile_map, live);
}

/* Give every live profile a place and begin with groups of one. */
static void
begin_groups(Stitch *stitch)
{
	CdpGraph   *graph = stitch->graph;
	int64		leaves = graph->nprofiles;

	for (int64 i = 0; i < leaves; i++)
	{
		int64		epoch = graph->profiles[i].root_epoch;
		int32		place = cdp_graph_profile(graph, graph->profiles[i].root);

		graph->profiles[place].root_epoch = epoch;
	}
	cdp_components_init(&stitch->groups, graph->nprofiles);
	stitch->dirty = palloc0(sizeof(bool) * (graph->nprofiles + 1));
	stitch->evidence = palloc0(sizeof(int64) * (graph->nprofiles + 1));
	stitch->winners = palloc0(sizeof(int64) * (graph->nprofiles + 1));
}

/* Join the profiles that a set links, and mark what must be judged anew. */
static void
judge_set(Stitch *stitch, const GraphSet *set)
{
	CdpGraph   *graph = stitch->graph;
	const int32 *members = graph->members + set->first_member;
	int32		first = -1;
	bool		joins = false;
	bool		dirty = false;

	for (int i = 0; i < set->nmembers; i++)
	{
		const GraphNode *node = &graph->nodes[members[i]];
		int32		place = live_place(graph, node);

		if (!node_links(graph, node))
			continue;
		if (place < 0)
		{
			cdp_identity_list_add(&stitch->unplaced, node->identifier_id);
			if (node->profile >= 0)
				place = cdp_id_map_get(graph->profile_map,
									   graph->profiles[node->profile].root);
			dirty = true;
		}
		if (place < 0)
			continue;
		dirty |= graph->profiles[place].root_epoch > set->epoch;
		joins |= first >= 0 && first != place;
		if (first >= 0)
			cdp_components_join(&stitch->groups, first, place);
		first = place;
	}
	if (first >= 0)
		stitch->dirty[first] |= dirty;
	for (int i = 0; joins && i < set->nmembers; i++)
	{
		int32		place = live_place(graph, &graph->nodes[members[i]]);

		if (place >= 0 && (stitch->evidence[place] == 0 ||
						   set->set_id < stitch->evidence[place]))
			stitch->evidence[place] = set->set_id;
	}
}

/* Mark the profiles of given identifiers. */
static void
mark_dirty(Stitch *stitch, const CdpIdList *ids)
{
	CdpGraph   *graph = stitch->graph;

	for (int i = 0; i < ids->count; i++)
	{
		const GraphNode *node = &graph->nodes[cdp_graph_node(graph, ids->ids[i])];

		if (node->profile >= 0)
			stitch->dirty[cdp_id_map_get(graph->profile_map,
										 graph->profiles[node->profile].root)] = true;
	}
}

/* A group is dirty if one in it is; its winner is the smallest live id. */
static void
close_groups(Stitch *stitch)
{
	CdpGraph   *graph = stitch->graph;

	for (int64 i = 0; i < graph->nprofiles; i++)
	{
		int32		group = cdp_components_find(&stitch->groups, i);
		int64		live = graph->profiles[i].profile_id;

		stitch->dirty[group] |= stitch->dirty[i];
		/* Only live ones were joined, so others are groups of their own. */
		if (stitch->winners[group] == 0 || live < stitch->winners[group])
			stitch->winners[group] = live;
	}
	for (int64 i = 0; i < graph->nprofiles; i++)
		stitch->dirty[i] = stitch->dirty[cdp_components_find(&stitch->groups, i)];
}

/* The live profile that an identifier of a clean group has from now on. */
static int64
winner_of(Stitch *stitch, int32 node)
{
	int32		place;

	if (node < 0)
		return 0;
	place = live_place(stitch->graph, &stitch->graph->nodes[node]);
	if (place < 0)
		return 0;
	return stitch->winners[cdp_components_find(&stitch->groups, place)];
}

/* Merge the groups that are clean. */
static void
merge_groups(Stitch *stitch, CdpVerdict *verdict)
{
	CdpGraph   *graph = stitch->graph;
	CdpIdList	losers = {0};
	CdpIdList	winners = {0};
	CdpIdList	set_ids = {0};
	CdpIdList	epochs = {0};

	for (int64 i = 0; i < graph->nprofiles; i++)
	{
		int64		winner = stitch->winners[cdp_components_find(&stitch->groups, i)];

		if (stitch->dirty[i] || winner == graph->profiles[i].profile_id)
			continue;
		cdp_identity_list_add(&losers, graph->profiles[i].profile_id);
		cdp_identity_list_add(&winners, winner);
		cdp_identity_list_add(&set_ids, stitch->evidence[i]);
		cdp_identity_list_add(&epochs, graph->profiles[i].root_epoch);
		cdp_identity_list_add(&verdict->affected, graph->profiles[i].profile_id);
		cdp_identity_list_add(&verdict->merged_from, graph->profiles[i].profile_id);
		cdp_identity_list_add(&verdict->merged_into, winner);
	}
	cdp_identity_merge_profiles(&losers, &winners, &set_ids, &epochs);
}

/* Is one of the set's identifiers in a profile that is judged anew? */
static bool
touches_dirty(const Stitch *stitch, const GraphSet *set)
{
	const CdpGraph *graph = stitch->graph;

	for (int i = 0; i < set->nmembers; i++)
	{
		int32		place = live_place(stitch->graph,
									   &graph->nodes[graph->members[set->first_member + i]]);

		if (place >= 0 && stitch->dirty[place])
			return true;
	}
	return false;
}

/* Make provisional owners final, for sets that are not judged anew. */
static void
settle_owners(Stitch *stitch, CdpVerdict *verdict)
{
	CdpGraph   *graph = stitch->graph;
	int32	   *owners = cdp_verdict_find_owners(graph);

	for (int64 i = 0; i < graph->nsets; i++)
	{
		int64		before;
		int64		after;

		if (touches_dirty(stitch, &graph->sets[i]))
			owners[i] = graph->sets[i].owner;
		if (owners[i] == graph->sets[i].owner)
			continue;
		before = winner_of(stitch, graph->sets[i].owner);
		after = winner_of(stitch, owners[i]);
		if (before == after)
			continue;
		if (before != 0)
			cdp_identity_list_add(&verdict->rebuilt, before);
		if (after != 0)
			cdp_identity_list_add(&verdict->rebuilt, after);
	}
	cdp_verdict_update_owners(graph, owners);
}

/* Judge the dirty groups anew, with all of their evidence. */
static CdpGraph *
judge_dirty(Stitch *stitch, CdpVerdict *verdict)
{
	CdpGraph   *graph = stitch->graph;
	CdpGraph   *anew;
	CdpIdList	roots = {0};

	for (int64 i = 0; i < graph->nprofiles; i++)
		if (stitch->dirty[i] && graph->profiles[i].root == graph->profiles[i].profile_id)
			cdp_identity_list_add(&roots, graph->profiles[i].profile_id);
	cdp_identity_list_sort(&stitch->unplaced);
	if (roots.count == 0 && stitch->unplaced.count == 0)
		return NULL;
	anew = cdp_graph_create();
	cdp_graph_load_components(anew, &roots, &stitch->unplaced);
	cdp_verdict_reach(anew, verdict);
	return anew;
}

/* Every profile that has an identifier of a judged set is affected. */
static void
note_affected(Stitch *stitch, CdpGraph *anew, CdpVerdict *verdict)
{
	CdpGraph   *graph = stitch->graph;

	for (int64 i = 0; i < graph->nnodes; i++)
	{
		int64		profile_id = winner_of(stitch, i);
		int32		place = -1;

		if (anew != NULL)
			place = cdp_id_map_get(anew->node_map, graph->nodes[i].identifier_id);
		if (place >= 0 && (anew->nodes[place].flags & NODE_INSIDE) != 0)
			profile_id = node_new_profile(anew, &anew->nodes[place]);
		if (profile_id != 0)
			cdp_identity_list_add(&verdict->affected, profile_id);
	}
}

/* Judge given sets. */
static void
stitch_sets(const CdpIdList *set_ids, CdpVerdict *verdict)
{
	Stitch		stitch = {cdp_graph_create(), cdp_identity_refresh_rules()};
	int			nest_level = cdp_identity_begin_probing();
	CdpIdList	shared = {0};
	CdpGraph   *anew;

	cdp_graph_load_sets(stitch.graph, set_ids);
	reflag_members(&stitch);
	cdp_graph_load_nodes(stitch.graph);
	find_shared(&stitch, &shared);
	begin_groups(&stitch);
	for (int64 i = 0; i < stitch.graph->nsets; i++)
		judge_set(&stitch, &stitch.graph->sets[i]);
	mark_dirty(&stitch, &shared);
	mark_dirty(&stitch, &stitch.flagged);
	close_groups(&stitch);
	merge_groups(&stitch, verdict);
	settle_owners(&stitch, verdict);
	anew = judge_dirty(&stitch, verdict);
	note_affected(&stitch, anew, verdict);
	cdp_identity_end_probing(nest_level);
}

/* Judge everything. */
static void
stitch_everything(CdpVerdict *verdict)
{
	CdpGraph   *graph = cdp_graph_create();
	CdpIdList	changed = {0};

	(void) cdp_identity_refresh_rules();
	cdp_identity_reflag(NULL, &changed);
	cdp_graph_load_all(graph);
	cdp_verdict_reach(graph, verdict);
}

/* The profiles around given identifiers, and those of them without one. */
static void
find_seeds(const CdpIdList *ids, CdpIdList *roots, CdpIdList *unplaced)
{
	static CdpPlan roots_plan = {
		"SELECT DISTINCT profile.root FROM unnest($1::bigint[]) AS given (id)"
		" JOIN cdp.identifier_set_member"
		" ON identifier_set_member.identifier_id = given.id"
		" JOIN cdp.identifier_set USING (set_id)"
		" CROSS JOIN unnest(identifier_set.identifiers) AS member (id)"
		" JOIN cdp.identifier ON identifier.identifier_id = member.id"
		" JOIN cdp.profile ON profile.profile_id"
		" = coalesce(identifier.leaf, identifier.former_leaf)",
		1, {INT8ARRAYOID}
	};
	static CdpPlan unplaced_plan = {
		"SELECT identifier_id FROM unnest($1::bigint[]) AS given (identifier_id)"
		" JOIN cdp.identifier USING (identifier_id)"
		" WHERE leaf IS NULL AND NOT blocked",
		1, {INT8ARRAYOID}
	};
	Datum		values[1] = {cdp_identity_list_array(ids)};
	bool		isnull;

	cdp_base_execute(&roots_plan, values, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
		cdp_identity_list_add(roots,
							  DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
														  SPI_tuptable->tupdesc,
														  1, &isnull)));
	cdp_base_execute(&unplaced_plan, values, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
		cdp_identity_list_add(unplaced,
							  DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
														  SPI_tuptable->tupdesc,
														  1, &isnull)));
}

/* The array argument as a list. */
static CdpIdList
get_list(ArrayType *array)
{
	CdpIdList	list = {0};

	list.ids = cdp_identity_get_int8s(array, &list.count);
	list.room = list.count;
	return list;
}

/* Pass a verdict on and make it a function's result, beyond SPI. */
static Datum
return_verdict(CdpVerdict *verdict, bool queue, MemoryContext context)
{
	MemoryContext old;
	Datum		result;

	cdp_verdict_pass_on(verdict, queue);
	old = MemoryContextSwitchTo(context);
	result = cdp_identity_list_array(&verdict->affected);
	MemoryContextSwitchTo(old);
	SPI_finish();
	return result;
}

static void
begin_stitching(void)
{
	cdp_base_check_store();
	check_isolation();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

/* cdp._stitch(set_ids, queue): judge new sets. */
Datum
cdp__stitch(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	CdpVerdict	verdict = {{0}};
	CdpIdList	set_ids = get_list(PG_GETARG_ARRAYTYPE_P(0));

	begin_stitching();
	cdp_identity_list_sort(&set_ids);
	if (set_ids.count > 0)
		stitch_sets(&set_ids, &verdict);
	return return_verdict(&verdict, PG_GETARG_BOOL(1), context);
}

/* cdp._stitch_everything(): judge everything. */
Datum
cdp__stitch_everything(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	CdpVerdict	verdict = {{0}};

	begin_stitching();
	stitch_everything(&verdict);
	return return_verdict(&verdict, true, context);
}

/* cdp._rejudge(identifier_ids): judge the components around identifiers. */
Datum
cdp__rejudge(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	CdpVerdict	verdict = {{0}};
	CdpIdList	ids = get_list(PG_GETARG_ARRAYTYPE_P(0));
	CdpIdList	roots = {0};
	CdpIdList	unplaced = {0};

	begin_stitching();
	(void) cdp_identity_refresh_rules();
	cdp_identity_list_sort(&ids);
	find_seeds(&ids, &roots, &unplaced);
	if (roots.count > 0 || unplaced.count > 0)
	{
		CdpGraph   *graph = cdp_graph_create();

		cdp_graph_load_components(graph, &roots, &unplaced);
		cdp_verdict_reach(graph, &verdict);
	}
	return return_verdict(&verdict, true, context);
}
