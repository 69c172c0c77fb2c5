/*
 * cdp_profile.c
 *		The row of cdp.unified_profile of an identifier, without a statement.
 *
 * The view's dozens of expressions cost more to start than to compute, and a
 * profile by identifier is what a web page or a call centre asks for all day.
 * So cdp.profile() makes the row here: one probe each for the identifier, its
 * profile, the profile's row and its scores.  What a column is made of is told
 * by the view alone (cdp_store.sql); this says the same again, and a test
 * compares the two.
 *
 * What holds for all rows (the columns, which of them are exposed traits, the
 * names of segments, settings) is kept until something is heard to have changed
 * (base/watch.c).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupdesc.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/typcache.h"

#include "base/base.h"
#include "identity/identity.h"
#include "norm/norm.h"
#include "profile/profile.h"

PG_FUNCTION_INFO_V1(cdp__read_profile);

typedef struct Reader Reader;
typedef struct Column Column;

/* Makes a column of the row that is being read; false: it is NULL. */
typedef bool (*MakeColumn) (const Reader *reader, const Column *column,
							Datum *value);

struct Column
{
	MakeColumn	make;
	int			from;			/* column of the table that it is copied from */
	const char *trait;
};

typedef struct SegmentName
{
	int			segment_id;
	Datum		name;			/* text */
} SegmentName;

/* What is kept. */
typedef struct Shape
{
	TupleDesc	row;			/* of cdp.unified_profile */
	Column	   *columns;
	SegmentName *segments;		/* by name */
	int			nsegments;
	const char *currency;		/* NULL: none */
	const char *region;			/* NULL: none */
	Interval   *email_lasts;	/* time to live of the type; NULL: for ever */
	Interval   *phone_lasts;

	/* columns of cdp.profile_current that others are made of */
	int			traits;
	int			expiring;
	int			lineage;
	int			identifiers;
	int			identifiers_until;
	int			orders;
	int			gross_revenue;
	int			segment_ids;
} Shape;

/* One row being made. */
struct Reader
{
	const Shape *shape;
	TupleTableSlot *current;
	TupleTableSlot *score;		/* NULL: not scored */
	TimestampTz now;
	Jsonb	   *traits;
	Jsonb	   *identifiers;
};

static bool
copy_from(TupleTableSlot *slot, int column, Datum *value)
{
	bool		isnull;

	if (slot == NULL)
		return false;
	*value = slot_getattr(slot, column, &isnull);
	return !isnull;
}

static bool
make_current(const Reader *reader, const Column *column, Datum *value)
{
	return copy_from(reader->current, column->from, value);
}

static bool
make_score(const Reader *reader, const Column *column, Datum *value)
{
	return copy_from(reader->score, column->from, value);
}

static text *
get_trait(const Reader *reader, const char *name)
{
	return cdp_profile_trait_text(reader->traits, name, strlen(name));
}

static bool
make_traits(const Reader *reader, const Column *column, Datum *value)
{
	*value = JsonbPGetDatum(reader->traits);
	return true;
}

static bool
make_text(const Reader *reader, const Column *column, Datum *value)
{
	text	   *trait = get_trait(reader, column->trait);

	*value = PointerGetDatum(trait);
	return trait != NULL;
}

/* The JSON value of a trait; false: the profile has none. */
static bool
get_json(const Reader *reader, const char *name, JsonbValue *value)
{
	return JB_ROOT_IS_OBJECT(reader->traits) &&
		getKeyJsonValueFromContainer(&reader->traits->root, name, strlen(name),
									 value) != NULL;
}

static bool
make_json(const Reader *reader, const Column *column, Datum *value)
{
	JsonbValue	trait;

	if (!get_json(reader, column->trait, &trait))
		return false;
	*value = JsonbPGetDatum(JsonbValueToJsonb(&trait));
	return true;
}

static bool
make_number(const Reader *reader, const Column *column, Datum *value)
{
	JsonbValue	trait;

	if (!get_json(reader, column->trait, &trait) || trait.type != jbvNumeric)
		return false;
	*value = NumericGetDatum(trait.val.numeric);
	return true;
}

