/*
 * identifier_key.c
 *		The type cdp.identifier_key: an identifier in one word.
 *
 *	 email:ann@example.com			a type and a value that mean the same
 *									everywhere
 *	 crm_id:salesforce/0031			a value that means something within its
 *									scope, the source salesforce, only
 *
 * Any value and any scope can be written, and each key in one way only:
 *
 *	key			= type ":" value			global, no "/" in the value
 *				| type ":/" value			global, "/" in the value
 *				| type ":" scope "/" value
 *	type		= [a-z][a-z0-9_]*
 *	scope		= any text, with "%" written "%25" and "/" written "%2F"
 *	value		= any text, as it is
 *
 * So the type ends at the first ":", the scope at the first "/" after it, and
 * the value is the rest, whatever it holds: page:/shop/a:b, order_id:till 2/7,
 * crm_id:a%2Fb/c for the value c in the scope a/b.
 *
 * The type is syntax only: it knows nothing of the identifier types of a
 * store and does not normalise the value; functions that take a key do, by
 * the type it names.  Keys sort by the bytes of this form.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "norm/norm.h"
#include "types/types.h"

static const char wrong_form[] =
	"An identifier key is written \"type:value\" or \"type:scope/value\".";
static const char wrong_type[] =
	"An identifier type is a lower-case letter, then lower-case letters, digits and underscores, at most 63 in all.";
static const char wrong_escape[] =
	"In the scope of an identifier key \"%\" is written \"%25\" and \"/\" is written \"%2F\".";
static const char too_long_scope[] =
	"The scope of an identifier key has at most 255 bytes.";
static const char wrong_value[] =
	"The value of an identifier key has 1 to 1024 bytes.";

PG_FUNCTION_INFO_V1(cdp_identifier_key_in);
PG_FUNCTION_INFO_V1(cdp_identifier_key_recv);
PG_FUNCTION_INFO_V1(cdp_identifier_key);
PG_FUNCTION_INFO_V1(cdp_key_type);
PG_FUNCTION_INFO_V1(cdp_key_scope);
PG_FUNCTION_INFO_V1(cdp_key_value);

static bool
is_type_name(const char *s, int len)
{
	if (len < 1 || len > CDP_KEY_MAX_TYPE || s[0] < 'a' || s[0] > 'z')
		return false;
	for (int i = 1; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
			  (s[i] >= '0' && s[i] <= '9') || s[i] == '_'))
			return false;
	return true;
}

/* The rule that these parts break, or NULL. */
static const char *
find_fault(const CdpKeyParts *parts)
{
	if (!is_type_name(parts->type, parts->type_length))
		return wrong_type;
	if (parts->scope_length > CDP_KEY_MAX_SCOPE)
		return too_long_scope;
	if (parts->value_length < 1 ||
		parts->value_length > CDP_NORM_MAX_IDENTIFIER)
		return wrong_value;
	return NULL;
}

/* Undo the escapes of a scope; NULL if there is one that is none. */
static char *
unescape_scope(const char *s, int len, int *scope_length)
{
	char	   *scope = palloc(len + 1);
	int			length = 0;

	for (int i = 0; i < len; i++)
	{
		if (s[i] != '%')
		{
			scope[length++] = s[i];
			continue;
		}
		if (i + 2 >= len || s[i + 1] != '2' ||
			(s[i + 2] != '5' && s[i + 2] != 'F' && s[i + 2] != 'f'))
			return NULL;
		scope[length++] = s[i + 2] == '5' ? '%' : '/';
		i += 2;
	}
	scope[length] = '\0';
	*scope_length = length;
	return scope;
}

/* Take the text form of a key apart. */
bool
cdp_types_split_key(const char *s, int len, CdpKeyParts *parts,
					const char **reason)
{
	const char *colon = memchr(s, ':', len);
	const char *rest;
	const char *slash;

	*reason = wrong_form;
	if (colon == NULL)
		return false;
	rest = colon + 1;
	slash = memchr(rest, '/', s + len - rest);
	parts->type = s;
	parts->type_length = colon - s;
	parts->scope = "";
	parts->scope_length = 0;
	parts->value = slash != NULL ? slash + 1 : rest;
	parts->value_length = s + len - parts->value;
	if (slash != NULL && memchr(rest, '%', slash - rest) != NULL)
	{
		*reason = wrong_escape;
		parts->scope = unescape_scope(rest, slash - rest,
									  &parts->scope_length);
		if (parts->scope == NULL)
			return false;
	}
	else if (slash != NULL)
	{
		parts->scope = rest;
		parts->scope_length = slash - rest;
	}
	*reason = find_fault(parts);
	return *reason == NULL;
}

