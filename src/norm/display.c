/*
 * display.c
 *		Names and places, fit to be shown.
 *
 * cdp_norm_text makes keys; what is shown to people keeps more of what was
 * written.  The form is NFC and not NFKC, so a superscript stays one; the two
 * zero-width joiners, which Persian and Indic names are spelt with, stay; and
 * so does case.  What nobody means goes: every run of white space is one
 * space, none at the ends, and other invisible characters are dropped.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/utf16.h>

#include "norm/norm.h"
#include "norm/unicode.h"

/* One space for each run, none at the ends. */
static void
squeeze_spaces(CdpUnits *units)
{
	int32_t		length = 0;

	for (int32_t i = 0; i < units->length; i++)
	{
		if (units->data[i] == ' ' &&
			(length == 0 || units->data[length - 1] == ' '))
			continue;
		units->data[length++] = units->data[i];
	}
	if (length > 0 && units->data[length - 1] == ' ')
		length--;
	units->length = length;
}

/* Whether there is more than spaces and joiners. */
static bool
has_visible(const CdpUnits *units)
{
	for (int32_t i = 0; i < units->length; i++)
		if (units->data[i] != ' ' && !cdp_norm_is_joiner(units->data[i]))
			return true;
	return false;
}

/* NFC, white space made single and trimmed, invisible characters out. */
bool
cdp_norm_display(const char *s, int len, StringInfo out, const char **reason)
{
	CdpUnits	units;
	bool		usable;

	if (len > CDP_NORM_MAX_TEXT)
		return cdp_norm_refuse(reason, cdp_norm_too_long);
	if (!cdp_norm_from_utf8(s, len, &units))
		return cdp_norm_refuse(reason, cdp_norm_not_utf8);
	cdp_norm_drop_invisible(&units, true);
	squeeze_spaces(&units);
	usable = has_visible(&units);
	if (usable && !cdp_norm_is_ascii(s, len))
		cdp_norm_transform(&units, CDP_NFC);
	if (usable)
		cdp_norm_to_utf8(&units, out);
	pfree(units.data);
	return usable || cdp_norm_refuse(reason, cdp_norm_empty);
}
