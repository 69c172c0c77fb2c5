/*
 * run.c
 *		Runs: work in committed batches, one run at a time, never half done.
 *
 * A run is what a procedure such as cdp.merge() does: its phases in order,
 * each phase a step function called again and again, each step one committed
 * batch.  Per batch:
 *
 *	1. the search path is set for this transaction (a procedure that commits
 *	   cannot have a SET clause);
 *	2. the step runs in a subtransaction.  If it fails, only the batch is
 *	   rolled back, the error is written to cdp.run_log and committed, and
 *	   then raised again.  A cancel or statement_timeout takes the same way;
 *	   so does an error of the commit itself.  A phase may forgive an error
 *	   (another server's, that was read from): the batch is tried again;
 *	3. progress goes to cdp.run_log, and the transaction commits.
 *
 * Locks.  A session advisory lock makes runs single-flight: whoever finds it
 * taken says so and returns, or waits if asked to.  It is released in
 * PG_FINALLY, because behind a pooler the session outlives a failed CALL.  A
 * row of cdp.run_log in state "running" whose lock nobody holds was
 * interrupted (the server or its backend died): the view cdp.run says so, and
 * the next run simply goes on, since pending work is rows of cdp.todo.
 * Phases that change what other phases read hold CDP_LOCK_MERGER for the
 * length of each batch; cdp.ingest takes that lock only if it is free.
 *
 * Statistics.  A first load makes tables of millions of rows before autovacuum
 * has looked at any, so tables that have grown by half are analyzed after the
 * first, second, fourth, eighth ... batch of a phase and at its end.
 *
 * A phase ends when its step finds nothing more to do, or when it has done as
 * much as was waiting when it began: sources that never pause cannot keep a
 * run from its later phases.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/pmsignal.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "base/base.h"

PG_FUNCTION_INFO_V1(cdp__lock_merger);
PG_FUNCTION_INFO_V1(cdp__try_lock_merger);

/* A run under way; lives in the memory of the CALL. */
typedef struct Run
{
	const char *kind;			/* "merge", "rebuild", ... */
	int64		run_id;			/* row of cdp.run_log */
	int			batch;			/* units asked of one step */
	MemoryContext context;		/* outlives the transactions of the run */
} Run;

/* Refuse a CALL that could not commit. */
static void
check_may_commit(FunctionCallInfo fcinfo, const char *kind)
{
	CallContext *call = (CallContext *) fcinfo->context;

	if (call != NULL && IsA(call, CallContext) && !call->atomic)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg("CALL cdp.%s() cannot run inside a transaction block", kind),
			 errdetail("It commits each batch of its work."),
			 errhint("Run it by itself with autocommit on, not in a function, and not in a psql -c string with other commands.")));
}

static void
check_batch(int batch)
{
	if (batch < 1 || batch > 1000000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch must be between 1 and 1000000")));
}

/* Is the phase among the names that the caller chose? */
static bool
is_chosen(const char *name, ArrayType *only)
{
	Datum	   *names;
	bool	   *nulls;
	int			count;

	if (only == NULL)
		return true;
	deconstruct_array(only, TEXTOID, -1, false, TYPALIGN_INT,
					  &names, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i] && strcmp(TextDatumGetCString(names[i]), name) == 0)
			return true;
	return false;
}

/* Every chosen name must be a phase. */
static void
check_phases(const char *kind, const CdpPhase *phases, int nphases,
			 ArrayType *only)
{
	Datum	   *names;
	bool	   *nulls;
	int			count;

	if (only == NULL)
		return;
	deconstruct_array(only, TEXTOID, -1, false, TYPALIGN_INT,
					  &names, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		const char *name = nulls[i] ? "NULL" : TextDatumGetCString(names[i]);
		bool		known = false;

		for (int j = 0; j < nphases; j++)
			known |= strcmp(phases[j].name, name) == 0;
		if (!known)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown phase \"%s\" of cdp.%s()", name, kind)));
	}
}

/* Take the run lock; false: another session has it and we may not wait. */
static bool
take_run_lock(bool wait)
{
	if (!wait)
		return DatumGetBool(DirectFunctionCall2(pg_try_advisory_lock_int4,
												Int32GetDatum(CDP_LOCK_CLASS),
												Int32GetDatum(CDP_LOCK_RUN)));
	DirectFunctionCall2(pg_advisory_lock_int4,
						Int32GetDatum(CDP_LOCK_CLASS),
						Int32GetDatum(CDP_LOCK_RUN));
	return true;
}

static void
release_run_lock(void)
{
	DirectFunctionCall2(pg_advisory_unlock_int4,
						Int32GetDatum(CDP_LOCK_CLASS),
						Int32GetDatum(CDP_LOCK_RUN));
}

