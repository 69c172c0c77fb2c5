/*
 * item.h
 *		Private to the insight room: the products of an event of a timeline.
 *
 * They are those of the event's list, or else the one that its own properties
 * tell, which may be only a category.  In SQL cdp._product_items() says the same
 * of an event of the log; the tests compare.
 */
#ifndef CDP_INSIGHT_ITEM_H
#define CDP_INSIGHT_ITEM_H

#include "utils/jsonb.h"

#include "insight/walk.h"

typedef struct CdpInsightText
{
	const char *data;
	uint32		length;			/* 0: none */
} CdpInsightText;

typedef struct CdpInsightItem
{
	int			position;		/* in the list, from 1 */
	CdpInsightText product;
	CdpInsightText category;
	bool		has_quantity;
	JsonbValue	quantity;		/* as it was sent */
} CdpInsightItem;

/* Those of an event; of use again for the next one. */
typedef struct CdpInsightItems
{
	int			count;
	int			max;
	CdpInsightItem *items;
	MemoryContext context;		/* of what they point to */
} CdpInsightItems;

/* Put a text into a column of a row; an empty one is NULL. */
extern void cdp_insight_put_text(Datum *value, bool *isnull,
								 const CdpInsightText *text);

extern void cdp_insight_init_items(CdpInsightItems *items);

/* Read those of the event in hand; they last until the next one is read. */
extern void cdp_insight_read_items(CdpInsightItems *items, CdpInsightWalk *walk);

#endif							/* CDP_INSIGHT_ITEM_H */
