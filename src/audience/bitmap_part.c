/*
 * bitmap_part.c
 *		A bitmap in parts, so that one number is looked for in one of them.
 *
 * A view that lists members must list all of a bitmap, or only one that is
 * asked for, and the planner cannot choose between two ways to make a list.
 * But it can join a part, by its key, with the row of the one profile before
 * it lists the part.  So a list is made part by part; a part is a container,
 * the numbers that have the upper 16 bits in common, and is copied as it is.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"

#include "audience/bitmap.h"
#include "audience/bitmap_format.h"
#include "base/compat.h"

PG_FUNCTION_INFO_V1(cdp__bitmap_parts);

/* A bitmap of one container: a header of 16 bytes, as bitmap_format.c draws. */
static struct varlena *
make_part(const uint8 *bytes, const CdpBitmapHeader *header, uint32 i)
{
	const uint32 containers = 1;
	const uint32 offset = 16;
	uint32		count = cdp_bitmap_count(header, i);
	Size		size = count > CDP_BITMAP_ARRAY_MAX ? CDP_BITMAP_BITSET_BYTES :
		count * sizeof(uint16);
	struct varlena *part = palloc(VARHDRSZ + offset + size);
	char	   *at = VARDATA(part);

	SET_VARSIZE(part, VARHDRSZ + offset + size);
	memcpy(at, bytes, 4);		/* the cookie */
	memcpy(at + 4, &containers, 4);
	memcpy(at + 8, header->keys + 4 * (Size) i, 4);
	memcpy(at + 12, &offset, 4);
	memcpy(at + offset, bytes + cdp_bitmap_offset(header, i), size);
	return part;
}

/* cdp._bitmap_parts(bitmap) */
Datum
cdp__bitmap_parts(PG_FUNCTION_ARGS)
{
	struct varlena *packed = PG_GETARG_BITMAP(0);
	const uint8 *bytes = (const uint8 *) VARDATA(packed);
	CdpBitmapHeader header = cdp_bitmap_header(bytes);
	ReturnSetInfo *result;

	InitMaterializedSRF(fcinfo, 0);
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	for (uint32 i = 0; i < header.containers; i++)
	{
		bool		nulls[2] = {false, false};
		struct varlena *part = make_part(bytes, &header, i);
		Datum		values[2];

		values[0] = Int32GetDatum((int32) cdp_bitmap_key(&header, i));
		values[1] = PointerGetDatum(part);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		pfree(part);
	}
	return (Datum) 0;
}
