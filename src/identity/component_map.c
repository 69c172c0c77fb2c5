/*
 * component_map.c
 *		Links between any bigint or text nodes, to components.
 *
 * A node's place is the order of its first appearance, found through an open
 * hash table of (hash, place), eight bytes a slot, at most three quarters
 * full.  Keys lie apart in the order of places: a slot whose hash differs
 * needs no look at them, and growing the table none at all.  Places are what
 * union-find works on (components.h).
 *
 * While a map is small, each link is looked up and joined at once: a GROUP BY
 * may make many small ones, of half a kB each.  A map that has outgrown the
 * nearest cache keeps links back until there are PENDING_LINKS of them.  Each
 * end passes stages, so that memory is fetched while others are worked on:
 * its slot when it is kept back; from there the key; of texts then the bytes;
 * then it is looked up; and links are joined behind the window of
 * components.c.
 *
 * Memory: 8 (key) + 4 (word) bytes a node and 11 to 21 (slots), and of a text
 * its bytes.  Arrays grow by half, slots by doubling.  All of it is counted
 * before it is allocated, and cdp.components_memory is the limit.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "identity/component_map.h"

#define FIRST_NODES 16
#define FIRST_SLOTS 32
#define FIRST_BYTES 256

/* A map of so many nodes no longer fits into a core's nearest cache. */
#define PENDING_FROM 2048
#define PENDING_LINKS 256
#define PENDING_ENDS (2 * PENDING_LINKS)

/* Texts kept back longer than this together are looked up at once. */
#define PENDING_MAX_BYTES (256 * 1024)

/* Ends between the fetch of a key and its use. */
#define WINDOW 16

CdpComponentMap *
cdp_component_map(bool is_text)
{
	CdpComponentMap *map = palloc0(sizeof(CdpComponentMap));

	map->context = CurrentMemoryContext;
	map->is_text = is_text;
	cdp_component_map_header(map);
	cdp_components_init(&map->parts, 0);
	map->keys_room = FIRST_NODES;
	map->keys = palloc(sizeof(int64) * FIRST_NODES);
	map->nslots = FIRST_SLOTS;
	map->slots = palloc0(sizeof(ComponentSlot) * FIRST_SLOTS);
	if (is_text)
	{
		map->bytes_room = FIRST_BYTES;
		map->bytes = palloc(FIRST_BYTES);
	}
	return map;
}

Size
cdp_component_map_memory(const CdpComponentMap *map)
{
	return sizeof(CdpComponentMap) + map->turning +
		sizeof(int32) * (Size) map->parts.room +
		sizeof(int64) * (Size) map->keys_room +
		sizeof(ComponentSlot) * (Size) map->nslots +
		map->bytes_room + map->pending_room +
		(map->pending ? sizeof(ComponentEnd) * PENDING_ENDS : 0);
}

void
cdp_component_map_check(const CdpComponentMap *map, Size more)
{
	Size		now = cdp_component_map_memory(map);
	Size		limit = cdp_base_components_memory * (Size) 1024;

	if (now + more <= limit)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("components need more memory than cdp.components_memory allows"),
			 errdetail("They take %zu kB, and to go on takes %zu kB; %d kB are allowed.",
					   now / 1024, (now + more) / 1024 + 1,
					   cdp_base_components_memory),
			 errhint("Run SET cdp.components_memory = '%zuMB'.",
					 2 * (now + more) / (1024 * 1024) + 1)));
}

/* Room for more nodes. */
static void
reserve_nodes(CdpComponentMap *map, int32 more)
{
	int64		wanted = (int64) map->parts.count + more;
	int64		room = Max(wanted, map->keys_room + (int64) map->keys_room / 2);

	if (wanted <= map->keys_room)
		return;
	if (room > CDP_COMPONENTS_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many nodes"),
				 errdetail("Components are computed over at most %d nodes.",
						   CDP_COMPONENTS_MAX / 2)));
	cdp_component_map_check(map, (sizeof(int64) + sizeof(int32)) *
							(room - map->keys_room));
	map->keys = repalloc_huge(map->keys, sizeof(int64) * room);
	cdp_components_want_large_pages(map->keys, sizeof(int64) * room);
	map->keys_room = room;
	cdp_components_reserve(&map->parts, room);
}

