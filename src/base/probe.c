/*
 * probe.c
 *		Rows of a store's table by an index, one key after the other.
 *
 * The hottest reads are lookups by a unique index, of many keys when records
 * come in, of one when a profile is asked for.  As a join with unnest() each
 * costs two to three times its descent of the tree, for arrays, tuplestores and
 * the executor's nodes; so they are done here directly, as an index scan that
 * is started again for each key.  Read-only: whatever is written goes through
 * SPI.
 *
 * A statement checks rights, locks its tables, takes a snapshot and sees what
 * the transaction wrote before; so does this: SELECT on the table is checked
 * and ACCESS SHARE locks are taken when a probe is opened and kept until the
 * transaction ends, and begin_reading() counts the command up and pushes a
 * snapshot.  Policies are not applied: where one would be, opening is an error.
 * The oids and operators of an index are looked up once (base/watch.c).  An
 * error between open and close is put right by the end of the
 * (sub)transaction.
 *
 * Cost: about a microsecond and a half a key with the pages in memory.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "base/base.h"

#define MAX_KEYS 4
#define MAX_KEPT 16

/* What every probe of an index needs. */
typedef struct ProbePath
{
	const char *name;			/* of the index, a constant */
	int			nkeys;
	Oid			table;
	Oid			index;
	ScanKeyData keys[MAX_KEYS]; /* without values */
} ProbePath;

struct CdpProbe
{
	Relation	table;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	ScanDirection direction;
	int			nkeys;
	ScanKeyData keys[MAX_KEYS];
};

/* See base.h. */
void
cdp_base_begin_reading(void)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
}

void
cdp_base_end_reading(void)
{
	PopActiveSnapshot();
}

/* The oid of a relation of the store. */
static Oid
find_relation(const char *name)
{
	Oid			relation;

	relation = get_relname_relid(name, get_namespace_oid("cdp", false));
	if (!OidIsValid(relation))
		elog(ERROR, "there is no relation cdp.%s", name);
	return relation;
}

/* The condition "column of the index = value", with the value yet to come. */
static void
init_key(ScanKey key, Relation index, int column)
{
	Oid			family = index->rd_opfamily[column];
	Oid			type = index->rd_opcintype[column];
	Oid			operator = get_opfamily_member(family, type, type,
											   BTEqualStrategyNumber);

	if (!OidIsValid(operator))
		elog(ERROR, "index \"%s\" cannot be probed",
			 RelationGetRelationName(index));
	ScanKeyEntryInitialize(key, 0, column + 1, BTEqualStrategyNumber,
						   InvalidOid, index->rd_indcollation[column],
						   get_opcode(operator), (Datum) 0);
}

/* Look up what a probe of the index needs. */
static void
find_path(ProbePath *path, const char *table, const char *index, int nkeys)
{
	Relation	opened;
	MemoryContext old;

	path->table = find_relation(table);
	path->index = find_relation(index);
	opened = index_open(path->index, AccessShareLock);
	old = MemoryContextSwitchTo(TopMemoryContext);
	for (int i = 0; i < nkeys; i++)
		init_key(&path->keys[i], opened, i);
	MemoryContextSwitchTo(old);
	index_close(opened, NoLock);
	path->name = index;
	path->nkeys = nkeys;
}

/* The same, kept for as long as nothing is heard to have changed. */
static const ProbePath *
get_path(const char *table, const char *index, int nkeys)
{
	static ProbePath kept[MAX_KEPT];
	static int	nkept = 0;
	static uint64 heard = 0;
	uint64		watched = cdp_base_watched();
	ProbePath  *path;

	if (watched == 0 || watched != heard)
		nkept = 0;
	heard = watched;
	for (int i = 0; i < nkept; i++)
		if (kept[i].nkeys == nkeys && strcmp(kept[i].name, index) == 0)
			return &kept[i];
	path = &kept[nkept < MAX_KEPT ? nkept : 0];
	find_path(path, table, index, nkeys);
	nkept = Min(nkept + 1, MAX_KEPT);
	return path;
}

/* See base.h. */
void
cdp_base_check_reading(Oid relation, const char *table)
{
	AclResult	allowed = pg_class_aclcheck(relation, GetUserId(), ACL_SELECT);

	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_TABLE, table);
	if (check_enable_rls(relation, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("row security of table \"%s\" must not hold for the owner of the store",
						table)));
}

/* See base.h. */
CdpProbe *
cdp_base_probe_open(const char *table, const char *index, int nkeys)
{
	CdpProbe   *probe = palloc(sizeof(CdpProbe));
	const ProbePath *path = get_path(table, index, nkeys);

	cdp_base_check_reading(path->table, table);
	probe->table = table_open(path->table, AccessShareLock);
	/* Waiting for the lock, we may have heard of another index. */
	path = get_path(table, index, nkeys);
	probe->nkeys = nkeys;
	memcpy(probe->keys, path->keys, sizeof(ScanKeyData) * nkeys);
	probe->index = index_open(path->index, AccessShareLock);
	probe->scan = index_beginscan(probe->table, probe->index,
								  GetActiveSnapshot(), nkeys, 0);
	probe->slot = table_slot_create(probe->table, NULL);
	return probe;
}

void
cdp_base_probe_close(CdpProbe *probe)
{
	ExecDropSingleTupleTableSlot(probe->slot);
	index_endscan(probe->scan);
	index_close(probe->index, NoLock);
	table_close(probe->table, NoLock);
	pfree(probe);
}

int
cdp_base_probe_column(CdpProbe *probe, const char *name)
{
	AttrNumber	column = get_attnum(RelationGetRelid(probe->table), name);

	if (column == InvalidAttrNumber)
		elog(ERROR, "table \"%s\" has no column \"%s\"",
			 RelationGetRelationName(probe->table), name);
	return column;
}

static bool
find_row(CdpProbe *probe, const Datum *keys, ScanDirection direction)
{
	for (int i = 0; i < probe->nkeys; i++)
		probe->keys[i].sk_argument = keys[i];
	index_rescan(probe->scan, probe->keys, probe->nkeys, NULL, 0);
	probe->direction = direction;
	return cdp_base_probe_next(probe);
}

bool
cdp_base_probe_find(CdpProbe *probe, const Datum *keys)
{
	return find_row(probe, keys, ForwardScanDirection);
}

bool
cdp_base_probe_find_last(CdpProbe *probe, const Datum *keys)
{
	return find_row(probe, keys, BackwardScanDirection);
}

bool
cdp_base_probe_next(CdpProbe *probe)
{
	CHECK_FOR_INTERRUPTS();
	return index_getnext_slot(probe->scan, probe->direction, probe->slot);
}

Datum
cdp_base_probe_value(CdpProbe *probe, int column)
{
	bool		isnull;
	Datum		value = slot_getattr(probe->slot, column, &isnull);

	return isnull ? (Datum) 0 : value;
}

TupleTableSlot *
cdp_base_probe_row(CdpProbe *probe)
{
	return probe->slot;
}
