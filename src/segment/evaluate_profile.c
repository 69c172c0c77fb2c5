/*
 * evaluate_profile.c
 *		What a predicate sees of the profile besides its events.
 *
 * Built-in fields are columns of the profile and its scores, as of the last
 * merge run: unlike aggregates over events they do not move with the as-of
 * instant.  Traits, identifiers, consents, scores and suppressed channels are
 * JSON objects, looked into without unpacking them.  Of traits that expire, of
 * consents and suppressions the end moves with it.
 */
#include "postgres.h"

#include <math.h>

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "profile/profile.h"
#include "segment/evaluate.h"
#include "segment/globe.h"
#include "segment/segment.h"
#include "segment/text.h"

static const CdpValue unknown = {CDP_VALUE_NULL};

/* The value under a key of an object; null if there is none. */
static CdpValue
get_key(const JsonbContainer *container, const char *key, int length)
{
	JsonbValue	found;

	if (container == NULL || !JsonContainerIsObject(container) ||
		getKeyJsonValueFromContainer(unconstify(JsonbContainer *, container),
									 key, length, &found) == NULL)
		return unknown;
	return cdp_segment_from_json(&found);
}

static bool
is_known(const CdpEvaluation *evaluation, int fact)
{
	return evaluation->profile->has_facts &&
		!evaluation->profile->fact_is_null[fact];
}

/* The value under a key of a fact that is an object. */
static CdpValue
get_fact_key(const CdpEvaluation *evaluation, CdpFact fact, const char *key)
{
	if (!is_known(evaluation, fact))
		return unknown;
	return get_key(&DatumGetJsonbP(evaluation->profile->facts[fact])->root,
				   key, strlen(key));
}

/* A trait that expires, at the as-of instant. */
static CdpValue
find_expiring(const CdpEvaluation *evaluation, const char *name)
{
	JsonbValue	found;

	if (!is_known(evaluation, CDP_FACT_EXPIRING) ||
		!cdp_profile_expiring_value(DatumGetJsonbP(evaluation->profile->facts[CDP_FACT_EXPIRING]),
									name, strlen(name), evaluation->as_of,
									&found))
		return unknown;
	return cdp_segment_from_json(&found);
}

/* The trait called a.b, or else the key b inside the trait a. */
static CdpValue
find_trait(const CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpValue	value = get_fact_key(evaluation, CDP_FACT_TRAITS, expr->text);
	ListCell   *cell;

	if (value.kind == CDP_VALUE_NULL)
		value = find_expiring(evaluation, expr->text);
	if (value.kind != CDP_VALUE_NULL || list_length(expr->names) == 1)
		return value;
	foreach(cell, expr->names)
	{
		const char *name = lfirst(cell);

		if (foreach_current_index(cell) == 0)
			value = get_fact_key(evaluation, CDP_FACT_TRAITS, name);
		else if (value.kind == CDP_VALUE_JSON)
			value = get_key(value.as.json, name, strlen(name));
		else
			return unknown;
	}
	return value;
}

/* See evaluate.h. */
CdpValue
cdp_segment_trait(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpValue	value = find_trait(evaluation, expr);
	TimestampTz at;

	if (expr->type != CDP_TYPE_TIME)
		return value;
	if (!cdp_segment_as_time(&value, expr->zone, &at))
		return unknown;
	return cdp_segment_time(at);
}

/* The first identifier of a type; null if the profile has none. */
static CdpValue
first_identifier(const CdpEvaluation *evaluation, const char *type)
{
	CdpValue	values = get_fact_key(evaluation, CDP_FACT_IDENTIFIERS, type);
	JsonbValue *first;

	if (values.kind != CDP_VALUE_JSON || !JsonContainerIsArray(values.as.json))
		return unknown;
	first = getIthJsonbValueFromContainer(values.as.json, 0);
	if (first == NULL || first->type != jbvString)
		return unknown;
	return cdp_segment_text(first->val.string.val, first->val.string.len);
}

