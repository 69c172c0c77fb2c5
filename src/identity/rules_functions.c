/*
 * rules_functions.c
 *		The rules from SQL: normalise one value, judge "blocked" again.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/identity.h"
#include "identity/stitch.h"

PG_FUNCTION_INFO_V1(cdp__canonical_value);
PG_FUNCTION_INFO_V1(cdp__reflag);

/* See rules.h. */
void
cdp_identity_check_type(const char *type)
{
	if (!cdp_identity_is_type(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("unknown identifier type \"%s\"", type),
				 errhint("See cdp.identifier_type; cdp.add_identifier_type() adds one.")));
}

/* See rules.h. */
char *
cdp_identity_default_region(void)
{
	static CdpPlan region_plan = {
		"SELECT value FROM cdp.setting WHERE name = 'default_region'", 0
	};
	MemoryContext context = CurrentMemoryContext;
	char	   *region = NULL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	cdp_base_execute(&region_plan, NULL, NULL, true, 1);
	if (SPI_processed > 0)
		region = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (region != NULL)
		region = MemoryContextStrdup(context, region);
	SPI_finish();
	return region;
}

/* cdp._canonical_value(type, value, region) */
Datum
cdp__canonical_value(PG_FUNCTION_ARGS)
{
	char	   *type;
	text	   *value;
	char	   *region;
	char	   *canonical;
	const char *reason;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	type = text_to_cstring(PG_GETARG_TEXT_PP(0));
	value = PG_GETARG_TEXT_PP(1);
	cdp_identity_check_type(type);
	region = PG_ARGISNULL(2) ? cdp_identity_default_region() :
		text_to_cstring(PG_GETARG_TEXT_PP(2));
	if (!cdp_identity_normalise(type, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
								region, &canonical, &reason))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(canonical));
}

/* cdp._reflag(identifier_ids) */
Datum
cdp__reflag(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext old;
	CdpIdList	ids = {0};
	CdpIdList	changed = {0};
	Datum		result;

	cdp_base_check_store();
	if (!PG_ARGISNULL(0))
		ids.ids = cdp_identity_get_int8s(PG_GETARG_ARRAYTYPE_P(0), &ids.count);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	(void) cdp_identity_refresh_rules();
	cdp_identity_reflag(PG_ARGISNULL(0) ? NULL : &ids, &changed);
	cdp_identity_list_sort(&changed);
	old = MemoryContextSwitchTo(context);
	result = cdp_identity_list_array(&changed);
	MemoryContextSwitchTo(old);
	SPI_finish();
	return result;
}
