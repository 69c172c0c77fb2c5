/*
 * stub.c
 *		What pure code needs of a server to run without one.
 *
 * Memory and StringInfo come from libpgcommon.  An error that is raised is a
 * broken promise, unless the harness has its own errstart(), or errfinish().
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "fuzz.h"

void
fuzz_insist(bool condition, const char *promise)
{
	if (condition)
		return;
	fprintf(stderr, "broken promise: %s\n", promise);
	abort();
}

/* What outlives a call is never freed, and there is one kind of memory. */
MemoryContext TopMemoryContext = NULL;

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	return palloc(size);
}

__attribute__((weak)) bool
errstart(int elevel, const char *domain)
{
	abort();
}

__attribute__((weak)) bool
errstart_cold(int elevel, const char *domain)
{
	abort();
}

__attribute__((weak)) void
errfinish(const char *filename, int lineno, const char *funcname)
{
}

int
errcode(int sqlerrcode)
{
	return 0;
}

int
errmsg(const char *fmt,...)
{
	return 0;
}

int
errmsg_internal(const char *fmt,...)
{
	return 0;
}

int
errdetail_internal(const char *fmt,...)
{
	return 0;
}

int
errhint(const char *fmt,...)
{
	return 0;
}

int
errdetail(const char *fmt,...)
{
	return 0;
}
