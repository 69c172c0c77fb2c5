/*
 * explain.c
 *		SQL's entry to paths.c and bridges.c.
 *
 * explain.sql reads a profile's identifiers and links and passes them as
 * arrays: nodes are numbered from 1, strongest first, and so are links, in the
 * order of canonical replay.  Nothing here reads a table.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "identity/arrays.h"
#include "identity/bridges.h"

PG_FUNCTION_INFO_V1(cdp__spanning_tree);
PG_FUNCTION_INFO_V1(cdp__tree_path);
PG_FUNCTION_INFO_V1(cdp__bridges);

static void
refuse_array(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid array \"%s\"", name),
			 errdetail("It has one dimension, no nulls, and as many elements as its fellows.")));
}

/* The elements of an integer[], as they lie. */
static const int32 *
get_int4s(ArrayType *array, const char *name, int *count)
{
	if (ARR_NDIM(array) > 1 || ARR_HASNULL(array) ||
		ARR_ELEMTYPE(array) != INT4OID)
		refuse_array(name);
	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (const int32 *) ARR_DATA_PTR(array);
}

static int32
check_node(int32 node, int32 nnodes)
{
	if (node < 1 || node > nnodes)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("node %d is out of range", node),
				 errdetail("Nodes are numbered from 1 to %d.", nnodes)));
	return node - 1;
}

/* Numbers of nodes, from 1, as places, from 0. */
static int32 *
get_places(ArrayType *array, const char *name, int32 nnodes, int *count)
{
	const int32 *numbers = get_int4s(array, name, count);
	int32	   *places = MemoryContextAllocHuge(CurrentMemoryContext,
												sizeof(int32) * ((Size) *count + 1));

	for (int i = 0; i < *count; i++)
		places[i] = check_node(numbers[i], nnodes);
	return places;
}

static CdpLinks
get_links(int32 nnodes, ArrayType *a, ArrayType *b)
{
	CdpLinks	links = {nnodes};
	int			count;

	if (nnodes < 0)
		refuse_array("nodes");
	links.a = get_places(a, "a", nnodes, &links.nlinks);
	links.b = get_places(b, "b", nnodes, &count);
	if (count != links.nlinks || count > CDP_LINKS_MAX)
		refuse_array("b");
	return links;
}

/* cdp._spanning_tree(nodes, a, b) */
Datum
cdp__spanning_tree(PG_FUNCTION_ARGS)
{
	CdpLinks	links = get_links(PG_GETARG_INT32(0), PG_GETARG_ARRAYTYPE_P(1),
								  PG_GETARG_ARRAYTYPE_P(2));
	bool	   *in_tree = cdp_links_tree(&links);
	int32	   *taken = MemoryContextAllocHuge(CurrentMemoryContext,
											   sizeof(int32) * ((Size) links.nlinks + 1));
	int32		count = 0;

	for (int32 i = 0; i < links.nlinks; i++)
		if (in_tree[i])
			taken[count++] = i + 1;
	PG_RETURN_DATUM(cdp_identity_int4_array(taken, count));
}

/* cdp._tree_path(nodes, a, b, from, to) */
Datum
cdp__tree_path(PG_FUNCTION_ARGS)
{
	CdpLinks	links = get_links(PG_GETARG_INT32(0), PG_GETARG_ARRAYTYPE_P(1),
								  PG_GETARG_ARRAYTYPE_P(2));
	int32		from = check_node(PG_GETARG_INT32(3), links.nnodes);
	int32		to = check_node(PG_GETARG_INT32(4), links.nnodes);
	int32	   *path;
	int32		count = cdp_links_path(&links, from, to, &path);

	for (int32 i = 0; i < count; i++)
	{
		int32		link = path[i];
		bool		is_forward = links.a[link] == from;

		from = cdp_link_other_end(&links, link, from);
		path[i] = is_forward ? link + 1 : -link - 1;
	}
	PG_RETURN_DATUM(cdp_identity_int4_array(path, count));
}

/* The names of the first nodes of a bridge's lesser side, as text[]. */
static Datum
name_nodes(const CdpBridge *bridge, Datum *names)
{
	Datum		listed[CDP_BRIDGE_NAMES];

	for (int i = 0; i < bridge->nnames; i++)
		listed[i] = names[bridge->names[i]];
	return PointerGetDatum(construct_array(listed, bridge->nnames, TEXTOID, -1,
										   false, TYPALIGN_INT));
}

static void
put_bridges(FunctionCallInfo fcinfo, const CdpBridges *bridges, Datum *names)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext rows = AllocSetContextCreate(CurrentMemoryContext,
											   "cdp bridges",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(rows);

	for (int32 i = 0; i < cdp_bridges_count(bridges); i++)
	{
		CdpBridge	bridge = cdp_bridges_get(bridges, i);
		Datum		values[5];
		bool		nulls[5] = {false};

		CHECK_FOR_INTERRUPTS();
		values[0] = Int32GetDatum(bridge.link + 1);
		values[1] = Int32GetDatum(bridge.parts);
		values[2] = BoolGetDatum(bridge.parts_a);
		values[3] = Int32GetDatum(bridge.both_sides);
		values[4] = name_nodes(&bridge, names);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		MemoryContextReset(rows);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(rows);
}

/* cdp._bridges(names, strengths, a, b) */
Datum
cdp__bridges(PG_FUNCTION_ARGS)
{
	ArrayType  *name_array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *names;
	int			nnodes;
	int			nstrengths;
	const int32 *strengths;
	CdpLinks	links;

	InitMaterializedSRF(fcinfo, 0);
	if (ARR_NDIM(name_array) > 1 || ARR_HASNULL(name_array) ||
		ARR_ELEMTYPE(name_array) != TEXTOID)
		refuse_array("names");
	deconstruct_array(name_array, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL,
					  &nnodes);
	strengths = get_int4s(PG_GETARG_ARRAYTYPE_P(1), "strengths", &nstrengths);
	if (nstrengths != nnodes)
		refuse_array("strengths");
	links = get_links(nnodes, PG_GETARG_ARRAYTYPE_P(2), PG_GETARG_ARRAYTYPE_P(3));
	put_bridges(fcinfo, cdp_bridges_find(&links, strengths), names);
	return (Datum) 0;
}
