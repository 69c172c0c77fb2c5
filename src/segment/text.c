/*
 * text.c
 *		Texts: patterns, case, length, parts; see text.h.
 *
 * Matching walks text and pattern side by side.  On a mismatch it returns to
 * the last %, and has it take one character more: going back further can
 * never help, so no pattern makes it explode.
 */
#include "postgres.h"

#include <unicode/ucasemap.h>

#include "miscadmin.h"

#include "segment/text.h"

/* Bytes of the UTF-8 character that begins here, within the text. */
static int
character_length(const char *at, const char *end)
{
	const char *next = at + 1;

	while (next < end && ((unsigned char) *next & 0xC0) == 0x80)
		next++;
	return next - at;
}

/*
 * Match one character of the pattern, not %, against one of the text; both
 * move behind it.
 */
static bool
match_character(const char **text, const char *end,
				const char **pattern, const char *pattern_end)
{
	const char *wanted = *pattern;
	int			length = character_length(*text, end);

	if (*wanted == '_')
	{
		*text += length;
		*pattern += 1;
		return true;
	}
	if (*wanted == '\\' && wanted + 1 < pattern_end)
		wanted++;
	if (character_length(wanted, pattern_end) != length ||
		memcmp(*text, wanted, length) != 0)
		return false;
	*text += length;
	*pattern = wanted + length;
	return true;
}

/* See text.h. */
bool
cdp_segment_like(const char *text, int length,
				 const char *pattern, int pattern_length)
{
	const char *end = text + length;
	const char *pattern_end = pattern + pattern_length;
	const char *retry_text = NULL;
	const char *retry_pattern = NULL;	/* behind the last % */

	while (text < end)
	{
		if (pattern < pattern_end && *pattern == '%')
		{
			retry_pattern = ++pattern;
			retry_text = text;
			continue;
		}
		if (pattern < pattern_end &&
			match_character(&text, end, &pattern, pattern_end))
			continue;
		if (retry_pattern == NULL)
			return false;
		CHECK_FOR_INTERRUPTS();
		retry_text += character_length(retry_text, end);
		text = retry_text;
		pattern = retry_pattern;
	}
	while (pattern < pattern_end && *pattern == '%')
		pattern++;
	return pattern == pattern_end;
}

/* Lower case in ASCII; false: the text has other characters. */
static bool
lower_ascii(const char *text, int length, char *lower)
{
	for (int i = 0; i < length; i++)
	{
		if (IS_HIGHBIT_SET(text[i]))
			return false;
		lower[i] = text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i];
	}
	return true;
}

/* The case map lives as long as the backend. */
static UCaseMap *
get_case_map(void)
{
	static UCaseMap *map = NULL;
	UErrorCode	status = U_ZERO_ERROR;

	if (map == NULL)
		map = ucasemap_open("", 0, &status);
	if (U_FAILURE(status))
		elog(ERROR, "could not open a case map: %s", u_errorName(status));
	return map;
}

/* See text.h. */
char *
cdp_segment_lower(const char *text, int length, int *lower_length)
{
	int			space = length * 3 + 1; /* no character grows more */
	char	   *lower = palloc(space);
	UErrorCode	status = U_ZERO_ERROR;

	if (lower_ascii(text, length, lower))
	{
		*lower_length = length;
		return lower;
	}
	*lower_length = ucasemap_utf8ToLower(get_case_map(), lower, space,
										 text, length, &status);
	if (U_FAILURE(status))
		elog(ERROR, "could not lower a text: %s", u_errorName(status));
	return lower;
}

/* See text.h. */
int
cdp_segment_characters(const char *text, int length)
{
	int			characters = 0;

	for (int i = 0; i < length; i++)
		characters += ((unsigned char) text[i] & 0xC0) != 0x80;
	return characters;
}

/* See text.h. */
bool
cdp_segment_has_part(const char *text, int length,
					 const char *part, int part_length)
{
	if (part_length == 0)
		return true;
	for (int i = 0; i + part_length <= length; i++)
	{
		if (text[i] != *part)
			continue;
		CHECK_FOR_INTERRUPTS();
		if (memcmp(text + i, part, part_length) == 0)
			return true;
	}
	return false;
}
