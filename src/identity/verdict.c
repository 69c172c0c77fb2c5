/*
 * verdict.c
 *		Writes what judging found different from the tables.
 *
 * Only rows that differ are written, so judging what is right already writes
 * nothing, and a rebuild after increments writes nothing at all.
 *
 *	identifier	leaf (only of those that part from their founder), shared
 *	profile		new ids, root, founder, split_epoch, marks, watched
 *	identity_log	a row per profile that became, or lost something to, another
 *	refused_link	what replay refused
 *	identifier_set	owner; and the epoch of sets that wait to be judged but
 *				were part of this judgement, so that they need no second one
 *	consent_log	what identifiers had refused that stand for nobody any more
 *
 * Locks.  The caller holds CDP_LOCK_MERGER.  Profiles that change, or lose an
 * identifier to nobody, are locked in id order, at once, before any identifier
 * or profile is updated.  The row of identity_state is locked until the end of the
 * transaction if something was split: a change of rules waits for it.
 *
 * Owners of sets, and what their events do, are verdict_moves.c's; the log is
 * written by verdict_log.c, refused links by verdict_refused.c, and what lost
 * identifiers refused by verdict_lost.c.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/plans.h"
#include "identity/verdict.h"

/* Changed rows on their way to the tables. */
typedef struct Changes
{
	CdpIdList	nodes;			/* identifiers with another leaf or shared */
	CdpIdList	leaves;
	bool	   *shared;			/* of nodes */
	CdpIdList	stamped;		/* live profiles that something left */
	CdpMoveList moves;
	int64		first_fresh;	/* profiles of the graph from here on are new */
} Changes;

static void
add_move(CdpMoveList *list, CdpMove move)
{
	if (list->count == 0)
		list->moves = palloc(sizeof(CdpMove) * 64);
	else if (list->count >= 64 && (list->count & (list->count - 1)) == 0)
		list->moves = repalloc_huge(list->moves,
									sizeof(CdpMove) * list->count * 2);
	list->moves[list->count++] = move;
}

/* Number the parts without an id; their profiles are the last of the graph. */
static void
number_orphans(CdpGraph *graph, Changes *changes)
{
	changes->first_fresh = graph->nprofiles;
	for (int i = 0; i < graph->norphans; i++)
	{
		int32		founder = graph->orphans[i];
		int64		profile_id = cdp_identity_next_number("profile_id_seq");
		int32		place = cdp_graph_profile(graph, profile_id);

		graph->profiles[place].founder = graph->nodes[founder].identifier_id;
		graph->profiles[place].founder_node = founder;
		graph->part_ids[graph->nodes[founder].part] = profile_id;
	}
}

/* Find the identifiers that differ, and what that says of profiles. */
static void
compare_nodes(const CdpGraph *graph, Changes *changes, CdpVerdict *verdict)
{
	changes->shared = palloc_extended(sizeof(bool) * (Size) (graph->nnodes + 1),
									  MCXT_ALLOC_HUGE);
	for (int64 i = 0; i < graph->nnodes; i++)
	{
		const GraphNode *node = &graph->nodes[i];
		bool		shared = (node->flags & NODE_SHARED_NOW) != 0;
		int64		before = node_old_profile(graph, node);
		int64		after = node_new_profile(graph, node);
		int64		leaf;
		int64		old_leaf;

		if ((node->flags & NODE_INSIDE) == 0)
			continue;
		leaf = node_new_leaf(graph, node);
		old_leaf = (node->flags & NODE_PLACED) ?
			graph->profiles[node->profile].profile_id : 0;
		if (before != after || shared != ((node->flags & NODE_SHARED) != 0))
		{
			if (before != 0)
				cdp_identity_list_add(&verdict->affected, before);
			if (after != 0)
				cdp_identity_list_add(&verdict->affected, after);
		}
		if (leaf == old_leaf && shared == ((node->flags & NODE_SHARED) != 0))
			continue;
		changes->shared[changes->nodes.count] = shared;
		cdp_identity_list_add(&changes->nodes, node->identifier_id);
		cdp_identity_list_add(&changes->leaves, leaf);
		if (before != 0)
			cdp_identity_list_add(&changes->stamped, before);
		if (after != 0)
			cdp_identity_list_add(&changes->stamped, after);
		if (before != after || leaf != old_leaf)
			add_move(&changes->moves, (CdpMove) {
				before, after, 0, node->identifier_id, old_leaf
			});
	}
}

