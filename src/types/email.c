/*
 * email.c
 *		Input of the type cdp.email.
 *
 * Everything but input and recv is the server's own: see types.h.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "norm/norm.h"

PG_FUNCTION_INFO_V1(cdp_email_in);
PG_FUNCTION_INFO_V1(cdp_email_recv);

/* The value that these bytes mean, or an error. */
static Datum
make_email(const char *s, int len)
{
	const char *reason;
	StringInfoData out;

	cdp_norm_check_encoding();
	initStringInfo(&out);
	if (!cdp_norm_email(s, len, &out, &reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"",
						"cdp.email", s),
				 errdetail("%s", reason)));
	return PointerGetDatum(cstring_to_text_with_len(out.data, out.len));
}

/* Text to email. */
Datum
cdp_email_in(PG_FUNCTION_ARGS)
{
	char	   *s = PG_GETARG_CSTRING(0);

	return make_email(s, strlen(s));
}

/* Bytes from a client, in its encoding, to email; trusted no more than text. */
Datum
cdp_email_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int			len;
	char	   *s = pq_getmsgtext(buffer, buffer->len - buffer->cursor, &len);

	return make_email(s, len);
}
