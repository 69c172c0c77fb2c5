/*
 * json_field.h
 *		Read the fields of a type that is written as a JSON object.
 */
#ifndef CDP_MODEL_JSON_FIELD_H
#define CDP_MODEL_JSON_FIELD_H

#include "utils/jsonb.h"

/* A text given as a value of type_name, and what it parsed to. */
typedef struct CdpJsonObject
{
	const char *type_name;
	const char *text;			/* the whole input, for messages */
	JsonbContainer *fields;
} CdpJsonObject;

extern void cdp_model_json_open(CdpJsonObject *object, const char *text,
								const char *type_name);

/* An object in a field; its fields member is NULL if there is none. */
extern void cdp_model_json_open_field(const CdpJsonObject *object,
									  const char *name, CdpJsonObject *inner);

/* Every field must be one of the names. */
extern void cdp_model_json_check_names(const CdpJsonObject *object,
									   const char *const *names, int nnames);

/* The field, or NULL if absent or null. */
extern JsonbValue *cdp_model_json_find(const CdpJsonObject *object,
									   const char *name);

/* False if absent; raises unless a finite number. */
extern bool cdp_model_json_number(const CdpJsonObject *object,
								  const char *name, double *value);

/* NULL if absent; raises unless a string. */
extern char *cdp_model_json_string(const CdpJsonObject *object,
								   const char *name);

/* A number that is an element of an array. */
extern double cdp_model_json_element(const CdpJsonObject *object,
									 JsonbValue *value);

/* Raise: the input is not of the type, because of detail. */
extern void cdp_model_json_fail(const CdpJsonObject *object,
								const char *detail,...)
			pg_attribute_noreturn() pg_attribute_printf(2, 3);

/* Append a number so that reading it back gives the same double. */
extern void cdp_model_json_append(StringInfo out, double value);

/* A length of time: microseconds to text and back. */
extern char *cdp_model_unit_text(int64 unit_us);
extern int64 cdp_model_unit_us(const CdpJsonObject *object, const char *text);

#endif							/* CDP_MODEL_JSON_FIELD_H */
