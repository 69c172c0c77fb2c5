/*
 * bitmap_format.h
 *		The bytes of a cdp.profile_bitmap; see bitmap_format.c.
 */
#ifndef CDP_AUDIENCE_BITMAP_FORMAT_H
#define CDP_AUDIENCE_BITMAP_FORMAT_H

#define CDP_BITMAP_ARRAY_MAX 4096	/* a container of more is a bitset */
#define CDP_BITMAP_BITSET_BYTES 8192

/* Where the parts of the header are. */
typedef struct CdpBitmapHeader
{
	uint32		containers;
	const uint8 *keys;			/* pairs of key and count - 1 */
	const uint8 *offsets;
	size_t		size;			/* bytes up to the first container */
} CdpBitmapHeader;

/*
 * NULL if the bytes are a whole, well-formed bitmap of numbers that fit a
 * positive int4; otherwise the rule that they break.
 */
extern const char *cdp_audience_check_bytes(const uint8 *bytes, size_t size);

/* How many numbers are in well-formed bytes. */
extern int64 cdp_audience_count_bytes(const uint8 *bytes);

/* Is value in well-formed bytes? */
extern bool cdp_audience_probe_bytes(const uint8 *bytes, uint32 value);

/* How many numbers are in both of two well-formed bitmaps. */
extern int64 cdp_audience_count_both(const uint8 *a, const uint8 *b);

/* Nothing here is aligned: a container begins at any even byte. */
static inline uint16
cdp_bitmap_uint16(const uint8 *at)
{
	uint16		value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline uint32
cdp_bitmap_uint32(const uint8 *at)
{
	uint32		value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline uint64
cdp_bitmap_uint64(const uint8 *at)
{
	uint64		value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline uint32
cdp_bitmap_key(const CdpBitmapHeader *header, uint32 i)
{
	return cdp_bitmap_uint16(header->keys + 4 * (size_t) i);
}

static inline uint32
cdp_bitmap_count(const CdpBitmapHeader *header, uint32 i)
{
	return cdp_bitmap_uint16(header->keys + 4 * (size_t) i + 2) + 1;
}

static inline uint32
cdp_bitmap_offset(const CdpBitmapHeader *header, uint32 i)
{
	return cdp_bitmap_uint32(header->offsets + 4 * (size_t) i);
}

/* Where the parts are of a header that begins as it should. */
static inline CdpBitmapHeader
cdp_bitmap_header(const uint8 *bytes)
{
	CdpBitmapHeader header;

	header.containers = cdp_bitmap_uint32(bytes + 4);
	header.keys = bytes + 8;
	header.offsets = header.keys + 4 * (size_t) header.containers;
	header.size = 8 + 8 * (size_t) header.containers;
	return header;
}

#endif							/* CDP_AUDIENCE_BITMAP_FORMAT_H */
