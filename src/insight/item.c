/*
 * item.c
 *		The products of an event of a timeline.
 *
 * A list is there as three, of ids, categories and quantities, each as long as
 * the list itself, or missing where no product has such a thing.  So a
 * list of products of one category each costs a timeline no more than their ids.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#include "insight/item.h"

/* See item.h. */
void
cdp_insight_put_text(Datum *value, bool *isnull, const CdpInsightText *text)
{
	*isnull = text->length == 0;
	if (!*isnull)
		*value = PointerGetDatum(cstring_to_text_with_len(text->data,
														  text->length));
}

/* See item.h. */
void
cdp_insight_init_items(CdpInsightItems *items)
{
	items->count = 0;
	items->max = 8;
	items->items = palloc(sizeof(CdpInsightItem) * items->max);
	items->context = AllocSetContextCreate(CurrentMemoryContext, "cdp items",
										   ALLOCSET_SMALL_SIZES);
}

/* The list that a property is; NULL: it is none. */
static JsonbContainer *
get_list(CdpInsightWalk *walk, CdpInsightProperty property)
{
	CdpTimelineValue value;
	JsonbValue	list;

	if (!cdp_insight_text(walk, walk->question.slots[property], &value) ||
		value.kind != CDP_TIMELINE_JSON || value.data[0] != '[')
		return NULL;
	cdp_timeline_to_json(&value, &list);
	return list.val.binary.data;
}

/* The element of a list that may be missing, or short; false: there is none. */
static bool
get_element(JsonbContainer *list, int place, JsonbValue *element)
{
	JsonbValue *found;

	if (list == NULL || place >= JsonContainerSize(list))
		return false;
	found = getIthJsonbValueFromContainer(list, place);
	*element = *found;
	return found->type != jbvNull;
}

/* What a JSON value says as text; a number has no zeros at its end. */
static CdpInsightText
get_text(const JsonbValue *value)
{
	CdpInsightText text;

	switch (value->type)
	{
		case jbvString:
			text.data = value->val.string.val;
			text.length = value->val.string.len;
			return text;
		case jbvNumeric:
			text.data = numeric_normalize(value->val.numeric);
			break;
		case jbvBool:
			text.data = value->val.boolean ? "true" : "false";
			break;
		case jbvBinary:
			text.data = JsonbToCString(NULL, value->val.binary.data,
									   value->val.binary.len);
			break;
		default:
			text.data = "";
	}
	text.length = strlen(text.data);
	return text;
}

/* The next item, with nothing in it yet. */
static CdpInsightItem *
next_item(CdpInsightItems *items, int position)
{
	CdpInsightItem *item;

	if (items->count == items->max)
	{
		items->max *= 2;
		items->items = repalloc_huge(items->items,
									 sizeof(CdpInsightItem) * items->max);
	}
	item = &items->items[items->count];
	memset(item, 0, sizeof(CdpInsightItem));
	item->product.data = item->category.data = "";
	item->position = position;
	return item;
}

/* A product has an id, which is a string or a number. */
static void
read_list(CdpInsightItems *items, CdpInsightWalk *walk, JsonbContainer *ids)
{
	JsonbContainer *categories = get_list(walk, CDP_INSIGHT_LISTED_CATEGORY);
	JsonbContainer *quantities = get_list(walk, CDP_INSIGHT_LISTED_QUANTITY);
	int			count = JsonContainerSize(ids);

	for (int i = 0; i < count; i++)
	{
		CdpInsightItem *item = next_item(items, i + 1);
		JsonbValue	value;

		if (!get_element(ids, i, &value) ||
			(value.type != jbvString && value.type != jbvNumeric))
			continue;
		item->product = get_text(&value);
		if (item->product.length == 0)
			continue;
		if (get_element(categories, i, &value))
			item->category = get_text(&value);
		item->has_quantity = get_element(quantities, i, &item->quantity);
		items->count++;
	}
}

/* A property of the event itself. */
static CdpInsightText
get_own(CdpInsightWalk *walk, CdpInsightProperty property, bool is_id)
{
	CdpTimelineValue value;
	CdpInsightText text = {.data = ""};

	if (cdp_insight_text(walk, walk->question.slots[property], &value) &&
		(!is_id || value.kind == CDP_TIMELINE_TEXT ||
		 value.kind == CDP_TIMELINE_NUMBER))
	{
		text.data = value.data;
		text.length = value.length;
	}
	return text;
}

static void
read_own(CdpInsightItems *items, CdpInsightWalk *walk)
{
	CdpInsightItem *item = next_item(items, 1);
	CdpTimelineValue quantity;

	item->product = get_own(walk, CDP_INSIGHT_PRODUCT_ID, true);
	item->category = get_own(walk, CDP_INSIGHT_CATEGORY, false);
	if (item->product.length == 0 && item->category.length == 0)
		return;
	if (cdp_insight_text(walk, walk->question.slots[CDP_INSIGHT_QUANTITY],
						 &quantity))
	{
		item->has_quantity = true;
		cdp_timeline_to_json(&quantity, &item->quantity);
	}
	items->count++;
}

/* See item.h. */
void
cdp_insight_read_items(CdpInsightItems *items, CdpInsightWalk *walk)
{
	MemoryContext caller;
	JsonbContainer *ids;

	MemoryContextReset(items->context);
	caller = MemoryContextSwitchTo(items->context);
	items->count = 0;
	ids = get_list(walk, CDP_INSIGHT_LISTED_PRODUCT_ID);
	if (ids != NULL)
		read_list(items, walk, ids);
	else
		read_own(items, walk);
	MemoryContextSwitchTo(caller);
}
