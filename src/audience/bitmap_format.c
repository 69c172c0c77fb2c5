/*
 * bitmap_format.c
 *		The bytes of a cdp.profile_bitmap: checked, counted and probed in place.
 *
 * A profile_bitmap holds the portable serialisation of a roaring bitmap
 * (RoaringFormatSpec), little-endian, without run containers.  The numbers are
 * split by their upper 16 bits, the key, into containers that hold the lower
 * 16 bits:
 *
 *		uint32		cookie = 12346
 *		uint32		n, number of containers
 *		n times		uint16 key, uint16 count - 1; keys ascend
 *		n times		uint32 offset of the container from the first byte
 *		n times		a container:
 *			count <= 4096	an array: count times uint16, ascending
 *			count > 4096	a bitset: 8192 bytes
 *
 * So a set has one way to be written, and equal sets have equal bytes.
 *
 * Why no runs.  Debian's library (0.2.66) writes past the end of an array
 * when it turns a container of runs that holds 65535 into an array, which it
 * does in unions and differences: a crash that any user could cause.  A set
 * without runs never gets there, and costs at most 128 kB for a million
 * profiles.  (bitmap.c sees to it that the library makes none itself.)
 *
 * The library's safe deserialiser keeps inside the buffer but believes what
 * it reads there: keys out of order, or a count that its container does not
 * have, make it answer nonsense later.  So what comes from outside (recv; text
 * input builds its own bytes) passes cdp_audience_check_bytes() first, which
 * believes nothing.  After that the bytes can be counted from the headers
 * alone, and asked for one number with two binary searches.
 *
 * Pure: no memory is allocated and no error raised here.
 */
#include "postgres.h"

#include "port/pg_bitutils.h"

#include "audience/bitmap_format.h"

#ifdef WORDS_BIGENDIAN
#error "the roaring library's format is little-endian"
#endif

#define COOKIE 12346
#define MAX_CONTAINERS 32768	/* so that every number fits an int4 */
#define MAX_KEY (MAX_CONTAINERS - 1)

static bool
begins_with_header(const uint8 *bytes, size_t size)
{
	return size >= 8 && cdp_bitmap_uint32(bytes) == COOKIE &&
		cdp_bitmap_uint32(bytes + 4) <= MAX_CONTAINERS &&
		cdp_bitmap_header(bytes).size <= size;
}

static const char *
check_array(const uint8 *container, uint32 count)
{
	for (uint32 i = 1; i < count; i++)
		if (cdp_bitmap_uint16(container + 2 * i) <=
			cdp_bitmap_uint16(container + 2 * (i - 1)))
			return "The numbers of a container ascend.";
	return NULL;
}

static const char *
check_bitset(const uint8 *container, uint32 count)
{
	if (pg_popcount((const char *) container, CDP_BITMAP_BITSET_BYTES) != count)
		return "A container holds as many numbers as its header says.";
	return NULL;
}

/* Check container i, which begins at *at, and move *at past it. */
static const char *
check_container(const CdpBitmapHeader *header, uint32 i, const uint8 *bytes,
				size_t size, size_t *at)
{
	const uint8 *container = bytes + *at;
	uint32		count = cdp_bitmap_count(header, i);
	size_t		needed = count <= CDP_BITMAP_ARRAY_MAX ? 2 * (size_t) count :
		CDP_BITMAP_BITSET_BYTES;

	if (cdp_bitmap_key(header, i) > MAX_KEY ||
		(i > 0 && cdp_bitmap_key(header, i) <= cdp_bitmap_key(header, i - 1)))
		return "The keys of the containers ascend, and numbers are below 2147483648.";
	if (cdp_bitmap_offset(header, i) != *at)
		return "The offset of a container is where it begins.";
	if (size - *at < needed)
		return "The bytes end with the last container.";
	*at += needed;
	return count <= CDP_BITMAP_ARRAY_MAX ? check_array(container, count) :
		check_bitset(container, count);
}

/* See bitmap_format.h. */
const char *
cdp_audience_check_bytes(const uint8 *bytes, size_t size)
{
	CdpBitmapHeader header;
	size_t		at;

	if (!begins_with_header(bytes, size))
		return "The bytes begin with the header of a roaring bitmap without runs.";
	header = cdp_bitmap_header(bytes);
	at = header.size;
	for (uint32 i = 0; i < header.containers; i++)
	{
		const char *broken = check_container(&header, i, bytes, size, &at);

		if (broken != NULL)
			return broken;
	}
	if (at != size)
		return "The bytes end with the last container.";
	return NULL;
}

/* See bitmap_format.h. */
int64
cdp_audience_count_bytes(const uint8 *bytes)
{
	CdpBitmapHeader header = cdp_bitmap_header(bytes);
	int64		count = 0;

	for (uint32 i = 0; i < header.containers; i++)
		count += cdp_bitmap_count(&header, i);
	return count;
}

static bool
probe_array(const uint8 *container, uint32 count, uint16 low)
{
	uint32		from = 0;
	uint32		to = count;

	while (from < to)
	{
		uint32		middle = (from + to) / 2;

		if (cdp_bitmap_uint16(container + 2 * middle) < low)
			from = middle + 1;
		else
			to = middle;
	}
	return from < count && cdp_bitmap_uint16(container + 2 * from) == low;
}

/* See bitmap_format.h. */
bool
cdp_audience_probe_bytes(const uint8 *bytes, uint32 value)
{
	CdpBitmapHeader header = cdp_bitmap_header(bytes);
	uint32		key = value >> 16;
	uint16		low = value & 0xFFFF;
	uint32		from = 0;
	uint32		to;
	const uint8 *container;

	to = header.containers;
	while (from < to)
	{
		uint32		middle = (from + to) / 2;

		if (cdp_bitmap_key(&header, middle) < key)
			from = middle + 1;
		else
			to = middle;
	}
	if (from == header.containers || cdp_bitmap_key(&header, from) != key)
		return false;
	container = bytes + cdp_bitmap_offset(&header, from);
	if (cdp_bitmap_count(&header, from) <= CDP_BITMAP_ARRAY_MAX)
		return probe_array(container, cdp_bitmap_count(&header, from), low);
	return (container[low / 8] & (1 << (low % 8))) != 0;
}
