/*
 * lexer.h
 *		The tokens of a predicate.
 *
 * The whole text is cut into tokens before parsing (it is at most 64 kB), so
 * the parser looks ahead by index.
 */
#ifndef CDP_SEGMENT_LEXER_H
#define CDP_SEGMENT_LEXER_H

typedef enum CdpTokenKind
{
	CDP_TOKEN_END,
	CDP_TOKEN_WORD,				/* text: folded to lower case */
	CDP_TOKEN_QUOTED,			/* text: a quoted name, unquoted */
	CDP_TOKEN_STRING,			/* text: unquoted */
	CDP_TOKEN_NUMBER,			/* text: canonical */
	CDP_TOKEN_DATE,				/* text: canonical */
	CDP_TOKEN_SYMBOL			/* text: = != < <= > >= + - * / ( ) , . */
} CdpTokenKind;

typedef struct CdpToken
{
	CdpTokenKind kind;
	int			position;		/* byte offset in the source */
	int			end;			/* first byte after it */
	const char *text;
} CdpToken;

/* lexer.c: an array that ends with CDP_TOKEN_END. */
extern CdpToken *cdp_segment_tokens(const char *source, int length);

/*
 * What word processors put for a quote or a blank: bytes of the mark at the
 * start of the text, 0 if there is none.  Only in quotes is it part of a name.
 */
extern int	cdp_segment_typeset_mark(const char *text);

/*
 * The one syntax error of the language: at byte offset position of source,
 * detail says what is wrong there, as a clause without a period.
 */
extern void cdp_segment_syntax_error(const char *source, int position,
									 const char *detail) pg_attribute_noreturn();

#endif							/* CDP_SEGMENT_LEXER_H */
