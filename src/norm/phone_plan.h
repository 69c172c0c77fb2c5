/*
 * phone_plan.h
 *		What a country calling code says about the digits after it; private to
 *		the room.
 */
#ifndef CDP_NORM_PHONE_PLAN_H
#define CDP_NORM_PHONE_PLAN_H

/* The numbering plan behind one country calling code. */
typedef struct CdpPhonePlan
{
	uint16		code;			/* country calling code, 1 to 999 */
	uint16		lengths;		/* bit n: numbers of n digits exist */
	uint16		doubtful;		/* bit d: a number that begins with digit d may
								 * carry a trunk or carrier prefix */
} CdpPhonePlan;

/*
 * The plan whose code begins these digits, or NULL; *code_length is how many
 * of them are the code.
 */
extern const CdpPhonePlan *cdp_norm_find_phone_plan(const char *digits,
													int len,
													int *code_length);

#endif							/* CDP_NORM_PHONE_PLAN_H */
