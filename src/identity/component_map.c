/*
 * component_map.c
 *		Links between any bigint or text nodes, to components.
 *
 * A node's place is the order of its first appearance.  It is found through
 * an open hash table whose slots hold all that is compared: a bigint, or the
 * hash of a text and where its bytes are.  Four slots are a line of the caches;
 * a search begins at the start of a line, so that it seldom needs another.
 * Places are what union-find works on (components.h).
 *
 * When the table must grow, bigints that fill enough of their range by then
 * are given a window instead, without any table (component_dense.c).
 *
 * While a map is small, each link is looked up and joined at once: a GROUP BY
 * may make many small ones, of a kB each.  A map that has outgrown the nearest
 * cache keeps links back until there are PENDING_LINKS of them.  Each end then
 * passes stages, so that memory is fetched while others are worked on: its
 * slot when it is kept back; from there, of a text, the bytes; then it is
 * looked up; and links are joined behind the window of components.c.
 *
 * Memory of a node: 4 to 6 bytes (word) and 21 to 43 (slots), and of a text
 * its bytes and 4 more.  Slots double into new memory, and take 64 meanwhile.
 * Once finished (component_value.c) there are no slots, but 8 bytes more (key).
 * A dense map takes 4 to 32 bytes a node.  All is counted before it is
 * allocated, and cdp.components_memory is the limit.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "identity/component_map.h"

#define FIRST_SLOTS 16
#define LINE_SLOTS 4
#define LINE_BYTES (sizeof(ComponentSlot) * LINE_SLOTS)
#define FIRST_BYTES 256

/* A map of so many nodes no longer fits into a core's nearest cache. */
#define PENDING_FROM 2048
#define PENDING_LINKS 256		/* bytes of these: CDP_COMPONENT_LINKS dense ones */
#define PENDING_ENDS (2 * PENDING_LINKS)

/* Texts kept back longer than this together are looked up at once. */
#define PENDING_MAX_BYTES (256 * 1024)

/* Ends between the fetch of a text and its use. */
#define WINDOW 16

StaticAssertDecl(LINE_BYTES == 64, "a line of slots");
StaticAssertDecl(sizeof(ComponentEnd) * PENDING_ENDS >=
				 2 * sizeof(int64) * CDP_COMPONENT_LINKS, "pending links");

/* Empty slots, the first at the start of a line. */
static void
allocate_slots(CdpComponentMap *map, uint32 nslots)
{
	MemoryContext context = MemoryContextSwitchTo(map->context);
	Size		size = sizeof(ComponentSlot) * (Size) nslots;

	map->slots_chunk = cdp_components_allocate(size + LINE_BYTES);
	MemoryContextSwitchTo(context);
	map->slots = (ComponentSlot *) TYPEALIGN(LINE_BYTES, map->slots_chunk);
	map->nslots = nslots;
	memset(map->slots, 0, size);
}

/* See component_map.h. */
void
cdp_component_map_free_slots(CdpComponentMap *map)
{
	pfree(map->slots_chunk);
	map->slots_chunk = NULL;
	map->slots = NULL;
	map->nslots = 0;
}

CdpComponentMap *
cdp_component_map(bool is_text)
{
	CdpComponentMap *map = palloc0(sizeof(CdpComponentMap));

	map->context = CurrentMemoryContext;
	map->is_text = is_text;
	cdp_component_map_header(map);
	cdp_components_init(&map->parts, 0);
	allocate_slots(map, FIRST_SLOTS);
	return map;
}

Size
cdp_component_map_memory(const CdpComponentMap *map)
{
	return sizeof(CdpComponentMap) + map->turning +
		sizeof(int32) * (Size) map->parts.room +
		(map->keys ? sizeof(int64) * (Size) map->parts.count : 0) +
		sizeof(ComponentSlot) * (Size) map->nslots +
		map->text_room + map->pending_room +
		(map->pending ? sizeof(ComponentEnd) * PENDING_ENDS : 0);
}

/* See component_map.h. */
bool
cdp_component_map_fits(const CdpComponentMap *map, Size more)
{
	return cdp_component_map_memory(map) + more <=
		cdp_base_components_memory * (Size) 1024;
}

