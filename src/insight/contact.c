/*
 * contact.c
 *		cdp._timeline_contacts(): on which channels somebody was met, when, and
 *		what she answered.
 *
 * Somebody with thousands of events was met thousands of times, and each says a
 * day, an hour and a weekday of her own clock.  As rows they are sorted once for
 * each of these; here they are sorted once, by time, sends before the responses
 * of the same instant, and counted.
 *
 * The rules are arrays: an event name, its role, and its channel, or NULL where
 * the event says that itself.  More contacts can be given as arrays: those of
 * orders and returns, of which several reports are one (_own_events()).
 *
 * Senders make up channels as they like, so these are found by a hash.
 *
 * A send is answered if a response comes before the next send of its channel.
 * The best hour and weekday are the most frequent, the earliest of several.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "insight/elements.h"
#include "insight/walk.h"

#define COLUMNS 7
#define MONDAY_BEFORE_EPOCH 5	/* 2000-01-01 was a Saturday */
#define RECENT_DAYS 3			/* a clock that is put back goes back no further */

typedef enum Role
{
	SENT,
	CONTACT,
	RESPONSE
} Role;

typedef struct Rule
{
	int32		name_id;
	Role		role;
	text	   *channel;		/* NULL: the event's own */
} Rule;

/* The number of a channel under its name, which stands in the channel. */
typedef struct Named
{
	const char *name;
	Size		length;
	int			channel;
} Named;

typedef struct Channel
{
	text	   *name;
	int64		days;
	int64		recent[RECENT_DAYS];
	int64		sends;
	int64		answered;
	bool		waits;			/* the last send has no response yet */
	int64		hours[24];
	int64		weekdays[7];	/* from Monday */
	TimestampTz last_at;
} Channel;

typedef struct Met
{
	TimestampTz at;
	Role		role;
	int			channel;
} Met;

typedef struct Contacts
{
	Rule	   *rules;
	int			nrules;
	int			slot;			/* of the property channel; 0: none */
	TimestampTz until;
	Channel    *channels;
	int			nchannels;
	int			max_channels;
	HTAB	   *named;			/* channels by their names */
	Met		   *met;
	int			nmet;
	int			max_met;
} Contacts;

PG_FUNCTION_INFO_V1(cdp__timeline_contacts);

static uint32
hash_name(const void *key, Size size)
{
	const Named *named = key;

	return hash_bytes((const unsigned char *) named->name, named->length);
}

static int
match_names(const void *a, const void *b, Size size)
{
	const Named *one = a;
	const Named *other = b;

	return one->length != other->length ||
		memcmp(one->name, other->name, one->length) != 0;
}

static void
init_channels(Contacts *contacts)
{
	HASHCTL		control = {
		.keysize = offsetof(Named, channel),
		.entrysize = sizeof(Named),
		.hash = hash_name,
		.match = match_names,
		.hcxt = CurrentMemoryContext,
	};

	contacts->max_channels = 8;
	contacts->channels = palloc(sizeof(Channel) * contacts->max_channels);
	contacts->named = hash_create("channels", contacts->max_channels, &control,
								  HASH_ELEM | HASH_FUNCTION | HASH_COMPARE |
								  HASH_CONTEXT);
}

/* Add a channel; returns its number. */
static int
add_channel(Contacts *contacts, const char *name, int length)
{
	Channel    *channel;

	if (contacts->nchannels == contacts->max_channels)
	{
		contacts->max_channels *= 2;
		contacts->channels = repalloc_huge(contacts->channels, sizeof(Channel) *
										   contacts->max_channels);
	}
	channel = &contacts->channels[contacts->nchannels];
	memset(channel, 0, sizeof(Channel));
	channel->name = cstring_to_text_with_len(name, length);
	channel->last_at = DT_NOBEGIN;
	return contacts->nchannels++;
}

/* The number of a channel, which is new if need be. */
static int
find_channel(Contacts *contacts, const char *name, int length)
{
	Named		asked = {.name = name, .length = length};
	Named	   *named = hash_search(contacts->named, &asked, HASH_FIND, NULL);

	if (named != NULL)
		return named->channel;
	asked.channel = add_channel(contacts, name, length);
	asked.name = VARDATA(contacts->channels[asked.channel].name);
	named = hash_search(contacts->named, &asked, HASH_ENTER, NULL);
	named->channel = asked.channel;
	return named->channel;
}

