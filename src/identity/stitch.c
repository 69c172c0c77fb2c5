/*
 * stitch.c
 *		The stitcher: judges new sets, one session at a time.
 *
 * Nearly all new evidence is monotone: it adds a link.  Then a profile becomes
 * part of another, whatever their sizes, and nothing else changes.  A batch:
 *
 *	1. load the sets and their members with the live profiles of these; those
 *	   that had expired and are seen again are renewed;
 *	2. note new pairs of weak and strong identifiers (cdp.identifier_strong);
 *	   a weak one with too many strong ones becomes shared;
 *	3. union-find over the live profiles that the sets touch (stitch_groups.c).
 *	   A profile is dirty if an identifier in it became shared, or if the set
 *	   was attached before something last left the profile, or before rules
 *	   last changed (identity.h, epochs), or if the group might break a limit
 *	   or a decision;
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

/* A store of so many identifiers is judged in a moment. */
#define AT_ONCE_MAX 10000

PG_FUNCTION_INFO_V1(cdp__stitch);
PG_FUNCTION_INFO_V1(cdp__stitch_everything);
PG_FUNCTION_INFO_V1(cdp__rejudge);

/* See stitch.h. */
void
cdp_stitch_check_isolation(void)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot stitch profiles above isolation level READ COMMITTED"),
				 errdetail("A snapshot taken before the work of another session would merge wrongly."),
				 errhint("Run SET default_transaction_isolation = 'read committed'.")));
}

/* Add the ids that a query gave to a list. */
static void
read_ids(CdpIdList *list)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		cdp_identity_list_add(list,
							  DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
														  SPI_tuptable->tupdesc,
														  1, &isnull)));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Bring "expired" of identifiers up to date; adds those that turned. */
static void
judge_expiry(const CdpIdList *ids, CdpIdList *turned)
{
	static CdpPlan expiry_plan = {
		"SELECT unnest(cdp._judge_expiry($1))", 1, {INT8ARRAYOID}
	};

	cdp_base_execute(&expiry_plan, (Datum[]) {
		cdp_identity_list_array(ids)
	}, NULL, false, 0);
	read_ids(turned);
}

/*
 * Members of sets that were attached before rules changed: flagged, as leaves,
 * marks and times to look again were given by the rules of then.
 */
static void
reflag_members(Stitch *stitch)
{
	CdpGraph   *graph = stitch->graph;
	CdpIdList	ids = {0};
	CdpIdList	changed = {0};

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
	cdp_identity_reflag(&ids, &changed);
	judge_expiry(&ids, &changed);
	cdp_identity_list_append(&stitch->flagged, ids.ids, ids.count);
}

/*
 * Members that expire are judged by what their sets say now, if they had
 * expired, or had no evidence and hence no time to look again.
 */
static void
renew_members(Stitch *stitch)
{
	static CdpPlan renew_plan = {
		"SELECT unnest(cdp._judge_expiry(array_agg(identifier_id)))"
		" FROM unnest($1::bigint[]) AS given (identifier_id)"
		" JOIN cdp.identifier USING (identifier_id)"
		" WHERE expired OR expires_at IS NULL"
		" HAVING count(*) > 0",
		1, {INT8ARRAYOID}
	};
	CdpGraph   *graph = stitch->graph;
	CdpIdList	ids = {0};
	CdpIdList	turned = {0};

	for (int64 i = 0; i < graph->nnodes; i++)
		if (node_is_usable(graph, &graph->nodes[i]) &&
			node_type(graph, &graph->nodes[i])->look_after_us > 0)
			cdp_identity_list_add(&ids, graph->nodes[i].identifier_id);
	if (ids.count == 0)
		return;
	cdp_base_execute(&renew_plan, (Datum[]) {
		cdp_identity_list_array(&ids)
	}, NULL, false, 0);
	read_ids(&turned);
	for (int i = 0; i < turned.count; i++)
	{
		graph->nodes[cdp_graph_node(graph, turned.ids[i])].flags ^= NODE_EXPIRED;
		cdp_identity_list_add(&stitch->flagged, turned.ids[i]);
	}
}

/* Has a member a strong type, in a store that had no such value? */
static bool
brings_first_strong(const Stitch *stitch)
{
	const CdpGraph *graph = stitch->graph;

	for (int64 i = 0; !stitch->state.has_strong && i < graph->nnodes; i++)
		if (node_is_usable(graph, &graph->nodes[i]) &&
			node_type(graph, &graph->nodes[i])->strong_itself)
			return true;
	return false;
}

