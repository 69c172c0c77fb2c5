/*
 * json_call.h
 *		Nodes of a predicate in JSON, {"op": ..., "args": [...]}, taken apart.
 *
 * Whatever is wrong raises invalid_text_representation and says where, as
 * SQL/JSON paths do: $.args[1].op.
 */
#ifndef CDP_SEGMENT_JSON_CALL_H
#define CDP_SEGMENT_JSON_CALL_H

#include "utils/jsonb.h"

#define CDP_JSON_MANY PG_INT32_MAX	/* arguments: no limit */

/* Where a value stands: under a key, or at an index of the args. */
typedef struct CdpJsonPlace
{
	const struct CdpJsonPlace *parent; /* NULL: the whole */
	const char *key;			/* NULL: index */
	int			index;
} CdpJsonPlace;

/* An object with op and args, taken apart. */
typedef struct CdpJsonCall
{
	CdpJsonPlace place;
	const char *op;
	JsonbContainer *json;
	int			nargs;
	JsonbValue *args;
} CdpJsonCall;

/* Raise an error about that place; detail is a sentence. */
extern void cdp_segment_json_refuse(const CdpJsonPlace *place,
									const char *detail) pg_attribute_noreturn();

/* Raise: the op is no such thing. */
extern void cdp_segment_json_refuse_op(const CdpJsonCall *call,
									   const char *what) pg_attribute_noreturn();

extern CdpJsonPlace cdp_segment_json_key(const CdpJsonCall *call,
										 const char *key);
extern CdpJsonPlace cdp_segment_json_arg(const CdpJsonCall *call, int index);

/* A value that must be a text, an object; expected is for the error. */
extern char *cdp_segment_json_text(const JsonbValue *json,
								   const CdpJsonPlace *place,
								   const char *expected);
extern CdpJsonCall *cdp_segment_json_open(const JsonbValue *json,
										  const CdpJsonPlace *place,
										  const char *expected);

/* The value of a key beside op and args; false: it is not there. */
extern bool cdp_segment_json_get(const CdpJsonCall *call, const char *key,
								 JsonbValue *found);

/* Raise unless only these keys, or NULL, are beside op and args. */
extern void cdp_segment_json_check_keys(const CdpJsonCall *call,
										const char *key, const char *other);

extern void cdp_segment_json_check_count(const CdpJsonCall *call, int least,
										 int most);

#endif							/* CDP_SEGMENT_JSON_CALL_H */
