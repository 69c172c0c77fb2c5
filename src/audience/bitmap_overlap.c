/*
 * bitmap_overlap.c
 *		Every combination of some bitmaps, and how many numbers it shares.
 *
 * All bitmaps are given at once, so each is read from its table once, however
 * many combinations it is in: pair by pair in SQL, fetching a bitmap costs
 * more than counting.  Combinations are walked depth first.  What is in all of
 * a combination is made only where a larger one follows, from what is in all
 * but its last bitmap, so at most one bitmap a level is held; the last level
 * only counts (bitmap_count.c).
 *
 * Memory: the bitmaps, and as many intersections as a combination is large.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "audience/bitmap.h"
#include "audience/bitmap_format.h"
#include "base/compat.h"

PG_FUNCTION_INFO_V1(cdp__overlaps);

typedef struct Overlaps
{
	Datum	   *names;
	struct varlena **bitmaps;	/* beside their names */
	int			count;
	int			ways;			/* of the largest combinations */
	Datum	   *combination;	/* the names of the present one */
	ReturnSetInfo *result;
	MemoryContext row;
} Overlaps;

static const uint8 *
packed_bytes(struct varlena *packed)
{
	return (const uint8 *) VARDATA(packed);
}

/* What is in both bitmaps. */
static struct varlena *
intersect(struct varlena *a, struct varlena *b)
{
	CdpBitmap  *left = cdp_audience_read_bitmap(a, CurrentMemoryContext);
	CdpBitmap  *right = cdp_audience_read_bitmap(b, CurrentMemoryContext);
	struct varlena *packed;

	cdp_audience_keep_bitmap(left, right);
	packed = cdp_audience_write_bitmap(left);
	cdp_audience_free_bitmap(left);
	cdp_audience_free_bitmap(right);
	return packed;
}

/* The row of the present combination, of so many names. */
static void
put_row(Overlaps *overlaps, int size, int64 members)
{
	bool		nulls[2] = {false, false};
	Datum		values[2];
	MemoryContext context = MemoryContextSwitchTo(overlaps->row);

	values[0] = PointerGetDatum(construct_array(overlaps->combination, size,
												TEXTOID, -1, false, TYPALIGN_INT));
	values[1] = Int64GetDatum(members);
	tuplestore_putvalues(overlaps->result->setResult, overlaps->result->setDesc,
						 values, nulls);
	MemoryContextSwitchTo(context);
	MemoryContextReset(overlaps->row);
}

/*
 * Tell of all combinations that begin with the first "size" names of the
 * present one and go on with bitmaps from "next" on; met is what is in all of
 * those, NULL if there are none.
 */
static void
tell_combinations(Overlaps *overlaps, int size, int next, struct varlena *met)
{
	check_stack_depth();
	for (int i = next; i < overlaps->count; i++)
	{
		struct varlena *added = overlaps->bitmaps[i];

		CHECK_FOR_INTERRUPTS();
		overlaps->combination[size] = overlaps->names[i];
		put_row(overlaps, size + 1, met == NULL ?
				cdp_audience_count_bytes(packed_bytes(added)) :
				cdp_audience_count_both(packed_bytes(met), packed_bytes(added)));
		if (size + 1 == overlaps->ways || i + 1 == overlaps->count)
			continue;
		if (met == NULL)
			tell_combinations(overlaps, size + 1, i + 1, added);
		else
		{
			struct varlena *both = intersect(met, added);

			tell_combinations(overlaps, size + 1, i + 1, both);
			pfree(both);
		}
	}
}

/* The elements of an array without NULLs. */
static int
read_elements(ArrayType *array, Datum **elements)
{
	int			count;

	if (array_contains_nulls(array))
		elog(ERROR, "expected an array without NULLs");
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT,
					  elements, NULL, &count);
	return count;
}

/* cdp._overlaps(names, bitmaps, ways) */
Datum
cdp__overlaps(PG_FUNCTION_ARGS)
{
	Overlaps	overlaps;
	Datum	   *bitmaps;

	InitMaterializedSRF(fcinfo, 0);
	overlaps.result = (ReturnSetInfo *) fcinfo->resultinfo;
	overlaps.count = read_elements(PG_GETARG_ARRAYTYPE_P(0), &overlaps.names);
	if (read_elements(PG_GETARG_ARRAYTYPE_P(1), &bitmaps) != overlaps.count)
		elog(ERROR, "expected a name for each bitmap");
	overlaps.ways = PG_GETARG_INT32(2);
	overlaps.combination = palloc(sizeof(Datum) * (Size) (overlaps.count + 1));
	overlaps.bitmaps = palloc(sizeof(struct varlena *) * (Size) (overlaps.count + 1));
	for (int i = 0; i < overlaps.count; i++)
		overlaps.bitmaps[i] = PG_DETOAST_DATUM(bitmaps[i]);
	overlaps.row = AllocSetContextCreate(CurrentMemoryContext, "overlap rows",
										 ALLOCSET_SMALL_SIZES);
	if (overlaps.ways > 0)
		tell_combinations(&overlaps, 0, 0, NULL);
	MemoryContextDelete(overlaps.row);
	return (Datum) 0;
}
