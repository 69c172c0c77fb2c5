/*
 * cdp_contact_known.c
 *		What holds for all customers: names of events, slots, states of tickets,
 *		channels, how long sources keep their events.
 *
 * It is read once a statement and kept until the snapshot in use sees another
 * state of the store, or until the clock has moved on.  A snapshot sees the same
 * as another one of this transaction if the same transactions are over for it and
 * the same commands of our own are done; of commands that were rolled back only
 * the subtransaction tells, for their numbers are used again.  Another transaction
 * reads anew: that we have rolled one back moves neither end of a snapshot.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/base.h"
#include "base/compat.h"
#include "cdp_contact.h"

/* Which state of the store a snapshot sees. */
typedef struct Seen
{
	LocalTransactionId transaction;
	TransactionId xmin;
	TransactionId xmax;
	CommandId	command;
	SubTransactionId subtransaction;
	uint32		nrunning;
	TimestampTz now;
} Seen;

static MemoryContext context = NULL;	/* of all that is kept */

/* What the active snapshot sees. */
static Seen
get_seen(void)
{
	Snapshot	snapshot = GetActiveSnapshot();
	Seen		seen;

	memset(&seen, 0, sizeof(Seen));
	seen.transaction = cdp_local_transaction();
	seen.xmin = snapshot->xmin;
	seen.xmax = snapshot->xmax;
	seen.command = snapshot->curcid;
	seen.subtransaction = GetCurrentSubTransactionId();
	seen.nrunning = snapshot->xcnt + snapshot->subxcnt;
	seen.now = cdp_base_clock();
	return seen;
}

/* Run a plan of what is known, by the snapshot of the statement. */
static uint64
read_rows(CdpPlan *plan)
{
	cdp_base_execute(plan, NULL, NULL, true, 0);
	return SPI_processed;
}

static Datum
read_value(int row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column,
						 isnull);
}

/* A text of a row, in the context; it is never null. */
static char *
read_name(int row, int column)
{
	return MemoryContextStrdup(context,
							   SPI_getvalue(SPI_tuptable->vals[row],
											SPI_tuptable->tupdesc, column));
}

/* A number of the first row, or what stands for none. */
static int32
read_number(int column, int32 none)
{
	bool		isnull;
	Datum		value = read_value(0, column, &isnull);

	return isnull ? none : DatumGetInt32(value);
}

static void
read_names(CdpKnown *known)
{
	static CdpPlan plan = {
		"SELECT (SELECT name_id FROM cdp.event_name WHERE name OPERATOR(pg_catalog.=) 'ticket'),"
		" (SELECT name_id FROM cdp.event_name WHERE name OPERATOR(pg_catalog.=) 'deal_stage'),"
		" (SELECT slot FROM cdp.property_slot WHERE property OPERATOR(pg_catalog.=) 'ticket_id'),"
		" (SELECT slot FROM cdp.property_slot WHERE property OPERATOR(pg_catalog.=) 'status')", 0
	};

	read_rows(&plan);
	known->ticket = read_number(1, -1);
	known->deal_stage = read_number(2, -1);
	known->ticket_slot = read_number(3, 0);
	known->status_slot = read_number(4, 0);
}

/* Rows of an id and a name. */
static CdpNamed *
read_named(CdpPlan *plan, int *count)
{
	CdpNamed	   *named;
	bool		isnull;

	*count = read_rows(plan);
	named = MemoryContextAlloc(context, sizeof(CdpNamed) * (*count + 1));
	for (int i = 0; i < *count; i++)
	{
		named[i].id = DatumGetInt32(read_value(i, 1, &isnull));
		named[i].name = read_name(i, 2);
	}
	return named;
}

static void
read_keepers(CdpKnown *known)
{
	static CdpPlan plan = {
		"SELECT source_id, cdp._kept_after(retention) FROM cdp.source"
		" WHERE retention IS NOT NULL", 0
	};
	bool		isnull;

	known->nkeepers = read_rows(&plan);
	known->keepers = MemoryContextAlloc(context, sizeof(CdpKeeper) *
										(known->nkeepers + 1));
	for (int i = 0; i < known->nkeepers; i++)
	{
		known->keepers[i].source_id = DatumGetInt32(read_value(i, 1, &isnull));
		known->keepers[i].after = DatumGetTimestampTz(read_value(i, 2, &isnull));
	}
}

static void
read_closed(CdpKnown *known)
{
	static CdpPlan plan = {
		"SELECT status FROM cdp.ticket_status WHERE NOT is_open", 0
	};

	known->nclosed = read_rows(&plan);
	known->closed = MemoryContextAlloc(context, sizeof(char *) *
									   (known->nclosed + 1));
	for (int i = 0; i < known->nclosed; i++)
		known->closed[i] = read_name(i, 1);
}

static void
read_all(CdpKnown *known)
{
	static CdpPlan dealing_plan = {
		"SELECT event_name.name_id, event_name.name FROM cdp.event_name"
		" JOIN cdp.interaction_type ON interaction_type.event"
		" OPERATOR(pg_catalog.=) event_name.name", 0
	};
	static CdpPlan action_plan = {
		"SELECT position, action FROM cdp.next_action_rule", 0
	};

	read_names(known);
	known->dealings = read_named(&dealing_plan, &known->ndealings);
	known->actions = read_named(&action_plan, &known->nactions);
	read_keepers(known);
	read_closed(known);
}

static void
init_channel(CdpChannel *channel, int row)
{
	MemoryContext old;
	Datum	   *types;
	bool		isnull;

	channel->name = read_name(row, 1);
	deconstruct_array(DatumGetArrayTypeP(read_value(row, 2, &isnull)), TEXTOID,
					  -1, false, TYPALIGN_INT, &types, NULL, &channel->ntypes);
	old = MemoryContextSwitchTo(context);
	channel->types = palloc(sizeof(char *) * (channel->ntypes + 1));
	for (int i = 0; i < channel->ntypes; i++)
		channel->types[i] = TextDatumGetCString(types[i]);
	MemoryContextSwitchTo(old);
}

/* Read the channels; raises without the store's key. */
static void
read_channels(CdpKnown *known)
{
	static CdpPlan plan = {
		"SELECT channel, identifier_types FROM cdp.channel WHERE cdp._verifies_key("
		"(SELECT key FROM cdp.secret_key), (SELECT check_value FROM cdp.secret_key))", 0
	};

	known->nchannels = read_rows(&plan);
	known->channels = MemoryContextAlloc(context, sizeof(CdpChannel) *
										 (known->nchannels + 1));
	for (int i = 0; i < known->nchannels; i++)
		init_channel(&known->channels[i], i);
	known->has_channels = true;
}

/* See cdp_contact.h. */
const CdpKnown *
cdp_contact_known(bool with_channels)
{
	static CdpKnown known;
	static Seen known_seen;
	static bool is_valid = false;
	Seen		seen = get_seen();
	bool		reuse = is_valid && memcmp(&seen, &known_seen, sizeof(Seen)) == 0;

	if (reuse && (known.has_channels || !with_channels))
		return &known;
	is_valid = false;
	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "cdp contact",
											  ALLOCSET_SMALL_SIZES);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (!reuse)
	{
		MemoryContextReset(context);
		known.has_channels = false;
		known_seen = seen;
		known.now = seen.now;
		read_all(&known);
	}
	if (with_channels)
		read_channels(&known);
	SPI_finish();
	is_valid = true;
	return &known;
}