static void
add_met(Contacts *contacts, TimestampTz at, Role role, const char *channel,
		int length)
{
	Met		   *met;

	if (length == 0)
		return;
	if (contacts->nmet == contacts->max_met)
	{
		contacts->max_met *= 2;
		contacts->met = repalloc_huge(contacts->met,
									  sizeof(Met) * contacts->max_met);
	}
	met = &contacts->met[contacts->nmet++];
	met->at = at;
	met->role = role;
	met->channel = find_channel(contacts, channel, length);
}

/* Add the event in hand. */
static void
add_event(Contacts *contacts, CdpTimelineReader *reader, const Rule *rule,
		  TimestampTz at)
{
	CdpTimelineValue value;

	if (rule->channel != NULL)
		add_met(contacts, at, rule->role, VARDATA_ANY(rule->channel),
				VARSIZE_ANY_EXHDR(rule->channel));
	else if (contacts->slot > 0 &&
			 cdp_timeline_value(reader, contacts->slot, &value))
		add_met(contacts, at, rule->role, value.data, value.length);
}

/* Add the events of a timeline. */
static void
add_timeline(Contacts *contacts, const struct varlena *timeline)
{
	CdpTimelineReader reader;
	const Rule *rules[CDP_TIMELINE_MAX_SHAPES];
	int64		from_ms[CDP_TIMELINE_MAX_SHAPES];

	cdp_timeline_open(&reader, timeline);
	for (int i = 0; i < reader.nshapes; i++)
	{
		rules[i] = NULL;
		for (int j = 0; j < contacts->nrules; j++)
			if (contacts->rules[j].name_id == reader.shapes[i].name_id)
				rules[i] = &contacts->rules[j];
		from_ms[i] = rules[i] == NULL ? PG_INT64_MAX : PG_INT64_MIN;
	}
	while (cdp_timeline_next_from(&reader, from_ms))
	{
		TimestampTz at = (reader.at_ms - CDP_TIMELINE_EPOCH_MS) * 1000;

		CHECK_FOR_INTERRUPTS();
		if (at >= contacts->until)
			break;
		add_event(contacts, &reader, rules[reader.shape - reader.shapes], at);
	}
	cdp_timeline_close(&reader);
}

static Role
get_role(Datum said)
{
	char	   *role = TextDatumGetCString(said);

	if (strcmp(role, "sent") == 0)
		return SENT;
	return strcmp(role, "response") == 0 ? RESPONSE : CONTACT;
}

static void
get_rules(FunctionCallInfo fcinfo, Contacts *contacts)
{
	bool	   *own;
	Datum	   *names;
	Datum	   *channels;
	Datum	   *roles;

	contacts->nrules = -1;
	names = cdp_insight_elements(fcinfo, 1, NULL, &contacts->nrules);
	channels = cdp_insight_elements(fcinfo, 2, &own, &contacts->nrules);
	roles = cdp_insight_elements(fcinfo, 3, NULL, &contacts->nrules);
	contacts->rules = palloc(sizeof(Rule) * Max(contacts->nrules, 1));
	for (int i = 0; i < contacts->nrules; i++)
	{
		contacts->rules[i].name_id = DatumGetInt32(names[i]);
		contacts->rules[i].channel = own[i] ? NULL : DatumGetTextPP(channels[i]);
		contacts->rules[i].role = get_role(roles[i]);
	}
}

/* Add the contacts that are given. */
static void
add_given(FunctionCallInfo fcinfo, Contacts *contacts)
{
	int			n = -1;
	Datum	   *times = cdp_insight_elements(fcinfo, 7, NULL, &n);
	Datum	   *channels = cdp_insight_elements(fcinfo, 8, NULL, &n);
	Datum	   *roles = cdp_insight_elements(fcinfo, 9, NULL, &n);

	for (int i = 0; i < n; i++)
	{
		text	   *channel = DatumGetTextPP(channels[i]);

		add_met(contacts, DatumGetTimestampTz(times[i]), get_role(roles[i]),
				VARDATA_ANY(channel), VARSIZE_ANY_EXHDR(channel));
	}
}

