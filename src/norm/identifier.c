/*
 * identifier.c
 *		The canonical value of an identifier, by the normaliser of its type.
 *
 * A type of identifier is a row of a store and names its normaliser; the
 * names are the table below.  "uuid" is for ids that are usually UUIDs, such
 * as those of devices and cookies: what is not one is taken as text.
 */
#include "postgres.h"

#include "norm/norm.h"
#include "norm/unicode.h"

static const char identifier_too_long[] =
	"The value of an identifier has at most 1024 bytes.";
static const char normaliser_unknown[] =
	"The identifier's type names a normaliser that does not exist.";

typedef bool (*Normaliser) (const char *s, int len, const char *region,
							StringInfo out, const char **reason);

static bool
normalise_email(const char *s, int len, const char *region,
				StringInfo out, const char **reason)
{
	return cdp_norm_email(s, len, out, reason);
}

static bool
normalise_lower(const char *s, int len, const char *region,
				StringInfo out, const char **reason)
{
	return cdp_norm_lower(s, len, out, reason);
}

static bool
normalise_text(const char *s, int len, const char *region,
			   StringInfo out, const char **reason)
{
	return cdp_norm_text(s, len, out, reason);
}

static bool
normalise_uuid(const char *s, int len, const char *region,
			   StringInfo out, const char **reason)
{
	return cdp_norm_uuid(s, len, out, NULL) ||
		cdp_norm_text(s, len, out, reason);
}

static const struct
{
	const char *name;
	Normaliser	function;
}			normalisers[] =
{
	{"email", normalise_email},
	{"lower", normalise_lower},
	{"phone", cdp_norm_phone},
	{"text", normalise_text},
	{"uuid", normalise_uuid},
};

static Normaliser
find_normaliser(const char *name)
{
	for (int i = 0; i < lengthof(normalisers); i++)
		if (strcmp(normalisers[i].name, name) == 0)
			return normalisers[i].function;
	return NULL;
}

/* Whether there is a normaliser of this name. */
bool
cdp_norm_is_normaliser(const char *name)
{
	return find_normaliser(name) != NULL;
}

/* The canonical value of an identifier. */
bool
cdp_norm_identifier(const char *normaliser, const char *value, int len,
					const char *region, StringInfo out, const char **reason)
{
	Normaliser	function = find_normaliser(normaliser);
	int			start = out->len;

	if (function == NULL)
		return cdp_norm_refuse(reason, normaliser_unknown);
	if (!function(value, len, region, out, reason))
		return false;
	if (out->len - start > CDP_NORM_MAX_IDENTIFIER)
		return cdp_norm_undo(out, start, reason, identifier_too_long);
	return true;
}
