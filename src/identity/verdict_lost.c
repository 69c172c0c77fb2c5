/*
 * verdict_lost.c
 *		Identifiers that come to stand for nobody, and who keeps what they
 *		refused.
 *
 * An identifier is lost when it does not link any more: it is shared, expired,
 * blocked or without evidence.  What it refused stays with those whom it was
 * merged with (consent.h), and those may be several by now: where it was what
 * held them together, its profile falls apart in the same judgement.  So each
 * part that its profile fell into has an heir of it, but for the part that it
 * is in itself, where it speaks for itself.  An heir is an identifier that
 * links: one that was born with the lost one if the part has any.
 *
 * Example.  Cookie c and address x were born with profile 1, user u with 2, and
 * a record of u and x merged them.  Now x is shared; the parts are {x}, {c} and
 * {u}.  The heirs of x are c, by birth, and u.
 *
 * One that stood alone before has no heirs, so a rebuild of a store with many
 * shared or expired identifiers finds nothing to do, and locks nothing for it.
 *
 * Locks.  The profiles that lose an identifier are to be locked before it is
 * asked what that refused: an answer that is under way is waited for.  The
 * caller does so, with what else it locks (verdict.c).
 *
 * Cost: two passes over the nodes; 32 bytes for a leaf of a part of a profile
 * that loses something; a row for each refusal and part.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "base/base.h"
#include "identity/verdict.h"

/* Who keeps what is lost: the first of one leaf in one part. */
typedef struct CdpHeir
{
	int64		before;			/* the live profile that it was of */
	int64		after;			/* the one that it is of now */
	int64		leaf;
	int64		identifier_id;
} CdpHeir;

/* Was it of a profile, and is it one that does not link now? */
static bool
is_lost(const CdpGraph *graph, const GraphNode *node)
{
	return (node->flags & NODE_INSIDE) != 0 &&
		node_old_profile(graph, node) != 0 && !node_links(graph, node);
}

static int
compare_heirs(const void *a, const void *b)
{
	const CdpHeir *left = a;
	const CdpHeir *right = b;

	if (left->before != right->before)
		return left->before < right->before ? -1 : 1;
	if (left->after != right->after)
		return left->after < right->after ? -1 : 1;
	if (left->leaf != right->leaf)
		return left->leaf < right->leaf ? -1 : 1;
	return (left->identifier_id > right->identifier_id) -
		(left->identifier_id < right->identifier_id);
}

static bool
is_same_leaf(const CdpHeir *a, const CdpHeir *b)
{
	return a->before == b->before && a->after == b->after &&
		a->leaf == b->leaf;
}

/* List the heirs in these profiles, in order: one for each leaf of a part. */
static void
list_heirs(const CdpGraph *graph, const CdpIdList *profiles, CdpLost *lost)
{
	int64		count = 0;

	for (int64 i = 0; i < graph->nnodes; i++)
	{
		const GraphNode *node = &graph->nodes[i];
		int64		before = node_old_profile(graph, node);

		if (before == 0 || !node_links(graph, node) ||
			cdp_identity_list_find(profiles, before) < 0)
			continue;
		GRAPH_GROW(CurrentMemoryContext, lost->heirs, count);
		lost->heirs[count++] = (CdpHeir) {
			before, node_new_profile(graph, node),
			graph->profiles[node->profile].profile_id, node->identifier_id
		};
	}
	if (count > 1)
		qsort(lost->heirs, count, sizeof(CdpHeir), compare_heirs);
	for (int64 i = 0; i < count; i++)
		if (i == 0 || !is_same_leaf(&lost->heirs[i],
									&lost->heirs[lost->nheirs - 1]))
			lost->heirs[lost->nheirs++] = lost->heirs[i];
}

