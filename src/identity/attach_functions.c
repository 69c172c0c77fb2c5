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

/* The elements of an array argument; none may be null. */
static Datum *
get_elements(FunctionCallInfo fcinfo, int argument, Oid type, int width,
			 bool by_value, char align, int *count)
{
	Datum	   *elements;
	bool	   *nulls;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), type, width, by_value,
					  align, &elements, &nulls, count);
	for (int i = 0; i < *count; i++)
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a record, type, value or time is null")));
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
	char	   *source = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *region = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	int			count;
	Datum	   *records = get_elements(fcinfo, 4, INT4OID, 4, true, TYPALIGN_INT, &count);
	Datum	   *types = get_elements(fcinfo, 5, TEXTOID, -1, false, TYPALIGN_INT, &count);
	Datum	   *values = get_elements(fcinfo, 6, TEXTOID, -1, false, TYPALIGN_INT, &count);
	Datum	   *times = get_elements(fcinfo, 7, TIMESTAMPTZOID, 8, true, TYPALIGN_DOUBLE, &count);
	CdpIdentityKey *keys = palloc0(sizeof(CdpIdentityKey) * (count + 1));
	CdpIdentitySet *sets = palloc0(sizeof(CdpIdentitySet) * (count + 1));
	Datum	   *set_ids = palloc(sizeof(Datum) * (count + 1));
	bool	   *nulls = palloc(sizeof(bool) * (count + 1));
	int			nsets = 0;
	int			bound = 1;

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
