/*
 * component_table.c
 *		cdp.components_of(links, a, b): components over two columns of a table.
 *
 * The same as cdp.components(a, b) over the table, for integer columns, but
 * read straight from it: an aggregate costs a call of a function a row, and
 * hashes every node; here ids that lie close together (within four for each
 * row that the table is thought to have) are places as they are.
 *
 * It reads as the caller: SELECT on the table or on both columns; row level
 * security is refused where it would apply.  Partitions and children are read
 * with their parent, and as there only the parent's rights count.  Nothing is
 * written; the lock is that of a SELECT.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "base/base.h"
#include "identity/component_map.h"

PG_FUNCTION_INFO_V1(cdp_components_of);

/* Ids count as close together within so many a row. */
#define DENSE_PER_ROW 4

/* A column of links. */
typedef struct LinkColumn
{
	AttrNumber	number;
	Oid			type;
} LinkColumn;

/* A table, or a parent of tables. */
static void
check_relkind(Relation relation)
{
	char		kind = relation->rd_rel->relkind;

	if (kind == RELKIND_RELATION || kind == RELKIND_MATVIEW ||
		kind == RELKIND_PARTITIONED_TABLE)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("cannot read links from relation \"%s\"",
					RelationGetRelationName(relation)),
			 errdetail_relkind_not_supported(kind),
			 errhint("The aggregate cdp.components(a, b) reads any query.")));
}

static LinkColumn
check_column(Relation relation, const char *name)
{
	Oid			relid = RelationGetRelid(relation);
	LinkColumn	column;

	column.number = get_attnum(relid, name);
	if (column.number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						name, RelationGetRelationName(relation))));
	column.type = get_atttype(relid, column.number);
	if (column.type != INT8OID && column.type != INT4OID &&
		column.type != INT2OID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of relation \"%s\" has no integer type",
						name, RelationGetRelationName(relation)),
				 errdetail("It is of type %s.", format_type_be(column.type)),
				 errhint("The aggregate cdp.components(a, b) takes texts too.")));
	if (get_attgenerated(relid, column.number) == 'v')
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" of relation \"%s\" is not stored",
						name, RelationGetRelationName(relation)),
				 errhint("The aggregate cdp.components(a, b) reads any query.")));
	return column;
}

/* The caller may read both columns, and all rows. */
static void
check_rights(Relation relation, LinkColumn a, LinkColumn b)
{
	Oid			relid = RelationGetRelid(relation);
	Oid			role = GetUserId();

	if (pg_class_aclcheck(relid, role, ACL_SELECT) != ACLCHECK_OK &&
		(pg_attribute_aclcheck(relid, a.number, role, ACL_SELECT) != ACLCHECK_OK ||
		 pg_attribute_aclcheck(relid, b.number, role, ACL_SELECT) != ACLCHECK_OK))
		aclcheck_error(ACLCHECK_NO_PRIV,
					   get_relkind_objtype(relation->rd_rel->relkind),
					   RelationGetRelationName(relation));
	if (check_enable_rls(relid, InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot read links from relation \"%s\" with row level security",
						RelationGetRelationName(relation)),
				 errhint("The aggregate cdp.components(a, b) sees the rows that you may see.")));
}

/* How many rows the tables are thought to have. */
static double
estimate_rows(List *relids)
{
	double		rows = 0;
	ListCell   *cell;

	foreach(cell, relids)
	{
		Relation	relation = table_open(lfirst_oid(cell), NoLock);

		if (relation->rd_rel->relkind == RELKIND_RELATION ||
			relation->rd_rel->relkind == RELKIND_MATVIEW)
		{
			BlockNumber pages;
			double		tuples;
			double		all_visible;

			table_relation_estimate_size(relation, NULL, &pages, &tuples,
										 &all_visible);
			rows += tuples;
		}
		table_close(relation, NoLock);
	}
	return rows;
}

static inline int64
read_column(TupleTableSlot *slot, LinkColumn column, bool *is_null)
{
	Datum		value = slot->tts_values[column.number - 1];

	*is_null = slot->tts_isnull[column.number - 1];
	if (column.type == INT8OID)
		return DatumGetInt64(value);
	if (column.type == INT4OID)
		return DatumGetInt32(value);
	return DatumGetInt16(value);
}

/* Add the links of one table. */
static void
read_links(CdpComponentMap *map, Relation relation, LinkColumn a_column,
		   LinkColumn b_column)
{
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL);
	int			last = Max(a_column.number, b_column.number);
	int64		a[CDP_COMPONENT_LINKS];
	int64		b[CDP_COMPONENT_LINKS];
	int			count = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		a_null;
		bool		b_null;

		slot_getsomeattrs(slot, last);
		a[count] = read_column(slot, a_column, &a_null);
		b[count] = read_column(slot, b_column, &b_null);
		if (a_null)
			a[count] = b[count];
		else if (b_null)
			b[count] = a[count];
		count += !(a_null && b_null);
		if (count == CDP_COMPONENT_LINKS)
		{
			CHECK_FOR_INTERRUPTS();
			cdp_component_map_links(map, a, b, count);
			count = 0;
		}
	}
	cdp_component_map_links(map, a, b, count);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

/* Add the links of one table or child of one; columns go by name. */
static void
read_member(CdpComponentMap *map, Oid relid, const char *a, const char *b)
{
	Relation	relation = table_open(relid, NoLock);

	check_relkind(relation);
	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		read_links(map, relation, check_column(relation, a),
				   check_column(relation, b));
	table_close(relation, NoLock);
}

/* cdp.components_of(links, a, b) */
Datum
cdp_components_of(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	char	   *a = NameStr(*PG_GETARG_NAME(1));
	char	   *b = NameStr(*PG_GETARG_NAME(2));
	Relation	relation = table_open(relid, AccessShareLock);
	MemoryContext context;
	CdpComponentMap *map;
	List	   *relids;
	ListCell   *cell;

	check_relkind(relation);
	check_rights(relation, check_column(relation, a), check_column(relation, b));
	table_close(relation, NoLock);
	relids = find_all_inheritors(relid, AccessShareLock, NULL);
	context = AllocSetContextCreate(CurrentMemoryContext, "component map",
									ALLOCSET_SMALL_SIZES);
	context = MemoryContextSwitchTo(context);
	map = cdp_component_map_dense(Min(DENSE_PER_ROW * estimate_rows(relids) + 1024,
									  CDP_COMPONENTS_MAX));
	MemoryContextSwitchTo(context);
	foreach(cell, relids)
		read_member(map, lfirst_oid(cell), a, b);
	cdp_component_map_finish(map);
	if (map->nnodes == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(EOHPGetRWDatum(&map->header));
}
