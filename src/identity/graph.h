/*
 * graph.h
 *		A part of the identity graph in memory: loaded, judged, written back.
 *
 * Nodes are identifiers, held together by sets, by decisions and by the
 * profiles that they belong to so far.  Four files work on it:
 *
 *	graph.c		loads the components that given profiles touch, or all;
 *	judge.c		the function of identity.h: pure, no tables;
 *	replay.c	its last resort, for components that break a rule: pure;
 *	verdict.c	writes what they found different.
 *
 * A node is inside if the graph has all sets that it is in: then everything
 * about it can be judged.  Other members of those sets are outside: known,
 * but left as they are.
 *
 * Memory, for rebuilds: 24 bytes an identifier, 64 a profile, 40 a set, 4 a
 * member and 16 to 32 an entry of each of the three maps; 8 a pair of a weak
 * and a strong identifier while shared ones are counted; 40 a link of those
 * components that break a rule.  Past cdp.components_memory it is an error.
 */
#ifndef CDP_IDENTITY_GRAPH_H
#define CDP_IDENTITY_GRAPH_H

#include "datatype/timestamp.h"

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

#define NODE_LOADED		0x001	/* its row was read */
#define NODE_INSIDE		0x002	/* all its sets are in the graph */
#define NODE_BLOCKED	0x004
#define NODE_SHARED		0x008	/* as the table says */
#define NODE_SHARED_NOW	0x010	/* as judged */
#define NODE_EXPIRED	0x020
#define NODE_PLACED		0x040	/* the table has its leaf: profile */
#define NODE_TRIED		0x080	/* its sets were asked for */
#define NODE_SUPPORTED	0x100	/* a set that is not retracted has it */
#define NODE_REPLAYED	0x200	/* judged: its link component broke a rule */
#define NODE_REFUSED	0x400	/* the table has a refused link of it */

typedef struct GraphNode
{
	int64		identifier_id;
	int32		profile;		/* its leaf, or former leaf, in profiles; -1 */
	int32		part;			/* judged: a node that stands for its part; -1 if
								 * it belongs to none */
	uint16		kind;			/* place in kinds */
	uint16		flags;
} GraphNode;

typedef struct GraphProfile
{
	int64		profile_id;
	int64		root;
	int64		founder;		/* identifier; 0: not loaded */
	int64		former_founder; /* identifier that founder is the heir of; 0 */
	int64		root_epoch;		/* split_epoch of root */
	int64		first_watched;	/* place in watched */
	int32		nwatched;
	int32		founder_node;	/* judged: who founds it now; -1: nobody is left */
	uint8		marks;
	bool		rooted;			/* its row was read */
} GraphProfile;

typedef struct GraphSet
{
	int64		set_id;
	int64		first_member;	/* place in members */
	int64		epoch;
	TimestampTz first_seen;
	int32		owner;			/* node; -1: none */
	uint16		nmembers;
	bool		retracted;
} GraphSet;

/* A steward's decision about two nodes. */
typedef struct GraphDecision
{
	int64		decision_id;
	int32		a;
	int32		b;
	bool		always;			/* else never */
} GraphDecision;

/* Why replay refused a link. */
typedef enum RefusalRule
{
	REFUSED_NEVER,
	REFUSED_MAX_PER_PROFILE,
	REFUSED_JOINS_KNOWN
} RefusalRule;

typedef struct Refusal
{
	int64		identifier_a;	/* the lesser */
	int64		identifier_b;
	int64		set_id;			/* the earliest set that says so */
	int			type_id;		/* that was exceeded or may not join; 0 */
	RefusalRule rule;
} Refusal;

/* A weak and a strong identifier in one set; sorts by weak, then strong. */
#define MAKE_PAIR(weak, strong) (((uint64) (weak) << 32) | (uint32) (strong))
#define PAIR_WEAK(pair) ((int32) ((pair) >> 32))
#define PAIR_STRONG(pair) ((int32) ((pair) & PG_UINT32_MAX))

typedef struct CdpGraph
{
	MemoryContext context;
	bool		read_only;		/* load all from the statement's snapshot */
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
	int64	   *watched;		/* identifiers, of live profiles */
	int64		nwatched;
	GraphDecision *decisions;
	int64		ndecisions;
	int32	   *key_order;		/* by node: its place in the order of keys, once
								 * cdp_graph_load_keys was asked for it */

	/* judged */
	uint64	   *pairs;			/* distinct, in order */
	int64		npairs;
	CdpComponents parts;
	Refusal    *refusals;
	int64		nrefusals;
	int64	   *part_ids;		/* by the node that stands for a part: its
								 * profile id; 0: not given yet */
	int32	   *orphans;		/* the founders of parts without an id, by id */
	int			norphans;
} CdpGraph;

