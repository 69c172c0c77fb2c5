/*
 * preview.c
 *		What changes of rules do to profiles: before they are made, and when.
 *
 * A preview judges everything twice in memory, by the rules as they are and by
 * the rules with the changes, and compares the two partitions (partition.c).
 * So it shows what the rules alone do, whatever work waits for the stitcher.
 * Nothing is written, no lock is taken that anybody could wait for, and all
 * that is read is of one snapshot.  The session's own copy of the rules is put
 * aside while others are judged by, and put back whatever happens.
 *
 * A change makes the same comparison of what is stored before and after: under
 * the merger's lock, after the work that waits was done.
 *
 * Memory: one graph at a time (graph.h), and 40 bytes an identifier for the
 * partitions.  Time: that of two rebuilds that write nothing.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "base/base.h"
#include "identity/preview.h"
#include "identity/partition.h"
#include "identity/stitch.h"

PG_FUNCTION_INFO_V1(cdp__compare_rules);

#define FETCH_ROWS 1000
#define COLUMNS 5

/* The identifiers that there were before, and their parts. */
typedef struct Comparison
{
	int64		count;
	int64	   *ids;
	int64	   *profiles;		/* live profile before, as stored; 0: none */
	int32	   *before;			/* part by place; CDP_NO_PART: none */
	int32	   *after;
} Comparison;

static void *
alloc_huge(Size size)
{
	return palloc_extended(Max(size, 1), MCXT_ALLOC_HUGE);
}

/* Room for count identifiers, in no part. */
static void
begin_comparison(Comparison *comparison, int64 count)
{
	comparison->count = count;
	comparison->ids = alloc_huge(sizeof(int64) * count);
	comparison->profiles = alloc_huge(sizeof(int64) * count);
	comparison->before = alloc_huge(sizeof(int32) * count);
	comparison->after = alloc_huge(sizeof(int32) * count);
	for (int64 i = 0; i < count; i++)
		comparison->before[i] = comparison->after[i] = CDP_NO_PART;
}

/* Begin with a judged graph. */
static void
keep_before(Comparison *comparison, const CdpGraph *graph)
{
	begin_comparison(comparison, graph->nnodes);
	for (int64 i = 0; i < graph->nnodes; i++)
	{
		const GraphNode *node = &graph->nodes[i];

		comparison->ids[i] = node->identifier_id;
		comparison->profiles[i] = node_old_profile(graph, node);
		if (node->part >= 0)
			comparison->before[i] = node->part;
	}
	cdp_partition_name(comparison->ids, comparison->before,
					   comparison->count, graph->nnodes);
}

/* Note what another graph of the same identifiers says. */
static void
keep_after(Comparison *comparison, const CdpGraph *graph)
{
	for (int64 i = 0; i < comparison->count; i++)
	{
		int32		place = cdp_id_map_get(graph->node_map, comparison->ids[i]);

		if (place >= 0 && graph->nodes[place].part >= 0)
			comparison->after[i] = graph->nodes[place].part;
	}
	cdp_partition_name(comparison->ids, comparison->after,
					   comparison->count, graph->nnodes);
}

/* Judge everything by the rules as they are, and by those with changes. */
static void
compare_judged(Comparison *comparison, Datum changes)
{
	CdpGraph   *graph = cdp_preview_judge(cdp_preview_no_changes(), NULL);

	keep_before(comparison, graph);
	MemoryContextDelete(graph->context);
	graph = cdp_preview_judge(changes, NULL);
	keep_after(comparison, graph);
	MemoryContextDelete(graph->context);
}

/* A read of identifiers and their live profiles. */
typedef struct Stored
{
	CdpIdList	ids;
	CdpIdList	profiles;		/* 0: none */
} Stored;

static void
read_stored(Stored *stored)
{
	Portal		cursor;

	cursor = SPI_cursor_open_with_args(NULL,
									   "SELECT identifier.identifier_id,"
									   " coalesce(profile.root, 0)"
									   " FROM cdp.identifier LEFT JOIN cdp.profile"
									   " ON profile.profile_id = identifier.leaf",
									   0, NULL, NULL, NULL, false, 0);
	do
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(cursor, true, FETCH_ROWS);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool		isnull;
			HeapTuple	row = SPI_tuptable->vals[i];
			TupleDesc	columns = SPI_tuptable->tupdesc;

			cdp_identity_list_add(&stored->ids,
								  DatumGetInt64(SPI_getbinval(row, columns, 1, &isnull)));
			cdp_identity_list_add(&stored->profiles,
								  DatumGetInt64(SPI_getbinval(row, columns, 2, &isnull)));
		}
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(cursor);
}

