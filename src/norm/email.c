/*
 * email.c
 *		The canonical form of an email address.
 *
 *	 Ann."O'Hara"@Bücher.example
 *	\___________/ \____________/
 *	  local part      domain
 *
 * The local part is, by the letter of RFC 5321, the business of the host that
 * receives the mail; in practice every mailbox provider ignores case, so it
 * is case-folded.  Quotes that need not be there are taken away: "ann"@x.org
 * is the mailbox ann@x.org.  The domain is brought to its ASCII form by UTS 46
 * (nontransitional: a sharp s is kept, as registries do), without the dot of
 * the root.  Comments, address literals ([10.0.0.1]) and host names without a
 * dot are refused: none of them names a customer's mailbox.
 *
 * Dots and "+tags" in the local part are kept: whether they matter is for
 * each provider to say, and is not guessed here.
 *
 * Limits are those of RFC 5321, 4.5.3.1, over the canonical form: 64 bytes
 * before the "@", 254 in all.
 *
 * Domains of letters, digits and hyphens are checked here; ICU sees only
 * those with other characters or with an "xn--" label.
 */
#include "postgres.h"

#include <unicode/uidna.h>

#include "norm/norm.h"
#include "norm/unicode.h"

#define MAX_RAW_BYTES		4096
#define MAX_LOCAL_BYTES		64
#define MAX_DOMAIN_BYTES	253
#define MAX_LABEL_BYTES		63
#define MAX_ADDRESS_BYTES	254

static const char wrong_at[] =
	"An email address has exactly one \"@\" outside quotes.";
static const char wrong_local[] =
	"The part before the \"@\" is words of letters, digits and !#$%&'*+-/=?^_`{|}~ with single dots between them, or is quoted.";
static const char wrong_domain[] =
	"The part after the \"@\" is a domain name.";
static const char wrong_top_level[] =
	"The domain of an email address has at least two labels, and the last is not a number.";
static const char too_long_local[] =
	"The part before the \"@\" has at most 64 bytes.";
static const char too_long_address[] =
	"An email address has at most 254 bytes.";

/*
 * Offset of the only "@" outside quotes, or -1.  A backslash takes the
 * meaning from the next character inside quotes.
 */
static int
find_at(const char *s, int len)
{
	bool		quoted = false;
	int			at = -1;

	for (int i = 0; i < len; i++)
	{
		if (s[i] == '"')
			quoted = !quoted;
		else if (quoted && s[i] == '\\')
			i++;
		else if (!quoted && s[i] == '@')
		{
			if (at >= 0)
				return -1;
			at = i;
		}
	}
	return at;
}

/* A character that a word of the local part may hold (RFC 5322, RFC 6531). */
static bool
is_word_byte(char c)
{
	if (IS_HIGHBIT_SET(c))
		return true;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL;
}

/* Whether the bytes are words with single dots between them. */
static bool
is_dotted_words(const char *s, int len)
{
	bool		in_word = false;

	for (int i = 0; i < len; i++)
	{
		if (is_word_byte(s[i]))
			in_word = true;
		else if (s[i] == '.' && in_word)
			in_word = false;
		else
			return false;
	}
	return in_word;
}

/*
 * Put what stands between the quotes of s into content.  False unless the
 * opening quote is closed by the last byte.
 */
static bool
unquote(const char *s, int len, StringInfo content)
{
	for (int i = 1; i < len; i++)
	{
		if (s[i] == '"')
			return i == len - 1;
		if (s[i] == '\\' && ++i == len)
			return false;
		appendStringInfoChar(content, s[i]);
	}
	return false;
}

/* Case-fold text in place. */
static void
fold(StringInfo text)
{
	CdpUnits	units;

	if (cdp_norm_is_ascii(text->data, text->len))
	{
		for (int i = 0; i < text->len; i++)
			text->data[i] = cdp_norm_lower_ascii(text->data[i]);
		return;
	}
	if (!cdp_norm_from_utf8(text->data, text->len, &units))
		return;
	cdp_norm_transform(&units, CDP_NFKC_CASEFOLD);
	resetStringInfo(text);
	cdp_norm_to_utf8(&units, text);
	pfree(units.data);
}

