/*
 * bitmap.c
 *		Roaring bitmaps in PostgreSQL's memory contexts.
 *
 * The library allocates with malloc and frees only what it is told to.  So
 * every bitmap hangs on a CdpBitmap, allocated in a memory context and freed
 * by a callback when that context is reset: an error, a cancelled query or a
 * LIMIT that stops early leaks nothing.  The handle is made and registered
 * before the library is asked for memory, so there is no moment in between.
 *
 * No set here has a container of runs: bitmap_format.c tells why.  The library
 * makes one by itself in one place: a union that fills a container becomes a
 * single run.  So every operation that makes a set ends in settle_set(), which
 * turns such a run back into a bitset (safely: only an array can overflow).
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/memutils.h"

#include "audience/bitmap.h"
#include "audience/bitmap_format.h"
#include "base/compat.h"

static void
release_bitmap(void *arg)
{
	cdp_audience_free_bitmap((CdpBitmap *) arg);
}

/* A registered handle that owns nothing yet. */
static CdpBitmap *
make_handle(MemoryContext context)
{
	CdpBitmap  *bitmap = MemoryContextAllocZero(context, sizeof(CdpBitmap));

	bitmap->release.func = release_bitmap;
	bitmap->release.arg = bitmap;
	MemoryContextRegisterResetCallback(context, &bitmap->release);
	return bitmap;
}

static void
check_memory(const void *allocated)
{
	if (allocated == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Could not allocate a bitmap.")));
}

/* No runs; see above. */
static void
settle_set(roaring_bitmap_t *set)
{
	roaring_bitmap_remove_run_compression(set);
}

/* See bitmap.h. */
CdpBitmap *
cdp_audience_new_bitmap(MemoryContext context)
{
	CdpBitmap  *bitmap = make_handle(context);

	bitmap->set = roaring_bitmap_create();
	check_memory(bitmap->set);
	return bitmap;
}

/* See bitmap.h. */
CdpBitmap *
cdp_audience_read_bitmap(struct varlena *packed, MemoryContext context)
{
	CdpBitmap  *bitmap = make_handle(context);

	bitmap->set = roaring_bitmap_portable_deserialize_safe(VARDATA(packed),
														   VARSIZE(packed) - VARHDRSZ);
	check_memory(bitmap->set);
	return bitmap;
}

/* See bitmap.h. */
CdpBitmap *
cdp_audience_combine(CdpSetOperation operation, CdpBitmap *a, CdpBitmap *b,
					 MemoryContext context)
{
	CdpBitmap  *bitmap = make_handle(context);

	bitmap->set = operation(a->set, b->set);
	check_memory(bitmap->set);
	settle_set(bitmap->set);
	return bitmap;
}

/* See bitmap.h. */
void
cdp_audience_add_bitmap(CdpBitmap *bitmap, const CdpBitmap *added)
{
	roaring_bitmap_or_inplace(bitmap->set, added->set);
	settle_set(bitmap->set);
}

/* See bitmap.h. */
void
cdp_audience_keep_bitmap(CdpBitmap *bitmap, const CdpBitmap *kept)
{
	roaring_bitmap_and_inplace(bitmap->set, kept->set);
}

/* See bitmap.h. */
struct varlena *
cdp_audience_write_bitmap(CdpBitmap *bitmap)
{
	size_t		size;
	struct varlena *packed;

	size = roaring_bitmap_portable_size_in_bytes(bitmap->set);
	packed = palloc(size + VARHDRSZ);
	SET_VARSIZE(packed, size + VARHDRSZ);
	roaring_bitmap_portable_serialize(bitmap->set, VARDATA(packed));
	Assert(cdp_audience_check_bytes((const uint8 *) VARDATA(packed), size) == NULL);
	return packed;
}

/* See bitmap.h. */
void
cdp_audience_free_bitmap(CdpBitmap *bitmap)
{
	if (bitmap->set != NULL)
		roaring_bitmap_free(bitmap->set);
	bitmap->set = NULL;
}

/* See bitmap.h. */
void
cdp_audience_check_ord(int64 value)
{
	if (value < 0 || value > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("value %lld is out of range for type cdp.profile_bitmap",
						(long long) value),
				 errdetail("A bitmap holds numbers from 0 to 2147483647.")));
}