/* Double the slots until there is place for more nodes. */
static void
reserve_slots(CdpComponentMap *map, int32 more)
{
	uint64		wanted = ((uint64) map->parts.count + more) * 4 / 3 + 1;
	uint32		nslots = map->nslots;
	ComponentSlot *slots;

	if (wanted <= nslots)
		return;
	nslots = pg_nextpower2_64(wanted);
	cdp_component_map_check(map, sizeof(ComponentSlot) * (Size) nslots);
	slots = MemoryContextAllocHuge(map->context,
								   sizeof(ComponentSlot) * (Size) nslots);
	cdp_components_want_large_pages(slots, sizeof(ComponentSlot) * (Size) nslots);
	memset(slots, 0, sizeof(ComponentSlot) * (Size) nslots);
	for (uint32 i = 0; i < map->nslots; i++)
	{
		uint32		at = map->slots[i].hash & (nslots - 1);

		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		if (map->slots[i].place == 0)
			continue;
		while (slots[at].place != 0)
			at = (at + 1) & (nslots - 1);
		slots[at] = map->slots[i];
	}
	pfree(map->slots);
	map->slots = slots;
	map->nslots = nslots;
}

/* Room for more bytes in an array of them. */
static void
reserve_bytes(CdpComponentMap *map, char **bytes, Size *room, Size wanted)
{
	Size		grown = Max(wanted, *room + *room / 2);

	if (wanted <= *room)
		return;
	cdp_component_map_check(map, grown - *room);
	*bytes = repalloc_huge(*bytes, grown);
	cdp_components_want_large_pages(*bytes, grown);
	*room = grown;
}

static void
reserve(CdpComponentMap *map, int32 nodes, Size bytes)
{
	reserve_nodes(map, nodes);
	reserve_slots(map, nodes);
	if (map->is_text)
		reserve_bytes(map, &map->bytes, &map->bytes_room, map->nbytes + bytes);
}

