/*
 * predicate.h
 *		Values of the SQL type cdp.predicate: canonical text.
 */
#ifndef CDP_SEGMENT_PREDICATE_H
#define CDP_SEGMENT_PREDICATE_H

/* predicate.c: the value of a text; raises what the parser raises. */
extern text *cdp_segment_predicate_from_text(const char *source, int length);

#endif							/* CDP_SEGMENT_PREDICATE_H */
