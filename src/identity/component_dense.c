/*
 * component_dense.c
 *		Components over bigints that lie close together: no hash table.
 *
 * Serial ids fill most of a range, so the place of a node is its distance
 * from base: four bytes for each bigint of the window base .. base + count-1,
 * present or absent.  The window grows to hold what comes.  Once it would
 * have to be wider than allowed the map turns into a hashed one.
 *
 * A map may begin dense (component_table.c allows four for each row that the
 * table may have).  A hashed one becomes dense when its table must grow and
 * the range of its nodes, at 4 bytes each, takes no more memory than the table
 * would, at 16 bytes a slot: if a node in eight, about, is there.  What it may
 * be wrong about costs little: to turn back takes as long as hashing the nodes
 * that there are, and it happens when the range has outgrown eight times those
 * that there were.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "identity/component_map.h"

/* Places worked on between two looks for an interrupt. */
#define PIECE 65536

/* An empty map of its own context; it is dense if limit is not 0. */
CdpComponentMap *
cdp_component_map_dense(int64 limit)
{
	CdpComponentMap *map = cdp_component_map(false);

	map->dense_limit = Min(limit, CDP_COMPONENTS_MAX / 2);
	map->is_dense = map->dense_limit > 0;
	return map;
}

/* Every word becomes its root. */
static void
flatten_all(CdpComponents *parts)
{
	for (int64 from = 0; from < parts->count; from += PIECE)
	{
		CHECK_FOR_INTERRUPTS();
		cdp_components_flatten(parts, from, Min(from + PIECE, parts->count));
	}
}

/* The window of a hashed map; false: there is none, or it is too wide. */
static bool
find_window(const CdpComponentMap *map, int64 limit, int64 *low, int32 *width)
{
	int64		high = PG_INT64_MIN;
	int64		span;

	*low = PG_INT64_MAX;
	for (uint32 i = 0; i < map->nslots; i++)
	{
		if (i % PIECE == 0)
			CHECK_FOR_INTERRUPTS();
		if (map->slots[i].place == 0)
			continue;
		*low = Min(*low, map->slots[i].key);
		high = Max(high, map->slots[i].key);
	}
	if (high < *low || pg_sub_s64_overflow(high, *low, &span) || span >= limit)
		return false;
	*width = span + 1;
	return true;
}

/*
 * The words of a window for the nodes of a hashed map.  There, a component's
 * root is the place that came first; here it is the smallest node.
 */
static int32 *
make_window(CdpComponentMap *map, int64 low, int32 width)
{
	int32		count = map->parts.count;
	const int32 *roots = map->parts.words;
	int32	   *node_of = palloc_extended(sizeof(int32) * (Size) count,
										  MCXT_ALLOC_HUGE);
	int32	   *smallest = palloc_extended(sizeof(int32) * (Size) count,
										   MCXT_ALLOC_HUGE);
	int32	   *words = cdp_components_allocate(sizeof(int32) * (Size) width);

	flatten_all(&map->parts);
	for (uint32 i = 0; i < map->nslots; i++)
	{
		if (i % PIECE == 0)
			CHECK_FOR_INTERRUPTS();
		if (map->slots[i].place != 0)
			node_of[map->slots[i].place - 1] = map->slots[i].key - low;
	}
	for (int32 i = 0; i < count; i++)
	{
		if (i % PIECE == 0)
			CHECK_FOR_INTERRUPTS();
		if (roots[i] == i || node_of[i] < smallest[roots[i]])
			smallest[roots[i]] = node_of[i];
	}
	memset(words, 0xff, sizeof(int32) * (Size) width);
	for (int32 i = 0; i < count; i++)
		words[node_of[i]] = smallest[roots[i]];
	pfree(node_of);
	pfree(smallest);
	return words;
}

/* See component_map.h. */
bool
cdp_component_map_enter_dense(CdpComponentMap *map, uint64 nslots)
{
	uint64		limit = nslots * (sizeof(ComponentSlot) / sizeof(int32));
	MemoryContext context;
	int32	   *words;
	int64		low;
	int32		width;

	limit = Min(limit, CDP_COMPONENTS_MAX / 2);
	if (map->is_text || map->turning > 0 ||
		!find_window(map, limit, &low, &width) ||
		!cdp_component_map_fits(map, sizeof(int32) *
								((Size) width + 2 * (Size) map->parts.count)))
		return false;
	context = MemoryContextSwitchTo(map->context);
	words = make_window(map, low, width);
	MemoryContextSwitchTo(context);
	pfree(map->parts.words);
	map->parts.words = words;
	map->parts.count = width;
	map->parts.room = width;
	map->base = low;
	map->dense_limit = limit;
	map->is_dense = true;
	cdp_component_map_free_slots(map);
	return true;
}

