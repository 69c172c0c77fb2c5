/*
 * count_case.c
 *		One customer under a model of purchase counts, whatever its kind.
 *
 * BG/NBD and MBG/NBD are in count.c, Pareto/NBD in pareto.c; who scores need
 * not know which it is.
 */
#include <math.h>

#include "model/count_case.h"

/* Halvings that find a time to the last bit; the shortest looked for. */
#define HALVINGS 64
#define SHORTEST 1e-30

double
cdp_model_case_loglik(const CdpCountCase *item)
{
	if (item->kind == CDP_CASE_PARETO_NBD)
		return cdp_model_pareto_loglik(&item->params.pareto, &item->customer);
	return cdp_model_count_loglik((CdpCountKind) item->kind,
								  &item->params.count, &item->customer);
}

double
cdp_model_case_alive(const CdpCountCase *item)
{
	if (item->kind == CDP_CASE_PARETO_NBD)
		return cdp_model_pareto_alive(&item->params.pareto, &item->customer);
	return cdp_model_count_alive((CdpCountKind) item->kind,
								 &item->params.count, &item->customer);
}

double
cdp_model_case_active(const CdpCountCase *item)
{
	if (item->kind == CDP_CASE_PARETO_NBD)
		return cdp_model_pareto_active(&item->params.pareto, &item->customer,
									   item->horizon);
	return cdp_model_count_active((CdpCountKind) item->kind,
								  &item->params.count, &item->customer,
								  item->horizon);
}

/* See count_case.h. */
double
cdp_model_case_expected(const CdpCountCase *item)
{
	CdpCountKind kind = (CdpCountKind) item->kind;

	if (item->kind == CDP_CASE_PARETO_NBD)
		return item->rate > 0 ?
			cdp_model_pareto_discounted(&item->params.pareto, &item->customer,
										item->horizon, item->rate) :
			cdp_model_pareto_expected(&item->params.pareto, &item->customer,
									  item->horizon);
	return item->rate > 0 ?
		cdp_model_count_discounted(kind, &item->params.count, &item->customer,
								   item->horizon, item->rate, item->pause) :
		cdp_model_count_expected(kind, &item->params.count, &item->customer,
								 item->horizon);
}

/* See count_case.h: P(active) rises with the horizon; halve its logarithm. */
double
cdp_model_case_wait(const CdpCountCase *item, double probability,
					double longest)
{
	CdpCountCase moved = *item;
	double		low = longest * SHORTEST;
	double		high = longest;

	moved.horizon = high;
	if (!(cdp_model_case_active(&moved) >= probability))
		return HUGE_VAL;
	for (int i = 0; i < HALVINGS; i++)
	{
		moved.horizon = sqrt(low) * sqrt(high);
		if (cdp_model_case_active(&moved) >= probability)
			high = moved.horizon;
		else
			low = moved.horizon;
	}
	return high;
}
