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

PG_FUNCTION_INFO_V1(cdp__trait_text);

Datum
cdp__trait_text(PG_FUNCTION_ARGS)
{
	Jsonb	   *traits = PG_GETARG_JSONB_P(0);
	text	   *name = PG_GETARG_TEXT_PP(1);
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(traits) ||
		getKeyJsonValueFromContainer(&traits->root, VARDATA_ANY(name),
									 VARSIZE_ANY_EXHDR(name), &value) == NULL)
		PG_RETURN_NULL();
	switch (value.type)
	{
		case jbvString:
			PG_RETURN_TEXT_P(cstring_to_text_with_len(value.val.string.val,
													  value.val.string.len));
		case jbvNumeric:
			PG_RETURN_TEXT_P(cstring_to_text(DatumGetCString(
				DirectFunctionCall1(numeric_out,
									NumericGetDatum(value.val.numeric)))));
		case jbvBool:
			PG_RETURN_TEXT_P(cstring_to_text(value.val.boolean ? "true" : "false"));
		default:
			PG_RETURN_NULL();
	}
}
