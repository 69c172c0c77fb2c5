/*
 * plan.c
 *		Statements over the store, prepared once per backend.
 *
 * SPI_keepplan() makes a plan outlive its transaction; the plan cache replans
 * it when a table changes, so a plan made before cdp.setup() ran again or a
 * migration added a column stays right.
 */
#include "postgres.h"

#include "base/base.h"

/* See base.h. */
void
cdp_base_prepare(CdpPlan *plan)
{
	SPIPlanPtr	prepared;

	if (plan->plan != NULL)
		return;
	prepared = SPI_prepare(plan->sql, plan->nargs, plan->argtypes);
	if (prepared == NULL)
		elog(ERROR, "could not prepare statement: %s",
			 SPI_result_code_string(SPI_result));
	if (SPI_keepplan(prepared) != 0)
		elog(ERROR, "could not keep a prepared statement");
	plan->plan = prepared;
}

/*
 * Run a saved plan; see base.h.  SPI leaves its own memory context behind;
 * the caller's is put back, so that what it allocates next lives as long as
 * what it allocated before.
 */
int
cdp_base_execute(CdpPlan *plan, Datum *values, const char *nulls,
				 bool read_only, long limit)
{
	MemoryContext context = CurrentMemoryContext;
	int			code;

	cdp_base_prepare(plan);
	code = SPI_execute_plan(plan->plan, values, nulls, read_only, limit);
	MemoryContextSwitchTo(context);
	if (code < 0)
		elog(ERROR, "could not run statement: %s",
			 SPI_result_code_string(code));
	return code;
}
