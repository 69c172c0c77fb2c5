/*
 * table_source.c
 *		Reads the table sources one by one; what is wrong with one stays there.
 *
 * Each source is counted and read (table_source.sql) in a subtransaction.  An
 * error that lies in the source is noted in cdp.table_source, which is then
 * done for this run, and the next source has its turn.  What is wrong with our
 * own server, and a cancel of our own, stop the run as ever.
 *
 * Servers that go away.  When the connection to a foreign server breaks in the
 * middle of a read, postgres_fdw lets no transaction around it end well: it
 * raises once more when a subtransaction or the transaction commits, and the
 * batch is lost with the note of the failure in it.  So this backend remembers
 * the failures of the run, and does not touch these sources again in it.
 * base/run.c asks cdp_ingest_forgives() when a batch of the phase is lost.  If
 * a source had failed in it, it is tried again, and notes the failure.  If none
 * had (the server went away after the read), it is tried again once in a run:
 * then connecting fails.  Every batch that is forgiven had a new failure or is
 * that one, so this ends.
 *
 * A cancel of our own is told from another server's, which has the same
 * SQLSTATE, by the function that raised it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "ingest/batch.h"
#include "ingest/ingest.h"

PG_FUNCTION_INFO_V1(cdp__table_sources_backlog);

/* Those that this run has yet to read; run 0: all. */
static CdpPlan list_plan = {
	"SELECT source_id, source.name"
	" FROM cdp.table_source JOIN cdp.source USING (source_id)"
	" WHERE active AND done_run IS DISTINCT FROM $1 ORDER BY 1",
	1, {INT8OID}
};

static CdpPlan read_plan = {
	"SELECT $2 AS source, record, cdp.clock() AS received_at, message_id, place,"
	" read_again FROM cdp._read_table_source($1, $3, $4)",
	4, {INT4OID, TEXTOID, INT4OID, INT8OID}
};

static CdpPlan count_plan = {
	"SELECT cdp._table_source_backlog($1)", 1, {INT4OID}
};

static CdpPlan fail_plan = {
	"SELECT cdp._fail_table_source($1, $2, $3, $4, $5)",
	5, {INT4OID, TEXTOID, INT8OID, TEXTOID, TEXTOID}
};

typedef struct TableSource
{
	int			source_id;
	char	   *name;
} TableSource;

/* Why a source cannot be read. */
typedef struct Failure
{
	int			source_id;
	int			sqlerrcode;
	char	   *message;
} Failure;

/* What this backend remembers of a run. */
static struct
{
	int64		run_id;
	TimestampTz statement;		/* start of its CALL: another store's runs have
								 * the same numbers */
	MemoryContext memory;
	List	   *failures;		/* of Failure */
	TimestampTz transaction;	/* its start */
	bool		has_failed;		/* a source, in that transaction */
	bool		tried_again;	/* though no source had failed */
} reading;

/* Forget what was another run's, or another transaction's. */
static void
begin_reading(int64 run_id)
{
	if (reading.memory == NULL)
		reading.memory = AllocSetContextCreate(TopMemoryContext,
											   "cdp table sources",
											   ALLOCSET_SMALL_SIZES);
	if (reading.run_id != run_id ||
		reading.statement != GetCurrentStatementStartTimestamp())
	{
		MemoryContextReset(reading.memory);
		reading.failures = NIL;
		reading.tried_again = false;
		reading.run_id = run_id;
		reading.statement = GetCurrentStatementStartTimestamp();
	}
	if (reading.transaction != GetCurrentTransactionStartTimestamp())
		reading.has_failed = false;
	reading.transaction = GetCurrentTransactionStartTimestamp();
}

/* Why the source cannot be read in this run; NULL: nothing is known. */
static const Failure *
find_failure(int source_id)
{
	const ListCell *cell;

	foreach(cell, reading.failures)
		if (((const Failure *) lfirst(cell))->source_id == source_id)
			return lfirst(cell);
	return NULL;
}

/* Remember that the source cannot be read in this run. */
static const Failure *
add_failure(int source_id, const ErrorData *error)
{
	MemoryContext caller = MemoryContextSwitchTo(reading.memory);
	Failure    *failure = palloc(sizeof(Failure));

	failure->source_id = source_id;
	failure->sqlerrcode = error->sqlerrcode;
	failure->message = pstrdup(error->message);
	reading.failures = lappend(reading.failures, failure);
	reading.has_failed = true;
	MemoryContextSwitchTo(caller);
	return failure;
}

/* Was this session itself told to cancel? */
static bool
is_own_cancel(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_QUERY_CANCELED &&
		error->funcname != NULL &&
		strcmp(error->funcname, "ProcessInterrupts") == 0;
}