/* Append content in quotes, with a backslash where it is needed only. */
static void
append_quoted(StringInfo out, StringInfo content)
{
	appendStringInfoChar(out, '"');
	for (int i = 0; i < content->len; i++)
	{
		if (content->data[i] == '"' || content->data[i] == '\\')
			appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, content->data[i]);
	}
	appendStringInfoChar(out, '"');
}

/* Append the canonical form of a local part. */
static bool
append_local(StringInfo out, const char *s, int len, const char **reason)
{
	int			start = out->len;
	bool		quoted = len > 0 && s[0] == '"';
	StringInfoData content;

	initStringInfo(&content);
	if (quoted && !unquote(s, len, &content))
	{
		pfree(content.data);
		return cdp_norm_refuse(reason, wrong_local);
	}
	if (!quoted)
		appendBinaryStringInfo(&content, s, len);
	fold(&content);
	if (is_dotted_words(content.data, content.len))
		appendBinaryStringInfo(out, content.data, content.len);
	else if (quoted && content.len > 0)
		append_quoted(out, &content);
	pfree(content.data);
	if (out->len == start)
		return cdp_norm_refuse(reason, wrong_local);
	if (out->len - start > MAX_LOCAL_BYTES)
		return cdp_norm_undo(out, start, reason, too_long_local);
	return true;
}

/*
 * Append a domain whose labels are letters, digits and hyphens, in lower
 * case.  False, with nothing appended, if it is for ICU to judge.
 */
static bool
append_plain_domain(StringInfo out, const char *s, int len)
{
	int			start = out->len;
	int			label = 0;		/* bytes of the label so far */

	for (int i = 0; i < len; i++)
	{
		char		c = cdp_norm_lower_ascii(s[i]);
		bool		hyphen = c == '-';
		bool		label_ends = i + 1 == len || s[i + 1] == '.';

		if (c == '.' && label > 0)
		{
			label = 0;
			appendStringInfoChar(out, c);
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || hyphen) ||
			(hyphen && (label == 0 || label == 3 || label_ends)) ||
			++label > MAX_LABEL_BYTES)
			return cdp_norm_undo(out, start, NULL, NULL);
		appendStringInfoChar(out, c);
	}
	return true;
}

/* ICU's UTS 46 processor, opened once per process. */
static const UIDNA *
get_uts46(void)
{
	static UIDNA *uts46 = NULL;

	if (uts46 == NULL)
	{
		UErrorCode	status = U_ZERO_ERROR;

		uts46 = uidna_openUTS46(UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI |
								UIDNA_CHECK_CONTEXTJ |
								UIDNA_NONTRANSITIONAL_TO_ASCII |
								UIDNA_NONTRANSITIONAL_TO_UNICODE,
								&status);
		cdp_norm_check_icu(status);
	}
	return uts46;
}

/*
 * Bring a domain to ASCII by UTS 46 into target, of MAX_RAW_BYTES; returns
 * its length, or -1.  errors says why.  Hyphens in third and fourth place are
 * no error: such domains are in use.
 */
static int
domain_to_ascii(const char *s, int len, char *target, uint32_t *errors)
{
	UIDNAInfo	info = UIDNA_INFO_INITIALIZER;
	UErrorCode	status = U_ZERO_ERROR;
	int32_t		length;

	length = uidna_nameToASCII_UTF8(get_uts46(), s, len,
									target, MAX_RAW_BYTES, &info, &status);
	*errors = info.errors & ~UIDNA_ERROR_HYPHEN_3_4;
	if (status == U_BUFFER_OVERFLOW_ERROR)
		return -1;
	if (status != U_STRING_NOT_TERMINATED_WARNING)
		cdp_norm_check_icu(status);
	return *errors == 0 ? length : -1;
}

