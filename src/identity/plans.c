/*
 * plans.c
 *		Plans that stay right while tables grow, and numbers from sequences.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/base.h"
#include "identity/plans.h"

static void
set_locally(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* See plans.h. */
int
cdp_identity_begin_probing(void)
{
	int			nest_level = NewGUCNestLevel();

	set_locally("enable_seqscan", "off");
	set_locally("enable_hashjoin", "off");
	set_locally("enable_mergejoin", "off");
	set_locally("join_collapse_limit", "1");
	set_locally("jit", "off");
	set_locally("plan_cache_mode", "force_generic_plan");
	return nest_level;
}

void
cdp_identity_end_probing(int nest_level)
{
	AtEOXact_GUC(true, nest_level);
}

void
cdp_identity_add_todo(const char *phase, const CdpIdList *ids)
{
	static CdpPlan add_plan = {
		"SELECT cdp._add_todo($1, $2)", 2, {TEXTOID, INT8ARRAYOID}
	};

	if (ids->count > 0)
		cdp_base_execute(&add_plan, (Datum[]) {
			CStringGetTextDatum(phase), cdp_identity_list_array(ids)
		}, NULL, false, 0);
}

int64
cdp_identity_next_number(const char *sequence)
{
	Oid			relation;

	relation = get_relname_relid(sequence, get_namespace_oid("cdp", false));
	if (!OidIsValid(relation))
		elog(ERROR, "there is no sequence cdp.%s", sequence);
	return nextval_internal(relation, true);
}
