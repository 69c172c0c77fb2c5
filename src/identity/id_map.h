/*
 * id_map.h
 *		From ids (bigint, not 0) to places in an array.
 */
#ifndef CDP_IDENTITY_ID_MAP_H
#define CDP_IDENTITY_ID_MAP_H

typedef struct idmap_hash CdpIdMap;

/* An empty map in the current memory context. */
extern CdpIdMap *cdp_id_map_create(int32 expected);

/*
 * The place of an id.  If it has none yet it is given place, and *found is
 * false.
 */
extern int32 cdp_id_map_put(CdpIdMap *map, int64 id, int32 place, bool *found);

/* The place of an id, or -1. */
extern int32 cdp_id_map_get(CdpIdMap *map, int64 id);

#endif							/* CDP_IDENTITY_ID_MAP_H */
