/*
 * partition.c
 *		Two partitions of the same identifiers, and where they differ.
 *
 * Join every identifier with the name of its part before and with that of its
 * part after.  What is connected then is a case: parts that exchanged
 * something, all of them whole.  In a case where no identifier's part has
 * another name nothing differs: names are of identifiers in the part, so equal
 * names everywhere are equal parts.
 *
 * Example.  {1, 2, 5} and {3} become {1, 2} and {3, 5}.  Names before are
 * 1 1 3 1 (of 1, 2, 3, 5), after 1 1 3 3: one case of all four.
 *
 * Time is linear but for union-find; memory 12 bytes an identifier.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "identity/components.h"
#include "identity/partition.h"

#define INTERRUPT_EVERY 0xFFFF	/* rows between looks for a cancel, a mask */

static int32 *
alloc_places(int64 count)
{
	int32	   *places = palloc_extended(sizeof(int32) * (Size) (count + 1),
										 MCXT_ALLOC_HUGE);

	memset(places, -1, sizeof(int32) * (Size) (count + 1));
	return places;
}

/* See partition.h. */
void
cdp_partition_name(const int64 *ids, int32 *labels, int64 count,
				   int64 nlabels)
{
	int32	   *names = alloc_places(nlabels);

	for (int64 i = 0; i < count; i++)
	{
		int32		label = labels[i];

		if (label != CDP_NO_PART &&
			(names[label] < 0 || ids[i] < ids[names[label]]))
			names[label] = i;
		if ((i & INTERRUPT_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	for (int64 i = 0; i < count; i++)
		if (labels[i] != CDP_NO_PART)
			labels[i] = names[labels[i]];
	pfree(names);
}

/* See partition.h. */
int32 *
cdp_partition_cases(const int64 *ids, const int32 *before, const int32 *after,
					int64 count)
{
	CdpComponents groups;
	bool	   *differs = palloc_extended(sizeof(bool) * (Size) (count + 1),
										  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int32	   *cases = alloc_places(count);

	cdp_components_init(&groups, count);
	for (int64 i = 0; i < count; i++)
	{
		if (before[i] != CDP_NO_PART)
			(void) cdp_components_join(&groups, i, before[i]);
		if (after[i] != CDP_NO_PART)
			(void) cdp_components_join(&groups, i, after[i]);
		if ((i & INTERRUPT_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	for (int64 i = 0; i < count; i++)
		if (before[i] != after[i])
			differs[cdp_components_find(&groups, i)] = true;
	for (int64 i = 0; i < count; i++)
	{
		int32		group = cdp_components_find(&groups, i);

		if (differs[group])
			cases[i] = group;
	}
	cdp_partition_name(ids, cases, count, count);
	pfree(differs);
	pfree(groups.words);
	return cases;
}
