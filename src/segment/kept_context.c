/*
 * kept_context.c
 *		cdp._evaluation_context(): read once, kept by the session.
 *
 * Behind a cdp.ingest() one profile is evaluated, which takes less time than
 * to read what the names in predicates mean.  All tables that the context is
 * made of are watched (base/watch.c), so it is kept until one of them changes.
 * A user gets only what a user read: rights are those of the tables.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "base/base.h"

PG_FUNCTION_INFO_V1(cdp__evaluation_context);

static struct
{
	Datum		context;		/* in TopMemoryContext; 0: none */
	uint64		watched;		/* when it was read */
	Oid			reader;
} kept;

/* Read the context from the tables, into the current memory. */
static Datum
read_context(void)
{
	static CdpPlan context_plan = {"SELECT cdp._read_evaluation_context()", 0};
	MemoryContext caller = CurrentMemoryContext;
	bool		isnull;
	Datum		context;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	/* Not read_only: the snapshot must be younger than what we have heard. */
	cdp_base_execute(&context_plan, NULL, NULL, false, 1);
	context = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							&isnull);
	MemoryContextSwitchTo(caller);
	context = datumCopy(context, false, -1);
	SPI_finish();
	return context;
}

/* Keep a context; the one kept so far goes. */
static void
keep_context(Datum context, uint64 watched)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Datum		copy = datumCopy(context, false, -1);

	MemoryContextSwitchTo(old);
	if (kept.context != 0)
		pfree(DatumGetPointer(kept.context));
	kept.context = copy;
	kept.watched = watched;
	kept.reader = GetUserId();
}

/* cdp._evaluation_context(), a copy that the caller may have for good. */
Datum
cdp__evaluation_context(PG_FUNCTION_ARGS)
{
	uint64		watched = cdp_base_watched();
	Datum		context;

	if (kept.context != 0 && kept.watched == watched &&
		kept.reader == GetUserId())
		PG_RETURN_DATUM(datumCopy(kept.context, false, -1));
	context = read_context();
	if (watched != 0 && cdp_base_watched() == watched)
		keep_context(context, watched);
	PG_RETURN_DATUM(context);
}
