/*
 * unicode.c
 *		Unicode text made canonical: the base of every other normaliser.
 *
 * What people type and what systems store differ in ways no reader sees:
 * full-width digits from a Japanese keyboard, a no-break space from a web
 * page, a zero-width space from a spreadsheet, an accent as one code point or
 * as two.  Cleaning takes these away in a fixed order:
 *
 *	1. decode UTF-8, refusing what is not;
 *	2. turn every kind of white space into U+0020, and drop the invisible:
 *	   controls, format characters, whatever Unicode calls ignorable;
 *	3. NFKC, which maps compatibility characters to the plain ones;
 *	4. trim.
 *
 * The order makes it idempotent.  Step 2 goes before step 3, because two
 * characters may compose once an invisible one between them is gone; and NFKC
 * makes neither invisible characters nor any white space but U+0020.
 *
 * Invisible characters are also what joins emoji into families and keeps
 * Persian letters apart.  A cleaned text is a key, not something to show.
 *
 * ICU's normalisers are process-wide singletons that are never freed.  Text
 * of printable ASCII does not come near them.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "norm/norm.h"
#include "norm/unicode.h"

const char	cdp_norm_empty[] = "The value is empty.";
const char	cdp_norm_not_utf8[] = "The value is not valid UTF-8.";
const char	cdp_norm_too_long[] = "The value is too long to be normalised.";

static const char event_name_empty[] =
	"An event name has at least one letter or digit.";
static const char event_name_too_long[] =
	"An event name has at most 255 bytes.";

/* How a character counts when an event name is cut into words. */
typedef enum WordClass
{
	WORD_GAP,					/* not part of a word */
	WORD_UPPER,
	WORD_OTHER					/* lower, digit, letter without case */
} WordClass;

/* An ICU error at this level is memory, or an ICU without its data. */
void
cdp_norm_check_icu(UErrorCode status)
{
	if (U_SUCCESS(status))
		return;
	if (status == U_MEMORY_ALLOCATION_ERROR)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed inside ICU.")));
	elog(ERROR, "ICU failed: %s", u_errorName(status));
}

static const UNormalizer2 *
get_normalizer(CdpForm form)
{
	UErrorCode	status = U_ZERO_ERROR;
	const UNormalizer2 *normalizer = NULL;

	switch (form)
	{
		case CDP_NFC:
			normalizer = unorm2_getNFCInstance(&status);
			break;
		case CDP_NFD:
			normalizer = unorm2_getNFDInstance(&status);
			break;
		case CDP_NFKC:
			normalizer = unorm2_getNFKCInstance(&status);
			break;
		case CDP_NFKC_CASEFOLD:
			normalizer = unorm2_getNFKCCasefoldInstance(&status);
			break;
	}
	cdp_norm_check_icu(status);
	return normalizer;
}

/* Replace units by its normal form. */
void
cdp_norm_transform(CdpUnits *units, CdpForm form)
{
	const UNormalizer2 *normalizer = get_normalizer(form);
	int32_t		capacity = units->length + 16;
	UChar	   *data = palloc(sizeof(UChar) * capacity);
	UErrorCode	status = U_ZERO_ERROR;
	int32_t		length;

	length = unorm2_normalize(normalizer, units->data, units->length,
							  data, capacity, &status);
	if (status == U_BUFFER_OVERFLOW_ERROR)
	{
		pfree(data);
		capacity = length + 1;
		data = palloc(sizeof(UChar) * capacity);
		status = U_ZERO_ERROR;
		length = unorm2_normalize(normalizer, units->data, units->length,
								  data, capacity, &status);
	}
	if (status != U_STRING_NOT_TERMINATED_WARNING)
		cdp_norm_check_icu(status);
	pfree(units->data);
	units->data = data;
	units->length = length;
}

/*
 * Whether a character, not white space, leaves no mark on the page.  The few
 * format characters that do, such as the Arabic number sign, are the
 * prepended concatenation marks.
 */
