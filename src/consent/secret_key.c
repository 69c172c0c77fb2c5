/*
 * secret_key.c
 *		The key of keyed hashes, kept outside of the database.
 *
 * The store keeps its key in cdp.secret_key, where a dump carries it along.
 * Whoever wants hashes to be of no use to who steals a dump names a file in
 * cdp.secret_key_file, and sets cdp.secret_key.key to NULL.  The file holds the
 * key in hexadecimal, 64 digits or more, white space around it aside.  It is
 * read anew whenever the key is asked for, so it can be mounted late and
 * nothing of it is kept; that is one small read for each call that hashes.
 *
 * Whether the key is the store's own tells the check value that the store
 * keeps.  Views that roles read run functions with the rights of the role, so
 * what they call, cdp._verifies_key(), says yes or raises and gives nothing
 * away; the key itself is for those who may read cdp.secret_key.
 *
 * One error for everything that can be wrong, without the name of the file: it
 * is a setting that only superusers see.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "consent/consent.h"

#define MIN_KEY_BYTES 32
#define MAX_FILE_BYTES 4096

static char *secret_key_file = NULL;

PG_FUNCTION_INFO_V1(cdp__file_key);
PG_FUNCTION_INFO_V1(cdp__verifies_key);

static void
refuse_key(const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the secret key of the store is missing or not its own"),
			 errdetail("%s Suppressed identifiers could not be told, so nothing is recorded or released.",
					   detail),
			 errhint("%s", hint)));
}

static void
refuse_file(const char *detail)
{
	refuse_key(detail, "Put the key of this store, in hexadecimal, into the file that cdp.secret_key_file names, readable by the server.");
}

/* The key in hexadecimal digits of a text that ends with a zero byte. */
static bytea *
decode_key(char *text)
{
	char	   *start = text + strspn(text, " \t\r\n");
	size_t		digits = strspn(start, "0123456789abcdefABCDEF");
	bytea	   *key = palloc(VARHDRSZ + digits / 2);

	if (digits % 2 != 0 || digits < 2 * MIN_KEY_BYTES ||
		start[digits + strspn(start + digits, " \t\r\n")] != '\0')
		refuse_file("The file holds no key: 64 hexadecimal digits or more.");
	SET_VARSIZE(key, VARHDRSZ + hex_decode(start, digits, VARDATA(key)));
	return key;
}

/* The key in the file; NULL: the setting names none. */
static bytea *
read_key_file(void)
{
	char		text[MAX_FILE_BYTES + 1];
	size_t		size;
	FILE	   *file;

	if (secret_key_file == NULL || *secret_key_file == '\0')
		return NULL;
	file = AllocateFile(secret_key_file, PG_BINARY_R);
	if (file == NULL)
		refuse_file("The file could not be opened.");
	size = fread(text, 1, MAX_FILE_BYTES, file);
	if (ferror(file))
		refuse_file("The file could not be read.");
	FreeFile(file);
	text[size] = '\0';
	return decode_key(text);
}

/*
 * cdp._file_key(): the key outside of the database, for who may read the one
 * inside; NULL: there is none outside.
 */
Datum
cdp__file_key(PG_FUNCTION_ARGS)
{
	Oid			table = get_relname_relid("secret_key",
										  get_namespace_oid("cdp", false));
	bytea	   *key;

	if (!OidIsValid(table) ||
		pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, "secret_key");
	key = read_key_file();
	if (key == NULL)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(key);
}

/*
 * cdp._verifies_key(key, check_value): true if the key, or that of the file if
 * there is one, is the store's own; raises otherwise.
 */
Datum
cdp__verifies_key(PG_FUNCTION_ARGS)
{
	bytea	   *key = read_key_file();
	bool		from_file = key != NULL;
	uint8		hash[PG_SHA256_DIGEST_LENGTH];
	bytea	   *expected;

	if (!from_file && !PG_ARGISNULL(0))
		key = PG_GETARG_BYTEA_PP(0);
	if (key != NULL && !PG_ARGISNULL(1))
	{
		expected = PG_GETARG_BYTEA_PP(1);
		cdp_consent_hash_key_check(key, hash);
		if (VARSIZE_ANY_EXHDR(expected) == sizeof(hash) &&
			memcmp(VARDATA_ANY(expected), hash, sizeof(hash)) == 0)
			PG_RETURN_BOOL(true);
	}
	if (from_file)
		refuse_file("The file holds another key.");
	refuse_key(key == NULL ? "There is no key." : "There is another key.",
			   "Restore the row of cdp.secret_key from the backup that this store comes from, or name its file in cdp.secret_key_file.");
	PG_RETURN_NULL();
}

/* Called by _PG_init. */
void
cdp_consent_init(void)
{
	DefineCustomStringVariable("cdp.secret_key_file",
							   "The file that holds the store's secret key in hexadecimal.",
							   "Empty: the key is in cdp.secret_key.",
							   &secret_key_file,
							   "",
							   PGC_SUSET,
							   GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
}
