/*
 * name.c
 *		The form in which names are compared.
 *
 * "Søren O’Brien-Łuk", "SOREN OBRIEN LUK" and "Søren  O'brien Luk" are one
 * name to a reader.  The matching form takes away what they differ in:
 *
 *	- case (full folding, so a sharp s is "ss");
 *	- marks: accents, umlauts, Hebrew points, Arabic vowel signs;
 *	- strokes and ligatures that Unicode does not decompose (ø, ł, æ, ...);
 *	- apostrophes, which vanish; other punctuation and symbols, which become
 *	  a space; and runs of spaces, which become one.
 *
 * It is for matching only, not for showing and not for keys: different names
 * may share it.
 *
 * A mark is told by its combining class.  Classes 10 to 36 (points of Hebrew,
 * Arabic and Syriac) and 200 and up (attached, above, below) change how a
 * letter is read; the others are nearly letters themselves (vowel signs of
 * Indic and Thai, the nukta, the voicing of kana) and stay.
 *
 * Transliteration between scripts is not done: ICU's takes half a second to
 * load, and a transliterated name is another name.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/utf16.h>

#include "norm/norm.h"
#include "norm/unicode.h"

#define MAX_RAW_BYTES	4096

static const char name_empty[] = "A name has at least one letter or digit.";
static const char name_too_long[] = "A name to be matched has at most 4096 bytes.";

/* Letters that look like another with a stroke, and ligatures. */
static const struct
{
	UChar		letter;
	char		plain[3];
}			plain_letters[] =
{
	{0x00e6, "ae"}, {0x00f0, "d"}, {0x00f8, "o"}, {0x00fe, "th"},
	{0x0111, "d"}, {0x0127, "h"}, {0x0131, "i"}, {0x0142, "l"},
	{0x0153, "oe"}, {0x0167, "t"}, {0x0180, "b"}, {0x0192, "f"},
	{0x01b6, "z"}, {0x01e5, "g"}, {0x0259, "e"}, {0x0268, "i"},
};

/* Characters that people use as an apostrophe inside a name. */
static bool
is_apostrophe(UChar32 c)
{
	switch (c)
	{
		case '\'':
		case '`':
		case 0x00b4:			/* acute accent */
		case 0x02b9:			/* modifier letters ... */
		case 0x02bb:
		case 0x02bc:
		case 0x02bd:
		case 0x02be:
		case 0x02bf:
		case 0x02c8:
		case 0x02ca:
		case 0x02cb:
		case 0x2018:			/* quotation marks ... */
		case 0x2019:
		case 0x201b:
		case 0x2032:			/* primes ... */
		case 0x2035:
		case 0x05f3:			/* Hebrew geresh */
		case 0xff07:			/* full-width apostrophe */
			return true;
	}
	return false;
}

static bool
is_droppable_mark(UChar32 c)
{
	int			combining_class = u_getCombiningClass(c);

	return u_charType(c) == U_NON_SPACING_MARK &&
		((combining_class >= 10 && combining_class <= 36) ||
		 combining_class >= 200);
}

/* The plain letters for a stroked one or a ligature, or NULL. */
static const char *
find_plain_letters(UChar32 c)
{
	for (int i = 0; i < lengthof(plain_letters); i++)
		if (plain_letters[i].letter == c)
			return plain_letters[i].plain;
	return NULL;
}

static void
append_space(CdpUnits *units)
{
	if (units->length > 0 && units->data[units->length - 1] != ' ')
		units->data[units->length++] = ' ';
}

/*
 * Take marks, strokes and punctuation from decomposed, folded text.  target
 * has room for twice as much as source.
 */
static void
strip(const CdpUnits *source, CdpUnits *target)
{
	for (int32_t i = 0; i < source->length;)
	{
		UChar32		c;
		const char *plain;

		U16_NEXT(source->data, i, source->length, c);
		if (is_apostrophe(c) || is_droppable_mark(c))
			continue;
		plain = find_plain_letters(c);
		if (plain != NULL)
			while (*plain != '\0')
				target->data[target->length++] = *plain++;
		else if (c == ' ' || (U_GET_GC_MASK(c) & (U_GC_P_MASK | U_GC_S_MASK)))
			append_space(target);
		else
			U16_APPEND_UNSAFE(target->data, target->length, c);
	}
	if (target->length > 0 && target->data[target->length - 1] == ' ')
		target->length--;
}

/*
 * Take the apostrophes out of raw text: NFKC would turn an acute accent into
 * a space with a mark.
 */
static void
drop_apostrophes(CdpUnits *units)
{
	int32_t		length = 0;

	for (int32_t i = 0; i < units->length; i++)
		if (!is_apostrophe(units->data[i]))
			units->data[length++] = units->data[i];
	units->length = length;
}

static bool
has_letter_or_digit(const CdpUnits *units)
{
	for (int32_t i = 0; i < units->length;)
	{
		UChar32		c;

		U16_NEXT(units->data, i, units->length, c);
		if (u_isalnum(c))
			return true;
	}
	return false;
}

/* The matching form of a name. */
bool
cdp_norm_name(const char *s, int len, StringInfo out, const char **reason)
{
	CdpUnits	raw;
	CdpUnits	name;
	bool		usable;

	if (len > MAX_RAW_BYTES)
		return cdp_norm_refuse(reason, name_too_long);
	if (!cdp_norm_from_utf8(s, len, &raw))
		return cdp_norm_refuse(reason, cdp_norm_not_utf8);
	drop_apostrophes(&raw);
	cdp_norm_clean(&raw, false);
	cdp_norm_transform(&raw, CDP_NFKC_CASEFOLD);
	cdp_norm_transform(&raw, CDP_NFD);
	name.data = palloc(sizeof(UChar) * (raw.length * 2 + 1));
	name.length = 0;
	strip(&raw, &name);
	pfree(raw.data);
	cdp_norm_transform(&name, CDP_NFC);
	usable = has_letter_or_digit(&name);
	if (usable)
		cdp_norm_to_utf8(&name, out);
	pfree(name.data);
	return usable || cdp_norm_refuse(reason, name_empty);
}