void
cdp_component_map_check(const CdpComponentMap *map, Size more)
{
	Size		now = cdp_component_map_memory(map);

	if (cdp_component_map_fits(map, more))
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
	int64		room = Max(wanted, map->parts.room + (int64) map->parts.room / 2);

	if (wanted <= map->parts.room)
		return;
	if (room > CDP_COMPONENTS_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many nodes"),
				 errdetail("Components are computed over at most %d nodes.",
						   CDP_COMPONENTS_MAX / 2)));
	cdp_component_map_check(map, sizeof(int32) * room);
	cdp_components_reserve(&map->parts, room);
}

/* The slot at which the search for a hash starts; lines are in its order. */
static inline uint32
first_slot(const CdpComponentMap *map, uint32 hash)
{
	return (((uint64) hash * (map->nslots / LINE_SLOTS)) >> 32) * LINE_SLOTS;
}

static inline uint32
next_slot(const CdpComponentMap *map, uint32 at)
{
	return at + 1 == map->nslots ? 0 : at + 1;
}

/* Take over the nodes of former slots. */
static void
move_slots(CdpComponentMap *map, const ComponentSlot *old, uint32 old_nslots)
{
	for (uint32 i = 0; i < old_nslots; i++)
	{
		uint32		at = first_slot(map, old[i].hash);

		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		if (old[i].place == 0)
			continue;
		while (map->slots[at].place != 0)
			at = next_slot(map, at);
		map->slots[at] = old[i];
	}
}

/*
 * More slots until there is place for more nodes; none at all, if the map can
 * be made dense instead.
 */
static void
reserve_slots(CdpComponentMap *map, int32 more)
{
	uint64		wanted = ((uint64) map->parts.count + more) * 4 / 3 + 1;
	uint32		old_nslots = map->nslots;
	ComponentSlot *old = map->slots;
	void	   *old_chunk = map->slots_chunk;

	if (wanted <= old_nslots)
		return;
	wanted = Max(wanted, (uint64) old_nslots * 2);
	wanted = TYPEALIGN(LINE_SLOTS, wanted);
	if (map->pending != NULL && cdp_component_map_enter_dense(map, wanted))
		return;
	cdp_component_map_check(map, sizeof(ComponentSlot) * (Size) wanted);
	allocate_slots(map, wanted);
	if (old == NULL)
		return;
	move_slots(map, old, old_nslots);
	pfree(old_chunk);
}

/* Add pieces for a text of so many bytes, in a row. */
static void
add_pieces(CdpComponentMap *map, Size bytes)
{
	int			count = (bytes + TEXT_PIECE - 1) / TEXT_PIECE;
	Size		room = map->npieces == 0 ? Max(bytes, FIRST_BYTES) :
		count * TEXT_PIECE;
	MemoryContext context;
	char	   *memory;

	cdp_component_map_check(map, room);
	context = MemoryContextSwitchTo(map->context);
	memory = cdp_components_allocate(room);
	if (map->npieces + count > map->pieces_room)
	{
		map->pieces_room = map->pieces_room * 2 + count;
		map->pieces = map->pieces == NULL ?
			palloc(sizeof(TextPiece) * map->pieces_room) :
			repalloc(map->pieces, sizeof(TextPiece) * map->pieces_room);
	}
	MemoryContextSwitchTo(context);
	map->text_room += room;
	for (int i = 0; i < count; i++)
		map->pieces[map->npieces++] = (TextPiece) {
			memory + i * TEXT_PIECE, 0, i == 0 ? room : 0
		};
}

/* Let the first piece grow, as long as it is the only one. */
static bool
grow_first_piece(CdpComponentMap *map, Size bytes)
{
	TextPiece  *first = map->pieces;
	Size		room;

	if (map->npieces != 1 || first->used + bytes > TEXT_PIECE)
		return false;
	room = Min(Max(first->used + bytes, 2 * first->room), TEXT_PIECE);
	cdp_component_map_check(map, room);
	first->bytes = repalloc(first->bytes, room);
	map->text_room += room - first->room;
	first->room = room;
	return true;
}