/* The parts of a read, by places of identifiers. */
static void
name_stored(const Comparison *comparison, CdpIdMap *places,
			const Stored *stored, int32 *parts)
{
	CdpIdMap   *labels = cdp_id_map_create(0);
	int64		nlabels = 0;

	for (int i = 0; i < stored->ids.count; i++)
	{
		int32		place = cdp_id_map_get(places, stored->ids.ids[i]);
		int64		profile_id = stored->profiles.ids[i];
		bool		found;

		if (place < 0 || profile_id == 0)
			continue;
		parts[place] = cdp_id_map_put(labels, profile_id, nlabels, &found);
		nlabels += !found;
	}
	cdp_partition_name(comparison->ids, parts, comparison->count, nlabels);
}

/* Change the rules; what is stored before and after.  See preview.sql. */
static void
compare_stored(Comparison *comparison, Datum changes, const Datum *reason)
{
	static CdpPlan settle_plan = {"SELECT cdp._settle_rules()", 0};
	static CdpPlan apply_plan = {
		"SELECT cdp._apply_changes($1, $2)", 2, {JSONBOID, TEXTOID}
	};
	CdpIdMap   *places = cdp_id_map_create(0);
	Stored		before = {{0}};
	Stored		after = {{0}};

	cdp_base_execute(&settle_plan, NULL, NULL, false, 0);
	read_stored(&before);
	cdp_base_execute(&apply_plan, (Datum[]) {changes, reason ? *reason : (Datum) 0},
					 reason ? NULL : " n", false, 0);
	read_stored(&after);
	begin_comparison(comparison, before.ids.count);
	for (int i = 0; i < before.ids.count; i++)
	{
		bool		found;

		comparison->ids[i] = before.ids.ids[i];
		comparison->profiles[i] = before.profiles.ids[i];
		(void) cdp_id_map_put(places, before.ids.ids[i], i, &found);
	}
	name_stored(comparison, places, &before, comparison->before);
	name_stored(comparison, places, &after, comparison->after);
}

/* The name of a part as a value; 0 and null if there is none. */
static Datum
part_value(const Comparison *comparison, int32 part, bool *isnull)
{
	*isnull = part == CDP_NO_PART;
	return Int64GetDatum(*isnull ? 0 : comparison->ids[part]);
}

/* Return what differs. */
static void
return_cases(const Comparison *comparison, ReturnSetInfo *result)
{
	int32	   *cases = cdp_partition_cases(comparison->ids, comparison->before,
											comparison->after,
											comparison->count);

	for (int64 i = 0; i < comparison->count; i++)
	{
		Datum		values[COLUMNS];
		bool		nulls[COLUMNS] = {false};

		CHECK_FOR_INTERRUPTS();
		if (cases[i] == CDP_NO_PART)
			continue;
		values[0] = Int64GetDatum(comparison->ids[i]);
		values[1] = Int64GetDatum(comparison->profiles[i]);
		nulls[1] = comparison->profiles[i] == 0;
		values[2] = part_value(comparison, comparison->before[i], &nulls[2]);
		values[3] = part_value(comparison, comparison->after[i], &nulls[3]);
		values[4] = part_value(comparison, cases[i], &nulls[4]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* Take the merger's lock, then keep others from changing rules. */
static void
lock_rules(void)
{
	static CdpPlan lock_plan = {"SELECT cdp._lock_rules()", 0};

	cdp_stitch_check_isolation();
	cdp_base_execute(&lock_plan, NULL, NULL, false, 0);
}

static void
check_changes(Datum changes, bool isnull, bool read_only)
{
	static CdpPlan check_plan = {
		"SELECT cdp._check_changes($1)", 1, {JSONBOID}
	};

	cdp_base_execute(&check_plan, &changes, isnull ? "n" : NULL, read_only, 0);
}

/* cdp._compare_rules(changes, apply, reason) */
Datum
cdp__compare_rules(PG_FUNCTION_ARGS)
{
	Datum		changes = PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0);
	bool		apply = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	Datum		reason = PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2);
	Comparison	comparison;

	cdp_base_check_store();
	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (apply)
		lock_rules();
	check_changes(changes, PG_ARGISNULL(0), !apply);
	if (apply)
		compare_stored(&comparison, changes, PG_ARGISNULL(2) ? NULL : &reason);
	else
		compare_judged(&comparison, changes);
	return_cases(&comparison, (ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	return (Datum) 0;
}
