/*
 * context.h
 *		What a predicate's names mean in this store.
 *
 * SQL reads the tables and hands over one jsonb value, which
 * cdp._evaluation_context() keeps until one of them changes:
 *
 *		{"zone": "Europe/Berlin",
 *		 "events": {"order": 3, ...},					name -> name_id
 *		 "properties": {"order": {"category": 1}, ...},	name -> slot
 *						{"*": {"url": 2}},				of every event
 *		 "traits": {"country": "text", ...},			name -> type
 *		 "computed": {"idle": "days_since(any)", ...},	name -> expression
 *		 "segments": {"vip": "revenue > 1000", ...},	name -> predicate
 *		 "identifiers": ["email", ...],
 *		 "scores": ["clv", ...],
 *		 "channels": ["email", ...],
 *		 "purposes": ["marketing", ...],
 *		 "values": {"kind": ["known", ...], ...},		of fields that have few
 *		 "told_twice": {"order": "order_id", ...},		name -> business key, of
 *							events that more than one source may tell of; only
 *							of cdp.predicate_check()
 *		 "asks_suppressed": true}		some segment or trait calls suppressed()
 *
 * Looking a name up in it is a binary search and needs no table, so programs
 * compile in parallel workers.
 */
#ifndef CDP_SEGMENT_CONTEXT_H
#define CDP_SEGMENT_CONTEXT_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

typedef enum CdpNameSpace
{
	CDP_NAMES_EVENTS,
	CDP_NAMES_PROPERTIES,
	CDP_NAMES_TRAITS,
	CDP_NAMES_COMPUTED,
	CDP_NAMES_SEGMENTS,
	CDP_NAMES_IDENTIFIERS,
	CDP_NAMES_SCORES,
	CDP_NAMES_CHANNELS,
	CDP_NAMES_PURPOSES,
	CDP_NAMES_VALUES,
	CDP_NAMES_TOLD_TWICE,
	CDP_NAMES_NONE				/* of no use but to suggest from a given list */
} CdpNameSpace;

typedef struct CdpContext
{
	Jsonb	   *json;
} CdpContext;

/* What the name is there (a text is a copy); NULL: nothing. */
extern const char *cdp_segment_lookup_text(const CdpContext *context,
										   CdpNameSpace names, const char *name);

/* Its number there; -1: nothing. */
extern int	cdp_segment_lookup_number(const CdpContext *context,
									  CdpNameSpace names, const char *name);

/* Is it in a list of names? */
extern bool cdp_segment_lookup_member(const CdpContext *context,
									  CdpNameSpace names, const char *name);

/*
 * The slot of a property of an event, or for NULL of every event; -1: it is
 * not declared.
 */
extern int	cdp_segment_lookup_slot(const CdpContext *context,
									const char *event, const char *property);

/* Is it among the values of a field, or does the context not know these? */
extern bool cdp_segment_may_be_value(const CdpContext *context,
									 const char *field, const char *value);

/* The values of a field that the context knows, in quotes: 'a', 'b'. */
extern char *cdp_segment_list_values(const CdpContext *context,
									 const char *field);

/*
 * The name of an event or trait as the context has it: this one, or else how
 * the store would write it ("Product Viewed": product_viewed).  One that it
 * does not have either way stays as it is.
 */
extern const char *cdp_segment_stored_name(const CdpContext *context,
										   CdpNameSpace names,
										   const char *name);

extern const char *cdp_segment_store_zone(const CdpContext *context);

/*
 * "Did you mean ...?" with the known name nearest to this one, or to how the
 * store would write it ("Product Viewed": product_viewed), among those of the
 * context and the given ones; NULL: none is near.
 */
extern char *cdp_segment_suggest(const CdpContext *context,
								 CdpNameSpace names, const char *name,
								 const char *const *more, int nmore);

/* The same of the properties of an event (NULL: of every event). */
extern char *cdp_segment_suggest_property(const CdpContext *context,
										  const char *event,
										  const char *property,
										  const char *const *more, int nmore);

/* The same of the values of a field. */
extern char *cdp_segment_suggest_value(const CdpContext *context,
									   const char *field, const char *value);

#endif							/* CDP_SEGMENT_CONTEXT_H */
