/*
 * phone.c
 *		Fuzz the two ways of a phone number against each other.
 *
 * norm/phone.c settles most international numbers by its table of plans and
 * asks libphonenumber about the rest.  Checked here: what is left as it is
 * by one way is so by the other, and every answer is its own canonical form.
 *
 *	test/fuzz/run.sh phone [seconds]
 */
#include "postgres.h"

#include "norm/norm.h"
#include "norm/phone_module.h"

#include "fuzz.h"

#define MAX_NUMBER 20

static const char *const regions[] =
{"AR", "AU", "BR", "BY", "CN", "DE", "FR", "GB", "IT", "JP", "MX", "RU", "US"};

extern const CdpPhoneModule *cdp_phone_module(void);

/* In place of phone_load.c. */
const CdpPhoneModule *
cdp_norm_phone_module(void)
{
	return cdp_phone_module();
}

/* A number that we left as it is, libphonenumber leaves as it is. */
static void
check_with_library(const char *number, const char *canonical)
{
	char		e164[CDP_E164_SIZE];

	if (strcmp(number, canonical) != 0)
		return;
	fuzz_insist(cdp_phone_module()->parse(number, strlen(number), "", e164) ==
				CDP_PHONE_POSSIBLE, "an accepted number is possible");
	fuzz_insist(strcmp(e164, canonical) == 0, "both ways give the same");
}

/* Byte 0 chooses a region or "+", the others are digits. */
int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char		number[MAX_NUMBER + 2];
	int			length = 0;
	const char *region;
	const char *reason;
	StringInfoData once;
	StringInfoData twice;

	if (size < 2 || size > MAX_NUMBER)
		return 0;
	region = regions[data[0] % lengthof(regions)];
	if (data[0] & 0x80)
		number[length++] = '+';
	for (size_t i = 1; i < size; i++)
		number[length++] = '0' + data[i] % 10;
	number[length] = '\0';
	initStringInfo(&once);
	initStringInfo(&twice);
	if (cdp_norm_phone(number, length, region, &once, &reason))
	{
		check_with_library(number, once.data);
		fuzz_insist(cdp_norm_phone(once.data, once.len, NULL, &twice, &reason),
					"a canonical form is usable");
		fuzz_insist(strcmp(once.data, twice.data) == 0,
					"a canonical form is its own canonical form");
	}
	pfree(once.data);
	pfree(twice.data);
	return 0;
}