static void
lock_merger(void)
{
	DirectFunctionCall2(pg_advisory_xact_lock_int4,
						Int32GetDatum(CDP_LOCK_CLASS),
						Int32GetDatum(CDP_LOCK_MERGER));
}

/* cdp._lock_merger() */
Datum
cdp__lock_merger(PG_FUNCTION_ARGS)
{
	lock_merger();
	PG_RETURN_VOID();
}

/* cdp._try_lock_merger() */
Datum
cdp__try_lock_merger(PG_FUNCTION_ARGS)
{
	return DirectFunctionCall2(pg_try_advisory_xact_lock_int4,
							   Int32GetDatum(CDP_LOCK_CLASS),
							   Int32GetDatum(CDP_LOCK_MERGER));
}

/* Each transaction of a run begins here. */
static void
begin_transaction(void)
{
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

/* One bigint from a query with the batch size as $1; 0 for NULL or no row. */
static int64
query_count(const char *sql, int batch)
{
	Oid			argtypes[1] = {INT4OID};
	Datum		values[1] = {Int32GetDatum(batch)};
	bool		isnull = true;
	Datum		result = (Datum) 0;
	int64		count = 0;

	if (SPI_execute_with_args(sql, 1, argtypes, values, NULL, false, 1) < 0)
		elog(ERROR, "could not run \"%s\"", sql);
	if (SPI_processed > 0)
		result = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
							   1, &isnull);
	if (!isnull)
		count = DatumGetInt64(result);
	/* The SPI connection lasts as long as the run. */
	SPI_freetuptable(SPI_tuptable);
	return count;
}

/* Open the run's row, and close rows that a dead session left open. */
static int64
log_start(const char *kind)
{
	Oid			argtypes[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(kind)};
	bool		isnull;

	SPI_execute("UPDATE cdp.run_log SET state = 'interrupted', finished_at = updated_at"
				" WHERE state = 'running'", false, 0);
	if (SPI_execute_with_args("INSERT INTO cdp.run_log (kind, pid)"
							  " VALUES ($1, pg_catalog.pg_backend_pid())"
							  " RETURNING run_id",
							  1, argtypes, values, NULL, false, 1) < 0)
		elog(ERROR, "could not write cdp.run_log");
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 1, &isnull));
}

/* Note where the run is; elapsed_ms is that of the phase so far. */
static void
log_progress(Run *run, const char *phase, int64 done, int64 total,
			 double elapsed_ms)
{
	static CdpPlan progress_plan = {
		"UPDATE cdp.run_log SET phase = $2, done = $3, total = $4,"
		" phase_ms = phase_ms || pg_catalog.jsonb_build_object($2,"
		" pg_catalog.round($5::numeric, 1)),"
		" updated_at = pg_catalog.clock_timestamp() WHERE run_id = $1",
		5, {INT8OID, TEXTOID, INT8OID, INT8OID, FLOAT8OID}
	};
	Datum		values[5] = {
		Int64GetDatum(run->run_id), CStringGetTextDatum(phase),
		Int64GetDatum(done), Int64GetDatum(total), Float8GetDatum(elapsed_ms)
	};

	cdp_base_execute(&progress_plan, values, total < 0 ? "   n " : NULL,
					 false, 0);
}

/*
 * Close the run's row; error is NULL when no batch failed.  What a step could
 * not do and went on without, it has written there itself.
 */
static void
log_finish(Run *run, const char *error)
{
	static CdpPlan finish_plan = {
		"UPDATE cdp.run_log SET error = coalesce($2, error),"
		" state = CASE WHEN $2 IS NULL THEN 'done' ELSE 'failed' END,"
		" updated_at = pg_catalog.clock_timestamp(),"
		" finished_at = pg_catalog.clock_timestamp() WHERE run_id = $1",
		2, {INT8OID, TEXTOID}
	};
	Datum		values[2] = {
		Int64GetDatum(run->run_id),
		error ? CStringGetTextDatum(error) : (Datum) 0
	};

	cdp_base_execute(&finish_plan, values, error ? NULL : " n", false, 0);
}

/*
 * Run one query of a phase in a subtransaction.  Returns its count; on an
 * error the batch is rolled back and *error is its copy.
 */
static int64
guard_query(Run *run, const CdpPhase *phase, const char *sql,
			ErrorData **error)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile int64 count = 0;

	*error = NULL;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		if (phase->takes_merger_lock)
			lock_merger();
		count = query_count(sql, run->batch);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(run->context);
		*error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_END_TRY();
	return count;
}

/*
 * Commit, and begin the next transaction.  Returns NULL, or the error by which
 * the transaction was rolled back instead.
 */