/* Append the text form of these parts. */
bool
cdp_types_join_key(const CdpKeyParts *parts, StringInfo out,
				   const char **reason)
{
	*reason = find_fault(parts);
	if (*reason != NULL)
		return false;
	appendBinaryStringInfo(out, parts->type, parts->type_length);
	appendStringInfoChar(out, ':');
	for (int i = 0; i < parts->scope_length; i++)
	{
		if (parts->scope[i] == '%')
			appendStringInfoString(out, "%25");
		else if (parts->scope[i] == '/')
			appendStringInfoString(out, "%2F");
		else
			appendStringInfoChar(out, parts->scope[i]);
	}
	if (parts->scope_length > 0 ||
		memchr(parts->value, '/', parts->value_length) != NULL)
		appendStringInfoChar(out, '/');
	appendBinaryStringInfo(out, parts->value, parts->value_length);
	return true;
}

/* The value that these bytes mean, in its one form, or an error. */
static Datum
make_key(const char *s, int len)
{
	CdpKeyParts parts;
	const char *reason;
	StringInfoData out;

	initStringInfo(&out);
	if (!cdp_types_split_key(s, len, &parts, &reason) ||
		!cdp_types_join_key(&parts, &out, &reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"",
						"cdp.identifier_key", s),
				 errdetail_internal("%s", reason)));
	return PointerGetDatum(cstring_to_text_with_len(out.data, out.len));
}

/* Text to key. */
Datum
cdp_identifier_key_in(PG_FUNCTION_ARGS)
{
	char	   *s = PG_GETARG_CSTRING(0);

	return make_key(s, strlen(s));
}

/* Bytes from a client, in its encoding, to key; trusted no more than text. */
Datum
cdp_identifier_key_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int			len;
	char	   *s = pq_getmsgtext(buffer, buffer->len - buffer->cursor, &len);

	return make_key(s, len);
}

/* cdp.identifier_key(type, value, scope) */
Datum
cdp_identifier_key(PG_FUNCTION_ARGS)
{
	text	   *type = PG_GETARG_TEXT_PP(0);
	text	   *value = PG_GETARG_TEXT_PP(1);
	text	   *scope = PG_GETARG_TEXT_PP(2);
	CdpKeyParts parts = {
		VARDATA_ANY(type), VARSIZE_ANY_EXHDR(type),
		VARDATA_ANY(scope), VARSIZE_ANY_EXHDR(scope),
		VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)
	};
	const char *reason;
	StringInfoData out;

	initStringInfo(&out);
	if (!cdp_types_join_key(&parts, &out, &reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid part of an identifier key: type \"%s\", scope \"%s\", value \"%s\"",
						text_to_cstring(type), text_to_cstring(scope),
						text_to_cstring(value)),
				 errdetail_internal("%s", reason)));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* The parts of argument 0, which is a key already. */
static CdpKeyParts
split_argument(FunctionCallInfo fcinfo)
{
	text	   *key = PG_GETARG_TEXT_PP(0);
	CdpKeyParts parts;
	const char *reason;

	if (!cdp_types_split_key(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key),
							 &parts, &reason))
		elog(ERROR, "invalid identifier key: %s", reason);
	return parts;
}

/* cdp.key_type(key) */
Datum
cdp_key_type(PG_FUNCTION_ARGS)
{
	CdpKeyParts parts = split_argument(fcinfo);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(parts.type, parts.type_length));
}

/* cdp.key_scope(key) */
Datum
cdp_key_scope(PG_FUNCTION_ARGS)
{
	CdpKeyParts parts = split_argument(fcinfo);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(parts.scope,
											  parts.scope_length));
}

/* cdp.key_value(key) */
Datum
cdp_key_value(PG_FUNCTION_ARGS)
{
	CdpKeyParts parts = split_argument(fcinfo);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(parts.value,
											  parts.value_length));
}
