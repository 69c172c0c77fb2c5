/*
 * lexer.c
 *		Cuts the text of a predicate into tokens.
 *
 * Only ASCII decides: letters fold, digits and white space are recognised
 * byte by byte, and every byte above 127 is a letter of a name.  That is
 * right in every server encoding, since none uses ASCII bytes inside its
 * longer characters, and it makes the language independent of locale.
 *
 * What word processors make of quotes and blanks is refused, or it would be a
 * letter of a name without anybody seeing it.  So are two minus signs in a row,
 * which SQL takes for a comment: here there are none.
 *
 * Numbers and dates leave here in their canonical form: no needless zeros,
 * and a time of midnight is the date alone.  A date must exist.
 *
 * A syntax error shows the line with a caret below the character, cut to a
 * window around it, whatever the length of the input.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/datetime.h"

#include "segment/ast.h"
#include "segment/lexer.h"

#define ECHO_LENGTH 100			/* bytes of input repeated in a message */
#define EXCERPT_LENGTH 30		/* characters shown on each side of a caret */

typedef struct Lexer
{
	const char *source;
	int			length;
	int			at;				/* next byte */
	CdpToken   *token;			/* the one being filled */
} Lexer;

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		IS_HIGHBIT_SET(c);
}

static bool
is_name_part(char c)
{
	return is_name_start(c) || is_digit(c);
}

/* Byte at an offset from the next one; NUL past the end. */
static char
peek(const Lexer *lexer, int offset)
{
	int			at = lexer->at + offset;

	return at < lexer->length ? lexer->source[at] : '\0';
}

/*
 * See lexer.h.  These are UTF-8; in other encodings the bytes are control
 * characters or no characters at all, which names do without as well.
 */
int
cdp_segment_typeset_mark(const char *text)
{
	static const char *const marks[] = {
		"\xE2\x80\x98", "\xE2\x80\x99",	/* single quotes */
		"\xE2\x80\x9C", "\xE2\x80\x9D",	/* double quotes */
		"\xC2\xA0"				/* no-break space */
	};

	for (int i = 0; i < lengthof(marks); i++)
		if (strncmp(text, marks[i], strlen(marks[i])) == 0)
			return strlen(marks[i]);
	return 0;
}

/* Append characters with control characters shown as blanks. */
static void
append_visible(StringInfo out, const char *text, int length)
{
	for (int i = 0; i < length; i++)
		appendStringInfoChar(out, (unsigned char) text[i] < ' ' ? ' ' : text[i]);
}

/* The part of the source around a position, and a caret below it. */
static char *
make_excerpt(const char *source, int position)
{
	StringInfoData out;
	const char *start = source;
	const char *stop;
	int			before = pg_mbstrlen_with_len(source, position);
	int			skipped = Max(before - EXCERPT_LENGTH, 0);
	int			width;

	for (int i = 0; i < skipped; i++)
		start += pg_mblen(start);
	stop = source + position;
	for (int i = 0; i < EXCERPT_LENGTH && *stop; i++)
		stop += pg_mblen(stop);
	initStringInfo(&out);
	appendStringInfoString(&out, skipped > 0 ? "... " : "");
	append_visible(&out, start, stop - start);
	appendStringInfoString(&out, *stop ? " ..." : "");
	width = (skipped > 0 ? 4 : 0) + before - skipped;
	appendStringInfo(&out, "\n%*s^", width, "");
	return out.data;
}

/* See lexer.h. */
void
cdp_segment_syntax_error(const char *source, int position, const char *detail)
{
	int			length = strlen(source);
	int			shown = pg_mbcliplen(source, length, ECHO_LENGTH);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%.*s%s\"",
					"cdp.predicate", shown, source,
					shown < length ? "..." : ""),
			 errdetail("At character %d: %s.\n%s",
					   pg_mbstrlen_with_len(source, position) + 1, detail,
					   make_excerpt(source, position))));
}

