/*
 * clv_model.h
 *		Type cdp.clv_model in C: a fitted model as a value.  See clv_model.c.
 */
#ifndef CDP_MODEL_CLV_MODEL_H
#define CDP_MODEL_CLV_MODEL_H

#include "fmgr.h"
#include "utils/timestamp.h"

#include "model/fit_core.h"
#include "model/spend.h"

/* Written to disk: append only. */
typedef enum CdpModelKind
{
	CDP_MODEL_BGNBD,
	CDP_MODEL_MBGNBD,
	CDP_MODEL_GAMMA_GAMMA,
	CDP_MODEL_PARETO_NBD,
	CDP_MODEL_SBG,
	CDP_MODEL_LOGISTIC,
	CDP_MODEL_KINDS
} CdpModelKind;

/* What is known of a model beyond its parameters. */
#define CDP_MODEL_HAS_PARAMS		0x01
#define CDP_MODEL_HAS_COVARIANCE	0x02
#define CDP_MODEL_HAS_LOGLIK		0x04
#define CDP_MODEL_HAS_N				0x08
#define CDP_MODEL_FLAGS				0x0f

/* 7 days. */
#define CDP_DEFAULT_UNIT_US (7 * USECS_PER_DAY)

typedef struct CdpClvModel
{
	int32		vl_len_;		/* varlena header, always 4 bytes in memory */
	uint8		version;		/* 0 */
	uint8		kind;			/* CdpModelKind */
	uint8		status;			/* CdpFitStatus */
	uint8		flags;			/* CDP_MODEL_HAS_... */
	uint8		nparams;		/* of the kind, present or not; logistic: if
								 * present, 1 more than it has features */
	uint8		held;			/* bit i: optimiser's parameter i not identified */
	uint16		spare;			/* 0 */
	int32		iterations;
	int64		unit_us;		/* the unit of time of its parameters */
	double		n;				/* customers, by weight */
	double		skipped;		/* customers that could not be used */
	double		loglik;
	double		values[FLEXIBLE_ARRAY_MEMBER];	/* parameters, then the lower
												 * triangle of their covariance */
} CdpClvModel;

StaticAssertDecl(offsetof(CdpClvModel, values) == 48,
				 "the layout of cdp.clv_model is on disk");

#define DatumGetClvModel(datum) ((CdpClvModel *) PG_DETOAST_DATUM(datum))
#define PG_GETARG_CLV_MODEL(n) DatumGetClvModel(PG_GETARG_DATUM(n))

/* How many doubles follow the header. */
static inline int
cdp_model_nvalues(int nparams)
{
	return nparams + nparams * (nparams + 1) / 2;
}

static inline bool
cdp_model_is_count(const CdpClvModel *model)
{
	return model->kind == CDP_MODEL_BGNBD ||
		model->kind == CDP_MODEL_MBGNBD ||
		model->kind == CDP_MODEL_PARETO_NBD;
}

extern const char *cdp_model_kind_name(CdpModelKind kind);

/* Zeroed but for kind, status and unit; of kind logistic with nparams. */
extern CdpClvModel *cdp_model_make(CdpModelKind kind, CdpFitStatus status);
extern CdpClvModel *cdp_model_make_logistic(CdpFitStatus status, int nparams);

/* The covariance as a square; false if not known.  Not of kind logistic. */
extern bool cdp_model_covariance(const CdpClvModel *model, CdpMatrix out);

/* Length of an interval as extract(epoch) has it; false on overflow. */
extern bool cdp_model_interval_us(const Interval *interval, int64 *us);

#endif							/* CDP_MODEL_CLV_MODEL_H */