/* Note profiles that lose an id which led to them, but not all of them. */
static void
compare_profiles(const CdpGraph *graph, Changes *changes)
{
	for (int64 i = 0; i < changes->first_fresh; i++)
	{
		const GraphProfile *profile = &graph->profiles[i];
		int32		place;
		int64		root;

		if (profile->founder == 0)
			continue;
		root = profile_new_root(graph, profile);
		place = cdp_id_map_get(graph->profile_map, profile->root);
		if (root == profile->root ||
			root == profile_new_root(graph, &graph->profiles[place]))
			continue;
		cdp_identity_list_add(&changes->stamped, profile->root);
		cdp_identity_list_add(&changes->stamped, root);
	}
}

/* Write the identifiers that differ. */
static void
write_nodes(Changes *changes)
{
	static CdpPlan update_plan = {
		"UPDATE cdp.identifier SET shared = given.shared,"
		" former_leaf = CASE WHEN given.leaf = 0"
		" THEN coalesce(identifier.leaf, identifier.former_leaf) END,"
		" leaf = nullif(given.leaf, 0)"
		" FROM unnest($1::bigint[], $2::bigint[], $3::boolean[])"
		" AS given (identifier_id, leaf, shared)"
		" WHERE identifier.identifier_id = given.identifier_id",
		3, {INT8ARRAYOID, INT8ARRAYOID, BOOLARRAYOID}
	};

	if (changes->nodes.count == 0)
		return;
	cdp_base_execute(&update_plan, (Datum[]) {
		cdp_identity_list_array(&changes->nodes),
		cdp_identity_list_array(&changes->leaves),
		cdp_identity_bool_array(changes->shared, changes->nodes.count)
	}, NULL, false, 0);
}

/* A new epoch, if anything stopped being true; else 0. */
static int64
begin_epoch(const Changes *changes)
{
	static CdpPlan epoch_plan = {
		"UPDATE cdp.identity_state SET epoch = epoch + 1 RETURNING epoch", 0
	};
	bool		isnull;

	if (changes->stamped.count == 0 && changes->nodes.count == 0)
		return 0;
	cdp_base_execute(&epoch_plan, NULL, NULL, false, 0);
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 1, &isnull));
}

/* See verdict.h. */
void
cdp_verdict_lock_profiles(CdpIdList *profile_ids)
{
	static CdpPlan lock_plan = {
		"SELECT FROM cdp.profile WHERE profile_id = ANY ($1)"
		" ORDER BY profile_id FOR UPDATE",
		1, {INT8ARRAYOID}
	};

	cdp_identity_list_sort(profile_ids);
	if (profile_ids->count > 0)
		cdp_base_execute(&lock_plan, (Datum[]) {
			cdp_identity_list_array(profile_ids)
		}, NULL, false, 0);
}

static void
insert_profiles(const CdpGraph *graph, const Changes *changes)
{
	static CdpPlan insert_plan = {
		"INSERT INTO cdp.profile (profile_id, root, founder, created_at, rooted_at)"
		" SELECT profile_id, profile_id, founder, $3, $3"
		" FROM unnest($1::bigint[], $2::bigint[]) AS fresh (profile_id, founder)",
		3, {INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZOID}
	};
	CdpIdList	profiles = {0};
	CdpIdList	founders = {0};

	for (int64 i = changes->first_fresh; i < graph->nprofiles; i++)
	{
		cdp_identity_list_add(&profiles, graph->profiles[i].profile_id);
		cdp_identity_list_add(&founders, graph->profiles[i].founder);
	}
	if (profiles.count > 0)
		cdp_base_execute(&insert_plan, (Datum[]) {
			cdp_identity_list_array(&profiles),
			cdp_identity_list_array(&founders),
			TimestampTzGetDatum(cdp_base_clock())
		}, NULL, false, 0);
}

