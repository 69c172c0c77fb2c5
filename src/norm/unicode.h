/*
 * unicode.h
 *		UTF-16 text between the steps of a normaliser; private to the room.
 */
#ifndef CDP_NORM_UNICODE_H
#define CDP_NORM_UNICODE_H

#include <unicode/utypes.h>

#include "norm/norm.h"

/* A palloc'd run of UTF-16 units.  Never holds more than 2^28 of them. */
typedef struct CdpUnits
{
	UChar	   *data;
	int32_t		length;
} CdpUnits;

/* The normal forms that the room uses. */
typedef enum CdpForm
{
	CDP_NFC,
	CDP_NFD,
	CDP_NFKC,
	CDP_NFKC_CASEFOLD
} CdpForm;

/* Reasons that several files give. */
extern const char cdp_norm_empty[];
extern const char cdp_norm_not_utf8[];
extern const char cdp_norm_too_long[];

/* Set *reason if the caller asked for it; returns false, for "return". */
static inline bool
cdp_norm_refuse(const char **reason, const char *why)
{
	if (reason != NULL)
		*reason = why;
	return false;
}

/* The same, when output from start on is to be taken back. */
static inline bool
cdp_norm_undo(StringInfo out, int start, const char **reason, const char *why)
{
	out->len = start;
	out->data[start] = '\0';
	return cdp_norm_refuse(reason, why);
}

/* Whether every byte is printable ASCII, so that no Unicode rule applies. */
static inline bool
cdp_norm_is_ascii(const char *s, int len)
{
	for (int i = 0; i < len; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return true;
}

/* Narrow *s and *len to leave out spaces at both ends. */
static inline void
cdp_norm_trim(const char **s, int *len)
{
	while (*len > 0 && (*s)[*len - 1] == ' ')
		(*len)--;
	while (*len > 0 && (*s)[0] == ' ')
	{
		(*s)++;
		(*len)--;
	}
}

/* ASCII only, whatever the locale. */
static inline char
cdp_norm_lower_ascii(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Zero width joiner and non-joiner: ignorable, but part of some words. */
static inline bool
cdp_norm_is_joiner(UChar32 c)
{
	return c == 0x200c || c == 0x200d;
}

extern void cdp_norm_check_icu(UErrorCode status);
extern bool cdp_norm_from_utf8(const char *s, int len, CdpUnits *units);
extern void cdp_norm_drop_invisible(CdpUnits *units, bool keep_joiners);
extern void cdp_norm_clean(CdpUnits *units, bool keep_joiners);
extern bool cdp_norm_decode(const char *s, int len, bool keep_joiners,
							CdpUnits *units, const char **reason);
extern void cdp_norm_transform(CdpUnits *units, CdpForm form);
extern void cdp_norm_to_utf8(const CdpUnits *units, StringInfo out);

#endif							/* CDP_NORM_UNICODE_H */
