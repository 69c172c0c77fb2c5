/*
 * cdp_contact.c
 *		What cdp.crm_contact tells of a customer besides her unified profile: what
 *		is permitted, when she was last dealt with, which tickets and deals are
 *		open, what to do next.
 *
 * As subqueries of the view each of these was planned with every statement, which
 * took ten times as long as to answer it, and was a join of small tables again
 * and again where all customers were read.  So it is done here, by a few probes a
 * customer (base/probe.c).
 *
 * What holds for all customers is read once a statement (cdp_contact_known.c).
 *
 * The timeline is read from its last chunk back.  The newest dealing is in the
 * first chunk that has any, or in one before that ends at the same instant.  Of each ticket the newest event counts, of several
 * at one time the one whose status comes first, none last; older events say
 * nothing more.  A ticket is open unless its status is known as one that is not.
 *
 * Permitted is what was granted and has not expired, on a channel that needs no
 * contact point or for which there is one that is neither expired nor suppressed.
 * Without the store's secret key nobody can tell what is suppressed, so asking is
 * an error.
 *
 * Cost: some ten microseconds a customer, and what a chunk takes to decode for
 * each that has tickets; open deals are asked of cdp.open_deals() where the
 * timeline has any.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "base/base.h"
#include "cdp_contact.h"
#include "timeline/timeline.h"

#define COLUMNS 6

/* The newest event of a ticket; its id is the key. */
typedef struct Ticket
{
	const char *id;
	Size		length;
	TimestampTz at;
	bool		has_status;
	const char *status;
	Size		status_length;
} Ticket;

/* What is found of one customer. */
typedef struct Contact
{
	const CdpKnown *known;
	const CdpNamed *dealing;		/* NULL: none */
	TimestampTz dealt_at;
	bool		has_deals;
	HTAB	   *tickets;		/* NULL: none */
} Contact;

PG_FUNCTION_INFO_V1(cdp__contact_state);
PG_FUNCTION_INFO_V1(cdp__permissions);

/* A column of the row found; false: it is null. */
static bool
get_value(CdpProbe *probe, const char *name, Datum *value)
{
	bool		isnull;

	*value = slot_getattr(cdp_base_probe_row(probe),
						  cdp_base_probe_column(probe, name), &isnull);
	return !isnull;
}

/* Has the row found no end, or one to come? */
static bool
lasts(CdpProbe *probe, const char *column, TimestampTz now)
{
	Datum		end;

	return !get_value(probe, column, &end) || DatumGetTimestampTz(end) > now;
}

/* Is an event older than its source keeps them? */
static bool
is_past_keeping(const CdpKnown *known, int32 source_id, TimestampTz at)
{
	for (int i = 0; i < known->nkeepers; i++)
		if (known->keepers[i].source_id == source_id)
			return at <= known->keepers[i].after;
	return false;
}

static const CdpNamed *
find_named(const CdpNamed *named, int count, int32 id)
{
	for (int i = 0; i < count; i++)
		if (named[i].id == id)
			return &named[i];
	return NULL;
}

/* Of two events of a ticket at one time, does the status of this one count? */
static bool
comes_first(const Ticket *told, const Ticket *other)
{
	if (!told->has_status || !other->has_status)
		return told->has_status;
	return varstr_cmp(told->status, told->status_length, other->status,
					  other->status_length, DEFAULT_COLLATION_OID) < 0;
}

static uint32
hash_ticket(const void *key, Size size)
{
	const Ticket *ticket = key;

	return hash_bytes((const unsigned char *) ticket->id, ticket->length);
}

static int
match_tickets(const void *a, const void *b, Size size)
{
	const Ticket *one = a;
	const Ticket *other = b;

	return one->length != other->length ||
		memcmp(one->id, other->id, one->length) != 0;
}

/* Its bytes, which a value of the reader's may not outlive. */
static const char *
keep_bytes(const CdpTimelineValue *value)
{
	char	   *bytes = palloc(value->length + 1);

	memcpy(bytes, value->data, value->length);
	return bytes;
}