extern CdpGraph *cdp_graph_create(void);

/* graph.c; all inside an SPI connection */
extern void cdp_graph_load_sets(CdpGraph *graph, const CdpIdList *set_ids);
extern void cdp_graph_load_nodes(CdpGraph *graph);
extern void cdp_graph_load_components(CdpGraph *graph, const CdpIdList *roots,
									  const CdpIdList *unplaced);
extern void cdp_graph_load_all(CdpGraph *graph);
extern void cdp_graph_load_keys(CdpGraph *graph);

/* graph_rows.c */

/* Room for one more element of a growing array. */
#define GRAPH_GROW(context, array, count) \
	do { \
		if ((count) == 0) \
			(array) = MemoryContextAllocHuge(context, sizeof(*(array)) * 64); \
		else if ((count) >= 64 && ((count) & ((count) - 1)) == 0) \
			(array) = repalloc_huge(array, sizeof(*(array)) * (count) * 2); \
	} while (0)

/* Raise if that is more than can be judged, or more than memory allows. */
extern void cdp_graph_check_count(int64 count);
extern void cdp_graph_check_memory(CdpGraph *graph);

/* Rows that the graph is made of; places are stable, pointers are not. */
extern int32 cdp_graph_node(CdpGraph *graph, int64 identifier_id);
extern int32 cdp_graph_profile(CdpGraph *graph, int64 profile_id);
extern uint16 cdp_graph_kind(CdpGraph *graph, int type_id, const char *scope);

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

	if ((node->flags & (NODE_LOADED | NODE_SUPPORTED | NODE_BLOCKED)) !=
		(NODE_LOADED | NODE_SUPPORTED))
		return false;
	type = node_type(graph, node);
	return type != NULL && type->priority > 0;
}

/* Does it link, as judged? */
static inline bool
node_links(const CdpGraph *graph, const GraphNode *node)
{
	return (node->flags & (NODE_SHARED_NOW | NODE_EXPIRED)) == 0 &&
		node_is_usable(graph, node);
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

/* The leaf that an inside node must have; 0: none. */
static inline int64
node_new_leaf(const CdpGraph *graph, const GraphNode *node)
{
	const GraphProfile *profile;

	if (node->part < 0)
		return 0;
	if (node->profile >= 0)
	{
		profile = &graph->profiles[node->profile];
		if (profile->founder_node >= 0 &&
			graph->nodes[profile->founder_node].part == node->part)
			return profile->profile_id;
	}
	return graph->part_ids[node->part];
}

/* The root that a loaded profile must have. */
static inline int64
profile_new_root(const CdpGraph *graph, const GraphProfile *profile)
{
	if (profile->founder_node < 0)
		return profile->profile_id;
	return graph->part_ids[graph->nodes[profile->founder_node].part];
}

/* judge.c */
extern void cdp_judge_support(CdpGraph *graph);
extern void cdp_judge_pairs(CdpGraph *graph);
extern void cdp_judge_shared(CdpGraph *graph);
extern void cdp_judge_links(CdpGraph *graph);
extern void cdp_judge_parts(CdpGraph *graph);
extern void cdp_judge_ids(CdpGraph *graph);

/* Does a decision count: are both its ends usable and inside? */
extern bool cdp_judge_holds(const CdpGraph *graph,
							const GraphDecision *decision);

/*
 * A node whose profile has the events of a set; -1: none has.  *tied: others
 * are as good but for their keys.
 */
extern int32 cdp_judge_owner(const CdpGraph *graph, const GraphSet *set,
							 bool *tied);

/* Is a member of the set as good an owner as that one, but for its key? */
extern bool cdp_judge_owner_ties(const CdpGraph *graph, int32 owner,
								 int32 other);

/*
 * replay.c.  find: of link components in graph->parts, mark the nodes of those
 * that break a rule (NODE_REPLAYED); are there any?  replay: take those apart,
 * after cdp_graph_load_keys().
 */
extern bool cdp_replay_find(CdpGraph *graph);
extern void cdp_replay(CdpGraph *graph);

#endif							/* CDP_IDENTITY_GRAPH_H */
