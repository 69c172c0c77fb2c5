/*
 * uuid.c
 *		The canonical form of a UUID: lower case, with hyphens.
 *
 * Device and advertising ids come in capitals from one system, without
 * hyphens from the next and in braces from a third.  Understood are 32
 * hexadecimal digits, with or without hyphens in the four usual places, in
 * either case, also in braces or after "urn:uuid:".
 */
#include "postgres.h"

#include <ctype.h>

#include "norm/norm.h"
#include "norm/unicode.h"

#define MAX_RAW_BYTES	256
#define UUID_DIGITS		32
#define UUID_LENGTH		36		/* with hyphens */

static const char not_a_uuid[] =
	"A UUID is 32 hexadecimal digits, with hyphens after the 8th, 12th, 16th and 20th or none.";

/* Leave out the prefix or the braces around a UUID. */
static void
unwrap(const char **s, int *len)
{
	static const char urn[] = "urn:uuid:";
	const int	urn_len = sizeof(urn) - 1;

	if (*len > urn_len && pg_strncasecmp(*s, urn, urn_len) == 0)
	{
		*s += urn_len;
		*len -= urn_len;
	}
	else if (*len > 2 && (*s)[0] == '{' && (*s)[*len - 1] == '}')
	{
		*s += 1;
		*len -= 2;
	}
}

/* Append the canonical form of clean text that looks like a UUID. */
static bool
append_uuid(StringInfo out, const char *s, int len)
{
	char		uuid[UUID_LENGTH];
	int			length = 0;
	bool		hyphens;

	unwrap(&s, &len);
	if (len != UUID_DIGITS && len != UUID_LENGTH)
		return false;
	hyphens = len == UUID_LENGTH;
	for (int i = 0; i < len; i++)
	{
		if (length == 8 || length == 13 || length == 18 || length == 23)
		{
			uuid[length++] = '-';
			if (hyphens && s[i++] != '-')
				return false;
		}
		if (!isxdigit((unsigned char) s[i]))
			return false;
		uuid[length++] = cdp_norm_lower_ascii(s[i]);
	}
	appendBinaryStringInfo(out, uuid, length);
	return true;
}

/* The canonical form of a UUID; false unless it looks like one. */
bool
cdp_norm_uuid(const char *s, int len, StringInfo out, const char **reason)
{
	StringInfoData clean;
	bool		usable;

	if (len > MAX_RAW_BYTES)
		return cdp_norm_refuse(reason, not_a_uuid);
	initStringInfo(&clean);
	usable = cdp_norm_text(s, len, &clean, reason);
	if (usable && !append_uuid(out, clean.data, clean.len))
		usable = cdp_norm_refuse(reason, not_a_uuid);
	pfree(clean.data);
	return usable;
}
