/*
 * survivor_aggregate.c
 *		Survivorship as aggregates.
 *
 * cdp.survivor(value, observed_at, priority, rule) gives the surviving value;
 * cdp._survivor(..., source, set_id) gives it with its lineage, and is what
 * profiles are made with: there is one implementation of the rules.
 *
 * The state is one growing buffer of records, so that a worker's state is
 * handed over and joined as bytes; the choice is made at the end.  The rule is
 * that of the first row that has one.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"

#include "profile/survivor.h"

/* What precedes each observation in the buffer, at an aligned place. */
typedef struct Record
{
	TimestampTz at;
	int64		set_id;
	int32		priority;
	int32		source_length;
	int32		value_length;	/* of the jsonb that follows, then the source */
	int32		spare;
} Record;

typedef struct State
{
	char	   *rule;			/* NULL until a row has one */
	StringInfoData records;
} State;

PG_FUNCTION_INFO_V1(cdp__survivor_step);
PG_FUNCTION_INFO_V1(cdp__survivor_combine);
PG_FUNCTION_INFO_V1(cdp__survivor_serialize);
PG_FUNCTION_INFO_V1(cdp__survivor_deserialize);
PG_FUNCTION_INFO_V1(cdp__survivor_value);
PG_FUNCTION_INFO_V1(cdp__survivor_lineage);

/* A new state in a memory context. */
static State *
make_state(MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	State	   *state = palloc0(sizeof(State));

	initStringInfo(&state->records);
	MemoryContextSwitchTo(caller);
	return state;
}

/* The state of an aggregate, made on its first call. */
static State *
get_state(FunctionCallInfo fcinfo, MemoryContext *context)
{
	if (!AggCheckCallContext(fcinfo, context))
		elog(ERROR, "survivor aggregate called outside an aggregate");
	if (PG_ARGISNULL(0))
		return make_state(*context);
	return (State *) PG_GETARG_POINTER(0);
}

/* Bring the end of the buffer to an aligned place. */
static void
align_records(StringInfo records)
{
	while (records->len % MAXIMUM_ALIGNOF != 0)
		appendStringInfoCharMacro(records, '\0');
}

/* (state, value, observed_at, priority, rule [, source, set_id]) */
Datum
cdp__survivor_step(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	State	   *state = get_state(fcinfo, &context);
	Record		record = {.at = DT_NOBEGIN};
	Jsonb	   *value;
	text	   *source = NULL;

	if (!PG_ARGISNULL(4) && state->rule == NULL)
		state->rule = MemoryContextStrdup(context,
										  text_to_cstring(PG_GETARG_TEXT_PP(4)));
	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	value = PG_GETARG_JSONB_P(1);
	if (!PG_ARGISNULL(2))
		record.at = PG_GETARG_TIMESTAMPTZ(2);
	if (!PG_ARGISNULL(3))
		record.priority = PG_GETARG_INT32(3);
	if (PG_NARGS() > 5 && !PG_ARGISNULL(5))
		source = PG_GETARG_TEXT_PP(5);
	if (PG_NARGS() > 6 && !PG_ARGISNULL(6))
		record.set_id = PG_GETARG_INT64(6);
	if (source != NULL)
		record.source_length = VARSIZE_ANY_EXHDR(source);
	record.value_length = VARSIZE(value);

	appendBinaryStringInfo(&state->records, (char *) &record, sizeof(Record));
	appendBinaryStringInfo(&state->records, (char *) value, VARSIZE(value));
	if (source != NULL)
		appendBinaryStringInfo(&state->records, VARDATA_ANY(source),
							   record.source_length);
	align_records(&state->records);
	PG_RETURN_POINTER(state);
}

/* (state, state of a worker) */
Datum
cdp__survivor_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	State	   *state = get_state(fcinfo, &context);
	State	   *other;

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	other = (State *) PG_GETARG_POINTER(1);
	if (state->rule == NULL && other->rule != NULL)
		state->rule = MemoryContextStrdup(context, other->rule);
	appendBinaryStringInfo(&state->records, other->records.data,
						   other->records.len);
	PG_RETURN_POINTER(state);
}

/* A state as bytes: the rule, terminated, and the records. */
Datum
cdp__survivor_serialize(PG_FUNCTION_ARGS)
{
	State	   *state = (State *) PG_GETARG_POINTER(0);
	const char *rule = state->rule == NULL ? "" : state->rule;
	Size		rule_size = strlen(rule) + 1;
	Size		size = VARHDRSZ + rule_size + state->records.len;
	bytea	   *result = palloc(size);

	SET_VARSIZE(result, size);
	memcpy(VARDATA(result), rule, rule_size);
	memcpy(VARDATA(result) + rule_size, state->records.data,
		   state->records.len);
	PG_RETURN_BYTEA_P(result);
}

