/*
 * segment_ids.c
 *		The segments that a profile is in, as an array on its row.
 *
 * A refresh is told of every profile what it matches.  Rows of that would cost
 * more than to evaluate them, so the aggregate cdp._gather_members() takes it
 * in as it comes: a bitmap of members for each segment, and one of the
 * profiles whose profile_current.segment_ids have become others, which are
 * few.  Of those the arrays are made anew (cdp._settle_segment_ids()).
 *
 * The scan is a parallel one: each worker gathers from the profiles that it
 * evaluates, and ships its bitmaps to the leader, which unites them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "audience/bitmap.h"

PG_FUNCTION_INFO_V1(cdp__settle_segment_ids);
PG_FUNCTION_INFO_V1(cdp__gather_members_add);
PG_FUNCTION_INFO_V1(cdp__gather_members_combine);
PG_FUNCTION_INFO_V1(cdp__gather_members_ship);
PG_FUNCTION_INFO_V1(cdp__gather_members_unpack);
PG_FUNCTION_INFO_V1(cdp__gather_members_end);

/* What cdp._gather_members() has been told so far. */
typedef struct Gathering
{
	int			count;			/* segments */
	CdpBitmap **members;		/* of each; at count: whose segments changed */
} Gathering;

static int
compare_ids(const void *a, const void *b)
{
	int32		x = *(const int32 *) a;
	int32		y = *(const int32 *) b;

	return (x > y) - (x < y);
}

/* The integers of a one-dimensional array without NULLs. */
static int32 *
read_integers(ArrayType *array, int *count)
{
	if (ARR_ELEMTYPE(array) != INT4OID || ARR_NDIM(array) > 1 ||
		array_contains_nulls(array))
		elog(ERROR, "expected a one-dimensional array of integers");
	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (int32 *) ARR_DATA_PTR(array);
}

static bool
is_among(int32 id, const int32 *ids, int count)
{
	return bsearch(&id, ids, count, sizeof(int32), compare_ids) != NULL;
}

static void
check_positions(const int32 *matched, int nmatched, int nevaluated)
{
	for (int i = 0; i < nmatched; i++)
		if (matched[i] < 1 || matched[i] > nevaluated)
			elog(ERROR, "position %d is not among %d predicates", matched[i],
				 nevaluated);
}

/*
 * cdp._settle_segment_ids(was, evaluated, matched): the ids of was that were
 * not evaluated, and of the evaluated ones (ascending) those at the positions
 * in matched; ascending.
 */
Datum
cdp__settle_segment_ids(PG_FUNCTION_ARGS)
{
	int			nwas,
				nevaluated,
				nmatched;
	int32	   *was = read_integers(PG_GETARG_ARRAYTYPE_P(0), &nwas);
	int32	   *evaluated = read_integers(PG_GETARG_ARRAYTYPE_P(1), &nevaluated);
	int32	   *matched = read_integers(PG_GETARG_ARRAYTYPE_P(2), &nmatched);
	int32	   *ids = palloc(sizeof(int32) * ((Size) nwas + nmatched + 1));
	Datum	   *elements;
	int			count = 0;

	for (int i = 0; i < nwas; i++)
		if (!is_among(was[i], evaluated, nevaluated))
			ids[count++] = was[i];
	check_positions(matched, nmatched, nevaluated);
	for (int i = 0; i < nmatched; i++)
		ids[count++] = evaluated[matched[i] - 1];
	qsort(ids, count, sizeof(int32), compare_ids);
	elements = palloc(sizeof(Datum) * (count + 1));
	for (int i = 0; i < count; i++)
		elements[i] = Int32GetDatum(ids[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, count, INT4OID,
										  sizeof(int32), true, TYPALIGN_INT));
}

/* Are the evaluated ids in was (ascending) others than those matched? */
static bool
has_changed(const int32 *was, int nwas, const int32 *evaluated,
			int nevaluated, const int32 *matched, int nmatched)
{
	int			count = 0;

	for (int i = 0; i < nwas; i++)
	{
		if (!is_among(was[i], evaluated, nevaluated))
			continue;
		if (count == nmatched || evaluated[matched[count] - 1] != was[i])
			return true;
		count++;
	}
	return count < nmatched;
}

/* Of so many segments, without bitmaps yet. */
static Gathering *
make_gathering(MemoryContext memory, int count)
{
	Gathering  *gathering = MemoryContextAlloc(memory, sizeof(Gathering));

	gathering->count = count;
	gathering->members = MemoryContextAlloc(memory,
											sizeof(CdpBitmap *) * (count + 1));
	return gathering;
}

/* The same with empty bitmaps. */
static Gathering *
new_gathering(MemoryContext memory, int count)
{
	Gathering  *gathering = make_gathering(memory, count);

	for (int i = 0; i <= count; i++)
		gathering->members[i] = cdp_audience_new_bitmap(memory);
	return gathering;
}