/* Refuse what a word processor made of a quote or a blank. */
static void
check_typeset(const Lexer *lexer)
{
	switch (cdp_segment_typeset_mark(lexer->source + lexer->at))
	{
		case 0:
			return;
		case 2:
			cdp_segment_syntax_error(lexer->source, lexer->at,
									 "this is a no-break space; write a plain one");
		default:
			cdp_segment_syntax_error(lexer->source, lexer->at,
									 "texts stand in single quotes ('), names in double quotes (\"), not in typographic ones");
	}
}

/* A token of the bytes since its position. */
static void
finish_token(Lexer *lexer, CdpTokenKind kind, const char *text)
{
	lexer->token->kind = kind;
	lexer->token->end = lexer->at;
	lexer->token->text = text;
}

/* A name; ASCII letters fold. */
static void
read_word(Lexer *lexer)
{
	int			start = lexer->at;
	char	   *word;

	for (; is_name_part(peek(lexer, 0)); lexer->at++)
		check_typeset(lexer);
	word = pnstrdup(lexer->source + start, lexer->at - start);
	for (char *c = word; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	finish_token(lexer, CDP_TOKEN_WORD, word);
}

/* Text in quotes; a doubled quote is one of its characters. */
static char *
read_quoted(Lexer *lexer, const char *unterminated)
{
	int			start = lexer->at;
	char		quote = peek(lexer, 0);
	StringInfoData text;

	initStringInfo(&text);
	for (lexer->at++;; lexer->at++)
	{
		if (lexer->at >= lexer->length)
			cdp_segment_syntax_error(lexer->source, start, unterminated);
		if (peek(lexer, 0) == quote && peek(lexer, 1) == quote)
			lexer->at++;
		else if (peek(lexer, 0) == quote)
			break;
		appendStringInfoChar(&text, peek(lexer, 0));
	}
	lexer->at++;
	return text.data;
}

/* Without leading zeros, nor trailing ones of the fraction. */
static char *
canonical_number(const char *text, int length)
{
	const char *point;

	while (length > 1 && text[0] == '0' && is_digit(text[1]))
	{
		text++;
		length--;
	}
	point = memchr(text, '.', length);
	if (point != NULL)
	{
		while (text[length - 1] == '0')
			length--;
		if (text + length - 1 == point)
			length--;
	}
	return pnstrdup(text, length);
}

static void
check_number_length(Lexer *lexer, int start)
{
	if (lexer->at - start > CDP_PREDICATE_MAX_NUMBER)
		cdp_segment_syntax_error(lexer->source, start,
								 psprintf("a number has at most %d characters",
										  CDP_PREDICATE_MAX_NUMBER));
}

static void
read_number(Lexer *lexer)
{
	int			start = lexer->at;

	while (is_digit(peek(lexer, 0)))
		lexer->at++;
	if (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1)))
		for (lexer->at++; is_digit(peek(lexer, 0));)
			lexer->at++;
	check_number_length(lexer, start);
	check_typeset(lexer);
	if (is_name_start(peek(lexer, 0)))
		cdp_segment_syntax_error(lexer->source, lexer->at,
								 "a number cannot run into a letter");
	finish_token(lexer, CDP_TOKEN_NUMBER,
				 canonical_number(lexer->source + start, lexer->at - start));
}

/* Do the next bytes look like the pattern, where 0 is any digit? */
static bool
looks_like(const Lexer *lexer, int offset, const char *pattern)
{
	for (int i = 0; pattern[i]; i++)
	{
		char		c = peek(lexer, offset + i);

		if (pattern[i] == '0' ? !is_digit(c) : c != pattern[i])
			return false;
	}
	return true;
}

static int
two_digits(const char *text)
{
	return (text[0] - '0') * 10 + text[1] - '0';
}

/* A date must be in the calendar, a time on the clock. */
static void
check_date(Lexer *lexer, int start, int length)
{
	const char *text = lexer->source + start;
	int			year = two_digits(text) * 100 + two_digits(text + 2);
	int			month = two_digits(text + 5);
	int			day = two_digits(text + 8);
	bool		valid = year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
		day <= day_tab[isleap(year)][Max(month, 1) - 1];

	if (length > 10)
		valid &= two_digits(text + 11) < 24 && two_digits(text + 14) < 60;
	if (length > 16)
		valid &= two_digits(text + 17) < 60;
	if (!valid)
		cdp_segment_syntax_error(lexer->source, start,
								 "there is no such date or time");
}