/*
 * The split_epoch that each profile's row must have, by place: a live one has
 * the highest of those that merged into it, or the new epoch if it was split.
 */
static int64 *
find_epochs(CdpGraph *graph, Changes *changes, int64 epoch)
{
	int64	   *epochs = palloc_extended(sizeof(int64) * (Size) (graph->nprofiles + 1),
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int64 i = 0; i < changes->first_fresh; i++)
	{
		const GraphProfile *profile = &graph->profiles[i];
		int32		place;

		if (profile->founder == 0)
			continue;
		place = cdp_id_map_get(graph->profile_map, profile_new_root(graph, profile));
		epochs[place] = Max(epochs[place], profile->root_epoch);
	}
	cdp_identity_list_sort(&changes->stamped);
	for (int i = 0; i < changes->stamped.count; i++)
	{
		int32		place = cdp_id_map_get(graph->profile_map,
										   changes->stamped.ids[i]);

		if (place >= 0)
			epochs[place] = epoch;
	}
	return epochs;
}

/* Rows of cdp.profile to write, by place. */
typedef struct ProfileRows
{
	CdpIdList	profiles;
	CdpIdList	roots;
	CdpIdList	founders;
	CdpIdList	epochs;
	CdpIdList	marks;
	const char **watched;
} ProfileRows;

/* Add the row of a profile if it differs from the table's. */
static void
compare_profile(const CdpGraph *graph, const GraphProfile *profile, bool fresh,
				const CdpMarks *marks, int64 epoch, ProfileRows *rows)
{
	int64		root = fresh ? profile->profile_id : profile_new_root(graph, profile);
	bool		live = root == profile->profile_id;
	int64		founder = profile->founder;
	int32		part = -1;

	if (profile->founder_node >= 0)
	{
		founder = graph->nodes[profile->founder_node].identifier_id;
		if (live)
			part = graph->nodes[profile->founder_node].part;
	}
	if (root == profile->root && founder == profile->founder &&
		(!live || epoch <= (fresh ? 0 : profile->root_epoch)) &&
		cdp_verdict_same_marks(graph, marks, profile, part))
		return;
	rows->watched[rows->profiles.count] = cdp_verdict_print_watched(marks, part);
	cdp_identity_list_add(&rows->profiles, profile->profile_id);
	cdp_identity_list_add(&rows->roots, root);
	cdp_identity_list_add(&rows->founders, founder);
	cdp_identity_list_add(&rows->epochs, live ? epoch : 0);
	cdp_identity_list_add(&rows->marks, part < 0 ? 0 : marks->marks[part]);
}

static void
update_profiles(const ProfileRows *rows)
{
	static CdpPlan update_plan = {
		"UPDATE cdp.profile SET founder = given.founder,"
		" former_founder = CASE given.founder"
		" WHEN profile.founder THEN profile.former_founder"
		" WHEN profile.former_founder THEN NULL"
		" ELSE coalesce(profile.former_founder, profile.founder) END,"
		" split_epoch = greatest(split_epoch, given.epoch),"
		" rooted_at = CASE WHEN profile.root = given.root THEN rooted_at ELSE $7 END,"
		" root = given.root, marks = given.marks, watched = given.watched::bigint[]"
		" FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[],"
		" $5::bigint[], $6::text[])"
		" AS given (profile_id, root, founder, epoch, marks, watched)"
		" WHERE profile.profile_id = given.profile_id",
		7, {INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
			INT8ARRAYOID, TEXTARRAYOID, TIMESTAMPTZOID}
	};

	if (rows->profiles.count == 0)
		return;
	cdp_base_execute(&update_plan, (Datum[]) {
		cdp_identity_list_array(&rows->profiles),
		cdp_identity_list_array(&rows->roots),
		cdp_identity_list_array(&rows->founders),
		cdp_identity_list_array(&rows->epochs),
		cdp_identity_list_array(&rows->marks),
		cdp_identity_text_array(rows->watched, rows->profiles.count),
		TimestampTzGetDatum(cdp_base_clock())
	}, NULL, false, 0);
}

