/*
 * match_form.h
 *		Values as advertising platforms want them; private to the room.
 */
#ifndef CDP_AUDIENCE_MATCH_FORM_H
#define CDP_AUDIENCE_MATCH_FORM_H

#include "lib/stringinfo.h"

/* The forms that values are brought into; match_form.c tells them. */
typedef enum CdpMatchForm
{
	CDP_MATCH_EMAIL,
	CDP_MATCH_EMAIL_GMAIL,
	CDP_MATCH_PHONE,
	CDP_MATCH_PHONE_DIGITS,
	CDP_MATCH_PHONE_NATIONAL,
	CDP_MATCH_TEXT,
	CDP_MATCH_LOWER,
	CDP_MATCH_LETTERS_DIGITS,
	CDP_MATCH_LETTERS,
	CDP_MATCH_STATE,
	CDP_MATCH_ZIP,
	CDP_MATCH_COUNTRY,
	CDP_MATCH_COUNTRY_LOWER,
	CDP_MATCH_DATE,
	CDP_MATCH_GENDER
} CdpMatchForm;

/*
 * Append the value in a form; false, with out as it was, if it has none.
 * region is the country that the value is from (two letters) or NULL.
 */
extern bool cdp_audience_match_form(CdpMatchForm form,
									const char *value, int len,
									const char *region, StringInfo out);

#endif							/* CDP_AUDIENCE_MATCH_FORM_H */