static void
add_ticket(Contact *contact, CdpTimelineReader *reader, TimestampTz at)
{
	const CdpKnown *known = contact->known;
	CdpTimelineValue id;
	CdpTimelineValue status;
	Ticket		told = {.at = at};
	Ticket	   *ticket;
	bool		found;

	if (known->ticket_slot == 0 ||
		!cdp_timeline_value(reader, known->ticket_slot, &id) || id.length == 0)
		return;
	told.id = id.data;
	told.length = id.length;
	told.has_status = known->status_slot != 0 &&
		cdp_timeline_value(reader, known->status_slot, &status);
	if (told.has_status)
	{
		told.status = keep_bytes(&status);
		told.status_length = status.length;
	}
	ticket = hash_search(contact->tickets, &told, HASH_FIND, NULL);
	if (ticket != NULL && (ticket->at > at ||
						   (ticket->at == at && !comes_first(&told, ticket))))
		return;
	if (ticket == NULL)
	{
		told.id = keep_bytes(&id);
		ticket = hash_search(contact->tickets, &told, HASH_ENTER, &found);
	}
	else
		told.id = ticket->id;
	*ticket = told;
}

static void
init_tickets(Contact *contact)
{
	HASHCTL		control = {
		.keysize = offsetof(Ticket, at),
		.entrysize = sizeof(Ticket),
		.hash = hash_ticket,
		.match = match_tickets,
		.hcxt = CurrentMemoryContext,
	};

	if (contact->tickets == NULL)
		contact->tickets = hash_create("tickets", 16, &control, HASH_ELEM |
									   HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

static void
add_dealing(Contact *contact, const CdpNamed *dealing, TimestampTz at)
{
	if (contact->dealing != NULL &&
		(at < contact->dealt_at ||
		 (at == contact->dealt_at &&
		  strcmp(dealing->name, contact->dealing->name) >= 0)))
		return;
	contact->dealing = dealing;
	contact->dealt_at = at;
}

/*
 * What the shapes of a chunk are to us: a dealing, NULL where they are none or
 * a later one is known already; false: nothing that concerns us.  Chunks may share
 * an instant, and of its dealings the one counts whose name comes first.
 */
static bool
find_shapes(Contact *contact, const CdpTimelineReader *reader,
			const CdpNamed **dealings, int64 *from_ms)
{
	const CdpKnown *known = contact->known;
	TimestampTz last_at = (reader->header.last_ms - CDP_TIMELINE_EPOCH_MS) * 1000;
	bool		is_known = contact->dealing != NULL && last_at < contact->dealt_at;
	bool		any = false;

	for (int i = 0; i < reader->nshapes; i++)
	{
		int32		name_id = reader->shapes[i].name_id;

		dealings[i] = is_known ? NULL :
			find_named(known->dealings, known->ndealings, name_id);
		contact->has_deals = contact->has_deals || name_id == known->deal_stage;
		if (name_id == known->ticket)
			init_tickets(contact);
		from_ms[i] = dealings[i] != NULL || name_id == known->ticket ?
			PG_INT64_MIN : PG_INT64_MAX;
		any = any || from_ms[i] == PG_INT64_MIN;
	}
	return any;
}

static void
add_chunk(Contact *contact, const struct varlena *chunk)
{
	const CdpKnown *known = contact->known;
	CdpTimelineReader reader;
	const CdpNamed *dealings[CDP_TIMELINE_MAX_SHAPES];
	int64		from_ms[CDP_TIMELINE_MAX_SHAPES];

	cdp_timeline_open(&reader, chunk);
	if (!find_shapes(contact, &reader, dealings, from_ms))
		return;
	while (cdp_timeline_next_from(&reader, from_ms))
	{
		TimestampTz at = (reader.at_ms - CDP_TIMELINE_EPOCH_MS) * 1000;
		const CdpNamed *dealing = dealings[reader.shape - reader.shapes];

		CHECK_FOR_INTERRUPTS();
		if (at >= known->now)
			break;
		if (is_past_keeping(known, reader.shape->source_id, at))
			continue;
		if (dealing != NULL)
			add_dealing(contact, dealing, at);
		if (reader.shape->name_id == known->ticket)
			add_ticket(contact, &reader, at);
	}
	cdp_timeline_close(&reader);
}

/* Read a timeline, from its last chunk back. */
static void
add_timeline(Contact *contact, Datum profile_id)
{
	CdpProbe   *chunks = cdp_base_probe_open("timeline_chunk",
											 "timeline_chunk_pkey", 1);
	bool		found = cdp_base_probe_find_last(chunks, &profile_id);
	Datum		data;

	for (; found; found = cdp_base_probe_next(chunks))
		if (get_value(chunks, "data", &data))
			add_chunk(contact, PG_DETOAST_DATUM_PACKED(data));
	cdp_base_probe_close(chunks);
}

static bool
is_open(const CdpKnown *known, const Ticket *ticket)
{
	char	   *status;

	if (!ticket->has_status)
		return true;
	status = str_tolower(ticket->status, ticket->status_length,
						 DEFAULT_COLLATION_OID);
	for (int i = 0; i < known->nclosed; i++)
		if (strcmp(known->closed[i], status) == 0)
			return false;
	return true;
}

static int64
count_open(const Contact *contact)
{
	HASH_SEQ_STATUS status;
	Ticket	   *ticket;
	int64		count = 0;

	if (contact->tickets == NULL)
		return 0;
	hash_seq_init(&status, contact->tickets);
	while ((ticket = hash_seq_search(&status)) != NULL)
		count += is_open(contact->known, ticket);
	return count;
}

/* How many deals are open, and what they are worth together. */
static void
ask_deals(Datum profile_id, Datum *values, bool *nulls)
{
	static CdpPlan plan = {
		"SELECT deals, amount FROM cdp.open_deals($1)", 1, {INT8OID}
	};

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	cdp_base_execute(&plan, &profile_id, NULL, true, 0);
	for (int i = 0; i < 2; i++)
		values[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
								  i + 1, &nulls[i]);
	if (!nulls[1])
		values[1] = SPI_datumTransfer(values[1], false, -1);
	SPI_finish();
}

/* What to do next, as of the last merge run; NULL: nothing. */
static const CdpNamed *
find_action(const CdpKnown *known, Datum profile_id)
{
	CdpProbe   *acted = cdp_base_probe_open("profile_action",
											"profile_action_pkey", 1);
	const CdpNamed *action = NULL;
	Datum		position;

	if (cdp_base_probe_find(acted, &profile_id) &&
		get_value(acted, "position", &position))
		action = find_named(known->actions, known->nactions,
							DatumGetInt32(position));
	cdp_base_probe_close(acted);
	return action;
}

/* Is there a row of cdp.profile_current? */
static bool
is_current(Datum profile_id)
{
	CdpProbe   *current = cdp_base_probe_open("profile_current",
											  "profile_current_pkey", 1);
	bool		found = cdp_base_probe_find(current, &profile_id);

	cdp_base_probe_close(current);
	return found;
}

/* The profile that is asked for; raises if it is none or restricted. */
static Datum
get_asked(Datum profile_id)
{
	static CdpPlan plan = {
		"SELECT cdp._person_asked($1)", 1, {INT8OID}
	};
	bool		isnull;

	if (is_current(profile_id))
		return profile_id;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	cdp_base_execute(&plan, &profile_id, NULL, true, 0);
	profile_id = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							   &isnull);
	SPI_finish();
	return profile_id;
}

/* cdp._contact_state(profile_id): a row of cdp._contact */
Datum
cdp__contact_state(PG_FUNCTION_ARGS)
{
	Datum		profile_id = get_asked(PG_GETARG_DATUM(0));
	Contact		contact = {.known = cdp_contact_known(false)};
	const CdpNamed *action;
	TupleDesc	row;
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS] = {false};

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE ||
		row->natts != COLUMNS)
		elog(ERROR, "cdp._contact has other columns");
	add_timeline(&contact, profile_id);
	nulls[0] = nulls[1] = contact.dealing == NULL;
	if (contact.dealing != NULL)
	{
		values[0] = TimestampTzGetDatum(contact.dealt_at);
		values[1] = CStringGetTextDatum(contact.dealing->name);
	}
	values[2] = Int64GetDatum(count_open(&contact));
	nulls[4] = true;
	if (contact.has_deals)
		ask_deals(profile_id, &values[3], &nulls[3]);
	action = find_action(contact.known, profile_id);
	nulls[5] = action == NULL;
	if (action != NULL)
		values[5] = CStringGetTextDatum(action->name);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row),
													  values, nulls)));
}

