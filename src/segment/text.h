/*
 * text.h
 *		Texts: patterns, case, length, parts; UTF-8, whatever the locale.
 */
#ifndef CDP_SEGMENT_TEXT_H
#define CDP_SEGMENT_TEXT_H

/*
 * SQL's LIKE: % any characters, _ one character, \ takes the next one as it
 * is.  Time is at most text times pattern, whatever the pattern.
 */
extern bool cdp_segment_like(const char *text, int length,
							 const char *pattern, int pattern_length);

/* Lower case by Unicode's rules without a language; palloc'd. */
extern char *cdp_segment_lower(const char *text, int length, int *lower_length);

extern int	cdp_segment_characters(const char *text, int length);
extern bool cdp_segment_has_part(const char *text, int length,
								 const char *part, int part_length);

#endif							/* CDP_SEGMENT_TEXT_H */