/* Find the profiles that differ; new ones are in the table already. */
static ProfileRows
find_profiles(CdpGraph *graph, Changes *changes, CdpVerdict *verdict,
			  int64 epoch)
{
	int64	   *epochs = find_epochs(graph, changes, epoch);
	CdpMarks	marks = cdp_verdict_find_marks(graph);
	ProfileRows rows = {{0}};

	rows.watched = palloc_extended(sizeof(char *) * (Size) (graph->nprofiles + 1),
								   MCXT_ALLOC_HUGE);
	for (int64 i = 0; i < graph->nprofiles; i++)
	{
		const GraphProfile *profile = &graph->profiles[i];
		bool		fresh = i >= changes->first_fresh;
		int64		root;

		if (profile->founder == 0)
			continue;
		compare_profile(graph, profile, fresh, &marks, epochs[i], &rows);
		root = fresh ? profile->profile_id : profile_new_root(graph, profile);
		if (root == profile->root)
			continue;
		add_move(&changes->moves, (CdpMove) {
			profile->root, root, profile->profile_id, 0, 0
		});
		cdp_identity_list_add(&verdict->affected, profile->root);
		cdp_identity_list_add(&verdict->affected, root);
	}
	return rows;
}

/* Lock, in one go, all profiles that this judgement has to do with. */
static void
lock_profiles(const ProfileRows *rows, const CdpLost *lost)
{
	CdpIdList	locked = {0};

	cdp_identity_list_append(&locked, rows->profiles.ids, rows->profiles.count);
	cdp_identity_list_append(&locked, lost->profiles.ids, lost->profiles.count);
	cdp_verdict_lock_profiles(&locked);
}

/* See verdict.h. */
void
cdp_verdict_write_pairs(CdpGraph *graph, CdpIdList *changed)
{
	static CdpPlan insert_plan = {
		"INSERT INTO cdp.identifier_strong (weak_id, strong_id)"
		" SELECT weak_id, strong_id"
		" FROM unnest($1::bigint[], $2::bigint[]) AS given (weak_id, strong_id)"
		" ON CONFLICT DO NOTHING"
		" RETURNING weak_id",
		2, {INT8ARRAYOID, INT8ARRAYOID}
	};
	CdpIdList	weak = {0};
	CdpIdList	strong = {0};

	for (int64 i = 0; i < graph->npairs; i++)
	{
		uint64		pair = graph->pairs[i];

		/* Those of members outside are found when their set is judged. */
		if (changed == NULL &&
			(graph->nodes[PAIR_WEAK(pair)].flags & NODE_INSIDE) == 0)
			continue;
		cdp_identity_list_add(&weak, graph->nodes[PAIR_WEAK(pair)].identifier_id);
		cdp_identity_list_add(&strong,
							  graph->nodes[PAIR_STRONG(pair)].identifier_id);
	}
	if (weak.count == 0)
		return;
	cdp_base_execute(&insert_plan, (Datum[]) {
		cdp_identity_list_array(&weak), cdp_identity_list_array(&strong)
	}, NULL, false, 0);
	for (uint64 i = 0; changed != NULL && i < SPI_processed; i++)
	{
		bool		isnull;

		cdp_identity_list_add(changed,
							  DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
														  SPI_tuptable->tupdesc,
														  1, &isnull)));
	}
	SPI_freetuptable(SPI_tuptable);
	if (changed != NULL)
		cdp_identity_list_sort(changed);
}