/* Is an identifier not to be reached on the channel? */
static bool
is_suppressed(const CdpKnown *known, CdpProbe *suppressed, Datum key_hash,
			  const CdpChannel *channel)
{
	const char *channels[] = {"", channel->name};

	for (int i = 0; i < lengthof(channels); i++)
	{
		Datum		keys[] = {key_hash, CStringGetTextDatum(channels[i])};

		if (cdp_base_probe_find(suppressed, keys) &&
			lasts(suppressed, "until", known->now))
			return true;
	}
	return false;
}

static bool
is_type_of(const CdpChannel *channel, Datum type)
{
	char	   *name = TextDatumGetCString(type);

	for (int i = 0; i < channel->ntypes; i++)
		if (strcmp(channel->types[i], name) == 0)
			return true;
	return false;
}

/* Is there a way to reach a profile on the channel? */
static bool
can_reach(const CdpKnown *known, Datum profile_id, const CdpChannel *channel)
{
	CdpProbe   *points;
	CdpProbe   *suppressed;
	bool		reached = false;
	bool		found;
	Datum		type;
	Datum		key_hash;

	if (channel->ntypes == 0)
		return true;
	points = cdp_base_probe_open("contact_point", "contact_point_pkey", 1);
	suppressed = cdp_base_probe_open("suppression", "suppression_pkey", 2);
	for (found = cdp_base_probe_find(points, &profile_id); found && !reached;
		 found = cdp_base_probe_next(points))
		reached = get_value(points, "type", &type) &&
			is_type_of(channel, type) &&
			lasts(points, "expires_at", known->now) &&
			get_value(points, "key_hash", &key_hash) &&
			!is_suppressed(known, suppressed, key_hash, channel);
	cdp_base_probe_close(suppressed);
	cdp_base_probe_close(points);
	return reached;
}

