/*
 * column.c
 *		How the values of a slot are told: by numbers, or by listing; pure.
 *
 * Ids and categories mostly are a word and a small number, p1234, or a number
 * alone.  Listed in the value table such a value takes seven bytes there and
 * one in each of its events; told by its number it takes two in each.  So a
 * column of the timeline either lists its values or tells them by numbers,
 * behind one word, the prefix.
 *
 * Equal events must make equal bytes, and what comes later must not change
 * what was written.  Hence the first value of a slot that can be told so gives
 * the slot its prefix, for the whole timeline; values that it does not fit are
 * listed.  A slot has two columns at most, however odd its values are, and the
 * table is all that has to be known for the next event.
 *
 * A prefix is what is before the last digits, with the zeros before the first
 * other digit: "p0012" is "p00" and 12.  Only whole numbers are told, and none
 * of more than three bytes as a varint: large ones would cost more than their
 * entry does if they come often.
 */
#include "postgres.h"

#include "base/compat.h"

#include "timeline/column.h"

/* Read an entry of the table; see column.h. */
const uint8 *
cdp_timeline_read_column(const uint8 *next, const uint8 *end,
						 CdpTimelineColumn *column)
{
	if (end - next < 2)
		return NULL;
	column->slot = *next++;
	column->coding = *next++;
	column->prefix = next;
	column->prefix_length = column->coding <= CDP_TIMELINE_TEXTS ? 0 :
		column->coding - CDP_TIMELINE_TEXTS;
	if (column->slot == 0 ||
		column->prefix_length > CDP_TIMELINE_MAX_PREFIX ||
		column->prefix_length > end - next)
		return NULL;
	return next + column->prefix_length;
}

/* The value that a number tells; see column.h. */
void
cdp_timeline_print_told(const CdpTimelineColumn *column, uint32 number,
						char *room, CdpTimelineValue *value)
{
	char		digits[CDP_TIMELINE_MAX_DIGITS];
	int			start = CDP_TIMELINE_MAX_DIGITS;

	Assert(number <= CDP_TIMELINE_MAX_TOLD);
	do
	{
		digits[--start] = '0' + number % 10;
		number /= 10;
	} while (number > 0);
	memcpy(room, column->prefix, column->prefix_length);
	memcpy(room + column->prefix_length, digits + start,
		   CDP_TIMELINE_MAX_DIGITS - start);
	value->kind = column->coding == CDP_TIMELINE_NUMBERS ?
		CDP_TIMELINE_NUMBER : CDP_TIMELINE_TEXT;
	value->data = room;
	value->length = column->prefix_length + CDP_TIMELINE_MAX_DIGITS - start;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The coding that can tell a value, and by which number. */
static int
find_coding(const CdpTimelineValue *value, uint32 *number)
{
	uint32		start = value->length;

	if (value->kind > CDP_TIMELINE_NUMBER)
		return CDP_TIMELINE_LISTED;
	while (start > 0 && is_digit(value->data[start - 1]))
		start--;
	while (start + 1 < value->length && value->data[start] == '0')
		start++;
	if (start == value->length || start > CDP_TIMELINE_MAX_PREFIX ||
		value->length - start > CDP_TIMELINE_MAX_DIGITS ||
		(value->kind == CDP_TIMELINE_NUMBER && start > 0))
		return CDP_TIMELINE_LISTED;
	*number = 0;
	for (uint32 i = start; i < value->length; i++)
		*number = *number * 10 + (value->data[i] - '0');
	if (*number > CDP_TIMELINE_MAX_TOLD)
		return CDP_TIMELINE_LISTED;
	return value->kind == CDP_TIMELINE_NUMBER ? CDP_TIMELINE_NUMBERS :
		CDP_TIMELINE_TEXTS + (int) start;
}

/* The column that a value needs; see column.h. */
int
cdp_timeline_intern_column(StringInfo table, const CdpTimelineValue *value,
						   bool *is_listed, uint32 *told)
{
	const uint8 *next = (const uint8 *) table->data;
	const uint8 *end = next + table->len;
	int			coding = find_coding(value, told);
	int			listed = -1;
	int			ncolumns;

	for (ncolumns = 0; next < end; ncolumns++)
	{
		CdpTimelineColumn column;

		next = cdp_timeline_read_column(next, end, &column);
		if (next == NULL)
			elog(ERROR, "malformed column of a timeline being built");
		if (column.slot != value->slot)
			continue;
		if (column.coding == CDP_TIMELINE_LISTED)
			listed = ncolumns;
		else if (column.coding == coding &&
				 memcmp(column.prefix, value->data, column.prefix_length) == 0)
		{
			*is_listed = false;
			return ncolumns;
		}
		else
			coding = CDP_TIMELINE_LISTED;
	}
	*is_listed = coding == CDP_TIMELINE_LISTED;
	if (*is_listed && listed >= 0)
		return listed;
	if (ncolumns == CDP_TIMELINE_MAX_COLUMNS)
		return -1;
	appendStringInfoCharMacro(table, (char) value->slot);
	appendStringInfoCharMacro(table, (char) coding);
	if (coding > CDP_TIMELINE_TEXTS)
		appendBinaryStringInfo(table, value->data, coding - CDP_TIMELINE_TEXTS);
	return ncolumns;
}
