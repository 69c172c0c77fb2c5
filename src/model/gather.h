/*
 * gather.h
 *		The state of aggregates that need all rows: few columns, like rows
 *		once.  See gather.c.
 */
#ifndef CDP_MODEL_GATHER_H
#define CDP_MODEL_GATHER_H

#include "fmgr.h"

/* Rows of doubles, the last of which is a weight. */
typedef struct CdpGather
{
	int			width;			/* columns of a row */
	int64		unit_us;		/* 0: not told; see cdp_model_gather_unit */
	double		setting;		/* what all rows must agree on */
	bool		has_setting;	/* it is known */
	double		n;				/* rows, by weight */
	double		skipped;		/* rows that say nothing usable */
	Size		nrows;
	Size		capacity;
	double	   *rows;
} CdpGather;

/* The state of a transition function; NULL if it may stay so. */
extern CdpGather *cdp_model_gather_state(FunctionCallInfo fcinfo, int width,
										 bool make);
extern Datum cdp_model_gather_return(FunctionCallInfo fcinfo,
									 CdpGather *state);

/* Is any argument after the state NULL? */
extern bool cdp_model_any_null(FunctionCallInfo fcinfo);

/* Append a row. */
extern void cdp_model_gather_add(CdpGather *state, const double *row);

/* Sort the rows, and make one of those that differ in weight only. */
extern void cdp_model_gather_merge(CdpGather *state);

/* All summaries must be in one unit, all rows have the same setting. */
extern void cdp_model_gather_unit(CdpGather *state, int64 unit_us);
extern void cdp_model_gather_setting(CdpGather *state, double setting);

#endif							/* CDP_MODEL_GATHER_H */
