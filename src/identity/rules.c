/*
 * rules.c
 *		The identity rules of the store, as this session knows them.
 *
 * The copy lives in a memory context of its own, made anew whenever the
 * version of the rules differs.  A session may judge a value by rules that
 * another has just replaced; it notes an epoch older than the change in each
 * set that it writes, and the stitcher judges those values again.
 *
 * Blocked values are compared in lower case: exact ones by binary search,
 * patterns by the server's own regular expressions, compiled once (it keeps
 * the 32 last used).
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "regex/regex.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "base/base.h"
#include "identity/arrays.h"
#include "identity/identity.h"
#include "identity/rules.h"
#include "norm/norm.h"

/* A blocked value or pattern; type_id 0 is any type. */
typedef struct BlockedValue
{
	int			type_id;
	const char *value;			/* NULL if a pattern */
	text	   *pattern;		/* NULL if a value */
} BlockedValue;

struct CdpIdentityRules
{
	MemoryContext context;
	pg_uuid_t	version;
	CdpIdentityType *types;		/* by name */
	int			ntypes;
	BlockedValue *values;		/* by value, then type */
	int			nvalues;
	BlockedValue *patterns;
	int			npatterns;
	bool		has_stand_in;	/* a type that stands in for strong ones */
};

typedef CdpIdentityRules Rules;

static Rules *rules = NULL;

/* A text column of a result row in the current context; NULL if null. */
static char *
get_text(int row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

static Datum
get_datum(int row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 column, isnull);
}

/* An integer column of a result row; 0 if null. */
static int
get_int(int row, int column)
{
	bool		isnull;
	Datum		datum = get_datum(row, column, &isnull);

	return isnull ? 0 : DatumGetInt32(datum);
}

/* A boolean column of a result row; false if null. */
static bool
get_bool(int row, int column)
{
	bool		isnull;
	Datum		datum = get_datum(row, column, &isnull);

	return !isnull && DatumGetBool(datum);
}

static char *
copy_text(MemoryContext context, int row, int column)
{
	char	   *value = get_text(row, column);

	return value ? MemoryContextStrdup(context, value) : NULL;
}

/* A pattern as the text that the regular expressions take. */
static text *
copy_pattern(MemoryContext context, int row, int column)
{
	char	   *pattern = get_text(row, column);
	MemoryContext old;
	text	   *copy;

	if (pattern == NULL)
		return NULL;
	old = MemoryContextSwitchTo(context);
	copy = cstring_to_text(pattern);
	MemoryContextSwitchTo(old);
	return copy;
}

/* No interval is shorter than this: a month has 28 days at least. */
static int64
get_least_us(int row, int column)
{
	bool		isnull;
	Datum		datum = get_datum(row, column, &isnull);
	Interval   *interval;

	if (isnull)
		return 0;
	interval = DatumGetIntervalP(datum);
	return Max(1, interval->time +
			   (interval->month * INT64CONST(28) + interval->day) * USECS_PER_DAY);
}

#define TYPE_COLUMNS \
	"type_id, type::text," \
	" CASE WHEN stitches THEN priority END," \
	" stitches AND strong, stitches AND (strong OR stands_in AND NOT $1)," \
	" strong OR stands_in AND NOT $1 OR type IN ('email', 'phone')," \
	" joins_known, scope = 'source', max_per_profile, max_strong_per_value," \
	" CASE WHEN stitches AND priority IS NOT NULL THEN time_to_live END," \
	" normaliser, pattern, stands_in AND stitches"

/* The types as they are, or, given changes, as they would be. */
static void
read_types(Rules *into, const Datum *changes, bool has_strong)
{
	static CdpPlan types_plan = {
		"SELECT " TYPE_COLUMNS " FROM cdp.identifier_type ORDER BY type",
		1, {BOOLOID}
	};
	static CdpPlan changed_plan = {
		"SELECT " TYPE_COLUMNS " FROM cdp._types_with($2) AS changed (body)"
		" CROSS JOIN jsonb_populate_record(NULL::cdp.identifier_type,"
		" changed.body) AS identifier_type ORDER BY type",
		2, {BOOLOID, JSONBOID}
	};

	cdp_base_execute(changes ? &changed_plan : &types_plan, (Datum[]) {
		BoolGetDatum(has_strong), changes ? *changes : (Datum) 0
	}, NULL, changes != NULL, 0);
	into->ntypes = SPI_processed;
	into->types = MemoryContextAllocZero(into->context,
										 sizeof(CdpIdentityType) * (into->ntypes + 1));
	for (int i = 0; i < into->ntypes; i++)
	{
		CdpIdentityType *type = &into->types[i];

		type->type_id = get_int(i, 1);
		type->name = copy_text(into->context, i, 2);
		type->priority = get_int(i, 3);
		type->strong_itself = get_bool(i, 4);
		type->strong = get_bool(i, 5);
		type->known = get_bool(i, 6);
		type->joins_known = get_bool(i, 7);
		type->source_scoped = get_bool(i, 8);
		type->is_user_id = strcmp(type->name, "user_id") == 0;
		type->max_per_profile = get_int(i, 9);
		type->max_strong_per_value = get_int(i, 10);
		type->look_after_us = get_least_us(i, 11);
		type->normaliser = copy_text(into->context, i, 12);
		type->pattern = copy_pattern(into->context, i, 13);
		into->has_stand_in |= get_bool(i, 14);
	}
}

