/*
 * bitmap_set.c
 *		What SQL can do with a cdp.profile_bitmap: make, combine, count, list.
 *
 * Counting and probing read the packed bytes (bitmap_format.c,
 * bitmap_count.c); combining unpacks both sides, which costs about a memory
 * copy of each.  The aggregates keep one unpacked
 * bitmap in the aggregate's context; their states can be shipped between
 * parallel workers in the packed form.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"

#include "audience/bitmap.h"
#include "audience/bitmap_format.h"

PG_FUNCTION_INFO_V1(cdp_bitmap_contains);
PG_FUNCTION_INFO_V1(cdp_bitmap_cardinality);
PG_FUNCTION_INFO_V1(cdp_bitmap_and);
PG_FUNCTION_INFO_V1(cdp_bitmap_or);
PG_FUNCTION_INFO_V1(cdp_bitmap_andnot);
PG_FUNCTION_INFO_V1(cdp_bitmap_and_cardinality);
PG_FUNCTION_INFO_V1(cdp_bitmap_or_cardinality);
PG_FUNCTION_INFO_V1(cdp_bitmap_andnot_cardinality);
PG_FUNCTION_INFO_V1(cdp_bitmap_members);
PG_FUNCTION_INFO_V1(cdp_bitmap_equal);
PG_FUNCTION_INFO_V1(cdp_bitmap_not_equal);
PG_FUNCTION_INFO_V1(cdp_bitmap_hash);
PG_FUNCTION_INFO_V1(cdp__bitmap_agg_add);
PG_FUNCTION_INFO_V1(cdp__bitmap_moved_add);
PG_FUNCTION_INFO_V1(cdp__bitmap_or_add);
PG_FUNCTION_INFO_V1(cdp__bitmap_and_add);
PG_FUNCTION_INFO_V1(cdp__bitmap_or_combine);
PG_FUNCTION_INFO_V1(cdp__bitmap_and_combine);
PG_FUNCTION_INFO_V1(cdp__bitmap_pack);
PG_FUNCTION_INFO_V1(cdp__bitmap_unpack);
PG_FUNCTION_INFO_V1(cdp__bitmap_pack_or_empty);

typedef void (*InPlaceOperation) (CdpBitmap *, const CdpBitmap *);

static const uint8 *
packed_bytes(struct varlena *packed)
{
	return (const uint8 *) VARDATA(packed);
}

/* cdp.bitmap_contains(bitmap, ord) */
Datum
cdp_bitmap_contains(PG_FUNCTION_ARGS)
{
	struct varlena *packed = PG_GETARG_BITMAP(0);
	int32		ord = PG_GETARG_INT32(1);

	PG_RETURN_BOOL(ord >= 0 &&
				   cdp_audience_probe_bytes(packed_bytes(packed), ord));
}

/* cdp.bitmap_cardinality(bitmap) */
Datum
cdp_bitmap_cardinality(PG_FUNCTION_ARGS)
{
	struct varlena *packed = PG_GETARG_BITMAP(0);

	PG_RETURN_INT64(cdp_audience_count_bytes(packed_bytes(packed)));
}

/* Both arguments combined into a new packed bitmap. */
static Datum
combine_arguments(FunctionCallInfo fcinfo, CdpSetOperation operation)
{
	CdpBitmap  *a = cdp_audience_read_bitmap(PG_GETARG_BITMAP(0),
											 CurrentMemoryContext);
	CdpBitmap  *b = cdp_audience_read_bitmap(PG_GETARG_BITMAP(1),
											 CurrentMemoryContext);
	CdpBitmap  *both = cdp_audience_combine(operation, a, b,
											CurrentMemoryContext);
	struct varlena *packed = cdp_audience_write_bitmap(both);

	cdp_audience_free_bitmap(a);
	cdp_audience_free_bitmap(b);
	cdp_audience_free_bitmap(both);
	PG_RETURN_POINTER(packed);
}

