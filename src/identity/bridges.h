/*
 * bridges.h
 *		Links whose removal parts what they join.
 *
 * Pure: no tables, no server beyond palloc.  Finding them costs O(n + m) and
 * 40 bytes a node; telling what one would part O(log n).
 */
#ifndef CDP_IDENTITY_BRIDGES_H
#define CDP_IDENTITY_BRIDGES_H

#include "identity/paths.h"

#define CDP_BRIDGE_NAMES 10

/* What a node is worth; the greater the more. */
#define CDP_STRENGTH_WEAK 0
#define CDP_STRENGTH_KNOWN 1
#define CDP_STRENGTH_STRONG 2

typedef struct CdpBridge
{
	int32		link;
	int32		parts;			/* nodes on the lesser side */
	bool		parts_a;		/* the lesser side is that of the link's a */
	int32		both_sides;		/* what each side has at least: a strength */
	int32		nnames;
	int32		names[CDP_BRIDGE_NAMES];	/* the first nodes of the lesser
											 * side, by number */
} CdpBridge;

typedef struct CdpBridges CdpBridges;

/*
 * Find all bridges.  Links that join the same two nodes are bridges neither;
 * a caller who counts them as one passes one.  strengths: one a node.
 */
extern CdpBridges *cdp_bridges_find(const CdpLinks *links,
									const int32 *strengths);
extern int32 cdp_bridges_count(const CdpBridges *bridges);

/* Tell about one of them. */
extern CdpBridge cdp_bridges_get(const CdpBridges *bridges, int32 number);

#endif							/* CDP_IDENTITY_BRIDGES_H */