/* The place of the first heir in a profile, or of what comes after it. */
static int64
find_heir(const CdpLost *lost, int64 profile)
{
	int64		low = 0;
	int64		high = lost->nheirs;

	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (lost->heirs[middle].before < profile)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Does anybody whom the node was merged with do without it now? */
static bool
is_missed(const CdpGraph *graph, const GraphNode *node, const CdpLost *lost)
{
	int64		before = node_old_profile(graph, node);
	int64		after = node_new_profile(graph, node);

	for (int64 i = find_heir(lost, before);
		 i < lost->nheirs && lost->heirs[i].before == before; i++)
		if (lost->heirs[i].after != after)
			return true;
	return false;
}

/* See verdict.h. */
CdpLost
cdp_verdict_find_lost(const CdpGraph *graph)
{
	CdpLost		lost = {{0}};
	CdpIdList	profiles = {0};

	for (int64 i = 0; i < graph->nnodes; i++)
		if (is_lost(graph, &graph->nodes[i]))
			cdp_identity_list_add(&profiles,
								  node_old_profile(graph, &graph->nodes[i]));
	if (profiles.count == 0)
		return lost;
	cdp_identity_list_sort(&profiles);
	list_heirs(graph, &profiles, &lost);
	for (int64 i = 0; i < graph->nnodes; i++)
	{
		const GraphNode *node = &graph->nodes[i];

		if (!is_lost(graph, node) || !is_missed(graph, node, &lost))
			continue;
		cdp_identity_list_add(&lost.identifiers, node->identifier_id);
		cdp_identity_list_add(&lost.profiles, node_old_profile(graph, node));
	}
	return lost;
}

/* Those of the lost identifiers that ever refused anything. */
static CdpIdList
read_refusers(const CdpLost *lost)
{
	static CdpPlan refusers_plan = {
		"SELECT unnest(cdp._refusers($1))", 1, {INT8ARRAYOID}
	};
	CdpIdList	refusers = {0};

	cdp_base_execute(&refusers_plan, (Datum[]) {
		cdp_identity_list_array(&lost->identifiers)
	}, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		cdp_identity_list_add(&refusers,
							  DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
														  SPI_tuptable->tupdesc,
														  1, &isnull)));
	}
	SPI_freetuptable(SPI_tuptable);
	return refusers;
}

/* Pair a node with its heir in each part that does without it. */
static void
add_heirs(const CdpGraph *graph, const GraphNode *node, const CdpLost *lost,
		  CdpIdList *from, CdpIdList *heirs)
{
	int64		before = node_old_profile(graph, node);
	int64		after = node_new_profile(graph, node);
	int64		leaf = graph->profiles[node->profile].profile_id;
	int64		next = find_heir(lost, before);

	while (next < lost->nheirs && lost->heirs[next].before == before)
	{
		const CdpHeir *heir = &lost->heirs[next];
		int64		part = heir->after;

		for (; next < lost->nheirs && lost->heirs[next].before == before &&
			 lost->heirs[next].after == part; next++)
			if (lost->heirs[next].leaf == leaf)
				heir = &lost->heirs[next];
		CHECK_FOR_INTERRUPTS();
		if (part == after)
			continue;
		cdp_identity_list_add(from, node->identifier_id);
		cdp_identity_list_add(heirs, heir->identifier_id);
	}
}

/* See verdict.h. */
void
cdp_verdict_keep_refusals(const CdpGraph *graph, const CdpLost *lost)
{
	static CdpPlan keep_plan = {
		"SELECT cdp._keep_refusals($1, $2)", 2, {INT8ARRAYOID, INT8ARRAYOID}
	};
	CdpIdList	refusers;
	CdpIdList	from = {0};
	CdpIdList	heirs = {0};

	if (lost->identifiers.count == 0)
		return;
	refusers = read_refusers(lost);
	if (refusers.count == 0)
		return;
	for (int i = 0; i < refusers.count; i++)
	{
		int32		place = cdp_id_map_get(graph->node_map, refusers.ids[i]);

		add_heirs(graph, &graph->nodes[place], lost, &from, &heirs);
	}
	cdp_base_execute(&keep_plan, (Datum[]) {
		cdp_identity_list_array(&from), cdp_identity_list_array(&heirs)
	}, NULL, false, 0);
}