static int
compare_met(const void *a, const void *b)
{
	const Met  *one = a;
	const Met  *other = b;

	if (one->at != other->at)
		return one->at > other->at ? 1 : -1;
	return (one->role == RESPONSE) - (other->role == RESPONSE);
}

/* Count a day unless it was counted: days come in order, but for odd clocks. */
static void
count_day(Channel *channel, int64 day)
{
	for (int i = 0; i < Min(channel->days, RECENT_DAYS); i++)
		if (channel->recent[i] == day)
			return;
	channel->recent[channel->days++ % RECENT_DAYS] = day;
}

/* Count what was not sent to her by her own clock. */
static void
count_act(Channel *channel, TimestampTz at, text *zone)
{
	Timestamp	local = DatumGetTimestamp(
		DirectFunctionCall2(timestamptz_zone, PointerGetDatum(zone),
							TimestampTzGetDatum(at)));
	int64		day = local / USECS_PER_DAY - (local % USECS_PER_DAY < 0);
	int64		weekday = (day + MONDAY_BEFORE_EPOCH) % 7;

	count_day(channel, day);
	channel->hours[(local - day * USECS_PER_DAY) / USECS_PER_HOUR]++;
	channel->weekdays[weekday < 0 ? weekday + 7 : weekday]++;
	channel->last_at = at;
}

static void
count_met(Contacts *contacts, text *zone)
{
	qsort(contacts->met, contacts->nmet, sizeof(Met), compare_met);
	for (int i = 0; i < contacts->nmet; i++)
	{
		Met		   *met = &contacts->met[i];
		Channel    *channel = &contacts->channels[met->channel];

		CHECK_FOR_INTERRUPTS();
		if (met->role == SENT)
		{
			channel->sends++;
			channel->waits = true;
			continue;
		}
		if (met->role == RESPONSE && channel->waits)
		{
			channel->answered++;
			channel->waits = false;
		}
		count_act(channel, met->at, zone);
	}
}

/* The place of the largest number, the first of several. */
static int
find_largest(const int64 *numbers, int count)
{
	int			largest = 0;

	for (int i = 1; i < count; i++)
		if (numbers[i] > numbers[largest])
			largest = i;
	return largest;
}

static void
put_channel(const Channel *channel, ReturnSetInfo *result)
{
	bool		acted = channel->days > 0;
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false, false, false, false, !acted, !acted, !acted};

	values[0] = PointerGetDatum(channel->name);
	values[1] = Int64GetDatum(channel->days);
	values[2] = Int64GetDatum(channel->sends);
	values[3] = Int64GetDatum(channel->answered);
	values[4] = Int32GetDatum(find_largest(channel->hours, 24));
	values[5] = Int32GetDatum(1 + find_largest(channel->weekdays, 7));
	values[6] = TimestampTzGetDatum(channel->last_at);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * cdp._timeline_contacts(timelines, names, channels, roles, channel_slot, zone,
 * as_of, more_times, more_channels, more_roles)
 */
Datum
cdp__timeline_contacts(PG_FUNCTION_ARGS)
{
	Contacts	contacts = {0};
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *timelines;
	int			count;

	InitMaterializedSRF(fcinfo, 0);
	get_rules(fcinfo, &contacts);
	contacts.slot = PG_GETARG_INT32(4);
	contacts.until = PG_GETARG_TIMESTAMPTZ(6);
	init_channels(&contacts);
	contacts.max_met = 256;
	contacts.met = palloc(sizeof(Met) * contacts.max_met);
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT,
					  &timelines, NULL, &count);
	for (int i = 0; i < count; i++)
		add_timeline(&contacts,
					 (struct varlena *) PG_DETOAST_DATUM_PACKED(timelines[i]));
	add_given(fcinfo, &contacts);
	count_met(&contacts, PG_GETARG_TEXT_PP(5));
	for (int i = 0; i < contacts.nchannels; i++)
		put_channel(&contacts.channels[i],
					(ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