Datum
cdp_bitmap_and(PG_FUNCTION_ARGS)
{
	return combine_arguments(fcinfo, roaring_bitmap_and);
}

Datum
cdp_bitmap_or(PG_FUNCTION_ARGS)
{
	return combine_arguments(fcinfo, roaring_bitmap_or);
}

Datum
cdp_bitmap_andnot(PG_FUNCTION_ARGS)
{
	return combine_arguments(fcinfo, roaring_bitmap_andnot);
}

/* How many numbers are in either argument, and in both. */
typedef struct Counts
{
	int64		a;
	int64		b;
	int64		both;
} Counts;

static Counts
count_arguments(FunctionCallInfo fcinfo)
{
	const uint8 *a = packed_bytes(PG_GETARG_BITMAP(0));
	const uint8 *b = packed_bytes(PG_GETARG_BITMAP(1));
	Counts		counts;

	counts.a = cdp_audience_count_bytes(a);
	counts.b = cdp_audience_count_bytes(b);
	counts.both = cdp_audience_count_both(a, b);
	return counts;
}

Datum
cdp_bitmap_and_cardinality(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(count_arguments(fcinfo).both);
}

Datum
cdp_bitmap_or_cardinality(PG_FUNCTION_ARGS)
{
	Counts		counts = count_arguments(fcinfo);

	PG_RETURN_INT64(counts.a + counts.b - counts.both);
}

Datum
cdp_bitmap_andnot_cardinality(PG_FUNCTION_ARGS)
{
	Counts		counts = count_arguments(fcinfo);

	PG_RETURN_INT64(counts.a - counts.both);
}

/* A bitmap being listed. */
typedef struct Listing
{
	CdpBitmap  *bitmap;
	roaring_uint32_iterator_t members;
} Listing;

/* cdp.bitmap_members(bitmap): its numbers in ascending order. */
Datum
cdp_bitmap_members(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	Listing    *listing;
	uint32		member;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		listing = palloc(sizeof(Listing));
		listing->bitmap = cdp_audience_read_bitmap(PG_GETARG_BITMAP(0),
												   call->multi_call_memory_ctx);
		roaring_init_iterator(listing->bitmap->set, &listing->members);
		call->user_fctx = listing;
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	listing = call->user_fctx;
	if (!listing->members.has_value)
		SRF_RETURN_DONE(call);
	member = listing->members.current_value;
	roaring_advance_uint32_iterator(&listing->members);
	SRF_RETURN_NEXT(call, Int32GetDatum((int32) member));
}

static bool
are_equal(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_BITMAP(0);
	struct varlena *b = PG_GETARG_BITMAP(1);

	return VARSIZE(a) == VARSIZE(b) &&
		memcmp(VARDATA(a), VARDATA(b), VARSIZE(a) - VARHDRSZ) == 0;
}

Datum
cdp_bitmap_equal(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(are_equal(fcinfo));
}

Datum
cdp_bitmap_not_equal(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!are_equal(fcinfo));
}

Datum
cdp_bitmap_hash(PG_FUNCTION_ARGS)
{
	struct varlena *packed = PG_GETARG_BITMAP(0);

	return hash_any((const unsigned char *) VARDATA(packed),
					VARSIZE(packed) - VARHDRSZ);
}

/* See bitmap.h. */
MemoryContext
cdp_audience_aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/* Transition of bitmap_agg(ord): NULLs are left out. */
Datum
cdp__bitmap_agg_add(PG_FUNCTION_ARGS)
{
	MemoryContext context = cdp_audience_aggregate_context(fcinfo);
	CdpBitmap  *state;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	state = PG_ARGISNULL(0) ? cdp_audience_new_bitmap(context) :
		(CdpBitmap *) PG_GETARG_POINTER(0);
	cdp_audience_check_ord(PG_GETARG_INT32(1));
	roaring_bitmap_add(state->set, PG_GETARG_INT32(1));
	PG_RETURN_POINTER(state);
}