static ErrorData *
try_commit(Run *run)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		SPI_commit();
	}
	PG_CATCH();
	{
		/* SPI has begun the next transaction already. */
		MemoryContextSwitchTo(run->context);
		error = CopyErrorData();
		FlushErrorState();
		MemoryContextSwitchTo(context);
	}
	PG_END_TRY();
	if (error == NULL)
		CHECK_FOR_INTERRUPTS();
	if (!PostmasterIsAlive())
		ereport(FATAL,
				(errcode(ERRCODE_ADMIN_SHUTDOWN),
				 errmsg("terminating a cdp run because the server's main process died")));
	begin_transaction();
	return error;
}

static double
elapsed_ms_since(instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_MILLISEC(now);
}

/*
 * Write the error of a phase to the log, commit that, and raise it.  The
 * message of a data exception may quote personal data, and more people read
 * cdp.run than may see that.
 */
static void
fail_run(Run *run, const CdpPhase *phase, ErrorData *error)
{
	const char *message = error->message;

	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_DATA_EXCEPTION)
		message = "data exception";
	message = psprintf("%s: %s (SQLSTATE %s)", phase->name, message,
					   unpack_sql_state(error->sqlerrcode));
	log_finish(run, message);
	if (try_commit(run) != NULL)
	{
		/* What was done before stands in the way; it is undone now. */
		log_finish(run, message);
		SPI_commit();
	}
	ReThrowError(error);
}

/* After an error: fail the run, or have what was lost tried again. */
static void
recover(Run *run, const CdpPhase *phase, ErrorData *error)
{
	if (phase->forgives == NULL || !phase->forgives(error))
		fail_run(run, phase, error);
	SPI_rollback();
	begin_transaction();
}

/* How much waits for a phase; -1: it cannot tell. */
static int64
count_backlog(Run *run, const CdpPhase *phase)
{
	ErrorData  *error;
	int64		total;

	if (phase->backlog == NULL)
		return -1;
	total = guard_query(run, phase, phase->backlog, &error);
	while (error != NULL)
	{
		recover(run, phase, error);
		total = guard_query(run, phase, phase->backlog, &error);
	}
	return total;
}

/* Have what comes next planned by what has been written. */
static void
analyze_grown(Run *run, const CdpPhase *phase)
{
	ErrorData  *error;

	guard_query(run, phase, "SELECT cdp._analyze_grown()", &error);
	if (error == NULL)
		error = try_commit(run);
	if (error != NULL)
		fail_run(run, phase, error);
}

/* Run one batch and commit it; returns its units. */
static int64
run_batch(Run *run, const CdpPhase *phase, instr_time start, int64 done,
		  int64 total)
{
	ErrorData  *error;
	int64		units;

	for (;;)
	{
		units = guard_query(run, phase, phase->step, &error);
		log_progress(run, phase->name, done + units, total,
					 elapsed_ms_since(start));
		if (error == NULL)
			error = try_commit(run);
		if (error == NULL)
			return units;
		recover(run, phase, error);
	}
}

/* Run one phase to its end. */
static void
run_phase(Run *run, const CdpPhase *phase)
{
	instr_time	start;
	int64		done = 0;
	int64		units;
	int64		total;
	uint64		batches = 0;

	INSTR_TIME_SET_CURRENT(start);
	total = count_backlog(run, phase);
	do
	{
		units = run_batch(run, phase, start, done, total);
		done += units;
		batches++;
		if (units > 0 && (batches & (batches - 1)) == 0)
			analyze_grown(run, phase);
	} while (units > 0 && (total < 0 || done < total));
	if (done == 0)
		return;
	analyze_grown(run, phase);
	ereport(NOTICE,
				(errmsg("%s: %lld in %.1f s", phase->name, (long long) done,
					elapsed_ms_since(start) / 1000.0)));
}

/* See base.h. */
void
cdp_base_run(FunctionCallInfo fcinfo, const char *kind,
			 const CdpPhase *phases, int nphases,
			 int batch, ArrayType *only, bool wait)
{
	Run			run = {kind, 0, batch, CurrentMemoryContext};

	check_may_commit(fcinfo, kind);
	check_batch(batch);
	check_phases(kind, phases, nphases, only);
	if (!take_run_lock(wait))
	{
		ereport(NOTICE,
				(errmsg("another cdp run is under way, so this one does nothing"),
				 errhint("See cdp.run. Pass wait => true to wait for it.")));
		return;
	}
	PG_TRY();
	{
		if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
			elog(ERROR, "could not connect to SPI");
		begin_transaction();
		run.run_id = log_start(kind);
		SPI_commit();
		begin_transaction();
		for (int i = 0; i < nphases; i++)
			if (is_chosen(phases[i].name, only))
				run_phase(&run, &phases[i]);
		log_finish(&run, NULL);
		SPI_commit();
		SPI_finish();
	}
	PG_FINALLY();
	{
		release_run_lock();
	}
	PG_END_TRY();
}
