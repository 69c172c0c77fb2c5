/*
 * phone.c
 *		The canonical form of a phone number: E.164, "+" and digits.
 *
 * libphonenumber knows every plan, but takes 30 ms to load and 10 to 150 us a
 * number.  Three things keep it out of the way:
 *
 *	1. A number in international format ("+49 30 1234567") that phone_plan.c
 *	   has no doubts about is only stripped of its punctuation, here.
 *	2. The library lives in a module of its own, cdp_phone, which is loaded
 *	   when a backend meets the first other number that has a region.
 *	3. Its answers are remembered, per process, in a small table.
 *
 * A number must be possible: of a length that exists in its plan.  It need
 * not be assigned.  The region, that of the source, is what a number without
 * country code is read in; "00" and other dialling prefixes are understood
 * with a region only, because they differ.
 *
 * Refused are letters (an extension names a desk, not a line; "call Ann
 * 030..." is a note, not a number) and local numbers without area code.
 * Digits may be of any script.
 *
 * A canonical number is its own canonical form, as long as numbers of that
 * length exist.  cdp_norm_is_e164() is the part of the rule that no change of
 * a plan can break: types/phone.c uses it to take back what it gave out.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/utf16.h>

#include "norm/norm.h"
#include "norm/phone_module.h"
#include "norm/phone_plan.h"
#include "norm/unicode.h"

#define MAX_RAW_BYTES	256
#define MAX_DIGITS		24		/* dialling prefix, carrier code and all */
#define MIN_E164_DIGITS 7		/* Niue has the shortest: +683 4002 */
#define MAX_E164_DIGITS 15
#define MEMORY_ENTRIES	1024	/* a power of two */

const char	cdp_norm_region_missing[] =
	"A phone number without \"+\" and country code needs a region.";
const char	cdp_norm_region_unknown[] =
	"The region of a phone number is the two-letter code of a country, such as DE.";

static const char not_digits[] =
	"A phone number has an optional \"+\", digits and punctuation only.";
static const char not_a_number[] =
	"No phone number of this length exists in its country.";
static const char no_country[] =
	"No country has this calling code.";
static const char no_area[] =
	"The phone number lacks its area code.";
static const char too_short[] =
	"The phone number is too short for its country.";
static const char too_long[] =
	"The phone number is too long for its country.";

/* A number without punctuation. */
typedef struct Digits
{
	char		text[MAX_DIGITS + 2];	/* "+" if international, digits, zero */
	int			length;
} Digits;

/* A number that libphonenumber has judged. */
typedef struct Remembered
{
	char		number[MAX_DIGITS + 2];
	char		region[3];
	char		e164[CDP_E164_SIZE];
	CdpPhoneVerdict verdict;
} Remembered;

/* By hash; a newer number takes the place of an older one. */
static Remembered memory[MEMORY_ENTRIES];

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Write cleaned text as ASCII: digits of any script, kinds of dash.  False if
 * a character has no place in a phone number.
 */
static bool
to_ascii(const CdpUnits *units, char *ascii, int *len)
{
	*len = 0;
	for (int32_t i = 0; i < units->length;)
	{
		UChar32		c;
		int32_t		digit;

		U16_NEXT(units->data, i, units->length, c);
		digit = u_charDigitValue(c);
		if (digit >= 0)
			ascii[(*len)++] = '0' + digit;
		else if (u_charType(c) == U_DASH_PUNCTUATION || c == 0x2212)
			ascii[(*len)++] = '-';
		else if (c < 0x80)
			ascii[(*len)++] = (char) c;
		else
			return false;
	}
	return true;
}

/*
 * Take the punctuation out of ASCII text.  False if there are letters, no
 * digits or too many, or a "+" that is not in front.
 */
static bool
take_digits(const char *s, int len, Digits *digits)
{
	if (len > 4 && pg_strncasecmp(s, "tel:", 4) == 0)
	{
		s += 4;
		len -= 4;
	}
	digits->length = 0;
	for (int i = 0; i < len; i++)
	{
		if (is_digit(s[i]) || (s[i] == '+' && digits->length == 0))
		{
			if (digits->length > MAX_DIGITS)
				return false;
			digits->text[digits->length++] = s[i];
		}
		else if (s[i] == '\0' || strchr(" -./()[]~", s[i]) == NULL)
			return false;
	}
	digits->text[digits->length] = '\0';
	return digits->length > 0 && is_digit(digits->text[digits->length - 1]);
}

/* The number in s without punctuation. */
static bool
read_digits(const char *s, int len, Digits *digits, const char **reason)
{
	char		ascii[MAX_RAW_BYTES * 3];
	CdpUnits	units;
	bool		usable;

	if (len > MAX_RAW_BYTES)
		return cdp_norm_refuse(reason, not_digits);
	if (cdp_norm_is_ascii(s, len))
	{
		cdp_norm_trim(&s, &len);
		if (len == 0)
			return cdp_norm_refuse(reason, cdp_norm_empty);
		return take_digits(s, len, digits) ||
			cdp_norm_refuse(reason, not_digits);
	}
	if (!cdp_norm_decode(s, len, false, &units, reason))
		return false;
	usable = units.length <= sizeof(ascii) &&
		to_ascii(&units, ascii, &len) && take_digits(ascii, len, digits);
	pfree(units.data);
	return usable || cdp_norm_refuse(reason, not_digits);
}

