/*
 * predicate_json.h
 *		What writing predicates as JSON and reading them share.
 */
#ifndef CDP_SEGMENT_PREDICATE_JSON_H
#define CDP_SEGMENT_PREDICATE_JSON_H

#include "utils/jsonb.h"

#include "segment/ast.h"

/* In the order of CdpCompare, CdpContains, CdpIs and CdpWindowKind. */
extern const char *const cdp_segment_compare_names[6];
extern const char *const cdp_segment_contains_names[3];
extern const char *const cdp_segment_is_names[4];
extern const char *const cdp_segment_window_names[8];

#endif							/* CDP_SEGMENT_PREDICATE_JSON_H */
