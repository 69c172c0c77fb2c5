/*
 * arrays.h
 *		C arrays as SQL array parameters of saved plans.
 *
 * The statements of this room work on sets: a batch goes in as a few parallel
 * arrays that unnest() turns into rows, in order.
 */
#ifndef CDP_IDENTITY_ARRAYS_H
#define CDP_IDENTITY_ARRAYS_H

#include "utils/array.h"

extern Datum cdp_identity_int8_array(const int64 *values, int count);
extern Datum cdp_identity_int4_array(const int32 *values, int count);
extern Datum cdp_identity_time_array(const int64 *values, int count);
extern Datum cdp_identity_bool_array(const bool *values, int count);
extern Datum cdp_identity_text_array(const char *const *values, int count);

/* The elements of a bigint[] without nulls; palloc'd. */
extern int64 *cdp_identity_get_int8s(ArrayType *array, int *count);

/* A growing list of bigints. */
typedef struct CdpIdList
{
	int64	   *ids;
	int			count;
	int			room;
} CdpIdList;

extern void cdp_identity_list_add(CdpIdList *list, int64 id);
extern void cdp_identity_list_append(CdpIdList *list, const int64 *ids,
									 int count);

/* Ascending and distinct from here on. */
extern void cdp_identity_list_sort(CdpIdList *list);

/* Is it in a sorted list?  Its place, or -1. */
extern int	cdp_identity_list_find(const CdpIdList *list, int64 id);

/* The list as bigint[]. */
extern Datum cdp_identity_list_array(const CdpIdList *list);

#endif							/* CDP_IDENTITY_ARRAYS_H */