/* Transition of _bitmap_moved(base, ord, enters): one after the other. */
Datum
cdp__bitmap_moved_add(PG_FUNCTION_ARGS)
{
	MemoryContext context = cdp_audience_aggregate_context(fcinfo);
	CdpBitmap  *state = PG_ARGISNULL(0) ?
		cdp_audience_read_bitmap(PG_GETARG_BITMAP(1), context) :
		(CdpBitmap *) PG_GETARG_POINTER(0);
	int32		ord = PG_GETARG_INT32(2);

	cdp_audience_check_ord(ord);
	if (PG_GETARG_BOOL(3))
		roaring_bitmap_add(state->set, ord);
	else
		roaring_bitmap_remove(state->set, ord);
	PG_RETURN_POINTER(state);
}

/* Transition of an aggregate over bitmaps; the first one starts it. */
static Datum
add_bitmap(FunctionCallInfo fcinfo, InPlaceOperation operation)
{
	MemoryContext context = cdp_audience_aggregate_context(fcinfo);
	CdpBitmap  *state;
	CdpBitmap  *added;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(cdp_audience_read_bitmap(PG_GETARG_BITMAP(1), context));
	state = (CdpBitmap *) PG_GETARG_POINTER(0);
	added = cdp_audience_read_bitmap(PG_GETARG_BITMAP(1), CurrentMemoryContext);
	operation(state, added);
	cdp_audience_free_bitmap(added);
	PG_RETURN_POINTER(state);
}

Datum
cdp__bitmap_or_add(PG_FUNCTION_ARGS)
{
	return add_bitmap(fcinfo, cdp_audience_add_bitmap);
}

Datum
cdp__bitmap_and_add(PG_FUNCTION_ARGS)
{
	return add_bitmap(fcinfo, cdp_audience_keep_bitmap);
}

/* Combine the states of two workers; NULL is a state that saw nothing. */
static Datum
combine_states(FunctionCallInfo fcinfo, InPlaceOperation operation)
{
	MemoryContext context = cdp_audience_aggregate_context(fcinfo);
	CdpBitmap  *state;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (!PG_ARGISNULL(0))
		state = (CdpBitmap *) PG_GETARG_POINTER(0);
	else
	{
		CdpBitmap  *other = (CdpBitmap *) PG_GETARG_POINTER(1);

		state = cdp_audience_combine(roaring_bitmap_or, other, other, context);
		PG_RETURN_POINTER(state);
	}
	operation(state, (CdpBitmap *) PG_GETARG_POINTER(1));
	PG_RETURN_POINTER(state);
}

Datum
cdp__bitmap_or_combine(PG_FUNCTION_ARGS)
{
	return combine_states(fcinfo, cdp_audience_add_bitmap);
}

Datum
cdp__bitmap_and_combine(PG_FUNCTION_ARGS)
{
	return combine_states(fcinfo, cdp_audience_keep_bitmap);
}

/* A state as bytes: to ship it, and as the result of and, or. */
Datum
cdp__bitmap_pack(PG_FUNCTION_ARGS)
{
	(void) cdp_audience_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(cdp_audience_write_bitmap((CdpBitmap *) PG_GETARG_POINTER(0)));
}

Datum
cdp__bitmap_unpack(PG_FUNCTION_ARGS)
{
	(void) cdp_audience_aggregate_context(fcinfo);
	PG_RETURN_POINTER(cdp_audience_read_bitmap(PG_GETARG_BITMAP(0),
											   CurrentMemoryContext));
}

/* The result of bitmap_agg: of no rows, the empty bitmap. */
Datum
cdp__bitmap_pack_or_empty(PG_FUNCTION_ARGS)
{
	MemoryContext context = cdp_audience_aggregate_context(fcinfo);

	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(cdp_audience_write_bitmap(cdp_audience_new_bitmap(context)));
	PG_RETURN_POINTER(cdp_audience_write_bitmap((CdpBitmap *) PG_GETARG_POINTER(0)));
}
