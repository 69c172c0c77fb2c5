/*
 * predicate.h
 *		Values of the SQL type cdp.predicate: canonical text.
 */
#ifndef CDP_SEGMENT_PREDICATE_H
#define CDP_SEGMENT_PREDICATE_H

#include "utils/array.h"

/* predicate.c: the value of a text; raises what the parser raises. */
extern text *cdp_segment_predicate_from_text(const char *source, int length);

/* The predicates of an array; a NULL among them is an error. */
extern text **cdp_segment_predicates(ArrayType *array, int *count);

/* For those who keep what they made of a value as long as it is the same. */
extern struct varlena *cdp_segment_copy(const struct varlena *from);
extern bool cdp_segment_is_equal(const struct varlena *a,
								 const struct varlena *b);

#endif							/* CDP_SEGMENT_PREDICATE_H */
