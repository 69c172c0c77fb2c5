/*
 * component_map.h
 *		Connected components over any bigint or text nodes, as a value.
 *
 * A map is built from links and read as rows (node, component), where the
 * component is the smallest node of it: so the rows do not depend on the order
 * of the links.  Texts are compared as bytes.
 *
 * In memory it is an expanded object (utils/expandeddatum.h), read where it
 * lies; stored in a table or a tuplestore it is flat:
 *
 *		int32	vl_len_		varlena header of four bytes
 *		uint8	version		1
 *		uint8	is_text
 *		uint16	unused		0
 *		int64	count
 *		int64	keys[]		the nodes; of text: where each one's bytes end
 *		int32	smallest[]	place of the smallest node of the same component
 *		char	bytes[]		of text: the nodes, one behind the other
 *
 * The files:
 *
 *	component_map.c			building: node to place, pending links, memory
 *	component_dense.c		building over a window of bigints
 *	component_value.c		finishing, flattening, reading
 *	component_text.c		text and binary form
 *	component_aggregate.c	cdp.components and what reads its result
 *	component_table.c		cdp.components_of
 */
#ifndef CDP_IDENTITY_COMPONENT_MAP_H
#define CDP_IDENTITY_COMPONENT_MAP_H

#include "utils/expandeddatum.h"

#include "identity/components.h"

/* Of the hash table: where a node is found by its hash. */
typedef struct ComponentSlot
{
	int64		key;			/* bigint: the node; text: its start in pieces */
	uint32		hash;
	int32		place;			/* one more; 0: the slot is empty */
} ComponentSlot;

/* An end of a link that was not yet looked up. */
typedef struct ComponentEnd
{
	int64		key;			/* bigint: the node; text: its start in
								 * pending_bytes */
	uint32		hash;
	int32		length;			/* of text */
} ComponentEnd;

/*
 * In memory texts lie in pieces that never move: each one's length (int32),
 * then its bytes.  A text begins at a number whose upper bits are its piece.
 * The first piece begins small; a text that is longer than a piece gets
 * several in a row.
 */
#define TEXT_PIECE_BITS 22
#define TEXT_PIECE ((Size) 1 << TEXT_PIECE_BITS)

typedef struct TextPiece
{
	char	   *bytes;
	Size		used;			/* 0: it goes on with a text of an earlier one */
	Size		room;
} TextPiece;

typedef struct CdpComponentMap
{
	ExpandedObjectHeader header;
	MemoryContext context;
	bool		is_text;

	CdpComponents parts;		/* over places */
	ComponentSlot *slots;		/* in lines; NULL: dense, or finished */
	uint32		nslots;
	void	   *slots_chunk;	/* the memory that they lie in */
	TextPiece  *pieces;			/* of text */
	int			npieces;
	int			pieces_room;
	Size		text_room;		/* memory of all pieces */
	Size		nbytes;			/* of the texts, without lengths */

	/*
	 * Links are looked up and joined many at once, once the map is large.  A
	 * dense one keeps no ends but bigints: CDP_COMPONENT_LINKS of a, then of b.
	 */
	ComponentEnd *pending;		/* two ends a link; NULL: it is small */
	int			npending;		/* ends */
	char	   *pending_bytes;
	Size		npending_bytes;
	Size		pending_room;

	/* Dense: place p is the bigint base + p, and may be absent. */
	bool		is_dense;
	int64		base;
	int64		dense_limit;	/* the window never gets wider */
	Size		turning;		/* memory of a window that is being hashed */

	/*
	 * Finished: the words of parts are as in the flat form, and so are keys,
	 * but of text they are where each begins, and a dense map has none.
	 */
	bool		finished;
	int64	   *keys;
	int64		nnodes;			/* places that are present */
} CdpComponentMap;

