/*
 * quadrature.h
 *		Integrate e^f for a concave f.  Pure; see quadrature.c.
 */
#ifndef CDP_MODEL_QUADRATURE_H
#define CDP_MODEL_QUADRATURE_H

#include <stdbool.h>

/* f at y; -HUGE_VAL where the integrand vanishes. */
typedef double (*CdpLogIntegrand) (const void *data, double y);

/* An integral from 0 to "to", finite, of what falls or has its peak near 0. */
typedef struct CdpIntegral
{
	CdpLogIntegrand log_integrand;
	const void *data;
	double		to;
	double		bends;			/* beyond this e^f is like e^(-cy) */
} CdpIntegral;

/* A walk over its panels, left to right. */
typedef struct CdpPanel
{
	double		from;			/* this panel */
	double		to;
	double		scale;			/* near the largest f so far */
	double		shrink;			/* e^(last panel's scale - this one's) */
	double		at_to;			/* f there */
	double		width;			/* a fitting width for the next */
	int			nnodes;			/* how many nodes this one needs */
} CdpPanel;

extern void cdp_model_first_panel(const CdpIntegral *integral,
								  CdpPanel *panel);

/* Nodes on [-1, 1] and weights for a panel: half, the rest mirrored. */
extern const double *cdp_model_panel_nodes(const CdpPanel *panel);
extern const double *cdp_model_panel_weights(const CdpPanel *panel);

/* Step to the next panel; false at the end, or when nothing is left. */
extern bool cdp_model_next_panel(const CdpIntegral *integral,
								 CdpPanel *panel);

/* ln of the integral; -HUGE_VAL if it is 0. */
extern double cdp_model_log_integral(const CdpIntegral *integral);

#endif							/* CDP_MODEL_QUADRATURE_H */