/* The sets that wait to be judged. */
static void
read_waiting(CdpIdList *set_ids)
{
	static CdpPlan waiting_plan = {
		"SELECT unnest(ids) FROM cdp.todo WHERE phase = 'stitch'", 0
	};

	cdp_base_execute(&waiting_plan, NULL, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		cdp_identity_list_add(set_ids,
							  DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
														  SPI_tuptable->tupdesc,
														  1, &isnull)));
	}
	SPI_freetuptable(SPI_tuptable);
	cdp_identity_list_sort(set_ids);
}

/*
 * Was everything that the set links part of this judgement?  Not so if a
 * member's row was not read: it was attached while the graph was loaded.
 */
static bool
is_settled(const CdpGraph *graph, const GraphSet *set)
{
	for (int i = 0; i < set->nmembers; i++)
	{
		const GraphNode *node = &graph->nodes[graph->members[set->first_member + i]];

		if ((node->flags & NODE_INSIDE) == 0 &&
			((node->flags & NODE_LOADED) == 0 || node_links(graph, node)))
			return false;
	}
	return true;
}

/*
 * Sets that wait to be judged but were part of this judgement are placed as
 * of now.  One with a member that came after the graph was loaded is not.
 */
static void
write_epochs(CdpGraph *graph, int64 epoch)
{
	static CdpPlan update_plan = {
		"UPDATE cdp.identifier_set SET epoch = $2"
		" FROM unnest($1::bigint[]) AS given (set_id)"
		" WHERE identifier_set.set_id = given.set_id AND epoch < $2",
		2, {INT8ARRAYOID, INT8OID}
	};
	CdpIdList	waiting = {0};
	CdpIdList	placed = {0};

	if (epoch == 0)
		return;
	read_waiting(&waiting);
	for (int i = 0; i < waiting.count; i++)
	{
		int32		place = cdp_id_map_get(graph->set_map, waiting.ids[i]);

		if (place >= 0 && is_settled(graph, &graph->sets[place]))
			cdp_identity_list_add(&placed, waiting.ids[i]);
	}
	if (placed.count > 0)
		cdp_base_execute(&update_plan, (Datum[]) {
			cdp_identity_list_array(&placed), Int64GetDatum(epoch)
		}, NULL, false, 0);
}

/* See verdict.h. */
void
cdp_verdict_judge(CdpGraph *graph)
{
	cdp_judge_links(graph);
	if (cdp_replay_find(graph))
	{
		cdp_graph_load_keys(graph);
		cdp_replay(graph);
	}
	cdp_judge_parts(graph);
	cdp_judge_ids(graph);
}

/* See verdict.h. */
void
cdp_verdict_reach(CdpGraph *graph, CdpVerdict *verdict)
{
	Changes		changes = {0};
	ProfileRows rows;
	CdpLost		lost;
	int64		epoch;

	cdp_verdict_judge(graph);
	number_orphans(graph, &changes);
	compare_nodes(graph, &changes, verdict);
	compare_profiles(graph, &changes);
	epoch = begin_epoch(&changes);
	insert_profiles(graph, &changes);
	rows = find_profiles(graph, &changes, verdict, epoch);
	lost = cdp_verdict_find_lost(graph);
	lock_profiles(&rows, &lost);
	cdp_verdict_keep_refusals(graph, &lost);
	write_nodes(&changes);
	update_profiles(&rows);
	cdp_verdict_write_log(graph, &changes.moves);
	cdp_verdict_write_refused(graph);
	cdp_verdict_write_pairs(graph, NULL);
	cdp_verdict_write_owners(graph, verdict);
	write_epochs(graph, epoch);
}
