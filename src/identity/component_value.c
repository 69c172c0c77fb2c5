/*
 * component_value.c
 *		A component map as a value: finished, flattened, read.
 *
 * Finishing gives the hash table back and turns the words of union-find into
 * labels: for each place that of the smallest node of its component.  An
 * aggregate, or cdp.components_of, finishes its map before it gives it away,
 * so nobody ever changes a map that another may hold.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "identity/component_map.h"

#define FLAT_VERSION 1

/* Places worked on between two looks for an interrupt. */
#define PIECE 65536

/* Places between the fetch of a label and its use; its key is at half. */
#define WINDOW 32

/* The flat form, see component_map.h; smallest and bytes follow keys. */
typedef struct FlatMap
{
	int32		vl_len_;
	uint8		version;
	uint8		is_text;
	uint16		unused;
	int64		count;
	int64		keys[FLEXIBLE_ARRAY_MEMBER];
} FlatMap;

StaticAssertDecl(offsetof(FlatMap, keys) == 16, "flat component map");

static Size get_flat_size(ExpandedObjectHeader *header);
static void flatten_into(ExpandedObjectHeader *header, void *result, Size size);

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

void
cdp_component_map_header(CdpComponentMap *map)
{
	EOH_init_header(&map->header, &methods, map->context);
}

static void
view_map(const CdpComponentMap *map, CdpComponentView *view)
{
	view->is_text = map->is_text;
	view->count = map->parts.count;
	view->nnodes = map->nnodes;
	view->keys = map->keys;
	view->base = map->base;
	view->smallest = map->parts.words;
	view->pieces = map->pieces;
	view->bytes = NULL;
	view->memory = cdp_component_map_memory(map);
}

/*
 * Fetch the keys, and of texts the bytes, of the nodes that places a little
 * behind i will be compared with.  The smallest so far of a component yet
 * unseen is not set.
 */
static inline void
fetch_smallest(const CdpComponentMap *map, const int32 *smallest, int32 i)
{
	int32		later = map->parts.words[i + WINDOW / 2];
	int32		soon = map->parts.words[i + WINDOW / 4];

	if (later < i)
		CDP_FETCH(&map->keys[smallest[later]]);
	if (map->is_text && soon < i)
		CDP_FETCH(kept_text(map->pieces, map->keys[smallest[soon]]));
}

/* Label each place with the smallest node of its component. */
static void
label_places(CdpComponentMap *map)
{
	int32		count = map->parts.count;
	int32	   *words = map->parts.words;
	int32	   *smallest;
	CdpComponentView view;

	view_map(map, &view);
	cdp_component_map_check(map, sizeof(int32) * (Size) count);
	smallest = cdp_components_allocate(sizeof(int32) * (Size) count);
	for (int32 i = 0; i < count; i++)
	{
		int32		root = words[i];

		if (i % PIECE == 0)
			CHECK_FOR_INTERRUPTS();
		if (i + WINDOW < count)
		{
			CDP_FETCH(&smallest[words[i + WINDOW]]);
			fetch_smallest(map, smallest, i);
		}
		if (root == i || component_compare(&view, i, smallest[root]) < 0)
			smallest[root] = i;
	}
	for (int32 i = 0; i < count; i++)
		words[i] = smallest[words[i]];
	pfree(smallest);
}

/* Texts lie in the order of their places. */
static void
make_text_keys(CdpComponentMap *map)
{
	int64	   *key = map->keys;

	for (int i = 0; i < map->npieces; i++)
	{
		const TextPiece *piece = &map->pieces[i];

		CHECK_FOR_INTERRUPTS();
		for (Size at = 0; at < piece->used;)
		{
			int32		length;

			memcpy(&length, piece->bytes + at, sizeof(int32));
			*key++ = ((int64) i << TEXT_PIECE_BITS) + at;
			at += sizeof(int32) + length;
		}
	}
}

/* The keys of bigints are in their slots. */
static void
make_bigint_keys(CdpComponentMap *map)
{
	for (uint32 i = 0; i < map->nslots; i++)
	{
		if (i % PIECE == 0)
			CHECK_FOR_INTERRUPTS();
		if (map->slots[i].place != 0)
			map->keys[map->slots[i].place - 1] = map->slots[i].key;
	}
}