/* YYYY-MM-DD [ "T" hh:mm [:ss] ["Z"] ] */
static void
read_date(Lexer *lexer)
{
	int			start = lexer->at;
	int			length = 10;
	char	   *text;
	bool		utc;

	if (looks_like(lexer, length, "T00:00") || looks_like(lexer, length, "t00:00"))
		length += 6;
	if (length > 10 && looks_like(lexer, length, ":00"))
		length += 3;
	check_date(lexer, start, length);
	utc = length > 10 && (peek(lexer, length) == 'Z' || peek(lexer, length) == 'z');
	lexer->at += length + utc;
	check_typeset(lexer);
	if (is_name_part(peek(lexer, 0)))
		cdp_segment_syntax_error(lexer->source, lexer->at,
								 "a date cannot run into a letter or digit");
	text = pnstrdup(lexer->source + start, length);
	if (length > 10)
		text[10] = 'T';
	if (length > 16 && strcmp(text + 16, ":00") == 0)
		text[16] = '\0';
	if (!utc && length > 10 && strcmp(text + 10, "T00:00") == 0)
		text[10] = '\0';
	finish_token(lexer, CDP_TOKEN_DATE, utc ? psprintf("%sZ", text) : text);
}

/* An operator or a mark. */
static void
read_symbol(Lexer *lexer)
{
	static const char *const symbols[] = {
		"<>", "!=", "<=", ">=", "=", "<", ">", "+", "-", "*", "/",
		"(", ")", ",", "."
	};

	if (looks_like(lexer, 0, "--"))
		cdp_segment_syntax_error(lexer->source, lexer->at,
								 "there are no comments; between two minus signs stands a blank");
	for (int i = 0; i < lengthof(symbols); i++)
	{
		int			length = strlen(symbols[i]);

		if (strncmp(lexer->source + lexer->at, symbols[i], length) != 0)
			continue;
		lexer->at += length;
		finish_token(lexer, CDP_TOKEN_SYMBOL, i == 0 ? "!=" : symbols[i]);
		return;
	}
	cdp_segment_syntax_error(lexer->source, lexer->at,
							 "this character has no meaning here");
}

static void
read_token(Lexer *lexer)
{
	char		c = peek(lexer, 0);

	if (c == '\0')
		finish_token(lexer, CDP_TOKEN_END, NULL);
	else if (is_name_start(c))
		read_word(lexer);
	else if (c == '\'')
	{
		char	   *text = read_quoted(lexer, "this string has no closing quote");

		finish_token(lexer, CDP_TOKEN_STRING, text);
	}
	else if (c == '"')
	{
		int			start = lexer->at;
		char	   *text = read_quoted(lexer, "this quoted name has no closing quote");

		if (*text == '\0')
			cdp_segment_syntax_error(lexer->source, start,
									 "a name has at least one character");
		finish_token(lexer, CDP_TOKEN_QUOTED, text);
	}
	else if (looks_like(lexer, 0, "0000-00-00"))
		read_date(lexer);
	else if (is_digit(c))
		read_number(lexer);
	else
		read_symbol(lexer);
}

/* See lexer.h. */
CdpToken *
cdp_segment_tokens(const char *source, int length)
{
	Lexer		lexer = {source, length, 0, NULL};
	int			space = 32;
	int			count = 0;
	CdpToken   *tokens = palloc(space * sizeof(CdpToken));

	for (;;)
	{
		while (is_space(peek(&lexer, 0)))
			lexer.at++;
		if (count == space)
		{
			space *= 2;
			tokens = repalloc(tokens, space * sizeof(CdpToken));
		}
		lexer.token = &tokens[count++];
		lexer.token->position = lexer.at;
		read_token(&lexer);
		if (lexer.token->kind == CDP_TOKEN_END)
			return tokens;
	}
}
