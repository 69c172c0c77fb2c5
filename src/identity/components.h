/*
 * components.h
 *		Connected components by union-find, over nodes 0 .. count-1.
 *
 * Four bytes a node: a node's word is its parent, or, in a root, minus its
 * rank minus one.  Trees are joined by rank and shortened by path halving
 * while they are climbed, so m joins of n nodes cost O(m a(n)), a(n) < 5
 * (Tarjan and van Leeuwen, J. ACM 31(2), 1984, section 3).
 *
 * Pure: no tables, no server beyond palloc.
 */
#ifndef CDP_IDENTITY_COMPONENTS_H
#define CDP_IDENTITY_COMPONENTS_H

#define CDP_COMPONENTS_MAX PG_INT32_MAX

typedef struct CdpComponents
{
	int32	   *words;
	int32		count;			/* nodes */
	int32		room;			/* nodes that words has room for */
} CdpComponents;

/* No two nodes are joined yet.  Memory is of the current context. */
extern void cdp_components_init(CdpComponents *components, int32 count);

/* One more node, joined to none; returns it. */
extern int32 cdp_components_add(CdpComponents *components);

/* The node that stands for the component of a node. */
extern int32 cdp_components_find(CdpComponents *components, int32 node);

/* Join two components; false if they were one already. */
extern bool cdp_components_join(CdpComponents *components, int32 a, int32 b);

#endif							/* CDP_IDENTITY_COMPONENTS_H */