/* The keys of the flat form, in place of the slots. */
static void
make_keys(CdpComponentMap *map)
{
	MemoryContext context;
	Size		size = sizeof(int64) * Max((Size) map->parts.count, 1);

	if (map->is_text)
		cdp_component_map_free_slots(map);
	cdp_component_map_check(map, size);
	context = MemoryContextSwitchTo(map->context);
	map->keys = cdp_components_allocate(size);
	MemoryContextSwitchTo(context);
	if (map->is_text)
		make_text_keys(map);
	else
	{
		make_bigint_keys(map);
		cdp_component_map_free_slots(map);
	}
}

void
cdp_component_map_finish(CdpComponentMap *map)
{
	int32		count;

	if (map->finished)
		return;
	cdp_component_map_flush(map);
	if (!map->is_dense)
		make_keys(map);
	count = map->parts.count;
	for (int64 from = 0; from < count; from += PIECE)
	{
		CHECK_FOR_INTERRUPTS();
		cdp_components_flatten(&map->parts, from, Min(from + PIECE, count));
	}
	map->nnodes = count;
	if (!map->is_dense)
		label_places(map);
	else
	{
		for (int32 i = 0; i < count; i++)
			map->nnodes -= map->parts.words[i] == CDP_COMPONENTS_ABSENT;
	}
	map->finished = true;
}

static Size
get_flat_size(ExpandedObjectHeader *header)
{
	CdpComponentMap *map = (CdpComponentMap *) header;
	Size		size = offsetof(FlatMap, keys) + map->nbytes +
		(sizeof(int64) + sizeof(int32)) * (Size) map->nnodes;

	Assert(map->finished);
	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("component map is too large to be stored"),
				 errdetail("Its %lld nodes take %zu bytes; a value has at most %zu.",
						   (long long) map->nnodes, size, MaxAllocSize),
				 errhint("Give it to cdp.component_rows() in the query that makes it.")));
	return size;
}

/* Write the present nodes of a dense map. */
static void
flatten_dense(const CdpComponentMap *map, int64 *keys, int32 *smallest)
{
	int32		count = map->parts.count;
	const int32 *words = map->parts.words;
	int32	   *places = palloc_extended(sizeof(int32) * (Size) count,
										 MCXT_ALLOC_HUGE);
	int32		place = 0;

	for (int32 i = 0; i < count; i++)
	{
		if (words[i] == CDP_COMPONENTS_ABSENT)
			continue;
		places[i] = place;
		keys[place] = map->base + i;
		smallest[place] = places[words[i]];
		place++;
	}
	pfree(places);
}

/* Write the texts one behind the other, and where each one ends. */
static void
flatten_texts(const CdpComponentMap *map, int64 *keys, char *bytes)
{
	CdpComponentView view;
	int64		end = 0;

	view_map(map, &view);
	for (int32 i = 0; i < map->nnodes; i++)
	{
		int			length;
		const char *text = component_bytes(&view, i, &length);

		memcpy(bytes + end, text, length);
		end += length;
		keys[i] = end;
	}
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size size)
{
	CdpComponentMap *map = (CdpComponentMap *) header;
	FlatMap    *flat = result;
	int32	   *smallest = (int32 *) (flat->keys + map->nnodes);

	memset(flat, 0, offsetof(FlatMap, keys));
	SET_VARSIZE(flat, size);
	flat->version = FLAT_VERSION;
	flat->is_text = map->is_text;
	flat->count = map->nnodes;
	if (map->is_dense)
	{
		flatten_dense(map, flat->keys, smallest);
		return;
	}
	memcpy(smallest, map->parts.words, sizeof(int32) * map->nnodes);
	if (map->is_text)
		flatten_texts(map, flat->keys, (char *) (smallest + map->nnodes));
	else
		memcpy(flat->keys, map->keys, sizeof(int64) * map->nnodes);
}

void
cdp_component_view(Datum value, CdpComponentView *view)
{
	const FlatMap *flat;

	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
	{
		CdpComponentMap *map = (CdpComponentMap *) DatumGetEOHP(value);

		if (map->header.eoh_methods != &methods || !map->finished)
			elog(ERROR, "expanded value is not a component map");
		view_map(map, view);
		return;
	}
	flat = (const FlatMap *) PG_DETOAST_DATUM(value);
	if (flat->version != FLAT_VERSION)
		elog(ERROR, "component map has format %d", flat->version);
	view->is_text = flat->is_text;
	view->count = flat->count;
	view->nnodes = flat->count;
	view->keys = flat->keys;
	view->base = 0;
	view->smallest = (const int32 *) (flat->keys + flat->count);
	view->pieces = NULL;
	view->bytes = (const char *) (view->smallest + flat->count);
	view->memory = VARSIZE(flat);
}