/* A finished map, expanded or flat, to read. */
typedef struct CdpComponentView
{
	bool		is_text;
	int64		count;			/* places */
	int64		nnodes;			/* of them present */
	const int64 *keys;			/* NULL: dense */
	int64		base;
	const int32 *smallest;		/* dense: negative where absent */
	const TextPiece *pieces;	/* of text; NULL: flat */
	const char *bytes;			/* of flat text */
	Size		memory;			/* bytes that the value takes */
} CdpComponentView;

/* component_map.c: an empty map in the current context */
extern CdpComponentMap *cdp_component_map(bool is_text);
extern void cdp_component_map_link(CdpComponentMap *map, int64 a, int64 b);
extern void cdp_component_map_link_text(CdpComponentMap *map,
										const char *a, int a_length,
										const char *b, int b_length);
extern void cdp_component_map_flush(CdpComponentMap *map);	/* join all links */
extern Size cdp_component_map_memory(const CdpComponentMap *map);

/* Would so many bytes more not exceed cdp.components_memory?  Else raises. */
extern bool cdp_component_map_fits(const CdpComponentMap *map, Size more);
extern void cdp_component_map_check(const CdpComponentMap *map, Size more);

/* For component_dense.c: room for nodes; a bigint's place, made if need be. */
extern void cdp_component_map_reserve(CdpComponentMap *map, int32 nodes);
extern int32 cdp_component_map_place(CdpComponentMap *map, int64 key);
extern void cdp_component_map_free_slots(CdpComponentMap *map);

/* Links that cdp_component_map_links takes at most. */
#define CDP_COMPONENT_LINKS 512

/* component_dense.c: the same while nodes lie close together */
extern CdpComponentMap *cdp_component_map_dense(int64 limit);
extern void cdp_component_map_links(CdpComponentMap *map,
									const int64 *a, const int64 *b, int count);

/* Make it dense if that takes no more memory than so many slots. */
extern bool cdp_component_map_enter_dense(CdpComponentMap *map, uint64 nslots);

/* component_value.c */
extern void cdp_component_map_header(CdpComponentMap *map);

/* No more links: from now on the map may be given to others, to read. */
extern void cdp_component_map_finish(CdpComponentMap *map);

/* A finished map, expanded or flat; what is flattened is detoasted first. */
extern void cdp_component_view(Datum value, CdpComponentView *view);

/* Where a text in pieces is: its length, then its bytes. */
static inline const char *
kept_text(const TextPiece *pieces, int64 start)
{
	return pieces[start >> TEXT_PIECE_BITS].bytes + (start & (TEXT_PIECE - 1));
}

/* The bytes of the node at a place of a text map. */
static inline const char *
component_bytes(const CdpComponentView *view, int64 place, int *length)
{
	int64		start;

	if (view->pieces != NULL)
	{
		const char *kept = kept_text(view->pieces, view->keys[place]);
		int32		kept_length;

		memcpy(&kept_length, kept, sizeof(int32));
		*length = kept_length;
		return kept + sizeof(int32);
	}
	start = place == 0 ? 0 : view->keys[place - 1];
	*length = view->keys[place] - start;
	return view->bytes + start;
}

static inline int64
component_bigint(const CdpComponentView *view, int64 place)
{
	return view->keys == NULL ? view->base + place : view->keys[place];
}

/* Does a sort before b, two places of one map? */
static inline int
component_compare(const CdpComponentView *view, int64 a, int64 b)
{
	const char *a_bytes;
	const char *b_bytes;
	int			a_length;
	int			b_length;
	int			order;

	if (!view->is_text)
	{
		int64		a_key = component_bigint(view, a);
		int64		b_key = component_bigint(view, b);

		return (a_key > b_key) - (a_key < b_key);
	}
	a_bytes = component_bytes(view, a, &a_length);
	b_bytes = component_bytes(view, b, &b_length);
	order = memcmp(a_bytes, b_bytes, Min(a_length, b_length));
	if (order != 0)
		return order;
	return (a_length > b_length) - (a_length < b_length);
}

#endif							/* CDP_IDENTITY_COMPONENT_MAP_H */
