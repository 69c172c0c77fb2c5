/*
 * survivor.c
 *		Which of several observations of one trait survives.
 *
 *		latest			the newest (the default)
 *		earliest		the oldest
 *		source_priority	of the source with the highest priority, then latest
 *		most_frequent	the value that occurs most, then latest
 *		longest			the most characters, then latest
 *		min, max		numbers before texts; texts by their bytes
 *		sum				of all numbers
 *		union			all elements of arrays and all single values, once
 *		non_empty_...	any of these, over the observations that are not empty
 *
 * Ties.  Whatever a rule leaves open is decided by time (newest), priority,
 * the value's bytes, the source's name and at last the set's number, so that
 * the same observations in any order give the same value and lineage.
 *
 * A JSON null says that there is no value any more: latest, earliest and
 * source_priority may choose it, the other rules pass over it.
 */
#include "postgres.h"

#include "base/compat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "profile/survivor.h"

#define NON_EMPTY_PREFIX "non_empty_"

static const char *const rule_names[] = {
	[CDP_SURVIVOR_LATEST] = "latest",
	[CDP_SURVIVOR_EARLIEST] = "earliest",
	[CDP_SURVIVOR_SOURCE_PRIORITY] = "source_priority",
	[CDP_SURVIVOR_MOST_FREQUENT] = "most_frequent",
	[CDP_SURVIVOR_LONGEST] = "longest",
	[CDP_SURVIVOR_MIN] = "min",
	[CDP_SURVIVOR_MAX] = "max",
	[CDP_SURVIVOR_SUM] = "sum",
	[CDP_SURVIVOR_UNION] = "union",
};

/* The rule of that name. */
CdpSurvivorRule
cdp_survivor_rule(const char *name, bool *non_empty)
{
	const char *bare = name;

	*non_empty = false;
	if (name == NULL)
		return CDP_SURVIVOR_LATEST;
	if (strncmp(name, NON_EMPTY_PREFIX, strlen(NON_EMPTY_PREFIX)) == 0)
	{
		*non_empty = true;
		bare = name + strlen(NON_EMPTY_PREFIX);
	}
	for (int i = 0; i < lengthof(rule_names); i++)
	{
		if (strcmp(bare, rule_names[i]) == 0)
			return (CdpSurvivorRule) i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown survivorship rule \"%s\"", name),
			 errhint("Rules are latest, earliest, source_priority, most_frequent, longest, min, max, sum and union, each also with the prefix non_empty_.")));
}

/* Read an observation's value. */
static void
read_value(CdpObservation *observation)
{
	JsonbValue *json = &observation->json;

	if (!JsonbExtractScalar(&observation->value->root, json))
	{
		json->type = jbvBinary;
		json->val.binary.data = &observation->value->root;
		json->val.binary.len = VARSIZE(observation->value) - VARHDRSZ;
	}
	switch (json->type)
	{
		case jbvString:
			observation->text = json->val.string.val;
			observation->length = json->val.string.len;
			return;
		case jbvNumeric:
			observation->text = numeric_normalize(json->val.numeric);
			break;
		case jbvBool:
			observation->text = json->val.boolean ? "true" : "false";
			break;
		case jbvNull:
			observation->text = "";
			break;
		default:
			observation->text = JsonbToCString(NULL, &observation->value->root,
											   VARSIZE(observation->value));
	}
	observation->length = strlen(observation->text);
}

/* Is it nothing, or white space, or an empty array or object? */
static bool
is_empty(const CdpObservation *observation)
{
	if (observation->json.type == jbvBinary)
		return JsonContainerSize(observation->json.val.binary.data) == 0;
	for (int i = 0; i < observation->length; i++)
	{
		if (!isspace((unsigned char) observation->text[i]))
			return false;
	}
	return true;
}

/* May the rule choose it? */
static bool
is_candidate(const CdpObservation *observation, CdpSurvivorRule rule,
			 bool non_empty)
{
	if (non_empty && is_empty(observation))
		return false;
	if (rule == CDP_SURVIVOR_SUM)
		return observation->json.type == jbvNumeric;
	return observation->json.type != jbvNull || rule <= CDP_SURVIVOR_SOURCE_PRIORITY;
}

static int
compare_int64(int64 a, int64 b)
{
	return (a > b) - (a < b);
}

/* By bytes; values of different kinds are told apart by kind. */
static int
compare_text(const CdpObservation *a, const CdpObservation *b)
{
	int			result = memcmp(a->text, b->text, Min(a->length, b->length));

	if (result == 0)
		result = compare_int64(a->length, b->length);
	if (result == 0)
		result = compare_int64(a->json.type, b->json.type);
	return result;
}

/* By name, in bytes. */
static int
compare_source(const CdpObservation *a, const CdpObservation *b)
{
	int			result = memcmp(a->source, b->source,
								Min(a->source_length, b->source_length));

	if (result == 0)
		result = compare_int64(a->source_length, b->source_length);
	return result;
}

/* Numbers as numbers and before all else. */
static int
compare_size(const CdpObservation *a, const CdpObservation *b)
{
	bool		a_is_number = a->json.type == jbvNumeric;
	bool		b_is_number = b->json.type == jbvNumeric;

	if (a_is_number != b_is_number)
		return a_is_number ? -1 : 1;
	if (a_is_number)
		return DatumGetInt32(DirectFunctionCall2(numeric_cmp,
												 NumericGetDatum(a->json.val.numeric),
												 NumericGetDatum(b->json.val.numeric)));
	return compare_text(a, b);
}

