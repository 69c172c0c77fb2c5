/*
 * verdict_moves.c
 *		Whose are the events of a set: owners, and what moves with them.
 *
 * The events of a set belong to the profile of its owner.  So they move when
 * the owner changes, or when the owner's profile does.  If all sets of a
 * profile move to one other profile, the one timeline is merged into the
 * other; in all other cases the timelines concerned are made anew from events.
 * Of a set that was nobody's the events are in no timeline: timeline/remake.sql
 * tells what that means.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/plans.h"
#include "identity/verdict.h"

#define STAYS 0					/* values of Moves.into that are no profile: */
#define SCATTERS (-1)			/* its sets go to several */

/* By place of a profile in the graph. */
typedef struct Moves
{
	int64	   *into;			/* where all its sets go, or STAYS, SCATTERS */
	bool	   *rebuilt;
	bool	   *has_sets;
	bool		from_nobody;	/* a set was nobody's */
} Moves;

/* Sets whose owner only the order of keys can tell, a row a candidate. */
typedef struct Ties
{
	CdpIdList	set_ids;
	CdpIdList	candidates;
} Ties;

static void
add_ties(const CdpGraph *graph, const GraphSet *set, int32 owner, Ties *ties)
{
	const int32 *members = graph->members + set->first_member;

	for (int i = 0; i < set->nmembers; i++)
	{
		if (!cdp_judge_owner_ties(graph, owner, members[i]))
			continue;
		cdp_identity_list_add(&ties->set_ids, set->set_id);
		cdp_identity_list_add(&ties->candidates,
							  graph->nodes[members[i]].identifier_id);
	}
}

