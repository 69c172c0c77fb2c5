/*
 * norm.c
 *		Fuzz the normalisers without a server.
 *
 * Checks what norm.h promises of any bytes: a canonical form is valid UTF-8,
 * is its own canonical form, and a refusal leaves the output as it was and
 * says why.  The first byte of the input chooses the normaliser.
 *
 *	test/fuzz/run.sh norm [seconds]
 *
 * libphonenumber is left out: what the table of plans does not settle is
 * taken to be no number.
 */
#include "postgres.h"

#include <unicode/utf8.h>

#include "norm/norm.h"
#include "norm/phone_module.h"

#include "fuzz.h"

static const char *const normalisers[] =
{"email", "lower", "phone", "text", "uuid", "name", "event", "country",
"language", "time_zone", "display"};

static CdpPhoneVerdict
refuse_number(const char *number, int len, const char *region, char *e164)
{
	return CDP_PHONE_NOT_A_NUMBER;
}

/* In place of phone_load.c. */
const CdpPhoneModule *
cdp_norm_phone_module(void)
{
	static const CdpPhoneModule module =
	{CDP_PHONE_MODULE_VERSION, refuse_number};

	return &module;
}

static bool
normalise(int which, const char *s, int len, StringInfo out,
		  const char **reason)
{
	const char *name = normalisers[which];

	if (strcmp(name, "name") == 0)
		return cdp_norm_name(s, len, out, reason);
	if (strcmp(name, "event") == 0)
		return cdp_norm_snake_case(s, len, out, reason);
	if (strcmp(name, "country") == 0)
		return cdp_norm_country(s, len, out, reason);
	if (strcmp(name, "language") == 0)
		return cdp_norm_language(s, len, out, reason);
	if (strcmp(name, "time_zone") == 0)
		return cdp_norm_time_zone(s, len, out, reason);
	if (strcmp(name, "display") == 0)
		return cdp_norm_display(s, len, out, reason);
	return cdp_norm_identifier(name, s, len, "DE", out, reason);
}

static void
insist_utf8(const char *s, int len)
{
	for (int i = 0; i < len;)
	{
		UChar32		c;

		U8_NEXT(s, i, len, c);
		fuzz_insist(c > 0, "canonical forms are valid UTF-8 without zero bytes");
	}
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	StringInfoData once;
	StringInfoData twice;
	const char *reason = NULL;
	const char *canonical;
	char	   *copy;
	int			length;
	int			which;

	if (size < 2)
		return 0;
	which = data[0] % lengthof(normalisers);
	/* a copy of the exact size, so that reading past it is seen */
	copy = malloc(size - 1);
	memcpy(copy, data + 1, size - 1);
	initStringInfo(&once);
	initStringInfo(&twice);
	appendStringInfoString(&once, "before");
	if (!normalise(which, copy, size - 1, &once, &reason))
	{
		fuzz_insist(reason != NULL, "a refusal has a reason");
		fuzz_insist(strcmp(once.data, "before") == 0 && once.len == 6,
					"a refusal leaves the output as it was");
	}
	else
	{
		fuzz_insist(once.len > 6, "a canonical form is not empty");
		canonical = once.data + 6;
		length = once.len - 6;
		insist_utf8(canonical, length);
		fuzz_insist(normalise(which, canonical, length, &twice, &reason),
					"a canonical form is usable");
		fuzz_insist(strcmp(canonical, twice.data) == 0,
					"a canonical form is its own canonical form");
	}
	free(copy);
	pfree(once.data);
	pfree(twice.data);
	return 0;
}