static const CdpChannel *
find_channel(const CdpKnown *known, const char *name)
{
	for (int i = 0; i < known->nchannels; i++)
		if (strcmp(known->channels[i].name, name) == 0)
			return &known->channels[i];
	return NULL;
}

/* The permission that the row found is, as purpose/channel; NULL: it is none. */
static char *
get_permission(const CdpKnown *known, CdpProbe *consents, Datum profile_id)
{
	const CdpChannel *channel;
	Datum		purpose;
	Datum		name;
	Datum		state;

	if (!get_value(consents, "state", &state) ||
		strcmp(TextDatumGetCString(state), "granted") != 0 ||
		!lasts(consents, "expires_at", known->now) ||
		!get_value(consents, "purpose", &purpose) ||
		!get_value(consents, "channel", &name))
		return NULL;
	channel = find_channel(known, TextDatumGetCString(name));
	if (channel == NULL || !can_reach(known, profile_id, channel))
		return NULL;
	return psprintf("%s/%s", TextDatumGetCString(purpose), channel->name);
}

/* cdp._permissions(profile_id): as purpose/channel, in the order of the index */
Datum
cdp__permissions(PG_FUNCTION_ARGS)
{
	Datum		profile_id = get_asked(PG_GETARG_DATUM(0));
	const CdpKnown *known = cdp_contact_known(true);
	CdpProbe   *consents = cdp_base_probe_open("consent_state",
											   "consent_state_pkey", 1);
	ArrayBuildState *permissions = initArrayResult(TEXTOID, CurrentMemoryContext,
												   false);
	bool		found = cdp_base_probe_find(consents, &profile_id);
	char	   *permission;

	for (; found; found = cdp_base_probe_next(consents))
	{
		permission = get_permission(known, consents, profile_id);
		if (permission != NULL)
			accumArrayResult(permissions, CStringGetTextDatum(permission), false,
							 TEXTOID, CurrentMemoryContext);
	}
	cdp_base_probe_close(consents);
	PG_RETURN_DATUM(makeArrayResult(permissions, CurrentMemoryContext));
}
