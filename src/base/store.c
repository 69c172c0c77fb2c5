/*
 * store.c
 *		Does the store exist, is it of our version, whose is it, and what time
 *		is it.
 *
 * Whether there is one is looked up in the catalog cache at each call: it may
 * have been dropped.  The version check runs once per backend: a store changes
 * its version only through cdp.migrate().  Only the good answer is remembered:
 * a session that saw another version looks again at its next call.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/base.h"

static char *test_clock_text = NULL;	/* cdp.test_clock as written */
static TimestampTz test_clock = 0;	/* the same as a time, once parsed */
static bool test_clock_parsed = false;
static char *default_source = NULL; /* cdp.source, read by SQL only */
static bool store_checked = false;

int			cdp_base_components_memory = 4 * 1024 * 1024;

PG_FUNCTION_INFO_V1(cdp_clock);
PG_FUNCTION_INFO_V1(cdp__check_store);
PG_FUNCTION_INFO_V1(cdp__check_store_owner);
PG_FUNCTION_INFO_V1(cdp__store_is_current);

/* Read the version of the store and that of the extension. */
static void
read_versions(char **store_version, char **extension_version)
{
	static CdpPlan version_plan = {
		"SELECT store.version, extension.extversion"
		" FROM cdp.store, pg_catalog.pg_extension AS extension"
		" WHERE extension.extname OPERATOR(pg_catalog.=) 'cdp'", 0
	};

	cdp_base_execute(&version_plan, NULL, NULL, true, 1);
	if (SPI_processed == 0)
		elog(ERROR, "cdp.store has no row");
	*store_version = SPI_getvalue(SPI_tuptable->vals[0],
								  SPI_tuptable->tupdesc, 1);
	*extension_version = SPI_getvalue(SPI_tuptable->vals[0],
									  SPI_tuptable->tupdesc, 2);
}

/* Raise unless there is a store, of whatever version. */
void
cdp_base_check_store_exists(void)
{
	Oid			namespace_oid = get_namespace_oid("cdp", true);

	if (OidIsValid(namespace_oid) &&
		OidIsValid(get_relname_relid("store", namespace_oid)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("there is no store in this database"),
			 errhint("Run SELECT cdp.setup().")));
}

/*
 * Is the store of this extension's version?  If not, raise when asked to.
 */
static bool
compare_versions(bool raise)
{
	char	   *store_version;
	char	   *extension_version;

	cdp_base_check_store_exists();
	if (store_checked)
		return true;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	read_versions(&store_version, &extension_version);
	store_checked = strcmp(store_version, extension_version) == 0;
	if (!store_checked && raise)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("store version %s does not match extension version %s",
						store_version, extension_version),
				 errhint("Run CALL cdp.migrate().")));
	SPI_finish();
	return store_checked;
}

/* Raise unless there is a store of this extension's version. */
void
cdp_base_check_store(void)
{
	(void) compare_versions(true);
}

/* cdp._check_store(): the same for functions written in SQL. */
Datum
cdp__check_store(PG_FUNCTION_ARGS)
{
	cdp_base_check_store();
	PG_RETURN_VOID();
}

/* The role that owns the store, which there is. */
static Oid
store_owner(void)
{
	Oid			store = get_relname_relid("store", get_namespace_oid("cdp", false));
	HeapTuple	row = SearchSysCache1(RELOID, ObjectIdGetDatum(store));
	Oid			owner;

	if (!HeapTupleIsValid(row))
		elog(ERROR, "cache lookup failed for relation %u", store);
	owner = ((Form_pg_class) GETSTRUCT(row))->relowner;
	ReleaseSysCache(row);
	return owner;
}

/* Raise unless the current user is a member of the role that owns the store. */
void
cdp_base_check_store_owner(const char *task)
{
	Oid			owner;

	cdp_base_check_store_exists();
	owner = store_owner();
	if (has_privs_of_role(GetUserId(), owner))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to %s", task),
			 errdetail("Only members of role \"%s\", which owns the store, may do that.",
					   GetUserNameFromId(owner, false))));
}

/* cdp._check_store_owner(task): the same for functions written in SQL. */
Datum
cdp__check_store_owner(PG_FUNCTION_ARGS)
{
	cdp_base_check_store_owner(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_VOID();
}

/* cdp._store_is_current(): what needs no migration first. */
Datum
cdp__store_is_current(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_versions(false));
}

/*
 * The statement's time, unless a superuser set cdp.test_clock.  A procedure
 * is one statement of many transactions, each of which starts later than it.
 */
TimestampTz
cdp_base_clock(void)
{
	if (test_clock_text == NULL || *test_clock_text == '\0')
		return Max(GetCurrentStatementStartTimestamp(),
				   GetCurrentTransactionStartTimestamp());
	if (!test_clock_parsed)
	{
		test_clock = DatumGetTimestampTz(
			DirectFunctionCall3(timestamptz_in, CStringGetDatum(test_clock_text),
								ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
		test_clock_parsed = true;
	}
	return test_clock;
}

/* cdp.clock(): the instant that "now" means. */
Datum
cdp_clock(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(cdp_base_clock());
}

/* A new setting is parsed when the clock is next read. */
static void
assign_test_clock(const char *newval, void *extra)
{
	test_clock_parsed = false;
}

void
cdp_base_init(void)
{
	DefineCustomStringVariable("cdp.test_clock",
							   "The time that cdp takes for now, for tests.",
							   "A timestamp with time zone; empty: the real time.",
							   &test_clock_text,
							   "",
							   PGC_SUSET,
							   0,
							   NULL, assign_test_clock, NULL);
	DefineCustomStringVariable("cdp.source",
							   "The source of rows that COPY puts into cdp.inbox.",
							   NULL,
							   &default_source,
							   "",
							   PGC_USERSET,
							   0,
							   NULL, NULL, NULL);
	DefineCustomIntVariable("cdp.components_memory",
							"The most memory that a graph of identifiers or links may take.",
							"Past it the command ends with an error.",
							&cdp_base_components_memory,
							4 * 1024 * 1024, 64, MAX_KILOBYTES,
							PGC_USERSET,
							GUC_UNIT_KB,
							NULL, NULL, NULL);
	MarkGUCPrefixReserved("cdp");
}