static bool
make_boolean(const Reader *reader, const Column *column, Datum *value)
{
	JsonbValue	trait;

	if (!get_json(reader, column->trait, &trait) || trait.type != jbvBool)
		return false;
	*value = BoolGetDatum(trait.val.boolean);
	return true;
}

static bool
make_day(const Reader *reader, const Column *column, Datum *value)
{
	text	   *trait = get_trait(reader, column->trait);
	DateADT		date;

	if (trait == NULL ||
		!cdp_profile_iso_date(VARDATA_ANY(trait), VARSIZE_ANY_EXHDR(trait), &date))
		return false;
	*value = DateADTGetDatum(date);
	return true;
}

static bool
make_identifiers(const Reader *reader, const Column *column, Datum *value)
{
	*value = JsonbPGetDatum(reader->identifiers);
	return true;
}

/* Is a trait not too old to stand in for an identifier? */
static bool
contact_lasts(const Reader *reader, const char *type)
{
	const Shape *shape = reader->shape;
	Interval   *lasts = strcmp(type, "email") == 0 ? shape->email_lasts :
		shape->phone_lasts;
	Datum		lineage;

	return lasts == NULL ||
		!copy_from(reader->current, shape->lineage, &lineage) ||
		cdp_profile_contact_lasts(DatumGetJsonbP(lineage), type, lasts,
								  reader->now);
}

/* The best identifier of a type, else the trait in its canonical form. */
static bool
make_contact(const Reader *reader, const Column *column, Datum *value)
{
	JsonbValue	list;
	JsonbValue *best;
	text	   *trait;
	StringInfoData canonical;
	const char *reason;

	if (getKeyJsonValueFromContainer(&reader->identifiers->root, column->trait,
									 strlen(column->trait), &list) != NULL &&
		(best = getIthJsonbValueFromContainer(list.val.binary.data, 0)) != NULL)
	{
		*value = PointerGetDatum(cstring_to_text_with_len(best->val.string.val,
														  best->val.string.len));
		return true;
	}
	trait = get_trait(reader, column->trait);
	if (trait == NULL || !contact_lasts(reader, column->trait))
		return false;
	initStringInfo(&canonical);
	if (!cdp_norm_identifier(column->trait, VARDATA_ANY(trait),
							 VARSIZE_ANY_EXHDR(trait), reader->shape->region,
							 &canonical, &reason))
		return false;
	*value = PointerGetDatum(cstring_to_text_with_len(canonical.data,
													  canonical.len));
	return true;
}

/* The whole name, else its parts. */
static bool
make_name(const Reader *reader, const Column *column, Datum *value)
{
	text	   *parts[] = {get_trait(reader, "first_name"),
	get_trait(reader, "last_name")};
	StringInfoData name;
	bool		any = false;

	if (make_text(reader, column, value))
		return true;
	initStringInfo(&name);
	for (int i = 0; i < lengthof(parts); i++)
	{
		if (parts[i] == NULL)
			continue;
		if (any)
			appendStringInfoChar(&name, ' ');
		appendBinaryStringInfo(&name, VARDATA_ANY(parts[i]),
							   VARSIZE_ANY_EXHDR(parts[i]));
		any = true;
	}
	*value = PointerGetDatum(cstring_to_text_with_len(name.data, name.len));
	return name.len > 0;
}

static bool
make_average(const Reader *reader, const Column *column, Datum *value)
{
	const Shape *shape = reader->shape;
	Datum		orders;
	Datum		revenue;

	if (!copy_from(reader->current, shape->orders, &orders) ||
		!copy_from(reader->current, shape->gross_revenue, &revenue) ||
		DatumGetInt64(orders) == 0)
		return false;
	orders = DirectFunctionCall1(int8_numeric, orders);
	*value = DirectFunctionCall2(numeric_round,
								 DirectFunctionCall2(numeric_div, revenue, orders),
								 Int32GetDatum(4));
	return true;
}

