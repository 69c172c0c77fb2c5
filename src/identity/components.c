/*
 * components.c
 *		Connected components by union-find; components.h tells how.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "utils/memutils.h"

#include "identity/components.h"

/* Links between the fetch of a word and its join; its parent is at half. */
#define WINDOW 32

/* No large pages for memory smaller than this. */
#define LARGE_FROM ((Size) 4 * 1024 * 1024)
#define LARGE_PAGE ((Size) 2 * 1024 * 1024)

void *
cdp_components_allocate(Size size)
{
	void	   *memory = MemoryContextAllocHuge(CurrentMemoryContext, size);

#ifdef MADV_HUGEPAGE
	if (size >= LARGE_FROM)
	{
		char	   *start = (char *) TYPEALIGN(LARGE_PAGE, memory);
		char	   *end = (char *) TYPEALIGN_DOWN(LARGE_PAGE, (char *) memory + size);

		(void) madvise(start, end - start, MADV_HUGEPAGE);
	}
#endif
	return memory;
}

/* The new array is of the old one's context; used bytes of it are copied. */
void *
cdp_components_grow(void *old, Size used, Size size)
{
	MemoryContext context;
	void	   *memory;

	if (size < LARGE_FROM)
		return repalloc(old, size);
	context = MemoryContextSwitchTo(GetMemoryChunkContext(old));
	memory = cdp_components_allocate(size);
	MemoryContextSwitchTo(context);
	memcpy(memory, old, used);
	pfree(old);
	return memory;
}

void
cdp_components_init(CdpComponents *components, int32 count)
{
	components->count = count;
	components->room = Max(count, 16);
	components->words = cdp_components_allocate(sizeof(int32) *
												(Size) components->room);
	for (int32 i = 0; i < count; i++)
		components->words[i] = i;
}

void
cdp_components_reserve(CdpComponents *components, int32 room)
{
	if (room <= components->room)
		return;
	components->room = room;
	components->words = cdp_components_grow(components->words,
											sizeof(int32) * (Size) components->count,
											sizeof(int32) * (Size) room);
}

int32
cdp_components_add(CdpComponents *components)
{
	if (components->count == components->room)
	{
		if (components->room > CDP_COMPONENTS_MAX / 2)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many nodes"),
					 errdetail("Components are computed over at most %d nodes.",
							   CDP_COMPONENTS_MAX / 2)));
		cdp_components_reserve(components, components->room * 2);
	}
	components->words[components->count] = components->count;
	return components->count++;
}

int32
cdp_components_find(CdpComponents *components, int32 node)
{
	int32	   *words = components->words;

	Assert(node >= 0 && node < components->count);
	while (words[node] != node)
	{
		/* Halve the path: hang the node under its grandparent. */
		words[node] = words[words[node]];
		node = words[node];
	}
	return node;
}

/* Join two nodes, both present; false if they were joined already. */
static inline bool
join_nodes(int32 *words, int32 a, int32 b)
{
	while (words[a] != words[b])
	{
		int32		parent;

		if (words[a] < words[b])
		{
			int32		other = a;

			a = b;
			b = other;
		}
		/* Now a has the higher parent. */
		parent = words[a];
		words[a] = words[b];
		if (parent == a)
			return true;
		a = parent;
	}
	return false;
}

bool
cdp_components_join(CdpComponents *components, int32 a, int32 b)
{
	Assert(a >= 0 && a < components->count);
	Assert(b >= 0 && b < components->count);
	return join_nodes(components->words, a, b);
}

/* Bring a node into being if it is absent; fetch its parent's word. */
static inline void
fetch_parent(int32 *words, int32 node)
{
	if (words[node] == CDP_COMPONENTS_ABSENT)
		words[node] = node;
	else
		CDP_FETCH(&words[words[node]]);
}

void
cdp_components_join_links(CdpComponents *components,
						  const int32 *a, const int32 *b, int count)
{
	int32	   *words = components->words;

	for (int i = 0; i < count + WINDOW; i++)
	{
		int			half = i - WINDOW / 2;
		int			done = i - WINDOW;

		if (i < count)
		{
			CDP_FETCH(&words[a[i]]);
			CDP_FETCH(&words[b[i]]);
		}
		if (half >= 0 && half < count)
		{
			fetch_parent(words, a[half]);
			fetch_parent(words, b[half]);
		}
		if (done >= 0)
			join_nodes(words, a[done], b[done]);
	}
}

void
cdp_components_flatten(CdpComponents *components, int32 from, int32 to)
{
	int32	   *words = components->words;

	for (int32 i = from; i < to; i++)
	{
		if (words[i] != CDP_COMPONENTS_ABSENT)
			words[i] = words[words[i]];
	}
}
