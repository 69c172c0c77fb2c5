/*
 * match_key.c
 *		cdp.match_key(): by what an advertising platform finds a person.
 *
 * A platform is told whom to address by hashes of what it knows of people
 * too.  The rules are the platforms' own, one row for each kind of value:
 *
 *	google		Customer Match: "Format user data" of the Data Manager API.
 *	meta		"Customer information parameters" of the Conversions API,
 *				which custom audiences share.  Names lose spaces along with
 *				punctuation.
 *	tiktok		"List of supported IDs and formats for a customer file".
 *	liveramp	"Hashing identifiers".  Of phone numbers it takes SHA-1, and
 *				none from the EU; it takes no other hashed values.
 *
 * The hashes have no key: the platform must make the same.  So a match key
 * is personal data as much as the value is, and is shown only where the value
 * may be.
 */
#include "postgres.h"

#include <ctype.h>

#include "common/cryptohash.h"
#include "common/sha1.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "audience/match_form.h"
#include "base/compat.h"
#include "norm/norm.h"

/* How a value is hidden. */
typedef enum MatchHash
{
	HASH_NONE,
	HASH_SHA1,
	HASH_SHA256
} MatchHash;

typedef struct MatchRule
{
	const char *platform;
	const char *type;
	CdpMatchForm form;
	MatchHash	hash;
} MatchRule;

/* By platform. */
static const MatchRule rules[] =
{
	{"google", "email", CDP_MATCH_EMAIL_GMAIL, HASH_SHA256},
	{"google", "phone", CDP_MATCH_PHONE, HASH_SHA256},
	{"google", "first_name", CDP_MATCH_LOWER, HASH_SHA256},
	{"google", "last_name", CDP_MATCH_LOWER, HASH_SHA256},
	{"google", "postal_code", CDP_MATCH_TEXT, HASH_NONE},
	{"google", "country", CDP_MATCH_COUNTRY, HASH_NONE},
	{"google", "external_id", CDP_MATCH_TEXT, HASH_NONE},
	{"liveramp", "email", CDP_MATCH_EMAIL, HASH_SHA256},
	{"liveramp", "phone", CDP_MATCH_PHONE_NATIONAL, HASH_SHA1},
	{"meta", "email", CDP_MATCH_EMAIL, HASH_SHA256},
	{"meta", "phone", CDP_MATCH_PHONE_DIGITS, HASH_SHA256},
	{"meta", "first_name", CDP_MATCH_LETTERS_DIGITS, HASH_SHA256},
	{"meta", "last_name", CDP_MATCH_LETTERS_DIGITS, HASH_SHA256},
	{"meta", "birth_date", CDP_MATCH_DATE, HASH_SHA256},
	{"meta", "gender", CDP_MATCH_GENDER, HASH_SHA256},
	{"meta", "city", CDP_MATCH_LETTERS, HASH_SHA256},
	{"meta", "region", CDP_MATCH_STATE, HASH_SHA256},
	{"meta", "postal_code", CDP_MATCH_ZIP, HASH_SHA256},
	{"meta", "country", CDP_MATCH_COUNTRY_LOWER, HASH_SHA256},
	{"meta", "external_id", CDP_MATCH_TEXT, HASH_SHA256},
	{"tiktok", "email", CDP_MATCH_EMAIL, HASH_SHA256},
	{"tiktok", "phone", CDP_MATCH_PHONE, HASH_SHA256},
	{"tiktok", "external_id", CDP_MATCH_TEXT, HASH_SHA256},
};

PG_FUNCTION_INFO_V1(cdp_match_key);

/* Append the names in one column of the rules, each once: "a, b, c". */
static char *
list_names(const char *platform)
{
	StringInfoData names;
	const char *last = "";

	initStringInfo(&names);
	for (int i = 0; i < lengthof(rules); i++)
	{
		const char *name = platform == NULL ? rules[i].platform : rules[i].type;

		if (platform != NULL && strcmp(platform, rules[i].platform) != 0)
			continue;
		if (strcmp(name, last) == 0)
			continue;
		appendStringInfo(&names, "%s%s", *last ? ", " : "", name);
		last = name;
	}
	return names.data;
}

/* The rule for a kind of value; raises if there is none. */
static const MatchRule *
find_rule(const char *platform, const char *type)
{
	bool		is_known = false;

	for (int i = 0; i < lengthof(rules); i++)
	{
		if (strcmp(platform, rules[i].platform) != 0)
			continue;
		if (strcmp(type, rules[i].type) == 0)
			return &rules[i];
		is_known = true;
	}
	if (!is_known)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown platform \"%s\"", platform),
				 errdetail("Platforms are: %s.", list_names(NULL))));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("platform \"%s\" has no match key of type \"%s\"",
					platform, type),
			 errdetail("Its types are: %s.", list_names(platform))));
}

/* Raise unless a region, if there is one, is two letters. */
static void
check_region(const char *region)
{
	if (region == NULL || (strlen(region) == 2 &&
						   isalpha((unsigned char) region[0]) &&
						   isalpha((unsigned char) region[1])))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown region \"%s\"", region),
			 errdetail("A region is the two-letter code of a country, such as DE.")));
}

/* The hash of these bytes in lower-case hexadecimal digits. */
static text *
hash_text(const char *data, int len, MatchHash hash)
{
	bool		is_sha1 = hash == HASH_SHA1;
	int			size = is_sha1 ? SHA1_DIGEST_LENGTH : PG_SHA256_DIGEST_LENGTH;
	pg_cryptohash_ctx *context = pg_cryptohash_create(is_sha1 ? PG_SHA1 : PG_SHA256);
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char		digits[2 * PG_SHA256_DIGEST_LENGTH];

	if (context == NULL || pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) data, len) < 0 ||
		pg_cryptohash_final(context, digest, size) < 0)
		elog(ERROR, "could not compute a hash");
	pg_cryptohash_free(context);
	hex_encode((const char *) digest, size, digits);
	return cstring_to_text_with_len(digits, 2 * size);
}

/*
 * cdp.match_key(platform, type, value, region): NULL if an argument but region
 * is NULL, or the value has no such form.
 */
Datum
cdp_match_key(PG_FUNCTION_ARGS)
{
	const MatchRule *rule;
	text	   *value;
	char	   *region = NULL;
	StringInfoData form;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	cdp_norm_check_encoding();
	rule = find_rule(text_to_cstring(PG_GETARG_TEXT_PP(0)),
					 text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (!PG_ARGISNULL(3))
		region = text_to_cstring(PG_GETARG_TEXT_PP(3));
	check_region(region);
	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();
	value = PG_GETARG_TEXT_PP(2);
	initStringInfo(&form);
	if (!cdp_audience_match_form(rule->form, VARDATA_ANY(value),
								 VARSIZE_ANY_EXHDR(value), region, &form))
		PG_RETURN_NULL();
	if (rule->hash == HASH_NONE)
		PG_RETURN_TEXT_P(cstring_to_text_with_len(form.data, form.len));
	PG_RETURN_TEXT_P(hash_text(form.data, form.len, rule->hash));
}
