/*
 * paths.h
 *		Links between numbered nodes: their spanning tree, and ways in it.
 *
 * Links come strongest first.  Kruskal's algorithm takes each that joins what
 * was not joined yet; the tree that it builds holds, between any two nodes,
 * the path whose weakest link is the strongest possible (T. C. Hu, Operations
 * Research 9(6), 1961).  That is how profiles come about, so the path is also
 * why two identifiers are one customer.
 *
 * Pure: no tables, no server beyond palloc.  Costs O(n + m a(n)).
 */
#ifndef CDP_IDENTITY_PATHS_H
#define CDP_IDENTITY_PATHS_H

/* Nodes are 0 .. nnodes - 1; link i joins a[i] and b[i]. */
typedef struct CdpLinks
{
	int32		nnodes;
	int32		nlinks;			/* at most CDP_LINKS_MAX */
	const int32 *a;
	const int32 *b;
} CdpLinks;

/* Each link is listed at both of its ends, in an int32. */
#define CDP_LINKS_MAX (PG_INT32_MAX / 2 - 1)

/* The links at each node n: links[first[n] .. first[n + 1]), in their order. */
typedef struct CdpLinkIndex
{
	int32	   *first;
	int32	   *links;
} CdpLinkIndex;

/* keep: only these links; NULL: all. */
extern CdpLinkIndex cdp_links_index(const CdpLinks *links, const bool *keep);

/* The links that Kruskal takes. */
extern bool *cdp_links_tree(const CdpLinks *links);

/*
 * The links of the tree from one node to another, in order, and how many; 0 if
 * nothing joins them.
 */
extern int32 cdp_links_path(const CdpLinks *links, int32 from, int32 to,
							int32 **path);

static inline int32
cdp_link_other_end(const CdpLinks *links, int32 link, int32 node)
{
	return links->a[link] == node ? links->b[link] : links->a[link];
}

#endif							/* CDP_IDENTITY_PATHS_H */
