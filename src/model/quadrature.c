/*
 * quadrature.c
 *		Integrate e^f for a concave f.
 *
 * The integrals of this room are positive and fall from 0 on, or rise to one
 * peak before: f, the logarithm of the integrand, is concave.  It may change by
 * thousands over the range, so the sum is kept relative to the largest e^f.
 *
 * Gauss-Legendre with 20 nodes over panels from left to right.  A panel is so
 * short that f changes by STEEPEST at most within it, and no longer than
 * WIDEST where the integrand has bends (it is to be analytic for imaginary
 * parts up to pi, which is what the substitutions y = ln(...) of the callers
 * are for); beyond the bends it is as good as exponential, and panels grow as
 * wide as they are off them.  Either bound leaves an error below 1e-15 of the
 * panel (Davis, Rabinowitz, "Methods of Numerical Integration", 1984, 4.6: it
 * falls as rho^-40, rho the size of the largest ellipse about the panel without
 * a singularity).  Of a panel that is short and flat 10 nodes say as much.
 *
 * Once f has fallen NEGLIGIBLE below its peak the rest is not worth counting.
 */
#include <math.h>

#include "model/quadrature.h"
#include "model/special.h"

#define STEEPEST 16.0
#define WIDEST 4.0
#define NEGLIGIBLE 45.0

/* Below both of these half the nodes do. */
#define GENTLE 4.0
#define NARROW 2.0
#define FEW_NODES 10

/* More panels than any integral of doubles needs. */
#define MAX_PANELS 100000

static const double few_nodes[FEW_NODES / 2] = {
	0.148874338981631210885, 0.433395394129247190799,
	0.679409568299024406234, 0.865063366688984510732,
	0.973906528517171720078
};

static const double few_weights[FEW_NODES / 2] = {
	0.295524224714752870174, 0.269266719309996355091,
	0.219086362515982043996, 0.149451349150580593146,
	0.066671344308688137594
};

/* See quadrature.h. */
const double *
cdp_model_panel_nodes(const CdpPanel *panel)
{
	return panel->nnodes == FEW_NODES ? few_nodes : cdp_model_gauss_node;
}

/* See quadrature.h. */
const double *
cdp_model_panel_weights(const CdpPanel *panel)
{
	return panel->nnodes == FEW_NODES ? few_weights : cdp_model_gauss_weight;
}

/* See quadrature.h. */
void
cdp_model_first_panel(const CdpIntegral *integral, CdpPanel *panel)
{
	panel->from = panel->to = 0;
	panel->at_to = panel->scale =
		integral->log_integrand(integral->data, 0);
	panel->shrink = 1;
	panel->width = WIDEST / 2;
}

/* See quadrature.h. */
bool
cdp_model_next_panel(const CdpIntegral *integral, CdpPanel *panel)
{
	double		at_from = panel->at_to;
	double		from = panel->to;
	double		width = fmin(2 * panel->width,
							 fmax(WIDEST, from - integral->bends));
	double		top;
	double		change;

	/* written so that what is not a number ends it too */
	if (!(from < integral->to) || !(at_from >= panel->scale - NEGLIGIBLE))
		return false;
	for (;;)
	{
		double		middle;

		width = fmin(width, integral->to - from);
		panel->at_to = integral->log_integrand(integral->data, from + width);
		middle = integral->log_integrand(integral->data, from + width / 2);
		top = fmax(middle, fmax(at_from, panel->at_to));
		change = top - fmin(at_from, panel->at_to);
		if (!(change > STEEPEST) || from + width / 2 == from ||
			top < panel->scale - NEGLIGIBLE)
			break;
		width *= fmax(STEEPEST / change, 0.05);
	}
	panel->from = from;
	panel->to = width < integral->to - from ? from + width : integral->to;
	if (panel->to <= from)
		return false;
	panel->width = width;
	panel->nnodes = change <= GENTLE && width <= NARROW ? FEW_NODES :
		CDP_GAUSS_NODES;
	panel->shrink = 1;
	if (top > panel->scale)
	{
		panel->shrink = exp(panel->scale - top);
		panel->scale = top;
	}
	return true;
}

/* Gauss-Legendre over one panel, scaled by e^-scale. */
static double
integrate_panel(const CdpIntegral *integral, const CdpPanel *panel)
{
	double		middle = (panel->from + panel->to) / 2;
	double		half = (panel->to - panel->from) / 2;
	const double *nodes = cdp_model_panel_nodes(panel);
	const double *weights = cdp_model_panel_weights(panel);
	double		sum = 0;

	for (int i = 0; i < panel->nnodes / 2; i++)
	{
		double		offset = half * nodes[i];

		sum += weights[i] *
			(exp(integral->log_integrand(integral->data, middle - offset) -
				 panel->scale) +
			 exp(integral->log_integrand(integral->data, middle + offset) -
				 panel->scale));
	}
	return half * sum;
}

/* See quadrature.h. */
double
cdp_model_log_integral(const CdpIntegral *integral)
{
	CdpPanel	panel;
	double		sum = 0;

	cdp_model_first_panel(integral, &panel);
	for (int i = 0; i < MAX_PANELS && cdp_model_next_panel(integral, &panel);
		 i++)
		sum = sum * panel.shrink + integrate_panel(integral, &panel);
	return log(sum) + panel.scale;
}
