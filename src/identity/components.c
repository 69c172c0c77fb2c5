/*
 * components.c
 *		Connected components by union-find; components.h tells how.
 */
#include "postgres.h"

#include "identity/components.h"

#define ROOT_OF_RANK(rank) (-(rank) - 1)
#define IS_ROOT(word) ((word) < 0)

void
cdp_components_init(CdpComponents *components, int32 count)
{
	components->count = count;
	components->room = Max(count, 16);
	components->words = MemoryContextAllocHuge(CurrentMemoryContext,
											   sizeof(int32) * (Size) components->room);
	for (int32 i = 0; i < count; i++)
		components->words[i] = ROOT_OF_RANK(0);
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
		components->room *= 2;
		components->words = repalloc_huge(components->words,
										  sizeof(int32) * (Size) components->room);
	}
	components->words[components->count] = ROOT_OF_RANK(0);
	return components->count++;
}

int32
cdp_components_find(CdpComponents *components, int32 node)
{
	int32	   *words = components->words;

	Assert(node >= 0 && node < components->count);
	while (!IS_ROOT(words[node]))
	{
		int32		parent = words[node];

		if (IS_ROOT(words[parent]))
			return parent;
		words[node] = words[parent];
		node = words[node];
	}
	return node;
}

bool
cdp_components_join(CdpComponents *components, int32 a, int32 b)
{
	int32	   *words = components->words;

	a = cdp_components_find(components, a);
	b = cdp_components_find(components, b);
	if (a == b)
		return false;
	/* The higher rank has the smaller word. */
	if (words[a] < words[b])
		words[b] = a;
	else
	{
		if (words[a] == words[b])
			words[b]--;
		words[a] = b;
	}
	return true;
}
