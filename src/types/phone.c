/*
 * phone.c
 *		Input of the type cdp.phone.
 *
 * A type has no region, so only numbers in international format are
 * understood: "+", country code, number, with any punctuation.
 *
 * What a column gave out it must take back, or a dump could not be restored.
 * A number that was possible once may be impossible by the time of the
 * restore, when its country has moved on to longer numbers.  So what has the
 * form of E.164 to the letter is accepted even where its plan says no.
 *
 * Everything but input and recv is the server's own: see types.h.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "norm/norm.h"

PG_FUNCTION_INFO_V1(cdp_phone_in);
PG_FUNCTION_INFO_V1(cdp_phone_recv);

/* The value that these bytes mean, or an error. */
static Datum
make_phone(const char *s, int len)
{
	const char *reason;
	StringInfoData out;

	cdp_norm_check_encoding();
	initStringInfo(&out);
	if (cdp_norm_phone(s, len, NULL, &out, &reason))
		return PointerGetDatum(cstring_to_text_with_len(out.data, out.len));
	if (cdp_norm_is_e164(s, len))
		return PointerGetDatum(cstring_to_text_with_len(s, len));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"",
					"cdp.phone", s),
			 errdetail("%s", reason),
			 reason != cdp_norm_region_missing ? 0 :
			 errhint("Use cdp.normalise_phone(value, region) for numbers in national format.")));
}

/* Text to phone. */
Datum
cdp_phone_in(PG_FUNCTION_ARGS)
{
	char	   *s = PG_GETARG_CSTRING(0);

	return make_phone(s, strlen(s));
}

/* Bytes from a client, in its encoding, to phone; trusted no more than text. */
Datum
cdp_phone_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int			len;
	char	   *s = pq_getmsgtext(buffer, buffer->len - buffer->cursor, &len);

	return make_phone(s, len);
}
