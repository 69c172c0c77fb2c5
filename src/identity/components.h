/*
 * components.h
 *		Connected components by union-find, over nodes 0 .. count-1.
 *
 * Four bytes a node: a node's word is its parent, its own number in a root.
 * A parent is always the smaller number, so the root is the smallest node of
 * its component, whatever the order of the links, and one pass in ascending
 * order flattens all trees.  Two trees are joined while both ends climb,
 * each step hanging the end with the higher parent under the other's parent
 * (Rem's algorithm: Dijkstra, A Discipline of Programming, 1976; the fastest
 * of those measured by Patwary, Blair and Manne, SEA 2010).
 *
 * What costs time is memory: a join reads words at random.  Links given many
 * at once (cdp_components_join_links) are joined behind a moving window that
 * fetches the words of later links, and their parents, beforehand: 2 to 3
 * times faster than one by one once the words exceed the caches.
 *
 * Pure: no tables, no server beyond palloc.
 */
#ifndef CDP_IDENTITY_COMPONENTS_H
#define CDP_IDENTITY_COMPONENTS_H

#define CDP_COMPONENTS_MAX PG_INT32_MAX

/* The word of a node that no link has named yet. */
#define CDP_COMPONENTS_ABSENT (-1)

/* Have memory brought near that is needed soon.  Any address will do. */
#ifdef __GNUC__
#define CDP_FETCH(address) __builtin_prefetch(address)
#else
#define CDP_FETCH(address) ((void) 0)
#endif

typedef struct CdpComponents
{
	int32	   *words;
	int32		count;			/* nodes */
	int32		room;			/* nodes that words has room for */
} CdpComponents;

/*
 * An array that is read at random should lie in large pages: with small ones
 * nearly every access would miss the table of pages too, which takes as long
 * as the access itself, twice as long in a virtual machine.  So such arrays
 * are asked to, before they are first touched (a wish: it cannot fail), and
 * grown ones are copied, as moving small pages would keep them small.
 */
extern void *cdp_components_allocate(Size size);
extern void *cdp_components_grow(void *old, Size used, Size size);

/* No two nodes are joined yet.  Memory is of the current context. */
extern void cdp_components_init(CdpComponents *components, int32 count);

/* One more node, joined to none; returns it. */
extern int32 cdp_components_add(CdpComponents *components);

/* Room for so many nodes; gives none back. */
extern void cdp_components_reserve(CdpComponents *components, int32 room);

/* The node that stands for the component of a node: its smallest. */
extern int32 cdp_components_find(CdpComponents *components, int32 node);

/* Join two components; false if they were one already. */
extern bool cdp_components_join(CdpComponents *components, int32 a, int32 b);

/*
 * Join a[i] with b[i] for all i.  Best given hundreds at once.  Nodes that
 * are absent come into being.
 */
extern void cdp_components_join_links(CdpComponents *components,
									  const int32 *a, const int32 *b,
									  int count);

/*
 * Make every node's word the smallest node of its component.  Absent ones
 * stay so.  Nodes from..to-1 only, so that the caller can look up between
 * pieces; all before from must be done.
 */
extern void cdp_components_flatten(CdpComponents *components,
								   int32 from, int32 to);

#endif							/* CDP_IDENTITY_COMPONENTS_H */
