/*
 * norm.h
 *		Front door of the norm room: from raw text to canonical text.
 *
 * Two systems write the same address as "Ann@Example.COM" and as
 * "ann@example.com ".  Stitching compares keys byte by byte, so each kind of
 * identifier has one canonical form, and every value passes through here
 * before it becomes a key:
 *
 *	text	NFKC, white space made plain and trimmed, invisible characters out
 *	lower	text, case-folded
 *	email	local part case-folded, domain in its ASCII form (UTS 46)
 *	phone	E.164: "+" and digits
 *	uuid	lower case with hyphens if it looks like a UUID, else as text
 *	name	for matching only: case, marks and punctuation folded away
 *
 * So have some traits, which are shown and grouped by: countries, languages,
 * time zones, and names and places (display).
 *
 * All of it is a pure function of its input and of the versions of ICU and
 * libphonenumber: no tables, no settings, no locale.  cdp.icu_version() lets
 * a store remember under which version its keys were made.
 *
 * Promises every function here keeps:
 *	- Input is any bytes, not even valid UTF-8 is assumed; nothing reads past
 *	  len and nothing needs a terminating zero.
 *	- True: the canonical form was appended to out.  False: out is as it was
 *	  and *reason is a constant sentence (the rule that was broken, fit for a
 *	  DETAIL) without any of the input in it.  reason may be NULL.
 *	- Idempotent: a canonical form is its own canonical form.
 *	- Nothing is raised but "out of memory" (and elog if ICU lacks its data).
 *
 * The work is done on UTF-8, whatever the encoding of the database: callers
 * with SQL values call cdp_norm_check_encoding() first, which refuses
 * databases of another encoding.
 *
 * Cost: plain ASCII text and international phone numbers never leave C (well
 * under a microsecond); other text takes about a microsecond in ICU; a
 * national phone number takes 10 to 150 us in libphonenumber, and is
 * remembered.  phone.c tells how that library is kept out of backends that
 * never see one.
 */
#ifndef CDP_NORM_H
#define CDP_NORM_H

#include "lib/stringinfo.h"

/* Longest raw text that is looked at, in bytes. */
#define CDP_NORM_MAX_TEXT		(1024 * 1024)

/* Longest canonical value of an identifier, in bytes: fits a btree key. */
#define CDP_NORM_MAX_IDENTIFIER 1024

/* Longest folded event name, in bytes. */
#define CDP_NORM_MAX_EVENT_NAME 255

/*
 * The canonical form of an identifier by the normaliser its type names:
 * email, phone, uuid, text or lower.  region is that of the source (two
 * letters, either case) or NULL; only phone looks at it.
 */
extern bool cdp_norm_identifier(const char *normaliser,
								const char *value, int len,
								const char *region,
								StringInfo out, const char **reason);

/* Whether cdp_norm_identifier knows a normaliser of this name. */
extern bool cdp_norm_is_normaliser(const char *name);

/* unicode.c */
extern bool cdp_norm_text(const char *s, int len,
						  StringInfo out, const char **reason);
extern bool cdp_norm_lower(const char *s, int len,
						   StringInfo out, const char **reason);

/* "Order Completed", "orderCompleted", "ORDER-COMPLETED": order_completed */
extern bool cdp_norm_snake_case(const char *s, int len,
								StringInfo out, const char **reason);

/* email.c */
extern bool cdp_norm_email(const char *s, int len,
						   StringInfo out, const char **reason);

/* phone.c; without a region only international formats are understood */
extern bool cdp_norm_phone(const char *s, int len, const char *region,
						   StringInfo out, const char **reason);

/*
 * Whether these bytes have the form of E.164: "+", a country code in use, 7
 * to 15 digits in all.  Says nothing about the plan of that country.
 */
extern bool cdp_norm_is_e164(const char *s, int len);

/*
 * How many digits after the "+" of a number in E.164 are its country code; 0
 * if that is no code in use.
 */
extern int	cdp_norm_phone_code_length(const char *s, int len);

/* uuid.c; false unless it looks like a UUID */
extern bool cdp_norm_uuid(const char *s, int len,
						  StringInfo out, const char **reason);

/* name.c */
extern bool cdp_norm_name(const char *s, int len,
						  StringInfo out, const char **reason);

/* display.c: names and places as people see them */
extern bool cdp_norm_display(const char *s, int len,
							 StringInfo out, const char **reason);

/* country.c: a code or a name in some languages; ISO 3166, two capitals */
extern bool cdp_norm_country(const char *s, int len,
							 StringInfo out, const char **reason);

/* language.c: BCP 47 */
extern bool cdp_norm_language(const char *s, int len,
							  StringInfo out, const char **reason);

/* time_zone.c: IANA; whether PostgreSQL has the zone, the caller must ask */
extern bool cdp_norm_time_zone(const char *s, int len,
							   StringInfo out, const char **reason);

/* Reasons that a caller may want to tell from others, by address. */
extern const char cdp_norm_region_missing[];	/* national phone, no region */
extern const char cdp_norm_region_unknown[];	/* no such region */

/* functions.c: raises unless the database is encoded in UTF-8 */
extern void cdp_norm_check_encoding(void);

#endif							/* CDP_NORM_H */
