/*
 * partition.h
 *		Two partitions of the same identifiers, and where they differ.
 *
 * A part is named by the place of the identifier in it that has the smallest
 * id: a name that depends on nothing but what is in the part.
 *
 * Pure: no tables, no server beyond palloc.
 */
#ifndef CDP_IDENTITY_PARTITION_H
#define CDP_IDENTITY_PARTITION_H

/* What a partition has for an identifier that is in no part. */
#define CDP_NO_PART (-1)

/*
 * Name parts: labels, numbers from 0 below nlabels by place of an identifier,
 * become places.  ids are the identifiers, all different.
 */
extern void cdp_partition_name(const int64 *ids, int32 *labels, int64 count,
							   int64 nlabels);

/*
 * Group what two named partitions hold together, wherever they differ: the
 * case of an identifier is the place that stands for its group, or CDP_NO_PART
 * if the group is one part, the same in both.  Every part is wholly in one
 * case.
 */
extern int32 *cdp_partition_cases(const int64 *ids, const int32 *before,
								  const int32 *after, int64 count);

#endif							/* CDP_IDENTITY_PARTITION_H */