static void
break_ties(CdpGraph *graph, const Ties *ties, int32 *owners)
{
	static CdpPlan owner_plan = {
		"SELECT DISTINCT ON (given.set_id) given.set_id, given.identifier_id"
		" FROM unnest($1::bigint[], $2::bigint[]) AS given (set_id, identifier_id)"
		" JOIN cdp.identifier USING (identifier_id)"
		" ORDER BY given.set_id, identifier.type_id, identifier.scope,"
		" identifier.value",
		2, {INT8ARRAYOID, INT8ARRAYOID}
	};

	if (ties->set_ids.count == 0)
		return;
	cdp_base_execute(&owner_plan, (Datum[]) {
		cdp_identity_list_array(&ties->set_ids),
		cdp_identity_list_array(&ties->candidates)
	}, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	columns = SPI_tuptable->tupdesc;
		int64		set_id = DatumGetInt64(SPI_getbinval(row, columns, 1, &isnull));
		int64		owner = DatumGetInt64(SPI_getbinval(row, columns, 2, &isnull));

		owners[cdp_id_map_get(graph->set_map, set_id)] =
			cdp_id_map_get(graph->node_map, owner);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* See verdict.h. */
int32 *
cdp_verdict_find_owners(CdpGraph *graph)
{
	int32	   *owners = palloc_extended(sizeof(int32) * (Size) (graph->nsets + 1),
										 MCXT_ALLOC_HUGE);
	Ties		ties = {{0}};

	for (int64 i = 0; i < graph->nsets; i++)
	{
		bool		tied;

		owners[i] = cdp_judge_owner(graph, &graph->sets[i], &tied);
		if (tied)
			add_ties(graph, &graph->sets[i], owners[i], &ties);
	}
	break_ties(graph, &ties, owners);
	return owners;
}

/* See verdict.h. */
void
cdp_verdict_update_owners(const CdpGraph *graph, const int32 *owners)
{
	static CdpPlan update_plan = {
		"UPDATE cdp.identifier_set SET owner = nullif(given.owner, 0)"
		" FROM unnest($1::bigint[], $2::bigint[]) AS given (set_id, owner)"
		" WHERE identifier_set.set_id = given.set_id",
		2, {INT8ARRAYOID, INT8ARRAYOID}
	};
	CdpIdList	set_ids = {0};
	CdpIdList	ids = {0};

	for (int64 i = 0; i < graph->nsets; i++)
	{
		if (owners[i] == graph->sets[i].owner)
			continue;
		cdp_identity_list_add(&set_ids, graph->sets[i].set_id);
		cdp_identity_list_add(&ids, owners[i] < 0 ? 0 :
							  graph->nodes[owners[i]].identifier_id);
	}
	if (set_ids.count > 0)
		cdp_base_execute(&update_plan, (Datum[]) {
			cdp_identity_list_array(&set_ids), cdp_identity_list_array(&ids)
		}, NULL, false, 0);
}

static int64
old_profile(const CdpGraph *graph, int32 owner)
{
	return owner < 0 ? 0 : node_old_profile(graph, &graph->nodes[owner]);
}

static int64
new_profile(const CdpGraph *graph, int32 owner)
{
	return owner < 0 ? 0 : node_new_profile(graph, &graph->nodes[owner]);
}

/* All profiles that sets belong to get a place: outside ones may have none. */
static void
add_profiles(CdpGraph *graph, const int32 *owners)
{
	for (int64 i = 0; i < graph->nsets; i++)
	{
		int64		before = old_profile(graph, graph->sets[i].owner);
		int64		after = new_profile(graph, owners[i]);

		if (before != 0)
			(void) cdp_graph_profile(graph, before);
		if (after != 0)
			(void) cdp_graph_profile(graph, after);
	}
}

/* Note where the sets of each profile go. */
static void
note_moves(CdpGraph *graph, const int32 *owners, Moves *moves)
{
	for (int64 i = 0; i < graph->nsets; i++)
	{
		int64		before = old_profile(graph, graph->sets[i].owner);
		int64		after = new_profile(graph, owners[i]);
		int64		into = after == before ? STAYS : after;
		int32		place;

		if (before == 0 && after == 0)
			continue;
		moves->from_nobody |= before == 0;
		place = cdp_graph_profile(graph, before ? before : after);
		if (before == 0 || after == 0)
			moves->rebuilt[place] = true;
		else if (into != STAYS && graph->profiles[place].founder == 0)
			moves->into[place] = SCATTERS;	/* it may have other sets */
		else if (!moves->has_sets[place])
			moves->into[place] = into;
		else if (moves->into[place] != into)
			moves->into[place] = SCATTERS;
		moves->has_sets[place] = true;
	}
}

/* What gains from a profile that does not go whole is made anew as well. */
static void
note_rebuilt(CdpGraph *graph, const int32 *owners, Moves *moves)
{
	for (int64 i = 0; i < graph->nsets; i++)
	{
		int64		before = old_profile(graph, graph->sets[i].owner);
		int64		after = new_profile(graph, owners[i]);

		if (before == 0 || after == 0 || before == after ||
			moves->into[cdp_graph_profile(graph, before)] != SCATTERS)
			continue;
		moves->rebuilt[cdp_graph_profile(graph, before)] = true;
		moves->rebuilt[cdp_graph_profile(graph, after)] = true;
	}
}

/* Decide between merging timelines and making them anew. */
static void
choose_merges(CdpGraph *graph, Moves *moves, CdpVerdict *verdict)
{
	int64		nprofiles = graph->nprofiles;

	for (int64 i = 0; i < nprofiles; i++)
	{
		int32		into;

		if (moves->into[i] <= 0)
			continue;
		into = cdp_graph_profile(graph, moves->into[i]);
		if (moves->rebuilt[i] || moves->rebuilt[into] ||
			moves->into[into] != STAYS)
			moves->rebuilt[i] = moves->rebuilt[into] = true;
		else
		{
			cdp_identity_list_add(&verdict->merged_from,
								  graph->profiles[i].profile_id);
			cdp_identity_list_add(&verdict->merged_into, moves->into[i]);
		}
	}
	for (int64 i = 0; i < nprofiles; i++)
	{
		int64		profile_id = graph->profiles[i].profile_id;

		if (moves->rebuilt[i])
			cdp_identity_list_add(&verdict->rebuilt, profile_id);
		if (moves->rebuilt[i] || moves->into[i] != STAYS)
			cdp_identity_list_add(&verdict->affected, profile_id);
	}
}

/* See verdict.h. */
void
cdp_verdict_write_owners(CdpGraph *graph, CdpVerdict *verdict)
{
	int32	   *owners = cdp_verdict_find_owners(graph);
	int			flags = MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO;
	Moves		moves;
	Size		room;

	cdp_verdict_update_owners(graph, owners);
	add_profiles(graph, owners);
	room = graph->nprofiles + 1;
	moves.into = palloc_extended(sizeof(int64) * room, flags);
	moves.rebuilt = palloc_extended(sizeof(bool) * room, flags);
	moves.has_sets = palloc_extended(sizeof(bool) * room, flags);
	moves.from_nobody = false;
	note_moves(graph, owners, &moves);
	note_rebuilt(graph, owners, &moves);
	choose_merges(graph, &moves, verdict);
	verdict->from_nobody |= moves.from_nobody;
}

/* Whoever changes a timeline holds the row of its profile. */
static void
lock_merged(const CdpVerdict *verdict)
{
	CdpIdList	both = {0};

	for (int i = 0; i < verdict->merged_from.count; i++)
	{
		cdp_identity_list_add(&both, verdict->merged_from.ids[i]);
		cdp_identity_list_add(&both, verdict->merged_into.ids[i]);
	}
	cdp_verdict_lock_profiles(&both);
}

/* See verdict.h. */
void
cdp_verdict_pass_on(CdpVerdict *verdict, bool queue)
{
	static CdpPlan merge_plan = {
		"SELECT cdp._timeline_merge($1, $2)", 2, {INT8ARRAYOID, INT8ARRAYOID}
	};

	if (verdict->merged_from.count > 0)
	{
		lock_merged(verdict);
		cdp_base_execute(&merge_plan, (Datum[]) {
			cdp_identity_list_array(&verdict->merged_from),
			cdp_identity_list_array(&verdict->merged_into)
		}, NULL, false, 0);
	}
	cdp_identity_list_sort(&verdict->rebuilt);
	cdp_identity_add_todo(verdict->from_nobody ? "rescan_timeline" :
						  "rebuild_timeline", &verdict->rebuilt);
	cdp_identity_list_sort(&verdict->affected);
	if (queue)
		cdp_identity_add_todo("profile", &verdict->affected);
}
