/*
 * component_table.c
 *		cdp.components_of(links, a, b): components over two columns of a table.
 *
 * The same as cdp.components(a, b) over the table, for integer columns, but
 * read straight from it: an aggregate costs a call of a function a row, and
 * hashes nodes until it knows that they lie close together; here ids within
 * four for each row that the table is thought to have are places from the
 * first one on.
 *
 * It reads as the caller: SELECT on the table or on both columns; row level
 * security is refused where it would apply.  Partitions and children are read
 * with their parent, and as there only the parent's rights count.  Nothing is
 * written; the lock is that of a SELECT.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
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

/*
 * The rows of a page lie from its end to its start, against the direction in
 * which the processor fetches by itself: so many bytes before its turn.
 */
#define FETCH_AHEAD 512

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

/* Links of a table that are on their way into a map. */
typedef struct LinkBatch
{
	CdpComponentMap *map;
	LinkColumn	a_column;
	LinkColumn	b_column;
	int			count;
	int64		a[CDP_COMPONENT_LINKS];
	int64		b[CDP_COMPONENT_LINKS];
} LinkBatch;

static inline int64
read_integer(Datum value, Oid type)
{
	if (type == INT8OID)
		return DatumGetInt64(value);
	if (type == INT4OID)
		return DatumGetInt32(value);
	return DatumGetInt16(value);
}

static void
flush_links(LinkBatch *batch)
{
	CHECK_FOR_INTERRUPTS();
	cdp_component_map_links(batch->map, batch->a, batch->b, batch->count);
	batch->count = 0;
}

static inline void
add_link(LinkBatch *batch, Datum a, bool a_null, Datum b, bool b_null)
{
	int			count = batch->count;

	batch->a[count] = read_integer(a_null ? b : a,
								   (a_null ? batch->b_column : batch->a_column).type);
	batch->b[count] = read_integer(b_null ? a : b,
								   (b_null ? batch->a_column : batch->b_column).type);
	batch->count += !(a_null && b_null);
	if (batch->count == CDP_COMPONENT_LINKS)
		flush_links(batch);
}

/* Rows of the server's own kind of table, read where they lie. */
static void
read_heap(Relation relation, LinkBatch *batch)
{
	TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL);
	TupleDesc	shape = RelationGetDescr(relation);
	HeapTuple	row;

	while ((row = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		bool		a_null;
		bool		b_null;
		Datum		a;
		Datum		b;

		CDP_FETCH((char *) row->t_data - FETCH_AHEAD);
		a = heap_getattr(row, batch->a_column.number, shape, &a_null);
		b = heap_getattr(row, batch->b_column.number, shape, &b_null);
		add_link(batch, a, a_null, b, b_null);
	}
	table_endscan(scan);
}

/* Rows of any kind of table. */
static void
read_slots(Relation relation, LinkBatch *batch)
{
	TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL);
	TupleTableSlot *slot = table_slot_create(relation, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		a_null;
		bool		b_null;
		Datum		a = slot_getattr(slot, batch->a_column.number, &a_null);
		Datum		b = slot_getattr(slot, batch->b_column.number, &b_null);

		add_link(batch, a, a_null, b, b_null);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
}

/* Add the links of one table. */
static void
read_links(CdpComponentMap *map, Relation relation, LinkColumn a_column,
		   LinkColumn b_column)
{
	LinkBatch  *batch = palloc(sizeof(LinkBatch));

	batch->map = map;
	batch->a_column = a_column;
	batch->b_column = b_column;
	batch->count = 0;
	if (relation->rd_tableam == GetHeapamTableAmRoutine())
		read_heap(relation, batch);
	else
		read_slots(relation, batch);
	flush_links(batch);
	pfree(batch);
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