/* Greater than zero if a survives b by the rule alone. */
static int
compare_by_rule(const CdpObservation *a, const CdpObservation *b,
				CdpSurvivorRule rule)
{
	switch (rule)
	{
		case CDP_SURVIVOR_EARLIEST:
			return compare_int64(b->at, a->at);
		case CDP_SURVIVOR_SOURCE_PRIORITY:
			return compare_int64(a->priority, b->priority);
		case CDP_SURVIVOR_MOST_FREQUENT:
		case CDP_SURVIVOR_LONGEST:
			return compare_int64(a->weight, b->weight);
		case CDP_SURVIVOR_MIN:
			return compare_size(b, a);
		case CDP_SURVIVOR_MAX:
			return compare_size(a, b);
		default:
			return 0;
	}
}

/* Greater than zero if a survives b; zero only for equal observations. */
static int
compare_observations(const CdpObservation *a, const CdpObservation *b,
					 CdpSurvivorRule rule)
{
	int			result = compare_by_rule(a, b, rule);

	if (result == 0)
		result = compare_int64(a->at, b->at);
	if (result == 0)
		result = compare_int64(a->priority, b->priority);
	if (result == 0)
		result = compare_text(a, b);
	if (result == 0)
		result = compare_source(a, b);
	if (result == 0)
		result = compare_int64(a->set_id, b->set_id);
	return result;
}

static int
compare_text_pointers(const void *a, const void *b)
{
	return compare_text(*(CdpObservation *const *) a,
						*(CdpObservation *const *) b);
}

/* Weigh each candidate by how often its value occurs among them. */
static void
count_occurrences(CdpObservation **candidates, int count)
{
	int			start = 0;

	qsort(candidates, count, sizeof(CdpObservation *), compare_text_pointers);
	for (int i = 1; i <= count; i++)
	{
		if (i < count && compare_text(candidates[start], candidates[i]) == 0)
			continue;
		for (int j = start; j < i; j++)
			candidates[j]->weight = i - start;
		start = i;
	}
}

/* The sum of the candidates, all of which are numbers. */
static Jsonb *
add_up(CdpObservation **candidates, int count)
{
	JsonbValue	sum = {.type = jbvNumeric};

	sum.val.numeric = candidates[0]->json.val.numeric;
	for (int i = 1; i < count; i++)
		sum.val.numeric = numeric_add_opt_error(sum.val.numeric,
												candidates[i]->json.val.numeric,
												NULL);
	return JsonbValueToJsonb(&sum);
}

/* List the elements of an array, or a single value, as observations. */
static int
list_elements(const CdpObservation *observation, CdpObservation *elements)
{
	JsonbContainer *container = &observation->value->root;
	int			count = 0;

	if (!JsonContainerIsArray(container) || JsonContainerIsScalar(container))
	{
		elements[0] = *observation;
		return 1;
	}
	for (uint32 i = 0; i < JsonContainerSize(container); i++)
	{
		JsonbValue *item = getIthJsonbValueFromContainer(container, i);

		if (item->type == jbvNull)
			continue;
		elements[count].value = JsonbValueToJsonb(item);
		read_value(&elements[count++]);
	}
	return count;
}

/* All elements of the candidates, each once, in the order of their texts. */
static Jsonb *
unite(CdpObservation **candidates, int count)
{
	JsonbParseState *parse = NULL;
	CdpObservation *elements;
	CdpObservation **order;
	Size		room = 0;
	int			nelements = 0;

	for (int i = 0; i < count; i++)
		room += Max(JB_ROOT_COUNT(candidates[i]->value), 1);
	elements = palloc0(room * sizeof(CdpObservation));
	for (int i = 0; i < count; i++)
		nelements += list_elements(candidates[i], elements + nelements);
	order = palloc(room * sizeof(CdpObservation *));
	for (int i = 0; i < nelements; i++)
		order[i] = &elements[i];
	qsort(order, nelements, sizeof(CdpObservation *), compare_text_pointers);

	pushJsonbValue(&parse, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < nelements; i++)
	{
		if (i == 0 || compare_text(order[i - 1], order[i]) != 0)
			pushJsonbValue(&parse, WJB_ELEM, &order[i]->json);
	}
	return JsonbValueToJsonb(pushJsonbValue(&parse, WJB_END_ARRAY, NULL));
}

/* Weigh the candidates as far as the rule needs it. */
static void
weigh(CdpObservation **candidates, int count, CdpSurvivorRule rule)
{
	if (rule == CDP_SURVIVOR_MOST_FREQUENT)
		count_occurrences(candidates, count);
	if (rule == CDP_SURVIVOR_LONGEST)
	{
		for (int i = 0; i < count; i++)
			candidates[i]->weight = pg_mbstrlen_with_len(candidates[i]->text,
														 candidates[i]->length);
	}
}

/* Choose among observations; see survivor.h. */
CdpObservation *
cdp_survivor_choose(CdpObservation *observations, int count,
					const char *rule_name, Jsonb **value)
{
	bool		non_empty;
	CdpSurvivorRule rule = cdp_survivor_rule(rule_name, &non_empty);
	CdpObservation **candidates = palloc(Max(count, 1) * sizeof(CdpObservation *));
	CdpObservation *best;
	int			ncandidates = 0;

	for (int i = 0; i < count; i++)
	{
		read_value(&observations[i]);
		if (is_candidate(&observations[i], rule, non_empty))
			candidates[ncandidates++] = &observations[i];
	}
	if (ncandidates == 0)
		return NULL;
	weigh(candidates, ncandidates, rule);
	best = candidates[0];
	for (int i = 1; i < ncandidates; i++)
	{
		if (compare_observations(candidates[i], best, rule) > 0)
			best = candidates[i];
	}
	if (rule == CDP_SURVIVOR_SUM)
		*value = add_up(candidates, ncandidates);
	else if (rule == CDP_SURVIVOR_UNION)
		*value = unite(candidates, ncandidates);
	else
		*value = best->value;
	return best;
}
