/*
 * watch.c
 *		Lets a session keep what it made of small tables of the store.
 *
 * Some tables hardly ever change and are read with every record: settings,
 * dictionaries of names, definitions.  A session that keeps what it made of
 * them must hear when another one changes a row.  The server has a way to say
 * so to all sessions: invalidating the relation cache entry of a table, which
 * happens when the transaction commits, or, for its own session, with the
 * command, and again if it is rolled back.  Watched tables have a trigger that
 * does that (cdp._watch_table()), and we count what we hear.
 *
 * A change is visible before it is heard of.  Whoever asks for the number, then
 * reads with a snapshot of its own, and finds the number unchanged, may keep
 * what it read under that number: what it missed gives another number later.
 * So a session may use what is old for the moment between another one's
 * becoming visible and its announcing, as if it had come that much earlier, but
 * no longer, and never keeps what was rolled back.  A transaction that reads
 * with one snapshot throughout would keep what is old, so it is given 0: keep
 * nothing.
 *
 * All relations are counted, watched or not: they are seldom invalidated, and
 * reading anew costs little.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "base/base.h"

static uint64 heard = 1;		/* never 0 */

PG_FUNCTION_INFO_V1(cdp__announce_change);

static void
hear_change(Datum argument, Oid relation)
{
	heard++;
}

/* See base.h. */
uint64
cdp_base_watched(void)
{
	static bool listening = false;

	if (!listening)
		CacheRegisterRelcacheCallback(hear_change, (Datum) 0);
	listening = true;
	/* Else only who takes a lock that it does not hold yet hears anything. */
	AcceptInvalidationMessages();
	return IsolationUsesXactSnapshot() ? 0 : heard;
}

/* cdp._announce_change(): the trigger of watched tables, before each row. */
Datum
cdp__announce_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("cdp._announce_change() was not called by a trigger")));
	CacheInvalidateRelcache(trigger->tg_relation);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return PointerGetDatum(trigger->tg_newtuple);
	return PointerGetDatum(trigger->tg_trigtuple);
}