static bool
is_invisible(UChar32 c)
{
	int8_t		category = u_charType(c);

	if (category == U_CONTROL_CHAR)
		return true;
	if (u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
		return true;
	return category == U_FORMAT_CHAR &&
		!u_hasBinaryProperty(c, UCHAR_PREPENDED_CONCATENATION_MARK);
}

/* Leave out U+0020 at both ends. */
static void
trim_units(CdpUnits *units)
{
	int32_t		start = 0;

	while (units->length > 0 && units->data[units->length - 1] == ' ')
		units->length--;
	while (start < units->length && units->data[start] == ' ')
		start++;
	units->length -= start;
	memmove(units->data, units->data + start, sizeof(UChar) * units->length);
}

/* Decode UTF-8 and nothing else; false, and nothing allocated, if it is not. */
bool
cdp_norm_from_utf8(const char *s, int len, CdpUnits *units)
{
	units->data = palloc(sizeof(UChar) * (len + 1));
	units->length = 0;
	for (int i = 0; i < len;)
	{
		UChar32		c;

		U8_NEXT(s, i, len, c);
		if (c < 0)
		{
			pfree(units->data);
			return false;
		}
		U16_APPEND_UNSAFE(units->data, units->length, c);
	}
	return true;
}

/*
 * Step 2 of the story.  keep_joiners leaves the two zero-width joiners in, for
 * the caller to judge.
 */
void
cdp_norm_drop_invisible(CdpUnits *units, bool keep_joiners)
{
	int32_t		length = 0;

	for (int32_t i = 0; i < units->length;)
	{
		UChar32		c;

		U16_NEXT(units->data, i, units->length, c);
		if (u_isUWhiteSpace(c))
			c = ' ';
		else if (is_invisible(c) && !(keep_joiners && cdp_norm_is_joiner(c)))
			continue;
		U16_APPEND_UNSAFE(units->data, length, c);
	}
	units->length = length;
}

/* Steps 2 to 4 of the story. */
void
cdp_norm_clean(CdpUnits *units, bool keep_joiners)
{
	cdp_norm_drop_invisible(units, keep_joiners);
	cdp_norm_transform(units, CDP_NFKC);
	trim_units(units);
}

/*
 * Decode and clean.  False, with nothing allocated, if the bytes are not
 * UTF-8 or too many, or if nothing is left.
 */
bool
cdp_norm_decode(const char *s, int len, bool keep_joiners,
				CdpUnits *units, const char **reason)
{
	if (len > CDP_NORM_MAX_TEXT)
		return cdp_norm_refuse(reason, cdp_norm_too_long);
	if (!cdp_norm_from_utf8(s, len, units))
		return cdp_norm_refuse(reason, cdp_norm_not_utf8);
	cdp_norm_clean(units, keep_joiners);
	if (units->length > 0)
		return true;
	pfree(units->data);
	return cdp_norm_refuse(reason, cdp_norm_empty);
}

/* Append units, which are well-formed UTF-16, as UTF-8. */
void
cdp_norm_to_utf8(const CdpUnits *units, StringInfo out)
{
	enlargeStringInfo(out, units->length * 3);
	for (int32_t i = 0; i < units->length;)
	{
		UChar32		c;

		U16_NEXT(units->data, i, units->length, c);
		U8_APPEND_UNSAFE(out->data, out->len, c);
	}
	out->data[out->len] = '\0';
}

/* NFKC, white space made plain and trimmed, invisible characters out. */
bool
cdp_norm_text(const char *s, int len, StringInfo out, const char **reason)
{
	CdpUnits	units;

	if (len <= CDP_NORM_MAX_TEXT && cdp_norm_is_ascii(s, len))
	{
		cdp_norm_trim(&s, &len);
		if (len == 0)
			return cdp_norm_refuse(reason, cdp_norm_empty);
		appendBinaryStringInfo(out, s, len);
		return true;
	}
	if (!cdp_norm_decode(s, len, false, &units, reason))
		return false;
	cdp_norm_to_utf8(&units, out);
	pfree(units.data);
	return true;
}

/* The same, case-folded by the full rules of Unicode (sharp s is "ss"). */
bool
cdp_norm_lower(const char *s, int len, StringInfo out, const char **reason)
{
	int			start = out->len;
	CdpUnits	units;

	if (cdp_norm_is_ascii(s, len))
	{
		if (!cdp_norm_text(s, len, out, reason))
			return false;
		for (int i = start; i < out->len; i++)
			out->data[i] = cdp_norm_lower_ascii(out->data[i]);
		return true;
	}
	if (!cdp_norm_decode(s, len, false, &units, reason))
		return false;
	cdp_norm_transform(&units, CDP_NFKC_CASEFOLD);
	cdp_norm_to_utf8(&units, out);
	pfree(units.data);
	return true;
}

/* Capitals that fold to themselves (Cherokee) do not begin a word. */
static WordClass
classify_for_words(UChar32 c)
{
	if ((u_isUUppercase(c) || u_istitle(c)) &&
		u_hasBinaryProperty(c, UCHAR_CHANGES_WHEN_NFKC_CASEFOLDED))
		return WORD_UPPER;
	if (u_isalnum(c) || (U_GET_GC_MASK(c) & U_GC_M_MASK))
		return WORD_OTHER;
	return WORD_GAP;
}

/*
 * Copy the words of source to target, which has room for twice as much, with
 * one "_" between them.  A word ends before a gap, before a capital that
 * follows something else ("order|Completed"), and before the last capital of
 * a run that a small letter follows ("HTML|Page").
 */
static void
join_words(const CdpUnits *source, CdpUnits *target)
{
	WordClass	before = WORD_GAP;
	bool		gap = false;

	for (int32_t i = 0; i < source->length;)
	{
		UChar32		c;
		WordClass	class;

		U16_NEXT(source->data, i, source->length, c);
		class = classify_for_words(c);
		if (class == WORD_UPPER && before == WORD_OTHER)
			gap = true;
		if (class == WORD_UPPER && before == WORD_UPPER &&
			i < source->length)
		{
			int32_t		peek = i;
			UChar32		next;

			U16_NEXT(source->data, peek, source->length, next);
			if (u_isULowercase(next))
				gap = true;
		}
		before = class;
		if (class == WORD_GAP)
		{
			gap = true;
			continue;
		}
		if (gap && target->length > 0)
			target->data[target->length++] = '_';
		gap = false;
		U16_APPEND_UNSAFE(target->data, target->length, c);
	}
}

/*
 * The folded form of an event name: words in lower case with "_" between.
 * Letters of any script are kept, so a store may name events in its own
 * language.
 */
bool
cdp_norm_snake_case(const char *s, int len,
					StringInfo out, const char **reason)
{
	int			start = out->len;
	CdpUnits	source;
	CdpUnits	words;

	if (len > CDP_NORM_MAX_EVENT_NAME * 16)
		return cdp_norm_refuse(reason, event_name_too_long);
	if (!cdp_norm_decode(s, len, false, &source, reason))
		return false;
	words.data = palloc(sizeof(UChar) * (source.length * 2 + 1));
	words.length = 0;
	join_words(&source, &words);
	pfree(source.data);
	cdp_norm_transform(&words, CDP_NFKC_CASEFOLD);
	cdp_norm_to_utf8(&words, out);
	pfree(words.data);
	if (out->len == start)
		return cdp_norm_refuse(reason, event_name_empty);
	if (out->len - start > CDP_NORM_MAX_EVENT_NAME)
		return cdp_norm_undo(out, start, reason, event_name_too_long);
	return true;
}
