/*
 * compat.h
 *		The one file that knows which server version it is built for.
 *
 * cdp builds on PostgreSQL 15 to 18.  Whatever differs between them is named
 * here once; no other file may test PG_VERSION_NUM (test/lint checks it).
 */
#ifndef CDP_BASE_COMPAT_H
#define CDP_BASE_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "cdp needs PostgreSQL 15 or later"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Actions of the JSON parser return an error code from 16 on. */
#if PG_VERSION_NUM >= 160000
#define CDP_JSON_ACTION		static JsonParseErrorType
#define CDP_JSON_GO_ON		return JSON_SUCCESS
#else
#define CDP_JSON_ACTION		static void
#define CDP_JSON_GO_ON		return
#endif

/* The number of a transaction within its backend; needs storage/proc.h. */
#if PG_VERSION_NUM >= 170000
#define cdp_local_transaction() (MyProc->vxid.lxid)
#else
#define cdp_local_transaction() (MyProc->lxid)
#endif

#if PG_VERSION_NUM >= 170000
#define cdp_make_json_lexer(text, len) \
	makeJsonLexContextCstringLen(NULL, (text), (len), \
								 GetDatabaseEncoding(), true)
#else
#define cdp_make_json_lexer(text, len) \
	makeJsonLexContextCstringLen((char *) (text), (len), \
								 GetDatabaseEncoding(), true)
#endif

#endif							/* CDP_BASE_COMPAT_H */