static bool
make_currency(const Reader *reader, const Column *column, Datum *value)
{
	if (reader->shape->currency == NULL)
		return false;
	*value = CStringGetTextDatum(reader->shape->currency);
	return true;
}

static bool
make_segments(const Reader *reader, const Column *column, Datum *value)
{
	const Shape *shape = reader->shape;
	Datum	   *names = palloc(sizeof(Datum) * (shape->nsegments + 1));
	int			nnames = 0;
	Datum		member_of;
	ArrayType  *ids;

	if (copy_from(reader->current, shape->segment_ids, &member_of))
	{
		ids = DatumGetArrayTypeP(member_of);
		for (int i = 0; i < shape->nsegments; i++)
			for (int j = 0; j < ArrayGetNItems(ARR_NDIM(ids), ARR_DIMS(ids)); j++)
				if (((int32 *) ARR_DATA_PTR(ids))[j] == shape->segments[i].segment_id)
				{
					names[nnames++] = shape->segments[i].name;
					break;
				}
	}
	*value = PointerGetDatum(nnames == 0 ? construct_empty_array(TEXTOID) :
							 construct_array(names, nnames, TEXTOID, -1, false,
											 TYPALIGN_INT));
	return true;
}

/*
 * The columns of the view that are no exposed traits: how each is made, and of
 * those that are copied the column of the table, if it has another name.
 */
static const struct
{
	const char *name;
	MakeColumn	make;
	const char *from;
}			fixed_columns[] = {
	{"profile_id", make_current},
	{"kind", make_current},
	{"email", make_contact},
	{"phone", make_contact},
	{"first_name", make_text},
	{"last_name", make_text},
	{"name", make_name},
	{"birth_date", make_day},
	{"gender", make_text},
	{"company", make_text},
	{"street", make_text},
	{"city", make_text},
	{"region", make_text},
	{"postal_code", make_text},
	{"country", make_text},
	{"language", make_text},
	{"time_zone", make_text},
	{"account_id", make_text},
	{"first_seen", make_current},
	{"last_seen", make_current},
	{"sources", make_current},
	{"identifiers", make_identifiers},
	{"events", make_current},
	{"orders", make_current},
	{"revenue", make_current},
	{"average_order_value", make_average},
	{"currency", make_currency},
	{"first_order_at", make_current},
	{"last_order_at", make_current},
	{"rfm_recency", make_score},
	{"rfm_frequency", make_score},
	{"rfm_monetary", make_score},
	{"lifecycle", make_score},
	{"clv_365d", make_score},
	{"clv_365d_low", make_score},
	{"clv_365d_high", make_score},
	{"churn_90d", make_score},
	{"churn_band", make_score},
	{"model_verdict", make_score},
	{"scored_at", make_score, "as_of"},
	{"segments", make_segments},
	{"consents", make_current},
	{"traits", make_traits},
	{"as_of", make_current},
};

/* How a column of a trait is made; _trait_column() says the same in SQL. */
static MakeColumn
choose_trait_maker(Oid type)
{
	switch (type)
	{
		case NUMERICOID:
			return make_number;
		case BOOLOID:
			return make_boolean;
		case DATEOID:
			return make_day;
		case JSONBOID:
			return make_json;
		default:
			return make_text;
	}
}

static Oid
find_table(const char *name)
{
	return get_relname_relid(name, get_namespace_oid("cdp", false));
}

static int
find_column(const char *table, const char *name)
{
	AttrNumber	column = get_attnum(find_table(table), name);

	if (column == InvalidAttrNumber)
		elog(ERROR, "table cdp.%s has no column \"%s\"", table, name);
	return column;
}

