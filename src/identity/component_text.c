/*
 * component_text.c
 *		Text and binary form of component maps.
 *
 * A map is written as its components, each in braces, sorted by their nodes:
 *
 *		{1,2,5},{7}
 *		{"ann","bob"},{"say \"hi\""}
 *
 * Texts are always quoted, with a backslash before a quote and a backslash.
 * Equal partitions are written alike.  What is read may be in any order, and
 * need not be disjoint: it is links like others.  The binary form is the same
 * bytes, so hostile ones can do no more than a hostile text.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "identity/component_map.h"

PG_FUNCTION_INFO_V1(cdp_component_map_in);
PG_FUNCTION_INFO_V1(cdp_component_map_out);
PG_FUNCTION_INFO_V1(cdp_component_map_recv);
PG_FUNCTION_INFO_V1(cdp_component_map_send);
PG_FUNCTION_INFO_V1(cdp_text_component_map_in);
PG_FUNCTION_INFO_V1(cdp_text_component_map_recv);

/* A node as it is read. */
typedef struct NodeText
{
	int64		key;
	StringInfoData text;
} NodeText;

typedef struct MapReader
{
	const char *whole;
	const char *at;
	bool		is_text;
} MapReader;

static void
raise_syntax(const MapReader *reader)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type cdp.%s: \"%s\"",
					reader->is_text ? "text_component_map" : "component_map",
					reader->whole),
			 reader->is_text ?
			 errdetail("A map of texts is written {\"ann\",\"bob\"},{\"cid\"}.") :
			 errdetail("A map of bigints is written {1,2,5},{7}.")));
}

static bool
take(MapReader *reader, char wanted)
{
	if (*reader->at != wanted)
		return false;
	reader->at++;
	return true;
}

static void
read_bigint(MapReader *reader, NodeText *node)
{
	char	   *end;

	if (*reader->at != '-' && (*reader->at < '0' || *reader->at > '9'))
		raise_syntax(reader);
	errno = 0;
	node->key = strtoi64(reader->at, &end, 10);
	if (errno != 0 || end == reader->at)
		raise_syntax(reader);
	reader->at = end;
}

static void
read_text(MapReader *reader, NodeText *node)
{
	resetStringInfo(&node->text);
	if (!take(reader, '"'))
		raise_syntax(reader);
	while (!take(reader, '"'))
	{
		(void) take(reader, '\\');
		if (*reader->at == '\0')
			raise_syntax(reader);
		appendStringInfoCharMacro(&node->text, *reader->at);
		reader->at++;
	}
}

/* One component: each node is linked with the first. */
static void
read_component(MapReader *reader, CdpComponentMap *map, NodeText *first,
			   NodeText *node)
{
	NodeText   *next = first;

	if (!take(reader, '{'))
		raise_syntax(reader);
	do
	{
		CHECK_FOR_INTERRUPTS();
		if (reader->is_text)
		{
			read_text(reader, next);
			cdp_component_map_link_text(map, first->text.data, first->text.len,
										next->text.data, next->text.len);
		}
		else
		{
			read_bigint(reader, next);
			cdp_component_map_link(map, first->key, next->key);
		}
		next = node;
	} while (take(reader, ','));
	if (!take(reader, '}'))
		raise_syntax(reader);
}

/* The flat value that a text says. */
static Datum
read_map(const char *text, bool is_text)
{
	MapReader	reader = {text, text, is_text};
	CdpComponentMap *map = cdp_component_map(is_text);
	NodeText	first;
	NodeText	node;
	Size		size;
	void	   *flat;

	initStringInfo(&first.text);
	initStringInfo(&node.text);
	if (*text != '\0')
	{
		do
			read_component(&reader, map, &first, &node);
		while (take(&reader, ','));
		if (*reader.at != '\0')
			raise_syntax(&reader);
	}
	cdp_component_map_finish(map);
	size = EOH_get_flat_size(&map->header);
	flat = palloc(size);
	EOH_flatten_into(&map->header, flat, size);
	return PointerGetDatum(flat);
}

/* By component, then by node. */
static int
compare_places(const void *left, const void *right, void *arg)
{
	const CdpComponentView *view = arg;
	int32		a = *(const int32 *) left;
	int32		b = *(const int32 *) right;
	int			order;

	CHECK_FOR_INTERRUPTS();
	order = component_compare(view, view->smallest[a], view->smallest[b]);
	return order != 0 ? order : component_compare(view, a, b);
}

static void
write_node(StringInfo buffer, const CdpComponentView *view, int64 place)
{
	const char *bytes;
	int			length;

	if (!view->is_text)
	{
		appendStringInfo(buffer, INT64_FORMAT, component_bigint(view, place));
		return;
	}
	bytes = component_bytes(view, place, &length);
	appendStringInfoCharMacro(buffer, '"');
	for (int i = 0; i < length; i++)
	{
		if (bytes[i] == '"' || bytes[i] == '\\')
			appendStringInfoCharMacro(buffer, '\\');
		appendStringInfoCharMacro(buffer, bytes[i]);
	}
	appendStringInfoCharMacro(buffer, '"');
}

static void
write_map(StringInfo buffer, Datum value)
{
	CdpComponentView view;
	int32	   *places;
	int64		count = 0;

	cdp_component_view(value, &view);
	places = palloc_extended(sizeof(int32) * view.nnodes, MCXT_ALLOC_HUGE);
	for (int64 i = 0; i < view.count; i++)
	{
		if (view.smallest[i] >= 0)
			places[count++] = i;
	}
	qsort_arg(places, count, sizeof(int32), compare_places, &view);
	for (int64 i = 0; i < count; i++)
	{
		bool		starts = view.smallest[places[i]] == places[i];

		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoString(buffer, starts ? "},{" : ",");
		else
			appendStringInfoCharMacro(buffer, '{');
		write_node(buffer, &view, places[i]);
	}
	if (count > 0)
		appendStringInfoCharMacro(buffer, '}');
	pfree(places);
}

Datum
cdp_component_map_in(PG_FUNCTION_ARGS)
{
	return read_map(PG_GETARG_CSTRING(0), false);
}

Datum
cdp_text_component_map_in(PG_FUNCTION_ARGS)
{
	return read_map(PG_GETARG_CSTRING(0), true);
}

/* Of both types. */
Datum
cdp_component_map_out(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;

	initStringInfo(&buffer);
	write_map(&buffer, PG_GETARG_DATUM(0));
	PG_RETURN_CSTRING(buffer.data);
}

static Datum
receive_map(StringInfo message, bool is_text)
{
	int			length;

	return read_map(pq_getmsgtext(message, message->len - message->cursor,
								  &length), is_text);
}

Datum
cdp_component_map_recv(PG_FUNCTION_ARGS)
{
	return receive_map((StringInfo) PG_GETARG_POINTER(0), false);
}

Datum
cdp_text_component_map_recv(PG_FUNCTION_ARGS)
{
	return receive_map((StringInfo) PG_GETARG_POINTER(0), true);
}

/* Of both types. */
Datum
cdp_component_map_send(PG_FUNCTION_ARGS)
{
	StringInfoData text;
	StringInfoData buffer;

	initStringInfo(&text);
	write_map(&text, PG_GETARG_DATUM(0));
	pq_begintypsend(&buffer);
	pq_sendtext(&buffer, text.data, text.len);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}
