/*
 * trait_text.c
 *		cdp._trait_text(traits, name): a trait as a column shows it.
 *
 * A string, number or boolean is text; an array, object or null is NULL: a
 * column shows values, never a piece of JSON.  The unified profile calls this
 * a dozen times a row, so it goes straight to the key.
 */
#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "profile/profile.h"

PG_FUNCTION_INFO_V1(cdp__trait_text);

/* See profile.h. */
text *
cdp_profile_trait_text(Jsonb *traits, const char *name, int len)
{
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(traits) ||
		getKeyJsonValueFromContainer(&traits->root, name, len, &value) == NULL)
		return NULL;
	switch (value.type)
	{
		case jbvString:
			return cstring_to_text_with_len(value.val.string.val,
											value.val.string.len);
		case jbvNumeric:
			return cstring_to_text(DatumGetCString(
				DirectFunctionCall1(numeric_out,
									NumericGetDatum(value.val.numeric))));
		case jbvBool:
			return cstring_to_text(value.val.boolean ? "true" : "false");
		default:
			return NULL;
	}
}

Datum
cdp__trait_text(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(1);
	text	   *value = cdp_profile_trait_text(PG_GETARG_JSONB_P(0),
											   VARDATA_ANY(name),
											   VARSIZE_ANY_EXHDR(name));

	if (value == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(value);
}