/* A column of the view: one of those above, else an exposed trait. */
static void
init_column(Column *column, const char *name, Oid type)
{
	const char *from = name;

	column->trait = name;
	column->make = choose_trait_maker(type);
	for (int i = 0; i < lengthof(fixed_columns); i++)
	{
		if (strcmp(fixed_columns[i].name, name) != 0)
			continue;
		column->make = fixed_columns[i].make;
		if (fixed_columns[i].from != NULL)
			from = fixed_columns[i].from;
	}
	if (column->make == make_current)
		column->from = find_column("profile_current", from);
	else if (column->make == make_score)
		column->from = find_column("profile_score", from);
}

static void
init_columns(Shape *shape, MemoryContext context)
{
	shape->columns = MemoryContextAllocZero(context,
											sizeof(Column) * shape->row->natts);
	for (int i = 0; i < shape->row->natts; i++)
		init_column(&shape->columns[i],
					NameStr(TupleDescAttr(shape->row, i)->attname),
					TupleDescAttr(shape->row, i)->atttypid);
	shape->traits = find_column("profile_current", "traits");
	shape->expiring = find_column("profile_current", "expiring");
	shape->lineage = find_column("profile_current", "lineage");
	shape->identifiers = find_column("profile_current", "identifiers");
	shape->identifiers_until = find_column("profile_current", "identifiers_until");
	shape->orders = find_column("profile_current", "orders");
	shape->gross_revenue = find_column("profile_current", "gross_revenue");
	shape->segment_ids = find_column("profile_current", "segment_ids");
}

static void
init_segments(Shape *shape, MemoryContext context)
{
	static CdpPlan segment_plan = {
		"SELECT segment_id, name::text FROM cdp.segment ORDER BY segment.name", 0
	};
	MemoryContext old;

	cdp_base_execute(&segment_plan, NULL, NULL, false, 0);
	old = MemoryContextSwitchTo(context);
	shape->nsegments = SPI_processed;
	shape->segments = palloc(sizeof(SegmentName) * (shape->nsegments + 1));
	for (int i = 0; i < shape->nsegments; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	columns = SPI_tuptable->tupdesc;
		bool		isnull;

		shape->segments[i].segment_id =
			DatumGetInt32(SPI_getbinval(row, columns, 1, &isnull));
		shape->segments[i].name =
			CStringGetTextDatum(SPI_getvalue(row, columns, 2));
	}
	MemoryContextSwitchTo(old);
}

/* A setting, in the context; NULL: it has no value. */
static const char *
read_setting(const char *name, MemoryContext context)
{
	static CdpPlan setting_plan = {
		"SELECT value FROM cdp.setting WHERE name OPERATOR(pg_catalog.=) $1",
		1, {TEXTOID}
	};
	char	   *value = NULL;

	cdp_base_execute(&setting_plan, (Datum[]) {CStringGetTextDatum(name)},
					 NULL, false, 1);
	if (SPI_processed > 0)
		value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	return value != NULL ? MemoryContextStrdup(context, value) : NULL;
}

/* The time to live of a type of identifiers, in the context; NULL: for ever. */
static Interval *
read_time_to_live(const char *type, MemoryContext context)
{
	static CdpPlan type_plan = {
		"SELECT time_to_live FROM cdp.identifier_type"
		" WHERE type OPERATOR(pg_catalog.=) $1",
		1, {TEXTOID}
	};
	Interval   *time_to_live = NULL;
	bool		isnull = true;
	Datum		value = (Datum) 0;

	cdp_base_execute(&type_plan, (Datum[]) {CStringGetTextDatum(type)},
					 NULL, false, 1);
	if (SPI_processed > 0)
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							  &isnull);
	if (!isnull)
	{
		time_to_live = MemoryContextAlloc(context, sizeof(Interval));
		*time_to_live = *DatumGetIntervalP(value);
	}
	return time_to_live;
}

/*
 * Read with a snapshot of its own (not read_only), as what is kept must be; the
 * catalogs, which tell the columns, are read so anyway.
 */