/* Back from there. */
Datum
cdp__survivor_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	State	   *state = make_state(CurrentMemoryContext);
	const char *rule = VARDATA_ANY(bytes);
	Size		rule_size = strlen(rule) + 1;

	if (*rule != '\0')
		state->rule = pstrdup(rule);
	appendBinaryStringInfo(&state->records, rule + rule_size,
						   VARSIZE_ANY_EXHDR(bytes) - rule_size);
	PG_RETURN_POINTER(state);
}

/* The records of a state as observations. */
static CdpObservation *
list_observations(const State *state, int *count)
{
	int			room = 8;
	CdpObservation *observations = palloc0(room * sizeof(CdpObservation));
	int			at = 0;

	*count = 0;
	while (at < state->records.len)
	{
		Record	   *record = (Record *) (state->records.data + at);
		CdpObservation *observation;

		if (*count == room)
		{
			room *= 2;
			observations = repalloc_huge(observations,
										 room * sizeof(CdpObservation));
		}
		observation = &observations[(*count)++];
		memset(observation, 0, sizeof(CdpObservation));
		observation->at = record->at;
		observation->set_id = record->set_id;
		observation->priority = record->priority;
		observation->value = (Jsonb *) (record + 1);
		observation->source = (char *) (record + 1) + record->value_length;
		observation->source_length = record->source_length;
		at = MAXALIGN(at + sizeof(Record) + record->value_length +
					  record->source_length);
	}
	return observations;
}

/* The surviving value; NULL if none survives. */
Datum
cdp__survivor_value(PG_FUNCTION_ARGS)
{
	CdpObservation *observations;
	State	   *state;
	Jsonb	   *value;
	int			count;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (State *) PG_GETARG_POINTER(0);
	observations = list_observations(state, &count);
	if (cdp_survivor_choose(observations, count, state->rule, &value) == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(value);
}

static void
push_key(JsonbParseState **parse, const char *key)
{
	JsonbValue	json = {.type = jbvString};

	json.val.string.val = unconstify(char *, key);
	json.val.string.len = strlen(key);
	pushJsonbValue(parse, WJB_KEY, &json);
}

static void
push_text(JsonbParseState **parse, const char *key, const char *text,
		  int length)
{
	JsonbValue	json = {.type = jbvString};

	push_key(parse, key);
	json.val.string.val = unconstify(char *, text);
	json.val.string.len = length;
	pushJsonbValue(parse, WJB_VALUE, &json);
}

/* The time as ISO text in UTC, whatever the session's zone. */
static void
push_time(JsonbParseState **parse, const char *key, TimestampTz at)
{
	char		buffer[MAXDATELEN + 1];
	int			utc = 0;

	JsonEncodeDateTime(buffer, TimestampTzGetDatum(at), TIMESTAMPTZOID, &utc);
	push_text(parse, key, pstrdup(buffer), strlen(buffer));
}

/* {"at", "rule", "value", "set_id", "source"} of the survivor, or NULL. */
Datum
cdp__survivor_lineage(PG_FUNCTION_ARGS)
{
	JsonbParseState *parse = NULL;
	CdpObservation *best;
	CdpObservation *observations;
	JsonbValue	json;
	State	   *state;
	Jsonb	   *value;
	int			count;
	const char *rule;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (State *) PG_GETARG_POINTER(0);
	observations = list_observations(state, &count);
	best = cdp_survivor_choose(observations, count, state->rule, &value);
	if (best == NULL)
		PG_RETURN_NULL();

	rule = state->rule == NULL ? "latest" : state->rule;
	pushJsonbValue(&parse, WJB_BEGIN_OBJECT, NULL);
	push_time(&parse, "at", best->at);
	push_text(&parse, "rule", rule, strlen(rule));
	push_text(&parse, "source", best->source, best->source_length);
	push_key(&parse, "set_id");
	json.type = jbvNumeric;
	json.val.numeric = int64_to_numeric(best->set_id);
	pushJsonbValue(&parse, WJB_VALUE, &json);
	push_key(&parse, "value");
	if (!JsonbExtractScalar(&value->root, &json))
	{
		json.type = jbvBinary;
		json.val.binary.data = &value->root;
		json.val.binary.len = VARSIZE(value) - VARHDRSZ;
	}
	pushJsonbValue(&parse, WJB_VALUE, &json);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&parse, WJB_END_OBJECT,
													   NULL)));
}
