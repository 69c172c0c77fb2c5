/*
 * bitmap_type.c
 *		The type cdp.profile_bitmap in and out, as text and as bytes.
 *
 * Text is that of an array of integers, {1,2,5}, in any order on the way in.
 * Bytes are the portable format of bitmap_format.c; recv believes none of
 * them before they are checked.
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "audience/bitmap.h"
#include "audience/bitmap_format.h"
#include "base/compat.h"

#define INTERRUPT_EVERY 65536

PG_FUNCTION_INFO_V1(cdp_profile_bitmap_in);
PG_FUNCTION_INFO_V1(cdp_profile_bitmap_out);
PG_FUNCTION_INFO_V1(cdp_profile_bitmap_recv);
PG_FUNCTION_INFO_V1(cdp_profile_bitmap_send);

static void
raise_syntax_error(const char *text)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type cdp.profile_bitmap: \"%.*s\"",
					pg_mbcliplen(text, strlen(text), 60), text),
			 errdetail("A bitmap is whole numbers in braces, such as {1,2,5}.")));
}

static const char *
skip_space(const char *at)
{
	while (isspace((unsigned char) *at))
		at++;
	return at;
}

/* Read one number and move *at past it. */
static uint32
parse_number(const char *text, const char **at)
{
	int64		value = 0;
	const char *digit = skip_space(*at);

	if (!isdigit((unsigned char) *digit))
		raise_syntax_error(text);
	for (; isdigit((unsigned char) *digit); digit++)
	{
		value = value * 10 + (*digit - '0');
		cdp_audience_check_ord(value);
	}
	*at = skip_space(digit);
	return (uint32) value;
}

Datum
cdp_profile_bitmap_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const char *at = skip_space(text);
	CdpBitmap  *bitmap = cdp_audience_new_bitmap(CurrentMemoryContext);
	struct varlena *packed;

	if (*at++ != '{')
		raise_syntax_error(text);
	at = skip_space(at);
	for (int64 n = 1; *at != '}'; n++)
	{
		roaring_bitmap_add(bitmap->set, parse_number(text, &at));
		if (*at == ',')
			at = skip_space(at + 1);
		else if (*at != '}')
			raise_syntax_error(text);
		if (*at == '}' && at[-1] == ',')
			raise_syntax_error(text);
		if (n % INTERRUPT_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
	}
	if (*skip_space(at + 1) != '\0')
		raise_syntax_error(text);
	packed = cdp_audience_write_bitmap(bitmap);
	cdp_audience_free_bitmap(bitmap);
	PG_RETURN_POINTER(packed);
}

Datum
cdp_profile_bitmap_out(PG_FUNCTION_ARGS)
{
	CdpBitmap  *bitmap = cdp_audience_read_bitmap(PG_GETARG_BITMAP(0),
												  CurrentMemoryContext);
	roaring_uint32_iterator_t members;
	StringInfoData text;
	char		number[12];

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	roaring_init_iterator(bitmap->set, &members);
	for (int64 n = 1; members.has_value; n++)
	{
		if (n > 1)
			appendStringInfoChar(&text, ',');
		appendBinaryStringInfo(&text, number,
							   pg_ultoa_n(members.current_value, number));
		roaring_advance_uint32_iterator(&members);
		if (n % INTERRUPT_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(&text, '}');
	cdp_audience_free_bitmap(bitmap);
	PG_RETURN_CSTRING(text.data);
}

/* Bytes from outside must be well-formed. */
static void
check_received(const char *bytes, int size)
{
	const char *broken = cdp_audience_check_bytes((const uint8 *) bytes, size);

	if (broken != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary value for type cdp.profile_bitmap"),
				 errdetail("%s", broken)));
}

Datum
cdp_profile_bitmap_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			size = message->len - message->cursor;
	const char *bytes = pq_getmsgbytes(message, size);
	struct varlena *received = palloc(size + VARHDRSZ);

	check_received(bytes, size);
	SET_VARSIZE(received, size + VARHDRSZ);
	memcpy(VARDATA(received), bytes, size);
	PG_RETURN_POINTER(received);
}

Datum
cdp_profile_bitmap_send(PG_FUNCTION_ARGS)
{
	struct varlena *packed = PG_GETARG_BITMAP(0);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbytes(&message, VARDATA(packed), VARSIZE(packed) - VARHDRSZ);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}
