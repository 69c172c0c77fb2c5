/*
 * paths.c
 *		Links between numbered nodes: their spanning tree, and ways in it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "identity/components.h"
#include "identity/paths.h"

#define INTERRUPT_EVERY 0xFFFF	/* links between looks for a cancel, a mask */

static void *
allocate(Size width, int64 count)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, width * (count + 1));
}

/* See paths.h. */
CdpLinkIndex
cdp_links_index(const CdpLinks *links, const bool *keep)
{
	CdpLinkIndex index;
	int32	   *next;

	index.first = allocate(sizeof(int32), (int64) links->nnodes + 2);
	memset(index.first, 0, sizeof(int32) * ((Size) links->nnodes + 2));
	for (int32 i = 0; i < links->nlinks; i++)
	{
		if (keep != NULL && !keep[i])
			continue;
		index.first[links->a[i] + 2]++;
		index.first[links->b[i] + 2]++;
	}
	for (int32 i = 1; i <= links->nnodes + 1; i++)
		index.first[i] += index.first[i - 1];
	index.links = allocate(sizeof(int32), index.first[links->nnodes + 1]);
	/* first[n + 1] is where node n begins until its links are written. */
	next = index.first + 1;
	for (int32 i = 0; i < links->nlinks; i++)
	{
		if (keep != NULL && !keep[i])
			continue;
		index.links[next[links->a[i]]++] = i;
		index.links[next[links->b[i]]++] = i;
	}
	return index;
}

/* See paths.h. */
bool *
cdp_links_tree(const CdpLinks *links)
{
	CdpComponents parts;
	bool	   *in_tree = allocate(sizeof(bool), links->nlinks);

	cdp_components_init(&parts, links->nnodes);
	for (int32 i = 0; i < links->nlinks; i++)
	{
		in_tree[i] = cdp_components_join(&parts, links->a[i], links->b[i]);
		if ((i & INTERRUPT_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	pfree(parts.words);
	return in_tree;
}

/* By which link the search from a node came to each other one; -1: it didn't. */
static int32 *
search_tree(const CdpLinks *links, int32 from)
{
	bool	   *in_tree = cdp_links_tree(links);
	CdpLinkIndex index = cdp_links_index(links, in_tree);
	int32	   *via = allocate(sizeof(int32), links->nnodes);
	int32	   *queue = allocate(sizeof(int32), links->nnodes);
	int32		head = 0;
	int32		tail = 0;

	memset(via, -1, sizeof(int32) * (Size) links->nnodes);
	queue[tail++] = from;
	while (head < tail)
	{
		int32		node = queue[head++];

		for (int32 i = index.first[node]; i < index.first[node + 1]; i++)
		{
			int32		other = cdp_link_other_end(links, index.links[i], node);

			if (other == from || via[other] >= 0)
				continue;
			via[other] = index.links[i];
			queue[tail++] = other;
		}
		if ((head & INTERRUPT_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	pfree(queue);
	pfree(index.first);
	pfree(index.links);
	pfree(in_tree);
	return via;
}

/* See paths.h. */
int32
cdp_links_path(const CdpLinks *links, int32 from, int32 to, int32 **path)
{
	/* Searched backwards, it is read off forwards. */
	int32	   *via = search_tree(links, to);
	int32		count = 0;

	*path = allocate(sizeof(int32), links->nnodes);
	while (from != to && via[from] >= 0)
	{
		(*path)[count++] = via[from];
		from = cdp_link_other_end(links, via[from], from);
	}
	pfree(via);
	return count;
}