/* Mix all bits of a key (the last steps of MurmurHash3, 64 bits). */
static inline uint32
hash_bigint(int64 key)
{
	uint64		hash = (uint64) key;

	hash ^= hash >> 33;
	hash *= UINT64CONST(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64CONST(0xc4ceb9fe1a85ec53);
	return (uint32) (hash >> 32);
}

static inline bool
is_node(const CdpComponentMap *map, int32 place, const ComponentEnd *end,
		const char *bytes)
{
	int64		start;

	if (!map->is_text)
		return map->keys[place] == end->key;
	start = place == 0 ? 0 : map->keys[place - 1];
	return map->keys[place] - start == end->length &&
		memcmp(map->bytes + start, bytes + end->key, end->length) == 0;
}

/* The first slot from at on that is empty or has the hash of an end. */
static inline uint32
probe(const CdpComponentMap *map, const ComponentEnd *end, uint32 at)
{
	uint32		mask = map->nslots - 1;

	while (map->slots[at].place != 0 && map->slots[at].hash != end->hash)
		at = (at + 1) & mask;
	return at;
}

static int32
make_node(CdpComponentMap *map, const ComponentEnd *end, const char *bytes,
		  uint32 at)
{
	int32		place = cdp_components_add(&map->parts);

	if (map->is_text)
	{
		memcpy(map->bytes + map->nbytes, bytes + end->key, end->length);
		map->nbytes += end->length;
	}
	map->keys[place] = map->is_text ? (int64) map->nbytes : end->key;
	map->slots[at].hash = end->hash;
	map->slots[at].place = place + 1;
	return place;
}

/*
 * The place of a node, made if it has none; there is room for it.  The text
 * of an end lies in bytes.  No slot before at can be the node's.
 */
static inline int32
place_of(CdpComponentMap *map, const ComponentEnd *end, const char *bytes,
		 uint32 at)
{
	at = probe(map, end, at);
	while (map->slots[at].place != 0)
	{
		if (is_node(map, map->slots[at].place - 1, end, bytes))
			return map->slots[at].place - 1;
		at = probe(map, end, (at + 1) & (map->nslots - 1));
	}
	return make_node(map, end, bytes, at);
}

static inline uint32
first_slot(const CdpComponentMap *map, const ComponentEnd *end)
{
	return end->hash & (map->nslots - 1);
}

/* Fetch the key that a slot leads to. */
static inline void
fetch_key(const CdpComponentMap *map, uint32 at)
{
	int32		place = map->slots[at].place - 1;

	if (place >= 0)
		CDP_FETCH(&map->keys[place]);
}

/* Fetch the bytes that a key, fetched before, leads to. */
static inline void
fetch_bytes(const CdpComponentMap *map, uint32 at)
{
	int32		place = map->slots[at].place - 1;

	if (place > 0)
	{
		CDP_FETCH(map->bytes + map->keys[place - 1]);
		CDP_FETCH(map->bytes + map->keys[place] - 1);
	}
}

/* Look up the ends that were kept back, through the stages of the story. */
static void
look_up_pending(CdpComponentMap *map, int32 *a, int32 *b)
{
	uint32		slots[PENDING_ENDS];
	int			count = map->npending;

	for (int i = 0; i < count + 2 * WINDOW; i++)
	{
		int			middle = i - WINDOW;
		int			last = i - 2 * WINDOW;

		if (i < count)
		{
			slots[i] = probe(map, &map->pending[i],
							 first_slot(map, &map->pending[i]));
			fetch_key(map, slots[i]);
		}
		if (map->is_text && middle >= 0 && middle < count)
			fetch_bytes(map, slots[middle]);
		if (last >= 0)
			*(last % 2 == 0 ? &a[last / 2] : &b[last / 2]) =
				place_of(map, &map->pending[last], map->pending_bytes,
						 slots[last]);
	}
}

/* Look up and join the links that were kept back. */
void
cdp_component_map_flush(CdpComponentMap *map)
{
	int32		a[PENDING_LINKS];
	int32		b[PENDING_LINKS];

	if (map->npending == 0)
		return;
	look_up_pending(map, a, b);
	cdp_components_join_links(&map->parts, a, b, map->npending / 2);
	map->npending = 0;
	map->npending_bytes = 0;
}

/* From now on links are kept back. */
static void
start_pending(CdpComponentMap *map)
{
	Size		bytes = map->is_text ? PENDING_ENDS * 32 : 0;

	cdp_component_map_check(map, sizeof(ComponentEnd) * PENDING_ENDS + bytes);
	map->pending = MemoryContextAlloc(map->context,
									  sizeof(ComponentEnd) * PENDING_ENDS);
	if (map->is_text)
	{
		map->pending_bytes = MemoryContextAlloc(map->context, bytes);
		map->pending_room = bytes;
	}
}

/* Join two ends at once; their texts lie in a and b. */
static void
join_now(CdpComponentMap *map, const ComponentEnd *ends,
		 const char *a, const char *b)
{
	int32		a_place;
	int32		b_place;

	reserve(map, 2, (Size) ends[0].length + ends[1].length);
	a_place = place_of(map, &ends[0], a, first_slot(map, &ends[0]));
	b_place = place_of(map, &ends[1], b, first_slot(map, &ends[1]));
	cdp_components_join(&map->parts, a_place, b_place);
	if (map->parts.count >= PENDING_FROM)
		start_pending(map);
}

/* Keep back one end of a link, for whose node there is room; fetch its slot. */
static inline void
keep_back(CdpComponentMap *map, const ComponentEnd *end)
{
	map->pending[map->npending++] = *end;
	CDP_FETCH(&map->slots[first_slot(map, end)]);
}

/*
 * Room for the nodes of all links that are to be kept back: it is made before
 * the first one, so that slots fetched stay where they are.
 */
static inline void
reserve_pending(CdpComponentMap *map)
{
	if (map->npending == 0)
	{
		reserve_nodes(map, PENDING_ENDS);
		reserve_slots(map, PENDING_ENDS);
	}
}

void
cdp_component_map_link(CdpComponentMap *map, int64 a, int64 b)
{
	ComponentEnd ends[2] = {{hash_bigint(a), 0, a}, {hash_bigint(b), 0, b}};

	Assert(!map->finished && !map->is_text);
	if (map->pending == NULL)
	{
		join_now(map, ends, NULL, NULL);
		return;
	}
	reserve_pending(map);
	keep_back(map, &ends[0]);
	keep_back(map, &ends[1]);
	if (map->npending == PENDING_ENDS)
		cdp_component_map_flush(map);
}

/* Keep back one end of a link. */
static void
keep_back_text(CdpComponentMap *map, const char *text, int length)
{
	ComponentEnd end = {hash_bytes((const unsigned char *) text, length),
		length, map->npending_bytes};

	memcpy(map->pending_bytes + map->npending_bytes, text, length);
	map->npending_bytes += length;
	keep_back(map, &end);
}

void
cdp_component_map_link_text(CdpComponentMap *map, const char *a, int a_length,
							const char *b, int b_length)
{
	Assert(!map->finished && map->is_text);
	if (map->pending == NULL)
	{
		ComponentEnd ends[2] = {
			{hash_bytes((const unsigned char *) a, a_length), a_length, 0},
			{hash_bytes((const unsigned char *) b, b_length), b_length, 0}
		};

		join_now(map, ends, a, b);
		return;
	}
	reserve_pending(map);
	reserve_bytes(map, &map->pending_bytes, &map->pending_room,
				  map->npending_bytes + a_length + b_length);
	reserve_bytes(map, &map->bytes, &map->bytes_room,
				  map->nbytes + map->npending_bytes + a_length + b_length);
	keep_back_text(map, a, a_length);
	keep_back_text(map, b, b_length);
	if (map->npending == PENDING_ENDS ||
		map->npending_bytes >= PENDING_MAX_BYTES)
		cdp_component_map_flush(map);
}

int32
cdp_component_map_place(CdpComponentMap *map, int64 key)
{
	ComponentEnd end = {hash_bigint(key), 0, key};

	reserve(map, 1, 0);
	return place_of(map, &end, NULL, first_slot(map, &end));
}
