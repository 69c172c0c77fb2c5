/*
 * column.c
 *		Columns of values that become array parameters.
 *
 * Rows are written by one statement per table and batch, INSERT ... SELECT
 * FROM unnest(columns), whose plan is saved; a column here is one of those
 * arrays while it grows.  It is in the caller's memory context.
 */
#include "postgres.h"

#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "ingest/batch.h"

CdpColumn *
cdp_column(Oid type, int room)
{
	CdpColumn  *column = palloc(sizeof(CdpColumn));

	column->type = type;
	get_typlenbyvalalign(type, &column->length, &column->by_value,
						 &column->align);
	column->count = 0;
	column->room = Max(room, 8);
	column->values = palloc(sizeof(Datum) * column->room);
	column->nulls = palloc(sizeof(bool) * column->room);
	return column;
}

static void
append_value(CdpColumn *column, Datum value, bool isnull)
{
	if (column->count == column->room)
	{
		column->room *= 2;
		column->values = repalloc(column->values,
								  sizeof(Datum) * column->room);
		column->nulls = repalloc(column->nulls, sizeof(bool) * column->room);
	}
	column->values[column->count] = value;
	column->nulls[column->count++] = isnull;
}

void
cdp_column_add(CdpColumn *column, Datum value)
{
	append_value(column, value, false);
}

void
cdp_column_add_null(CdpColumn *column)
{
	append_value(column, (Datum) 0, true);
}

/* NULL is null. */
void
cdp_column_add_text(CdpColumn *column, const char *text)
{
	if (text == NULL)
		cdp_column_add_null(column);
	else
		cdp_column_add(column, CStringGetTextDatum(text));
}

/* The array. */
Datum
cdp_column_array(const CdpColumn *column)
{
	int			dimensions[1] = {column->count};
	int			lower_bounds[1] = {1};

	if (column->count == 0)
		return PointerGetDatum(construct_empty_array(column->type));
	return PointerGetDatum(construct_md_array(column->values, column->nulls,
											  1, dimensions, lower_bounds,
											  column->type, column->length,
											  column->by_value,
											  column->align));
}
