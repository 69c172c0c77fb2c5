/*
 * find.c
 *		The profile of an identifier as somebody wrote it.
 *
 * The value goes the way of a record's: canonical form by its type, in the
 * region of the source or else of the store, and the source as its scope if
 * its values are the source's own.  Then it is two index probes by a plan made
 * once.  A session hears of changed types (base/watch.c) before it looks.
 *
 * A value that has no canonical form is nobody's: no error, for those who ask
 * type by hand.  A type that does not exist is a mistake in the query.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/identity.h"
#include "identity/rules.h"

/* What is looked for. */
typedef struct Address
{
	const CdpIdentityType *type;
	const char *scope;
	char	   *value;			/* canonical */
} Address;

PG_FUNCTION_INFO_V1(cdp__find_identifier);
PG_FUNCTION_INFO_V1(cdp__find_profile);

/* The one text that a plan finds; NULL if there is none. */
static char *
read_text(CdpPlan *plan, Datum argument)
{
	cdp_base_execute(plan, &argument, NULL, true, 1);
	if (SPI_processed == 0)
		return NULL;
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* The region that numbers of the source are from; NULL: none. */
static char *
read_region(const char *source)
{
	static CdpPlan region_plan = {
		"SELECT default_region FROM cdp.source"
		" WHERE name OPERATOR(pg_catalog.=) $1", 1, {TEXTOID}
	};
	char	   *region = NULL;

	if (source != NULL)
		region = read_text(&region_plan, CStringGetTextDatum(source));
	return region != NULL ? region : cdp_identity_default_region();
}

/* Are the user ids of that source its own? */
static bool
has_own_user_ids(const char *source)
{
	static CdpPlan own_plan = {
		"SELECT own_user_ids::text FROM cdp.source"
		" WHERE name OPERATOR(pg_catalog.=) $1", 1, {TEXTOID}
	};
	char	   *own;

	if (source == NULL)
		return false;
	own = read_text(&own_plan, CStringGetTextDatum(source));
	return own != NULL && strcmp(own, "true") == 0;
}

/* Where the value must be; false: nowhere.  Inside an SPI connection. */
static bool
make_address(Address *address, const char *type, text *value,
			 const char *source)
{
	const char *region = NULL;
	const char *reason;

	cdp_identity_hear_rules();
	cdp_identity_check_type(type);
	address->type = cdp_identity_type_by_name(type);
	if (strcmp(address->type->normaliser, "phone") == 0)
		region = read_region(source);
	if (!cdp_identity_normalise(type, VARDATA_ANY(value),
								VARSIZE_ANY_EXHDR(value), region,
								&address->value, &reason))
		return false;
	address->scope = "";
	if (source != NULL &&
		(address->type->source_scoped ||
		 (address->type->is_user_id && has_own_user_ids(source))))
		address->scope = source;
	return true;
}

/* Find an identifier and its live profile (0: none); false: not found. */
static bool
find(const char *type, text *value, const char *source,
	 int64 *identifier_id, int64 *profile_id)
{
	static CdpPlan find_plan = {
		"SELECT identifier.identifier_id, coalesce(profile.root, 0)"
		" FROM cdp.identifier"
		" LEFT JOIN cdp.profile"
		" ON profile.profile_id OPERATOR(pg_catalog.=) identifier.leaf"
		" WHERE identifier.type_id OPERATOR(pg_catalog.=) $1"
		" AND identifier.scope OPERATOR(pg_catalog.=) $2"
		" AND identifier.value OPERATOR(pg_catalog.=) $3",
		3, {INT4OID, TEXTOID, TEXTOID}
	};
	Address		address;
	bool		found = false;
	bool		isnull;

	cdp_base_check_store();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (make_address(&address, type, value, source))
	{
		cdp_base_execute(&find_plan, (Datum[]) {
			Int32GetDatum(address.type->type_id),
			CStringGetTextDatum(address.scope),
			CStringGetTextDatum(address.value)
		}, NULL, true, 1);
		found = SPI_processed > 0;
	}
	if (found)
	{
		HeapTuple	row = SPI_tuptable->vals[0];
		TupleDesc	columns = SPI_tuptable->tupdesc;

		*identifier_id = DatumGetInt64(SPI_getbinval(row, columns, 1, &isnull));
		*profile_id = DatumGetInt64(SPI_getbinval(row, columns, 2, &isnull));
	}
	SPI_finish();
	return found;
}

/* Find what the arguments (type, value, source) say; false: nothing. */
static bool
find_argument(FunctionCallInfo fcinfo, int64 *identifier_id, int64 *profile_id)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return false;
	return find(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_TEXT_PP(1),
				PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)),
				identifier_id, profile_id);
}

/* cdp._find_identifier(type, value, source) */
Datum
cdp__find_identifier(PG_FUNCTION_ARGS)
{
	int64		identifier_id;
	int64		profile_id;

	if (!find_argument(fcinfo, &identifier_id, &profile_id))
		PG_RETURN_NULL();
	PG_RETURN_INT64(identifier_id);
}

/* cdp._find_profile(type, value, source) */
Datum
cdp__find_profile(PG_FUNCTION_ARGS)
{
	int64		identifier_id;
	int64		profile_id;

	if (!find_argument(fcinfo, &identifier_id, &profile_id) || profile_id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(profile_id);
}
