/*
 * bitmap.h
 *		Roaring bitmaps in PostgreSQL's memory contexts; see bitmap.c.
 */
#ifndef CDP_AUDIENCE_BITMAP_H
#define CDP_AUDIENCE_BITMAP_H

#include <roaring/roaring.h>

/* A bitmap that is freed with the memory context it was made in. */
typedef struct CdpBitmap
{
	roaring_bitmap_t *set;		/* NULL once freed */
	MemoryContextCallback release;
} CdpBitmap;

/* The context of the aggregate that calls; raises for any other caller. */
extern MemoryContext cdp_audience_aggregate_context(FunctionCallInfo fcinfo);

/* The empty bitmap. */
extern CdpBitmap *cdp_audience_new_bitmap(MemoryContext context);

/* Unpack a cdp.profile_bitmap (detoasted, not packed). */
extern CdpBitmap *cdp_audience_read_bitmap(struct varlena *packed,
										   MemoryContext context);

/* A function of the library that makes a new set of two. */
typedef roaring_bitmap_t *(*CdpSetOperation) (const roaring_bitmap_t *,
											  const roaring_bitmap_t *);

extern CdpBitmap *cdp_audience_combine(CdpSetOperation operation,
									   CdpBitmap *a, CdpBitmap *b,
									   MemoryContext context);

/* Union and intersection in place. */
extern void cdp_audience_add_bitmap(CdpBitmap *bitmap, const CdpBitmap *added);
extern void cdp_audience_keep_bitmap(CdpBitmap *bitmap, const CdpBitmap *kept);

/* Pack into a cdp.profile_bitmap: equal sets give equal bytes. */
extern struct varlena *cdp_audience_write_bitmap(CdpBitmap *bitmap);

/* Free before the context goes. */
extern void cdp_audience_free_bitmap(CdpBitmap *bitmap);

/* Raises unless value can be an ord. */
extern void cdp_audience_check_ord(int64 value);

#define PG_GETARG_BITMAP(n) PG_DETOAST_DATUM(PG_GETARG_DATUM(n))

#endif							/* CDP_AUDIENCE_BITMAP_H */
