/*
 * base.h
 *		Front door of the base room: what every other room stands on.
 *
 * Saved plans.  The tables of the store are touched through SPI with plans
 * that are prepared once per backend.  A plan is a static CdpPlan in the file
 * that uses it; cdp_base_execute() prepares it on first use.  Names in it are
 * fully qualified, values are parameters.
 *
 * The store.  CREATE EXTENSION brings code; cdp.setup() makes the store, the
 * tables that hold customer data.  They are versioned apart, so every entry
 * point first calls cdp_base_check_store(), which looks once per backend and
 * then costs a branch.
 *
 * The clock.  cdp_base_clock() is the time of the running statement, or the
 * superuser's cdp.test_clock.  Every rule that depends on "now" asks it, so a
 * test chooses the microsecond.
 *
 * Watched tables.  What a session makes of tables that hardly ever change it
 * may keep until one of them does, anywhere (watch.c).
 *
 * Probes.  Where a lookup of one row by a key is most of what a function does,
 * a statement costs several times the lookup, even a saved one (probe.c).
 *
 * Pending work is rows of cdp.todo(phase, ids), written by the transaction
 * that makes the work and deleted by the batch that did it.
 *
 * Runs.  A procedure that works in committed batches (merge, rebuild, ...) is
 * a list of CdpPhase given to cdp_base_run(); run.c tells how a batch is made
 * safe.
 */
#ifndef CDP_BASE_H
#define CDP_BASE_H

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "base/compat.h"

#define CDP_PLAN_MAX_ARGS 16

/* A statement prepared once per backend. */
typedef struct CdpPlan
{
	const char *sql;
	int			nargs;
	Oid			argtypes[CDP_PLAN_MAX_ARGS];
	SPIPlanPtr	plan;			/* NULL until first used */
} CdpPlan;

/*
 * Run a saved plan inside an open SPI connection; returns the SPI code, which
 * is never an error.  nulls is as SPI_execute_plan's; limit 0 is no limit.
 */
extern int	cdp_base_execute(CdpPlan *plan, Datum *values, const char *nulls,
							 bool read_only, long limit);

/* Prepare a saved plan if this backend has not done so yet; for cursors. */
extern void cdp_base_prepare(CdpPlan *plan);

/* Raises unless the store exists and its version is the extension's. */
extern void cdp_base_check_store(void);

/* Raises unless the store exists, of whatever version. */
extern void cdp_base_check_store_exists(void);

/*
 * Raises unless the current user is a member of the role that owns the store:
 * "permission denied to <task>".
 */
extern void cdp_base_check_store_owner(const char *task);

/*
 * Changes whenever a row of a watched table has: what was read, with a
 * snapshot of its own, while this stayed the same may be kept as long as it
 * stays the same.  0: keep nothing.
 */
extern uint64 cdp_base_watched(void);

/*
 * Rows of a store's table by an index, one key after the other, seen by the
 * active snapshot.  Between begin and end that is a new one (above READ
 * COMMITTED, the transaction's) with everything this transaction wrote so far.
 */
typedef struct CdpProbe CdpProbe;
extern void cdp_base_begin_reading(void);
extern void cdp_base_end_reading(void);

/* Raises unless the running user may read all rows of cdp.<table>. */
extern void cdp_base_check_reading(Oid relation, const char *table);

/* Read cdp.<table> by the first nkeys (at most 4) columns of cdp.<index>. */
extern CdpProbe *cdp_base_probe_open(const char *table, const char *index,
									 int nkeys);
extern void cdp_base_probe_close(CdpProbe *probe);

/* The number of a column, for cdp_base_probe_value(). */
extern int	cdp_base_probe_column(CdpProbe *probe, const char *name);

/* Go to the first row with these keys; false: there is none. */
extern bool cdp_base_probe_find(CdpProbe *probe, const Datum *keys);

/* The same, to the last one, in the order of the index. */
extern bool cdp_base_probe_find_last(CdpProbe *probe, const Datum *keys);

/* Go on from the row found, back from the last; false: there is none. */
extern bool cdp_base_probe_next(CdpProbe *probe);

/* A column of the row found, valid until the next find; null is 0. */
extern Datum cdp_base_probe_value(CdpProbe *probe, int column);

/* All columns of the row found, likewise. */
extern TupleTableSlot *cdp_base_probe_row(CdpProbe *probe);

/* The instant that "now" means for the running statement. */
extern TimestampTz cdp_base_clock(void);

/* Advisory locks of cdp: (CDP_LOCK_CLASS, one of CdpLock). */
#define CDP_LOCK_CLASS 0x636470	/* "cdp" */

typedef enum CdpLock
{
	CDP_LOCK_RUN = 1,			/* session: one run at a time */
	CDP_LOCK_MERGER = 2			/* transaction: one merger at a time */
} CdpLock;

/* One phase of a run. */
typedef struct CdpPhase
{
	const char *name;
	const char *step;			/* "SELECT ...($1)": $1 int batch; returns bigint,
								 * how many units it did; 0 or NULL: no more */
	const char *backlog;		/* query for the units to do, run before the first
								 * step, or NULL: unknown */
	bool		takes_merger_lock;	/* each batch holds CDP_LOCK_MERGER */
	bool		(*forgives) (const ErrorData *error);	/* is a batch that was
								 * lost by this error to be tried again, until
								 * it says no?  NULL: never */
} CdpPhase;

/*
 * Run the phases named in only (all of them if NULL) in committed batches.
 * Called by C procedures, after the check of the store; raises inside a
 * transaction block.
 */
extern void cdp_base_run(FunctionCallInfo fcinfo, const char *kind,
						 const CdpPhase *phases, int nphases,
						 int batch, ArrayType *only, bool wait);

/* cdp.components_memory: the most kB that a graph may take. */
extern int	cdp_base_components_memory;

/* Called by _PG_init. */
extern void cdp_base_init(void);

#endif							/* CDP_BASE_H */