static Shape *
make_shape(MemoryContext context)
{
	Shape	   *shape = MemoryContextAllocZero(context, sizeof(Shape));
	Oid			row_type = get_rel_type_id(find_table("unified_profile"));
	MemoryContext old = MemoryContextSwitchTo(context);

	shape->row = lookup_rowtype_tupdesc_copy(row_type, -1);
	shape->row->tdtypeid = row_type;
	shape->row->tdtypmod = -1;
	MemoryContextSwitchTo(old);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	init_columns(shape, context);
	init_segments(shape, context);
	shape->currency = read_setting("currency", context);
	shape->region = read_setting("default_region", context);
	shape->email_lasts = read_time_to_live("email", context);
	shape->phone_lasts = read_time_to_live("phone", context);
	SPI_finish();
	return shape;
}

/* What holds for all rows, as this session may know it now. */
static const Shape *
get_shape(void)
{
	static MemoryContext kept = NULL;
	static Shape *shape = NULL;
	static uint64 heard = 0;
	uint64		watched = cdp_base_watched();

	if (watched == 0)
		return make_shape(CurrentMemoryContext);
	if (kept == NULL)
		kept = AllocSetContextCreate(TopMemoryContext, "cdp profile shape",
									 ALLOCSET_SMALL_SIZES);
	if (shape == NULL || watched != heard)
	{
		shape = NULL;
		MemoryContextReset(kept);
		shape = make_shape(kept);
		heard = watched;
	}
	return shape;
}

static HeapTuple
make_row(Reader *reader)
{
	const Shape *shape = reader->shape;
	int			ncolumns = shape->row->natts;
	Datum	   *values = palloc0(sizeof(Datum) * ncolumns);
	bool	   *nulls = palloc(sizeof(bool) * ncolumns);
	Datum		traits;
	Datum		identifiers;
	Datum		expiring;
	Datum		until;

	if (!copy_from(reader->current, shape->traits, &traits) ||
		!copy_from(reader->current, shape->identifiers, &identifiers))
		elog(ERROR, "a row of cdp.profile_current is not complete");
	reader->traits = DatumGetJsonbP(traits);
	if (copy_from(reader->current, shape->expiring, &expiring))
		reader->traits = cdp_profile_traits_at(reader->traits,
											   DatumGetJsonbP(expiring),
											   reader->now);
	reader->identifiers = DatumGetJsonbP(identifiers);
	if (copy_from(reader->current, shape->identifiers_until, &until))
		reader->identifiers = cdp_profile_lasting_identifiers(reader->identifiers,
															  DatumGetJsonbP(until),
															  reader->now);
	for (int i = 0; i < ncolumns; i++)
		nulls[i] = !shape->columns[i].make(reader, &shape->columns[i], &values[i]);
	return heap_form_tuple(shape->row, values, nulls);
}

/* The row of a profile; NULL: it has none. */
static HeapTuple
read_row(int64 profile_id)
{
	Reader		reader = {.shape = get_shape(), .now = cdp_base_clock()};
	Datum		key = Int64GetDatum(profile_id);
	CdpProbe   *current = cdp_base_probe_open("profile_current",
											  "profile_current_pkey", 1);
	CdpProbe   *score;
	HeapTuple	row = NULL;

	if (cdp_base_probe_find(current, &key))
	{
		reader.current = cdp_base_probe_row(current);
		score = cdp_base_probe_open("profile_score", "profile_score_pkey", 1);
		if (cdp_base_probe_find(score, &key))
			reader.score = cdp_base_probe_row(score);
		row = make_row(&reader);
		cdp_base_probe_close(score);
	}
	cdp_base_probe_close(current);
	return row;
}

/* cdp._read_profile(type, value, source) */
Datum
cdp__read_profile(PG_FUNCTION_ARGS)
{
	int64		profile_id = 0;
	HeapTuple	row = NULL;

	if (!PG_ARGISNULL(0) && !PG_ARGISNULL(1))
		profile_id = cdp_identity_find_profile(
			text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_TEXT_PP(1),
			PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)));
	if (profile_id != 0)
		row = read_row(profile_id);
	if (row == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(HeapTupleGetDatum(row));
}
