/*
 * stitch_groups.c
 *		Which live profiles a batch of sets joins, and which are judged anew.
 *
 * Places are those of profiles in the graph of the batch; only live ones count.
 * A group is what the sets join.  It is dirty, and then judged anew with all
 * of its evidence, if one profile in it is.
 */
#include "postgres.h"

#include "base/base.h"
#include "identity/stitch.h"

static int
compare_ids(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return (left > right) - (left < right);
}

/* See stitch.h. */
int32
cdp_stitch_live_place(CdpGraph *graph, const GraphNode *node)
{
	int64		live = node_old_profile(graph, node);

	return live == 0 ? -1 : cdp_id_map_get(graph->profile_map, live);
}

/* See stitch.h: every live profile has a place and begins as a group. */
void
cdp_stitch_begin_groups(Stitch *stitch)
{
	int64		count = stitch->graph->nprofiles;

	cdp_components_init(&stitch->groups, count);
	stitch->dirty = palloc0(sizeof(bool) * (count + 1));
	stitch->grown = palloc0(sizeof(bool) * (count + 1));
	stitch->evidence = palloc0(sizeof(int64) * (count + 1));
	stitch->winners = palloc0(sizeof(int64) * (count + 1));
}

/* Does the profile at a place know of an identifier what limits ask? */
static bool
is_noted(const CdpGraph *graph, const GraphProfile *profile,
		 const GraphNode *node)
{
	const CdpIdentityType *type = node_type(graph, node);
	int64	   *watched = graph->watched + profile->first_watched;

	if ((cdp_identity_marks(type) & ~profile->marks) != 0)
		return false;
	return !cdp_identity_is_watched(type) ||
		(profile->nwatched > 0 &&
		 bsearch(&node->identifier_id, watched, profile->nwatched,
				 sizeof(int64), compare_ids) != NULL);
}

/* What a member of a set that links means for its profile. */
static void
judge_member(Stitch *stitch, const GraphSet *set, const GraphNode *node,
			 int32 place, bool alone)
{
	const GraphProfile *profile = &stitch->graph->profiles[place];

	stitch->dirty[place] |= profile->root_epoch > set->epoch ||
		(!alone && (profile->marks & CDP_MARK_REPLAYED) != 0);
	stitch->grown[place] |= !is_noted(stitch->graph, profile, node);
}

/*
 * A member that links but has no profile is judged anew, with the profile that
 * it had.
 */
static int32
find_former_place(Stitch *stitch, const GraphNode *node)
{
	CdpGraph   *graph = stitch->graph;
	int32		place;

	cdp_identity_list_add(&stitch->unplaced, node->identifier_id);
	if (node->profile < 0)
		return -1;
	place = cdp_id_map_get(graph->profile_map,
						   graph->profiles[node->profile].root);
	if (place >= 0)
		stitch->dirty[place] = true;
	return place;
}

/* How many members of a set link? */
static int
count_linking(const CdpGraph *graph, const GraphSet *set)
{
	const int32 *members = graph->members + set->first_member;
	int			count = 0;

	for (int i = 0; i < set->nmembers; i++)
		count += node_links(graph, &graph->nodes[members[i]]);
	return count;
}

/*
 * Members that do not link belong elsewhere, unless a decision says otherwise.
 * One that shares a profile with one that links was alone in it when it expired
 * or became shared, and attach, beside that, thought that it still linked.
 * Without a profile, one that has evidence again is to get one.
 */
static void
judge_stranger(Stitch *stitch, const GraphSet *set, const GraphNode *stranger)
{
	CdpGraph   *graph = stitch->graph;
	const int32 *members = graph->members + set->first_member;
	int32		place = cdp_stitch_live_place(graph, stranger);

	if (place < 0 && node_is_usable(graph, stranger))
		cdp_identity_list_add(&stitch->unplaced, stranger->identifier_id);
	for (int i = 0; place >= 0 && i < set->nmembers; i++)
	{
		const GraphNode *node = &graph->nodes[members[i]];

		if (node_links(graph, node) &&
			cdp_stitch_live_place(graph, node) == place)
			stitch->dirty[place] = true;
	}
}

/* Note the set as evidence of the profiles that it joins. */
static void
note_evidence(Stitch *stitch, const GraphSet *set)
{
	CdpGraph   *graph = stitch->graph;
	const int32 *members = graph->members + set->first_member;

	for (int i = 0; i < set->nmembers; i++)
	{
		int32		place = cdp_stitch_live_place(graph, &graph->nodes[members[i]]);

		if (place >= 0 && (stitch->evidence[place] == 0 ||
						   set->set_id < stitch->evidence[place]))
			stitch->evidence[place] = set->set_id;
	}
}

/* See stitch.h: join the profiles that a set links. */
void
cdp_stitch_judge_set(Stitch *stitch, const GraphSet *set)
{
	CdpGraph   *graph = stitch->graph;
	const int32 *members = graph->members + set->first_member;
	bool		alone = count_linking(graph, set) < 2;
	bool		joins = false;
	bool		unplaced = false;
	int32		first = -1;

	for (int i = 0; !set->retracted && i < set->nmembers; i++)
	{
		const GraphNode *node = &graph->nodes[members[i]];
		int32		place;

		if (!node_links(graph, node))
		{
			judge_stranger(stitch, set, node);
			continue;
		}
		place = cdp_stitch_live_place(graph, node);
		unplaced |= place < 0;
		if (place < 0)
			place = find_former_place(stitch, node);
		if (place < 0)
			continue;
		judge_member(stitch, set, node, place, alone);
		joins |= first >= 0 && first != place;
		if (first >= 0)
			cdp_components_join(&stitch->groups, first, place);
		first = place;
	}
	if (first >= 0)
		stitch->dirty[first] |= unplaced;
	if (!joins)
		return;
	stitch->grown[first] = true;
	note_evidence(stitch, set);
}

/* See stitch.h: mark the profiles of given identifiers. */
void
cdp_stitch_mark_dirty(Stitch *stitch, const CdpIdList *ids)
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

/* See stitch.h. */
int64
cdp_stitch_winner(Stitch *stitch, int32 node)
{
	int32		place;

	if (node < 0)
		return 0;
	place = cdp_stitch_live_place(stitch->graph, &stitch->graph->nodes[node]);
	if (place < 0)
		return 0;
	return stitch->winners[cdp_components_find(&stitch->groups, place)];
}

/* Marks are of groups so far; give them to the groups' winners. */
static void
choose_winners(Stitch *stitch)
{
	CdpIdList  *groups = &stitch->marks->winners;

	for (int i = 0; i < groups->count; i++)
		groups->ids[i] = stitch->winners[groups->ids[i]];
}

/* See stitch.h: merge the groups that are clean. */
void
cdp_stitch_merge_groups(Stitch *stitch, CdpVerdict *verdict)
{
	CdpGraph   *graph = stitch->graph;
	CdpIdList	losers = {0};
	CdpIdList	winners = {0};
	CdpIdList	set_ids = {0};
	CdpIdList	epochs = {0};

	close_groups(stitch);
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
	choose_winners(stitch);
	cdp_identity_merge_profiles(&losers, &winners, &set_ids, &epochs,
								stitch->marks);
}
