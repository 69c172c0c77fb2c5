/*
 * find.c
 *		The profile of an identifier as somebody wrote it.
 *
 * The value goes the way of a record's: canonical form by its type, in the
 * region of the source or else of the store, and the source as its scope if
 * its values are the source's own.  Then it is two index probes.  A session hears of changed types (base/watch.c) before it looks.
 *
 * A value that has no canonical form is nobody's: no error, for those who ask
 * type by hand.  A type that does not exist is a mistake in the query.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

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

/* A column of the source; NULL: it has none, or there is no such source. */
static char *
read_source(CdpPlan *plan, const char *source)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *value = NULL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	cdp_base_execute(plan, (Datum[]) {CStringGetTextDatum(source)}, NULL, true, 1);
	if (SPI_processed > 0)
		value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (value != NULL)
		value = MemoryContextStrdup(context, value);
	SPI_finish();
	return value;
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
		region = read_source(&region_plan, source);
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
	char	   *own = read_source(&own_plan, source);

	return own != NULL && strcmp(own, "true") == 0;
}

/* Where the value must be; false: nowhere. */
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

/* The identifier at the address; false: there is none. */
static bool
probe_identifier(const Address *address, int64 *identifier_id, int64 *leaf)
{
	CdpProbe   *probe = cdp_base_probe_open("identifier", "identifier_key_idx", 3);
	bool		found;

	found = cdp_base_probe_find(probe, (Datum[]) {
		Int32GetDatum(address->type->type_id),
		CStringGetTextDatum(address->scope),
		CStringGetTextDatum(address->value)
	});
	if (found)
	{
		*identifier_id = DatumGetInt64(cdp_base_probe_value(probe,
			cdp_base_probe_column(probe, "identifier_id")));
		*leaf = DatumGetInt64(cdp_base_probe_value(probe,
			cdp_base_probe_column(probe, "leaf")));
	}
	cdp_base_probe_close(probe);
	return found;
}

/* The live profile that a leaf belongs to; 0: none. */
static int64
probe_root(int64 leaf)
{
	CdpProbe   *probe;
	int64		root = 0;

	if (leaf == 0)
		return 0;
	probe = cdp_base_probe_open("profile", "profile_pkey", 1);
	if (cdp_base_probe_find(probe, (Datum[]) {Int64GetDatum(leaf)}))
		root = DatumGetInt64(cdp_base_probe_value(probe,
			cdp_base_probe_column(probe, "root")));
	cdp_base_probe_close(probe);
	return root;
}

/* Find an identifier and its leaf (0: none); false: not found. */
static bool
find(const char *type, text *value, const char *source,
	 int64 *identifier_id, int64 *leaf)
{
	Address		address;

	cdp_base_check_store();
	return make_address(&address, type, value, source) &&
		probe_identifier(&address, identifier_id, leaf);
}

/* See identity.h. */
int64
cdp_identity_find_profile(const char *type, text *value, const char *source)
{
	int64		identifier_id;
	int64		leaf;

	if (!find(type, value, source, &identifier_id, &leaf))
		return 0;
	return probe_root(leaf);
}

/* cdp._find_identifier(type, value, source) */
Datum
cdp__find_identifier(PG_FUNCTION_ARGS)
{
	int64		identifier_id;
	int64		leaf;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) ||
		!find(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_TEXT_PP(1),
			  PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)),
			  &identifier_id, &leaf))
		PG_RETURN_NULL();
	PG_RETURN_INT64(identifier_id);
}

/* cdp._find_profile(type, value, source) */
Datum
cdp__find_profile(PG_FUNCTION_ARGS)
{
	int64		profile_id = 0;

	if (!PG_ARGISNULL(0) && !PG_ARGISNULL(1))
		profile_id = cdp_identity_find_profile(
			text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_TEXT_PP(1),
			PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)));
	if (profile_id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(profile_id);
}