/* Whether the digits, after a "+", are E.164 beyond the doubts of the table. */
static bool
is_plain_e164(const char *digits, int len)
{
	const CdpPhonePlan *plan;
	int			code_length;

	if (len < MIN_E164_DIGITS || len > MAX_E164_DIGITS)
		return false;
	plan = cdp_norm_find_phone_plan(digits, len, &code_length);
	if (plan == NULL)
		return false;
	if ((plan->lengths & (1 << (len - code_length))) == 0)
		return false;
	return (plan->doubtful & (1 << (digits[code_length] - '0'))) == 0;
}

/* Whether these bytes have the form of E.164. */
bool
cdp_norm_is_e164(const char *s, int len)
{
	int			code_length;

	if (len < MIN_E164_DIGITS + 1 || len > MAX_E164_DIGITS + 1 || s[0] != '+')
		return false;
	for (int i = 1; i < len; i++)
		if (!is_digit(s[i]))
			return false;
	return cdp_norm_find_phone_plan(s + 1, len - 1, &code_length) != NULL;
}

/* See norm.h. */
int
cdp_norm_phone_code_length(const char *s, int len)
{
	int			code_length;

	if (!cdp_norm_is_e164(s, len))
		return 0;
	cdp_norm_find_phone_plan(s + 1, len - 1, &code_length);
	return code_length;
}

/* The place of a number in the memory (FNV-1a). */
static Remembered *
find_memory(const char *number, const char *region)
{
	uint32		hash = 2166136261U;

	for (const char *c = number; *c != '\0'; c++)
		hash = (hash ^ (unsigned char) *c) * 16777619U;
	for (const char *c = region; *c != '\0'; c++)
		hash = (hash ^ (unsigned char) *c) * 16777619U;
	return &memory[(hash ^ (hash >> 16)) & (MEMORY_ENTRIES - 1)];
}

/*
 * What libphonenumber says, asked again about its own answer until that stays
 * the same: it takes off one prefix at a time, 0000301234567 has several.
 */
static CdpPhoneVerdict
parse_by_library(const char *number, const char *region, char *e164)
{
	const CdpPhoneModule *module = cdp_norm_phone_module();
	CdpPhoneVerdict verdict;

	verdict = module->parse(number, strlen(number), region, e164);
	for (int i = 0; i < MAX_DIGITS; i++)
	{
		char		before[CDP_E164_SIZE];

		if (verdict != CDP_PHONE_POSSIBLE ||
			is_plain_e164(e164 + 1, strlen(e164) - 1))
			return verdict;
		strcpy(before, e164);
		verdict = module->parse(before, strlen(before), "", e164);
		if (verdict == CDP_PHONE_POSSIBLE && strcmp(before, e164) == 0)
			return strlen(e164) > MIN_E164_DIGITS ? verdict :
				CDP_PHONE_TOO_SHORT;
	}
	return CDP_PHONE_NOT_A_NUMBER;
}

/* What libphonenumber says, from memory if it has been asked. */
static const Remembered *
ask_library(const Digits *digits, const char *region)
{
	Remembered *entry = find_memory(digits->text, region);
	CdpPhoneVerdict verdict;

	if (strcmp(entry->number, digits->text) == 0 &&
		strcmp(entry->region, region) == 0)
		return entry;
	entry->number[0] = '\0';
	verdict = parse_by_library(digits->text, region, entry->e164);
	if (verdict == CDP_PHONE_NO_MEMORY)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed inside libphonenumber.")));
	if (verdict == CDP_PHONE_BROKEN)
		elog(ERROR, "libphonenumber failed");
	entry->verdict = verdict;
	strcpy(entry->region, region);
	strcpy(entry->number, digits->text);
	return entry;
}

static const char *
explain_verdict(CdpPhoneVerdict verdict)
{
	switch (verdict)
	{
		case CDP_PHONE_NO_COUNTRY:
			return no_country;
		case CDP_PHONE_NO_REGION:
			return cdp_norm_region_unknown;
		case CDP_PHONE_NO_AREA:
			return no_area;
		case CDP_PHONE_TOO_SHORT:
			return too_short;
		case CDP_PHONE_TOO_LONG:
			return too_long;
		default:
			return not_a_number;
	}
}

/*
 * The region as two capitals, "" for a number that needs none.  False if the
 * number needs one and there is none.
 */
static bool
read_region(const Digits *digits, const char *region, char *capitals,
			const char **reason)
{
	capitals[0] = capitals[1] = capitals[2] = '\0';
	if (digits->text[0] == '+')
		return true;
	if (region == NULL || region[0] == '\0')
		return cdp_norm_refuse(reason, cdp_norm_region_missing);
	if (strlen(region) != 2)
		return cdp_norm_refuse(reason, cdp_norm_region_unknown);
	for (int i = 0; i < 2; i++)
	{
		char		c = cdp_norm_lower_ascii(region[i]);

		if (c < 'a' || c > 'z')
			return cdp_norm_refuse(reason, cdp_norm_region_unknown);
		capitals[i] = c - ('a' - 'A');
	}
	return true;
}

/* The canonical form of a phone number. */
bool
cdp_norm_phone(const char *s, int len, const char *region,
			   StringInfo out, const char **reason)
{
	Digits		digits;
	char		capitals[3];
	const Remembered *answer;

	if (!read_digits(s, len, &digits, reason))
		return false;
	if (!read_region(&digits, region, capitals, reason))
		return false;
	if (digits.text[0] == '+' &&
		is_plain_e164(digits.text + 1, digits.length - 1))
	{
		appendBinaryStringInfo(out, digits.text, digits.length);
		return true;
	}
	answer = ask_library(&digits, capitals);
	if (answer->verdict != CDP_PHONE_POSSIBLE)
		return cdp_norm_refuse(reason, explain_verdict(answer->verdict));
	appendStringInfoString(out, answer->e164);
	return true;
}
