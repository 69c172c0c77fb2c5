/*
 * id_map.c
 *		From ids to places in an array: the server's own open hash table.
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "identity/id_map.h"

typedef struct IdMapEntry
{
	int64		id;
	int32		place;
	char		status;
} IdMapEntry;

#define SH_PREFIX idmap
#define SH_ELEMENT_TYPE IdMapEntry
#define SH_KEY_TYPE int64
#define SH_KEY id
#define SH_HASH_KEY(table, key) \
	((uint32) murmurhash32((uint32) (key) ^ (uint32) ((uint64) (key) >> 32)))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

CdpIdMap *
cdp_id_map_create(int32 expected)
{
	return idmap_create(CurrentMemoryContext, Max(expected, 16), NULL);
}

int32
cdp_id_map_put(CdpIdMap *map, int64 id, int32 place, bool *found)
{
	IdMapEntry *entry = idmap_insert(map, id, found);

	if (!*found)
		entry->place = place;
	return entry->place;
}

int32
cdp_id_map_get(CdpIdMap *map, int64 id)
{
	IdMapEntry *entry = idmap_lookup(map, id);

	return entry ? entry->place : -1;
}
