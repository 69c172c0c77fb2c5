/*
 * match_form.c
 *		Values as advertising platforms want them, before they are hashed.
 *
 * A platform finds a person by comparing hashes, so both sides must write a
 * value alike to the byte.  What norm makes is the base of every form; what
 * the platforms do with it after that differs:
 *
 *	email			as cdp.normalise_email
 *	email, Gmail's	the same, but in addresses of gmail.com and googlemail.com
 *					the dots before the "@" go, and a "+" with what follows
 *	phone			E.164, "+49301234567"
 *	digits			E.164 without the "+", "49301234567"
 *	national		the same without the country code, "301234567"
 *	text			clean: NFC, single spaces, trimmed
 *	lower			text in lower case
 *	letters, digits	lower, but only letters, their marks, and digits
 *	letters			lower, but only letters and their marks
 *	state			the two letters of a state of the USA, by code or name;
 *					elsewhere letters
 *	zip				lower without spaces and hyphens; in the USA five digits
 *	country			two letters, ISO 3166
 *	date			YYYYMMDD
 *	gender			m or f
 *
 * Lower case is Unicode's, of no language, not that of a locale of the
 * server: the hash of a name must not depend on where it was made.
 *
 * The values are pure functions of their input and of the versions of ICU and
 * libphonenumber, as those of norm are.
 */
#include "postgres.h"

#include <unicode/ucasemap.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "audience/match_form.h"
#include "norm/norm.h"
#include "profile/profile.h"

/* Which characters a value keeps. */
typedef enum CharacterSet
{
	KEEP_LETTERS,
	KEEP_LETTERS_DIGITS,
	KEEP_VISIBLE
} CharacterSet;

static const struct
{
	const char *name;			/* letters only */
	const char *code;
}			us_states[] =
{
	{"alabama", "al"}, {"alaska", "ak"}, {"arizona", "az"},
	{"arkansas", "ar"}, {"california", "ca"}, {"colorado", "co"},
	{"connecticut", "ct"}, {"delaware", "de"}, {"districtofcolumbia", "dc"},
	{"florida", "fl"}, {"georgia", "ga"}, {"hawaii", "hi"},
	{"idaho", "id"}, {"illinois", "il"}, {"indiana", "in"},
	{"iowa", "ia"}, {"kansas", "ks"}, {"kentucky", "ky"},
	{"louisiana", "la"}, {"maine", "me"}, {"maryland", "md"},
	{"massachusetts", "ma"}, {"michigan", "mi"}, {"minnesota", "mn"},
	{"mississippi", "ms"}, {"missouri", "mo"}, {"montana", "mt"},
	{"nebraska", "ne"}, {"nevada", "nv"}, {"newhampshire", "nh"},
	{"newjersey", "nj"}, {"newmexico", "nm"}, {"newyork", "ny"},
	{"northcarolina", "nc"}, {"northdakota", "nd"}, {"ohio", "oh"},
	{"oklahoma", "ok"}, {"oregon", "or"}, {"pennsylvania", "pa"},
	{"rhodeisland", "ri"}, {"southcarolina", "sc"}, {"southdakota", "sd"},
	{"tennessee", "tn"}, {"texas", "tx"}, {"utah", "ut"},
	{"vermont", "vt"}, {"virginia", "va"}, {"washington", "wa"},
	{"westvirginia", "wv"}, {"wisconsin", "wi"}, {"wyoming", "wy"},
};

/* The two letters of the USA, in either case. */
static bool
is_us(const char *region)
{
	return region != NULL && pg_strcasecmp(region, "US") == 0;
}

/* Append s in lower case; ICU makes it at most three times as long. */
static void
append_lower(const char *s, int len, StringInfo out)
{
	UErrorCode	status = U_ZERO_ERROR;
	UCaseMap   *map = ucasemap_open("", 0, &status);
	int32_t		length;

	if (U_FAILURE(status))
		elog(ERROR, "ICU failed: %s", u_errorName(status));
	enlargeStringInfo(out, 3 * len + 1);
	length = ucasemap_utf8ToLower(map, out->data + out->len,
								  out->maxlen - out->len, s, len, &status);
	ucasemap_close(map);
	if (U_FAILURE(status))
		elog(ERROR, "ICU failed: %s", u_errorName(status));
	out->len += length;
	out->data[out->len] = '\0';
}

/* Whether a character stays; a mark belongs to the letter before it. */
static bool
is_kept(UChar32 c, CharacterSet set)
{
	uint32_t	mask = U_GET_GC_MASK(c);

	if (set == KEEP_VISIBLE)
		return c != ' ' && (mask & U_GC_PD_MASK) == 0;
	if (mask & (U_GC_L_MASK | U_GC_M_MASK))
		return true;
	return set == KEEP_LETTERS_DIGITS && (mask & U_GC_N_MASK) != 0;
}

/* Append what of the clean value, in lower case, is in a set. */
static bool
append_kept(const char *value, int len, CharacterSet set, StringInfo out)
{
	StringInfoData lower;
	int32_t		at = 0;
	int			start = out->len;

	initStringInfo(&lower);
	append_lower(value, len, &lower);
	while (at < lower.len)
	{
		int32_t		first = at;
		UChar32		c;

		U8_NEXT(lower.data, at, lower.len, c);
		if (c >= 0 && is_kept(c, set))
			appendBinaryStringInfo(out, lower.data + first, at - first);
	}
	pfree(lower.data);
	return out->len > start;
}