/* A field by the SQL type of its column; null if it is. */
static CdpValue
fact_value(const CdpEvaluation *evaluation, CdpField field)
{
	Datum		fact;
	text	   *told;

	if (!is_known(evaluation, CDP_FACT_FIELDS + field))
		return unknown;
	fact = evaluation->profile->facts[CDP_FACT_FIELDS + field];
	switch (field)
	{
		case CDP_FIELD_KIND:
		case CDP_FIELD_LIFECYCLE:
		case CDP_FIELD_CHURN_BAND:
			told = DatumGetTextPP(fact);
			return cdp_segment_text(VARDATA_ANY(told), VARSIZE_ANY_EXHDR(told));
		case CDP_FIELD_FIRST_SEEN:
		case CDP_FIELD_LAST_SEEN:
		case CDP_FIELD_FIRST_ORDER_AT:
		case CDP_FIELD_LAST_ORDER_AT:
			return cdp_segment_time(DatumGetTimestampTz(fact));
		case CDP_FIELD_EVENTS:
		case CDP_FIELD_ORDERS:
			return cdp_segment_integer(DatumGetInt64(fact));
		case CDP_FIELD_RFM_RECENCY:
		case CDP_FIELD_RFM_FREQUENCY:
		case CDP_FIELD_RFM_MONETARY:
			return cdp_segment_integer(DatumGetInt32(fact));
		case CDP_FIELD_CHURN_90D:
			fact = DirectFunctionCall1(float8_numeric, fact);
			return cdp_segment_numeric(DatumGetNumeric(fact));
		default:				/* gross_revenue, revenue, clv_365d */
			return cdp_segment_numeric(DatumGetNumeric(fact));
	}
}

static CdpValue
average_order_value(const CdpEvaluation *evaluation)
{
	CdpValue	revenue = fact_value(evaluation, CDP_FIELD_GROSS_REVENUE);
	CdpValue	orders = fact_value(evaluation, CDP_FIELD_ORDERS);

	return cdp_segment_arithmetic('/', &revenue, &orders, NULL);
}

/* See evaluate.h. */
CdpValue
cdp_segment_field(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpField	field = (CdpField) expr->number;

	switch (field)
	{
		case CDP_FIELD_EMAIL:
			return first_identifier(evaluation, "email");
		case CDP_FIELD_PHONE:
			return first_identifier(evaluation, "phone");
		case CDP_FIELD_AVERAGE_ORDER_VALUE:
			return average_order_value(evaluation);
		default:
			return fact_value(evaluation, field);
	}
}

/* A member of what a model says of the profile. */
static CdpValue
score_member(CdpEvaluation *evaluation, const CdpExpr *expr,
			 const char *member)
{
	CdpValue	score = get_fact_key(evaluation, CDP_FACT_SCORES,
									 linitial(expr->names));

	if (score.kind != CDP_VALUE_JSON)
		return unknown;
	return get_key(score.as.json, member, strlen(member));
}

/* A consent is granted by the as-of instant and has not expired at it. */
static bool
is_consented(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpValue	consent = get_fact_key(evaluation, CDP_FACT_CONSENTS,
									   expr->text);
	pg_tz	   *zone = expr->zone;
	CdpValue	member;
	TimestampTz at;

	if (consent.kind != CDP_VALUE_JSON)
		return false;
	member = get_key(consent.as.json, "state", 5);
	if (member.kind != CDP_VALUE_TEXT || member.as.text.length != 7 ||
		memcmp(member.as.text.data, "granted", 7) != 0)
		return false;
	member = get_key(consent.as.json, "at", 2);
	if (cdp_segment_as_time(&member, zone, &at) && at >= evaluation->as_of)
		return false;
	member = get_key(consent.as.json, "expires_at", 10);
	return member.kind == CDP_VALUE_NULL ||
		(cdp_segment_as_time(&member, zone, &at) && at > evaluation->as_of);
}

/*
 * A channel is suppressed until an instant, or for good: true.  What is known
 * of suppressions does not move with the as-of instant, but their end does.
 */
static bool
is_suppressed(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpValue	until = get_fact_key(evaluation, CDP_FACT_SUPPRESSED,
									 linitial(expr->names));
	TimestampTz at;

	if (until.kind == CDP_VALUE_BOOLEAN)
		return until.as.boolean;
	return cdp_segment_as_time(&until, expr->zone, &at) &&
		at > evaluation->as_of;
}

/* The number as a double; false: it is none, or not in that range. */
static bool
get_in_range(CdpEvaluation *evaluation, const CdpExpr *expr, double low,
			 double high, double *number)
{
	CdpValue	value = cdp_segment_evaluate(evaluation, expr);

	if (value.kind != CDP_VALUE_NUMBER)
		return false;
	*number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												 NumericGetDatum(cdp_segment_to_numeric(&value))));
	return *number >= low && *number <= high;
}

/* Unknown if one of the points is, or is not on the globe. */
static CdpValue
call_near(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpPoint	points[2];
	double		kilometres;

	for (int i = 0; i < lengthof(points); i++)
		if (!get_in_range(evaluation, expr->args[2 * i], -90, 90,
						  &points[i].latitude) ||
			!get_in_range(evaluation, expr->args[2 * i + 1], -180, 180,
						  &points[i].longitude))
			return unknown;
	if (!get_in_range(evaluation, expr->args[4], 0, HUGE_VAL, &kilometres))
		return unknown;
	return cdp_segment_boolean(cdp_segment_distance_km(&points[0], &points[1])
							   <= kilometres);
}

