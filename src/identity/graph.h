/*
 * graph.h
 *		A part of the identity graph in memory: loaded, judged, written back.
 *
 * Nodes are identifiers, held together by sets and by the profiles that they
 * belong to so far.  Three files work on it:
 *
 *	graph.c		loads the components that given profiles touch, or all;
 *	judge.c		the function of identity.h: pure, no tables;
 *	verdict.c	writes what judge found different.
 *
 * A node is inside if the graph has all sets that it is in: then everything
 * about it can be judged.  Other members of those sets are outside: known,
 * but left as they are.
 *
 * Memory, for rebuilds: 24 bytes an identifier, 40 a profile, 32 a set, 4 a
 * member and 16 to 32 an entry of each of the three maps; 8 a pair of a weak
 * and a strong identifier while shared ones are counted.
 */
#ifndef CDP_IDENTITY_GRAPH_H
#define CDP_IDENTITY_GRAPH_H

#include "identity/arrays.h"
#include "identity/components.h"
#include "identity/id_map.h"
#include "identity/rules.h"

/* A type, and the source if the type is scoped: what limits count by. */
typedef struct GraphKind
{
	const CdpIdentityType *type;	/* NULL: a type that is gone */
	int			type_id;
	const char *scope;
} GraphKind;

#define NODE_LOADED		0x01	/* its row was read */
#define NODE_INSIDE		0x02	/* all its sets are in the graph */
#define NODE_BLOCKED	0x04
#define NODE_SHARED		0x08	/* as the table says */
#define NODE_SHARED_NOW	0x10	/* as judged */
#define NODE_PLACED		0x20	/* the table has its leaf: profile */
#define NODE_TRIED		0x40	/* its sets were asked for */

typedef struct GraphNode
{
	int64		identifier_id;
	int32		profile;		/* its leaf, or former leaf, in profiles; -1 */
	int32		part;			/* judged: a node that stands for its part; -1 if
								 * it belongs to none */
	uint16		kind;			/* place in kinds */
	uint8		flags;
} GraphNode;

typedef struct GraphProfile
{
	int64		profile_id;
	int64		root;
	int64		founder;		/* identifier; 0: not loaded */
	int64		root_epoch;		/* split_epoch of root */
	int32		founder_node;	/* judged: who founds it now; -1: nobody is left */
} GraphProfile;

typedef struct GraphSet
{
	int64		set_id;
	int64		first_member;	/* place in members */
	int64		epoch;
	int32		owner;			/* node; -1: none */
	int32		nmembers;
} GraphSet;

/* A weak and a strong identifier in one set; sorts by weak, then strong. */
#define MAKE_PAIR(weak, strong) (((uint64) (weak) << 32) | (uint32) (strong))
#define PAIR_WEAK(pair) ((int32) ((pair) >> 32))
#define PAIR_STRONG(pair) ((int32) ((pair) & PG_UINT32_MAX))

typedef struct CdpGraph
{
	MemoryContext context;
	GraphKind  *kinds;
	int			nkinds;
	GraphNode  *nodes;
	int64		nnodes;
	CdpIdMap   *node_map;
	GraphProfile *profiles;
	int64		nprofiles;
	CdpIdMap   *profile_map;
	GraphSet   *sets;
	int64		nsets;
	CdpIdMap   *set_map;
	int32	   *members;		/* nodes of sets */
	int64		nmembers;

	/* judged */
	uint64	   *pairs;			/* distinct, in order */
	int64		npairs;
	CdpComponents parts;
	int64	   *part_ids;		/* by the node that stands for a part: its
								 * profile id; 0: not given yet */
	int32	   *orphans;		/* the founders of parts without an id, by id */
	int			norphans;
} CdpGraph;

/* graph.c; all inside an SPI connection */
extern CdpGraph *cdp_graph_create(void);
extern void cdp_graph_load_sets(CdpGraph *graph, const CdpIdList *set_ids);
extern void cdp_graph_load_nodes(CdpGraph *graph);
extern void cdp_graph_load_components(CdpGraph *graph, const CdpIdList *roots,
									  const CdpIdList *unplaced);
extern void cdp_graph_load_all(CdpGraph *graph);

/* Rows that the graph is made of; places are stable, pointers are not. */
extern int32 cdp_graph_node(CdpGraph *graph, int64 identifier_id);
extern int32 cdp_graph_profile(CdpGraph *graph, int64 profile_id);

static inline const CdpIdentityType *
node_type(const CdpGraph *graph, const GraphNode *node)
{
	return graph->kinds[node->kind].type;
}

/* Does it belong to a profile at all? */
static inline bool
node_is_usable(const CdpGraph *graph, const GraphNode *node)
{
	const CdpIdentityType *type;

	if ((node->flags & NODE_LOADED) == 0 || (node->flags & NODE_BLOCKED) != 0)
		return false;
	type = node_type(graph, node);
	return type != NULL && type->priority > 0;
}

/* Does it link, as judged? */
static inline bool
node_links(const CdpGraph *graph, const GraphNode *node)
{
	return (node->flags & NODE_SHARED_NOW) == 0 && node_is_usable(graph, node);
}

/* The live profile it belonged to before; 0: none. */
static inline int64
node_old_profile(const CdpGraph *graph, const GraphNode *node)
{
	if ((node->flags & NODE_PLACED) == 0)
		return 0;
	return graph->profiles[node->profile].root;
}

/* The live profile it belongs to as judged; 0: none. */
static inline int64
node_new_profile(const CdpGraph *graph, const GraphNode *node)
{
	if ((node->flags & NODE_INSIDE) == 0)
		return node_old_profile(graph, node);
	return node->part < 0 ? 0 : graph->part_ids[node->part];
}

/* judge.c */
extern void cdp_judge_pairs(CdpGraph *graph);
extern void cdp_judge_shared(CdpGraph *graph);
extern void cdp_judge_parts(CdpGraph *graph);
extern void cdp_judge_ids(CdpGraph *graph);

/*
 * The node whose profile has the events of a set; -1: none has.  *tied: it is
 * one of several shared ones that only their keys can tell apart.
 */
extern int32 cdp_judge_owner(const CdpGraph *graph, const GraphSet *set,
							 bool *tied);

#endif							/* CDP_IDENTITY_GRAPH_H */
