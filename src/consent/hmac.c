/*
 * hmac.c
 *		Keyed hashes and keys: how a suppression outlives what it names.
 *
 * A do-not-contact entry must still work after its subject was erased, so it
 * cannot keep the value.  A plain hash of an email address is undone by
 * hashing all likely addresses; HMAC-SHA256 under a random key of the store
 * is not, for whoever lacks the key.  Both come from the server's own library
 * (which is OpenSSL's where the server was built with it), the random bytes
 * from its strong generator.
 *
 * The hash is a pure function of key and value: the tables it is used with,
 * and who may read the key, are the affair of SQL.  It is not LEAKPROOF, and
 * no message here repeats a value.
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "fmgr.h"

#include "base/compat.h"
#include "consent/consent.h"

#define KEY_BYTES 32
#define KEY_CHECK_TEXT "cdp: is this the key?"

PG_FUNCTION_INFO_V1(cdp__key_check_value);
PG_FUNCTION_INFO_V1(cdp__keyed_hash);
PG_FUNCTION_INFO_V1(cdp__random_key);

static void
check_key(int size)
{
	if (size < KEY_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key of a keyed hash must have at least %d bytes",
						KEY_BYTES)));
}

/* HMAC-SHA256 of data into hash, or false. */
static bool
compute_hmac(const uint8 *key, size_t key_size,
			 const uint8 *data, size_t data_size, uint8 *hash)
{
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);
	bool		done;

	if (context == NULL)
		return false;
	done = pg_hmac_init(context, key, key_size) >= 0 &&
		pg_hmac_update(context, data, data_size) >= 0 &&
		pg_hmac_final(context, hash, PG_SHA256_DIGEST_LENGTH) >= 0;
	pg_hmac_free(context);
	return done;
}

/* cdp._keyed_hash(key, value): HMAC-SHA256, 32 bytes. */
Datum
cdp__keyed_hash(PG_FUNCTION_ARGS)
{
	bytea	   *key = PG_GETARG_BYTEA_PP(0);
	text	   *value = PG_GETARG_TEXT_PP(1);
	bytea	   *hash = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);

	check_key(VARSIZE_ANY_EXHDR(key));
	SET_VARSIZE(hash, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	if (!compute_hmac((const uint8 *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key),
					  (const uint8 *) VARDATA_ANY(value),
					  VARSIZE_ANY_EXHDR(value), (uint8 *) VARDATA(hash)))
		elog(ERROR, "could not compute a keyed hash");
	PG_RETURN_BYTEA_P(hash);
}

/* The hash by which a key is told: of KEY_CHECK_TEXT, under it. */
void
cdp_consent_hash_key_check(const bytea *key, uint8 *hash)
{
	check_key(VARSIZE_ANY_EXHDR(key));
	if (!compute_hmac((const uint8 *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key),
					  (const uint8 *) KEY_CHECK_TEXT, strlen(KEY_CHECK_TEXT),
					  hash))
		elog(ERROR, "could not compute a keyed hash");
}

/* cdp._key_check_value(key): that hash. */
Datum
cdp__key_check_value(PG_FUNCTION_ARGS)
{
	bytea	   *hash = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);

	SET_VARSIZE(hash, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	cdp_consent_hash_key_check(PG_GETARG_BYTEA_PP(0), (uint8 *) VARDATA(hash));
	PG_RETURN_BYTEA_P(hash);
}

/* cdp._random_key(): 32 random bytes. */
Datum
cdp__random_key(PG_FUNCTION_ARGS)
{
	bytea	   *key = palloc(VARHDRSZ + KEY_BYTES);

	SET_VARSIZE(key, VARHDRSZ + KEY_BYTES);
	if (!pg_strong_random(VARDATA(key), KEY_BYTES))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	PG_RETURN_BYTEA_P(key);
}