static CdpValue
call_bucket(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	const char *salt = linitial(expr->names);
	char		id[32];

	snprintf(id, sizeof(id), INT64_FORMAT, evaluation->profile->profile_id);
	return cdp_segment_integer(cdp_segment_bucket(salt, strlen(salt),
												  id, strlen(id),
												  expr->number));
}

static CdpValue
call_anniversary(CdpEvaluation *evaluation, const CdpExpr *expr,
				 const CdpValue *event)
{
	TimestampTz at;
	int			days;

	if (!cdp_segment_as_time(event, expr->zone, &at))
		return unknown;
	days = cdp_segment_days_to_anniversary(at, evaluation->as_of, expr->zone);
	return days < 0 ? unknown : cdp_segment_integer(days);
}

static CdpValue
call_lower(const CdpValue *value)
{
	CdpValue	lower = *value;

	if (value->kind != CDP_VALUE_TEXT)
		return unknown;
	lower.as.text.data = cdp_segment_lower(value->as.text.data,
										   value->as.text.length,
										   &lower.as.text.length);
	return lower;
}

static CdpValue
call_abs(const CdpValue *value)
{
	CdpValue	zero = cdp_segment_fixed(0);
	int			order;

	if (value->kind != CDP_VALUE_NUMBER)
		return unknown;
	cdp_segment_compare(value, &zero, NULL, &order);
	return order < 0 ? cdp_segment_negate(value) : *value;
}

static CdpValue
call_length(const CdpValue *value)
{
	if (value->kind == CDP_VALUE_TEXT)
		return cdp_segment_integer(cdp_segment_characters(value->as.text.data,
														  value->as.text.length));
	if (value->kind == CDP_VALUE_JSON && JsonContainerIsArray(value->as.json))
		return cdp_segment_integer(JsonContainerSize(value->as.json));
	return unknown;
}

static CdpValue
call_coalesce(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	for (int i = 0; i < expr->nargs; i++)
	{
		CdpValue	value = cdp_segment_evaluate(evaluation, expr->args[i]);

		if (value.kind != CDP_VALUE_NULL)
			return value;
	}
	return unknown;
}

/* Functions of one value. */
static CdpValue
call_with_value(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	CdpValue	value = cdp_segment_evaluate(evaluation, expr->args[0]);

	switch ((CdpFunction) expr->op)
	{
		case CDP_FUNCTION_DAYS_TO_ANNIVERSARY:
			return call_anniversary(evaluation, expr, &value);
		case CDP_FUNCTION_LOWER:
			return call_lower(&value);
		case CDP_FUNCTION_ABS:
			return call_abs(&value);
		default:				/* CDP_FUNCTION_LENGTH */
			return call_length(&value);
	}
}

/* See evaluate.h. */
CdpValue
cdp_segment_call(CdpEvaluation *evaluation, const CdpExpr *expr)
{
	switch ((CdpFunction) expr->op)
	{
		case CDP_FUNCTION_SCORE:
			return score_member(evaluation, expr, "value");
		case CDP_FUNCTION_PERCENTILE:
			return score_member(evaluation, expr, "percentile");
		case CDP_FUNCTION_CONSENT:
			return cdp_segment_boolean(is_consented(evaluation, expr));
		case CDP_FUNCTION_SUPPRESSED:
			return cdp_segment_boolean(is_suppressed(evaluation, expr));
		case CDP_FUNCTION_NEAR:
			return call_near(evaluation, expr);
		case CDP_FUNCTION_BUCKET:
			return call_bucket(evaluation, expr);
		case CDP_FUNCTION_HAS_ID:
			return cdp_segment_boolean(first_identifier(evaluation, linitial(expr->names)).kind
									   != CDP_VALUE_NULL);
		case CDP_FUNCTION_COALESCE:
			return call_coalesce(evaluation, expr);
		default:
			return call_with_value(evaluation, expr);
	}
}

/* See segment.h. */
int
cdp_segment_bucket(const char *salt, int salt_length,
				   const char *id, int id_length, int count)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	uint64		number;

	if (context == NULL || pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) salt, salt_length) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) ":", 1) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) id, id_length) < 0 ||
		pg_cryptohash_final(context, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute a SHA-256 hash");
	pg_cryptohash_free(context);
	memcpy(&number, digest, sizeof(number));
	return (int) (pg_ntoh64(number) % (uint64) count);
}