/* The blocked values as they are, or, given changes, as they would be. */
static void
read_blocked(Rules *into, const Datum *changes)
{
	static CdpPlan blocked_plan = {
		"SELECT type.type_id, lower(blocked.value), blocked.pattern"
		" FROM cdp.blocked_value AS blocked"
		" LEFT JOIN cdp.identifier_type AS type USING (type)"
		" ORDER BY lower(blocked.value) COLLATE \"C\"", 0
	};
	static CdpPlan changed_plan = {
		"SELECT type.type_id, blocked.value, blocked.pattern"
		" FROM cdp._blocked_with($1) AS blocked"
		" LEFT JOIN cdp.identifier_type AS type USING (type)"
		" ORDER BY blocked.value COLLATE \"C\"", 1, {JSONBOID}
	};
	Datum		values[1] = {changes ? *changes : (Datum) 0};
	int			count;

	cdp_base_execute(changes ? &changed_plan : &blocked_plan, values, NULL,
					 changes != NULL, 0);
	count = SPI_processed;
	into->values = MemoryContextAllocZero(into->context,
										  sizeof(BlockedValue) * (count + 1));
	into->patterns = MemoryContextAllocZero(into->context,
											sizeof(BlockedValue) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		BlockedValue blocked = {
			get_int(i, 1),
			copy_text(into->context, i, 2),
			copy_pattern(into->context, i, 3)
		};

		if (blocked.value != NULL)
			into->values[into->nvalues++] = blocked;
		else
			into->patterns[into->npatterns++] = blocked;
	}
}

/* Read all rules; the old copy goes when the new one is whole. */
static void
read_rules(pg_uuid_t version, bool has_strong)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "cdp identity rules",
												  ALLOCSET_SMALL_SIZES);
	Rules	   *fresh = MemoryContextAllocZero(context, sizeof(Rules));

	fresh->context = context;
	fresh->version = version;
	read_types(fresh, NULL, has_strong);
	read_blocked(fresh, NULL);
	MemoryContextSetParent(context, TopMemoryContext);
	if (rules != NULL)
		MemoryContextDelete(rules->context);
	rules = fresh;
}

/* See rules.h. */
CdpIdentityRules *
cdp_identity_read_changed(Datum changes, bool has_strong)
{
	Rules	   *changed = palloc0(sizeof(Rules));

	changed->context = CurrentMemoryContext;
	read_types(changed, &changes, has_strong);
	read_blocked(changed, &changes);
	return changed;
}

/* See rules.h. */
CdpIdentityRules *
cdp_identity_swap_rules(CdpIdentityRules *other)
{
	Rules	   *former = rules;

	rules = other;
	return former;
}

/* See rules.h. */
CdpIdentityState
cdp_identity_refresh_rules(void)
{
	static CdpPlan state_plan = {
		"SELECT epoch, rules_epoch, rules_version, has_strong"
		" FROM cdp.identity_state", 0
	};
	CdpIdentityState state;
	pg_uuid_t	version;
	bool		isnull;

	cdp_base_execute(&state_plan, NULL, NULL, false, 1);
	if (SPI_processed == 0)
		elog(ERROR, "cdp.identity_state has no row");
	state.epoch = DatumGetInt64(get_datum(0, 1, &isnull));
	state.rules_epoch = DatumGetInt64(get_datum(0, 2, &isnull));
	version = *DatumGetUUIDP(get_datum(0, 3, &isnull));
	state.has_strong = get_bool(0, 4);
	if (rules == NULL ||
		memcmp(&rules->version, &version, sizeof(version)) != 0)
		read_rules(version, state.has_strong);
	return state;
}

