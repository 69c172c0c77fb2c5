/*
 * bitmap_format.h
 *		The bytes of a cdp.profile_bitmap; see bitmap_format.c.
 */
#ifndef CDP_AUDIENCE_BITMAP_FORMAT_H
#define CDP_AUDIENCE_BITMAP_FORMAT_H

/*
 * NULL if the bytes are a whole, well-formed bitmap of numbers that fit a
 * positive int4; otherwise the rule that they break.
 */
extern const char *cdp_audience_check_bytes(const uint8 *bytes, size_t size);

/* How many numbers are in well-formed bytes. */
extern int64 cdp_audience_count_bytes(const uint8 *bytes);

/* Is value in well-formed bytes? */
extern bool cdp_audience_probe_bytes(const uint8 *bytes, uint32 value);

#endif							/* CDP_AUDIENCE_BITMAP_FORMAT_H */
