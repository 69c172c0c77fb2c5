/*
 * phone_module.h
 *		What the module cdp_phone offers to cdp; private to the room.
 *
 * Plain C, because the module is the only C++ of the extension and nothing of
 * C++ may show: no exception leaves it and no server error enters it.
 */
#ifndef CDP_NORM_PHONE_MODULE_H
#define CDP_NORM_PHONE_MODULE_H

/* Room for "+", 15 digits and the terminating zero. */
#define CDP_E164_SIZE 17

/* Raised when CdpPhoneModule changes, so that no old one is called. */
#define CDP_PHONE_MODULE_VERSION 1

typedef enum CdpPhoneVerdict
{
	CDP_PHONE_POSSIBLE,
	CDP_PHONE_NOT_A_NUMBER,
	CDP_PHONE_NO_COUNTRY,
	CDP_PHONE_NO_REGION,
	CDP_PHONE_NO_AREA,
	CDP_PHONE_TOO_SHORT,
	CDP_PHONE_TOO_LONG,
	CDP_PHONE_NO_MEMORY,
	CDP_PHONE_BROKEN			/* libphonenumber threw something */
} CdpPhoneVerdict;

typedef struct CdpPhoneModule
{
	int			version;		/* CDP_PHONE_MODULE_VERSION */

	/*
	 * Parse len bytes, "+" and digits or digits; region is two capitals, or
	 * "" if the number has a "+".  e164 is filled if the verdict is
	 * CDP_PHONE_POSSIBLE.
	 */
	CdpPhoneVerdict (*parse) (const char *number, int len,
							  const char *region, char *e164);
} CdpPhoneModule;

/* The one function the module exports. */
typedef const CdpPhoneModule *(*CdpPhoneModuleEntry) (void);

/* phone_load.c: the module, loaded on first use; raises if it cannot be. */
extern const CdpPhoneModule *cdp_norm_phone_module(void);

#endif							/* CDP_NORM_PHONE_MODULE_H */
