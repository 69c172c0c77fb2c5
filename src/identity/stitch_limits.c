/*
 * stitch_limits.c
 *		Might new evidence break a rule?  Asked of groups before they merge.
 *
 * A profile's row lists the identifiers that limits and decisions count
 * (verdict_marks.c), so a group's are the union of its profiles' lists and of
 * the members that the sets bring: a set, so nothing is counted twice however
 * often it is seen.  A group is dirty, and its components are judged anew and
 * if need be replayed, if that union
 *
 *	- has more identifiers of one kind than the type's max_per_profile,
 *	- has both ends of a decision "never", or
 *	- is known and has something that never joins known profiles (which may be
 *	  no breach; replay tells).
 *
 * Only groups that grew are looked at: profiles that join, or a profile that
 * gets an identifier which it did not list.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/plans.h"
#include "identity/stitch.h"

/* An identifier that a grown group watches. */
typedef struct Watch
{
	int32		group;			/* place that stands for it */
	uint16		kind;
	int64		identifier_id;
} Watch;

typedef struct WatchList
{
	Watch	   *entries;
	int64		count;
	int64		room;
	uint8	   *marks;			/* by place that stands for a group */
} WatchList;

static void
add_watch(WatchList *list, int32 group, int64 identifier_id)
{
	if (list->count == list->room)
	{
		list->room = list->room == 0 ? 64 : list->room * 2;
		list->entries = list->entries == NULL ?
			palloc(sizeof(Watch) * list->room) :
			repalloc_huge(list->entries, sizeof(Watch) * list->room);
	}
	list->entries[list->count++] = (Watch) {group, 0, identifier_id};
}

static int
compare_watches(const void *a, const void *b)
{
	const Watch *left = a;
	const Watch *right = b;

	if (left->group != right->group)
		return left->group < right->group ? -1 : 1;
	return (left->identifier_id > right->identifier_id) -
		(left->identifier_id < right->identifier_id);
}

static int
compare_kinds(const void *a, const void *b)
{
	const Watch *left = a;
	const Watch *right = b;

	if (left->group != right->group)
		return left->group < right->group ? -1 : 1;
	return (left->kind > right->kind) - (left->kind < right->kind);
}

/* What the profiles of grown groups list already. */
static void
add_listed(Stitch *stitch, WatchList *list)
{
	CdpGraph   *graph = stitch->graph;

	for (int64 i = 0; i < graph->nprofiles; i++)
		stitch->grown[cdp_components_find(&stitch->groups, i)] |= stitch->grown[i];
	for (int64 i = 0; i < graph->nprofiles; i++)
	{
		const GraphProfile *profile = &graph->profiles[i];
		int32		group = cdp_components_find(&stitch->groups, i);

		if (!stitch->grown[group] || profile->root != profile->profile_id)
			continue;
		list->marks[group] |= profile->marks;
		for (int j = 0; j < profile->nwatched; j++)
			add_watch(list, group, graph->watched[profile->first_watched + j]);
	}
}

/* What the sets bring to grown groups. */
static void
add_members(Stitch *stitch, WatchList *list)
{
	CdpGraph   *graph = stitch->graph;

	for (int64 i = 0; i < graph->nnodes; i++)
	{
		const GraphNode *node = &graph->nodes[i];
		int32		place = cdp_stitch_live_place(graph, node);
		int32		group;

		if (place < 0 || !node_links(graph, node))
			continue;
		group = cdp_components_find(&stitch->groups, place);
		if (!stitch->grown[group])
			continue;
		list->marks[group] |= cdp_identity_marks(node_type(graph, node));
		if (cdp_identity_is_watched(node_type(graph, node)))
			add_watch(list, group, node->identifier_id);
	}
}

/* Each identifier of a group once, in order. */
static void
sort_watches(WatchList *list)
{
	int64		kept = 0;

	if (list->count == 0)
		return;
	qsort(list->entries, list->count, sizeof(Watch), compare_watches);
	for (int64 i = 0; i < list->count; i++)
		if (i == 0 || compare_watches(&list->entries[i],
									  &list->entries[kept - 1]) != 0)
			list->entries[kept++] = list->entries[i];
	list->count = kept;
}

