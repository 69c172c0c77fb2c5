/*
 * attach_functions.c
 *		Attach from SQL: for tests and benchmarks of this room alone.
 *
 * Records come as parallel arrays, one element a key; keys of one record
 * follow each other.  Values are normalised; those that are not valid are left
 * out, as ingest does.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/arrays.h"
#include "identity/identity.h"

PG_FUNCTION_INFO_V1(cdp__attach_keys);

/* Only the region may be null. */
static void
check_no_nulls(FunctionCallInfo fcinfo)
{
	for (int i = 0; i < PG_NARGS(); i++)
		if (i != 3 && PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of cdp._attach_keys() is null", i + 1)));
}

/*
 * The elements of an array argument, none of which may be null; as many as
 * count says, unless it says -1.
 */
static Datum *
get_elements(FunctionCallInfo fcinfo, int argument, Oid type, int width,
			 bool by_value, char align, int *count)
{
	Datum	   *elements;
	bool	   *nulls;
	int			found;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), type, width, by_value,
					  align, &elements, &nulls, &found);
	for (int i = 0; i < found; i++)
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a record, type, value or time is null")));
	if (*count >= 0 && *count != found)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("records, types, values and times differ in number")));
	*count = found;
	return elements;
}

/* One key, if its value is valid for its type. */
static bool
make_key(CdpIdentityKey *key, Datum type, Datum value, const char *region)
{
	char	   *raw = TextDatumGetCString(value);
	char	   *canonical;
	const char *reason;

	key->type = TextDatumGetCString(type);
	if (!cdp_identity_normalise(key->type, raw, strlen(raw), region,
								&canonical, &reason))
		return false;
	key->value = canonical;
	return true;
}

/*
 * cdp._attach_keys(source_id, source, own_user_ids, region, records, types,
 * values, times, queue): the set of each record; NULL for a refused one.
 */
Datum
cdp__attach_keys(PG_FUNCTION_ARGS)
{
	char	   *source;
	char	   *region;
	Datum	   *records;
	Datum	   *types;
	Datum	   *values;
	Datum	   *times;
	CdpIdentityKey *keys;
	CdpIdentitySet *sets;
	Datum	   *set_ids;
	bool	   *nulls;
	int			count = -1;
	int			nsets = 0;
	int			bound = 1;

	check_no_nulls(fcinfo);
	source = text_to_cstring(PG_GETARG_TEXT_PP(1));
	region = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	records = get_elements(fcinfo, 4, INT4OID, 4, true, TYPALIGN_INT, &count);
	types = get_elements(fcinfo, 5, TEXTOID, -1, false, TYPALIGN_INT, &count);
	values = get_elements(fcinfo, 6, TEXTOID, -1, false, TYPALIGN_INT, &count);
	times = get_elements(fcinfo, 7, TIMESTAMPTZOID, 8, true, TYPALIGN_DOUBLE, &count);
	keys = palloc0(sizeof(CdpIdentityKey) * (count + 1));
	sets = palloc0(sizeof(CdpIdentitySet) * (count + 1));
	set_ids = palloc(sizeof(Datum) * (count + 1));
	nulls = palloc(sizeof(bool) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		CdpIdentitySet *set;

		if (i == 0 || records[i] != records[i - 1])
		{
			set = &sets[nsets++];
			set->source_id = PG_GETARG_INT32(0);
			set->source = source;
			set->own_user_ids = PG_GETARG_BOOL(2);
			set->observed_at = DatumGetTimestampTz(times[i]);
			set->keys = &keys[i];
		}
		set = &sets[nsets - 1];
		if (make_key(&set->keys[set->nkeys], types[i], values[i], region))
			set->nkeys++;
	}
	cdp_identity_attach(sets, nsets, PG_GETARG_BOOL(8));
	for (int i = 0; i < nsets; i++)
	{
		set_ids[i] = Int64GetDatum(sets[i].set_id);
		nulls[i] = sets[i].set_id == 0;
		if (sets[i].refused != NULL)
			ereport(WARNING,
					(errmsg("record refused: %s", sets[i].refused),
					 errdetail_internal("%s", sets[i].refused_detail)));
	}
	PG_RETURN_ARRAYTYPE_P(construct_md_array(set_ids, nulls, 1, &nsets, &bound,
											 INT8OID, 8, true, TYPALIGN_DOUBLE));
}