/* An address, where dots and tags of Gmail's mailboxes may mean nothing. */
static bool
append_email(const char *value, int len, bool as_gmail, StringInfo out)
{
	int			start = out->len;
	char	   *local;
	char	   *at;
	char	   *to;

	if (!cdp_norm_email(value, len, out, NULL))
		return false;
	local = out->data + start;
	at = strrchr(local, '@');
	if (!as_gmail || at == NULL || *local == '"' ||
		(strcmp(at, "@gmail.com") != 0 && strcmp(at, "@googlemail.com") != 0))
		return true;
	to = local;
	for (char *from = local; from < at && *from != '+'; from++)
		if (*from != '.')
			*to++ = *from;
	if (to == local)
	{
		out->len = start;
		out->data[start] = '\0';
		return false;
	}
	memmove(to, at, strlen(at) + 1);
	out->len -= at - to;
	return true;
}

/* A number in E.164 without what the form leaves out. */
static bool
append_phone(const char *value, int len, const char *region,
			 CdpMatchForm form, StringInfo out)
{
	StringInfoData number;
	int			skipped = 0;
	bool		usable;

	initStringInfo(&number);
	usable = cdp_norm_phone(value, len, region, &number, NULL);
	if (usable && form != CDP_MATCH_PHONE)
		skipped = 1;
	if (usable && form == CDP_MATCH_PHONE_NATIONAL)
	{
		int			code = cdp_norm_phone_code_length(number.data, number.len);

		usable = code > 0;
		skipped += code;
	}
	if (usable)
		appendBinaryStringInfo(out, number.data + skipped,
							   number.len - skipped);
	pfree(number.data);
	return usable;
}

/* A state by its letters, one of the USA by its code. */
static bool
append_state(const char *value, int len, const char *region, StringInfo out)
{
	int			start = out->len;

	if (!append_kept(value, len, KEEP_LETTERS, out))
		return false;
	if (region != NULL && !is_us(region))
		return true;
	for (int i = 0; i < lengthof(us_states); i++)
	{
		if (strcmp(us_states[i].name, out->data + start) != 0)
			continue;
		out->len = start;
		appendStringInfoString(out, us_states[i].code);
		return true;
	}
	return true;
}

/* A postal code; of ZIP+4 the first five digits. */
static bool
append_zip(const char *value, int len, const char *region, StringInfo out)
{
	int			start = out->len;

	if (!append_kept(value, len, KEEP_VISIBLE, out))
		return false;
	if (is_us(region) && out->len - start > 5)
	{
		out->len = start + 5;
		out->data[out->len] = '\0';
	}
	return true;
}

/* A country's two letters, in either case. */
static bool
append_country(const char *value, int len, bool in_lower, StringInfo out)
{
	int			start = out->len;

	if (!cdp_norm_country(value, len, out, NULL))
		return false;
	for (int i = start; in_lower && i < out->len; i++)
		out->data[i] = pg_tolower((unsigned char) out->data[i]);
	return true;
}

/* A date, perhaps with a time after it, as YYYYMMDD. */
static bool
append_date(const char *value, int len, StringInfo out)
{
	DateADT		date;

	if (!cdp_profile_iso_date(value, len, &date))
		return false;
	appendStringInfo(out, "%.4s%.2s%.2s", value, value + 5, value + 8);
	return true;
}

/* The first letter of female or male. */
static bool
append_gender(const char *value, int len, StringInfo out)
{
	StringInfoData lower;
	bool		is_female;
	bool		is_male;

	initStringInfo(&lower);
	append_lower(value, len, &lower);
	is_female = strcmp(lower.data, "f") == 0 || strcmp(lower.data, "female") == 0;
	is_male = strcmp(lower.data, "m") == 0 || strcmp(lower.data, "male") == 0;
	pfree(lower.data);
	if (is_female || is_male)
		appendStringInfoChar(out, is_female ? 'f' : 'm');
	return is_female || is_male;
}

/* Those that begin with a clean text. */
static bool
append_clean(CdpMatchForm form, const char *clean, int len,
			 const char *region, StringInfo out)
{
	switch (form)
	{
		case CDP_MATCH_TEXT:
			appendBinaryStringInfo(out, clean, len);
			return true;
		case CDP_MATCH_LOWER:
			append_lower(clean, len, out);
			return true;
		case CDP_MATCH_LETTERS_DIGITS:
			return append_kept(clean, len, KEEP_LETTERS_DIGITS, out);
		case CDP_MATCH_LETTERS:
			return append_kept(clean, len, KEEP_LETTERS, out);
		case CDP_MATCH_STATE:
			return append_state(clean, len, region, out);
		case CDP_MATCH_ZIP:
			return append_zip(clean, len, region, out);
		case CDP_MATCH_DATE:
			return append_date(clean, len, out);
		case CDP_MATCH_GENDER:
			return append_gender(clean, len, out);
		default:
			elog(ERROR, "form %d does not begin with a text", (int) form);
	}
}

/* See match_form.h. */
bool
cdp_audience_match_form(CdpMatchForm form, const char *value, int len,
						const char *region, StringInfo out)
{
	StringInfoData clean;
	bool		usable;

	switch (form)
	{
		case CDP_MATCH_EMAIL:
		case CDP_MATCH_EMAIL_GMAIL:
			return append_email(value, len, form == CDP_MATCH_EMAIL_GMAIL, out);
		case CDP_MATCH_PHONE:
		case CDP_MATCH_PHONE_DIGITS:
		case CDP_MATCH_PHONE_NATIONAL:
			return append_phone(value, len, region, form, out);
		case CDP_MATCH_COUNTRY:
		case CDP_MATCH_COUNTRY_LOWER:
			return append_country(value, len, form == CDP_MATCH_COUNTRY_LOWER, out);
		default:
			break;
	}
	initStringInfo(&clean);
	usable = cdp_norm_display(value, len, &clean, NULL) &&
		append_clean(form, clean.data, clean.len, region, out);
	pfree(clean.data);
	return usable;
}