/* Move the window to base .. base + count-1, which has all of the old one. */
static void
move_window(CdpComponentMap *map, int64 base, int32 count)
{
	int32		shift = map->parts.count == 0 ? 0 : map->base - base;
	CdpComponents *parts = &map->parts;
	int32	   *words;
	MemoryContext context = MemoryContextSwitchTo(map->context);

	cdp_component_map_check(map, sizeof(int32) * (Size) count);
	words = cdp_components_allocate(sizeof(int32) * (Size) count);
	MemoryContextSwitchTo(context);
	memset(words, 0xff, sizeof(int32) * (Size) count);
	for (int32 i = 0; i < parts->count; i++)
	{
		if (parts->words[i] != CDP_COMPONENTS_ABSENT)
			words[i + shift] = parts->words[i] + shift;
	}
	pfree(parts->words);
	parts->words = words;
	parts->count = count;
	parts->room = count;
	map->base = base;
}

/*
 * Make the window hold low .. high; false if it would be too wide.  The first
 * one, of a few hundred ids that may be a sample of all, has a 64th to spare
 * on each side; a later one an eighth on the side where it grew.
 */
static bool
widen_window(CdpComponentMap *map, int64 low, int64 high)
{
	int32		count = map->parts.count;
	int64		last = map->base + count - 1;
	bool		grew_up = count == 0 || high > last;
	bool		grew_down = count == 0 || low < map->base;
	int64		width;
	int64		spare;

	if (count > 0)
	{
		low = Min(low, map->base);
		high = Max(high, last);
	}
	if (pg_sub_s64_overflow(high, low, &width) || width >= map->dense_limit)
		return false;
	spare = Min(count == 0 ? width / 64 : count / 8,
				(map->dense_limit - width - 1) / 2);
	if (grew_up && high <= PG_INT64_MAX - spare)
		high += spare;
	if (grew_down && low >= PG_INT64_MIN + spare)
		low -= spare;
	move_window(map, low, high - low + 1);
	return true;
}

/*
 * Turn a dense map into a hashed one.  A root precedes all of its component,
 * so its new place is known when theirs are made; it is noted, below
 * CDP_COMPONENTS_ABSENT, in the root's old word.
 */
static void
leave_dense(CdpComponentMap *map)
{
	CdpComponents old = map->parts;
	MemoryContext context = MemoryContextSwitchTo(map->context);
	int32		nnodes = 0;

	flatten_all(&old);
	for (int32 i = 0; i < old.count; i++)
		nnodes += old.words[i] != CDP_COMPONENTS_ABSENT;
	map->turning = sizeof(int32) * (Size) old.room;
	cdp_components_init(&map->parts, 0);
	map->is_dense = false;
	/* So that as many more come before it is thought of as dense again. */
	cdp_component_map_reserve(map, Min(nnodes + Max(nnodes, 4 * CDP_COMPONENT_LINKS),
									   CDP_COMPONENTS_MAX / 2));
	for (int32 i = 0; i < old.count; i++)
	{
		int32		root = old.words[i];
		int32		place;

		if (i % PIECE == 0)
			CHECK_FOR_INTERRUPTS();
		if (root == CDP_COMPONENTS_ABSENT)
			continue;
		place = cdp_component_map_place(map, map->base + i);
		if (root == i)
			old.words[i] = -2 - place;
		else
			map->parts.words[place] = -2 - old.words[root];
	}
	pfree(old.words);
	map->turning = 0;
	MemoryContextSwitchTo(context);
}

/* The places of links, all in the window; false: not all are. */
static bool
place_links(const CdpComponentMap *map, const int64 *a, const int64 *b,
			int count, int32 *a_places, int32 *b_places)
{
	uint64		base = map->base;
	uint64		width = map->parts.count;
	bool		outside = false;

	for (int i = 0; i < count; i++)
	{
		uint64		a_place = (uint64) a[i] - base;
		uint64		b_place = (uint64) b[i] - base;

		outside |= a_place >= width || b_place >= width;
		a_places[i] = a_place;
		b_places[i] = b_place;
	}
	return !outside;
}

/* Make the window hold links as well. */
static bool
widen_for_links(CdpComponentMap *map, const int64 *a, const int64 *b, int count)
{
	int64		low = PG_INT64_MAX;
	int64		high = PG_INT64_MIN;

	for (int i = 0; i < count; i++)
	{
		low = Min(low, Min(a[i], b[i]));
		high = Max(high, Max(a[i], b[i]));
	}
	return widen_window(map, low, high);
}

/* Add links to a map of bigints, best hundreds at once. */
void
cdp_component_map_links(CdpComponentMap *map, const int64 *a, const int64 *b,
						int count)
{
	int32		a_places[CDP_COMPONENT_LINKS];
	int32		b_places[CDP_COMPONENT_LINKS];

	Assert(count <= CDP_COMPONENT_LINKS);
	if (map->is_dense &&
		!place_links(map, a, b, count, a_places, b_places))
	{
		if (widen_for_links(map, a, b, count))
			place_links(map, a, b, count, a_places, b_places);
		else
			leave_dense(map);
	}
	if (map->is_dense)
		cdp_components_join_links(&map->parts, a_places, b_places, count);
	else
	{
		for (int i = 0; i < count; i++)
			cdp_component_map_link(map, a[i], b[i]);
		/* Having turned dense, it keeps nothing back between two calls. */
		if (map->is_dense)
			cdp_component_map_flush(map);
	}
}
