/*
 * cdp.c
 *		The roof: what the whole extension does with all of its rooms.
 *
 * A merge run and a rebuild are lists of phases, each a function of one room;
 * base/run.c runs them in committed batches.
 */
#include "postgres.h"

#include "utils/array.h"

#include "base/base.h"
#include "consent/consent.h"
#include "ingest/ingest.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(cdp_merge);
PG_FUNCTION_INFO_V1(cdp_rebuild);
PG_FUNCTION_INFO_V1(cdp_fit_models);
PG_FUNCTION_INFO_V1(cdp_migrate);
PG_FUNCTION_INFO_V1(cdp_replay_erasures);

#define TODO_SIZE(phase) "SELECT cdp._todo_size('" phase "')"

static const CdpPhase merge_phases[] = {
	{"ingest", "SELECT cdp._ingest_step($1)", "SELECT cdp._ingest_backlog()", false,
	cdp_ingest_forgives},
	{"retain", "SELECT cdp._retain_step($1)", NULL, true, NULL},
	{"stitch", "SELECT cdp._stitch_step($1)", "SELECT cdp._stitch_backlog()", true, NULL},
	{"timeline", "SELECT cdp._timeline_step($1)",
	TODO_SIZE("timeline") " + cdp._todo_size('rebuild_timeline')"
	" + cdp._todo_size('rescan_timeline')", true, NULL},
	{"profile", "SELECT cdp._profile_step($1)", "SELECT cdp._fold_todo('profile')", true, NULL},
	{"score", "SELECT cdp._score_step($1)", "SELECT cdp._fold_todo('score')", true, NULL},
	{"propensity", "SELECT cdp._propensity_step($1)", NULL, true, NULL},
	{"segment", "SELECT cdp._segment_step($1)", NULL, true, NULL},
	{"insight", "SELECT cdp._insight_step($1)", NULL, true, NULL},
	{"crm", "SELECT cdp._crm_step($1)", "SELECT cdp._crm_backlog()", true, NULL},
};

static const CdpPhase rebuild_phases[] = {
	{"stitch", "SELECT cdp._stitch_rebuild($1)", NULL, true, NULL},
	{"timeline", "SELECT cdp._timeline_rebuild($1)", NULL, true, NULL},
	{"profile", "SELECT cdp._profile_rebuild($1)", NULL, true, NULL},
	{"score", "SELECT cdp._score_rebuild($1)", NULL, true, NULL},
	{"propensity", "SELECT cdp._propensity_rebuild($1)", NULL, true, NULL},
	{"segment", "SELECT cdp._segment_rebuild($1)", NULL, true, NULL},
	{"insight", "SELECT 0 * cdp.refresh_insights()", NULL, true, NULL},
	{"crm", "SELECT cdp._crm_rebuild($1)", NULL, true, NULL},
};

/* All hold the merger's lock: a fit sees the customers of one moment. */
static const CdpPhase fit_phases[] = {
	{"fit", "SELECT cdp._fit_step($1)", NULL, true, NULL},
	{"learn", "SELECT cdp._learn_step($1)", NULL, true, NULL},
	{"score", "SELECT 0 * cdp.refresh_scores()", NULL, true, NULL},
	{"propensity", "SELECT cdp._propensity_rebuild($1)", NULL, true, NULL},
};

static const CdpPhase replay_phases[] = {
	{"erase", "SELECT cdp._replay_step($1)", NULL, true, NULL},
};

static const CdpPhase migrate_phases[] = {
	{"migrate", "SELECT cdp._migrate_step($1)", NULL, true, NULL},
};

void		_PG_init(void);

void
_PG_init(void)
{
	cdp_base_init();
	cdp_consent_init();
}

/* Raise unless the secret key is the store's own. */
static void
check_key(void)
{
	static CdpPlan plan = {"SELECT cdp._hash_key()", 0};

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	cdp_base_execute(&plan, NULL, NULL, true, 1);
	SPI_finish();
}

/* What a run writes is the store owner's. */
static void
check_caller(const char *task)
{
	cdp_base_check_store();
	cdp_base_check_store_owner(task);
}

/* cdp.merge(batch, phases, wait): do all pending work. */
Datum
cdp_merge(PG_FUNCTION_ARGS)
{
	check_caller("call cdp.merge()");
	check_key();
	cdp_base_run(fcinfo, "merge", merge_phases, lengthof(merge_phases),
				 PG_GETARG_INT32(0),
				 PG_ARGISNULL(1) ? NULL : PG_GETARG_ARRAYTYPE_P(1),
				 PG_GETARG_BOOL(2));
	PG_RETURN_NULL();
}

/* cdp.rebuild(wait): make everything derived anew. */
Datum
cdp_rebuild(PG_FUNCTION_ARGS)
{
	check_caller("call cdp.rebuild()");
	cdp_base_run(fcinfo, "rebuild", rebuild_phases, lengthof(rebuild_phases),
				 1000000, NULL, PG_GETARG_BOOL(0));
	PG_RETURN_NULL();
}

/* cdp.fit_models(wait): fit every model, then score everybody. */
Datum
cdp_fit_models(PG_FUNCTION_ARGS)
{
	check_caller("call cdp.fit_models()");
	cdp_base_run(fcinfo, "fit_models", fit_phases, lengthof(fit_phases),
				 1000000, NULL, PG_GETARG_BOOL(0));
	PG_RETURN_NULL();
}

/* cdp.replay_erasures(wait): erase again whoever has a tombstone. */
Datum
cdp_replay_erasures(PG_FUNCTION_ARGS)
{
	check_caller("call cdp.replay_erasures()");
	cdp_base_run(fcinfo, "replay_erasures", replay_phases,
				 lengthof(replay_phases), 100, NULL, PG_GETARG_BOOL(0));
	PG_RETURN_NULL();
}

/* cdp.migrate(): bring the store to the extension's version. */
Datum
cdp_migrate(PG_FUNCTION_ARGS)
{
	cdp_base_check_store_owner("call cdp.migrate()");
	cdp_base_run(fcinfo, "migrate", migrate_phases, lengthof(migrate_phases),
				 1, NULL, true);
	PG_RETURN_NULL();
}