/* Keep a text; where it begins. */
static int64
add_text(CdpComponentMap *map, const char *text, int32 length)
{
	Size		bytes = sizeof(int32) + length;
	int			last = map->npieces - 1;
	TextPiece  *piece;
	int64		start;

	/* Behind a text of several pieces, none of them has room. */
	while (last >= 0 && map->pieces[last].room == 0)
		last--;
	if (last < 0 || (map->pieces[last].used + bytes > map->pieces[last].room &&
					 !grow_first_piece(map, bytes)))
	{
		last = map->npieces;
		add_pieces(map, bytes);
	}
	piece = &map->pieces[last];
	start = ((int64) last << TEXT_PIECE_BITS) + piece->used;
	memcpy(piece->bytes + piece->used, &length, sizeof(int32));
	memcpy(piece->bytes + piece->used + sizeof(int32), text, length);
	piece->used += bytes;
	map->nbytes += length;
	return start;
}

static void
reserve(CdpComponentMap *map, int32 nodes)
{
	reserve_nodes(map, nodes);
	reserve_slots(map, nodes);
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

/* Is the node of a slot that of an end?  The text of an end lies in bytes. */
static inline bool
is_node(const CdpComponentMap *map, const ComponentSlot *slot,
		const ComponentEnd *end, const char *bytes)
{
	const char *kept;
	int32		length;

	if (!map->is_text)
		return slot->key == end->key;
	if (slot->hash != end->hash)
		return false;
	kept = kept_text(map->pieces, slot->key);
	memcpy(&length, kept, sizeof(int32));
	return length == end->length &&
		memcmp(kept + sizeof(int32), bytes + end->key, length) == 0;
}

static void
make_node(CdpComponentMap *map, ComponentSlot *slot, const ComponentEnd *end,
		  const char *bytes)
{
	slot->key = map->is_text ?
		add_text(map, bytes + end->key, end->length) : end->key;
	slot->hash = end->hash;
	slot->place = cdp_components_add(&map->parts) + 1;
}

/* The place of a node, made if it has none; there is room for it. */
static inline int32
place_of(CdpComponentMap *map, const ComponentEnd *end, const char *bytes)
{
	uint32		at = first_slot(map, end->hash);

	while (map->slots[at].place != 0 &&
		   !is_node(map, &map->slots[at], end, bytes))
		at = next_slot(map, at);
	if (map->slots[at].place == 0)
		make_node(map, &map->slots[at], end, bytes);
	return map->slots[at].place - 1;
}

/* Fetch the bytes of the text that an end, whose slot is near, may be. */
static inline void
fetch_bytes(const CdpComponentMap *map, const ComponentEnd *end)
{
	uint32		at = first_slot(map, end->hash);

	while (map->slots[at].place != 0 && map->slots[at].hash != end->hash)
		at = next_slot(map, at);
	if (map->slots[at].place != 0)
	{
		const char *bytes = kept_text(map->pieces, map->slots[at].key);

		CDP_FETCH(bytes);
		CDP_FETCH(bytes + sizeof(int32) + end->length - 1);
	}
}

/* Look up the ends that were kept back. */
static void
look_up_pending(CdpComponentMap *map, int32 *a, int32 *b)
{
	int			count = map->npending;
	int			ahead = map->is_text ? WINDOW : 0;

	for (int i = 0; i < count + ahead; i++)
	{
		int			done = i - ahead;

		if (map->is_text && i < count)
			fetch_bytes(map, &map->pending[i]);
		if (done >= 0)
			*(done % 2 == 0 ? &a[done / 2] : &b[done / 2]) =
				place_of(map, &map->pending[done], map->pending_bytes);
	}
}

/* Join the links that a dense map kept back. */
static void
flush_dense(CdpComponentMap *map)
{
	const int64 *kept = (const int64 *) map->pending;
	int			count = map->npending / 2;
	int64		a[CDP_COMPONENT_LINKS];
	int64		b[CDP_COMPONENT_LINKS];

	/* Copies: a map that stops being dense keeps them back once more. */
	memcpy(a, kept, sizeof(int64) * count);
	memcpy(b, kept + CDP_COMPONENT_LINKS, sizeof(int64) * count);
	map->npending = 0;
	cdp_component_map_links(map, a, b, count);
}

/* Keep back a link of a dense map. */
static inline void
keep_back_dense(CdpComponentMap *map, int64 a, int64 b)
{
	int64	   *kept = (int64 *) map->pending;
	int			count = map->npending / 2;

	kept[count] = a;
	kept[count + CDP_COMPONENT_LINKS] = b;
	map->npending += 2;
	if (count + 1 == CDP_COMPONENT_LINKS)
		flush_dense(map);
}

/* Look up and join the ends that a hashed map kept back. */
static void
flush_hashed(CdpComponentMap *map)
{
	int32		a[PENDING_LINKS];
	int32		b[PENDING_LINKS];

	look_up_pending(map, a, b);
	cdp_components_join_links(&map->parts, a, b, map->npending / 2);
	map->npending = 0;
	map->npending_bytes = 0;
}

/* See component_map.h: a dense map may turn and keep links back anew. */
void
cdp_component_map_flush(CdpComponentMap *map)
{
	while (map->npending > 0)
	{
		if (map->is_dense)
			flush_dense(map);
		else
			flush_hashed(map);
	}
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

	reserve(map, 2);
	a_place = place_of(map, &ends[0], a);
	b_place = place_of(map, &ends[1], b);
	cdp_components_join(&map->parts, a_place, b_place);
	if (map->parts.count >= PENDING_FROM)
		start_pending(map);
}

/* Keep back one end of a link, for whose node there is room; fetch its slot. */
static inline void
keep_back(CdpComponentMap *map, const ComponentEnd *end)
{
	map->pending[map->npending++] = *end;
	CDP_FETCH(&map->slots[first_slot(map, end->hash)]);
}

/*
 * Room for the nodes of all links that are to be kept back: it is made before
 * the first one, so that slots fetched stay where they are.
 */
static inline void
reserve_pending(CdpComponentMap *map)
{
	if (map->npending == 0 && !map->is_dense)
	{
		reserve_nodes(map, PENDING_ENDS);
		reserve_slots(map, PENDING_ENDS);
	}
}

void
cdp_component_map_link(CdpComponentMap *map, int64 a, int64 b)
{
	Assert(!map->finished && !map->is_text);
	if (map->pending == NULL)
	{
		ComponentEnd ends[2] = {{a, hash_bigint(a), 0}, {b, hash_bigint(b), 0}};

		join_now(map, ends, NULL, NULL);
		return;
	}
	reserve_pending(map);
	if (map->is_dense)
	{
		keep_back_dense(map, a, b);
		return;
	}
	keep_back(map, &(ComponentEnd) {a, hash_bigint(a), 0});
	keep_back(map, &(ComponentEnd) {b, hash_bigint(b), 0});
	if (map->npending == PENDING_ENDS)
		flush_hashed(map);
}

/* Room for the texts that are kept back. */
static inline void
reserve_pending_bytes(CdpComponentMap *map, Size wanted)
{
	Size		room = Max(wanted, map->pending_room + map->pending_room / 2);

	if (wanted <= map->pending_room)
		return;
	cdp_component_map_check(map, room);
	map->pending_bytes = cdp_components_grow(map->pending_bytes,
											 map->npending_bytes, room);
	map->pending_room = room;
}

/* Keep back one end of a link. */
static void
keep_back_text(CdpComponentMap *map, const char *text, int length)
{
	ComponentEnd end = {map->npending_bytes,
		hash_bytes((const unsigned char *) text, length), length};

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
			{0, hash_bytes((const unsigned char *) a, a_length), a_length},
			{0, hash_bytes((const unsigned char *) b, b_length), b_length}
		};

		join_now(map, ends, a, b);
		return;
	}
	reserve_pending(map);
	reserve_pending_bytes(map, map->npending_bytes + a_length + b_length);
	keep_back_text(map, a, a_length);
	keep_back_text(map, b, b_length);
	if (map->npending == PENDING_ENDS ||
		map->npending_bytes >= PENDING_MAX_BYTES)
		flush_hashed(map);
}

/* See component_map.h. */
void
cdp_component_map_reserve(CdpComponentMap *map, int32 nodes)
{
	reserve(map, nodes);
}

/* See component_map.h; there is room. */
int32
cdp_component_map_place(CdpComponentMap *map, int64 key)
{
	ComponentEnd end = {key, hash_bigint(key), 0};

	return place_of(map, &end, NULL);
}
