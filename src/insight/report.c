/*
 * report.c
 *		Which report of an event counts.
 */
#include "postgres.h"

#include "insight/report.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* By kind and key; those without a key behind. */
static int
compare_keys(const CdpInsightReport *one, const CdpInsightReport *other)
{
	int			order = COMPARE(one->name, other->name);

	if (order == 0)
		order = COMPARE(one->key == NULL, other->key == NULL);
	if (order != 0 || one->key == NULL)
		return order;
	order = COMPARE(one->key_length, other->key_length);
	return order != 0 ? order :
		memcmp(one->key, other->key, one->key_length);
}

/* See report.h. */
int
cdp_insight_compare_reports(const void *a, const void *b)
{
	const CdpInsightReport *one = a;
	const CdpInsightReport *other = b;
	int			order = compare_keys(one, other);

	if (order == 0)
		order = COMPARE(one->is_poor, other->is_poor);
	if (order == 0)
		order = COMPARE(other->priority, one->priority);
	if (order == 0)
		order = COMPARE(one->at, other->at);
	if (order == 0)
		order = COMPARE(one->source_id, other->source_id);
	if (order == 0)
		order = COMPARE(other->has_amount, one->has_amount);
	if (order == 0)
		order = COMPARE(one->amount, other->amount);
	return order != 0 ? order : COMPARE(one->place, other->place);
}

/* See report.h. */
bool
cdp_insight_same_event(const CdpInsightReport *one,
					   const CdpInsightReport *other)
{
	return one->key != NULL && compare_keys(one, other) == 0;
}