/*
 * Does an error met while reading a source lie in that source alone?  Memory,
 * disk, conflicts of transactions and broken files are not its fault.  That a
 * server shuts down is an error only if it is another one: ours ends the
 * session.
 */
static bool
is_source_error(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_OPERATOR_INTERVENTION:
			return !is_own_cancel(error);
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_CONFIG_FILE_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return false;
		default:
			return true;
	}
}

/* Can a connection to another server that broke be the cause? */
static bool
is_connection_error(const ErrorData *error)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_CONNECTION_EXCEPTION ||
		category == ERRCODE_FDW_ERROR ||
		(category == ERRCODE_OPERATOR_INTERVENTION && is_source_error(error));
}

/* The sources to be read in a run; SPI is connected. */
static List *
list_sources(int64 run_id)
{
	Datum		values[1] = {Int64GetDatum(run_id)};
	List	   *sources = NIL;

	cdp_base_execute(&list_plan, values, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TableSource *source = palloc(sizeof(TableSource));
		bool		isnull;

		source->source_id =
			DatumGetInt32(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
		source->name = TextDatumGetCString(SPI_getbinval(row,
														 SPI_tuptable->tupdesc,
														 2, &isnull));
		sources = lappend(sources, source);
	}
	SPI_freetuptable(SPI_tuptable);
	return sources;
}

/* How many rows wait in a source. */
static int64
count_rows(const TableSource *source)
{
	Datum		values[1] = {Int32GetDatum(source->source_id)};
	bool		isnull;
	int64		rows;

	cdp_base_execute(&count_plan, values, NULL, false, 1);
	rows = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return rows;
}

/* The next records of a source. */
static int64
read_rows(const TableSource *source, int batch, CdpItem **items)
{
	Datum		values[4] = {
		Int32GetDatum(source->source_id), CStringGetTextDatum(source->name),
		Int32GetDatum(batch), Int64GetDatum(reading.run_id)
	};

	return cdp_ingest_take_records(&read_plan, values, items);
}

/*
 * Count a source's rows (items is NULL), or read the next ones, in a
 * subtransaction.  *failure says why that could not be done; what is not the
 * source's fault is raised.
 */
static int64
try_source(const TableSource *source, int batch, CdpItem **items,
		   const Failure **failure)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;
	volatile int64 rows = 0;

	*failure = NULL;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		rows = items == NULL ? count_rows(source) :
			read_rows(source, batch, items);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error == NULL)
		return rows;
	if (!is_source_error(error))
		ReThrowError(error);
	*failure = add_failure(source->source_id, error);
	return 0;
}

/* Write into cdp.table_source that the source cannot be read in this run. */
static void
write_failure(const TableSource *source, const Failure *failure)
{
	Datum		values[5] = {
		Int32GetDatum(source->source_id), CStringGetTextDatum(source->name),
		Int64GetDatum(reading.run_id),
		CStringGetTextDatum(unpack_sql_state(failure->sqlerrcode)),
		CStringGetTextDatum(failure->message)
	};

	cdp_base_execute(&fail_plan, values, NULL, false, 0);
}

/*
 * Take the next rows of the first source that has any and that this run has
 * not read to its end; SPI is connected.
 */
int
cdp_ingest_take_tables(int batch, int64 run_id, CdpItem **items)
{
	ListCell   *cell;

	begin_reading(run_id);
	foreach(cell, list_sources(run_id))
	{
		const TableSource *source = lfirst(cell);
		const Failure *failure = find_failure(source->source_id);
		int			nitems = 0;

		if (failure == NULL)
			nitems = try_source(source, batch, items, &failure);
		if (failure != NULL)
			write_failure(source, failure);
		if (nitems > 0)
			return nitems;
	}
	return 0;
}

/*
 * cdp._table_sources_backlog(): how many rows wait.  A source that cannot be
 * read counts as one, so that the run comes to it and says so.
 */
Datum
cdp__table_sources_backlog(PG_FUNCTION_ARGS)
{
	int64		rows = 0;
	ListCell   *cell;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	begin_reading(cdp_ingest_current_run());
	foreach(cell, list_sources(0))
	{
		const TableSource *source = lfirst(cell);
		const Failure *failure = find_failure(source->source_id);

		if (failure == NULL)
			rows += try_source(source, 0, NULL, &failure);
		rows += failure != NULL;
	}
	SPI_finish();
	PG_RETURN_INT64(rows);
}

/* See ingest.h. */
bool
cdp_ingest_forgives(const ErrorData *error)
{
	bool		has_failed = reading.has_failed;

	if (reading.memory == NULL || !is_connection_error(error))
		return false;
	cdp_ingest_redo_upkeep();
	reading.has_failed = false;
	if (has_failed)
		return true;
	if (reading.tried_again)
		return false;
	return reading.tried_again = true;
}