/* See rules.h. */
bool
cdp_identity_has_stand_in(void)
{
	return rules->has_stand_in;
}

/* The rules, read if this session has none yet. */
static void
need_rules(void)
{
	if (rules != NULL)
		return;
	cdp_base_check_store();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	(void) cdp_identity_refresh_rules();
	SPI_finish();
}

const CdpIdentityType *
cdp_identity_type_by_name(const char *name)
{
	int			low = 0;
	int			high = rules->ntypes - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			order = strcmp(name, rules->types[middle].name);

		if (order == 0)
			return &rules->types[middle];
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return NULL;
}

const CdpIdentityType *
cdp_identity_type_by_id(int type_id)
{
	for (int i = 0; i < rules->ntypes; i++)
		if (rules->types[i].type_id == type_id)
			return &rules->types[i];
	return NULL;
}

/* See rules.h. */
Datum
cdp_identity_strong_types(void)
{
	int32	   *types = palloc(sizeof(int32) * (rules->ntypes + 1));
	int			count = 0;

	for (int i = 0; i < rules->ntypes; i++)
		if (rules->types[i].strong)
			types[count++] = rules->types[i].type_id;
	return cdp_identity_int4_array(types, count);
}

static bool
matches(text *pattern, const char *value)
{
	return RE_compile_and_execute(pattern, unconstify(char *, value),
								  strlen(value), REG_ADVANCED,
								  C_COLLATION_OID, 0, NULL);
}

/* Is the value among the exact ones?  It is in lower case. */
static bool
is_blocked_value(const CdpIdentityType *type, const char *value)
{
	int			low = 0;
	int			high = rules->nvalues;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (strcmp(rules->values[middle].value, value) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < rules->nvalues; low++)
	{
		BlockedValue *blocked = &rules->values[low];

		if (strcmp(blocked->value, value) != 0)
			return false;
		if (blocked->type_id == 0 || blocked->type_id == type->type_id)
			return true;
	}
	return false;
}

bool
cdp_identity_is_blocked(const CdpIdentityType *type, const char *value)
{
	char	   *lower = asc_tolower(value, strlen(value));
	bool		blocked = is_blocked_value(type, lower);

	for (int i = 0; i < rules->npatterns && !blocked; i++)
	{
		BlockedValue *rule = &rules->patterns[i];

		if (rule->type_id == 0 || rule->type_id == type->type_id)
			blocked = matches(rule->pattern, lower);
	}
	pfree(lower);
	return blocked;
}

/* The type of a name, also one that was added since the last refresh. */
static const CdpIdentityType *
find_type(const char *name)
{
	const CdpIdentityType *type;

	need_rules();
	type = cdp_identity_type_by_name(name);
	if (type != NULL)
		return type;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	(void) cdp_identity_refresh_rules();
	SPI_finish();
	return cdp_identity_type_by_name(name);
}

/* See rules.h. */
void
cdp_identity_hear_rules(void)
{
	static uint64 heard = 0;
	uint64		watched = cdp_base_watched();

	if (rules == NULL || watched == 0 || watched != heard)
	{
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "could not connect to SPI");
		(void) cdp_identity_refresh_rules();
		SPI_finish();
	}
	heard = watched;
}

/* See identity.h. */
bool
cdp_identity_is_type(const char *type)
{
	return find_type(type) != NULL;
}

/* See identity.h. */
bool
cdp_identity_is_own_number(const char *type)
{
	const CdpIdentityType *known = find_type(type);

	return known != NULL && known->source_scoped && known->strong_itself &&
		known->joins_known;
}

/* See identity.h. */
bool
cdp_identity_is_blocked_value(const char *type, const char *value)
{
	const CdpIdentityType *known = find_type(type);

	return known != NULL && cdp_identity_is_blocked(known, value);
}

/* See identity.h. */
bool
cdp_identity_normalise(const char *type, const char *value, int len,
					   const char *region, char **out, const char **reason)
{
	const CdpIdentityType *known = find_type(type);
	StringInfoData canonical;

	*out = NULL;
	if (known == NULL)
	{
		*reason = "There is no identifier type of this name.";
		return false;
	}
	initStringInfo(&canonical);
	if (!cdp_norm_identifier(known->normaliser, value, len, region,
							 &canonical, reason))
		return false;
	if (canonical.len == 0)
	{
		*reason = "An identifier cannot be empty.";
		return false;
	}
	if (known->pattern != NULL && !matches(known->pattern, canonical.data))
	{
		*reason = "The value does not match the pattern of its type.";
		return false;
	}
	*out = canonical.data;
	return true;
}
