/*
 * parser.h
 *		What the two files of the parser share.
 *
 * parser.c reads expressions, parser_event.c reads what is about events:
 * aggregates, sequences, windows.  They call each other, since a where-clause
 * is an expression.
 */
#ifndef CDP_SEGMENT_PARSER_H
#define CDP_SEGMENT_PARSER_H

#include "segment/ast.h"
#include "segment/lexer.h"

typedef struct CdpParser
{
	const char *source;
	CdpToken   *token;			/* the next one */
	int			depth;			/* of the recursion */
} CdpParser;

/* parser.c */
extern CdpNode *cdp_segment_parse_or(CdpParser *parser);
extern CdpNode *cdp_segment_parse_add(CdpParser *parser);
extern CdpNode *cdp_segment_parse_path(CdpParser *parser);
extern const char *cdp_segment_parse_name(CdpParser *parser,
										  const char *expected);
extern bool cdp_segment_at_word(const CdpToken *token, const char *word);
extern bool cdp_segment_at_symbol(const CdpToken *token, const char *symbol);
extern bool cdp_segment_accept_word(CdpParser *parser, const char *word);
extern bool cdp_segment_accept_symbol(CdpParser *parser, const char *symbol);
extern void cdp_segment_need_word(CdpParser *parser, const char *word);
extern void cdp_segment_need_symbol(CdpParser *parser, const char *symbol);
extern void cdp_segment_expected(CdpParser *parser, const char *what)
			pg_attribute_noreturn();

/* parser_event.c */
extern int	cdp_segment_unit_of(const CdpToken *token);
extern CdpNode *cdp_segment_parse_duration(CdpParser *parser);
extern CdpNode *cdp_segment_parse_aggregate(CdpParser *parser, int kind);
extern CdpNode *cdp_segment_parse_sequence(CdpParser *parser);

#endif							/* CDP_SEGMENT_PARSER_H */