/* Read the kinds of identifiers that are not members of the batch. */
static void
find_kinds(CdpGraph *graph, WatchList *list)
{
	static CdpPlan kinds_plan = {
		"SELECT given.place, identifier.type_id, identifier.scope"
		" FROM unnest($1::bigint[], $2::bigint[]) AS given (identifier_id, place)"
		" JOIN cdp.identifier USING (identifier_id)",
		2, {INT8ARRAYOID, INT8ARRAYOID}
	};
	CdpIdList	ids = {0};
	CdpIdList	places = {0};

	for (int64 i = 0; i < list->count; i++)
	{
		Watch	   *watch = &list->entries[i];
		int32		node = cdp_id_map_get(graph->node_map, watch->identifier_id);

		if (node >= 0 && (graph->nodes[node].flags & NODE_LOADED) != 0)
			watch->kind = graph->nodes[node].kind;
		else
		{
			cdp_identity_list_add(&ids, watch->identifier_id);
			cdp_identity_list_add(&places, i);
		}
	}
	if (ids.count == 0)
		return;
	cdp_base_execute(&kinds_plan, (Datum[]) {
		cdp_identity_list_array(&ids), cdp_identity_list_array(&places)
	}, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	columns = SPI_tuptable->tupdesc;
		bool		isnull;
		int64		place = DatumGetInt64(SPI_getbinval(row, columns, 1, &isnull));
		int			type_id = DatumGetInt32(SPI_getbinval(row, columns, 2, &isnull));

		list->entries[place].kind =
			cdp_graph_kind(graph, type_id, SPI_getvalue(row, columns, 3));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Groups that hold both ends of a decision never. */
static void
check_decisions(Stitch *stitch, const WatchList *list)
{
	static CdpPlan never_plan = {
		"SELECT a.group_place FROM unnest($1::bigint[], $2::bigint[])"
		" AS a (identifier_id, group_place)"
		" JOIN cdp.decision ON decision.identifier_a = a.identifier_id"
		" AND decision.withdrawn_by IS NULL AND decision.verdict = 'never'"
		" WHERE decision.identifier_b IN (SELECT b.identifier_id"
		" FROM unnest($1::bigint[], $2::bigint[]) AS b (identifier_id, group_place)"
		" WHERE b.group_place = a.group_place)",
		2, {INT8ARRAYOID, INT8ARRAYOID}
	};
	static CdpPlan any_plan = {
		"SELECT FROM cdp.decision WHERE withdrawn_by IS NULL"
		" AND verdict = 'never' LIMIT 1", 0
	};
	CdpIdList	ids = {0};
	CdpIdList	groups = {0};

	cdp_base_execute(&any_plan, NULL, NULL, true, 1);
	if (SPI_processed == 0)
		return;
	for (int64 i = 0; i < list->count; i++)
	{
		cdp_identity_list_add(&ids, list->entries[i].identifier_id);
		cdp_identity_list_add(&groups, list->entries[i].group);
	}
	cdp_base_execute(&never_plan, (Datum[]) {
		cdp_identity_list_array(&ids), cdp_identity_list_array(&groups)
	}, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		stitch->dirty[DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
												  SPI_tuptable->tupdesc, 1,
												  &isnull))] = true;
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Groups with more of a kind than a profile may have.  Reorders the list. */
static void
check_limits(Stitch *stitch, WatchList *list)
{
	if (list->count > 0)
		qsort(list->entries, list->count, sizeof(Watch), compare_kinds);
	for (int64 first = 0, next; first < list->count; first = next)
	{
		const Watch *watch = &list->entries[first];
		const CdpIdentityType *type = stitch->graph->kinds[watch->kind].type;

		for (next = first; next < list->count &&
			 compare_kinds(watch, &list->entries[next]) == 0;)
			next++;
		if (type != NULL && type->max_per_profile > 0 &&
			next - first > type->max_per_profile)
			stitch->dirty[watch->group] = true;
	}
}

/* Note what a grown group watches from now on. */
static void
note_marks(CdpMergedMarks *marks, const WatchList *list, int64 first, int64 next,
		   int32 group)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int64 i = first; i < next; i++)
		appendStringInfo(&text, "%c" INT64_FORMAT, i == first ? '{' : ',',
						 list->entries[i].identifier_id);
	appendStringInfoString(&text, first == next ? "{}" : "}");
	marks->watched[marks->winners.count] = text.data;
	cdp_identity_list_add(&marks->winners, group);
	cdp_identity_list_add(&marks->marks, list->marks[group]);
}

/* Note the marks of all grown groups that are clean. */
static void
note_clean_groups(Stitch *stitch, const WatchList *list)
{
	CdpGraph   *graph = stitch->graph;
	bool	   *dirty = palloc0(sizeof(bool) * (graph->nprofiles + 1));
	int64	   *first = palloc0(sizeof(int64) * (graph->nprofiles + 1));
	int64	   *count = palloc0(sizeof(int64) * (graph->nprofiles + 1));

	for (int64 i = 0; i < graph->nprofiles; i++)
		dirty[cdp_components_find(&stitch->groups, i)] |= stitch->dirty[i];
	for (int64 i = list->count - 1; i >= 0; i--)
	{
		first[list->entries[i].group] = i;
		count[list->entries[i].group]++;
	}
	stitch->marks->watched = palloc(sizeof(char *) * (graph->nprofiles + 1));
	for (int64 i = 0; i < graph->nprofiles; i++)
	{
		if (!stitch->grown[i] || dirty[i] ||
			cdp_components_find(&stitch->groups, i) != i)
			continue;
		note_marks(stitch->marks, list, first[i], first[i] + count[i], i);
	}
}

/* See stitch.h. */
void
cdp_stitch_check_groups(Stitch *stitch)
{
	CdpGraph   *graph = stitch->graph;
	WatchList	list = {0};

	list.marks = palloc0(graph->nprofiles + 1);
	stitch->marks = palloc0(sizeof(CdpMergedMarks));
	add_listed(stitch, &list);
	add_members(stitch, &list);
	sort_watches(&list);
	find_kinds(graph, &list);
	check_limits(stitch, &list);
	check_decisions(stitch, &list);
	for (int64 i = 0; i < graph->nprofiles; i++)
		if ((list.marks[i] & CDP_MARK_NEVER_JOINS) != 0 &&
			(list.marks[i] & CDP_MARK_KNOWN) != 0)
			stitch->dirty[i] = true;
	sort_watches(&list);
	note_clean_groups(stitch, &list);
}
