/*
 * language.c
 *		Languages as tags of BCP 47.
 *
 * Browsers send "de-DE", operating systems "de_DE.UTF-8", older databases
 * "deu".  The canonical form is the tag as BCP 47 writes it: the shortest code
 * of the language, in lower case ("deu" is "de", the withdrawn "iw" is "he"),
 * then the script, the region and variants if they were given.  Extensions
 * (how to sort, which calendar) say nothing about a person and are left out.
 *
 * The language must be one that ICU has an English name for: any few letters
 * are a well-formed tag, "german" as well.
 */
#include "postgres.h"

#include <unicode/uloc.h>

#include "norm/norm.h"
#include "norm/unicode.h"

#define MAX_TAG_BYTES	100

static const char language_unknown[] =
	"A language is a tag of BCP 47, such as de or pt-BR.";

/*
 * What is looked like a tag, in tag: hyphens for underscores, and without
 * what POSIX puts after the region.  Returns the length, 0 if it is too long
 * or not ASCII.
 */
static int
read_tag(const char *s, int len, char *tag)
{
	int			length = 0;

	cdp_norm_trim(&s, &len);
	if (len > MAX_TAG_BYTES || !cdp_norm_is_ascii(s, len))
		return 0;
	while (length < len && s[length] != '.' && s[length] != '@')
	{
		tag[length] = s[length] == '_' ? '-' : s[length];
		length++;
	}
	tag[length] = '\0';
	return length;
}

static bool
is_known_language(const char *locale)
{
	UErrorCode	status = U_ZERO_ERROR;
	char		language[ULOC_LANG_CAPACITY];
	UChar		name[ULOC_FULLNAME_CAPACITY];

	if (uloc_getLanguage(locale, language, sizeof(language), &status) == 0 ||
		U_FAILURE(status))
		return false;
	uloc_getDisplayLanguage(locale, "en", name, lengthof(name), &status);
	return U_SUCCESS(status) && status != U_USING_DEFAULT_WARNING;
}

/* The BCP 47 tag of a language. */
bool
cdp_norm_language(const char *s, int len, StringInfo out, const char **reason)
{
	UErrorCode	status = U_ZERO_ERROR;
	char		tag[MAX_TAG_BYTES + 1];
	char		whole[ULOC_FULLNAME_CAPACITY];
	char		locale[ULOC_FULLNAME_CAPACITY];
	char		canonical[ULOC_FULLNAME_CAPACITY];
	int			length = read_tag(s, len, tag);
	int32_t		parsed = 0;

	if (length == 0)
		return cdp_norm_refuse(reason, language_unknown);
	uloc_forLanguageTag(tag, whole, sizeof(whole), &parsed, &status);
	if (U_FAILURE(status) || parsed != length)
		return cdp_norm_refuse(reason, language_unknown);
	uloc_getBaseName(whole, locale, sizeof(locale), &status);
	if (U_FAILURE(status) || !is_known_language(locale))
		return cdp_norm_refuse(reason, language_unknown);
	uloc_toLanguageTag(locale, canonical, sizeof(canonical), true, &status);
	if (U_FAILURE(status) || status == U_STRING_NOT_TERMINATED_WARNING)
		return cdp_norm_refuse(reason, language_unknown);
	appendStringInfoString(out, canonical);
	return true;
}
