/*
 * manage.c
 *		cdp.fit_models(): fit every model, then score every customer.
 *
 * A run of two phases, each one batch (base/run.c makes them safe and single
 * flight).  What the phases do is SQL: model.sql.  Both hold the merger's
 * lock, because a fit should see the customers of one moment.
 */
#include "postgres.h"

#include "model/model.h"

PG_FUNCTION_INFO_V1(cdp_fit_models);

static const CdpPhase fit_phases[] = {
	{"fit", "SELECT cdp._fit_step($1)", NULL, true},
	{"score", "SELECT cdp._score_rebuild($1)", NULL, true},
};

/* cdp.fit_models(wait) */
Datum
cdp_fit_models(PG_FUNCTION_ARGS)
{
	cdp_base_run(fcinfo, "fit_models", fit_phases, lengthof(fit_phases),
				 1000000, NULL, PG_GETARG_BOOL(0));
	PG_RETURN_NULL();
}