/* Copy s without its zero-width joiners; returns the length of the copy. */
static int
drop_joiners(const char *s, int len, char *target)
{
	int			length = 0;

	for (int i = 0; i < len; i++)
	{
		/* U+200C and U+200D are E2 80 8C and E2 80 8D */
		if (i + 2 < len && memcmp(s + i, "\xe2\x80", 2) == 0 &&
			((unsigned char) s[i + 2] & 0xfe) == 0x8c)
			i += 2;
		else
			target[length++] = s[i];
	}
	return length;
}

/*
 * Append a domain that is not plain.  The zero-width joiners belong to some
 * names, and are litter in all others: they go if they are what is wrong.
 */
static bool
append_unicode_domain(StringInfo out, const char *s, int len)
{
	char		source[MAX_RAW_BYTES];
	char		target[MAX_RAW_BYTES];
	uint32_t	errors;
	int			length;

	length = domain_to_ascii(s, len, target, &errors);
	if (length < 0 && (errors & UIDNA_ERROR_CONTEXTJ))
	{
		len = drop_joiners(s, len, source);
		length = domain_to_ascii(source, len, target, &errors);
	}
	if (length <= 0)
		return false;
	appendBinaryStringInfo(out, target, length);
	return true;
}

/* Whether the name has a dot, and something but digits after the last one. */
static bool
has_top_level(const char *s, int len)
{
	for (int i = len - 1; i > 0; i--)
	{
		if (s[i] == '.')
			return false;
		if (s[i] < '0' || s[i] > '9')
			return memchr(s, '.', i) != NULL;
	}
	return false;
}

/* Append the canonical form of a domain. */
static bool
append_domain(StringInfo out, const char *s, int len, const char **reason)
{
	int			start = out->len;

	if (!append_plain_domain(out, s, len) &&
		!append_unicode_domain(out, s, len))
		return cdp_norm_refuse(reason, wrong_domain);
	if (out->len > start && out->data[out->len - 1] == '.')
		out->data[--out->len] = '\0';
	if (out->len == start || out->len - start > MAX_DOMAIN_BYTES)
		return cdp_norm_undo(out, start, reason, wrong_domain);
	if (!has_top_level(out->data + start, out->len - start))
		return cdp_norm_undo(out, start, reason, wrong_top_level);
	return true;
}

/* Append the canonical form of a clean address. */
static bool
append_address(StringInfo out, const char *s, int len, const char **reason)
{
	int			start = out->len;
	int			at = find_at(s, len);

	if (at < 0)
		return cdp_norm_refuse(reason, wrong_at);
	if (!append_local(out, s, at, reason))
		return false;
	appendStringInfoChar(out, '@');
	if (!append_domain(out, s + at + 1, len - at - 1, reason))
		return cdp_norm_undo(out, start, NULL, NULL);
	if (out->len - start > MAX_ADDRESS_BYTES)
		return cdp_norm_undo(out, start, reason, too_long_address);
	return true;
}

/* The canonical form of an email address. */
bool
cdp_norm_email(const char *s, int len, StringInfo out, const char **reason)
{
	CdpUnits	units;
	StringInfoData address;
	bool		usable;

	if (len >= MAX_RAW_BYTES)
		return cdp_norm_refuse(reason, too_long_address);
	if (cdp_norm_is_ascii(s, len))
	{
		cdp_norm_trim(&s, &len);
		if (len == 0)
			return cdp_norm_refuse(reason, cdp_norm_empty);
		return append_address(out, s, len, reason);
	}
	if (!cdp_norm_decode(s, len, true, &units, reason))
		return false;
	initStringInfo(&address);
	cdp_norm_to_utf8(&units, &address);
	pfree(units.data);
	if (address.len >= MAX_RAW_BYTES)
		usable = cdp_norm_refuse(reason, too_long_address);
	else
		usable = append_address(out, address.data, address.len, reason);
	pfree(address.data);
	return usable;
}
