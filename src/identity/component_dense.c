/*
 * component_dense.c
 *		Components over bigints that lie close together: no hash table.
 *
 * Serial ids fill most of a range, so the place of a node is its distance
 * from base: four bytes for each bigint of the window base .. base + count-1,
 * present or absent.  The window grows to hold what comes.  Once it would
 * have to be wider than the caller allows (component_table.c: four for each
 * row that the table may have) the map turns into a hashed one.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "identity/component_map.h"

/* An empty map of its own context; it is dense if limit is not 0. */
CdpComponentMap *
cdp_component_map_dense(int64 limit)
{
	CdpComponentMap *map = cdp_component_map(false);

	map->dense_limit = Min(limit, CDP_COMPONENTS_MAX / 2);
	map->is_dense = map->dense_limit > 0;
	return map;
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

	map->turning = sizeof(int32) * (Size) old.room;
	cdp_components_flatten(&old, 0, old.count);
	cdp_components_init(&map->parts, 0);
	map->is_dense = false;
	for (int32 i = 0; i < old.count; i++)
	{
		int32		root = old.words[i];
		int32		place;

		if (i % 65536 == 0)
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
	}
}
