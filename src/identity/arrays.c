/*
 * arrays.c
 *		C arrays as SQL array parameters, and lists of ids.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "identity/arrays.h"

#define FIRST_ROOM 16

static void
refuse_count(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("too many identifiers in one step"),
			 errhint("Use smaller batches.")));
}

/* An array of fixed-width elements, copied as they lie. */
static Datum
copy_array(const void *values, int count, Size width, Oid type)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + width * count;
	ArrayType  *array;

	if (count == 0)
		return PointerGetDatum(construct_empty_array(type));
	if (!AllocSizeIsValid(size))
		refuse_count();
	array = palloc0(size);
	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = type;
	ARR_DIMS(array)[0] = count;
	ARR_LBOUND(array)[0] = 1;
	memcpy(ARR_DATA_PTR(array), values, width * count);
	return PointerGetDatum(array);
}

Datum
cdp_identity_int8_array(const int64 *values, int count)
{
	return copy_array(values, count, sizeof(int64), INT8OID);
}

Datum
cdp_identity_int4_array(const int32 *values, int count)
{
	return copy_array(values, count, sizeof(int32), INT4OID);
}

Datum
cdp_identity_time_array(const int64 *values, int count)
{
	return copy_array(values, count, sizeof(int64), TIMESTAMPTZOID);
}

Datum
cdp_identity_bool_array(const bool *values, int count)
{
	return copy_array(values, count, sizeof(bool), BOOLOID);
}

Datum
cdp_identity_text_array(const char *const *values, int count)
{
	Datum	   *datums = palloc(sizeof(Datum) * (count + 1));

	for (int i = 0; i < count; i++)
		datums[i] = CStringGetTextDatum(values[i]);
	return PointerGetDatum(construct_array(datums, count, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/* See arrays.h. */
int64 *
cdp_identity_get_int8s(ArrayType *array, int *count)
{
	int64	   *ids;

	if (ARR_NDIM(array) > 1 || ARR_HASNULL(array) ||
		ARR_ELEMTYPE(array) != INT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ids must be a one-dimensional array of bigint without nulls")));
	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	ids = palloc(sizeof(int64) * (*count + 1));
	if (*count > 0)
		memcpy(ids, ARR_DATA_PTR(array), sizeof(int64) * *count);
	return ids;
}

void
cdp_identity_list_add(CdpIdList *list, int64 id)
{
	if (list->room == 0)
	{
		list->room = FIRST_ROOM;
		list->ids = palloc(sizeof(int64) * list->room);
	}
	else if (list->count == list->room)
	{
		if (list->room > PG_INT32_MAX / 2)
			refuse_count();
		list->room *= 2;
		list->ids = repalloc_huge(list->ids, sizeof(int64) * (Size) list->room);
	}
	list->ids[list->count++] = id;
}

void
cdp_identity_list_append(CdpIdList *list, const int64 *ids, int count)
{
	for (int i = 0; i < count; i++)
		cdp_identity_list_add(list, ids[i]);
}

static int
compare_ids(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return (left > right) - (left < right);
}

void
cdp_identity_list_sort(CdpIdList *list)
{
	int			kept = 0;

	if (list->count < 2)
		return;
	qsort(list->ids, list->count, sizeof(int64), compare_ids);
	for (int i = 1; i < list->count; i++)
		if (list->ids[i] != list->ids[kept])
			list->ids[++kept] = list->ids[i];
	list->count = kept + 1;
}

int
cdp_identity_list_find(const CdpIdList *list, int64 id)
{
	int64	   *found;

	if (list->count == 0)
		return -1;
	found = bsearch(&id, list->ids, list->count, sizeof(int64), compare_ids);
	return found ? found - list->ids : -1;
}

Datum
cdp_identity_list_array(const CdpIdList *list)
{
	return cdp_identity_int8_array(list->ids, list->count);
}