static void
check_count(const Gathering *gathering, int count)
{
	if (count != gathering->count)
		elog(ERROR, "expected %d predicates, found %d", gathering->count,
			 count);
}

/* Transition of cdp._gather_members(ord, was, evaluated, matched). */
Datum
cdp__gather_members_add(PG_FUNCTION_ARGS)
{
	MemoryContext memory = cdp_audience_aggregate_context(fcinfo);
	int32		ord = PG_GETARG_INT32(1);
	int			nwas,
				nevaluated,
				nmatched;
	int32	   *was = read_integers(PG_GETARG_ARRAYTYPE_P(2), &nwas);
	int32	   *evaluated = read_integers(PG_GETARG_ARRAYTYPE_P(3), &nevaluated);
	int32	   *matched = read_integers(PG_GETARG_ARRAYTYPE_P(4), &nmatched);
	Gathering  *gathering = PG_ARGISNULL(0) ? new_gathering(memory, nevaluated) :
		(Gathering *) PG_GETARG_POINTER(0);

	check_count(gathering, nevaluated);
	cdp_audience_check_ord(ord);
	check_positions(matched, nmatched, nevaluated);
	for (int i = 0; i < nmatched; i++)
		roaring_bitmap_add(gathering->members[matched[i] - 1]->set, ord);
	if (has_changed(was, nwas, evaluated, nevaluated, matched, nmatched))
		roaring_bitmap_add(gathering->members[nevaluated]->set, ord);
	PG_RETURN_POINTER(gathering);
}

/* What another process has gathered is added; NULL: it was told nothing. */
Datum
cdp__gather_members_combine(PG_FUNCTION_ARGS)
{
	MemoryContext memory = cdp_audience_aggregate_context(fcinfo);
	Gathering  *other;
	Gathering  *gathering;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	other = (Gathering *) PG_GETARG_POINTER(1);
	gathering = PG_ARGISNULL(0) ? new_gathering(memory, other->count) :
		(Gathering *) PG_GETARG_POINTER(0);
	check_count(gathering, other->count);
	for (int i = 0; i <= gathering->count; i++)
		cdp_audience_add_bitmap(gathering->members[i], other->members[i]);
	PG_RETURN_POINTER(gathering);
}

/* To the leader: how many segments, and each bitmap behind its length. */
Datum
cdp__gather_members_ship(PG_FUNCTION_ARGS)
{
	Gathering  *gathering = (Gathering *) PG_GETARG_POINTER(0);
	StringInfoData shipped;

	(void) cdp_audience_aggregate_context(fcinfo);
	pq_begintypsend(&shipped);
	pq_sendint32(&shipped, gathering->count);
	for (int i = 0; i <= gathering->count; i++)
	{
		struct varlena *packed = cdp_audience_write_bitmap(gathering->members[i]);

		pq_sendint32(&shipped, VARSIZE(packed));
		pq_sendbytes(&shipped, (char *) packed, VARSIZE(packed));
		pfree(packed);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&shipped));
}

/* At the leader; what is made here lives until it is combined. */
Datum
cdp__gather_members_unpack(PG_FUNCTION_ARGS)
{
	bytea	   *received = PG_GETARG_BYTEA_PP(0);
	StringInfoData shipped;
	Gathering  *gathering;

	(void) cdp_audience_aggregate_context(fcinfo);
	initStringInfo(&shipped);
	appendBinaryStringInfo(&shipped, VARDATA_ANY(received),
						   VARSIZE_ANY_EXHDR(received));
	gathering = make_gathering(CurrentMemoryContext,
							   pq_getmsgint(&shipped, sizeof(int32)));
	for (int i = 0; i <= gathering->count; i++)
	{
		int			size = pq_getmsgint(&shipped, sizeof(int32));
		struct varlena *packed = palloc(size);

		memcpy(packed, pq_getmsgbytes(&shipped, size), size);
		gathering->members[i] =
			cdp_audience_read_bitmap(packed, CurrentMemoryContext);
		pfree(packed);
	}
	pq_getmsgend(&shipped);
	pfree(shipped.data);
	PG_RETURN_POINTER(gathering);
}

/* Its result: the bitmaps, packed; NULL if it was told nothing. */
Datum
cdp__gather_members_end(PG_FUNCTION_ARGS)
{
	Oid			type = get_element_type(get_fn_expr_rettype(fcinfo->flinfo));
	Gathering  *gathering;
	Datum	   *packed;

	(void) cdp_audience_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	gathering = (Gathering *) PG_GETARG_POINTER(0);
	packed = palloc(sizeof(Datum) * (gathering->count + 1));
	for (int i = 0; i <= gathering->count; i++)
		packed[i] = PointerGetDatum(cdp_audience_write_bitmap(gathering->members[i]));
	PG_RETURN_POINTER(construct_array(packed, gathering->count + 1, type, -1,
									  false, TYPALIGN_INT));
}
