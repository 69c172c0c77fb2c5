/*
 * bind.h
 *		What the files of the binder share.
 */
#ifndef CDP_SEGMENT_BIND_H
#define CDP_SEGMENT_BIND_H

#include "segment/program.h"

/* The state of binding one predicate. */
typedef struct CdpBinder
{
	CdpProgram *program;
	List	  **messages;		/* of CdpMessage * */
	pg_tz	   *zone;
	const CdpNode *event;		/* where-clause of this event, or NULL */
	bool		uses_zone;
	bool		is_value;		/* the expression of a computed trait */
} CdpBinder;

/* bind.c */
extern CdpExpr *cdp_segment_bind_expr(CdpBinder *binder, const CdpNode *node);
extern CdpExpr *cdp_segment_bind_question(CdpBinder *binder,
										  const CdpNode *node);
extern CdpExpr *cdp_segment_make_expr(CdpBinder *binder, CdpExprKind kind,
									  CdpType type, const CdpNode *node);
extern void cdp_segment_bind_args(CdpBinder *binder, CdpExpr *expr,
								  const CdpNode *node);
extern void cdp_segment_bind_error(CdpBinder *binder, int errcode,
								   const CdpNode *node, const char *text,
								   const char *hint);
extern void cdp_segment_bind_warning(CdpBinder *binder, const CdpNode *node,
									 const char *text, const char *hint);
extern bool cdp_segment_bind_need(CdpBinder *binder, const CdpExpr *expr,
								  CdpType type);
extern const char *cdp_segment_join_names(const List *names);

/* bind_time.c */
extern bool cdp_segment_bind_duration(CdpBinder *binder, const CdpNode *node,
									  CdpDuration *duration);
extern TimestampTz cdp_segment_bind_date(CdpBinder *binder,
										 const CdpNode *node);

/* bind_time.c: number the expression if it is a moment. */
extern void cdp_segment_note_moment(CdpBinder *binder, CdpExpr *expr);

/* bind_event.c */
extern CdpExpr *cdp_segment_bind_property(CdpBinder *binder,
										  const CdpNode *node,
										  const List *names);
extern CdpExpr *cdp_segment_bind_aggregate(CdpBinder *binder,
										   const CdpNode *node);
extern CdpExpr *cdp_segment_bind_sequence(CdpBinder *binder,
										  const CdpNode *node);

/* bind_computed.c */
extern CdpExpr *cdp_segment_bind_computed(CdpBinder *binder,
										  const CdpNode *node,
										  const char *name);

/* bind_closed.c: warn if one is a field that is never the other */
extern void cdp_segment_bind_closed(CdpBinder *binder, const CdpExpr *a,
									const CdpExpr *b);

/* bind_function.c */
extern CdpExpr *cdp_segment_bind_function(CdpBinder *binder,
										  const CdpNode *node);

#endif							/* CDP_SEGMENT_BIND_H */