/* Find members that became shared through new pairs, and mark them. */
static void
find_shared(Stitch *stitch, CdpIdList *shared)
{
	static CdpPlan shared_plan = {
		"SELECT DISTINCT weak.identifier_id"
		" FROM (SELECT pair.weak_id, count(*) AS strong"
		" FROM (SELECT weak_id FROM unnest($1::bigint[]) AS given (weak_id)"
		" JOIN cdp.identifier_strong USING (weak_id)"
		" GROUP BY weak_id HAVING count(*) > 1) AS candidate"
		" JOIN cdp.identifier_strong AS pair USING (weak_id)"
		" JOIN cdp.identifier ON identifier.identifier_id = pair.strong_id"
		" WHERE NOT identifier.blocked AND NOT identifier.expired"
		" AND identifier.type_id = ANY ($2::integer[])"
		" GROUP BY pair.weak_id, identifier.type_id, identifier.scope) AS seen"
		" JOIN cdp.identifier AS weak ON weak.identifier_id = seen.weak_id"
		" JOIN cdp.identifier_type AS type ON type.type_id = weak.type_id"
		" WHERE NOT weak.shared AND seen.strong > type.max_strong_per_value"
		" AND weak.type_id <> ALL ($2::integer[])",
		2, {INT8ARRAYOID, INT4ARRAYOID}
	};
	CdpIdList	changed = {0};

	cdp_judge_pairs(stitch->graph);
	cdp_verdict_write_pairs(stitch->graph, &changed);
	if (changed.count == 0)
		return;
	cdp_base_execute(&shared_plan, (Datum[]) {
		cdp_identity_list_array(&changed), cdp_identity_strong_types()
	}, NULL, false, 0);
	read_ids(shared);
	for (int i = 0; i < shared->count; i++)
		stitch->graph->nodes[cdp_graph_node(stitch->graph, shared->ids[i])].flags |= NODE_SHARED_NOW;
}

/* Is one of the set's identifiers in a profile that is judged anew? */
static bool
touches_dirty(const Stitch *stitch, const GraphSet *set)
{
	const CdpGraph *graph = stitch->graph;

	for (int i = 0; i < set->nmembers; i++)
	{
		int32		place = cdp_stitch_live_place(stitch->graph,
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
		before = cdp_stitch_winner(stitch, graph->sets[i].owner);
		after = cdp_stitch_winner(stitch, owners[i]);
		if (before == after)
			continue;
		verdict->from_nobody |= before == 0;
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
		int64		profile_id = cdp_stitch_winner(stitch, i);
		int32		place = -1;

		if (anew != NULL)
			place = cdp_id_map_get(anew->node_map, graph->nodes[i].identifier_id);
		if (place >= 0 && (anew->nodes[place].flags & NODE_INSIDE) != 0)
			profile_id = node_new_profile(anew, &anew->nodes[place]);
		if (profile_id != 0)
			cdp_identity_list_add(&verdict->affected, profile_id);
	}
}

/* Judge everything. */
static void
stitch_everything(CdpVerdict *verdict)
{
	static CdpPlan expiry_plan = {"SELECT cdp._judge_expiry(NULL)", 0};
	CdpGraph   *graph = cdp_graph_create();
	CdpIdList	changed = {0};

	(void) cdp_identity_refresh_rules();
	cdp_identity_reflag(NULL, &changed);
	(void) cdp_identity_check_strong();
	cdp_base_execute(&expiry_plan, NULL, NULL, false, 0);
	cdp_graph_load_all(graph);
	cdp_verdict_reach(graph, verdict);
}

/* Is so little stored that judging all of it need not wait for a run? */
static bool
is_small_store(void)
{
	static CdpPlan size_plan = {
		"SELECT FROM cdp.identifier_id_seq WHERE last_value <= $1", 1, {INT8OID}
	};

	return cdp_base_execute(&size_plan, (Datum[]) {Int64GetDatum(AT_ONCE_MAX)},
							NULL, true, 1) == SPI_OK_SELECT && SPI_processed > 0;
}

/*
 * The first value of a strong type ends that others stand in for it: all is
 * judged anew, at once if that is little, else by the next merge run.  True if
 * it was done at once.
 */
static bool
end_standing_in(const CdpIdList *set_ids, CdpVerdict *verdict)
{
	static CdpPlan defer_plan = {
		"UPDATE cdp.identity_state SET judge_all = true WHERE NOT judge_all", 0
	};
	static CdpPlan members_plan = {
		"SELECT unnest(cdp._member_profiles($1))", 1, {INT8ARRAYOID}
	};

	if (!is_small_store())
	{
		cdp_base_execute(&defer_plan, NULL, NULL, false, 0);
		return false;
	}
	stitch_everything(verdict);
	cdp_base_execute(&members_plan, (Datum[]) {
		cdp_identity_list_array(set_ids)
	}, NULL, false, 0);
	read_ids(&verdict->affected);
	return true;
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
	cdp_judge_support(stitch.graph);
	renew_members(&stitch);
	if (cdp_identity_has_stand_in() && brings_first_strong(&stitch) &&
		end_standing_in(set_ids, verdict))
	{
		cdp_identity_end_probing(nest_level);
		return;
	}
	find_shared(&stitch, &shared);
	cdp_stitch_begin_groups(&stitch);
	for (int64 i = 0; i < stitch.graph->nsets; i++)
		cdp_stitch_judge_set(&stitch, &stitch.graph->sets[i]);
	cdp_stitch_mark_dirty(&stitch, &shared);
	cdp_stitch_mark_dirty(&stitch, &stitch.flagged);
	cdp_stitch_check_groups(&stitch);
	cdp_stitch_merge_groups(&stitch, verdict);
	settle_owners(&stitch, verdict);
	anew = judge_dirty(&stitch, verdict);
	note_affected(&stitch, anew, verdict);
	cdp_identity_end_probing(nest_level);
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

	cdp_base_execute(&roots_plan, values, NULL, false, 0);
	read_ids(roots);
	cdp_base_execute(&unplaced_plan, values, NULL, false, 0);
	read_ids(unplaced);
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
	cdp_stitch_check_isolation();
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
	if (cdp_identity_check_strong())
		stitch_everything(&verdict);
	return return_verdict(&verdict, true, context);
}
